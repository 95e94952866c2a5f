"""Renders a stream as LangChain chunks; their sum equals the message that `invoke` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_volcark.messages.assembler import Increment
from langchain_volcark.messages.content_blocks import block_deltas, closing_blocks, needs_block_index
from langchain_volcark.messages.tool_calls import join_chunks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.messages.assembler import StreamAssembler, StreamDelta

_GENERATION_KEYS = ("finish_reason", "logprobs")
_NOTHING_NEW = Increment("", "", [], {})


def generation_info(response_metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why an answer ended and its log probabilities, or None where the service sent neither.

    Args:
        response_metadata: That of the complete message.
    """
    info = {name: response_metadata[name] for name in _GENERATION_KEYS if name in response_metadata}
    return info or None


class ChunkRenderer:
    """Renders each increment of an assembler's message as chunks.

    Core adds chunks by concatenating the values of equal metadata keys. So each field is on exactly one chunk:
    model and request id on the first, references on the one they arrived with, everything else on the last. Only
    `model_provider`, by which core finds our translator, is on all.

    Args:
        assembler: Builds the message.
        blocks: Whether the chunks' content is a list of blocks (output version v1). Citations, whose offsets are
            known at the end only, are then added as blocks before the last chunk.
    """

    def __init__(self, assembler: StreamAssembler, *, blocks: bool = False) -> None:
        self._assembler = assembler
        self._blocks = blocks
        self._every = {"model_provider": assembler.provider}
        self._sent: frozenset[str] = frozenset()

    def feed(self, delta: StreamDelta) -> Sequence[ChatGenerationChunk]:
        """The chunks of one delta; none where nothing new can be shown yet."""
        increment = self._assembler.add(delta)
        return self._chunks(increment) if increment else ()

    def finish(self) -> Sequence[ChatGenerationChunk]:
        """The chunks at the end of the stream.

        Returns:
            Content that was held back, if any; then the last chunk, which has no content, only what is known at
            the end: finish reason, usage, metadata.
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
        """A chunk whose content is already a list of v1 blocks, which core does not convert again."""
        generation = self._chunk(_NOTHING_NEW, last=last)
        generation.message.content = list(blocks)
        generation.message.response_metadata["output_version"] = "v1"
        return generation

    def _chunk(self, increment: Increment, *, last: bool = False) -> ChatGenerationChunk:
        metadata = {**self._metadata(last=last), **increment.metadata}
        # Validation costs time per argument, so only fields with a value are passed; pydantic copies dicts.
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
            if self._blocks and needs_block_index(increment):
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
