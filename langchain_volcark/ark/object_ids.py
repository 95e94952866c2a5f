"""Ids of stored objects, such as files and video tasks, which become part of a path."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from langchain_volcark.exceptions import VolcArkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import TypeIs

# Dots alone would lead to another path.
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]+")


def is_object_id(value: Any) -> TypeIs[str]:
    """Whether a value can be the id of an object."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


@contextmanager
def naming(what: str, object_id: str) -> Iterator[None]:
    """Let an error name the object that it is about, which exists and can be looked at later.

    Args:
        what: What it is, such as "The video task".
        object_id: Its id.
    """
    try:
        yield
    except VolcArkError as error:
        if object_id not in str(error):
            error.message = f"{error.message} {what} is {object_id}."
        raise
