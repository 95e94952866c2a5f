"""Every field of a reply has its place, the same from `invoke` and from the sum of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.messages.content import KNOWN_BLOCK_TYPES

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.emulator.ark.answer import FILTER_OUTPUT
from langchain_volcark.messages import content_blocks

Make = Callable[..., ChatArk]

LOGPROB = {"token": "晴", "bytes": [1], "logprob": -0.1, "top_logprobs": []}
USAGE = {
    "prompt_tokens": 24,
    "completion_tokens": 60,
    "total_tokens": 84,
    "prompt_tokens_details": {"cached_tokens": 16, "provisioned_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 58},
}
ENVELOPE = {
    "id": "0217",
    "object": "chat.completion",
    "created": 1760000000,
    "model": "doubao-seed-2-1-pro-260915",
    "service_tier": "default",
    "tomorrow": {"a": 1},
}
CHOICE = {"index": 0, "moderation_hit_type": "violence", "choice_of_tomorrow": 7}
MESSAGE = {"role": "assistant", "content": "晴。", "reasoning_content": "想。", "encrypted_content": "gAAAA"}
CALLS = [
    {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"城市": "杭州"}'}},
    {"id": "call_b", "type": "function", "function": {"name": "g", "arguments": '{"cut": "of'}},
]
REPLY = {
    **ENVELOPE,
    "choices": [
        {
            **CHOICE,
            "finish_reason": "tool_calls",
            "logprobs": {"content": [LOGPROB, LOGPROB]},
            "message": {**MESSAGE, "tool_calls": CALLS},
        }
    ],
    "usage": USAGE,
}


def _payload(delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
    delta = {"role": "assistant", "content": "", **delta}
    return {**ENVELOPE, "choices": [{"index": 0, "delta": delta, **choice}], "usage": None}


def _fragment(index: int, arguments: str, **first: Any) -> dict[str, Any]:
    function = {"name": first.get("name"), "arguments": arguments}
    return _payload({"tool_calls": [{"index": index, "id": first.get("id"), "function": function}]})


PAYLOADS: list[Any] = [
    _payload({"reasoning_content": "想"}),
    _payload({"reasoning_content": "。"}),
    _payload({"reasoning_content": "", "encrypted_content": "gAAAA"}),
    _payload({"content": "晴"}, logprobs={"content": [LOGPROB]}),
    _payload({"content": "。"}, logprobs={"content": [LOGPROB]}),
    _fragment(0, "", id="call_a", name="f"),
    _fragment(0, '{"城市": '),
    _fragment(0, '"杭州"}'),
    _fragment(1, '{"cut": "of', id="call_b", name="g"),
    _payload({}, finish_reason="tool_calls", **{key: value for key, value in CHOICE.items() if key != "index"}),
    {**ENVELOPE, "choices": [], "usage": USAGE},
    "data: [DONE]",
]


def _sum(chunks: Any) -> AIMessageChunk:
    first, *rest = chunks
    return first + rest  # type: ignore[no-any-return]


def _ways(model: ChatArk, emulator: Emulator) -> list[AIMessage]:
    emulator.reply_next(REPLY, headers={"X-Request-Id": "req-1"})
    invoked = model.invoke("Hi")
    emulator.reply_next(PAYLOADS, headers={"X-Request-Id": "req-1"}, times=3)
    streamed = _sum(model.stream("Hi"))
    under_the_hood = model.invoke("Hi", stream=True)
    events = model.stream_events("Hi", version="v3")
    return [invoked, streamed, under_the_hood, events.output]  # type: ignore[list-item, attr-defined]


def test_every_row_of_the_table(model: ChatArk, emulator: Emulator) -> None:
    for message in _ways(model, emulator)[:3]:
        assert message.content == "晴。"
        assert message.id == "0217"
        assert message.additional_kwargs == {"reasoning_content": "想。", "encrypted_content": "gAAAA"}
        assert [(one["id"], one["name"], one["args"]) for one in message.tool_calls] == [
            ("call_a", "f", {"城市": "杭州"})
        ]
        assert [(one["id"], one["name"]) for one in message.invalid_tool_calls] == [("call_b", "g")]
        assert message.usage_metadata == {
            "input_tokens": 24,
            "output_tokens": 60,
            "total_tokens": 84,
            "input_token_details": {"cache_read": 16},
            "output_token_details": {"reasoning": 58},
        }
        assert message.response_metadata == {
            "model_name": "doubao-seed-2-1-pro-260915",
            "model_provider": "volcengine",
            "finish_reason": "tool_calls",
            "request_id": "req-1",
            "created": 1760000000,
            "service_tier": "default",
            "logprobs": {"content": [LOGPROB, LOGPROB]},
            "moderation_hit_type": "violence",
            "tomorrow": {"a": 1},
            "choice_of_tomorrow": 7,
            "usage": USAGE,
        }


def test_the_blocks_are_the_same_every_way(model: ChatArk, emulator: Emulator) -> None:
    expected = [
        {"type": "reasoning", "reasoning": "想。", "extras": {"encrypted_content": "gAAAA"}},
        {"type": "text", "text": "晴。"},
        {"type": "tool_call", "id": "call_a", "name": "f", "args": {"城市": "杭州"}},
    ]
    for message in _ways(model, emulator):
        blocks = [
            {key: value for key, value in block.items() if key != "index"} for block in message.content_blocks
        ]
        assert blocks[:3] == expected
        assert [block["type"] for block in blocks[3:]] == ["invalid_tool_call"]


def test_nothing_is_invented(model: ChatArk, emulator: Emulator) -> None:
    bare = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}]}
    emulator.reply_next({**bare, "logprobs": None, "service_tier": "", "usage": None, "tomorrow": []})
    message = model.invoke("Hi")
    assert message.usage_metadata is None
    assert message.additional_kwargs == {}
    assert set(message.response_metadata) <= {"model_provider", "finish_reason", "request_id"}


def test_the_first_chunk_names_the_model_and_the_last_has_the_usage(model: ChatArk) -> None:
    chunks = list(model.stream("Hi"))
    assert all(chunk.id == chunks[0].id for chunk in chunks)
    assert [bool(chunk.response_metadata.get("model_name")) for chunk in chunks].index(True) == 0
    assert sum("model_name" in chunk.response_metadata for chunk in chunks) == 1
    assert [chunk.usage_metadata is not None for chunk in chunks].count(True) == 1
    assert chunks[-1].chunk_position == "last"


# --- several answers ---------------------------------------------------------------------------------------------


async def test_generate_returns_all_answers(make: Make) -> None:
    model = make(model="doubao-1-5-pro-32k-250115", n=3)
    for result in (model.generate([[HumanMessage("Hi")]]), await model.agenerate([[HumanMessage("Hi")]])):
        answers = [generation.message for generation in result.generations[0]]  # type: ignore[union-attr]
        assert [answer.text for answer in answers] == [
            "You said: Hi",
            "You said: Hi (2)",
            "You said: Hi (3)",
        ]
        assert [answer.usage_metadata is not None for answer in answers] == [True, False, False]
        assert all(answer.response_metadata["finish_reason"] == "stop" for answer in answers)


# --- usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"chunk_include_usage": True}, {"chunk_include_usage": True, "include_usage": True}]
)
def test_usage_in_every_payload_is_counted_once(make: Make, emulator: Emulator, options: dict[str, bool]) -> None:
    invoked = make().invoke("Count to 20.")
    for streamed in (
        _sum(make(stream_options=options).stream("Count to 20.")),
        _sum(make().stream("Count to 20.", stream_options=options)),
    ):
        assert emulator.requests[-1].json["stream_options"] == options
        assert streamed.usage_metadata is not None
        assert invoked.usage_metadata is not None
        assert streamed.usage_metadata["output_tokens"] == invoked.usage_metadata["output_tokens"]
        assert streamed.usage_metadata["total_tokens"] == invoked.usage_metadata["total_tokens"]


# --- answers cut off ---------------------------------------------------------------------------------------------


def save(path: str, text: str) -> str:
    """Save a text to a file."""
    return path + text


@pytest.mark.parametrize("limit", range(1, 12))
@pytest.mark.parametrize("version", [None, "v1"])
def test_calls_cut_by_the_limit_are_never_executable(make: Make, limit: int, version: Any) -> None:
    bound = make(thinking="disabled", max_tokens=limit, output_version=version).bind_tools(
        [save], tool_choice="save"
    )
    prompt = "Call save with path: '/tmp/a.txt' and text: 'All of it, from the first word to the last.'"
    invoked, streamed = bound.invoke(prompt), _sum(bound.stream(prompt))
    events = bound.stream_events(prompt, version="v3").output  # type: ignore[attr-defined]
    for message in (invoked, streamed, events):
        assert message.response_metadata["finish_reason"] == "length"
        assert message.tool_calls == []
        assert "tool_call" not in {block["type"] for block in message.content_blocks}
    assert [one["name"] for one in invoked.invalid_tool_calls] == [
        one["name"] for one in streamed.invalid_tool_calls
    ]


# --- the service's filter ----------------------------------------------------------------------------------------


def test_an_answer_the_filter_cut_says_so(make: Make) -> None:
    model = make(thinking="disabled")
    for message in (model.invoke(f"{FILTER_OUTPUT} Hi"), _sum(model.stream(f"{FILTER_OUTPUT} Hi"))):
        assert message.response_metadata["finish_reason"] == "content_filter"
        assert message.response_metadata["moderation_hit_type"] == "severe_violation"


@pytest.mark.parametrize("knows", [True, False], ids=["core knows refusals", "core does not"])
@pytest.mark.parametrize("version", [None, "v1"])
async def test_the_filter_is_a_refusal_where_core_knows_one(
    make: Make, monkeypatch: pytest.MonkeyPatch, knows: bool, version: Any
) -> None:
    monkeypatch.setattr(content_blocks, "_KNOWS_REFUSALS", knows)
    model = make(thinking="disabled", output_version=version)
    prompt = f"{FILTER_OUTPUT} Hi"
    refusal = {"type": "refusal", "refusal": "", "extras": {"category": "severe_violation"}}
    messages = [
        model.invoke(prompt),
        await model.ainvoke(prompt),
        _sum(model.stream(prompt)),
    ]
    events = list(model.stream_events(prompt, version="v3"))
    finished = [event["content"]["type"] for event in events if event["event"] == "content-block-finish"]
    assert finished == (["text", "refusal"] if knows else ["text"])
    for message in messages:
        blocks = [{key: value for key, value in one.items() if key != "index"} for one in message.content_blocks]
        assert [one["type"] for one in blocks] == (["text", "refusal"] if knows else ["text"])
        assert (refusal in blocks) is knows
    assert "refusal" not in {one["type"] for one in model.invoke("Hi").content_blocks}


def test_the_feature_test_asks_core() -> None:
    assert content_blocks._KNOWS_REFUSALS is ("refusal" in KNOWN_BLOCK_TYPES)


@pytest.mark.skipif("refusal" not in KNOWN_BLOCK_TYPES, reason="core before 1.7.5 has no refusals")
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_core_raises_its_refusal_from_structured_output(make: Make, method: Any) -> None:
    from langchain_core.exceptions import ModelRefusalError  # type: ignore[attr-defined]

    schema = {"title": "a", "type": "object", "properties": {"x": {"type": "string"}}}
    asked = make(thinking="disabled").with_structured_output(schema, method=method)
    with pytest.raises(ModelRefusalError):
        asked.invoke(f"{FILTER_OUTPUT} json")
