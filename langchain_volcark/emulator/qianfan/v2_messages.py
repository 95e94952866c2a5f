"""Validates messages of V2 requests.

https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.qianfan.errors import V2Error, bad_messages

if TYPE_CHECKING:
    from langchain_volcark.emulator.qianfan.models import V2Model

_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content"})
_FOLLOWERS = {
    None: ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant", "user"),
}
_BLANK = " \n\r\f"


def check_messages(sent: Any, model: V2Model) -> list[dict[str, Any]]:
    """Check all messages and return them without null fields."""
    if not isinstance(sent, list) or not sent:
        raise bad_messages("messages must be a list that is not empty")
    messages = [_check_message(message, f"messages[{index}]", model) for index, message in enumerate(sent)]
    before = None
    calls: set[str] = set()
    for index, message in enumerate(messages):
        role = message["role"]
        if role not in _FOLLOWERS[before]:
            raise bad_messages(f"messages[{index}]: the role {role} cannot follow {before or 'nothing'}")
        if role == "tool" and message["tool_call_id"] not in calls:
            raise bad_messages(f"messages[{index}]: tool_call_id matches no call of the assistant before")
        if role != "tool":
            calls = {call["id"] for call in message.get("tool_calls", ())}
        before = role
    if messages[-1]["role"] not in ("user", "tool"):
        raise bad_messages("last role must be user or tool")
    last = messages[-1]["content"]
    if isinstance(last, str) and not last.strip(_BLANK):
        raise bad_messages("the last message must not be blank")
    return messages


def _check_message(sent: Any, path: str, model: V2Model) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise bad_messages(f"{path}: expected an object")
    message = {name: value for name, value in sent.items() if value is not None}
    role = message.get("role")
    if role not in ("system", "user", "assistant", "tool"):
        raise bad_messages(f"{path}: unknown role {role!r}")
    if strangers := message.keys() - _FIELDS:
        raise bad_messages(f"{path}: unknown fields {sorted(strangers)}")
    content = message.get("content")
    if isinstance(content, list):
        for part in content:
            _check_part(part, path, model)
    elif not isinstance(content, str) and not (role == "assistant" and message.get("tool_calls")):
        raise bad_messages(f"{path}: content is missing")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise bad_messages(f"{path}: tool_call_id is missing")
    for call in message.get("tool_calls", ()):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not call.get("id") or call.get("type") != "function":
            raise bad_messages(f"{path}: a tool call needs id, type and function")
        if not isinstance(function.get("name"), str) or not isinstance(function.get("arguments"), str):
            raise bad_messages(f"{path}: a function needs a name, and arguments as a string")
    return message


def _check_part(part: Any, path: str, model: V2Model) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return
    if kind not in ("image_url", "video_url"):
        raise bad_messages(f"{path}: unknown part {kind!r}")
    if not model.images:
        raise bad_messages(f"{path}: {model.id} takes text only")
    url = part[kind].get("url") if isinstance(part.get(kind), dict) else None
    if not isinstance(url, str) or not url.startswith(("http://", "https://", "data:")):
        raise V2Error(400, "invalid_image_url", f"{path}: the url is missing or no http(s) or data URL")
