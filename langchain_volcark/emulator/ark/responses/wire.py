"""The response object, whole and as the opening frames of a stream have it: what is not set is absent.

https://www.volcengine.com/docs/82379/1783703.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.ids import body_id

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.responses.output import Found, Output
    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest
    from langchain_volcark.emulator.ark.usage import PromptCount

Json = dict[str, Any]

_ECHOED = (
    "previous_response_id", "reasoning", "temperature", "top_p", "instructions", "text", "max_tool_calls",
    "parallel_tool_calls", "tool_choice", "session", "safety_identifier", "prompt_cache_key",
)  # fmt: skip
_LEFT_OUT_AT_FIRST = ("tools", "tool_choice", "context_management")


def new_id() -> str:
    """The id of the response to the request that is being answered."""
    return f"resp_{body_id()}"


def opening(request: ResponsesRequest, response_id: str) -> Json:
    """The object as a stream begins with it: sparse, without a status."""
    whole = _envelope(request, response_id)
    return {name: value for name, value in whole.items() if name not in _LEFT_OUT_AT_FIRST}


def response_object(request: ResponsesRequest, response_id: str, output: Output, usage: Json) -> Json:
    """The whole object."""
    found = {**_envelope(request, response_id), "status": output.status, "output": output.items, "usage": usage}
    if output.reason is not None:
        found["incomplete_details"] = output.reason
    return found


def failed_object(request: ResponsesRequest, response_id: str, code: str, message: str) -> Json:
    """The object of a response that came to nothing."""
    error = {"code": code, "message": message}
    return {**_envelope(request, response_id), "status": "failed", "error": error, "output": []}


def _envelope(request: ResponsesRequest, response_id: str) -> Json:
    body = request.body
    envelope: Json = {
        "created_at": request.now,
        "id": response_id,
        "max_output_tokens": request.max_output,
        "model": request.model.id,
        "object": "response",
        "service_tier": "fast" if body.get("service_tier") == "fast" else "default",
        "caching": {"type": "disabled", **body.get("caching", {})},
        "store": request.stores,
        "expire_at": request.expire_at,
    }
    if request.model.thinking != "never":
        # As asked for; else what the model does by itself.
        envelope["thinking"] = body.get("thinking") or {
            "type": "enabled" if request.model.deep_thinking else "disabled"
        }
    envelope |= {name: body[name] for name in _ECHOED if name in body}
    if request.tools:
        envelope["tools"] = [_without_secrets(tool) for tool in request.tools]
    if (applied := _applied_edits(request)) is not None:
        envelope["context_management"] = {"applied_edits": applied}
    return envelope


def _without_secrets(tool: Json) -> Json:
    """A tool as it is kept: the headers for its server are not."""
    return {name: value for name, value in tool.items() if name != "headers"}


def usage_object(counts: PromptCount, output_tokens: int, reasoning_tokens: int, found: Found) -> Json:
    """The field `usage`: what hosted tools read counts as input; without hosted tools it has no `tool_usage`."""
    total = counts.total + tokens.count(found.material)
    details = {"cached_tokens": counts.cached}
    if counts.audio:
        details["audio_tokens"] = counts.audio
    usage: Json = {
        "input_tokens": total,
        "output_tokens": output_tokens,
        "total_tokens": total + output_tokens,
        "input_tokens_details": details,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
    if found.usage:
        usage["tool_usage"] = found.usage
        usage["tool_usage_details"] = found.details
    return usage


def _applied_edits(request: ResponsesRequest) -> list[Json] | None:
    """What context management removed from the conversation; None where the request has no such setting."""
    wanted = request.body.get("context_management")
    if wanted is None:
        return None
    items = [*request.context, *request.items]
    thinking = sum(item["type"] == "reasoning" for item in items)
    applied: list[Json] = []
    for edit in wanted["edits"]:
        if edit["type"] == "clear_thinking":
            keep = edit.get("keep")
            kept = thinking if keep == "all" else (keep or {}).get("value", 1)
            if thinking > kept:
                applied.append({"type": "clear_thinking", "cleared_thinking_turns": thinking - kept})
            continue
        spared = edit.get("exclude_tools") or ()
        uses = sum(item["type"] == "function_call" and item["name"] not in spared for item in items)
        kept = (edit.get("keep") or {}).get("value", 3)
        if uses > max(kept, (edit.get("trigger") or {}).get("value", 0)):
            applied.append({"type": "clear_tool_uses", "cleared_tool_uses": uses - kept})
    return applied
