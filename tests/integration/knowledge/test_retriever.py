"""The retriever: what is found, per call and per constructor, and what the service says of it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda

from langchain_volcark import VikingKnowledgeRetriever
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    ResponseFormatError,
    ServiceError,
)
from langchain_volcark.knowledge.filters import all_of, any_of, between, must, must_not, outside

QUESTION = "When does the ferry leave on Sundays?"
PATH = "/api/knowledge/collection/search_knowledge"


def names(documents: list[Any]) -> list[str]:
    return [document.metadata["doc_name"] for document in documents]


def test_only_what_was_set_is_sent(emulator: Emulator, retriever: VikingKnowledgeRetriever) -> None:
    retriever.invoke(QUESTION)
    assert emulator.requests[-1].path == PATH
    assert emulator.requests[-1].json == {"name": "demo", "query": QUESTION}


def test_the_documented_request(emulator: Emulator, signed: dict[str, Any]) -> None:
    retriever = VikingKnowledgeRetriever(
        collection_name="demo",
        project="default",
        k=5,
        dense_weight=0.5,
        doc_filter=must("lang", "en"),
        rewrite=True,
        return_token_usage=True,
        rerank="m3-v2-rerank",
        retrieve_count=25,
        chunk_diffusion_count=0,
        get_attachment_link=False,
        **signed,
    )
    retriever.invoke("When does the ferry leave?", messages=[("human", "Is there a ferry?"), ("ai", "Yes.")])
    assert emulator.requests[-1].json == {
        "name": "demo",
        "project": "default",
        "query": "When does the ferry leave?",
        "limit": 5,
        "dense_weight": 0.5,
        "query_param": {"doc_filter": {"op": "must", "field": "lang", "conds": ["en"]}},
        "pre_processing": {
            "rewrite": True,
            "return_token_usage": True,
            "messages": [
                {"role": "system", "content": ""},
                {"role": "user", "content": "Is there a ferry?"},
                {"role": "assistant", "content": "Yes."},
                {"role": "user", "content": "When does the ferry leave?"},
            ],
        },
        "post_processing": {
            "rerank_switch": True,
            "rerank_model": "m3-v2-rerank",
            "retrieve_count": 25,
            "chunk_diffusion_count": 0,
            "get_attachment_link": False,
        },
    }


async def test_the_best_chunk_comes_first_with_its_scores(retriever: VikingKnowledgeRetriever) -> None:
    for documents in (retriever.invoke(QUESTION), await retriever.ainvoke(QUESTION)):
        assert documents[0].page_content.startswith("On Sundays")
        assert documents[0].id == "timetable-1"
        scores = [document.metadata["score"] for document in documents]
        assert scores == sorted(scores, reverse=True)
        assert documents[0].metadata["doc_meta"] == {
            "lang": "en",
            "year": 2025,
            "valid": True,
            "tags": ["summer", "timetable"],
        }
    assert retriever.invoke("儿童要买票吗？")[0].metadata["doc_name"] == "tickets.md"


async def test_k_of_a_call_wins_over_the_constructors(retriever: VikingKnowledgeRetriever) -> None:
    three = retriever.model_copy(update={"k": 3})
    assert len(three.invoke(QUESTION)) == 3
    assert len(three.invoke(QUESTION, k=1)) == 1
    assert len(await three.ainvoke(QUESTION, k=2)) == 2
    assert [len(found) for found in three.batch([QUESTION, "dogs"], k=2)] == [2, 2]
    assert len(three.invoke(QUESTION)) == 3  # the call left nothing behind


def test_reranking_keeps_both_scores(retriever: VikingKnowledgeRetriever) -> None:
    documents = retriever.invoke(QUESTION, rerank=True, k=4)
    reranked = [document.metadata["rerank_score"] for document in documents]
    assert reranked == sorted(reranked, reverse=True)
    assert [document.metadata["rerank_position"] for document in documents] == [1, 2, 3, 4]
    assert all("score" in document.metadata for document in documents)


def test_a_threshold_drops_what_is_below_it(retriever: VikingKnowledgeRetriever) -> None:
    everything = retriever.invoke(QUESTION)
    bound = everything[1].metadata["score"]
    assert retriever.invoke(QUESTION, score_threshold=bound) == everything[:2]
    assert retriever.invoke(QUESTION, score_threshold=2) == []
    by_rerank = retriever.invoke(QUESTION, rerank=True, score_threshold=0.3)
    assert 0 < len(by_rerank) < len(everything)
    assert all(document.metadata["rerank_score"] >= 0.3 for document in by_rerank)


@pytest.mark.parametrize(
    ("doc_filter", "found"),
    [
        (must("lang", "zh"), {"tickets.md"}),
        (must("doc_id", "timetable", "luggage"), {"timetable.md", "luggage.md"}),
        (must("tags", "rules"), {"luggage.md"}),
        (must("valid", True), {"timetable.md", "luggage.md", "tickets.md"}),
        (between("year", gte=2023, lt=2025), {"luggage.md"}),
        (outside("year", gte=2023, lt=2025), {"timetable.md", "tickets.md"}),
        (all_of(must("lang", "en"), between("year", gt=2023)), {"timetable.md"}),
        (any_of(must("lang", "zh"), must("doc_id", "fares")), {"tickets.md", "fares.csv"}),
        (
            all_of(must_not("lang", "en"), must_not("doc_id", "fares", "questions.faq")),
            {"tickets.md", "map-of-the-old-pier.png"},
        ),
    ],
)
def test_filters(retriever: VikingKnowledgeRetriever, doc_filter: dict[str, Any], found: set[str]) -> None:
    assert set(names(retriever.invoke("ferry", doc_filter=doc_filter, k=20))) == found


def test_a_filter_on_a_field_that_was_not_declared(retriever: VikingKnowledgeRetriever) -> None:
    with pytest.raises(InvalidRequestError, match="declared") as caught:
        retriever.invoke("ferry", doc_filter=must("colour", "red"))
    assert caught.value.code == "1000019"
    with pytest.raises(InvalidRequestError, match="type"):
        retriever.invoke("ferry", doc_filter=must("year", "2025"))


def test_weights_change_the_order_and_zero_is_sent(
    emulator: Emulator, retriever: VikingKnowledgeRetriever
) -> None:
    meaning = [one.metadata["score"] for one in retriever.invoke(QUESTION, dense_weight=1)]
    words = [one.metadata["score"] for one in retriever.invoke(QUESTION, dense_weight=0.2)]
    assert meaning != words
    with pytest.raises(InvalidRequestError, match="dense_weight"):
        retriever.invoke(QUESTION, dense_weight=0)  # the service's own rule; the 0 arrived
    assert emulator.requests[-1].json["dense_weight"] == 0


def test_a_question_is_rewritten_from_the_conversation(retriever: VikingKnowledgeRetriever) -> None:
    history = [("human", "When does the ferry leave?"), ("ai", "At 07:40.")]
    result = retriever.search("And on Sundays?", rewrite=True, messages=history, return_token_usage=True)
    assert result.rewrite_query == "When does the ferry leave? And on Sundays?"
    assert result.documents[0].id == "timetable-1"
    assert result.token_usage["rewrite_token_usage"]["total_tokens"] > 0
    assert result.fields == {"collection_name": "demo", "count": len(result.documents)}
    assert result.request_id


def test_neighbours_come_along(retriever: VikingKnowledgeRetriever) -> None:
    alone = retriever.invoke(QUESTION, k=1)
    assert [document.id for document in alone] == ["timetable-1"]
    near = retriever.invoke(QUESTION, k=1, chunk_diffusion_count=1)
    assert [document.id for document in near] == ["timetable-0", "timetable-1", "timetable-2"]
    assert retriever.invoke(QUESTION, k=1, chunk_diffusion_count=1, score_threshold=0.1) == near


def test_chunks_in_the_order_of_their_documents(retriever: VikingKnowledgeRetriever) -> None:
    grouped = retriever.invoke(QUESTION, k=20, chunk_group=True)
    ids = [document.id for document in grouped if document.metadata["doc_name"] == "timetable.md"]
    assert ids == ["timetable-0", "timetable-1", "timetable-2"]


def test_questions_with_answers(retriever: VikingKnowledgeRetriever) -> None:
    best = retriever.invoke("Can I pay by card?", k=1)[0]
    assert best.page_content.startswith("Can I pay by card?\nYes: cards")
    assert best.metadata["doc_type"] == "faq.xlsx"


def test_table_rows(retriever: VikingKnowledgeRetriever) -> None:
    best = retriever.invoke("motorcycle single ticket", doc_filter=must("doc_id", "fares"), k=1)[0]
    assert best.page_content == "ticket: motorcycle\nsingle: 30\nreturn: 55"


def test_images_with_links_that_can_be_fetched(retriever: VikingKnowledgeRetriever) -> None:
    question = "map of the old pier"
    (attachment,) = retriever.invoke(question, k=1, get_attachment_link=True)[0].metadata["chunk_attachment"]
    assert attachment["caption"] == "map of the old pier"
    assert httpx.get(attachment["link"]).content.startswith(b"\x89PNG")
    (unlinked,) = retriever.invoke(question, k=1)[0].metadata["chunk_attachment"]
    assert unlinked["link"] == ""


def test_folders(retriever: VikingKnowledgeRetriever) -> None:
    assert set(names(retriever.invoke("ferry", include_path_list=["zh/"]))) == {"tickets.md"}


def test_a_collection_by_its_id(signed: dict[str, Any]) -> None:
    assert VikingKnowledgeRetriever(resource_id="kb-demo", **signed).invoke(QUESTION)
    with pytest.raises(NotFoundError, match="Check collection_name"):
        VikingKnowledgeRetriever(collection_name="none", **signed).invoke(QUESTION)


def test_per_call_values_are_checked(emulator: Emulator, retriever: VikingKnowledgeRetriever) -> None:
    for kwargs, says in (
        ({"k": 0}, "k must be between 1 and 1000, not 0"),
        ({"retrieve_count": 3, "rerank": True}, "less than k"),
        ({"kk": 3}, "Unknown search options: kk"),
        ({"doc_filter": {"op": "must"}}, "doc_filter"),
    ):
        with pytest.raises(ValueError, match=says) as caught:
            retriever.invoke(QUESTION, **kwargs)
        assert type(caught.value) is ValueError
    with pytest.raises(ValueError, match="empty"):
        retriever.invoke("")
    with pytest.raises(ValueError, match="8,000"):
        retriever.invoke("x" * 8001)
    assert emulator.requests == []


def test_new_fields_of_the_service_need_no_release(
    emulator: Emulator, retriever: VikingKnowledgeRetriever
) -> None:
    with pytest.raises(InvalidRequestError, match="unknown field later"):
        retriever.invoke(QUESTION, search_kwargs={"later": 1})
    assert emulator.requests[-1].json["later"] == 1


def test_errors_keep_their_bodies(
    emulator: Emulator, retriever: VikingKnowledgeRetriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_volcark.http.retry.sleep", lambda _: None)
    emulator.reply_next({"code": 1000021, "message": "recall failed", "request_id": "r", "data": None}, times=3)
    with pytest.raises(ServiceError) as caught:
        retriever.invoke(QUESTION)
    assert caught.value.body["message"] == "recall failed"
    assert len(emulator.requests) == 3
    emulator.fail_next(429, "1000029", times=3)
    with pytest.raises(RateLimitError):
        retriever.invoke(QUESTION)
    emulator.fail_next(429, "1000029", times=1)
    assert retriever.invoke(QUESTION)


@pytest.mark.parametrize(
    "payload", [{"code": 0}, {"code": 0, "data": []}, {"code": 0, "data": {"result_list": "x"}}]
)
def test_a_reply_that_is_not_what_is_documented(
    emulator: Emulator, retriever: VikingKnowledgeRetriever, payload: dict[str, Any]
) -> None:
    emulator.reply_next(payload)
    with pytest.raises(ResponseFormatError, match="result_list"):
        retriever.invoke(QUESTION)


def test_nothing_found_is_an_empty_list(emulator: Emulator, retriever: VikingKnowledgeRetriever) -> None:
    emulator.reply_next({"code": 0, "data": {"count": 0, "result_list": None}})
    assert retriever.invoke(QUESTION) == []


def test_callbacks_see_retries_and_documents(
    emulator: Emulator, retriever: VikingKnowledgeRetriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_volcark.http.retry.sleep", lambda _: None)
    seen: list[str] = []

    class Handler(BaseCallbackHandler):
        def on_retry(self, *_: Any, **__: Any) -> None:
            seen.append("retry")

        def on_retriever_end(self, documents: Any, **_: Any) -> None:
            seen.append(f"{len(documents)} found")

    emulator.fail_next(500, "1000028")
    retriever.invoke(QUESTION, config={"callbacks": [Handler()]}, k=2)
    assert seen == ["retry", "2 found"]


def test_it_stands_in_a_chain(retriever: VikingKnowledgeRetriever) -> None:
    chain = RunnableLambda(lambda question: question["q"]) | retriever.bind(k=2) | RunnableLambda(names)
    assert len(chain.invoke({"q": QUESTION})) == 2


def test_documents_survive_json(retriever: VikingKnowledgeRetriever) -> None:
    for document in retriever.invoke("ferry", k=20, rerank=True, get_attachment_link=True):
        assert json.loads(document.model_dump_json())["metadata"] == document.metadata
