"""What can go wrong behind the emulator, in no service's words yet.

The spellings are those of OpenAI (https://platform.openai.com/docs/guides/error-codes), vLLM, Ollama and
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
    """The server behind the emulator did not answer as asked.

    Attributes:
        kind: `context`, the prompt is too long; `request`, the server refuses what is in the request; `key`, it
            refuses the emulator's key; `model`, it has no such model; `limit`, too many requests; `busy`, it is
            loading or overloaded; `broken`, anything else: an error of its own, silence, nonsense, a cut line.
        message: Its words where it had any, else ours.
        retry_after: Its `Retry-After`.
    """

    def __init__(self, kind: Kind, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What the reply to the caller has besides."""
        return {} if self.retry_after is None else {"Retry-After": self.retry_after}


def refusal(status: int, body: bytes, retry_after: str | None = None) -> UpstreamError:
    """Read a reply whose status is no success.

    Args:
        status: The HTTP status.
        body: The body.
        retry_after: The header of that name.
    """
    text, words = _words(body)
    kind = _kind(status, words)
    if kind == "key":
        # Its words may repeat the key.
        text = "it refuses the emulator's key; say which with --upstream-key-env"
    return UpstreamError(kind, f"The upstream server answered {status}: {text}", retry_after)


def error_in(payload: Any) -> UpstreamError | None:
    """The error inside a reply or an event that came with status 200."""
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
    # llama.cpp says with a 500 or 501 what the model or its set-up cannot do.
    if status in (500, 501) and any(one in words for one in _NOT_ABLE):
        return "request"
    return "request" if 400 <= status < 500 and status != 408 else "broken"


def _words(body: bytes) -> tuple[str, str]:
    """The text to pass on, and everything to look for signs in, in lower case."""
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
