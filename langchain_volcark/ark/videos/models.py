"""What each Seedance model can do, and the check of a request against it before it is sent.

From https://www.volcengine.com/docs/82379/1520757 (task API) and https://www.volcengine.com/docs/82379/1330310
(model list), last checked on 2026-11-28. Snapshots of these pages lack Seedance 2.5 and the larger resolutions of
2.0: there the rows follow requests that others recorded. Unknown models and `ep-…` ids are not checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Mode = Literal["text", "first_frame", "first_and_last_frame", "references", "draft_task"]
"""What a video is made from."""

_UP_TO_720P = ("480p", "720p")
_UP_TO_1080P = (*_UP_TO_720P, "1080p")
_FROM_FRAMES: frozenset[Mode] = frozenset({"first_frame", "first_and_last_frame"})
_FROM_TEXT_OR_FRAMES: frozenset[Mode] = frozenset({"text", *_FROM_FRAMES})
_EVERYTHING: frozenset[Mode] = frozenset({*_FROM_TEXT_OR_FRAMES, "references"})
RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")
"""The values of `ratio`."""


@dataclass(frozen=True)
class VideoModel:
    """The abilities of one model.

    Attributes:
        modes: What it makes videos from.
        resolutions: The values of `resolution`.
        shortest: The smallest `duration` in seconds.
        longest: The largest.
        chooses_duration: Whether `duration=-1` lets the model choose.
        frames: Whether it has `frames`.
        camera_fixed: Whether it has `camera_fixed`.
        audio: Whether it has `generate_audio`.
        draft: Whether it has `draft`.
        flex: Whether it has `service_tier="flex"`.
        tools: Whether it has `tools`.
        references: The largest number of reference images, videos and audio files.
        audio_alone: Whether reference audio may be alone.
        adaptive: In which modes `ratio` may be `adaptive`.
        follows_input: Whether a video from frames has the ratio of the first one, so `ratio` must be `adaptive`.
        omni: Whether it has `omni_reference_task_type` and `output_format="mov"`.
    """

    modes: frozenset[Mode] = _EVERYTHING
    resolutions: tuple[str, ...] = _UP_TO_1080P
    shortest: int = 4
    longest: int = 15
    chooses_duration: bool = True
    frames: bool = False
    camera_fixed: bool = False
    audio: bool = True
    draft: bool = False
    flex: bool = False
    tools: bool = True
    references: tuple[int, int, int] = (9, 3, 3)
    audio_alone: bool = False
    adaptive: frozenset[Mode] = _EVERYTHING
    follows_input: bool = False
    omni: bool = False


_SEEDANCE_1_0 = VideoModel(
    modes=_FROM_TEXT_OR_FRAMES,
    shortest=2,
    longest=12,
    chooses_duration=False,
    frames=True,
    camera_fixed=True,
    audio=False,
    flex=True,
    tools=False,
    references=(0, 0, 0),
    adaptive=_FROM_FRAMES,
)
_SEEDANCE_2_0 = VideoModel()

_MODELS = {
    "seedance-2-5": replace(
        _SEEDANCE_2_0, longest=30, references=(30, 10, 10), audio_alone=True, follows_input=True, omni=True
    ),
    "seedance-2-0": replace(_SEEDANCE_2_0, resolutions=(*_UP_TO_1080P, "4k")),
    "seedance-2-0-fast": replace(_SEEDANCE_2_0, resolutions=_UP_TO_720P),
    "seedance-2-0-mini": replace(_SEEDANCE_2_0, resolutions=_UP_TO_720P),
    "seedance-1-5-pro": VideoModel(
        modes=frozenset({*_FROM_TEXT_OR_FRAMES, "draft_task"}),
        longest=12,
        camera_fixed=True,
        draft=True,
        flex=True,
        tools=False,
        references=(0, 0, 0),
    ),
    "seedance-1-0-pro": _SEEDANCE_1_0,
    "seedance-1-0-pro-fast": replace(_SEEDANCE_1_0, modes=frozenset({"text", "first_frame"})),
    "seedance-1-0-lite-t2v": replace(_SEEDANCE_1_0, modes=frozenset({"text"})),
    "seedance-1-0-lite-i2v": replace(
        _SEEDANCE_1_0, modes=frozenset({*_FROM_FRAMES, "references"}), references=(4, 0, 0)
    ),
}
_ID = re.compile(r"(?:doubao-|dreamina-)?(seedance-.+?)(?:-\d{6})?")
_UNCHECKED = "extra_body sends it unchecked."


def find_model(model: str) -> VideoModel | None:
    """The abilities of a model; None for an unknown model or an `ep-…` id."""
    found = _ID.fullmatch(model)
    return _MODELS.get(found[1]) if found else None


def check_request(model: str, mode: Mode, body: Mapping[str, Any]) -> None:
    """Refuse what a model does not support.

    Args:
        model: The model's id.
        mode: What the video is made from.
        body: The fields of the request.

    Raises:
        ValueError: A field does not fit the model, the mode or another field; the text names it.
    """
    _check_draft(body)
    known = find_model(model)
    if known is None:
        return
    if mode not in known.modes:
        possible = ", ".join(sorted(one.replace("_", " ") for one in known.modes))
        raise ValueError(f"{model} makes no videos from {mode.replace('_', ' ')}: it can from {possible}.")
    _check_abilities(model, known, body)
    for check in _CHECKS:
        check(model, known, mode, body)


def _check_abilities(model: str, known: VideoModel, body: Mapping[str, Any]) -> None:
    lacking = {
        "frames": not known.frames,
        "camera_fixed": not known.camera_fixed,
        "generate_audio": not known.audio,
        "draft": not known.draft,
        "tools": not known.tools,
        "omni_reference_task_type": not known.omni,
        "service_tier": body.get("service_tier") == "flex" and not known.flex,
        "output_format": body.get("output_format") == "mov" and not known.omni,
    }
    for name, lacks in lacking.items():
        if lacks and body.get(name) is not None:
            raise ValueError(
                f"{name}={body[name]!r} is not possible with {model}: leave {name} out, or choose another model. "
                f"{_UNCHECKED}"
            )


def _check_draft(body: Mapping[str, Any]) -> None:
    if not body.get("draft"):
        return
    refused = {
        "resolution": body.get("resolution", "480p") != "480p",
        "return_last_frame": bool(body.get("return_last_frame")),
        "service_tier": body.get("service_tier") == "flex",
    }
    for name, is_refused in refused.items():
        if is_refused:
            raise ValueError(f"{name}={body[name]!r} and draft=True exclude each other: a draft has 480p alone.")


def _check_duration(model: str, known: VideoModel, _mode: Mode, body: Mapping[str, Any]) -> None:
    duration = body.get("duration")
    if duration is None or known.shortest <= duration <= known.longest:
        return
    if duration == -1 and known.chooses_duration:
        return
    choice = ", or -1 to let the model choose" if known.chooses_duration else ""
    raise ValueError(
        f"duration={duration!r} is not possible with {model}: it can be {known.shortest} to {known.longest} "
        f"seconds{choice}. {_UNCHECKED}"
    )


def _check_resolution(model: str, known: VideoModel, mode: Mode, body: Mapping[str, Any]) -> None:
    resolution = body.get("resolution")
    allowed = known.resolutions
    if mode == "references" and not known.audio:  # Seedance 1.0
        allowed = _UP_TO_720P
    if resolution is not None and resolution not in allowed:
        raise ValueError(
            f"resolution={resolution!r} is not possible with {model} from {mode.replace('_', ' ')}: it can be "
            f"{', '.join(allowed)}. {_UNCHECKED}"
        )


def _check_ratio(model: str, known: VideoModel, mode: Mode, body: Mapping[str, Any]) -> None:
    ratio = body.get("ratio")
    if ratio is None:
        return
    task = body.get("omni_reference_task_type")
    if ratio != "adaptive" and (task in ("edit", "extend") or (known.follows_input and mode in _FROM_FRAMES)):
        raise ValueError(
            f"ratio={ratio!r} is not possible with {model} here: the video has the ratio of its input. Leave "
            "ratio out, or set 'adaptive'."
        )
    if ratio not in RATIOS or (ratio == "adaptive" and mode not in known.adaptive):
        allowed = [one for one in RATIOS if one != "adaptive" or mode in known.adaptive]
        raise ValueError(
            f"ratio={ratio!r} is not possible with {model} from {mode.replace('_', ' ')}: it can be "
            f"{', '.join(allowed)}. {_UNCHECKED}"
        )


def _check_references(model: str, known: VideoModel, mode: Mode, body: Mapping[str, Any]) -> None:
    if mode == "references" and body.get("camera_fixed"):
        raise ValueError(f"camera_fixed=True is not possible with {model} from references: leave it out.")
    task = body.get("omni_reference_task_type")
    if task not in (None, "auto") and mode != "references":
        raise ValueError(f"omni_reference_task_type={task!r} needs references: pass references=[…].")
    if task == "edit" and known.omni and body.get("duration", -1) != -1:
        raise ValueError(
            f"duration={body['duration']!r} is not possible where a video is edited: leave it out, or set -1."
        )


_CHECKS: tuple[Callable[[str, VideoModel, Mode, Mapping[str, Any]], None], ...] = (
    _check_duration,
    _check_resolution,
    _check_ratio,
    _check_references,
)
