"""Names of events: those that only keep a connection open, and those that say that something failed."""

from __future__ import annotations

import pytest

from langchain_volcark.http.sse import ErrorEvent, SSEDecoder


def decode(stream: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    return [*decoder.feed(stream), *decoder.flush()]


def test_json_in_the_place_of_an_event_is_passed_on() -> None:
    error = b'{"error": {"code": "x"}}'
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\n\n" + error + b"\n\ndata: 2\n\n" + error) == [b"1", error, b"2"]
    assert decoder.flush() == [error]


@pytest.mark.parametrize("name", ["ping", "Ping ", "heartbeat", "keepalive", "keep-alive"])
@pytest.mark.parametrize("data", ["ping", '{"type": "ping"}', "null", ""])
def test_events_that_keep_a_connection_open_yield_nothing(name: str, data: str) -> None:
    assert decode(f"event: {name}\ndata: {data}\n\ndata: {{}}\n\n".encode()) == [b"{}"]
    assert decode(f"data: {data}\nevent:{name}".encode()) == []


@pytest.mark.parametrize(
    "stream", [b"event: error\ndata: x\n\n", b"data: x\nevent:error", b"event: ERROR\r\ndata:x\r\n\r\n"]
)
def test_an_event_named_error_is_known_as_one(stream: bytes) -> None:
    (event,) = decode(stream)
    assert type(event) is ErrorEvent
    assert event == b"x"


@pytest.mark.parametrize("name", ["", "message", "result", "error_free"])
def test_other_names_mean_nothing(name: str) -> None:
    (event,) = decode(f"event: {name}\ndata: x\n\n".encode())
    assert type(event) is bytes
    assert event == b"x"
