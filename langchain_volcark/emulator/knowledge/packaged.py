"""`service/chat`: packaged services, which search and answer.

https://www.volcengine.com/docs/84313/1544072.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.grounding import Source, answer_from
from langchain_volcark.emulator.knowledge import chat, filters, request, retrieval, search
from langchain_volcark.emulator.knowledge.errors import DATA_NOT_FOUND, KnowledgeError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_volcark.emulator.knowledge.corpus import Collection

ANSWERING = "kb-service-{}"
"""Id of the service that searches and answers."""
RETRIEVING = "kb-service-{}-search"
"""Id of the service that only searches."""

_LIMIT = 5


def find_service(collections: list[Collection], body: dict[str, Any]) -> tuple[Collection, bool]:
    """Return the collection of the requested service, and whether it answers."""
    wanted = body.get("service_resource_id")
    if not wanted:
        raise invalid("service_resource_id is required")
    for one in collections:
        if wanted == ANSWERING.format(one.name):
            return one, True
        if wanted == RETRIEVING.format(one.name):
            return one, False
    raise KnowledgeError(DATA_NOT_FOUND, f"service {wanted} not found")


def run(collection: Collection, body: dict[str, Any], origin: str, *, answers: bool) -> dict[str, Any]:
    """Search, and answer from the results.

    Returns:
        `data` of a complete reply.

    Raises:
        KnowledgeError: The request is invalid.
    """
    messages = request.messages_of(body, sees=True)
    if messages[-1]["role"] != "user":
        raise invalid("the last message must be the user's")
    param = request.part(body, "query_param")
    if param.get("doc_filter") is not None:
        filters.check(param["doc_filter"], collection.declared)
    query = request.text_of(messages[-1])
    user_texts = [request.text_of(one) for one in messages if one["role"] == "user"]
    rewritten = f"{user_texts[-2]} {query}" if len(user_texts) > 1 else ""
    hits = retrieval.recall(
        collection, rewritten or query, limit=25, dense_weight=0.5, doc_filter=param.get("doc_filter")
    )
    hits = retrieval.rerank(rewritten or query, hits, only_chunk=False)[:_LIMIT]
    usage = search.token_usage(query, rewritten, 25)
    data: dict[str, Any] = {
        "count": len(hits),
        "rewrite_query": rewritten,
        "result_list": [retrieval.item(hit, origin) for hit in hits],
        "token_usage": usage,
    }
    if answers:
        sources = [Source(place, hit.chunk.body) for place, hit in enumerate(hits, 1)]
        prompt = "\n---\n".join(f"[{source.mark}]\n{source.text}" for source in sources)
        text = answer_from(rewritten or query, sources)
        counted = chat.Prompts().count("", [*messages, {"role": "system", "content": prompt}])[0]
        refused = KnowledgeError(1000030, "model inference failed") if chat.REFUSE_OUTPUT in query else None
        answer = chat.Answer(text, "", counted, refused=refused)
        usage["llm_token_usage"] = answer.usage
        data |= {"generated_answer": text, "reasoning_content": "", "prompt": prompt}
    return data


def events(data: dict[str, Any], request_id: str) -> Iterator[bytes]:
    """Yield the events of a stream: results, the answer in pieces, usage with `end`; no `[DONE]`."""
    found = {name: data[name] for name in ("count", "rewrite_query", "result_list")}
    yield chat.event(request_id, found)
    for delta in chat.deltas(chat.Answer(data.get("generated_answer", ""), "", 0)):
        yield chat.event(request_id, delta)
    yield chat.event(request_id, {"token_usage": data["token_usage"], "end": True})
