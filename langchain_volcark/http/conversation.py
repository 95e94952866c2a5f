"""The HTTP/1.1 of one connection without any I/O: h11, with a faster reader of chunked bodies."""

from __future__ import annotations

from typing import Any

import h11
import httpx

from langchain_volcark.http.chunked import ChunkedDecoder
from langchain_volcark.http.redaction import target_with_secret

_SWITCHING_PROTOCOLS = 101
_WITHOUT_BODY = frozenset({204, 304})
_LONGEST_HEAD = 100 * 1024  # bytes of headers, or of a chunk's size line, before the response counts as malformed
_MOST_INFORMATIONAL = 1000  # informational heads before the response


class Conversation:
    """The HTTP/1.1 state of one connection over all its requests and responses; no I/O.

    Attributes:
        is_idle: Whether the last request and its response are complete and another request may follow.
    """

    def __init__(self) -> None:
        self.is_idle = False
        self._h11 = _new_h11()
        self._chunks: ChunkedDecoder | None = None
        self._wants_body = True
        self._informational = 0

    def whole(self, request: httpx.Request) -> bytes:
        """A request whose body is bytes, head and all."""
        return self.begin(request) + self.body(request.content) + self.end()

    def begin(self, request: httpx.Request) -> bytes:
        """The head of a request."""
        self.is_idle, self._wants_body, self._informational = False, request.method != "HEAD", 0
        target = target_with_secret(request.url.raw_path, request.extensions)
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
            The head of the answer once it is complete; informational ones are skipped.
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
        """Finish a request and its response; `is_idle` says whether another may follow."""
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
