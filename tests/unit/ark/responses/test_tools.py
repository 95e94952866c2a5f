"""Tools and choices among them, in every form that LangChain's users write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark import hosted_tools
from langchain_volcark.ark.responses.options import refuse_options
from langchain_volcark.ark.responses.tools import beta_headers, flat_choice, flat_tools, refuse_tools_apart
from langchain_volcark.wires.tools import format_tool_choice, format_tools

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
FLAT = {"type": "function", "name": "get_weather", "parameters": CITY}
NESTED = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}


def test_a_function_of_either_api_is_written_for_both() -> None:
    assert format_tools([FLAT]) == format_tools([NESTED]) == [NESTED]
    assert flat_tools([NESTED]) == [FLAT]


def test_what_stands_beside_a_function_stays() -> None:
    assert flat_tools([{**NESTED, "defer_loading": True}]) == [{**FLAT, "defer_loading": True}]


def get_time(city: str) -> str:
    """Time in a city."""
    return city


def test_the_functions_of_a_namespace_have_any_form() -> None:
    group = {"type": "namespace", "name": "n", "description": "d", "tools": [FLAT, NESTED, get_time]}
    formatted = format_tools([group], strict=True)
    assert format_tool_choice("get_time", formatted) == {"type": "function", "function": {"name": "get_time"}}
    (written,) = flat_tools(formatted)
    assert written["tools"][:2] == [{**FLAT, "strict": True}] * 2
    assert (written["tools"][2]["name"], written["tools"][2]["strict"]) == ("get_time", True)
    refuse_options({"caching": {"type": "enabled"}, "tools": [written]})


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("any", "required"),
        (True, "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("get_weather", {"type": "function", "name": "get_weather"}),
        ({"type": "function", "function": {"name": "get_weather"}}, {"type": "function", "name": "get_weather"}),
        ({"type": "function", "name": "get_weather"}, {"type": "function", "name": "get_weather"}),
        ({"type": "tool", "name": "get_weather"}, {"type": "function", "name": "get_weather"}),
        ("web_search", {"type": "web_search"}),
        ({"type": "web_search"}, {"type": "web_search"}),
        ({"type": "mcp", "server_label": "wiki"}, {"type": "mcp", "server_label": "wiki"}),
        (None, None),
    ],
)
def test_a_choice_in_every_form(choice: Any, written: Any) -> None:
    tools = [NESTED, hosted_tools.web_search(), hosted_tools.mcp("wiki", "https://example.com")]
    assert flat_choice(format_tool_choice(choice, tools)) == written


def test_a_function_wins_over_a_hosted_tool_of_its_name() -> None:
    named = {"type": "function", "function": {"name": "web_search"}}
    assert format_tool_choice("web_search", [named, {"type": "web_search"}]) == {
        "type": "function",
        "function": {"name": "web_search"},
    }


def test_a_choice_of_nothing_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="web_search"):
        format_tool_choice("web_search", [NESTED])


def test_each_hosted_tool_has_its_header_and_the_callers_own_stays() -> None:
    tools = [{"type": kind} for kind in ("web_search", "knowledge_search", "mcp", "image_process", "doubao_app")]
    names = {
        f"ark-beta-{name}" for name in ("web-search", "knowledge-search", "mcp", "image-process", "doubao-app")
    }
    assert beta_headers([*tools, FLAT], ()) == dict.fromkeys(names, "true")
    assert beta_headers([{"type": "mcp"}], ("Ark-Beta-MCP",)) == {}


@pytest.mark.parametrize(
    ("tools", "body", "named"),
    [
        ([hosted_tools.image_process(), hosted_tools.web_search()], {}, "image_process and web_search"),
        ([hosted_tools.doubao_app("chat"), FLAT], {}, "doubao_app"),
        ([hosted_tools.doubao_app("chat")], {"max_tool_calls": 3}, "max_tool_calls"),
        ([hosted_tools.doubao_app("chat", role_description="R")], {"instructions": "I"}, "role_description"),
        (
            [hosted_tools.doubao_app("chat", role_description="R")],
            {"input": [{"type": "message", "role": "system", "content": "S"}]},
            "role_description",
        ),
    ],
)
def test_tools_that_exclude_each_other_are_refused(tools: list[Any], body: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        refuse_tools_apart(tools, body)


def test_hosted_tools_hold_only_what_was_given() -> None:
    assert hosted_tools.web_search() == {"type": "web_search"}
    assert hosted_tools.web_search(limit=3, sources=("toutiao",)) == {
        "type": "web_search",
        "limit": 3,
        "sources": ["toutiao"],
    }
    assert hosted_tools.knowledge_search("kb", limit=2) == {
        "type": "knowledge_search",
        "knowledge_resource_id": "kb",
        "limit": 2,
    }
    assert hosted_tools.mcp("l", "https://u", allowed_tools=("a",), require_approval="never") == {
        "type": "mcp",
        "server_label": "l",
        "server_url": "https://u",
        "allowed_tools": ["a"],
        "require_approval": "never",
    }
    assert hosted_tools.image_process(zoom=False) == {"type": "image_process", "zoom": {"type": "disabled"}}
    assert hosted_tools.doubao_app("ai_search") == {
        "type": "doubao_app",
        "feature": {"ai_search": {"type": "enabled"}},
    }


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: hosted_tools.web_search(limit=51), "limit must be between 1 and 50, not 51"),
        (
            lambda: hosted_tools.web_search(max_keyword=True),
            "max_keyword must be a number between 1 and 50, not True",
        ),
        (lambda: hosted_tools.web_search(sources="toutiao"), "sources must be a list of texts, not 'toutiao'"),
        (lambda: hosted_tools.web_search(user_location={"timezone": "x"}), "country, region or city"),
        (lambda: hosted_tools.knowledge_search(""), "knowledge_resource_id must be a text"),
        (lambda: hosted_tools.knowledge_search("kb", limit=201), "limit must be between 1 and 200"),
        (lambda: hosted_tools.knowledge_search("kb", dense_weight=0.1), "dense_weight must be between 0.2 and 1"),
        (lambda: hosted_tools.mcp("", "https://a.b"), "server_label must be a text"),
        (lambda: hosted_tools.mcp("a", "stdio://a"), "server_url must be an http"),
        (lambda: hosted_tools.mcp("a", "https://a.b", allowed_tools="x"), "allowed_tools must be a list of texts"),
        (lambda: hosted_tools.mcp("a", "https://a.b", require_approval="no"), "require_approval must be"),
        (lambda: hosted_tools.doubao_app("talk"), "feature must be one of chat, deep_chat"),
    ],
)
def test_a_value_that_the_service_would_refuse_is_refused_with_its_name(
    build: Callable[[], Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        build()


def test_a_location_gets_the_only_type_there_is() -> None:
    where = {"country": "Peru", "city": "Lima"}
    assert hosted_tools.web_search(user_location=where)["user_location"] == {"type": "approximate", **where}


@pytest.mark.parametrize("tools", [None, get_time, "web_search", {"type": "web_search"}])
def test_what_is_no_list_of_tools_is_refused(tools: Any) -> None:
    with pytest.raises(ValueError, match="tools must be a list of tools"):
        format_tools(tools)
