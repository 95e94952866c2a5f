"""One HTTP/1.1 connection straight to its server: `http.conversation` over one of httpcore's network streams.

httpcore's own connection spends more time on traces, locks and state than h11 does on HTTP itself. This one leaves
out what a pool of our own makes needless, as `http.pool` hands a connection to one request at a time.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

import httpcore
import httpx

from langchain_volcark.http.asyncio_backend import AsyncioBackend
from langchain_volcark.http.conversation import Conversation
from langchain_volcark.http.deadline import Deadline
from langchain_volcark.http.tls import ssl_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping

    from langchain_volcark.http.ledger import Key
    from langchain_volcark.http.tls import Verify

READ_LIMITER = "read_limiter"
"""Response extension: an object whose `read_limit`, in seconds, may be set in place of the read timeout."""

_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # seconds, tries
KEEPALIVE_OPTIONS: list[httpcore.SOCKET_OPTION] = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # Each system has its own selection of these.
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _KEEPALIVE.items()
        if hasattr(socket, name)
    ),
]
"""Let the system notice within minutes, not hours, that the peer has vanished."""

_READ_BYTES = 64 * 1024
_WRITE_BYTES = 256 * 1024
_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError)


def _in_httpx_terms(error: Exception) -> httpx.TransportError:
    """Same as httpcore's exception, in httpx's class of that name."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))


@dataclass(slots=True)
class Answer:
    """A response whose head has come."""

    status: int
    headers: list[tuple[bytes, bytes]]
    stream: Any
    extensions: MutableMapping[str, Any]


class _Readable(Protocol):
    def get_extra_info(self, info: str) -> Any: ...


StreamT = TypeVar("StreamT", bound=_Readable)


class _Connection(Generic[StreamT]):
    """One connection, made at its first request.

    Attributes:
        heard: Set when bytes come in; the pool resets it before a request.

    Args:
        key: Where to.
        verify: Whom to trust, for https.
    """

    def __init__(self, key: Key, verify: Verify) -> None:
        self.heard = False
        self._key = key
        self._verify = verify
        self._stream: StreamT | None = None
        self._conversation = Conversation()

    def is_idle(self) -> bool:
        """Whether another request may be sent."""
        return self._conversation.is_idle

    def has_expired(self) -> bool:
        """Whether the server has hung up: nothing else can be heard from it between two requests."""
        return self._stream is None or bool(self._stream.get_extra_info("is_readable"))

    def leave_to_parent(self) -> None:
        """In a forked child: close this process's copy of the socket, past TLS and the parent's event loop."""
        shown = None if self._stream is None else self._stream.get_extra_info("socket")
        # asyncio gives out its socket without `close`; other loops may give none.
        own = getattr(shown, "_sock", shown)
        if isinstance(own, socket.socket):
            own.close()

    def _tcp_arguments(self, request: httpx.Request) -> dict[str, Any]:
        _, host, port = self._key
        timeout = _timeouts(request).get("connect")
        return {
            "host": host.decode("ascii"),
            "port": port,
            "timeout": timeout,
            "socket_options": KEEPALIVE_OPTIONS,
        }

    def _tls_arguments(self, request: httpx.Request) -> dict[str, Any] | None:
        scheme, host, _ = self._key
        if scheme != b"https":
            return None
        context = ssl_context(self._verify)
        context.set_alpn_protocols(["http/1.1"])
        hostname = request.extensions.get("sni_hostname") or host.decode("ascii")
        return {"ssl_context": context, "server_hostname": hostname, "timeout": _timeouts(request).get("connect")}


class Connection(_Connection[httpcore.NetworkStream]):
    """A connection that blocks."""

    def handle_request(self, request: httpx.Request) -> Answer:
        """Send a request and read the head of its answer."""
        try:
            stream = self._stream or self._connect(request)
            self._send(request, stream)
            conversation, seconds = self._conversation, _timeouts(request).get("read")
            deadline = Deadline(seconds)
            while True:
                data = stream.read(_READ_BYTES, deadline.left())
                self.heard = self.heard or bool(data)
                head = conversation.receive_head(data)
                if head is not None:
                    return _answer(head, _Body(conversation, stream, seconds), stream)
        except _FAILURES as error:
            raise _in_httpx_terms(error) from error

    def close(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            self._stream.close()

    def _send(self, request: httpx.Request, stream: httpcore.NetworkStream) -> None:
        conversation, seconds = self._conversation, _timeouts(request).get("write")
        # A server that refuses a request early may have sent a response already, which is read next.
        with contextlib.suppress(httpcore.WriteError):
            if isinstance(request.stream, httpx.ByteStream):
                _write(stream, conversation.whole(request), seconds)
            else:
                _write(stream, conversation.begin(request), seconds)
                for part in cast("httpx.SyncByteStream", request.stream):
                    _write(stream, conversation.body(part), seconds)
                _write(stream, conversation.end(), seconds)

    def _connect(self, request: httpx.Request) -> httpcore.NetworkStream:
        tls = self._tls_arguments(request)
        self._stream = stream = httpcore.SyncBackend().connect_tcp(**self._tcp_arguments(request))
        if tls is not None:
            self._stream = stream = stream.start_tls(**tls)
        return stream


def _write(stream: httpcore.NetworkStream, data: bytes, seconds: float | None) -> None:
    # A memoryview, because error trackers print the local variables of a frame that failed.
    view = cast("bytes", memoryview(data))
    for start in range(0, len(data), _WRITE_BYTES):
        stream.write(view[start : start + _WRITE_BYTES], seconds)


class _BaseBody:
    """The body of one answer.

    Attributes:
        read_limit: Seconds that a read may take, in place of the request's read timeout; None for that.
        check: Called with the length of what each read brought, if given; it may raise.
    """

    def __init__(self, conversation: Conversation, stream: Any, seconds: float | None) -> None:
        self.read_limit: float | None = None
        self.check: Callable[[int], object] | None = None
        self._conversation = conversation
        self._stream = stream
        self._seconds = seconds
        self._deadline: Deadline | None = None  # of bytes without content: chunk extensions, trailers

    def _left(self) -> float | None:
        if self._deadline is not None:
            return self._deadline.left()
        return self._seconds if self.read_limit is None else self.read_limit

    def _take(self, data: bytes) -> bytes:
        if self.check is not None:
            self.check(len(data))
        part = self._conversation.next_part(data)
        if part:
            self._deadline = None
        elif self._deadline is None:
            self._deadline = Deadline(self._seconds if self.read_limit is None else self.read_limit)
        return part


class _Body(_BaseBody):
    def __iter__(self) -> Iterator[bytes]:
        conversation, stream = self._conversation, self._stream
        if part := conversation.first_part():
            yield part
        try:
            while not conversation.body_ended:
                if part := self._take(stream.read(_READ_BYTES, self._left())):
                    yield part
        except _FAILURES as error:
            raise _in_httpx_terms(error) from error

    def close(self) -> None:
        self._conversation.finish()


class AsyncConnection(_Connection[httpcore.AsyncNetworkStream]):
    """Same as `Connection`, async."""

    async def handle_async_request(self, request: httpx.Request) -> Answer:
        """Send a request and read the head of its answer."""
        try:
            stream = self._stream or await self._connect(request)
            await self._send(request, stream)
            conversation, seconds = self._conversation, _timeouts(request).get("read")
            deadline = Deadline(seconds)
            while True:
                data = await stream.read(_READ_BYTES, deadline.left())
                self.heard = self.heard or bool(data)
                head = conversation.receive_head(data)
                if head is not None:
                    return _answer(head, _AsyncBody(conversation, stream, seconds), stream)
        except _FAILURES as error:
            raise _in_httpx_terms(error) from error

    async def aclose(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            await self._stream.aclose()

    async def _send(self, request: httpx.Request, stream: httpcore.AsyncNetworkStream) -> None:
        conversation, seconds = self._conversation, _timeouts(request).get("write")
        with contextlib.suppress(httpcore.WriteError):  # as in `Connection._send`
            if isinstance(request.stream, httpx.ByteStream):
                await stream.write(conversation.whole(request), seconds)
            else:
                await stream.write(conversation.begin(request), seconds)
                async for part in cast("httpx.AsyncByteStream", request.stream):
                    await stream.write(conversation.body(part), seconds)
                await stream.write(conversation.end(), seconds)

    async def _connect(self, request: httpx.Request) -> httpcore.AsyncNetworkStream:
        tls = self._tls_arguments(request)
        self._stream = stream = await AsyncioBackend().connect_tcp(**self._tcp_arguments(request))
        if tls is not None:
            self._stream = stream = await stream.start_tls(**tls)
        return stream


class _AsyncBody(_BaseBody):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        conversation, stream = self._conversation, self._stream
        if part := conversation.first_part():
            yield part
        try:
            while not conversation.body_ended:
                if part := self._take(await stream.read(_READ_BYTES, self._left())):
                    yield part
        except _FAILURES as error:
            raise _in_httpx_terms(error) from error

    async def aclose(self) -> None:
        self._conversation.finish()


def _timeouts(request: httpx.Request) -> dict[str, float | None]:
    timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
    return timeouts


def _answer(head: Any, body: _BaseBody, stream: Any) -> Answer:
    extensions = {
        "http_version": b"HTTP/" + head.http_version,
        "reason_phrase": head.reason,
        "network_stream": stream,
        READ_LIMITER: body,
    }
    return Answer(head.status_code, head.headers.raw_items(), body, extensions)
