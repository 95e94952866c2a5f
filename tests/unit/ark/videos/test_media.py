"""Images, videos and audio for a video, in every form in which they can be given."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from langchain_volcark import ArkImage, ArkVideoTask
from langchain_volcark.ark.videos.content import VideoInput, write_content
from langchain_volcark.ark.videos.media import read_medium
from tests.pictures import png

PNG = png(1, 2, 3, side=300)
ENCODED = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{ENCODED}"
WAV = b"RIFF\x24\0\0\0WAVEfmt "
MP3 = b"ID3\x04\0\0\0\0\0\0"
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0"
LINK = "https://example.com/a.png"
MODEL = "doubao-seedance-2-0-260128"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (PNG, DATA_URL),
        (bytearray(PNG), DATA_URL),
        (LINK, LINK),
        ("https://example.com/any?x=1", "https://example.com/any?x=1"),
        ("asset://asset-1", "asset://asset-1"),
        (DATA_URL, DATA_URL),
        (DATA_URL.replace("image/png", "IMAGE/PNG"), DATA_URL),
        ({"type": "image", "url": LINK}, LINK),
        ({"type": "image", "base64": ENCODED, "mime_type": "image/png"}, DATA_URL),
        ({"type": "image_url", "image_url": {"url": LINK}}, LINK),
        (ArkImage(url=LINK), LINK),
        (ArkImage(base64=ENCODED), DATA_URL),
        (SimpleNamespace(url=None, data=PNG), DATA_URL),
    ],
)
def test_a_frame_may_be_given_in_any_form(value: Any, url: str) -> None:
    medium = read_medium(value, "first_frame", kind="image")
    assert (medium.kind, medium.url) == ("image", url)


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(PNG)
    for value in (path, str(path), path.as_uri()):
        assert read_medium(value, "first_frame", kind="image").url == DATA_URL


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (PNG, "image"),
        (WAV, "audio"),
        (MP3, "audio"),
        (MP4, "video"),
        ("https://example.com/A.JPG?x=.mp4", "image"),
        ("https://example.com/a.mov", "video"),
        ("https://example.com/a.mp3", "audio"),
        ({"type": "video", "url": "https://example.com/clip"}, "video"),
        ({"type": "audio", "url": "asset://asset-1"}, "audio"),
        (ArkVideoTask(id="cgt-1", status="succeeded", video_url="https://example.com/v"), "video"),
        (f"data:audio/wav;base64,{base64.b64encode(WAV).decode()}", "audio"),
    ],
)
def test_a_reference_tells_what_it_is(value: Any, kind: str) -> None:
    assert read_medium(value, "references[0]").kind == kind


def test_audio_has_the_names_of_the_service() -> None:
    assert str(read_medium(MP3, "x").url).startswith("data:audio/mp3;base64,")
    assert str(read_medium(WAV, "x").url).startswith("data:audio/wav;base64,")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"no picture", "^first_frame: its first bytes are of no known format of an image"),
        (MP4, "^first_frame must be an image, not a video"),
        ({"type": "video", "url": LINK}, "^first_frame must be an image, not a video"),
        ({"type": "text", "text": "x"}, "^first_frame is a content block of the type 'text'"),
        ({"type": "image", "file_id": "file-1"}, "^first_frame: a file id is no input of a video"),
        ({"type": "image"}, "^first_frame has neither a URL nor data"),
        ({"type": "image", "url": 5}, "^first_frame: the image's url must be a string"),
        (
            {"type": "image", "url": "ftp://example.com/a.png"},
            "^first_frame: 'ftp://example.com/a.png' is no http",
        ),
        ("ftp://example.com/a.png", "^first_frame: 'ftp://example.com/a.png' is no http"),
        ("", "^first_frame is an empty path"),
        ("a\0b", "^first_frame is not a path"),
        (5, "^first_frame must be a path, bytes"),
        (object(), "^first_frame must be a path, bytes"),
        (SimpleNamespace(url=None, data=None), "^first_frame must be a path, bytes"),
        ("data:image/png;base64,%%%", "^first_frame: its data is empty, or not base64"),
        ("data:image/png;base64,", "^first_frame: its data is empty, or not base64"),
    ],
)
def test_what_is_no_picture_is_refused(value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read_medium(value, "first_frame", kind="image")


@pytest.mark.parametrize("value", ["https://example.com/clip", "asset://asset-1"])
def test_a_reference_that_does_not_tell_what_it_is_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="does not say whether it is an image, a video or audio"):
        read_medium(value, "references[0]")


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_volcark.ark.videos import media

    monkeypatch.setattr(media, "_LARGEST", {"image": 100, "audio": 5})
    with pytest.raises(ValueError, match="first_frame is larger than"):
        read_medium(PNG, "first_frame")
    with pytest.raises(ValueError, match="larger than"):
        read_medium(WAV, "references[0]")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"first_frame": png(1, 1, 1, side=200)}, "first_frame has 200 x 200 pixels"),
        ({"references": [PNG, png(1, 1, 1, side=200)]}, r"references\[1\] has 200 x 200 pixels"),
        ({"references": [LINK] * 10}, "references has 10 of the type image, but .* takes at most 9"),
        ({"references": [LINK, *["https://e.com/a.mp4"] * 4]}, "4 of the type video"),
        ({"references": [LINK, *[WAV] * 4]}, "4 of the type audio"),
        ({"references": [WAV]}, "audio alone"),
        ({"references": []}, "references is empty"),
        ({"references": LINK}, "Expected a list of references"),
        ({"references": [LINK, MP4]}, r"references\[1\] is a video in the request itself"),
    ],
)
def test_the_limits_of_the_service_are_checked(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        write_content(VideoInput("A cat", **arguments), MODEL)


def test_a_request_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_volcark.ark.videos import content

    monkeypatch.setattr(content, "_LARGEST_BODY", 2 * len(DATA_URL) - 1)
    assert write_content(VideoInput("A cat", references=[PNG, LINK]), MODEL)
    with pytest.raises(ValueError, match="make a request of .* pass URLs"):
        write_content(VideoInput("A cat", references=[PNG, PNG]), MODEL)


def test_an_unknown_model_is_not_limited() -> None:
    given = VideoInput("A cat", references=[*[png(1, 1, 1)] * 40, MP4])
    assert len(write_content(given, "ep-1")) == 42
    assert write_content(VideoInput(references=[WAV]), "doubao-seedance-2-5-260628")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (VideoInput(), "prompt is empty"),
        (VideoInput(5), "prompt must be a text, not 5"),
        (VideoInput("x", last_frame=LINK), "last_frame needs a first_frame"),
        (VideoInput("x", first_frame=LINK, references=[LINK]), "first_frame and references exclude"),
        (VideoInput("x", last_frame=LINK, references=[LINK]), "last_frame and references exclude"),
        (VideoInput("x", draft_task="cgt-1"), "draft_task and prompt exclude"),
        (VideoInput(first_frame=LINK, draft_task="cgt-1"), "draft_task and first_frame exclude"),
        (VideoInput(references=[LINK], draft_task="cgt-1"), "draft_task and references exclude"),
        (VideoInput(draft_task="a/b"), "draft_task must be the id of a video task"),
    ],
)
def test_the_modes_exclude_each_other(given: VideoInput, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        write_content(given, MODEL)


def test_frames_need_no_text() -> None:
    assert write_content(VideoInput(first_frame=LINK), MODEL) == [
        {"type": "image_url", "image_url": {"url": LINK}, "role": "first_frame"}
    ]
