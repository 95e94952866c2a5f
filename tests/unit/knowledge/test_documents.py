"""Items of a search as documents: every kind, nothing lost."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_volcark.knowledge.documents import read_doc_meta, read_item, score_of

TEXT: dict[str, Any] = {
    "id": "7-0",
    "point_id": "ferry_2025-3",
    "content": "The ferry leaves at 07:40.",
    "chunk_title": "Departures",
    "chunk_id": 3,
    "chunk_type": "text",
    "score": 0.61,
    "rerank_score": 0.93,
    "recall_position": 2,
    "rerank_position": 1,
    "process_time": 1735787045,
    "md_content": None,
    "doc_info": {
        "doc_id": "ferry_2025",
        "doc_name": "ferry.pdf",
        "doc_type": "pdf",
        "title": "Ferries",
        "create_time": 1735780000,
        "doc_meta": '[{"field_name":"lang","field_type":"string","field_value":"en"},'
        '{"field_name":"year","field_type":"int64","field_value":2025}]',
    },
}


def test_a_chunk_of_text() -> None:
    document = read_item(TEXT)
    assert document.page_content == "The ferry leaves at 07:40."
    assert document.id == "ferry_2025-3"
    assert document.metadata == {
        "id": "7-0",
        "point_id": "ferry_2025-3",
        "chunk_title": "Departures",
        "chunk_id": 3,
        "chunk_type": "text",
        "score": 0.61,
        "rerank_score": 0.93,
        "recall_position": 2,
        "rerank_position": 1,
        "process_time": 1735787045,
        "doc_id": "ferry_2025",
        "doc_name": "ferry.pdf",
        "doc_type": "pdf",
        "title": "Ferries",
        "create_time": 1735780000,
        "doc_meta": {"lang": "en", "year": 2025},
    }


def test_an_faq_is_question_and_answer() -> None:
    document = read_item(
        {
            "content": "Yes, at the counter.",
            "original_question": "Can I pay by card?",
            "doc_info": {"doc_type": "faq.xlsx"},
        }
    )
    assert document.page_content == "Can I pay by card?\nYes, at the counter."
    assert document.metadata["original_question"] == "Can I pay by card?"
    assert document.metadata["content"] == "Yes, at the counter."


def test_a_table_row_is_its_fields() -> None:
    fields = [{"field_name": "ticket", "field_value": "adult"}, {"field_name": "price", "field_value": 12}]
    document = read_item({"content": "", "table_chunk_fields": fields})
    assert document.page_content == "ticket: adult\nprice: 12"
    assert document.metadata["table_chunk_fields"] == fields


def test_an_image_is_its_caption_and_keeps_its_link() -> None:
    attachment = {"uuid": "u", "caption": "Map of the pier", "type": "image", "link": "https://example.com/x"}
    document = read_item({"content": "", "chunk_attachment": [attachment]})
    assert document.page_content == "Map of the pier"
    assert document.metadata["chunk_attachment"] == [attachment]


def test_a_rendering_stands_in_for_missing_text() -> None:
    assert read_item({"content": "", "md_content": "| a |"}).page_content == "| a |"


def test_scores_of_zero_are_scores() -> None:
    document = read_item({"content": "x", "score": 0, "rerank_score": 0.0})
    assert (document.metadata["score"], document.metadata["rerank_score"]) == (0, 0.0)
    assert score_of(document) == 0.0


def test_a_document_is_ranked_by_the_rerankers_score_where_there_is_one() -> None:
    assert score_of(read_item({"content": "x", "score": 0.2, "rerank_score": 0.9})) == 0.9
    assert score_of(read_item({"content": "x", "score": 0.2})) == 0.2
    assert score_of(read_item({"content": "x"})) is None
    assert score_of(read_item({"content": "x", "score": 0.2, "rerank_score": 10**400})) == 0.2  # no float holds it


def test_a_chunks_own_field_is_not_overwritten_by_its_documents() -> None:
    document = read_item({"content": "x", "title": "chunk", "doc_info": {"title": "document"}})
    assert document.metadata["title"] == "chunk"


def test_document_fields_that_cannot_be_read_are_kept_as_sent() -> None:
    assert read_doc_meta("not json") == "not json"
    assert read_doc_meta('{"a": 1}') == {"a": 1}
    assert read_doc_meta("[]") == {}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from([*TEXT, "table_chunk_fields", "chunk_attachment", "original_question"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, _JSON))
def test_whatever_comes_is_read(item: dict[str, Any]) -> None:
    document = read_item(item)
    json.dumps(document.metadata)
    for name, value in item.items():
        if name not in ("doc_info", "content", "doc_meta") and value is not None:
            assert document.metadata[name] == value
