"""Converts LangChain messages to the format of Qianfan's V2 chat API.

Follows https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb (chat API) and its rules for messages: system first and
once, then user and assistant in turn, the last from the user or a tool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.wires.chat_completions.messages import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_volcark.wires.chat_completions.content import Media
    from langchain_volcark.wires.chat_completions.messages import JSONMessage

Positioned = list[tuple[int, "JSONMessage"]]
"""Converted messages, each with its position in the caller's list."""

_BLANK = " \n\r\f"
_JOINED = frozenset({"system", "user", "assistant"})


class QianfanMessageWriter(MessageWriter):
    """Converts messages with images, merges consecutive messages of one role and checks their order."""

    tool_media: Mapping[str, int | None] = {"image": None}

    def media(self, media: Media) -> Mapping[str, Any]:
        """Convert an image or a video to a content part.

        Raises:
            ValueError: Sound or a file, which the chat API does not take, or media without a source.
        """
        if media.kind not in {"image", "video"}:
            raise ValueError(
                f"{self._service} takes no {media.kind} content: extract its text, or send its pages as images."
            )
        if not media.data_url:
            raise ValueError(f"the {media.kind} has neither url nor base64.")
        kind = f"{media.kind}_url"
        return {"type": kind, kind: {"url": media.data_url, **media.options}}

    def write(self, messages: Sequence[BaseMessage]) -> list[JSONMessage]:
        """Convert a conversation.

        Consecutive messages of the same role are merged: the service expects user and assistant to alternate.

        Args:
            messages: Messages of any kind and origin.

        Returns:
            The service's messages.

        Raises:
            ValueError: The service would refuse the conversation; the text names the message's position.
        """
        written = merge_consecutive(self.write_with_positions(messages))
        check_order(written)
        return [message for _, message in written]


def merge_consecutive(written: Positioned) -> Positioned:
    """Merge consecutive messages of the same role, unless their authors have different names.

    Args:
        written: Converted messages.

    Returns:
        The merged messages; texts are joined by a line break.
    """
    joined: Positioned = []
    for place, message in written:
        last = joined[-1][1] if joined else None
        if last is None or message["role"] not in _JOINED or not _have_same_author(last, message):
            joined.append((place, dict(message)))
            continue
        last["content"] = _join(last.get("content"), message.get("content"))
        if "tool_calls" in message:
            last["tool_calls"] = [*last.get("tool_calls", []), *message["tool_calls"]]
        if "reasoning_content" in message:
            last["reasoning_content"] = _join(last.get("reasoning_content"), message["reasoning_content"])
    return joined


def _have_same_author(last: JSONMessage, message: JSONMessage) -> bool:
    return bool(last["role"] == message["role"] and last.get("name") == message.get("name"))


def _join(first: Any, second: Any) -> Any:
    if not first or not second:
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def check_order(written: Positioned) -> None:
    """Raise if the order of messages breaks V2's rules.

    Args:
        written: Converted and merged messages.

    Raises:
        ValueError: The message names the position.
    """
    if not written:
        raise ValueError("messages: there is nothing to send.")
    calls: set[str] = set()
    for order, (place, message) in enumerate(written):
        role = message["role"]
        if order == 0 and role not in ("system", "user"):
            raise ValueError(
                f"messages[{place}]: the first message must be a system or user message, not {role!r}."
            )
        if order and role == "system":
            raise ValueError(f"messages[{place}]: a system message can only stand at the beginning.")
        if role == "tool":
            if message["tool_call_id"] not in calls:
                raise ValueError(
                    f"messages[{place}]: tool_call_id {message['tool_call_id']!r} answers no call of the "
                    "assistant message before it."
                )
        else:
            calls = {call["id"] for call in message.get("tool_calls", ())}
    place, last = written[-1]
    role = last["role"]
    if role not in ("user", "tool", "function"):
        raise ValueError(f"messages[{place}]: the last message must be from the user or a tool, not {role!r}.")
    if last["role"] == "user" and is_blank(last["content"]):
        raise ValueError(f"messages[{place}]: the last message is blank.")


def is_blank(content: Any) -> bool:
    """Whether content is empty or only white space."""
    return not content or (isinstance(content, str) and not content.strip(_BLANK))
