"""Waits for something that the service works on, by reading its state again and again."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from itertools import chain, repeat
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_volcark.base.values import shown
from langchain_volcark.exceptions import APITimeoutError, VolcArkError
from langchain_volcark.http import deadline, retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


def poll(
    read: Callable[[], T],
    is_done: Callable[[T], bool],
    *,
    timeout: float | None,
    delays: Iterable[float],
    describe: Callable[[T | None], str],
    on_progress: Callable[[T], Any] | None = None,
) -> T:
    """Read a state until it is the last one.

    Args:
        read: Reads the state, with a request that has its own retries.
        is_done: Whether nothing more will happen.
        timeout: Seconds to wait at most; None for no limit. The state is read once more at the end.
        delays: Seconds between two readings; the last one is repeated.
        describe: What is being waited for, for the error, as "The file file-… is still processing".
        on_progress: Called with each state that was read.

    Returns:
        The last state.

    Raises:
        APITimeoutError: It took longer than `timeout`. What is waited for goes on, and can be waited for again.
        VolcArkError: A reading failed in a way that time does not heal. Other failures only cost a reading.
    """
    polling = _Polling(timeout, delays, describe)
    while True:
        try:
            state = read()
        except VolcArkError as error:
            polling.failed(error)
        else:
            polling.read(state)
            if on_progress is not None:
                on_progress(state)
            if is_done(state):
                return state
        retry.sleep(polling.next_delay())


async def apoll(
    read: Callable[[], Awaitable[T]],
    is_done: Callable[[T], bool],
    *,
    timeout: float | None,
    delays: Iterable[float],
    describe: Callable[[T | None], str],
    on_progress: Callable[[T], Any] | None = None,
) -> T:
    """Same as `poll`, async; `on_progress` may be async too."""
    polling = _Polling(timeout, delays, describe)
    while True:
        try:
            state = await read()
        except VolcArkError as error:
            polling.failed(error)
        else:
            polling.read(state)
            if on_progress is not None and inspect.isawaitable(told := on_progress(state)):
                await told
            if is_done(state):
                return state
        await retry.asleep(polling.next_delay())


def check_waiting(timeout: float | None, delays: Iterable[float], name: str = "timeout") -> tuple[float, ...]:
    """Check how a caller wants to wait, before anything is sent.

    Args:
        timeout: Seconds to wait at most; None for no limit.
        delays: Seconds between two readings.
        name: The argument of `timeout`, for the error.

    Returns:
        The delays.

    Raises:
        ValueError: One of them is no number of seconds, or there is no delay.
    """
    if timeout is not None:
        _check_seconds(timeout, name)
    found = tuple(delays) if isinstance(delays, Iterable) and not isinstance(delays, str) else (delays,)
    for delay in found:
        _check_seconds(delay, "delays")
    if not found:
        raise ValueError("delays is empty: pass at least one number of seconds.")
    return found


def check_progress(on_progress: Any, *, is_async: bool) -> None:
    """Check what shall be called with each state, before anything is sent.

    Args:
        on_progress: A function, or None.
        is_async: Whether it may be async, because `apoll` will wait.

    Raises:
        ValueError: It cannot be called, or would not be awaited.
    """
    if on_progress is not None and not callable(on_progress):
        raise ValueError(f"on_progress must be a function that takes the state, not {shown(on_progress)}.")
    if not is_async and inspect.iscoroutinefunction(on_progress):
        raise ValueError("on_progress is async, and nobody would await it: use the async method.")


def _check_seconds(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < inf:
        raise ValueError(f"{name} must be a number of seconds, 0 or more, not {shown(value)}.")


class _Polling(Generic[T]):
    """What came so far, and how long to wait for the next reading."""

    def __init__(
        self, timeout: float | None, delays: Iterable[float], describe: Callable[[T | None], str]
    ) -> None:
        known = list(delays)
        self._delays = chain(known, repeat(known[-1]))
        self._timeout = timeout
        self._end = None if timeout is None else deadline.monotonic() + timeout
        self._describe = describe
        self._state: T | None = None
        self._error: VolcArkError | None = None

    def read(self, state: T) -> None:
        """Remember a state."""
        self._state, self._error = state, None

    def failed(self, error: VolcArkError) -> None:
        """Remember a failed reading; raises it if the next one would fail too."""
        if not error.is_retryable:
            raise error
        self._error = error

    def next_delay(self) -> float:
        """Seconds until the next reading.

        Raises:
            APITimeoutError: The time is up.
        """
        asked = self._error.retry_after if self._error is not None else None
        delay = max(next(self._delays), asked or 0.0)
        if self._end is None:
            return delay
        left = self._end - deadline.monotonic()
        if left <= 0:
            message = f"{self._describe(self._state)} after {self._timeout:g} seconds."
            raise APITimeoutError(message) from self._error
        return min(delay, left)
