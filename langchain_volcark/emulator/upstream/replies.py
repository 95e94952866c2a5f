"""Reads replies of the upstream server: pieces of choices, and usage.

A complete reply is read like a stream event, with `message` instead of `delta`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.upstream.errors import UpstreamError, error_in

if TYPE_CHECKING:
    from collections.abc import Iterable

_REASONS = {"length": "length", "tool_calls": "tool_calls", "function_call": "tool_calls"}
_KEPT = frozenset({"stop", "content_filter"})


@dataclass(frozen=True)
class CallPiece:
    """A tool call or a fragment of one.

    Attributes:
        index: Number of the call in its message.
        id: Its id, in the first fragment.
        name: Its function, in the first fragment.
        arguments: JSON, or a part of it.
    """

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True)
class Piece:
    """New content of one choice, with `finish_reason` at its end."""

    index: int = 0
    reasoning: str = ""
    content: str = ""
    calls: tuple[CallPiece, ...] = ()
    finish_reason: str | None = None
    logprobs: Any = None


@dataclass(frozen=True)
class Usage:
    """Token counts of the server; `reasoning` is None if unknown."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int | None = None


@dataclass(frozen=True)
class UpstreamReply:
    """One reply or event: pieces of choices, and usage if present."""

    pieces: list[Piece]
    usage: Usage | None


def read(payload: Any, word: str) -> UpstreamReply:
    """Read one reply or one event.

    Args:
        payload: The parsed JSON.
        word: Key of the content in a choice: `message` in a complete reply, `delta` in an event.

    Raises:
        UpstreamError: It is an error, or not in the format of this API.
    """
    if (error := error_in(payload)) is not None:
        raise error
    choices = payload.get("choices") if isinstance(payload, dict) else None
    if not isinstance(choices, list) or not all(isinstance(one, dict) for one in choices):
        raise UpstreamError("broken", "The upstream server's reply is not in the form of OpenAI's chat API")
    return UpstreamReply([_piece(choice, word) for choice in choices], _usage(payload.get("usage")))


def _piece(choice: dict[str, Any], word: str) -> Piece:
    message = _object(choice.get(word))
    reason = choice.get("finish_reason")
    calls = message.get("tool_calls")
    return Piece(
        index=_number(choice.get("index")) or 0,
        # llama.cpp and older vLLM use the first name, Ollama and newer vLLM the second.
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
        content=_text(message.get("content")),
        calls=tuple(_call(_object(call), place) for place, call in enumerate(calls))
        if isinstance(calls, list)
        else (),
        finish_reason=_reason(reason) if isinstance(reason, str) else None,
        logprobs=choice.get("logprobs"),
    )


def _reason(reason: str) -> str:
    return _REASONS.get(reason, reason if reason in _KEPT else "stop")


def _call(call: dict[str, Any], place: int) -> CallPiece:
    function = _object(call.get("function"))
    index = _number(call.get("index"))
    return CallPiece(
        index=place if index is None else index,
        id=_text(call.get("id")) or None,
        name=_text(function.get("name")) or None,
        arguments=_text(function.get("arguments")),
    )


def _usage(value: Any) -> Usage | None:
    usage = _object(value)
    prompt, completion = _number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    cached = _number(_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
    reasoning = _number(_object(usage.get("completion_tokens_details")).get("reasoning_tokens"))
    return Usage(prompt, completion, cached or 0, reasoning)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass
class Total:
    """A choice assembled from its pieces."""

    reasoning: str = ""
    content: str = ""
    calls: dict[int, CallPiece] = field(default_factory=dict)
    finish_reason: str | None = None

    def add(self, piece: Piece) -> None:
        """Add a piece."""
        self.reasoning += piece.reasoning
        self.content += piece.content
        self.finish_reason = piece.finish_reason or self.finish_reason
        for new in piece.calls:
            old = self.calls.get(new.index)
            self.calls[new.index] = new if old is None else replace(old, arguments=old.arguments + new.arguments)


def counted(usage: Usage | None, prompt: int, totals: Iterable[Total]) -> Usage:
    """Return the usage; missing counts are computed with the emulator's tokenizer.

    Args:
        usage: The server's usage.
        prompt: The prompt's tokens by the emulator's count.
        totals: The choices.
    """
    totals = list(totals)
    thought = sum(tokens.count(one.reasoning) for one in totals)
    if usage is None:
        called = "".join(f"{call.name}{call.arguments}" for one in totals for call in one.calls.values())
        answer = sum(tokens.count(one.content) for one in totals) + tokens.count(called)
        return Usage(prompt, thought + answer, 0, thought)
    if usage.reasoning is None:
        return replace(usage, reasoning=min(thought, usage.completion))
    return usage


class Numbering:
    """Numbers the tool calls of a choice: some servers repeat an index or a name."""

    def __init__(self) -> None:
        self._number: dict[int, int] = {}
        self._id: dict[int, str | None] = {}

    def place(self, call: CallPiece) -> tuple[int, bool]:
        """Return the call of a fragment, and whether the fragment begins it."""
        known = self._number.get(call.index)
        if known is not None and (call.id is None or call.id == self._id[call.index]):
            return known, False
        number = len(set(self._number.values())) if known is None else max(self._number.values()) + 1
        self._number[call.index], self._id[call.index] = number, call.id
        return number, True


class Unprefixed:
    """Removes a prefill that the server repeats at the beginning of its answer, as llama.cpp does."""

    def __init__(self, prefix: str | None) -> None:
        self._left = prefix or ""
        self._held = ""

    def add(self, text: str, *, last: bool) -> str:
        """Return the text to send now; text that may be the repeated prefill is held back."""
        if not self._left:
            return text
        self._held += text
        if self._held.startswith(self._left):
            text, self._left = self._held[len(self._left) :], ""
            return text
        if self._left.startswith(self._held) and not last:
            return ""
        text, self._left, self._held = self._held, "", ""
        return text
