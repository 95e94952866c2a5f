"""Runs the requests of one call concurrently: bounded, in order, with partial results on failure.

Sync calls use threads, async calls tasks (`base/as_completed.py`); both share the class that collects the results.
"""

from __future__ import annotations

from contextlib import aclosing, closing, nullcontext
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from langchain_volcark.base.as_completed import Failed, aas_completed, as_completed
from langchain_volcark.exceptions import VolcArkError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractContextManager

T = TypeVar("T")


class Progress(Protocol):
    """A progress bar; tqdm's interface."""

    def update(self, n: int) -> object:
        """Advance the bar by `n` inputs."""


def progress_bar(total: int | None, *, show: bool) -> AbstractContextManager[Progress | None]:
    """A progress bar over the inputs, for terminals and notebooks.

    Args:
        total: Number of inputs, or None where it is unknown.
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
    """The results so far, and the first failure.

    Attributes:
        completed: Input position to result.
    """

    def __init__(self, spans: Sequence[range], progress: Progress | None) -> None:
        self._total = sum(map(len, spans))
        self._progress = progress
        self._failure: tuple[range, BaseException] | None = None
        self.completed: dict[int, T] = {}

    def add(self, span: range, results: Sequence[T] | Failed) -> None:
        """Add a request's results, one per position of its span, or its failure, of which the first is kept."""
        if isinstance(results, Failed):
            self._failure = self._failure or (span, results.error)
            return
        self.completed.update(zip(span, results, strict=True))
        if self._progress is not None:
            self._progress.update(len(span))

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
    workers = _workers(spans, max_concurrency)
    with closing(as_completed(spans, run, max_concurrency=workers, acquire=acquire)) as outcomes:
        for span, results in outcomes:
            collector.add(span, results)
    return collector.results()


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
    workers = _workers(spans, max_concurrency)
    async with aclosing(aas_completed(spans, run, max_concurrency=workers, acquire=acquire)) as outcomes:
        async for span, results in outcomes:
            collector.add(span, results)
    return collector.results()


def _workers(spans: Sequence[range], max_concurrency: int) -> int:
    return max(1, min(max_concurrency, len(spans)))
