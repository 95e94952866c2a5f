"""The cells of the fault matrix, and the checks in each."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from langchain_volcark.exceptions import VolcArkError
from tests.integration.faults.driving import CALLS, OTHER_CALLS, STREAMING, Seen
from tests.integration.faults.faults import Exchange, Fault, Outcome
from tests.integration.faults.services import CHATS, OTHERS, Service
from tests.unit.raw_server import Connection, RawServer


def cells(faults: list[Fault]) -> list[Any]:
    """Each fault, service and call that go together."""
    found = []
    for service in [*CHATS, *OTHERS]:
        for name, call in (CALLS if service.is_chat() else OTHER_CALLS).items():
            for fault in faults:
                expected = fault.expected(service, streaming=name in STREAMING)
                if expected is not None:
                    cell = (fault, service, call, expected)
                    found.append(pytest.param(*cell, id=f"{service.name}-{name}-{fault.name}"))
    return found


def play(
    server: RawServer, fault: Fault, service: Service, streaming: bool, elsewhere: str = ""
) -> threading.Event:
    """Let the server do its part of each request; returns what is to be set when a stream has begun."""
    began = threading.Event()

    def handler(connection: Connection, request: bytes) -> bytes | None:
        return fault.act(Exchange(connection, service, streaming, began, elsewhere))

    server.handler = handler
    return began


def check(seen: Seen, expected: Outcome, service: Service, server: RawServer, waits: list[float]) -> None:
    assert type(seen.error) is (expected.error or type(None)), seen.error
    assert server.wait_for_requests(expected.attempts)
    assert len(server.requests) == expected.attempts
    assert len(waits) == expected.attempts - 1
    assert seen.active == 0
    assert seen.idle == expected.kept
    if expected.waits is not None:
        assert tuple(waits) == expected.waits
    if seen.error is None:
        assert not service.is_chat() or seen.text == expected.text
        return
    assert expected.says in str(seen.error)
    partial = seen.error.partial
    assert (None if partial is None else partial.text) == expected.partial
    check_readable(seen.error)


def check_readable(error: VolcArkError) -> None:
    assert len(str(error)) < 1000
    if error.response is not None:
        assert error.response.status_code == error.status_code


def everyone() -> list[Any]:
    found = []
    for service in [*CHATS, *OTHERS]:
        for name, call in (CALLS if service.is_chat() else OTHER_CALLS).items():
            found.append(pytest.param(service, call, id=f"{service.name}-{name}"))
    return found
