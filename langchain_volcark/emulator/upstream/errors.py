"""Errors of the upstream server, before they become errors of a service.

The codes and texts are those of OpenAI (https://platform.openai.com/docs/guides/error-codes), vLLM, Ollama and
llama.cpp.
"""

from __future__ import annotations

import json
from typing import Any, Literal

Kind = Literal["context", "request", "key", "model", "limit", "busy", "broken"]

_LONGEST = 500
_TOO_LONG = (
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "available context size",
    "max_model_len",
)
_NOT_ABLE = ("not_supported", "not supported", "does not support")


class UpstreamError(Exception):
    """The upstream server did not answer the request.

    Attributes:
        kind: `context`, the prompt is too long; `request`, the request is invalid; `key`, the API key is refused;
            `model`, the model does not exist; `limit`, too many requests; `busy`, the server is loading or
            overloaded; `broken`, anything else: an internal error, a timeout, an invalid reply, a lost connection.
        message: The server's error text, else a default.
        retry_after: Its `Retry-After`.
    """

    def __init__(self, kind: Kind, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Return additional headers for the reply to the caller."""
        return {} if self.retry_after is None else {"Retry-After": self.retry_after}


def refusal(status: int, body: bytes, retry_after: str | None = None) -> UpstreamError:
    """Read an error reply.

    Args:
        status: The HTTP status.
        body: The body.
        retry_after: The `Retry-After` header.
    """
    text, words = _words(body)
    kind = _kind(status, words)
    if kind == "key":
        # The text may contain the key.
        text = "it refuses the emulator's key; say which with --upstream-key-env"
    return UpstreamError(kind, f"The upstream server answered {status}: {text}", retry_after)


def error_in(payload: Any) -> UpstreamError | None:
    """Read the error in a reply or event with status 200."""
    if not isinstance(payload, dict) or not payload.get("error"):
        return None
    error = payload["error"]
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return refusal(status, json.dumps(payload).encode())


def _kind(status: int, words: str) -> Kind:
    if status in (400, 413, 422) and any(one in words for one in _TOO_LONG):
        return "context"
    if status in (401, 403):
        return "key"
    if status == 404:
        return "model"
    if status == 429:
        return "limit"
    if status == 503:
        return "busy"
    # llama.cpp uses 500 or 501 for features that the model or its configuration does not support.
    if status in (500, 501) and any(one in words for one in _NOT_ABLE):
        return "request"
    return "request" if 400 <= status < 500 and status != 408 else "broken"


def _words(body: bytes) -> tuple[str, str]:
    """Return the error text, and everything to search for error types, in lower case."""
    raw = body.decode("utf-8", errors="replace")
    try:
        parsed = json.loads(raw)
    except ValueError:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    if message is None and isinstance(parsed, dict):
        message = parsed.get("message") or parsed.get("detail")
    text = message if isinstance(message, str) else raw
    return " ".join(text.split())[:_LONGEST] or "nothing", raw.lower()
