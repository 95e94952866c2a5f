"""Texts of the emulated answers."""

from __future__ import annotations

import re
from typing import Any

from langchain_volcark.emulator.ark.messages import text_of

_MAX_ECHO = 400
_MAX_COUNT = 10_000
_CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_COUNT = re.compile(r"(?:count to|数到)\s*(\d{1,9})(?!\d)", re.IGNORECASE)
_SENTENCES = {"none": 1, "minimal": 1, "low": 1, "medium": 2, "high": 3, "xhigh": 3, "max": 3}


def last_user_text(messages: list[dict[str, Any]]) -> str:
    """Return the text of the last user message, or of the last message if there is none."""
    for message in reversed(messages):
        if message["role"] == "user":
            return text_of(message)
    return text_of(messages[-1])


def echo(text: str, media: dict[str, int]) -> str:
    """Return an answer that repeats the message, or counts if requested.

    Args:
        text: The message.
        media: Number of images, videos, audio and other files in it, by type.
    """
    asked = _COUNT.search(text)
    if asked:
        return " ".join(str(number) for number in range(1, min(int(asked[1]), _MAX_COUNT) + 1))
    quoted = " ".join(text.split())[:_MAX_ECHO]
    answer = ("你说：" if _CJK.search(quoted) else "You said: ") + (quoted or "nothing")
    seen = [f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in media.items() if number]
    return f"{answer} (with {', '.join(seen)})" if seen else answer


def reasoning(text: str, effort: str, calls: list[str]) -> str:
    """Return the reasoning: one to three sentences, depending on the effort.

    Args:
        text: The message.
        effort: The reasoning effort.
        calls: The names of the tools that will be called.
    """
    quoted = " ".join(text.split())[:80]
    plan = f"I will call {' and '.join(calls)}." if calls else "I will answer by the rules of the emulator."
    sentences = [f"The user says: {quoted}", plan, "I checked this twice and it still holds."]
    return " ".join(sentences[: _SENTENCES[effort]])


def report(messages: list[dict[str, Any]]) -> str:
    """Return an answer with the tool results at the end of the conversation."""
    names = {
        call["id"]: call["function"]["name"] for message in messages for call in message.get("tool_calls", ())
    }
    results: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, f"{names[message['tool_call_id']]} returned {text_of(message) or 'no text'}")
    return "The tools answered: " + "; ".join(results)
