"""Embeddings and reranking for both API versions.

V2: https://cloud.baidu.com/doc/qianfan-api/s/Fm7u3ropn, /2m7u4zt74. V1:
https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from langchain_volcark.emulator import embedding, tokens
from langchain_volcark.emulator.grounding import overlap

Json = dict[str, Any]

_MAX_QUERY, _MAX_DOCUMENT, _MAX_DOCUMENTS = 1600, 4096, 64


class VectorError(Exception):
    """An invalid input; `too_long` if only its length is invalid."""

    def __init__(self, message: str, *, too_long: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.too_long = too_long


@dataclass(frozen=True)
class EmbeddingModel:
    """Limits of a model: texts per request, tokens and characters per text, dimensions."""

    items: int
    tokens: int
    characters: int
    dimensions: int


MODELS = {
    "embedding-v1": EmbeddingModel(16, 384, 1000, 384),
    "bge-large-zh": EmbeddingModel(16, 512, 2000, 1024),
    "bge-large-en": EmbeddingModel(16, 512, 2000, 1024),
    "tao-8k": EmbeddingModel(1, 8192, 28000, 1024),
    "qwen3-embedding-0.6b": EmbeddingModel(16, 8192, 1_000_000, 1024),
    "qwen3-embedding-4b": EmbeddingModel(16, 8192, 1_000_000, 2560),
}
V1_NAMES = {name.replace("-", "_") if name != "embedding-v1" else name: name for name in list(MODELS)[:4]}
RERANKER = "bce-reranker-base"
V1_RERANKER = "bce_reranker_base"


def embed(model: EmbeddingModel, texts: Any) -> Json:
    """Build the fields of an embedding reply that both versions have.

    Raises:
        VectorError: A text, or the number of texts, is invalid.
    """
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not texts:
        raise VectorError("input must be a list of strings that is not empty")
    if len(texts) > model.items:
        raise VectorError(f"input has {len(texts)} items, more than {model.items}")
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise VectorError(f"input[{index}] is empty or no string")
        if len(text) > model.characters or tokens.count(text) > model.tokens:
            raise VectorError(f"input[{index}] is longer than {model.tokens} tokens", too_long=True)
    rows = [
        {"object": "embedding", "index": index, "embedding": embedding.embed(text, model.dimensions)}
        for index, text in enumerate(texts)
    ]
    used = sum(map(tokens.count, texts))
    return {
        "object": "embedding_list",
        "created": int(time.time()),
        # Not in order, because the documentation does not promise an order.
        "data": rows[::-1],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def rerank(body: Json) -> Json:
    """Build the fields of a reranking reply that both versions have.

    Raises:
        VectorError: The query or a document is invalid.
    """
    query, documents, top_n = body.get("query"), body.get("documents"), body.get("top_n")
    if not isinstance(query, str) or not query:
        raise VectorError("query can not be empty")
    if len(query) > _MAX_QUERY:
        raise VectorError(f"query is longer than {_MAX_QUERY} characters", too_long=True)
    if not isinstance(documents, list) or not 1 <= len(documents) <= _MAX_DOCUMENTS:
        raise VectorError(f"documents must be a list of 1 to {_MAX_DOCUMENTS} strings")
    for index, document in enumerate(documents):
        if not isinstance(document, str) or not document:
            raise VectorError(f"documents[{index}] is empty or no string")
        if len(document) > _MAX_DOCUMENT:
            raise VectorError(f"documents[{index}] is longer than {_MAX_DOCUMENT} characters", too_long=True)
    asked = embedding.pieces(query)
    results = [
        {"document": document, "relevance_score": round(float(overlap(asked, document)), 6), "index": index}
        for index, document in enumerate(documents)
    ]
    results.sort(key=lambda one: -float(str(one["relevance_score"])))
    used = tokens.count(query) + sum(map(tokens.count, documents))
    return {
        "object": "reranker_list",
        "created": int(time.time()),
        "results": results[: top_n or None],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
