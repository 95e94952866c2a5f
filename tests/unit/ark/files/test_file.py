"""`ArkFile`: what it keeps of a file object, and the blocks that stand for it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import ValidationError

from langchain_volcark import ArkFile
from langchain_volcark.ark.files.file import read_file

SENT: dict[str, Any] = {
    "object": "file",
    "id": "file-20251018114827-6zgrb",
    "purpose": "user_data",
    "filename": "demo.mp4",
    "bytes": 695110,
    "mime_type": "video/mp4",
    "created_at": 1760759307,
    "expire_at": -1,
    "status": "active",
    "preprocess_configs": {"video": {"fps": 0.3}},
    "colour": {"new": ["field"]},
    "error": None,
}


def file(**fields: Any) -> ArkFile:
    return read_file({"id": "file-1", "status": "active", **fields})


def test_nothing_that_came_is_lost() -> None:
    read = read_file(SENT)
    assert read.model_dump(exclude_none=True) == {name: value for name, value in SENT.items() if value is not None}
    assert (read.id, read.bytes, read.expire_at) == ("file-20251018114827-6zgrb", 695110, -1)
    assert read.colour == {"new": ["field"]}  # type: ignore[attr-defined]


def test_moments_with_fractions_are_read() -> None:
    assert file(created_at=1760759307.5, expire_at=1761364107.0).created_at == 1760759307


def test_it_survives_pickle_and_json_and_cannot_be_changed() -> None:
    read = read_file(SENT)
    assert pickle.loads(pickle.dumps(read)) == read
    assert ArkFile.model_validate_json(read.model_dump_json()) == read
    assert {read, read_file(SENT)} == {read}
    with pytest.raises(ValidationError):
        read.status = "failed"


def test_its_repr_leaves_out_what_did_not_come() -> None:
    assert repr(file(bytes=3)) == "ArkFile(id='file-1', status='active', bytes=3)"


@pytest.mark.parametrize("payload", [{}, {"id": "file-1"}, {"status": "active"}, {"id": 1, "status": "active"}])
def test_an_object_without_id_or_status_is_no_file(payload: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not in the documented form"):
        read_file(payload)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_names = st.sampled_from([*ArkFile.model_fields, "object", "model_config", "block", "kind"]) | st.text()


@given(st.dictionaries(_names, _json))
def test_any_object_is_read_or_refused(payload: dict[str, Any]) -> None:
    try:
        read = read_file(payload)
    except ValueError:
        return
    assert pickle.loads(pickle.dumps(read)) == read
    for name, value in payload.items():
        if value is not None and name not in ArkFile.model_fields:
            assert read.model_dump()[name] == value


@pytest.mark.parametrize(
    ("fields", "block"),
    [
        ({"mime_type": "image/png"}, {"type": "image", "mime_type": "image/png"}),
        ({"mime_type": "video/mp4", "filename": "a.png"}, {"type": "video", "mime_type": "video/mp4"}),
        ({"mime_type": "audio/mp3"}, {"type": "audio", "mime_type": "audio/mp3"}),
        ({"mime_type": "application/pdf"}, {"type": "file", "mime_type": "application/pdf"}),
        ({"filename": "a.mp4", "status": "processing"}, {"type": "video"}),
        ({"filename": "a.jpg"}, {"type": "image"}),
        ({"filename": "a"}, {"type": "file"}),
        ({}, {"type": "file"}),
    ],
)
def test_its_type_decides_the_block(fields: dict[str, Any], block: dict[str, Any]) -> None:
    made = file(**fields).block()
    assert made == {"file_id": "file-1", **block}
    assert HumanMessage([made]).content_blocks == [made]  # it is one of LangChain's standard blocks


def test_options_are_in_the_extras_of_the_block() -> None:
    image = file(mime_type="image/png").block(detail="high", image_pixel_limit={"max_pixels": 50_000})
    assert image["extras"] == {"detail": "high", "image_pixel_limit": {"max_pixels": 50_000}}
    assert HumanMessage([image]).content_blocks == [image]
    audio = file(mime_type="audio/wav").block(chunking_strategy={"type": "server_vad"})
    assert audio["extras"] == {"chunking_strategy": {"type": "server_vad"}}


@pytest.mark.parametrize(
    ("fields", "options", "words"),
    [
        ({"mime_type": "video/mp4"}, {"detail": "high"}, "detail: the file file-1 is of the kind 'video'"),
        ({"mime_type": "application/pdf"}, {"image_pixel_limit": {}}, "image_pixel_limit"),
        ({"mime_type": "image/png"}, {"chunking_strategy": {}}, "chunking_strategy"),
        ({"status": "failed"}, {}, "has failed"),
    ],
)
def test_what_cannot_be_a_block_is_refused(fields: dict[str, Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        file(**fields).block(**options)
