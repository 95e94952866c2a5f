"""Streams that are not as recorded: without ids or numbers, with ids that repeat, with nulls, with doubled events."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark.ark.responses.items import ItemWriter
from tests.unit.ark.responses.streams import (
    Json,
    call,
    invoked,
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

WHOLE = response(
    reasoning(0, "First", "then.", encrypted_content="djF7"),
    search(1),
    reasoning(2, "That will do."),
    message(3, "Cabbage.", " Kale.", annotations=[page(1)]),
    call(4),
    call(5, '{"city":"上海"}'),
)


def check(events: list[Json], whole: Json = WHOLE) -> None:
    """A stream is the message that `invoke` gives, in each form."""
    made, total = invoked(whole), streamed(copy.deepcopy(events))
    for name in ("content", "additional_kwargs", "tool_calls", "invalid_tool_calls", "usage_metadata", "id"):
        assert getattr(total, name) == getattr(made, name), name
    assert plain(streamed(copy.deepcopy(events), blocks=True).content) == plain(made.content_blocks)
    shown = protocol_events(copy.deepcopy(events))
    assert_valid_event_stream(shown)
    assert [one["content"] for one in shown if one["event"] == "content-block-finish"] == plain(
        made.content_blocks
    )


def without(*names: str) -> Callable[[Json], Json]:
    """Takes fields out of an event."""
    return lambda event: {name: value for name, value in event.items() if name not in names}


def without_ids(event: Json) -> Json:
    """An event in which not even the item has an id."""
    item = event.get("item")
    return without("item_id")({**event, "item": without("id")(item)} if item else event)


@pytest.mark.parametrize(
    "change",
    [without("item_id"), without("output_index"), without("item_id", "output_index")],
    ids=["no item_id", "no output_index", "neither"],
)
def test_events_that_do_not_say_their_item_are_about_the_one_that_is_open(change: Callable[[Json], Json]) -> None:
    check([change(event) for event in stream_of(WHOLE)])


@pytest.mark.parametrize("numbered", [True, False])
def test_a_stream_in_which_nothing_has_an_id(numbered: bool) -> None:
    whole = copy.deepcopy(WHOLE)
    for item in whole["output"]:
        del item["id"]
    events = [without_ids(event) for event in stream_of(whole)]
    check(events if numbered else [without("output_index")(event) for event in events], whole)


def test_items_with_the_same_id_are_told_apart() -> None:
    whole = copy.deepcopy(WHOLE)
    for item in whole["output"]:
        item["id"] = "the_same"
    made = invoked(whole)
    assert made.content == "Cabbage. Kale."
    assert [one["id"] for one in made.tool_calls] == ["call_4", "call_5"]
    assert made.additional_kwargs["reasoning_content"] == "First\n\nthen.\n\nThat will do."
    check(stream_of(whole), whole)


@pytest.mark.parametrize("doubled", [".added", ".done", "created", "in_progress", "searching"])
def test_events_that_come_twice_count_once(doubled: str) -> None:
    check([copy for event in stream_of(WHOLE) for copy in [event] * (1 + event["type"].endswith(doubled))])


def test_an_item_that_is_announced_after_its_end_is_not_another() -> None:
    events = stream_of(WHOLE)
    late = [event for event in events if event["type"] == "response.output_item.added"]
    check([*events[:-1], *late, events[-1]])


NULLS = dict.fromkeys(("status", "content", "summary", "annotations", "text", "logprobs", "name", "action"))


def test_what_is_not_set_may_be_null() -> None:
    def filled(event: Json) -> Json:
        inner = {name: {**NULLS, **event[name]} for name in ("item", "part") if name in event}
        return {**dict.fromkeys(("logprobs", "obfuscation", "item_id")), **event, **inner}

    total = streamed([filled(event) for event in stream_of(WHOLE)])
    assert total.content == "Cabbage. Kale."
    assert total.tool_calls == invoked(WHOLE).tool_calls


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.created", "response": None},
        {"type": "response.output_item.added", "output_index": 0, "item": None},
        {"type": "response.content_part.done", "item_id": "msg_3", "output_index": 3, "part": None},
        {"type": "response.reasoning_summary_part.done", "item_id": "rs_0", "output_index": 0},
        {"type": "response.output_text.annotation.added", "item_id": "msg_3", "output_index": 3},
        {"type": "response.output_text.delta", "item_id": "msg_3", "output_index": 3, "delta": None},
        {"type": "response.output_text.done", "item_id": "msg_3", "output_index": 3, "text": None},
        {"type": "response.mcp_approval_request", "function_mcp_approval_request": None},
        {"type": "response.doubao_app_call_block.added", "block": None},
        {"type": None},
        {"type": 7},
        {"type": ["response.created"]},
        {},
    ],
    ids=str,
)
def test_an_event_of_nothing_harms_nothing(event: Json) -> None:
    events = stream_of(WHOLE)
    place = next(at for at, one in enumerate(events) if one.get("delta") == "bag") + 1
    for at in (2, place, len(events) - 1):
        total = streamed([*events[:at], event, *events[at:]])
        assert (total.content, total.tool_calls) == (invoked(WHOLE).content, invoked(WHOLE).tool_calls)
        assert len(total.additional_kwargs["output_items"]) == len(WHOLE["output"])


def changed(place: int, **fields: Any) -> Json:
    """The response, one of whose items its last event changes."""
    whole = copy.deepcopy(WHOLE)
    whole["output"][place].update(fields)
    return whole


@pytest.mark.parametrize("text", ["Cabbage and more.", "Radish."])
def test_a_text_that_changes_after_its_end_is_kept_beside_what_was_shown(text: str) -> None:
    last = changed(3, content=[{"type": "output_text", "text": text}, {"type": "output_text", "text": " Kale."}])
    events = [*stream_of(WHOLE)[:-1], stream_of(last)[-1]]
    total = streamed(events)
    assert total.content == "Cabbage. Kale."
    kept = total.additional_kwargs["output_items"][3]["content"]
    assert [(part["text"], part.get("shown")) for part in kept] == [(text, [0, 8]), ([8, 14], None)]
    blocks = protocol_events(events)
    assert_valid_event_stream(blocks)
    # What was shown is what the next turn says.
    writer = ItemWriter("volcengine", "Ark's Responses API", model="m")
    said = [item for _, item in writer.write_with_positions([HumanMessage("hi"), total, HumanMessage("on")])]
    assert [part["text"] for item in said if item.get("role") == "assistant" for part in item["content"]] == [
        "Cabbage. Kale."
    ]


def test_a_text_that_only_the_last_event_has_is_kept_in_the_item() -> None:
    parts = [*WHOLE["output"][3]["content"], {"type": "output_text", "text": " Radish."}]
    total = streamed([*stream_of(WHOLE)[:-1], stream_of(changed(3, content=parts))[-1]])
    assert total.content == "Cabbage. Kale."
    assert total.additional_kwargs["output_items"][3]["content"][2]["text"] == " Radish."


def test_thinking_may_be_a_text_alone() -> None:
    made = invoked(response({"type": "reasoning", "id": "rs_0", "summary": "I think."}, message(1, "Yes.")))
    assert made.additional_kwargs["reasoning_content"] == "I think."


def test_an_apps_block_is_the_same_in_every_form_where_a_piece_was_lost() -> None:
    block = {"id": "b0", "type": "output_text", "text": "It is so.", "status": "completed"}
    app = {"id": "da_0", "type": "doubao_app_call", "feature": "chat", "status": "completed", "blocks": [block]}
    events = [one for one in stream_of(response(app)) if one.get("delta") != "is "]
    total, blocks = streamed(events), streamed(events, blocks=True)
    assert total.content == "It so."
    assert plain(total.content_blocks) == plain(blocks.content)
    assert total.content_blocks[-1]["value"]["blocks"] == [block]


@pytest.mark.parametrize("ends", [True, False])
def test_a_character_that_two_deltas_share_is_whole_in_arguments_and_texts(ends: bool) -> None:
    whole = response(message(0, "😀"), call(1, '{"mood":"😀"}'))
    halves = ["\ud83d", "\ude00"]
    split: list[Json] = []
    for event in stream_of(whole, length=1, dones=ends):
        if not ends and event["type"] == "response.output_item.done":
            continue
        pieces = halves if event.get("delta") == "😀" else [event.get("delta")]
        split += [{**event, "delta": piece} if piece is not None else event for piece in pieces]
    if not ends:
        split[-1]["response"] = {**whole, "output": []}
    total = streamed(split)
    assert total.content == "😀"
    assert total.tool_calls[0]["args"] == {"mood": "😀"}
    assert total.additional_kwargs["output_items"][1]["arguments"] == '{"mood":"😀"}'
    json.dumps(total.additional_kwargs, ensure_ascii=False).encode()
