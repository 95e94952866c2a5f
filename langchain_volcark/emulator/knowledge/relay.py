"""Replies in the knowledge base's format with the answer of the upstream server.

https://www.volcengine.com/docs/84313/1350013, https://www.volcengine.com/docs/84313/1544072.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.knowledge import chat
from langchain_volcark.emulator.knowledge.errors import KnowledgeError, envelope
from langchain_volcark.emulator.sse import DONE, EventStream
from langchain_volcark.emulator.upstream.asking import question, switched
from langchain_volcark.emulator.upstream.errors import UpstreamError
from langchain_volcark.emulator.upstream.replies import Total, Usage, counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langchain_volcark.emulator.upstream.client import Upstream, UpstreamStream

Json = dict[str, Any]

_CODES = {
    "context": (400, 1000003),
    "request": (400, 1000003),
    "key": (403, 1000002),
    "model": (400, 1000003),
    "limit": (429, 1000029),
    "busy": (429, 1000029),
    "broken": (500, 1000030),
}


@dataclass(frozen=True)
class _UpstreamAnswer(chat.Answer):
    """Answer of the upstream server, with its token counts."""

    counted: Usage | None = None

    @property
    def usage(self) -> Json:
        """Return the usage in the service's format."""
        if self.counted is None:
            return super().usage
        return {
            "prompt_tokens": self.counted.prompt,
            "completion_tokens": self.counted.completion,
            "total_tokens": self.counted.prompt + self.counted.completion,
            "prompt_tokens_details": {"cached_tokens": self.counted.cached},
            "completion_tokens_details": {"reasoning_tokens": self.counted.reasoning or 0},
        }


def _answer(total: Total, usage: Usage) -> _UpstreamAnswer:
    return _UpstreamAnswer(total.content, total.reasoning, usage.prompt, usage.cached, counted=usage)


def _error(error: UpstreamError) -> KnowledgeError:
    status, code = _CODES[error.kind]
    return KnowledgeError(code, error.message, status, error.headers)


async def chat_reply(upstream: Upstream, body: Json, prompt: int, request_id: str) -> Response:
    """Answer a valid chat request.

    Args:
        upstream: The upstream server.
        body: The request.
        prompt: Prompt tokens counted by the emulator.
        request_id: The request id.

    Raises:
        KnowledgeError: The upstream server failed.
    """
    asked = question(body["messages"], body, thinks=switched(body))
    try:
        if body.get("stream"):
            stream = await upstream.stream(asked, body["model"])
            return EventStream(_chat_events(stream, body, prompt, request_id), close=stream.aclose)
        answer = await _ask(upstream, asked.fields["messages"], body, prompt)
    except UpstreamError as error:
        raise _error(error) from None
    return JSONResponse(envelope(request_id, chat.reply(answer, body)))


async def packaged_reply(upstream: Upstream, body: Json, data: Json, request_id: str, *, stream: bool) -> Response:
    """Answer for a packaged service, from its search results.

    Args:
        upstream: The upstream server.
        body: The request.
        data: `data` of the emulator's own reply; only the answer in it is replaced.
        request_id: The request id.
        stream: Whether the reply is a stream.

    Raises:
        KnowledgeError: The upstream server failed.
    """
    material = f"Answer from this material.\n<context>\n{data['prompt']}\n</context>"
    messages = [{"role": "system", "content": material}, *body["messages"]]
    prompt = data["token_usage"]["llm_token_usage"]["prompt_tokens"]
    try:
        if stream:
            coming = await upstream.stream(question(messages, {}), body["service_resource_id"])
            return EventStream(_packaged_events(coming, data, prompt, request_id), close=coming.aclose)
        answer = await _ask(upstream, messages, {"model": body["service_resource_id"]}, prompt)
    except UpstreamError as error:
        raise _error(error) from None
    usage = {**data["token_usage"], "llm_token_usage": answer.usage}
    fields = {
        "generated_answer": answer.text,
        "reasoning_content": answer.reasoning,
        "token_usage": usage,
        "end": True,
    }
    return JSONResponse(envelope(request_id, {**data, **fields}))


async def _ask(upstream: Upstream, messages: list[Json], body: Json, prompt: int) -> _UpstreamAnswer:
    answer = await upstream.ask(question(messages, body, thinks=switched(body)), body["model"])
    total = Total()
    for piece in answer.pieces[:1]:
        total.add(piece)
    return _answer(total, counted(answer.usage, prompt, [total]))


async def _deltas(
    stream: UpstreamStream, prompt: int, request_id: str, ends: list[_UpstreamAnswer]
) -> AsyncIterator[bytes]:
    """Yield the events with text; when complete, append the whole answer to `ends`."""
    total, usage = Total(), None
    try:
        async for answer in stream:
            usage = answer.usage or usage
            for piece in answer.pieces:
                total.add(piece)
                if piece.reasoning:
                    yield chat.event(request_id, {"generated_answer": "", "reasoning_content": piece.reasoning})
                if piece.content:
                    yield chat.event(request_id, {"generated_answer": piece.content})
    except UpstreamError as error:
        yield chat.event(request_id, None, _error(error))
        return
    ends.append(_answer(total, counted(usage, prompt, [total])))


async def _chat_events(stream: UpstreamStream, body: Json, prompt: int, request_id: str) -> AsyncIterator[bytes]:
    ends: list[_UpstreamAnswer] = []
    async for one in _deltas(stream, prompt, request_id, ends):
        yield one
    for answer in ends:
        usage = chat.reply(answer, body)["usage"]
        yield chat.event(request_id, {"generated_answer": "", "usage": usage, "end": True})
        yield DONE


async def _packaged_events(
    stream: UpstreamStream, data: Json, prompt: int, request_id: str
) -> AsyncIterator[bytes]:
    yield chat.event(request_id, {name: data[name] for name in ("count", "rewrite_query", "result_list")})
    ends: list[_UpstreamAnswer] = []
    async for one in _deltas(stream, prompt, request_id, ends):
        yield one
    for answer in ends:
        usage = {**data["token_usage"], "llm_token_usage": answer.usage}
        yield chat.event(request_id, {"token_usage": usage, "end": True})
