"""Any runnable on any number of inputs: bounded, with configs, exceptions and progress as langchain-core has them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from langchain_volcark import abatch_as_completed, batch_as_completed


class Counter:
    """Doubles numbers, and knows how many it does at once; fails for 7."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.tags: list[list[str]] = []
        self._lock = threading.Lock()

    def double(self, number: int, config: RunnableConfig) -> int:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.tags.append(config.get("tags") or [])
        with self._lock:
            self.inside -= 1
        if number == 7:
            raise KeyError(number)
        return 2 * number

    async def adouble(self, number: int, config: RunnableConfig) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0)
        self.inside -= 1
        self.tags.append(config.get("tags") or [])
        if number == 7:
            raise KeyError(number)
        return 2 * number

    def chain(self) -> Runnable[int, int]:
        return RunnableLambda(self.double, afunc=self.adouble) | RunnableLambda(lambda number: number + 1)


async def collect(is_async: bool, chain: Any, inputs: Any, *given: Any, **options: Any) -> list[tuple[int, Any]]:
    if is_async:
        return [pair async for pair in abatch_as_completed(chain, inputs, *given, **options)]
    return list(batch_as_completed(chain, inputs, *given, **options))


both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


def numbers(start: int, end: int) -> Iterator[int]:
    yield from range(start, end)


@both
async def test_a_chain_takes_any_iterable_in_bounded_tasks(is_async: bool) -> None:
    counter = Counter()
    found = await collect(is_async, counter.chain(), numbers(10, 510), {"max_concurrency": 4, "tags": ["nightly"]})
    assert sorted(found) == [(number - 10, 2 * number + 1) for number in range(10, 510)]
    assert counter.most <= 4
    assert all("nightly" in tags for tags in counter.tags)


@both
async def test_an_exception_takes_the_place_of_a_result(is_async: bool) -> None:
    found = dict(await collect(is_async, Counter().chain(), numbers(5, 10), return_exceptions=True))
    assert isinstance(found.pop(2), KeyError)
    assert found == {0: 11, 1: 13, 3: 17, 4: 19}


@both
async def test_a_failure_is_raised_after_the_results_of_what_ran(is_async: bool) -> None:
    counter = Counter()
    with pytest.raises(KeyError):
        await collect(is_async, counter.chain(), numbers(0, 1000), {"max_concurrency": 2})
    assert len(counter.tags) < 20


@both
async def test_a_list_of_configs_needs_as_many_inputs(is_async: bool) -> None:
    configs: list[RunnableConfig] = [{"tags": ["a"]}, {"tags": ["b"]}]
    counter = Counter()
    await collect(is_async, counter.chain(), [1, 2], configs)
    assert sorted(tag for tags in counter.tags for tag in tags if tag in "ab") == ["a", "b"]
    with pytest.raises(ValueError, match="a list of configs needs inputs whose number is known"):
        await collect(is_async, counter.chain(), numbers(0, 2), configs)


@both
async def test_a_progress_bar_is_shown_where_wanted(is_async: bool, capsys: pytest.CaptureFixture[str]) -> None:
    await collect(is_async, Counter().chain(), [1, 2, 3], show_progress_bar=True)
    assert "3/3" in capsys.readouterr().err
    await collect(is_async, Counter().chain(), [1, 2, 3])
    assert capsys.readouterr().err == ""


async def later() -> Any:
    yield 1


@both
@pytest.mark.parametrize(
    "inputs", ["a text", b"bytes", {"a": 1}, None, 5, later()], ids=lambda one: type(one).__name__
)
async def test_a_single_value_is_not_taken_for_inputs(is_async: bool, inputs: Any) -> None:
    counter = Counter()
    with pytest.raises(ValueError, match="^inputs "):
        await collect(is_async, counter.chain(), inputs)
    assert counter.most == 0


@both
@pytest.mark.parametrize("wanted", ["4", 2.5, True, -1])
async def test_a_concurrency_that_is_no_number_is_refused(is_async: bool, wanted: Any) -> None:
    with pytest.raises(ValueError, match="max_concurrency must be a whole number"):
        await collect(is_async, Counter().chain(), [1, 2], {"max_concurrency": wanted})
