"""Servers that keep a caller without ever answering: each state of a connection, gone on with until the client hangs up."""

from __future__ import annotations

import select
import zlib
from collections.abc import Callable, Iterator

from langchain_volcark.exceptions import APIConnectionError, APITimeoutError
from tests.integration.faults.faults import TEXT, Exchange, Fault, Outcome, begin, both, chunk
from tests.unit.raw_server import Connection

PAUSE = 0.005  # seconds between two pieces


def go_on(connection: Connection, pieces: Iterator[bytes], pause: float = PAUSE) -> None:
    """Send pieces until the client hangs up."""
    for piece in pieces:
        if select.select([connection.socket], [], [], pause)[0]:
            return
        connection.send(piece)


def for_ever(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


def without_end(
    start: Callable[[Exchange], bytes], piece: bytes, pause: float = PAUSE
) -> Callable[[Exchange], None]:
    """Send a beginning, and then the same piece again and again."""

    def act(x: Exchange) -> None:
        x.send(start(x))
        go_on(x.connection, for_ever(piece), pause)

    return act


def head(fields: str) -> Callable[[Exchange], bytes]:
    return lambda x: f"HTTP/1.1 200 OK\r\nContent-Type: {x.kind}\r\n{fields}\r\n\r\n".encode()


def chunks(fields: str = "") -> Callable[[Exchange], bytes]:
    return lambda x: begin(x.kind, fields)


def packed_nothing(x: Exchange) -> None:
    """A gzip stream of empty blocks: bytes come, and no content."""
    packer = zlib.compressobj(wbits=31)
    x.send(begin(x.kind, "Content-Encoding: gzip\r\n"))
    go_on(x.connection, (chunk(packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)) for _ in for_ever(b"")))


def after_done(x: Exchange) -> None:
    """A good stream whose body does not end."""
    x.send(begin(x.kind) + b"".join(map(chunk, x.service.events())))
    go_on(x.connection, for_ever(chunk(b": and on\n\n")))


TOO_LATE = Outcome(APITimeoutError)
REFUSED = Outcome(APIConnectionError, says="No answer from 127.0.0.1")
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def nothing(x: Exchange) -> bytes:
    return b""


HOSTILE = [
    both("another protocol", without_end(lambda x: SWITCHED, b"\x81\x05Hello"), REFUSED),
    both("informational heads, slowly", without_end(nothing, EARLY_HINTS), TOO_LATE),
    both("informational heads, fast", without_end(nothing, EARLY_HINTS * 1000, pause=0), REFUSED),
    both("a header that goes on", without_end(lambda x: b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"), TOO_LATE),
    both("headers that go on", without_end(lambda x: b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n"), TOO_LATE),
    both(
        "headers that go on, fast", without_end(nothing, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999, 0), REFUSED
    ),
    both("noise", without_end(nothing, b"\x00\xff\x13noise", pause=0), REFUSED),
    both("a body of blanks, long", without_end(head("Content-Length: 1000000000000"), b" "), TOO_LATE),
    both("a body of blanks until the end", without_end(head("Connection: close"), b" "), TOO_LATE),
    both("a body of blanks in chunks", without_end(chunks(), chunk(b" ")), TOO_LATE),
    both("a chunk extension that goes on", without_end(lambda x: begin(x.kind) + b"5;a=", b"x"), TOO_LATE),
    both(
        "trailers that go on", without_end(lambda x: begin(x.kind) + chunk(b" ") + b"0\r\n", b"X: y\r\n"), TOO_LATE
    ),
    both("gzip without content", packed_nothing, TOO_LATE),
    Fault("comments", without_end(chunks(), chunk(b": keep-alive\n\n")), None, TOO_LATE),
    Fault("payloads of null", without_end(chunks(), chunk(b"data: null\n\ndata: null\n\n")), None, TOO_LATE),
    Fault("empty events", without_end(chunks(), chunk(b"event: ping\ndata:\n\n")), None, TOO_LATE),
    Fault(
        "an event that goes on",
        without_end(lambda x: begin(x.kind) + chunk(b'data: {"id": "'), chunk(b"x")),
        None,
        TOO_LATE,
    ),
    Fault("bytes after the end", after_done, None, Outcome(text=TEXT)),
]
