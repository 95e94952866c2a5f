"""Arbitrary tool results, and a check that the message contains all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

_texts = st.text(max_size=8) | st.sampled_from(
    ["https://example.com/a.png", "text/plain", "AAAA", "lc_1", "base64"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
TYPES = [
    *("text", "image", "image_url", "video", "audio", "input_audio", "file", "document", "search_result", "media"),
    *("tool_use", "tool_call", "tool_result", "reasoning", "thinking", "refusal", "non_standard", "json", "dir"),
    *("text-plain", "input_text", "input_file", "web_search_call", "server_tool_call", "x"),
]
KEYS = [
    *("text", "url", "base64", "data", "source", "source_type", "file", "image_url", "input_audio", "mime_type"),
    *("title", "name", "id", "file_id", "extras", "content", "detail", "fps", "index", "cache_control", "value"),
    *("annotations", "reasoning", "input", "args", "refusal", "filename", "media_type", "file_data", "type"),
]
_fields = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4)
_nested = st.dictionaries(st.sampled_from(KEYS), json_values | _fields | st.lists(_fields, max_size=2), max_size=4)
# Blocks as they should be, some with one field more.
_made = st.sampled_from(
    [
        {"type": "text", "text": "a text"},
        {"text": "a text"},
        {"type": "text-plain", "text": "a text", "mime_type": "text/plain"},
        {"type": "search_result", "title": "T", "source": "S", "content": [{"type": "text", "text": "found"}]},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a text"}},
        {"type": "file", "source_type": "text", "text": "a text"},
        {"type": "non_standard", "value": {"type": "text", "text": "a text"}},
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "video", "url": "https://example.com/a.mp4", "extras": {"fps": 1}},
        {"type": "file", "url": "https://example.com/a.pdf", "mime_type": "application/pdf"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf", "filename": "a.pdf"},
        {"type": "image", "file_id": "file-1"},
    ]
)
_inside = st.sampled_from(["source", "value", "extras", "image_url"])


def _with_field(block: dict[str, Any], inside: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A block with more fields; in a part of it where it has such a one."""
    part = block.get(inside)
    return {**block, inside: {**fields, **part}} if isinstance(part, dict) else {**fields, **block}


blocks = st.one_of(
    st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(TYPES), _nested),
    st.builds(_with_field, _made, _inside, _fields),
)
tool_values = json_values | st.lists(blocks, max_size=3) | st.lists(blocks | json_values, max_size=3)
tool_contents = _texts | st.lists(_texts | blocks | _nested, max_size=3)
"""What a tool message can be made of."""


def leaves(value: Any) -> Iterator[Any]:
    """Everything that is said in a value, but for the names of its fields, of its blocks' kinds, and `text/…`."""
    if isinstance(value, dict):
        for key, one in value.items():
            is_form = isinstance(one, str) and (key in ("type", "source_type") or one.startswith("text/"))
            if not is_form:
                yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif value is not None:
        yield value


def sent_text(content: Any) -> str:
    """All that is sent, as one text."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] if part["type"] == "text" else json.dumps(part) for part in content)


def missing(value: Any, content: Any) -> list[Any]:
    """What a value says and the sent content does not; marks that LangChain itself puts on blocks aside."""
    text = sent_text(content)
    found = [one for one in leaves(value) if not (isinstance(one, str) and (not one or one.startswith("lc_")))]
    spelled = [(one, json.dumps(one, ensure_ascii=False)) for one in found]
    return [
        one
        for one, words in spelled
        if words.strip('"') not in text and not (isinstance(one, str) and (one in text or one.lower() in text))
    ]
