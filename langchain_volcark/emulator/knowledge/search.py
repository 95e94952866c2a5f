"""`collection/search_knowledge` and `service/rerank`: validates requests and builds replies.

https://www.volcengine.com/docs/84313/1350012 and https://www.volcengine.com/docs/84313/1254474.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.knowledge import filters, request, retrieval
from langchain_volcark.emulator.knowledge.errors import COLLECTION_NOT_EXIST, KnowledgeError, invalid
from langchain_volcark.emulator.knowledge.models import RERANKERS

if TYPE_CHECKING:
    from langchain_volcark.emulator.knowledge.corpus import Collection

FIELDS = frozenset(
    {
        "name", "collection_name", "project", "resource_id", "query", "image_query", "limit", "query_param",
        "dense_weight", "pipeline_name", "pre_processing", "post_processing",
    }
)  # fmt: skip
_PRE = frozenset({"need_instruction", "rewrite", "messages", "return_token_usage"})
_POST = frozenset(
    {
        "rerank_switch", "rerank_model", "rerank_instruction", "retrieve_count", "endpoint_id",
        "enable_rerank_threshold", "rerank_threshold", "rerank_only_chunk", "chunk_diffusion_count",
        "chunk_group", "get_attachment_link",
    }
)  # fmt: skip
_MAX_QUERY = 8000
_MAX_DATAS = 200


def find_collection(collections: list[Collection], body: dict[str, Any]) -> Collection:
    """Return the requested collection, by id or by name and project."""
    wanted = body.get("resource_id"), body.get("name"), body.get("project") or "default"
    if not (wanted[0] or wanted[1]):
        raise invalid("name or resource_id is required")
    for one in collections:
        if one.resource_id == wanted[0] or (not wanted[0] and (one.name, one.project) == wanted[1:]):
            return one
    raise KnowledgeError(COLLECTION_NOT_EXIST, "collection not exist")


def search(collection: Collection, body: dict[str, Any], origin: str) -> dict[str, Any]:
    """Search.

    Args:
        collection: The collection.
        body: The request.
        origin: Base URL for downloading attachments.

    Returns:
        `data` of the reply.

    Raises:
        KnowledgeError: The request is invalid.
    """
    request.check_fields(body, FIELDS)
    query = _query(body)
    limit = request.number(body, "limit", 1, 200, whole=True) or 10
    weight = request.number(body, "dense_weight", 0.2, 1)
    pre, post = request.part(body, "pre_processing"), request.part(body, "post_processing")
    request.check_fields(pre, _PRE, "pre_processing.")
    request.check_fields(post, _POST, "post_processing.")
    param = request.part(body, "query_param")
    request.check_fields(param, frozenset({"doc_filter", "include_path_list"}), "query_param.")
    if param.get("doc_filter") is not None:
        filters.check(param["doc_filter"], collection.declared)
    rewritten = _rewritten(pre, query)
    reranks = request.flag(post, "rerank_switch")
    wide = _retrieve_count(post, limit) if reranks else limit
    hits = retrieval.recall(
        collection,
        rewritten or query,
        limit=wide,
        dense_weight=0.5 if weight is None else weight,
        doc_filter=param.get("doc_filter"),
        folders=param.get("include_path_list"),
    )
    if reranks:
        _check_reranker(post)
        only_chunk = request.flag(post, "rerank_only_chunk")
        hits = retrieval.rerank(rewritten or query, hits, only_chunk=only_chunk)
    neighbours = request.number(post, "chunk_diffusion_count", 0, 10, whole=True) or 0
    hits = retrieval.with_neighbours(collection, hits[:limit], neighbours)
    if request.flag(post, "chunk_group"):
        hits = retrieval.in_document_order(hits)
    linked = origin if request.flag(post, "get_attachment_link") else None
    found = [retrieval.item(hit, linked) for hit in hits]
    data = {
        "collection_name": collection.name,
        "count": len(found),
        "rewrite_query": rewritten,
        "result_list": found,
    }
    if request.flag(pre, "return_token_usage"):
        data["token_usage"] = token_usage(query, rewritten, wide if reranks else 0)
    return data


def _query(body: dict[str, Any]) -> str:
    query = body.get("query") or ""
    if not isinstance(query, str) or not (query.strip() or body.get("image_query")):
        raise invalid("query is required")
    if len(query) > _MAX_QUERY:
        raise invalid(f"query is longer than {_MAX_QUERY} characters")
    return query


def _rewritten(pre: dict[str, Any], query: str) -> str:
    """Prepend the previous user message to the question; empty without one."""
    if not pre:
        return ""
    messages = request.messages_of(pre, sees=True)
    if messages[-1]["role"] != "user":
        raise invalid("pre_processing.messages must end with the user's query")
    user_texts = [request.text_of(one) for one in messages if one["role"] == "user"]
    request.flag(pre, "need_instruction")
    return f"{user_texts[-2]} {query}" if request.flag(pre, "rewrite") and len(user_texts) > 1 else ""


def _retrieve_count(post: dict[str, Any], limit: int) -> int:
    count = request.number(post, "retrieve_count", 1, 1000, whole=True)
    count = 25 if count is None else count
    if count < limit:
        raise invalid("retrieve_count must not be less than limit")
    return int(count)


def _check_reranker(body: dict[str, Any]) -> None:
    if body.get("rerank_model") not in (None, *RERANKERS):
        raise invalid(f"rerank_model must be one of {', '.join(RERANKERS)}")


def token_usage(query: str, rewritten: str, reranked: int) -> dict[str, Any]:
    """Return the tokens per step."""
    asked = tokens.count(query)
    usage: dict[str, Any] = {
        "embedding_token_usage": {"prompt_tokens": asked, "completion_tokens": 0, "total_tokens": asked},
        "rerank_token_usage": asked * reranked,
    }
    if rewritten:
        made = tokens.count(rewritten)
        usage["rewrite_token_usage"] = {
            "prompt_tokens": asked,
            "completion_tokens": made,
            "total_tokens": asked + made,
        }
    return usage


def rerank(body: dict[str, Any]) -> dict[str, Any]:
    """Score passages and return `data` of the reply.

    Raises:
        KnowledgeError: The request is invalid.
    """
    request.check_fields(body, frozenset({"datas", "rerank_model", "rerank_instruction", "endpoint_id"}))
    _check_reranker(body)
    datas = body.get("datas")
    if not isinstance(datas, list) or not datas:
        raise invalid("datas is required")
    if len(datas) > _MAX_DATAS:
        raise invalid(f"datas has more than {_MAX_DATAS} elements")
    scores, spent = [], 0
    for one in datas:
        query, content = _passage(one, body.get("rerank_model"))
        scores.append(retrieval.rerank_score(query, content))
        spent += tokens.count(query) + tokens.count(content)
    return {"scores": scores, "token_usage": spent}


def _passage(data: Any, model: Any) -> tuple[str, str]:
    if not isinstance(data, dict):
        raise invalid("datas must be objects")
    request.check_fields(data, frozenset({"query", "content", "title", "image"}), "datas.")
    query = data.get("query")
    if isinstance(query, dict) and model == "doubao-seed-rerank":
        query = query.get("text") or "image"
    if not isinstance(query, str) or not query:
        raise invalid("datas: every element needs its query")
    if not isinstance(data.get("content"), str) and not data.get("image"):
        raise invalid("datas: every element needs content")
    return query, f"{data.get('title') or ''}\n{data.get('content') or ''}"
