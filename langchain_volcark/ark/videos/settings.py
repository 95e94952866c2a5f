"""The settings of a video: fields of `ArkVideoGenerator`, which a call may replace.

Follows https://www.volcengine.com/docs/82379/1520757 (task API).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from langchain_volcark.ark.service import ArkService
from langchain_volcark.base.values import OptionalSwitch, OptionalWhole


def _check_callback(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("callback_url must begin with https:// (or http://).")
    return value


def _check_frames(value: int | None) -> int | None:
    if value is not None and (value - 25) % 4:
        raise ValueError(f"frames must be of the form 25 + 4n (29, 33, … 289), not {value}.")
    return value


def _check_duration(value: int | None) -> int | None:
    if value is not None and (value < -1 or value == 0):
        raise ValueError(f"duration must be a number of seconds, or -1 to let the model choose, not {value}.")
    return value


def _read_tools(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [{"type": tool} if isinstance(tool, str) else tool for tool in value]
    return value


class VideoSettings(ArkService):
    """What a video is like: its shape, length and sound, and how its task is run.

    Unset settings are not sent; the defaults named here are the service's.
    """

    model: str = "doubao-seedance-2-0-260128"
    """Model id with its date, or endpoint id (`ep-…`)."""
    resolution: str | None = None
    """`480p`, `720p`, `1080p` or `4k`, as the model supports; default `720p`, for Seedance 1.0 pro `1080p`."""
    ratio: str | None = None
    """Width to height: `16:9`, `4:3`, `1:1`, `3:4`, `9:16`, `21:9`; or `adaptive`, which fits the input and is the
    default where the model has it.
    """
    duration: Annotated[OptionalWhole, AfterValidator(_check_duration)] = None
    """Length in whole seconds, 2 to 30 as the model supports; -1 lets Seedance 1.5 and newer choose. Default 5."""
    frames: Annotated[OptionalWhole, AfterValidator(_check_frames)] = Field(default=None, ge=29, le=289)
    """Length in frames (24 a second) instead of `duration`, of the form 25 + 4n; Seedance 1.0 only."""
    seed: OptionalWhole = Field(default=None, ge=-1, le=2**32 - 1)
    """For similar videos from the same input; -1, the default, is random."""
    camera_fixed: OptionalSwitch = None
    """Whether the camera stays where it is; Seedance 1.0 and 1.5 only. Default False."""
    watermark: OptionalSwitch = None
    """Whether the video has a watermark. Default False."""
    generate_audio: OptionalSwitch = None
    """Whether the video has sound; Seedance 1.5 and newer. Default **True**."""
    return_last_frame: OptionalSwitch = None
    """Whether the last picture comes as a PNG too, for a next video that goes on from it. Default False."""
    callback_url: Annotated[str, AfterValidator(_check_callback)] | None = Field(default=None, repr=False)
    """A URL of yours to which the service posts the task at each change of its state."""
    service_tier: Literal["default", "flex"] | None = None
    """`flex` is offline inference at half price, which may take hours; Seedance 1.0 and 1.5 only."""
    execution_expires_after: OptionalWhole = Field(default=None, ge=3600, le=259_200)
    """Seconds after its creation at which an unfinished task expires, 3,600 to 259,200; default 172,800."""
    draft: OptionalSwitch = None
    """Whether to make a cheap preview in 480p, which `draft_task` turns into a video; Seedance 1.5 pro only."""
    tools: Annotated[list[dict[str, Any]], BeforeValidator(_read_tools)] | None = None
    """`["web_search"]` lets the model search the web for the prompt; Seedance 2.0 and newer, billed per search."""
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    """Your hashed id of the end user, at most 64 characters."""
    priority: OptionalWhole = Field(default=None, ge=0, le=9)
    """Order in your own queue, 0 to 9."""
    output_format: Literal["mp4", "mov"] | None = None
    """File format; `mov` with Seedance 2.5 only. Default `mp4`."""
    omni_reference_task_type: Literal["auto", "reference", "edit", "extend"] | None = None
    """What to do with references; Seedance 2.5 only. Default `auto`: the model decides by the prompt."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body. They override everything else and are not checked."""


_OTHER = {*ArkService.model_fields, "model", "extra_body"}
BODY_FIELDS = tuple(name for name in VideoSettings.model_fields if name not in _OTHER)
"""The settings that are sent in the request body."""
CALL_FIELDS = (*BODY_FIELDS, "model", "extra_body")
"""The settings that a call may replace."""
