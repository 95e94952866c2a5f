"""The emulator's embedding endpoints: what they refuse, and in which words."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

TEXT = "doubao-embedding-large-text-250515"
VISION = "doubao-embedding-vision-251215"
V615, V328, V1215 = (f"doubao-embedding-vision-{date}" for date in ("250615", "250328", "241215"))
HI = [{"type": "text", "text": "hi"}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
VIDEO = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}


def post(emulator: Emulator, path: str, body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {emulator.api_key}"}
    return httpx.post(f"{emulator.ark_base_url}/{path}", headers=headers, json=body)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"input": None}, "MissingParameter", "input"),
        ({"input": []}, "InvalidParameter", "input"),
        ({"input": [""]}, "InvalidParameter", "input[0]"),
        ({"input": ["a", 7]}, "InvalidParameter", "input[1]"),
        ({"input": [[1, 2, 3]]}, "InvalidParameter", "input[0]"),
        ({"input": [1, 2, 3]}, "InvalidParameter", "input[0]"),
        ({"input": HI}, "InvalidParameter", "input[0]"),
        ({"input": ["字" * 33_334]}, "InvalidParameter", "input[0]"),
        ({"input": ["字" * 4_097]}, "InvalidParameter", "input[0]"),
        ({"input": ["a"] * 257}, "InvalidParameter", "input"),
        ({"dimensions": 512}, "InvalidParameter.UnsupportedParameter", "dimensions"),
        ({"encoding_format": "int8"}, "InvalidParameter", "encoding_format"),
        ({"truncate": True}, "InvalidParameter", "truncate"),
        ({"model": VISION}, "InvalidParameter", "model"),
        ({"model": "doubao-seed-2-1-pro-260915"}, "InvalidParameter", "model"),
        ({"model": "text-embedding-3-small"}, "InvalidEndpointOrModel.NotFound", ""),
        ({"input": ["EMULATOR_SENSITIVE_INPUT"]}, "InputTextSensitiveContentDetected", ""),
    ],
)
def test_the_text_endpoint_refuses(emulator: Emulator, change: dict[str, Any], code: str, param: str) -> None:
    error = post(emulator, "embeddings", {"model": TEXT, "input": ["hi"], **change}).json()["error"]
    assert (error["code"], error.get("param", "")) == (code, param)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"input": None}, "MissingParameter", "input"),
        ({"input": "hi"}, "InvalidParameter", "input"),
        ({"input": []}, "InvalidParameter", "input"),
        ({"input": ["hi"]}, "InvalidParameter", "input[0]"),
        ({"input": [{"type": "text", "text": ""}]}, "InvalidParameter", "input[0].text"),
        ({"input": [{"type": "input_audio", "input_audio": {}}]}, "InvalidParameter", "input[0].type"),
        ({"input": [{"text": "hi"}]}, "MissingParameter", "input[0].type"),
        (
            {"input": [{"type": "image_url", "image_url": {}}]},
            "InvalidImageURL.EmptyURL",
            "input[0].image_url.url",
        ),
        (
            {"input": [{"type": "image_url", "image_url": {"url": "data:image/PNG;base64,AAAA"}}]},
            "InvalidImageURL.InvalidFormat",
            "input[0].image_url.url",
        ),
        (
            {"input": [{"type": "video_url", "video_url": {"url": "https://e.com/a.mp4", "fps": 9}}]},
            "InvalidParameter",
            "input[0].video_url.fps",
        ),
        ({"dimensions": 512}, "InvalidParameter", "dimensions"),
        ({"dimensions": 2048, "model": V328}, "InvalidParameter.UnsupportedParameter", "dimensions"),
        ({"instructions": "x", "model": V328}, "InvalidParameter.UnsupportedParameter", "instructions"),
        ({"sparse_embedding": {"type": "on"}}, "InvalidParameter", "sparse_embedding.type"),
        ({"sparse_embedding": {"type": "enabled"}, "input": [*HI, IMAGE]}, "InvalidParameter", "sparse_embedding"),
        (
            {"sparse_embedding": {"type": "enabled"}, "model": V1215},
            "InvalidParameter.UnsupportedParameter",
            "sparse_embedding",
        ),
        ({"multi_embedding": {}}, "MissingParameter", "multi_embedding.type"),
        (
            {"multi_embedding": {"type": "enabled"}, "model": V615},
            "InvalidParameter.UnsupportedParameter",
            "multi_embedding",
        ),
        ({"input": [*HI, *HI], "model": V328}, "InvalidParameter", "input"),
        ({"input": [VIDEO], "model": V1215}, "InvalidParameter", "input"),
        ({"user": "u"}, "InvalidParameter", "user"),
        ({"model": TEXT}, "InvalidParameter", "model"),
    ],
)
def test_the_multimodal_endpoint_refuses(
    emulator: Emulator, change: dict[str, Any], code: str, param: str
) -> None:
    error = post(emulator, "embeddings/multimodal", {"model": VISION, "input": HI, **change}).json()["error"]
    assert (error["code"], error["param"]) == (code, param)


def test_the_multimodal_reply_is_an_object_and_base64_is_little_endian(emulator: Emulator) -> None:
    body = {"model": V615, "input": [*HI, IMAGE], "dimensions": 1024, "instructions": "x"}
    floats = post(emulator, "embeddings/multimodal", body).json()
    packed = post(emulator, "embeddings/multimodal", {**body, "encoding_format": "base64"}).json()
    assert set(floats["data"]) == {"embedding"}
    data = base64.b64decode(packed["data"]["embedding"])
    assert list(struct.unpack("<1024f", data)) == floats["data"]["embedding"]
    details = floats["usage"]["prompt_tokens_details"]
    assert details["text_tokens"] > 1
    assert floats["usage"]["prompt_tokens"] == sum(details.values())


@pytest.mark.parametrize(("model", "dimensions"), [(V1215, 3072), (V328, 2048), (V615, 2048), (VISION, 2048)])
def test_each_vision_model_has_its_own_length(emulator: Emulator, model: str, dimensions: int) -> None:
    reply = post(emulator, "embeddings/multimodal", {"model": model, "input": [*HI, IMAGE]}).json()
    assert len(reply["data"]["embedding"]) == dimensions


def test_instructions_move_the_vector(emulator: Emulator) -> None:
    def ask(**more: Any) -> list[float]:
        body = {"model": VISION, "input": HI, **more}
        return post(emulator, "embeddings/multimodal", body).json()["data"]["embedding"]

    assert ask() == ask() != ask(instructions="a") != ask(instructions="b")


def test_an_endpoint_nobody_described_stands_for_what_the_path_needs(emulator: Emulator) -> None:
    assert post(emulator, "embeddings", {"model": "ep-1", "input": "hi"}).json()["model"] == TEXT
    assert post(emulator, "embeddings/multimodal", {"model": "ep-1", "input": HI}).json()["model"] == VISION


def test_an_embedding_model_does_not_chat(emulator: Emulator) -> None:
    body = {"model": TEXT, "messages": [{"role": "user", "content": "hi"}]}
    error = post(emulator, "chat/completions", body).json()["error"]
    assert error["code"] == "InvalidParameter"
    assert "does not support this api" in error["message"]
