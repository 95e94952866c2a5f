"""Runs a function on any number of items, a bounded number at a time, and yields the results as they complete.

Sync functions run in threads, async ones in tasks. Items are taken from their iterable only when there is room: at
any time at most twice `max_concurrency` of them are waiting, running, or completed and not yet yielded.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from contextvars import copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from langchain_volcark.http.retry import caller_has_left

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
T = TypeVar("T")

_NONE: Any = object()
"""Instead of an item: there are no more. Instead of a result: the item was not begun, since another one failed."""


@dataclass(frozen=True)
class Failed:
    """Instead of a result: the function raised an exception.

    Attributes:
        error: The exception.
    """

    error: BaseException


def as_completed(
    items: Iterable[S],
    run: Callable[[S], T],
    *,
    max_concurrency: int,
    acquire: Callable[[], Any] | None = None,
) -> Generator[tuple[S, T | Failed], None, None]:
    """Run a function on each item in threads, and yield items and results as they complete.

    After a failure nothing more is begun; what is running is still yielded. A closed generator begins nothing more
    either, and waits for nothing. The items are taken in the caller's thread; where their iterable raises, what it
    had given is run and yielded first.

    Args:
        items: The items, any number of them.
        run: The function. It sees a copy of the caller's context.
        max_concurrency: Most items running at once, and most threads; 1 runs them in the caller's thread.
        acquire: Called before each item, in its thread; a rate limiter's `acquire`.

    Yields:
        Each item that was begun, with its result or its `Failed`.
    """
    if max_concurrency == 1:
        yield from _one_at_a_time(items, run, acquire)
        return
    work = _Threads(run, acquire, max_concurrency)
    flow = _Flow(items, work, 2 * max_concurrency)
    try:
        while flow.goes_on():
            item, outcome = work.done.get()
            if flow.is_result(outcome):
                yield item, outcome
    finally:
        work.stop()


def _one_at_a_time(
    items: Iterable[S], run: Callable[[S], T], acquire: Callable[[], Any] | None
) -> Generator[tuple[S, T | Failed], None, None]:
    for item in items:
        outcome: T | Failed
        try:
            if acquire is not None:
                acquire()
            outcome = run(item)
        except BaseException as error:  # noqa: BLE001 - reported
            outcome = Failed(error)
        yield item, outcome
        if isinstance(outcome, Failed):
            return


class _Reports(Protocol):
    """The queue of what came of the items."""

    def empty(self) -> bool: ...


class _Work(Protocol[S_contra]):
    """What runs the items: threads or tasks."""

    stopped: bool

    @property
    def done(self) -> _Reports: ...

    def add(self, item: S_contra) -> None: ...

    def drop(self) -> int: ...


class _Flow(Generic[S]):
    """Takes items while there is room, and knows how many of them have not been reported.

    Args:
        items: The items.
        work: What runs them.
        room: Most items taken and not yet reported.
    """

    def __init__(self, items: Iterable[S], work: _Work[S], room: int) -> None:
        self._source: Iterator[S] | None = iter(items)
        self._work = work
        self._room = room
        self._waiting = 0
        self._failure: Exception | None = None

    def goes_on(self) -> bool:
        """Take items until there is a report or no more room; returns whether there is a report to wait for.

        Raises:
            Exception: The iterable failed, and everything that it had given has been reported.
        """
        while (
            self._source is not None
            and self._waiting < self._room
            and self._work.done.empty()
            and not self._work.stopped
        ):
            try:
                item = next(self._source, _NONE)
            except Exception as error:  # noqa: BLE001 - raised below
                item, self._failure = _NONE, error
            if item is _NONE:
                self._source = None
            else:
                self._work.add(item)
                self._waiting += 1
        if not self._waiting and self._failure is not None:
            raise self._failure
        return self._waiting > 0

    def is_result(self, outcome: Any) -> bool:
        """Note a report; returns whether it is to be yielded."""
        self._waiting -= 1
        if isinstance(outcome, Failed):
            self._waiting -= self._work.drop()
        return outcome is not _NONE


class _Threads(Generic[S, T]):
    """Threads that run a function on queued items, and report what came of each.

    Attributes:
        done: One report for each item that a thread has taken.
        stopped: Whether no further item is begun.
    """

    def __init__(self, run: Callable[[S], T], acquire: Callable[[], Any] | None, most: int) -> None:
        self._run = run
        self._acquire = acquire
        self._most = most
        self._started = 0
        self._todo: SimpleQueue[S] = SimpleQueue()
        self.done: SimpleQueue[tuple[S, T | Failed]] = SimpleQueue()
        self.stopped = False
        self._left = False

    def add(self, item: S) -> None:
        """Queue an item, and start a thread for it while there are fewer than allowed."""
        self._todo.put(item)
        if self._started < self._most:
            self._started += 1
            # Daemon threads, so that the process can exit after an interrupted call without waiting for replies.
            thread = threading.Thread(
                target=copy_context().run, args=(self._work,), name="volcark-request", daemon=True
            )
            thread.start()

    def drop(self) -> int:
        """Forget the items that no thread has taken; returns their number."""
        for dropped in itertools.count():
            try:
                self._todo.get_nowait()
            except Empty:
                return dropped
        raise AssertionError  # the count has no end

    def stop(self) -> None:
        """Begin nothing more, and let the threads end."""
        self.stopped = self._left = True
        for _ in range(self._started):
            self._todo.put(_NONE)

    def _work(self) -> None:
        caller_has_left.set(lambda: self._left)
        while (item := self._todo.get()) is not _NONE:
            outcome = self._outcome(item)
            self.done.put((item, outcome))
            if isinstance(outcome, Failed):
                return

    def _outcome(self, item: S) -> T | Failed:
        try:
            if self._acquire is not None and not self.stopped:
                self._acquire()
            if self.stopped:
                return _NONE  # type: ignore[no-any-return]
            return self._run(item)
        except BaseException as error:  # noqa: BLE001 - reported to the caller's thread
            self.stopped = True
            return Failed(error)


async def aas_completed(
    items: Iterable[S],
    run: Callable[[S], Awaitable[T]],
    *,
    max_concurrency: int,
    acquire: Callable[[], Awaitable[Any]] | None = None,
) -> AsyncGenerator[tuple[S, T | Failed], None]:
    """Same as `as_completed`, async: a task for each item that runs. A closed generator cancels them."""
    if max_concurrency == 1:
        async for pair in _aone_at_a_time(items, run, acquire):
            yield pair
        return
    work = _Tasks(run, acquire, max_concurrency)
    flow = _Flow(items, work, 2 * max_concurrency)
    try:
        while flow.goes_on():
            item, outcome = await work.done.get()
            if flow.is_result(outcome):
                yield item, outcome
    finally:
        await work.stop()


async def _aone_at_a_time(
    items: Iterable[S], run: Callable[[S], Awaitable[T]], acquire: Callable[[], Awaitable[Any]] | None
) -> AsyncGenerator[tuple[S, T | Failed], None]:
    for item in items:
        outcome: T | Failed
        try:
            if acquire is not None:
                await acquire()
            outcome = await run(item)
        except Exception as error:  # noqa: BLE001 - reported
            outcome = Failed(error)
        yield item, outcome
        if isinstance(outcome, Failed):
            return


class _Tasks(Generic[S, T]):
    """Same as `_Threads`, with tasks."""

    def __init__(self, run: Callable[[S], Awaitable[T]], acquire: Callable[[], Awaitable[Any]] | None, most: int):
        self._run = run
        self._acquire = acquire
        self._most = most
        self._context = copy_context()
        self._todo: deque[S] = deque()
        self._running: dict[asyncio.Task[T], S] = {}
        self.done: asyncio.Queue[tuple[S, T | Failed]] = asyncio.Queue()
        self.stopped = False

    def add(self, item: S) -> None:
        """Queue an item, and start it if fewer than allowed are running."""
        self._todo.append(item)
        self._start()

    def drop(self) -> int:
        """Forget the items that have not been started; returns their number."""
        dropped = len(self._todo)
        self._todo.clear()
        return dropped

    async def stop(self) -> None:
        """Begin nothing more, cancel what runs, and wait until it has ended."""
        self.stopped = True
        self._todo.clear()
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        while self._todo and len(self._running) < self._most and not self.stopped:
            item = self._todo.popleft()
            # In a copy of the caller's context, not of the context of the task that made room.
            task = self._context.copy().run(asyncio.ensure_future, self._outcome(item))
            self._running[task] = item
            task.add_done_callback(self._report)

    def _report(self, task: asyncio.Task[T]) -> None:
        item = self._running.pop(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self.done.put_nowait((item, task.result() if error is None else Failed(error)))
        self._start()

    async def _outcome(self, item: S) -> T:
        try:
            if self._acquire is not None:
                await self._acquire()
                if self.stopped:
                    return _NONE  # type: ignore[no-any-return]
            return await self._run(item)
        except BaseException:
            self.stopped = True
            raise
