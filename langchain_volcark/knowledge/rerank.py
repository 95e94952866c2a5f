"""Reranking by the VikingDB knowledge base.

Follows https://www.volcengine.com/docs/84313/1254474 (service/rerank).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import AliasChoices, Field
from typing_extensions import override

from langchain_volcark.embeddings import batches
from langchain_volcark.exceptions import ResponseFormatError
from langchain_volcark.fan_out import afan_out, fan_out
from langchain_volcark.http.client import Reply, ServiceRequest
from langchain_volcark.knowledge.auth import RERANK_PATH, KnowledgeService

if TYPE_CHECKING:
    from langchain_core.callbacks import Callbacks

Passage = str | Document | Mapping[str, Any]


class VikingKnowledgeReranker(KnowledgeService, BaseDocumentCompressor):
    """Reranker of the VikingDB knowledge base; a document compressor.

    Key init args:
        model: `base-multilingual-rerank`, `m3-v2-rerank` or `doubao-seed-rerank`; unset leaves it to the service.
        top_n: Most documents to return.

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
    """The reranker; unset leaves it to the service (`base-multilingual-rerank`)."""
    top_n: int | None = Field(default=None, ge=1)
    """Most documents that `compress_documents` returns; None returns all."""
    rerank_instruction: str | None = None
    """What to look for, for models that take instructions."""
    endpoint_id: str | None = None
    """Private endpoint of a reranker."""
    batch_size: int = Field(default=50, ge=1, le=200)
    """Passages in one request at most; every vendor's client manages 50, the service documents 200."""
    max_concurrency: int = Field(default=4, ge=1)
    """Requests of one call in flight at most."""

    def rerank(self, query: str | Mapping[str, Any], documents: Sequence[Passage]) -> list[float]:
        """Score passages against a question.

        Args:
            query: The question; for `doubao-seed-rerank` also an object with text and image, as the API has it.
            documents: Texts, documents (title and text), or objects as the API has them (`content`, `title`,
                `image`).

        Returns:
            One score per passage in their order, higher is better; `[]` for `[]`, without a request.

        Raises:
            ValueError: A passage cannot be sent; the message names its position.
            VolcArkError: A request failed for good; `completed` holds the scores that others brought.
        """
        datas = _write(query, documents)
        client = self._client

        def send(span: range) -> list[float]:
            return self._read(client.post(self._request(datas, span)), len(span))

        return fan_out(self._spans(datas), send, max_concurrency=self.max_concurrency)

    async def arerank(self, query: str | Mapping[str, Any], documents: Sequence[Passage]) -> list[float]:
        """Async twin of `rerank`."""
        datas = _write(query, documents)
        client = self._client

        async def send(span: range) -> list[float]:
            return self._read(await client.apost(self._request(datas, span)), len(span))

        return await afan_out(self._spans(datas), send, max_concurrency=self.max_concurrency)

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Order documents by how well they answer a question.

        Args:
            documents: The documents; they stay as they are.
            query: The question.
            callbacks: Not used.

        Returns:
            Copies of the best `top_n`, best first, with `rerank_score` in their metadata.

        Raises:
            VolcArkError: A request failed for good.
        """
        return self._order(documents, self.rerank(query, documents))

    @override
    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Async twin of `compress_documents`."""
        return self._order(documents, await self.arerank(query, documents))

    # --- requests and replies -----------------------------------------------------------------------------

    def _spans(self, datas: Sequence[Any]) -> list[range]:
        return batches([1] * len(datas), max_items=self.batch_size)

    def _request(self, datas: Sequence[dict[str, Any]], span: range) -> ServiceRequest:
        fields = {
            "rerank_model": self.model,
            "rerank_instruction": self.rerank_instruction,
            "endpoint_id": self.endpoint_id,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return ServiceRequest(RERANK_PATH, {"datas": [datas[place] for place in span], **given})

    def _read(self, reply: Reply, count: int) -> list[float]:
        scores = read_scores(reply.payload)
        if scores is None or len(scores) != count:
            found = "no scores" if scores is None else f"{len(scores)} scores"
            raise ResponseFormatError(
                f"The reply is not what the service documents: {found} for {count} passages.",
                status_code=200,
                request_id=self._errors.request_id(reply.headers, reply.payload),
                body=reply.payload,
            )
        return scores

    def _order(self, documents: Sequence[Document], scores: Sequence[float]) -> list[Document]:
        best = sorted(range(len(scores)), key=lambda place: -scores[place])
        return [
            documents[place].model_copy(
                update={"metadata": {**documents[place].metadata, "rerank_score": scores[place]}}
            )
            for place in best[: self.top_n]
        ]


def read_scores(payload: Mapping[str, Any]) -> list[float] | None:
    """Read a reply's scores: in `data.scores`, or in the older form a bare list; None where there are none."""
    data = payload.get("data")
    scores = data.get("scores") if isinstance(data, Mapping) else data
    if not isinstance(scores, list) or not all(isinstance(score, (int, float)) for score in scores):
        return None
    return [float(score) for score in scores]


def _write(query: str | Mapping[str, Any], documents: Sequence[Passage]) -> list[dict[str, Any]]:
    """Each passage with the question, as the service wants it."""
    if not query or (isinstance(query, str) and not query.strip()):
        raise ValueError("The query is empty.")
    asked = query if isinstance(query, str) else dict(query)
    return [{"query": asked, **_passage(one, place)} for place, one in enumerate(documents)]


def _passage(passage: Passage, place: int) -> dict[str, Any]:
    if isinstance(passage, str):
        return {"content": passage}
    if isinstance(passage, Mapping):
        return dict(passage)
    if not isinstance(passage, Document):
        raise ValueError(f"documents[{place}] is a {type(passage).__name__}: give texts, documents or objects.")  # noqa: TRY004
    title = passage.metadata.get("chunk_title") or passage.metadata.get("title")
    return {"content": passage.page_content, **({"title": title} if isinstance(title, str) and title else {})}
