"""ASGI application of the emulator: records requests, routes them to services, applies simulated faults."""

from __future__ import annotations

import asyncio
import logging
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Protocol

from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.sse import EventStream, Pause, Script, client_gone, close_connection, ended
from langchain_volcark.emulator.state import CannedReply, Delay, Drop, Failure, RecordedRequest, StreamBreak

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from langchain_volcark.emulator.control_api import ControlAPI
    from langchain_volcark.emulator.state import State

_log = logging.getLogger(__name__)
_Line = tuple["Scope", "Receive", "Send"]
_GONE = Response()
"""Sentinel instead of a reply: the client has disconnected."""


class Service(Protocol):
    """Interface of an emulated service: its rules and wire format, without faults."""

    def owns(self, path: str) -> bool:
        """Whether this service handles the path."""

    def new_request_id(self) -> str:
        """Return a request id in the service's format."""

    def headers(self, request: RecordedRequest, request_id: str) -> Mapping[str, str]:
        """Return the headers of every reply."""

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error reply in the service's format."""

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Handle a request; errors are returned as replies, not raised."""


class Gate:
    """The application that uvicorn runs.

    Args:
        services: The emulated services.
        state: Recordings and faults.
        control_api: The controls over HTTP.
        chunk_delay: Seconds between two events of a stream.
        slow: Whether services may take so long that disconnects must be checked while they run.
    """

    def __init__(
        self,
        services: Sequence[Service],
        state: State,
        control_api: ControlAPI,
        chunk_delay: float,
        *,
        slow: bool = False,
    ) -> None:
        self._services = services
        self._state = state
        self._control_api = control_api
        self._chunk_delay = chunk_delay
        self._slow = slow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = await _read(scope, receive, self._state)
        if request is None:
            return
        if self._control_api.owns(request.path):
            await self._control_api.handle(request)(scope, receive, send)
            return
        self._state.record(request)
        with self._state.answering():
            await self._answer(request, scope, receive, send)

    async def _answer(self, request: RecordedRequest, scope: Scope, receive: Receive, send: Send) -> None:
        delay = self._state.take_delay(request.path)
        answer = self._state.take_answer(request.path)
        response = None if isinstance(answer, Drop) else await self._respond(request, answer, receive)
        if response is _GONE:
            return
        if response is not None:
            response.headers.setdefault("Date", format_datetime(self._state.now(), usegmt=True))
        try:
            await self._deliver(request, response, delay, (scope, receive, send))
        finally:
            if isinstance(response, EventStream):
                await response.aclose()

    async def _deliver(
        self, request: RecordedRequest, response: Response | None, delay: Delay | None, line: _Line
    ) -> None:
        """Send a reply, or close the connection if there is none."""
        scope, receive, send = line
        if isinstance(response, EventStream):
            response.direct(self._script(request.path, delay), self._state)
            if delay is not None and delay.keep_alive:
                delay = None
        if delay is not None and not await self._hold_back(delay, receive):
            return
        if response is None:
            await close_connection(scope, receive)
        else:
            await response(scope, receive, send)

    async def _respond(
        self, request: RecordedRequest, answer: Failure | CannedReply | None, receive: Receive
    ) -> Response:
        service = next((one for one in self._services if one.owns(request.path)), None)
        if isinstance(answer, CannedReply):
            response = _canned(answer)
        elif service is None:
            return JSONResponse({"detail": f"The emulator has no service at {request.path}"}, 404)
        if service is None:
            return response
        request_id = service.new_request_id()
        if isinstance(answer, Failure):
            response = _failure(service, request_id, answer)
        elif answer is None:
            handling = _handle(service, request, request_id)
            response = await (self._unless_gone(handling, receive) if self._slow else handling)
        for name, value in service.headers(request, request_id).items():
            response.headers.setdefault(name, value)
        return response

    def _script(self, path: str, delay: Delay | None) -> Script:
        script = Script(spacing=self._chunk_delay)
        if delay is not None and delay.keep_alive:
            script.pauses[0] = [Pause(delay.seconds, keep_alive_every=delay.seconds / 10)]
        fault = self._state.take_stream_fault(path)
        if isinstance(fault, StreamBreak):
            script.cut_after = fault.after
        elif fault is not None:
            script.pauses.setdefault(fault.after, []).append(Pause(fault.seconds, fault.keep_alive_every))
        return script

    async def _unless_gone(self, handling: Coroutine[Any, Any, Response], receive: Receive) -> Response:
        """Handle a request while its client is connected; return `_GONE` if it disconnects."""
        work = asyncio.ensure_future(handling)
        gone = asyncio.ensure_future(client_gone(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            self._state.client_left()
            await ended(work)
            response = None if work.cancelled() else work.result()
            if isinstance(response, EventStream):
                await response.aclose()  # the reply was ready at the same moment
            return _GONE
        finally:
            await ended(work)
            await ended(gone)

    async def _hold_back(self, delay: Delay, receive: Receive) -> bool:
        """Wait; return False if the client disconnects."""
        gone = asyncio.ensure_future(client_gone(receive))
        await asyncio.wait({gone}, timeout=delay.seconds)
        if gone.done():
            self._state.client_left()
            return False
        gone.cancel()
        return True


async def _read(scope: Scope, receive: Receive, state: State) -> RecordedRequest | None:
    """Read the complete request; None if the client disconnects before."""
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    query = QueryParams(scope["query_string"])
    return RecordedRequest(
        method=scope["method"],
        path=scope["path"],
        query=dict(query),
        headers=Headers(scope=scope),
        body=b"".join(parts),
        client_port=scope["client"][1] if scope.get("client") else None,
        received_at=state.now(),
        query_pairs=tuple(query.multi_items()),
    )


async def _handle(service: Service, request: RecordedRequest, request_id: str) -> Response:
    try:
        return await service.handle(request, request_id)
    except Exception as error:  # noqa: BLE001 - the client shall read what broke, in the envelope it knows
        _log.exception("The emulator failed on %s %s", request.method, request.path)
        return service.failure(request_id, 500, "InternalServiceError", f"A bug in the emulator: {error!r}")


def _canned(answer: CannedReply) -> Response:
    response: Response
    if answer.events is not None:
        response = EventStream(answer.events, answer.status, answer.content_type)
    else:
        response = Response(answer.body, answer.status, media_type=answer.content_type)
    response.headers.update(answer.headers)
    return response


def _failure(service: Service, request_id: str, answer: Failure) -> Response:
    if answer.code is None:
        page = f"<html><body><h1>{answer.status}</h1></body></html>"
        response = Response(page, answer.status, media_type="text/html")
    else:
        message = answer.message or f"The emulator simulates the error {answer.code}."
        response = service.failure(request_id, answer.status, answer.code, message)
    response.headers.update(answer.headers)
    return response
