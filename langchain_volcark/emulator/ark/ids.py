"""Ids in Ark's style."""

from __future__ import annotations

import secrets
import string
import time
from contextvars import ContextVar

_LETTERS = string.ascii_lowercase + string.digits


def reply_id() -> str:
    """An id of a reply or a request: `02`, the time in milliseconds, 38 hexadecimal digits."""
    return f"02{time.time_ns() // 1_000_000}{secrets.token_hex(19)}"


def call_id() -> str:
    """An id of a tool call."""
    return "call_" + "".join(secrets.choice(_LETTERS) for _ in range(24))


answering: ContextVar[str | None] = ContextVar("answering", default=None)
"""The id of the request that is being answered."""


def body_id() -> str:
    """The id in a reply's body, which is that of the request."""
    return answering.get() or reply_id()
