"""Tool calls in fragments: whatever the cutting, numbering and naming, the calls are those of the whole reply."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.load import dumps, load
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.messages.tool import tool_call_chunk
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

import langchain_volcark.ark.blocks  # noqa: F401 - registers the translator
from langchain_volcark.ark.bots.replies import read_bot_payload, read_bot_reply
from langchain_volcark.messages.assembler import StreamAssembler, StreamDelta
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.events import EventRenderer
from langchain_volcark.messages.tool_calls import INVALID_ARGUMENTS
from langchain_volcark.wires.chat_completions.replies import read_payload, read_reply
from tests.unit.strategies import json_values, pieces, texts

READERS = {"chat": (read_reply, read_payload), "bot": (read_bot_reply, read_bot_payload)}


def entry(index: Any = None, id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    """A call, or a fragment of one, as a service writes it."""
    known = {"name": name, "arguments": arguments}
    fields = {"index": index, "id": id, "type": "function"}
    found = {key: value for key, value in fields.items() if value is not None}
    return {**found, "function": {key: value for key, value in known.items() if value is not None}}


def payload(entries: list[dict[str, Any]], finish_reason: str | None = None) -> dict[str, Any]:
    delta = {"tool_calls": entries} if entries else {}
    return {"id": "r1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def whole(entries: list[dict[str, Any]], finish_reason: str = "tool_calls", service: str = "chat") -> AIMessage:
    """What `invoke` makes of a reply."""
    message = {"role": "assistant", "content": "", "tool_calls": entries}
    reply = {"id": "r1", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    assembler = StreamAssembler("volcengine")
    assembler.add(READERS[service][0](reply))
    assembler.finish()
    return assembler.message()


def deltas(parts: list[list[dict[str, Any]]], finish_reason: str, service: str) -> list[StreamDelta]:
    read = READERS[service][1]
    return [*(read(payload(part)) for part in parts), read(payload([], finish_reason))]


def chunks(
    parts: list[list[dict[str, Any]]],
    finish_reason: str = "tool_calls",
    *,
    v1: bool = False,
    service: str = "chat",
) -> list[AIMessageChunk]:
    renderer = ChunkRenderer(StreamAssembler("volcengine"), blocks=v1)
    generations = [one for delta in deltas(parts, finish_reason, service) for one in renderer.feed(delta)]
    messages = [one.message for one in [*generations, *renderer.finish()]]
    return [_update_message_content_to_blocks(one, "v1") for one in messages] if v1 else messages


def summed(parts: list[list[dict[str, Any]]], finish_reason: str = "tool_calls", **how: Any) -> AIMessageChunk:
    first, *rest = chunks(parts, finish_reason, **how)
    return first + rest if rest else first


def of_events(parts: list[list[dict[str, Any]]], finish_reason: str, service: str = "chat") -> AIMessage:
    renderer = EventRenderer(StreamAssembler("volcengine"))
    events = [one for delta in deltas(parts, finish_reason, service) for one in renderer.feed(delta)]
    events.extend(renderer.finish())
    assert_valid_event_stream(events)
    stream = ChatModelStream()
    for event in events:
        stream.dispatch(event)
    assert stream.output_message is not None
    return stream.output_message


def known_id(call: Any) -> str:
    """A call's id; one that was made for it has no value that could be compared."""
    made = str(call["id"]).startswith("call_")
    return "made" if made else call["id"]


def calls_of(message: AIMessage) -> list[Any]:
    """All that counts of a message's calls; the ids must be there and differ."""
    found = [*message.tool_calls, *message.invalid_tool_calls]
    assert all(call["id"] for call in found)
    assert len({call["id"] for call in found}) == len(found)
    assert all(call["name"] for call in message.tool_calls)
    valid = [(call["name"], call["args"], known_id(call)) for call in message.tool_calls]
    return [valid, [(call["name"], known_id(call)) for call in message.invalid_tool_calls]]


@dataclass
class Calls:
    """Calls of one reply, and how a service numbers and names them."""

    calls: list[tuple[str, str]]
    index: str
    ids: str
    repeated: bool

    def index_of(self, place: int) -> int | None:
        return {"right": place, "zero": 0, "missing": None}[self.index]

    def id_of(self, place: int) -> str | None:
        return {"own": f"c{place}", "equal": "c", "empty": "", "missing": None}[self.ids]

    def reply(self) -> list[dict[str, Any]]:
        return [
            entry(self.index_of(place), self.id_of(place), name, arguments)
            for place, (name, arguments) in enumerate(self.calls)
        ]

    def fragments(self, place: int, cut: list[str]) -> list[dict[str, Any]]:
        index, id_, name = self.index_of(place), self.id_of(place), self.calls[place][0]
        known = [number == 0 or self.repeated for number in range(len(cut))]
        return [
            entry(index, id_ if here else None, name if here else None, piece)
            for here, piece in zip(known, cut, strict=True)
        ]


OBJECTS = st.dictionaries(texts, json_values, max_size=3).map(json.dumps)
ANYTHING = st.one_of(
    OBJECTS, st.sampled_from(["", "null", "[1]", '"x"', "5", '{"a": ', '{"a": tru', '{"a": "x\\'])
)


@st.composite
def replies(draw: st.DrawFn) -> Calls:
    index = draw(st.sampled_from(["right", "zero", "missing"]))
    ids = draw(st.sampled_from(["own", "equal", "empty", "missing"]))
    told_apart = index == "right" or ids == "own"
    arguments = draw(st.lists(ANYTHING if told_apart else OBJECTS, min_size=1, max_size=3))
    if not told_apart and ids == "equal":
        arguments = [f'{{"place": {place}}}' for place in range(len(arguments))]  # one call twice is one call
    names = draw(st.lists(st.sampled_from(["f", "g"]), min_size=len(arguments), max_size=len(arguments)))
    return Calls(list(zip(names, arguments, strict=True)), index, ids, draw(st.booleans()))


@st.composite
def cuttings(draw: st.DrawFn, calls: Calls) -> list[list[dict[str, Any]]]:
    """Fragments of every size, of one call after the other or of all at once, any number of them in one payload."""
    lanes = [calls.fragments(place, draw(pieces(text))) for place, (_, text) in enumerate(calls.calls)]
    fragments = list(itertools.chain.from_iterable(lanes))
    if calls.index == "right" or (calls.ids == "own" and calls.repeated):
        turns = draw(st.permutations([number for number, lane in enumerate(lanes) for _ in lane[1:]]))
        fragments = [lane[0] for lane in lanes] + [lanes[turn].pop(1) for turn in turns]
    ends = sorted(draw(st.sets(st.integers(0, len(fragments)))) | {0, len(fragments)})
    return [fragments[start:end] for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize("service", READERS)
@given(replies(), st.sampled_from(["tool_calls", "length"]), st.data())
def test_any_cutting_and_joining_of_fragments_gives_the_calls_of_the_whole_reply(
    service: str, calls: Calls, finish_reason: str, data: st.DataObject
) -> None:
    parts = data.draw(cuttings(calls))
    expected = whole(calls.reply(), finish_reason, service)
    assert len(expected.tool_calls) + len(expected.invalid_tool_calls) == len(calls.calls)
    for found in (
        summed(parts, finish_reason, service=service),
        summed(parts, finish_reason, service=service, v1=True),
        of_events(parts, finish_reason, service),
        message_chunk_to_message(summed(parts, finish_reason, service=service)),
    ):
        assert calls_of(found) == calls_of(expected)


@given(replies(), st.data())
def test_no_chunk_holds_two_fragments_of_one_call(calls: Calls, data: st.DataObject) -> None:
    for chunk in chunks(data.draw(cuttings(calls)), data.draw(st.sampled_from(["tool_calls", "length"]))):
        indexes = [fragment["index"] for fragment in chunk.tool_call_chunks]
        assert len(set(indexes)) == len(indexes)


@given(replies(), st.data())
def test_the_id_of_a_call_is_the_same_in_chunks_sum_and_blocks(calls: Calls, data: st.DataObject) -> None:
    parts = data.draw(cuttings(calls))
    messages = chunks(parts, v1=True)
    total = messages[0] + messages[1:]
    in_chunks = {one["id"] for message in messages for one in message.tool_call_chunks} - {None}
    in_sum = {call["id"] for call in [*total.tool_calls, *total.invalid_tool_calls]}
    in_blocks = {block.get("id") for block in total.content_blocks if "tool_call" in block["type"]}
    assert in_chunks == in_sum == in_blocks


def test_fragments_of_one_call_in_one_payload_are_one_call() -> None:
    start, rest = entry(0, "c1", "rm", ""), entry(0, arguments='{"path": "/data/a"}')
    for parts in ([[start, rest]], [[start, entry(0, arguments='{"path": ')], [entry(0, arguments='"/data/a"}')]]):
        total = summed(parts)
        assert calls_of(total) == [[("rm", {"path": "/data/a"}, "c1")], []]
        assert len(total.tool_call_chunks) == 1


def test_two_entries_of_a_whole_reply_are_two_calls_whatever_their_ids_and_numbers() -> None:
    for index, id_ in itertools.product((None, 0), (None, "", "c1")):
        message = whole([entry(index, id_, "get", '{"city": "X"}'), entry(index, id_, "get", '{"city": "X"}')])
        assert [call["args"] for call in message.tool_calls] == [{"city": "X"}] * 2
        assert len({call["id"] for call in message.tool_calls}) == 2


@pytest.mark.parametrize("first", ["", "{}", '{"a": ', '"x', "null", "oops"])
@pytest.mark.parametrize("id_", [None, "", "c1"])
def test_an_entry_of_a_whole_reply_is_never_glued_to_its_neighbour(id_: str | None, first: str) -> None:
    message = whole([entry(None, id_, "f", first), entry(None, id_, "f", '{"b": 1}')])
    assert message.tool_calls[-1]["args"] == {"b": 1}
    assert len(message.tool_calls) + len(message.invalid_tool_calls) == 2


def test_fragments_in_a_whole_reply_are_never_run_without_their_arguments() -> None:
    message = whole([entry(0, "c1", "rm", ""), entry(0, arguments='{"path": "/data/a"}')])
    assert calls_of(message) == [[("rm", {"path": "/data/a"}, "c1")], []]


def test_an_entry_without_a_name_is_an_invalid_call_and_leaves_its_neighbour_alone() -> None:
    named, nameless = entry(None, None, "a", '{"p": 1}'), entry(None, None, "", '{"q": 2}')
    message = whole([named, nameless])
    assert calls_of(message) == [[("a", {"p": 1}, "made")], [(None, "made")]]
    assert message.invalid_tool_calls[0]["error"] is not None


@pytest.mark.parametrize("arguments", ["", "{}", '{"q": 2}', '{"q": '])
def test_a_call_whose_name_never_came_is_invalid_everywhere(arguments: str) -> None:
    parts = [[entry(0, "c1", None, "")], [entry(0, None, "", arguments)]]
    for found in (whole(parts[0]), summed(parts), summed(parts, v1=True), of_events(parts, "tool_calls")):
        assert calls_of(found) == [[], [(None, "c1")]]


@pytest.mark.parametrize("arguments", ["null", "[]", '[{"a": 1}]', '"{}"', "1", "true", [], [1], False, 0])
def test_arguments_that_are_json_but_no_object_are_invalid(arguments: Any) -> None:
    entries = [entry(0, "c1", "f", arguments)]
    for found in (whole(entries), summed([entries]), summed([entries], v1=True), of_events([entries], "stop")):
        assert calls_of(found) == [[], [("f", "c1")]]


def test_a_name_sent_with_every_fragment_begins_no_second_call() -> None:
    parts = [[entry(None, None, "f", piece)] for piece in ('{"a"', ": {}", "}", "", " ")]
    assert calls_of(summed(parts)) == [[("f", {"a": {}}, "made")], []]


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("arguments", ["", '{"p": 1}'])
def test_a_name_in_pieces_is_one_name(arguments: str, together: bool) -> None:
    fragments = [entry(0, "c", "delete", ""), entry(0, None, "_preview", ""), entry(0, None, None, arguments)]
    parts = [fragments] if together else [[fragment] for fragment in fragments]
    expected = calls_of(whole([entry(0, "c", "delete_preview", arguments)]))
    for found in (summed(parts), summed(parts, v1=True), of_events(parts, "tool_calls")):
        assert calls_of(found) == expected


def test_another_name_without_index_begins_another_call() -> None:
    parts = [[entry(None, None, "f", '{"a"')], [entry(arguments=": 1}")], [entry(None, None, "g", "{}")]]
    assert calls_of(summed(parts)) == [[("f", {"a": 1}, "made"), ("g", {}, "made")], []]


def test_a_call_that_is_sent_whole_once_more_is_run_once() -> None:
    call = entry(0, "c1", "pay", '{"yuan": 5}')
    assert calls_of(summed([[call], [call]])) == [[("pay", {"yuan": 5}, "c1")], []]


def test_an_id_that_comes_after_the_name_does_not_split_the_call() -> None:
    parts = [[entry(0, None, "f", '{"a"')], [entry(0, "c1", None, ": 1}")], [entry(0, "c1", None, " ")]]
    assert calls_of(summed(parts)) == [[("f", {"a": 1}, "made")], []]


@pytest.mark.parametrize("index", [True, "x", {}, [0]])
def test_an_index_that_is_no_number_counts_as_missing(index: Any) -> None:
    parts = [[entry(index, "c1", "f", '{"a"')], [entry(index, None, None, ": 1}")]]
    assert calls_of(summed(parts)) == [[("f", {"a": 1}, "c1")], []]


def test_half_an_emoji_at_the_end_of_arguments_is_not_lost() -> None:
    assert whole([entry(0, "c1", "f", '{"a": "\ud83d')]).invalid_tool_calls[0]["args"] == '{"a": "\ufffd'


def after_the_sum(total: AIMessageChunk, more: str) -> list[AIMessage]:
    """What programs do with a sum: add to it, validate it again, write it and read it."""
    added = total + AIMessageChunk("", tool_call_chunks=[tool_call_chunk(args=more, index=0)])
    loaded = load(json.loads(dumps(total)), allowed_objects="core")
    validated = AIMessageChunk.model_validate(total.model_dump())
    return [added, total + AIMessageChunk(""), loaded, validated, message_chunk_to_message(added)]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@given(st.dictionaries(texts, json_values, min_size=1, max_size=2).map(json.dumps), st.data())
def test_a_call_cut_by_length_stays_invalid_whatever_is_added_or_validated_later(
    text: str, data: st.DataObject
) -> None:
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    more = data.draw(st.sampled_from([text[len(cut) :], "{}", "}", '"}', "]}", "\\", '{"a": 1}', ""]) | texts)
    parts = [[entry(0, "c1", "rm", piece)] for piece in data.draw(pieces(cut))]
    for v1 in (False, True):
        total = summed(parts, "length", v1=v1)
        for message in [total, *after_the_sum(total, more)]:
            assert message.tool_calls == []
            assert "tool_call" not in [block["type"] for block in message.content_blocks]
            assert (message.invalid_tool_calls[0]["args"] or "").startswith(cut)
    [at_the_end] = of_events(parts, "length").invalid_tool_calls
    assert (at_the_end["args"] or "", at_the_end["error"]) == (cut, INVALID_ARGUMENTS)


def test_a_call_that_a_filter_cut_before_its_arguments_is_invalid() -> None:
    entries = [entry(0, "c1", "rm", "")]
    assert calls_of(whole(entries, "content_filter")) == [[], [("rm", "c1")]]
    assert calls_of(summed([entries], "content_filter")) == [[], [("rm", "c1")]]


def test_blocks_of_a_sum_name_the_error_of_an_invalid_call() -> None:
    entries = [entry(0, "c1", "rm", '{"path": "/da')]
    [found], [expected] = summed([entries], "length").content_blocks, whole(entries, "length").content_blocks
    assert found["type"] == expected["type"] == "invalid_tool_call"
    assert found["error"] == expected["error"]
