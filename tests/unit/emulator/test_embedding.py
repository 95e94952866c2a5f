"""The emulator's own embedding: equal texts equal, related texts near."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.emulator.embedding import embed, pieces, project, similarity, sparse

RELATED = [
    ("常见的十字花科植物有哪些?", "花椰菜属于十字花科植物。", "西湖在杭州。"),
    ("How do I reset my password?", "Resetting a forgotten password", "The weather in Hangzhou"),
    ("retry after a rate limit", "Rate limited requests are retried", "Images are sent as base64"),
    ("怎么创建推理接入点", "在控制台创建推理接入点的步骤", "图片必须小于 10 MB"),
]


@given(st.text(max_size=60))
def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    vector = embed(text, 256)
    assert math.sqrt(sum(value * value for value in vector)) == pytest.approx(1)
    assert embed(text, 256) == vector


@pytest.mark.parametrize("dimensions", [256, 1024, 2048])
@pytest.mark.parametrize(("text", "near", "far"), RELATED)
def test_related_texts_are_nearer_than_others(text: str, near: str, far: str, dimensions: int) -> None:
    vector = embed(text, dimensions)
    assert similarity(vector, embed(near, dimensions)) > 0.2 > similarity(vector, embed(far, dimensions))


@pytest.mark.parametrize(("text", "near", "far"), RELATED)
def test_cut_vectors_keep_that_order(text: str, near: str, far: str) -> None:
    vector, close, distant = (embed(one, 2048)[:512] for one in (text, near, far))
    assert similarity(vector, close) > similarity(vector, distant)


def test_case_width_and_accents_make_no_difference() -> None:
    assert embed("ＡＲＫ Café") == embed("ark cafe")


def test_words_that_say_little_weigh_little() -> None:
    found = pieces("the tower of 的 塔")
    assert found["tower"] > 5 * found["the"]
    assert found["塔"] > 5 * found["的"]


def test_a_vector_is_as_long_as_its_text_is_rich() -> None:
    def length(text: str) -> float:
        return math.sqrt(sum(value * value for value in project(pieces(text), 2048)))

    assert length("tower by the sea at night in winter") > 1.5 * length("tower")


def test_sparse_vectors_share_terms_where_texts_share_words() -> None:
    one, other, far = sparse("a blue tower"), sparse("the blue sea"), sparse("绿色的山")
    assert set(one) & set(other)
    assert not set(one) & set(far)
    assert sum(value * value for value in one.values()) == pytest.approx(1)
