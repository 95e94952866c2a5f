"""Generates the answer to a chat request: reasoning, text or tool calls, stop sequences and limits."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.calls import ToolCall, plan_calls
from langchain_volcark.emulator.ark.errors import ArkError
from langchain_volcark.emulator.ark.files.reading import documents_in
from langchain_volcark.emulator.ark.messages import text_of
from langchain_volcark.emulator.ark.wording import echo, last_user_text, reasoning, report
from langchain_volcark.emulator.grounding import Source, answer_from, beginning_of, found_in, sources_in
from langchain_volcark.emulator.hints import Hints
from langchain_volcark.emulator.schema import fill

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.request import ChatRequest

FILTER_OUTPUT = "EMULATOR_FILTER_OUTPUT"
REFUSE_OUTPUT = "EMULATOR_REFUSE_OUTPUT"

_MEDIA = {"image_url": "image", "video_url": "video", "input_audio": "audio", "file": "file"}
_KEY = re.compile(r"[A-Za-z_]\w{0,63}")


@dataclass(frozen=True)
class Reply:
    """One choice.

    Attributes:
        reasoning: The reasoning text, or empty.
        encrypted: The encrypted reasoning, for models that send it.
        content: The answer's text.
        calls: The tool calls.
        finish_reason: `stop`, `length`, `tool_calls` or `content_filter`.
        moderation: `moderation_hit_type`, if a filter matched.
        refused: The error that replaces the second half of the answer.
    """

    reasoning: str
    encrypted: str | None
    content: str
    calls: list[ToolCall]
    finish_reason: str
    moderation: str | None = None
    refused: ArkError | None = None

    @property
    def reasoning_tokens(self) -> int:
        """Return the tokens of the reasoning."""
        return tokens.count(self.reasoning)

    @property
    def completion_tokens(self) -> int:
        """Return all tokens, including reasoning."""
        called = sum(tokens.count(call.name) + tokens.count(call.arguments) for call in self.calls)
        return self.reasoning_tokens + tokens.count(self.content) + called


def compose(chat: ChatRequest, index: int, text: str | None = None) -> Reply:
    """Generate one choice by the rules in the docstring of `langchain_volcark.emulator`.

    Args:
        chat: The request.
        index: Index of the choice; texts after the first have their number.
        text: The answer if no tool is called; None for the default rules.
    """
    prompt = last_user_text(chat.messages)
    calls = plan_calls(chat, _about_documents(chat.messages, prompt, marks=False))
    content = "" if calls else text if text is not None else _answer(chat, prompt)
    if index and not calls:
        content += f" ({index + 1})"
    thought = ""
    if chat.thinking:
        effort = chat.body.get("reasoning_effort", chat.model.default_effort)
        thought = reasoning(prompt, effort, [call.name for call in calls])
    return _finish(chat, prompt, thought, content, calls)


def _finish(chat: ChatRequest, prompt: str, thought: str, content: str, calls: list[ToolCall]) -> Reply:
    """Apply stop sequences, limits and filters."""
    content = _stopped(content, chat.body.get("stop"))
    full = Reply(thought, None, content, calls, "tool_calls" if calls else "stop")
    if chat.total_limit is not None:
        thought = tokens.cut(thought, chat.total_limit)
    limits = [chat.answer_limit]
    if chat.total_limit is not None:
        limits.append(chat.total_limit - tokens.count(thought))
    limit = min(one for one in limits if one is not None)
    content, calls = _cut(content, calls, limit)
    reason = full.finish_reason
    if (thought, content, calls) != (full.reasoning, full.content, full.calls):
        reason = "length"
    moderation = refused = None
    if FILTER_OUTPUT in prompt:
        content, calls, reason = content[: len(content) // 2], [], "content_filter"
        # Only moderation of vision models returns the hit type.
        moderation = "severe_violation" if "image" in chat.model.inputs else None
    if REFUSE_OUTPUT in prompt:
        refused = ArkError(
            400,
            "OutputTextSensitiveContentDetected",
            "The request failed because the output text may contain sensitive information.",
        )
    encrypted = encrypt(thought) if thought and chat.model.encrypted else None
    return Reply(thought, encrypted, content, calls, reason, moderation, refused)


def _stopped(content: str, stop: str | list[str] | None) -> str:
    sequences = [stop] if isinstance(stop, str) else stop or []
    found = [content.find(one) for one in sequences if one and one in content]
    return content[: min(found)] if found else content


def _cut(content: str, calls: list[ToolCall], limit: int) -> tuple[str, list[ToolCall]]:
    """Cut text and calls at the limit, which may be inside the arguments of a call."""
    if not calls:
        return tokens.cut(content, limit), []
    kept = []
    for call in calls:
        limit -= tokens.count(call.name)
        if limit <= 0:
            break
        kept.append(ToolCall(call.id, call.name, tokens.cut(call.arguments, limit)))
        limit -= tokens.count(call.arguments)
    return content, kept


def encrypt(thought: str) -> str:
    """Return opaque data, the same for the same reasoning."""
    return base64.b64encode(b"v1\x01" + hashlib.sha512(thought.encode()).digest()).decode()


def _answer(chat: ChatRequest, prompt: str) -> str:
    wanted = chat.body.get("response_format", {})
    kind = wanted.get("type", "text")
    if kind == "json_schema" and chat.model.json_schema == "ignored":
        kind = "text"
    if chat.prefill is not None:
        return _continuation(chat.prefill, prompt, kind)
    if kind == "json_schema":
        return _dump(fill(wanted["json_schema"]["schema"], Hints(prompt)))
    if kind == "json_object":
        return _dump(_object(chat, prompt))
    if chat.messages[-1]["role"] == "tool":
        return "\n".join(filter(None, (report(chat.messages), _about_documents(_results(chat), prompt))))
    system = "\n".join(text_of(message) for message in chat.messages if message["role"] == "system")
    if sources := sources_in(system):
        return answer_from(prompt, sources)
    return _about_documents(chat.messages, prompt) or echo(prompt, _media(chat))


def _about_documents(messages: list[dict[str, Any]], prompt: str, *, marks: bool = True) -> str:
    """Return what the documents in messages say about the prompt, with or without their names as marks.

    If no sentence is similar to the prompt, it is the beginning of the documents that came with the last user
    message or after it; empty if there are none.
    """
    found = found_in(prompt, _sources(messages), marks=marks)
    if found is not None:
        return found
    last = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=0)
    return beginning_of(_sources(messages[last:]), marks=marks)


def _results(chat: ChatRequest) -> list[dict[str, Any]]:
    """Return the results of tools at the end of a conversation."""
    return list(takewhile(lambda message: message["role"] == "tool", reversed(chat.messages)))[::-1]


def _sources(messages: list[dict[str, Any]]) -> list[Source]:
    return [Source(name, text) for name, text in documents_in(messages)]


def _continuation(prefill: str, prompt: str, kind: str) -> str:
    """Return the continuation of a prefill; after an opening brace the rest of a JSON object."""
    if prefill.strip() == "{" or kind != "text":
        return f'"answer": {json.dumps(prompt, ensure_ascii=False)}}}'
    return f" … and so on, as you said: {prompt}"


def _object(chat: ChatRequest, prompt: str) -> Any:
    """Generate an object for `json_object`: from a schema in the prompt, else with the keys quoted there."""
    prompt_text = "\n".join(text_of(message) for message in chat.messages if message["role"] in ("system", "user"))
    schema = _schema_in(prompt_text)
    if schema is not None:
        return fill(schema, Hints(prompt))
    keys = [one for one in Hints(prompt_text).all_quotations() if _KEY.fullmatch(one)]
    return dict.fromkeys(keys or ["answer"], prompt)


def _schema_in(text: str) -> dict[str, Any] | None:
    """Find the last JSON object in a text that looks like a schema; instructions often begin with an example."""
    decoder = json.JSONDecoder()
    found = None
    position = text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            end = position + 1
        else:
            if isinstance(value.get("properties"), dict):
                found = value
        position = text.find("{", end)
    return found


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _media(chat: ChatRequest) -> dict[str, int]:
    """Count the media of the last user message that the model accepts; others are silently ignored."""
    counts = dict.fromkeys(_MEDIA.values(), 0)
    last: dict[str, Any] = next((one for one in reversed(chat.messages) if one["role"] == "user"), {})
    content = last.get("content")
    for part in content if isinstance(content, list) else ():
        kind = _MEDIA.get(part["type"])
        if kind is not None and (kind == "file" or kind in chat.model.inputs):
            counts[kind] += 1
    return counts
