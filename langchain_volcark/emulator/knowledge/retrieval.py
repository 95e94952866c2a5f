"""Hybrid search, reranking, adjacent chunks, and result items.

https://www.volcengine.com/docs/84313/1350012.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from langchain_volcark.emulator.embedding import embed, pieces, sparse
from langchain_volcark.emulator.grounding import overlap
from langchain_volcark.emulator.knowledge.corpus import DIMENSIONS, type_of
from langchain_volcark.emulator.knowledge.filters import passes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.emulator.knowledge.corpus import Chunk, Collection

FILES = "/api/knowledge/_files/"


@dataclass
class Hit:
    """A chunk in the results; chunks added as neighbours of a hit have no score."""

    chunk: Chunk
    score: float | None = None
    recall_position: int | None = None
    rerank_score: float | None = None
    rerank_position: int | None = None


def recall(
    collection: Collection,
    query: str,
    *,
    limit: int,
    dense_weight: float,
    doc_filter: dict[str, Any] | None = None,
    folders: Sequence[str] | None = None,
) -> list[Hit]:
    """Return the best chunks by the weighted sum of dense and sparse similarity.

    Args:
        collection: The collection.
        query: The question.
        limit: Maximum number of chunks.
        dense_weight: Weight of the dense similarity, 0 to 1.
        doc_filter: A validated filter.
        folders: Restricts the search to documents in these folders.
    """
    vector, words = embed(query, DIMENSIONS), sparse(query)
    hits = []
    for chunk in collection.chunks:
        if not passes(chunk.doc, doc_filter):
            continue
        if folders and not any(chunk.doc.path.startswith(folder.strip("/") + "/") for folder in folders):
            continue
        by_vectors = sum(a * b for a, b in zip(vector, chunk.dense, strict=True))
        by_words = sum(weight * chunk.words.get(word, 0.0) for word, weight in words.items())
        hits.append(Hit(chunk, round(dense_weight * by_vectors + (1 - dense_weight) * by_words, 6)))
    hits.sort(key=lambda hit: -(hit.score or 0.0))
    for position, hit in enumerate(hits[:limit], 1):
        hit.recall_position = position
    return hits[:limit]


def rerank_score(query: str, text: str) -> float:
    """Return how much of a question a text covers, 0 to 1."""
    return round(overlap(pieces(query), text), 6)


def rerank(query: str, hits: list[Hit], *, only_chunk: bool) -> list[Hit]:
    """Sort hits by how much of the question each covers."""
    for hit in hits:
        title = "" if only_chunk else f"{hit.chunk.doc.title}\n{hit.chunk.title}\n"
        hit.rerank_score = rerank_score(query, title + hit.chunk.body)
    ordered = sorted(hits, key=lambda hit: -(hit.rerank_score or 0.0))
    for position, hit in enumerate(ordered, 1):
        hit.rerank_position = position
    return ordered


def with_neighbours(collection: Collection, hits: list[Hit], count: int) -> list[Hit]:
    """Add the adjacent chunks of each hit, without duplicates."""
    if not count:
        return hits
    found = {hit.chunk.point_id: hit for hit in hits}
    ordered: dict[str, Hit] = {}
    for hit in hits:
        near = [
            chunk
            for chunk in collection.chunks
            if chunk.doc is hit.chunk.doc and abs(chunk.chunk_id - hit.chunk.chunk_id) <= count
        ]
        for chunk in near:
            ordered.setdefault(chunk.point_id, found.get(chunk.point_id) or Hit(chunk))
    return list(ordered.values())


def in_document_order(hits: list[Hit]) -> list[Hit]:
    """Group hits by document, in the order of each document's best hit, then by position."""
    docs = list(dict.fromkeys(hit.chunk.doc.doc_id for hit in hits))
    return sorted(hits, key=lambda hit: (docs.index(hit.chunk.doc.doc_id), hit.chunk.chunk_id))


def item(hit: Hit, origin: str | None) -> dict[str, Any]:
    """Build an item of `result_list`.

    Args:
        hit: The hit.
        origin: Base URL for downloading attachments; None leaves links empty.
    """
    chunk, doc = hit.chunk, hit.chunk.doc
    shown: dict[str, Any] = {
        "id": f"{crc32(doc.doc_id.encode())}-{chunk.chunk_id}",
        "point_id": chunk.point_id,
        "content": chunk.content,
        "chunk_title": chunk.title,
        "chunk_id": chunk.chunk_id,
        "chunk_type": chunk.kind,
        "chunk_source": "document",
        "process_time": doc.created,
        "doc_info": {
            "doc_id": doc.doc_id,
            "doc_name": doc.name,
            "doc_type": doc.kind,
            "title": doc.title,
            "source": "tos",
            "create_time": doc.created,
            "doc_meta": json.dumps(_meta(doc.fields), ensure_ascii=False),
        },
    }
    ranks = ("score", "recall_position", "rerank_score", "rerank_position")
    shown |= {name: value for name in ranks if (value := getattr(hit, name)) is not None}
    if chunk.question:
        shown["original_question"] = chunk.question
    if chunk.rows:
        shown["table_chunk_fields"] = [{"field_name": name, "field_value": value} for name, value in chunk.rows]
    if chunk.image is not None:
        link = f"{origin}{FILES}{chunk.point_id}" if origin else ""
        shown["chunk_attachment"] = [
            {"uuid": chunk.point_id, "caption": chunk.content, "type": "image", "link": link, "info_link": ""}
        ]
    return shown


def _meta(fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"field_name": name, "field_type": type_of(value), "field_value": value} for name, value in fields.items()
    ]
