"""Embeddings of both versions: limits, batches, order, failures with their position."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark import QianfanEmbeddings
from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator

MakeEmbeddings = Callable[..., QianfanEmbeddings]
NAMES = {"v2": "bge-large-zh", "v1": "Embedding-V1"}


@pytest.fixture(params=["v2", "v1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_embeddings(emulator: Emulator, version: str) -> MakeEmbeddings:
    def build(**arguments: Any) -> QianfanEmbeddings:
        defaults: dict[str, Any] = {"model": NAMES[version]}
        if version == "v2":
            defaults |= {"api_key": emulator.qianfan_api_key, "base_url": emulator.qianfan_base_url}
        else:
            token, url = emulator.qianfan_access_token, emulator.qianfan_v1_base_url
            defaults |= {"api_version": "v1", "access_token": token, "base_url": url}
        return QianfanEmbeddings(**{**defaults, **arguments})

    return build


def test_vectors_stand_in_the_order_of_the_texts_though_the_service_shuffles(
    make_embeddings: MakeEmbeddings,
) -> None:
    embeddings = make_embeddings()
    texts = [f"text number {number}" for number in range(40)]
    vectors = embeddings.embed_documents(texts)
    assert vectors == [embeddings.embed_query(text) for text in texts]
    assert {type(value) for vector in vectors for value in vector} == {float}


async def test_the_async_methods_agree(make_embeddings: MakeEmbeddings) -> None:
    embeddings = make_embeddings(chunk_size=2)
    texts = ["a", "b", "c", "d", "e"]
    assert await embeddings.aembed_documents(texts) == embeddings.embed_documents(texts)
    assert await embeddings.aembed_query("a") == embeddings.embed_query("a")


def test_what_is_sent(make_embeddings: MakeEmbeddings, emulator: Emulator, version: str) -> None:
    make_embeddings(user="u-1", model_kwargs={"extra": 1}).embed_documents(["a", "b"])
    (request,) = emulator.requests
    if version == "v2":
        assert request.path == "/v2/embeddings"
        assert request.json == {"model": "bge-large-zh", "input": ["a", "b"], "user": "u-1", "extra": 1}
    else:
        assert request.path.endswith("/wenxinworkshop/embeddings/embedding-v1")
        assert request.json == {"input": ["a", "b"], "user_id": "u-1", "extra": 1}


@pytest.mark.parametrize(
    ("options", "sizes"),
    [({}, [16, 16, 8]), ({"chunk_size": 10}, [10, 10, 10, 10]), ({"model": "tao-8k"}, [1] * 40)],
)
def test_batches_keep_the_models_limit(
    make_embeddings: MakeEmbeddings, emulator: Emulator, options: dict[str, Any], sizes: list[int]
) -> None:
    make_embeddings(max_concurrency=1, **options).embed_documents([f"t{number}" for number in range(40)])
    assert [len(request.json["input"]) for request in emulator.requests] == sizes


def test_nothing_to_embed_needs_no_request(make_embeddings: MakeEmbeddings, emulator: Emulator) -> None:
    assert make_embeddings().embed_documents([]) == []
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["a", ""], "Input 1 is empty"),
        (["a", "b", 3], "Input 2 is not a text"),
        (["a", "x" * 2001], "Input 1 is too long: 2,001 characters.*2,000"),
        (["汉" * 513], "Input 0 is too long: its 513 Chinese characters.*512"),
    ],
)
def test_what_cannot_be_embedded_is_refused_with_its_position(
    make_embeddings: MakeEmbeddings, emulator: Emulator, texts: list[Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        make_embeddings(model="bge-large-zh").embed_documents(texts)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("model", "fits", "too_long"),
    [
        ("tao-8k", "x" * 28000, "x" * 28001),
        ("bge-large-en", "x" * 2000, "x" * 2001),
        ("embedding-v1", "汉" * 384, "汉" * 385),
    ],
)
def test_the_limits_of_each_model(make_embeddings: MakeEmbeddings, model: str, fits: str, too_long: str) -> None:
    assert make_embeddings(model=model).embed_query(fits)
    with pytest.raises(ValueError, match="The query is too long"):
        make_embeddings(model=model).embed_query(too_long)


def test_more_than_sixteen_texts_a_request_are_refused_at_once(make_embeddings: MakeEmbeddings) -> None:
    with pytest.raises(ValueError, match="chunk_size"):
        make_embeddings(chunk_size=17)


def test_a_failure_in_the_middle_keeps_what_was_paid_for(
    make_embeddings: MakeEmbeddings, emulator: Emulator, version: str
) -> None:
    embeddings = make_embeddings(chunk_size=2, max_concurrency=1, max_retries=0)
    texts = ["a", "b", "c", "d", "e"]
    expected = embeddings.embed_documents(texts)
    emulator.reply_next(
        {
            "id": "as-1",
            "object": "embedding_list",
            "data": [{"index": i, "embedding": vector} for i, vector in enumerate(expected[:2])],
        }
    )
    status, code = (429, "rpm_rate_limit_exceeded") if version == "v2" else (200, "18")
    emulator.fail_next(status=status, code=code)
    with pytest.raises(ours.RateLimitError, match="inputs 2 to 3 of 5") as caught:
        embeddings.embed_documents(texts)
    assert caught.value.completed == dict(enumerate(expected[:2]))
    assert caught.value.failed_inputs == (2, 3)


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "embedding": [0.1]}],
        [{"index": 0, "embedding": [0.1]}, {"index": 0, "embedding": [0.1]}],
        [{"index": 0, "embedding": [0.1]}, {"index": 1}],
        "none",
    ],
)
def test_a_reply_that_is_not_as_documented_is_an_error(
    make_embeddings: MakeEmbeddings, emulator: Emulator, data: Any
) -> None:
    emulator.reply_next({"id": "as-1", "object": "embedding_list", "data": data})
    with pytest.raises(ours.ResponseFormatError):
        make_embeddings().embed_documents(["a", "b"])


async def test_requests_in_flight_are_bounded(make_embeddings: MakeEmbeddings, emulator: Emulator) -> None:
    embeddings = make_embeddings(chunk_size=1, max_concurrency=3)
    for _ in range(3):
        emulator.delay_next(30)
    task = asyncio.create_task(embeddings.aembed_documents([f"t{number}" for number in range(10)]))
    assert await asyncio.to_thread(emulator.wait_for, lambda: len(emulator.requests) == 3)
    assert not await asyncio.to_thread(emulator.wait_for, lambda: len(emulator.requests) > 3, 0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_related_texts_are_near(make_embeddings: MakeEmbeddings) -> None:
    embeddings = make_embeddings()
    query = embeddings.embed_query("when does the ferry leave")
    near, far = embeddings.embed_documents(["the ferry leaves at nine", "cabbage is a vegetable"])

    def product(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert product(query, near) > product(query, far)


def test_an_own_v1_service_is_reached_by_its_endpoint(emulator: Emulator) -> None:
    embeddings = QianfanEmbeddings(
        api_version="v1",
        endpoint="ngx_embed",
        base_url=emulator.qianfan_v1_base_url,
        access_token=emulator.qianfan_access_token,
    )
    emulator.reply_next({"data": [{"index": 0, "embedding": [1, 0]}]})
    assert embeddings.embed_query("x" * 5000) == [1.0, 0.0]
    assert emulator.requests[0].path.endswith("/embeddings/ngx_embed")
