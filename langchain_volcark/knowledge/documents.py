"""Converts search results to LangChain documents.

Follows https://www.volcengine.com/docs/84313/1350012 (search_knowledge, `result_list`).
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document

from langchain_volcark.base.vectors import read_number
from langchain_volcark.http.json import objects

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = ("content", "md_content", "html_content", "origin_text", "description")


def read_item(item: Mapping[str, Any]) -> Document:
    """Read one item of `result_list`.

    Args:
        item: The item as sent; every field is optional.

    Returns:
        A document with `page_content`: the chunk's text (an FAQ's question and answer, a table row's fields, an
        image's caption); `id`: the point id; `metadata`: `score` and, after reranking, `rerank_score`, the fields
        of the chunk and of its source document (`doc_id`, `doc_name`, `title`, …), `doc_meta` as a dict by field
        name, and all other fields unchanged.
    """
    text = page_content(item)
    metadata = {key: value for key, value in item.items() if key != "doc_info" and value is not None}
    if metadata.get("content") == text:
        del metadata["content"]
    doc_info = item.get("doc_info")
    if isinstance(doc_info, dict):
        # Where names collide, the chunk's field wins over its document's.
        metadata.update(
            {key: value for key, value in doc_info.items() if value is not None and key not in metadata}
        )
    if "doc_meta" in metadata:
        metadata["doc_meta"] = read_doc_meta(metadata["doc_meta"])
    point = item.get("point_id") or item.get("id")
    return Document(page_content=text, id=str(point) if point else None, metadata=metadata)


def page_content(item: Mapping[str, Any]) -> str:
    """Return the text of an item of any kind."""
    parts = [
        _text(item.get("original_question")),
        next((text for name in _TEXTS if (text := _text(item.get(name)))), ""),
        "\n".join(table_lines(item)),
    ]
    text = "\n".join(part for part in parts if part)
    return text or "\n".join(captions(item))


def table_lines(item: Mapping[str, Any]) -> list[str]:
    """Return the fields of a table row as `name: value` lines."""
    rows = objects(item.get("table_chunk_fields"))
    return [f"{field['field_name']}: {field.get('field_value')}" for field in rows if field.get("field_name")]


def captions(item: Mapping[str, Any]) -> list[str]:
    """Return the captions of an item's images."""
    return [caption for one in attachments(item) if (caption := _text(one.get("caption")))]


def attachments(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the attachments of an item, unchanged."""
    return objects(item.get("chunk_attachment"))


def read_doc_meta(value: Any) -> Any:
    """Read the custom fields of a document, which the service sends as JSON inside a string.

    Args:
        value: For example `'[{"field_name": "lang", "field_type": "string", "field_value": "en"}]'`.

    Returns:
        A dict from field name to value; a value in another format is returned unchanged.
    """
    read = value
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(read, list) and all(
        isinstance(one, dict) and isinstance(one.get("field_name"), str) for one in read
    ):
        return {one["field_name"]: one.get("field_value") for one in read}
    return read


def score_of(document: Document) -> float | None:
    """Return the score that ranked a document: the reranker's, else the search's; None without either."""
    for name in ("rerank_score", "score"):
        with contextlib.suppress(ValueError):
            return read_number(document.metadata.get(name))
    return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
