"""The controls of a running emulator: make it fail, dictate a reply, break a stream, look at what arrived.

A control speaks about requests still to come and is used up by one of them, in the order of the calls. There
are three queues, and a request takes the first entry of each: one answer (`fail_next`, `reply_next`,
`drop_next`), one delay (`delay_next`) and, only if it is answered by a stream, one stream fault
(`break_stream_after`, `stall_stream_after`). Every control takes `path`: then it waits for a request whose path
ends so (`path="/chat/completions"`), and lets others pass.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_volcark.emulator.state import (
    CannedReply,
    Delay,
    Drop,
    Failure,
    RecordedRequest,
    State,
    StreamBreak,
    StreamStall,
)

_EVENT_STREAM = "text/event-stream; charset=utf-8"


class Controls:
    """What a test can do to a running emulator and see of it; safe to use from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests that arrived, oldest first (a copy; the last 10,000 are kept)."""
        return self._state.requests

    @property
    def active_streams(self) -> int:
        """How many streams are being sent at this moment."""
        return self._state.active_streams

    @property
    def most_in_flight(self) -> int:
        """How many requests were being answered at once at most, since the start or the last `reset()`."""
        return self._state.most_in_flight

    @property
    def disconnects(self) -> int:
        """How many clients left before their reply's end, since the start or the last `reset()`."""
        return self._state.disconnects

    def wait_for(self, condition: Callable[[], bool], timeout: float = 30.0) -> bool:
        """Wait until a condition on the emulator's recordings and counts holds.

        Args:
            condition: Looked at now and after every change, e.g. `lambda: server.active_streams == 0`.
            timeout: Seconds to wait at most.

        Returns:
            Whether it came to hold in time.
        """
        return self._state.wait_for(condition, timeout)

    def fail_next(
        self,
        status: int = 429,
        code: str | None = "RateLimitExceeded.EndpointTPMExceeded",
        times: int = 1,
        retry_after: float | str | None = None,
        message: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        path: str | None = None,
    ) -> None:
        """Answer the next requests with an error in the envelope of the service they are sent to.

        Args:
            status: HTTP status.
            code: The service's error code; None sends a gateway's HTML page without an envelope.
            times: How many requests fail.
            retry_after: Sent as `Retry-After` exactly as given: seconds, an HTTP date, or nonsense.
            message: The error's text; by default one that says the emulator was told to fail.
            headers: More response headers.
            path: Only for requests whose path ends so.
        """
        extra = dict(headers or {})
        if retry_after is not None:
            extra["Retry-After"] = str(retry_after)
        self._state.push_answer(Failure(status, code, message, extra), times, path)

    def reply_next(
        self,
        reply: Mapping[str, Any] | Sequence[Mapping[str, Any] | str | bytes] | None = None,
        *,
        body: bytes | str | None = None,
        content_type: str = "application/json",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        path: str | None = None,
    ) -> None:
        """Answer the next request with exactly this, whatever it asked for.

        Args:
            reply: A dict is sent as the JSON reply. A list is sent as an event stream, and nothing is added to
                it: a dict becomes `data: {json}`, a str or bytes is written as it is (`"data: [DONE]"`,
                `": comment"`), each followed by a blank line unless it ends in one.
            body: Instead of `reply`: the raw body (HTML, broken JSON, …).
            content_type: Of a raw body.
            status: HTTP status.
            headers: More response headers.
            times: How many requests are answered so.
            path: Only for requests whose path ends so.

        Raises:
            ValueError: Not exactly one of `reply` and `body` was given.
        """
        if (reply is None) == (body is None):
            raise ValueError("reply_next takes either a reply (dict or list of events) or a raw body")
        extra = dict(headers or {})
        if body is not None:
            raw = body.encode() if isinstance(body, str) else body
            answer = CannedReply(status, content_type, extra, body=raw)
        elif isinstance(reply, Mapping):
            answer = CannedReply(status, "application/json", extra, body=_json(reply))
        else:
            answer = CannedReply(status, _EVENT_STREAM, extra, events=tuple(map(_event, reply or ())))
        self._state.push_answer(answer, times, path)

    def drop_next(self, times: int = 1, *, path: str | None = None) -> None:
        """Close the connection of the next requests without any reply."""
        self._state.push_answer(Drop(), times, path)

    def delay_next(self, seconds: float, keep_alive: bool = False, *, path: str | None = None) -> None:
        """Hold back the first byte of the next reply.

        Args:
            seconds: For how long. A client that leaves meanwhile ends the wait.
            keep_alive: Of a stream, send the headers at once and ten comment lines over the time.
            path: Only for a request whose path ends so.
        """
        self._state.push_delay(Delay(seconds, keep_alive), path)

    def break_stream_after(self, events: int, *, path: str | None = None) -> None:
        """Cut the next stream's connection.

        Args:
            events: How many events are sent before (`[DONE]` counts as one); 0 sends the headers only.
            path: Only for a stream whose path ends so.
        """
        self._state.push_stream_fault(StreamBreak(events), path)

    def stall_stream_after(
        self, events: int, *, seconds: float, keep_alive_every: float | None = None, path: str | None = None
    ) -> None:
        """Let the next stream fall silent in its middle, then go on.

        Args:
            events: How many events are sent before.
            seconds: Length of the silence.
            keep_alive_every: Send the comment line `: keep-alive` at this interval in seconds meanwhile.
            path: Only for a stream whose path ends so.

        Raises:
            ValueError: The interval is not positive.
        """
        if keep_alive_every is not None and keep_alive_every <= 0:
            raise ValueError("keep_alive_every must be more than 0 seconds")
        self._state.push_stream_fault(StreamStall(events, seconds, keep_alive_every), path)

    def shift_clock(self, seconds: float) -> None:
        """Let the server's clock be wrong: its `Date` header, and the time that signatures are judged by.

        Unlike the faults it holds until it is shifted back, or `reset()`.

        Args:
            seconds: How far it is ahead of this machine's; negative: behind; 0: right again.
        """
        self._state.shift_clock(seconds)

    def close_tools(self, *tools: str) -> None:
        """Let Ark's hosted tools be as in an account that has not activated them: `ToolNotOpen`.

        It holds until it is called again, or `reset()`.

        Args:
            tools: `web_search`, `knowledge_search`, `mcp`, `image_process`, `doubao_app`; none opens all.
        """
        self._state.close_tools(tools)

    def reset(self) -> None:
        """Forget what was recorded and every control not yet used; set the clock right, open every tool."""
        self._state.reset()


def _json(value: Any) -> bytes:
    return json_module.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event(event: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(event, Mapping):
        line = b"data: " + _json(event)
    else:
        line = event.encode() if isinstance(event, str) else event
    return line if line.endswith((b"\n\n", b"\r\n\r\n")) else line + b"\n\n"
