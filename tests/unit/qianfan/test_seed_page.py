"""Every reply on the page of a custom V1 service, read to the exact message; every request, written as there.

https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of Dolly-12B.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata

from langchain_volcark import ChatQianfan
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import AuthenticationError

PAGE = json.loads((Path(__file__).parent / "seed_page.json").read_text(encoding="utf-8"))
REPLIES = PAGE["replies"]
STREAMS = PAGE["streams"]


@pytest.fixture
def model(emulator: Emulator) -> ChatQianfan:
    return ChatQianfan(
        api_version="v1",
        endpoint="ngxxxol8_test1",
        base_url=emulator.qianfan_v1_base_url,
        access_token=emulator.qianfan_access_token,
        max_retries=0,
    )


def usage(prompt: int, completion: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)


def expected(reply: dict[str, Any], text: str, request_id: str) -> AIMessage:
    return AIMessage(
        content=text,
        id=reply["id"],
        response_metadata={
            "model_provider": "qianfan",
            "request_id": request_id,
            "model_name": "ngxxxol8_test1",
            "created": reply["created"],
            "need_clear_history": False,
        },
        usage_metadata=usage(reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]),
    )


@pytest.mark.parametrize("name", list(REPLIES))
def test_a_whole_reply_of_the_page(model: ChatQianfan, emulator: Emulator, name: str) -> None:
    reply = REPLIES[name]
    emulator.reply_next(reply, headers={"X-Baidu-Request-Id": "r-1"})
    assert model.invoke("hi") == expected(reply, reply["result"], "r-1")


@pytest.mark.parametrize("name", list(STREAMS))
def test_a_stream_of_the_page(model: ChatQianfan, emulator: Emulator, name: str) -> None:
    events = STREAMS[name]
    emulator.reply_next(events, headers={"X-Baidu-Request-Id": "r-1"})
    chunks = list(model.stream("hi"))
    first, *rest = chunks
    whole = first + rest
    assert [chunk.content for chunk in chunks if chunk.content] == [event["result"] for event in events]
    text = "".join(event["result"] for event in events)
    message = expected(events[-1], text, "r-1")
    assert (whole.content, whole.id) == (message.content, message.id)
    assert whole.response_metadata == message.response_metadata
    assert whole.usage_metadata == message.usage_metadata
    assert [chunk.usage_metadata for chunk in chunks].count(None) == len(chunks) - 1
    assert isinstance(whole, AIMessageChunk)
    assert whole.chunk_position == "last"


async def test_a_stream_of_the_page_read_asynchronously(model: ChatQianfan, emulator: Emulator) -> None:
    events = STREAMS["http"]
    emulator.reply_next(events)
    text = "".join([chunk.text async for chunk in model.astream("hi")])
    assert text == "".join(event["result"] for event in events)


def messages(sent: list[dict[str, str]]) -> list[BaseMessage]:
    return [HumanMessage(one["content"]) if one["role"] == "user" else AIMessage(one["content"]) for one in sent]


@pytest.mark.parametrize("name", list(PAGE["requests"]))
def test_a_request_of_the_page(model: ChatQianfan, emulator: Emulator, name: str) -> None:
    body = PAGE["requests"][name]
    conversation = messages(body["messages"])
    if body.get("stream"):
        list(model.stream(conversation))
    else:
        model.invoke(conversation)
    (request,) = emulator.requests
    assert request.json == body
    assert request.path.endswith("/wenxinworkshop/chat/ngxxxol8_test1")
    assert request.headers["content-type"] == "application/json"
    assert dict(request.query) == {"access_token": emulator.qianfan_access_token}


def test_the_pages_error(model: ChatQianfan, emulator: Emulator) -> None:
    emulator.reply_next(PAGE["error"])
    with pytest.raises(AuthenticationError, match="Access token invalid or no longer valid") as caught:
        model.invoke("hi")
    assert (caught.value.code, caught.value.status_code) == ("110", 200)
    assert caught.value.body == PAGE["error"]


def test_the_token_exchange_of_the_page(emulator: Emulator) -> None:
    model = ChatQianfan(
        api_version="v1",
        endpoint="ngxxxol8_test1",
        base_url=emulator.qianfan_v1_base_url,
        client_id=emulator.client_id,
        client_secret=emulator.client_secret,
        token_url=emulator.token_url,
    )
    model.invoke("hi")
    exchange, call = emulator.requests
    assert exchange.path == "/oauth/2.0/token"
    assert dict(exchange.query) == {
        "grant_type": "client_credentials",
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
    }
    assert list(call.query) == ["access_token"]
