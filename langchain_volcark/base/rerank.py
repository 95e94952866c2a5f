"""Base class of all vendors' rerankers: batching, bounded concurrency, order of results."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import Field
from typing_extensions import override

from langchain_volcark.base.embeddings import batches
from langchain_volcark.base.fan_out import afan_out, fan_out
from langchain_volcark.base.service import HTTPService
from langchain_volcark.base.values import OptionalWhole, Whole, as_list

if TYPE_CHECKING:
    from langchain_core.callbacks import Callbacks

    from langchain_volcark.http.replies import Reply
    from langchain_volcark.http.requests import ServiceRequest

Passage = str | Document | Mapping[str, Any]


class HTTPReranker(HTTPService, BaseDocumentCompressor):
    """Base of the package's rerankers.

    A vendor's class converts the passages, creates the request of a batch, and reads its scores. A call never
    changes the object, so many threads, tasks and event loops can use it at once.
    """

    top_n: OptionalWhole = Field(default=None, ge=1)
    """Maximum number of documents that `compress_documents` returns; None returns all."""
    batch_size: Whole = Field(default=50, ge=1)
    """Maximum number of passages per request."""
    max_concurrency: Whole = Field(default=4, ge=1)
    """Maximum number of concurrent requests of one call."""

    # --- defined by a vendor's class ----------------------------------------------------------------------

    @abstractmethod
    def _write_passages(self, query: Any, documents: Sequence[Passage]) -> list[Any]:
        """The passages in the service's form; raises `ValueError` with the position of an invalid one."""

    @abstractmethod
    def _rerank_request(self, query: Any, passages: Sequence[Any]) -> ServiceRequest:
        """The request of one batch."""

    @abstractmethod
    def _read_scores(self, payload: Mapping[str, Any], count: int) -> list[float]:
        """The scores of a batch, in its order.

        Raises:
            ValueError: The reply is not in the documented form.
        """

    # --- public methods -----------------------------------------------------------------------------------

    def rerank(self, query: Any, documents: Sequence[Passage]) -> list[float]:
        """Score passages against a question.

        Args:
            query: The question.
            documents: Texts or documents.

        Returns:
            One score per passage in their order, higher is better; `[]` for `[]`, without a request.

        Raises:
            ValueError: A passage is invalid; the message names its position. No request was sent.
            VolcArkError: A request failed after its retries; `completed` holds the scores of the other requests.
        """
        passages = self._write_passages(query, as_list(documents, "documents"))
        client = self._client

        def send(span: range) -> list[float]:
            request = self._rerank_request(query, passages[span.start : span.stop])
            return self._read_batch(client.post(request), len(span))

        return fan_out(self._spans(passages), send, max_concurrency=self.max_concurrency)

    async def arerank(self, query: Any, documents: Sequence[Passage]) -> list[float]:
        """Same as `rerank`, async."""
        passages = self._write_passages(query, as_list(documents, "documents"))
        client = self._client

        async def send(span: range) -> list[float]:
            request = self._rerank_request(query, passages[span.start : span.stop])
            return self._read_batch(await client.apost(request), len(span))

        return await afan_out(self._spans(passages), send, max_concurrency=self.max_concurrency)

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Order documents by their relevance to a question.

        Args:
            documents: The documents; they are not changed.
            query: The question.
            callbacks: Not used.

        Returns:
            Copies of the best `top_n`, best first, with `rerank_score` in their metadata.

        Raises:
            ValueError: A document is invalid; the message names its position.
            VolcArkError: A request failed after its retries.
        """
        documents = _as_documents(documents)
        return self._order(documents, self.rerank(query, documents))

    @override
    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Same as `compress_documents`, async."""
        documents = _as_documents(documents)
        return self._order(documents, await self.arerank(query, documents))

    # --- requests and replies -----------------------------------------------------------------------------

    def _spans(self, passages: Sequence[Any]) -> list[range]:
        return batches([1] * len(passages), max_items=self.batch_size)

    def _read_batch(self, reply: Reply, count: int) -> list[float]:
        return self._read_reply(reply, lambda payload: self._read_scores(payload, count))

    def _order(self, documents: Sequence[Document], scores: Sequence[float]) -> list[Document]:
        best = sorted(range(len(scores)), key=lambda position: -scores[position])
        return [
            documents[position].model_copy(
                update={"metadata": {**documents[position].metadata, "rerank_score": scores[position]}}
            )
            for position in best[: self.top_n]
        ]


def _as_documents(values: Any) -> list[Document]:
    documents = as_list(values, "documents")
    for place, one in enumerate(documents):
        if not isinstance(one, Document):
            raise ValueError(f"documents[{place}] is a {type(one).__name__}: give documents, or call rerank().")  # noqa: TRY004
    return documents
