"""Writes the `content` of a video task: the prompt, and the media with their roles.

Follows https://www.volcengine.com/docs/82379/1520757 (task API).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.object_ids import is_object_id
from langchain_volcark.ark.videos.media import check_picture, read_medium
from langchain_volcark.ark.videos.models import find_model
from langchain_volcark.base.values import as_list, shown

if TYPE_CHECKING:
    from langchain_volcark.ark.videos.models import Mode, VideoModel
    from langchain_volcark.wires.chat_completions.content import Media

_KINDS = ("image", "video", "audio")
_MB = 1024 * 1024
_LARGEST_BODY = 64 * _MB


@dataclass(frozen=True)
class VideoInput:
    """What a caller wants a video to be made from.

    Attributes:
        prompt: The text.
        first_frame: The first picture.
        last_frame: The last picture.
        references: Pictures, videos and audio.
        draft_task: The id of a draft.
    """

    prompt: Any = None
    first_frame: Any = field(default=None, repr=False)
    last_frame: Any = field(default=None, repr=False)
    references: Any = field(default=None, repr=False)
    draft_task: Any = None

    @property
    def mode(self) -> Mode:
        """Which of the exclusive modes it is.

        Raises:
            ValueError: It mixes several modes, or fits no mode.
        """
        if self.prompt is not None and not isinstance(self.prompt, str):
            raise ValueError(f"prompt must be a text, not {shown(self.prompt)}.")
        given = {
            "first_frame": self.first_frame is not None,
            "last_frame": self.last_frame is not None,
            "references": self.references is not None,
            "draft_task": self.draft_task is not None,
        }
        if given["draft_task"]:
            others = [name for name in ("first_frame", "last_frame", "references") if given[name]]
            others += ["prompt"] if self.prompt else []
            if others:
                raise ValueError(
                    f"draft_task and {others[0]} exclude each other: the video has the prompt and the frames of "
                    "its draft."
                )
            return "draft_task"
        if given["references"]:
            if given["first_frame"] or given["last_frame"]:
                frame = "first_frame" if given["first_frame"] else "last_frame"
                raise ValueError(
                    f"{frame} and references exclude each other: pass the frame as a reference, and say in the "
                    "prompt what it is."
                )
            return "references"
        if given["last_frame"]:
            if not given["first_frame"]:
                raise ValueError("last_frame needs a first_frame.")
            return "first_and_last_frame"
        if given["first_frame"]:
            return "first_frame"
        if not (self.prompt or "").strip():
            raise ValueError("prompt is empty: without frames or references a video needs a text.")
        return "text"


def write_content(given: VideoInput, model: str) -> list[dict[str, Any]]:
    """Write the `content` of a request; reads files.

    Args:
        given: What the video is made from.
        model: The model's id, whose limits are checked if it is known.

    Returns:
        The prompt first, then the media in the order in which they were given.

    Raises:
        ValueError: The input is of no mode, or does not fit the model; the text names the argument.
        OSError: A file cannot be read; the error names its path.
    """
    parts = _write(given, model)
    media = (part[part["type"]] for part in parts if part["type"].endswith("_url"))
    size = sum(len(medium["url"]) for medium in media)
    if size > _LARGEST_BODY:
        raise ValueError(
            f"The pictures and sound make a request of {size // _MB} MB, but the service takes "
            f"{_LARGEST_BODY // _MB}: pass URLs."
        )
    return parts


def _write(given: VideoInput, model: str) -> list[dict[str, Any]]:
    mode = given.mode
    if mode == "draft_task":
        return [{"type": "draft_task", "draft_task": {"id": task_id_of(given.draft_task, "draft_task")}}]
    parts: list[dict[str, Any]] = []
    if given.prompt:
        parts.append({"type": "text", "text": given.prompt})
    known = find_model(model)
    if mode == "references":
        return [*parts, *_write_references(given.references, model, known)]
    for name in ("first_frame", "last_frame"):
        value = getattr(given, name)
        if value is not None:
            medium = read_medium(value, name, kind="image")
            _check(medium, name, known)
            parts.append(_part(medium, name))
    return parts


def task_id_of(task: Any, name: str = "task_id") -> str:
    """The id of a task that is given as an id or as an `ArkVideoTask`.

    Raises:
        ValueError: It is neither.
    """
    task_id = getattr(task, "id", task)
    if not is_object_id(task_id):
        raise ValueError(f"{name} must be the id of a video task, such as cgt-…, not {shown(task)}.")
    return task_id


def _write_references(references: Any, model: str, known: VideoModel | None) -> list[dict[str, Any]]:
    values = as_list(references, "references")
    if not values:
        raise ValueError("references is empty: leave it out, or pass at least one image or video.")
    media = [read_medium(value, f"references[{place}]") for place, value in enumerate(values)]
    counts = {kind: sum(medium.kind == kind for medium in media) for kind in _KINDS}
    for kind, most in zip(_KINDS, known.references if known else (), strict=False):
        if counts[kind] > most:
            raise ValueError(
                f"references has {counts[kind]} of the type {kind}, but {model} takes at most {most}."
            )
    if counts["audio"] == len(media) and not (known and known.audio_alone):
        raise ValueError("references has audio alone: add at least one image or video.")
    for place, medium in enumerate(media):
        _check(medium, f"references[{place}]", known)
    return [_part(medium, f"reference_{medium.kind}") for medium in media]


def _check(medium: Media, name: str, known: VideoModel | None) -> None:
    if known is None:
        return
    if medium.kind == "image":
        check_picture(medium, name)
    elif medium.kind == "video" and medium.base64 is not None:
        raise ValueError(
            f"{name} is a video in the request itself, which the service does not take: put it where a URL leads "
            "to it, such as an object storage, and pass that."
        )


def _part(medium: Media, role: str) -> dict[str, Any]:
    name = f"{medium.kind}_url"
    return {"type": name, name: {"url": medium.url}, "role": role}
