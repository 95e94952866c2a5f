"""An agent's tools may return anything: the next question holds all of it, for every vendor, sync and async."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan
from langchain_volcark.emulator import Emulator
from tests.pictures import png
from tests.unit.tool_values import missing, tool_values

ASKED = {"messages": [("user", "Call look.")]}


class Tracer(BaseCallbackHandler):
    """With a handler, langchain-core reads messages once more, for tracing."""

    raise_error = True


def chat_model(name: str, emulator: Emulator, **arguments: Any) -> BaseChatModel:
    if name == "ark":
        arguments = {"model": "doubao-seed-2-1-pro-260915", **arguments}
        return ChatArk(api_key=emulator.api_key, base_url=emulator.ark_base_url, **arguments)
    if name == "bot":
        return ChatArkBot(model="bot-plain", api_key=emulator.api_key, base_url=emulator.ark_base_url, **arguments)
    if name == "qianfan":
        key, url = emulator.qianfan_api_key, emulator.qianfan_base_url
        return ChatQianfan(**{"model": "ernie-4.5-turbo-vl-32k", "api_key": key, "base_url": url, **arguments})
    token, url = emulator.qianfan_access_token, emulator.qianfan_v1_base_url
    return ChatQianfan(
        model="ernie-4.0-8k", api_version="v1", access_token=token, base_url=url, max_characters=0, **arguments
    )


def run(model: BaseChatModel, value: Any, emulator: Emulator, *, style: str = "invoke") -> Any:
    """What is sent for a tool's result, after an agent's whole turn."""

    def look() -> Any:
        """Look."""
        return value

    agent = create_agent(model, [look])
    config: Any = {"callbacks": [Tracer()]}
    if style == "ainvoke":
        state = asyncio.run(agent.ainvoke(ASKED, config))
    elif style == "stream":
        (*_, state) = agent.stream(ASKED, config, stream_mode="values")
    else:
        state = agent.invoke(ASKED, config)
    assert state["messages"][-1].content
    content = emulator.requests[-1].json["messages"][-1]["content"]
    if getattr(model, "api_version", "") == "v1":
        read = json.loads(content)
        return read["result"] if read.keys() == {"result"} else content
    return content


@pytest.mark.parametrize("style", ["invoke", "ainvoke", "stream"])
@pytest.mark.parametrize("name", ["ark", "bot", "qianfan", "qianfan v1"])
@settings(max_examples=10)
@given(value=tool_values)
def test_an_agent_survives_any_tool_result(name: str, style: str, running_emulator: Emulator, value: Any) -> None:
    running_emulator.reset()
    model = chat_model(name, running_emulator, streaming=style == "stream")
    assert missing(value, run(model, value, running_emulator, style=style)) == []


@pytest.mark.parametrize("name", ["ark", "bot", "qianfan", "qianfan v1"])
def test_a_pdf_from_a_tool_is_named_and_the_agent_goes_on(name: str, emulator: Emulator) -> None:
    pdf = {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "id": "lc_1"}
    content = run(chat_model(name, emulator), [{"type": "text", "text": "Found:"}, pdf], emulator)
    assert "application/pdf, 5 bytes" in (content if isinstance(content, str) else content[1]["text"])


def test_a_picture_from_a_tool_is_shown_to_a_model_that_sees_and_named_to_one_that_does_not(
    emulator: Emulator,
) -> None:
    picture = base64.b64encode(png(255, 0, 0)).decode()
    block = {"type": "image", "base64": picture}
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    for name in ("ark", "qianfan"):
        assert run(chat_model(name, emulator), [block], emulator) == [shown]
    for name, model in (("ark", "deepseek-v3-2-251201"), ("qianfan", "deepseek-v3.2")):
        assert "image, image/png" in run(chat_model(name, emulator, model=model), [block], emulator)
