"""Validates the `content` of a video task: text, frames, references, draft task.

https://www.volcengine.com/docs/82379/1520757
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_fields
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.media import (
    decode_base64,
    image_size,
    looks_like_audio,
    looks_like_image,
    split_data_url,
)
from langchain_volcark.emulator.moderation import is_sensitive

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.videos.models import VideoModel

Json = dict[str, Any]

_MB = 1024 * 1024
_MAX_IMAGE, _MAX_AUDIO = 30 * _MB, 15 * _MB
_SIDES = (300, 6000)
_SHAPES = (0.4, 2.5)
_LINK = re.compile(r"https?://[^\s/]+\S*|asset://[\w-]+")
_KINDS = ("image_url", "video_url", "audio_url")
_ROLES = {
    "image_url": ("first_frame", "last_frame", "reference_image"),
    "video_url": ("reference_video",),
    "audio_url": ("reference_audio",),
}
_NAMES = {"image_url": "image", "video_url": "video", "audio_url": "audio"}


@dataclass(frozen=True)
class Content:
    """What a video is made from.

    Attributes:
        mode: `t2v`, `i2v`, `flf2v`, `r2v` or `draft`.
        text: The prompt; empty without one.
        draft_task_id: The task whose draft is made into a video.
        shape: Width and height of the first picture that is sent with the request, if any.
    """

    mode: str
    text: str = ""
    draft_task_id: str | None = None
    shape: tuple[int, int] | None = None


def read_content(content: Any, model: VideoModel) -> Content:
    """Check `content`.

    Args:
        content: Its value in the body.
        model: The requested model.

    Raises:
        ArkError: It is invalid, or nothing that the model makes videos from.
    """
    if content is None:
        raise missing("content")
    if not isinstance(content, list) or not content:
        raise invalid("content", "expected a list of objects")
    texts: list[str] = []
    drafts: list[str] = []
    media: list[tuple[str, str]] = []
    shape: tuple[int, int] | None = None
    for place, part in enumerate(content):
        path = f"content[{place}]"
        kind = _kind(part, path)
        if kind == "text":
            texts.append(_text(part, path))
        elif kind == "draft_task":
            drafts.append(_draft(part, path))
        else:
            size = _check_medium(part, kind, path)
            shape = shape or size
            media.append((kind, part.get("role") or ""))
    if any(is_sensitive(text) for text in texts):
        raise ArkError(
            400,
            "InputTextSensitiveContentDetected",
            "The request failed because the input text may contain sensitive information.",
        )
    mode = _mode(texts, drafts, media, model)
    if mode not in model.modes:
        raise invalid("content", f"the model {model.name} does not support {mode}")
    return Content(mode, "\n".join(texts), drafts[0] if drafts else None, shape)


def _kind(part: Any, path: str) -> str:
    if not isinstance(part, dict):
        raise invalid(path, "expected an object")
    kind = part.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if kind not in ("text", "draft_task", *_KINDS):
        raise invalid(f"{path}.type", f"unknown type of content {kind!r}")
    # An image alone is the first frame, whatever stands in its role.
    check_fields(part, frozenset({"type", "role", kind}), path)
    return str(kind)


def _text(part: Json, path: str) -> str:
    text = part.get("text")
    if not isinstance(text, str) or not text:
        raise missing(f"{path}.text")
    return text


def _draft(part: Json, path: str) -> str:
    draft = part.get("draft_task")
    check_fields(draft, frozenset({"id"}), f"{path}.draft_task")
    if not isinstance(draft, dict) or not isinstance(draft.get("id"), str):
        raise missing(f"{path}.draft_task.id")
    return str(draft["id"])


def _mode(texts: list[str], drafts: list[str], media: list[tuple[str, str]], model: VideoModel) -> str:
    """Which of the exclusive modes a request is in."""
    if len(texts) > 1:
        raise invalid("content", "at most one text is allowed")
    if drafts:
        if len(drafts) > 1 or media or texts:
            raise invalid("content", "draft_task cannot be used with other content")
        return "draft"
    if not media:
        return "t2v"
    images = [role for kind, role in media if kind == "image_url"]
    if images == [""] and len(media) == 1:
        images = ["first_frame"]
    if "" in images:
        raise invalid("content", "role must be specified for image contents")
    if {"first_frame", "last_frame"} & set(images):
        if len(images) < len(media) or "reference_image" in images:
            raise invalid("content", "first/last frame content cannot be mixed with reference media content")
        if sorted(images) not in (["first_frame"], ["first_frame", "last_frame"]):
            raise invalid("content", "expected one first frame, and at most one last frame with it")
        return "i2v" if len(images) == 1 else "flf2v"
    _check_references(media, model)
    return "r2v"


def _check_references(media: list[tuple[str, str]], model: VideoModel) -> None:
    counts = {kind: sum(one == kind for one, _ in media) for kind in _KINDS}
    for kind, most in zip(_KINDS, model.references, strict=True):
        if counts[kind] > most:
            raise invalid(
                "content",
                f"the number of reference {_NAMES[kind]}s must be less than or equal to {most} "
                f"for model {model.name}",
            )
    if counts["audio_url"] == len(media) and not model.audio_alone:
        raise invalid("content", "reference audio needs at least one reference image or video")


def _check_medium(part: Json, kind: str, path: str) -> tuple[int, int] | None:
    role = part.get("role")
    if role is not None and role not in _ROLES[kind]:
        raise invalid(f"{path}.role", f"expected one of {list(_ROLES[kind])}, got {role!r}")
    if kind != "image_url" and role is None:
        raise invalid("content", f"role must be specified for {_NAMES[kind]} contents")
    owner = part.get(kind)
    if not isinstance(owner, dict):
        raise missing(f"{path}.{kind}")
    check_fields(owner, frozenset({"url"}), f"{path}.{kind}")
    url = owner.get("url")
    if not isinstance(url, str) or not url:
        raise missing(f"{path}.{kind}.url")
    if _LINK.fullmatch(url):
        return None
    mime, payload = split_data_url(url)
    data = decode_base64(payload)
    if kind == "video_url" or not data or mime != mime.lower():
        raise invalid(f"{path}.{kind}.url", f"the {_NAMES[kind]} url is neither a link nor an asset id")
    if kind == "image_url":
        return _check_image(data, path)
    _check_audio(mime, data, path)
    return None


def _check_image(data: bytes, path: str) -> tuple[int, int] | None:
    where = f"{path}.image_url"
    if len(data) >= _MAX_IMAGE:
        raise invalid(where, "image size must be less than 30 MB")
    if not looks_like_image(data):
        raise invalid(where, "the data is not an image of a supported format")
    size = image_size(data)
    if size is None:
        return None
    width, height = size
    if not all(_SIDES[0] <= side <= _SIDES[1] for side in size):
        raise invalid(
            where, f"expected width and height to be between {_SIDES[0]} and {_SIDES[1]}px, got {width}x{height}"
        )
    if not _SHAPES[0] <= width / height <= _SHAPES[1]:
        raise invalid(
            where,
            f"expected the aspect ratio to be between {_SHAPES[0]:.2f} and {_SHAPES[1]:.2f}, but received image "
            f"with aspect ratio: {width / height:.2f} instead",
        )
    return size


def _check_audio(mime: str, data: bytes, path: str) -> None:
    where = f"{path}.audio_url"
    kind = {"audio/wav": "wav", "audio/mp3": "mp3", "audio/mpeg": "mp3"}.get(mime)
    if kind is None or not looks_like_audio(data, kind):
        raise invalid(where, "the audio format must be wav or mp3")
    if len(data) > _MAX_AUDIO:
        raise invalid(where, "audio size must be less than or equal to 15 MB")
