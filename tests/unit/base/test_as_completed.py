"""Any number of items, a bounded number at a time: results as they complete, nothing lost, nothing left running."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from langchain_volcark.base.as_completed import Failed, aas_completed, as_completed

MANY = 20_000


class Source:
    """Numbers, and how many of them were taken but not yet given back by the consumer."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = self.most_ahead = self.returned = 0

    def __iter__(self) -> Iterator[int]:
        for number in range(self.count):
            self.taken += 1
            self.most_ahead = max(self.most_ahead, self.taken - self.returned)
            yield number


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_each_item_comes_back_once_with_its_result(workers: int) -> None:
    found = list(as_completed(range(50), lambda item: item * 2, max_concurrency=workers))
    assert sorted(found) == [(item, item * 2) for item in range(50)]


@pytest.mark.parametrize("workers", [1, 2, 7])
async def test_each_item_comes_back_once_with_its_result_async(workers: int) -> None:
    async def double(item: int) -> int:
        await asyncio.sleep(0)
        return item * 2

    found = [pair async for pair in aas_completed(range(50), double, max_concurrency=workers)]
    assert sorted(found) == [(item, item * 2) for item in range(50)]  # type: ignore[type-var]


def test_items_are_taken_only_when_there_is_room() -> None:
    source = Source(MANY)
    for _ in as_completed(source, lambda item: item, max_concurrency=5):
        source.returned += 1
    assert source.returned == MANY
    assert source.most_ahead <= 2 * 5


async def test_items_are_taken_only_when_there_is_room_async() -> None:
    async def run(item: int) -> int:
        return item

    source = Source(MANY)
    async for _ in aas_completed(source, run, max_concurrency=5):
        source.returned += 1
    assert source.returned == MANY
    assert source.most_ahead <= 2 * 5


async def test_memory_does_not_grow_with_the_number_of_items() -> None:
    async def run(item: int) -> bytes:
        return bytes(10_000)

    peaks = []
    for count in (500, 5_000):
        tracemalloc.start()
        async for _ in aas_completed(iter(range(count)), run, max_concurrency=10):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000  # ten times as many results are 45 MB more


async def test_a_result_does_not_wait_for_slower_ones() -> None:
    slow = asyncio.Event()

    async def run(item: int) -> int:
        if item == 0:
            await slow.wait()
        return item

    order = []
    async for item, _ in aas_completed(range(4), run, max_concurrency=4):
        order.append(item)
        if len(order) == 3:
            slow.set()
    assert order == [1, 2, 3, 0]


def test_after_a_failure_what_runs_is_still_yielded_and_nothing_more_begun() -> None:
    begun: list[int] = []
    failing: list[threading.Thread] = []
    together = threading.Barrier(3)

    def run(item: int) -> int:
        begun.append(item)
        if item == 1:
            failing.append(threading.current_thread())
        together.wait(timeout=30)
        if item == 1:
            raise KeyError(item)
        failing[0].join(timeout=30)
        return item

    found = dict(as_completed(range(100), run, max_concurrency=3))
    assert sorted(begun) == [0, 1, 2]
    assert isinstance(found[1], Failed)
    assert (found[0], found[2]) == (0, 2)


async def test_after_a_failure_what_runs_is_still_yielded_and_nothing_more_begun_async() -> None:
    begun: list[int] = []
    failed = asyncio.Event()

    async def run(item: int) -> int:
        begun.append(item)
        if item == 1:
            failed.set()
            raise KeyError(item)
        await failed.wait()
        return item

    found = dict([pair async for pair in aas_completed(range(100), run, max_concurrency=3)])
    assert begun == [0, 1, 2]
    assert isinstance(found[1], Failed)
    assert (found[0], found[2]) == (0, 2)


def test_where_the_iterable_fails_what_it_gave_is_yielded_first() -> None:
    def numbers() -> Iterator[int]:
        yield from range(5)
        raise OSError("the file ends here")

    got = []

    def collect() -> None:
        for item, _ in as_completed(numbers(), lambda item: item, max_concurrency=3):
            got.append(item)

    with pytest.raises(OSError, match="ends here"):
        collect()
    assert sorted(got) == list(range(5))


async def test_where_the_iterable_fails_what_it_gave_is_yielded_first_async() -> None:
    def numbers() -> Iterator[int]:
        yield from range(5)
        raise OSError("the file ends here")

    async def run(item: int) -> int:
        return item

    got = []

    async def collect() -> None:
        async for item, _ in aas_completed(numbers(), run, max_concurrency=3):
            got.append(item)

    with pytest.raises(OSError, match="ends here"):
        await collect()
    assert sorted(got) == list(range(5))


def test_the_iterable_is_read_in_the_callers_thread() -> None:
    threads = set()

    def numbers() -> Iterator[int]:
        for number in range(20):
            threads.add(threading.current_thread())
            yield number

    list(as_completed(numbers(), lambda item: item, max_concurrency=4))
    assert threads == {threading.current_thread()}


def test_a_closed_generator_begins_nothing_more_and_its_threads_end() -> None:
    begun: list[int] = []
    go_on = threading.Semaphore(0)

    def run(item: int) -> int:
        begun.append(item)
        assert go_on.acquire(timeout=30)
        return item

    outcomes = as_completed(range(1000), run, max_concurrency=4)
    go_on.release()
    next(outcomes)
    outcomes.close()
    go_on.release(1000)
    for thread in threading.enumerate():
        if thread.name == "volcark-request":
            thread.join(timeout=30)
            assert not thread.is_alive()
    assert len(begun) <= 6


async def test_a_closed_async_generator_cancels_what_runs() -> None:
    cancelled = 0

    async def run(item: int) -> int:
        nonlocal cancelled
        if item == 0:
            return 0
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled += 1
            raise
        return item

    async with aclosing(aas_completed(range(1000), run, max_concurrency=4)) as outcomes:
        async for _ in outcomes:
            break
        while cancelled == 0 and len(asyncio.all_tasks()) < 5:
            await asyncio.sleep(0)
    assert 3 <= cancelled <= 4
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_item_sees_the_context_of_another() -> None:
    seen: contextvars.ContextVar[int] = contextvars.ContextVar("seen", default=-1)
    seen.set(7)
    found = []

    async def run(item: int) -> None:
        found.append(seen.get())
        seen.set(item)
        await asyncio.sleep(0)

    async for _ in aas_completed(range(20), run, max_concurrency=2):
        pass
    assert found == [7] * 20
