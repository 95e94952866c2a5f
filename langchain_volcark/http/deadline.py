"""Ends the reading of a reply that does not end by itself: deadlines, and a largest size.

A read timeout bounds the wait for the next bytes only, so a server that keeps sending keeps a caller for ever.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import httpx

from langchain_volcark.exceptions import ResponseFormatError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

# Looked up at every use, so that a test can put a fake clock here.
monotonic: Callable[[], float] = time.monotonic

LARGEST_BODY = 512 * 1024 * 1024
"""Bytes of a whole reply, or of one event of a stream, as they come over the network."""


class Deadline:
    """The moment at which to stop waiting.

    Args:
        seconds: From now; None for never.

    Attributes:
        seconds: The same.
    """

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = math.inf if seconds is None else monotonic() + seconds

    def remaining(self) -> float:
        """Seconds that are left: infinite without a limit, negative after the deadline."""
        return self._end - monotonic()

    def bound(self, timeout: httpx.Timeout) -> httpx.Timeout:
        """Timeouts of a request whose reply may take all that is left."""
        left = max(self.remaining(), 0.001)  # 0 means something else to sockets
        connect, write = (min(left, given or left) for given in (timeout.connect, timeout.write))
        return httpx.Timeout(connect=connect, write=write, read=left, pool=left)

    def left(self) -> float | None:
        """Seconds that are left, or None for no limit.

        Raises:
            httpx.ReadTimeout: None are left.
        """
        if self.seconds is None:
            return None
        left = self.remaining()
        if left <= 0:
            raise httpx.ReadTimeout(f"The server went on sending for more than {self.seconds:g} seconds")
        return left


class WatchedStream(httpx.SyncByteStream):
    """The bytes of a response; `check` is called with the length of each part, and may raise."""

    def __init__(self, stream: httpx.SyncByteStream, check: Callable[[int], object]) -> None:
        self._stream = stream
        self._check = check

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._check(len(part))
            yield part

    def close(self) -> None:
        """Close the response's stream."""
        self._stream.close()


class AsyncWatchedStream(httpx.AsyncByteStream):
    """Same as `WatchedStream`, async."""

    def __init__(self, stream: httpx.AsyncByteStream, check: Callable[[int], object]) -> None:
        self._stream = stream
        self._check = check

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._check(len(part))
            yield part

    async def aclose(self) -> None:
        """Close the response's stream."""
        await self._stream.aclose()


def read_whole(response: httpx.Response) -> None:
    """Read a body to its end, within the request's read timeout.

    Args:
        response: Its head has come. Closed if the body cannot be read.

    Raises:
        httpx.HTTPError: The body broke off, or went on for longer than the read timeout.
        ResponseFormatError: It is larger than any reply.
    """
    try:
        if not _checks_itself(response) and isinstance(response.stream, httpx.SyncByteStream):
            response.stream = WatchedStream(response.stream, limits(response))
        response.read()
    except BaseException:
        response.close()
        raise


async def aread_whole(response: httpx.Response) -> None:
    """Same as `read_whole`, async."""
    try:
        if not _checks_itself(response) and isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = AsyncWatchedStream(response.stream, limits(response))
        await response.aread()
    except BaseException:
        await response.aclose()
        raise


def _checks_itself(response: httpx.Response) -> bool:
    """Have a body of our own connection watch its bytes, which costs less than a stream around it."""
    body = response.extensions.get("read_limiter")
    if body is None:
        return False
    body.check = limits(response)
    return True


def limits(response: httpx.Response) -> Callable[[int], None]:
    """The limits of a body: its largest size, and the request's read timeout for the whole of it.

    Args:
        response: Its head has come.

    Returns:
        A function to call with the length of each part; it raises where a limit is passed.
    """
    try:
        timeout = response.request.extensions.get("timeout") or {}
    except RuntimeError:  # httpx raises it where a response has no request
        timeout = {}
    deadline, size = Deadline(timeout.get("read")), 0

    def check(length: int) -> None:
        nonlocal size
        size += length
        if size > LARGEST_BODY:
            raise ResponseFormatError(
                f"The reply is larger than {LARGEST_BODY:,} bytes, and was not read to its end.",
                status_code=response.status_code,
            )
        deadline.left()

    return check
