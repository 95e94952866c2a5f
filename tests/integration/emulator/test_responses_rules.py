"""What `/responses` refuses, in the service's words."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import (
    KNOWLEDGE,
    LONG,
    MODEL,
    OLDER,
    WEATHER,
    WEB,
    Client,
    Json,
    user,
)

CALL: Json = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
RESULT: Json = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
THOUGHT: Json = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
BEGUN: Json = {"type": "message", "role": "assistant", "content": "Once", "partial": True}
SCHEMA: Json = {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}}
MCP: Json = {"type": "mcp", "server_label": "wiki", "server_url": "https://mcp.example.com/mcp"}
IMAGE: Json = {"type": "image_process"}
APP: Json = {"type": "doubao_app", "feature": {"chat": {"type": "enabled"}}}


def part(**fields: Any) -> Json:
    return {"input": [user([fields])]}


def tool(kind: str, **fields: Any) -> Json:
    return {"tools": [{"type": kind, **fields}]}


UNKNOWN = [
    ({"truncation": "auto"}, "truncation"),
    ({"background": True}, "background"),
    ({"conversation": "c"}, "conversation"),
    ({"metadata": {}}, "metadata"),
    ({"user": "u"}, "user"),
    ({"stop": ["x"]}, "stop"),
    ({"n": 2}, "n"),
    ({"messages": []}, "messages"),
    ({"max_tokens": 5}, "max_tokens"),
    ({"reasoning": {"summary": "auto"}}, "summary"),
    ({"text": {"verbosity": "low"}}, "verbosity"),
    ({"caching": {"ttl": 1}}, "ttl"),
    (part(type="input_text", text="Hi", cache_control={}), "cache_control"),
    ({"input": [{**user("Hi"), "name": "Bo"}]}, "name"),
    ({"input": [user("Hi"), {**CALL, "input": {}}]}, "input"),
    (tool("function", name="f", function={}), "function"),
    (tool("web_search", search_context_size="low"), "search_context_size"),
    ({"tools": [MCP | {"authorization": "x"}]}, "authorization"),
]


@pytest.mark.parametrize(("sent", "field"), UNKNOWN, ids=[field for _, field in UNKNOWN])
def test_unknown_fields_are_refused_as_a_decoder_does(client: Client, sent: Json, field: str) -> None:
    error = client.refuse(**{"input": "Hi", **sent})
    assert (error["status"], error["code"]) == (400, "InvalidParameter")
    assert error["message"].startswith(f'json: unknown field "{field}" Request id: ')


MISSING = [
    ({"input": None}, "input"),
    ({"input": []}, "input"),
    ({"model": None, "input": "Hi"}, "model"),
    ({"input": [{"role": "user", "content": "Hi"}]}, "input.type"),
    ({"input": [{"type": "message", "content": "Hi"}]}, "input.role"),
    ({"input": [{"type": "message", "role": "user"}]}, "input.content"),
    (part(type="input_text", text=""), "input.content.text"),
    (part(type="input_text"), "input.content.text"),
    (part(text="Hi"), "input.content.type"),
    ({"input": [user("Hi"), {"type": "message", "role": "assistant", "content": "Yes"}]}, "partial"),
    ({"input": [user("Hi"), {**BEGUN, "partial": False}]}, "partial"),
    ({"input": [user("Hi"), CALL, {**RESULT, "call_id": None}]}, "input.call_id"),
    ({"input": [user("Hi"), {"type": "reasoning"}]}, "input.summary"),
    ({"text": {}}, "text.format"),
    ({"text": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, "text.format.name"),
    ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
    ({"tools": [{}]}, "tools.type"),
    (tool("function"), "tools.name"),
    (tool("knowledge_search"), "tools.knowledge_resource_id"),
    (tool("mcp", server_url="https://e.com"), "tools.server_label"),
    (tool("mcp", server_label="a"), "tools.server_url"),
    (tool("doubao_app"), "tools.feature"),
    (part(type="input_file", file_data="data:application/pdf;base64,QUJD"), "input.content.filename"),
    ({"context_management": {}}, "context_management.edits"),
]


@pytest.mark.parametrize(("sent", "param"), MISSING, ids=[f"{n}-{param}" for n, (_, param) in enumerate(MISSING)])
def test_what_is_missing_is_named(client: Client, sent: Json, param: str) -> None:
    error = client.refuse(**{"input": "Hi", **sent})
    assert (error["status"], error["code"], error["param"]) == (400, "MissingParameter", param)


INVALID: list[tuple[Json, str]] = [
    ({"temperature": 3}, "temperature"),
    ({"top_p": 2}, "top_p"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"max_tool_calls": 11}, "max_tool_calls"),
    ({"max_tool_calls": 0}, "max_tool_calls"),
    ({"service_tier": "flex"}, "service_tier"),
    ({"stream": 1}, "stream"),
    ({"store": "yes"}, "store"),
    ({"include": ["file_search_call.results"]}, "include"),
    ({"include": "reasoning.encrypted_content"}, "include"),
    ({"thinking": {"type": "maybe"}}, "thinking.type"),
    ({"reasoning": {"effort": "most"}}, "reasoning_effort"),
    ({"thinking": {"type": "disabled"}, "reasoning": {"effort": "high"}}, "reasoning_effort"),
    ({"safety_identifier": "x" * 65}, "safety_identifier"),
    ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_object"}}}, "input"),
    ({"input": 5}, "input"),
    ({"input": ["Hi"]}, "input[0]"),
    ({"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]}, "input[0].type"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
    ({"input": [user("Hi"), {**CALL, "id": "fc_1"}]}, "input[1].id"),
    ({"input": [user("Hi"), CALL, {**RESULT, "call_id": "call_2"}]}, "input[2].call_id"),
    ({"input": [{**user("Hi"), "partial": True}]}, "input[0].partial"),
    ({"input": [{**user("Hi"), "status": "done"}]}, "input[0].status"),
    ({"input": [user("Hi"), {**THOUGHT, "summary": [{"type": "text", "text": "x"}]}]}, "input[1].summary[0]"),
    ({"input": [user("Hi"), {**THOUGHT, "encrypted_content": "gAAAAABn"}]}, "input[1].encrypted_content"),
    (part(type="image_url", image_url={"url": "https://e.com/a.png"}), "input[0].content[0].type"),
    (part(type="output_text", text="Hi"), "input[0].content[0].type"),
    (part(type="input_image"), "input[0].content[0]"),
    (part(type="input_image", image_url="https://e.com/a.png", file_id="file-1"), "input[0].content[0]"),
    (part(type="input_video", video_url="https://e.com/a.mp4", fps=9), "input[0].content[0].video_url.fps"),
    (part(type="input_file", file_data="QUJD", filename="a.pdf"), "input[0].content[0].file_data"),
    (tool("code_interpreter"), "tools[0].type"),
    (tool("function", name="a b"), "tools[0].name"),
    (tool("web_search", limit=51), "tools[0].limit"),
    (tool("web_search", max_keyword=0), "tools[0].max_keyword"),
    (tool("web_search", sources=["bing"]), "tools[0].sources"),
    (tool("web_search", user_location={"type": "exact", "city": "x"}), "tools[0].user_location.type"),
    (tool("web_search", user_location={"type": "approximate"}), "tools[0].user_location"),
    ({"tools": [KNOWLEDGE | {"limit": 201}]}, "tools[0].limit"),
    ({"tools": [KNOWLEDGE | {"dense_weight": 0.1}]}, "tools[0].dense_weight"),
    ({"tools": [MCP | {"server_url": "stdio:x"}]}, "tools[0].server_url"),
    ({"tools": [MCP | {"require_approval": "sometimes"}]}, "tools[0].require_approval"),
    ({"tools": [MCP | {"allowed_tools": "all"}]}, "tools[0].allowed_tools"),
    ({"tools": [MCP, MCP]}, "tools"),
    ({"tools": [IMAGE, WEB]}, "tools"),
    ({"tools": [APP, WEATHER]}, "tools"),
    ({"tools": [WEB, {**WEATHER, "name": "web_search"}]}, "tools"),
    ({"tools": [WEATHER, WEATHER]}, "tools"),
    ({"tools": [APP], "max_tool_calls": 2}, "max_tool_calls"),
    (tool("doubao_app", feature={"chat": {"type": "enabled"}, "ai_search": {}}), "tools[0].feature"),
    (
        {
            "tools": [{"type": "doubao_app", "feature": {"chat": {"role_description": "A cat"}}}],
            "instructions": "Be a dog.",
        },
        "tools",
    ),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": "any", "tools": [WEATHER]}, "tool_choice"),
    ({"tool_choice": {"type": "function", "name": "other"}, "tools": [WEATHER]}, "tool_choice"),
    ({"tool_choice": {"type": "web_search"}, "tools": [WEATHER]}, "tool_choice"),
    ({"tool_choice": {"type": "mcp", "server_label": "other"}, "tools": [MCP]}, "tool_choice"),
    ({"context_management": {"edits": [{"type": "compact"}]}}, "context_management.edits[0].type"),
    (
        {"context_management": {"edits": [{"type": "clear_thinking", "keep": {"type": "tool_uses"}}]}},
        "context_management.edits[0].keep.type",
    ),
    ({"expire_at": 1000}, "expire_at"),
    ({"expire_at": "tomorrow"}, "expire_at"),
    ({"caching": {"type": "on"}}, "caching.type"),
    ({"caching": {"type": "enabled"}, "store": False}, "store"),
    ({"caching": {"type": "enabled"}, "instructions": "Be brief."}, "instructions"),
    ({"caching": {"type": "enabled"}, "tools": [WEB]}, "tools"),
    ({"caching": {"type": "enabled"}, "tools": [MCP]}, "tools"),
    ({"caching": {"type": "enabled"}, "text": SCHEMA}, "text.format.type"),
    ({"caching": {"type": "disabled"}, "text": SCHEMA}, "text.format.type"),
    ({"caching": {"type": "enabled"}, "input": [user("Hi"), BEGUN]}, "input"),
    ({"caching": {"type": "disabled", "prefix": True}}, "caching.prefix"),
    ({"caching": {"type": "enabled", "prefix": True}, "stream": True, "input": LONG}, "stream"),
    ({"caching": {"type": "enabled", "prefix": True}}, "input"),
    ({"text": SCHEMA, "input": [user("Hi"), BEGUN]}, "text.format.type"),
    ({"model": "doubao-1-5-pro-32k-250115"}, "model"),
    ({"model": "doubao-1-5-pro-32k-character-250715"}, "model"),
    ({"model": "doubao-embedding-vision-251215"}, "model"),
    ({"model": "glm-5-3-flash-260828", "tools": [WEATHER], "tool_choice": "required"}, "tool_choice"),
    ({"input": [{"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}]},
     "input[0].approval_request_id"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "param"), INVALID, ids=[f"{n}-{param}" for n, (_, param) in enumerate(INVALID)])
def test_what_is_not_allowed_is_named(client: Client, sent: Json, param: str) -> None:
    error = client.refuse(**{"input": "Hi", **sent})
    assert (error["status"], error["code"], error["param"]) == (400, "InvalidParameter", param)


@pytest.mark.parametrize(
    "sent",
    [
        {"input": [user("Hi"), CALL]},
        {"input": [user("Hi"), THOUGHT]},
        {"input": [user("Hi"), CALL, RESULT]},
        {"input": [{"type": "message", "role": "system", "content": "Be brief."}]},
        {"input": [{"type": "message", "role": "developer", "content": "Be brief."}]},
        {"input": [{**user("Hi"), "id": "msg_1", "status": "completed"}]},
        {"input": [user("Hi"), {**THOUGHT, "id": "rs_1", "status": "completed"}, CALL, RESULT]},
        {"input": "Hi", "tools": [KNOWLEDGE | {"ranking_options": {"rerank_switch": True}}]},
        {"input": "Hi", "tools": [WEATHER | {"strict": True, "defer_loading": False}]},
        {"input": "Hi", "tools": [WEB | {"user_location": {"type": "approximate", "city": "x", "timezone": 8.0}}]},
        {"input": "Hi", "context_management": {"edits": [{"type": "clear_tool_uses"}]}},
        {"input": "Hi", "max_output_tokens": 17},
        {"input": "Hi", "tools": None, "text": None, "stream": None},
    ],
    ids=str,
)
def test_what_the_service_takes_is_taken(client: Client, sent: Json) -> None:
    assert client.ask(**sent)["status"] in ("completed", "incomplete")


def test_a_week_is_the_longest_life(client: Client, emulator: Emulator) -> None:
    now = client.ask(input="Hi")["created_at"]
    kept = client.ask(input="Hi", expire_at=now + 604_800)
    assert kept["expire_at"] == now + 604_800
    assert client.refuse(input="Hi", expire_at=now + 604_900)["param"] == "expire_at"


def test_a_picture_must_be_one(client: Client) -> None:
    error = client.refuse(**part(type="input_image", image_url="data:image/png;base64,QUJD"))
    assert error["code"] == "InvalidImageURL.InvalidFormat"


def test_too_few_tokens_are_an_error_of_the_server(client: Client) -> None:
    error = client.refuse(input="Hi", max_output_tokens=16)
    assert (error["status"], error["code"]) == (500, "InternalServiceError")


def test_older_models_take_no_thinking_back(client: Client) -> None:
    error = client.refuse(model=OLDER, input=[user("Hi"), THOUGHT, CALL, RESULT])
    assert error["code"] == "InvalidParameter.UnsupportedParameter"


def test_encrypted_thinking_goes_back_to_its_model_only(client: Client) -> None:
    (thought, _) = client.ask(input="Hi", include=["reasoning.encrypted_content"])["output"]
    again = [user("Hi"), thought, user("And?")]
    assert client.ask(input=again)["status"] == "completed"
    assert (
        client.refuse(model="doubao-seed-2-1-turbo-260628", input=again)["param"] == "input[1].encrypted_content"
    )


def test_a_translation_needs_its_target(client: Client) -> None:
    error = client.refuse(
        model="doubao-seed-translation-250915", **part(type="input_text", text="Hi", translation_options={})
    )
    assert error["param"] == "input.content.translation_options.target_language"


def test_a_prompt_may_be_too_long(client: Client) -> None:
    error = client.refuse(model="doubao-seed-translation-250915", input="word " * 2000)
    assert "exceed max message tokens" in error["message"]


def test_moderation_refuses_input(client: Client) -> None:
    assert client.refuse(input="EMULATOR_SENSITIVE_INPUT")["code"] == "InputTextSensitiveContentDetected"


def test_forced_calls_are_for_some_models_while_they_do_not_think(client: Client) -> None:
    forced = {"input": "Hi", "tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}}
    found = client.ask(model="glm-5-2-260617", thinking={"type": "disabled"}, **forced)
    assert found["output"][-1]["name"] == "get_weather"
    assert client.refuse(model="glm-5-2-260617", **forced)["param"] == "tool_choice"


@pytest.mark.parametrize(
    ("kind", "tools"),
    [
        ("web_search", [WEB]),
        ("knowledge_search", [KNOWLEDGE]),
        ("mcp", [MCP]),
        ("image_process", [IMAGE]),
        ("doubao_app", [APP]),
    ],
)
def test_hosted_tools_may_not_be_open(client: Client, emulator: Emulator, kind: str, tools: list[Json]) -> None:
    emulator.close_tools(kind)
    error = client.refuse(input="Hi", tools=tools)
    assert (error["status"], error["code"]) == (403, "ToolNotOpen")
    emulator.close_tools()
    assert client.ask(input="Hi", tools=tools)["status"] == "completed"


def test_tools_are_closed_over_http_and_opened_by_a_reset(client: Client, emulator: Emulator) -> None:
    client.http.post(f"{emulator.origin}/_emulator/close_tools", json={"tools": ["web_search"]})
    assert client.refuse(input="Hi", tools=[WEB])["code"] == "ToolNotOpen"
    emulator.reset()
    assert client.ask(input="Hi", tools=[WEB])["model"] == MODEL
