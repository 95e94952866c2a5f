"""The vendor's SDK works with the emulator's embeddings, and sends the same requests as this package."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark import ArkEmbeddings
from langchain_volcark.ark.embedding_models import MULTIMODAL_QUERY
from langchain_volcark.emulator import Emulator
from tests.json_types import typed

# The SDK is older than some of the warnings that its own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:volcenginesdkarkruntime.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:volcenginesdkcore.*"),
]

TEXT = "doubao-embedding-large-text-250515"
VISION = "doubao-embedding-vision-251215"
ENDPOINT = "ep-20240703000000-yyyy"
SEED_TEXT = "花椰菜又称菜花、花菜,是一种常见的蔬菜。"
PARTS: list[Any] = [
    {"type": "text", "text": "视频和图片里有什么"},
    {"type": "image_url", "image_url": {"url": "https://example.com/tower.png"}},
    {
        "type": "video_url",
        "video_url": {
            "url": "https://example.com/sea.mp4",
            "fps": 1,
            "max_video_tokens": 120_000,
            "min_frame_tokens": 32,
            "max_frame_tokens": 640,
            "min_frames": 10,
        },
    },
]


@pytest.fixture
def sdk(emulator: Emulator) -> Iterator[Any]:
    from volcenginesdkarkruntime import Ark

    with (
        httpx.Client(base_url=emulator.ark_base_url) as http,
        Ark(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0, http_client=http) as client,
    ):
        yield client


@pytest.fixture
async def async_sdk(emulator: Emulator) -> AsyncIterator[Any]:
    from volcenginesdkarkruntime import AsyncArk

    async with AsyncArk(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0) as client:
        yield client


def _ours(emulator: Emulator, model: str, **arguments: Any) -> ArkEmbeddings:
    defaults = {"api_key": emulator.api_key, "base_url": emulator.ark_base_url, "encoding_format": "float"}
    return ArkEmbeddings(model=model, **{**defaults, **arguments})


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _same_request(emulator: Emulator) -> None:
    sdks, ours = emulator.requests
    assert (ours.method, ours.path) == (sdks.method, sdks.path)
    assert typed(ours.json) == typed(_without_nulls(sdks.json))
    for name in ("authorization", "content-type"):
        assert ours.headers[name] == sdks.headers[name]


def test_text_embeddings_of_the_sdk_and_ours_are_one_request_and_one_result(sdk: Any, emulator: Emulator) -> None:
    reply = sdk.embeddings.create(model=TEXT, input=["one", SEED_TEXT], user="user-7")
    assert [row.index for row in reply.data] == [0, 1]
    assert reply.model == TEXT
    assert reply.usage.total_tokens > 2
    ours = _ours(emulator, TEXT, user="user-7").embed_documents(["one", SEED_TEXT])
    assert ours == [row.embedding for row in reply.data]
    _same_request(emulator)


def test_multimodal_embeddings_of_the_sdk_and_ours_are_one_request_and_one_result(
    sdk: Any, emulator: Emulator
) -> None:
    reply = sdk.multimodal_embeddings.create(model=VISION, input=PARTS, dimensions=1024)
    assert len(reply.data.embedding) == 1024
    assert reply.usage["prompt_tokens_details"]["image_tokens"] > 0
    assert _ours(emulator, VISION, dimensions=1024).embed_inputs([PARTS]) == [reply.data.embedding]
    _same_request(emulator)


def test_queries_with_instructions_are_the_sdks(sdk: Any, emulator: Emulator) -> None:
    part = {"type": "text", "text": "蔬菜?"}
    reply = sdk.multimodal_embeddings.create(model=VISION, input=[part], instructions=MULTIMODAL_QUERY)
    assert _ours(emulator, VISION).embed_query("蔬菜?") == reply.data.embedding
    _same_request(emulator)


def test_sparse_embeddings_are_the_sdks(sdk: Any, emulator: Emulator) -> None:
    reply = sdk.multimodal_embeddings.create(
        model=VISION, input=[{"type": "text", "text": "a blue tower"}], sparse_embedding={"type": "enabled"}
    )
    # The SDK types one object where the service sends a list, and reads the list all the same.
    expected = {entry.index: entry.value for entry in reply.data.sparse_embedding}
    assert _ours(emulator, VISION).embed_sparse(["a blue tower"]) == [expected]
    _same_request(emulator)


def test_token_vectors_are_what_the_sdk_gets_by_extra_body(sdk: Any, emulator: Emulator) -> None:
    reply = sdk.multimodal_embeddings.create(
        model=VISION,
        input=[{"type": "text", "text": "a blue tower"}],
        extra_body={"multi_embedding": {"type": "enabled"}},
    )
    assert _ours(emulator, VISION).embed_multi(["a blue tower"]) == [reply.data.multi_embedding]
    _same_request(emulator)


async def test_the_async_sdk_gets_what_our_async_methods_get(async_sdk: Any, emulator: Emulator) -> None:
    text = await async_sdk.embeddings.create(model=TEXT, input=["one", "two"])
    assert await _ours(emulator, TEXT).aembed_documents(["one", "two"]) == [row.embedding for row in text.data]
    _same_request(emulator)
    emulator.reset()
    fused = await async_sdk.multimodal_embeddings.create(model=VISION, input=PARTS)
    assert await _ours(emulator, VISION).aembed_inputs([PARTS]) == [fused.data.embedding]
    _same_request(emulator)


def test_base64_comes_back_from_the_sdk_as_text_and_from_us_as_numbers(sdk: Any, emulator: Emulator) -> None:
    packed = sdk.embeddings.create(model=TEXT, input=["one"], encoding_format="base64")
    assert isinstance(packed.data[0].embedding, str)
    ours = _ours(emulator, TEXT, encoding_format="base64").embed_documents(["one"])
    assert all(isinstance(value, float) for value in ours[0])
    _same_request(emulator)


# --- the examples of https://www.volcengine.com/docs/82379/1263482 --------------------------------------------

SEED_REQUEST = {"model": ENDPOINT, "input": [SEED_TEXT]}
SEED_REPLY = """
{
    "data": [
        {
            "embedding": [
                0.01131823007017374,
                0.009313009679317474,
                ...
                -0.03317729011178017,
                0.00028884236235171556,
                -0.022333964705467224
            ],
            "object": "embedding"
        },
        {
            "embedding": [
                -0.0019542998634278774,
                ...
                -0.03738011419773102,
                -0.025939496234059334,
                -0.037807632237672806
            ],
            "index": 1,
            "object": "embedding"
        }
    ],
    "object": "list",
    "usage": {
        "prompt_tokens": 6,
        "total_tokens": 6
    }
}
"""


def test_the_pages_curl_example_is_answered(emulator: Emulator) -> None:
    reply = httpx.post(
        f"{emulator.ark_base_url}/embeddings",
        headers={"Authorization": f"Bearer {emulator.api_key}"},
        json=SEED_REQUEST,
    ).json()
    assert set(reply) >= {"data", "model", "object", "usage"}
    assert set(reply["data"][0]) == {"embedding", "index", "object"}


def test_the_pages_sdk_example_is_answered(sdk: Any) -> None:
    reply = sdk.embeddings.create(model=ENDPOINT, input=[SEED_TEXT])
    assert len(reply.data) == 1


def test_the_pages_request_is_ours(emulator: Emulator) -> None:
    _ours(emulator, ENDPOINT, multimodal=False, encoding_format=None).embed_documents([SEED_TEXT])
    assert emulator.requests[0].path == "/api/v3/embeddings"
    assert typed(emulator.requests[0].json) == typed(SEED_REQUEST)


def test_the_pages_reply_is_read_although_its_first_row_has_no_index(emulator: Emulator) -> None:
    emulator.reply_next(json.loads(re.sub(r"\s*\.\.\.\n", "\n", SEED_REPLY)))
    vectors = _ours(emulator, ENDPOINT, multimodal=False).embed_documents(["one", "two"])
    assert vectors[0][0] == 0.01131823007017374
    assert vectors[1][-1] == -0.037807632237672806
