"""Content parts of messages and tool results: their rules, and the same parts as Chat has them.

Images: https://www.volcengine.com/docs/82379/1362931. Files: https://www.volcengine.com/docs/82379/1902647.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_number
from langchain_volcark.emulator.ark.errors import invalid, missing
from langchain_volcark.emulator.ark.parts import check_file
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
    if part.get("file_data") is not None and not part.get("filename"):
        raise missing("input.content.filename")
    check_file(_without_type(part), path)


def as_chat_part(part: Json) -> Json:
    """A part as Chat has it."""
    kind = part["type"]
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part["text"]}
    if kind == "input_image":
        options = {name: part[name] for name in ("detail", "image_pixel_limit") if name in part}
        return {"type": "image_url", "image_url": {**_source(part, "image_url"), **options}}
    if kind == "input_video":
        fps = {"fps": part["fps"]} if "fps" in part else {}
        return {"type": "video_url", "video_url": {**_source(part, "video_url"), **fps}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": _source(part, "audio_url")}
    return {"type": "file", "file": _without_type(part)}


def _source(part: Json, name: str) -> Json:
    return {"url": part[name]} if part.get(name) else {"file_id": part["file_id"]}


def _without_type(part: Json) -> Json:
    return {name: value for name, value in part.items() if name != "type"}
