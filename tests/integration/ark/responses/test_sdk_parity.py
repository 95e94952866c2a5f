"""The vendor's SDKs as witnesses: for the same call their body equals ours, their unset fields (null) dropped."""

from __future__ import annotations

import base64
import time
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


PICTURE: Any = {"type": "image", "base64": PNG, "mime_type": "image/png"}
NAMESPACE: Json = {"type": "namespace", "name": "weather", "description": "Weather."}
LOOP = [*ASK, AIMessage("", tool_calls=[CALL]), ToolMessage("15 °C", tool_call_id="c1")]
LOOP_ITEMS = [*ASK_ITEMS, CALL_ITEM, {"type": "function_call_output", "call_id": "c1", "output": "15 °C"}]
WIKI = hosted_tools.mcp(
    "wiki", "https://mcp.example.com/mcp", require_approval="never", server_description="Facts."
)
PERU = {"type": "approximate", "country": "Peru", "city": "Lima"}
FUTURE = int(time.time()) + 3600
TOOL_USES = {
    "type": "clear_tool_uses",
    "trigger": {"type": "tool_uses", "value": 30},
    "keep": {"type": "tool_uses", "value": 20},
    "exclude_tools": ["get_weather"],
}
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
    "where the user is": hosted(hosted_tools.web_search(user_location=PERU)),
    "mcp": hosted(WIKI),
    "mcp with headers": hosted({**WIKI, "headers": {"Authorization": "Bearer x"}, "allowed_tools": ["ask_question"]}),
    "mcp with approval": hosted(hosted_tools.mcp("wiki", "https://mcp.example.com/mcp", require_approval="always")),
    "an app": hosted(hosted_tools.doubao_app("deep_chat", role_description="A cook.", user_location=PERU)),
    "hosted tools and a function": fields(
        {"tools": [NESTED, hosted_tools.web_search(), WIKI]}, {"tools": [TOOL, hosted_tools.web_search(), WIKI]}
    ),
    "tool_choice of a hosted tool": fields(
        {"tools": [hosted_tools.web_search()], "tool_choice": "web_search", "thinking": "disabled"},
        {
            "tools": [hosted_tools.web_search()],
            "tool_choice": {"type": "web_search"},
            "thinking": {"type": "disabled"},
        },
    ),
    "tool_choice of a server": fields(
        {"tools": [WIKI], "tool_choice": {"type": "mcp", "server_label": "wiki"}, "thinking": "disabled"},
        {
            "tools": [WIKI],
            "tool_choice": {"type": "mcp", "server_label": "wiki"},
            "thinking": {"type": "disabled"},
        },
    ),
    "expiry": fields({"expire_at": FUTURE}),
    "clear tool uses": fields({"context_management": {"edits": [TOOL_USES]}}),
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
    "streamed tools": fields({"stream": True, **TOOLS}, {"stream": True, **FLAT}),
    "streamed search": fields(
        {"stream": True, "tools": [hosted_tools.web_search()]}, {"stream": True, "tools": [hosted_tools.web_search()]}
    ),
    "developer": talk([SystemMessage("S", additional_kwargs={"role": "developer"}), *ASK], [
        item("developer", "S"), *ASK_ITEMS,
    ]),
    "two texts": talk(
        [*ASK, AIMessage([{"type": "text", "text": "Sun"}, {"type": "text", "text": "ny."}]), *ASK],
        [
            *ASK_ITEMS,
            item("assistant", [{"type": "output_text", "text": text} for text in ("Sun", "ny.")]),
            *ASK_ITEMS,
        ],
    ),
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


# What only the newer SDK has.
NEWER: dict[str, Case] = {
    "include": fields({"include": ["reasoning.encrypted_content"]}),
    "a key of the cache": fields({"prompt_cache_key": "k"}),
    "whose call it is": fields({"safety_identifier": "u"}),
    "a picture of a tool": (
        [*LOOP[:2], ToolMessage([PICTURE], tool_call_id="c1")],
        TOOLS,
        [
            *LOOP_ITEMS[:2],
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_image", "image_url": DATA_URL}],
            },
        ],
        FLAT,
    ),
    "a namespace": fields(
        {"tools": [{**NAMESPACE, "tools": [NESTED]}]}, {"tools": [{**NAMESPACE, "tools": [TOOL]}]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEWER)
def test_a_body_equals_the_newer_sdks(make: Make, emulator: Emulator, name: str) -> None:
    compare(make, emulator, SDKS[0], NEWER[name])


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("name", CASES)
def test_a_body_equals_the_sdks(make: Make, emulator: Emulator, name: str, sdk: str) -> None:
    compare(make, emulator, sdk, CASES[name])


def compare(make: Make, emulator: Emulator, sdk: str, case: Case) -> None:
    messages, ours, items, theirs = case
    emulator.files.add(png(1, 2, 3), "a.png", file_id="file-1")
    emulator.files.add(pdf("A page."), "a.pdf", file_id="file-2")
    model = make(use_responses_api=True)
    if ours.get("stream"):
        list(model.stream(messages, **{name: value for name, value in ours.items() if name != "stream"}))
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


def same_body(emulator: Emulator, mine: Any) -> None:
    """The last request is the SDK's, and equals ours."""
    its = emulator.requests[-1]
    assert mine is not its
    assert (mine.method, mine.path) == (its.method, its.path)
    assert typed(mine.json) == typed(without_nulls(its.json))


@pytest.mark.parametrize("sdk", SDKS)
def test_turns_of_a_chain_and_of_an_approval_equal_the_sdks(make: Make, emulator: Emulator, sdk: str) -> None:
    approving = {**WIKI, "require_approval": "always"}
    model = make(use_previous_response_id=True).bind_tools([approving])
    question = HumanMessage("ask_question about Peru")
    asked: Any = model.invoke([question])
    model.invoke([question, asked, hosted_tools.approve(asked, reason="why not")])
    mine, chained = emulator.requests[-1], asked.response_metadata["response_id"]
    (request,) = hosted_tools.mcp_approvals(asked)
    answer = {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": True}
    with official_sdk(sdk, emulator) as client:
        client.responses.create(
            model=MODEL,
            input=[{**answer, "reason": "why not"}],
            tools=[approving],
            previous_response_id=chained,
        )
        same_body(emulator, mine)
        assert emulator.requests[-1].headers["ark-beta-mcp"] == mine.headers["ark-beta-mcp"]


@pytest.mark.parametrize("sdk", SDKS)
def test_a_prefix_and_what_goes_on_from_it_equal_the_sdks(make: Make, emulator: Emulator, sdk: str) -> None:
    handbook, model = "The staff handbook has many pages. " * 60, make()
    prefix = model.create_prefix([SystemMessage(handbook)], tools=[NESTED], expire_in=3600)
    made = emulator.requests[-1]
    model.bind(previous_response_id=prefix.id).invoke(ASK)
    used = emulator.requests[-1]
    with official_sdk(sdk, emulator) as client:
        client.responses.create(
            model=MODEL,
            input=[item("system", handbook)],
            tools=[TOOL],
            caching={"type": "enabled", "prefix": True},
            store=True,
            expire_at=prefix.expire_at,
        )
        same_body(emulator, made)
        client.responses.create(model=MODEL, input=ASK_ITEMS, previous_response_id=prefix.id)
        same_body(emulator, used)


@pytest.mark.parametrize("sdk", SDKS)
def test_calls_about_stored_responses_equal_the_sdks(make: Make, emulator: Emulator, sdk: str) -> None:
    model = make(store=True)
    ids = [model.invoke("hi").response_metadata["response_id"] for _ in range(2)]
    model.retrieve_response(ids[0])
    list(model.list_response_input_items(ids[0], order="asc"))
    model.delete_response(ids[0])
    mine = emulator.requests[-3:]
    with official_sdk(sdk, emulator) as client:
        client.responses.retrieve(ids[1])
        list(client.input_items.list(ids[1], order="asc", limit=20))
        client.responses.delete(ids[1])
    for ours, its in zip(mine, emulator.requests[-3:], strict=True):
        assert (ours.method, ours.path.replace(ids[0], ids[1]), ours.query) == (its.method, its.path, its.query)
        assert not its.json
        assert not ours.json
