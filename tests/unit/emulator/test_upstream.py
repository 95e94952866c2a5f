"""Requests to and replies from the upstream server of the emulator."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.emulator.upstream.asking import question, switched
from langchain_volcark.emulator.upstream.client import check_url
from langchain_volcark.emulator.upstream.errors import UpstreamError, error_in, refusal
from langchain_volcark.emulator.upstream.replies import (
    CallPiece,
    Numbering,
    Piece,
    Total,
    Unprefixed,
    Usage,
    counted,
    read,
)


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1"),
        ("https://example.com/openai/", "https://example.com/openai"),
    ],
)
def test_an_address_without_a_path_gets_the_usual_one(given_url: str, used: str) -> None:
    assert check_url(given_url) == used


@given(prefix=st.text(max_size=6), rest=st.text(max_size=6), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_a_repeated_beginning_is_taken_off_wherever_the_text_is_cut(
    prefix: str, rest: str, cuts: list[int]
) -> None:
    text = prefix + rest
    places = sorted({0, len(text), *(min(one, len(text)) for one in cuts)})
    pieces = [text[a:b] for a, b in pairwise(places)] or [""]
    unprefixed = Unprefixed(prefix)
    said = "".join(unprefixed.add(piece, last=place == len(pieces) - 1) for place, piece in enumerate(pieces))
    assert said == rest


@given(prefix=st.text(min_size=1, max_size=4), text=st.text(max_size=8), cut=st.integers(0, 8))
def test_another_text_passes_whole(prefix: str, text: str, cut: int) -> None:
    if text.startswith(prefix):
        return
    unprefixed = Unprefixed(prefix)
    assert unprefixed.add(text[:cut], last=False) + unprefixed.add(text[cut:], last=True) == text


def test_calls_are_numbered_by_their_ids_where_their_numbers_are_all_the_same() -> None:
    numbering = Numbering()
    calls = [CallPiece(0, "a", "f", ""), CallPiece(0, None, None, "{}"), CallPiece(0, "b", "g", "{}")]
    assert [numbering.place(call) for call in calls] == [(0, True), (0, False), (1, True)]
    several = Numbering()
    assert [several.place(CallPiece(place, None, "f", "")) for place in (0, 1, 0)] == [
        (0, True),
        (1, True),
        (0, False),
    ]


def test_a_reply_and_an_event_are_read_alike() -> None:
    said = {"content": "So", "reasoning": "Hm.", "tool_calls": [{"id": "c", "function": {"name": "f"}}]}
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    for word in ("message", "delta"):
        found = read(
            {"choices": [{"index": 0, word: said, "finish_reason": "function_call"}], "usage": usage}, word
        )
        assert found.pieces == [Piece(0, "Hm.", "So", (CallPiece(0, "c", "f", ""),), finish_reason="tool_calls")]
        assert found.usage == Usage(1, 2)


@pytest.mark.parametrize("payload", [None, [], {}, {"choices": 5}, {"choices": [1]}, "words"])
def test_what_is_no_reply_is_said_to_be_none(payload: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        read(payload, "delta")
    assert caught.value.kind == "broken"


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner))
)
def test_no_body_of_an_error_is_too_odd(body: Any) -> None:
    assert isinstance(refusal(400, json.dumps({"error": body}).encode()), UpstreamError)
    assert refusal(502, b"\xff\xfe").kind == "broken"
    assert error_in({"error": None, "choices": []}) is None


def test_reasoning_that_was_not_counted_is_counted_but_never_above_the_answer() -> None:
    total = Total()
    total.add(Piece(reasoning="a long and winding thought", content="x"))
    assert counted(Usage(5, 3), 9, [total]) == Usage(5, 3, 0, 3)
    assert counted(Usage(5, 3, 0, 1), 9, [total]).reasoning == 1
    assert counted(None, 9, [total]).prompt == 9


def test_only_what_the_caller_set_is_asked() -> None:
    messages = [{"role": "user", "content": "Hi"}]
    assert question(messages, {"model": "x", "service_tier": "fast", "stream": True}).fields == {
        "messages": messages
    }
    sent = [{"role": "assistant", "content": None, "encrypted_content": "gAAAA", "tool_calls": [1]}]
    assert question(sent, {}).fields["messages"] == [{"role": "assistant", "content": "", "tool_calls": [1]}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, None),
        ({"thinking": {"type": "auto"}}, None),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"enable_thinking": False}, False),
    ],
)
def test_the_switch_of_thinking(body: dict[str, Any], expected: bool | None) -> None:
    assert switched(body) is expected
