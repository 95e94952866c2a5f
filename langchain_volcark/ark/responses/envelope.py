"""Reads the fields of a response other than its output; pure functions on dicts.

Follows https://www.volcengine.com/docs/82379/1783703 (the response object).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.messages.deltas import StreamDelta
from langchain_volcark.wires.chat_completions.replies import read_usage, read_word, take_unread, unread_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

_ECHOED = frozenset(
    {
        "thinking", "reasoning", "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls",
        "max_tool_calls", "max_output_tokens", "text", "instructions", "session", "safety_identifier",
    }
)  # fmt: skip
"""Fields of a response that only repeat the request."""

_READ = (
    frozenset({"id", "object", "model", "output", "usage", "error", "sequence_number", "response_id"}) | _ECHOED
)
_USAGE_NAMES = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}
_TOOL_USAGE = ("tool_usage", "tool_usage_details")
_ENDED = ("", "completed", "incomplete")
_CUT_SHORT = {"max_output_tokens": "length"}  # OpenAI's word, which gateways use


def read_output(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of a response.

    Raises:
        ValueError: They are no list of objects.
    """
    output = response.get("output") or []
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        raise ValueError("`output` is not a list of objects")
    return output


def read_envelope(response: Mapping[str, Any]) -> StreamDelta:
    """Read the fields of a response other than its output.

    Args:
        response: The whole object, or the sparse one that a stream begins with.

    Returns:
        Its id, model and usage, and in `metadata` what is not merely an echo of the request.
    """
    response_id = read_word(response, "id") or read_word(response, "response_id")
    delta = StreamDelta(id=response_id, model_name=read_word(response, "model"), is_answer=True)
    take_unread(response, _READ, delta.metadata)
    if response_id:
        delta.metadata["response_id"] = response_id
    usage = response.get("usage")
    if isinstance(usage, dict):
        _take_usage(usage, delta)
    return delta


def _take_usage(usage: Mapping[str, Any], delta: StreamDelta) -> None:
    named = {name: usage[own] for name, own in _USAGE_NAMES.items() if own in usage}
    delta.usage = read_usage(named)
    for name in _TOOL_USAGE:
        if usage.get(name):
            delta.metadata[name] = usage[name]
    known = {*_USAGE_NAMES.values(), *_TOOL_USAGE}
    more = {name: value for name, value in usage.items() if name not in known}
    if unread_usage({**named, **more}):
        delta.metadata["usage"] = dict(usage)


def finish_reason(response: Mapping[str, Any], *, calls_functions: bool) -> str:
    """The reason for the end, by the names that chat completions use.

    Args:
        response: The whole object.
        calls_functions: Whether a function of the user's is called in it.
    """
    status = response.get("status")
    if isinstance(status, str) and status not in _ENDED:
        return status
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    if status == "incomplete" or reason:
        return _CUT_SHORT.get(str(reason), str(reason)) if reason else "incomplete"
    return "tool_calls" if calls_functions else "stop"
