"""Converts tools and `tool_choice` to the Responses API's form; adds the headers of hosted tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HOSTED = ("web_search", "knowledge_search", "mcp", "image_process", "doubao_app")
"""The types of tools that run inside the service."""


def hosted_types(tools: Any) -> list[str]:
    """The types of all tools other than the caller's functions.

    Args:
        tools: The tools of a call, not yet checked.
    """
    listed = tools if isinstance(tools, (list, tuple)) else ()
    kinds = [tool.get("type") for tool in listed if isinstance(tool, dict)]
    return [kind for kind in kinds if isinstance(kind, str) and kind != "function"]


def service_tools(tools: Any) -> list[str]:
    """The types of those tools that run inside the service.

    Args:
        tools: The tools of a call.
    """
    return [kind for kind in hosted_types(tools) if kind in HOSTED]


def flat_tools(tools: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Convert tools from the chat API's form: the fields of a function are placed beside its type."""
    return [_flat(tool) for tool in tools]


def _flat(tool: Mapping[str, Any]) -> dict[str, Any]:
    function, headers = tool.get("function"), tool.get("headers")
    if tool.get("type") == "namespace" and isinstance(tool.get("tools"), (list, tuple)):
        return {**tool, "tools": flat_tools(tool["tools"])}
    if isinstance(headers, dict):
        return {**tool, "headers": {name: _revealed(value) for name, value in headers.items()}}
    if tool.get("type") != "function" or not isinstance(function, dict):
        return dict(tool)
    beside = {name: value for name, value in tool.items() if name not in ("type", "function")}
    return {"type": "function", **function, **beside}


def _revealed(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def flat_choice(choice: Any) -> Any:
    """Convert a `tool_choice` from the chat API's form."""
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return {"type": "function", "name": choice["function"].get("name")}
    return choice


def beta_headers(tools: Sequence[Mapping[str, Any]], own: Iterable[str]) -> dict[str, str]:
    """The headers that switch hosted tools on.

    Args:
        tools: The request's tools.
        own: Names of headers that the caller sets; they stay as they are.
    """
    set_already = {name.lower() for name in own}
    names = [f"ark-beta-{kind.replace('_', '-')}" for kind in HOSTED if kind in hosted_types(tools)]
    return {name: "true" for name in names if name not in set_already}


def refuse_tools_apart(tools: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> None:
    """Refuse tools that the service does not take together.

    Raises:
        ValueError: Names both.
    """
    kinds = hosted_types(tools)
    if "image_process" in kinds and "web_search" in kinds:
        raise ValueError("tools: image_process and web_search exclude each other.")
    if "doubao_app" not in kinds:
        return
    if len(tools) > 1:
        raise ValueError("tools: doubao_app takes no other tool beside it.")
    if body.get("max_tool_calls") is not None:
        raise ValueError("max_tool_calls and the tool doubao_app exclude each other.")
    if _has_role(tools[0]) and (body.get("instructions") or _has_system(body.get("input"))):
        raise ValueError(
            "role_description of the tool doubao_app and a system message (or instructions) exclude each other."
        )


def _has_role(tool: Mapping[str, Any]) -> bool:
    features = tool.get("feature")
    switches = features.values() if isinstance(features, dict) else ()
    return any(isinstance(switch, dict) and switch.get("role_description") for switch in switches)


def _has_system(items: Any) -> bool:
    listed = items if isinstance(items, list) else ()
    return any(isinstance(item, dict) and item.get("role") in ("system", "developer") for item in listed)
