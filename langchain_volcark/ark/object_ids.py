"""Ids of stored objects, such as files and video tasks, which become part of a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeIs

# Dots alone would lead to another path.
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]+")


def is_object_id(value: Any) -> TypeIs[str]:
    """Whether a value can be the id of an object."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None
