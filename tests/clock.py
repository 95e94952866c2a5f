"""A clock for tests of waiting: it moves only while somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from langchain_volcark.http import deadline, retry


class Clock:
    """A clock that moves only while somebody waits by it.

    Attributes:
        now: Its time, in seconds.
        waits: The seconds of each wait so far.
        meanwhile: Called once, in the next wait, before its time passes.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] | None = None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await asyncio.to_thread(meanwhile)
        self.now += seconds


def install(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a new clock in the place of the package's own, for one test."""
    made = Clock()
    monkeypatch.setattr(deadline, "monotonic", made)
    monkeypatch.setattr(retry, "sleep", made.sleep)
    monkeypatch.setattr(retry, "asleep", made.asleep)
    return made
