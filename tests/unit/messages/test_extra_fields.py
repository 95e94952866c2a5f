"""Fields of a message that nobody reads by name: what comes in pieces is whole in the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessage, AIMessageChunk

import langchain_volcark.ark.blocks  # noqa: F401 - registers the translator
from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.events import EventRenderer
from langchain_volcark.wires.chat_completions.replies import read_payload, read_reply
from tests.unit.strategies import pieces


def payload(**delta: Any) -> dict[str, Any]:
    return {"id": "r1", "choices": [{"index": 0, "delta": delta}]}


def chunks(deltas: list[dict[str, Any]], *, v1: bool = False) -> list[AIMessageChunk]:
    renderer = ChunkRenderer(StreamAssembler("volcengine"), blocks=v1)
    generations = [one for delta in deltas for one in renderer.feed(read_payload(payload(**delta)))]
    messages = [one.message for one in [*generations, *renderer.finish()]]
    return [_update_message_content_to_blocks(one, "v1") for one in messages] if v1 else messages


def summed(deltas: list[dict[str, Any]], **how: Any) -> AIMessageChunk:
    first, *rest = chunks(deltas, **how)
    return first + rest if rest else first


def whole(**message: Any) -> AIMessage:
    assembler = StreamAssembler("volcengine")
    assembler.add(read_reply({"id": "r1", "choices": [{"index": 0, "message": message}]}))
    assembler.finish()
    return assembler.message()


def of_events(deltas: list[dict[str, Any]]) -> AIMessage:
    renderer = EventRenderer(StreamAssembler("volcengine"))
    stream = ChatModelStream()
    for delta in deltas:
        for event in renderer.feed(read_payload(payload(**delta))):
            stream.dispatch(event)
    for event in renderer.finish():
        stream.dispatch(event)
    assert stream.output_message is not None
    return stream.output_message


@pytest.mark.parametrize("name", ["encrypted_content", "reasoning", "refusal"])
@given(text=st.text(st.characters() | st.just("\U0001f600"), min_size=1), data=st.data())
def test_a_text_in_any_pieces_is_the_text_of_the_whole_reply(name: str, text: str, data: st.DataObject) -> None:
    deltas = [{name: piece} for piece in data.draw(pieces(text))]
    expected = whole(**{name: text}).additional_kwargs
    assert summed(deltas).additional_kwargs == expected
    assert summed(deltas, v1=True).additional_kwargs == expected
    assert of_events(deltas).additional_kwargs == expected


def test_a_text_is_shown_piece_by_piece() -> None:
    found = chunks([{"reasoning": "first "}, {"reasoning": "second"}])
    assert [chunk.additional_kwargs.get("reasoning") for chunk in found] == ["first ", "second", None]


def test_an_emoji_cut_in_half_is_joined() -> None:
    assert summed([{"reasoning": "a\ud83d"}, {"reasoning": "\ude00"}]).additional_kwargs == {
        "reasoning": "a\U0001f600"
    }
    assert summed([{"reasoning": "a\ud83d"}]).additional_kwargs == {"reasoning": "a\ufffd"}


def test_encrypted_reasoning_in_pieces_is_one_block() -> None:
    deltas = [{"reasoning_content": "hm"}, {"encrypted_content": "gAA"}, {"encrypted_content": "AAB"}]
    for total in (summed(deltas), summed(deltas, v1=True)):
        [block] = total.content_blocks
        assert (block["reasoning"], block["extras"]) == ("hm", {"encrypted_content": "gAAAAB"})


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([{"id": "a", "data": "AA"}, {"id": "a", "data": "BB", "expires_at": 9}, {"expires_at": 9}], None),
        ([[{"index": 0, "x": "a"}], [{"index": 0, "x": "b"}]], [{"index": 0, "x": "a"}, {"index": 0, "x": "b"}]),
        ([["a"], ["a", "b"]], ["a", "b"]),
        ([{"status": "on"}, {"status": "on"}], {"status": "on"}),
        ([1, 2], 2),
        (["a", 1, "b"], "ab"),
        ([1, "a"], 1),
    ],
)
def test_other_values_are_joined_and_the_sum_equals_the_events(parts: list[Any], expected: Any) -> None:
    expected = expected or {"id": "a", "data": "AABB", "expires_at": 9}
    deltas = [{"audio": part} for part in parts]
    assert summed(deltas).additional_kwargs == {"audio": expected}
    assert of_events(deltas).additional_kwargs == {"audio": expected}
