"""Tools and `tool_choice` in every form LangChain knows, as the chat-completions format wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.utils.function_calling import convert_to_openai_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.tools import BaseTool

    ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool

ToolChoice = "str | bool | Mapping[str, Any] | None"


def format_tools(tools: Sequence[ToolLike], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Write tools.

    Args:
        tools: Functions, `BaseTool`s, pydantic classes, TypedDicts, JSON schemas, Anthropic tools; or a service's
            own tools, dicts whose `type` is not `function`, which go out untouched.
        strict: Whether arguments must match the schema exactly; None leaves it to the service.

    Returns:
        The request's `tools`.
    """
    return [_format_tool(tool, strict) for tool in tools]


def _format_tool(tool: ToolLike, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, dict) and "type" in tool and not _is_schema(tool):
        if tool["type"] != "function" or strict is None:
            return dict(tool)
        return {**tool, "function": {**tool["function"], "strict": strict}}
    return convert_to_openai_tool(tool, strict=strict)


def _is_schema(tool: Mapping[str, Any]) -> bool:
    """A JSON schema, or an Anthropic tool: both have a `type` of their own."""
    return tool["type"] in {"object", "custom"} or "input_schema" in tool


def format_tool_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any] | None:
    """Write `tool_choice`.

    Args:
        choice: `"auto"`, `"none"`, `"required"`, `"any"`, True (any), a tool's name, a dict in OpenAI's or
            Anthropic's form; None and False leave it out.
        tools: The tools as written.

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
        return {"type": "function", "function": {"name": _known(choice, tools)}}
    return _from_dict(choice, tools)


def _from_dict(choice: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> str | dict[str, Any] | None:
    kind = choice.get("type")
    if kind == "function" and "function" in choice:
        _known(choice["function"]["name"], tools)
        return dict(choice)
    if kind in {"tool", "function"} and "name" in choice:
        return {"type": "function", "function": {"name": _known(choice["name"], tools)}}
    if kind in {"any", "auto", "none"}:
        return format_tool_choice(kind, tools)
    return dict(choice)


def _known(name: str, tools: Sequence[Mapping[str, Any]]) -> str:
    names = [tool["function"]["name"] for tool in tools if "function" in tool]
    if name not in names:
        raise ValueError(f"tool_choice names {name!r}, but the bound tools are {names}.")
    return name
