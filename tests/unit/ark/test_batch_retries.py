"""Retries until a deadline, whatever happens: they end in time, wait for what is asked, and never poll."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.batch import retries
from langchain_volcark.ark.batch.pauses import SLOW_START, Pauses
from langchain_volcark.ark.batch.retries import UntilDeadline
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    RateLimitError,
    ServiceError,
    VolcArkError,
)
from langchain_volcark.http import deadline as clock
from langchain_volcark.http import retry
from langchain_volcark.http.deadline import Deadline
from langchain_volcark.http.retry import RetryHooks

MODEL = ("https://ark.example/api/v3", "ep-bi-1")
FIRST_WAIT = 0.25

# What an attempt does: how long it takes, and its failure with its `Retry-After`, or None for success.
Attempt = tuple[float, type[VolcArkError] | None, float | None]
attempts: st.SearchStrategy[Attempt] = st.tuples(
    st.floats(0, 500),
    st.sampled_from([RateLimitError, ServiceError, APIConnectionError, AuthenticationError, None]),
    st.none() | st.floats(0, 5000),
)


class World:
    """A clock, the pauses of the process, and attempts as they are told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, told: list[Attempt]) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self.begun: list[float] = []
        self._told: Iterator[Attempt] = iter(told)
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)
        monkeypatch.setattr(retry, "sleep", self._sleep)
        monkeypatch.setattr(retry, "asleep", self._asleep)
        monkeypatch.setattr(retries, "pauses", Pauses())

    def attempt(self) -> str:
        self.begun.append(self.now)
        seconds, failure, retry_after = next(self._told, (1.0, None, None))
        self.now += seconds
        if failure is not None:
            raise failure("failed", retry_after=retry_after)
        return "answer"

    async def aattempt(self) -> str:
        return self.attempt()

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    async def _asleep(self, seconds: float) -> None:
        self._sleep(seconds)


def by_call(world: World, seconds: float) -> str:
    return UntilDeadline(Deadline(seconds), MODEL).call(world.attempt)


def by_acall(world: World, seconds: float) -> str:
    return asyncio.run(UntilDeadline(Deadline(seconds), MODEL).acall(world.aattempt))


@pytest.mark.parametrize("run", [by_call, by_acall])
@given(told=st.lists(attempts, max_size=30), seconds=st.floats(1, 3000))
def test_whatever_happens_it_ends_in_time_with_the_right_exception(
    run: Callable[[World, float], str], told: list[Attempt], seconds: float
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = World(monkeypatch, told)
        error: VolcArkError | None = None
        try:
            assert run(world, seconds) == "answer"
        except VolcArkError as raised:
            error = raised
    assert all(begun < seconds for begun in world.begun)  # no attempt after the deadline
    assert sum(world.waits) < seconds
    assert min(world.waits, default=FIRST_WAIT) >= FIRST_WAIT  # no busy loop
    made = told[: len(world.begun)]
    if error is None:
        return
    last = made[-1][1]
    if isinstance(error, APITimeoutError):
        assert isinstance(error.__cause__, last or ())
        assert last is not AuthenticationError
    else:
        assert isinstance(error, AuthenticationError)
    assert all(failure is not AuthenticationError for _, failure, _ in made[:-1])


@given(asked=st.floats(1, 1000))
def test_every_retry_after_is_waited_for(asked: float) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = World(monkeypatch, [(0.0, RateLimitError, asked)] * 3)
        by_call(world, 10_000)
    for earlier, later in zip(world.begun, world.begun[1:], strict=False):
        assert asked <= later - earlier + 1e-6 <= asked + SLOW_START + 1e-3


def test_a_call_that_meets_the_pause_of_another_names_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, [(0.0, RateLimitError, 500.0)])
    UntilDeadline(Deadline(10_000), MODEL)
    with pytest.raises(APITimeoutError):
        by_call(world, 100)
    with pytest.raises(APITimeoutError, match=r"0 attempts failed, and the service asked all callers") as caught:
        by_call(world, 50)
    assert isinstance(caught.value.__cause__, RateLimitError)
    assert len(world.begun) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_a_limiter_that_takes_the_rest_of_the_time_ends_the_call(
    monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    world = World(monkeypatch, [(0.0, ServiceError, None)] * 3)

    def acquire() -> None:
        world.now += 100

    async def aacquire() -> None:
        acquire()

    def run() -> str:
        policy = UntilDeadline(Deadline(60), MODEL)
        if is_async:
            return asyncio.run(policy.acall(world.aattempt, RetryHooks(before_attempt=aacquire)))
        return policy.call(world.attempt, RetryHooks(before_attempt=acquire))

    with pytest.raises(APITimeoutError, match="1 attempt failed") as caught:
        run()
    assert isinstance(caught.value.__cause__, ServiceError)
    assert len(world.begun) == 1
