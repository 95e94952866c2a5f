"""Replies in Qianfan's wire formats with the answer of the upstream server.

V2: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb. V1: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.answer import Reply
from langchain_volcark.emulator.ark.calls import ToolCall
from langchain_volcark.emulator.ark.ids import call_id
from langchain_volcark.emulator.qianfan.errors import V1Error, V2Error, too_long
from langchain_volcark.emulator.qianfan.v1_wire import V1Answer
from langchain_volcark.emulator.qianfan.v2_wire import V2Answer
from langchain_volcark.emulator.sse import EventStream, event
from langchain_volcark.emulator.upstream.asking import question, switched
from langchain_volcark.emulator.upstream.errors import UpstreamError
from langchain_volcark.emulator.upstream.replies import Numbering, Total, Usage, counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_volcark.emulator.qianfan.v1_request import V1Request
    from langchain_volcark.emulator.qianfan.v2_request import V2Request
    from langchain_volcark.emulator.upstream.asking import Question
    from langchain_volcark.emulator.upstream.client import Upstream, UpstreamStream
    from langchain_volcark.emulator.upstream.replies import Piece

Json = dict[str, Any]

_V2_CODES = {
    "request": (400, "invalid_argument"),
    "key": (401, "invalid_model"),
    "model": (401, "invalid_model"),
    "limit": (429, "rpm_rate_limit_exceeded"),
    "busy": (429, "cluster_rate_limit_exceeded"),
    "broken": (500, "internal_error"),
}
_V1_CODES = {
    "context": 336103,
    "request": 336003,
    "key": 336004,
    "model": 336005,
    "limit": 336501,
    "busy": 336100,
    "broken": 336000,
}


def _v2_error(error: UpstreamError) -> V2Error:
    if error.kind == "context":
        return too_long()
    status, code = _V2_CODES[error.kind]
    return V2Error(status, code, error.message, error.headers)


def _v1_error(error: UpstreamError) -> V1Error:
    return V1Error(_V1_CODES[error.kind], error.message, error.headers)


async def v2_chat(upstream: Upstream, request: V2Request, reply_id: str) -> Response:
    """Answer a V2 request.

    Raises:
        V2Error: The upstream server failed.
    """
    asked = question(request.chat.messages, _v2_fields(request.body), thinks=switched(request.body))
    answer = _V2Relay(request, reply_id)
    try:
        if request.chat.stream:
            stream = await upstream.stream(asked, request.model.id)
            return EventStream(answer.relayed(stream), close=stream.aclose)
        answer.take(*await _whole(upstream, asked, request.model.id, answer.prompt_tokens()))
    except UpstreamError as error:
        raise _v2_error(error) from None
    return JSONResponse(answer.whole())


def _v2_fields(body: Json) -> Json:
    if body.get("penalty_score") is None:
        return body
    return {**body, "repetition_penalty": body["penalty_score"]}


async def v1_chat(upstream: Upstream, request: V1Request, reply_id: str) -> Response:
    """Answer a V1 request.

    Raises:
        V1Error: The upstream server failed.
    """
    body = {**request.body, **request.chat.body, "user": request.body.get("user_id")}
    if request.body.get("penalty_score") is not None:
        body["repetition_penalty"] = request.body["penalty_score"]
    asked = question(request.chat.messages, body)
    answer = _V1Relay(request, reply_id)
    try:
        if request.body.get("stream"):
            stream = await upstream.stream(asked, request.endpoint)
            media_type = "text/event-stream;charset=utf-8"
            return EventStream(answer.relayed(stream), media_type=media_type, close=stream.aclose)
        answer.take(*await _whole(upstream, asked, request.endpoint, answer.prompt_tokens()))
    except UpstreamError as error:
        raise _v1_error(error) from None
    return JSONResponse(answer.whole(), headers={"Content-Type": "application/json;charset=utf-8"})


async def v2_embeddings(upstream: Upstream, body: Json, reply_id: str) -> Json:
    """Build the reply to a valid embedding request.

    Raises:
        V2Error: The upstream server failed.
    """
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    try:
        vectors, used = await upstream.embed(texts, body["model"])
    except UpstreamError as error:
        raise _v2_error(error) from None
    return {
        "id": reply_id,
        "object": "embedding_list",
        "created": int(time.time()),
        "model": body["model"],
        "data": [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


async def _whole(upstream: Upstream, asked: Question, model: str, prompt: int) -> tuple[Total, Usage]:
    received = await upstream.ask(asked, model)
    total = Total()
    for piece in received.pieces[:1]:
        total.add(piece)
    return total, counted(received.usage, prompt, [total])


def _reply(total: Total) -> Reply:
    calls = [ToolCall(call.id or call_id(), call.name or "", call.arguments) for call in total.calls.values()]
    reason = total.finish_reason or "stop"
    return Reply(
        total.reasoning, None, total.content, calls, "tool_calls" if calls and reason == "stop" else reason
    )


def _usage(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }


class _Relay:
    """Answer of the upstream server: what V1 and V2 have in common."""

    _counted: Usage | None = None
    _reply: Reply

    def _compose(self) -> Reply:
        return _reply(Total())

    def take(self, total: Total, usage: Usage) -> None:
        """Return the complete answer."""
        self._reply = _reply(total)
        self._counted = usage


class _V2Relay(_Relay, V2Answer):
    """V2 reply with the answer of the upstream server."""

    def _usage(self) -> Json:
        usage = self._counted
        if usage is None:
            return super()._usage()
        counts = _usage(usage)
        if usage.reasoning:
            counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
        if usage.cached:
            counts["prompt_tokens_details"] = {"cached_tokens": usage.cached}
        return counts

    async def relayed(self, stream: UpstreamStream) -> AsyncIterator[bytes]:
        """Yield the events of a stream as they arrive."""
        total, usage, numbering, first = Total(), None, Numbering(), True
        for opening in self._opening():
            yield opening
        try:
            async for received in stream:
                usage = received.usage or usage
                for piece in received.pieces:
                    total.add(piece)
                    for delta in _v2_deltas(piece, numbering):
                        yield self._event(delta, first=first)
                        first = False
        except UpstreamError as error:
            yield event(_v2_error(error).payload(self._id))
            return
        self.take(total, counted(usage, self.prompt_tokens(), [total]))
        for closing in self._closing():
            yield closing


def _v2_deltas(piece: Piece, numbering: Numbering) -> Iterator[Json]:
    if piece.reasoning:
        yield {"content": None, "reasoning_content": piece.reasoning}
    if piece.content:
        yield {"content": piece.content}
    for call in piece.calls:
        number, opens = numbering.place(call)
        if opens:
            function = {"name": call.name or "", "arguments": ""}
            opening = {"index": number, "id": call.id or call_id(), "type": "function", "function": function}
            yield {"content": None, "tool_calls": [opening]}
        if call.arguments:
            yield {"tool_calls": [{"index": number, "function": {"arguments": call.arguments}}]}


class _V1Relay(_Relay, V1Answer):
    """V1 reply with the answer of the upstream server."""

    def _usage(self) -> Json:
        return super()._usage() if self._counted is None else _usage(self._counted)

    async def relayed(self, stream: UpstreamStream) -> AsyncIterator[bytes]:
        """Yield the events of a stream; each text is delayed by one, because the last event has a mark."""
        total, usage, number = Total(), None, 0
        held = "" if self._preset else " "
        try:
            async for received in stream:
                usage = received.usage or usage
                for piece in received.pieces:
                    total.add(piece)
                    if piece.content and held.strip():
                        yield self._event(number, held, last=False)
                        number, held = number + 1, ""
                    held += piece.content
        except UpstreamError as error:
            yield event(_v1_error(error).payload(self._id))
            return
        self.take(total, counted(usage, self.prompt_tokens(), [total]))
        yield self._event(number, held if total.content else "", last=True)
