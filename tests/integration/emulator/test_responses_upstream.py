"""`/responses` in front of another server's model."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import WEATHER, WEB, Client, Json, kinds, text_of
from tests.integration.upstream_server import FakeUpstream, call, fake_upstream


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[FakeUpstream, Emulator]]:
    with fake_upstream() as fake, Emulator(upstream=fake.url) as server:
        yield fake, server


@pytest.fixture
def upstream(running: tuple[FakeUpstream, Emulator]) -> FakeUpstream:
    running[0].reset()
    return running[0]


@pytest.fixture
def client(running: tuple[FakeUpstream, Emulator], upstream: FakeUpstream) -> Iterator[Client]:
    running[1].reset()
    made = Client(running[1])
    yield made
    made.http.close()


def both_ways(client: Client, **body: object) -> list[Json]:
    return [client.ask(**body), client.events(**body)[-1]["response"]]


def test_its_words_are_a_response(client: Client, upstream: FakeUpstream) -> None:
    upstream.message = {"reasoning_content": "Hm.", "content": "Grüße 😀"}
    for found in both_ways(client, input="Hi", include=["reasoning.encrypted_content"]):
        assert kinds(found["output"]) == ["reasoning", "message"]
        assert found["output"][0]["summary"] == [{"type": "summary_text", "text": "Hm."}]
        assert found["output"][0]["encrypted_content"].startswith("djF7")
        assert text_of(found) == "Grüße 😀"
        assert (found["usage"]["input_tokens"], found["usage"]["output_tokens"]) == (11, 7)


def test_its_stream_passes_piece_by_piece(client: Client, upstream: FakeUpstream) -> None:
    upstream.message = {"content": "Hello."}
    events = client.events(input="Hi")
    assert [event["delta"] for event in events if event["type"] == "response.output_text.delta"] == list("Hello.")
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-2]["item"] == events[-1]["response"]["output"][0]


def test_its_calls_pass(client: Client, upstream: FakeUpstream) -> None:
    upstream.message = {"content": "Let me see.", "tool_calls": [call("get_weather", '{"city": "Rome"}')]}
    upstream.finish_reason = "tool_calls"
    for found in both_ways(client, input="Weather?", tools=[WEATHER], tool_choice="required"):
        assert kinds(found["output"]) == ["message", "function_call"]
        assert json.loads(found["output"][1]["arguments"]) == {"city": "Rome"}
    sent = upstream.requests[-1]
    assert sent["tools"][0]["function"]["name"] == "get_weather"
    assert sent["tool_choice"] == "required"


def test_a_chain_is_sent_whole(client: Client, upstream: FakeUpstream) -> None:
    first = client.ask(input="Hi", instructions="Be brief.")
    client.ask(input="And?", previous_response_id=first["id"])
    assert [message["content"] for message in upstream.requests[-1]["messages"]] == ["Hi", "Hello.", "And?"]
    assert [message["role"] for message in upstream.requests[0]["messages"]] == ["system", "user"]


def test_formats_and_limits_are_sent_on(client: Client, upstream: FakeUpstream) -> None:
    schema = {"type": "object", "properties": {}}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    client.ask(input="Hi", text=wanted, max_output_tokens=99, reasoning={"effort": "low"})
    sent = upstream.requests[-1]
    assert sent["response_format"] == {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    assert (sent["max_tokens"], sent["reasoning_effort"]) == (99, "low")


def test_its_limit_leaves_the_response_incomplete(client: Client, upstream: FakeUpstream) -> None:
    upstream.finish_reason = "length"
    for found in both_ways(client, input="Hi"):
        assert (found["status"], found["incomplete_details"]) == ("incomplete", {"reason": "length"})
        assert found["output"][-1]["status"] == "incomplete"


def test_hosted_tools_are_refused_in_clear_words(client: Client, upstream: FakeUpstream) -> None:
    error = client.refuse(input="Hi", tools=[WEB])
    assert "cannot run the hosted tool web_search" in error["message"]
    assert not upstream.requests


def test_rules_hold_before_anything_is_sent_on(client: Client, upstream: FakeUpstream) -> None:
    assert client.refuse(input="Hi", n=2)["message"].startswith('json: unknown field "n"')
    assert not upstream.requests


def test_its_errors_are_arks(client: Client, upstream: FakeUpstream) -> None:
    upstream.answer = lambda _body: JSONResponse({"error": {"message": "slow down"}}, 429)
    assert client.refuse(input="Hi")["status"] == 429
    assert client.refuse(input="Hi", stream=True)["status"] == 429


def test_a_stream_of_its_that_breaks_is_an_error_in_the_stream(client: Client, upstream: FakeUpstream) -> None:
    sent = b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\ndata: {"error": {"message": "out"}}\n\n'
    upstream.answer = lambda _body: Response(sent, media_type="text/event-stream")
    events = client.events(input="Hi")
    assert [event["type"] for event in events[-2:]] == ["response.output_text.delta", "error"]
    assert events[-1]["code"] == "InternalServiceError"


def test_an_empty_reply_is_an_empty_message(client: Client, upstream: FakeUpstream) -> None:
    upstream.message = {"content": ""}
    for found in both_ways(client, input="Hi"):
        assert (kinds(found["output"]), text_of(found)) == (["message"], "")
