"""Reranking in both versions: batches, order, limits with their position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.documents import BaseDocumentCompressor, Document

from langchain_volcark import QianfanRerank
from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator

MakeReranker = Callable[..., QianfanRerank]
QUESTION = "when does the ferry leave"
TEXTS = ["cabbage is a vegetable", "the ferry leaves at nine", "a ferry is a ship"]


@pytest.fixture(params=["v2", "v1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_reranker(emulator: Emulator, version: str) -> MakeReranker:
    def build(**arguments: Any) -> QianfanRerank:
        if version == "v2":
            defaults = {"api_key": emulator.qianfan_api_key, "base_url": emulator.qianfan_base_url}
        else:
            token, url = emulator.qianfan_access_token, emulator.qianfan_v1_base_url
            defaults = {"api_version": "v1", "access_token": token, "base_url": url}
        return QianfanRerank(**{**defaults, **arguments})

    return build


def test_scores_stand_in_the_order_of_the_texts(make_reranker: MakeReranker) -> None:
    scores = make_reranker().rerank(QUESTION, TEXTS)
    assert sorted(scores) == [scores[0], scores[2], scores[1]]
    assert make_reranker().rerank(QUESTION, [Document(text) for text in TEXTS]) == scores


async def test_the_best_documents_come_first_with_their_score(make_reranker: MakeReranker) -> None:
    reranker = make_reranker(top_n=2)
    assert isinstance(reranker, BaseDocumentCompressor)
    documents = [Document(text, metadata={"place": place}, id=str(place)) for place, text in enumerate(TEXTS)]
    best = reranker.compress_documents(documents, QUESTION)
    assert [document.id for document in best] == ["1", "2"]
    assert best[0].metadata == {"place": 1, "rerank_score": best[0].metadata["rerank_score"]}
    assert documents[1].metadata == {"place": 1}
    assert await reranker.acompress_documents(documents, QUESTION) == best


def test_what_is_sent(make_reranker: MakeReranker, emulator: Emulator, version: str) -> None:
    make_reranker(user="u-1").rerank(QUESTION, TEXTS)
    (request,) = emulator.requests
    if version == "v2":
        assert request.path == "/v2/rerank"
        assert request.json == {"model": "bce-reranker-base", "query": QUESTION, "documents": TEXTS, "user": "u-1"}
    else:
        assert request.path.endswith("/wenxinworkshop/reranker/bce_reranker_base")
        assert request.json == {"query": QUESTION, "documents": TEXTS, "user_id": "u-1"}


def test_the_other_path_can_be_chosen(make_reranker: MakeReranker, emulator: Emulator, version: str) -> None:
    make_reranker(rerank_path="/rerankers").rerank(QUESTION, TEXTS)
    assert emulator.requests[0].path.endswith("rerankers" if version == "v2" else "bce_reranker_base")


async def test_batches_keep_the_limit_and_the_order(make_reranker: MakeReranker, emulator: Emulator) -> None:
    texts = [f"ferry number {number}" if number % 3 else "cabbage" for number in range(150)]
    scores = make_reranker(max_concurrency=1).rerank("ferry", texts)
    assert [len(request.json["documents"]) for request in emulator.requests] == [64, 64, 22]
    assert [score > 0 for score in scores] == [bool(number % 3) for number in range(150)]
    assert await make_reranker().arerank("ferry", texts) == scores


def test_nothing_to_rerank_needs_no_request(make_reranker: MakeReranker, emulator: Emulator) -> None:
    assert make_reranker().rerank("q", []) == []
    assert make_reranker().compress_documents([], "q") == []
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("query", "documents", "why"),
    [
        ("", ["a"], "The query is empty"),
        ("q" * 1601, ["a"], "The query has 1,601 characters.*1,600"),
        ("q", ["a", " "], r"documents\[1\] is empty"),
        ("q", ["a", "b" * 4097], r"documents\[1\] has 4,097 characters"),
        ("q", ["a", 3], r"documents\[1\] is a int"),
    ],
)
def test_what_cannot_be_reranked_is_refused_with_its_position(
    make_reranker: MakeReranker, emulator: Emulator, query: str, documents: list[Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        make_reranker().rerank(query, documents)
    assert emulator.requests == []


def test_the_ends_of_the_limits_are_allowed(make_reranker: MakeReranker) -> None:
    assert make_reranker().rerank("q" * 1600, ["d" * 4096])


@pytest.mark.parametrize(
    "results",
    [
        [],
        None,
        [{"index": 0, "relevance_score": 1}],
        [{"index": 0}, {"index": 1}],
        [{"index": 0, "relevance_score": 1}] * 2,
        [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": 10**400}],  # more than a float holds
        [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": True}],
    ],
)
def test_a_reply_that_is_not_as_documented_is_an_error(
    make_reranker: MakeReranker, emulator: Emulator, results: Any
) -> None:
    emulator.reply_next({"id": "as-1", "results": results})
    with pytest.raises(ours.ResponseFormatError):
        make_reranker().rerank("q", ["a", "b"])


def test_a_failure_in_the_middle_keeps_what_was_paid_for(make_reranker: MakeReranker, emulator: Emulator) -> None:
    reranker = make_reranker(batch_size=1, max_concurrency=1, max_retries=0)
    emulator.reply_next({"results": [{"index": 0, "relevance_score": 0.5}]})
    emulator.fail_next(status=500, code=None)
    with pytest.raises(ours.ServiceError) as caught:
        reranker.rerank("q", ["a", "b", "c"])
    assert caught.value.completed == {0: 0.5}
