"""State of an emulator: received requests, queued faults, open streams.

The server's thread and any test thread use it, so every access takes the lock.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from os import PathLike

# Bounds the memory of emulators that run for a long time.
MAX_RECORDED = 10_000

_SECRET_HEADERS = frozenset({"authorization", "x-security-token", "cookie"})

_Fault = TypeVar("_Fault")


@dataclass(frozen=True)
class RecordedRequest:
    """A request as it arrived.

    Attributes:
        method: `"POST"`, `"GET"`, …
        path: The path without the query.
        query: Query parameters, percent-decoded; the last value of repeated ones.
        headers: Case-insensitive; the values as sent, credentials included.
        body: The bytes as sent.
        client_port: Port of the client: the same for requests over one connection.
        received_at: Time of arrival by the server's clock, against which signatures are checked.
        query_pairs: Query parameters in their order, each of repeated ones.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client_port: int | None = None
    received_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    query_pairs: tuple[tuple[str, str], ...] = ()

    @property
    def json(self) -> Any:
        """The body parsed as JSON; None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def line(self) -> str:
        """The request as a line of JSON, without its headers."""
        entry = {
            "received_at": self.received_at.isoformat(),
            "method": self.method,
            "path": self.path,
            "body": self.body.decode("utf-8", errors="replace"),
        }
        return json.dumps(entry) + "\n"

    def redacted(self) -> dict[str, Any]:
        """The request as plain JSON data, with its credentials redacted."""
        return {
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": {
                name: "[redacted]" if name.lower() in _SECRET_HEADERS else value
                for name, value in self.headers.items()
            },
            "body": self.body.decode("utf-8", errors="replace"),
            "json": self.json,
        }


@dataclass(frozen=True)
class Failure:
    """Answer with an error in the service's format; without a code, with a gateway's HTML page."""

    status: int
    code: str | None
    message: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True)
class CannedReply:
    """Answer with exactly these bytes, or with exactly these events."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes = b""
    events: tuple[bytes, ...] | None = None


@dataclass(frozen=True)
class Drop:
    """Close the connection without a reply."""


@dataclass(frozen=True)
class Delay:
    """Delay the first byte of the reply; `keep_alive` sends a stream's headers and comments meanwhile."""

    seconds: float
    keep_alive: bool


@dataclass(frozen=True)
class StreamBreak:
    """Close the connection after `after` events."""

    after: int


@dataclass(frozen=True)
class StreamStall:
    """Pause for `seconds` after `after` events, with comments every `keep_alive_every` seconds."""

    after: int
    seconds: float
    keep_alive_every: float | None


@dataclass(frozen=True)
class TaskPlan:
    """How a video task goes: how it ends, and after how many polls, or seconds of the server's clock."""

    status: str = "succeeded"
    polls: int = 3
    seconds: float | None = None
    code: str = ""
    message: str = ""


Answer = Failure | CannedReply | Drop
StreamFault = StreamBreak | StreamStall


class _FaultQueue(deque[tuple[str | None, _Fault]]):
    """Queue of faults, each for any request or for paths with a certain ending."""

    def take(self, path: str) -> _Fault | None:
        """Remove and return the first fault that applies to `path`."""
        for position, (suffix, fault) in enumerate(self):
            if suffix is None or path.endswith(suffix):
                del self[position]
                return fault
        return None


class State:
    """State shared by an `Emulator` and its server thread.

    Args:
        log: File that gets a line for each request.
    """

    def __init__(self, log: str | PathLike[str] | None = None) -> None:
        self._log = None if log is None else Path(log)
        if self._log is not None:
            self._log.touch()  # a file that cannot be written to is found now
        self._changed = threading.Condition()
        self._requests: deque[RecordedRequest] = deque(maxlen=MAX_RECORDED)
        self._answers: _FaultQueue[Answer] = _FaultQueue()
        self._delays: _FaultQueue[Delay] = _FaultQueue()
        self._stream_faults: _FaultQueue[StreamFault] = _FaultQueue()
        self._active_streams = 0
        self._disconnects = 0
        self._in_flight = 0
        self._most_in_flight = 0
        self._clock_offset = timedelta(0)
        self._closed_tools: frozenset[str] = frozenset()
        self._task_plans: deque[TaskPlan] = deque()

    def reset(self) -> None:
        """Clear recordings, faults and the count of disconnects; open streams stay open and counted."""
        with self._changed:
            self._requests.clear()
            for queue in (self._answers, self._delays, self._stream_faults):
                queue.clear()
            self._disconnects = 0
            self._most_in_flight = self._in_flight
            self._clock_offset = timedelta(0)
            self._closed_tools = frozenset()
            self._task_plans.clear()
            self._changed.notify_all()

    def now(self) -> datetime:
        """The time by the server's clock, with a time zone."""
        with self._changed:
            return datetime.now(timezone.utc) + self._clock_offset

    def shift_clock(self, seconds: float) -> None:
        """Set the offset of the server's clock in seconds."""
        with self._changed:
            self._clock_offset = timedelta(seconds=seconds)

    @property
    def closed_tools(self) -> frozenset[str]:
        """The hosted tools that Ark's account has not activated."""
        with self._changed:
            return self._closed_tools

    def close_tools(self, tools: Iterable[str]) -> None:
        """Set the hosted tools that Ark's account has not activated."""
        with self._changed:
            self._closed_tools = frozenset(tools)

    def push_task_plan(self, plan: TaskPlan, times: int) -> None:
        """Queue a plan for the next `times` video tasks."""
        with self._changed:
            self._task_plans.extend([plan] * times)

    def take_task_plan(self) -> TaskPlan:
        """Take the plan queued for the next video task, else the default."""
        with self._changed:
            return self._task_plans.popleft() if self._task_plans else TaskPlan()

    @property
    def requests(self) -> list[RecordedRequest]:
        """A copy of the recordings, oldest first."""
        with self._changed:
            return list(self._requests)

    @property
    def active_streams(self) -> int:
        """Streams being sent at this moment."""
        with self._changed:
            return self._active_streams

    @property
    def disconnects(self) -> int:
        """Number of replies whose client disconnected before the end."""
        with self._changed:
            return self._disconnects

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition()` is true, checking it at every change; False on timeout."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def record(self, request: RecordedRequest) -> None:
        """Record a request."""
        with self._changed:
            self._requests.append(request)
            if self._log is not None:
                # Opened for each line: nothing to close, and whoever reads the file sees all that was answered.
                with self._log.open("a", encoding="utf-8") as log:
                    log.write(request.line())
            self._changed.notify_all()

    def push_answer(self, answer: Answer, times: int, path: str | None) -> None:
        """Queue an answer for the next `times` requests."""
        with self._changed:
            self._answers.extend([(path, answer)] * times)

    def push_delay(self, delay: Delay, path: str | None) -> None:
        """Queue a delay for the next request."""
        with self._changed:
            self._delays.append((path, delay))

    def push_stream_fault(self, fault: StreamFault, path: str | None) -> None:
        """Queue a fault for the next stream."""
        with self._changed:
            self._stream_faults.append((path, fault))

    def take_answer(self, path: str) -> Answer | None:
        """Take the answer queued for `path`, if any."""
        with self._changed:
            return self._answers.take(path)

    def take_delay(self, path: str) -> Delay | None:
        """Take the delay queued for `path`, if any."""
        with self._changed:
            return self._delays.take(path)

    def take_stream_fault(self, path: str) -> StreamFault | None:
        """Take the stream fault queued for `path`, if any."""
        with self._changed:
            return self._stream_faults.take(path)

    @contextmanager
    def open_stream(self) -> Iterator[None]:
        """Count a stream as open while the block runs."""
        with self._changed:
            self._active_streams += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._active_streams -= 1
                self._changed.notify_all()

    @property
    def most_in_flight(self) -> int:
        """Maximum number of requests answered concurrently."""
        with self._changed:
            return self._most_in_flight

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request as in flight while the block runs."""
        with self._changed:
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def client_left(self) -> None:
        """Count a client that disconnected before the end of its reply."""
        with self._changed:
            self._disconnects += 1
            self._changed.notify_all()
