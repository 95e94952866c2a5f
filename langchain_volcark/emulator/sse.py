"""Event stream responses with simulated interruptions and pauses; they end when the client disconnects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator as AsyncIteratorABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from starlette.types import Receive, Scope, Send

    from langchain_volcark.emulator.state import State

DONE = b"data: [DONE]\n\n"
BARE_DONE = b"data:[DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def bare_event(payload: Any) -> bytes:
    """Format an event as bots do: without a space after the colon."""
    return event(payload, b"data:")


def event(payload: Any, prefix: bytes = b"data: ") -> bytes:
    """Format a payload as a server-sent event, in UTF-8 without escapes, like the services."""
    return prefix + json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


async def ended(task: asyncio.Future[Any]) -> None:
    """Cancel unfinished tasks and wait for them."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})


async def client_gone(receive: Receive) -> None:
    """Return when the connection is closed by either side."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def close_connection(scope: Scope, receive: Receive) -> None:
    """Close the socket after pending data, without ending the HTTP response properly."""
    scope["state"]["transport"].close()
    await client_gone(receive)


@dataclass(frozen=True)
class Pause:
    """A pause, with keep-alive comments at an interval, or without."""

    seconds: float
    keep_alive_every: float | None = None


@dataclass
class Script:
    """Simulated faults of a stream.

    Attributes:
        spacing: Seconds between two events.
        pauses: Pauses by the number of events sent before.
        cut_after: Number of events after which the connection is closed; None for never.
    """

    spacing: float = 0.0
    pauses: dict[int, list[Pause]] = field(default_factory=dict)
    cut_after: int | None = None


class EventStream(Response):
    """A response whose body is a series of events; call `direct` before sending it.

    Args:
        events: The events, from a sync or async iterable.
        status_code: The HTTP status.
        media_type: Content type; default is that of event streams.
        close: Called when no more events are needed.
    """

    def __init__(
        self,
        events: Iterable[bytes] | AsyncIterator[bytes],
        status_code: int = 200,
        media_type: str | None = None,
        *,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        # The base class would send a content length of zero.
        self.background = None
        self.body = b""
        self.status_code = status_code
        self.media_type = media_type or "text/event-stream"
        self.raw_headers = [(b"content-type", self.media_type.encode()), (b"cache-control", b"no-cache")]
        self._at_hand: Iterator[bytes] | None = None
        self._coming: AsyncIterator[bytes] | None = None
        if isinstance(events, AsyncIteratorABC):
            self._coming = events
        else:
            self._at_hand = iter(events)
        self._close = close
        self._abandoned = False
        self._script = Script()
        self._state: State | None = None

    async def aclose(self) -> None:
        """Release the source of the events; can be called repeatedly."""
        close, self._close = self._close, None
        if close is not None:
            await close()

    def direct(self, script: Script, state: State) -> None:
        """Set the faults and the state that counts streams."""
        self._script = script
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        if self._state is None:
            raise RuntimeError("direct() must be called first")
        with self._state.open_stream():
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            gone = asyncio.ensure_future(client_gone(receive))
            try:
                finished = await self._play(send, gone)
                if finished:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                elif gone.done():
                    self._state.client_left()
                else:
                    scope["state"]["transport"].close()
                    await gone
            finally:
                gone.cancel()

    async def _play(self, send: Send, gone: asyncio.Future[None]) -> bool:
        """Send all events; False if the stream was cut or the client disconnected."""
        script = self._script
        sent = 0
        while (data := await self._next(gone)) is not None:
            await self._pause(sent, send, gone)
            if gone.done() or sent == script.cut_after:
                return False
            await send({"type": "http.response.body", "body": data, "more_body": True})
            sent += 1
            # A delay of zero also yields to the loop, so that other streams run and disconnects are noticed.
            await asyncio.sleep(script.spacing)
        if self._abandoned:
            return False
        await self._pause(sent, send, gone)
        return sent != script.cut_after

    async def _next(self, gone: asyncio.Future[None]) -> bytes | None:
        """Return the next event; None at the end, or if the client disconnects."""
        if self._at_hand is not None:
            return next(self._at_hand, None)
        if self._coming is None:
            return None
        coming = asyncio.ensure_future(anext(self._coming, None))
        try:
            both: set[asyncio.Future[Any]] = {coming, gone}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            self._abandoned = not coming.done()
            return None if self._abandoned else coming.result()
        finally:
            await ended(coming)

    async def _pause(self, sent: int, send: Send, gone: asyncio.Future[None]) -> None:
        for pause in self._script.pauses.get(sent, ()):
            await _keep_silent(pause, send, gone)


async def _keep_silent(pause: Pause, send: Send, gone: asyncio.Future[None]) -> None:
    """Wait for a pause; it ends if the client disconnects."""
    loop = asyncio.get_running_loop()
    end = loop.time() + pause.seconds
    while not gone.done() and (left := end - loop.time()) > 0:
        step = left if pause.keep_alive_every is None else min(left, pause.keep_alive_every)
        await asyncio.wait({gone}, timeout=step)
        if pause.keep_alive_every is not None and not gone.done() and loop.time() < end:
            await send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})
