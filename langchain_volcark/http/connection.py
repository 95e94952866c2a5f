"""One HTTP/1.1 connection: h11 speaks the protocol, the network below moves the bytes.

httpcore's own connection spends more time on traces, locks and state than h11 does on HTTP itself. This one leaves
out what a pool of our own makes needless, as `http.pool` hands a connection to one exchange at a time. Connections
through a proxy stay httpcore's (`http.proxied`).

`Conversation` is all that needs no I/O; the two connections add the awaits.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import h11
import httpx

from langchain_volcark.http.asyncio_network import AsyncioStream, AsyncNetwork
from langchain_volcark.http.chunked import ChunkedDecoder
from langchain_volcark.http.deadline import Deadline
from langchain_volcark.http.network import SocketStream, SyncNetwork
from langchain_volcark.http.redaction import join

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterator, MutableMapping

    from langchain_volcark.http.ledger import Key

_READ_BYTES = 64 * 1024
_SWITCHING_PROTOCOLS = 101
_WITHOUT_BODY = frozenset({204, 304})
_LONGEST_HEAD = 100 * 1024  # bytes of headers, or of a chunk's size line, before the server is called broken
_MOST_INFORMATIONAL = 1000  # heads before the answer's own; a server may send some, but not for ever


class Answer(Protocol):
    """A response whose head has come; httpcore's have this form too."""

    status: int
    headers: list[tuple[bytes, bytes]]
    stream: Any
    extensions: MutableMapping[str, Any]


@dataclass(slots=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    stream: Any
    extensions: MutableMapping[str, Any]


class Conversation:
    """The two sides of one connection, exchange after exchange; no I/O.

    Attributes:
        is_idle: Whether the last exchange is complete on both sides and another may follow.
    """

    def __init__(self) -> None:
        self.is_idle = False
        self._h11 = _new_h11()
        self._chunks: ChunkedDecoder | None = None
        self._wants_body = True
        self._informational = 0

    def begin(self, request: httpx.Request) -> bytes:
        """The head of a request."""
        self.is_idle, self._wants_body, self._informational = False, request.method != "HEAD", 0
        target = join(request.url.raw_path, request.extensions)
        try:
            head = h11.Request(method=request.method, target=target, headers=request.headers.raw)
            return self._h11.send(head) or b""
        except h11.LocalProtocolError:
            head = None
        # Not in the handler, for h11 quotes the header that it refuses, which may be a secret.
        raise httpx.LocalProtocolError("A header or the address holds what HTTP does not allow")

    def body(self, part: bytes) -> bytes:
        """A part of the request's body."""
        try:
            return self._h11.send(h11.Data(data=part)) or b""
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    def end(self) -> bytes:
        """The end of the request."""
        try:
            return self._h11.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:  # the body was shorter than announced
            raise httpx.LocalProtocolError(str(error)) from error

    def receive_head(self, data: bytes) -> h11.Response | None:
        """Take what the network read.

        Args:
            data: Bytes, or nothing where the server hung up.

        Returns:
            The head of the answer once it is complete; informational ones are read over.
        """
        if not data:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        self._h11.receive_data(data)
        while True:
            event = self._event()
            if event is h11.NEED_DATA:
                return None
            if type(event) is h11.Response:
                if self._wants_body and _is_chunked(event):
                    self._chunks = ChunkedDecoder()
                return event
            self._check_informational(event)

    def _check_informational(self, event: Any) -> None:
        if type(event) is not h11.InformationalResponse or event.status_code == _SWITCHING_PROTOCOLS:
            raise httpx.RemoteProtocolError("The server switched to another protocol, which was not asked for")
        self._informational += 1
        if self._informational > _MOST_INFORMATIONAL:
            raise httpx.RemoteProtocolError("The server sends informational responses, and no answer")

    def first_part(self) -> bytes:
        """What of the body came with the head."""
        return self._part() if self._chunks is None else self._chunked(self._h11.trailing_data[0])

    def next_part(self, data: bytes) -> bytes:
        """What these bytes, or the server's hanging up, add to the body."""
        if self._chunks is not None:
            if not data:
                raise httpx.RemoteProtocolError("The server hung up inside the body (incomplete chunked read)")
            return self._chunked(data)
        self._h11.receive_data(data)
        return self._part()

    @property
    def body_ended(self) -> bool:
        """Whether the answer is complete."""
        return self._h11.their_state is not h11.SEND_BODY if self._chunks is None else self._chunks.done

    def finish(self) -> None:
        """Close an exchange; `is_idle` says whether another may follow."""
        # By now h11 has read both heads: where either side wants to close, ours is MUST_CLOSE instead.
        both_may = self._h11.our_state is h11.DONE
        if self._chunks is not None:
            self.is_idle = both_may and self._chunks.done and not self._chunks.excess
            self._chunks, self._h11 = None, _new_h11()  # the old one still waits for the body
        elif both_may and self._h11.their_state is h11.DONE and not self._h11.trailing_data[0]:
            self._h11.start_next_cycle()
            self.is_idle = True

    def _chunked(self, data: bytes) -> bytes:
        try:
            return self._chunks.feed(data) if self._chunks else b""
        except ValueError as error:
            raise httpx.RemoteProtocolError(f"The body is not well chunked: {error}") from error

    def _part(self) -> bytes:
        parts = []
        while type(event := self._event()) is h11.Data:
            parts.append(bytes(event.data))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _event(self) -> Any:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error


def _new_h11() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)


def _is_chunked(head: h11.Response) -> bool:
    if head.status_code in _WITHOUT_BODY:
        return False
    return any(name == b"transfer-encoding" for name, _ in head.headers)  # h11 lets no other coding pass


def _bounds(request: httpx.Request) -> dict[str, float | None]:
    bounds: dict[str, float | None] = request.extensions.get("timeout", {})
    return bounds


def _tls_arguments(key: Key, context: ssl.SSLContext, request: httpx.Request) -> dict[str, Any]:
    context.set_alpn_protocols(["http/1.1"])
    hostname = request.extensions.get("sni_hostname") or key[1].decode("ascii")
    return {"ssl_context": context, "server_hostname": hostname, "timeout": _bounds(request).get("connect")}


def _answer(head: h11.Response, body: Any, network_stream: Any) -> Answer:
    extensions = {
        "http_version": b"HTTP/" + head.http_version,
        "reason_phrase": head.reason,
        "network_stream": network_stream,
    }
    return _Answer(head.status_code, head.headers.raw_items(), body, extensions)


class _Readable(Protocol):
    def get_extra_info(self, info: str) -> Any: ...


NetworkT = TypeVar("NetworkT")
StreamT = TypeVar("StreamT", bound=_Readable)


class _DirectConnection(Generic[NetworkT, StreamT]):
    """A direct connection, made at its first request.

    Args:
        key: Where to.
        network: Below this connection alone.
        context: For https.
    """

    def __init__(self, key: Key, network: NetworkT, context: ssl.SSLContext | None) -> None:
        self._key = key
        self._network = network
        self._context = context
        self._stream: StreamT | None = None
        self._conversation = Conversation()

    def is_idle(self) -> bool:
        """Whether another request may be sent."""
        return self._conversation.is_idle

    def has_expired(self) -> bool:
        """Whether the server has hung up: nothing else can be heard from it between two requests."""
        return self._stream is None or bool(self._stream.get_extra_info("is_readable"))


class Connection(_DirectConnection[SyncNetwork, SocketStream]):
    """A direct connection that blocks."""

    def handle_request(self, request: httpx.Request) -> Answer:
        """Send a request and read the head of its answer."""
        stream = self._stream or self._connect(request)
        conversation, bounds = self._conversation, _bounds(request)
        write, read = bounds.get("write"), bounds.get("read")
        head = conversation.begin(request)
        # A server that refuses a request early may have said why: whoever cannot write reads on.
        with contextlib.suppress(httpx.WriteError):
            if isinstance(request.stream, httpx.ByteStream):
                stream.write(head + conversation.body(request.content) + conversation.end(), write)
            else:
                stream.write(head, write)
                for part in request.stream:  # type: ignore[union-attr]
                    stream.write(conversation.body(part), write)
                stream.write(conversation.end(), write)
        head = b""  # error trackers print the variables of a frame that failed
        deadline = Deadline(read)
        while True:
            answered = conversation.receive_head(stream.read(_READ_BYTES, deadline.left()))
            if answered is not None:
                return _answer(answered, _Body(conversation, stream, read), stream)

    def _connect(self, request: httpx.Request) -> SocketStream:
        _, host, port = self._key
        stream = self._network.connect_tcp(host.decode("ascii"), port, _bounds(request).get("connect"))
        if self._context is not None:
            stream = stream.start_tls(**_tls_arguments(self._key, self._context, request))
        self._stream = stream
        return stream


class _Body:
    """The body of one answer, part by part."""

    def __init__(self, conversation: Conversation, stream: SocketStream, read: float | None) -> None:
        self._conversation = conversation
        self._stream = stream
        self._read = read

    def __iter__(self) -> Iterator[bytes]:
        conversation, stream, seconds = self._conversation, self._stream, self._read
        if part := conversation.first_part():
            yield part
        deadline: Deadline | None = None  # of bytes without content: chunk extensions, trailers
        while not conversation.body_ended:
            left = seconds if deadline is None else deadline.left()
            if part := conversation.next_part(stream.read(_READ_BYTES, left)):
                deadline = None
                yield part
            elif deadline is None:
                deadline = Deadline(seconds)

    def close(self) -> None:
        self._conversation.finish()


class AsyncConnection(_DirectConnection[AsyncNetwork, AsyncioStream]):
    """Async twin of `Connection`."""

    async def handle_async_request(self, request: httpx.Request) -> Answer:
        """Send a request and read the head of its answer."""
        stream = self._stream or await self._connect(request)
        conversation, bounds = self._conversation, _bounds(request)
        write, read = bounds.get("write"), bounds.get("read")
        head = conversation.begin(request)
        with contextlib.suppress(httpx.WriteError):  # as above
            if isinstance(request.stream, httpx.ByteStream):
                await stream.write(head + conversation.body(request.content) + conversation.end(), write)
            else:
                await stream.write(head, write)
                async for part in request.stream:  # type: ignore[union-attr]
                    await stream.write(conversation.body(part), write)
                await stream.write(conversation.end(), write)
        head = b""  # as above
        deadline = Deadline(read)
        while True:
            answered = conversation.receive_head(await stream.read(_READ_BYTES, deadline.left()))
            if answered is not None:
                return _answer(answered, _AsyncBody(conversation, stream, read), stream)

    async def _connect(self, request: httpx.Request) -> AsyncioStream:
        _, host, port = self._key
        stream = await self._network.connect_tcp(host.decode("ascii"), port, _bounds(request).get("connect"))
        if self._context is not None:
            stream = await stream.start_tls(**_tls_arguments(self._key, self._context, request))
        self._stream = stream
        return stream


class _AsyncBody:
    """Async twin of `_Body`."""

    def __init__(self, conversation: Conversation, stream: AsyncioStream, read: float | None) -> None:
        self._conversation = conversation
        self._stream = stream
        self._read = read

    async def __aiter__(self) -> AsyncIterator[bytes]:
        conversation, stream, seconds = self._conversation, self._stream, self._read
        if part := conversation.first_part():
            yield part
        deadline: Deadline | None = None  # of bytes without content: chunk extensions, trailers
        while not conversation.body_ended:
            left = seconds if deadline is None else deadline.left()
            if part := conversation.next_part(await stream.read(_READ_BYTES, left)):
                deadline = None
                yield part
            elif deadline is None:
                deadline = Deadline(seconds)

    async def aclose(self) -> None:
        self._conversation.finish()
