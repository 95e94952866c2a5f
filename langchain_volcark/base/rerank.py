"""The rerankers that all vendors share: batches, bounded concurrency, order."""

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

    from langchain_volcark.http.client import Reply, ServiceRequest

Passage = str | Document | Mapping[str, Any]


class HTTPReranker(HTTPService, BaseDocumentCompressor):
    """Base of the package's rerankers.

    A vendor's class writes the passages and a batch's request, and reads its scores. It never changes itself
    during a call, so one object serves many threads, tasks and event loops at once.
    """

    top_n: OptionalWhole = Field(default=None, ge=1)
    """Most documents that `compress_documents` returns; None returns all."""
    batch_size: Whole = Field(default=50, ge=1)
    """Passages in one request at most."""
    max_concurrency: Whole = Field(default=4, ge=1)
    """Requests of one call in flight at most."""

    # --- what a vendor says -------------------------------------------------------------------------------

    @abstractmethod
    def _write_passages(self, query: Any, documents: Sequence[Passage]) -> list[Any]:
        """The passages as the service wants them; refuses bad ones with a `ValueError` that names the position."""

    @abstractmethod
    def _rerank_request(self, query: Any, passages: Sequence[Any]) -> ServiceRequest:
        """The request for one batch."""

    @abstractmethod
    def _read_scores(self, payload: Mapping[str, Any], count: int) -> list[float]:
        """The scores of a batch in its order.

        Raises:
            ValueError: The reply is not what is documented.
        """

    # --- what a user calls --------------------------------------------------------------------------------

    def rerank(self, query: Any, documents: Sequence[Passage]) -> list[float]:
        """Score passages against a question.

        Args:
            query: The question.
            documents: Texts or documents.

        Returns:
            One score per passage in their order, higher is better; `[]` for `[]`, without a request.

        Raises:
            ValueError: A passage cannot be sent; the message names its position. Nothing was sent then.
            VolcArkError: A request failed for good; `completed` holds the scores that others brought.
        """
        passages = self._write_passages(query, as_list(documents, "documents"))
        client = self._client

        def send(span: range) -> list[float]:
            request = self._rerank_request(query, passages[span.start : span.stop])
            return self._read_batch(client.post(request), len(span))

        return fan_out(self._spans(passages), send, max_concurrency=self.max_concurrency)

    async def arerank(self, query: Any, documents: Sequence[Passage]) -> list[float]:
        """Async twin of `rerank`."""
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
        """Order documents by how well they answer a question.

        Args:
            documents: The documents; they stay as they are.
            query: The question.
            callbacks: Not used.

        Returns:
            Copies of the best `top_n`, best first, with `rerank_score` in their metadata.

        Raises:
            ValueError: A document cannot be sent; the message names its position.
            VolcArkError: A request failed for good.
        """
        documents = _as_documents(documents)
        return self._order(documents, self.rerank(query, documents))

    @override
    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        """Async twin of `compress_documents`."""
        documents = _as_documents(documents)
        return self._order(documents, await self.arerank(query, documents))

    # --- requests and replies -----------------------------------------------------------------------------

    def _spans(self, passages: Sequence[Any]) -> list[range]:
        return batches([1] * len(passages), max_items=self.batch_size)

    def _read_batch(self, reply: Reply, count: int) -> list[float]:
        try:
            return self._read_scores(reply.payload, count)
        except ValueError as error:
            raise self._undocumented(reply, error) from error

    def _order(self, documents: Sequence[Document], scores: Sequence[float]) -> list[Document]:
        best = sorted(range(len(scores)), key=lambda place: -scores[place])
        return [
            documents[place].model_copy(
                update={"metadata": {**documents[place].metadata, "rerank_score": scores[place]}}
            )
            for place in best[: self.top_n]
        ]


def _as_documents(values: Any) -> list[Document]:
    documents = as_list(values, "documents")
    for place, one in enumerate(documents):
        if not isinstance(one, Document):
            raise ValueError(f"documents[{place}] is a {type(one).__name__}: give documents, or call rerank().")  # noqa: TRY004
    return documents
