"""Runs a runnable on any number of inputs, bounded in calls, tasks, connections and memory.

langchain-core's `abatch` and `…_as_completed` submit all inputs at once; with 100,000 of them that is as many
tasks and, without `max_concurrency`, as many connections.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence, Sized
from contextlib import aclosing, closing
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_core.runnables.config import ensure_config, get_config_list

from langchain_volcark.base.as_completed import Failed, aas_completed, as_completed
from langchain_volcark.base.fan_out import afan_out, fan_out, progress_bar
from langchain_volcark.base.values import shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from langchain_core.runnables import Runnable, RunnableConfig

    Configs = RunnableConfig | Sequence[RunnableConfig] | None

Input = TypeVar("Input")
Output = TypeVar("Output")


def batch_as_completed(
    runnable: Runnable[Input, Output],
    inputs: Iterable[Input],
    config: Configs = None,
    *,
    return_exceptions: bool = False,
    show_progress_bar: bool = False,
    **kwargs: Any,
) -> Iterator[tuple[int, Output | Exception]]:
    """Run a chain, a model or any other runnable on any number of inputs, and yield each result as it comes.

    The method of the same name of langchain-core begins all inputs at once. This reads them step by step: at most
    twice `max_concurrency` inputs and results are in memory.

    Args:
        runnable: What is run, by its `invoke`, in threads.
        inputs: The inputs, any iterable. It is read in the caller's thread.
        config: One config for all, or a list with one for each. Its `max_concurrency` is how many run at once; 500
            if unset, or half of the files that the process may open.
        return_exceptions: Whether an exception takes the place of an input's result. If not, the first one is
            raised after the results of what is running.
        show_progress_bar: Whether to show a progress bar; needs tqdm.
        **kwargs: Arguments of each `invoke`.

    Yields:
        The input's position and its result.

    Raises:
        ValueError: There are not as many configs as inputs.

    Example:
        ```python
        from langchain_core.output_parsers import StrOutputParser

        from langchain_volcark import ChatArk, batch_as_completed

        chain = ChatArk(model="ep-bi-20260101000000-abcde", batch=True) | StrOutputParser()
        for position, text in batch_as_completed(chain, ["Hello", "Good evening"]):
            print(position, text)
        ```
    """
    runs = Runs(inputs, config, return_exceptions=return_exceptions, show_progress=show_progress_bar)
    return runs.as_completed(lambda value, config: runnable.invoke(value, config, **kwargs))


def abatch_as_completed(
    runnable: Runnable[Input, Output],
    inputs: Iterable[Input],
    config: Configs = None,
    *,
    return_exceptions: bool = False,
    show_progress_bar: bool = False,
    **kwargs: Any,
) -> AsyncIterator[tuple[int, Output | Exception]]:
    """Same as `batch_as_completed`, async: with `ainvoke`, in tasks. Leaving the loop cancels what is running."""
    runs = Runs(inputs, config, return_exceptions=return_exceptions, show_progress=show_progress_bar)
    return runs.aas_completed(lambda value, config: runnable.ainvoke(value, config, **kwargs))


class Runs(Generic[Input]):
    """The inputs of one call of `batch` and its relatives.

    Args:
        inputs: The inputs; any iterable for the results as they complete, which is then read step by step.
        config: One config for all, or one for each.
        return_exceptions: Whether an exception takes the place of an input's result.
        show_progress: Whether to show a progress bar.

    Raises:
        ValueError: The inputs are a single value or cannot be iterated over, there are not as many configs, or
            `max_concurrency` is no number.
    """

    def __init__(
        self, inputs: Iterable[Input], config: Configs, *, return_exceptions: bool, show_progress: bool
    ) -> None:
        self._inputs = _check_inputs(inputs)
        self._count = len(inputs) if isinstance(inputs, Sized) else None
        self._config_of = _config_of(config, self._count)
        self._lenient = return_exceptions
        self._show = show_progress
        first = config[0] if isinstance(config, Sequence) and config else config
        wanted = first.get("max_concurrency") if isinstance(first, dict) else None
        if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0):
            raise ValueError(f"config: max_concurrency must be a whole number above 0, not {shown(wanted)}.")
        self._concurrency = wanted or default_concurrency()

    def _items(self) -> Iterator[tuple[int, Input, RunnableConfig]]:
        return ((place, value, self._config_of(place)) for place, value in enumerate(self._inputs))

    def in_order(self, invoke: Callable[[Input, RunnableConfig], Output]) -> list[Output | Exception]:
        """Run all inputs, and return their results in order.

        Args:
            invoke: Runs one input.

        Raises:
            Exception: The first failure, unless exceptions are returned. Nothing more was begun then, and what ran
                was waited for: a `VolcArkError` has the other results in `completed`.
        """
        inputs = list(self._inputs)
        run = self._run(invoke)

        def run_span(span: range) -> list[Output | Exception]:
            return [run((span.start, inputs[span.start], self._config_of(span.start)))]

        spans = [range(place, place + 1) for place in range(len(inputs))]
        with progress_bar(len(inputs), show=self._show) as progress:
            return fan_out(spans, run_span, max_concurrency=self._concurrency, progress=progress)

    async def ain_order(
        self, ainvoke: Callable[[Input, RunnableConfig], Awaitable[Output]]
    ) -> list[Output | Exception]:
        """Same as `in_order`, async."""
        inputs = list(self._inputs)
        run = self._arun(ainvoke)

        async def run_span(span: range) -> list[Output | Exception]:
            return [await run((span.start, inputs[span.start], self._config_of(span.start)))]

        spans = [range(place, place + 1) for place in range(len(inputs))]
        with progress_bar(len(inputs), show=self._show) as progress:
            return await afan_out(spans, run_span, max_concurrency=self._concurrency, progress=progress)

    def as_completed(
        self, invoke: Callable[[Input, RunnableConfig], Output]
    ) -> Iterator[tuple[int, Output | Exception]]:
        """Run the inputs, and yield each one's position and result as they complete.

        Args:
            invoke: Runs one input.

        Raises:
            Exception: The first failure, unless exceptions are returned, after the results of what ran.
        """
        failure: BaseException | None = None
        outcomes = as_completed(self._items(), self._run(invoke), max_concurrency=self._concurrency)
        with closing(outcomes), progress_bar(self._count, show=self._show) as progress:
            for (place, _, _), outcome in outcomes:
                if isinstance(outcome, Failed):
                    failure = failure or outcome.error
                    continue
                if progress is not None:
                    progress.update(1)
                yield place, outcome
        if failure is not None:
            raise failure

    async def aas_completed(
        self, ainvoke: Callable[[Input, RunnableConfig], Awaitable[Output]]
    ) -> AsyncIterator[tuple[int, Output | Exception]]:
        """Same as `as_completed`, async."""
        failure: BaseException | None = None
        pairs = aas_completed(self._items(), self._arun(ainvoke), max_concurrency=self._concurrency)
        with progress_bar(self._count, show=self._show) as progress:
            async with aclosing(pairs) as outcomes:
                async for (place, _, _), outcome in outcomes:
                    if isinstance(outcome, Failed):
                        failure = failure or outcome.error
                        continue
                    if progress is not None:
                        progress.update(1)
                    yield place, outcome
        if failure is not None:
            raise failure

    def _run(
        self, invoke: Callable[[Input, RunnableConfig], Output]
    ) -> Callable[[tuple[int, Input, RunnableConfig]], Output | Exception]:
        def run(item: tuple[int, Input, RunnableConfig]) -> Output | Exception:
            _, value, config = item
            try:
                # A thread runs many inputs, and none sees what another one's callbacks set.
                return copy_context().run(invoke, value, config)
            except Exception as error:
                if self._lenient:
                    return error
                raise

        return run

    def _arun(
        self, ainvoke: Callable[[Input, RunnableConfig], Awaitable[Output]]
    ) -> Callable[[tuple[int, Input, RunnableConfig]], Awaitable[Output | Exception]]:
        async def run(item: tuple[int, Input, RunnableConfig]) -> Output | Exception:
            _, value, config = item
            try:
                return await ainvoke(value, config)
            except Exception as error:
                if self._lenient:
                    return error
                raise

        return run


def _check_inputs(inputs: Iterable[Input]) -> Iterable[Input]:
    if isinstance(inputs, AsyncIterable):
        raise ValueError("inputs is an async iterator: pass a list or an ordinary iterator.")  # noqa: TRY004
    if isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable):
        # Each character of a text would be a call of its own.
        raise ValueError(  # noqa: TRY004
            f"inputs must be a list or another iterable of inputs, not {shown(inputs)}."
        )
    return inputs


def _config_of(config: Configs, count: int | None) -> Callable[[int], RunnableConfig]:
    """A function from an input's position to its config, as langchain-core assigns them."""
    if isinstance(config, Sequence):
        if count is None:
            raise ValueError("config: a list of configs needs inputs whose number is known, such as a list.")
        return get_config_list(list(config), count).__getitem__
    run_id = (config or {}).get("run_id")

    def config_at(place: int) -> Any:
        if place and run_id is not None:
            if place == 1:
                warnings.warn("run_id is used for the first input only.", RuntimeWarning, stacklevel=2)
            return ensure_config({**(config or {}), "run_id": None})
        return ensure_config(config)

    return config_at


def default_concurrency() -> int:
    """How many calls run at once where nobody says: 500, or half of the files that the process may open."""
    try:
        import resource
    except ImportError:  # Windows, where sockets are not counted as files
        return 500
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 500 if limit == resource.RLIM_INFINITY else max(1, min(500, limit // 2))
