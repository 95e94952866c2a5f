"""Rules for tools, functions and hosted ones, and for the choice among them.

Web search: https://www.volcengine.com/docs/82379/1756990. Knowledge search:
https://www.volcengine.com/docs/82379/1873396. MCP: https://www.volcengine.com/docs/82379/1827534. Images:
https://www.volcengine.com/docs/82379/1798161. Doubao's apps: https://www.volcengine.com/docs/82379/1978533.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing, unsupported
from langchain_volcark.emulator.ark.responses.checks import known, known_of_type, strings, text_field
from langchain_volcark.emulator.ark.schemas import check_schema
from langchain_volcark.emulator.ark.tools import MAX_TOOLS, TOOL_NAME

if TYPE_CHECKING:
    from collections.abc import Collection as Container

    from langchain_volcark.emulator.ark.models import Model

Json = dict[str, Any]

HOSTED = ("web_search", "knowledge_search", "mcp", "image_process", "doubao_app")
OPERATIONS = ("point", "grounding", "zoom", "rotate")
FEATURES = ("chat", "deep_chat", "ai_search", "reasoning_search")
SOURCES = ("search_engine", "toutiao", "douyin", "moji")
_FIELDS = {
    "function": {"name", "description", "parameters", "strict", "defer_loading"},
    "namespace": {"name", "description", "tools"},
    "tool_search": {"execution", "description", "parameters"},
    "web_search": {"limit", "max_keyword", "sources", "user_location"},
    "knowledge_search": {
        "knowledge_resource_id", "description", "limit", "max_keyword", "dense_weight", "doc_filter",
        "ranking_options",
    },
    "mcp": {"server_label", "server_url", "headers", "server_description", "allowed_tools", "require_approval"},
    "image_process": set(OPERATIONS),
    "doubao_app": {"feature", "user_location"},
}  # fmt: skip
_RANKING = frozenset(
    {
        "rerank_switch", "retrieve_count", "get_attachment_link", "chunk_diffusion_count", "chunk_group",
        "rerank_model", "rerank_only_chunk",
    }
)  # fmt: skip
_LOCATION = frozenset({"type", "country", "region", "city", "timezone"})
_NAMES = {
    "web_search": "web search", "knowledge_search": "knowledge search", "mcp": "MCP",
    "image_process": "image process", "doubao_app": "the Doubao app",
}  # fmt: skip


def check_tools(sent: Any, model: Model, closed: Container[str]) -> list[Json]:
    """Check `tools`, and return them.

    Args:
        sent: The list, or None.
        model: The model.
        closed: The hosted tools that the account has not activated.
    """
    if sent is None:
        return []
    if not isinstance(sent, list):
        raise invalid("tools", "expected a list")
    if sent and not model.tools:
        raise unsupported("tools", model.id)
    if len(sent) > MAX_TOOLS:
        raise invalid("tools", f"at most {MAX_TOOLS} are allowed")
    tools = [_check_tool(tool, f"tools[{place}]") for place, tool in enumerate(sent)]
    _check_together(tools)
    for tool in tools:
        if tool["type"] in closed:
            raise ArkError(
                403,
                "ToolNotOpen",
                f"Your account has not activated {_NAMES[tool['type']]}. Please activate it in the Ark console.",
            )
    return tools


def functions_of(tools: list[Json]) -> list[Json]:
    """The functions, those of namespaces too, each with its namespace."""
    found = []
    for tool in tools:
        if tool["type"] == "function":
            found.append(tool)
        elif tool["type"] == "namespace":
            found.extend({**one, "namespace": tool["name"]} for one in tool["tools"])
    return found


def hosted_of(tools: list[Json]) -> list[Json]:
    """The tools that run inside the service."""
    return [tool for tool in tools if tool["type"] in HOSTED]


def check_choice(choice: Any, tools: list[Json]) -> None:
    """Check `tool_choice`."""
    if choice is None or choice in ("none", "auto"):
        return
    if choice == "required":
        if not tools:
            raise invalid("tool_choice", "required without tools")
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in ("function", *HOSTED):
        raise invalid("tool_choice", "expected none, auto, required or a tool")
    fields = {"function": {"name"}, "mcp": {"server_label", "name"}}.get(kind, set())
    wanted = known(choice, frozenset(fields | {"type"}), "tool_choice")
    if kind == "function":
        offered = any(one["name"] == wanted.get("name") for one in functions_of(tools))
    elif kind == "mcp":
        if not wanted.get("server_label"):
            raise missing("tool_choice.server_label")
        offered = any(tool.get("server_label") == wanted["server_label"] for tool in tools)
    else:
        offered = any(tool["type"] == kind for tool in tools)
    if not offered:
        raise invalid("tool_choice", f"{wanted} is not among the tools")


def _check_tool(sent: Any, path: str) -> Json:
    tool = known_of_type(sent, _FIELDS, path, "tools.type")
    kind: str = tool["type"]
    _CHECKS[kind](tool, path)
    return tool


def _check_together(tools: list[Json]) -> None:
    kinds = [tool["type"] for tool in tools if tool["type"] in HOSTED]
    if "doubao_app" in kinds and len(tools) > 1:
        raise invalid("tools", "doubao_app cannot be combined with other tools")
    if "image_process" in kinds and "web_search" in kinds:
        raise invalid("tools", "image_process cannot be combined with web_search")
    for kind in set(kinds) - {"mcp", "knowledge_search"}:
        if kinds.count(kind) > 1:
            raise invalid("tools", f"{kind} is there twice")
    names = [one["name"] for one in functions_of(tools)]
    if len(set(names)) != len(names) or set(names) & set(kinds):
        raise invalid("tools", "the names of functions must differ, and none may be a hosted tool's")
    labels = [tool["server_label"] for tool in tools if tool["type"] == "mcp"]
    if len(set(labels)) != len(labels):
        raise invalid("tools", "the server_label of MCP servers must differ")


def _check_function(tool: Json, path: str) -> None:
    if "name" not in tool:
        raise missing("tools.name")
    if not isinstance(tool["name"], str) or not TOOL_NAME.fullmatch(tool["name"]):
        raise invalid(f"{path}.name", f"expected a name like {TOOL_NAME.pattern}")
    text_field(tool, "description", f"{path}.")
    for name in ("strict", "defer_loading"):
        check_bool(tool, name, f"{path}.")
    _check_parameters(tool, path)


def _check_parameters(tool: Json, path: str) -> None:
    parameters = tool.get("parameters")
    if parameters is None:
        return
    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        raise invalid(f"{path}.parameters", "expected a JSON schema of the type object")
    check_schema(parameters, f"{path}.parameters", strict=False)


def _check_namespace(tool: Json, path: str) -> None:
    if not tool.get("name"):
        raise missing("tools.name")
    text_field(tool, "description", f"{path}.")
    functions = tool.get("tools")
    if not isinstance(functions, list) or not functions:
        raise missing("tools.tools")
    tool["tools"] = [_check_tool(one, f"{path}.tools[{place}]") for place, one in enumerate(functions)]
    if any(one["type"] != "function" for one in tool["tools"]):
        raise invalid(f"{path}.tools", "a namespace holds functions only")


def _check_tool_search(tool: Json, path: str) -> None:
    if tool.get("execution", "server") not in ("server", "client"):
        raise invalid(f"{path}.execution", "expected server or client")
    text_field(tool, "description", f"{path}.")
    _check_parameters(tool, path)


def _check_web_search(tool: Json, path: str) -> None:
    check_number(tool, "limit", 1, 50, whole=True, path=f"{path}.")
    check_number(tool, "max_keyword", 1, 50, whole=True, path=f"{path}.")
    for source in strings(tool.get("sources", []), f"{path}.sources"):
        if source not in SOURCES:
            raise invalid(f"{path}.sources", f"expected some of {list(SOURCES)}")
    _check_location(tool, path)


def _check_location(tool: Json, path: str) -> None:
    if "user_location" not in tool:
        return
    where = known(tool["user_location"], _LOCATION, f"{path}.user_location")
    if where.get("type") != "approximate":
        raise invalid(f"{path}.user_location.type", 'expected "approximate"')
    for name in ("country", "region", "city"):
        text_field(where, name, f"{path}.user_location.")
    if not isinstance(where.get("timezone", ""), str | int | float):
        raise invalid(f"{path}.user_location.timezone", "expected a string or a number")
    if not any(where.get(name) for name in ("country", "region", "city")):
        raise invalid(f"{path}.user_location", "one of country, region and city is required")


def _check_knowledge(tool: Json, path: str) -> None:
    if not tool.get("knowledge_resource_id"):
        raise missing("tools.knowledge_resource_id")
    text_field(tool, "knowledge_resource_id", f"{path}.")
    text_field(tool, "description", f"{path}.")
    check_number(tool, "limit", 1, 200, whole=True, path=f"{path}.")
    check_number(tool, "max_keyword", 1, 50, whole=True, path=f"{path}.")
    check_number(tool, "dense_weight", 0.2, 1, path=f"{path}.")
    if not isinstance(tool.get("doc_filter", {}), dict):
        raise invalid(f"{path}.doc_filter", "expected an object")
    ranking = known(tool.get("ranking_options", {}), _RANKING, f"{path}.ranking_options")
    for name in ("rerank_switch", "get_attachment_link", "chunk_group", "rerank_only_chunk"):
        check_bool(ranking, name, f"{path}.ranking_options.")
    check_number(ranking, "retrieve_count", 1, 1000, whole=True, path=f"{path}.ranking_options.")
    check_number(ranking, "chunk_diffusion_count", 0, 5, whole=True, path=f"{path}.ranking_options.")


def _check_mcp(tool: Json, path: str) -> None:
    for name in ("server_label", "server_url"):
        if not tool.get(name):
            raise missing(f"tools.{name}")
        text_field(tool, name, f"{path}.")
    if not tool["server_url"].startswith(("http://", "https://")):
        raise invalid(f"{path}.server_url", "expected an http(s) URL")
    text_field(tool, "server_description", f"{path}.")
    headers = tool.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise invalid(f"{path}.headers", "expected a map from strings to strings")
    allowed_names(tool, path)
    _check_approval(tool.get("require_approval", "always"), f"{path}.require_approval")


def allowed_names(tool: Json, path: str = "tools") -> list[str] | None:
    """The names in an MCP tool's `allowed_tools`; None where all are allowed."""
    allowed = tool.get("allowed_tools")
    if allowed is None:
        return None
    if isinstance(allowed, dict):
        allowed = known(allowed, frozenset({"tool_names"}), f"{path}.allowed_tools").get("tool_names")
    return strings(allowed, f"{path}.allowed_tools")


def _check_approval(wanted: Any, path: str) -> None:
    if wanted in ("always", "never"):
        return
    if not isinstance(wanted, dict):
        raise invalid(path, "expected always, never or an object")
    for mode, names in known(wanted, frozenset({"always", "never"}), path).items():
        chosen = known(names, frozenset({"tool_names"}), f"{path}.{mode}")
        strings(chosen.get("tool_names"), f"{path}.{mode}.tool_names")


def needs_approval(tool: Json, name: str) -> bool:
    """Whether a call of one of an MCP server's tools must be approved; always unless said otherwise."""
    wanted = tool.get("require_approval", "always")
    if isinstance(wanted, str):
        return wanted == "always"
    return name not in (wanted.get("never") or {}).get("tool_names", [])


def _check_image_process(tool: Json, path: str) -> None:
    for name in OPERATIONS:
        _check_switch(tool.get(name), f"{path}.{name}")


def _check_switch(sent: Any, path: str, more: frozenset[str] = frozenset()) -> None:
    if sent is None:
        return
    switch = known(sent, frozenset({"type"}) | more, path)
    if switch.get("type", "enabled") not in ("enabled", "disabled"):
        raise invalid(f"{path}.type", "expected enabled or disabled")
    text_field(switch, "role_description", f"{path}.")


def _check_doubao_app(tool: Json, path: str) -> None:
    if "feature" not in tool:
        raise missing("tools.feature")
    tool["feature"] = known(tool["feature"], frozenset(FEATURES), f"{path}.feature")
    for name, switch in tool["feature"].items():
        _check_switch(switch, f"{path}.feature.{name}", frozenset({"role_description"}))
    if len(enabled_features(tool)) != 1:
        raise invalid(f"{path}.feature", "exactly one feature must be enabled")
    _check_location(tool, path)


def enabled_features(tool: Json) -> list[str]:
    """The features of a Doubao app that are on."""
    return [name for name, switch in tool["feature"].items() if switch.get("type", "enabled") == "enabled"]


_CHECKS = {
    "function": _check_function,
    "namespace": _check_namespace,
    "tool_search": _check_tool_search,
    "web_search": _check_web_search,
    "knowledge_search": _check_knowledge,
    "mcp": _check_mcp,
    "image_process": _check_image_process,
    "doubao_app": _check_doubao_app,
}
