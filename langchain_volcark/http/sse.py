"""Server-sent events, bytes in and payloads out, without any I/O.

Implements the part of https://html.spec.whatwg.org/multipage/server-sent-events.html that language model
services use: the ``data`` field, and of event names those that change what the data means. Ids and reconnection
times are read over.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"
_KEEP_ALIVES = frozenset({b"ping", b"heartbeat", b"keepalive", b"keep-alive"})
_ERROR = b"error"


class ErrorEvent(bytes):
    """The data of an event whose name is ``error``."""

    __slots__ = ()


class SSEDecoder:
    r"""Turns an event stream, in pieces of any size, into the ``data`` of its events.

    Lines end with LF, CR LF or CR and with nothing else: U+2028, U+2029 and U+0085 are ordinary characters of
    a JSON text. The lines of an event with several ``data`` fields are joined by LF. An event without data,
    whose data is empty, or whose name is ``ping`` (gateways send those to keep a connection open), yields nothing.
    The data of an event named ``error`` is an `ErrorEvent`; other names mean nothing. One thing goes beyond the
    standard: what begins with ``{`` in the place of an event is passed on, since gateways report errors midway so.

    Example:
        >>> decoder = SSEDecoder()
        >>> decoder.feed(b'data: {"a": 1}\n\nda')
        [b'{"a": 1}']
        >>> decoder.feed(b"ta: [DONE]\n\n")
        [b'[DONE]']
    """

    __slots__ = ("_after_cr", "_at_start", "_pending")

    def __init__(self) -> None:
        self._at_start = True  # a byte order mark may still come
        self._after_cr = False  # the last byte was a CR: an LF next belongs to it
        self._pending: list[bytes] = []  # pieces of the event under way, joined once it is complete

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream.

        Args:
            data: Any number of bytes, cut anywhere.

        Returns:
            The payloads of the events which these bytes complete, in order.
        """
        if self._at_start or self._after_cr or b"\r" in data:
            data = self._normalise(data)
        pending = self._pending
        if pending:
            # Joining only when an event ends keeps a huge event in many small reads linear.
            ends_inside = b"\n\n" in data
            if not ends_inside and not (data.startswith(b"\n") and pending[-1].endswith(b"\n")):
                if data:
                    pending.append(data)
                return []
            pending.append(data)
            data = b"".join(pending)
            pending.clear()
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        if rest:
            pending.append(rest)
        payloads = []
        for block in blocks:
            common = block.startswith(b"data: ") and b"\n" not in block
            payload = block[6:] if common else _data_of(block)
            if payload:
                payloads.append(payload)
        return payloads

    def flush(self) -> list[bytes]:
        """Take note that the stream has ended.

        The standard discards an event without its closing blank line. Some services leave that line out after
        the last event, so the data is returned as far as it came. It may be cut short: the caller reads it as
        JSON, and a rest which is not JSON means that the stream broke.

        Returns:
            The payload of the unfinished event, or nothing. The decoder is empty afterwards.
        """
        payload = _data_of(b"".join(self._pending))
        self._pending.clear()
        self._at_start, self._after_cr = True, False
        return [payload] if payload else []

    def _normalise(self, data: bytes) -> bytes:
        """Drop a leading byte order mark and turn every line end into LF."""
        if self._at_start:
            data = b"".join(self._pending) + data
            self._pending.clear()
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._pending.append(data)
                return b""
            self._at_start = False
            data = data.removeprefix(_BOM)
        if not data:
            return data
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data


def _data_of(block: bytes) -> bytes:
    """Return the data of one event given as lines that end with LF; empty where it only keeps alive."""
    values = []
    name = b""
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            values.append(line[6:] if line.startswith(b" ", 5) else line[5:])
        elif line == b"data":
            values.append(b"")
        elif line.startswith(b"event:"):
            name = line[6:].strip().lower()
    data = b"" if name in _KEEP_ALIVES else b"\n".join(values)
    if block.startswith(b"{") and not values and not name:
        return block
    return ErrorEvent(data) if name == _ERROR and data else data
