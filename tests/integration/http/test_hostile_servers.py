"""No call without an end: servers that go on for ever, in each state of a connection, on each vendor's classes."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.exceptions import APIConnectionError, APITimeoutError, ResponseFormatError, VolcArkError
from langchain_volcark.http import deadline as http_deadline
from langchain_volcark.http import stream as http_stream
from langchain_volcark.http.registry import registry
from tests.integration.faults.driving import CALLS, STREAMING, Call, drive
from tests.integration.faults.faults import Exchange, Fault, Outcome, begin, chunk
from tests.integration.faults.hostile import HOSTILE, for_ever, go_on, without_end
from tests.integration.faults.matrix import cells, check, play
from tests.integration.faults.services import CHATS, Service
from tests.unit.raw_server import Connection, RawServer, raw_server

IMPATIENT = httpx.Timeout(60, read=0.05)
# One of each: wire formats and vendors differ above the connection, not in it.
SERVICES = ("ark", "v1", "knowledge", "ark-embeddings", "retriever")
CELLS = [cell for cell in cells(HOSTILE) if cell.values[1].name in SERVICES]
FOUR = [pytest.param(call, id=name) for name, call in CALLS.items()]


@pytest.fixture(autouse=True)
def no_other_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests of this process left open is not counted here."""
    monkeypatch.setattr(registry, "_clients", {})


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket, generator or task that was forgotten warns here, and a warning is an error


@pytest.mark.parametrize(("fault", "service", "call", "expected"), CELLS)
def test_a_call_ends(
    fault: Fault,
    service: Service,
    call: Call,
    expected: Outcome,
    broken_server: RawServer,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_stream, "_DRAIN_SECONDS", 0.05)
    play(broken_server, fault, service, call.__name__ in STREAMING)
    timeout = IMPATIENT if expected.error is APITimeoutError else 30  # what ends by itself may take its time
    seen = drive(call, service.build(broken_server.url, timeout=timeout, max_retries=0), lambda: None)
    check(seen, expected, service, broken_server, waits)


# httpx itself bounds neither a head that goes on nor informational ones, nor what is no content of a chunked body.
BODIES = [
    cell
    for cell in CELLS
    if cell.values[1] is CHATS[0]
    and not any(word in cell.values[0].name for word in ("head", "noise", "protocol", "extension", "trailers"))
]


@pytest.mark.parametrize(("fault", "service", "call", "expected"), BODIES)
def test_a_body_ends_with_the_users_own_client(
    fault: Fault, service: Service, call: Call, expected: Outcome, broken_server: RawServer, waits: list[float]
) -> None:
    play(broken_server, fault, service, call.__name__ in STREAMING)
    timeout = IMPATIENT if expected.error is APITimeoutError else 30  # what ends by itself may take its time

    async def on_a_loop() -> Any:
        async with httpx.AsyncClient() as client:
            model = service.build(broken_server.url, timeout=timeout, max_retries=0, http_async_client=client)
            return await call(model, lambda: None)  # type: ignore[misc]

    def blocking() -> Any:
        with httpx.Client() as client:
            model = service.build(broken_server.url, timeout=timeout, max_retries=0, http_client=client)
            return call(model, lambda: None)

    error: VolcArkError | None = None
    try:
        asyncio.run(on_a_loop()) if asyncio.iscoroutinefunction(call) else blocking()
    except VolcArkError as caught:
        error = caught
    assert type(error) is (expected.error or type(None)), error


@pytest.mark.parametrize("call", FOUR)
def test_a_connection_that_is_used_again_is_bounded_too(
    call: Call, broken_server: RawServer, waits: list[float]
) -> None:
    service = CHATS[0]
    streaming = call.__name__ in STREAMING
    good = without_end(lambda x: b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n")
    answered: list[Connection] = []

    def handler(connection: Connection, request: bytes) -> bytes | None:
        if connection in answered:
            return good(Exchange(connection, service, streaming, threading.Event()))  # type: ignore[func-returns-value]
        answered.append(connection)
        return (
            begin("text/event-stream" if streaming else "application/json")
            + b"".join(map(chunk, service.events() if streaming else [service.body()]))
            + b"0\r\n\r\n"
        )

    broken_server.handler = handler
    model = service.build(broken_server.url, max_retries=0)
    impatient = model.model_copy(update={"timeout": IMPATIENT})

    def twice(_: Any, at_first: Any) -> Any:
        call(model, at_first)
        return call(impatient, at_first)

    async def atwice(_: Any, at_first: Any) -> Any:
        await call(model, at_first)  # type: ignore[misc]
        return await call(impatient, at_first)  # type: ignore[misc]

    seen = drive(atwice if asyncio.iscoroutinefunction(call) else twice, model)
    assert type(seen.error) is APITimeoutError
    assert len(broken_server.connections) == 1
    assert (seen.active, seen.idle) == (0, 0)


@pytest.mark.parametrize("call", FOUR)
def test_a_protocol_that_the_users_header_proposed_is_refused(
    call: Call, broken_server: RawServer, waits: list[float]
) -> None:
    broken_server.handler = lambda connection, _: go_on(  # type: ignore[func-returns-value]
        connection,
        iter([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nHello"]),
    )
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    model = CHATS[0].build(broken_server.url, default_headers=headers, max_retries=0)
    seen = drive(call, model)
    assert type(seen.error) is APIConnectionError
    assert "switched to another protocol" in str(seen.error)


# --- before HTTP ------------------------------------------------------------------------------------------


def tls_records(connection: Connection) -> Iterator[bytes]:
    """The beginning of a server's hello, byte by byte, in a record that does not end."""
    yield b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"
    yield from for_ever(b"\x00")


BEFORE: dict[str, tuple[Callable[[Connection], object], type[VolcArkError]]] = {
    "no hello": (Connection.wait_until_closed, APITimeoutError),
    "a hello that goes on": (lambda connection: go_on(connection, tls_records(connection)), APITimeoutError),
    "noise": (lambda connection: connection.send(b"\x00\xff\x13noise" * 9), APIConnectionError),
    "plain HTTP": (lambda connection: connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), APIConnectionError),
    "hangs up": (lambda connection: connection.socket.shutdown(socket.SHUT_RDWR), APIConnectionError),
}


@pytest.mark.parametrize("call", FOUR)
@pytest.mark.parametrize("how", BEFORE)
def test_a_tls_handshake_ends(call: Call, how: str) -> None:
    act, error = BEFORE[how]

    def before(connection: Connection) -> None:
        connection.socket.recv(1)
        act(connection)

    with raw_server(before=before) as server:
        model = CHATS[0].build(
            server.url.replace("http:", "https:"),
            max_retries=0,
            timeout=httpx.Timeout(30, connect=0.1 if error is APITimeoutError else 30),
        )
        seen = drive(call, model)
        assert type(seen.error) is error
        assert (seen.active, seen.idle) == (0, 0)


@pytest.mark.parametrize("call", FOUR)
def test_connecting_ends(call: Call) -> None:
    """A queue of connections that is full: the system leaves the next one without an answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        model = CHATS[0].build(
            f"http://127.0.0.1:{address[1]}", max_retries=0, timeout=httpx.Timeout(30, connect=0.1)
        )
        seen = drive(call, model)
        for one in waiting:
            one.close()
    assert type(seen.error) is APITimeoutError
    assert (seen.active, seen.idle) == (0, 0)


# --- size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", FOUR)
def test_what_no_memory_can_hold_is_not_read(
    call: Call, broken_server: RawServer, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_deadline, "LARGEST_BODY", 1_000_000)
    monkeypatch.setattr(http_stream, "LARGEST_BODY", 1_000_000)
    streaming = call.__name__ in STREAMING
    start = b'data: {"id": "' if streaming else b'{"id": "'
    fault = Fault(
        "", without_end(lambda x: begin(x.kind) + chunk(start), chunk(b"x" * 10_000), pause=0), None, None
    )
    play(broken_server, fault, CHATS[0], streaming)
    seen = drive(call, CHATS[0].build(broken_server.url, max_retries=0))
    assert seen.error is not None
    assert "1,000,000 bytes" in str(seen.error)
    assert isinstance(seen.error, ResponseFormatError) != streaming


# --- the event loop ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["informational heads, slowly", "a body of blanks in chunks", "comments"])
async def test_other_tasks_run_while_a_server_pours(
    name: str, broken_server: RawServer, waits: list[float]
) -> None:
    fault = next(fault for fault in HOSTILE if fault.name == name)
    play(broken_server, fault, CHATS[0], streaming=True)
    model = CHATS[0].build(broken_server.url, timeout=httpx.Timeout(60, read=0.3), max_retries=0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    with pytest.raises(APITimeoutError):
        [piece async for piece in model.astream("Hi")]
    counting.cancel()
    assert turns > 20


# --- a caller who takes time ------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_time_that_the_caller_takes_is_no_silence_of_the_server(
    packed: bool, broken_server: RawServer, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(http_stream, "monotonic", lambda: now[0])
    service, began = CHATS[0], threading.Event()

    def handler(connection: Connection, request: bytes) -> bytes:
        import zlib

        packer = zlib.compressobj(wbits=31)

        def pack(data: bytes) -> bytes:
            return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH) if packed else data

        first, *rest = service.events()
        connection.send(
            begin("text/event-stream", "Content-Encoding: gzip\r\n" if packed else "") + chunk(pack(first))
        )
        began.wait(30)
        connection.send(chunk(pack(rest[0][:20])))
        return chunk(pack(b"".join(rest)[20:])) + b"0\r\n\r\n"

    broken_server.handler = handler

    def think() -> None:
        now[0] += 3600
        began.set()

    seen = drive(CALLS["stream"], service.build(broken_server.url, max_retries=0), think)
    assert seen.error is None
    assert seen.text == "Hello world"
