"""What one payload of a reply adds to a message, before and after repair."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.messages.tool import ToolCallChunk

    from langchain_volcark.messages.tool_calls import ToolCallDelta

Place = tuple[int, ...]
"""Where a block stands among the blocks of a message; at one place: reasoning, text, another block, tool calls."""

FIRST: Place = (0,)
"""The only place of a wire format whose messages have one text and one reasoning."""


@dataclass(slots=True)
class StreamDelta:
    """What one payload adds to the message.

    Attributes:
        text: Answer text of the block at `place`.
        reasoning: Thinking text of the block at `place`.
        tool_calls: Fragments of tool calls.
        id: The reply's id.
        model_name: The model as resolved by the service.
        finish_reason: Why the model stopped; None until it has.
        usage: Tokens so far; a later one replaces an earlier one.
        additional_kwargs: Further fields of the message; `ExtraFields` puts the pieces of each together.
        metadata: Further fields of the reply, merged by `ReplyMetadata`.
        is_last: Whether the payload itself says that nothing follows it.
        is_answer: Whether the payload has the place where an answer stands, even if that is empty.
        place: Which block the text, the reasoning or the other block is, and where the tool calls stand.
        block: A whole content block of another kind, such as a server's tool call or its result.
        annotations: Citations of the text at `place`.
        extras: Further fields of the reasoning at `place`, such as its encrypted form.
        closes: Whether nothing more comes for `place`.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: Sequence[ToolCallDelta] = ()
    id: str | None = None
    model_name: str | None = None
    finish_reason: str | None = None
    usage: UsageMetadata | None = None
    additional_kwargs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    is_last: bool = False
    is_answer: bool = False
    place: Place = FIRST
    block: dict[str, Any] | None = None
    annotations: Sequence[dict[str, Any]] = ()
    extras: dict[str, Any] | None = None
    closes: bool = False


@dataclass(slots=True)
class Increment:
    """A delta after repair: what is new in the message.

    Attributes:
        text: New text of the block at `place`.
        reasoning: New thinking text of the block at `place`.
        tool_calls: Fragments, at most one of each call.
        additional_kwargs: New text of further fields of the message.
        metadata: New metadata of the reply that is shown at once.
        place: Which block the text and the reasoning belong to.
        separator: What stands between this reasoning and that of the block before, in `reasoning_content`.
        block: A whole block of another kind.
        number: Which of the other blocks at `place` it is.
        closed: Whether the text and reasoning at `place` are complete.
        ending: What is added to them then: `annotations` of the text, fields of the reasoning, by kind.
        more: What became new together with this, at other places.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCallChunk] = field(default_factory=list)
    additional_kwargs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    place: Place = FIRST
    separator: str = ""
    block: dict[str, Any] | None = None
    number: int = 0
    closed: bool = False
    ending: dict[str, dict[str, Any]] = field(default_factory=dict)
    more: Sequence[Increment] = ()

    def __bool__(self) -> bool:
        return bool(
            self.text
            or self.reasoning
            or self.tool_calls
            or self.additional_kwargs
            or self.metadata
            or self.block
            or self.more
        )
