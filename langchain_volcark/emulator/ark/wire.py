"""Complete and streamed replies in Ark's wire format.

Chat API: https://www.volcengine.com/docs/82379/1494384.
"""

from __future__ import annotations

import time
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from zlib import crc32

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.ids import body_id
from langchain_volcark.emulator.sse import DONE, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_volcark.emulator.ark.answer import Reply
    from langchain_volcark.emulator.ark.calls import ToolCall
    from langchain_volcark.emulator.ark.request import ChatRequest
    from langchain_volcark.emulator.ark.usage import PromptCount

# Number of tokens per stream chunk.
_FRAGMENT = 2
_LEAST_LIKELY = -9.9

Json = dict[str, Any]


def chat_completion(chat: ChatRequest, replies: list[Reply], counts: PromptCount) -> Json:
    """Return the complete reply."""
    return {
        **envelope_of(chat, "chat.completion"),
        "choices": [choice_object(chat, index, reply) for index, reply in enumerate(replies)],
        "usage": _usage(counts, replies),
    }


def chat_events(chat: ChatRequest, replies: list[Reply], counts: PromptCount, request_id: str) -> Iterator[bytes]:
    """Yield the events of a stream; choices are interleaved."""
    envelope = envelope_of(chat, "chat.completion.chunk")
    options = chat.body.get("stream_options", {})
    cumulative = bool(options.get("chunk_include_usage"))
    spent = sent_reasoning = 0
    turns = zip_longest(*(ChoiceChunks(chat, index, reply).chunks() for index, reply in enumerate(replies)))
    for chunks in turns:
        for chunk in chunks:
            if chunk is None:
                continue
            choice, cost, reasoning_cost = chunk
            spent += cost
            sent_reasoning += reasoning_cost
            usage = usage_of(counts, spent, sent_reasoning) if cumulative else None
            yield event({**envelope, "choices": [choice], "usage": usage})
    refused = next((reply.refused for reply in replies if reply.refused), None)
    if refused is not None:
        yield event(refused.payload(request_id))
        return
    if options.get("include_usage") or chat.model.usage_unasked:
        yield event({**envelope, "choices": [], "usage": _usage(counts, replies)})
    yield DONE


def envelope_of(chat: ChatRequest, kind: str) -> Json:
    """Build the common fields of replies and stream events."""
    return {
        "id": body_id(),
        "object": kind,
        "created": int(time.time()),
        "model": chat.model.id,
        "service_tier": "fast" if chat.body.get("service_tier") == "fast" else "default",
    }


def _usage(counts: PromptCount, replies: list[Reply]) -> Json:
    return usage_of(
        counts,
        sum(reply.completion_tokens for reply in replies),
        sum(reply.reasoning_tokens for reply in replies),
    )


def usage_of(counts: PromptCount, completion: int, reasoning: int) -> Json:
    """Build `usage` from the token counts: prompt, completion, and reasoning as part of completion."""
    details = {"cached_tokens": counts.cached}
    if counts.audio:
        details["audio_tokens"] = counts.audio
    return {
        "prompt_tokens": counts.total,
        "completion_tokens": completion,
        "total_tokens": counts.total + completion,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def choice_object(chat: ChatRequest, index: int, reply: Reply) -> Json:
    """Build a choice of a complete reply."""
    message: Json = {"role": "assistant", "content": reply.content}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.encrypted:
        message["encrypted_content"] = reply.encrypted
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    choice: Json = {
        "index": index,
        "finish_reason": reply.finish_reason,
        "logprobs": _logprobs(chat, tokens.split(reply.content)),
        "message": message,
    }
    if reply.moderation:
        choice["moderation_hit_type"] = reply.moderation
    return choice


def _call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _logprobs(chat: ChatRequest, pieces: list[str]) -> Json | None:
    """Return fictitious but stable log probabilities, if requested."""
    if not chat.body.get("logprobs"):
        return None
    return {"content": [_logprob(piece, chat.body.get("top_logprobs", 0)) for piece in pieces]}


def _logprob(piece: str, alternatives: int) -> Json:
    chosen = {
        "token": piece,
        "bytes": list(piece.encode()),
        "logprob": -(crc32(piece.encode()) % 1000) / 1000,
    }
    others = [
        {"token": f"~{number}", "bytes": list(f"~{number}".encode()), "logprob": _LEAST_LIKELY - number}
        for number in range(1, alternatives)
    ]
    return {**chosen, "top_logprobs": [chosen, *others] if alternatives else []}


class ChoiceChunks:
    """Splits a choice into chunks: `(choice, tokens, reasoning tokens among them)`."""

    def __init__(self, chat: ChatRequest, index: int, reply: Reply) -> None:
        self._chat = chat
        self._index = index
        self._reply = reply

    def chunks(self) -> Iterator[tuple[Json, int, int]]:
        """Yield the chunks in order; the last has the finish reason."""
        reply = self._reply
        for pieces in _fragments(reply.reasoning):
            yield self._chunk(reasoning_content="".join(pieces)), len(pieces), len(pieces)
        if reply.encrypted:
            yield self._chunk(reasoning_content="", encrypted_content=reply.encrypted), 0, 0
        fragments = list(_fragments(reply.content))
        if reply.refused:
            fragments = fragments[: len(fragments) // 2]
        for pieces in fragments:
            chunk = self._chunk(content="".join(pieces))
            if self._chat.body.get("logprobs"):
                chunk["logprobs"] = _logprobs(self._chat, pieces)
            yield chunk, len(pieces), 0
        if reply.refused:
            return
        end = self._chunk()
        if reply.calls and self._chat.model.streams_whole_calls:
            end = self._chunk(
                tool_calls=[{"index": place, **_call(call)} for place, call in enumerate(reply.calls)]
            )
        else:
            for position, call in enumerate(reply.calls):
                yield from self._call(position, call)
        end["finish_reason"] = reply.finish_reason
        if reply.moderation:
            end["moderation_hit_type"] = reply.moderation
        yield end, 0, 0

    def _call(self, position: int, call: ToolCall) -> Iterator[tuple[Json, int, int]]:
        function = {"name": call.name, "arguments": ""}
        opening = {"index": position, "id": call.id, "type": "function", "function": function}
        yield self._chunk(tool_calls=[opening]), tokens.count(call.name), 0
        for pieces in _fragments(call.arguments):
            fragment = {"index": position, "function": {"arguments": "".join(pieces)}}
            yield self._chunk(tool_calls=[fragment]), len(pieces), 0

    def _chunk(self, **delta: Any) -> Json:
        return choice_chunk(self._index, **delta)


def choice_chunk(index: int, **delta: Any) -> Json:
    """Build a choice of a stream event."""
    # Every delta has the role; only the last has a finish_reason.
    return {"index": index, "delta": {"role": "assistant", "content": "", **delta}}


def _fragments(text: str) -> Iterator[list[str]]:
    pieces = tokens.split(text)
    for start in range(0, len(pieces), _FRAGMENT):
        yield pieces[start : start + _FRAGMENT]
