"""The connection pools under many threads and tasks, interruptions and cancellations; and their bookkeeping."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.http.connection import Connection as HTTPConnection
from langchain_volcark.http.ledger import Lease, Ledger
from langchain_volcark.http.pool import AsyncPooledTransport, PooledTransport
from tests.unit.raw_server import Connection, RawServer, raw_server, reply


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket or transport that was never closed warns here, and a warning is an error


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def echo_path(connection: Connection, request: bytes) -> bytes:
    return reply(request.split(b" ")[1])


def test_threads_never_get_each_others_answers(server: RawServer) -> None:
    server.handler = echo_path
    transport = PooledTransport(max_connections=16, max_idle=4)
    with httpx.Client(transport=transport, timeout=20) as client, ThreadPoolExecutor(64) as threads:

        def work(number: int) -> bool:
            paths = [f"/{number}/{turn}" for turn in range(20)]
            return all(client.get(server.url[:-1] + path).text == path for path in paths)

        assert all(threads.map(work, range(64)))
        assert (transport.active_connections, transport.idle_connections <= 4) == (0, True)
        assert len(server.requests) == 64 * 20


async def test_tasks_never_get_each_others_answers_though_some_are_cancelled(server: RawServer) -> None:
    server.handler = echo_path
    transport = AsyncPooledTransport(max_connections=16, max_idle=4)
    async with httpx.AsyncClient(transport=transport, timeout=20) as client:

        async def work(number: int) -> None:
            for turn in range(10):
                path = f"/{number}/{turn}"
                assert (await client.get(server.url[:-1] + path)).text == path

        tasks = [asyncio.create_task(work(number)) for number in range(64)]
        for number in range(0, 64, 4):
            await asyncio.sleep(0.005)
            tasks[number].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
        assert (transport.active_connections, transport.idle_connections <= 4) == (0, True)


@pytest.mark.parametrize("moment", ["waiting for headers", "reading the body"])
async def test_a_cancelled_task_closes_its_connection(server: RawServer, moment: str) -> None:
    arrived = threading.Event()

    def stall(connection: Connection, request: bytes) -> None:
        arrived.set()
        if moment == "reading the body":
            connection.send(reply(b"x" * 100)[:-90])
        connection.wait_until_closed()

    server.handler = stall
    transport = AsyncPooledTransport(max_connections=1)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        task = asyncio.create_task(client.get(server.url))
        await asyncio.to_thread(arrived.wait, 5)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.connections[0].closed.wait, 5)
        assert transport.active_connections == 0


async def test_a_cancelled_task_leaves_the_queue(server: RawServer) -> None:
    transport = AsyncPooledTransport(max_connections=1)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        async with client.stream("GET", server.url):
            first, second = (asyncio.create_task(client.get(server.url)) for _ in range(2))
            await asyncio.sleep(0.01)
            first.cancel()
        assert (await second).content == b"1"
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (transport.active_connections, transport.idle_connections) == (0, 1)


async def test_a_task_cancelled_when_its_turn_has_just_come_passes_it_on(server: RawServer) -> None:
    transport = AsyncPooledTransport(max_connections=1)
    async with httpx.AsyncClient(transport=transport, timeout=30) as client:
        response = await client.send(client.build_request("GET", server.url), stream=True)
        first, second = (asyncio.create_task(client.get(server.url)) for _ in range(2))
        await asyncio.sleep(0.01)
        await response.aread()  # grants the first its turn, before it has run
        first.cancel()
        assert (await second).status_code == 200
        with contextlib.suppress(asyncio.CancelledError):
            await first
        assert transport.active_connections == 0


def test_an_interrupted_call_closes_its_connection(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    transport = PooledTransport(max_connections=1)
    with httpx.Client(transport=transport, timeout=30) as client:
        client.get(server.url)
        with monkeypatch.context() as patch:
            patch.setattr("httpcore._backends.sync.SyncStream.read", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.get(server.url)
        assert server.connections[0].closed.wait(30)
        with client.stream("GET", server.url), monkeypatch.context() as patch:
            patch.setattr(threading.Event, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.get(server.url)
        assert transport.active_connections == 0
        assert client.get(server.url).status_code == 200


class CollectingClock:
    """Collects garbage when it is asked for the time, as Python may wherever memory is taken."""

    collecting = False

    def __call__(self) -> float:
        if self.collecting:
            gc.collect()
        return 1000.0


def test_a_forgotten_stream_may_be_collected_inside_the_pool_itself(server: RawServer) -> None:
    clock = CollectingClock()
    transport = PooledTransport(clock=clock)

    def hang(connection: Connection, request: bytes) -> None:
        connection.send(reply(b"x" * 100)[:-90])
        connection.wait_until_closed()

    def read() -> Iterator[bytes]:
        with client.stream("GET", server.url) as response:
            yield from response.iter_raw()

    server.handler = hang
    with httpx.Client(transport=transport, timeout=30) as client:
        gc.disable()
        try:
            cycle: list[object] = [stream := read()]
            assert next(stream)
            cycle.append(cycle)
            del cycle, stream
            server.handler, clock.collecting = (lambda *_: reply()), True
            answers: list[str] = []
            call = threading.Thread(target=lambda: answers.append(client.get(server.url).text), daemon=True)
            call.start()
            call.join(30)
            clock.collecting = False
        finally:
            gc.enable()
        assert answers == ["ok"]
        assert server.connections[0].closed.wait(30)
        assert (transport.active_connections, transport.idle_connections) == (0, 1)


async def test_waiting_requests_are_served_in_their_order(server: RawServer) -> None:
    server.handler = echo_path
    async with httpx.AsyncClient(transport=AsyncPooledTransport(max_connections=1), timeout=30) as client:
        await asyncio.gather(*(client.get(f"{server.url}{number}") for number in range(10)))
    assert [request.split(b" ")[1] for request in server.requests] == [b"/%d" % number for number in range(10)]


KEYS = [(b"http", b"a", 80), (b"https", b"b", 443)]
steps = st.tuples(st.sampled_from(["take", "keep", "drop", "withdraw", "wait"]), st.integers(0, 9))


@given(st.integers(1, 3), st.integers(0, 3), st.lists(steps, max_size=60))
def test_whatever_happens_the_ledger_keeps_its_caps_and_forgets_no_connection(
    cap: int, max_idle: int, script: list[tuple[str, int]]
) -> None:
    ledger: Ledger[int] = Ledger(cap, max_idle, 10)
    held: list[Lease[int]] = []
    queue: list[Lease[int]] = []
    opened: set[int] = set()
    origins: dict[int, tuple[bytes, bytes, int]] = {}
    numbers = itertools.count()
    now = 0.0
    for step, number in script:
        closing: list[int] = []
        if step == "take":
            lease, closing = ledger.take(KEYS[number % 2], now)
            (held if lease.granted else queue).append(lease)
        elif step == "wait":
            now += number
        elif step == "withdraw" and queue:
            assert ledger.withdraw(queue.pop(number % len(queue)))
        elif step in ("keep", "drop") and held:
            lease = held.pop(number % len(held))
            closing = ledger.give(lease, now, keep=step == "keep")
            assert ledger.give(lease, now, keep=True) == []
            if queue:
                assert [each.granted for each in queue] == [True] + [False] * (len(queue) - 1)
                held.append(queue.pop(0))
        opened -= set(closing)
        for lease in held:
            if lease.link is None:
                lease.link = next(numbers)
                opened.add(lease.link)
                origins[lease.link] = lease.key
            assert origins[lease.link] == lease.key
        assert ledger.active == len(held)
        assert len({lease.link for lease in held}) == len(held)
        assert len(opened) == ledger.active + ledger.idle <= cap
        assert ledger.idle <= max_idle
        assert not queue or ledger.active == cap
    assert len(ledger.close()) == len(opened) - len(held)


def test_the_idle_connection_closed_for_another_is_the_oldest_of_all_origins() -> None:
    ledger: Ledger[str] = Ledger(10, 2, 300)
    leases = [ledger.take(KEYS[which], 0)[0] for which in (0, 1, 0)]
    closed = []
    for now, (lease, name) in enumerate(zip(leases, ["old", "newer", "newest"], strict=True)):
        lease.link = name
        closed += ledger.give(lease, now, keep=True)
    assert closed == ["old"]


def test_bytes_that_came_in_are_noticed(server: RawServer) -> None:
    connection = HTTPConnection((b"http", b"127.0.0.1", server.port), True)
    assert not connection.heard
    connection.handle_request(httpx.Request("GET", server.url))
    assert connection.heard
    connection.close()
    connection.close()
