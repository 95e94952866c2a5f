"""References as standard citations: marks in every form, places, forms of references."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langchain_volcark.messages import citations
from langchain_volcark.messages.citations import CitationFields, cite, find_markers
from langchain_volcark.messages.content_blocks import register, to_content_blocks
from tests.unit.strategies import json_values

ONE: list[dict[str, Any]] = [{"url": "https://a.example", "title": "A"}]
THREE: list[dict[str, Any]] = [{"title": name} for name in "ABC"]


def marked(text: str, references: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Title and marked piece of text of each citation that has a place."""
    return [
        (citation["title"], text[citation["start_index"] : citation["end_index"]])
        for citation in cite(text, references)
        if "start_index" in citation
    ]


@pytest.mark.parametrize("mark", ["[1]", "^[1]^", "[^1]", "[^1^]", "【1】", "【^1】", "[citation:1]"])
def test_every_form_of_mark_gives_its_place(mark: str) -> None:
    assert marked(f"Kale{mark} is green.", ONE) == [("A", mark)]


@pytest.mark.parametrize("mark", ["^[1][3]^", "[1, 3]", "[1,3]", "[1、3]", "【1,3】", "[^1,^3]"])
def test_a_mark_of_several_numbers_cites_them_all(mark: str) -> None:
    assert marked(f"Kale{mark}.", THREE) == [("A", mark), ("C", mark)]


def test_adjacent_marks_are_two() -> None:
    assert marked("Kale[1][2].", THREE) == [("A", "[1]"), ("B", "[2]")]


def test_a_reference_cited_twice_has_two_places_and_one_not_cited_has_none() -> None:
    found = cite("x[2] y[2]", THREE)
    assert [(one["title"], one.get("start_index")) for one in found] == [
        ("A", None),
        ("B", 1),
        ("B", 6),
        ("C", None),
    ]


def test_places_are_counted_in_characters() -> None:
    text = "西兰花😀【1】。"
    assert marked(text, ONE) == [("A", "【1】")]


@pytest.mark.parametrize(
    "text",
    [
        "`items[1]`",
        "```\nx[1]\n```",
        "```\nx[1] of an unclosed block",
        "[^1]: https://a.example",
        "[4]",
        "[1 of 2]",
        "[]",
    ],
)
def test_brackets_that_are_no_marks_are_left_alone(text: str) -> None:
    assert marked(text, THREE) == []


def test_a_number_of_the_services_own_counts_instead_of_the_place() -> None:
    results = [{"index": 7, "title": "seven"}, {"index": 1, "title": "one"}]
    found = cite("Lima^[1]^", results, CitationFields(number="index"))
    assert [(one["title"], one.get("start_index")) for one in found] == [("seven", None), ("one", 4)]
    assert found[0]["extras"] == {"index": 7}


def test_what_has_no_standard_field_stands_in_extras_without_what_is_empty() -> None:
    reference = {
        "url": "https://a.example",
        "title": "A",
        "summary": "Green.",
        "site_name": "Example",
        "logo_url": "",
        "cover_image": None,
        "extra": {"final_ref": ""},
    }
    assert cite("", [reference]) == [
        {
            "type": "citation",
            "url": "https://a.example",
            "title": "A",
            "cited_text": "Green.",
            "extras": {"site_name": "Example", "extra": {"final_ref": ""}},
        }
    ]


def test_a_knowledge_base_reference_is_titled_by_its_document() -> None:
    reference = {"doc_id": "d1", "doc_name": "leave.md", "doc_title": "Leave", "chunk_id": "c1"}
    assert cite("", [reference]) == [
        {
            "type": "citation",
            "title": "Leave",
            "extras": {"doc_id": "d1", "doc_name": "leave.md", "chunk_id": "c1"},
        }
    ]


def test_a_field_may_lie_deeper() -> None:
    fields = CitationFields(title=("chunk_title", "doc_info.doc_name"), cited_text=("content",))
    reference = {"content": "Ten days.", "doc_info": {"doc_name": "leave.md"}}
    assert cite("", [reference], fields) == [
        {
            "type": "citation",
            "title": "leave.md",
            "cited_text": "Ten days.",
            "extras": {"doc_info": {"doc_name": "leave.md"}},
        }
    ]


@given(
    st.text(alphabet="[]^1234【】` \n,:a", max_size=40),
    st.lists(st.dictionaries(st.text(), json_values), max_size=4),
)
def test_any_text_and_any_references_give_places_inside_the_text(
    text: str, references: list[dict[str, Any]]
) -> None:
    found = cite(text, references)
    assert len(found) >= len(references)
    for citation in found:
        if "start_index" in citation:
            assert 0 <= citation["start_index"] < citation["end_index"] <= len(text)
            assert any(digit in text[citation["start_index"] : citation["end_index"]] for digit in "1234")


def test_many_backticks_and_brackets_take_no_time() -> None:
    assert find_markers("`[" * 50_000) == []


def test_search_results_of_any_provider_become_annotations() -> None:
    register("test-provider")
    message = AIMessage(
        "Lima^[1]^.",
        response_metadata={
            "model_provider": "test-provider",
            "search_results": [{"index": 1, "url": "https://a.example", "title": "Peru"}],
        },
    )
    [block] = to_content_blocks(message)
    assert block["annotations"][0]["start_index"] == 4


def test_a_provider_may_name_its_own_form() -> None:
    register("test-provider", sources={"hits": CitationFields(title=("name",))})
    message = AIMessage("x", response_metadata={"model_provider": "test-provider", "hits": [{"name": "N"}]})
    assert message.content_blocks == [
        {"type": "text", "text": "x", "annotations": [{"type": "citation", "title": "N"}]}
    ]


def test_the_examples_in_the_documentation_are_true() -> None:
    assert doctest.testmod(citations).failed == 0
