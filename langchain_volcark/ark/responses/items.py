"""LangChain messages as input items of the Responses API.

Follows https://www.volcengine.com/docs/82379/1569618 (Responses API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_volcark.ark.messages import ArkMessageWriter
from langchain_volcark.ark.responses.parts import media_part, text_part
from langchain_volcark.ark.responses.replay import (
    assistant_message,
    items_of,
    reasoning_item,
    reasoning_of_block,
    sent_back,
)
from langchain_volcark.wires.chat_completions.content import extras_of
from langchain_volcark.wires.chat_completions.messages import assistant_texts

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from langchain_volcark.ark.responses.replay import Item
    from langchain_volcark.wires.chat_completions.content import Block, Media

REQUESTED_MODEL = "requested_model"
"""Field of `response_metadata`: the model as the call named it; `model_name` is what the service made of that."""
# Answers of the user that are items of their own.
_ANSWERS = frozenset({"mcp_approval_response", "tool_search_output"})


class ItemWriter(ArkMessageWriter):
    """Writes a conversation as input items; each with the position of its message."""

    # What the chat API encrypted is not known to be read by this one.
    reasoning_fields = ("reasoning_content",)

    def _write_one(self, message: BaseMessage, answered: set[str]) -> list[Item]:
        if isinstance(message, AIMessage):
            return self._replayed(message, answered) or self._said(message, answered)
        lifted, rest = _lift_answers(message)
        if rest is None:
            return lifted
        written = super()._write_one(rest, answered)
        if isinstance(message, ToolMessage):
            return [_as_result(one) for one in written]
        role = "developer" if _is_developer(message) else None
        return [
            *lifted,
            *(_as_result(one) if one["role"] == "tool" else _as_message(one, role) for one in written),
        ]

    def media(self, media: Media) -> Mapping[str, Any]:
        """Write an image, a video, a sound or a file as a content part.

        Raises:
            ValueError: Ark cannot access it.
        """
        return media_part(media)

    def _is_author(self, message: AIMessage) -> bool:
        """Whether the called model wrote a message; compares the requested name, if the message has it."""
        metadata = message.response_metadata
        return (metadata.get(REQUESTED_MODEL) or metadata.get("model_name")) == self._model

    def _part(self, block: str | Block) -> Item | None:
        part = text_part(block) if isinstance(block, Mapping) else None
        part = part or super()._part(block)
        if part is None or part["type"] != "text":
            return _known(part)
        return {"type": "input_text", "text": part["text"]}

    def _replayed(self, message: AIMessage, answered: set[str]) -> list[Item]:
        """A message of this package as the items of its reply; empty where they do not fit the message."""
        if message.response_metadata.get("model_provider") != self._provider:
            return []
        items = items_of(message)
        if items is None:
            return []
        calls = [item for item in items if item.get("type") == "function_call"]
        broken = {str(call["id"]) for call in message.invalid_tool_calls}
        return sent_back(
            items,
            reasoning=self._sends_reasoning(message, calls),
            encrypted=self._is_author(message),
            left_out=broken - answered,
        )

    def _said(self, message: AIMessage, answered: set[str]) -> list[Item]:
        """A message of any origin: its reasoning, its text, its tool calls."""
        items: list[Item] = []
        for written in super()._write_one(message, answered):
            calls = written.get("tool_calls", [])
            if self._sends_reasoning(message, calls):
                items += self._reasonings(message)
            if texts := assistant_texts(message):
                items.append(assistant_message(texts))
            items += map(_as_call, calls)
        return items

    def _reasonings(self, message: AIMessage) -> list[Item]:
        """The reasoning of a message: block by block where it has blocks of this API, else as one text."""
        content = message.content if isinstance(message.content, list) else ()
        blocks = [one for one in content if isinstance(one, dict) and one.get("type") == "reasoning"]
        if any(extras_of(block).get("item_id") for block in blocks):
            encrypted = self._is_author(message)
            written = (reasoning_of_block(block, encrypted=encrypted) for block in blocks)
            return [item for item in written if item is not None]
        text = self.reasoning_of(message).get("reasoning_content")
        return [reasoning_item([text])] if text else []


def _known(part: Item | None) -> Item | None:
    if part is not None and not str(part["type"]).startswith("input_"):
        raise ValueError(f"the Responses API knows no content of the type {part['type']!r}.")
    return part


def _is_developer(message: BaseMessage) -> bool:
    if isinstance(message, ChatMessage):
        return message.role == "developer"
    kwargs = message.additional_kwargs
    named = kwargs.get("role") or kwargs.get("__openai_role__")
    return isinstance(message, SystemMessage) and named == "developer"


def _lift_answers(message: BaseMessage) -> tuple[list[Item], BaseMessage | None]:
    """The items that stand in a user's message, and the message without them; None where nothing is left."""
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return [], message
    lifted: list[Item] = []
    rest: list[Any] = []
    for part in message.content:
        value = part.get("value") if isinstance(part, dict) and part.get("type") == "non_standard" else part
        if isinstance(value, dict) and value.get("type") in _ANSWERS:
            lifted.append({key: one for key, one in value.items() if one is not None and key != "index"})
        else:
            rest.append(part)
    if not lifted:
        return [], message
    return lifted, message.model_copy(update={"content": rest}) if rest else None


def _as_message(written: Item, role: str | None) -> Item:
    content = written["content"]
    if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        content = content[0]["text"]
    return {"type": "message", "role": role or written["role"], "content": content}


def _as_result(written: Item) -> Item:
    content = written["content"]
    if isinstance(content, list):
        content = [{**part, "type": "input_text"} if part["type"] == "text" else part for part in content]
    return {"type": "function_call_output", "call_id": written["tool_call_id"], "output": content}


def _as_call(call: Mapping[str, Any]) -> Item:
    return {"type": "function_call", "call_id": call["id"], **call["function"]}
