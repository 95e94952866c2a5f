"""Ends of `/responses` that are none, and the emulator's controls on its way there."""

from __future__ import annotations

import httpx
import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import WEATHER, Client, kinds, text_of


def test_a_response_may_fail_in_the_middle(client: Client) -> None:
    frames = client.frames(input="count to 50 EMULATOR_END_FAILED")
    assert frames[-1] == (None, "[DONE]")
    name, data = frames[-2]
    assert name == data["type"] == "response.failed"
    failed = data["response"]
    assert (failed["status"], failed["error"]["code"], failed["output"]) == ("failed", "server_error", [])
    assert sum(name == "response.output_text.delta" for name, _ in frames) > 5
    assert data["sequence_number"] == len(frames) - 2
    assert client.http.get(f"/responses/{failed['id']}").status_code == 404


def test_an_error_may_come_in_the_middle(client: Client) -> None:
    name, data = client.frames(input="count to 50 EMULATOR_END_ERROR")[-2]
    assert (name, data["type"], data["code"]) == ("error", "error", "InternalServiceError")
    assert {"message", "param", "sequence_number"} <= set(data)


def test_moderation_may_end_the_answer(client: Client) -> None:
    name, data = client.frames(input="count to 50 EMULATOR_REFUSE_OUTPUT")[-2]
    assert (name, data["code"]) == ("error", "OutputTextSensitiveContentDetected")
    assert client.refuse(input="EMULATOR_REFUSE_OUTPUT")["code"] == "OutputTextSensitiveContentDetected"


def test_a_bare_envelope_may_come_in_the_middle(client: Client) -> None:
    name, data = client.frames(input="count to 50 EMULATOR_END_ENVELOPE")[-1]
    assert (name, data["error"]["code"]) == (None, "InternalServiceError")


def test_a_stream_may_end_without_its_last_event(client: Client) -> None:
    frames = client.frames(input="count to 50 EMULATOR_END_MISSING")
    assert frames[-1] == (None, "[DONE]")
    assert frames[-2][0] == "response.output_text.delta"


def test_a_call_may_be_broken_off(client: Client) -> None:
    frames = client.frames(input="get_weather EMULATOR_END_ERROR", tools=[WEATHER])
    assert [frames[-3][0], frames[-2][0]] == ["response.function_call_arguments.done", "error"]


def test_whole_replies_fail_too(client: Client) -> None:
    assert client.ask(input="EMULATOR_END_FAILED")["error"]["code"] == "server_error"
    assert client.refuse(input="EMULATOR_END_ERROR")["status"] == 500


def test_a_filter_leaves_the_answer_incomplete(client: Client) -> None:
    found = client.ask(input="a long question EMULATOR_FILTER_OUTPUT")
    assert (found["status"], found["incomplete_details"]["reason"]) == ("incomplete", "content_filter")
    assert text_of(found)


def test_the_next_request_can_fail(client: Client, emulator: Emulator) -> None:
    emulator.fail_next(status=429, code="ServerOverloaded", path="/responses")
    assert client.refuse(input="Hi")["code"] == "ServerOverloaded"
    assert client.ask(input="Hi")["status"] == "completed"


def test_a_reply_can_be_dictated(client: Client, emulator: Emulator) -> None:
    emulator.reply_next({"id": "resp_1", "object": "response"})
    assert client.ask(input="Hi") == {"id": "resp_1", "object": "response"}
    emulator.reply_next([{"type": "response.created"}, "data: [DONE]"])
    assert client.post(input="Hi", stream=True).text == 'data: {"type":"response.created"}\n\ndata: [DONE]\n\n'


def test_a_stream_can_be_cut(client: Client, emulator: Emulator) -> None:
    emulator.break_stream_after(4)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(input="Hi", stream=True)


def test_a_stream_can_be_held_back(client: Client, emulator: Emulator) -> None:
    emulator.delay_next(0.01, keep_alive=True)
    text = client.post(input="Hi", stream=True).text
    assert text.startswith(": keep-alive\n\n")
    assert text.endswith("data: [DONE]\n\n")


def test_a_request_without_a_good_key_is_refused(client: Client) -> None:
    reply = client.http.post("/responses", json={}, headers={"Authorization": "Bearer other"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "AuthenticationError")


@pytest.mark.parametrize("path", ["/responses/responses/x", "/responses/resp_1/cancel", "/batch/responses"])
def test_other_paths_are_not_there(client: Client, path: str) -> None:
    reply = client.http.post(path, json={})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "InvalidAction")


def test_the_words_for_faults_leave_other_answers_alone(client: Client) -> None:
    assert kinds(client.ask(input="EMULATOR_END")["output"]) == ["reasoning", "message"]
