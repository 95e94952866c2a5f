"""A call of batch inference is repeated until its deadline: what, after which waits, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.rate_limiters import InMemoryRateLimiter

from langchain_volcark import ArkEmbeddings, ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    ServiceError,
)
from tests.clock import Clock
from tests.integration.ark.batch.conftest import ENDPOINT
from tests.unit.raw_server import Connection, raw_server

Make = Callable[..., ChatArk]
MakeEmbeddings = Callable[..., ArkEmbeddings]
Invoke = Callable[[ChatArk], Awaitable[AIMessage]]

DAY = 86_400.0
OTHER = "ep-bi-20260101000000-fghij"


async def by_invoke(model: ChatArk) -> AIMessage:
    return model.invoke("Hi")


async def by_ainvoke(model: ChatArk) -> AIMessage:
    return await model.ainvoke("Hi")


@pytest.fixture(params=[by_invoke, by_ainvoke], ids=["sync", "async"])
def invoke(request: pytest.FixtureRequest) -> Invoke:
    found: Invoke = request.param
    return found


async def test_five_overloads_without_retry_after_are_waited_out_with_growing_waits(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(429, "ServerOverloaded", times=5)
    answer = await invoke(make(max_retries=0))
    assert answer.text == "You said: Hi"
    assert len(emulator.requests) == 6
    assert len(clock.waits) == 5  # each wait is slept once: no polling
    for number, wait in enumerate(clock.waits):
        assert 0.25 * 2**number <= wait <= 0.5 * 2**number


async def test_waits_grow_to_a_minute_and_go_on_for_hours(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(503, "InternalServiceError", times=200)
    await invoke(make())
    assert all(30 <= wait <= 60 for wait in clock.waits[8:])
    assert len(clock.waits) == 200


async def test_at_the_deadline_the_error_names_it_and_has_the_last_failure_as_its_cause(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(429, "ServerOverloaded", times=50)
    with pytest.raises(APITimeoutError, match=r"batch_deadline=1 s.*ServerOverloaded") as caught:
        await invoke(make(batch_deadline=1))
    last = caught.value.__cause__
    assert isinstance(last, RateLimitError)
    assert last.code == "ServerOverloaded"
    assert caught.value.request_id == last.request_id
    assert 2 <= len(emulator.requests) <= 3
    assert sum(clock.waits) < 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "AuthenticationError", AuthenticationError),
        (400, "InvalidParameter", InvalidRequestError),
        (429, "QuotaExceeded", QuotaExceededError),
        (429, "SetLimitExceeded", QuotaExceededError),
    ],
)
async def test_what_time_does_not_heal_ends_the_call_at_once(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke, status: int, code: str, expected: type[Exception]
) -> None:
    emulator.fail_next(status, code, times=5)
    with pytest.raises(expected):
        await invoke(make())
    assert len(emulator.requests) == 1
    assert clock.waits == []


@pytest.mark.parametrize(
    ("status", "code"),
    [(408, "RequestTimeout"), (409, "Conflict"), (500, "InternalServiceError"), (502, None), (504, None)],
)
async def test_what_may_heal_is_repeated(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke, status: int, code: str | None
) -> None:
    emulator.fail_next(status, code, times=3)
    assert (await invoke(make())).text == "You said: Hi"
    assert len(emulator.requests) == 4


async def test_broken_connections_are_repeated(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.drop_next(3)
    assert (await invoke(make())).text == "You said: Hi"
    assert clock.waits  # the pool itself replaces a connection that was idle


async def test_an_unreachable_server_is_asked_until_the_deadline(make: Make, clock: Clock, invoke: Invoke) -> None:
    with pytest.raises(APITimeoutError) as caught:
        await invoke(make(base_url="http://127.0.0.1:9/api/v3", batch_deadline=timedelta(minutes=10)))
    assert isinstance(caught.value.__cause__, APIConnectionError)
    assert not isinstance(caught.value.__cause__, APITimeoutError)
    assert 480 < sum(clock.waits) < 600


async def test_retry_after_is_waited_for_even_if_it_is_hours(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=7200)
    assert (await invoke(make())).text == "You said: Hi"
    assert clock.waits == [7200]


async def test_a_retry_after_beyond_the_deadline_ends_the_call_without_waiting(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=7200)
    with pytest.raises(APITimeoutError) as caught:
        await invoke(make(batch_deadline=600))
    assert isinstance(caught.value.__cause__, RateLimitError)
    assert caught.value.retry_after == 7200
    assert clock.waits == []


async def test_an_absurd_retry_after_does_not_stop_the_model_for_ever(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=10**9)
    with pytest.raises(APITimeoutError):
        await invoke(make(batch_deadline=600))
    assert (await invoke(make())).text == "You said: Hi"
    assert len(clock.waits) == 1
    assert 600 <= clock.waits[0] <= 601


def test_all_callers_of_the_model_wait_for_a_retry_after(make: Make, emulator: Emulator, clock: Clock) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=30)
    other = make(temperature=0.5)  # another object with the same model and address

    def meanwhile() -> None:
        assert other.invoke("Hello").text == "You said: Hello"

    clock.meanwhile = meanwhile
    make().invoke("Hi")
    assert clock.waits[0] == 30
    assert clock.waits[1] == 31  # behind the first: a slow start
    assert len(emulator.requests) == 3


async def test_callers_in_other_threads_and_event_loops_wait_too_and_other_models_do_not(
    make: Make, emulator: Emulator, clock: Clock
) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=30)
    texts: list[str] = []

    def meanwhile() -> None:  # in a thread
        texts.append(make(model=OTHER).invoke("Hey").text)
        assert clock.waits == [30]
        texts.append(asyncio.run(make().ainvoke("Hello")).text)

    clock.meanwhile = meanwhile
    texts.append((await make().ainvoke("Hi")).text)
    assert texts == ["You said: Hey", "You said: Hello", "You said: Hi"]
    assert clock.waits == [30, 31]


async def test_a_retry_after_of_no_time_is_no_reason_for_a_busy_loop(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=0, times=4)
    await invoke(make())
    emulator.fail_next(429, "ServerOverloaded", retry_after=0.001, times=4)
    await invoke(make())
    assert len(clock.waits) == 8
    assert min(clock.waits) >= 0.25


async def test_the_read_timeout_is_what_is_left_of_the_deadline(
    make: Make, emulator: Emulator, clock: Clock
) -> None:
    timeouts: list[dict[str, Any]] = []

    def note(request: httpx.Request) -> None:
        timeouts.append(request.extensions["timeout"])

    async def anote(request: httpx.Request) -> None:
        note(request)

    emulator.fail_next(429, "ServerOverloaded", retry_after=1000)
    with httpx.Client(event_hooks={"request": [note]}) as client:
        make(http_client=client, timeout=30).invoke("Hi")
    async with httpx.AsyncClient(event_hooks={"request": [anote]}) as async_client:
        await make(model=OTHER, http_async_client=async_client, batch_deadline=timedelta(hours=72)).ainvoke("Hi")
    assert [found["read"] for found in timeouts] == [DAY, DAY - 1000, 3 * DAY]
    assert [found["pool"] for found in timeouts] == [DAY, DAY - 1000, 3 * DAY]
    assert [found["connect"] for found in timeouts] == [10, 10, 10]


async def test_a_server_that_never_answers_is_given_up_at_the_deadline(make: Make, invoke: Invoke) -> None:
    def hang(connection: Connection, request: bytes) -> None:
        connection.server.release.wait(30)

    with raw_server() as server:
        server.handler = hang
        with pytest.raises(APITimeoutError, match="batch_deadline=0.2 s") as caught:
            await invoke(make(base_url=server.url, batch_deadline=0.2, timeout=60))
    assert isinstance(caught.value.__cause__, APITimeoutError)


async def test_each_retry_is_reported_and_takes_its_turn_at_the_limiter(
    make: Make, emulator: Emulator, clock: Clock, invoke: Invoke
) -> None:
    class Handler(BaseCallbackHandler):
        def __init__(self) -> None:
            self.seen: list[tuple[int, bool]] = []

        def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
            error = retry_state.outcome.exception()
            self.seen.append((retry_state.attempt_number, isinstance(error, ServiceError)))

    class Limiter(InMemoryRateLimiter):
        turns = 0

        def acquire(self, *, blocking: bool = True) -> bool:
            self.turns += 1
            return True

        async def aacquire(self, *, blocking: bool = True) -> bool:
            return self.acquire(blocking=blocking)

    handler, limiter = Handler(), Limiter()
    emulator.fail_next(503, "InternalServiceError", times=3)
    await invoke(make(callbacks=[handler], rate_limiter=limiter))
    assert handler.seen == [(1, True), (2, True), (3, True)]
    assert limiter.turns == 4


async def test_embeddings_follow_the_same_rules(
    make_embeddings: MakeEmbeddings, emulator: Emulator, clock: Clock
) -> None:
    emulator.fail_next(429, "ServerOverloaded", times=3)
    assert len(make_embeddings().embed_documents(["one"])) == 1
    emulator.fail_next(429, "ServerOverloaded", retry_after=90)
    assert len(await make_embeddings().aembed_documents(["one"])) == 1
    assert len(clock.waits) == 4
    assert clock.waits[-1] == pytest.approx(90)
    emulator.fail_next(429, "ServerOverloaded", times=50)
    with pytest.raises(APITimeoutError, match="batch_deadline=5 s") as caught:
        make_embeddings(batch_deadline=5).embed_query("one")
    assert isinstance(caught.value.__cause__, RateLimitError)


def test_the_pool_waits_as_long_as_the_deadline_allows(make: Make, emulator: Emulator) -> None:
    model = make(max_connections=1)
    emulator.delay_next(0.2)
    answers = model.batch(["a", "b", "c"], {"max_concurrency": 3})
    assert [answer.text for answer in answers] == ["You said: a", "You said: b", "You said: c"]
    assert emulator.most_in_flight == 1
    assert {request.json["model"] for request in emulator.requests} == {ENDPOINT}
