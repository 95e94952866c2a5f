"""Validates messages: roles, fields, and the order of tool calls and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_fields
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.parts import check_part

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

_FIELDS = frozenset(
    {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "encrypted_content"}
)
_ROLES = ("system", "user", "assistant", "tool")


def text_of(message: dict[str, Any]) -> str:
    """Return the text of all text parts of a message."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def check_messages(body: dict[str, Any], model: Model) -> list[dict[str, Any]]:
    """Check all messages and return them without null fields."""
    sent = body.get("messages")
    if sent is None or sent == []:
        raise missing("messages")
    if not isinstance(sent, list):
        raise invalid("messages", "expected a list")
    messages = [_check_message(message, f"messages[{index}]", model) for index, message in enumerate(sent)]
    _check_tool_results(messages)
    return messages


def _check_message(sent: Any, path: str, model: Model) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise invalid(path, "expected an object")
    message = {name: value for name, value in sent.items() if value is not None}
    role = message.get("role")
    if role is None:
        raise missing(f"{path}.role")
    # Roles of the Responses API are refused with a different code than unknown roles.
    if role == "developer":
        raise invalid(f"{path}.role", "developer is not allowed")
    if role not in _ROLES:
        raise ArkError(
            400, "InvalidArgumentError.UnknownRole", f"Unknown role {role!r} in {path}.", f"{path}.role"
        )
    check_fields(message, _FIELDS, path)
    for name in ("name", "tool_call_id", "reasoning_content", "encrypted_content"):
        if not isinstance(message.get(name, ""), str):
            raise invalid(f"{path}.{name}", "expected a string")
    _check_content(message, path, model)
    if "tool_calls" in message:
        _check_tool_calls(message, path)
    if role == "tool" and not message.get("tool_call_id"):
        raise missing(f"{path}.tool_call_id")
    return message


def _check_content(message: dict[str, Any], path: str, model: Model) -> None:
    content = message.get("content")
    calls = message["role"] == "assistant" and message.get("tool_calls")
    if content is None:
        if not calls:
            raise missing(f"{path}.content")
        return
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise invalid(f"{path}.content", "expected a string or a list of parts")
    if not content and not calls:
        raise invalid(f"{path}.content", "the list of parts is empty")
    for index, part in enumerate(content):
        check_part(part, f"{path}.content[{index}]", model)


def _check_tool_calls(message: dict[str, Any], path: str) -> None:
    if message["role"] != "assistant":
        raise invalid(f"{path}.tool_calls", "only an assistant message has tool calls")
    calls = message["tool_calls"]
    if not isinstance(calls, list):
        raise invalid(f"{path}.tool_calls", "expected a list")
    for index, call in enumerate(calls):
        here = f"{path}.tool_calls[{index}]"
        check_fields(call, frozenset({"id", "type", "function", "index"}), here)
        if not isinstance(call.get("id"), str) or not call["id"]:
            raise missing(f"{here}.id")
        if call.get("type") != "function":
            raise invalid(f"{here}.type", 'expected "function"')
        function = call.get("function")
        check_fields(function, frozenset({"name", "arguments"}), f"{here}.function")
        for name in ("name", "arguments"):
            if not isinstance(function.get(name), str):
                raise invalid(f"{here}.function.{name}", "expected a string")


def _check_tool_results(messages: list[dict[str, Any]]) -> None:
    """Check that each call is followed by exactly one result, and that each result has a call."""
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            if call_id not in open_calls:
                raise invalid(
                    f"messages[{index}].tool_call_id", f"{call_id!r} answers no tool call directly before it"
                )
            open_calls.remove(call_id)
            continue
        if open_calls:
            raise invalid(f"messages[{index}]", f"the tool calls {open_calls} have no tool message directly after")
        open_calls = [call["id"] for call in message.get("tool_calls", ())]
        if len(set(open_calls)) != len(open_calls):
            raise invalid(f"messages[{index}].tool_calls", "the ids of tool calls must differ")
    if open_calls:
        raise invalid("messages", f"the tool calls {open_calls} have no tool message directly after")
