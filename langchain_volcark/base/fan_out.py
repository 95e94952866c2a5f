"""Many requests for one call: a bounded number in flight, results in order, nothing paid for lost.

Sync calls use threads, async calls tasks; what they gather is shared.
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
    """A progress bar, as tqdm has it."""

    def update(self, n: int) -> object:
        """So many inputs more are done."""


def progress_bar(total: int, *, show: bool) -> AbstractContextManager[Progress | None]:
    """A bar over the inputs, for terminals and notebooks.

    Args:
        total: Number of inputs.
        show: False gives no bar.

    Raises:
        ImportError: A bar is wanted, but tqdm is not installed.
    """
    if not show:
        return nullcontext()
    try:
        from tqdm.auto import tqdm  # not a dependency: only who wants a bar needs it
    except ImportError as error:
        raise ImportError("show_progress_bar=True needs tqdm: pip install tqdm") from error
    bar: AbstractContextManager[Progress] = tqdm(total=total, unit="input")
    return bar


class Gathering(Generic[T]):
    """The spans still to do, the results that came, and the first failure.

    Attributes:
        completed: Input's position to its result.
        stopped: Whether no more requests shall be begun.
    """

    def __init__(self, spans: Sequence[range], progress: Progress | None) -> None:
        self._total = sum(map(len, spans))
        self._spans = deque(spans)
        self._progress = progress
        self._failure: tuple[range, BaseException] | None = None
        self.completed: dict[int, T] = {}
        self.stopped = False

    def take(self) -> range | None:
        """The next span; None when there is none, or after a failure."""
        try:
            return self._spans.popleft()
        except IndexError:
            return None

    def stop(self) -> None:
        """Hand out no more spans."""
        self.stopped = True
        self._spans.clear()

    def add(self, span: range, results: Sequence[T]) -> None:
        """Keep a request's results, one for each position of its span."""
        self.completed.update(zip(span, results, strict=True))
        if self._progress is not None:
            self._progress.update(len(span))

    def fail(self, span: range, error: BaseException) -> None:
        """Keep the first failure, and hand out no more spans."""
        self.stop()
        if self._failure is None:
            self._failure = (span, error)

    def results(self) -> list[T]:
        """All results in order.

        Raises:
            Exception: The first failure. A `VolcArkError` carries what was completed.
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
    """Run one request per span in bounded threads.

    After a failure no further request is begun, and those in flight are waited for: they are paid for.

    Args:
        spans: Which positions each request is for; together 0 to the number of inputs.
        run: Does one request and returns a result for each position.
        max_concurrency: Requests in flight at most; no more threads than that.
        acquire: Called before each request: a rate limiter's turn.
        progress: Told about each request that is done, in the calling thread.

    Returns:
        The results in the order of the positions.

    Raises:
        Exception: What the first failed request raised; on a `VolcArkError`, `completed` holds the other results.
    """
    gathering: Gathering[T] = Gathering(spans, progress)

    def work(report: Callable[[range, Sequence[T] | BaseException], None]) -> None:
        while (span := gathering.take()) is not None:
            try:
                if acquire is not None:
                    acquire()
                    if gathering.stopped:
                        return
                outcome: Sequence[T] | BaseException = run(span)
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread and raised there
                gathering.stop()
                outcome = error
            report(span, outcome)

    def keep(span: range, outcome: Sequence[T] | BaseException) -> None:
        if isinstance(outcome, BaseException):
            gathering.fail(span, outcome)
        else:
            gathering.add(span, outcome)

    workers = min(max_concurrency, len(spans))
    if workers <= 1:
        work(keep)
    else:
        _in_threads(work, keep, workers, gathering)
    return gathering.results()


def _in_threads(
    work: Callable[[Callable[[range, Any], None]], None],
    keep: Callable[[range, Any], None],
    workers: int,
    gathering: Gathering[Any],
) -> None:
    """Let `work` run in threads, and keep what they report, in this thread."""
    reports: SimpleQueue[tuple[range, Any] | None] = SimpleQueue()

    def worker() -> None:
        try:
            work(lambda span, outcome: reports.put((span, outcome)))
        finally:
            reports.put(None)

    for _ in range(workers):
        # Daemons: a user who interrupts a long call must not wait for replies that nobody will read.
        threading.Thread(target=copy_context().run, args=(worker,), name="volcark-request", daemon=True).start()
    try:
        while workers:
            report = reports.get()
            if report is None:
                workers -= 1
            else:
                keep(*report)
    except BaseException:
        gathering.stop()
        raise


async def afan_out(
    spans: Sequence[range],
    run: Callable[[range], Awaitable[Sequence[T]]],
    *,
    max_concurrency: int,
    acquire: Callable[[], Awaitable[Any]] | None = None,
    progress: Progress | None = None,
) -> list[T]:
    """Async twin of `fan_out`: bounded tasks, no threads."""
    gathering: Gathering[T] = Gathering(spans, progress)

    async def work() -> None:
        while (span := gathering.take()) is not None:
            try:
                if acquire is not None:
                    await acquire()
                    if gathering.stopped:
                        return
                gathering.add(span, await run(span))
            except Exception as error:  # noqa: BLE001 - raised below, once the requests in flight are done
                gathering.fail(span, error)

    workers = min(max_concurrency, len(spans))
    if workers <= 1:
        await work()
        return gathering.results()
    tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return gathering.results()
