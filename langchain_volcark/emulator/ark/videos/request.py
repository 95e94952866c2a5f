"""Validates the request for a video task and sets defaults.

https://www.volcengine.com/docs/82379/1520757
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool, check_choice, check_fields, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, unsupported
from langchain_volcark.emulator.ark.videos.content import Content, read_content
from langchain_volcark.emulator.ark.videos.models import SIZES

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.videos.models import VideoModel

Json = dict[str, Any]

_RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive")
_FPS = 24
_DEFAULT_DURATION = 5
_DEFAULT_EXPIRY = 172_800
_BIGGEST_SEED = 2**32 - 1
_MAX_IDENTIFIER = 64
_KNOWN_FIELDS = frozenset(
    {
        "model", "content", "callback_url", "return_last_frame", "service_tier", "execution_expires_after",
        "generate_audio", "draft", "resolution", "ratio", "duration", "frames", "seed", "camera_fixed",
        "watermark", "tools", "safety_identifier", "priority", "output_format", "omni_reference_task_type",
        # In the SDK's types, on no page.
        "optimize_prompt", "reasoning_effort", "human_face_mode",
    }
)  # fmt: skip


@dataclass(frozen=True)
class VideoRequest:
    """A valid request for a video.

    Attributes:
        name: The model or endpoint as the caller named it.
        model: The model.
        content: What the video is made from.
        body: The request's fields without nulls.
    """

    name: str
    model: VideoModel
    content: Content
    body: Json

    @property
    def ratio(self) -> str:
        """The ratio of the video; `adaptive` becomes that of the first picture, as far as that is known."""
        mode = self.content.mode
        chosen = self.body.get("ratio") or ("adaptive" if mode in self.model.adaptive else "16:9")
        if chosen != "adaptive":
            return str(chosen)
        if self.content.shape is None:
            return "16:9"
        shape = self.content.shape[0] / self.content.shape[1]
        return min(_RATIOS[:-1], key=lambda ratio: abs(_number(ratio) - shape))

    @property
    def resolution(self) -> str:
        """The resolution of the video."""
        default = "480p" if self.body.get("draft") else self.model.default_resolution
        return str(self.body.get("resolution") or default)

    @property
    def duration(self) -> int:
        """Its duration in seconds."""
        asked = int(self.body.get("duration", _DEFAULT_DURATION))
        return _DEFAULT_DURATION if asked == -1 else asked

    @property
    def frame_count(self) -> int:
        """Its number of frames."""
        return int(self.body.get("frames", self.duration * _FPS))

    @property
    def tokens(self) -> int:
        """What it costs in tokens."""
        width, height = SIZES[self.resolution][self.ratio]
        return width * height * self.frame_count // 1024

    @property
    def expires_after(self) -> int:
        """Seconds after which the task ends by itself."""
        return int(self.body.get("execution_expires_after", _DEFAULT_EXPIRY))

    def echo(self, *, finished: bool) -> Json:
        """The fields of a task that follow from its request.

        Args:
            finished: Whether the video is there; what describes it is left out before.
        """
        body, model = self.body, self.model
        found: Json = {"service_tier": body.get("service_tier", "default")}
        found["execution_expires_after"] = self.expires_after
        if model.audio:
            found["generate_audio"] = body.get("generate_audio", True)
        if model.draft:
            found["draft"] = body.get("draft", False)
        if self.content.draft_task_id:
            found["draft_task_id"] = self.content.draft_task_id
        for name in ("safety_identifier", "priority", "output_format"):
            if name in body:
                found[name] = body[name]
        if not finished:
            return found
        length = {"frames": self.frame_count} if "frames" in body else {"duration": self.duration}
        seed = body.get("seed", -1)
        return {
            **found,
            "seed": seed if seed != -1 else zlib.crc32(self.content.text.encode()),
            "resolution": self.resolution,
            "ratio": self.ratio,
            "framespersecond": _FPS,
            **length,
        }


def read_video_request(sent: Json, name: str, model: VideoModel) -> VideoRequest:
    """Check a parsed body.

    Args:
        sent: The JSON body.
        name: The model or endpoint that it names.
        model: What that is.

    Raises:
        ArkError: The request is invalid.
    """
    # The official SDKs send null for unset fields.
    body = {field: value for field, value in sent.items() if value is not None}
    for field in body:
        if field not in _KNOWN_FIELDS:
            raise invalid(field, f'unknown field "{field}"')
    content = read_content(body.get("content"), model)
    for field in ("return_last_frame", "generate_audio", "draft", "camera_fixed", "watermark", "optimize_prompt"):
        check_bool(body, field)
    check_number(body, "execution_expires_after", 3600, 259_200, whole=True)
    check_number(body, "seed", -1, _BIGGEST_SEED, whole=True)
    check_number(body, "priority", 0, 9, whole=True)
    check_choice(body, "service_tier", ("default", "flex"))
    check_choice(body, "output_format", ("mp4", "mov"))
    check_choice(body, "omni_reference_task_type", ("auto", "reference", "edit", "extend"))
    _check_texts(body)
    _check_support(body, model)
    _check_shape(body, model, content.mode)
    _check_length(body, model, content.mode)
    _check_task_type(body, model, content.mode)
    return VideoRequest(name, model, content, body)


def _number(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def _check_texts(body: Json) -> None:
    callback = body.get("callback_url")
    if callback is not None and not (isinstance(callback, str) and callback.startswith(("http://", "https://"))):
        raise invalid("callback_url", "expected an http(s) URL")
    identifier = body.get("safety_identifier")
    if identifier is not None and not (isinstance(identifier, str) and len(identifier) <= _MAX_IDENTIFIER):
        raise invalid("safety_identifier", f"expected a string of at most {_MAX_IDENTIFIER} characters")
    tools = body.get("tools")
    if tools is None:
        return
    if not isinstance(tools, list):
        raise invalid("tools", "expected a list of objects")
    for place, tool in enumerate(tools):
        check_fields(tool, frozenset({"type"}), f"tools[{place}]")
        if tool.get("type") != "web_search":
            raise invalid(f"tools[{place}].type", f"expected web_search, got {tool.get('type')!r}")


def _check_support(body: Json, model: VideoModel) -> None:
    """Refuse fields that the model does not have."""
    lacking = {
        "frames": model.frames,
        "camera_fixed": model.camera_fixed,
        "generate_audio": model.audio,
        "draft": model.draft,
        "tools": model.tools,
        "omni_reference_task_type": model.movie,
    }
    for field, has in lacking.items():
        if field in body and not has:
            raise unsupported(field, model.name)
    if body.get("service_tier") == "flex" and not model.flex:
        raise unsupported("service_tier", model.name)
    if body.get("output_format") == "mov" and not model.movie:
        raise unsupported("output_format", model.name)
    if body.get("draft"):
        for field, refused in (
            ("resolution", body.get("resolution", "480p") != "480p"),
            ("return_last_frame", body.get("return_last_frame")),
            ("service_tier", body.get("service_tier") == "flex"),
        ):
            if refused:
                raise _not_for(field, model, "draft mode")


def _check_shape(body: Json, model: VideoModel, mode: str) -> None:
    resolution, ratio = body.get("resolution"), body.get("ratio")
    allowed = model.resolutions
    if mode == "r2v" and model.name.startswith("doubao-seedance-1-0"):
        allowed = allowed[:2]
    if resolution is not None and resolution not in allowed:
        raise _not_for("resolution", model, mode)
    if ratio is not None and (ratio not in _RATIOS or (ratio == "adaptive" and mode not in model.adaptive)):
        raise _not_for("ratio", model, mode)
    if mode == "r2v" and body.get("camera_fixed"):
        raise _not_for("camera_fixed", model, mode)


def _check_length(body: Json, model: VideoModel, mode: str) -> None:
    duration, frames = body.get("duration"), body.get("frames")
    if duration is not None:
        low, high = model.durations
        if isinstance(duration, bool) or not isinstance(duration, int):
            raise invalid("duration", f"expected an integer, got {duration!r}")
        if not (low <= duration <= high or (duration == -1 and model.auto_duration)):
            raise _not_for("duration", model, mode)
    if frames is not None:
        check_number(body, "frames", 29, 289, whole=True)
        if (frames - 25) % 4:
            raise invalid("frames", f"expected a value of the form 25 + 4n, got {frames}")


def _check_task_type(body: Json, model: VideoModel, mode: str) -> None:
    """The rules of Seedance 2.5, where the output follows the input."""
    task = body.get("omni_reference_task_type", "auto")
    if task != "auto" and mode != "r2v":
        raise ArkError(
            400,
            "InvalidParameter.TaskTypeMismatch",
            f"The content specified in the request does not fit the task type {task}.",
            "omni_reference_task_type",
        )
    follows = task in ("edit", "extend") or (model.follows_input and mode in ("i2v", "flf2v"))
    if follows and body.get("ratio", "adaptive") != "adaptive":
        raise _constraint("ratio", "`ratio` must be `adaptive`")
    if task == "edit" and body.get("duration", -1) != -1:
        raise _constraint("duration", "`duration` must be `-1`")


def _constraint(field: str, issue: str) -> ArkError:
    return ArkError(
        400,
        "InvalidParameter.TaskTypeConstraint",
        f"The parameter `{field}` specified in the request is not valid. For this task type, the output follows "
        f"the input. Issues: [0] {issue}.",
        field,
    )


def _not_for(field: str, model: VideoModel, mode: str) -> ArkError:
    return ArkError(
        400,
        "InvalidParameter",
        f"The parameter `{field}` specified in the request is not valid for model {model.name} in {mode}.",
        field,
    )
