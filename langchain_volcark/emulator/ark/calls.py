"""Chooses the tools that an answer calls, and their arguments."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.ids import call_id
from langchain_volcark.emulator.ark.wording import last_user_text
from langchain_volcark.emulator.hints import Hints
from langchain_volcark.emulator.schema import fill

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.request import ChatRequest

Tool = dict[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """A tool call; `arguments` is JSON, unless a limit cut it."""

    id: str
    name: str
    arguments: str


def plan_calls(chat: ChatRequest, material: str = "") -> list[ToolCall]:
    """Choose the tool calls of an answer; empty if it is a text.

    A forced function is called. Otherwise, after a user message, the tools it names are called (all of them, or
    only the first if `parallel_tool_calls` is false); if it names none, the one whose name shares most words with
    it, else the first. After tool results, the named tools that have not been called are next; if there are none,
    the answer is
    a text, unless the choice is `required`: then a tool that has not been called, else the first.

    Args:
        chat: The request.
        material: What the documents of the conversation say about it.
    """
    if not chat.tools or chat.tool_choice == "none" or chat.prefill is not None:
        return []
    prompt = last_user_text(chat.messages)
    return [_call(tool, prompt, chat.tools, material) for tool in _chosen(chat, prompt)]


def _chosen(chat: ChatRequest, prompt: str) -> list[Tool]:
    choice = chat.tool_choice
    if isinstance(choice, dict):
        return [tool for tool in chat.tools if tool["name"] == choice["function"]["name"]]
    done = _called_since_user(chat.messages)
    named = sorted(
        (tool for tool in chat.tools if _position(tool, prompt) is not None and tool["name"] not in done),
        key=lambda tool: _position(tool, prompt) or 0,
    )
    parallel = chat.body.get("parallel_tool_calls", True) or not chat.model.honours_parallel_switch
    if named:
        return named if parallel else named[:1]
    if chat.messages[-1]["role"] != "tool":
        return [max(chat.tools, key=lambda tool: shared_words(tool, prompt))]
    if choice == "required":
        return [next((tool for tool in chat.tools if tool["name"] not in done), chat.tools[0])]
    return []


def _call(tool: Tool, prompt: str, tools: list[Tool], material: str) -> ToolCall:
    hints = Hints(prompt, _near(tool, prompt, tools), material)
    arguments = fill(tool.get("parameters") or {"type": "object"}, hints)
    return ToolCall(call_id(), tool["name"], json.dumps(arguments, ensure_ascii=False))


def _called_since_user(messages: list[dict[str, Any]]) -> set[str]:
    called: set[str] = set()
    for message in reversed(messages):
        if message["role"] == "user":
            break
        called |= {call["function"]["name"] for call in message.get("tool_calls", ())}
    return called


def _position(tool: Tool, prompt: str) -> int | None:
    """Return the position of the tool's name in the prompt."""
    found = re.search(rf"(?<![A-Za-z0-9_-]){re.escape(tool['name'])}(?![A-Za-z0-9_-])", prompt, re.IGNORECASE)
    return found.end() if found else None


def _near(tool: Tool, prompt: str, tools: list[Tool]) -> str | None:
    """Return the text between this tool's name and the next one, which most likely contains the arguments."""
    start = _position(tool, prompt)
    if start is None:
        return None
    others = [end - len(one["name"]) for one in tools if (end := _position(one, prompt)) and end > start]
    return prompt[start : min(others, default=len(prompt))]


def is_named(tool: Tool, prompt: str) -> bool:
    """Whether a prompt names a tool."""
    return _position(tool, prompt) is not None


def shared_words(tool: Tool, prompt: str) -> int:
    """Count the words that a tool's name and a prompt share."""
    words = set(re.findall(r"[a-z0-9]+", prompt.lower()))
    return len(words & set(re.findall(r"[a-z0-9]+", tool["name"].lower())))
