"""Content parts of messages and tool results: their rules, and the same parts as Chat has them.

Images: https://www.volcengine.com/docs/82379/1362931. Files: https://www.volcengine.com/docs/82379/1902647.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.media import decode_base64, split_data_url
from langchain_volcark.emulator.ark.parts import check_part as check_chat_part
from langchain_volcark.emulator.ark.responses.checks import known, text_field

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

Json = dict[str, Any]

_FIELDS = {
    "input_text": frozenset({"type", "text", "translation_options"}),
    "input_image": frozenset({"type", "image_url", "file_id", "detail", "image_pixel_limit"}),
    "input_video": frozenset({"type", "video_url", "file_id", "fps"}),
    "input_audio": frozenset({"type", "audio_url", "file_id", "chunking_strategy"}),
    "input_file": frozenset({"type", "file_id", "file_url", "file_data", "filename"}),
    "output_text": frozenset({"type", "text", "annotations"}),
}
_SOURCES = {
    "input_image": ("image_url", "file_id"),
    "input_video": ("video_url", "file_id"),
    "input_audio": ("audio_url", "file_id"),
    "input_file": ("file_id", "file_url", "file_data"),
}
_VAD = frozenset({"type", "prefix_padding_ms", "silence_duration_ms", "threshold"})
_PIXELS_BEFORE_1_8 = (3_136, 4_014_080)
_OLD = ("doubao-seed-1-6", "doubao-1-5", "doubao-seed-code")
_MAX_FILE = 50 * 1024 * 1024
TRANSLATION = "doubao-seed-translation"


def check_content(content: Any, kinds: frozenset[str], path: str, model: Model) -> str | list[Json]:
    """Check a message's content or a tool's output, and return it.

    Args:
        content: A string or a list of parts.
        kinds: The kinds of parts allowed there.
        path: Where it stands.
        model: The model, which may not take every kind.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(path, "expected a string or a list of parts")
    return [_check_part(part, kinds, f"{path}[{place}]", model) for place, part in enumerate(content)]


INPUT = frozenset(_SOURCES) | {"input_text"}
OUTPUT = frozenset({"output_text"})


def _check_part(sent: Any, kinds: frozenset[str], path: str, model: Model) -> Json:
    kind = sent.get("type") if isinstance(sent, dict) else None
    if kind is None:
        raise missing("input.content.type")
    if not isinstance(kind, str) or kind not in kinds:
        raise invalid(f"{path}.type", f"unknown type: {kind}")
    part = known(sent, _FIELDS[kind], path)
    if kind in ("input_text", "output_text"):
        _check_text(part, path, model)
        return part
    given = [name for name in _SOURCES[kind] if part.get(name)]
    if len(given) != 1:
        raise invalid(path, f"expected exactly one of {', '.join(_SOURCES[kind])}")
    text_field(part, given[0], f"{path}.")
    if kind == "input_file":
        _check_file(part, path)
        return part
    _check_pixels(part, path, model)
    if kind == "input_audio" and "chunking_strategy" in part:
        strategy = known(part["chunking_strategy"], _VAD, f"{path}.chunking_strategy")
        if strategy.get("type") != "server_vad":
            raise invalid(f"{path}.chunking_strategy.type", 'expected "server_vad"')
    check_chat_part(as_chat_part(part), path, model)
    return part


def _check_text(part: Json, path: str, model: Model) -> None:
    if not part.get("text"):
        raise missing("input.content.text")
    text_field(part, "text", f"{path}.")
    options = part.get("translation_options")
    if options is not None:
        options = known(options, frozenset({"source_language", "target_language"}), f"{path}.translation_options")
        for name in options:
            text_field(options, name, f"{path}.translation_options.")
    if model.id.startswith(TRANSLATION) and not (options or {}).get("target_language"):
        raise missing("input.content.translation_options.target_language")


def _check_pixels(part: Json, path: str, model: Model) -> None:
    """Older models have a narrower range than the one that every image is checked for."""
    if "image_pixel_limit" in part and model.id.startswith(_OLD):
        low, high = _PIXELS_BEFORE_1_8
        limit = known(
            part["image_pixel_limit"], frozenset({"min_pixels", "max_pixels"}), f"{path}.image_pixel_limit"
        )
        for name in limit:
            check_number(limit, name, low, high, whole=True, path=f"{path}.image_pixel_limit.")


def _check_file(part: Json, path: str) -> None:
    text_field(part, "filename", f"{path}.")
    data = part.get("file_data")
    if data is None:
        return
    if not part.get("filename"):
        raise missing("input.content.filename")
    mime, payload = split_data_url(data)
    decoded = decode_base64(payload)
    if not mime or not decoded:
        raise ArkError(
            400, "InvalidParameter", "Invalid base64 file_data: expected data:<type>;base64,…", f"{path}.file_data"
        )
    if len(decoded) > _MAX_FILE:
        raise invalid(f"{path}.file_data", "the file is larger than 50 MB")


def as_chat_part(part: Json) -> Json:
    """A part as Chat has it; a file, which Chat does not know, as a line of text."""
    kind = part["type"]
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part["text"]}
    if kind == "input_image":
        options = {name: part[name] for name in ("detail", "image_pixel_limit") if name in part}
        return {"type": "image_url", "image_url": {"url": _link(part, "image_url"), **options}}
    if kind == "input_video":
        fps = {"fps": part["fps"]} if "fps" in part else {}
        return {"type": "video_url", "video_url": {"url": _link(part, "video_url"), **fps}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": {"url": _link(part, "audio_url")}}
    name = part.get("filename") or part.get("file_url") or part.get("file_id")
    return {"type": "text", "text": f"[file {name}]"}


def _link(part: Json, name: str) -> str:
    """Where the medium is; nothing is known here of an uploaded file but its id."""
    return str(part.get(name) or f"https://files.example.com/{part['file_id']}")
