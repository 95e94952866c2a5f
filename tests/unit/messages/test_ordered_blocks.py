"""Messages with several texts, reasonings and server tools: their order, their citations, in v0, v1 and v3."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.load import dumps, load
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.content_blocks import register
from langchain_volcark.messages.deltas import StreamDelta
from langchain_volcark.messages.events import EventRenderer
from langchain_volcark.messages.tool_calls import ToolCallDelta

register("ordered")

SEARCH = {"type": "server_tool_call", "id": "ws_1", "name": "web_search", "args": {"query": "十字花科"}}
FOUND = {"type": "server_tool_result", "tool_call_id": "ws_1", "status": "success", "output": ["a", "b"]}


def citation(number: int) -> dict[str, Any]:
    return {"type": "citation", "url": f"https://example.com/{number}", "title": f"Page {number}"}


def block_of(kind: str, number: int, text: str) -> dict[str, Any]:
    """One block in neutral terms."""
    if kind == "search":
        return {**SEARCH, "id": f"ws_{number}"}
    if kind == "call":
        return {"type": "tool_call", "id": f"c{number}", "name": "f", "args": {"a": text}}
    if kind == "cited":
        return {"type": "text", "text": text, "annotations": [citation(number)]}
    return {"type": kind, kind: text}


def deltas_of(blocks: list[dict[str, Any]], pieces: int = 1) -> list[list[StreamDelta]]:
    """Each block's deltas, in pieces, the last of which closes it."""
    found = []
    for number, block in enumerate(blocks):
        place = (number,)
        kind = block["type"]
        if kind == "tool_call":
            written = ToolCallDelta(number, block["id"], block["name"], json.dumps(block["args"]))
            one = [StreamDelta(tool_calls=[written], place=place)]
        elif kind in ("text", "reasoning"):
            text = block[kind]
            step = max(1, -(-len(text) // pieces))
            cut = [text[at : at + step] for at in range(0, len(text), step)]
            one = [StreamDelta(**{kind: piece, "place": place}) for piece in cut]
        else:
            one = [StreamDelta(block=block, place=place)]
        found.append([*one, StreamDelta(place=place, annotations=block.get("annotations", ()), closes=True)])
    return found


def whole(deltas: list[StreamDelta]) -> AIMessage:
    assembler = StreamAssembler("ordered")
    for delta in deltas:
        assembler.add(delta)
    assembler.finish()
    return assembler.message()


def summed(deltas: list[StreamDelta], *, blocks: bool = False) -> AIMessageChunk:
    renderer = ChunkRenderer(StreamAssembler("ordered"), blocks=blocks)
    generations = [generation for delta in deltas for generation in renderer.feed(delta)]
    chunks = [generation.message for generation in [*generations, *renderer.finish()]]
    if blocks:
        chunks = [_update_message_content_to_blocks(chunk, "v1") for chunk in chunks]
    first, *rest = chunks
    return first + rest if rest else first


def streamed_events(deltas: list[StreamDelta]) -> list[Any]:
    renderer = EventRenderer(StreamAssembler("ordered"))
    return [*(event for delta in deltas for event in renderer.feed(delta)), *renderer.finish()]


def plain(blocks: Any) -> list[dict[str, Any]]:
    """Blocks without what only streams have."""
    return [{key: value for key, value in block.items() if key != "index"} for block in blocks]


def flat(deltas: list[list[StreamDelta]]) -> list[StreamDelta]:
    return list(itertools.chain.from_iterable(deltas))


STORY = [
    block_of("reasoning", 0, "First I search."),
    SEARCH,
    FOUND,
    block_of("cited", 3, "Cabbage 卷心菜"),
    block_of("reasoning", 4, "Is that all?"),
    block_of("search", 5, ""),
    block_of("cited", 6, " and radish."),
]


@pytest.mark.parametrize("pieces", [1, 4])
def test_blocks_come_out_in_order_in_every_version(pieces: int) -> None:
    deltas = flat(deltas_of(STORY, pieces))
    message = whole(deltas)
    assert message.content == "Cabbage 卷心菜 and radish."
    assert message.additional_kwargs["reasoning_content"] == "First I search.\n\nIs that all?"
    assert plain(message.content_blocks) == STORY
    assert plain(summed(deltas).content_blocks) == STORY
    assert plain(summed(deltas, blocks=True).content) == STORY
    events = streamed_events(deltas)
    assert_valid_event_stream(events)
    assert [event["content"] for event in events if event["event"] == "content-block-finish"] == STORY


def test_a_sum_of_chunks_is_the_whole_message() -> None:
    deltas = flat(deltas_of(STORY, 3))
    total, message = summed(deltas), whole(deltas)
    for name in ("content", "additional_kwargs", "response_metadata", "tool_calls"):
        assert getattr(total, name) == getattr(message, name)


def test_citations_attach_to_their_own_text() -> None:
    texts = [block for block in whole(flat(deltas_of(STORY))).content_blocks if block["type"] == "text"]
    assert [block["annotations"][0]["title"] for block in texts] == ["Page 3", "Page 6"]


def test_a_block_is_finished_when_its_service_closes_it() -> None:
    events = streamed_events(flat(deltas_of(STORY)))
    finished = [event["index"] for event in events if event["event"] == "content-block-finish"]
    started = [event["index"] for event in events if event["event"] == "content-block-start"]
    assert finished == started == list(range(len(STORY)))
    names = [event["event"] for event in events]
    assert names.index("content-block-finish") < names.index(
        "content-block-start", names.index("content-block-start") + 1
    )


def test_the_consumer_of_events_sees_the_same_message() -> None:
    stream = ChatModelStream(message_id="m")
    for event in streamed_events(flat(deltas_of(STORY, 2))):
        stream.dispatch(event)
    assert plain(stream.output.content_blocks) == STORY


kinds = st.sampled_from(["text", "cited", "reasoning", "search", "call"])
stories = st.lists(st.tuples(kinds, st.text(min_size=1, max_size=8)), max_size=7).map(
    lambda parts: [block_of(kind, number, text) for number, (kind, text) in enumerate(parts)]
)


@given(stories, st.integers(1, 4))
def test_any_blocks_in_any_pieces_come_out_in_order(blocks: list[dict[str, Any]], pieces: int) -> None:
    deltas = flat(deltas_of(blocks, pieces))
    message = whole(deltas)
    assert plain(message.content_blocks) == blocks
    assert plain(summed(deltas).content_blocks) == blocks
    streamed = plain(summed(deltas, blocks=True).content)
    assert [one for one in streamed if one["type"] != "tool_call"] == [
        one for one in blocks if one["type"] != "tool_call"
    ]
    assert [one["id"] for one in streamed if one["type"] == "tool_call"] == [
        call["id"] for call in message.tool_calls
    ]
    events = streamed_events(deltas)
    assert_valid_event_stream(events)
    total = summed(deltas)
    assert total.content == message.content
    assert total.additional_kwargs == message.additional_kwargs


@given(stories, st.integers(1, 3), st.randoms(use_true_random=False))
def test_pieces_of_open_blocks_may_come_in_any_order(
    blocks: list[dict[str, Any]], pieces: int, random: Any
) -> None:
    """Each block's own pieces stay in order; what would break another block's text waits for its end."""
    queues = [list(one) for one in deltas_of(blocks, pieces)]
    deltas = []
    while queues:
        # Blocks begin in their order; any that has begun may go on.
        begun = [
            queue
            for number, queue in enumerate(queues)
            if number == 0 or queue[0].place in {d.place for d in deltas}
        ]
        fresh = next((queue for queue in queues if queue not in begun), None)
        queue = random.choice([*begun, fresh] if fresh and random.random() < 0.5 else begun)
        deltas.append(queue.pop(0))
        queues = [one for one in queues if one]
    message, total = whole(deltas), summed(deltas)
    assert plain(message.content_blocks) == blocks
    assert plain(total.content_blocks) == blocks
    assert total.content == message.content
    assert_valid_event_stream(streamed_events(deltas))


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_a_message_with_blocks_survives_json() -> None:
    message = whole(flat(deltas_of(STORY)))
    assert load(json.loads(dumps(message)), allowed_objects="messages").content_blocks == message.content_blocks


def test_a_broken_stream_keeps_what_waited_for_another_block() -> None:
    assembler = StreamAssembler("ordered")
    assembler.add(StreamDelta(text="one", place=(0,)))
    assembler.add(StreamDelta(text="two", place=(1,)))
    partial = assembler.partial()
    assert partial is not None
    assert partial.content == "onetwo"
    assert [block["text"] for block in partial.content_blocks] == ["one", "two"]
