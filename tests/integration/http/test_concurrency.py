"""Many calls at once, on every service: each gets its own answer, and who leaves is gone at once for the server."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from langchain_volcark.http import stream as http_stream
from langchain_volcark.http.registry import DEFAULT_POOL, registry
from tests.integration.echo import HOLD, Echo
from tests.integration.faults.services import CHATS, Service
from tests.unit.raw_server import RawServer, raw_server

Run = Callable[[Coroutine[Any, Any, Any]], Any]
each_service = pytest.mark.parametrize("service", CHATS, ids=[service.name for service in CHATS])


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket, generator or task that was forgotten warns here, and a warning is an error


@pytest.fixture
def server(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    monkeypatch.setattr(registry, "_clients", {})  # no connection of another test
    monkeypatch.setattr(http_stream, "_DRAIN_SECONDS", 60)  # a slow machine must not cost a connection
    with raw_server() as running:
        running.handler = echo
        yield running
        echo.let_go()
        for client in registry._clients.values():
            client.close()


def uvloop_run(main: Coroutine[Any, Any, Any]) -> Any:
    return pytest.importorskip("uvloop").run(main)


@pytest.fixture(params=[asyncio.run, uvloop_run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


def models(server: RawServer) -> Iterator[BaseChatModel]:
    """The services' models in turns, over and over."""
    return itertools.cycle([service.build(server.url) for service in CHATS])


def ask(model: BaseChatModel, text: str, *, stream: bool) -> str:
    return "".join(piece.text for piece in model.stream(text)) if stream else model.invoke(text).text


async def aask(model: BaseChatModel, text: str, *, stream: bool) -> str:
    if stream:
        return "".join([piece.text async for piece in model.astream(text)])
    return (await model.ainvoke(text)).text


def pool() -> Any:
    return registry.client(DEFAULT_POOL)._transport  # type: ignore[union-attr]


def pool_of_loop() -> Any:
    return registry.async_client(DEFAULT_POOL)._transport  # type: ignore[union-attr]


# --- answers are never crossed ----------------------------------------------------------------------------


def test_64_threads_with_50_calls_each_get_their_own_answers(server: RawServer) -> None:
    start = threading.Barrier(64)

    def work(number: int, model: BaseChatModel) -> list[str]:
        start.wait()
        return [ask(model, f"thread {number}-{turn}", stream=turn % 2 == 1) for turn in range(50)]

    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(work, range(64), models(server)))
    assert answers == [[f"thread {number}-{turn}" for turn in range(50)] for number in range(64)]
    assert pool().active_connections == 0
    assert len(server.connections) <= 64


def test_500_tasks_get_their_own_answers_though_some_are_cancelled(server: RawServer) -> None:
    async def main() -> None:
        some = models(server)
        tasks = [
            asyncio.create_task(aask(next(some), f"task {number}", stream=number % 2 == 1))
            for number in range(500)
        ]
        for number in range(0, 500, 10):  # at as many moments of the tasks' lives
            await asyncio.wait(tasks[number + 1 : number + 3], return_when=asyncio.FIRST_COMPLETED)
            tasks[number].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for number, answer in enumerate(answers):
            assert answer == f"task {number}" or (number % 10 == 0 and isinstance(answer, asyncio.CancelledError))
        assert pool_of_loop().active_connections == 0

    asyncio.run(main())


def test_event_loops_in_several_threads_get_their_own_answers(server: RawServer) -> None:
    shared = [service.build(server.url) for service in CHATS]

    def work(number: int) -> list[str]:
        async def main() -> list[str]:
            asked = (
                aask(model, f"loop {number}-{turn}", stream=turn % 2 == 1) for turn in range(3) for model in shared
            )
            return await asyncio.gather(*asked)

        return [answer for _ in range(3) for answer in asyncio.run(main())]

    with ThreadPoolExecutor(8) as threads:
        for number, answers in enumerate(threads.map(work, range(8))):
            assert answers == [f"loop {number}-{turn}" for turn in range(3) for _ in shared] * 3


def test_300_streams_are_open_at_once_and_each_is_read_to_its_end(server: RawServer, echo: Echo, run: Run) -> None:
    async def main() -> None:
        all_open = asyncio.Event()
        begun: list[int] = []

        async def read(number: int, model: BaseChatModel) -> str:
            texts = []
            async for piece in model.astream(f"{HOLD} {number}"):
                if not texts:
                    begun.append(number)
                    if len(begun) == 300:
                        assert pool_of_loop().active_connections == 300
                        all_open.set()
                    await all_open.wait()
                    echo.let_go()
                texts.append(piece.text)
            return "".join(texts)

        answers = await asyncio.gather(*map(read, range(300), models(server)))
        assert answers == [f"{HOLD} {number}" for number in range(300)]
        assert pool_of_loop().active_connections == 0

    run(main())
    assert len(server.connections) == 300


# --- who leaves is gone at once ---------------------------------------------------------------------------
# No chain is left in blocking code below: langchain-core reads the model's stream to its end there.


async def whole(model: BaseChatModel) -> None:
    await model.ainvoke(f"{HOLD} it")


async def pieces(model: BaseChatModel) -> None:
    async for _ in model.astream(f"{HOLD} it"):
        pass


async def through_a_chain(model: BaseChatModel) -> None:
    chain = ChatPromptTemplate.from_template("{text}") | model | StrOutputParser()
    async for _ in chain.astream({"text": f"{HOLD} it"}):
        pass


async def events(model: BaseChatModel) -> None:
    async for _ in model.astream_events(f"{HOLD} it", version="v2"):
        pass


@each_service
@pytest.mark.parametrize("call", [whole, pieces, through_a_chain, events])
def test_a_cancelled_task_hangs_up_at_once(
    server: RawServer, echo: Echo, service: Service, call: Callable[..., Any]
) -> None:
    async def main() -> None:
        model = service.build(server.url)
        task = asyncio.create_task(call(model))
        assert await asyncio.to_thread(echo.holding.acquire, timeout=30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if call is through_a_chain and sys.version_info < (3, 11):
            # There langchain-core may drop the model's stream unclosed, which is then the garbage collector's.
            del task
            gc.collect()
        assert await asyncio.to_thread(server.connections[0].closed.wait, 30)
        assert pool_of_loop().active_connections == 0
        assert (await model.ainvoke("go on")).text == "go on"

    asyncio.run(main())


async def leave_the_loop(model: BaseChatModel) -> None:
    async for _ in model.astream(f"{HOLD} it"):
        break


async def leave_a_chain(model: BaseChatModel) -> None:
    async for _ in (model | StrOutputParser()).astream(f"{HOLD} it"):
        break


async def close_by_hand(model: BaseChatModel) -> None:
    stream = model.astream(f"{HOLD} it")
    await anext(stream)
    await stream.aclose()


async def fail_inside(model: BaseChatModel) -> None:
    async def fail() -> None:
        async for _ in model.astream(f"{HOLD} it"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()


@each_service
@pytest.mark.parametrize("leave", [leave_the_loop, leave_a_chain, close_by_hand, fail_inside])
def test_an_abandoned_async_stream_hangs_up_at_once(
    server: RawServer, service: Service, leave: Callable[..., Any]
) -> None:
    async def main() -> None:
        model = service.build(server.url)
        await leave(model)
        assert await asyncio.to_thread(server.connections[0].closed.wait, 30)
        assert pool_of_loop().active_connections == 0
        assert (await model.ainvoke("go on")).text == "go on"

    asyncio.run(main())


def break_off(model: BaseChatModel) -> None:
    for _ in model.stream(f"{HOLD} it"):
        break


def close_it(model: BaseChatModel) -> None:
    stream = model.stream(f"{HOLD} it")
    next(stream)
    stream.close()  # type: ignore[attr-defined]


@each_service
@pytest.mark.parametrize("leave", [break_off, close_it])
def test_an_abandoned_stream_hangs_up_at_once(
    server: RawServer, service: Service, leave: Callable[..., Any]
) -> None:
    model = service.build(server.url)
    leave(model)
    assert server.connections[0].closed.wait(30)
    assert pool().active_connections == 0
    assert model.invoke("go on").text == "go on"


def test_a_stream_forgotten_in_a_cycle_hangs_up_when_the_garbage_is_collected(server: RawServer) -> None:
    held: list[Any] = [CHATS[0].build(server.url).stream(f"{HOLD} it")]
    next(held[0])
    held.append(held)
    del held
    gc.collect()
    assert server.connections[0].closed.wait(30)
    assert pool().active_connections == 0


@pytest.mark.parametrize("call", [whole, pieces])
def test_who_leaves_on_uvloop_hangs_up_too(server: RawServer, echo: Echo, call: Callable[..., Any]) -> None:
    async def main() -> None:
        task = asyncio.create_task(call(CHATS[0].build(server.url)))
        assert await asyncio.to_thread(echo.holding.acquire, timeout=30)
        task.cancel()
        assert await asyncio.to_thread(server.connections[0].closed.wait, 30)
        await leave_the_loop(CHATS[0].build(server.url))
        assert await asyncio.to_thread(server.connections[1].closed.wait, 30)

    uvloop_run(main())
