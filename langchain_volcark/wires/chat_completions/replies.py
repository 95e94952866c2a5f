"""Reads chat-completions replies and stream payloads into `StreamDelta`s; pure functions on dicts.

A complete reply and a stream payload differ only in one key (`message`, `delta`), so one reader serves both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.ai import UsageMetadata

from langchain_volcark.messages.assembler import StreamDelta
from langchain_volcark.messages.tool_calls import ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails

_REPLY_METADATA = ("created", "service_tier")
_REPLY_FIELDS = frozenset({"id", "object", "model", "choices", "usage", "error", *_REPLY_METADATA})
_CHOICE_FIELDS = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
_MESSAGE_FIELDS = frozenset({"role", "content", "reasoning_content", "tool_calls", "name"})
_USAGE_FIELDS = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    }
)

_DETAILS = ("prompt_tokens_details", "completion_tokens_details")
_USAGE_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_USAGE_DETAILS = frozenset({"cached_tokens", "audio_tokens", "reasoning_tokens"})
_LONGEST_COUNT = 18  # digits; a longer number is not a token count


def read_reply(payload: Mapping[str, Any], choice: Mapping[str, Any] | None = None) -> StreamDelta:
    """Read a complete reply.

    Args:
        payload: The JSON object.
        choice: The choice to read; the first by default. A payload without choices is read too.

    Returns:
        The delta. Unknown fields keep their names in `metadata`.

    Raises:
        ValueError: A field of the answer does not have the documented type.
    """
    return _read(payload, choice, whole=True)


def read_payload(payload: Mapping[str, Any]) -> StreamDelta:
    """Same as `read_reply`, for one payload of a stream, whose tool calls are fragments.

    Args:
        payload: The JSON object.

    Returns:
        The delta.

    Raises:
        ValueError: A field of the answer does not have the documented type.
    """
    return _read(payload, None, whole=False)


def _read(payload: Mapping[str, Any], choice: Mapping[str, Any] | None, *, whole: bool) -> StreamDelta:
    delta = StreamDelta(id=read_word(payload, "id"), model_name=read_word(payload, "model"))
    take_usage(payload.get("usage"), delta)
    for name in _REPLY_METADATA:
        if value := payload.get(name):
            delta.metadata[name] = value
    take_unread(payload, _REPLY_FIELDS, delta.metadata)
    if choice is None:
        choice = next(iter(read_choices(payload)), None)
    if choice is not None:
        _read_choice(choice, delta, whole=whole)
    return delta


def read_choices(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The choices of a reply; an empty list where it has none.

    Raises:
        ValueError: `choices` is not a list of objects.
    """
    choices = payload.get("choices") or []
    if not isinstance(choices, list):
        raise ValueError("`choices` is not a list")  # noqa: TRY004 - a reply, not an argument
    return [_object(choice, "a choice") for choice in choices]


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object")  # noqa: TRY004
    return value


def read_word(source: Mapping[str, Any], name: str) -> str | None:
    """Read an id or a name; a number becomes its digits.

    Args:
        source: An object of the reply.
        name: The field.

    Returns:
        The text, or None where the field is missing or empty.

    Raises:
        ValueError: The value is neither a string nor a number.
    """
    value = source.get(name)
    if isinstance(value, str) or not value:
        return value or None
    if isinstance(value, (int, float)):
        return str(value)
    raise ValueError(f"`{name}` is not a text")


def _read_choice(choice: Mapping[str, Any], delta: StreamDelta, *, whole: bool) -> None:
    delta.finish_reason = read_word(choice, "finish_reason")
    logprobs = choice.get("logprobs")
    # `{"content": null}` is the same as null
    if logprobs and (any(logprobs.values()) if isinstance(logprobs, dict) else True):
        delta.metadata["logprobs"] = logprobs
    take_unread(choice, _CHOICE_FIELDS, delta.metadata)
    message = choice.get("message") or choice.get("delta")
    if not message:
        # The last choice of a stream may hold an empty delta.
        delta.is_answer = delta.finish_reason is not None and isinstance(choice.get("delta"), dict)
        return
    message = _object(message, "a message")
    delta.is_answer = True
    delta.text = read_text(message, "content")
    delta.reasoning = read_text(message, "reasoning_content")
    calls = message.get("tool_calls")
    if calls:
        if not isinstance(calls, list):
            raise ValueError("`tool_calls` is not a list")
        delta.tool_calls = [_read_tool_call(_object(call, "a tool call"), whole=whole) for call in calls]
    take_unread(message, _MESSAGE_FIELDS, delta.additional_kwargs)


def read_text(source: Mapping[str, Any], name: str) -> str:
    """Read a text field; also as a list of text parts, which some gateways send.

    Args:
        source: An object of the reply.
        name: The field.

    Returns:
        The text; empty where there is none.

    Raises:
        ValueError: The value is neither a string nor a list of text parts.
    """
    content = source.get(name)
    if isinstance(content, str):
        return content
    if is_empty(content):
        return ""
    if isinstance(content, list):
        return "".join(_text_of_part(part, name) for part in content)
    raise ValueError(f"`{name}` is not a text")


def _text_of_part(part: Any, name: str) -> str:
    text = part
    if isinstance(part, dict) and "text" in part:
        text = part["text"] or ""
    if not isinstance(text, str):
        raise ValueError(f"`{name}` has a part that is not a text")  # noqa: TRY004
    return text


def _read_tool_call(call: Mapping[str, Any], *, whole: bool) -> ToolCallDelta:
    function = _object(call.get("function") or {}, "a tool call's function")
    return ToolCallDelta(
        index=_count(call.get("index")),
        id=read_word(call, "id"),
        name=read_word(function, "name"),
        arguments=read_arguments(function),
        whole=whole,
    )


def read_arguments(function: Mapping[str, Any]) -> str:
    """Read the arguments of a tool call as JSON text.

    Args:
        function: The call's function. Some gateways send parsed arguments instead of the documented text.

    Returns:
        The text; empty where there is none.
    """
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)


def take_unread(source: Mapping[str, Any], known: frozenset[str], into: dict[str, Any]) -> None:
    """Copy the unknown fields of an object.

    Args:
        source: An object of the reply.
        known: The fields to leave out.
        into: The dict that gets the others, except empty ones.
    """
    if known.issuperset(source):
        return
    for key, value in source.items():
        if key not in known and (value or value == 0):  # 0 and False are values; None, "", {} and [] are empty
            into[key] = value  # noqa: PERF403 - a comprehension would build a second dict for each payload


def is_empty(value: Any) -> bool:
    """Whether a field is empty: None, "", {} or []; 0 and False are values."""
    return not (value or value == 0)


def take_usage(usage: Any, delta: StreamDelta) -> None:
    """Read a reply's `usage` into a delta.

    Args:
        usage: The value of the field.
        delta: Gets the token counts, and in its metadata the `usage` that LangChain's form cannot hold.
    """
    if not usage:
        return
    if isinstance(usage, dict):
        delta.usage = read_usage(usage)
        delta.metadata.update(unread_usage(usage))
    else:
        delta.metadata["usage"] = usage


def read_usage(usage: Mapping[str, Any]) -> UsageMetadata:
    """Read `usage` into LangChain's form.

    Args:
        usage: The service's object. `completion_tokens` includes reasoning, as LangChain's `output_tokens` does.

    Returns:
        The token counts; details only where the service sent them. A value that is not a number is ignored.
    """
    prompt, completion = _count(usage.get("prompt_tokens")) or 0, _count(usage.get("completion_tokens")) or 0
    result = UsageMetadata(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=_count(usage.get("total_tokens")) or prompt + completion,
    )
    details_in, details_out = _details(usage, "prompt"), _details(usage, "completion")
    of_input = {
        "cache_read": _count(details_in.get("cached_tokens")),
        "audio": _count(details_in.get("audio_tokens")),
    }
    of_output = {
        "reasoning": _count(details_out.get("reasoning_tokens")),
        "audio": _count(details_out.get("audio_tokens")),
    }
    if known := {key: value for key, value in of_input.items() if value is not None}:
        result["input_token_details"] = cast("InputTokenDetails", known)
    if known := {key: value for key, value in of_output.items() if value is not None}:
        result["output_token_details"] = cast("OutputTokenDetails", known)
    return result


def unread_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """`{"usage": …}` as sent where it has fields that LangChain's form cannot hold, else an empty dict."""
    if _fits(usage, _USAGE_FIELDS) and all(
        _fits(details, _USAGE_DETAILS) for name in _DETAILS if (details := usage.get(name))
    ):
        return {}  # as nearly every reply
    more: dict[str, Any] = {}
    take_unread(usage, _USAGE_FIELDS, more)
    unread = [usage.get(name) for name in _USAGE_COUNTS]
    for kind in ("prompt", "completion"):
        details = _details(usage, kind)
        take_unread(details, _USAGE_DETAILS, more)
        unread += [details.get(name) for name in _USAGE_DETAILS]
        unread.append(None if details else usage.get(f"{kind}_tokens_details"))
    if more or any(value and _count(value) is None for value in unread):
        return {"usage": dict(usage)}
    return {}


def _fits(counts: Any, known: frozenset[str]) -> bool:
    """Whether an object holds known token counts alone, beside its details."""
    return (
        isinstance(counts, dict)
        and known.issuperset(counts)
        and all(type(value) is int for name, value in counts.items() if name not in _DETAILS)
    )


def _details(usage: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    details = usage.get(f"{kind}_tokens_details")
    return details if isinstance(details, dict) else {}


def _count(value: Any) -> int | None:
    """A token count; None where the value is not a whole number."""
    if type(value) is int:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) <= _LONGEST_COUNT else None
    return None
