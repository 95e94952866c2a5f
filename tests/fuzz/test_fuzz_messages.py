"""Arbitrary message histories give a valid body, or a `ValueError` with the position."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
)

from langchain_volcark.http.json import dump_json
from tests.calls import request_of
from tests.fuzz.junk import damaged, examples, nested, texts, values
from tests.fuzz.wire import CHAT

DATA = "data:image/png;base64,iVBORw0KGgo="
# One of each kind of block: LangChain's v1 and v0, OpenAI's (chat and responses), Anthropic's, Google's.
BLOCKS: list[Any] = [
    {"type": "text", "text": "绿", "annotations": [{"type": "citation", "url": "https://example.com"}]},
    {"type": "reasoning", "reasoning": "r", "extras": {"encrypted_content": "g"}},
    {"type": "tool_call", "id": "call_1", "name": "f", "args": {"a": 1}},
    {"type": "image", "url": DATA, "mime_type": "image/png", "extras": {"detail": "high"}},
    {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
    {"type": "video", "url": "https://example.com/v.mp4", "extras": {"fps": 1}},
    {"type": "audio", "base64": "AAAA", "mime_type": "audio/mp3"},
    {"type": "file", "base64": "eA==", "mime_type": "text/plain", "filename": "a.txt"},
    {"type": "file", "url": "https://example.com/a.pdf", "extras": {"filename": "a.pdf"}},
    {"type": "text-plain", "text": "t", "mime_type": "text/plain"},
    {"type": "non_standard", "value": {"type": "text", "text": "x"}},
    {"type": "image", "source_type": "base64", "data": "AAAA", "mime_type": "image/jpeg"},
    {"type": "file", "source_type": "text", "text": "t"},
    {"type": "image_url", "image_url": {"url": DATA, "detail": "low"}},
    {"type": "image_url", "image_url": DATA},
    {"type": "video_url", "video_url": {"url": "https://example.com/v.mp4", "fps": 2}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
    {"type": "input_image", "image_url": DATA},
    {"type": "input_file", "file_data": "data:text/plain;base64,eA=="},
    {"type": "refusal", "refusal": "no"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "t"}, "title": "t"},
    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "t"}]}},
    {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
    {
        "type": "tool_result",
        "tool_use_id": "call_1",
        "content": [{"type": "text", "text": "t"}],
        "is_error": False,
    },
    {"type": "thinking", "thinking": "r", "signature": "s"},
    {"type": "search_result", "title": "t", "source": "s", "content": [{"type": "text", "text": "t"}]},
    {"type": "media", "mime_type": "video/mp4", "file_uri": "https://example.com/v.mp4"},
    {"type": "web_search_call", "id": "ws_1", "action": {"query": "x"}},
    {"type": "something_new", "something_new": {"a": 1}},
    {"text": "no type"},
]
KEYS = {1: "a", None: "b", ("t",): "c", "type": b"bytes", "text": {"set"}}
blocks = st.sampled_from(BLOCKS).flatmap(damaged).filter(lambda block: isinstance(block, (str, dict)))
odd = st.dictionaries(st.sampled_from(list(KEYS)), st.sampled_from(list(KEYS.values())), max_size=3)
contents = texts | st.lists(texts | blocks | st.sampled_from(BLOCKS) | odd, max_size=3)
ids = st.sampled_from(["call_1", "call_2", "", "a" * 70])
calls = st.lists(
    st.builds(
        lambda id_, name, args: {"type": "tool_call", "id": id_, "name": name, "args": args},
        ids,
        texts,
        st.dictionaries(texts, values | st.just({1}) | st.just({("t",): 1}), max_size=2),
    ),
    max_size=2,
)
broken = st.lists(
    st.builds(
        lambda id_, name, args: {
            "type": "invalid_tool_call",
            "id": id_,
            "name": name,
            "args": args,
            "error": None,
        },
        st.none() | ids,
        st.none() | texts,
        st.none() | texts,
    ),
    max_size=1,
)
metadata = st.fixed_dictionaries(
    {},
    optional={
        "model_provider": st.sampled_from(["volcengine", "qianfan", "openai"]) | values,
        "model_name": values,
    },
)
kwargs = st.fixed_dictionaries(
    {}, optional={"reasoning_content": values, "encrypted_content": values, "function_call": values}
)
authors = st.none() | texts
messages = st.one_of(
    st.builds(HumanMessage, contents, name=authors),
    st.builds(SystemMessage, contents, name=authors),
    st.builds(
        AIMessage,
        contents,
        tool_calls=calls,
        invalid_tool_calls=broken,
        additional_kwargs=kwargs,
        response_metadata=metadata,
        name=authors,
    ),
    st.builds(AIMessageChunk, texts, additional_kwargs=kwargs),
    st.builds(ToolMessage, contents, tool_call_id=ids, name=authors, artifact=values),
    st.builds(FunctionMessage, texts, name=texts),
    st.builds(ChatMessage, contents, role=st.sampled_from(["user", "developer", "tool", "", "系统"])),
    st.builds(lambda id_: RemoveMessage(id=id_), ids),
)
openai = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system", "tool", "developer", "function"]),
        "content": contents,
    },
    optional={
        "name": texts,
        "tool_call_id": ids,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {"id": ids, "type": st.just("function")},
                optional={
                    "function": st.fixed_dictionaries({"name": texts, "arguments": texts | values.map(json.dumps)})
                },
            ),
            max_size=2,
        ),
        "function_call": values,
    },
)
POSITION = re.compile(r"messages?\b|nothing to send|last message", re.IGNORECASE)


def body_of(vendor: str, conversation: list[BaseMessage]) -> bytes | None:
    """The body as it would be sent; None where it is refused."""
    try:
        request = request_of(CHAT[vendor], conversation, None, stream=False)
    except ValueError as error:
        if POSITION.search(str(error)) is None:
            raise AssertionError("The text does not say where") from error
        return None
    try:
        return dump_json(request.body)
    except (TypeError, ValueError):  # as documented, for what is not JSON at all
        return None


@examples(500)
@given(st.sampled_from(sorted(CHAT)), st.lists(messages, max_size=4))
def test_a_history_becomes_a_body_or_a_value_error(vendor: str, conversation: list[BaseMessage]) -> None:
    kept = [repr(message) for message in conversation]
    body = body_of(vendor, conversation)
    assert [repr(message) for message in conversation] == kept, "a conversation is not changed by being sent"
    event("refused" if body is None else "a body")
    if body is None:
        return
    sent = json.loads(body)
    for item in sent.get("input", ()):
        assert isinstance(item["type"], str)
        assert item["type"] != "function_call" or isinstance(item["arguments"], str)
    for message in sent.get("messages", ()):
        assert isinstance(message["role"], str)
        for call in message.get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], str)


@pytest.mark.parametrize("vendor", sorted(CHAT))
def test_what_is_nested_too_deeply_for_python_is_a_value_error(vendor: str) -> None:
    deep = {"type": "search_result", "content": [{"type": "text", "text": "t"}]}
    for _ in range(2000):
        deep = {"type": "search_result", "content": [deep]}
    call = {"type": "tool_call", "id": "call_1", "name": "f", "args": {"a": nested(100_000)}}
    said = AIMessage("", tool_calls=[call])
    assert body_of(vendor, [HumanMessage([deep])]) is None
    assert body_of(vendor, [HumanMessage("?"), said, ToolMessage("t", tool_call_id="call_1")]) is None


@examples(150)
@given(st.sampled_from(sorted(CHAT)), st.lists(openai, min_size=1, max_size=3))
def test_openais_dicts_become_a_body_or_a_value_error(vendor: str, conversation: list[Any]) -> None:
    try:
        read = convert_to_messages(conversation)
    except Exception:  # noqa: BLE001 - core's own reading is not ours to hold to anything
        return
    body_of(vendor, read)


@examples(150)
@given(st.lists(messages, max_size=3), st.sampled_from(sorted(CHAT)))
def test_tokens_are_estimated_for_any_history_or_it_is_a_value_error(conversation: list[Any], vendor: str) -> None:
    try:
        assert CHAT[vendor].get_num_tokens_from_messages(conversation) >= 0
    except ValueError:
        event("refused")
