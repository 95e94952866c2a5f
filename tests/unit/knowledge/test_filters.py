"""Filters: builders, the service's own JSON, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark.knowledge.filters import all_of, any_of, between, check_filter, must, must_not, outside


def test_the_documented_filter() -> None:
    assert all_of(must("doc_id", "ferry_2025"), between("year", gte=2023, lt=2026)) == {
        "op": "and",
        "conds": [
            {"op": "must", "field": "doc_id", "conds": ["ferry_2025"]},
            {"op": "range", "field": "year", "gte": 2023, "lt": 2026},
        ],
    }


def test_the_other_operators() -> None:
    assert any_of(must_not("lang", "zh", "ja"), outside("year", gt=0)) == {
        "op": "or",
        "conds": [
            {"op": "must_not", "field": "lang", "conds": ["zh", "ja"]},
            {"op": "range_out", "field": "year", "gt": 0},
        ],
    }


def test_a_bound_of_zero_is_a_bound() -> None:
    assert between("year", gte=0)["gte"] == 0


def test_builders_and_plain_dicts_mix() -> None:
    plain = {"op": "must", "field": "lang", "conds": ["en"]}
    assert all_of(plain, must("doc_id", "a"))["conds"][0] == plain


@pytest.mark.parametrize(
    ("doc_filter", "says"),
    [
        ({"field": "lang"}, "doc_filter.op is missing"),
        ({"op": "must", "conds": ["en"]}, "doc_filter.field is missing"),
        ({"op": "must", "field": "lang"}, "doc_filter.conds must be a list"),
        ({"op": "must", "field": "lang", "conds": "en"}, "doc_filter.conds must be a list"),
        ({"op": "must", "field": "lang", "conds": []}, "doc_filter.conds must be a list"),
        ({"op": "must", "field": "n", "conds": list(range(1025))}, "more than 1024"),
        ({"op": "range", "field": "year"}, "no bound"),
        ({"op": "and", "conds": [{"op": "range", "field": "x"}]}, r"doc_filter.conds[0] has no bound"),
        ({"op": "or", "conds": ["en"]}, r"doc_filter.conds[0] must be an object"),
    ],
)
def test_a_filter_that_breaks_the_grammar_is_refused_with_its_place(doc_filter: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        check_filter(doc_filter)
    assert says in str(caught.value)


def test_an_operator_that_is_new_in_the_service_is_left_to_it() -> None:
    new = {"op": "geo", "field": "place", "near": [30, 120]}
    assert check_filter(new) == new
