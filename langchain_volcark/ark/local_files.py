"""Files of this machine that calls read whole, such as pictures."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from langchain_volcark.base.values import shown

if TYPE_CHECKING:
    from pathlib import Path


def check_regular(path: Path, name: str) -> None:
    """Refuse pipes and devices, whose end may never come.

    Args:
        path: What will be read.
        name: What to call it in the error.

    Raises:
        ValueError: It is one of these, or no path.
        OSError: It cannot be found.
    """
    try:
        mode = path.stat().st_mode
    except ValueError:  # a null character, or half of one
        raise ValueError(f"{name} is not a path: {shown(str(path))}.") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # reading a folder is an error by itself
        raise ValueError(f"{name}: {str(path)!r} is not an ordinary file.")
