"""The data that moves through the assembler: `StreamDelta` goes in, `Increment` comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.messages.tool import ToolCallChunk

    from langchain_volcark.messages.tool_calls import ToolCallDelta

Place = tuple[int, ...]
"""Sort key of a block within its message. Blocks with the same key are ordered by kind: reasoning, text, other
blocks, tool calls."""

FIRST: Place = (0,)
"""The place of all blocks in a wire format with at most one text and one reasoning block per message."""


class Shown(Protocol):
    """What a message shows, as its items refer to it."""

    def span(self, kind: str, place: Place, begin: int, end: int) -> list[int]:
        """Where a part of a block's text begins and ends in `content` or `reasoning_content`.

        Args:
            kind: `text` or `reasoning`.
            place: The block's place.
            begin: Start offset of the part in the block.
            end: End offset of the part in the block.
        """

    def call_id(self, place: Place) -> str | None:
        """The id, in the message, of the tool call at a place."""


class Item(Protocol):
    """An item of a service's output, to which one or more blocks belong; read when the message is built."""

    def entry(self, shown: Shown) -> dict[str, Any]:
        """The item so far, with offsets in the message instead of its texts."""


@dataclass(slots=True)
class StreamDelta:
    """What one payload of a stream, or a whole reply, adds to the message; made by a wire format's reader.

    Attributes:
        text: New text of the text block at `place`.
        reasoning: New text of the reasoning block at `place`.
        tool_calls: Fragments of tool calls.
        id: The reply's id.
        model_name: The model as resolved by the service.
        finish_reason: Why the model stopped; None until it has.
        usage: Token counts so far; a later one replaces an earlier one.
        additional_kwargs: Unknown fields of the message, or pieces of them; merged by `ExtraFields`.
        metadata: Unknown fields of the reply; merged by `ReplyMetadata`.
        is_last: Whether the payload itself says that it is the last one.
        is_answer: Whether the payload has the field for an answer (a choice, an output item), even if empty.
        place: Position in the message of the text, reasoning, other block and tool calls of this delta.
        block: A complete content block of another kind, such as a server tool call or its result.
        opens: The head of a block that begins at `place`. For text and reasoning it is the type alone, and text of
            later places waits for it; for a server tool call type, id and name, which `block` completes.
        item: The item of the service's output to which all places with the same first number belong.
        annotations: Citations of the text block at `place`.
        extras: Further fields of the tool call at `place`, else of the reasoning block there (its encrypted form).
        closes: Whether the blocks at `place` are complete.
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
    opens: dict[str, Any] | None = None
    item: Item | None = None
    annotations: Sequence[dict[str, Any]] = ()
    extras: dict[str, Any] | None = None
    closes: bool = False


@dataclass(slots=True)
class Increment:
    """What is new in the message after one delta; shown as a chunk or as protocol events.

    Attributes:
        text: New text of the text block at `place`.
        reasoning: New text of the reasoning block at `place`.
        tool_calls: Fragments, at most one per call.
        additional_kwargs: New text of unknown fields of the message.
        metadata: New metadata of the reply that is shown before the end of the stream.
        place: Position of the blocks in the message.
        separator: Text between this reasoning block and the previous one in `reasoning_content`.
        block: A complete block of another kind.
        opens: The head of such a block, shown before the block is complete.
        number: Its number among the other blocks at `place`.
        closed: Whether the text and reasoning blocks and the tool calls at `place` are complete.
        ending: By block type, the fields that a completed block gets: `annotations`, fields of the reasoning;
            under `tool_call` those of each call, by its number.
        more: Increments at other places that became visible together with this one.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCallChunk] = field(default_factory=list)
    additional_kwargs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    place: Place = FIRST
    separator: str = ""
    block: dict[str, Any] | None = None
    opens: dict[str, Any] | None = None
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
            or self.opens
            or self.more
        )
