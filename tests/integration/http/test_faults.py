"""The matrix: each thing that can go wrong on the wire, with each way to call, on each vendor's classes.

For each cell: the exception's class and words, the exact number of requests at the server, what of a stream is
kept, and whether the connection is given back or closed. The server is bare sockets; retries wait for nobody.
"""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.exceptions import APIConnectionError, APITimeoutError
from langchain_volcark.http import stream as http_stream
from tests.integration.faults.driving import STREAMING, Call, drive
from tests.integration.faults.faults import (
    BODIES,
    ENDS,
    FIRST,
    LOSSES,
    RATE_LIMITS,
    SILENCES,
    STATUSES,
    Exchange,
    Fault,
    Outcome,
    chunk,
    first_part,
    good,
    stalls,
)
from tests.integration.faults.matrix import cells, check, everyone, play
from tests.integration.faults.services import Service
from tests.unit.raw_server import Connection, RawServer, raw_server

FAULTS = [*LOSSES, *BODIES, *STATUSES, *RATE_LIMITS, *ENDS]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket, generator or task that was forgotten warns here, and a warning is an error


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[RawServer]:
    """Where redirects lead; nobody may follow."""
    with raw_server() as running:
        yield running
        assert not running.connections


@pytest.mark.pairwise("fault", "service", "call")
@pytest.mark.parametrize(("fault", "service", "call", "expected"), cells(FAULTS))
def test_a_fault(
    fault: Fault,
    service: Service,
    call: Call,
    expected: Outcome,
    broken_server: RawServer,
    elsewhere: RawServer,
    waits: list[float],
) -> None:
    began = play(broken_server, fault, service, call.__name__ in STREAMING, elsewhere.url)
    check(drive(call, service.build(broken_server.url), began.set), expected, service, broken_server, waits)


# --- what heals -------------------------------------------------------------------------------------------


def healing() -> list[Any]:
    """The cells whose fault is worth another try, on a class of each vendor."""
    return [cell for cell in cells(FAULTS) if cell.values[3].attempts > 1 and cell.values[1].name in HEALING]


HEALING = ("ark", "qianfan", "v1", "knowledge", "retriever")


@pytest.mark.pairwise("fault", "service", "call")
@pytest.mark.parametrize(("fault", "service", "call", "expected"), healing())
def test_a_fault_that_goes_away_is_not_noticed(
    fault: Fault, service: Service, call: Call, expected: Outcome, broken_server: RawServer, waits: list[float]
) -> None:
    streaming = call.__name__ in STREAMING
    play(broken_server, fault, service, streaming)
    broken = broken_server.handler

    def handler(connection: Connection, request: bytes) -> bytes | None:
        if len(broken_server.requests) == 1:
            return broken(connection, request)
        return good(Exchange(connection, service, streaming, threading.Event()))

    broken_server.handler = handler
    check(
        drive(call, service.build(broken_server.url)),
        Outcome(attempts=2, kept=True),
        service,
        broken_server,
        waits,
    )


# --- nobody there -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_refused_connection(service: Service, call: Call, broken_server: RawServer, waits: list[float]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        seen = drive(call, service.build(address))
    assert type(seen.error) is APIConnectionError
    assert "No answer from 127.0.0.1" in str(seen.error)
    assert (seen.active, seen.idle, len(waits)) == (0, 0, 2)
    assert seen.error.partial is None


# --- silence ----------------------------------------------------------------------------------------------

IMPATIENT = httpx.Timeout(60, read=0.1)


@pytest.mark.pairwise("fault", "service", "call")
@pytest.mark.parametrize(("fault", "service", "call", "expected"), cells(SILENCES))
def test_silence_is_a_timeout(
    fault: Fault, service: Service, call: Call, expected: Outcome, broken_server: RawServer, waits: list[float]
) -> None:
    play(broken_server, fault, service, call.__name__ in STREAMING)
    model = service.build(broken_server.url, timeout=IMPATIENT, max_retries=expected.attempts - 1)
    check(drive(call, model), expected, service, broken_server, waits)


STREAMS = [cell for cell in everyone() if cell.values[1].__name__ in STREAMING]
TOO_LATE = Outcome(APITimeoutError, partial=FIRST)


@pytest.mark.parametrize(("service", "call"), STREAMS)
def test_silence_after_the_first_payload_keeps_what_came(
    service: Service, call: Call, broken_server: RawServer, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first payload may take its time; from then on a moment is too long."""
    limiters: list[Any] = []
    find = http_stream._read_limiter

    def noted(response: httpx.Response) -> Any:
        limiters.append(find(response))
        return limiters[-1]

    monkeypatch.setattr(http_stream, "_read_limiter", noted)
    play(broken_server, Fault("", stalls(first_part), None, None), service, streaming=True)
    seen = drive(call, service.build(broken_server.url), lambda: setattr(limiters[-1], "read_limit", 0.05))
    check(seen, TOO_LATE, service, broken_server, waits)
    assert "did not answer in time" in str(seen.error)


@pytest.mark.parametrize(("service", "call"), STREAMS)
def test_comments_after_the_first_payload_buy_no_time(
    service: Service, call: Call, broken_server: RawServer, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def an_hour_at_each_look_from_then_on() -> float:
        now[0] += 3600 * began.is_set()
        return now[0]

    monkeypatch.setattr(http_stream, "monotonic", an_hour_at_each_look_from_then_on)

    def comments(x: Exchange) -> None:
        x.send_and_let_read(first_part(x))
        x.send(chunk(b": keep-alive\n\n"))
        x.connection.wait_until_closed()

    began = play(broken_server, Fault("", comments, None, None), service, streaming=True)
    seen = drive(call, service.build(broken_server.url), began.set)
    check(seen, TOO_LATE, service, broken_server, waits)
    assert "nothing but keep-alives" in str(seen.error)


@pytest.mark.parametrize("seconds", [2.0**31, 1e10, 1e300, (1e300, 1e300), httpx.Timeout(1e300)])
@pytest.mark.parametrize(("service", "call"), [cell for cell in everyone() if cell.values[0].name == "ark"])
def test_a_timeout_longer_than_the_system_can_wait_is_no_error(
    service: Service, call: Call, seconds: Any, broken_server: RawServer
) -> None:
    play(broken_server, Fault("good", good, None, None), service, call.__name__ in STREAMING)
    assert drive(call, service.build(broken_server.url, timeout=seconds)).error is None
