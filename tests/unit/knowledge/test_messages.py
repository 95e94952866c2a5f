"""The knowledge base's JSON on documented examples: replies in, messages out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_volcark.knowledge.messages import KnowledgeMessageWriter, parse_usage, read_reply

# The vendor's page, without the comments it has inside its JSON.
SEED_REPLY = {
    "generated_answer": "你好！有什么我可以帮助你的？",
    "usage": '{\n    "prompt_tokens":16,\n    "completion_tokens":6,\n    "total_tokens":22\n }\n',
}
REPLY: dict[str, Any] = {
    "code": 0,
    "message": "success",
    "request_id": "021735787050-demo",
    "data": {
        "generated_answer": "At 07:40.",
        "reasoning_content": "",
        "usage": '{"prompt_tokens":31,"completion_tokens":6,"total_tokens":37,"prompt_tokens_details":'
        '{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}\n',
    },
}


def write(*messages: BaseMessage) -> list[dict[str, Any]]:
    return KnowledgeMessageWriter("vikingdb", "The chat", reasoning="never").write(messages)


def test_the_vendors_own_reply() -> None:
    delta = read_reply({"code": 0, "data": SEED_REPLY})
    assert delta.text == "你好！有什么我可以帮助你的？"
    assert delta.usage == {"input_tokens": 16, "output_tokens": 6, "total_tokens": 22}
    assert not delta.metadata


def test_a_reply_with_details_and_an_id() -> None:
    delta = read_reply(REPLY)
    assert delta.text == "At 07:40."
    assert delta.reasoning == ""
    assert delta.usage == {
        "input_tokens": 31,
        "output_tokens": 6,
        "total_tokens": 37,
        "input_token_details": {"cache_read": 0},
        "output_token_details": {"reasoning": 0},
    }
    assert delta.metadata == {"request_id": "021735787050-demo"}


def test_fields_of_newer_clients_and_unknown_ones_are_kept() -> None:
    data = {"generated_answer": "x", "model": "m", "finish_reason": "length", "total_tokens": 9, "later": [1]}
    delta = read_reply({"code": 0, "data": data, "trace": "t", "empty": ""})
    assert (delta.model_name, delta.finish_reason) == ("m", "length")
    assert delta.metadata == {"total_tokens": 9, "later": [1], "trace": "t"}


@pytest.mark.parametrize("usage", ["", None, "\n", "{}", "null", {}])
def test_no_usage_is_no_usage(usage: Any) -> None:
    assert read_reply({"data": {"generated_answer": "x", "usage": usage}}).usage is None


def test_usage_that_cannot_be_read_is_kept_as_sent() -> None:
    delta = read_reply({"data": {"usage": "31 tokens"}})
    assert delta.usage is None
    assert delta.metadata == {"usage": "31 tokens"}


def test_usage_that_says_more_is_kept_whole() -> None:
    delta = read_reply({"data": {"usage": '{"prompt_tokens":1,"completion_tokens":1,"image_tokens":3}'}})
    assert delta.metadata["usage"]["image_tokens"] == 3


def test_usage_of_a_service_is_the_answering_models_part() -> None:
    token_usage = {
        "embedding_token_usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9},
        "rerank_token_usage": 120,
        "llm_token_usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
    }
    delta = read_reply({"data": {"token_usage": token_usage, "end": True}})
    assert delta.usage == {"input_tokens": 40, "output_tokens": 5, "total_tokens": 45}
    assert delta.metadata["token_usage"] == token_usage


@pytest.mark.parametrize("data", [{"end": True}, {"End": True}])
def test_the_last_payload_is_known_by_its_end(data: dict[str, Any]) -> None:
    assert read_reply({"data": data}).is_last


@pytest.mark.parametrize("data", [{}, {"end": False}, None, []])
def test_other_payloads_are_not_the_last(data: Any) -> None:
    assert not read_reply({"data": data}).is_last


def test_results_become_references() -> None:
    item = {"point_id": "p-1", "content": "Departs 07:40"}
    assert read_reply({"data": {"result_list": [item]}}).metadata == {"references": [item]}


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.integers()), st.sampled_from(["", "\n", "\r\n", "  "]))
def test_usage_is_read_whatever_stands_around_it(usage: dict[str, int], ending: str) -> None:
    assert parse_usage(json.dumps(usage) + ending) == (usage or None)


def test_the_vendors_own_conversation() -> None:
    assert write(
        SystemMessage("你是一个智能助手。"), HumanMessage("你好"), AIMessage("你好!有什么我可以帮助你的?")
    ) == [
        {"role": "system", "content": "你是一个智能助手。"},
        {"role": "user", "content": "你好"},
        {"role": "assistant", "content": "你好!有什么我可以帮助你的?"},
    ]


def test_images_in_every_form_become_image_url() -> None:
    parts: list[str | dict[Any, Any]] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": "https://example.com/b.png", "detail": "low"}},
    ]
    content = write(HumanMessage(parts))[0]["content"]
    assert content[1:] == [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/b.png", "detail": "low"}},
    ]


def test_names_are_not_sent() -> None:
    assert write(HumanMessage("hi", name="ann")) == [{"role": "user", "content": "hi"}]


def test_reasoning_is_not_sent_back() -> None:
    said = AIMessage(
        "07:40",
        additional_kwargs={"reasoning_content": "hm"},
        response_metadata={"model_provider": "vikingdb"},
    )
    assert write(said) == [{"role": "assistant", "content": "07:40"}]


CALL = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (ToolMessage("x", tool_call_id="1"), "no tools"),
        (FunctionMessage("x", name="f"), "no tools"),
        (AIMessage("", tool_calls=[CALL]), "ChatArk"),
        (ChatMessage("x", role="critic"), "no role 'critic'"),
        (HumanMessage([{"type": "tool_result", "tool_use_id": "1", "content": "x"}]), "no role 'tool'"),
        (HumanMessage([{"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"}]), "no audio"),
        (HumanMessage([{"type": "image", "file_id": "f"}]), "no file_id"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_position(message: BaseMessage, says: str) -> None:
    with pytest.raises(ValueError, match=r"messages\[1\]") as caught:
        write(HumanMessage("hi"), message)
    assert says in str(caught.value)
