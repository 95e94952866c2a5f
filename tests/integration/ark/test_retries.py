"""Retries: counted at the server, timed by a fake clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.messages import AIMessageChunk, HumanMessage
from langchain_core.rate_limiters import BaseRateLimiter

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    QuotaExceededError,
    RateLimitError,
    ServiceError,
    StreamInterruptedError,
    VolcArkError,
)

Make = Callable[..., ChatArk]


def invoke(model: ChatArk) -> str:
    return model.invoke("Hello").text


def ainvoke(model: ChatArk) -> str:
    return asyncio.run(model.ainvoke("Hello")).text


def stream(model: ChatArk) -> str:
    return "".join(chunk.text for chunk in model.stream("Hello"))


def astream(model: ChatArk) -> str:
    async def run() -> str:
        return "".join([chunk.text async for chunk in model.astream("Hello")])

    return asyncio.run(run())


four_ways = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])


@four_ways
def test_a_rate_limit_heals_within_max_retries(
    ask: Callable[[ChatArk], str], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=429, code="RateLimitExceeded.EndpointTPMExceeded", times=2)
    assert ask(model) == "You said: Hello"
    assert len(emulator.requests) == 3
    assert len(waits) == 2


@four_ways
def test_max_retries_is_counted_exactly(
    ask: Callable[[ChatArk], str], make: Make, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=500, code="InternalServiceError", times=9)
    with pytest.raises(ServiceError):
        ask(make(max_retries=3))
    assert len(emulator.requests) == 4
    assert len(waits) == 3


@four_ways
def test_zero_retries_means_one_attempt(
    ask: Callable[[ChatArk], str], make: Make, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=429, code="RateLimitExceeded.EndpointTPMExceeded", times=9)
    with pytest.raises(RateLimitError):
        ask(make(max_retries=0))
    assert len(emulator.requests) == 1
    assert waits == []


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (429, "QuotaExceeded", QuotaExceededError),
        (429, "SetLimitExceeded", QuotaExceededError),
        (401, "AuthenticationError", AuthenticationError),
    ],
)
def test_what_time_does_not_heal_is_raised_at_once(
    status: int, code: str, error: type[Exception], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=status, code=code, times=9)
    with pytest.raises(error):
        model.invoke("Hello")
    assert len(emulator.requests) == 1
    assert waits == []


def test_waits_grow_and_carry_jitter(make: Make, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=503, code=None, times=6)
    assert make(max_retries=6).invoke("Hello").text
    for number, wait in enumerate(waits):
        shortest = min(0.5 * 2**number, 8)
        assert shortest <= wait <= shortest + 0.5
    assert len({wait % 0.5 for wait in waits}) > 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(2, 2.0), (0, 0.0), (1.5, 1.5), (-5, 0.0), (60, 60.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_honoured_up_to_a_minute(
    asked: Any, expected: float, model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=429, code="ServerOverloaded", retry_after=asked)
    model.invoke("Hello")
    assert waits == [expected]


@four_ways
@pytest.mark.parametrize(
    "asked", [61, 86400, format_datetime(datetime(2199, 1, 1, tzinfo=timezone.utc), usegmt=True)]
)
def test_a_longer_retry_after_is_raised_at_once(
    asked: Any, ask: Callable[[ChatArk], str], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=429, code="ServerOverloaded", retry_after=asked, times=9)
    with pytest.raises(RateLimitError) as caught:
        ask(model)
    assert caught.value.is_retryable
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 60
    assert len(emulator.requests) == 1
    assert waits == []


def test_retry_after_as_a_date_is_honoured(model: ChatArk, emulator: Emulator, waits: list[float]) -> None:
    moment = datetime.now(timezone.utc) + timedelta(seconds=30)
    emulator.fail_next(status=429, code="ServerOverloaded", retry_after=format_datetime(moment, usegmt=True))
    model.invoke("Hello")
    assert 0 <= waits[0] <= 30


@pytest.mark.parametrize("asked", ["soon", "nan", "inf", "Thu, 99 Foo 2026"])
def test_a_senseless_retry_after_falls_back_to_backoff(
    asked: str, model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=429, code="ServerOverloaded", retry_after=asked)
    model.invoke("Hello")
    assert 0.5 <= waits[0] <= 1.0


@pytest.mark.parametrize(
    ("status", "code", "word", "attempts"),
    [(500, "InternalServiceError", "false", 1), (400, "InvalidParameter", "true", 2)],
)
def test_the_servers_word_on_retrying_wins(
    status: int, code: str, word: str, attempts: int, model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=status, code=code, headers={"x-should-retry": word})
    if attempts == 1:
        with pytest.raises(ServiceError):
            model.invoke("Hello")
    else:
        model.invoke("Hello")
    assert len(emulator.requests) == attempts


@four_ways
def test_a_dropped_connection_is_retried(
    ask: Callable[[ChatArk], str], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.drop_next(times=2)
    assert ask(model) == "You said: Hello"


@pytest.mark.parametrize("ask", [stream, astream])
def test_a_stream_cut_before_its_first_payload_is_retried(
    ask: Callable[[ChatArk], str], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.break_stream_after(0)
    assert ask(model) == "You said: Hello"
    assert len(emulator.requests) == 2


@pytest.mark.parametrize("ask", [stream, astream])
def test_nothing_is_retried_after_the_first_payload(
    ask: Callable[[ChatArk], str], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.break_stream_after(1)
    with pytest.raises(StreamInterruptedError) as caught:
        ask(model)
    assert caught.value.is_retryable  # for those who may ask the whole question again
    assert len(emulator.requests) == 1
    assert waits == []


@pytest.mark.parametrize(
    ("code", "error", "retryable"),
    [("InternalServiceError", ServiceError, True), ("QuotaExceeded", QuotaExceededError, False)],
)
@pytest.mark.parametrize("ask", [stream, astream])
def test_an_error_in_mid_stream_keeps_its_codes_verdict_and_is_not_retried(
    code: str,
    error: type[VolcArkError],
    retryable: bool,
    ask: Callable[[ChatArk], str],
    model: ChatArk,
    emulator: Emulator,
    waits: list[float],
) -> None:
    delta = {"index": 0, "delta": {"role": "assistant", "content": "Hel"}}
    first = {"id": "1", "created": 1, "model": "m", "choices": [delta]}
    emulator.reply_next([first, {"error": {"code": code, "message": "no"}}])
    with pytest.raises(error) as caught:
        ask(model)
    assert caught.value.is_retryable is retryable
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"
    assert len(emulator.requests) == 1


def test_langchains_retry_middleware_asks_again_after_a_cut_stream(make: Make, emulator: Emulator) -> None:
    middleware = ModelRetryMiddleware(max_retries=2, initial_delay=0, jitter=False)
    agent = create_agent(make(streaming=True, max_retries=0), [], middleware=[middleware])
    emulator.break_stream_after(3)
    answer = agent.invoke({"messages": [HumanMessage("Hello")]})["messages"][-1]
    assert answer.text == "You said: Hello"
    assert len(emulator.requests) == 2


class NotedRetries(BaseCallbackHandler):
    def __init__(self) -> None:
        self.attempts: list[int] = []

    def on_retry(self, retry_state: Any, **_: Any) -> None:
        self.attempts.append(retry_state.attempt_number)


class AsyncNotedRetries(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.attempts: list[int] = []

    async def on_retry(self, retry_state: Any, **_: Any) -> None:
        self.attempts.append(retry_state.attempt_number)


def test_on_retry_reaches_callbacks(model: ChatArk, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=500, code="InternalServiceError", times=2)
    noted = NotedRetries()
    model.invoke("Hello", {"callbacks": [noted]})
    assert noted.attempts == [1, 2]


async def test_on_retry_reaches_async_callbacks(model: ChatArk, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=500, code="InternalServiceError", times=2)
    noted = AsyncNotedRetries()
    await model.ainvoke("Hello", {"callbacks": [noted]})
    assert noted.attempts == [1, 2]


def test_on_retry_reaches_callbacks_of_event_streams(
    model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(status=500, code="InternalServiceError")
    noted = NotedRetries()
    assert model.stream_events("Hello", {"callbacks": [noted]}, version="v3").output.text
    assert noted.attempts == [1]


class CountingLimiter(BaseRateLimiter):
    def __init__(self) -> None:
        self.asked = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True


@four_ways
def test_the_rate_limiter_is_asked_for_every_attempt(
    ask: Callable[[ChatArk], str], make: Make, emulator: Emulator, waits: list[float]
) -> None:
    limiter = CountingLimiter()
    emulator.fail_next(status=500, code="InternalServiceError", times=2)
    ask(make(rate_limiter=limiter))
    assert limiter.asked == len(emulator.requests) == 3


def test_the_wait_ends_in_the_last_attempts_own_error(make: Make, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=500, code="InternalServiceError", message="first")
    emulator.fail_next(status=429, code="ServerOverloaded", message="second")
    with pytest.raises(RateLimitError, match="second"):
        make(max_retries=1).invoke("Hello")


def test_text_is_never_repeated_by_a_retry(model: ChatArk, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=500, code="InternalServiceError")
    seen: list[AIMessageChunk] = list(model.stream("Hello"))
    assert "".join(chunk.text for chunk in seen) == "You said: Hello"
