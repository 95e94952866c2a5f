"""Replies as recordings of the real services have them: how the emulator sends them, and what the client makes of them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from langchain_volcark import ArkEmbeddings, ChatArk, ChatArkBot, ChatQianfan
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import ContextLengthError

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ark(emulator: Emulator, **arguments: Any) -> ChatArk:
    defaults = {
        "model": "doubao-seed-2-1-pro-260915",
        "api_key": emulator.api_key,
        "base_url": emulator.ark_base_url,
    }
    return ChatArk(**{**defaults, **arguments})


def post(base_url: str, path: str, key: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{base_url}{path}", json=body, headers={"Authorization": f"Bearer {key}"})


def payloads(text: str, prefix: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix(prefix) for line in text.splitlines() if line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def hello(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}


def test_a_reply_is_packed_and_names_its_request_in_body_and_headers(emulator: Emulator) -> None:
    reply = post(emulator.ark_base_url, "/chat/completions", emulator.api_key, hello("doubao-1-5-pro-32k-250115"))
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.headers["server"] == "istio-envoy"
    assert reply.headers["x-client-request-id"].startswith("unknown-")
    assert reply.headers["x-request-id"] == reply.json()["id"]
    message = ark(emulator).invoke("Hello")
    assert message.response_metadata["request_id"] == message.id


def test_tool_calls_come_whole_in_the_last_chunk_of_some_models(emulator: Emulator) -> None:
    body = hello("doubao-seed-code-preview-251028", stream=True, tools=[TOOL], tool_choice="required")
    reply = post(emulator.ark_base_url, "/chat/completions", emulator.api_key, body)
    choices = [chunk["choices"][0] for chunk in payloads(reply.text, "data: ") if chunk["choices"]]
    assert [("finish_reason" in one) for one in choices if one["delta"].get("tool_calls")] == [True]
    model = ark(emulator, model="doubao-seed-code-preview-251028").bind_tools([TOOL])
    whole = model.invoke("Weather in Paris? get_weather")
    chunks = list(model.stream("Weather in Paris? get_weather"))
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk  # type: ignore[assignment]
    assert [(one["name"], one["args"]) for one in total.tool_calls] == [  # type: ignore[attr-defined]
        (one["name"], one["args"]) for one in whole.tool_calls
    ]


def test_a_bots_events_have_no_blank_and_no_logprobs(emulator: Emulator) -> None:
    body = hello("bot-20250101000000-abcde")
    text = post(emulator.ark_base_url, "/bots/chat/completions", emulator.api_key, {**body, "stream": True}).text
    assert {line[:6] for line in text.splitlines() if line} == {"data:{", "data:["}
    whole = post(emulator.ark_base_url, "/bots/chat/completions", emulator.api_key, body).json()
    assert all("logprobs" not in choice for choice in whole["choices"])
    bot = ChatArkBot(model="bot-20250101000000-abcde", api_key=emulator.api_key, base_url=emulator.ark_base_url)
    assert "".join(chunk.text for chunk in bot.stream("Hello")) == bot.invoke("Hello").text


def test_encrypted_thinking_begins_like_the_real_one(emulator: Emulator) -> None:
    message = ark(emulator, model="doubao-seed-2-0-lite-260428").invoke("Hello")
    assert message.additional_kwargs["encrypted_content"].startswith("dj")


def test_a_multimodal_embedding_may_be_nothing_but_its_vector(emulator: Emulator) -> None:
    model = ArkEmbeddings(
        model="doubao-embedding-vision-251215", api_key=emulator.api_key, base_url=emulator.ark_base_url
    )
    assert len(model.embed_query("Hello")) == len(model.embed_documents(["Hello"])[0])


def test_usage_of_qianfan_stands_beside_the_finish_reason(emulator: Emulator) -> None:
    body = hello(
        "deepseek-v3.2", stream=True, stream_options={"include_usage": True}, thinking={"type": "enabled"}
    )
    reply = post(emulator.qianfan_base_url, "/chat/completions", emulator.qianfan_api_key, body)
    chunks = payloads(reply.text, "data: ")
    assert ["usage" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    first = chunks[0]["choices"][0]
    assert first["delta"].keys() == {"content", "reasoning_content"}
    assert first["delta"]["content"] is None
    model = ChatQianfan(
        model="deepseek-v3.2", api_key=emulator.qianfan_api_key, base_url=emulator.qianfan_base_url
    )
    total = None
    for chunk in model.stream("Hello"):
        total = chunk if total is None else total + chunk
    assert total is not None
    assert total.usage_metadata == model.invoke("Hello").usage_metadata  # type: ignore[attr-defined]


def test_a_prompt_too_long_for_qianfan_is_read_behind_its_second_json_text(emulator: Emulator) -> None:
    model = ChatQianfan(
        model="deepseek-v3.2", api_key=emulator.qianfan_api_key, base_url=emulator.qianfan_base_url
    )
    with pytest.raises(ContextLengthError) as caught:
        model.invoke("word " * 60_000)
    assert caught.value.code == "invalid_argument"
    assert caught.value.request_id


def test_a_wrong_path_of_qianfan_is_plain_text(emulator: Emulator) -> None:
    reply = post(emulator.qianfan_base_url, "/chat/nothing", emulator.qianfan_api_key, {})
    assert (reply.status_code, reply.text) == (404, "404 page not found")


def test_a_packaged_services_key_opens_searches(emulator: Emulator) -> None:
    url = f"{emulator.knowledge_base_url}/api/knowledge/collection/search_knowledge"
    headers = {"Authorization": f"Bearer {emulator.service_api_key}"}
    assert httpx.post(url, json={"name": "demo", "query": "x"}, headers=headers).json()["code"] == 0
