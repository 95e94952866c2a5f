"""Validates embedding requests.

Text: https://www.volcengine.com/docs/82379/1521766. Multimodal: https://www.volcengine.com/docs/82379/1523520.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.checks import check_choice, check_fields, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing, unsupported
from langchain_volcark.emulator.ark.models import DEFAULT_MODEL, MODELS
from langchain_volcark.emulator.ark.parts import check_part
from langchain_volcark.emulator.moderation import is_sensitive

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.embedding_models import EmbeddingModel

MAX_TEXTS = 256
MAX_TEXT_BYTES = 100_000

_ENCODINGS = ("float", "base64")
_TEXT_FIELDS = frozenset({"model", "input", "encoding_format", "dimensions", "user"})
_MULTIMODAL_FIELDS = frozenset(
    {"model", "input", "encoding_format", "dimensions", "instructions", "sparse_embedding", "multi_embedding"}
)
_PART_FIELDS = {
    "image_url": frozenset({"url"}),
    "video_url": frozenset(
        {"url", "fps", "max_video_tokens", "min_frame_tokens", "max_frame_tokens", "min_frames"}
    ),
}


@dataclass(frozen=True)
class TextRequest:
    """A valid request to `/embeddings`."""

    model: EmbeddingModel
    texts: list[str]
    base64: bool


@dataclass(frozen=True)
class MultimodalRequest:
    """A valid request to `/embeddings/multimodal`; all its parts become one vector."""

    model: EmbeddingModel
    parts: list[dict[str, Any]]
    base64: bool
    dimensions: int
    instructions: str | None
    sparse: bool
    multi: bool


def read_text_request(sent: dict[str, Any], model: EmbeddingModel) -> TextRequest:
    """Check a parsed body for the text endpoint.

    Raises:
        ArkError: The request is invalid.
    """
    body = _known(sent, _TEXT_FIELDS)
    if model.vision:
        raise _other_api(model)
    if "dimensions" in body:
        raise unsupported("dimensions", model.id)
    check_choice(body, "encoding_format", _ENCODINGS)
    _check_str(body, "user")
    given = body.get("input")
    if given is None:
        raise missing("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list):
        raise invalid("input", "expected a string or a list of strings")
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise invalid("input", f"expected 1 to {MAX_TEXTS} texts, got {len(texts)}")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise invalid(f"input[{index}]", f"expected a string, but got `{text!r}` instead")
        _check_text(text, f"input[{index}]", model)
    return TextRequest(model, texts, body.get("encoding_format") == "base64")


def read_multimodal_request(sent: dict[str, Any], model: EmbeddingModel) -> MultimodalRequest:
    """Check a parsed body for the multimodal endpoint.

    Raises:
        ArkError: The request is invalid.
    """
    body = _known(sent, _MULTIMODAL_FIELDS)
    if not model.vision:
        raise _other_api(model)
    parts = body.get("input")
    if parts is None:
        raise missing("input")
    if not isinstance(parts, list) or not parts:
        raise invalid("input", "expected a list of at least one part")
    for index, part in enumerate(parts):
        _check_embedded_part(part, f"input[{index}]", model)
    _check_mixture(parts, model)
    check_choice(body, "encoding_format", _ENCODINGS)
    _check_dimensions(body, model)
    _check_str(body, "instructions")
    if "instructions" in body and not model.instructions:
        raise unsupported("instructions", model.id)
    sparse = _check_switch(body, "sparse_embedding", frozenset({"type"}))
    multi = _check_switch(body, "multi_embedding", frozenset({"type", "compression"}))
    if sparse and not model.sparse:
        raise unsupported("sparse_embedding", model.id)
    if multi and not model.multi:
        raise unsupported("multi_embedding", model.id)
    if sparse and any(part["type"] != "text" for part in parts):
        raise invalid("sparse_embedding", "only text has sparse vectors")
    if multi and body["multi_embedding"].get("compression") is not None:
        raise invalid("multi_embedding.compression", "the emulator does not compress")
    return MultimodalRequest(
        model,
        parts,
        body.get("encoding_format") == "base64",
        body.get("dimensions", model.dimensions),
        body.get("instructions"),
        sparse,
        multi,
    )


def _known(sent: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """Drop null fields, which the official SDK sends for everything unset."""
    for name, value in sent.items():
        if name not in fields and value is not None:
            raise invalid(name, f'unknown field "{name}"')
    return {name: value for name, value in sent.items() if value is not None}


def _other_api(model: EmbeddingModel) -> ArkError:
    return ArkError(400, "InvalidParameter", f"The model {model.id} does not support this api.", "model")


def _check_str(body: dict[str, Any], name: str) -> None:
    if not isinstance(body.get(name, ""), str):
        raise invalid(name, "expected a string")


def _check_text(text: str, path: str, model: EmbeddingModel) -> None:
    if not text:
        raise invalid(path, "the text is empty")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise invalid(path, f"the text is longer than {MAX_TEXT_BYTES} bytes")
    count = tokens.count(text)
    if count > model.context:
        raise invalid(path, f"the text has {count} tokens, more than the {model.context} that {model.id} takes")
    if is_sensitive(text):
        raise ArkError(
            400,
            "InputTextSensitiveContentDetected",
            "The request failed because the input text may contain sensitive information.",
        )


def _check_embedded_part(part: Any, path: str, model: EmbeddingModel) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in _PART_FIELDS and isinstance(part.get(kind), dict):
        inner = part[kind]
        check_fields(part, frozenset({"type", kind}), path)
        check_fields(inner, _PART_FIELDS[kind], f"{path}.{kind}")
        # Images and videos follow the rules of chat.
        check_part({"type": kind, kind: {"url": inner.get("url")}}, path, MODELS[DEFAULT_MODEL])
        if kind == "video_url":
            _check_video_options(inner, f"{path}.video_url.", model)
        return
    if kind is not None and kind not in ("text", *_PART_FIELDS):
        raise invalid(f"{path}.type", f"unknown type of content {kind!r}")
    check_part(part, path, MODELS[DEFAULT_MODEL])
    _check_text(part["text"], f"{path}.text", model)


def _check_video_options(video: dict[str, Any], path: str, model: EmbeddingModel) -> None:
    if not model.multi and any(video.get(name) is not None for name in _PART_FIELDS["video_url"] - {"url"}):
        raise unsupported("video_url", model.id)
    check_number(video, "fps", 0.2, 5, path=path)
    check_number(video, "max_video_tokens", 10_240, 204_800, whole=True, path=path)
    check_number(video, "min_frame_tokens", 16, 128, whole=True, path=path)
    check_number(video, "max_frame_tokens", video.get("min_frame_tokens") or 128, 640, whole=True, path=path)
    check_number(video, "max_frame_tokens", 128, 640, whole=True, path=path)
    check_number(video, "min_frames", 5, 16, whole=True, path=path)


def _check_mixture(parts: list[dict[str, Any]], model: EmbeddingModel) -> None:
    kinds = [part["type"] for part in parts]
    if not model.mixed and ("video_url" in kinds or len(set(kinds)) != len(kinds)):
        raise invalid("input", f"{model.id} takes at most one text and one image")


def _check_dimensions(body: dict[str, Any], model: EmbeddingModel) -> None:
    if "dimensions" not in body:
        return
    if not model.shorter:
        raise unsupported("dimensions", model.id)
    allowed = (model.dimensions, *model.shorter)
    if isinstance(body["dimensions"], bool) or body["dimensions"] not in allowed:
        raise invalid("dimensions", f"expected one of {list(allowed)}, got {body['dimensions']!r}")


def _check_switch(body: dict[str, Any], name: str, fields: frozenset[str]) -> bool:
    switch = body.get(name)
    if switch is None:
        return False
    check_fields(switch, fields, name)
    if switch.get("type") is None:
        raise missing(f"{name}.type")
    if switch["type"] not in ("enabled", "disabled"):
        raise invalid(f"{name}.type", "expected enabled or disabled")
    if switch.get("compression") not in (None, "blosc2", "zstd"):
        raise invalid(f"{name}.compression", "expected blosc2 or zstd")
    return bool(switch["type"] == "enabled")
