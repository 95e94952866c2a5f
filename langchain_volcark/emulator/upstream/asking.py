"""Converts validated chat requests to requests for an OpenAI-compatible server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, Any]

_SAME = (
    "temperature", "top_p", "frequency_penalty", "presence_penalty", "stop", "logprobs", "top_logprobs",
    "logit_bias", "n", "user", "tools", "tool_choice", "response_format", "seed", "top_k", "reasoning_effort",
)  # fmt: skip
_DETAILS = {"xhigh": "high"}


@dataclass(frozen=True)
class Question:
    """A request for the upstream server.

    Attributes:
        fields: The body without the model and stream options.
        prefill: Beginning of the answer, from the last message.
        usage_in_chunks: Whether each event should have the usage so far.
    """

    fields: Json = field(default_factory=dict)
    prefill: str | None = None
    usage_in_chunks: bool = False


def question(messages: Sequence[Json], body: Mapping[str, Any], *, thinks: bool | None = None) -> Question:
    """Convert a request.

    Limits and sampling parameters that the caller did not set are left to the server.

    Args:
        messages: The conversation in Ark's format, which is close to OpenAI's.
        body: The request's other fields, named as in OpenAI's API or Ark's.
        thinks: Whether thinking is on; None if the caller did not set it.
    """
    fields: Json = {"messages": [_message(one) for one in messages]}
    fields |= {name: body[name] for name in _SAME if body.get(name) is not None}
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None:
        # Local servers count thinking in max_tokens, and not all support the newer name.
        fields["max_tokens"] = limit
    if body.get("repetition_penalty") is not None:
        # The name in vLLM and llama.cpp.
        fields["repetition_penalty"] = fields["repeat_penalty"] = body["repetition_penalty"]
    if fields.get("tools"):
        fields["parallel_tool_calls"] = body.get("parallel_tool_calls", True)
    if thinks is not None:
        fields["chat_template_kwargs"] = {"enable_thinking": thinks, "thinking": thinks}
    last = messages[-1]
    prefill = _plain(last) if last["role"] == "assistant" else None
    options = body.get("stream_options") or {}
    return Question(fields, prefill, bool(options.get("chunk_include_usage")))


def switched(body: Mapping[str, Any]) -> bool | None:
    """Return whether a body switches thinking on or off; None for the model's default."""
    if "enable_thinking" in body:
        return bool(body["enable_thinking"])
    kind = (body.get("thinking") or {}).get("type")
    return kind == "enabled" if kind in ("enabled", "disabled") else None


def _message(message: Json) -> Json:
    kept = {name: value for name, value in message.items() if name != "encrypted_content"}
    if isinstance(message.get("content"), list):
        kept["content"] = [_part(part) for part in message["content"]]
    elif message.get("content") is None:
        kept["content"] = ""
    return kept


def _part(part: Json) -> Json:
    if part["type"] == "file":
        # Local servers take no documents.
        return {"type": "text", "text": f"[{part['file']['filename']}]\n{part['file'].get('text', '')}"}
    if part["type"] != "image_url":
        return part
    image = {name: value for name, value in part["image_url"].items() if name in ("url", "detail")}
    if "detail" in image:
        image["detail"] = _DETAILS.get(image["detail"], image["detail"])
    return {"type": "image_url", "image_url": image}


def _plain(message: Json) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")
