"""The vendor's SDKs as witnesses: for the same call their body equals ours, their unset fields (null) dropped."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_volcark import ChatArk, hosted_tools
from langchain_volcark.emulator import Emulator
from tests.documents import pdf
from tests.integration.emulator.responses_kit import SDKS, official_sdk
from tests.json_types import typed
from tests.pictures import png

Make = Callable[..., ChatArk]
Json = dict[str, Any]
MODEL = "doubao-seed-2-1-pro-260915"
PNG = base64.b64encode(png(1, 2, 3)).decode()
DATA_URL = f"data:image/png;base64,{PNG}"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "get_weather", "description": "Weather.", "parameters": PARAMETERS}
TOOL = {"type": "function", **FUNCTION}
NESTED = {"type": "function", "function": FUNCTION}
CALL: Any = {"name": "get_weather", "args": {"city": "杭州"}, "id": "c1", "type": "tool_call"}
CALL_ITEM = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city": "杭州"}'}
ASK = [HumanMessage("json: weather in Hangzhou?")]
ASK_ITEMS: list[Json] = [{"type": "message", "role": "user", "content": "json: weather in Hangzhou?"}]
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]

Case = tuple[list[BaseMessage], Json, list[Json], Json]


def item(role: str, content: Any) -> Json:
    return {"type": "message", "role": role, "content": content}


def said(text: str) -> Json:
    return item("assistant", [{"type": "output_text", "text": text}])


def fields(ours: Json, theirs: Json | None = None) -> Case:
    """A question with some fields, which have the same names on both sides unless said otherwise."""
    return list(ASK), ours, ASK_ITEMS, ours if theirs is None else theirs


def talk(messages: list[BaseMessage], items: list[Json], both: Json | None = None) -> Case:
    return messages, both or {}, items, both or {}


def part(block: Json, written: Json) -> Case:
    text = {"type": "text", "text": "look"}
    return talk(
        [HumanMessage([text, block])],  # type: ignore[list-item]
        [item("user", [{"type": "input_text", "text": "look"}, written])],
    )


def hosted(tool: Json) -> Case:
    return fields({"tools": [tool]}, {"tools": [tool]})


LOOP = [*ASK, AIMessage("", tool_calls=[CALL]), ToolMessage("15 °C", tool_call_id="c1")]
LOOP_ITEMS = [*ASK_ITEMS, CALL_ITEM, {"type": "function_call_output", "call_id": "c1", "output": "15 °C"}]
FORMAT = {"name": "x", "schema": SCHEMA}
TOOLS = {"tools": [NESTED]}
FLAT = {"tools": [TOOL]}

# messages, our arguments, the SDK's input, its arguments
CASES: dict[str, Case] = {
    "plain": fields({}),
    "temperature 0": fields({"temperature": 0}),
    "temperature": fields({"temperature": 1.3}),
    "top_p": fields({"top_p": 0.5}),
    "max_tokens": fields({"max_tokens": 64}, {"max_output_tokens": 64}),
    "max_completion_tokens": fields({"max_completion_tokens": 640}, {"max_output_tokens": 640}),
    "thinking as a word": fields({"thinking": "disabled"}, {"thinking": {"type": "disabled"}}),
    "thinking": fields({"thinking": {"type": "enabled"}}),
    "effort": fields({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
    "service tier": fields({"service_tier": "auto"}),
    "not stored": fields({"store": False}),
    "stored": fields({"store": True}),
    "cached": fields({"caching": "enabled"}, {"caching": {"type": "enabled"}}),
    "not cached": fields({"caching": {"type": "disabled"}}),
    "instructions": fields({"instructions": "Be brief."}),
    "rounds": fields({"max_tool_calls": 3, **TOOLS}, {"max_tool_calls": 3, **FLAT}),
    "json object": fields(
        {"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}
    ),
    "json schema": fields(
        {"response_format": {"type": "json_schema", "json_schema": FORMAT}},
        {"text": {"format": {"type": "json_schema", **FORMAT}}},
    ),
    "strict schema": fields(
        {"response_format": {"type": "json_schema", "json_schema": {**FORMAT, "strict": True}}},
        {"text": {"format": {"type": "json_schema", **FORMAT, "strict": True}}},
    ),
    "text": fields({"text": {"format": {"type": "text"}}}),
    "tools": fields(TOOLS, FLAT),
    "a flat tool": fields(FLAT, FLAT),
    "no parallel calls": fields({**TOOLS, "parallel_tool_calls": False}, {**FLAT, "parallel_tool_calls": False}),
    "tool_choice none": fields({**TOOLS, "tool_choice": "none"}, {**FLAT, "tool_choice": "none"}),
    "tool_choice any": fields(
        {**TOOLS, "tool_choice": "any", "thinking": "disabled"},
        {**FLAT, "tool_choice": "required", "thinking": {"type": "disabled"}},
    ),
    "tool_choice by name": fields(
        {**TOOLS, "tool_choice": "get_weather", "thinking": "disabled"},
        {
            **FLAT,
            "tool_choice": {"type": "function", "name": "get_weather"},
            "thinking": {"type": "disabled"},
        },
    ),
    "web search": hosted(hosted_tools.web_search(limit=3, max_keyword=2, sources=["toutiao"])),
    "knowledge search": hosted(hosted_tools.knowledge_search("kb-demo", limit=3)),
    "image process": hosted(hosted_tools.image_process(zoom=False)),
    "clear thinking": fields(
        {"context_management": [{"type": "clear_thinking", "keep": {"type": "thinking_turns", "value": 1}}]},
        {
            "context_management": {
                "edits": [{"type": "clear_thinking", "keep": {"type": "thinking_turns", "value": 1}}]
            }
        },
    ),
    "stream": fields({"stream": True}),
    "system": talk([SystemMessage("S"), *ASK], [item("system", "S"), *ASK_ITEMS]),
    "turns": talk([*ASK, AIMessage("Sunny."), *ASK], [*ASK_ITEMS, said("Sunny."), *ASK_ITEMS]),
    "prefill": talk([*ASK, AIMessage("Sun")], [*ASK_ITEMS, {**said("Sun"), "partial": True}]),
    "tool loop": (LOOP, TOOLS, LOOP_ITEMS, FLAT),
    "image": part({"type": "image", "base64": PNG, "mime_type": "image/png"}, {
        "type": "input_image", "image_url": DATA_URL,
    }),
    "image with detail": part(
        {"type": "image", "url": "https://example.com/a.png", "detail": "high"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
    ),
    "image by id": part({"type": "image", "file_id": "file-1"}, {"type": "input_image", "file_id": "file-1"}),
    "video": part(
        {"type": "video", "url": "https://example.com/a.mp4", "fps": 0.5},
        {"type": "input_video", "video_url": "https://example.com/a.mp4", "fps": 0.5},
    ),
    "file by id": part({"type": "file", "file_id": "file-2"}, {"type": "input_file", "file_id": "file-2"}),
    "file by url": part(
        {"type": "file", "url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ),
    "file": part(
        {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "a.pdf"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
    ),
}  # fmt: skip


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("name", CASES)
def test_a_body_equals_the_sdks(make: Make, emulator: Emulator, name: str, sdk: str) -> None:
    messages, ours, items, theirs = CASES[name]
    emulator.files.add(png(1, 2, 3), "a.png", file_id="file-1")
    emulator.files.add(pdf("A page."), "a.pdf", file_id="file-2")
    model = make(use_responses_api=True)
    if ours.get("stream"):
        list(model.stream(messages))
    else:
        model.invoke(messages, **ours)
    mine = emulator.requests[-1]
    with official_sdk(sdk, emulator) as client:
        answer = client.responses.create(model=MODEL, input=items, **theirs)
        if theirs.get("stream"):
            list(answer)
    its = emulator.requests[-1]
    assert mine is not its
    assert typed(mine.json) == typed(without_nulls(its.json))
    beta = {name: value for name, value in its.headers.items() if name.startswith("ark-beta-")}
    assert {name: value for name, value in mine.headers.items() if name.startswith("ark-beta-")} == beta
