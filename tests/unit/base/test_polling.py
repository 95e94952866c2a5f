"""Waiting for what a service works on: delays, failures in between, the end of the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark.base.polling import apoll, check_progress, check_waiting, poll
from langchain_volcark.exceptions import APIConnectionError, APITimeoutError, NotFoundError, RateLimitError
from tests.clock import Clock

DELAYS = (1.0, 2.0, 3.0)


@pytest.fixture(params=["sync", "async"])
def wait(request: pytest.FixtureRequest) -> Callable[..., Any]:
    def run(*states: Any, timeout: float | None = 60, on_progress: Any = None) -> Any:
        pending = list(states)

        def read() -> Any:
            state = pending.pop(0) if len(pending) > 1 else pending[0]
            if isinstance(state, Exception):
                raise state
            return state

        async def aread() -> Any:
            return read()

        arguments: dict[str, Any] = {
            "timeout": timeout,
            "delays": DELAYS,
            "describe": lambda state: f"The file file-1 is still {state}",
            "on_progress": on_progress,
        }
        if request.param == "sync":
            return poll(read, lambda state: state == "active", **arguments)
        return asyncio.run(apoll(aread, lambda state: state == "active", **arguments))

    return run


def test_the_last_delay_is_repeated(wait: Callable[..., Any], clock: Clock) -> None:
    assert wait(*["processing"] * 5, "active") == "active"
    assert clock.waits == [1, 2, 3, 3, 3]


def test_what_is_done_already_is_not_waited_for(wait: Callable[..., Any], clock: Clock) -> None:
    assert wait("active") == "active"
    assert clock.waits == []


def test_each_state_is_reported(wait: Callable[..., Any], clock: Clock) -> None:
    seen: list[str] = []
    wait("queued", "running", "active", on_progress=seen.append)
    assert seen == ["queued", "running", "active"]


def test_failures_that_time_heals_only_cost_a_reading(wait: Callable[..., Any], clock: Clock) -> None:
    failures = [RateLimitError("slow down", retry_after=20.0), APIConnectionError("gone")]
    assert wait("processing", *failures, "active") == "active"
    assert clock.waits == [1, 20, 3]


def test_other_failures_end_the_wait(wait: Callable[..., Any], clock: Clock) -> None:
    with pytest.raises(NotFoundError):
        wait("processing", NotFoundError("no such file"))


def test_the_end_of_the_time_names_what_is_waited_for(wait: Callable[..., Any], clock: Clock) -> None:
    with pytest.raises(APITimeoutError, match="The file file-1 is still processing after 5 seconds"):
        wait("processing", timeout=5)
    assert clock.waits == [1, 2, 2]


def test_the_last_failure_is_the_cause(wait: Callable[..., Any], clock: Clock) -> None:
    failure = APIConnectionError("gone")
    with pytest.raises(APITimeoutError, match="still None") as caught:
        wait(failure, timeout=5)
    assert caught.value.__cause__ is failure


def test_no_limit_waits_on(wait: Callable[..., Any], clock: Clock) -> None:
    assert wait(*["processing"] * 1000, "active", timeout=None) == "active"


async def test_progress_may_be_reported_by_a_coroutine(clock: Clock) -> None:
    seen = []

    async def note(state: str) -> None:
        seen.append(state)

    async def read() -> str:
        return "active"

    await apoll(read, lambda state: True, timeout=1, delays=DELAYS, describe=lambda state: "", on_progress=note)
    assert seen == ["active"]


@pytest.mark.parametrize(
    ("timeout", "delays", "text"),
    [
        (-1, [1], "timeout must be a number of seconds"),
        (float("nan"), [1], "timeout must be"),
        ("5", [1], "timeout must be"),
        (True, [1], "timeout must be"),
        (5, [], "delays is empty"),
        (5, [1, -1], "delays must be"),
        (5, "5", "delays must be"),
        (5, None, "delays must be"),
    ],
)
def test_how_to_wait_is_checked_before_anything_is_sent(timeout: Any, delays: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_waiting(timeout, delays)


def test_one_delay_may_be_given_alone() -> None:
    assert check_waiting(None, 5) == (5,)  # type: ignore[arg-type]
    assert check_waiting(0, iter([1, 2.5])) == (1, 2.5)


async def note(state: str) -> None:
    """Nothing."""


def test_what_cannot_be_called_or_would_not_be_awaited_is_refused() -> None:
    for on_progress in (None, print):
        check_progress(on_progress, is_async=False)
    check_progress(note, is_async=True)
    with pytest.raises(ValueError, match="on_progress must be a function"):
        check_progress("print", is_async=True)
    with pytest.raises(ValueError, match="on_progress is async"):
        check_progress(note, is_async=False)
