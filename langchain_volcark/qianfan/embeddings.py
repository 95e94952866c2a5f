"""Embedding models on Baidu Qianfan (`QianfanEmbeddings`).

V2: https://cloud.baidu.com/doc/qianfan-api/s/Fm7u3ropn. V1: the pages of Embedding-V1, bge-large-zh, bge-large-en
and tao-8k (https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from langchain_volcark.base.embeddings import EmbeddingPlan, HTTPEmbeddings, batches, check_texts
from langchain_volcark.base.values import Whole
from langchain_volcark.base.vectors import read_rows, read_vector
from langchain_volcark.qianfan.service import QianfanService

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.http.requests import ServiceRequest

_PATH = "/embeddings"
_MAX_BYTES = 10_000_000
_MOST_ITEMS = 16
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class TextLimits:
    """Documented input limits of an embedding model.

    Attributes:
        tokens: Maximum tokens per text.
        characters: Maximum characters per text.
        items: Maximum texts per request.
    """

    tokens: int
    characters: int
    items: int = _MOST_ITEMS


_LIMITS = {
    "embedding-v1": TextLimits(384, 1000),
    "bge-large-zh": TextLimits(512, 2000),
    "bge-large-en": TextLimits(512, 2000),
    "tao-8k": TextLimits(8192, 28000, items=1),
}


def limits_of(model: str) -> TextLimits | None:
    """Look up the limits of a model by its name (in any case) or V1 endpoint; None where unknown."""
    return _LIMITS.get(model.lower().replace("_", "-"))


class QianfanEmbeddings(QianfanService, HTTPEmbeddings, defer_build=False):
    """Embedding models on Baidu Qianfan (百度智能云千帆).

    Key init args:
        model: Model id (`bge-large-zh`, `qwen3-embedding-4b`, …).
        api_key: API key, or a sync or async callable that returns one; default `QIANFAN_BEARER_TOKEN`, else
            `QIANFAN_API_KEY`. `ChatQianfan` describes the other kinds of credentials.
        chunk_size: Texts per request, 16 at most; always one for tao-8k.
        max_concurrency: Maximum number of concurrent requests.

    Example:
        ```python
        from langchain_volcark import QianfanEmbeddings

        embeddings = QianfanEmbeddings(model="bge-large-zh")
        vectors = embeddings.embed_documents(["花椰菜是一种常见的蔬菜。", "西湖在杭州。"])
        query = embeddings.embed_query("常见的蔬菜有哪些?")
        ```

    V1:
        ```python
        QianfanEmbeddings(
            api_version="v1", model="Embedding-V1", base_url="https://qianfan.example.com/…/wenxinworkshop"
        )
        ```

    Texts longer than the documented limits of the model are refused before anything is sent, with their position.
    Characters are counted exactly; for tokens the check uses a lower bound, one token per Chinese character.
    """

    chunk_size: Whole = Field(default=_MOST_ITEMS, ge=1, le=_MOST_ITEMS)
    """Maximum number of texts per request."""
    user: str | None = None
    """Your id for the end user (V1: `user_id`)."""

    v1_kind: ClassVar[str] = "embeddings"
    endpoint_paths: ClassVar[tuple[str, ...]] = (_PATH, "/chat/completions")

    # --- plans --------------------------------------------------------------------------------------------

    def _plan_documents(self, texts: Sequence[str]) -> EmbeddingPlan[list[float]]:
        check_texts(texts, max_bytes=_MAX_BYTES)
        return self._plan(texts, "Input {}")

    def _plan_query(self, text: str) -> EmbeddingPlan[list[float]]:
        check_texts([text], max_bytes=_MAX_BYTES, name="The query")
        return self._plan([text], "The query")

    def _plan(self, texts: Sequence[str], name: str) -> EmbeddingPlan[list[float]]:
        limits = limits_of(self.model)
        if limits is not None:
            for position, text in enumerate(texts):
                _check_length(text, limits, name.format(position))
        items = min(self.chunk_size, limits.items) if limits else self.chunk_size
        return EmbeddingPlan(
            batches([1] * len(texts), max_items=items),
            lambda span: self._embedding_request(texts[span.start : span.stop]),
            read_embeddings,
        )

    def _embedding_request(self, texts: Sequence[str]) -> ServiceRequest:
        body = self._body({"input": list(texts), "user": self.user})
        return self._version.post(self, body.pop("model"), _PATH, body)

    def _preset_endpoint(self, model: str) -> str | None:
        name = model.lower().replace("_", "-")
        return None if name not in _LIMITS else name if name == "embedding-v1" else name.replace("-", "_")


def read_embeddings(payload: Mapping[str, Any], count: int) -> list[list[float]]:
    """Return the vectors of a reply in the order of the texts.

    Args:
        payload: The reply.
        count: Number of texts that were sent.

    Raises:
        ValueError: The reply is not in the documented format.
    """
    return read_rows(payload.get("data"), count, lambda row: read_vector(row.get("embedding")))


def _check_length(text: str, limits: TextLimits, name: str) -> None:
    if len(text) > limits.characters:
        raise ValueError(
            f"{name} is too long: {len(text):,} characters, and the model takes {limits.characters:,}. Split it."
        )
    certain = len(_CHINESE.findall(text))
    if certain > limits.tokens:
        raise ValueError(
            f"{name} is too long: its {certain:,} Chinese characters alone are more than the {limits.tokens:,} "
            "tokens that the model takes. Split it."
        )
