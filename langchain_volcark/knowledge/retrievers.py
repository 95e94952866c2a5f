"""Retriever for the VikingDB knowledge base (`VikingKnowledgeRetriever`).

Follows https://www.volcengine.com/docs/84313/1350012 (search_knowledge).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_core.retrievers import BaseRetriever
from pydantic import ValidationError, model_validator
from typing_extensions import Self, override

from langchain_volcark.base.service import Headers, Timeout, serialized_namespace
from langchain_volcark.base.values import check_value, describe
from langchain_volcark.http.arguments import to_timeout
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.http.retry import NO_HOOKS, RetryHooks
from langchain_volcark.knowledge.documents import read_item, score_of
from langchain_volcark.knowledge.errors import SEARCH_ERRORS
from langchain_volcark.knowledge.search import SearchOptions, write_search
from langchain_volcark.knowledge.service import SEARCH_PATH, KnowledgeService

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents import Document

    from langchain_volcark.http.errors import ErrorReader
    from langchain_volcark.http.replies import Reply

_CALL_TYPES: dict[str, Any] = {
    "messages": list[Any],
    "image_query": str,
    "extra_headers": Headers,
    "timeout": Timeout,
}


@dataclass(frozen=True)
class SearchResult:
    """Result of a search.

    Attributes:
        documents: The chunks, best first; in document order with `chunk_group`.
        rewrite_query: The rewritten question, or an empty string.
        token_usage: Tokens per step, unchanged, with `return_token_usage`.
        request_id: The service's id of the request.
        fields: All other fields of the reply.
    """

    documents: list[Document]
    rewrite_query: str = ""
    token_usage: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


class VikingKnowledgeRetriever(SearchOptions, KnowledgeService, BaseRetriever, defer_build=False):
    """Retriever for one collection of a VikingDB knowledge base (知识库).

    Setup:
        ```bash
        export VOLC_ACCESSKEY="AKLT…" VOLC_SECRETKEY="…"
        ```

    Key init args:
        collection_name: The collection, in `project` (`default` by default); or `resource_id` instead of both.
        k: Maximum number of chunks to return.
        score_threshold, doc_filter, dense_weight, rerank, rewrite, chunk_diffusion_count, get_attachment_link:
            Search options; `SearchOptions` lists all of them. Each can also be given per call.

    Example:
        ```python
        from langchain_volcark import VikingKnowledgeRetriever
        from langchain_volcark.knowledge.filters import must

        retriever = VikingKnowledgeRetriever(collection_name="ferry_docs", k=5, rerank="m3-v2-rerank")
        for document in retriever.invoke("When does the ferry leave?", doc_filter=must("lang", "en")):
            print(document.metadata["rerank_score"], document.metadata["doc_name"], document.page_content)
        ```

    Rewriting:
        ```python
        retriever = VikingKnowledgeRetriever(collection_name="ferry_docs", rewrite=True)
        retriever.invoke(
            "And on Sundays?", messages=[("human", "When does the ferry leave?"), ("ai", "At 07:40.")]
        )
        ```
    """

    collection_name: str | None = None
    """The collection's name; with `project`."""
    project: str | None = None
    """The collection's project; the service's default is `default`."""
    resource_id: str | None = None
    """The collection's unique id, instead of name and project."""

    # BaseRetriever's config would silently ignore unknown arguments.
    model_config = KnowledgeService.model_config

    shared_fields: ClassVar[tuple[str, ...]] = (*KnowledgeService.shared_fields, "callbacks")

    @model_validator(mode="after")
    def _check_collection(self) -> Self:
        if bool(self.collection_name) == bool(self.resource_id):
            raise ValueError("Set collection_name=… (with project=…) or resource_id=…, one of the two.")
        if self.resource_id and self.project not in (None, "default"):
            raise ValueError("resource_id excludes project: it identifies the collection by itself.")
        return self

    @property
    def _errors(self) -> ErrorReader:
        return SEARCH_ERRORS

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether `langchain_core.load` can serialize the class: always True."""
        return True

    @classmethod
    @override
    def get_lc_namespace(cls) -> list[str]:
        return serialized_namespace(cls)

    # --- public methods -----------------------------------------------------------------------------------

    def search(self, query: str, **kwargs: Any) -> SearchResult:
        """Search, and return the documents with all other fields of the reply.

        Args:
            query: The question, at most 8,000 characters.
            **kwargs: Search options for this call (`k`, `doc_filter`, …); `messages`, the conversation so far, for
                `rewrite`; `image_query`, URL or base64 of an image, for multimodal collections;
                `extra_headers`; `timeout`.

        Returns:
            The documents, the rewritten question and the token usage.

        Raises:
            ValueError: The question or an option is invalid; nothing was sent.
            VolcArkError: The search failed.
        """
        options, request = self._plan(query, kwargs)
        return self._read(options, self._client.post(request))

    async def asearch(self, query: str, **kwargs: Any) -> SearchResult:
        """Same as `search`, async."""
        options, request = self._plan(query, kwargs)
        return self._read(options, await self._client.apost(request))

    @override
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        options, request = self._plan(query, kwargs)
        return self._read(options, self._client.post(request, _hooks(run_manager))).documents

    @override
    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        options, request = self._plan(query, kwargs)
        return self._read(options, await self._client.apost(request, _hooks(run_manager))).documents

    # --- request and reply --------------------------------------------------------------------------------

    def _plan(self, query: str, kwargs: dict[str, Any]) -> tuple[SearchOptions, ServiceRequest]:
        given = {name: kwargs.pop(name, None) for name in _CALL_TYPES}
        call = {
            name: None if value is None else check_value(_CALL_TYPES[name], name, value)
            for name, value in given.items()
        }
        options = self._options(kwargs)
        collection = {"name": self.collection_name, "project": self.project, "resource_id": self.resource_id}
        body = write_search(options, query, messages=call["messages"], image_query=call["image_query"])
        named = {name: value for name, value in collection.items() if value is not None}
        return options, ServiceRequest(
            SEARCH_PATH,
            {**named, **body},
            headers=call["extra_headers"] or {},
            timeout=None if call["timeout"] is None else to_timeout(call["timeout"]),
        )

    def _options(self, changes: Mapping[str, Any]) -> SearchOptions:
        if not changes:
            return self
        own = {name: getattr(self, name) for name in SearchOptions.model_fields}
        unknown = sorted(changes.keys() - own.keys())
        if unknown:
            raise ValueError(
                f"Unknown search options: {', '.join(unknown)}. Known are {', '.join([*own, *_CALL_TYPES])}. "
                "Pass other fields of the service in search_kwargs."
            )
        try:
            return SearchOptions.model_validate({**own, **changes})
        except ValidationError as error:
            raise ValueError(describe(error, SearchOptions)) from None

    def _read(self, options: SearchOptions, reply: Reply) -> SearchResult:
        data = reply.payload.get("data")
        if not isinstance(data, dict):
            raise self._format_error(reply, "it has no data.result_list")
        items = data.get("result_list")
        if items is None and data.get("count") == 0:
            items = []  # some servers omit an empty list
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._format_error(reply, "it has no data.result_list of objects")
        documents = [read_item(item) for item in items]
        known = ("result_list", "rewrite_query", "token_usage")
        rewritten, usage = data.get("rewrite_query"), data.get("token_usage")
        return SearchResult(
            documents=[document for document in documents if _passes(document, options.score_threshold)],
            rewrite_query=rewritten if isinstance(rewritten, str) else "",
            token_usage=usage if isinstance(usage, dict) else {},
            request_id=self._errors.request_id(reply.headers, reply.payload),
            fields={name: value for name, value in data.items() if name not in known},
        )


def _hooks(run_manager: Any) -> RetryHooks:
    return RetryHooks(on_retry=run_manager.on_retry) if run_manager is not None else NO_HOOKS


def _passes(document: Document, threshold: float | None) -> bool:
    score = score_of(document)
    return threshold is None or score is None or score >= threshold
