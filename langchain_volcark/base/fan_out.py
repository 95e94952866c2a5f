"""Runs the requests of one call concurrently: bounded, in order, with partial results on failure.

Sync calls use threads, async calls tasks; both share the class that collects the results.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import nullcontext
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from langchain_volcark.exceptions import VolcArkError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractContextManager

T = TypeVar("T")


class Progress(Protocol):
    """A progress bar; tqdm's interface."""

    def update(self, n: int) -> object:
        """Advance the bar by `n` inputs."""


def progress_bar(total: int, *, show: bool) -> AbstractContextManager[Progress | None]:
    """A progress bar over the inputs, for terminals and notebooks.

    Args:
        total: Number of inputs.
        show: False returns None instead of a bar.

    Raises:
        ImportError: tqdm is not installed.
    """
    if not show:
        return nullcontext()
    try:
        from tqdm.auto import tqdm  # optional, needed for the progress bar only
    except ImportError as error:
        raise ImportError("show_progress_bar=True needs tqdm: pip install tqdm") from error
    bar: AbstractContextManager[Progress] = tqdm(total=total, unit="input")
    return bar


class ResultCollector(Generic[T]):
    """The spans still to request, the results so far, and the first failure.

    Attributes:
        completed: Input position to result.
        stopped: Whether no further request may start.
    """

    def __init__(self, spans: Sequence[range], progress: Progress | None) -> None:
        self._total = sum(map(len, spans))
        self._spans = deque(spans)
        self._progress = progress
        self._failure: tuple[range, BaseException] | None = None
        self.completed: dict[int, T] = {}
        self.stopped = False

    def take(self) -> range | None:
        """The next span; None when none is left, or after a failure."""
        try:
            return self._spans.popleft()
        except IndexError:
            return None

    def stop(self) -> None:
        """Start no further request."""
        self.stopped = True
        self._spans.clear()

    def add(self, span: range, results: Sequence[T]) -> None:
        """Add a request's results, one per position of its span."""
        self.completed.update(zip(span, results, strict=True))
        if self._progress is not None:
            self._progress.update(len(span))

    def fail(self, span: range, error: BaseException) -> None:
        """Keep the first failure, and start no further request."""
        self.stop()
        if self._failure is None:
            self._failure = (span, error)

    def results(self) -> list[T]:
        """All results in order.

        Raises:
            Exception: The first failure; a `VolcArkError` has the completed results.
        """
        if self._failure is None:
            return [self.completed[position] for position in range(self._total)]
        span, error = self._failure
        if isinstance(error, VolcArkError):
            error.completed = self.completed
            if self._total > 1:
                error.failed_inputs = tuple(span)
                error.message += f" (sent for {_name(span)} of {self._total}; .completed has the others' results)"
        raise error


def _name(span: range) -> str:
    return f"input {span[0]}" if len(span) == 1 else f"inputs {span[0]} to {span[-1]}"


def fan_out(
    spans: Sequence[range],
    run: Callable[[range], Sequence[T]],
    *,
    max_concurrency: int,
    acquire: Callable[[], Any] | None = None,
    progress: Progress | None = None,
) -> list[T]:
    """Run one request per span, in a bounded number of threads.

    After a failure no further request starts; the results of those in flight, which are billed, are still kept.

    Args:
        spans: The input positions of each request; together they cover all inputs.
        run: Sends one request and returns one result per position.
        max_concurrency: Maximum number of requests in flight, and of threads.
        acquire: Called before each request; a rate limiter's `acquire`.
        progress: Updated after each request, in the calling thread.

    Returns:
        The results in the order of the positions.

    Raises:
        Exception: That of the first failed request; a `VolcArkError` has the other results in `completed`.
    """
    collector: ResultCollector[T] = ResultCollector(spans, progress)

    def work(report: Callable[[range, Sequence[T] | BaseException], None]) -> None:
        while (span := collector.take()) is not None:
            try:
                if acquire is not None:
                    acquire()
                    if collector.stopped:
                        return
                outcome: Sequence[T] | BaseException = run(span)
            except BaseException as error:  # noqa: BLE001 - re-raised in the caller's thread
                collector.stop()
                outcome = error
            report(span, outcome)

    def keep(span: range, outcome: Sequence[T] | BaseException) -> None:
        if isinstance(outcome, BaseException):
            collector.fail(span, outcome)
        else:
            collector.add(span, outcome)

    workers = min(max_concurrency, len(spans))
    if workers <= 1:
        work(keep)
    else:
        _in_threads(work, keep, workers, collector)
    return collector.results()


def _in_threads(
    work: Callable[[Callable[[range, Any], None]], None],
    keep: Callable[[range, Any], None],
    workers: int,
    collector: ResultCollector[Any],
) -> None:
    """Run `work` in threads, and process their reports in this thread."""
    reports: SimpleQueue[tuple[range, Any] | None] = SimpleQueue()

    def worker() -> None:
        try:
            work(lambda span, outcome: reports.put((span, outcome)))
        finally:
            reports.put(None)

    for _ in range(workers):
        # Daemon threads, so that the process can exit after an interrupted call without waiting for replies.
        threading.Thread(target=copy_context().run, args=(worker,), name="volcark-request", daemon=True).start()
    try:
        while workers:
            report = reports.get()
            if report is None:
                workers -= 1
            else:
                keep(*report)
    except BaseException:
        collector.stop()
        raise


async def afan_out(
    spans: Sequence[range],
    run: Callable[[range], Awaitable[Sequence[T]]],
    *,
    max_concurrency: int,
    acquire: Callable[[], Awaitable[Any]] | None = None,
    progress: Progress | None = None,
) -> list[T]:
    """Same as `fan_out`, async: tasks instead of threads."""
    collector: ResultCollector[T] = ResultCollector(spans, progress)

    async def work() -> None:
        while (span := collector.take()) is not None:
            try:
                if acquire is not None:
                    await acquire()
                    if collector.stopped:
                        return
                collector.add(span, await run(span))
            except Exception as error:  # noqa: BLE001 - re-raised below, when the requests in flight are done
                collector.fail(span, error)

    workers = min(max_concurrency, len(spans))
    if workers <= 1:
        await work()
        return collector.results()
    tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return collector.results()
