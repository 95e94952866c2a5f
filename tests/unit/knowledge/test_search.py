"""What a search asks for: set options are in the body, others are not."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from langchain_volcark.knowledge.filters import must
from langchain_volcark.knowledge.search import SearchOptions, write_history, write_search


def body(
    query: str = "When?", messages: Any = None, image_query: str | None = None, **options: Any
) -> dict[str, Any]:
    return write_search(SearchOptions(**options), query, messages=messages, image_query=image_query)


def test_nothing_is_sent_that_was_not_set() -> None:
    assert body() == {"query": "When?"}


@pytest.mark.parametrize(
    ("options", "part", "value"),
    [
        ({"k": 5}, "limit", 5),
        ({"dense_weight": 0}, "dense_weight", 0),
        ({"dense_weight": 0.5}, "dense_weight", 0.5),
        ({"pipeline_name": "v2"}, "pipeline_name", "v2"),
        ({"doc_filter": must("lang", "en")}, "query_param", {"doc_filter": must("lang", "en")}),
        ({"include_path_list": ["a/"]}, "query_param", {"include_path_list": ["a/"]}),
        ({"rerank": True}, "post_processing", {"rerank_switch": True}),
        ({"rerank": "m3"}, "post_processing", {"rerank_switch": True, "rerank_model": "m3"}),
        ({"chunk_diffusion_count": 2}, "post_processing", {"chunk_diffusion_count": 2}),
        ({"chunk_group": True}, "post_processing", {"chunk_group": True}),
        ({"get_attachment_link": True}, "post_processing", {"get_attachment_link": True}),
        ({"search_kwargs": {"new_field": 1}}, "new_field", 1),
    ],
)
def test_each_option_has_its_place(options: dict[str, Any], part: str, value: Any) -> None:
    assert body(**options) == {"query": "When?", part: value}


def test_every_option_of_reranking() -> None:
    assert body(
        rerank="doubao-seed-rerank",
        rerank_instruction="prefer new",
        rerank_only_chunk=False,
        rerank_endpoint_id="ep-1",
        retrieve_count=40,
    )["post_processing"] == {
        "rerank_switch": True,
        "rerank_model": "doubao-seed-rerank",
        "rerank_instruction": "prefer new",
        "rerank_only_chunk": False,
        "endpoint_id": "ep-1",
        "retrieve_count": 40,
    }


def test_a_reranker_gets_as_many_chunks_as_are_wanted() -> None:
    assert body(rerank=True, k=40)["post_processing"]["retrieve_count"] == 40
    assert "retrieve_count" not in body(rerank=True, k=25)["post_processing"]


def test_an_image_alone_is_a_query() -> None:
    assert body("", image_query="https://example.com/x.png") == {
        "query": "",
        "image_query": "https://example.com/x.png",
    }


def test_rewriting_sends_the_conversation_with_the_question_last() -> None:
    history = [("human", "Is there a ferry?"), ("ai", "Yes.")]
    assert body("When does the ferry leave?", history, rewrite=True, return_token_usage=True)[
        "pre_processing"
    ] == {
        "rewrite": True,
        "return_token_usage": True,
        "messages": [
            {"role": "system", "content": ""},
            {"role": "user", "content": "Is there a ferry?"},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "When does the ferry leave?"},
        ],
    }


def test_a_conversation_is_not_sent_where_nothing_reads_it() -> None:
    assert "pre_processing" not in body(messages=[("human", "Is there a ferry?")])


def test_a_question_that_ends_the_conversation_is_not_doubled() -> None:
    assert [one["content"] for one in write_history(["When?"], "When?")] == ["", "When?"]


def test_of_an_agents_turns_only_what_was_said_counts() -> None:
    call = {"name": "f", "args": {}, "id": "1", "type": "tool_call"}
    turns = [
        HumanMessage("a"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("x", tool_call_id="1"),
        AIMessage("b"),
    ]
    assert [one["content"] for one in write_history(turns, "c")] == ["", "a", "b", "c"]


@pytest.mark.parametrize("query", ["", "  ", "x" * 8001])
def test_a_question_that_the_service_refuses_is_not_sent(query: str) -> None:
    with pytest.raises(ValueError, match="query"):
        body(query)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"k": 0}, "k"),
        ({"dense_weight": 1.1}, "dense_weight"),
        ({"retrieve_count": 30}, "needs rerank"),
        ({"rerank_instruction": "x"}, "needs rerank"),
        ({"rerank": True, "k": 30, "retrieve_count": 20}, "retrieve_count=20 is less than k=30"),
        ({"rerank": True, "retrieve_count": 5}, "retrieve_count=5 is less than k=10"),
        ({"doc_filter": {"op": "must"}}, "doc_filter.field is missing"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SearchOptions(**options)
