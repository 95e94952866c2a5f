"""A stream as LangChain chunks, whose sum is the message that `invoke` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_volcark.messages.assembler import Increment
from langchain_volcark.messages.content_blocks import block_deltas, closing_blocks, has_own_place
from langchain_volcark.messages.tool_calls import join_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.messages.assembler import StreamAssembler, StreamDelta

_OF_GENERATION = ("finish_reason", "logprobs")
_NOTHING_NEW = Increment("", "", [], {})


def generation_info(response_metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why an answer ended and its log probabilities, or None where the service sent neither.

    Args:
        response_metadata: The whole message's.
    """
    info = {name: response_metadata[name] for name in _OF_GENERATION if name in response_metadata}
    return info or None


class ChunkRenderer:
    """Shows each increment of an assembler's message as one chunk.

    Core sums chunks by concatenating equal keys, so each piece of metadata stands on exactly one of them: what
    is known early (model, request id) on the first, references on the one they came with, the rest on the last.
    Only `model_provider`, by which core finds our translator, stands on all.

    Args:
        assembler: Keeps the message.
        blocks: Whether the chunks' content becomes blocks (output version v1). What only the end tells (citations,
            whose places are in the whole text) is then added as blocks too; a string has no room for it.
    """

    def __init__(self, assembler: StreamAssembler, *, blocks: bool = False) -> None:
        self._assembler = assembler
        self._blocks = blocks
        self._every = {"model_provider": assembler.provider}
        self._sent: frozenset[str] = frozenset()

    def feed(self, delta: StreamDelta) -> Sequence[ChatGenerationChunk]:
        """The chunks of one delta; none where it adds nothing to show yet."""
        increment = self._assembler.add(delta)
        return self._chunks(increment) if increment else ()

    def finish(self) -> Sequence[ChatGenerationChunk]:
        """The closing chunks.

        Returns:
            What was held back, if anything; then the last chunk, which adds only what is known at the end
            (finish reason, usage, metadata), so that content never depends on a chunk's position.
        """
        increment = self._assembler.finish()
        increment.tool_calls = join_chunks([*increment.tool_calls, *self._assembler.tool_call_locks()])
        held_back = self._chunks(increment) if increment else ()
        if not self._blocks:
            return (*held_back, self._chunk(_NOTHING_NEW, last=True))
        closing = closing_blocks(self._assembler.response_metadata(), self._assembler.text)
        added = (self._block_chunk(closing),) if closing else ()
        return (*held_back, *added, self._block_chunk([], last=True))

    def _chunks(self, increment: Increment) -> Sequence[ChatGenerationChunk]:
        if not increment.more:
            return (self._chunk(increment),)
        every = (increment, *increment.more)
        return [self._chunk(one) for one in every if one or (self._blocks and one.ending)]

    def _block_chunk(self, blocks: list[dict[str, Any]], *, last: bool = False) -> ChatGenerationChunk:
        """A chunk whose content is blocks already, which core leaves as they are."""
        generation = self._chunk(_NOTHING_NEW, last=last)
        generation.message.content = list(blocks)
        generation.message.response_metadata["output_version"] = "v1"
        return generation

    def _chunk(self, increment: Increment, *, last: bool = False) -> ChatGenerationChunk:
        metadata = {**self._metadata(last=last), **increment.metadata}
        # Each argument costs time in validation, so only what is there is passed; dicts are copied by pydantic.
        fields: dict[str, Any] = {
            "content": increment.text,
            "id": self._assembler.id,
            "response_metadata": metadata,
        }
        if increment.reasoning or increment.additional_kwargs:
            fields["additional_kwargs"] = dict(increment.additional_kwargs)
            if increment.reasoning:
                fields["additional_kwargs"]["reasoning_content"] = increment.separator + increment.reasoning
        if increment.tool_calls:
            fields["tool_call_chunks"] = increment.tool_calls
        if not last:
            if self._blocks and has_own_place(increment):
                fields["content"] = block_deltas(increment)
                metadata["output_version"] = "v1"
            return ChatGenerationChunk(message=AIMessageChunk(**fields))
        fields["chunk_position"] = "last"
        fields["usage_metadata"] = self._assembler.usage
        return ChatGenerationChunk(
            message=AIMessageChunk(**fields), generation_info=generation_info(self._assembler.response_metadata())
        )

    def _metadata(self, *, last: bool) -> dict[str, Any]:
        if last:
            rest = self._assembler.unshown_metadata()
            return {**{key: value for key, value in rest.items() if key not in self._sent}, **self._every}
        if self._sent:
            return self._every
        opening = self._assembler.opening_metadata
        self._sent = frozenset(opening)
        return opening
