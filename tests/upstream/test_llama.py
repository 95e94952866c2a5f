"""ChatArk and ArkEmbeddings through the emulator's Ark to a real model. It is a base model: the wire is judged."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Literal

import httpx
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from langchain_volcark import ArkEmbeddings, ChatArk, ChatArkBot, ChatQianfan, ChatVikingKnowledge
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import ContextLengthError, InvalidRequestError
from tests.upstream.conftest import THINKING

Make = Callable[..., ChatArk]
PROMPT = "The capital of France is"
PATIENCE = 300.0


def total(chunks: Any) -> AIMessage:
    first, *rest = chunks
    return first + rest  # type: ignore[no-any-return]


def asked_directly(direct: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": PROMPT}], "temperature": 0, "max_tokens": 12, **fields}
    reply = direct.post("/v1/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    parsed: dict[str, Any] = reply.json()
    return parsed


async def test_four_ways_of_asking_say_the_same_as_the_model_itself(make: Make, direct: httpx.Client) -> None:
    model = make()
    itself = asked_directly(direct)
    chunks = list(model.stream(PROMPT))
    messages: list[BaseMessage] = [
        model.invoke(PROMPT),
        await model.ainvoke(PROMPT),
        total(chunks),
        total([chunk async for chunk in model.astream(PROMPT)]),
    ]
    for message in messages:
        assert message.text == itself["choices"][0]["message"]["content"]
        assert message.response_metadata["finish_reason"] == itself["choices"][0]["finish_reason"] == "length"
        assert message.response_metadata["request_id"].startswith("02")
        usage = message.usage_metadata  # type: ignore[attr-defined]
        assert usage["input_tokens"] == itself["usage"]["prompt_tokens"]
        assert usage["output_tokens"] == itself["usage"]["completion_tokens"] == 12
        assert usage["total_tokens"] == itself["usage"]["total_tokens"]
    assert len([chunk for chunk in chunks if chunk.text]) > 3


def test_protocol_events(make: Make, direct: httpx.Client) -> None:
    output = make().stream_events(PROMPT, version="v3").output  # type: ignore[attr-defined]
    assert output.text == asked_directly(direct)["choices"][0]["message"]["content"]


def test_a_stop_text_ends_the_answer(make: Make) -> None:
    message = make(max_tokens=60).invoke("Count: 1, 2, 3,", stop=[","])
    assert "," not in message.text


def test_structured_output_by_schema_is_held_by_the_grammar(make: Make) -> None:
    class Weather(BaseModel):
        """The weather."""

        kind: Literal["sun", "rain"]
        windy: bool

    model = make(model=THINKING, max_tokens=100).with_structured_output(Weather, method="json_schema")
    found = model.invoke("It rains cats and dogs and there is no wind.")
    assert isinstance(found, Weather)
    *_, streamed = model.stream("It rains cats and dogs and there is no wind.")
    assert streamed == found


def test_a_tool_call_is_held_by_the_grammar(make: Make) -> None:
    def get_weather(city: Literal["Paris", "Rome"]) -> str:
        """Weather of a city."""
        return city

    def asked_for(city: str, call_id: str) -> list[BaseMessage]:
        calls: Any = [{"name": "get_weather", "args": {"city": city}, "id": call_id, "type": "tool_call"}]
        return [
            HumanMessage(f"What is the weather in {city}?"),
            AIMessage("", tool_calls=calls),
            ToolMessage("Sunny.", tool_call_id=call_id),
        ]

    # A base model does what it saw before.
    history = [*asked_for("Paris", "1"), *asked_for("Rome", "2"), HumanMessage("What is the weather in Paris?")]
    model = make(max_tokens=80, parallel_tool_calls=False).bind_tools([get_weather], tool_choice="any")
    for message in (model.invoke(history), total(model.stream(history))):
        assert message.tool_calls, message
        assert message.tool_calls[0]["name"] == "get_weather"
        assert message.tool_calls[0]["args"]["city"] in ("Paris", "Rome")
        assert message.tool_calls[0]["id"]


def test_a_continuation_does_not_repeat_its_beginning(make: Make) -> None:
    history = [("user", "Tell me a story."), ("assistant", "Once upon")]
    invoked, streamed = make().invoke(history), total(make().stream(history))
    assert not invoked.text.startswith("Once upon")
    assert invoked.text == streamed.text


def test_log_probabilities_pass(make: Make) -> None:
    message = make(max_tokens=3, logprobs=True, top_logprobs=2).invoke(PROMPT)
    found = message.response_metadata["logprobs"]["content"]
    assert len(found) == 3
    assert all(one["logprob"] <= 0 and len(one["top_logprobs"]) == 2 for one in found)


def test_a_prompt_that_is_too_long_is_arks_error(make: Make) -> None:
    for ask in (make().invoke, lambda prompt: list(make().stream(prompt))):
        with pytest.raises(ContextLengthError) as caught:
            ask("word " * 9000)
        assert caught.value.code == "InvalidParameter"


def test_an_image_that_the_model_cannot_see_is_arks_error(make: Make) -> None:
    picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGklEQVR4nGP4z8BAEiJN9aiGUQ1DSwMDA8N/AAxf/wHnjzQ1AAAAAElFTkSuQmCC"
    content: list[Any] = [{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": "?"}]
    with pytest.raises(InvalidRequestError) as caught:
        make(model=THINKING).invoke([HumanMessage(content)])
    assert caught.value.code == "InvalidParameter"


def test_embeddings_are_the_models_own(in_front: Emulator, direct: httpx.Client) -> None:
    def itself(given: list[str]) -> list[list[float]]:
        return [row["embedding"] for row in direct.post("/v1/embeddings", json={"input": given}).json()["data"]]

    texts = ["broccoli is a vegetable", "the ferry leaves at eight"]
    address = {"api_key": in_front.api_key, "base_url": in_front.ark_base_url}
    text = ArkEmbeddings(model="doubao-embedding-large-text-240915", **address)
    multimodal = ArkEmbeddings(model="doubao-embedding-vision-251215", **address)
    for found, expected in [
        (text.embed_documents(texts), itself(texts)),
        # One request for each; this server's vectors depend on what else is in the request.
        (multimodal.embed_documents(texts), [vector for one in texts for vector in itself([one])]),
    ]:
        for vector, row in zip(found, expected, strict=True):
            assert vector == pytest.approx(row, abs=1e-5)


def test_the_other_services_answer_with_the_same_model(in_front: Emulator, direct: httpx.Client) -> None:
    prompt = "xyzzy"  # of which the bots' plugins find nothing
    itself = asked_directly(direct, messages=[{"role": "user", "content": prompt}])
    ark = {"api_key": in_front.api_key, "base_url": in_front.ark_base_url}
    keys = {"access_key": in_front.access_key, "secret_key": in_front.secret_key}
    models: list[Any] = [
        ChatArkBot(model="bot-plain-1", **ark),
        ChatQianfan(model="ernie-5.1", api_key=in_front.qianfan_api_key, base_url=in_front.qianfan_base_url),
        ChatVikingKnowledge(model="Doubao-1-5-pro-32k", base_url=in_front.knowledge_base_url, **keys),
    ]
    for model in models:
        asked = model.bind(temperature=0, max_tokens=12)
        for message in (asked.invoke(prompt), total(asked.stream(prompt))):
            assert message.text == itself["choices"][0]["message"]["content"]
            assert message.usage_metadata["total_tokens"] == itself["usage"]["total_tokens"]


# --- callers that leave --------------------------------------------------------------------------------------------

LONG = 1900


def _decoded(direct: httpx.Client) -> int | None:
    """How many tokens of a reply the server has written; None while it writes nothing."""
    slots = [slot for slot in direct.get("/slots").json() if slot["is_processing"]]
    return max((slot["next_token"][0]["n_decoded"] for slot in slots), default=None)


async def _at_rest(direct: httpx.Client) -> int:
    """Wait until the server writes nothing; how far it was seen to have come."""
    most, end = 0, time.monotonic() + PATIENCE
    while (decoded := await asyncio.to_thread(_decoded, direct)) is not None:
        assert time.monotonic() < end, "the server goes on writing for nobody"
        most = max(most, decoded)
        # It looks for callers that left after a second without news, and to be asked this is news.
        await asyncio.sleep(2.5)
    return most


async def test_a_caller_that_leaves_a_stream_ends_the_models_work(make: Make, direct: httpx.Client) -> None:
    stream = make(max_tokens=LONG).astream("Tell me a very long story.")
    await anext(stream)
    assert await asyncio.to_thread(_decoded, direct) is not None
    await stream.aclose()
    assert await _at_rest(direct) < LONG // 2


async def test_a_caller_that_is_cancelled_ends_the_models_work(make: Make, direct: httpx.Client) -> None:
    task = asyncio.create_task(make(max_tokens=LONG).ainvoke("Tell me a very long story."))
    while await asyncio.to_thread(_decoded, direct) is None:
        assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _at_rest(direct) < LONG // 2


def test_the_events_on_the_wire_are_arks(in_front: Emulator) -> None:
    body = {
        "model": THINKING,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"Authorization": f"Bearer {in_front.api_key}"}
    reply = httpx.post(f"{in_front.ark_base_url}/chat/completions", json=body, headers=headers, timeout=600)
    *events, done, nothing = reply.text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    parsed = [json.loads(one.removeprefix("data: ")) for one in events]
    assert {one["model"] for one in parsed} == {THINKING}
    assert all(one["choices"][0]["delta"]["role"] == "assistant" for one in parsed[:-1])
    assert ["finish_reason" in one["choices"][0] for one in parsed[:-1]] == [False] * (len(parsed) - 2) + [True]
    assert parsed[-1]["choices"] == []
    assert parsed[-1]["usage"]["completion_tokens"] == 4
