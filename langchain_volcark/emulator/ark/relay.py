"""Chat and bot replies in Ark's wire format with the answer of the upstream server.

Chat API: https://www.volcengine.com/docs/82379/1494384. Bot API: https://www.volcengine.com/docs/82379/1526787.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.answer import encrypt
from langchain_volcark.emulator.ark.bot_wire import bot_chunk, relayed_completion
from langchain_volcark.emulator.ark.errors import ArkError, too_long
from langchain_volcark.emulator.ark.ids import call_id
from langchain_volcark.emulator.ark.usage import PromptCount
from langchain_volcark.emulator.ark.wire import choice_chunk, envelope_of, usage_of
from langchain_volcark.emulator.sse import BARE_DONE, DONE, EventStream, bare_event, event
from langchain_volcark.emulator.upstream.asking import question, switched
from langchain_volcark.emulator.upstream.errors import UpstreamError
from langchain_volcark.emulator.upstream.replies import Numbering, Total, Usage, counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from langchain_volcark.emulator.ark.bots import BotRequest
    from langchain_volcark.emulator.ark.request import ChatRequest
    from langchain_volcark.emulator.upstream.asking import Question
    from langchain_volcark.emulator.upstream.client import Upstream, UpstreamStream
    from langchain_volcark.emulator.upstream.replies import Piece

Json = dict[str, Any]

_CODES = {
    "request": (400, "InvalidParameter"),
    "key": (403, "AccessDenied"),
    "model": (404, "InvalidEndpointOrModel.NotFound"),
    "limit": (429, "RateLimitExceeded.EndpointRPMExceeded"),
    "busy": (429, "ServerOverloaded"),
    "broken": (500, "InternalServiceError"),
}


def ark_error(error: UpstreamError) -> ArkError:
    """Convert an upstream error to an error of Ark."""
    if error.kind == "context":
        return too_long()
    status, code = _CODES[error.kind]
    return ArkError(status, code, error.message, headers=error.headers)


async def chat(upstream: Upstream, request: ChatRequest, counts: PromptCount, request_id: str) -> Response:
    """Answer a chat request.

    Raises:
        ArkError: The upstream server failed.
    """
    asked = question(request.messages, request.body, thinks=switched(request.body))
    if request.stream:
        wire = _ChatWire(request, counts)
        return await _streamed(upstream, asked, request, wire, request_id)
    choices, usage = await _whole(upstream, asked, request, counts)
    return JSONResponse(
        {**envelope_of(request, "chat.completion"), "choices": choices, "usage": _usage_object(usage)}
    )


async def bot_chat(upstream: Upstream, bot: BotRequest, counts: PromptCount, request_id: str) -> Response:
    """Answer a bot request; the model receives the plugins' results.

    Raises:
        ArkError: The upstream server failed.
    """
    messages = [*_material(bot), *bot.chat.messages]
    asked = question(messages, bot.chat.body, thinks=switched(bot.chat.body))
    if bot.chat.stream:
        return await _streamed(upstream, asked, bot.chat, _BotWire(bot, counts), request_id)
    choices, usage = await _whole(upstream, asked, bot.chat, counts)
    return JSONResponse(relayed_completion(bot, choices, usage.prompt, usage.completion))


def _material(bot: BotRequest) -> list[Json]:
    """Build a system message with the plugins' results."""
    facts = [f"[{place}]\n{source.fact}" for place, source in enumerate(bot.sources, 1)]
    if not facts:
        return []
    text = "Answer from this material; mark what you take from it with its number, like [1].\n"
    blocks = "\n---\n".join(facts)
    return [{"role": "system", "content": f"{text}<context>\n{blocks}\n</context>"}]


async def _whole(
    upstream: Upstream, asked: Question, request: ChatRequest, counts: PromptCount
) -> tuple[list[Json], Usage]:
    try:
        received = await upstream.ask(asked, request.model.id)
    except UpstreamError as error:
        raise ark_error(error) from None
    totals = []
    choices = []
    for place, piece in enumerate(received.pieces):
        total = Total()
        total.add(piece)
        totals.append(total)
        choices.append(_choice(request, place, piece))
    return choices, counted(received.usage, counts.total, totals)


def _choice(request: ChatRequest, index: int, piece: Piece) -> Json:
    """Build a choice of a complete reply."""
    message: Json = {"role": "assistant", "content": piece.content}
    if piece.reasoning:
        message["reasoning_content"] = piece.reasoning
        if request.model.encrypted:
            message["encrypted_content"] = encrypt(piece.reasoning)
    if piece.calls:
        message["tool_calls"] = [
            {
                "id": call.id or call_id(),
                "type": "function",
                "function": {"name": call.name or "", "arguments": call.arguments},
            }
            for call in piece.calls
        ]
    reason = piece.finish_reason or "stop"
    # Ollama uses `stop` after tool calls too.
    reason = "tool_calls" if piece.calls and reason == "stop" else reason
    return {"index": index, "finish_reason": reason, "logprobs": piece.logprobs, "message": message}


def _usage_object(usage: Usage) -> Json:
    return usage_of(PromptCount(usage.prompt, usage.cached, 0), usage.completion, usage.reasoning or 0)


async def _streamed(
    upstream: Upstream, asked: Question, request: ChatRequest, wire: _ChatWire | _BotWire, request_id: str
) -> Response:
    try:
        stream = await upstream.stream(asked, request.model.id)
    except UpstreamError as error:
        raise ark_error(error) from None
    return EventStream(_events(stream, request, wire, request_id), close=stream.aclose)


async def _events(
    stream: UpstreamStream, request: ChatRequest, wire: _ChatWire | _BotWire, request_id: str
) -> AsyncIterator[bytes]:
    """Yield events in Ark's order: opening, choices, usage if requested, `[DONE]`; or an error in between."""
    choices: dict[int, _Choice] = defaultdict(lambda: _Choice(request))
    ends: list[Json] = []
    usage = None
    send = wire.event
    for opening in wire.opening():
        yield send(opening)
    try:
        async for received in stream:
            usage = received.usage or usage
            for piece in received.pieces:
                for choice in choices[piece.index].chunks(piece):
                    # The last chunks wait for the usage, which may be part of them.
                    if "finish_reason" in choice:
                        ends.append(choice)
                    else:
                        yield send(wire.chunk(choice, received.usage))
    except UpstreamError as error:
        yield send(ark_error(error).payload(request_id))
        return
    exact = counted(usage, wire.counts.total, [one.total for one in choices.values()])
    for choice in ends or [choices[0].end("stop")]:
        yield send(wire.chunk(choice, exact))
    for closing in wire.closing(exact):
        yield send(closing)
    yield wire.done


class _Choice:
    """One choice of a stream."""

    def __init__(self, request: ChatRequest) -> None:
        self.total = Total()
        self._encrypts = request.model.encrypted
        self._index = 0
        self._numbering = Numbering()
        self._called = False

    def chunks(self, piece: Piece) -> Iterator[Json]:
        """Yield the choices for the chunks of a piece."""
        self._index = piece.index
        self.total.add(piece)
        if piece.reasoning:
            yield self._chunk(reasoning_content=piece.reasoning)
        if self._encrypts and self.total.reasoning and (piece.content or piece.calls or piece.finish_reason):
            self._encrypts = False
            yield self._chunk(reasoning_content="", encrypted_content=encrypt(self.total.reasoning))
        if piece.content:
            chunk = self._chunk(content=piece.content)
            if piece.logprobs:
                chunk["logprobs"] = piece.logprobs
            yield chunk
        yield from self._calls(piece)
        if piece.finish_reason:
            yield self.end(piece.finish_reason)

    def end(self, reason: str) -> Json:
        """Return the choice for the last chunk."""
        return {**self._chunk(), "finish_reason": "tool_calls" if self._called and reason == "stop" else reason}

    def _calls(self, piece: Piece) -> Iterator[Json]:
        for call in piece.calls:
            self._called = True
            number, opens = self._numbering.place(call)
            if opens:
                function = {"name": call.name or "", "arguments": ""}
                opening = {"index": number, "id": call.id or call_id(), "type": "function", "function": function}
                yield self._chunk(tool_calls=[opening])
            if call.arguments:
                yield self._chunk(tool_calls=[{"index": number, "function": {"arguments": call.arguments}}])

    def _chunk(self, **delta: Any) -> Json:
        return choice_chunk(self._index, **delta)


class _ChatWire:
    """Builds events of chat streams around their choices."""

    done = DONE
    event = staticmethod(event)

    def __init__(self, request: ChatRequest, counts: PromptCount) -> None:
        self.counts = counts
        self._envelope = envelope_of(request, "chat.completion.chunk")
        options = request.body.get("stream_options", {})
        self._cumulative = bool(options.get("chunk_include_usage"))
        self._asked = bool(options.get("include_usage")) or request.model.usage_unasked

    def opening(self) -> list[Json]:
        """Yield the events before the choices."""
        return []

    def chunk(self, choice: Json, usage: Usage | None) -> Json:
        """Build an event with a choice, and with the usage so far if requested and known."""
        usage_so_far = _usage_object(usage) if self._cumulative and usage is not None else None
        return {**self._envelope, "choices": [choice], "usage": usage_so_far}

    def closing(self, usage: Usage) -> list[Json]:
        """Yield the events after the choices."""
        return [{**self._envelope, "choices": [], "usage": _usage_object(usage)}] if self._asked else []


class _BotWire:
    """Builds events of bot streams: references first, `bot_usage` at the end."""

    done = BARE_DONE
    event = staticmethod(bare_event)

    def __init__(self, bot: BotRequest, counts: PromptCount) -> None:
        self.counts = counts
        self._bot = bot
        self._chunk: Callable[..., Json] = bot_chunk(bot)
        self._asked = bool(bot.chat.body.get("stream_options", {}).get("include_usage"))

    def opening(self) -> list[Json]:
        references = [source.reference for source in self._bot.sources]
        return [self._chunk(choices=[], references=references)] if references else []

    def chunk(self, choice: Json, _usage: Usage | None) -> Json:
        return self._chunk(choices=[choice])

    def closing(self, usage: Usage) -> list[Json]:
        if not self._asked:
            return []
        return [self._chunk(choices=[], bot_usage=self._bot.counted(usage.prompt, usage.completion))]
