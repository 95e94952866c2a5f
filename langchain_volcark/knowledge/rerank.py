"""Reranker of the VikingDB knowledge base (`VikingKnowledgeReranker`).

Follows https://www.volcengine.com/docs/84313/1254474 (service/rerank).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from pydantic import AliasChoices, Field

from langchain_volcark.base.rerank import HTTPReranker, Passage
from langchain_volcark.base.values import Whole, shown
from langchain_volcark.base.vectors import read_number
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.knowledge.service import RERANK_PATH, KnowledgeService


class VikingKnowledgeReranker(KnowledgeService, HTTPReranker, defer_build=False):
    """Reranker of the VikingDB knowledge base; a document compressor.

    Key init args:
        model: `base-multilingual-rerank`, `m3-v2-rerank` or `doubao-seed-rerank`; default is the service's.
        top_n: Maximum number of documents to return.

    Example:
        ```python
        from langchain_volcark import VikingKnowledgeReranker

        reranker = VikingKnowledgeReranker(model="m3-v2-rerank", top_n=3)
        best = reranker.compress_documents(documents, "When does the ferry leave?")
        print(best[0].metadata["rerank_score"])
        ```

    In a chain:
        ```python
        from langchain_classic.retrievers import ContextualCompressionRetriever

        ContextualCompressionRetriever(base_compressor=reranker, base_retriever=retriever)
        ```
    """

    model: str | None = Field(default=None, validation_alias=AliasChoices("model", "model_name"))
    """Reranking model; the service's default is `base-multilingual-rerank`."""
    rerank_instruction: str | None = None
    """Instruction, for models that support one."""
    endpoint_id: str | None = None
    """Private endpoint of a reranking model."""
    batch_size: Whole = Field(default=50, ge=1, le=200)
    """Maximum number of passages per request; the documented limit is 200, the vendor's SDKs use 50."""

    # --- requests and replies -----------------------------------------------------------------------------

    def _write_passages(self, query: Any, documents: Sequence[Passage]) -> list[Any]:
        """Pair each passage with the query, as the service expects."""
        if not isinstance(query, (str, Mapping)):
            raise ValueError(f"The query must be a text or an object with text and image, not {shown(query)}.")  # noqa: TRY004
        if not query or (isinstance(query, str) and not query.strip()):
            raise ValueError("The query is empty.")
        # Some models accept an object with text and image as query.
        asked = query if isinstance(query, str) else dict(query)
        return [{"query": asked, **_passage(one, place)} for place, one in enumerate(documents)]

    def _rerank_request(self, query: Any, passages: Sequence[Any]) -> ServiceRequest:  # noqa: ARG002
        fields = {
            "rerank_model": self.model,
            "rerank_instruction": self.rerank_instruction,
            "endpoint_id": self.endpoint_id,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return ServiceRequest(RERANK_PATH, {"datas": list(passages), **given})

    def _read_scores(self, payload: Mapping[str, Any], count: int) -> list[float]:
        scores = read_scores(payload)
        if scores is None or len(scores) != count:
            found = "no scores" if scores is None else f"{len(scores)} scores"
            raise ValueError(f"{found} for {count} passages")
        return scores


def read_scores(payload: Mapping[str, Any]) -> list[float] | None:
    """Return the scores of a reply (`data.scores`, or `data` in the older format), or None without any."""
    data = payload.get("data")
    scores = data.get("scores") if isinstance(data, Mapping) else data
    if not isinstance(scores, list):
        return None
    try:
        return [read_number(score) for score in scores]
    except ValueError:
        return None


def _passage(passage: Passage, place: int) -> dict[str, Any]:
    if isinstance(passage, str):
        return {"content": passage}
    if isinstance(passage, Mapping):
        return dict(passage)
    if not isinstance(passage, Document):
        raise ValueError(f"documents[{place}] is a {type(passage).__name__}: give texts, documents or objects.")  # noqa: TRY004
    title = passage.metadata.get("chunk_title") or passage.metadata.get("title")
    return {"content": passage.page_content, **({"title": title} if isinstance(title, str) and title else {})}
