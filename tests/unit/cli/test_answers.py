"""Reading Ark's list of models, hints after a slip, and steps that do not end."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.model_ids import CURRENT, RETIRING
from langchain_volcark.cli.doctor.answers import read_listing
from langchain_volcark.cli.doctor.findings import TooSlowError, near_ids
from langchain_volcark.cli.doctor.network import bounded

KNOWN = (*CURRENT, *RETIRING)

# The documented row, and what others differ in.
ROW = {
    "id": "doubao-seed-1-8-251228",
    "object": "model",
    "name": "doubao-seed-1-8",
    "version": "251228",
    "created": 1767587883,
    "domain": "VLM",
    "task_type": ["VisualQuestionAnswering", "TextGeneration"],
}


def test_the_list_is_read_for_chat_models_that_stay() -> None:
    rows = [
        ROW,
        {**ROW, "id": "doubao-seed-9-0-270101", "version": "270101"},
        {**ROW, "id": "doubao-seed-2-1-pro-260915", "version": "260915"},
        {**ROW, "id": "doubao-1-5-old-250101", "status": "Retiring"},
        {**ROW, "id": "doubao-1-5-gone-250101", "status": "Shutdown"},
        {**ROW, "id": "doubao-embedding-vision-251215", "task_type": ["MultimodalEmbedding"]},
        {**ROW, "id": None},
        "no row",
    ]
    listing = read_listing(rows)
    assert listing.usable == ["doubao-seed-2-1-pro-260915", "doubao-seed-9-0-270101", "doubao-seed-1-8-251228"]
    assert "doubao-1-5-old-250101" in listing.known


@pytest.mark.parametrize("rows", [None, {}, "x", [], [None]])
def test_what_is_no_list_has_no_models(rows: object) -> None:
    assert read_listing(rows).usable == []


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("doubao-seed-2-1-pro", "doubao-seed-2-1-pro-260915"),
        ("Doubao-Seed-2.1-pro", "doubao-seed-2-1-pro-260915"),
        ("Doubao Seed 1.8", "doubao-seed-1-8-251228"),
        ("doubao-seed-2-1-pro-260901", "doubao-seed-2-1-pro-260915"),
        ("doubao-seed-2-1-pr-260915", "doubao-seed-2-1-pro-260915"),
        ("DOUBAO-SEED-2-1-PRO-260915", "doubao-seed-2-1-pro-260915"),
        ("glm-5.2", "glm-5-2-260617"),
        ("deepseek-v4-pro", "deepseek-v4-pro-260425"),
    ],
)
def test_hints(written: str, first: str) -> None:
    near = near_ids(written, KNOWN)
    assert near[0] == first
    assert len(near) <= 3


def test_no_hint_for_what_is_like_nothing() -> None:
    assert near_ids("gpt-4o", KNOWN) == []
    assert near_ids("anything", []) == []


@given(st.text(max_size=40))
def test_hints_are_ids_that_exist(written: str) -> None:
    assert set(near_ids(written, KNOWN)) <= set(KNOWN)


def test_a_step_that_does_not_end_is_given_up() -> None:
    never = threading.Event()
    with pytest.raises(TooSlowError, match=r"within 0\.05 s"):
        bounded(lambda: never.wait(600), 0.05)
    never.set()


def test_a_steps_result_and_its_exception_come_through() -> None:
    assert bounded(lambda: 7, 60) == 7
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, 60)
