"""The emulator with an upstream server: its answers in Ark's wire format."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from langchain_volcark import ArkEmbeddings, ChatArk
from langchain_volcark.emulator import Emulator
from tests.integration.upstream_server import USAGE, FakeUpstream, call, fake_upstream

THINKING = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"
KEY = "sk-of-the-upstream-server"

Make = Callable[..., ChatArk]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[FakeUpstream, Emulator]]:
    with fake_upstream() as fake, Emulator(upstream=fake.url, upstream_key=KEY) as server:
        yield fake, server


@pytest.fixture
def upstream(running: tuple[FakeUpstream, Emulator]) -> FakeUpstream:
    running[0].reset()
    return running[0]


@pytest.fixture
def server(running: tuple[FakeUpstream, Emulator], upstream: FakeUpstream) -> Emulator:
    running[1].reset()
    return running[1]


@pytest.fixture
def make(server: Emulator) -> Make:
    def build(**arguments: Any) -> ChatArk:
        defaults = {"model": PLAIN, "api_key": server.api_key, "base_url": server.ark_base_url}
        return ChatArk(**{**defaults, **arguments})

    return build


def total(chunks: Any) -> AIMessage:
    first, *rest = chunks
    return first + rest  # type: ignore[no-any-return]


async def four_ways(model: ChatArk, prompt: Any) -> list[BaseMessage]:
    """invoke, ainvoke, stream, astream."""
    return [
        model.invoke(prompt),
        await model.ainvoke(prompt),
        total(model.stream(prompt)),
        total([chunk async for chunk in model.astream(prompt)]),
    ]


# --- what comes back ---------------------------------------------------------------------------------------------


async def test_the_words_and_the_usage_are_the_upstreams(make: Make, upstream: FakeUpstream) -> None:
    upstream.message = {"content": "Grüße aus 杭州 \u2028 😀"}
    for message in await four_ways(make(), "Hi"):
        assert message.text == "Grüße aus 杭州 \u2028 😀"
        assert message.response_metadata["finish_reason"] == "stop"
        assert message.response_metadata["model_name"] == PLAIN
        usage = message.usage_metadata  # type: ignore[attr-defined]
        assert [usage[one] for one in ("input_tokens", "output_tokens", "total_tokens")] == list(USAGE.values())
    assert {one["model"] for one in upstream.requests} == {"tiny"}
    assert set(upstream.keys) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("word", ["reasoning_content", "reasoning"])
async def test_thinking_is_arks_reasoning_content(make: Make, upstream: FakeUpstream, word: str) -> None:
    upstream.deltas = [{word: "Let me "}, {word: "see."}, {"content": "42"}]
    upstream.message = {"content": "42", word: "Let me see."}
    for message in await four_ways(make(model=THINKING), "Hi"):
        assert message.additional_kwargs["reasoning_content"] == "Let me see."
        assert message.additional_kwargs["encrypted_content"].startswith("dj")
        assert message.text == "42"
        # Counted by the emulator where the upstream does not say, never more than the answer.
        assert 0 < message.usage_metadata["output_token_details"]["reasoning"] <= 7  # type: ignore[attr-defined]


async def test_details_of_usage_are_kept(make: Make, upstream: FakeUpstream) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 3}}
    upstream.usage = {**USAGE, **details}
    for message in await four_ways(make(), "Hi"):
        usage = message.usage_metadata  # type: ignore[attr-defined]
        assert usage["input_token_details"] == {"cache_read": 5}
        assert usage["output_token_details"] == {"reasoning": 3}


async def test_usage_is_counted_where_the_upstream_has_none(make: Make, upstream: FakeUpstream) -> None:
    upstream.usage = None
    counts = {
        tuple(message.usage_metadata[one] for one in ("input_tokens", "output_tokens"))  # type: ignore[attr-defined]
        for message in await four_ways(make(), "Hi")
    }
    assert len(counts) == 1
    assert all(one > 0 for one in counts.pop())


async def test_tool_calls_pass(make: Make, upstream: FakeUpstream) -> None:
    def get_weather(city: str) -> str:
        """Weather."""
        return city

    calls = [call("get_weather", '{"city": "Rome"}', "c1"), call("get_weather", '{"city": "Bonn"}', "c2")]
    upstream.message = {"content": None, "tool_calls": calls}
    upstream.finish_reason = "tool_calls"
    model = make(model=THINKING).bind_tools([get_weather], tool_choice="any")
    for message in await four_ways(model, "Weather?"):  # type: ignore[arg-type]
        assert [(one["id"], one["args"]) for one in message.tool_calls] == [  # type: ignore[attr-defined]
            ("c1", {"city": "Rome"}),
            ("c2", {"city": "Bonn"}),
        ]
        assert message.response_metadata["finish_reason"] == "tool_calls"
    sent = upstream.requests[0]
    assert sent["tools"][0]["function"]["name"] == "get_weather"
    assert sent["tool_choice"] == "required"
    assert sent["parallel_tool_calls"] is True


async def test_calls_in_fragments_and_calls_all_numbered_zero(make: Make, upstream: FakeUpstream) -> None:
    def fragment(arguments: str, **opening: Any) -> dict[str, Any]:
        function = {"arguments": arguments, **({"name": opening["name"]} if "name" in opening else {})}
        return {"tool_calls": [{"index": 0, "id": opening.get("id"), "function": function}]}

    upstream.deltas = [
        fragment('{"a', id="c1", name="f"),
        fragment('": 1}'),
        fragment('{"b": 2}', id="c2", name="g"),
    ]
    # Ollama says `stop` after calls.
    message = total(make().stream("Call f and g."))
    assert [(one["id"], one["name"], one["args"]) for one in message.tool_calls] == [
        ("c1", "f", {"a": 1}),
        ("c2", "g", {"b": 2}),
    ]
    assert message.response_metadata["finish_reason"] == "tool_calls"


async def test_structured_output_is_asked_for_by_schema(make: Make, upstream: FakeUpstream) -> None:
    class Person(BaseModel):
        """A person."""

        name: str

    upstream.message = {"content": '{"name": "Ada"}'}
    found = make(model=THINKING).with_structured_output(Person, method="json_schema").invoke("Who?")
    assert found == Person(name="Ada")
    wanted = upstream.requests[0]["response_format"]
    assert wanted["type"] == "json_schema"
    assert wanted["json_schema"]["schema"]["properties"]["name"]["type"] == "string"


@pytest.mark.parametrize("repeats", [True, False])
async def test_a_continuation_holds_only_what_is_new(make: Make, upstream: FakeUpstream, repeats: bool) -> None:
    upstream.message = {"content": "Once upon a time" if repeats else " a time"}
    for message in await four_ways(make(), [("user", "A story."), ("assistant", "Once upon")]):
        assert message.text == " a time"
    assert upstream.requests[0]["messages"][-1] == {"role": "assistant", "content": "Once upon"}


def test_several_choices(make: Make, upstream: FakeUpstream) -> None:
    def answer(body: dict[str, Any]) -> Response:
        choices = [
            {"index": place, "finish_reason": "stop", "message": {"content": f"{place}"}}
            for place in range(body["n"])
        ]
        return JSONResponse({"choices": choices, "usage": USAGE})

    upstream.answer = answer
    result = make(n=2).generate([[HumanMessage("Hi")]])
    assert [one.text for one in result.generations[0]] == ["0", "1"]


# --- Ark's wire ----------------------------------------------------------------------------------------------------


def events(server: Emulator, **body: Any) -> tuple[httpx.Response, list[Any]]:
    reply = httpx.post(
        f"{server.ark_base_url}/chat/completions",
        headers={"Authorization": f"Bearer {server.api_key}"},
        json={"model": PLAIN, "messages": [{"role": "user", "content": "Hi"}], "stream": True, **body},
        timeout=60,
    )
    assert reply.status_code == 200, reply.text
    data = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    return reply, [one if one == "[DONE]" else json.loads(one) for one in data]


def test_a_stream_is_framed_as_arks(server: Emulator, upstream: FakeUpstream) -> None:
    upstream.deltas = [{"role": "assistant", "content": None}, {"reasoning": "Hm."}, {"content": "Yes"}]
    reply, found = events(server, model=THINKING, stream_options={"include_usage": True})
    *chunks, usage, done = found
    assert done == "[DONE]"
    assert reply.headers["X-Request-Id"].startswith("02")
    assert len({one["id"] for one in chunks}) == 1
    assert chunks[0]["id"].startswith("02")
    assert {one["model"] for one in chunks} == {THINKING}
    deltas = [one["choices"][0]["delta"] for one in chunks]
    assert all(one["role"] == "assistant" and isinstance(one["content"], str) for one in deltas)
    assert deltas[0]["reasoning_content"] == "Hm."
    assert set(deltas[1]) == {"role", "content", "reasoning_content", "encrypted_content"}
    assert ["finish_reason" in one["choices"][0] for one in chunks] == [False, False, False, True]
    assert [one["usage"] for one in chunks] == [None] * 4
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == USAGE["total_tokens"]


def test_usage_comes_only_where_asked_for(server: Emulator) -> None:
    _, found = events(server)
    assert all(one == "[DONE]" or one["choices"] for one in found)
    _, found = events(server, stream_options={"chunk_include_usage": True})
    assert found[-2]["choices"][0]["finish_reason"] == "stop"
    assert found[-2]["usage"]["completion_tokens"] == USAGE["completion_tokens"]


def test_arks_rules_hold_before_anything_is_forwarded(server: Emulator, upstream: FakeUpstream) -> None:
    def refused(**body: Any) -> str:
        reply = httpx.post(
            f"{server.ark_base_url}/chat/completions",
            headers={"Authorization": f"Bearer {body.pop('key', server.api_key)}"},
            json={"model": PLAIN, "messages": [{"role": "user", "content": "Hi"}], **body},
        )
        assert reply.status_code >= 400
        return str(reply.json()["error"]["code"])

    assert refused(key="wrong") == "AuthenticationError"
    assert refused(model="gpt-4") == "InvalidEndpointOrModel.NotFound"
    assert refused(max_tokens=1, max_completion_tokens=1) == "InvalidParameter"
    assert refused(messages=[{"role": "developer", "content": "x"}]) == "InvalidParameter"
    assert refused(messages=[{"role": "user", "content": "EMULATOR_SENSITIVE_INPUT"}]) == (
        "InputTextSensitiveContentDetected"
    )
    assert upstream.requests == []


def test_faults_can_still_be_asked_for(make: Make, server: Emulator, upstream: FakeUpstream) -> None:
    server.fail_next(429, times=1)
    assert make(max_retries=3).invoke("Hi").text == "Hello."
    assert len(upstream.requests) == 1


# --- what is asked -------------------------------------------------------------------------------------------------


def test_what_the_caller_set_is_forwarded_in_words_local_servers_know(make: Make, upstream: FakeUpstream) -> None:
    make(temperature=0, top_p=0.5, stop=["x"], user="u", repetition_penalty=1.1, max_tokens=9).invoke("Hi")
    sent = upstream.requests[0]
    assert {name: sent[name] for name in ("temperature", "top_p", "stop", "user", "max_tokens")} == {
        "temperature": 0,
        "top_p": 0.5,
        "stop": ["x"],
        "user": "u",
        "max_tokens": 9,
    }
    assert sent["repetition_penalty"] == sent["repeat_penalty"] == 1.1
    make().invoke("Hi")
    assert set(upstream.requests[1]) == {"model", "messages", "stream"}


@pytest.mark.parametrize(("word", "expected"), [("enabled", True), ("disabled", False)])
def test_the_switch_of_thinking_reaches_the_chat_template(
    make: Make, upstream: FakeUpstream, word: Any, expected: bool
) -> None:
    make(model=THINKING, thinking=word, max_completion_tokens=50).invoke("Hi")
    assert upstream.requests[0]["chat_template_kwargs"]["enable_thinking"] is expected
    assert upstream.requests[0]["max_tokens"] == 50
    make(model=THINKING).invoke("Hi")
    assert "chat_template_kwargs" not in upstream.requests[1]


def test_images_go_on_without_arks_own_fields(make: Make, upstream: FakeUpstream) -> None:
    image = {"url": "https://example.com/a.png", "detail": "xhigh", "image_pixel_limit": {"max_pixels": 4000}}
    content: list[Any] = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": image}]
    make(model=THINKING).invoke([("user", content)])
    parts = upstream.requests[0]["messages"][0]["content"]
    assert parts[1] == {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}}


def test_the_model_can_be_named() -> None:
    with fake_upstream() as fake, Emulator(upstream=f"{fake.url}/v1/", upstream_model="other") as server:
        ChatArk(model=PLAIN, api_key=server.api_key, base_url=server.ark_base_url).invoke("Hi")
        assert fake.requests[0]["model"] == "other"
        assert fake.keys == [None]


# --- embeddings ----------------------------------------------------------------------------------------------------


async def test_texts_are_embedded_by_the_upstream(server: Emulator, upstream: FakeUpstream) -> None:
    model = ArkEmbeddings(
        model="doubao-embedding-large-text-240915", api_key=server.api_key, base_url=server.ark_base_url
    )
    assert model.embed_documents(["a", "four"]) == [[1.0, 0.5, -0.25], [4.0, 0.5, -0.25]]
    assert await model.aembed_query("four") == [4.0, 0.5, -0.25]
    assert upstream.requests[0] == {"model": "tiny", "input": ["a", "four"], "encoding_format": "float"}


def test_one_multimodal_input_is_one_text_and_one_vector(server: Emulator, upstream: FakeUpstream) -> None:
    def ask(**fields: Any) -> httpx.Response:
        return httpx.post(
            f"{server.ark_base_url}/embeddings/multimodal",
            headers={"Authorization": f"Bearer {server.api_key}"},
            json={"model": "doubao-embedding-vision-251215", **fields},
        )

    texts = [{"type": "text", "text": "ab"}, {"type": "text", "text": "cd"}]
    reply = ask(input=texts, instructions="Query:").json()
    assert upstream.requests[0]["input"] == ["Query:ab\ncd"]
    assert reply["data"]["embedding"] == [11.0, 0.5, -0.25]
    assert reply["usage"]["prompt_tokens"] == 1
    picture = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    refused = ask(input=picture)
    assert refused.status_code == 400
    assert "embeds texts only" in refused.json()["error"]["message"]


# --- callers that leave --------------------------------------------------------------------------------------------


async def test_a_caller_that_leaves_a_stream_frees_the_upstream(make: Make, upstream: FakeUpstream) -> None:
    upstream.stall_after = 3
    stream = make().astream("Hi")
    await anext(stream)
    assert await asyncio.to_thread(upstream.waiting.wait, 60)
    await stream.aclose()
    assert await asyncio.to_thread(upstream.left.wait, 60)


async def test_a_caller_that_leaves_before_the_first_word_frees_it_too(
    make: Make, server: Emulator, upstream: FakeUpstream
) -> None:
    upstream.stall_after = 0
    for ask in (make().ainvoke, make().ainvoke):
        upstream.left.clear()
        upstream.waiting.clear()
        task = asyncio.create_task(ask("Hi"))
        assert await asyncio.to_thread(upstream.waiting.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(upstream.left.wait, 60)
    assert await asyncio.to_thread(server.wait_for, lambda: server.disconnects == 2, 60)


def test_stopping_the_emulator_frees_the_upstream(upstream: FakeUpstream) -> None:
    upstream.stall_after = 3
    with Emulator(upstream=upstream.url) as server:
        model = ChatArk(model=PLAIN, api_key=server.api_key, base_url=server.ark_base_url)
        stream = model.stream("Hi")
        next(stream)
        assert upstream.waiting.wait(60)
    assert upstream.left.wait(60)
    stream.close()
