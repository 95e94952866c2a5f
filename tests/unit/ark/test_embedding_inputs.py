"""What can be embedded, how it is written, and what is refused before the wire."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from langchain_volcark import ArkEmbeddings
from langchain_volcark.ark.embedding_inputs import write_inputs
from langchain_volcark.ark.embedding_models import find_model
from langchain_volcark.ark.embedding_replies import read_data, read_multi, read_sparse

VISION = "doubao-embedding-vision-251215"
TEXT = "doubao-embedding-large-text-250515"
URL = "https://example.com/tower.png"
VIDEO = "https://example.com/sea.mp4"


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("hello", [{"type": "text", "text": "hello"}]),
        ({"type": "text", "text": "hello"}, [{"type": "text", "text": "hello"}]),
        ({"type": "image", "url": URL}, [{"type": "image_url", "image_url": {"url": URL}}]),
        ({"type": "image_url", "image_url": {"url": URL}}, [{"type": "image_url", "image_url": {"url": URL}}]),
        ({"type": "image_url", "image_url": URL}, [{"type": "image_url", "image_url": {"url": URL}}]),
        (
            {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/PNG"},
            [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}],
        ),
        ({"type": "video", "url": VIDEO}, [{"type": "video_url", "video_url": {"url": VIDEO}}]),
        (
            {"type": "video", "url": VIDEO, "extras": {"fps": 1, "min_frame_tokens": 32, "min_frames": 10}},
            [
                {
                    "type": "video_url",
                    "video_url": {"url": VIDEO, "fps": 1, "min_frame_tokens": 32, "min_frames": 10},
                }
            ],
        ),
        (
            {"type": "video_url", "video_url": {"url": VIDEO, "max_frame_tokens": 640, "a_new_option": 1}},
            [{"type": "video_url", "video_url": {"url": VIDEO, "max_frame_tokens": 640, "a_new_option": 1}}],
        ),
        (
            ["at night", {"type": "image", "url": URL}],
            [{"type": "text", "text": "at night"}, {"type": "image_url", "image_url": {"url": URL}}],
        ),
    ],
)
def test_texts_images_and_video_become_arks_parts(given: Any, parts: list[dict[str, Any]]) -> None:
    assert write_inputs([given]) == [parts]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("", "Input 1 is empty"),
        ([], "Input 1 is empty"),
        ({"type": "text", "text": ""}, "Input 1 is empty"),
        (["fine", ""], "Input 1, part 1 is empty"),
        ("字" * 40_000, "Input 1 is too long: 120,000 bytes"),
        (7, "Input 1 is neither"),
        ([7], "Input 1 is neither"),
        (None, "Input 1 is neither"),
        ({"type": "audio", "url": "https://example.com/a.mp3"}, "Input 1 has the type 'audio'"),
        ({"type": "hologram"}, "Input 1 has the type 'hologram'"),
        ({"type": "tool_use", "id": "1"}, "Input 1 has the type 'tool_use'"),
        ({"type": "image"}, "Input 1: the image has neither url nor base64"),
        ({"type": "image", "file_id": "file-1"}, "Input 1: the image has neither url nor base64"),
        (
            {"type": "image", "base64": "A" * 15_000_000, "mime_type": "image/png"},
            "Input 1: the image has 10.7 MB",
        ),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_its_position(bad: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        write_inputs(["fine", bad])


@pytest.mark.parametrize("one", ["text", {"type": "text", "text": "x"}])
def test_one_input_that_is_not_in_a_list_is_refused(one: Any) -> None:
    with pytest.raises(ValueError, match="list"):
        write_inputs(one)
    with pytest.raises(ValueError, match="list"):
        ArkEmbeddings(model=TEXT, api_key="k").embed_documents("text")  # type: ignore[arg-type]


def test_an_endpoint_id_must_be_said_to_be_text_or_multimodal() -> None:
    with pytest.raises(ValidationError, match="multimodal=True"):
        ArkEmbeddings(model="ep-20250101000000-abcde")
    assert ArkEmbeddings(model="ep-20250101000000-abcde", multimodal=False).multimodal is False


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [
        (VISION, 512),
        ("doubao-embedding-vision-241215", 2048),
        ("doubao-embedding-vision-250328", 512),
        (TEXT, 2000),
        ("doubao-embedding-text-240515", 256),
    ],
)
def test_a_length_the_model_cannot_have_is_refused(model: str, dimensions: int) -> None:
    with pytest.raises(ValidationError, match=f"dimensions={dimensions} is not possible with {model}"):
        ArkEmbeddings(model=model, dimensions=dimensions)


def test_any_length_may_be_asked_of_a_model_nobody_knows() -> None:
    assert ArkEmbeddings(model="doubao-embedding-text-270101", dimensions=77).dimensions == 77
    assert ArkEmbeddings(model="ep-1", multimodal=True, dimensions=77).dimensions == 77


def test_later_versions_are_taken_for_the_newest() -> None:
    newest = find_model(VISION)
    assert newest is not None
    assert newest.multi
    assert find_model("doubao-embedding-vision-270101") == newest
    assert find_model("doubao-embedding-vision") == newest
    assert find_model("skylark-embedding-vision-250615") == find_model("doubao-embedding-vision-250615") != newest


@pytest.mark.parametrize(
    "arguments",
    [{"modle": VISION}, {"chunk_size": 0}, {"max_concurrency": 0}, {"dimensions": 0}, {"timeout": -1}],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ArkEmbeddings(**{"model": VISION, **arguments})


@pytest.mark.parametrize("path", ["", "/", "/embeddings", "/embeddings/multimodal/"])
def test_a_pasted_endpoint_is_taken_for_its_base_url(path: str) -> None:
    base = "https://ark.example.com/api/v3"
    assert ArkEmbeddings(model=VISION, base_url=base + path).base_url == base


def test_texts_for_a_text_model_only() -> None:
    embeddings = ArkEmbeddings(model=TEXT, api_key="k")
    with pytest.raises(ValueError, match=r"Input 1 is not a text.*multimodal=True"):
        embeddings.embed_inputs(["fine", {"type": "image", "url": URL}])
    with pytest.raises(ValueError, match="does not make sparse vectors"):
        embeddings.embed_sparse(["fine"])
    with pytest.raises(ValueError, match="does not make a vector for each token"):
        ArkEmbeddings(model="doubao-embedding-vision-250615", api_key="k").embed_multi(["fine"])


def test_the_key_is_not_shown() -> None:
    embeddings = ArkEmbeddings(model=VISION, api_key="secret-key")
    assert "secret-key" not in repr(embeddings) + str(embeddings) + embeddings.model_dump_json()


def test_rows_may_come_in_either_documented_form() -> None:
    row = {"embedding": [1.0]}
    assert read_data({"data": row}) == read_data({"data": [row]}) == row
    for data in (None, [], [row, row], "x"):
        with pytest.raises(ValueError, match="not one row"):
            read_data({"data": data})


def test_sparse_vectors_may_come_as_list_or_as_the_sdks_single_object() -> None:
    assert read_sparse({"sparse_embedding": [{"index": 17, "value": 0.4}, {"index": 3, "value": 1}]}) == {
        17: 0.4,
        3: 1.0,
    }
    assert read_sparse({"sparse_embedding": {"index": 17, "value": 0.4}}) == {17: 0.4}
    for bad in (None, "x", [{"index": 1}], [7]):
        with pytest.raises(ValueError, match="sparse"):
            read_sparse({"sparse_embedding": bad})


def test_token_vectors_may_come_packed() -> None:
    packed = base64.b64encode(bytes.fromhex("003c004000420044")).decode()  # 1, 2, 3, 4 as 16-bit floats
    assert read_multi({"embedding": [0.1, 0.2], "multi_embedding": packed}) == [[1.0, 2.0], [3.0, 4.0]]
    assert read_multi({"multi_embedding": [[1, 2], [3, 4]]}) == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(ValueError, match="compressed"):
        read_multi({"embedding": [0.1, 0.2, 0.3], "multi_embedding": packed})
