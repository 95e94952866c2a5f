"""Converts tools and `tool_choice`, in every form LangChain accepts, to the chat-completions format."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from langchain_volcark.http.redaction import REDACTED, redact
from langchain_volcark.wires.schemas.functions import to_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.tools import BaseTool

    ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool

_JSON_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def format_tools(tools: Sequence[ToolLike], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Convert tools to the request's `tools`.

    Args:
        tools: Functions, `BaseTool`s, pydantic classes, TypedDicts, JSON schemas, Anthropic tools; or built-in
            tools of the service, dicts whose `type` is not `function`, which are sent unchanged.
        strict: Whether arguments must match the schema exactly; None leaves it to the service.

    Returns:
        The request's `tools`; recursive schemas keep their references.

    Raises:
        ValueError: A tool's parameters cannot be described as a JSON schema of an object.
    """
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Iterable):
        raise ValueError(f"tools must be a list of tools, not {tools!r}.")  # noqa: TRY004
    return [_format_tool(tool, strict) for tool in tools]


def _format_tool(tool: ToolLike, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, dict) and "type" in tool and not _is_schema(tool):
        if _is_namespace(tool):
            return {**tool, "tools": format_tools(tool["tools"], strict=strict)}
        if tool["type"] == "function" and "function" not in tool and isinstance(tool.get("name"), str):
            tool = {"type": "function", "function": {key: one for key, one in tool.items() if key != "type"}}
        if tool["type"] != "function" or strict is None:
            return dict(tool)
        return {**tool, "function": {**tool["function"], "strict": strict}}
    return to_tool(tool, strict=strict)


def _is_namespace(tool: Mapping[str, Any]) -> bool:
    """Whether a tool is a group of functions, which the Responses API has."""
    return tool.get("type") == "namespace" and isinstance(tool.get("tools"), (list, tuple))


def without_credentials(tools: Any) -> Any:
    """Tools as traces and caches may keep them: without what lets the service into a server of the caller's.

    Args:
        tools: The `tools` of a call, whatever it gave.

    Returns:
        The tools; of an MCP server's headers the names alone, and its URL without a query. The same object where
        there is no such server.
    """
    if not isinstance(tools, (list, tuple)) or not any(map(_has_server, tools)):
        return tools
    return [_without_credentials(tool) if _has_server(tool) else tool for tool in tools]


def _has_server(tool: Any) -> bool:
    return isinstance(tool, Mapping) and ("headers" in tool or "server_url" in tool)


def _without_credentials(tool: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(tool)
    if "headers" in tool:
        headers = tool["headers"]
        shown["headers"] = dict.fromkeys(headers, REDACTED) if isinstance(headers, Mapping) else REDACTED
    if isinstance(tool.get("server_url"), str):
        shown["server_url"] = redact(tool["server_url"].partition("?")[0])
    return shown


def _is_schema(tool: Mapping[str, Any]) -> bool:
    """Whether a dict with `type` is a JSON schema or an Anthropic tool, not a tool in OpenAI's form."""
    kind = tool["type"]
    return isinstance(kind, list) or kind in (*_JSON_TYPES, "custom") or "input_schema" in tool


def format_tool_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any] | None:
    """Convert a tool choice to the request's `tool_choice`.

    Args:
        choice: `"auto"`, `"none"`, `"required"`, `"any"`, True (any), a tool's name, the type of one of the
            service's built-in tools, a dict in OpenAI's or Anthropic's form; None and False leave it out.
        tools: The request's tools.

    Returns:
        The request's `tool_choice`, or None.

    Raises:
        ValueError: No tool has that name.
    """
    if choice is None or choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return "required"
    if choice in ("auto", "none"):
        return str(choice)
    if isinstance(choice, str):
        if _is_hosted(choice, tools):
            return {"type": choice}
        return {"type": "function", "function": {"name": _known(choice, tools)}}
    return _from_dict(choice, tools)


def _is_hosted(choice: str, tools: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a text names the type of one of the service's own tools, and no function."""
    if any(_name_of(tool) == choice for tool in tools):
        return False
    return choice != "function" and any(tool.get("type") == choice for tool in tools)


def _from_dict(choice: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any] | None:
    if not isinstance(choice, Mapping):
        raise ValueError(f"tool_choice must be a text, True, False or a dictionary, not {choice!r}.")  # noqa: TRY004
    kind = choice.get("type")
    if not isinstance(kind, str):
        return dict(choice)
    if kind == "function" and "function" in choice:
        _known(_name_of(choice), tools)
        return dict(choice)
    if kind in {"tool", "function"} and "name" in choice:
        return {"type": "function", "function": {"name": _known(choice["name"], tools)}}
    if kind in {"any", "auto", "none"}:
        return format_tool_choice(kind, tools)
    return dict(choice)


def _name_of(tool: Mapping[str, Any]) -> Any:
    function = tool.get("function")
    return function.get("name") if isinstance(function, Mapping) else None


def _known(name: Any, tools: Sequence[Mapping[str, Any]]) -> Any:
    nested = [one for tool in tools if _is_namespace(tool) for one in tool["tools"]]
    names = [_name_of(tool) for tool in (*tools, *nested) if "function" in tool]
    if name not in names:
        raise ValueError(f"tool_choice names {name!r}, but the bound tools are {names}.")
    return name


def finish_tools(body: dict[str, Any]) -> None:
    """Convert `tools` and `tool_choice` of a request body that are still in LangChain's form.

    Args:
        body: The request body, changed in place.

    Raises:
        ValueError: `tool_choice` names a tool that is not among the tools.
    """
    tools = body.get("tools")
    if isinstance(tools, (list, tuple)):
        body["tools"] = tools = format_tools(tools)
    if "tool_choice" in body:
        functions = [{"function": function} for function in body.get("functions") or ()]
        choice = format_tool_choice(body.pop("tool_choice"), [*(tools or ()), *functions])
        if choice is not None:
            body["tool_choice"] = choice


def forces_call(choice: Any) -> bool:
    """Whether a request's `tool_choice` requires the model to call a tool."""
    return choice == "required" or (isinstance(choice, dict) and choice.get("type") == "function")


_LIBRARY_MODULES = (
    "langchain_volcark",
    "langchain_core",
    "langchain.",
    "langgraph",
    "concurrent.",
    "threading",
    "asyncio",
)


def warn_caller(text: str) -> None:
    """Warn at the nearest frame outside of LangChain; the default filter shows that once per line of user code."""
    level, frame = 1, sys._getframe()  # noqa: SLF001
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_LIBRARY_MODULES):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)
