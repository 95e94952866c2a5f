"""Hosted searches: of a small web of its own, and of the emulated knowledge bases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.bot_sources import WEB, search, weather
from langchain_volcark.emulator.ark.responses.output import Found, item_id, reasoning_item
from langchain_volcark.emulator.grounding import Source, answer_from
from langchain_volcark.emulator.knowledge import filters, retrieval
from langchain_volcark.emulator.knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark import bot_sources
    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest
    from langchain_volcark.emulator.knowledge.corpus import Collection
    from langchain_volcark.emulator.knowledge.retrieval import Hit

Json = dict[str, Any]

DEFAULT_ROUNDS = 3
_DEFAULT_LIMIT = 10
_WORD = re.compile(r"EMULATOR_\w+")
_NUMBER = re.compile(r"\s?\[(\d+)\]")
_SEARCH = re.compile(r"search|look up|搜|查", re.IGNORECASE)
_NEWS = re.compile(r"news|latest|today|新闻|最新|今天", re.IGNORECASE)
_MARK = re.compile(r"EMULATOR_MARKS_(NUMBER|CARET|FOOTNOTE|LENTICULAR)")
_MARKS = {None: "", "NUMBER": "[{}]", "CARET": "^[{}]^", "FOOTNOTE": "[^{}]", "LENTICULAR": "【{}】"}


def asks_to_search(question: str) -> bool:
    """Whether a question asks for a search in so many words."""
    return _SEARCH.search(question) is not None


def rounds_of(question: str, most: int) -> list[str]:
    """What is searched for, round by round: the question's parts between semicolons or lines."""
    parts = [part.strip() for part in re.split(r"[;；\n]", _WORD.sub("", question))]
    return [part[:100] for part in parts if part][:most] or [question[:100]]


def web_search(request: ResponsesRequest, tool: Json, question: str, *, forced: bool) -> Found:
    """Search the web, where that finds something or was asked for.

    Args:
        request: The request.
        tool: The tool as declared.
        question: The user's words.
        forced: Whether it must be searched.
    """
    queries = rounds_of(question, request.body.get("max_tool_calls", DEFAULT_ROUNDS))
    where = tool.get("user_location", {})
    user = {"city": where.get("city") or where.get("region") or where.get("country")}
    pages = [_pages(query, user, tool.get("limit", _DEFAULT_LIMIT)) for query in queries]
    if not (forced or any(pages) or asks_to_search(question) or _NEWS.search(question)):
        return Found()
    found = Found(usage={"web_search": len(queries)}, details={"web_search": {}})
    for source in ("search_engine", *(one for one in tool.get("sources", ()) if one != "search_engine")):
        found.details["web_search"][source] = len(queries)
    sources: list[bot_sources.Source] = []
    for query, hits in zip(queries, pages, strict=True):
        if request.chat.thinking:
            found.items.append(
                reasoning_item(f"I will search the web for {query}.", request.model, sealed=request.seals)
            )
        action = {"type": "search", "query": query}
        found.items.append(
            {"type": "web_search_call", "action": action, "status": "completed", "id": item_id("ws")}
        )
        sources += [hit for hit in hits if hit not in sources]
    found.material = " ".join(source.fact for source in sources)
    found.annotations = [_url_citation(source) for source in sources]
    found.text = _cited([source.fact for source in sources], question) or f"Nothing was found for: {queries[0]}"
    return found


def _pages(query: str, user: Json, limit: int) -> list[bot_sources.Source]:
    return [*weather(query, user), *search(query, WEB)][:limit]


def _cited(facts: list[str], question: str) -> str:
    found = _MARK.search(question)
    mark = _MARKS[found[1] if found else None]
    return " ".join(f"{fact[:-1]}{mark.format(place)}{fact[-1]}" for place, fact in enumerate(facts, 1))


def _url_citation(source: bot_sources.Source) -> Json:
    page = source.reference
    return {
        "type": "url_citation",
        "title": page["title"],
        "url": page["url"],
        "logo_url": "",
        "site_name": page["site_name"],
        "publish_time": page["publish_time"],
        "cover_image": {"width": 0, "height": 0},
        "summary": page["summary"],
        "freshness_info": page["extra"]["freshness_info"],
    }


def knowledge_search(request: ResponsesRequest, tool: Json, question: str, collections: list[Collection]) -> Found:
    """Search a knowledge base; one that does not exist, or a filter it cannot apply, makes the search fail."""
    found = Found(usage={"knowledge_search": 1}, details={"knowledge_search": {tool["knowledge_resource_id"]: 1}})
    query = _WORD.sub("", question).strip()
    if request.chat.thinking:
        found.items.append(
            reasoning_item("I will look it up in the knowledge base.", request.model, sealed=request.seals)
        )
    item: Json = {
        "type": "knowledge_search_call",
        "id": item_id("ks"),
        "queries": [query],
        "knowledge_resource_id": tool["knowledge_resource_id"],
        "status": "completed",
    }
    found.items.append(item)
    collection = next((one for one in collections if one.resource_id == tool["knowledge_resource_id"]), None)
    try:
        hits = _hits(collection, query, tool) if collection else None
    except KnowledgeError:
        hits = None
    if hits is None:
        item["status"] = "failed"
        found.text = "The knowledge base could not be searched."
        return found
    sources = [Source(place, hit.chunk.body) for place, hit in enumerate(hits, 1)]
    found.material = " ".join(source.text for source in sources)
    text = answer_from(query, sources)
    used = [hits[int(number) - 1] for number in dict.fromkeys(_NUMBER.findall(text))]
    found.annotations = [_doc_citation(hit) for hit in used]
    found.text = text if _MARK.search(question) else _NUMBER.sub("", text)
    return found


def _hits(collection: Collection, query: str, tool: Json) -> list[Hit]:
    doc_filter = tool.get("doc_filter") or None
    if doc_filter is not None:
        filters.check(doc_filter, collection.declared)
    limit = tool.get("limit", _DEFAULT_LIMIT)
    ranking = tool.get("ranking_options", {})
    wide = max(ranking.get("retrieve_count", 25), limit) if ranking.get("rerank_switch") else limit
    hits = retrieval.recall(
        collection, query, limit=wide, dense_weight=tool.get("dense_weight", 0.5), doc_filter=doc_filter
    )
    if ranking.get("rerank_switch"):
        hits = retrieval.rerank(query, hits, only_chunk=bool(ranking.get("rerank_only_chunk")))
    return retrieval.with_neighbours(collection, hits[:limit], ranking.get("chunk_diffusion_count", 0))


def _doc_citation(hit: Hit) -> Json:
    chunk = hit.chunk
    citation: Json = {
        "type": "doc_citation",
        "doc_id": chunk.doc.doc_id,
        "doc_name": chunk.doc.name,
        "chunk_id": chunk.chunk_id,
    }
    if chunk.image is not None:
        citation["chunk_attachment"] = [{"uuid": chunk.point_id, "caption": chunk.content, "type": "image"}]
    return citation
