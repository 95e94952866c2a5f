"""The selection of tests covers every pair of values."""

from __future__ import annotations

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from tests.selection import pairwise

rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), unique=True, max_size=60)


def _pairs(rows: list[tuple[int, ...]]) -> set[tuple[int, int, int, int]]:
    return {(one, row[one], two, row[two]) for row in rows for one, two in combinations(range(3), 2)}


@given(rows)
def test_every_pair_of_values_stands_in_a_chosen_row(rows: list[tuple[int, ...]]) -> None:
    chosen = pairwise(rows)
    assert chosen == sorted(set(chosen))
    assert _pairs([rows[position] for position in chosen]) == _pairs(rows)


def test_far_fewer_rows_are_chosen_than_there_are() -> None:
    every = list(product(range(10), range(8), range(6)))
    assert len(pairwise(every)) < len(every) / 3
