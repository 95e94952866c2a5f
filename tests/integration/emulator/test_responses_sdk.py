"""The vendor's own SDKs, the newer and the older, against `/responses`: outside witnesses of its wire format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.mcp_server import mcp_server
from tests.integration.emulator.responses_kit import KNOWLEDGE, LONG, MODEL, SDKS, WEATHER, WEB, official_sdk, user

# The SDKs are older than some of the warnings that their own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]


def text(response: Any) -> str:
    return "".join(part.text for item in response.output if item.type == "message" for part in item.content)


def test_it_reads_a_reply(sdk: Any) -> None:
    found = sdk.responses.create(model=MODEL, input="Hi", instructions="Be brief.", max_output_tokens=100)
    assert [item.type for item in found.output] == ["reasoning", "message"]
    assert found.output[0].summary[0].text == "The user says: Hi"
    assert text(found) == "You said: Hi"
    assert found.usage.output_tokens_details.reasoning_tokens > 0
    assert (found.status, found.store, found.max_output_tokens) == ("completed", True, 100)


def test_it_reads_a_stream(sdk: Any) -> None:
    events = list(sdk.responses.create(model=MODEL, input="Hi", stream=True))
    assert [events[0].type, events[-1].type] == ["response.created", "response.completed"]
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == "You said: Hi"
    assert "".join(one.delta for one in events if one.type == "response.reasoning_summary_text.delta")
    assert events[-1].response.usage.total_tokens > 0


def test_it_goes_through_a_tool_loop(sdk: Any) -> None:
    question = user("Weather in 'Rome'?")
    first = sdk.responses.create(model=MODEL, input=[question], tools=[WEATHER], parallel_tool_calls=True)
    call = first.output[-1]
    assert json.loads(call.arguments) == {"city": "Rome"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = sdk.responses.create(model=MODEL, input=[result], tools=[WEATHER], previous_response_id=first.id)
    assert text(second) == "The tools answered: get_weather returned sunny"


def test_it_adds_up_streamed_arguments(sdk: Any) -> None:
    events = sdk.responses.create(model=MODEL, input="Weather in 'Rome'?", tools=[WEATHER], stream=True)
    deltas = [one.delta for one in events if one.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas)) == {"city": "Rome"}


@pytest.mark.parametrize("stream", [False, True])
def test_it_reads_a_search(sdk: Any, emulator: Emulator, stream: bool) -> None:
    found = sdk.responses.create(model=MODEL, input="The capital of Peru?", tools=[WEB], stream=stream)
    if stream:
        *events, last = found
        found = last.response
        sources = [one.annotation for one in events if one.type == "response.output_text.annotation.added"]
        assert [one.url for one in sources] == ["https://atlas.example.com/peru"]
    assert found.output[1].action.query == "The capital of Peru?"
    assert found.output[-1].content[0].annotations[0].title == "Peru at a glance"
    assert found.usage.tool_usage.web_search == 1
    assert emulator.requests[-1].headers["ark-beta-web-search"] == "true"


def test_it_reads_a_knowledge_search(sdk: Any) -> None:
    found = sdk.responses.create(model=MODEL, input="When does the ferry leave?", tools=[KNOWLEDGE])
    assert found.output[1].knowledge_resource_id == "kb-demo"
    assert found.output[-1].content[0].annotations[0].doc_name == "timetable.md"
    assert found.usage.tool_usage.knowledge_search == 1


def test_it_approves_a_call_of_mcp(sdk: Any) -> None:
    with mcp_server() as server:
        tools = [{"type": "mcp", "server_label": "sums", "server_url": server.url, "require_approval": "always"}]
        events = list(sdk.responses.create(model=MODEL, input="add 2 and 3", tools=tools, stream=True))
        request = next(
            one.item for one in events if one.type == "response.output_item.done" and "approval" in one.item.type
        )
        answer = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
        first = events[-1].response
        second = sdk.responses.create(model=MODEL, input=[answer], tools=tools, previous_response_id=first.id)
    assert (second.output[0].name, second.output[0].output) == ("add", "5")
    assert second.usage.tool_usage_details.mcp == {"sums": 1}


def test_it_reads_a_picture_worked_on(sdk: Any) -> None:
    parts = [
        {"type": "input_text", "text": "zoom in"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
    ]
    found = sdk.responses.create(model=MODEL, input=[user(parts)], tools=[{"type": "image_process"}])
    assert found.output[1].action.type == "zoom"


def test_it_reads_an_apps_blocks(sdk: Any) -> None:
    tools = [{"type": "doubao_app", "feature": {"deep_chat": {"type": "enabled"}}}]
    events = list(sdk.responses.create(model=MODEL, input="Hi", tools=tools, stream=True))
    said = "".join(one.delta for one in events if one.type == "response.doubao_app_call_output_text.delta")
    assert said == events[-1].response.output[0].blocks[-1].text == "You said: Hi"


def test_it_makes_a_prefix_and_reads_the_cache(sdk: Any) -> None:
    prefix = sdk.responses.create(model=MODEL, input=LONG, caching={"type": "enabled", "prefix": True})
    assert prefix.usage.output_tokens == 0
    found = sdk.responses.create(model=MODEL, input="And?", previous_response_id=prefix.id)
    assert found.usage.input_tokens_details.cached_tokens >= 256


def test_it_retrieves_lists_and_deletes(sdk: Any) -> None:
    found = sdk.responses.create(model=MODEL, input=[user(str(number)) for number in range(3)])
    assert [item.type for item in sdk.responses.retrieve(found.id).output] == ["message"]
    listed = sdk.input_items.list(found.id, limit=2, order="asc")
    contents = [item.content for item in listed]
    assert contents[:2] == ["0", "1"]
    sdk.responses.delete(found.id)
    with pytest.raises(Exception, match=r"NotFound\.ResponseId"):
        sdk.responses.retrieve(found.id)


def test_it_reads_structured_output(sdk: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    found = sdk.responses.create(model=MODEL, input="n = 7", text=wanted)
    assert json.loads(text(found)) == {"n": 7}


def test_it_reads_what_is_incomplete(sdk: Any) -> None:
    *_, last = sdk.responses.create(model=MODEL, input="count to 500", max_output_tokens=60, stream=True)
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "length")


def test_it_yields_failures_and_raises_envelopes(sdk: Any) -> None:
    def stream(end: str) -> list[Any]:
        return list(sdk.responses.create(model=MODEL, input=f"count to 50 EMULATOR_END_{end}", stream=True))

    assert stream("FAILED")[-1].response.error.code == "server_error"
    assert (stream("ERROR")[-1].type, stream("ERROR")[-1].code) == ("error", "InternalServiceError")
    with pytest.raises(Exception, match="unexpected internal error"):
        stream("ENVELOPE")


def test_it_raises_refusals(sdk: Any) -> None:
    with pytest.raises(Exception, match=r"InvalidParameter\.PreviousResponseNotFound"):
        sdk.responses.create(model=MODEL, input="Hi", previous_response_id="resp_0")
    with pytest.raises(Exception, match="json: unknown field"):
        sdk.responses.create(model=MODEL, input="Hi", extra_body={"truncation": "auto"})


@pytest.mark.parametrize("name", SDKS)
async def test_it_streams_without_blocking(emulator: Emulator, name: str) -> None:
    module = pytest.importorskip(name, reason=f"{name} is not installed: run python scripts/ark_sdk.py")
    async with module.AsyncArk(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0) as client:
        stream = await client.responses.create(model=MODEL, input="Hi", stream=True)
        deltas = [one.delta async for one in stream if one.type == "response.output_text.delta"]
    assert "".join(deltas) == "You said: Hi"


def test_the_newer_one_asks_for_what_the_older_cannot(emulator: Emulator) -> None:
    with official_sdk("arkruntime", emulator) as client:
        found = client.responses.create(
            model=MODEL,
            input="Hi",
            include=["reasoning.encrypted_content"],
            prompt_cache_key="key",
            safety_identifier="someone",
        )
    assert found.output[0].encrypted_content
    assert (found.prompt_cache_key, found.safety_identifier) == ("key", "someone")
