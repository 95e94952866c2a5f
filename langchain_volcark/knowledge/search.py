"""Search options, and the request body built from them.

Follows https://www.volcengine.com/docs/84313/1350012 (search_knowledge).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, convert_to_messages
from pydantic import BaseModel, Field, PlainValidator, model_validator

from langchain_volcark.base.values import OptionalNumber, OptionalSwitch, OptionalWhole, Switch, shown
from langchain_volcark.knowledge.filters import check_filter
from langchain_volcark.knowledge.messages import KnowledgeMessageWriter
from langchain_volcark.wires.chat_completions.messages import assistant_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage
    from typing_extensions import Self

MAX_QUERY = 8000
_DEFAULT_K = 10
_DEFAULT_RETRIEVE_COUNT = 25
_OF_RERANKING = ("rerank_instruction", "rerank_endpoint_id", "rerank_only_chunk", "retrieve_count")
_POST = ("rerank_instruction", "rerank_only_chunk", "retrieve_count", "chunk_diffusion_count", "chunk_group")


class SearchOptions(BaseModel):
    """Options of a search, for the retriever's constructor or per call."""

    k: OptionalWhole = Field(default=None, ge=1, le=1000)
    """Maximum number of chunks; the service's default is 10. The quota is 200, or 1,000 on request."""
    score_threshold: OptionalNumber = None
    """Minimum score (`rerank_score` where there is one); the client drops chunks below it."""
    doc_filter: Annotated[Any, PlainValidator(check_filter)] | None = None
    """Filter of documents; see `langchain_volcark.knowledge.filters`, or the API's JSON."""
    dense_weight: OptionalNumber = Field(default=None, ge=0, le=1)
    """Weight of dense vectors in a hybrid index, 1 for dense only; the service's default is 0.5.

    The documented range is 0.2 to 1; 0 is accepted and sent.
    """
    rerank: Switch | str = False
    """Whether to rerank the results: True for the service's default model, or a model name."""
    rerank_instruction: str | None = None
    """Instruction for the reranker, for models that support one."""
    rerank_endpoint_id: str | None = None
    """Private endpoint of a reranking model."""
    rerank_only_chunk: OptionalSwitch = None
    """Whether to rerank by the text of the chunk only, without its title."""
    retrieve_count: OptionalWhole = Field(default=None, ge=1)
    """Number of chunks to rerank, at least `k`; the default is 25, or `k` if that is greater."""
    rewrite: Switch = False
    """Whether to rewrite the question from the `messages` of the call; costs tokens of a language model."""
    need_instruction: OptionalSwitch = None
    """Whether the embedding model uses its instruction for queries."""
    return_token_usage: OptionalSwitch = None
    """Whether to return token usage; see `VikingKnowledgeRetriever.search`."""
    chunk_diffusion_count: OptionalWhole = Field(default=None, ge=0)
    """Number of adjacent chunks to return on either side of each chunk."""
    chunk_group: OptionalSwitch = None
    """Whether to order chunks by document instead of by score."""
    get_attachment_link: OptionalSwitch = None
    """Whether to return temporary download links for images."""
    include_path_list: list[str] | None = None
    """Folders to search in, for collections that have folders."""
    pipeline_name: str | None = None
    """Version of the collection's processing pipeline to search."""
    search_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Additional request fields, which override all others."""

    @model_validator(mode="after")
    def _check_reranking(self) -> Self:
        if not self.rerank:
            defaults = (None, False, _DEFAULT_RETRIEVE_COUNT)  # documented defaults are accepted
            given = [name for name in _OF_RERANKING if getattr(self, name) not in defaults]
            if given:
                raise ValueError(f"{', '.join(given)} needs rerank=True (or the name of a reranker).")
        elif self.retrieve_count is not None and self.retrieve_count < (self.k or _DEFAULT_K):
            raise ValueError(
                f"retrieve_count={self.retrieve_count} is less than k={self.k or _DEFAULT_K}: "
                "a reranker returns no more chunks than it receives."
            )
        return self


def write_search(
    options: SearchOptions,
    query: str,
    *,
    messages: Sequence[Any] | None = None,
    image_query: str | None = None,
) -> dict[str, Any]:
    """Build the body of a search, without the collection.

    Args:
        options: Search options.
        query: The question, at most 8,000 characters. It may be empty if there is an image.
        messages: The conversation before the question, for `rewrite`; it may end with the question.
        image_query: URL or base64 of an image to search by.

    Returns:
        The body, with set options only.

    Raises:
        ValueError: The question is empty, too long or not a string.
    """
    if not isinstance(query, str):
        raise ValueError(f"The query must be a text, not {shown(query)}.")  # noqa: TRY004
    if not query.strip() and not image_query:
        raise ValueError("The query is empty.")
    if len(query) > MAX_QUERY:
        raise ValueError(f"The query has {len(query):,} characters; the service takes {MAX_QUERY:,}. Shorten it.")
    query_param = {"doc_filter": options.doc_filter, "include_path_list": options.include_path_list}
    body = {
        "query": query,
        "image_query": image_query,
        "limit": options.k,
        "dense_weight": options.dense_weight,
        "pipeline_name": options.pipeline_name,
        "query_param": _given(query_param),
        "pre_processing": _pre_processing(options, query, messages),
        "post_processing": _post_processing(options),
    }
    return {**_given(body), **options.search_kwargs}


def _pre_processing(options: SearchOptions, query: str, messages: Sequence[Any] | None) -> dict[str, Any]:
    settings = {
        "need_instruction": options.need_instruction,
        "rewrite": options.rewrite or None,
        "return_token_usage": options.return_token_usage,
    }
    wanted = _given(settings)
    if not wanted:
        return {}
    return {**wanted, "messages": write_history(messages or (), query)}


def write_history(messages: Sequence[Any], query: str) -> list[dict[str, Any]]:
    """Convert the conversation before a question, for rewriting.

    Args:
        messages: Messages in any format that LangChain accepts. Tool calls and tool results are left out.
        query: The question, appended unless it is the last message already.

    Returns:
        Messages in the service's format, with a system message first as in the vendor's samples.
    """
    texts: list[BaseMessage] = []
    for message in convert_to_messages(messages):
        if isinstance(message, AIMessage):
            texts.append(AIMessage(assistant_text(message)))
        elif isinstance(message, (SystemMessage, HumanMessage)):
            texts.append(message)
    written = KnowledgeMessageWriter("", "A search", reasoning="never").write(texts)
    if not written or written[0]["role"] != "system":
        written.insert(0, {"role": "system", "content": ""})
    if written[-1] != {"role": "user", "content": query}:
        written.append({"role": "user", "content": query})
    return written


def _post_processing(options: SearchOptions) -> dict[str, Any]:
    settings = {name: getattr(options, name) for name in _POST}
    if options.rerank:
        settings["rerank_switch"] = True
        settings["rerank_model"] = options.rerank if isinstance(options.rerank, str) else None
        settings["endpoint_id"] = options.rerank_endpoint_id
        if options.retrieve_count is None and (options.k or 0) > _DEFAULT_RETRIEVE_COUNT:
            settings["retrieve_count"] = options.k
    settings["get_attachment_link"] = options.get_attachment_link
    return _given(settings)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are set."""
    return {name: value for name, value in fields.items() if value is not None and value != {}}
