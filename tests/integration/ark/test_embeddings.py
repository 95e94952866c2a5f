"""ArkEmbeddings through a socket to the emulator: bodies, order, concurrency, failures."""

from __future__ import annotations

import asyncio
import base64
import copy
import math
import pickle
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from langchain_core.rate_limiters import BaseRateLimiter

from langchain_volcark import ArkEmbeddings
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    ContentFilterError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
)

TEXT = "doubao-embedding-large-text-250515"
VISION = "doubao-embedding-vision-251215"
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGklEQVR4nGP4z8BAEiJN9aiGUQ1DSwMDA8N/AAxf/wHnjzQ1"
    "AAAAAElFTkSuQmCC"
)
SENSITIVE = "EMULATOR_SENSITIVE_INPUT"

Make = Callable[..., ArkEmbeddings]


@pytest.fixture
def embedder(emulator: Emulator) -> Make:
    """Builds embeddings that talk to the emulator."""

    def build(model: str = VISION, **arguments: Any) -> ArkEmbeddings:
        defaults = {"api_key": emulator.api_key, "base_url": emulator.ark_base_url}
        return ArkEmbeddings(model=model, **{**defaults, **arguments})

    return build


def _norm(vector: list[float]) -> float:
    return math.sqrt(sum(value * value for value in vector))


def _bodies(emulator: Emulator) -> list[dict[str, Any]]:
    return [request.json for request in emulator.requests]


# --- bodies ---------------------------------------------------------------------------------------------------


def test_a_text_model_takes_many_texts_in_one_request(embedder: Make, emulator: Emulator) -> None:
    vectors = embedder(TEXT).embed_documents(["one", "two", "three"])
    assert [request.path for request in emulator.requests] == ["/api/v3/embeddings"]
    assert _bodies(emulator) == [{"model": TEXT, "input": ["one", "two", "three"], "encoding_format": "base64"}]
    assert [len(vector) for vector in vectors] == [2048] * 3


def test_a_vision_model_takes_one_input_a_request(embedder: Make, emulator: Emulator) -> None:
    vectors = embedder(max_concurrency=1).embed_documents(["one", "two"])
    assert {request.path for request in emulator.requests} == {"/api/v3/embeddings/multimodal"}
    assert _bodies(emulator) == [
        {"model": VISION, "input": [{"type": "text", "text": text}], "encoding_format": "base64"}
        for text in ("one", "two")
    ]
    assert [len(vector) for vector in vectors] == [2048] * 2


def test_requests_of_a_text_model_are_bounded_by_items_and_by_tokens(embedder: Make, emulator: Emulator) -> None:
    embedder(TEXT, chunk_size=3, max_concurrency=1).embed_documents(["x"] * 8)
    assert [len(body["input"]) for body in _bodies(emulator)] == [3, 3, 2]
    emulator.reset()
    # 1500 characters are guessed to be 1500 tokens: two fit into 4096, three do not.
    embedder(TEXT, max_concurrency=1).embed_documents(["蔬" * 1500] * 5)
    assert [len(body["input"]) for body in _bodies(emulator)] == [2, 2, 1]


def test_a_query_has_the_models_documented_instruction_and_a_document_none(
    embedder: Make, emulator: Emulator
) -> None:
    embedder(TEXT).embed_query("蔬菜?")
    embedder(VISION).embed_query("蔬菜?")
    embedder("doubao-embedding-text-240715").embed_query("蔬菜?")
    text, vision, plain = _bodies(emulator)
    assert text["input"] == [
        "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: 蔬菜?"
    ]
    assert vision["input"] == [{"type": "text", "text": "蔬菜?"}]
    assert vision["instructions"].startswith("Target_modality: text.\nInstruction:")
    assert plain["input"] == ["蔬菜?"]


def test_instructions_can_be_set_and_switched_off(embedder: Make, emulator: Emulator) -> None:
    embedder(TEXT, query_instruction="Q: ", document_instruction="<{text}>").embed_query("x")
    embedder(TEXT, document_instruction="<{text}>").embed_documents(["x {text}"])
    embedder(TEXT, query_instruction="").embed_query("x")
    assert [body["input"] for body in _bodies(emulator)] == [["Q: x"], ["<x {text}>"], ["x"]]
    emulator.reset()
    embedder(query_instruction="find it", document_instruction="keep it").embed_query("x")
    embedder(document_instruction="keep it").embed_documents(["x"])
    embedder(document_instruction="keep it").embed_inputs(["x"], instructions="this once")
    embedder(query_instruction="").embed_query("x")
    assert [body.get("instructions") for body in _bodies(emulator)] == ["find it", "keep it", "this once", None]


def test_dimensions_are_sent_where_the_service_cuts(embedder: Make, emulator: Emulator) -> None:
    (vector,) = embedder(dimensions=1024).embed_documents(["tower"])
    assert _bodies(emulator)[0]["dimensions"] == 1024
    assert len(vector) == 1024
    assert _norm(vector) != pytest.approx(1)


@pytest.mark.parametrize(("model", "dimensions"), [(TEXT, 256), ("doubao-embedding-vision-250328", 1024)])
def test_dimensions_are_cut_here_where_the_service_does_not(
    embedder: Make, emulator: Emulator, model: str, dimensions: int
) -> None:
    (whole,) = embedder(model).embed_documents(["a tower by the sea"])
    (vector,) = embedder(model, dimensions=dimensions).embed_documents(["a tower by the sea"])
    assert all("dimensions" not in body for body in _bodies(emulator))
    scale = _norm(whole[:dimensions])
    assert vector == pytest.approx([value / scale for value in whole[:dimensions]])


def test_normalize_does_what_it_says(embedder: Make) -> None:
    assert _norm(embedder(TEXT, normalize=True).embed_query("tower by the sea")) == pytest.approx(1)
    raw = embedder(TEXT, normalize=False, dimensions=512).embed_query("tower")
    assert raw == embedder(TEXT).embed_query("tower")[:512]


@pytest.mark.parametrize("model", [TEXT, VISION])
def test_base64_and_float_give_the_same_vectors(embedder: Make, emulator: Emulator, model: str) -> None:
    texts = ["花椰菜又称菜花、花菜,是一种常见的蔬菜。", "tower"]
    packed = embedder(model).embed_documents(texts)
    assert packed == embedder(model, encoding_format="float").embed_documents(texts)
    assert packed == embedder(model, encoding_format=None).embed_documents(texts)
    assert {body.get("encoding_format") for body in _bodies(emulator)} == {"base64", "float", None}


def test_more_body_fields_can_always_be_sent(embedder: Make, emulator: Emulator) -> None:
    emulator.reply_next({"data": {"embedding": [0.5]}})
    embedder(model_kwargs={"a": 1, "b": 2}, extra_body={"b": 3}).embed_documents(["x"])
    assert _bodies(emulator)[0] == {
        "model": VISION,
        "input": [{"type": "text", "text": "x"}],
        "encoding_format": "base64",
        "a": 1,
        "b": 3,
    }
    emulator.reset()
    embedder(TEXT, user="user-7").embed_documents(["x"])
    assert _bodies(emulator)[0]["user"] == "user-7"


# --- kinds of vectors -----------------------------------------------------------------------------------------


def test_texts_images_and_mixtures_have_one_vector_each(embedder: Make) -> None:
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    link = {"type": "image_url", "image_url": {"url": "https://example.com/blue_tower.png"}}
    video = {"type": "video", "url": "https://example.com/sea.mp4", "extras": {"fps": 1}}
    inputs: list[Any] = ["a blue tower", image, link, [image, "a blue tower"], video, dict(image)]
    vectors = embedder().embed_inputs(inputs)
    assert [len(vector) for vector in vectors] == [2048] * 6
    assert vectors[1] == vectors[5]
    assert vectors[0] != vectors[3] != vectors[1]

    def cosine(one: int, other: int) -> float:
        dot = sum(a * b for a, b in zip(vectors[one], vectors[other], strict=True))
        return dot / _norm(vectors[one]) / _norm(vectors[other])

    assert cosine(0, 2) > 0.5 > cosine(0, 1)
    assert cosine(3, 1) > 0.3


async def test_sparse_vectors(embedder: Make, emulator: Emulator) -> None:
    embeddings = embedder()
    sparse = embeddings.embed_sparse(["a blue tower", "绿色的山"])
    assert sparse == await embeddings.aembed_sparse(["a blue tower", "绿色的山"])
    assert all(
        isinstance(index, int) and isinstance(value, float) for one in sparse for index, value in one.items()
    )
    assert _bodies(emulator)[0]["sparse_embedding"] == {"type": "enabled"}
    assert not set(sparse[0]) & set(sparse[1])


async def test_a_vector_for_each_token(embedder: Make, emulator: Emulator) -> None:
    embeddings = embedder(dimensions=1024)
    found = embeddings.embed_multi(["蓝色海景"])
    assert [len(one) for one in found] == [4]
    assert {len(vector) for vector in found[0]} == {1024}
    assert _bodies(emulator)[0]["multi_embedding"] == {"type": "enabled"}
    assert found == await embeddings.aembed_multi(["蓝色海景"])


async def test_async_methods_give_the_same(embedder: Make) -> None:
    for model in (TEXT, VISION):
        embeddings = embedder(model)
        texts = [f"text {number}" for number in range(30)]
        assert await embeddings.aembed_documents(texts) == embeddings.embed_documents(texts)
        assert await embeddings.aembed_query("tower") == embeddings.embed_query("tower")
        assert await embeddings.aembed_inputs(texts[:3]) == embeddings.embed_inputs(texts[:3])


async def test_nothing_is_embedded_without_a_request(embedder: Make, emulator: Emulator) -> None:
    for model in (TEXT, VISION):
        assert embedder(model).embed_documents([]) == []
        assert await embedder(model).aembed_documents([]) == []
        assert embedder(model).embed_inputs([]) == []
    assert embedder().embed_sparse([]) == []
    assert emulator.requests == []


async def test_bad_input_anywhere_is_refused_before_anything_is_sent(embedder: Make, emulator: Emulator) -> None:
    for model in (TEXT, VISION):
        with pytest.raises(ValueError, match="Input 2 is empty"):
            embedder(model).embed_documents(["one", "two", ""])
        with pytest.raises(ValueError, match="Input 1 is too long"):
            await embedder(model).aembed_documents(["one", "x" * 100_001])
        with pytest.raises(ValueError, match="The query is empty"):
            embedder(model).embed_query("")
        with pytest.raises(ValueError, match="Input 0 is not a text"):
            embedder(model).embed_documents([b"bytes"])  # type: ignore[list-item]
    assert emulator.requests == []


# --- order and concurrency ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [TEXT, VISION])
def test_vectors_come_in_the_order_of_the_texts(embedder: Make, emulator: Emulator, model: str) -> None:
    texts = [f"document number {number}" for number in range(40)]
    expected = embedder(model, chunk_size=1, max_concurrency=1).embed_documents(texts)
    for number in range(8):  # the first requests are answered last
        emulator.delay_next(0.08 - number / 100)
    assert embedder(model, chunk_size=3, max_concurrency=8).embed_documents(texts) == expected


def test_a_thousand_texts_are_not_a_thousand_round_trips_in_a_row(embedder: Make, emulator: Emulator) -> None:
    for _ in range(1000):
        emulator.delay_next(0.002)
    vectors = embedder(max_concurrency=16).embed_documents([f"text {number}" for number in range(1000)])
    assert len(vectors) == len(emulator.requests) == 1000
    assert 8 <= emulator.most_in_flight <= 16


async def test_a_thousand_texts_at_once_stay_within_max_concurrency(embedder: Make, emulator: Emulator) -> None:
    for _ in range(1000):
        emulator.delay_next(0.002)
    vectors = await embedder(max_concurrency=16).aembed_documents([f"text {number}" for number in range(1000)])
    assert len(vectors) == len(emulator.requests) == 1000
    assert 8 <= emulator.most_in_flight <= 16


def test_one_object_serves_many_threads(embedder: Make) -> None:
    embeddings = embedder(TEXT, chunk_size=2)

    def run(number: int) -> bool:
        texts = [f"thread {number} text {place}" for place in range(7)]
        return embeddings.embed_documents(texts) == [embeddings.embed_documents([text])[0] for text in texts]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(run, range(16)))


def test_a_second_event_loop_works_on_the_same_object(embedder: Make) -> None:
    embeddings = embedder()
    first = asyncio.run(embeddings.aembed_documents(["one", "two"]))
    assert asyncio.run(embeddings.aembed_documents(["one", "two"])) == first


def test_the_object_travels_without_its_clients(embedder: Make, emulator: Emulator) -> None:
    with httpx.Client() as client:
        embeddings = embedder(dimensions=1024, http_client=client, default_headers={"X-Team": "a"})
        expected = embeddings.embed_query("tower")
        for other in (
            pickle.loads(pickle.dumps(embeddings)),
            copy.copy(embeddings),
            copy.deepcopy(embeddings),
            embeddings.model_copy(),
        ):
            assert other.embed_query("tower") == expected
            assert emulator.requests[-1].headers["x-team"] == "a"
        assert pickle.loads(pickle.dumps(embeddings)).http_client is None


class _Turns(BaseRateLimiter):
    """Counts who asked."""

    def __init__(self) -> None:
        self.taken = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.taken += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire()


async def test_the_rate_limiter_is_asked_before_each_request_and_each_retry(
    embedder: Make, emulator: Emulator, waits: list[float]
) -> None:
    turns = _Turns()
    embeddings = embedder(rate_limiter=turns, max_concurrency=3)
    emulator.fail_next(times=2)
    embeddings.embed_documents(["one", "two", "three", "four", "five"])
    assert turns.taken == len(emulator.requests) == 7
    emulator.fail_next(times=2)
    await embeddings.aembed_documents(["one", "two", "three", "four", "five"])
    assert turns.taken == len(emulator.requests) == 14
    assert len(waits) == 4


# --- failures -------------------------------------------------------------------------------------------------


def test_what_may_heal_is_tried_again(embedder: Make, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(retry_after=3)
    emulator.fail_next(503, None)
    assert len(embedder(TEXT).embed_documents(["one"])) == 1
    assert len(emulator.requests) == 3
    assert waits[0] == 3
    emulator.reset()
    emulator.fail_next(429, "QuotaExceeded")
    with pytest.raises(QuotaExceededError):
        embedder(TEXT).embed_documents(["one"])
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("model", "positions"), [(VISION, (7,)), (TEXT, (6, 7, 8))], ids=["multimodal", "text in threes"]
)
def test_a_failure_in_the_middle_keeps_what_was_paid_for_and_a_second_call_goes_on(
    embedder: Make, emulator: Emulator, model: str, positions: tuple[int, ...]
) -> None:
    texts = [f"document number {number}" for number in range(20)]
    bad = [*texts]
    bad[7] += f" {SENSITIVE}"
    embeddings = embedder(model, chunk_size=3, max_concurrency=2)
    with pytest.raises(ContentFilterError, match=f"{positions[0]}.* of 20") as caught:
        embeddings.embed_documents(bad)
    done = caught.value.completed
    assert done is not None
    assert set(range(3)) <= set(done) <= set(range(20)) - set(positions)
    assert caught.value.failed_inputs == positions

    emulator.reset()
    rest = [position for position in range(20) if position not in done]
    done.update(zip(rest, embeddings.embed_documents([texts[position] for position in rest]), strict=True))
    sent = [one for body in _bodies(emulator) for one in body["input"]]
    assert len(sent) == len(rest) < 20
    assert [done[position] for position in range(20)] == embeddings.embed_documents(texts)


async def test_an_async_failure_in_the_middle_keeps_what_was_paid_for(
    embedder: Make, emulator: Emulator, waits: list[float]
) -> None:
    texts = [f"document number {number}" for number in range(12)]
    texts[8] = SENSITIVE
    with pytest.raises(ContentFilterError) as caught:
        await embedder(max_concurrency=4).aembed_documents(texts)
    assert caught.value.completed is not None
    assert set(range(5)) <= set(caught.value.completed) <= set(range(12)) - {8}
    emulator.fail_next(times=3)
    with pytest.raises(RateLimitError) as limited:
        await embedder(max_concurrency=1).aembed_documents(texts)
    assert limited.value.completed == {}


def test_the_error_pickles_with_what_was_completed(embedder: Make, emulator: Emulator) -> None:
    with pytest.raises(ContentFilterError) as caught:
        embedder(max_concurrency=1).embed_documents(["one", SENSITIVE])
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.completed == caught.value.completed
    assert again.failed_inputs == (1,)
    assert emulator.api_key.encode() not in pickle.dumps(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"api_key": "wrong"}, AuthenticationError),
        ({"model": "doubao-embedding-text-990101"}, NotFoundError),
        ({"model": VISION, "multimodal": False}, InvalidRequestError),
        ({"model": TEXT, "multimodal": True}, InvalidRequestError),
    ],
)
def test_the_services_refusals_are_our_exceptions(
    embedder: Make, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        embedder(**arguments).embed_documents(["one"])


def test_without_a_key_the_first_request_says_what_to_set() -> None:
    with pytest.raises(AuthenticationError, match="ARK_API_KEY"):
        ArkEmbeddings(model=VISION).embed_query("x")


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"data": []},
        {"data": [{"index": 0, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": "no base64"}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": ["x"]}]},
    ],
)
def test_a_reply_that_is_not_what_is_documented_says_so(
    embedder: Make, emulator: Emulator, reply: dict[str, Any]
) -> None:
    emulator.reply_next(reply)
    with pytest.raises(ResponseFormatError, match="not what the service documents") as caught:
        embedder(TEXT).embed_documents(["one", "two"])
    assert caught.value.body == reply
    assert caught.value.request_id


def test_vectors_shorter_than_asked_for_are_not_passed_on(embedder: Make, emulator: Emulator) -> None:
    emulator.reply_next({"data": {"embedding": [1.0, 2.0]}})
    with pytest.raises(ResponseFormatError, match="2 numbers, and dimensions=1024"):
        embedder(dimensions=1024).embed_query("x")


def test_old_replies_with_a_list_are_read_too(embedder: Make, emulator: Emulator) -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -2.0)).decode()
    emulator.reply_next({"data": [{"embedding": packed, "object": "embedding"}]})
    assert embedder().embed_query("x") == [0.5, -2.0]


# --- progress -------------------------------------------------------------------------------------------------


async def test_a_progress_bar_counts_the_inputs(embedder: Make, capsys: pytest.CaptureFixture[str]) -> None:
    embeddings = embedder(show_progress_bar=True)
    embeddings.embed_documents([f"text {number}" for number in range(25)])
    assert "25/25" in capsys.readouterr().err
    await embeddings.aembed_inputs(["one", "two"])
    assert "2/2" in capsys.readouterr().err
    embeddings.embed_query("quiet")
    assert capsys.readouterr().err == ""


def test_without_tqdm_the_bar_says_what_to_install(
    embedder: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        embedder(show_progress_bar=True).embed_documents(["one"])
    assert emulator.requests == []
    assert len(embedder().embed_documents(["one"])) == 1
