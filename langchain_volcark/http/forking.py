"""What a forked child must let go of: locks of threads that it has not, sockets that are its parent's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def in_forked_children(action: Callable[[], object]) -> None:
    """Have something done first thing in every forked child, on systems that fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=action)
