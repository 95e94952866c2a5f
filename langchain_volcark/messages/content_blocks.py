"""Converts our messages to LangChain's standard content blocks; registered with core for each provider name.

Core calls a provider's translator whenever `content_blocks` is read, on every chunk where the output version is
v1, and after every structured-output call, so it must handle every form our messages can have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import KNOWN_BLOCK_TYPES

from langchain_volcark.http.json import objects
from langchain_volcark.messages.assembler import OUTPUT_ITEMS
from langchain_volcark.messages.citations import SOURCES, CitationFields, cite
from langchain_volcark.messages.deltas import FIRST
from langchain_volcark.messages.tool_calls import INVALID_ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.messages.content import Citation, ContentBlock
    from langchain_core.messages.tool import ToolCallChunk

    from langchain_volcark.messages.deltas import Increment, Place

    ServerTools = Callable[[Mapping[str, Any]], list[dict[str, Any]]]
    ItemBlocks = Callable[[Mapping[str, Any], str, str], list[dict[str, Any]]]

_PASSED_ON = frozenset(
    {
        "text",
        "reasoning",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "image",
        "audio",
        "video",
        "file",
        "text-plain",
        "non_standard",
        "refusal",
    }
)

# langchain-core 1.7.5 added the refusal block, and output parsers that raise `ModelRefusalError` for it.
_KNOWS_REFUSALS = "refusal" in KNOWN_BLOCK_TYPES

_CALLS = frozenset({"tool_call", "invalid_tool_call"})

_INDEX_PREFIX = {"reasoning": "lc_rs", "text": "lc_txt"}


@dataclass(frozen=True)
class _Metadata:
    """How to read content from a provider's `response_metadata`.

    Attributes:
        sources: Keys that list references, with the field names of each.
        server_tools: Returns the service's own tool calls as standard blocks; None where it reports none.
        items: Reads an entry of `output_items`; None where the entries are standard blocks.
    """

    sources: Mapping[str, CitationFields]
    server_tools: ServerTools | None = None
    items: ItemBlocks | None = None


_PROVIDERS: dict[str, _Metadata] = {}


def to_content_blocks(message: AIMessage) -> list[ContentBlock]:
    """The blocks of a complete message.

    Args:
        message: A message of ours, or a sum of chunks.

    Returns:
        Reasoning, text with its citations, refusal, tool calls, the service's own tool calls, in this order, as
        far as the message has them; or the message's own order of blocks (see `StreamAssembler.output_items`).
    """
    blocks = _content(message)
    listed = [block.get("id") for block in blocks if block["type"] in _CALLS]
    calls = [dict(call) for call in message.tool_calls if call["id"] not in listed]
    invalid = [_with_reason(call) for call in message.invalid_tool_calls if call["id"] not in listed]
    metadata = message.response_metadata
    texts = [block for block in blocks if block["type"] == "text" and isinstance(block.get("text"), str)]
    if len(texts) == 1 and "annotations" not in texts[0] and (found := citations_in(metadata, texts[0]["text"])):
        texts[0]["annotations"] = found
    done = [] if any(block["type"] == "server_tool_call" for block in blocks) else _server_tools(metadata)
    refused = [] if any(block["type"] == "refusal" for block in blocks) else _refusal(metadata)
    return cast("list[ContentBlock]", [*blocks, *refused, *calls, *invalid, *done])


def _with_reason(call: Mapping[str, Any]) -> dict[str, Any]:
    """An invalid call with the error text that `invoke` returns; a sum of chunks cannot hold one."""
    return {**call, "error": call.get("error") or INVALID_ARGUMENTS}


def citations_in(metadata: Mapping[str, Any], text: str) -> list[Citation]:
    """The references of a message as citations.

    Args:
        metadata: The message's `response_metadata`.
        text: Its complete text.

    Returns:
        The citations; see `langchain_volcark.messages.citations.cite`.
    """
    provider = _provider_of(metadata)
    return [
        citation
        for name, fields in (provider.sources.items() if provider else ())
        for citation in cite(text, objects(metadata.get(name)), fields)
    ]


def sources_in(metadata: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], CitationFields]]:
    """The references of a message.

    Args:
        metadata: The message's `response_metadata`.

    Returns:
        Each as the service sent it, with its field names.
    """
    # A message that has lost its provider name (a cache, a converter) is read by the common keys.
    provider = _provider_of(metadata)
    sources = provider.sources if provider else SOURCES
    return [(one, fields) for name, fields in sources.items() for one in objects(metadata.get(name))]


def _provider_of(metadata: Mapping[str, Any]) -> _Metadata | None:
    name = metadata.get("model_provider")
    return _PROVIDERS.get(name) if isinstance(name, str) else None


def _server_tools(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    provider = _provider_of(metadata)
    return provider.server_tools(metadata) if provider and provider.server_tools else []


def _refusal(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A refusal block where the service's content filter removed or cut the answer; needs langchain-core 1.7.5."""
    if metadata.get("finish_reason") != "content_filter" or not _KNOWS_REFUSALS:
        return []
    block: dict[str, Any] = {"type": "refusal", "refusal": ""}
    if "moderation_hit_type" in metadata:
        block["extras"] = {"category": metadata["moderation_hit_type"]}
    return [block]


def closing_blocks(metadata: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    """Blocks known at the end of a stream only: citations of the text, a refusal, the service's own tool calls.

    Args:
        metadata: `response_metadata` of the complete message.
        text: Its complete text.

    Returns:
        Block deltas that core merges with those of `to_content_block_deltas`.
    """
    found = citations_in(metadata, text) if text else []
    index = block_index("text", FIRST)
    blocks = [{"type": "text", "text": "", "annotations": found, "index": index}] if found else []
    done = [{**block, "index": f"lc_st_{number}"} for number, block in enumerate(_server_tools(metadata))]
    refused = [{**block, "index": "lc_rf_0"} for block in _refusal(metadata)]
    return [*blocks, *refused, *done]


def to_content_block_deltas(chunk: AIMessageChunk) -> list[ContentBlock]:
    """The blocks of a chunk, each with the index by which core merges it.

    Core numbers blocks without an index itself, and then mixes up text 0 and tool call 0; string indices with a
    prefix per kind avoid that.

    Args:
        chunk: One chunk, or a sum of chunks.

    Returns:
        Block deltas; complete blocks for a sum that includes the last chunk.
    """
    if chunk.chunk_position == "last":
        return to_content_blocks(chunk)
    blocks = _content(chunk, whole=False)
    for block in blocks:
        if block["type"] in _INDEX_PREFIX:
            block.setdefault("index", block_index(block["type"], FIRST))
    return cast("list[ContentBlock]", [*blocks, *map(_call_delta, chunk.tool_call_chunks)])


def _call_delta(call: ToolCallChunk) -> dict[str, Any]:
    return {**call, "type": "tool_call_chunk", "index": f"lc_tc_{call['index']}"}


def needs_block_index(increment: Increment) -> bool:
    """Whether an increment must be shown as blocks: its message may have several blocks of a kind."""
    return bool(
        increment.place != FIRST or increment.block or increment.opens or increment.ending or increment.separator
    )


def block_deltas(increment: Increment) -> list[dict[str, Any]]:
    """The blocks of an increment, each with the index by which core merges it.

    Args:
        increment: What is new in a message that may have several blocks of a kind.
    """
    place = increment.place
    blocks: list[dict[str, Any]] = []
    for kind, text in (("reasoning", increment.reasoning), ("text", increment.text)):
        extras = increment.ending.get(kind, {})
        if text or extras:
            blocks.append({"type": kind, kind: text, **extras, "index": block_index(kind, place)})
    other = _opened(increment.opens, increment.block)
    if other is not None:
        blocks.append({**other, "index": block_index("other", place, increment.number)})
    ended = increment.ending.get("tool_call", {})
    fields = [{**more, "type": "tool_call_chunk", "index": f"lc_tc_{number}"} for number, more in ended.items()]
    return [*blocks, *map(_call_delta, increment.tool_calls), *fields]


def _opened(head: dict[str, Any] | None, block: dict[str, Any] | None) -> dict[str, Any] | None:
    """A block of another kind: as a whole, or first its head and then what completes it.

    Core makes a `server_tool_call` of the pieces, and reads the arguments, with the last chunk.
    """
    if head is None:
        return block
    kind = f"{head['type']}_chunk"
    if block is None:
        return {**head, "type": kind, "args": ""}
    rest = {key: value for key, value in block.items() if key not in head}
    return {**rest, "type": kind, "args": json.dumps(block["args"], ensure_ascii=False)}


def block_index(kind: str, place: Place, number: int = 0) -> str:
    """The index by which core merges the deltas of a block.

    Args:
        kind: `reasoning`, `text`, or `other`.
        place: The block's place in the message.
        number: Its number among the other blocks at that place.
    """
    at = "_".join(map(str, place))
    return f"{_INDEX_PREFIX[kind]}_{at}" if kind in _INDEX_PREFIX else f"lc_bl_{at}_{number}"


def _content(message: AIMessage, *, whole: bool = True) -> list[dict[str, Any]]:
    """Reasoning, text and other blocks of a message; `whole` says whether to restore the recorded block order."""
    items = message.additional_kwargs.get(OUTPUT_ITEMS) if whole else None
    if isinstance(items, list) and isinstance(message.content, str):
        ordered = _in_order(objects(items), message.content, message)
        if ordered is not None:
            return ordered
    blocks = [_reasoning(message.additional_kwargs)]
    parts = message.content if isinstance(message.content, list) else [message.content]
    blocks.extend(_part(part) for part in parts)
    return [block for block in blocks if block is not None]


def _in_order(items: list[dict[str, Any]], content: str, message: AIMessage) -> list[dict[str, Any]] | None:
    """The blocks of `output_items`; None where they do not match the text, which was then changed afterwards."""
    provider = _provider_of(message.response_metadata)
    read = (provider and provider.items) or entry_blocks
    thought = message.additional_kwargs.get("reasoning_content")
    thought = thought if isinstance(thought, str) else ""
    blocks = [block for item in items for block in read(item, content, thought)]
    if sum(len(block["text"]) for block in blocks if block["type"] == "text") != len(content):
        return None
    calls = {call["id"]: call for call in [*message.invalid_tool_calls, *message.tool_calls]}
    return [found for block in blocks if (found := _with_call(block, calls)) is not None]


def _with_call(block: dict[str, Any], calls: Mapping[str | None, Any]) -> dict[str, Any] | None:
    """The block, or for a `tool_call` the message's call with that id; None where the message has none."""
    if block["type"] != "tool_call":
        return block
    called = block.get("id")
    call = calls.get(called) if isinstance(called, str) else None
    if call is None:
        return None
    fields = {"extras": block["extras"]} if "extras" in block else {}
    return {**(call if call["type"] == "tool_call" else _with_reason(call)), **fields}


def entry_blocks(entry: Mapping[str, Any], content: str, reasoning: str) -> list[dict[str, Any]]:
    """An entry that is a standard block, but for its text.

    Args:
        entry: See `StreamAssembler.output_items`.
        content: The message's text.
        reasoning: Its thinking.
    """
    kind = entry.get("type")
    if kind not in ("text", "reasoning"):
        block = _part(dict(entry))
        return [] if block is None else [block]
    start, end = entry.get("start"), entry.get("end")
    text = content if kind == "text" else reasoning
    shown = text[start:end] if isinstance(start, int) and isinstance(end, int) else ""
    fields = {key: value for key, value in entry.items() if key not in ("start", "end")}
    return [{**fields, kind: shown}]


def _reasoning(additional_kwargs: dict[str, Any]) -> dict[str, Any] | None:
    text = additional_kwargs.get("reasoning_content")
    encrypted = additional_kwargs.get("encrypted_content")
    if not (text or encrypted):
        return None
    block: dict[str, Any] = {"type": "reasoning", "reasoning": text if isinstance(text, str) else ""}
    if encrypted:
        block["extras"] = {"encrypted_content": encrypted}
    return block


def _part(part: str | dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(part, str):
        return {"type": "text", "text": part} if part else None
    kind = part.get("type")
    if isinstance(kind, str) and kind in _PASSED_ON:
        return dict(part)
    return {"type": "non_standard", "value": part}


def register(
    provider: str,
    *,
    sources: Mapping[str, CitationFields] = SOURCES,
    server_tools: ServerTools | None = None,
    items: ItemBlocks | None = None,
) -> None:
    """Register this translator with core for the messages of `provider`.

    Args:
        provider: `model_provider` of the messages.
        sources: Keys of `response_metadata` that list references, with the field names of each.
        server_tools: Returns the service's own tool calls, read from `response_metadata`, as `server_tool_call`
            and `server_tool_result` blocks.
        items: Reads an entry of `output_items`, given the message's text and reasoning; a tool call becomes
            `{"type": "tool_call", "id": …}`. By default the entries are standard blocks.
    """
    _PROVIDERS[provider] = _Metadata(sources, server_tools, items)
    register_translator(provider, to_content_blocks, to_content_block_deltas)
