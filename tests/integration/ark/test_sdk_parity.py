"""For the same call the official SDK's body equals ours, without its unset fields (null)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, Field
from volcenginesdkarkruntime import Ark, AsyncArk

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from tests.json_types import typed

Make = Callable[..., ChatArk]
MODEL = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"
PNG = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGklEQVR4nGP4z8BAEiJN9aiGUQ1DSwMDA8N/AAxf/wHnjzQ1AAAAAElFTkSuQmCC"
ASK = [{"role": "user", "content": "Weather in Hangzhou?"}]
HUMAN = [HumanMessage("Weather in Hangzhou?")]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": CITY}}


class get_weather(BaseModel):
    """Weather."""

    city: str = Field()


def tools(**function: Any) -> dict[str, Any]:
    return {"tools": [{**TOOL, "function": {**TOOL["function"], **function}}]}  # type: ignore[dict-item]


def fields(**arguments: Any) -> tuple[list[Any], dict[str, Any], list[Any], dict[str, Any]]:
    """A call whose arguments have the same names on both sides."""
    return HUMAN, arguments, ASK, arguments


def image(**options: Any) -> list[dict[str, Any]]:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", **options}}
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]


CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "杭州"}'}}
LOOP = [
    *ASK,
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "15 °C"},
]
LC_CALL = {"name": "get_weather", "args": {"city": "杭州"}, "id": "c1", "type": "tool_call"}
LC_LOOP = [*HUMAN, AIMessage("", tool_calls=[LC_CALL]), ToolMessage("15 °C", tool_call_id="c1")]

# name: LangChain messages, our arguments, the SDK's messages, the SDK's arguments
CALLS: dict[str, tuple[list[Any], dict[str, Any], list[Any], dict[str, Any]]] = {
    "plain": fields(),
    "temperature 0": fields(temperature=0),
    "temperature": fields(temperature=1.3),
    "top_p": fields(top_p=0.5),
    "max_tokens": fields(max_tokens=64),
    "max_completion_tokens": fields(max_completion_tokens=640),
    "thinking enabled": fields(thinking={"type": "enabled"}),
    "thinking disabled": fields(thinking={"type": "disabled"}),
    "thinking as a word": (HUMAN, {"thinking": "disabled"}, ASK, {"thinking": {"type": "disabled"}}),
    "effort": fields(reasoning_effort="low"),
    "thinking with effort": fields(thinking={"type": "enabled"}, reasoning_effort="high"),
    "frequency_penalty": fields(model=PLAIN, frequency_penalty=0.5),
    "presence_penalty": fields(model=PLAIN, presence_penalty=-0.5),
    "repetition_penalty": fields(repetition_penalty=1.1),
    "stop as a list": fields(model=PLAIN, stop=["you", "me"]),
    "logprobs": fields(model=PLAIN, logprobs=True, top_logprobs=3),
    "logit_bias": fields(model=PLAIN, logit_bias={"1734": -100}),
    "logit_bias with halves": fields(model=PLAIN, logit_bias={"1734": -0.5, "7": 2}),
    "whole numbers where fractions may be": fields(
        model=PLAIN, temperature=1, top_p=1, frequency_penalty=1, presence_penalty=-2, repetition_penalty=1
    ),
    "fractions that are whole": fields(model=PLAIN, temperature=1.0, top_p=1.0, frequency_penalty=2.0),
    "n": fields(n=2),
    "user": fields(user="someone"),
    "service_tier": fields(service_tier="default"),
    "another model": fields(model="doubao-seed-1-8-251228"),
    "an endpoint": fields(model="ep-20250101000000-abcde"),
    "json mode": fields(response_format={"type": "json_object"}, model=PLAIN),
    "json schema": fields(
        response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
    ),
    "strict json schema": fields(
        response_format={
            "type": "json_schema",
            "json_schema": {
                "name": "city",
                "schema": {**CITY, "additionalProperties": False},
                "strict": True,
            },
        }
    ),
    "tools": fields(**tools()),
    "two tools": fields(tools=[*tools()["tools"], *tools(name="get_wind")["tools"]]),
    "tool choice auto": fields(**tools(), tool_choice="auto"),
    "tool choice none": fields(**tools(), tool_choice="none"),
    "tool choice required": fields(**tools(), tool_choice="required"),
    "tool choice by name": fields(
        **tools(), tool_choice={"type": "function", "function": {"name": "get_weather"}}
    ),
    "one call at a time": fields(**tools(), parallel_tool_calls=False),
    "strict tool": fields(**tools(strict=True)),
    "system": (
        [SystemMessage("Answer in one word."), *HUMAN],
        {},
        [{"role": "system", "content": "Answer in one word."}, *ASK],
        {},
    ),
    "several system messages": (
        [SystemMessage("One."), SystemMessage("Two."), *HUMAN],
        {},
        [{"role": "system", "content": "One."}, {"role": "system", "content": "Two."}, *ASK],
        {},
    ),
    "a name": (
        [HumanMessage("Hi", name="alice")],
        {},
        [{"role": "user", "content": "Hi", "name": "alice"}],
        {},
    ),
    "several turns": (
        [HumanMessage("花椰菜是什么？"), AIMessage("一种蔬菜。"), HumanMessage("再详细点")],
        {},
        [
            {"role": "user", "content": "花椰菜是什么？"},
            {"role": "assistant", "content": "一种蔬菜。"},
            {"role": "user", "content": "再详细点"},
        ],
        {},
    ),
    "prefill": (
        [HumanMessage("Count."), AIMessage("one, two,")],
        {"thinking": {"type": "disabled"}},
        [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "one, two,"}],
        {"thinking": {"type": "disabled"}},
    ),
    "a tool loop": (LC_LOOP, tools(), LOOP, tools()),
    "reasoning in a tool loop": (
        [
            *HUMAN,
            AIMessage(
                "",
                tool_calls=[LC_CALL],
                additional_kwargs={"reasoning_content": "Need it.", "encrypted_content": "gAAAA"},
            ),
            LC_LOOP[2],
        ],
        tools(),
        [*ASK, {**LOOP[1], "reasoning_content": "Need it.", "encrypted_content": "gAAAA"}, LOOP[2]],
        tools(),
    ),
    "an image": (
        [
            HumanMessage(
                [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "base64": PNG, "mime_type": "image/png"},
                ]
            )
        ],
        {},
        image(),
        {},
    ),
    "an image with detail": (
        [
            HumanMessage(
                [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "base64": PNG, "mime_type": "image/png", "extras": {"detail": "high"}},
                ]
            )
        ],
        {},
        image(detail="high"),
        {},
    ),
    "an image with a pixel limit": (
        [HumanMessage(image(image_pixel_limit={"min_pixels": 3136, "max_pixels": 40000})[0]["content"])],
        {},
        image(image_pixel_limit={"min_pixels": 3136, "max_pixels": 40000}),
        {},
    ),
    "a video": (
        [HumanMessage([{"type": "video", "url": "https://example.com/a.mp4", "extras": {"fps": 2}}])],
        {},
        [
            {
                "role": "user",
                "content": [{"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", "fps": 2}}],
            }
        ],
        {},
    ),
    "a body field nobody knows yet": (
        HUMAN,
        {"extra_body": {"seed": 7}},
        ASK,
        {"extra_body": {"seed": 7}},
    ),
}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def bodies(emulator: Emulator) -> list[Any]:
    return [without_nulls(request.json) for request in emulator.requests]


def normalised(body: dict[str, Any]) -> dict[str, Any]:
    """`stream: false` says nothing."""
    return {key: value for key, value in body.items() if not (key == "stream" and value is False)}


@pytest.fixture
def sdk(emulator: Emulator) -> Ark:
    return Ark(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0)


def test_there_are_forty_calls() -> None:
    assert len(CALLS) >= 40


@pytest.mark.parametrize("name", CALLS)
def test_the_body_equals_the_sdks(name: str, make: Make, sdk: Ark, emulator: Emulator) -> None:
    ours, our_arguments, theirs, their_arguments = CALLS[name]
    emulator.reply_next({"id": "r", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}, times=2)
    make().invoke(ours, **our_arguments)
    sdk.chat.completions.create(**{"model": MODEL, "messages": theirs, **their_arguments})
    mine, reference = bodies(emulator)
    assert typed(normalised(mine)) == typed(normalised(reference))


@pytest.mark.parametrize(
    "name",
    ["temperature", "logit_bias", "logit_bias with halves", "whole numbers where fractions may be", "logprobs"],
)
def test_what_the_constructor_sets_goes_out_as_the_sdk_sends_it(
    name: str, make: Make, sdk: Ark, emulator: Emulator
) -> None:
    ours, our_arguments, theirs, their_arguments = CALLS[name]
    emulator.reply_next({"id": "r", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}, times=2)
    make(**our_arguments).invoke(ours)
    sdk.chat.completions.create(**{"model": MODEL, "messages": theirs, **their_arguments})
    mine, reference = bodies(emulator)
    assert typed(normalised(mine)) == typed(normalised(reference))


@pytest.mark.parametrize("name", ["plain", "tools", "thinking disabled", "a tool loop"])
def test_the_stream_body_equals_the_sdks(name: str, model: ChatArk, sdk: Ark, emulator: Emulator) -> None:
    ours, our_arguments, theirs, their_arguments = CALLS[name]
    list(model.stream(ours, **our_arguments))
    options = {"stream": True, "stream_options": {"include_usage": True}}
    list(sdk.chat.completions.create(**{"model": MODEL, "messages": theirs, **their_arguments, **options}))
    mine, reference = bodies(emulator)
    assert typed(mine) == typed(reference)


@pytest.mark.parametrize("name", CALLS)
def test_the_emulator_takes_what_the_sdk_sends(name: str, make: Make, emulator: Emulator) -> None:
    """Each call is one that the service's documented rules allow, or the row would prove little."""
    if name in {"json mode", "logit_bias", "logit_bias with halves"}:
        return
    ours, arguments, _, _ = CALLS[name]
    make().invoke(ours, **arguments)


async def test_the_async_sdk_and_astream_send_the_same(model: ChatArk, emulator: Emulator) -> None:
    sdk = AsyncArk(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0)
    async for _ in model.astream(HUMAN):
        pass
    options = {"stream": True, "stream_options": {"include_usage": True}}
    async for _ in await sdk.chat.completions.create(model=MODEL, messages=ASK, **options):
        pass
    mine, reference = bodies(emulator)
    assert typed(mine) == typed(reference)
    await sdk.close()


def test_a_bound_function_goes_out_as_the_sdk_wants_it(model: ChatArk, sdk: Ark, emulator: Emulator) -> None:
    model.bind_tools([get_weather], tool_choice="any").invoke(HUMAN)
    sdk.chat.completions.create(model=MODEL, messages=ASK, **tools(), tool_choice="required")
    mine, reference = bodies(emulator)
    assert typed(mine) == typed(reference)
