"""Ids in Qianfan's format."""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_lowercase + string.digits


def reply_id() -> str:
    """Return an id for a reply or request."""
    return "as-" + "".join(secrets.choice(_LETTERS) for _ in range(10))
