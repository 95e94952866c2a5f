"""Pauses that the service asked for with `Retry-After`: they hold for all callers of a model in this process.

After a pause the callers go on one after another, twice as many each second, and all of them after ten seconds. So
thousands that waited do not come at the same moment, which would only cause the next overload.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_volcark.exceptions import VolcArkError

    Model = tuple[str, str]

SLOW_START = 10.0
"""Seconds after a pause until everybody may go on at once."""


@dataclass
class _Pause:
    """A pause of one model.

    Attributes:
        number: Its number among all pauses.
        ends: When it ends, by the monotonic clock.
        reason: The error that asked for it.
        waiting: How many callers have been given their turn.
    """

    number: int
    ends: float
    reason: VolcArkError
    waiting: int = 0


@dataclass(frozen=True)
class Turn:
    """When one caller may go on.

    Attributes:
        pause: The number of the pause it waits for.
        moment: By the monotonic clock.
        reason: The error that asked for the pause.
    """

    pause: int
    moment: float
    reason: VolcArkError


class Pauses:
    """The pauses of all models. It waits for nothing itself, so threads and event loops can share it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """End all pauses; in a forked child no thread is there to release the lock."""
        self._lock = threading.Lock()
        self._pauses: dict[Model, _Pause] = {}
        self._count = 0

    def begin(self, model: Model, until: float, reason: VolcArkError) -> None:
        """Begin a pause, unless one lasts longer already.

        Args:
            model: Base URL and model id.
            until: When it ends, by the monotonic clock.
            reason: The error that asked for it.
        """
        with self._lock:
            known = self._pauses.get(model)
            if known is None or known.ends < until:
                self._count += 1
                self._pauses[model] = _Pause(self._count, until, reason)

    def turn(self, model: Model, now: float, known: int | None = None) -> Turn | None:
        """Give a caller its turn.

        Args:
            model: Base URL and model id.
            now: The time, by the monotonic clock.
            known: The pause for which the caller had its turn already.

        Returns:
            When it may go on; None where it may do so now.
        """
        if model not in self._pauses:  # without the lock, because this is what nearly every call finds
            return None
        with self._lock:
            pause = self._pauses.get(model)
            if pause is None or pause.number == known:
                return None
            if now >= pause.ends + SLOW_START:
                del self._pauses[model]
                return None
            moment = pause.ends + min(SLOW_START, math.log2(1 + pause.waiting))
            pause.waiting += 1
            return Turn(pause.number, moment, pause.reason)


pauses = Pauses()
"""The process's pauses."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pauses.forget)
