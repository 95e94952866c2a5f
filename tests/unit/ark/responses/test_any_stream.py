"""Any response in any legal order of events and any pieces is the message that `invoke` gives."""

from __future__ import annotations

import functools
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark.http.bodies import DONE, StreamDecoder
from tests.unit.ark.responses.streams import (
    Json,
    call,
    framed,
    invoked,
    item_events,
    message,
    page,
    plain,
    protocol_events,
    reasoning,
    response,
    search,
    stream_of,
    streamed,
)

texts = st.text(max_size=9)
said = st.text(min_size=1, max_size=9)
sources = st.lists(st.integers(1, 3).map(page), max_size=2, unique_by=lambda source: source["url"])


def app(number: int, answers: list[str]) -> Json:
    blocks = [
        {"id": f"b{number}_{at}", "type": "output_text", "text": text, "status": "completed"}
        for at, text in enumerate(answers)
    ]
    return {"id": f"da_{number}", "type": "doubao_app_call", "feature": "chat", "blocks": blocks}


def odd(number: int, name: str) -> Json:
    return {"id": f"x_{number}", "type": "dream", "status": "completed", "plot": name}


def message_of(number: int, parts: list[str], annotations: list[Json]) -> Json:
    return message(number, *parts, annotations=annotations)


@st.composite
def items(draw: Any, number: int) -> Json:
    kind = draw(st.sampled_from(["reasoning", "raw", "message", "call", "search", "app", "odd"]))
    if kind == "reasoning":
        sealed = draw(st.sampled_from([{}, {"encrypted_content": "djF7"}]))
        return reasoning(number, *draw(st.lists(texts, max_size=3)), **sealed)
    if kind == "raw":
        raw = [{"type": "reasoning_text", "text": text} for text in draw(st.lists(texts, min_size=1, max_size=2))]
        return reasoning(number, content=raw)
    if kind == "message":
        return message_of(number, draw(st.lists(texts, max_size=3)), draw(sources))
    if kind == "call":
        arguments = json.dumps(draw(st.dictionaries(texts, texts, min_size=1, max_size=2)), ensure_ascii=False)
        return call(number, draw(st.sampled_from(["", " "])) + arguments)
    if kind == "search":
        return search(number, draw(said))
    return app(number, draw(st.lists(said, max_size=2))) if kind == "app" else odd(number, draw(texts))


@st.composite
def responses(draw: Any) -> Json:
    return response(*(draw(items(number)) for number in range(draw(st.integers(0, 5)))))


def check(whole: Json, events: list[Json]) -> None:
    made, total = invoked(whole), streamed(events)
    for name in ("content", "additional_kwargs", "response_metadata", "tool_calls", "usage_metadata", "id"):
        assert getattr(total, name) == getattr(made, name), name
    blocks = plain(made.content_blocks)
    assert plain(total.content_blocks) == blocks
    shown = protocol_events(events)
    assert_valid_event_stream(shown)
    key = functools.partial(json.dumps, sort_keys=True)
    finished = [one["content"] for one in shown if one["event"] == "content-block-finish"]
    assert sorted(map(key, finished)) == sorted(map(key, blocks))
    streamed_blocks = plain(streamed(events, blocks=True).content)
    assert sorted(map(key, streamed_blocks)) == sorted(map(key, blocks))
    assert shown[-1].get("additional_kwargs", {}) == made.additional_kwargs


@given(responses(), st.integers(1, 4), st.booleans())
def test_items_one_after_the_other(whole: Json, length: int, dones: bool) -> None:
    events = stream_of(whole, length=length, dones=dones)
    check(whole, events)
    assert plain(streamed(events, blocks=True).content) == plain(invoked(whole).content_blocks)
    stream = ChatModelStream(message_id="m")
    for event in protocol_events(events):
        stream.dispatch(event)
    assert plain(stream.output.content_blocks) == plain(invoked(whole).content_blocks)


@given(responses(), st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_items_that_are_open_at_the_same_time(whole: Json, length: int, dones: bool, random: Any) -> None:
    """Items begin in their order; those that have begun go on in any."""
    queues = [item_events(index, item, length, dones=dones) for index, item in enumerate(whole["output"])]
    begun: list[list[Json]] = []
    events: list[Json] = []
    while queues or begun:
        if queues and (not begun or random.random() < 0.4):
            begun.append(queues.pop(0))
            events.append(begun[-1].pop(0))
            continue
        queue = random.choice(begun)
        events.append(queue.pop(0))
        begun = [one for one in begun if one]
    if any(item["type"] in ("doubao_app_call", "message") for item in whole["output"]):
        answers = {item["type"] for item in whole["output"]}
        if {"doubao_app_call", "message"} <= answers:
            return  # whether a message repeats an app's answer is told by what came before it
    check(whole, framed(whole, events))


def begins_call(event: Json) -> bool:
    """Whether a function call is announced: one that only the last event names comes after those shown already."""
    return bool(event["type"] == "response.output_item.added" and event["item"]["type"] == "function_call")


@given(responses(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_optional_events_may_be_missing(whole: Json, length: int, random: Any) -> None:
    """What repeats something, or announces it, may be missing; the last event says everything once more."""
    optional = (".added", ".done", "in_progress", "searching", "completed")
    events = [
        event
        for event in stream_of(whole, length=length)[2:-1]
        if not event["type"].endswith(optional) or begins_call(event) or random.random() < 0.6
    ]
    check(whole, framed(whole, events))


@given(responses(), st.integers(1, 60))
def test_bytes_in_any_pieces(whole: Json, length: int) -> None:
    frames = stream_of(whole)
    sent = "".join(f"event: {one['type']}\ndata: {json.dumps(one, ensure_ascii=False)}\n\n" for one in frames)
    data = f"{sent}data: [DONE]\n\n".encode()
    decoder = StreamDecoder()
    cut = [data[start : start + length] for start in range(0, len(data), length)]
    read = [event for piece in cut for event in decoder.feed(piece)]
    events = [json.loads(event) for event in [*read, *decoder.flush()] if event != DONE]
    assert events == frames
    check(whole, events)
