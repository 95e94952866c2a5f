"""Replies and streams of `/responses`, as they were recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import (
    MODEL,
    OLDER,
    TIME,
    WEATHER,
    WEB,
    Client,
    Json,
    kinds,
    text_of,
    user,
)

OPENING = {
    "caching",
    "created_at",
    "expire_at",
    "id",
    "max_output_tokens",
    "model",
    "object",
    "service_tier",
    "store",
    "thinking",
}


def test_a_reply_is_thinking_and_a_message(client: Client) -> None:
    found = client.ask(input="Hi")
    assert kinds(found["output"]) == ["reasoning", "message"]
    assert text_of(found) == "You said: Hi"
    assert found["status"] == "completed"
    assert found["id"].startswith("resp_02")
    assert [item["id"].partition("_")[0] for item in found["output"]] == ["rs", "msg"]
    assert found["max_output_tokens"] == 32768
    assert found["caching"] == {"type": "disabled"}
    assert found["store"] is True
    assert found["expire_at"] == found["created_at"] + 259_200


def test_what_is_not_set_is_absent(client: Client) -> None:
    found = client.ask(input="Hi")
    assert set(found) == OPENING | {"status", "output", "usage"}
    assert "null" not in json.dumps(found)
    (part,) = found["output"][-1]["content"]
    assert set(part) == {"type", "text"}


def test_what_was_sent_comes_back(client: Client) -> None:
    sent: Json = {
        "temperature": 0.5,
        "top_p": 0.9,
        "instructions": "Be brief.",
        "tool_choice": "none",
        "parallel_tool_calls": False,
        "max_tool_calls": 2,
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}},
        "safety_identifier": "someone",
        "prompt_cache_key": "key",
        "session": {"id": "one"},
        "tools": [WEATHER],
    }
    found = client.ask(input="Hi", **sent)
    assert {name: found[name] for name in sent} == sent


def test_usage_counts_thinking_within_the_output(client: Client) -> None:
    usage = client.ask(input="Hi")["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert 0 < usage["output_tokens_details"]["reasoning_tokens"] < usage["output_tokens"]
    assert usage["input_tokens_details"] == {"cached_tokens": 0}
    assert "tool_usage" not in usage


def test_a_stream_opens_sparsely(client: Client) -> None:
    created, in_progress, *_ = client.events(input="Hi", tools=[WEATHER])
    assert [created["type"], in_progress["type"]] == ["response.created", "response.in_progress"]
    assert set(created["response"]) == OPENING
    assert created["response"] == in_progress["response"]


def test_a_stream_names_its_frames_and_numbers_them(client: Client) -> None:
    frames = client.frames(input="Hi")
    assert frames[-1] == (None, "[DONE]")
    assert [name for name, _ in frames[:-1]] == [data["type"] for _, data in frames[:-1]]
    assert [data["sequence_number"] for _, data in frames[:-1]] == list(range(len(frames) - 1))
    assert frames[-2][0] == "response.completed"


def test_a_stream_goes_item_by_item(client: Client) -> None:
    events = client.events(input="Hi")
    order = list(dict.fromkeys(event["type"] for event in events))
    assert order == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.completed",
    ]
    indexes = [event["output_index"] for event in events if "output_index" in event]
    assert indexes == sorted(indexes)
    by_type = {event["type"]: event for event in events}
    assert by_type["response.content_part.added"]["part"] == {"type": "output_text"}
    assert by_type["response.reasoning_summary_part.added"]["part"] == {"type": "summary_text"}


def test_items_begin_with_their_head_alone(client: Client) -> None:
    events = client.events(input="Weather in 'Rome'?", tools=[WEATHER])
    added = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert [set(item) for item in added] == [
        {"id", "type", "status"},
        {"id", "type", "status", "call_id", "name"},
    ]
    assert {item["status"] for item in added} == {"in_progress"}
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == events[-1]["response"]["output"]


def test_a_stream_says_what_the_whole_reply_says(client: Client) -> None:
    whole = client.ask(input="Hi")
    streamed = client.events(input="Hi")[-1]["response"]
    assert _without_ids(streamed) == _without_ids(whole)


def _without_ids(response: Json) -> Json:
    items = [{name: value for name, value in item.items() if name != "id"} for item in response["output"]]
    kept = {name: value for name, value in response.items() if name not in ("id", "created_at", "expire_at")}
    return {**kept, "output": items}


def test_deltas_add_up_to_what_is_done(client: Client) -> None:
    events = client.events(input="count to 20; call nothing", tools=[WEATHER], tool_choice="none")
    for kind in ("output_text", "reasoning_summary_text"):
        deltas = [event["delta"] for event in events if event["type"] == f"response.{kind}.delta"]
        done = [event["text"] for event in events if event["type"] == f"response.{kind}.done"]
        assert len(deltas) > 1
        assert "".join(deltas) == "".join(done)


def test_calls_stream_after_an_empty_delta(client: Client) -> None:
    events = client.events(input="get_weather in 'Rome', get_time in 'Oslo'", tools=[WEATHER, TIME])
    calls = [item for item in events[-1]["response"]["output"] if item["type"] == "function_call"]
    assert [json.loads(call["arguments"]) for call in calls] == [{"city": "Rome"}, {"city": "Oslo"}]
    assert len({call["call_id"] for call in calls}) == 2
    for call in calls:
        deltas = [
            event["delta"]
            for event in events
            if event["type"] == "response.function_call_arguments.delta" and event["item_id"] == call["id"]
        ]
        assert deltas[0] == ""
        assert "".join(deltas) == call["arguments"]


def test_null_is_a_value_inside_a_schema(client: Client) -> None:
    nothing = {"type": "object", "properties": {"city": {"const": None}}, "required": ["city"]}
    found = client.ask(input="Weather?", tools=[WEATHER | {"parameters": nothing}])
    assert json.loads(found["output"][-1]["arguments"]) == {"city": None}


def test_older_models_begin_arguments_with_a_blank(client: Client) -> None:
    found = client.ask(model=OLDER, input="Weather in 'Rome'?", tools=[WEATHER])
    assert found["output"][-1]["arguments"] == ' {"city": "Rome"}'


def test_results_of_functions_are_reported(client: Client) -> None:
    first = client.ask(input="Weather in 'Rome'?", tools=[WEATHER])
    call = first["output"][-1]
    again = [
        user("Weather in 'Rome'?"),
        *first["output"][:-1],
        {name: call[name] for name in ("type", "call_id", "name", "arguments")},
        {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"},
    ]
    assert text_of(client.ask(input=again, tools=[WEATHER])) == "The tools answered: get_weather returned sunny"


def test_results_of_functions_may_be_parts(client: Client) -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
    parts = [
        {"type": "input_text", "text": "sunny"},
        {"type": "input_image", "image_url": "https://example.com/sky.png"},
    ]
    result = {"type": "function_call_output", "call_id": "call_1", "output": parts}
    found = client.ask(input=[user("Weather?"), call, result], tools=[WEATHER])
    assert text_of(found) == "The tools answered: get_weather returned sunny"


def test_a_limit_ends_the_answer(client: Client) -> None:
    found = client.ask(input="count to 500", max_output_tokens=60)
    assert (found["status"], found["incomplete_details"]) == ("incomplete", {"reason": "length"})
    assert found["usage"]["output_tokens"] == 60
    assert found["output"][-1]["status"] == "incomplete"
    last = client.events(input="count to 500", max_output_tokens=60)[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "length"}


def test_a_limit_may_end_the_thinking(client: Client) -> None:
    found = client.ask(input="count to 500", max_output_tokens=20)
    assert kinds(found["output"]) == ["reasoning"]
    assert found["output"][0]["status"] == "incomplete"


def test_a_limit_may_cut_arguments(client: Client) -> None:
    question = "get_weather in 'a city with a very long name that goes on and on'"
    found = client.ask(input=question, tools=[WEATHER], thinking={"type": "disabled"}, max_output_tokens=17)
    assert found["output"][-1]["status"] == "incomplete"
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(found["output"][-1]["arguments"])


def test_encrypted_thinking_comes_to_who_asks(client: Client) -> None:
    include = ["reasoning.encrypted_content"]
    (thought, _) = client.ask(input="Hi", include=include)["output"]
    assert thought["encrypted_content"].startswith("djF7")
    assert "encrypted_content" not in client.ask(input="Hi")["output"][0]
    assert "encrypted_content" not in client.ask(model=OLDER, input="Hi", include=include)["output"][0]


def test_newer_models_show_a_summary_of_their_thinking(client: Client) -> None:
    newer, older = client.ask(input="Hi", reasoning={"effort": "high"}), client.ask(model=OLDER, input="Hi")
    assert newer["output"][0]["summary"][0]["text"] == "The user says: Hi"
    assert newer["usage"]["output_tokens_details"]["reasoning_tokens"] > 20
    assert older["output"][0]["summary"][0]["text"].startswith("The user says: Hi I will answer")


def test_thinking_can_be_raw(client: Client) -> None:
    events = client.events(input="EMULATOR_RAW_THINKING")
    thought = events[-1]["response"]["output"][0]
    deltas = [event["delta"] for event in events if event["type"] == "response.reasoning_text.delta"]
    assert thought["summary"] == []
    assert "".join(deltas) == thought["content"][0]["text"]


def test_thinking_can_be_off(client: Client) -> None:
    found = client.ask(input="Hi", thinking={"type": "disabled"})
    assert kinds(found["output"]) == ["message"]
    assert found["usage"]["output_tokens_details"]["reasoning_tokens"] == 0


@pytest.mark.parametrize("wanted", ["json_object", "json_schema"])
def test_structured_formats_are_flat(client: Client, wanted: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    chosen: Json = {"type": wanted}
    if wanted == "json_schema":
        chosen |= {"name": "answer", "schema": schema}
    found = client.ask(input='A json with "n": 7', text={"format": chosen})
    answer: Any = json.loads(text_of(found))
    assert set(answer) == {"n"}


def test_a_begun_answer_goes_on(client: Client) -> None:
    begun = {"type": "message", "role": "assistant", "content": "Once", "partial": True}
    found = client.ask(input=[user("A story"), begun])
    (item,) = found["output"]
    assert item["partial"] is True
    assert not text_of(found).startswith("Once")


def test_media_are_seen(client: Client) -> None:
    parts = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
        {"type": "input_video", "video_url": "https://example.com/a.mp4", "fps": 1},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]
    found = client.ask(input=[user(parts)])
    assert "1 image, 1 video, 1 file" in text_of(found)


def test_a_translation_model_translates(client: Client) -> None:
    part = {"type": "input_text", "text": "你好", "translation_options": {"target_language": "en"}}
    found = client.ask(model="doubao-seed-translation-250915", input=[user([part])])
    assert text_of(found) == "[en] 你好"
    assert "thinking" not in found


def test_edits_of_the_context_are_told(client: Client) -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    calls = [
        {"type": "function_call", "call_id": f"call_{number}", "name": "get_weather", "arguments": "{}"}
        for number in range(3)
    ]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"} for call in calls]
    edits = [
        {"type": "clear_thinking", "keep": {"type": "thinking_turns", "value": 1}},
        {
            "type": "clear_tool_uses",
            "trigger": {"type": "tool_uses", "value": 2},
            "keep": {"type": "tool_uses", "value": 1},
        },
    ]
    found = client.ask(
        input=[user("Hi"), thought, thought, *calls, *results],
        context_management={"edits": edits},
        tools=[WEATHER],
    )
    assert found["context_management"]["applied_edits"] == [
        {"type": "clear_thinking", "cleared_thinking_turns": 1},
        {"type": "clear_tool_uses", "cleared_tool_uses": 2},
    ]


def test_a_namespace_comes_back_on_its_calls(client: Client) -> None:
    tools = [{"type": "namespace", "name": "sky", "tools": [WEATHER]}, {"type": "tool_search"}]
    found = client.ask(input="get_weather in 'Rome'", tools=tools)
    assert found["output"][-1]["namespace"] == "sky"


def test_headers_are_as_recorded(client: Client, emulator: Emulator) -> None:
    reply = client.http.post(
        "/responses",
        json={"model": MODEL, "input": "Hi", "tools": [WEB]},
        headers={"x-client-request-id": "mine", "ark-beta-web-search": "true"},
    )
    assert reply.headers["x-client-request-id"] == "mine"
    assert reply.headers["server"] == "istio-envoy"
    assert reply.json()["id"] == f"resp_{reply.headers['x-request-id']}"
    assert emulator.requests[-1].headers["ark-beta-web-search"] == "true"
