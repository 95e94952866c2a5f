"""Reranker on Baidu Qianfan (`QianfanRerank`).

V2: https://cloud.baidu.com/doc/qianfan-api/s/2m7u4zt74. V1: the page of bce-reranker-base
(https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from langchain_core.documents import Document
from pydantic import AfterValidator, AliasChoices, Field

from langchain_volcark.base.rerank import HTTPReranker, Passage
from langchain_volcark.base.values import Whole, shown
from langchain_volcark.base.vectors import read_number
from langchain_volcark.http.arguments import check_segment
from langchain_volcark.qianfan.service import QianfanService

if TYPE_CHECKING:
    from langchain_volcark.http.requests import ServiceRequest

_MODEL = "bce-reranker-base"
_MOST_DOCUMENTS = 64
_LONGEST_QUERY = 1600
_LONGEST_DOCUMENT = 4096


def _check_path(value: str) -> str:
    for piece in value.strip("/").split("/"):
        check_segment(piece, "rerank_path")
    return "/" + value.strip("/")


class QianfanRerank(QianfanService, HTTPReranker, defer_build=False):
    """Reranker on Baidu Qianfan (百度智能云千帆); a document compressor.

    Key init args:
        model: Model id; `bce-reranker-base` by default.
        top_n: Maximum number of documents to return.
        api_key: API key, or a sync or async callable that returns one; default `QIANFAN_BEARER_TOKEN`, else
            `QIANFAN_API_KEY`. `ChatQianfan` describes the other kinds of credentials.

    Example:
        ```python
        from langchain_volcark import QianfanRerank

        reranker = QianfanRerank(top_n=3)
        best = reranker.compress_documents(documents, "常见的蔬菜有哪些?")
        print(best[0].metadata["rerank_score"])
        ```

    The service uses the first 400 tokens of a query and the first 1,024 of a document, and ignores the rest.
    """

    model: str = Field(default=_MODEL, validation_alias=AliasChoices("model", "model_name"))
    """Model id."""
    batch_size: Whole = Field(default=_MOST_DOCUMENTS, ge=1, le=_MOST_DOCUMENTS)
    """Maximum number of documents per request."""
    user: str | None = None
    """Your id for the end user (V1: `user_id`)."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Additional fields of the request body."""
    rerank_path: Annotated[str, AfterValidator(_check_path)] = "/rerank"
    """V2: path below `base_url`. The documentation says `/rerank`, the vendor's SDKs use `/rerankers`."""

    v1_kind: ClassVar[str] = "reranker"
    endpoint_paths: ClassVar[tuple[str, ...]] = ("/rerankers", "/rerank", "/chat/completions")

    # --- requests and replies -----------------------------------------------------------------------------

    def _write_passages(self, query: Any, documents: Sequence[Passage]) -> list[Any]:
        if not isinstance(query, str):
            raise ValueError(f"The query must be a text, not {shown(query)}.")  # noqa: TRY004
        if not query.strip():
            raise ValueError("The query is empty.")
        if len(query) > _LONGEST_QUERY:
            raise ValueError(f"The query has {len(query):,} characters, and the service takes {_LONGEST_QUERY:,}.")
        return [_text(document, place) for place, document in enumerate(documents)]

    def _rerank_request(self, query: Any, passages: Sequence[Any]) -> ServiceRequest:
        body: dict[str, Any] = {"query": query, "documents": list(passages)}
        if self.user is not None:
            body["user"] = self.user
        return self._version.post(self, self.model, self.rerank_path, {**body, **self.model_kwargs})

    def _read_scores(self, payload: Mapping[str, Any], count: int) -> list[float]:
        return read_scores(payload, count)

    def _preset_endpoint(self, model: str) -> str | None:
        return _MODEL.replace("-", "_") if model.replace("_", "-") == _MODEL else None


def read_scores(payload: Mapping[str, Any], count: int) -> list[float]:
    """Return the scores of a reply in the order of the documents; the service sends the best first.

    Args:
        payload: The reply.
        count: Number of documents that were sent.

    Raises:
        ValueError: The reply is not in the documented format.
    """
    rows = payload.get("results")
    if not isinstance(rows, list) or len(rows) != count or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError(f"it has not one score for each of {count} documents")
    scores: dict[int, float] = {}
    for row in rows:
        index = row.get("index")
        if not isinstance(index, int):
            raise ValueError("a row of `results` has no index")  # noqa: TRY004
        try:
            scores[index] = read_number(row.get("relevance_score"))
        except ValueError as error:
            raise ValueError(f"a row of `results` has no relevance_score ({error})") from error
    if scores.keys() != set(range(count)):
        raise ValueError("its rows are not for the documents that were sent")
    return [scores[index] for index in range(count)]


def _text(document: Passage, place: int) -> str:
    text = document.page_content if isinstance(document, Document) else document
    if not isinstance(text, str):
        raise ValueError(f"documents[{place}] is a {type(text).__name__}: give texts or documents.")  # noqa: TRY004
    if not text.strip():
        raise ValueError(f"documents[{place}] is empty.")
    if len(text) > _LONGEST_DOCUMENT:
        raise ValueError(
            f"documents[{place}] has {len(text):,} characters, and the service takes {_LONGEST_DOCUMENT:,}: "
            "split it."
        )
    return text
