"""The emulator's streams on Ark's chat: shape and order of the events."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

THINKER = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.ark_base_url, headers=headers) as running:
        yield running


def lines(client: httpx.Client, prompt: str, model: str, **fields: Any) -> list[str]:
    """The events of a stream as text."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}], **fields}
    reply = client.post("/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "text/event-stream"
    assert "content-length" not in reply.headers
    assert reply.text.endswith("\n\n")
    return reply.text.removesuffix("\n\n").split("\n\n")


def payloads(client: httpx.Client, prompt: str, model: str = PLAIN, **fields: Any) -> list[dict[str, Any]]:
    """The parsed payloads of a stream that ends properly."""
    events = lines(client, prompt, model, **fields)
    assert events.pop() == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


def deltas(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


def test_chunks_share_id_time_and_model(client: httpx.Client) -> None:
    chunks = payloads(client, "Hi", "ep-20250101000000-abcde")
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["service_tier"]) for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["model"] == THINKER


def test_text_comes_in_small_fragments(client: httpx.Client) -> None:
    found = [delta["content"] for delta in deltas(payloads(client, "Hello there, how are you?"))]
    assert "".join(found) == "You said: Hello there, how are you?"
    assert len(found) > 5
    assert max(map(len, found)) <= 10


def test_every_delta_names_the_role(client: httpx.Client) -> None:
    assert {delta["role"] for delta in deltas(payloads(client, "Hi", THINKER))} == {"assistant"}


def test_finish_reason_is_absent_until_the_empty_last_chunk(client: httpx.Client) -> None:
    choices = [chunk["choices"][0] for chunk in payloads(client, "Hi")]
    assert all("finish_reason" not in choice for choice in choices[:-1])
    assert choices[-1]["finish_reason"] == "stop"
    assert choices[-1]["delta"]["content"] == ""


def test_thinking_then_its_encrypted_form_then_the_answer(client: httpx.Client) -> None:
    found = deltas(payloads(client, "Hi", THINKER))

    encrypted = [place for place, delta in enumerate(found) if "encrypted_content" in delta]
    assert len(encrypted) == 1
    middle = encrypted[0]
    assert found[middle]["content"] == found[middle]["reasoning_content"] == ""
    assert all(delta["reasoning_content"] and delta["content"] == "" for delta in found[:middle])
    assert all("reasoning_content" not in delta for delta in found[middle + 1 :])
    assert "".join(delta["content"] for delta in found[middle + 1 :]) == "You said: Hi"


def test_stream_says_what_the_whole_reply_says(client: httpx.Client) -> None:
    whole = client.post(
        "/chat/completions", json={"model": THINKER, "messages": [{"role": "user", "content": "Hi you"}]}
    ).json()
    chunks = payloads(client, "Hi you", THINKER, stream_options={"include_usage": True})

    found = deltas(chunks)
    message = whole["choices"][0]["message"]
    for field in ("content", "reasoning_content", "encrypted_content"):
        assert "".join(delta.get(field, "") for delta in found) == message[field]
    assert chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]


def test_usage_is_null_everywhere_unless_asked_for(client: httpx.Client) -> None:
    chunks = payloads(client, "Hi")
    assert all(chunk["usage"] is None for chunk in chunks)
    assert all(chunk["choices"] for chunk in chunks)


def test_usage_comes_in_a_last_chunk_without_choices(client: httpx.Client) -> None:
    chunks = payloads(client, "Hi", stream_options={"include_usage": True})
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 9
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


def test_cumulative_usage_grows_to_the_total(client: httpx.Client) -> None:
    options = {"include_usage": True, "chunk_include_usage": True}
    usages = [chunk["usage"] for chunk in payloads(client, "Hi", THINKER, stream_options=options)]

    spent = [usage["completion_tokens"] for usage in usages]
    assert spent == sorted(spent)
    assert 0 < spent[0] < spent[-1]
    assert usages[-1] == usages[-2]


def test_cumulative_usage_alone_brings_no_chunk_without_choices(client: httpx.Client) -> None:
    chunks = payloads(client, "Hi", stream_options={"chunk_include_usage": True})
    assert all(chunk["choices"] and chunk["usage"] for chunk in chunks)


def test_some_models_send_usage_unasked(client: httpx.Client) -> None:
    assert payloads(client, "Hi", "glm-5-2-260617")[-1]["choices"] == []


def test_tool_call_opens_with_its_name_and_goes_on_in_fragments(client: httpx.Client) -> None:
    chunks = payloads(client, "Weather in 'Hang Zhou'?", THINKER, tools=[WEATHER])

    calls = [delta["tool_calls"][0] for delta in deltas(chunks) if "tool_calls" in delta]
    assert calls[0]["index"] == 0
    assert calls[0]["id"].startswith("call_")
    assert calls[0]["type"] == "function"
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert len(calls) > 3
    assert all(set(call) == {"index", "function"} and set(call["function"]) == {"arguments"} for call in calls[1:])
    assert json.loads("".join(call["function"]["arguments"] for call in calls)) == {"city": "Hang Zhou"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_parallel_tool_calls_are_numbered(client: httpx.Client) -> None:
    chunks = payloads(client, "get_weather for 'Rome' and get_time", THINKER, tools=[WEATHER, CLOCK])
    calls = [delta["tool_calls"][0] for delta in deltas(chunks) if "tool_calls" in delta]
    named = {call["index"]: call["function"]["name"] for call in calls if "name" in call["function"]}
    assert named == {0: "get_weather", 1: "get_time"}
    assert [call["index"] for call in calls] == sorted(call["index"] for call in calls)


def test_text_is_sent_as_utf8_without_escapes(client: httpx.Client) -> None:
    events = lines(client, "你好\u2028世界", PLAIN)
    assert "\\u" not in "".join(events)
    assert any("世" in event for event in events)


def test_several_choices_take_turns(client: httpx.Client) -> None:
    chunks = payloads(client, "Hi you there", n=2)
    order = [chunk["choices"][0]["index"] for chunk in chunks]
    assert order[:4] == [0, 1, 0, 1]
    texts = [
        "".join(c["delta"]["content"] for chunk in chunks for c in chunk["choices"] if c["index"] == index)
        for index in (0, 1)
    ]
    assert texts == ["You said: Hi you there", "You said: Hi you there (2)"]


def test_logprobs_ride_with_their_fragment(client: httpx.Client) -> None:
    for chunk in payloads(client, "Hi you", logprobs=True)[:-1]:
        choice = chunk["choices"][0]
        assert "".join(one["token"] for one in choice["logprobs"]["content"]) == choice["delta"]["content"]
    assert all("logprobs" not in chunk["choices"][0] for chunk in payloads(client, "Hi you"))


def test_filtered_stream_ends_with_the_reason(client: httpx.Client) -> None:
    last = payloads(client, "EMULATOR_FILTER_OUTPUT", THINKER)[-1]["choices"][0]
    assert (last["finish_reason"], last["moderation_hit_type"]) == ("content_filter", "severe_violation")


def test_refused_stream_ends_in_an_error_event(client: httpx.Client) -> None:
    events = lines(client, "EMULATOR_REFUSE_OUTPUT", PLAIN)
    first, last = (json.loads(event.removeprefix("data: ")) for event in (events[0], events[-1]))
    assert first["choices"][0]["delta"]["content"]
    assert last["error"]["code"] == "OutputTextSensitiveContentDetected"
    assert "Request id: 02" in last["error"]["message"]


def test_cut_stream_says_length(client: httpx.Client) -> None:
    chunks = payloads(client, "count to 50", max_tokens=4)
    assert "".join(delta["content"] for delta in deltas(chunks)) == "1 2 3 4"
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
