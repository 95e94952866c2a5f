"""Many requests for one call: bounded, in order, nothing lost."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.base.embeddings import batches
from langchain_volcark.base.fan_out import afan_out, fan_out
from langchain_volcark.exceptions import RateLimitError


def _spans(*sizes: int) -> list[range]:
    spans, start = [], 0
    for size in sizes:
        spans.append(range(start, start + size))
        start += size
    return spans


def _letters(span: range) -> list[str]:
    return [f"#{position}" for position in span]


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 6), st.integers(1, 20) | st.none())
def test_batches_hold_everything_in_order_within_the_limits(
    costs: list[int], max_items: int, max_cost: int | None
) -> None:
    spans = batches(costs, max_items=max_items, max_cost=max_cost)
    assert [position for span in spans for position in span] == list(range(len(costs)))
    for span in spans:
        assert 1 <= len(span) <= max_items
        assert max_cost is None or len(span) == 1 or sum(costs[position] for position in span) <= max_cost


def test_batches_are_as_large_as_the_limits_allow() -> None:
    assert batches([1] * 10, max_items=4) == [range(4), range(4, 8), range(8, 10)]
    assert batches([3, 3, 3, 9, 1], max_items=64, max_cost=6) == [range(2), range(2, 3), range(3, 4), range(4, 5)]


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_results_come_in_the_order_of_the_inputs(workers: int) -> None:
    spans = _spans(2, 1, 3, 1)
    expected = [f"#{position}" for position in range(7)]
    assert fan_out(spans, _letters, max_concurrency=workers) == expected

    async def run(span: range) -> list[str]:
        await asyncio.sleep(0)
        return _letters(span)

    assert asyncio.run(afan_out(spans, run, max_concurrency=workers)) == expected


def test_threads_are_all_used_and_never_more_than_allowed() -> None:
    barrier = threading.Barrier(4)  # opens only when four are inside at once
    inside, most, lock = 0, 0, threading.Lock()

    def run(span: range) -> list[str]:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        barrier.wait(timeout=30)
        with lock:
            inside -= 1
        return _letters(span)

    fan_out(_spans(*[1] * 12), run, max_concurrency=4)
    assert most == 4


async def test_tasks_are_all_used_and_never_more_than_allowed() -> None:
    inside = most = 0
    full = asyncio.Event()

    async def run(span: range) -> list[str]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == 4:
            full.set()
        await full.wait()
        inside -= 1
        return _letters(span)

    await afan_out(_spans(*[1] * 12), run, max_concurrency=4)
    assert most == 4


def test_after_a_failure_nothing_more_is_begun_and_what_is_done_is_kept() -> None:
    begun: list[range] = []

    def run(span: range) -> list[str]:
        begun.append(span)
        if span.start == 4:
            raise RateLimitError("too many")
        return _letters(span)

    with pytest.raises(RateLimitError, match=r"inputs 4 to 5 of 8") as caught:
        fan_out(_spans(2, 2, 2, 2), run, max_concurrency=1)
    assert begun == _spans(2, 2, 2)
    assert caught.value.completed == {position: f"#{position}" for position in range(4)}
    assert caught.value.failed_inputs == (4, 5)


def test_requests_in_flight_at_a_failure_are_waited_for_and_kept() -> None:
    begun, failing = threading.Barrier(3), []

    def run(span: range) -> list[str]:
        if span.start == 0:
            failing.append(threading.current_thread())
        begun.wait(timeout=30)
        if span.start == 0:
            raise RateLimitError("too many")
        failing[0].join(timeout=30)
        return _letters(span)

    with pytest.raises(RateLimitError) as caught:
        fan_out(_spans(*[1] * 9), run, max_concurrency=3)
    assert caught.value.completed == {1: "#1", 2: "#2"}


async def test_async_requests_in_flight_at_a_failure_are_kept() -> None:
    begun, failed = [], asyncio.Event()

    async def run(span: range) -> list[str]:
        begun.append(span)
        while len(begun) < 3:
            await asyncio.sleep(0)
        if span.start == 0:
            failed.set()
            raise RateLimitError("too many")
        await failed.wait()
        await asyncio.sleep(0)
        return _letters(span)

    with pytest.raises(RateLimitError) as caught:
        await afan_out(_spans(*[1] * 9), run, max_concurrency=3)
    assert caught.value.completed == {1: "#1", 2: "#2"}


def test_a_single_request_fails_with_its_own_words_alone() -> None:
    def run(span: range) -> list[str]:
        raise RateLimitError("too many")

    with pytest.raises(RateLimitError) as caught:
        fan_out(_spans(1), run, max_concurrency=4)
    assert str(caught.value) == "too many"
    assert caught.value.completed == {}


def test_other_exceptions_come_through_as_they_are() -> None:
    def run(span: range) -> list[str]:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        fan_out(_spans(1, 1, 1), run, max_concurrency=2)


def test_nothing_to_do_is_done() -> None:
    assert fan_out([], _letters, max_concurrency=4) == []


def test_after_a_failure_who_waited_for_the_limiter_sends_nothing() -> None:
    turns = iter(["first", "second"])
    failing: list[threading.Thread] = []
    known = threading.Event()
    begun: list[range] = []

    def acquire() -> None:
        if next(turns) == "second":
            assert known.wait(timeout=30)
            failing[0].join(timeout=30)

    def run(span: range) -> Sequence[str]:
        begun.append(span)
        failing.append(threading.current_thread())
        known.set()
        raise RateLimitError("too many")

    with pytest.raises(RateLimitError):
        fan_out(_spans(1, 1), run, max_concurrency=2, acquire=acquire)
    assert len(begun) == 1


async def test_cancelling_the_call_cancels_its_requests() -> None:
    started, cancelled = asyncio.Event(), 0

    async def run(span: range) -> list[str]:
        nonlocal cancelled
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled += 1
            raise
        return []

    call = asyncio.ensure_future(afan_out(_spans(*[1] * 9), run, max_concurrency=3))
    await started.wait()
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert cancelled == 3


def test_threads_see_the_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("trace-1")
    seen = fan_out(_spans(1, 1, 1), lambda span: [variable.get()], max_concurrency=3)
    assert seen == ["trace-1"] * 3


def test_an_interrupted_call_begins_nothing_more() -> None:
    begun: list[range] = []
    go_on = threading.Semaphore(2)

    def run(span: range) -> list[str]:
        begun.append(span)
        assert go_on.acquire(timeout=30)
        return _letters(span)

    class Interrupted:
        def update(self, n: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fan_out(_spans(*[1] * 50), run, max_concurrency=2, progress=Interrupted())
    go_on.release(50)
    for thread in threading.enumerate():
        if thread.name == "volcark-request":
            thread.join(timeout=30)
    assert len(begun) <= 4


def test_progress_counts_inputs() -> None:
    class Bar:
        def __init__(self) -> None:
            self.seen: list[int] = []

        def update(self, n: int) -> None:
            self.seen.append(n)

    bar = Bar()
    fan_out(_spans(3, 2), _letters, max_concurrency=1, progress=bar)
    assert bar.seen == [3, 2]
