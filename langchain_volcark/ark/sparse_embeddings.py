"""Ark's sparse embeddings with the interfaces of vector stores (Qdrant, Milvus) for hybrid search.

The two interfaces have the same methods, so one class implements both. Qdrant reads a vector's `indices` and
`values`; Milvus expects a list of pairs.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.ark.embeddings import ArkEmbeddings

_INTERFACES = (
    ("langchain_qdrant", "sparse_embeddings", "SparseEmbeddings"),
    ("langchain_milvus", "utils.sparse", "BaseSparseEmbedding"),
)


class SparseVector(list[tuple[int, float]]):
    """A sparse vector: pairs of a term's id and its weight, in the order of the ids."""

    def __init__(self, weights: Mapping[int, float]) -> None:
        super().__init__(sorted(weights.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return SparseVector, (dict(self),)

    @property
    def indices(self) -> list[int]:
        """The terms' ids."""
        return [index for index, _ in self]

    @property
    def values(self) -> list[float]:
        """The terms' weights."""
        return [value for _, value in self]


class ArkSparseEmbeddings:
    """Sparse embeddings for a vector store; returned by `ArkEmbeddings.as_sparse`.

    An instance of `langchain_qdrant.SparseEmbeddings` and of `langchain_milvus.utils.sparse.BaseSparseEmbedding`,
    if these are installed.

    Args:
        embeddings: The embeddings that request the vectors.
    """

    def __init__(self, embeddings: ArkEmbeddings) -> None:
        self._embeddings = embeddings
        _register()

    def __reduce__(self) -> tuple[Any, ...]:
        return ArkSparseEmbeddings, (self._embeddings,)

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Embed documents.

        Args:
            texts: The documents. None may be empty.

        Returns:
            One vector per document, in their order.

        Raises:
            ValueError: A text is invalid; the message names its position. No request was sent.
            VolcArkError: A request failed after its retries. `completed` holds the results of the other requests.
        """
        return [SparseVector(weights) for weights in self._embeddings.embed_sparse(texts)]

    async def aembed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Same as `embed_documents`, async."""
        return [SparseVector(weights) for weights in await self._embeddings.aembed_sparse(texts)]

    def embed_query(self, text: str) -> SparseVector:
        """Embed a query, with the instruction for queries.

        Raises:
            ValueError: The text is invalid.
            VolcArkError: The request failed.
        """
        (weights,) = self._embeddings.embed_sparse([text], instructions=self._embeddings.instruction_of_queries)
        return SparseVector(weights)

    async def aembed_query(self, text: str) -> SparseVector:
        """Same as `embed_query`, async."""
        instructions = self._embeddings.instruction_of_queries
        (weights,) = await self._embeddings.aembed_sparse([text], instructions=instructions)
        return SparseVector(weights)


def _register() -> None:
    """Register with the stores' interfaces, for Milvus's `isinstance`; imported late, as the import is slow."""
    for package, module, name in _INTERFACES:
        # A package that is installed but fails to import must not affect the other one.
        with suppress(ImportError):
            if find_spec(package) is not None:
                getattr(import_module(f"{package}.{module}"), name).register(ArkSparseEmbeddings)
