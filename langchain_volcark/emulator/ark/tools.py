"""Validates `tools` and `tool_choice`.

Function calling: https://www.volcengine.com/docs/82379/1262342.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool, check_fields
from langchain_volcark.emulator.ark.errors import invalid, missing, unsupported
from langchain_volcark.emulator.ark.schemas import check_schema

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

MAX_TOOLS = 128
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FUNCTION_FIELDS = frozenset({"name", "description", "parameters", "strict"})


def check_tools(body: dict[str, Any], model: Model) -> None:
    """Check `tools` and `tool_choice`."""
    tools = body.get("tools")
    if tools is not None:
        if not isinstance(tools, list):
            raise invalid("tools", "expected a list")
        if tools and not model.tools:
            raise unsupported("tools", model.id)
        if len(tools) > MAX_TOOLS:
            raise invalid("tools", f"at most {MAX_TOOLS} are allowed")
        for index, tool in enumerate(tools):
            _check_tool(tool, f"tools[{index}]")
    names = [tool["function"]["name"] for tool in tools or ()]
    if len(set(names)) != len(names):
        raise invalid("tools", "the names of functions must differ")
    _check_choice(body.get("tool_choice"), names)


def check_forced_call(body: dict[str, Any], model: Model, *, thinking: bool) -> None:
    """Check that the model accepts a forced call, with thinking on or off.

    The documents name `tool_choice` for doubao-seed-1.6 and later only; DeepSeek, GLM and Kimi refuse a forced
    call while they think.
    """
    if body.get("tool_choice") in (None, "none", "auto"):
        return
    if not model.forced_calls:
        raise unsupported("tool_choice", model.id)
    if model.forced_calls == "not_thinking" and thinking:
        raise invalid("tool_choice", "a forced tool call is not supported in thinking mode")


def _check_tool(tool: Any, path: str) -> None:
    check_fields(tool, frozenset({"type", "function"}), path)
    if tool.get("type") != "function":
        raise invalid(f"{path}.type", 'only "function" is supported')
    function = tool.get("function")
    if function is None:
        raise missing(f"{path}.function")
    check_fields(function, _FUNCTION_FIELDS, f"{path}.function")
    name = function.get("name")
    if name is None:
        raise missing(f"{path}.function.name")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise invalid(f"{path}.function.name", f"expected a name like {TOOL_NAME.pattern}")
    if not isinstance(function.get("description"), str | None):
        raise invalid(f"{path}.function.description", "expected a string")
    check_bool(function, "strict", f"{path}.function.")
    parameters = function.get("parameters")
    if parameters is None:
        return
    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        raise invalid(f"{path}.function.parameters", "expected a JSON schema of the type object")
    # The keywords refused by `strict` are documented for response formats only.
    check_schema(parameters, f"{path}.function.parameters", strict=False)


def _check_choice(choice: Any, names: list[str]) -> None:
    if choice is None or choice in ("none", "auto"):
        return
    if choice == "required":
        if not names:
            raise invalid("tool_choice", "required without tools")
        return
    if not isinstance(choice, dict) or choice.get("type") != "function":
        raise invalid("tool_choice", "expected none, auto, required or a function")
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if name not in names:
        raise invalid("tool_choice", f"the function {name!r} is not among the tools")
