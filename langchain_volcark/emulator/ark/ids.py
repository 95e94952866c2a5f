"""Ids in Ark's format."""

from __future__ import annotations

import secrets
import string
import time
from contextvars import ContextVar

_LETTERS = string.ascii_lowercase + string.digits


def reply_id() -> str:
    """Return an id for a reply or request: `02`, the time in milliseconds, 38 hexadecimal digits."""
    return f"02{time.time_ns() // 1_000_000}{secrets.token_hex(19)}"


def call_id() -> str:
    """Return an id for a tool call."""
    return "call_" + "".join(secrets.choice(_LETTERS) for _ in range(24))


answering: ContextVar[str | None] = ContextVar("answering", default=None)
"""Id of the current request."""


def body_id() -> str:
    """Return the id for the body of a reply, which is the request id."""
    return answering.get() or reply_id()
