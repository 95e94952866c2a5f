"""Hosted tools of `/responses`: searches, pictures, Doubao's apps, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import KNOWLEDGE, WEATHER, WEB, Client, Json, kinds, text_of, user

PICTURE: Json = {"type": "input_image", "image_url": "https://example.com/a.png"}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Client]:
    """An emulator over documents of its user's."""
    (tmp_path / "a.md").write_text("---\nlang: en\n---\n# Owls\n\nOwls hunt at night.\n")
    (tmp_path / "b.md").write_text("---\nlang: fr\n---\n# Hiboux\n\nOwls hunt mice.\n")
    with Emulator(documents=tmp_path) as server:
        made = Client(server)
        yield made
        made.http.close()


def test_a_search_comes_between_two_thoughts(client: Client) -> None:
    found = client.ask(input="What is the capital of Peru?", tools=[WEB])
    assert kinds(found["output"]) == ["reasoning", "web_search_call", "reasoning", "message"]
    assert found["output"][1]["action"] == {"type": "search", "query": "What is the capital of Peru?"}
    assert text_of(found) == "The capital of Peru is Lima."
    (source,) = found["output"][-1]["content"][0]["annotations"]
    assert (source["type"], source["url"]) == ("url_citation", "https://atlas.example.com/peru")
    assert "start_index" not in source
    assert found["usage"]["tool_usage"] == {"web_search": 1}
    assert found["usage"]["tool_usage_details"] == {"web_search": {"search_engine": 1}}


def test_what_was_read_counts_as_input(client: Client) -> None:
    plain = client.ask(input="What is the capital of Peru?", tools=[WEB], tool_choice="none")["usage"]
    searched = client.ask(input="What is the capital of Peru?", tools=[WEB])["usage"]
    assert searched["input_tokens"] > plain["input_tokens"]
    assert "tool_usage" not in plain


def test_a_search_streams_its_steps_and_sources(client: Client) -> None:
    events = client.events(input="What is the capital of Peru?", tools=[WEB])
    steps = [event["type"] for event in events if event["type"].startswith("response.web_search_call")]
    assert steps == [f"response.web_search_call.{step}" for step in ("in_progress", "searching", "completed")]
    added = next(event["item"] for event in events if event.get("item", {}).get("type") == "web_search_call")
    assert set(added) == {"id", "type", "status"}
    texts = [event for event in events if event["type"].startswith("response.output_text")]
    assert [event["type"].removeprefix("response.output_text.") for event in texts[:3]] == [
        "delta",
        "annotation.added",
        "delta",
    ]
    part = next(event["part"] for event in events if event["type"] == "response.content_part.done")
    assert part["annotations"] == [texts[1]["annotation"]]


def test_a_search_has_several_rounds(client: Client) -> None:
    question = "the highest mountain; the capital of Peru; 十字花科; 天气"
    found = client.ask(input=question, tools=[WEB])
    assert [item["action"]["query"] for item in found["output"] if item["type"] == "web_search_call"] == [
        "the highest mountain",
        "the capital of Peru",
        "十字花科",
    ]
    assert found["usage"]["tool_usage"] == {"web_search": 3}
    assert kinds(client.ask(input=question, tools=[WEB], max_tool_calls=1)["output"]).count("web_search_call") == 1


def test_nothing_is_searched_where_nothing_asks_for_it(client: Client) -> None:
    assert kinds(client.ask(input="Hi", tools=[WEB])["output"]) == ["reasoning", "message"]
    assert "web_search_call" in kinds(client.ask(input="any news?", tools=[WEB])["output"])
    forced = client.ask(input="Hi", tools=[WEB], tool_choice={"type": "web_search"})
    assert text_of(forced) == "Nothing was found for: Hi"
    assert "annotations" not in forced["output"][-1]["content"][0]


def test_sources_and_places_are_heeded(client: Client) -> None:
    tool = WEB | {
        "sources": ["moji"],
        "limit": 1,
        "user_location": {"type": "approximate", "city": "杭州"},
    }
    found = client.ask(input="weather?", tools=[tool])
    assert text_of(found).startswith("杭州今天")
    assert found["usage"]["tool_usage_details"] == {"web_search": {"search_engine": 1, "moji": 1}}


def test_marks_can_be_asked_for(client: Client) -> None:
    found = client.ask(input="the capital of Peru EMULATOR_MARKS_CARET", tools=[WEB])
    assert text_of(found) == "The capital of Peru is Lima^[1]^."


def test_a_knowledge_base_is_searched(client: Client) -> None:
    found = client.ask(input="When does the ferry leave?", tools=[KNOWLEDGE])
    call = found["output"][1]
    assert (call["type"], call["knowledge_resource_id"]) == ("knowledge_search_call", "kb-demo")
    assert call["queries"] == ["When does the ferry leave?"]
    assert "07:40" in text_of(found)
    source = found["output"][-1]["content"][0]["annotations"][0]
    assert (source["type"], source["doc_name"], type(source["chunk_id"])) == ("doc_citation", "timetable.md", int)
    events = client.events(input="When does the ferry leave?", tools=[KNOWLEDGE])
    steps = [event["type"] for event in events if "knowledge_search" in event["type"]]
    assert steps == [
        f"response.knowledge_search_call.{step}" for step in ("in_progress", "searching", "completed")
    ]


def test_a_knowledge_base_of_ones_own_is_searched_and_filtered(shelf: Client) -> None:
    wanted = {"op": "must", "field": "lang", "conds": ["fr"]}
    assert text_of(shelf.ask(input="What do owls hunt?", tools=[KNOWLEDGE | {"doc_filter": wanted}])) == (
        "Owls hunt mice."
    )
    ranked = KNOWLEDGE | {"ranking_options": {"rerank_switch": True, "chunk_diffusion_count": 1}, "limit": 1}
    assert "Owls hunt" in text_of(shelf.ask(input="When do owls hunt?", tools=[ranked]))


@pytest.mark.parametrize("wrong", [{"knowledge_resource_id": "kb-other"}, {"doc_filter": {"op": "like"}}])
def test_a_search_may_fail_and_the_answer_goes_on(client: Client, wrong: Json) -> None:
    events = client.events(input="When does the ferry leave?", tools=[KNOWLEDGE | wrong])
    assert "response.knowledge_search_call.failed" in [event["type"] for event in events]
    found = events[-1]["response"]
    assert (found["status"], found["output"][1]["status"]) == ("completed", "failed")


def test_functions_and_searches_mix(client: Client) -> None:
    tools = [WEB, WEATHER]
    both = "search the web for the capital of Peru and call get_weather in 'Lima'"
    first = client.ask(input=both, tools=tools)
    assert kinds(first["output"]) == ["reasoning", "web_search_call", "reasoning", "function_call"]
    result = {"type": "function_call_output", "call_id": first["output"][-1]["call_id"], "output": "fog"}
    second = client.ask(input=[result], previous_response_id=first["id"], tools=tools)
    assert text_of(second) == "The tools answered: get_weather returned fog"
    assert kinds(client.ask(input="get_weather in 'Lima'", tools=tools)["output"])[-1] == "function_call"
    assert kinds(client.ask(input="the capital of Peru", tools=tools)["output"])[-1] == "message"
    forced = client.ask(input="Peru", tools=tools, tool_choice={"type": "function", "name": "get_weather"})
    assert "web_search_call" not in kinds(forced["output"])


def test_a_picture_is_worked_on(client: Client) -> None:
    tool = {"type": "image_process", "point": {"type": "disabled"}}
    question = user([{"type": "input_text", "text": "zoom in"}, PICTURE])
    found = client.ask(input=[question], tools=[tool])
    item = found["output"][1]
    assert (item["type"], item["action"]["type"], item["status"]) == ("image_process", "zoom", "completed")
    assert "X-Tos-Signature" in item["action"]["result_image_url"]
    assert found["usage"]["tool_usage_details"] == {"image_process": {"zoom": 1}}
    events = client.events(input=[question], tools=[tool])
    steps = [event for event in events if event["type"].startswith("response.image_process_call")]
    assert [event["type"].rpartition(".")[2] for event in steps] == ["in_progress", "progressing", "completed"]
    assert "result_image_url" not in steps[1]["action"]
    assert steps[1]["arguments"] == steps[2]["arguments"]


def test_a_picture_that_is_not_there_cannot_be_worked_on(client: Client) -> None:
    question = user([{"type": "input_text", "text": "rotate image 3"}, PICTURE])
    found = client.ask(input=[question], tools=[{"type": "image_process"}])
    item = found["output"][1]
    assert (item["status"], item["error"]) == ("failed", {"message": "invalid image index"})
    assert "result_image_url" not in item["action"]
    assert found["status"] == "completed"
    assert kinds(client.ask(input="rotate", tools=[{"type": "image_process"}])["output"])[-1] == "message"


@pytest.mark.parametrize(
    ("feature", "blocks"),
    [
        ("chat", ["output_text"]),
        ("deep_chat", ["reasoning_text", "output_text"]),
        ("ai_search", ["search", "output_text"]),
        ("reasoning_search", ["reasoning_text", "reasoning_search", "output_text"]),
    ],
)
def test_an_app_answers_in_blocks(client: Client, feature: str, blocks: list[str]) -> None:
    tool = {"type": "doubao_app", "feature": {feature: {"type": "enabled", "role_description": "A cat"}}}
    events = client.events(input="the capital of Peru?", tools=[tool])
    found = events[-1]["response"]
    (item,) = found["output"]
    assert (item["type"], item["feature"], kinds(item["blocks"])) == ("doubao_app_call", feature, blocks)
    assert item["blocks"][-1]["text"].startswith("A cat: ")
    assert found["usage"]["tool_usage"] == {"doubao_app": 1}
    deltas = [event["delta"] for event in events if event["type"] == "response.doubao_app_call_output_text.delta"]
    assert "".join(deltas) == item["blocks"][-1]["text"]
    if "search" in feature:
        results = next(event["results"] for event in events if event["type"].endswith("search.completed"))
        assert results[0]["text_card"]["url"] == "https://atlas.example.com/peru"


def test_what_an_app_said_is_part_of_the_chain(client: Client) -> None:
    tools = [{"type": "doubao_app", "feature": {"chat": {}}}]
    first = client.ask(input="count to 200", tools=tools)
    second = client.ask(input="And?", previous_response_id=first["id"], tools=tools)
    assert second["usage"]["input_tokens"] > 200


def test_a_search_is_run_where_some_tool_is_required(client: Client) -> None:
    assert "web_search_call" in kinds(client.ask(input="Hi", tools=[WEB], tool_choice="required")["output"])


def test_sources_stay_out_of_structured_answers(client: Client) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    found = client.ask(input="the capital of Peru", tools=[WEB], text=wanted)
    assert "web_search_call" in kinds(found["output"])
    assert text_of(found).startswith("{")
