"""The fields of an upload, checked and written as those of a form.

Follows https://www.volcengine.com/docs/82379/1870405 (upload).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import PydanticCustomError

from langchain_volcark.ark.files.sources import is_sendable
from langchain_volcark.base.values import Number, Whole, check_value, read_number, shown, within

PERMANENT = -1
_DAY = 86_400
_LONGEST_LIFE = 30 * _DAY
_LONGEST_DESCRIPTION = 500
_VOICE = "voice"


@dataclass(frozen=True)
class UploadOptions:
    """What an upload says about a file, besides its content.

    Attributes are the arguments of `ArkFiles.upload` of the same names.
    """

    purpose: str = "user_data"
    fps: float | None = None
    video_model: str | None = None
    max_video_tokens: int | None = None
    min_frame_tokens: int | None = None
    max_frame_tokens: int | None = None
    min_frames: int | None = None
    expire_in: float | timedelta | None = None
    description: str | None = None
    model: str | None = None
    tos: Mapping[str, str] | None = None
    extra_body: Mapping[str, Any] | None = field(default=None, repr=False)


_Count = Annotated[Whole, Field(ge=1)]
_TYPES: dict[str, Any] = {
    "fps": Annotated[Number, within(0.2, 5)],
    "video_model": str,
    "max_video_tokens": _Count,
    "min_frame_tokens": _Count,
    "max_frame_tokens": _Count,
    "min_frames": _Count,
    "description": Annotated[str, Field(max_length=_LONGEST_DESCRIPTION)],
    "model": str,
    "tos": dict[str, str],
    "extra_body": dict[str, Any],
}
_VIDEO = ("fps", "max_video_tokens", "min_frame_tokens", "max_frame_tokens", "min_frames")


def form_fields(options: UploadOptions, url: str | None) -> dict[str, str | list[str]]:
    """Check the options and write them as the fields of a form, nested ones as `preprocess_configs[video][fps]`.

    Args:
        options: The caller's options.
        url: Where the service fetches the file, if it does.

    Raises:
        ValueError: An option is invalid, or two exclude each other; the text names them.
    """
    given = {
        name: None if (value := getattr(options, name)) is None else check_value(kind, name, value)
        for name, kind in _TYPES.items()
    }
    if options.purpose == _VOICE and not given["model"]:
        raise ValueError('model: the purpose "voice" needs the model that prepares the file.')
    if options.purpose != _VOICE and given["model"]:
        raise ValueError('model is only used with purpose="voice"; for videos set video_model.')
    video = {name: given[name] for name in _VIDEO} | {"model": given["video_model"]}
    body = {
        "purpose": check_value(str, "purpose", options.purpose),
        "expire_at": _expiry(options.expire_in),
        "description": given["description"],
        "model": given["model"],
        "preprocess_configs": {"video": video},
        "url": url,
        "tos": given["tos"],
        **(given["extra_body"] or {}),
    }
    fields = dict(_flat(body))
    for name, value in fields.items():
        if not is_sendable("".join((name, *value))):
            raise ValueError(f"{name.partition('[')[0]} has half of a surrogate pair, which cannot be sent.")
    return fields


def _expiry(expire_in: Any) -> int | None:
    if expire_in is None:
        return None
    seconds = expire_in.total_seconds() if isinstance(expire_in, timedelta) else expire_in
    try:
        seconds = read_number(seconds)
    except PydanticCustomError:
        seconds = None
    if seconds == PERMANENT:
        return PERMANENT
    if seconds is None or not _DAY <= seconds <= _LONGEST_LIFE:
        raise ValueError(
            f"expire_in must be between 1 and 30 days, in seconds ({_DAY} to {_LONGEST_LIFE}) or a timedelta, or "
            f"-1 for a file that is kept, not {shown(expire_in)}."
        )
    return int(time.time() + seconds)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str | list[str]]]:
    """Write nested values as form fields; what is not set is left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, (list, tuple)):
        yield f"{name}[]", [_text(one) for one in value]
    elif value is not None:
        yield name, _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
