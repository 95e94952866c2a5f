"""Replies of the two embedding APIs, with vectors from `langchain_volcark.emulator.embedding`.

An image or video sent as data is embedded by its bytes: files that share blocks are similar. A link is embedded by
    the
words of its file name, so that `…/blue_sea.png` is similar to "blue sea". `instructions` change a vector slightly,
as
does the task of a query template (`Instruct: …`, `Query: …`).

Text: https://www.volcengine.com/docs/82379/1521766. Multimodal: https://www.volcengine.com/docs/82379/1523520.
"""

from __future__ import annotations

import base64
import math
import re
import struct
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from zlib import crc32

from langchain_volcark.emulator import embedding, tokens
from langchain_volcark.emulator.ark.ids import body_id
from langchain_volcark.emulator.ark.media import decode_base64, image_size, split_data_url

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.embedding_request import MultimodalRequest, TextRequest

_TEMPLATE = re.compile(r"Instruct: (?P<task>.*?)\nQuery: (?P<query>.+)", re.DOTALL)
_INSTRUCTION_WEIGHT = 0.15
_BLOCK = 64
_MAX_BLOCKS = 256
_PRESET_TOKENS = 12
_MAX_IMAGE_TOKENS = 1312
_VIDEO_TOKENS = 10_240
_UNKNOWN_IMAGE = (1024, 1024)
_MEDIA_VECTORS = 16


def text_embeddings(request: TextRequest) -> dict[str, Any]:
    """Build the reply of `/embeddings`: one row per text."""
    rows = []
    for index, text in enumerate(request.texts):
        vector = embedding.project(_text_pieces(text), request.model.dimensions)
        rows.append(
            {"object": "embedding", "index": index, "embedding": encode_vector(vector, packed=request.base64)}
        )
    used = sum(map(tokens.count, request.texts))
    return embedding_object(request.model.id, rows, {"prompt_tokens": used, "total_tokens": used})


def multimodal_embedding(request: MultimodalRequest) -> dict[str, Any]:
    """Build the reply of `/embeddings/multimodal`: one row, as an object instead of a list."""
    pieces: dict[str, float] = {}
    for part in request.parts:
        _add(pieces, _part_pieces(part))
    if request.instructions:
        _add(pieces, _nudge(pieces, request.instructions))
    vector = embedding.project(pieces, request.model.dimensions)[: request.dimensions]
    row: dict[str, Any] = {"embedding": encode_vector(vector, packed=request.base64)}
    if request.sparse:
        whole = " ".join(part["text"] for part in request.parts)
        row["sparse_embedding"] = [
            {"index": index, "value": value} for index, value in embedding.sparse(whole).items()
        ]
    if request.multi:
        row["multi_embedding"] = [
            _half(vector) for part in request.parts for vector in _token_vectors(part, request)
        ]
    text = sum(tokens.count(part["text"]) for part in request.parts if part["type"] == "text")
    image = sum(_media_tokens(part) for part in request.parts)
    text += _PRESET_TOKENS if image else 0
    details = {"text_tokens": text, "image_tokens": image}
    usage = {"prompt_tokens": text + image, "total_tokens": text + image, "prompt_tokens_details": details}
    return embedding_object(request.model.id, row, usage)


def embedding_object(model: str, data: Any, usage: dict[str, Any]) -> dict[str, Any]:
    """Build the fields of a reply around its rows."""
    return {
        "id": body_id(),
        "object": "list",
        "created": int(time.time()),
        "model": model,
        "data": data,
        "usage": usage,
    }


def encode_vector(vector: list[float], *, packed: bool) -> Any:
    """Return a vector as numbers or as base64."""
    data = struct.pack(f"<{len(vector)}f", *vector)
    # Rounded to 32-bit floats, so that both formats have equal values.
    return base64.b64encode(data).decode() if packed else list(struct.unpack(f"<{len(vector)}f", data))


def _half(vector: list[float]) -> list[float]:
    return list(struct.unpack(f"<{len(vector)}e", struct.pack(f"<{len(vector)}e", *vector)))


def _text_pieces(text: str) -> dict[str, float]:
    template = _TEMPLATE.fullmatch(text)
    if template is None:
        return embedding.pieces(text)
    pieces = embedding.pieces(template["query"])
    _add(pieces, _nudge(pieces, template["task"]))
    return pieces


def _nudge(pieces: dict[str, float], instructions: str) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in pieces.values()))
    return {f"#{instructions}": _INSTRUCTION_WEIGHT * length}


def _part_pieces(part: dict[str, Any]) -> dict[str, float]:
    if part["type"] == "text":
        return embedding.pieces(part["text"])
    url = part[part["type"]]["url"]
    data = decode_base64(split_data_url(url)[1])
    if not data:
        name = unquote(urlsplit(url).path).rpartition("/")[2].rpartition(".")[0]
        return {**embedding.pieces(re.sub(r"[\W_]+", " ", name).strip() or url), f"@{url}": 0.5}
    blocks = range(0, min(len(data), _BLOCK * _MAX_BLOCKS), _BLOCK)
    return {f"@{crc32(data[start : start + _BLOCK])}": 1.0 for start in blocks} | {f"@{crc32(data)}": 1.0}


def _add(pieces: dict[str, float], more: dict[str, float]) -> None:
    for piece, weight in more.items():
        pieces[piece] = pieces.get(piece, 0.0) + weight


def _token_vectors(part: dict[str, Any], request: MultimodalRequest) -> list[list[float]]:
    """Return a vector per token of a text; sixteen for an image."""
    if part["type"] == "text":
        found = [token.strip() for token in tokens.split(part["text"])]
        weights = [embedding.pieces(token) for token in found if token]
    else:
        pieces = list(_part_pieces(part).items())
        weights = [dict(pieces[start::_MEDIA_VECTORS]) for start in range(min(len(pieces), _MEDIA_VECTORS))]
    return [embedding.unit(embedding.project(one, request.dimensions)) for one in weights]


def _media_tokens(part: dict[str, Any]) -> int:
    if part["type"] == "text":
        return 0
    if part["type"] == "video_url":
        return _VIDEO_TOKENS
    width, height = image_size(decode_base64(split_data_url(part["image_url"]["url"])[1])) or _UNKNOWN_IMAGE
    return max(1, min(width * height // 784, _MAX_IMAGE_TOKENS))
