"""The assembler: any splitting of a reply gives the same message, as chunks, as events and as a whole."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

import langchain_volcark.ark.blocks  # noqa: F401 - registers the translator
from langchain_volcark.messages.assembler import StreamAssembler, StreamDelta
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.events import EventRenderer
from langchain_volcark.messages.tool_calls import ToolCallDelta
from tests.unit.strategies import Answer, answers, json_values, split_answer, texts


def whole(answer: Answer) -> AIMessage:
    assembler = StreamAssembler("volcengine", {"request_id": "req-1"})
    assembler.add(answer.as_delta())
    assembler.finish()
    return assembler.message()


def chunks_of(deltas: list[StreamDelta], *, blocks: bool = False) -> list[AIMessageChunk]:
    renderer = ChunkRenderer(StreamAssembler("volcengine", {"request_id": "req-1"}), blocks=blocks)
    generations = [generation for delta in deltas for generation in renderer.feed(delta)]
    generations.extend(renderer.finish())
    return [generation.message for generation in generations]


def summed(deltas: list[StreamDelta]) -> AIMessageChunk:
    first, *rest = chunks_of(deltas)
    return first + rest if rest else first


def facts(message: AIMessage) -> dict[str, Any]:
    return {
        name: getattr(message, name)
        for name in (
            "content",
            "id",
            "additional_kwargs",
            "response_metadata",
            "tool_calls",
            "invalid_tool_calls",
            "usage_metadata",
        )
    }


@given(answers(), st.data())
def test_any_splitting_of_an_answer_sums_to_the_whole_message(answer: Answer, data: st.DataObject) -> None:
    deltas = data.draw(split_answer(answer))
    assert facts(summed(deltas)) == facts(whole(answer))


def without_index(blocks: list[Any]) -> list[Any]:
    return [{key: value for key, value in block.items() if key != "index"} for block in blocks]


@given(answers(), st.data())
def test_content_blocks_of_the_sum_equal_those_of_the_whole(answer: Answer, data: st.DataObject) -> None:
    deltas = data.draw(split_answer(answer))
    assert without_index(summed(deltas).content_blocks) == without_index(whole(answer).content_blocks)


def summed_as_blocks(deltas: list[StreamDelta]) -> AIMessageChunk:
    """As core sums a stream whose output version is v1."""
    first, *rest = [_update_message_content_to_blocks(chunk, "v1") for chunk in chunks_of(deltas, blocks=True)]
    return first + rest if rest else first


def by_kind(blocks: list[Any]) -> list[Any]:
    """In a stream a block stands where its first piece came; only the order among equals is promised."""
    return sorted(without_index(blocks), key=lambda block: block["type"])


@given(answers(), st.data())
def test_blocks_of_a_v1_stream_equal_those_of_the_whole(answer: Answer, data: st.DataObject) -> None:
    total = summed_as_blocks(data.draw(split_answer(answer)))
    assert by_kind(total.content) == by_kind(whole(answer).content_blocks)
    metadata = {key: value for key, value in total.response_metadata.items() if key != "output_version"}
    assert metadata == whole(answer).response_metadata


@given(answers(), st.data())
def test_any_splitting_gives_a_valid_event_stream_with_the_same_message(
    answer: Answer, data: st.DataObject
) -> None:
    renderer = EventRenderer(StreamAssembler("volcengine", {"request_id": "req-1"}))
    events = [event for delta in data.draw(split_answer(answer)) for event in renderer.feed(delta)]
    events.extend(renderer.finish())
    assert_valid_event_stream(events)
    stream = ChatModelStream()
    for event in events:
        stream.dispatch(event)
    expected = whole(answer)
    output = stream.output_message
    assert output is not None
    assert output.text == expected.text
    assert output.tool_calls == expected.tool_calls
    assert output.usage_metadata == expected.usage_metadata
    assert output.additional_kwargs == expected.additional_kwargs
    metadata = {key: value for key, value in output.response_metadata.items() if key != "output_version"}
    assert metadata == expected.response_metadata
    assert by_kind(output.content_blocks) == by_kind(expected.content_blocks)


def test_every_chunk_has_the_id_and_only_the_last_is_last() -> None:
    chunks = chunks_of([StreamDelta(text="a", id="r1"), StreamDelta(text="b"), StreamDelta(finish_reason="stop")])
    assert [chunk.id for chunk in chunks] == ["r1"] * 3
    assert [chunk.chunk_position for chunk in chunks] == [None, None, "last"]


def test_the_model_stands_on_the_first_chunk_and_the_finish_reason_on_the_last() -> None:
    chunks = chunks_of(
        [
            StreamDelta(text="a", model_name="m"),
            StreamDelta(text="b", model_name="m"),
            StreamDelta(finish_reason="stop"),
        ]
    )
    assert [chunk.response_metadata.get("model_name") for chunk in chunks] == ["m", None, None]
    assert [chunk.response_metadata.get("finish_reason") for chunk in chunks] == [None, None, "stop"]


def test_a_model_name_that_comes_late_is_not_lost() -> None:
    total = summed([StreamDelta(text="a"), StreamDelta(model_name="m", finish_reason="stop")])
    assert total.response_metadata["model_name"] == "m"


def test_cumulative_usage_in_every_payload_counts_once() -> None:
    def usage(tokens: int) -> Any:
        return {"input_tokens": 3, "output_tokens": tokens, "total_tokens": 3 + tokens}

    total = summed([StreamDelta(text="a", usage=usage(1)), StreamDelta(text="b", usage=usage(2))])
    assert total.usage_metadata == usage(2)


def test_logprobs_of_all_payloads_are_kept_in_order() -> None:
    def logprobs(token: str) -> dict[str, Any]:
        return {"logprobs": {"content": [{"token": token}]}}

    total = summed([StreamDelta(text=token, metadata=logprobs(token)) for token in "abc"])
    assert [item["token"] for item in total.response_metadata["logprobs"]["content"]] == ["a", "b", "c"]


def call(index: int | None = 0, id: str | None = None, name: str | None = None, args: str = "") -> StreamDelta:
    return StreamDelta(tool_calls=[ToolCallDelta(index=index, id=id, name=name, arguments=args)])


def names_and_args(message: AIMessage) -> list[tuple[str, dict[str, Any], str | None]]:
    return [(found["name"], found["args"], found["id"]) for found in message.tool_calls]


def test_name_and_id_repeated_on_every_fragment_stand_once() -> None:
    total = summed([call(0, "c1", "f", '{"x"'), call(0, "c1", "f", ": 1"), call(0, "c1", "f", "}")])
    assert names_and_args(total) == [("f", {"x": 1}, "c1")]


def test_empty_id_and_name_on_later_fragments_change_nothing() -> None:
    total = summed([call(0, "c1", "f", '{"x"'), call(0, "", "", ": 1}")])
    assert names_and_args(total) == [("f", {"x": 1}, "c1")]


def test_fragments_without_index_belong_to_the_last_call() -> None:
    total = summed([call(None, "c1", "f", "{"), call(None, None, None, "}"), call(None, "c2", "g", "{}")])
    assert names_and_args(total) == [("f", {}, "c1"), ("g", {}, "c2")]


def test_two_calls_that_both_claim_index_zero_stay_apart() -> None:
    total = summed([call(0, "c1", "f", '{"a": 1}'), call(0, "c2", "g", '{"b"'), call(0, None, None, ": 2}")])
    assert names_and_args(total) == [("f", {"a": 1}, "c1"), ("g", {"b": 2}, "c2")]


def test_interleaved_fragments_of_parallel_calls_stay_apart() -> None:
    total = summed([call(0, "c1", "f"), call(1, "c2", "g"), call(0, args='{"a": 1}'), call(1, args='{"b": 2}')])
    assert names_and_args(total) == [("f", {"a": 1}, "c1"), ("g", {"b": 2}, "c2")]


def test_text_and_a_call_in_one_payload_both_arrive() -> None:
    delta = StreamDelta(
        text="Looking.", tool_calls=[ToolCallDelta(0, "c1", "f", "{}")], finish_reason="tool_calls"
    )
    total = summed([delta])
    assert total.content == "Looking."
    assert names_and_args(total) == [("f", {}, "c1")]


@given(st.data())
def test_cut_arguments_are_never_executable(data: st.DataObject) -> None:
    text = json.dumps(data.draw(st.dictionaries(texts, json_values, min_size=1, max_size=2)))
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    total = summed([call(0, "c1", "f", cut), StreamDelta(finish_reason="length")])
    assert total.tool_calls == []
    assert total.invalid_tool_calls[0]["id"] == "c1"
    assert (total.invalid_tool_calls[0]["args"] or "").startswith(cut)
    whole_call = StreamAssembler("volcengine")
    whole_call.add(call(0, "c1", "f", cut))
    whole_call.add(StreamDelta(finish_reason="length"))
    message = whole_call.message()
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == cut


def test_an_emoji_split_over_two_deltas_is_joined() -> None:
    total = summed([StreamDelta(text="a\ud83d"), StreamDelta(text="\ude00b"), StreamDelta(finish_reason="stop")])
    assert total.content == "a\U0001f600b"


def test_half_an_emoji_at_the_end_becomes_a_replacement_character() -> None:
    total = summed([StreamDelta(text="a\ud83d"), StreamDelta(finish_reason="stop")])
    assert total.content == "a\ufffd"


def test_partial_is_none_until_something_came() -> None:
    assembler = StreamAssembler("volcengine")
    assert assembler.partial() is None
    assembler.add(StreamDelta(reasoning="hm"))
    partial = assembler.partial()
    assert partial is not None
    assert partial.additional_kwargs == {"reasoning_content": "hm"}


def test_a_call_cut_by_a_break_is_invalid_in_partial_even_without_arguments() -> None:
    assembler = StreamAssembler("volcengine")
    assembler.add(call(0, "c1", "f"))
    partial = assembler.partial()
    assert partial is not None
    assert partial.tool_calls == []
    assert partial.invalid_tool_calls[0]["id"] == "c1"


def references(*titles: str) -> StreamDelta:
    return StreamDelta(metadata={"references": [{"title": title} for title in titles]})


def titles_of(message: AIMessage) -> list[str]:
    return [reference["title"] for reference in message.response_metadata["references"]]


def test_references_stand_on_the_chunk_they_came_with() -> None:
    deltas = [references("a"), StreamDelta(text="x"), references("a", "b"), StreamDelta(finish_reason="stop")]
    chunks = chunks_of(deltas)
    assert [chunk.response_metadata.get("references") for chunk in chunks] == [
        [{"title": "a"}],
        None,
        [{"title": "b"}],
        None,
    ]
    assert titles_of(summed(deltas)) == ["a", "b"]


def test_references_sent_twice_are_kept_once() -> None:
    assert titles_of(summed([references("a", "b"), StreamDelta(text="x"), references("a", "b")])) == ["a", "b"]


def test_where_a_later_list_begins_with_the_earlier_one_the_later_stands() -> None:
    assert titles_of(summed([references("a"), references("a", "b", "a")])) == ["a", "b", "a"]


def test_lists_of_which_none_begins_the_other_are_joined() -> None:
    assert titles_of(summed([references("a", "b"), references("b", "c")])) == ["a", "b", "c"]


def test_two_sources_of_one_number_stay_two() -> None:
    def found(title: str) -> StreamDelta:
        return StreamDelta(metadata={"search_results": [{"index": 1, "title": title}]})

    total = summed([found("a"), StreamDelta(text="x"), found("b")])
    assert [one["title"] for one in total.response_metadata["search_results"]] == ["a", "b"]


def test_an_echo_in_every_payload_is_said_once_and_new_keys_when_they_come() -> None:
    def echo(**keys: str) -> StreamDelta:
        return StreamDelta(text="x", metadata={"metadata": keys})

    deltas = [echo(a="1"), echo(a="1", status="searching"), echo(a="1"), echo(a="2")]
    shown = [chunk.response_metadata.get("metadata") for chunk in chunks_of(deltas)]
    assert shown == [{"a": "1"}, {"status": "searching"}, None, None, None]
    assert summed(deltas).response_metadata["metadata"] == {"a": "1", "status": "searching"}
    assembler = StreamAssembler("volcengine")
    for delta in deltas:
        assembler.add(delta)
    assert assembler.message().response_metadata["metadata"] == {"a": "1", "status": "searching"}


def test_citations_of_a_v1_stream_have_their_places_though_the_references_came_first() -> None:
    total = summed_as_blocks([references("a"), StreamDelta(text="Yes"), StreamDelta(text="[1].")])
    [block] = without_index(total.content)
    [citation] = block["annotations"]
    assert block["text"][citation["start_index"] : citation["end_index"]] == "[1]"


def test_references_without_a_text_are_no_block() -> None:
    total = summed([references("a"), StreamDelta(finish_reason="stop")])
    assert total.content_blocks == []
    assert summed_as_blocks([references("a"), StreamDelta(finish_reason="stop")]).content == []


def test_references_count_as_something_that_came() -> None:
    assembler = StreamAssembler("volcengine")
    assembler.add(references("a"))
    partial = assembler.partial()
    assert partial is not None
    assert titles_of(partial) == ["a"]
