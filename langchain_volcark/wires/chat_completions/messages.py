"""Converts LangChain messages to chat-completions JSON.

A history may contain messages of other models: what the service does not accept is converted or left out, so that
the model can be changed in the middle of a conversation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_volcark.wires.chat_completions.call_ids import with_distinct_ids
from langchain_volcark.wires.chat_completions.content import Block, Media, as_json_text, extras_of, read_block
from langchain_volcark.wires.chat_completions.media_types import size_of_base64, sniff_base64
from langchain_volcark.wires.chat_completions.tool_results import describe, read_tool_result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ReasoningPassback = Literal["always", "tool_turns", "never"]

JSONMessage = dict[str, Any]

# Services refuse an empty name; a call without a name is sent only where the history contains its result.
_UNNAMED = "unknown"


class MessageWriter:
    """Converts a conversation; a service with other content parts overrides `media`.

    Args:
        provider: Our `model_provider`; reasoning of another provider's models is not sent.
        service: The service's name in error texts.
        reasoning: Which assistant messages include their reasoning.
        profile: The model's profile in LangChain's form. In tool results, media that the model cannot read is
            replaced by a description.
    """

    reasoning_fields: tuple[str, ...] = ("reasoning_content",)
    tool_media: Mapping[str, int | None] = {}
    """The kinds of media that the service accepts in tool results, each with its maximum size in bytes."""
    image_types: frozenset[str] | None = None
    """The MIME types of images that the service reads; None where they are not documented."""

    def __init__(
        self,
        provider: str,
        service: str,
        *,
        reasoning: ReasoningPassback = "tool_turns",
        profile: Mapping[str, Any] | None = None,
    ) -> None:
        self._provider = provider
        self._service = service
        self._reasoning = reasoning
        self._profile = profile or {}

    def write(self, messages: Sequence[BaseMessage]) -> list[JSONMessage]:
        """Convert a conversation.

        Args:
            messages: Messages of any kind and origin.

        Returns:
            The service's messages, in order. One message can become several (Anthropic's tool results are inside
            a human message) or none (an empty assistant message).

        Raises:
            ValueError: The service does not accept a message or a content part; the text has its position.
        """
        return [one for _, one in self.write_with_positions(messages)]

    def write_with_positions(self, messages: Sequence[BaseMessage]) -> list[tuple[int, JSONMessage]]:
        """Same as `write`, with the position of the message that each was converted from."""
        messages = with_distinct_ids(messages)
        answered = {call_id for message in messages for call_id in _answers(message)}
        written: list[tuple[int, JSONMessage]] = []
        for position, message in enumerate(messages):
            try:
                written.extend((position, one) for one in self._write_one(message, answered))
            except ValueError as error:
                raise ValueError(f"messages[{position}]: {error}") from error
            except RecursionError as error:
                raise ValueError(f"messages[{position}]: its content is nested too deeply.") from error
        return written

    def media(self, media: Media) -> Mapping[str, Any]:
        """Convert an image, video, audio or file to a content part.

        Raises:
            ValueError: The service does not accept it.
        """
        raise ValueError(f"{self._service} takes no {media.kind} content here; send text.")

    def _write_one(self, message: BaseMessage, answered: set[str]) -> list[JSONMessage]:
        if isinstance(message, AIMessage):
            return self._assistant(message, answered)
        if isinstance(message, ToolMessage):
            content = self._tool_content(message.content)
            return [{"role": "tool", "tool_call_id": message.tool_call_id, "content": content}]
        if isinstance(message, HumanMessage):
            return self._user(message)
        if isinstance(message, SystemMessage):
            return [_named({"role": "system", "content": self._content(message.content)}, message)]
        if isinstance(message, FunctionMessage):
            return [{"role": "function", "name": message.name, "content": self._tool_content(message.content)}]
        if isinstance(message, ChatMessage):
            # Chat endpoints refuse OpenAI's newer name of the system role.
            role = "system" if message.role == "developer" else message.role
            if role == "tool":
                raise ValueError(
                    "a ChatMessage with the role 'tool' does not say which call it answers: use ToolMessage."
                )
            return [_named({"role": role, "content": self._content(message.content)}, message)]
        raise ValueError(f"a {type(message).__name__} cannot be sent to a model.")

    def _user(self, message: HumanMessage) -> list[JSONMessage]:
        if isinstance(message.content, str):
            return [_named({"role": "user", "content": message.content}, message)]
        results = [part for part in message.content if _is_tool_result(part)]
        rest = [part for part in message.content if not _is_tool_result(part)]
        written: list[JSONMessage] = [
            {
                "role": "tool",
                "tool_call_id": str(result["tool_use_id"]),
                "content": self._tool_content(result["content"]) if result.get("content") else "",
            }
            for result in results
            if isinstance(result, dict)
        ]
        if rest or not results:
            written.append(_named({"role": "user", "content": self._content(rest)}, message))
        return written

    def _assistant(self, message: AIMessage, answered: set[str]) -> list[JSONMessage]:
        text = assistant_text(message)
        calls = [_tool_call(call["id"], call["name"], as_json_text(call["args"])) for call in message.tool_calls]
        # An invalid call is sent only where the history contains its result: without one it would be refused.
        calls.extend(
            _tool_call(call["id"], call["name"] or "", _as_sent(call["args"]))
            for call in message.invalid_tool_calls
            if call["id"] in answered
        )
        calls.extend(_calls_in_content(message, answered))
        if not (text or calls):
            return []
        written: JSONMessage = {"role": "assistant", "content": text}
        if self._sends_reasoning(message, calls):
            written.update(self.reasoning_of(message))
        if calls:
            written["tool_calls"] = calls
        return [_named(written, message)]

    def _sends_reasoning(self, message: AIMessage, calls: list[JSONMessage]) -> bool:
        author = message.response_metadata.get("model_provider")
        if author is not None and author != self._provider:
            return False
        return self._reasoning == "always" or (self._reasoning == "tool_turns" and bool(calls))

    def reasoning_of(self, message: AIMessage) -> dict[str, str]:
        """The reasoning fields of a message of ours, of any output version."""
        found = {
            name: value
            for name in self.reasoning_fields
            if isinstance(value := message.additional_kwargs.get(name), str) and value
        }
        if isinstance(message.content, list):
            in_blocks: dict[str, str] = {}
            for block in message.content:
                if isinstance(block, dict) and block.get("type") == "reasoning":
                    _collect_reasoning(block, self.reasoning_fields, in_blocks)
            found = {**in_blocks, **found}
        return found

    def _tool_content(self, content: Any) -> str | list[Any]:
        """A tool's result: texts, media that service and model accept, descriptions of other media."""
        parts = [self._tool_part(one) for one in read_tool_result(content)]
        if not parts:
            return ""
        if len(parts) == 1 and parts[0]["type"] == "text":
            return str(parts[0]["text"])
        return parts

    def _tool_part(self, one: str | Media) -> JSONMessage:
        if isinstance(one, Media):
            part = self._tool_media_part(one)
            if part is not None:
                return part
            one = describe(one, self._service)
        return {"type": "text", "text": one}

    def _tool_media_part(self, media: Media) -> JSONMessage | None:
        """Media in a tool's result as a content part; None where service or model does not accept it."""
        if media.kind not in self.tool_media:
            return None
        profile = self._profile
        if not (profile.get(f"{media.kind}_inputs", True) and profile.get(f"{media.kind}_tool_message", True)):
            return None
        if (data := media.base64) is not None:
            most = self.tool_media[media.kind]
            if most is not None and (size_of_base64(data) or 0) > most:
                return None
            if media.kind == "image" and not self._reads_image(sniff_base64(data)):
                return None
        try:
            return dict(self.media(media))
        except ValueError:
            return None

    def _reads_image(self, mime_type: str | None) -> bool:
        if mime_type is None or not mime_type.startswith("image/"):
            return False
        return self.image_types is None or mime_type in self.image_types

    def _content(self, content: str | Sequence[str | Block]) -> str | list[Any]:
        """Content as a string where it is a single text, else as a list of parts."""
        if isinstance(content, str):
            return content
        if not isinstance(content, (list, tuple)):
            return as_json_text(content)
        parts: list[Any] = []
        for position, block in enumerate(content):
            try:
                part = self._part(block)
            except ValueError as error:
                raise ValueError(f"content[{position}]: {error}") from error
            if part is not None:
                parts.append(part)
        if not parts:
            return ""
        if len(parts) == 1 and parts[0].get("type") == "text":
            return str(parts[0]["text"])
        return parts

    def _part(self, block: str | Block) -> JSONMessage | None:
        """One content part in the service's form; None for one that it cannot read."""
        if not isinstance(block, (str, dict)):
            raise ValueError(f"a content part is a text or an object, not {type(block).__name__!r}.")  # noqa: TRY004
        read = read_block(block)
        if isinstance(read, str):
            return {"type": "text", "text": read} if read else None
        if isinstance(read, Media):
            return dict(self.media(read))
        if read is not None and not isinstance(read.get("type"), str):
            raise ValueError(f"a content part needs a type; this one has the keys {sorted(map(str, read))}.")
        # An unknown part type may be a new one of the service.
        return None if read is None else dict(read)


def assistant_text(message: AIMessage) -> str:
    """The text of an assistant message, without blocks that only another service can read."""
    return "".join(assistant_texts(message))


def assistant_texts(message: AIMessage) -> list[str]:
    """Same as `assistant_text`, as one text per block; empty where the message has no text."""
    if isinstance(message.content, str):
        return [message.content] if message.content else []
    # A non-standard block belongs to another service, or is not text.
    texts = (_text_of(block) for block in message.content if not _is_wrapped(block))
    return [text for text in texts if text]


def _text_of(block: str | Block) -> str:
    """The text of one block of an assistant message; invalid media in a history is not an error."""
    try:
        read = read_block(block)
    except ValueError:
        return ""
    return read if isinstance(read, str) else ""


def _collect_reasoning(block: Block, names: tuple[str, ...], found: dict[str, str]) -> None:
    """Collect the fields of a standard reasoning block in the content (output version v1)."""
    if "reasoning_content" in names and block.get("reasoning"):
        found["reasoning_content"] = found.get("reasoning_content", "") + str(block["reasoning"])
    extras = extras_of(block)
    for name in names:
        if isinstance(extras.get(name), str):
            found.setdefault(name, extras[name])


def _answers(message: BaseMessage) -> list[str]:
    """The ids of the tool calls whose results a message holds."""
    if isinstance(message, ToolMessage):
        return [message.tool_call_id]
    if not isinstance(message, HumanMessage) or isinstance(message.content, str):
        return []
    return [
        str(part["tool_use_id"]) for part in message.content if isinstance(part, dict) and _is_tool_result(part)
    ]


def _calls_in_content(message: AIMessage, answered: set[str]) -> list[JSONMessage]:
    """Calls with a result that are in the content only, as in hand-written messages in Anthropic's form."""
    if isinstance(message.content, str):
        return []
    wanted = list(answered - {call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)})
    blocks = (block for block in message.content if isinstance(block, dict))
    return [
        _tool_call(block["id"], str(block.get("name") or ""), as_json_text(_arguments(block)))
        for block in blocks
        if block.get("type") in ("tool_use", "tool_call") and block.get("id") in wanted
    ]


def _arguments(block: Block) -> Any:
    return block.get("input") or block.get("args") or {}


def _as_sent(arguments: Any) -> str:
    """The arguments of an invalid call: the text as the model wrote it."""
    return arguments if isinstance(arguments, str) else as_json_text(arguments) if arguments else ""


def _tool_call(call_id: str | None, name: str, arguments: str) -> JSONMessage:
    function = {"name": name or _UNNAMED, "arguments": arguments}
    return {"id": call_id or "", "type": "function", "function": function}


def _named(written: JSONMessage, message: BaseMessage) -> JSONMessage:
    if message.name:
        written["name"] = message.name
    return written


def _is_wrapped(block: str | Block) -> bool:
    return not isinstance(block, str) and block.get("type") == "non_standard"


def _is_tool_result(part: str | dict[Any, Any]) -> bool:
    return isinstance(part, dict) and part.get("type") == "tool_result" and "tool_use_id" in part
