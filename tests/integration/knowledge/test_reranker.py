"""The reranker: scores in input order, batches within the limit, documents best first."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document

from langchain_volcark import VikingKnowledgeReranker
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError, ResponseFormatError
from langchain_volcark.knowledge.rerank import read_scores

QUESTION = "When does the ferry leave?"
DOCUMENTS = [
    Document("Tickets cost 12.", metadata={"doc_name": "b"}),
    Document("The ferry will leave at 07:40.", id="p", metadata={"chunk_title": "Timetable"}),
    Document("The ferry is white.", metadata={"title": "Ships"}),
]


@pytest.fixture
def reranker(signed: dict[str, Any]) -> VikingKnowledgeReranker:
    return VikingKnowledgeReranker(model="m3-v2-rerank", **signed)


async def test_scores_come_in_the_order_of_the_input(reranker: VikingKnowledgeReranker) -> None:
    texts = [document.page_content for document in DOCUMENTS]
    scores = reranker.rerank(QUESTION, texts)
    assert [type(score) for score in scores] == [float] * 3
    assert sorted(range(3), key=lambda place: scores[place]) == [0, 2, 1]
    assert await reranker.arerank(QUESTION, texts) == scores


def test_the_documented_request(emulator: Emulator, reranker: VikingKnowledgeReranker) -> None:
    reranker.rerank("ferry time", [{"content": "Departs 07:40", "title": "Timetable"}, "Tickets cost 12"])
    assert emulator.requests[-1].path == "/api/knowledge/service/rerank"
    assert emulator.requests[-1].json == {
        "rerank_model": "m3-v2-rerank",
        "datas": [
            {"query": "ferry time", "content": "Departs 07:40", "title": "Timetable"},
            {"query": "ferry time", "content": "Tickets cost 12"},
        ],
    }


def test_only_what_was_set_is_sent(emulator: Emulator, signed: dict[str, Any]) -> None:
    VikingKnowledgeReranker(**signed).rerank("q", ["x"])
    assert emulator.requests[-1].json == {"datas": [{"query": "q", "content": "x"}]}
    VikingKnowledgeReranker(rerank_instruction="newest", endpoint_id="ep-1", **signed).rerank("q", ["x"])
    assert emulator.requests[-1].json["rerank_instruction"] == "newest"
    assert emulator.requests[-1].json["endpoint_id"] == "ep-1"


async def test_documents_come_best_first_and_stay_as_they_are(
    emulator: Emulator, reranker: VikingKnowledgeReranker
) -> None:
    for best in (
        reranker.compress_documents(DOCUMENTS, QUESTION),
        await reranker.acompress_documents(DOCUMENTS, QUESTION),
    ):
        assert [one.page_content for one in best] == [DOCUMENTS[place].page_content for place in (1, 2, 0)]
        assert best[0].id == "p"
        assert best[0].metadata["rerank_score"] > best[1].metadata["rerank_score"]
    assert all("rerank_score" not in document.metadata for document in DOCUMENTS)
    assert [one.get("title") for one in emulator.requests[-1].json["datas"]] == [None, "Timetable", "Ships"]


def test_top_n(reranker: VikingKnowledgeReranker) -> None:
    assert len(reranker.model_copy(update={"top_n": 2}).compress_documents(DOCUMENTS, QUESTION)) == 2


async def test_many_passages_go_in_batches_and_stay_in_order(
    emulator: Emulator, reranker: VikingKnowledgeReranker
) -> None:
    texts = [
        f"The ferry will leave at {number}." if number % 7 == 0 else f"Text {number}." for number in range(120)
    ]
    scores = reranker.rerank("When does the ferry leave?", texts)
    assert sorted(len(request.json["datas"]) for request in emulator.requests) == [20, 50, 50]
    best = sorted(range(120), key=lambda place: -scores[place])[:18]
    assert sorted(best) == list(range(0, 120, 7))
    assert await reranker.arerank("When does the ferry leave?", texts) == scores
    bigger = reranker.model_copy(update={"batch_size": 200})
    emulator.reset()
    assert bigger.rerank("When does the ferry leave?", texts) == scores
    assert len(emulator.requests) == 1


async def test_nothing_is_asked_about_nothing(emulator: Emulator, reranker: VikingKnowledgeReranker) -> None:
    assert reranker.rerank(QUESTION, []) == []
    assert reranker.compress_documents([], QUESTION) == []
    assert await reranker.arerank(QUESTION, []) == []
    assert emulator.requests == []


def test_an_object_as_the_query(emulator: Emulator, signed: dict[str, Any]) -> None:
    seeing = VikingKnowledgeReranker(model="doubao-seed-rerank", **signed)
    query = {"text": "ferry", "image": "https://example.com/a.png"}
    assert seeing.rerank(query, [{"content": "ferry", "image": "https://example.com/b.png"}]) == [1.0]
    assert emulator.requests[-1].json["datas"][0]["query"] == query


def test_bad_input_is_refused_before_the_wire(emulator: Emulator, reranker: VikingKnowledgeReranker) -> None:
    with pytest.raises(ValueError, match="query is empty"):
        reranker.rerank(" ", ["x"])
    with pytest.raises(ValueError, match=r"documents\[1\] is a int"):
        reranker.rerank("q", ["x", 1])  # type: ignore[list-item]
    assert emulator.requests == []


def test_a_failure_in_the_middle_keeps_what_was_paid_for(
    emulator: Emulator, reranker: VikingKnowledgeReranker
) -> None:
    one_by_one = reranker.model_copy(update={"batch_size": 1, "max_concurrency": 1, "max_retries": 0})
    emulator.reply_next({"code": 0, "data": {"scores": [0.5], "token_usage": 1}})
    emulator.fail_next(400, "1000003")
    with pytest.raises(InvalidRequestError) as caught:
        one_by_one.rerank("q", ["a", "b", "c"])
    assert caught.value.completed == {0: 0.5}


@pytest.mark.parametrize("data", [{"scores": [0.1]}, {}, None, {"scores": ["x", "y"]}, {"scores": [0.1, 10**400]}])
def test_a_reply_with_other_scores_than_asked_for(
    emulator: Emulator, reranker: VikingKnowledgeReranker, data: Any
) -> None:
    emulator.reply_next({"code": 0, "data": data})
    with pytest.raises(ResponseFormatError, match="2 passages"):
        reranker.rerank("q", ["a", "b"])


def test_both_documented_replies() -> None:
    assert read_scores({"code": 0, "data": {"scores": [0.91, 0.07], "token_usage": 27}}) == [0.91, 0.07]
    assert read_scores({"request_id": "r", "token_usage": 12, "data": [0.12, 1]}) == [0.12, 1.0]
