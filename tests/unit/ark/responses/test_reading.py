"""Responses as messages: order, citations, hosted tools, what is not known; whole, and the same as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.load import dumps, load
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark.ark.responses.blocks import as_received
from langchain_volcark.ark.responses.events import ResponseReader
from langchain_volcark.ark.responses.replies import read_response
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.stop_texts import StoppingAssembler
from tests.unit.ark.responses import streams
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

SEALED = "djF7c2VhbGVk"
STORY = response(
    reasoning(0, "First I search."),
    search(1),
    reasoning(2, "That will do.", encrypted_content=SEALED),
    message(3, "Cabbage 卷心菜 is a vegetable.", annotations=[page(1), page(2)]),
)


def same_everywhere(whole: Json, **how: Any) -> Any:
    """The message of a response; it is the same whole, as chunks, as chunks of blocks, and as protocol events."""
    made = invoked(whole)
    events = stream_of(whole, **how)
    total = streamed(events)
    for name in ("content", "additional_kwargs", "response_metadata", "tool_calls", "usage_metadata", "id"):
        assert getattr(total, name) == getattr(made, name), name
    assert [one["id"] for one in total.invalid_tool_calls] == [one["id"] for one in made.invalid_tool_calls]
    blocks = plain(made.content_blocks)
    if not made.invalid_tool_calls:  # in a sum of chunks their text has a bracket that keeps them invalid
        assert plain(total.content_blocks) == blocks
        assert plain(streamed(events, blocks=True).content) == blocks
    shown = protocol_events(events)
    assert_valid_event_stream(shown)
    finished = {one["index"]: one["content"] for one in shown if one["event"] == "content-block-finish"}
    assert [finished[index] for index in sorted(finished)] == blocks
    assert shown[-1].get("additional_kwargs", {}) == made.additional_kwargs
    return made


def test_reasonings_searches_and_cited_texts_keep_their_order() -> None:
    made = same_everywhere(STORY)
    assert made.content == "Cabbage 卷心菜 is a vegetable."
    assert made.additional_kwargs["reasoning_content"] == "First I search.\n\nThat will do."
    kinds = [block["type"] for block in made.content_blocks]
    assert kinds == ["reasoning", "server_tool_call", "server_tool_result", "reasoning", "text"]
    found = made.content_blocks[2]
    assert found["type"] == "server_tool_result"
    assert found["status"] == "success"


def test_what_a_stream_tells_twice_stands_once() -> None:
    blocks = streamed(stream_of(STORY, length=2), blocks=True).content
    asked = next(block for block in blocks if isinstance(block, dict) and block["type"] == "server_tool_call")
    assert (asked["name"], asked["id"], asked["args"]) == ("web_search", "ws_1", {"query": "cabbage"})
    thoughts = [block for block in blocks if isinstance(block, dict) and block["type"] == "reasoning"]
    assert [block["extras"] for block in thoughts] == [
        {"item_id": "rs_0"},
        {"item_id": "rs_2", "encrypted_content": SEALED},
    ]
    assert all(isinstance(block["index"], str) for block in blocks if isinstance(block, dict))


def test_the_items_keep_everything_but_the_texts_which_are_places() -> None:
    made = invoked(STORY)
    items = made.additional_kwargs["output_items"]
    assert items[0]["summary"] == [{"type": "summary_text", "text": [0, 15]}]
    assert items[2]["summary"] == [{"type": "summary_text", "text": [17, 30]}]
    assert items[3]["content"][0]["text"] == [0, len(made.content)]
    thought = made.additional_kwargs["reasoning_content"]
    assert [as_received(item, made.content, thought) for item in items] == STORY["output"]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_items_survive_json() -> None:
    made = invoked(STORY)
    again = load(json.loads(dumps(made)), allowed_objects="messages")
    assert again.content_blocks == made.content_blocks


def test_an_edited_text_is_shown_as_it_is_now() -> None:
    made = invoked(STORY)
    longer = made.model_copy(update={"content": "Something else altogether, and much longer than it was."})
    assert [b["text"] for b in longer.content_blocks if b["type"] == "text"] == [longer.content]


def test_a_text_without_annotations_has_none() -> None:
    made = same_everywhere(response(message(0, "Hello.")))
    assert made.content_blocks == [{"type": "text", "text": "Hello."}]
    assert "annotations" not in made.additional_kwargs["output_items"][0]["content"][0]


def test_two_texts_of_one_message_stay_apart_with_their_citations() -> None:
    item = message(0, "One.", "Two.")
    item["content"][1]["annotations"] = [page(2)]
    blocks = same_everywhere(response(item)).content_blocks
    assert [block.get("annotations", [{}])[0].get("title") for block in blocks] == [None, "Page 2"]


def test_a_document_is_cited_by_its_name_without_an_address() -> None:
    source = {"type": "doc_citation", "doc_id": "d1", "doc_name": "Handbook", "chunk_id": 7}
    (block,) = same_everywhere(response(message(0, "See there.", annotations=[source]))).content_blocks
    assert block["annotations"] == [
        {"type": "citation", "title": "Handbook", "extras": {"doc_id": "d1", "chunk_id": 7}}
    ]


def test_a_page_that_has_its_place_in_the_text_keeps_it() -> None:
    source = {**page(1), "start_index": 0, "end_index": 3}
    (block,) = same_everywhere(response(message(0, "See there.", annotations=[source]))).content_blocks
    (cited,) = block["annotations"]
    assert (cited["start_index"], cited["end_index"]) == (0, 3)
    assert "start_index" not in cited["extras"]


def test_parallel_calls_with_leading_blanks_are_two_calls() -> None:
    made = same_everywhere(response(call(0), call(1, '{"city":"上海"}')))
    assert [(one["id"], one["args"]) for one in made.tool_calls] == [
        ("call_0", {"city": "Hangzhou"}),
        ("call_1", {"city": "上海"}),
    ]
    assert made.response_metadata["finish_reason"] == "tool_calls"


def test_the_block_of_a_call_says_its_item_and_its_namespace() -> None:
    made = same_everywhere(response(call(0, namespace="weather"), call(1), call(2, "{}", id=None)))
    assert [block.get("extras") for block in made.content_blocks] == [
        {"item_id": "fc_0", "namespace": "weather"},
        {"item_id": "fc_1"},
        None,
    ]
    assert all("extras" not in one for one in made.tool_calls)


def test_calls_whose_pieces_interleave_are_told_apart() -> None:
    whole = response(call(0), call(1, '{"city":"上海"}'))
    first, second = item_events(0, whole["output"][0]), item_events(1, whole["output"][1])
    mixed = [first[0], second[0], *[one for pair in zip(first[1:], second[1:], strict=False) for one in pair]]
    rest = [*first[1:][len(second) - 1 :], *second[1:][len(first) - 1 :]]
    assert streamed(framed(whole, [*mixed, *rest])).tool_calls == invoked(whole).tool_calls


def test_arguments_that_were_cut_off_are_no_call() -> None:
    cut = call(0, '{"city": "Ha', status="incomplete")
    whole = response(cut, status="incomplete", incomplete_details={"reason": "length"})
    made = same_everywhere(whole)
    assert not made.tool_calls
    assert [one["args"] for one in made.invalid_tool_calls] == ['{"city": "Ha']
    assert made.response_metadata["finish_reason"] == "length"
    assert made.usage_metadata is not None


def test_a_summary_that_only_the_whole_item_has_is_shown() -> None:
    item = reasoning(0, "Only at the end.")
    whole = response(item, message(1, "Yes."))
    events = [one for one in stream_of(whole) if "summary" not in one["type"]]
    assert streamed(events).additional_kwargs == invoked(whole).additional_kwargs
    assert invoked(whole).additional_kwargs["reasoning_content"] == "Only at the end."


def test_raw_thinking_is_shown_where_there_is_no_summary() -> None:
    raw = [{"type": "reasoning_text", "text": "Hm. So."}]
    made = same_everywhere(response(reasoning(0, content=raw), message(1, "Yes.")))
    assert made.additional_kwargs["reasoning_content"] == "Hm. So."


def test_beside_a_summary_raw_thinking_stays_in_the_item() -> None:
    raw = [{"type": "reasoning_text", "text": "Hm. So."}]
    made = same_everywhere(response(reasoning(0, "Considered.", content=raw), message(1, "Yes.")))
    assert made.additional_kwargs["reasoning_content"] == "Considered."
    assert made.additional_kwargs["output_items"][0]["content"] == raw


def test_a_failed_image_operation_is_an_error_beside_the_answer() -> None:
    item = {
        "id": "ip_0",
        "type": "image_process",
        "status": "failed",
        "action": {"type": "zoom"},
        "arguments": {"image_index": 9},
        "error": {"message": "invalid image index"},
    }
    made = same_everywhere(response(item, message(1, "I cannot zoom.")))
    asked, result, _ = made.content_blocks
    assert asked["args"] == {"image_index": 9, "action": "zoom"}
    assert (result["status"], result["extras"]["error"]) == ("error", {"message": "invalid image index"})
    assert made.content == "I cannot zoom."


def test_what_an_mcp_server_offers_and_does_are_calls_with_results() -> None:
    tools = [{"name": "add", "description": "Adds.", "input_schema": {"type": "object"}}]
    offered = {"id": "mcpl_0", "type": "mcp_list_tools", "server_label": "math", "tools": tools}
    fine = {
        "id": "mcp_1",
        "type": "mcp_call",
        "server_label": "math",
        "name": "add",
        "arguments": '{"a":1}',
        "output": "2",
    }
    broken = {**fine, "id": "mcp_2", "arguments": '{"a":', "output": None, "error": "bad arguments"}
    blocks = same_everywhere(response(offered, fine, broken)).content_blocks
    assert [block["type"] for block in blocks] == ["server_tool_call", "server_tool_result"] * 3
    assert blocks[1]["output"] == tools
    assert (blocks[2]["name"], blocks[2]["args"]) == ("remote_mcp", {"a": 1})
    assert blocks[2]["extras"] == {"tool_name": "add", "server_label": "math"}
    assert blocks[3]["output"] == "2"
    assert (blocks[4]["args"], blocks[4]["extras"]["arguments"]) == ({}, '{"a":')
    assert blocks[5]["status"] == "error"


def test_a_request_for_approval_ends_the_answer_and_is_told_once() -> None:
    asked = {
        "id": "mcpr_0",
        "type": "mcp_approval_request",
        "server_label": "math",
        "name": "add",
        "arguments": "{}",
    }
    whole = response(asked)
    made = same_everywhere(whole)
    assert made.content_blocks == [{"type": "non_standard", "value": asked}]
    assert made.response_metadata["finish_reason"] == "stop"
    event = {"type": "response.mcp_approval_request", "function_mcp_approval_request": asked, "output_index": 0}
    for events in ([event, *item_events(0, asked)], [*item_events(0, asked), event], [event]):
        assert plain(streamed(framed(whole, events)).content_blocks) == made.content_blocks


def app_call(*blocks: Json) -> Json:
    return {
        "id": "da_0",
        "type": "doubao_app_call",
        "feature": "deep_chat",
        "status": "completed",
        "blocks": list(blocks),
    }


THOUGHT = {"id": "b0", "type": "reasoning_text", "reasoning_text": "Let me see.", "status": "completed"}
SEARCHED = {"id": "b1", "type": "search", "summary": "1 page", "queries": ["q"], "results": []}
SAID = {"id": "b2", "type": "output_text", "text": "It is so.", "status": "completed"}


def test_an_app_answers_in_blocks_which_the_item_keeps() -> None:
    item = app_call(THOUGHT, SEARCHED, SAID)
    made = same_everywhere(response(item))
    assert made.content == "It is so."
    assert made.additional_kwargs["reasoning_content"] == "Let me see."
    assert made.content_blocks[-1] == {"type": "non_standard", "value": item}


def test_a_message_that_repeats_an_apps_answer_is_shown_once() -> None:
    made = same_everywhere(response(app_call(SAID), message(1, "It is so.")))
    assert made.content == "It is so."


def test_a_message_beside_an_apps_answer_is_shown_too() -> None:
    assert same_everywhere(response(app_call(SAID), message(1, " More."))).content == "It is so. More."


def test_unknown_items_and_events_harm_nothing_and_items_are_kept() -> None:
    odd = {"id": "x_1", "type": "dream", "status": "completed", "plot": ["a", {"b": 1}]}
    whole = response(message(0, "Hello."), odd)
    event = {"type": "response.dream.delta", "item_id": "x_1", "output_index": 1, "delta": {"a": []}}
    made = same_everywhere(whole)
    assert made.content_blocks[1] == {"type": "non_standard", "value": odd}
    assert streamed(stream_of(whole, event)).additional_kwargs == made.additional_kwargs


@pytest.mark.parametrize(
    "item",
    [
        {
            "id": "t_0",
            "type": "transcription",
            "transcription": [{"type": "transcription_text", "text": "Hi", "chunks": []}],
        },
        {"id": "ts_0", "type": "tool_search_call", "arguments": {}, "call_id": "c", "execution": "server"},
        {"id": "to_0", "type": "tool_search_output", "call_id": "c", "tools": []},
        {"type": "agent_tool_call", "name": "n", "status": "completed"},
    ],
    ids=lambda item: item["type"],
)
def test_items_without_a_standard_form_are_kept_as_they_are(item: Json) -> None:
    made = same_everywhere(response(item, message(1, "Yes.")))
    assert made.content_blocks[0] == {"type": "non_standard", "value": item}
    assert made.additional_kwargs["output_items"][0] == item


def test_knowledge_is_searched_without_an_id() -> None:
    item = {
        "type": "knowledge_search_call",
        "queries": ["a"],
        "knowledge_resource_id": "kb-1",
        "status": "completed",
    }
    asked, found, _ = same_everywhere(response(item, message(1, "Yes."))).content_blocks
    assert asked["args"] == {"queries": ["a"], "knowledge_resource_id": "kb-1"}
    assert found["tool_call_id"] == asked["id"]


def test_usage_keeps_details_and_what_tools_cost() -> None:
    usage = {
        "input_tokens": 30,
        "output_tokens": 5,
        "total_tokens": 35,
        "input_tokens_details": {"cached_tokens": 3, "audio_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 1},
        "tool_usage": {"web_search": 1},
        "tool_usage_details": {"web_search": {"toutiao": 1}},
    }
    made = same_everywhere(response(message(0, "Yes."), usage=usage))
    assert made.usage_metadata == {
        "input_tokens": 30,
        "output_tokens": 5,
        "total_tokens": 35,
        "input_token_details": {"cache_read": 3, "audio": 2},
        "output_token_details": {"reasoning": 1},
    }
    assert made.response_metadata["tool_usage"] == {"web_search": 1}
    assert made.response_metadata["tool_usage_details"] == {"web_search": {"toutiao": 1}}
    assert "usage" not in made.response_metadata


def test_an_answer_that_was_cut_short_says_so() -> None:
    for word in ("length", "max_output_tokens"):
        details = {"reason": word}
        whole = response(message(0, "Half"), status="incomplete", incomplete_details=details)
        metadata = same_everywhere(whole).response_metadata
        assert (metadata["finish_reason"], metadata["status"]) == ("length", "incomplete")
        assert metadata["incomplete_details"] == details


def test_a_response_that_is_still_under_way_does_not_call_itself_ended() -> None:
    made = invoked(response(message(0, "So far", status="in_progress"), status="in_progress"))
    assert made.response_metadata["finish_reason"] == "in_progress"


@pytest.mark.parametrize("length", [1, 3, 40])
@pytest.mark.parametrize("stop", ["wor", "o", "ld. A", "absent"])
def test_a_stop_text_ends_the_texts_and_the_items_fit_them(stop: str, length: int) -> None:
    whole = response(reasoning(0, "So."), message(1, "Hello world.", " And more."), call(2))

    def stopping() -> StoppingAssembler:
        return StoppingAssembler("volcengine", None, [stop])

    made = stopping()
    for delta in read_response(whole)[0]:
        made.add(delta)
    made.finish()
    expected = made.message()
    reader, renderer = ResponseReader(), ChunkRenderer(stopping())
    events = stream_of(whole, length=length)
    generations = [one for event in events for delta in reader.read(event) for one in renderer.feed(delta)]
    first, *rest = [one.message for one in (*generations, *renderer.finish())]
    total = first
    for chunk in rest:
        total += chunk
    assert total.content == expected.content
    assert total.additional_kwargs == expected.additional_kwargs
    spoken = [block["text"] for block in expected.content_blocks if block["type"] == "text"]
    assert "".join(spoken) == expected.content
    text = "Hello world."
    assert spoken[0] == (text[: text.find(stop)] if stop in text else text)


def test_the_metadata_is_what_came_and_nothing_is_null() -> None:
    whole = response(
        message(0, "Yes."),
        previous_response_id="resp_0",
        prompt_cache_key="k",
        context_management={"applied_edits": []},
        service_status={"model_fallback": {"fallback_triggered": False}},
        error=None,
        instructions="Be brief.",
    )
    metadata = same_everywhere(whole).response_metadata
    assert metadata == {
        "model_provider": "volcengine",
        "model_name": "doubao-seed-2-1-pro-260915",
        "request_id": "req_1",
        "created_at": 1_760_000_000,
        "finish_reason": "stop",
        "status": "completed",
        "service_tier": "default",
        "response_id": "resp_1",
        "previous_response_id": "resp_0",
        "store": True,
        "expire_at": 1_760_259_200,
        "caching": {"type": "disabled"},
        "context_management": {"applied_edits": []},
        "service_status": {"model_fallback": {"fallback_triggered": False}},
        "prompt_cache_key": "k",
    }


def test_a_function_call_done_before_its_reasoning_comes_after_it() -> None:
    whole = response(reasoning(0, "I need the weather."), call(1))
    thought, called = (item_events(index, item) for index, item in enumerate(whole["output"]))
    events = framed(whole, [*thought[:-1], *called, thought[-1]])
    made = invoked(whole)
    assert streamed(events).additional_kwargs == made.additional_kwargs
    assert plain(streamed(events, blocks=True).content) == plain(made.content_blocks)


def test_a_later_number_at_the_end_of_an_item_does_not_move_it() -> None:
    whole = response(reasoning(0, "So."), message(1, "Yes."))
    events = stream_of(whole)
    for event in events:
        if event["type"] == "response.output_item.done":
            event["output_index"] += 3
    assert streamed(events).additional_kwargs == invoked(whole).additional_kwargs


def test_what_only_the_last_event_has_is_shown() -> None:
    whole = response(reasoning(0, "So."), search(1), message(2, "Yes.", annotations=[page(1)]), call(3))
    assert streamed(framed(whole, [])).additional_kwargs == invoked(whole).additional_kwargs
    shown = protocol_events(framed(whole, []))
    assert_valid_event_stream(shown)
    assert [one["content"] for one in shown if one["event"] == "content-block-finish"] == plain(
        invoked(whole).content_blocks
    )


def test_a_text_that_the_end_extends_is_extended_and_one_that_it_changes_stays_as_shown() -> None:
    longer = response(message(0, "One two three."))
    begun = [one for one in stream_of(longer, dones=False) if one["type"] != "response.output_item.done"]
    begun = [one for one in begun if one.get("delta") not in ("hre", "e.")]
    assert streamed(begun).content == "One two three."
    changed = response(message(0, "One two four."))
    events = [one for one in stream_of(longer) if "done" not in one["type"]]
    events[-1]["response"] = changed
    total = streamed(events)
    assert total.content == "One two three."
    assert total.additional_kwargs["output_items"][0]["content"] == [
        {"type": "output_text", "text": "One two four.", "shown": [0, 14]}
    ]
    assert plain(total.content_blocks) == [{"type": "text", "text": "One two three."}]


def test_blocks_end_with_their_item_and_searches_show_when_they_begin() -> None:
    names = [
        (one["event"].removeprefix("content-block-"), one["index"])
        for one in protocol_events(stream_of(STORY))
        if one["event"] in ("content-block-start", "content-block-finish")
    ]
    assert names == [(what, index) for index in range(5) for what in ("start", "finish")]
    reader, renderer = ResponseReader(), streams.EventRenderer(streams.assembler())
    seen = []
    for event in stream_of(STORY):
        seen += [one for delta in reader.read(event) for one in renderer.feed(delta)]
        if event["type"] == "response.web_search_call.searching":
            break
    assert seen[-1]["event"] == "content-block-start"
    assert seen[-1]["content"]["name"] == "web_search"


def test_the_consumer_of_protocol_events_sees_the_same_message() -> None:
    stream = ChatModelStream(message_id="m")
    for event in protocol_events(stream_of(STORY)):
        stream.dispatch(event)
    assert plain(stream.output.content_blocks) == plain(invoked(STORY).content_blocks)


def test_a_broken_stream_keeps_what_came_with_its_items() -> None:
    reader, made = ResponseReader(), streams.assembler()
    for event in stream_of(STORY)[:-4]:
        for delta in reader.read(event):
            made.add(delta)
    partial = made.partial()
    assert partial is not None
    assert partial.content == STORY["output"][3]["content"][0]["text"]
    assert [item["type"] for item in partial.additional_kwargs["output_items"]] == [
        item["type"] for item in STORY["output"]
    ]
    assert not reader.is_complete(made, ended=True)


def test_opening_frames_are_not_the_beginning_of_the_answer() -> None:
    reader = ResponseReader()
    assert [reader.begins(event) for event in stream_of(STORY)[:3]] == [False, False, True]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.completed", "response": {"id": "r", "output": {"a": 1}}},
        {"type": "response.completed", "response": None},
        {"type": "response.output_item.done", "output_index": 0, "item": "text"},
        {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "delta": 7},
    ],
)
def test_what_holds_the_answer_and_is_not_as_documented_is_an_error(event: Json) -> None:
    with pytest.raises(ValueError, match="is not"):
        ResponseReader().read(event)
