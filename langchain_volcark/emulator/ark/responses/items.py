"""Rules for `input`: the items there are, their fields, and what the last of them must be."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing, unsupported
from langchain_volcark.emulator.ark.media import decode_base64
from langchain_volcark.emulator.ark.responses.checks import known, known_of_type, text_field
from langchain_volcark.emulator.ark.responses.content import INPUT, OUTPUT, check_content

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

Json = dict[str, Any]

_ROLES = ("user", "system", "developer", "assistant")
_FIELDS = {
    "message": {"role", "content", "partial", "status", "id"},
    "function_call": {"call_id", "name", "arguments", "status", "namespace", "id"},
    "function_call_output": {"call_id", "output", "status", "namespace", "id"},
    "reasoning": {"id", "status", "summary", "content", "encrypted_content"},
    "mcp_list_tools": {"id", "server_label", "tools", "error"},
    "mcp_call": {"id", "server_label", "name", "arguments", "output", "error"},
    "mcp_approval_request": {"id", "server_label", "name", "arguments"},
    "mcp_approval_response": {"id", "approval_request_id", "approve", "reason"},
    "tool_search_call": {"id", "arguments", "call_id", "execution", "status"},
    "tool_search_output": {"id", "call_id", "execution", "tools", "status"},
}
_REQUIRED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": ("summary",),
    "mcp_list_tools": ("server_label",),
    "mcp_call": ("server_label", "name"),
    "mcp_approval_request": ("id", "server_label", "name", "arguments"),
    "mcp_approval_response": ("approval_request_id", "approve"),
}
_TEXTS = (
    "id", "call_id", "name", "arguments", "namespace", "server_label", "approval_request_id", "reason",
    "encrypted_content", "error",
)  # fmt: skip
_WITHOUT_ID = ("function_call", "function_call_output")
_STATUSES = ("in_progress", "completed", "incomplete")
_TAKES_REASONING = re.compile(r"doubao-seed-(1-8|[2-9]-|evolving)|deepseek-v(3-2|[4-9])")
_MAX_ITEMS = 1000
_VERSION = b"v1{"


def check_input(sent: Any, model: Model) -> list[Json]:
    """Check `input`; return its items, a string as the user's message."""
    if sent is None or sent in ("", []):
        raise missing("input")
    if isinstance(sent, str):
        return [{"type": "message", "role": "user", "content": sent}]
    if not isinstance(sent, list):
        raise invalid("input", "expected a string or a list of items")
    if len(sent) > _MAX_ITEMS:
        raise invalid("input", f"at most {_MAX_ITEMS} items are allowed")
    items = [_check_item(item, f"input[{place}]", model) for place, item in enumerate(sent)]
    last = items[-1]
    if last.get("role") == "assistant" and not last.get("partial"):
        raise missing("partial")
    return items


def check_results(context: list[Json], items: list[Json]) -> None:
    """Refuse results without a call, and a chain whose last calls have no results."""
    called = {item["call_id"] for item in (*context, *items) if item["type"] == "function_call"}
    answered = set()
    for place, item in enumerate(items):
        if item["type"] != "function_call_output":
            continue
        answered.add(item["call_id"])
        if item["call_id"] not in called:
            raise invalid(
                f"input[{place}].call_id",
                f"No tool call found for function call output with call_id {item['call_id']}",
            )
    answered |= {item["call_id"] for item in context if item["type"] == "function_call_output"}
    left = [
        item["call_id"] for item in context if item["type"] == "function_call" and item["call_id"] not in answered
    ]
    if left:
        raise invalid("input", f"No tool output found for function call {left[0]}")


def _check_item(sent: Any, path: str, model: Model) -> Json:
    item = known_of_type(sent, _FIELDS, path, "input.type")
    kind: str = item["type"]
    if "id" in item and kind in _WITHOUT_ID:
        raise ArkError(400, "InvalidParameter", "the input item 'id' field is not supported now", f"{path}.id")
    _check_fields(item, kind, path)
    if kind == "message":
        return _check_message(item, path, model)
    if kind == "reasoning":
        return _check_reasoning(item, path, model)
    if kind == "function_call_output":
        item["output"] = check_content(item["output"], INPUT, f"{path}.output", model)
    if kind == "mcp_list_tools":
        _check_listed(item.get("tools", []), f"{path}.tools")
    check_bool(item, "approve", f"{path}.")
    return item


def _check_fields(item: Json, kind: str, path: str) -> None:
    for name in _REQUIRED.get(kind, ()):
        # An empty string is no name and no id, but it may be the result of a tool.
        if name not in item or (item[name] == "" and name not in ("output", "arguments")):
            raise missing(f"input.{name}")
    for name in _TEXTS:
        if not (kind == "tool_search_call" and name == "arguments"):
            text_field(item, name, f"{path}.")
    if item.get("status", "completed") not in _STATUSES:
        raise invalid(f"{path}.status", f"expected one of {list(_STATUSES)}")


def _check_message(item: Json, path: str, model: Model) -> Json:
    if item["role"] not in _ROLES:
        raise ArkError(
            400, "InvalidArgumentError.UnknownRole", f"Unknown role {item['role']!r} in {path}.", f"{path}.role"
        )
    check_bool(item, "partial", f"{path}.")
    says = item["role"] == "assistant"
    if item.get("partial") and not says:
        raise invalid(f"{path}.partial", "only a message of the assistant can be partial")
    item["content"] = check_content(item["content"], OUTPUT if says else INPUT, f"{path}.content", model)
    if not item["content"]:
        raise missing("input.content")
    return item


def _check_listed(tools: Any, path: str) -> None:
    if not isinstance(tools, list):
        raise invalid(path, "expected a list")
    for place, tool in enumerate(tools):
        here = f"{path}[{place}]"
        listed = known(tool, frozenset({"name", "description", "input_schema", "annotations"}), here)
        if not isinstance(listed.get("name"), str):
            raise missing("input.tools.name")
        if not isinstance(listed.get("input_schema", {}), dict):
            raise invalid(f"{here}.input_schema", "expected an object")


def _check_reasoning(item: Json, path: str, model: Model) -> Json:
    if not _TAKES_REASONING.match(model.id):
        raise unsupported("reasoning", model.id)
    for name, kind in (("summary", "summary_text"), ("content", "reasoning_text")):
        parts = item.get(name, [])
        if not isinstance(parts, list):
            raise invalid(f"{path}.{name}", "expected a list")
        for place, part in enumerate(parts):
            checked = known(part, frozenset({"type", "text"}), f"{path}.{name}[{place}]")
            if checked.get("type") != kind or not isinstance(checked.get("text"), str):
                raise invalid(f"{path}.{name}[{place}]", f"expected a {kind}")
    sealed = item.get("encrypted_content")
    if sealed is not None and not decode_base64(sealed).startswith(_seal(model)):
        raise invalid(f"{path}.encrypted_content", "it was not made by this model")
    return item


def seal(thought: str, model: Model) -> str:
    """Thinking as an opaque blob, which this model alone takes back."""
    return base64.b64encode(_seal(model) + hashlib.sha512(thought.encode()).digest()).decode()


def _seal(model: Model) -> bytes:
    return _VERSION + hashlib.sha256(model.id.encode()).digest()[:8]
