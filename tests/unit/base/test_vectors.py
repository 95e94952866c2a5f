"""Vectors: decoded, ordered, cut, normalised."""

from __future__ import annotations

import base64
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.embedding_replies import read_multi, read_sparse
from langchain_volcark.base.vectors import normalise, read_number, read_rows, read_vector, shape

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def _packed(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


@given(st.lists(floats, min_size=1, max_size=40))
def test_base64_and_numbers_are_the_same_vector(values: list[float]) -> None:
    assert read_vector(_packed(values)) == read_vector(values) == values


def test_whole_numbers_become_floats() -> None:
    assert [type(value) for value in read_vector([0, 1, 0.5])] == [float, float, float]


@pytest.mark.parametrize("value", ["", "AAA", "AAAA", "!!!!", [], None, 7, ["x"], [None], {}])
def test_what_is_no_vector_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="vector"):
        read_vector(value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_number(number: float) -> None:
    for vector in ([1.0, number], _packed([1.0, number])):
        with pytest.raises(ValueError, match="NaN or infinity"):
            read_vector(vector)
    with pytest.raises(ValueError, match="where a number belongs"):
        read_number(number)
    with pytest.raises(ValueError, match="sparse"):
        read_sparse({"sparse_embedding": [{"index": 1, "value": number}]})
    halves = base64.b64encode(struct.pack("<2e", 1.0, number)).decode()
    with pytest.raises(ValueError, match="NaN or infinity"):
        read_multi({"embedding": [1.0, 1.0], "multi_embedding": halves})


@given(st.permutations(range(6)))
def test_rows_come_in_the_order_of_their_index(order: list[int]) -> None:
    rows = [{"index": index, "embedding": [float(index)]} for index in order]
    assert read_rows(rows, 6, lambda row: row["index"]) == list(range(6))


def test_a_row_without_index_has_its_place() -> None:
    rows = [{"name": "a"}, {"name": "b", "index": 1}, {"name": "c"}]
    assert read_rows(rows, 3, lambda row: row["name"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"index": 0}], "1 rows for 2"),
        ([{"index": 0}, {"index": 0}], "two rows"),
        ([{"index": 0}, {"index": 2}], "index 2"),
        ([{"index": 1}, {}], "two rows"),
        ([{"index": True}, {"index": 0}], "index True"),
        ({"index": 0}, "not a list"),
        (None, "not a list"),
        ([1, 2], "not a list of rows"),
    ],
)
def test_rows_that_do_not_fit_the_inputs_are_refused(rows: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_rows(rows, 2, lambda row: row)


@given(st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=1, max_size=20))
def test_a_normalised_vector_has_length_one_or_is_zero(values: list[float]) -> None:
    length = math.hypot(*normalise(values))
    assert length == pytest.approx(1) or length == pytest.approx(0)


def test_only_what_is_cut_here_is_normalised_unless_told() -> None:
    vector = [3.0, 4.0, 12.0]
    assert shape(vector, None, unit_length=None) == vector
    assert shape(vector, 3, unit_length=None) == vector
    assert shape(vector, 2, unit_length=None) == [0.6, 0.8]
    assert shape(vector, 2, unit_length=False) == [3.0, 4.0]
    assert shape(vector, None, unit_length=True) == pytest.approx([3 / 13, 4 / 13, 12 / 13])
    assert shape([0.0, 0.0, 1.0], 2, unit_length=None) == [0.0, 0.0]


def test_a_vector_shorter_than_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="3 numbers, and dimensions=4"):
        shape([1.0, 2.0, 3.0], 4, unit_length=None)
