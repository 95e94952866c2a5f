"""What can go wrong on the wire, one small function each, and what a call is to make of it.

A function plays the server's part of one request. It returns the bytes of its answer, or None to hang up.
"""

from __future__ import annotations

import gzip
import json
import select
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ResponseFormatError,
    ServiceError,
    StreamInterruptedError,
    VolcArkError,
)
from tests.integration.faults.services import TEXT, Service
from tests.unit.raw_server import Connection, reply

FIRST = "Hello "  # the text of a stream's first payload
HTML = b"<html><body>Please log in</body></html>"
LONG = "Hello " + "x" * 100_000
HUGE = "Hello " + "菜" * 1_700_000  # 5 MB
EVENT_STREAM = "text/event-stream; charset=utf-8"


@dataclass(frozen=True)
class Exchange:
    """One request at the server, and the words in which its service answers.

    Attributes:
        began: Set when the client has read a piece of a stream.
        elsewhere: The address of another server.
    """

    connection: Connection
    service: Service
    streaming: bool
    began: threading.Event
    elsewhere: str = ""

    def send(self, data: bytes) -> None:
        self.connection.send(data)

    def send_and_let_read(self, data: bytes) -> None:
        """Send a stream's beginning, and wait until the client has read a piece of it."""
        self.connection.send(data)
        if self.streaming:
            self.began.wait(30)

    @property
    def kind(self) -> str:
        return EVENT_STREAM if self.streaming else "application/json"

    def body(self, text: str = TEXT) -> bytes:
        return b"".join(self.service.events(text)) if self.streaming else self.service.body(text)

    def parts(self, text: str = TEXT) -> list[bytes]:
        return self.service.events(text) if self.streaming else [self.service.body(text)]

    def half(self) -> bytes:
        """So much of a good answer that of a stream the first payload is whole, and the second is not."""
        if self.streaming:
            first, second = self.service.events()[:2]
            return first + second[:20]
        return self.service.body()[:20]

    def error(self) -> bytes:
        return json.dumps(self.service.error).encode()


def answer(body: bytes, kind: str, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer that says how long it is."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def begin(kind: str, headers: str = "") -> bytes:
    """The head of an answer in chunks."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n{headers}\r\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(parts: list[bytes], kind: str, headers: str = "") -> bytes:
    return begin(kind, headers) + b"".join(map(chunk, parts)) + b"0\r\n\r\n"


def good(x: Exchange) -> bytes:
    return chunked(x.parts(), x.kind)


# --- what a call is to make of it -------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a call comes to.

    Attributes:
        error: The class of its exception; None where it succeeds.
        attempts: Requests at the server.
        partial: The text of the exception's `.partial`, or None where nothing had come.
        kept: Whether the connection waits for the next call; else it has been closed.
        says: A part of the exception's text.
        text: What a call that succeeds returns.
        waits: The seconds between attempts, where the server names them.
    """

    error: type[VolcArkError] | None = None
    attempts: int = 1
    partial: str | None = None
    kept: bool = False
    says: str = ""
    text: str = TEXT
    waits: tuple[float, ...] | None = None


Expected = Outcome | Callable[[Service], Outcome]

FINE = Outcome(kept=True)
LOST = Outcome(APIConnectionError, attempts=3, says="No answer from 127.0.0.1")
CUT = Outcome(StreamInterruptedError, partial=FIRST)
STRANGE = Outcome(ResponseFormatError, kept=True, says="not what the service documents")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: For the names of tests.
        act: The server's part of each request.
        whole: What it comes to for a call that wants a whole reply; None where it has no meaning for these.
        stream: What it comes to for a stream; None where it has no meaning for one.
    """

    name: str
    act: Callable[[Exchange], bytes | None]
    whole: Expected | None
    stream: Expected | None

    def expected(self, service: Service, *, streaming: bool) -> Outcome | None:
        found = self.stream if streaming else self.whole
        return found(service) if callable(found) else found


def both(name: str, act: Callable[[Exchange], bytes | None], expected: Expected) -> Fault:
    return Fault(name, act, expected, expected)


# --- connections that are lost ----------------------------------------------------------------------------


def resets(before: Callable[[Exchange], bytes]) -> Callable[[Exchange], None]:
    """Send something, then reset the connection."""

    def act(x: Exchange) -> None:
        x.send(before(x))
        x.connection.reset()

    return act


def hangs_up(before: Callable[[Exchange], bytes]) -> Callable[[Exchange], None]:
    """Send something, then end the connection in order."""

    def act(x: Exchange) -> None:
        x.send(before(x))

    return act


def first_part(x: Exchange) -> bytes:
    """The head, and a stream's first payload, or the beginning of a whole reply."""
    return begin(x.kind) + chunk(x.service.events()[0] if x.streaming else x.service.body()[:20])


def half_a_first_part(x: Exchange) -> bytes:
    return begin(x.kind) + chunk(x.body()[:15])


def cut_short(x: Exchange) -> bytes:
    """A body that ends before its announced length."""
    return answer(x.body(), x.kind).removesuffix(x.body()) + x.half()


LOSSES = [
    both("reset before the headers", resets(lambda x: b""), LOST),
    both("reset inside the headers", resets(lambda x: b"HTTP/1.1 200 OK\r\nContent-Ty"), LOST),
    both("reset after the headers", resets(lambda x: begin(x.kind)), LOST),
    both("reset inside the first payload", resets(half_a_first_part), LOST),
    Fault("reset after the first payload", resets(first_part), LOST, CUT),
    both("hung up before the headers", hangs_up(lambda x: b""), LOST),
    both("hung up inside the headers", hangs_up(lambda x: b"HTTP/1.1 200 OK\r\nContent-Ty"), LOST),
    both("hung up inside the first payload", hangs_up(half_a_first_part), LOST),
    Fault("cut chunked body", hangs_up(first_part), LOST, CUT),
    Fault("cut inside a chunk", hangs_up(lambda x: begin(x.kind) + chunk(x.half())[:-4]), LOST, CUT),
    Fault("body shorter than announced", hangs_up(cut_short), LOST, CUT),
    both("not HTTP at all", hangs_up(lambda x: b"SSH-2.0-OpenSSH_9.6\r\n"), LOST),
    both("endless headers", hangs_up(lambda x: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40_000), LOST),
    both("a chunk of no size", hangs_up(lambda x: begin(x.kind) + b"zz\r\n"), LOST),
]

# --- bodies that are not what they should be --------------------------------------------------------------


def plain(body: Callable[[Exchange], bytes], kind: str | None = None) -> Callable[[Exchange], bytes]:
    return lambda x: answer(body(x), kind or x.kind)


def packed(x: Exchange) -> bytes:
    return answer(gzip.compress(x.body()), x.kind, headers="Content-Encoding: gzip\r\n")


def packed_in_chunks(x: Exchange) -> bytes:
    """As a gateway does that compresses streams: each payload can be read when it comes."""
    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in x.parts()]
    return chunked([*parts, packer.flush()], x.kind, "Content-Encoding: gzip\r\n")


def packing_breaks(x: Exchange) -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(x.half()[:-20] if x.streaming else b"{") + packer.flush(zlib.Z_SYNC_FLUSH)
    x.send_and_let_read(begin(x.kind, "Content-Encoding: gzip\r\n") + chunk(first))
    x.send(chunk(b"\xff" * 50))
    x.connection.wait_until_closed()


def cut_packed(x: Exchange) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return chunked(
        [packer.compress(x.half()) + packer.flush(zlib.Z_SYNC_FLUSH)], x.kind, "Content-Encoding: gzip\r\n"
    )


def not_packed(x: Exchange) -> None:
    x.send(begin(x.kind, "Content-Encoding: gzip\r\n") + chunk(x.body()))
    x.connection.wait_until_closed()


def other_kind(x: Exchange) -> str:
    return "application/json" if x.streaming else EVENT_STREAM


def event(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def second(payload: Callable[[Exchange], bytes]) -> Callable[[Exchange], bytes | None]:
    """A good first payload, then this one, and no end; in place of a whole reply, this one."""

    def act(x: Exchange) -> bytes | None:
        if not x.streaming:
            return answer(payload(x), x.kind)
        return unfinished(x, [x.service.events()[0], event(payload(x))])

    return act


def unfinished(x: Exchange, events: list[bytes]) -> None:
    """A part of a stream; then the client must hang up."""
    x.send(begin(x.kind) + b"".join(map(chunk, events)))
    x.connection.wait_until_closed()


NOTHING_CAME = Outcome(StreamInterruptedError, attempts=3, kept=True, says="before its first payload")
CUT_FIRST = Outcome(StreamInterruptedError, attempts=3, kept=True, says="not a JSON object")


BODIES = [
    both("HTML with 200", plain(lambda x: HTML, "text/html"), STRANGE),
    both("HTML with 200 and a loud type", plain(lambda x: HTML, "TEXT/HTML"), STRANGE),
    both("HTML with the right type", plain(lambda x: HTML), STRANGE),
    Fault("empty", plain(lambda x: b""), STRANGE, NOTHING_CAME),
    Fault("cut inside the first payload", plain(lambda x: x.body()[:15]), STRANGE, CUT_FIRST),
    Fault(
        "cut JSON", plain(lambda x: x.half()), STRANGE, Outcome(StreamInterruptedError, partial=FIRST, kept=True)
    ),
    Fault("not JSON", second(lambda x: b"{choices}"), STRANGE, CUT),
    Fault("not an object", second(lambda x: b"[1, 2]"), STRANGE, CUT),
    Fault("not UTF-8", second(lambda x: b'{"id": "\xff"}'), STRANGE, CUT),
    Fault("nested without end", second(lambda x: b"[" * 100_000), STRANGE, CUT),
    both("a type that says nothing", plain(lambda x: x.body(), "application/octet-stream"), FINE),
    both("the other's type", plain(lambda x: x.body(), "text/plain"), FINE),
    both(
        "an event stream labelled JSON, and JSON an event stream", lambda x: answer(x.body(), other_kind(x)), FINE
    ),
    both("no type", lambda x: reply(x.body()), FINE),
    both("a blank at the end", plain(lambda x: x.body().replace(b"[DONE]", b" [DONE] ")), FINE),
    Fault("a whole reply for a stream", plain(lambda x: x.service.body(), "application/json"), None, STRANGE),
    both("byte order mark", plain(lambda x: b"\xef\xbb\xbf" + x.body()), FINE),
    both("gzip", packed, FINE),
    both("gzip, payload by payload", packed_in_chunks, FINE),
    both("gzip that is none", not_packed, Outcome(ResponseFormatError, says="could not be decompressed")),
    Fault("gzip that breaks", packing_breaks, Outcome(ResponseFormatError, says="could not be decompressed"), CUT),
    Fault("gzip that is cut", cut_packed, STRANGE, Outcome(StreamInterruptedError, partial=FIRST, kept=True)),
    both("100 KB in one payload", lambda x: chunked(x.parts(LONG), x.kind), Outcome(kept=True, text=LONG)),
    both("5 MB", lambda x: chunked(x.parts(HUGE), x.kind), Outcome(kept=True, text=HUGE)),
    both("hints before the reply", lambda x: b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + good(x), FINE),
]

# --- statuses ---------------------------------------------------------------------------------------------


def status(line: str, headers: str = "") -> Callable[[Exchange], bytes]:
    return lambda x: answer(HTML, "text/html", line, headers)


def redirect(line: str) -> Callable[[Exchange], bytes]:
    return lambda x: answer(b"", "text/html", line, f"Location: {x.elsewhere}moved\r\n")


def status_faults() -> list[Fault]:
    lines: list[tuple[str, type[VolcArkError], int]] = [
        ("400 Bad Request", InvalidRequestError, 1),
        ("401 Unauthorized", AuthenticationError, 1),
        ("403 Forbidden", PermissionDeniedError, 1),
        ("404 Not Found", NotFoundError, 1),
        ("408 Request Timeout", APITimeoutError, 3),
        ("413 Content Too Large", InvalidRequestError, 1),
        ("500 Internal Server Error", ServiceError, 3),
        ("502 Bad Gateway", ServiceError, 3),
        ("599 Whatever", ServiceError, 3),
    ]
    return [
        both(line, status(line), Outcome(error, attempts, kept=True, says="Please log in"))
        for line, error, attempts in lines
    ]


STATUSES = [
    *status_faults(),
    *(
        both(
            line, redirect(line), Outcome(ResponseFormatError, kept=True, says="set base_url to the final address")
        )
        for line in (
            "301 Moved Permanently",
            "302 Found",
            "303 See Other",
            "307 Temporary Redirect",
            "308 Permanent Redirect",
        )
    ),
]

_OWN_PACE: tuple[float, ...] = ()  # exponential, with jitter

_NO_WAIT = None  # longer than is waited for: raised at once

RETRY_AFTER: dict[str, tuple[float, ...] | None] = {
    "2": (2.0, 2.0),
    "0.25": (0.25, 0.25),
    "0": (0.0, 0.0),
    "-7": (0.0, 0.0),
    "60": (60.0, 60.0),
    "3600": _NO_WAIT,
    "1e300": _NO_WAIT,
    "Wed, 21 Oct 2015 07:28:00 GMT": (0.0, 0.0),
    "Fri, 31 Dec 2199 23:59:59 GMT": _NO_WAIT,
    "Wed, 21 Oct 2015 07:28:00 +9999999999999999999": _OWN_PACE,
    "Wed, 31 Feb 2015 07:28:00 GMT": _OWN_PACE,
    "1e400": _OWN_PACE,
    "nan": _OWN_PACE,
    "soon": _OWN_PACE,
    "": _OWN_PACE,
}

RATE_LIMITS = [
    both("429", status("429 Too Many Requests"), Outcome(RateLimitError, attempts=3, kept=True)),
    *(
        both(
            f"429 {value!r}",
            status("429 Too Many Requests", f"Retry-After: {value}\r\n"),
            Outcome(RateLimitError, attempts=1 if seconds is _NO_WAIT else 3, kept=True, waits=seconds or None),
        )
        for value, seconds in RETRY_AFTER.items()
    ),
]

# --- errors in a 200, and ends ----------------------------------------------------------------------------


def payloads(make: Callable[[Exchange], list[bytes]]) -> Callable[[Exchange], bytes]:
    return lambda x: chunked(make(x), x.kind)


SERVER_ERROR = "500 Internal Server Error"


def no_end(service: Service) -> Outcome:
    if service.may_just_end:
        return FINE
    return Outcome(StreamInterruptedError, partial=TEXT, kept=True, says="without a finish reason")


def own(**fields: Any) -> Callable[[Service], Outcome]:
    """The service's own error."""
    return lambda service: Outcome(ServiceError, says=f"code={service.code}", **fields)


EMPTY = (b": keep-alive\n\n", b"data:\n\n", b"data:  \n\n", b"data: null\n\n", b"event: ping\ndata: ping\n\n")

ENDS = [
    *(
        both(f"an error in a 200 as {kind}", plain(lambda x: x.error(), kind), own(attempts=3, kept=True))
        for kind in ("application/json", EVENT_STREAM, "Text/JSON", "application/octet-stream")
    ),
    both("an error in a 200 of no type", lambda x: reply(x.error()), own(attempts=3, kept=True)),
    both("an error that is an event", plain(lambda x: event(x.error()), "text/plain"), own(attempts=3, kept=True)),
    both("an error with another glued on", plain(lambda x: x.error() + b'{"a": 1}'), own(attempts=3, kept=True)),
    both(
        "a 500 that is an event",
        lambda x: answer(event(x.error()), x.kind, SERVER_ERROR),
        own(attempts=3, kept=True),
    ),
    Fault("an error first", lambda x: unfinished(x, [event(x.error())]), None, own(attempts=3)),
    Fault("an error inside", second(Exchange.error), None, own(partial=FIRST)),
    Fault(
        "an error inside with another glued on",
        second(lambda x: x.error() + b'{"code": 20000}'),
        None,
        own(partial=FIRST),
    ),
    Fault(
        "an error inside that is no event",
        lambda x: unfinished(x, [x.service.events()[0], x.error() + b"\n\n"]),
        None,
        own(partial=FIRST),
    ),
    Fault(
        "an error at the end that is no event",
        plain(lambda x: x.service.events()[0] + x.error()),
        None,
        own(partial=FIRST, kept=True),
    ),
    Fault("no end", payloads(lambda x: x.service.events()[:2]), None, no_end),
    Fault(
        "no end but [DONE]",
        payloads(lambda x: [*x.service.events()[:2], event(b"[DONE]")]),
        None,
        lambda service: FINE if service.may_just_end or service.name == "v1" else no_end(service),
    ),
    Fault("[DONE] twice", payloads(lambda x: [*x.service.events(), event(b"[DONE]")]), None, FINE),
    Fault("payloads after [DONE]", payloads(lambda x: [*x.service.events(), *x.service.events()]), None, FINE),
    Fault("no blank line at the end", plain(lambda x: x.body().removesuffix(b"\n\n")), None, FINE),
    Fault(
        "an event named error",
        lambda x: unfinished(
            x, [x.service.events()[0], b'event: error\ndata: {"code": "X", "message": "no"}\n\n']
        ),
        None,
        Outcome(ServiceError, partial=FIRST, says="no [status=200, code=X"),
    ),
    Fault("no [DONE]", payloads(lambda x: x.service.events()[:-1]), None, FINE),
    Fault(
        "comments and empty events",
        payloads(lambda x: [part for good in x.service.events() for part in (*EMPTY, good)]),
        None,
        FINE,
    ),
]

# --- silence ----------------------------------------------------------------------------------------------


def stalls(before: Callable[[Exchange], bytes]) -> Callable[[Exchange], None]:
    """Send something, then nothing until the client hangs up."""

    def act(x: Exchange) -> None:
        x.send(before(x))
        x.connection.wait_until_closed()

    return act


def comments_for_ever(x: Exchange) -> None:
    """Keep the connection alive, and say nothing, until the client hangs up."""
    x.send(begin(x.kind))
    while not select.select([x.connection.socket], [], [], 0.01)[0]:
        x.send(chunk(b": keep-alive\n\n"))


SILENT = Outcome(APITimeoutError, attempts=2, says="did not answer in time")

SILENCES = [
    both("silence before the headers", stalls(lambda x: b""), SILENT),
    both("silence after the headers", stalls(lambda x: begin(x.kind)), SILENT),
    Fault("silence inside the body", stalls(first_part), SILENT, None),
    # Either bound may be the first to be felt: the read's, or that of the comments.
    Fault("comments before the first payload", comments_for_ever, None, Outcome(APITimeoutError, attempts=2)),
]
