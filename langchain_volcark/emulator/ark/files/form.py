"""Reads and checks the multipart form of an upload.

Upload: https://www.volcengine.com/docs/82379/1870405.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from langchain_volcark.emulator.state import RecordedRequest

Json = dict[str, Any]

PURPOSES = ("user_data", "agent", "voice")
PERMANENT = -1
MAX_BYTES = 512 * 1024 * 1024
_DAY = 86_400
_DEFAULT_LIFE, _LONGEST_LIFE = 7 * _DAY, 30 * _DAY
_CLOCK_SKEW = 60
_MAX_DESCRIPTION = 500
_FIELDS = frozenset({"purpose", "expire_at", "description", "model", "url"})
_NESTED = re.compile(r"(preprocess_configs\[video\]|tos)\[(\w+)\]")
_TOS = frozenset({"bucket", "prefix", "object_key"})
_LINK = re.compile(r"https?://[^\s/?#]+\S*")
_TOS_LINK = re.compile(r"tos://[^\s/]+/\S+")
_UNSIGNED = re.compile(r"\d{1,15}")


@dataclass(frozen=True)
class Upload:
    """A valid upload.

    Attributes:
        purpose: What the file is for.
        filename: Its name.
        content: Its bytes; None for a file to be fetched from `url`.
        url: Where to fetch it.
        expire_at: When it is deleted, in Unix seconds; -1 for never.
        options: `preprocess_configs`, `description`, `model` and `tos`, as they are returned.
    """

    purpose: str
    filename: str
    content: bytes | None = field(repr=False)
    url: str | None
    expire_at: int
    options: Json


async def read_upload(request: RecordedRequest, now: int) -> Upload:
    """Check an upload.

    Raises:
        ArkError: It is not a form, or breaks a rule.
    """
    form = await _parse(request)
    try:
        fields, file = _fields(form)
        return await _read(fields, file, now)
    finally:
        await form.close()


async def _read(fields: dict[str, str], file: UploadFile | None, now: int) -> Upload:
    purpose = fields.get("purpose")
    if not purpose:
        raise missing("purpose")
    if purpose not in PURPOSES:
        raise invalid("purpose", f"expected one of {list(PURPOSES)}, got {purpose!r}")
    options = _options(fields)
    if purpose == "voice" and "model" not in options:
        raise missing("model")
    url = fields.get("url")
    if (file is None) == (url is None):
        raise missing("file") if url is None else invalid("url", "file and url exclude each other")
    content = None if file is None else await _content(file)
    if url is not None:
        _check_url(url)
    name = (file.filename or "file") if file is not None else _name_in(str(url))
    return Upload(purpose, name, content, url, _expiry(fields.get("expire_at"), now), options)


async def _parse(request: RecordedRequest) -> FormData:
    headers = Headers(dict(request.headers))
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ArkError(400, "InvalidParameter", "The request body must be multipart/form-data.", "body")

    async def body() -> AsyncGenerator[bytes, None]:
        yield request.body

    try:
        return await MultiPartParser(headers, body(), max_files=1, max_fields=50).parse()
    except (MultiPartException, FormParserError, KeyError) as error:
        raise ArkError(400, "InvalidParameter", f"We could not parse the form: {error}.", "body") from None


def _fields(form: FormData) -> tuple[dict[str, str], UploadFile | None]:
    """Return the text fields and the file of a form."""
    fields: dict[str, str] = {}
    file = None
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name != "file":
                raise invalid(name, "only the field file may be a file")
            file = value
        elif name in fields:
            raise invalid(name, "the field is given twice")
        else:
            fields[name] = value
    return fields, file


async def _content(file: UploadFile) -> bytes:
    if not file.size:
        raise invalid("file", "the file is empty")
    if file.size > MAX_BYTES:
        raise invalid("file", "the file is larger than 512 MB")
    return await file.read()


def _options(fields: dict[str, str]) -> Json:
    options: Json = {}
    video: Json = {}
    tos: Json = {}
    for name, text in fields.items():
        nested = _NESTED.fullmatch(name)
        if nested is None:
            if name not in _FIELDS:
                raise invalid(name, f'unknown field "{name}"')
        elif nested[1] == "tos":
            tos[nested[2]] = text
        else:
            video[nested[2]] = _video_option(name, nested[2], text)
    if video:
        options["preprocess_configs"] = {"video": video}
    if tos:
        _check_tos(tos)
        options["tos"] = tos
    if "description" in fields:
        if len(fields["description"]) > _MAX_DESCRIPTION:
            raise invalid("description", f"expected at most {_MAX_DESCRIPTION} characters")
        options["description"] = fields["description"]
    if "model" in fields:
        options["model"] = fields["model"]
    return options


def _video_option(path: str, name: str, text: str) -> Any:
    read = _VIDEO_OPTIONS.get(name)
    if read is None:
        raise invalid(path, f'unknown field "{name}"')
    return read(text, path)


def _fps(text: str, path: str) -> float:
    try:
        fps = float(text)
    except ValueError:
        fps = 0.0
    if not 0.2 <= fps <= 5:
        raise invalid(path, f"expected a value between 0.2 and 5, got {text}")
    return fps


def _count(text: str, path: str) -> int:
    if not _UNSIGNED.fullmatch(text) or int(text) < 1:
        raise invalid(path, f"expected a positive integer, got {text!r}")
    return int(text)


def _text(text: str, path: str) -> str:
    if not text:
        raise invalid(path, "expected a string")
    return text


_VIDEO_OPTIONS: dict[str, Callable[[str, str], Any]] = {
    "fps": _fps,
    "model": _text,
    "max_video_tokens": _count,
    "min_frame_tokens": _count,
    "max_frame_tokens": _count,
    "min_frames": _count,
}


def _check_tos(tos: Json) -> None:
    for name in tos:
        if name not in _TOS:
            raise invalid(f"tos[{name}]", f'unknown field "{name}"')
    if not tos.get("bucket"):
        raise missing("tos[bucket]")


def _check_url(url: str) -> None:
    if url.startswith("tos://"):
        if not _TOS_LINK.fullmatch(url):
            raise ArkError(
                400, "InvalidParameter.TosURLInvalid", f"The TOS URL {url} is not tos://bucket/object.", "url"
            )
    elif not _LINK.fullmatch(url):
        raise invalid("url", "expected an http, https or tos URL")


def _name_in(url: str) -> str:
    return url.partition("?")[0].rstrip("/").rpartition("/")[2]


def _expiry(text: str | None, now: int) -> int:
    if text is None:
        return now + _DEFAULT_LIFE
    if text == str(PERMANENT):
        return PERMANENT
    if not _UNSIGNED.fullmatch(text):
        raise invalid("expire_at", f"expected Unix seconds, got {text!r}")
    expiry = int(text)
    if not now + _DAY - _CLOCK_SKEW <= expiry <= now + _LONGEST_LIFE + _CLOCK_SKEW:
        raise invalid("expire_at", "expected a time between 1 and 30 days from now")
    return expiry
