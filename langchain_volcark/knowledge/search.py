"""What a search asks for, and the request it becomes.

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
    """How to search; each of these stands in a retriever's constructor, and in a call for that call alone."""

    k: OptionalWhole = Field(default=None, ge=1, le=1000)
    """Most chunks to return; unset leaves it to the service (10). Quotas end at 200, or 1,000 where raised."""
    score_threshold: OptionalNumber = None
    """Drops chunks below this score on arrival (their `rerank_score` where they have one)."""
    doc_filter: Annotated[Any, PlainValidator(check_filter)] | None = None
    """Which documents count; see `langchain_volcark.knowledge.filters`, or the service's JSON."""
    dense_weight: OptionalNumber = Field(default=None, ge=0, le=1)
    """Weight of meaning against words in a hybrid index, 1 for meaning alone; unset: the service's 0.5.

    The service documents 0.2 to 1. A 0 is sent as 0.
    """
    rerank: Switch | str = False
    """Whether to rerank what was found: True for the service's own choice of model, or a model's name."""
    rerank_instruction: str | None = None
    """What the reranker should look for, for models that take instructions."""
    rerank_endpoint_id: str | None = None
    """Private endpoint of a reranker."""
    rerank_only_chunk: OptionalSwitch = None
    """Whether to rerank by the chunk's text alone, without its title."""
    retrieve_count: OptionalWhole = Field(default=None, ge=1)
    """Chunks handed to the reranker, `k` or more; unset: the service's 25, or `k` where that is more."""
    rewrite: Switch = False
    """Whether to rewrite the question from the `messages` of the call; costs tokens of a language model."""
    need_instruction: OptionalSwitch = None
    """Whether the embedding model adds its instruction for queries."""
    return_token_usage: OptionalSwitch = None
    """Whether the reply counts tokens; see `VikingKnowledgeRetriever.search`."""
    chunk_diffusion_count: OptionalWhole = Field(default=None, ge=0)
    """Neighbours on either side that come with each chunk."""
    chunk_group: OptionalSwitch = None
    """Whether chunks come in the order of their documents instead of by score."""
    get_attachment_link: OptionalSwitch = None
    """Whether images come with temporary links for download."""
    include_path_list: list[str] | None = None
    """Folders to search in, for collections that have folders."""
    pipeline_name: str | None = None
    """Version of the collection's processing to search."""
    search_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, which win over everything else."""

    @model_validator(mode="after")
    def _check_reranking(self) -> Self:
        if not self.rerank:
            defaults = (None, False, _DEFAULT_RETRIEVE_COUNT)  # as documented: no contradiction
            given = [name for name in _OF_RERANKING if getattr(self, name) not in defaults]
            if given:
                raise ValueError(f"{', '.join(given)} needs rerank=True (or the name of a reranker).")
        elif self.retrieve_count is not None and self.retrieve_count < (self.k or _DEFAULT_K):
            raise ValueError(
                f"retrieve_count={self.retrieve_count} is less than k={self.k or _DEFAULT_K}: "
                "a reranker returns no more chunks than it was given."
            )
        return self


def write_search(
    options: SearchOptions,
    query: str,
    *,
    messages: Sequence[Any] | None = None,
    image_query: str | None = None,
) -> dict[str, Any]:
    """Write a search's body, but for the collection.

    Args:
        options: How to search.
        query: The question, at most 8,000 characters. It may be empty beside an image.
        messages: The conversation before the question, for `rewrite`; it may end with the question.
        image_query: URL or base64 of an image to search by.

    Returns:
        The body: what was set, and nothing else.

    Raises:
        ValueError: The question cannot be sent.
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
    """Write the conversation that a question stands in.

    Args:
        messages: Messages in any form LangChain takes. Of an agent's turns only what was said counts.
        query: The question: the last message, added where it is not there already.

    Returns:
        The service's messages, with a system message first as in the vendor's samples.
    """
    said: list[BaseMessage] = []
    for message in convert_to_messages(messages):
        if isinstance(message, AIMessage):
            said.append(AIMessage(assistant_text(message)))
        elif isinstance(message, (SystemMessage, HumanMessage)):
            said.append(message)
    written = KnowledgeMessageWriter("", "A search", reasoning="never").write(said)
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
    """Without what was not set."""
    return {name: value for name, value in fields.items() if value is not None and value != {}}
