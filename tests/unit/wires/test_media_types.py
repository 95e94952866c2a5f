"""Media types are detected from the bytes."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_volcark.ark.embedding_inputs import write_inputs
from langchain_volcark.ark.messages import ArkMessageWriter
from langchain_volcark.knowledge.messages import KnowledgeMessageWriter
from langchain_volcark.qianfan.messages import QianfanMessageWriter
from langchain_volcark.wires.chat_completions.media_types import sniff

WRITERS = {
    "ark": ArkMessageWriter("volcengine", "Ark"),
    "qianfan": QianfanMessageWriter("qianfan", "Qianfan"),
    "knowledge": KnowledgeMessageWriter("vikingdb", "Knowledge"),
}
IMAGES = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    "image/bmp": b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
    "image/tiff": b"II*\0\x08\0\0\0",
    "image/x-icon": b"\0\0\x01\0\x01\0\x10\x10",
    "image/jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "image/icns": b"icns\0\0\1\0",
    "image/avif": b"\0\0\0\x1cftypavif\0\0\0\0mif1",
    "image/heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1",
    "image/heif": b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1",
}
VIDEOS = {
    "video/mp4": b"\0\0\0\x20ftypisom\0\0\2\0isom",
    "video/quicktime": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "video/x-msvideo": b"RIFF\x24\0\0\0AVI LIST",
    "video/webm": b"\x1a\x45\xdf\xa3\x01\0\0\0",
}
SOUNDS = {
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "audio/mpeg": b"ID3\x04\0\0\0\0",
    "audio/aac": b"\xff\xf1\x50\x80\0\0",
    "audio/flac": b"fLaC\0\0\0\x22",
    "audio/ogg": b"OggS\0\2\0\0",
    "audio/mp4": b"\0\0\0\x1cftypM4A \0\0\0\0",
}
OTHERS = {"application/pdf": b"%PDF-1.7\n", None: b"no known beginning"}


@pytest.mark.parametrize(("mime_type", "data"), [*(IMAGES | VIDEOS | SOUNDS | OTHERS).items()])
def test_a_format_is_known_by_its_first_bytes(mime_type: str | None, data: bytes) -> None:
    assert sniff(data) == mime_type


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def forms(kind: str, data: bytes) -> list[dict[str, Any]]:
    """Blocks that do not say what the bytes are."""
    text = coded(data)
    return [
        {"type": kind, "base64": text},
        {"type": kind, "base64": data},
        {"type": kind, "base64": bytearray(data)},
        {"type": kind, "base64": text, "mime_type": "application/octet-stream"},
        {"type": kind, "source_type": "base64", "data": text},
        {"type": kind, "data": text},
        {"type": f"{kind}_url", f"{kind}_url": {"url": f"data:;base64,{text}"}},
        {"type": f"{kind}_url", f"{kind}_url": {"url": f"data:{kind}/*;base64,{text}"}},
        {"type": "media", "data": data},
        {"type": "file", "base64": text},
    ]


@pytest.mark.parametrize("vendor", WRITERS)
@pytest.mark.parametrize("mime_type", IMAGES)
def test_an_image_without_type_is_sent_under_its_own(vendor: str, mime_type: str) -> None:
    expected = {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{coded(IMAGES[mime_type])}"}}
    for block in forms("image", IMAGES[mime_type]):
        assert WRITERS[vendor].write([HumanMessage([block])])[0]["content"] == [expected]


@pytest.mark.parametrize("mime_type", ["video/mp4", "video/quicktime", "video/x-msvideo"])
def test_a_video_without_type_is_sent_under_the_name_that_ark_gives_it(mime_type: str) -> None:
    named = {"video/quicktime": "video/mov", "video/x-msvideo": "video/avi"}.get(mime_type, mime_type)
    expected = {"type": "video_url", "video_url": {"url": f"data:{named};base64,{coded(VIDEOS[mime_type])}"}}
    for block in forms("video", VIDEOS[mime_type]):
        assert WRITERS["ark"].write([HumanMessage([block])])[0]["content"] == [expected]
        assert write_inputs([block]) == [[expected]]


@pytest.mark.parametrize("mime_type", SOUNDS)
def test_a_sound_without_type_is_sent_with_its_format(mime_type: str) -> None:
    name = {"audio/mpeg": "mp3", "audio/mp4": "m4a"}.get(mime_type, mime_type.removeprefix("audio/"))
    expected = {"type": "input_audio", "input_audio": {"data": coded(SOUNDS[mime_type]), "format": name}}
    for block in forms("audio", SOUNDS[mime_type]):
        assert WRITERS["ark"].write([HumanMessage([block])])[0]["content"] == [expected]


@pytest.mark.parametrize("mime_type", IMAGES)
def test_an_embedded_image_without_type_is_sent_under_its_own(mime_type: str) -> None:
    expected = {"type": "image_url", "image_url": {"url": f"data:{mime_type};base64,{coded(IMAGES[mime_type])}"}}
    for block in forms("image", IMAGES[mime_type]):
        assert write_inputs([block]) == [[expected]]


@pytest.mark.parametrize("vendor", WRITERS)
def test_bytes_of_no_known_format_are_refused_with_their_place(vendor: str) -> None:
    block = {"type": "image", "base64": "AAAA"}
    with pytest.raises(ValueError, match=r"^messages\[0\]: content\[1\]: the image needs its mime_type"):
        WRITERS[vendor].write([HumanMessage(["Look", block])])
    with pytest.raises(ValueError, match=r"^Input 1, part 1: the image needs its mime_type"):
        write_inputs(["a", ["b", block]])


def test_a_type_that_is_given_is_believed() -> None:
    block = {"type": "image", "base64": coded(IMAGES["image/png"]), "mime_type": "image/jpeg"}
    (part,) = WRITERS["ark"].write([HumanMessage([block])])[0]["content"]
    assert part["image_url"]["url"].startswith("data:image/jpeg;")
