"""Controls of a running emulator: simulate faults, set replies, interrupt streams, list received requests.

A control applies to one later request, in the order of the calls. There are three queues, and a request takes the
first entry of each: one answer (`fail_next`, `reply_next`, `drop_next`), one delay (`delay_next`) and, if its
reply is a stream, one stream fault (`break_stream_after`, `stall_stream_after`). With `path` a control waits for a
request whose path ends with it (`path="/chat/completions"`), and ignores others.
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
    TaskPlan,
)

_EVENT_STREAM = "text/event-stream; charset=utf-8"


class Controls:
    """Controls and recordings of a running emulator; can be used from any thread."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def requests(self) -> list[RecordedRequest]:
        """The received requests, oldest first (a copy; the last 10,000 are kept)."""
        return self._state.requests

    @property
    def active_streams(self) -> int:
        """Number of streams being sent now."""
        return self._state.active_streams

    @property
    def most_in_flight(self) -> int:
        """Maximum number of requests answered concurrently, since the start or the last `reset()`."""
        return self._state.most_in_flight

    @property
    def disconnects(self) -> int:
        """Number of clients that disconnected before the end of a reply, since the start or the last `reset()`."""
        return self._state.disconnects

    def wait_for(self, condition: Callable[[], bool], timeout: float = 30.0) -> bool:
        """Wait until a condition on the emulator's recordings and counters is true.

        Args:
            condition: Checked now and after every change, e.g. `lambda: server.active_streams == 0`.
            timeout: Maximum seconds to wait.

        Returns:
            Whether it became true in time.
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
        """Answer the next requests with an error in the format of their service.

        Args:
            status: HTTP status.
            code: The service's error code; None sends an HTML page as a gateway does.
            times: Number of requests that fail.
            retry_after: Value of `Retry-After`, sent unchanged: seconds, an HTTP date, or an invalid value.
            message: Error text; the default says that the emulator simulates an error.
            headers: Additional response headers.
            path: Only for requests whose path ends with this.
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
        """Answer the next requests with a fixed reply.

        Args:
            reply: A dict is sent as the JSON reply. A list is sent as an event stream, with nothing
                added: a dict becomes `data: {json}`, a str or bytes is written as it is (`"data: [DONE]"`,
                `": comment"`), each followed by a blank line unless it ends in one.
            body: Instead of `reply`: the raw body (HTML, broken JSON, …).
            content_type: Content type of a raw body.
            status: HTTP status.
            headers: Additional response headers.
            times: Number of requests that get the reply.
            path: Only for requests whose path ends with this.

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
        """Close the connection of the next requests without a reply."""
        self._state.push_answer(Drop(), times, path)

    def delay_next(self, seconds: float, keep_alive: bool = False, *, path: str | None = None) -> None:
        """Delay the first byte of the next reply.

        Args:
            seconds: For how long. The wait ends if the client disconnects.
            keep_alive: For a stream, send the headers at once and ten comment lines during the delay.
            path: Only for a request whose path ends with this.
        """
        self._state.push_delay(Delay(seconds, keep_alive), path)

    def break_stream_after(self, events: int, *, path: str | None = None) -> None:
        """Close the connection in the middle of the next stream.

        Args:
            events: Number of events sent before (`[DONE]` counts as one); 0 sends the headers only.
            path: Only for a stream whose path ends with this.
        """
        self._state.push_stream_fault(StreamBreak(events), path)

    def stall_stream_after(
        self, events: int, *, seconds: float, keep_alive_every: float | None = None, path: str | None = None
    ) -> None:
        """Pause the next stream in the middle, then continue.

        Args:
            events: Number of events sent before.
            seconds: Length of the pause.
            keep_alive_every: Send the comment line `: keep-alive` at this interval in seconds during the pause.
            path: Only for a stream whose path ends with this.

        Raises:
            ValueError: The interval is not positive.
        """
        if keep_alive_every is not None and keep_alive_every <= 0:
            raise ValueError("keep_alive_every must be more than 0 seconds")
        self._state.push_stream_fault(StreamStall(events, seconds, keep_alive_every), path)

    def shift_clock(self, seconds: float) -> None:
        """Shift the server's clock: its `Date` header, and the time against which signatures are checked.

        Unlike faults, the shift stays until it is changed, or `reset()`.

        Args:
            seconds: Offset to this machine's clock; negative for behind, 0 for none.
        """
        self._state.shift_clock(seconds)

    def close_tools(self, *tools: str) -> None:
        """Simulate an account that has not activated some of Ark's hosted tools: `ToolNotOpen`.

        It holds until it is called again, or `reset()`.

        Args:
            tools: `web_search`, `knowledge_search`, `mcp`, `image_process`, `doubao_app`; none opens all.
        """
        self._state.close_tools(tools)

    def plan_video(
        self,
        status: str = "succeeded",
        *,
        polls: int = 3,
        seconds: float | None = None,
        code: str = "OutputVideoSensitiveContentDetected",
        message: str = "The request failed because the output video may contain sensitive information.",
        times: int = 1,
    ) -> None:
        """Set how the next video tasks of Ark go; by default they succeed with the third poll.

        Args:
            status: How a task ends: `"succeeded"`, `"failed"` or `"expired"`.
            polls: With which `GET` of the task it has ended; it is queued up to the first, then running. 0 ends it
                at once.
            seconds: Instead of `polls`: after how many seconds of the server's clock, which `shift_clock` moves.
                It is queued for a quarter of them. A task that takes longer than its `execution_expires_after`
                expires.
            code: The error code of a task that fails.
            message: Its error text.
            times: Number of tasks that go like this.

        Raises:
            ValueError: The status is none of these.
        """
        if status not in ("succeeded", "failed", "expired"):
            raise ValueError("status must be 'succeeded', 'failed' or 'expired'")
        self._state.push_task_plan(TaskPlan(status, polls, seconds, code, message), times)

    def reset(self) -> None:
        """Clear recordings and unused controls, reset the clock, activate all tools."""
        self._state.reset()


def _json(value: Any) -> bytes:
    return json_module.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event(event: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(event, Mapping):
        line = b"data: " + _json(event)
    else:
        line = event.encode() if isinstance(event, str) else event
    return line if line.endswith((b"\n\n", b"\r\n\r\n")) else line + b"\n\n"
