"""Ids in Qianfan's style."""

from __future__ import annotations

import secrets
import string

_LETTERS = string.ascii_lowercase + string.digits


def reply_id() -> str:
    """An id of a reply or a request."""
    return "as-" + "".join(secrets.choice(_LETTERS) for _ in range(10))
