"""Chat-completions replies and stream payloads, read into `StreamDelta`s; pure functions on dicts.

A whole reply and a stream payload differ only in a name (`message`, `delta`), so one reader serves both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.ai import UsageMetadata

from langchain_volcark.assembler import StreamDelta
from langchain_volcark.tool_calls import ToolCallDelta

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

_USAGE_DETAILS = frozenset({"cached_tokens", "audio_tokens", "reasoning_tokens"})


def read_reply(payload: Mapping[str, Any], choice: Mapping[str, Any] | None = None) -> StreamDelta:
    """Read a reply, or one payload of a stream.

    Args:
        payload: The JSON object.
        choice: Which of its choices; the first by default. A payload without choices is read too.

    Returns:
        What it adds to the message. Fields nobody knows keep their names in `metadata`.
    """
    delta = StreamDelta(id=payload.get("id") or None, model_name=payload.get("model") or None)
    usage = payload.get("usage")
    if usage:
        delta.usage = read_usage(usage)
        delta.metadata.update(unread_usage(usage))
    for name in _REPLY_METADATA:
        if value := payload.get(name):
            delta.metadata[name] = value
    take_unread(payload, _REPLY_FIELDS, delta.metadata)
    if choice is None:
        choices = payload.get("choices")
        choice = choices[0] if choices else None
    if choice is not None:
        _read_choice(choice, delta)
    return delta


def _read_choice(choice: Mapping[str, Any], delta: StreamDelta) -> None:
    delta.finish_reason = choice.get("finish_reason") or None
    logprobs = choice.get("logprobs")
    if logprobs and any(logprobs.values()):  # `{"content": null}` says what null says
        delta.metadata["logprobs"] = logprobs
    take_unread(choice, _CHOICE_FIELDS, delta.metadata)
    message = choice.get("message") or choice.get("delta")
    if not message:
        return
    delta.text = _text(message.get("content"))
    delta.reasoning = _text(message.get("reasoning_content"))
    calls = message.get("tool_calls")
    if calls:
        delta.tool_calls = [_read_tool_call(call) for call in calls]
    take_unread(message, _MESSAGE_FIELDS, delta.additional_kwargs)


def _text(content: Any) -> str:
    """Answers are strings; a list of text parts is read too, as some gateways send."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return ""


def _read_tool_call(call: Mapping[str, Any]) -> ToolCallDelta:
    function = call.get("function") or {}
    arguments = function.get("arguments")
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        # Documented as a JSON string; a gateway that parsed it meant well.
        arguments = json.dumps(arguments, ensure_ascii=False)
    index = call.get("index")
    return ToolCallDelta(
        index=index if isinstance(index, int) else None,
        id=call.get("id") or None,
        name=function.get("name") or None,
        arguments=arguments,
    )


def take_unread(source: Mapping[str, Any], known: frozenset[str], into: dict[str, Any]) -> None:
    """Keep the fields that are not read by name.

    Args:
        source: An object of the reply.
        known: The fields that are read.
        into: Gets the others, but for those that say nothing.
    """
    if known.issuperset(source):
        return
    for key, value in source.items():
        if key not in known and (value or value == 0):  # 0 and False say something; None, "", {} and [] do not
            into[key] = value  # noqa: PERF403 - a comprehension would build a second dict for each payload


def is_empty(value: Any) -> bool:
    """Whether a field says nothing; 0 and False say something."""
    return not (value or value == 0)


def read_usage(usage: Mapping[str, Any]) -> UsageMetadata:
    """Read `usage` into LangChain's form.

    Args:
        usage: The service's object. `completion_tokens` includes reasoning, as LangChain's `output_tokens` does.

    Returns:
        The tokens; details only where the service sent them.
    """
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    result = UsageMetadata(
        input_tokens=prompt,
        output_tokens=completion,
        total_tokens=usage.get("total_tokens") or prompt + completion,
    )
    details_in = usage.get("prompt_tokens_details") or {}
    details_out = usage.get("completion_tokens_details") or {}
    of_input = {"cache_read": details_in.get("cached_tokens"), "audio": details_in.get("audio_tokens")}
    of_output = {"reasoning": details_out.get("reasoning_tokens"), "audio": details_out.get("audio_tokens")}
    if known := {key: value for key, value in of_input.items() if value is not None}:
        result["input_token_details"] = cast("InputTokenDetails", known)
    if known := {key: value for key, value in of_output.items() if value is not None}:
        result["output_token_details"] = cast("OutputTokenDetails", known)
    return result


def unread_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """`{"usage": …}` as sent where it says more than LangChain's form can hold, else nothing."""
    details = {**(usage.get("prompt_tokens_details") or {}), **(usage.get("completion_tokens_details") or {})}
    more: dict[str, Any] = {}
    take_unread(usage, _USAGE_FIELDS, more)
    take_unread(details, _USAGE_DETAILS, more)
    if not more:
        return {}
    return {"usage": dict(usage)}
