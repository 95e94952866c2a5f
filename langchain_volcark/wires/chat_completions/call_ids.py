"""Makes the ids of tool calls unique within a conversation's messages, and their results refer to the new ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage


def with_distinct_ids(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Give unique ids to calls without an id and to calls of one message with equal ids.

    Histories from other packages and hand-written ones contain such calls, which services cannot match to their
    results. The results that follow get the new ids in the order of the calls. New ids depend on positions only,
    so the same history always gives the same request.

    Args:
        messages: A conversation; it is not changed.

    Returns:
        The conversation, with changed messages replaced by copies.
    """
    written: list[BaseMessage] = []
    renamed: dict[str, list[str]] = {}
    for position, message in enumerate(messages):
        if isinstance(message, AIMessage):
            written.append(_rename_calls(message, position, renamed))
        else:
            written.append(_rename_results(message, renamed) if renamed else message)
    return written


def _rename_calls(message: AIMessage, position: int, renamed: dict[str, list[str]]) -> AIMessage:
    """A message whose calls have unique ids; fills `renamed` with the new ids of each old one, in order."""
    renamed.clear()
    calls: list[Any] = [*message.tool_calls, *message.invalid_tool_calls]
    old_ids = [call.get("id") or "" for call in calls]
    if "" not in old_ids and len(set(old_ids)) == len(old_ids):
        return message
    new: list[Any] = []
    for number, (call, old) in enumerate(zip(calls, old_ids, strict=True)):
        known = renamed.setdefault(old, [])
        id_ = f"call_{position}_{number}" if not old or known else old
        known.append(id_)
        new.append({**call, "id": id_})
    valid = len(message.tool_calls)
    return message.model_copy(update={"tool_calls": new[:valid], "invalid_tool_calls": new[valid:]})


def _rename_results(message: BaseMessage, renamed: dict[str, list[str]]) -> BaseMessage:
    if isinstance(message, ToolMessage):
        return message.model_copy(update={"tool_call_id": _next_id(message.tool_call_id, renamed)})
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return message
    parts = [
        {**part, "tool_use_id": _next_id(str(part["tool_use_id"]), renamed)}
        if isinstance(part, dict) and part.get("type") == "tool_result" and "tool_use_id" in part
        else part
        for part in message.content
    ]
    return message.model_copy(update={"content": parts})


def _next_id(old: str, renamed: dict[str, list[str]]) -> str:
    ids = renamed.get(old)
    if not ids:
        return old
    return ids.pop(0) if len(ids) > 1 else ids[0]
