"""Deterministic embeddings for Chinese and English: texts that share words have similar vectors.

This is not a model. A text is split into words (stemmed), pairs of adjacent words, parts of long words, and for
Chinese and other scripts without spaces into one, two and three characters; frequent words have low weights. Each
feature is hashed to sixteen signed positions of the vector. Two texts are therefore similar as far as they share
features, also with truncated vectors; translations are not similar.
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PLACES = 16
_VOCABULARY = 250_000
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_ENDINGS = re.compile(r"(?:ational|ation|ness|ings?|edly|ed|ies|es|s|ly)$")
_STOP_WORDS = frozenset(
    re.findall(
        "[a-z]+",
        """
        a an the of to in on at by for from with as and or not no is are was were be been am do does did has
        have had it its this that these those what which who whom how when where why i you he she we they me
        my your his her our their can could may might will would shall should must there here than then so
        if but about into over under out up down please tell give
        """,
    )
)
_STOP_CHARACTERS = frozenset(
    "的了是在和与或有不也都就把被这那哪个些们我你他她它吗呢吧啊什么怎如何谁为及其之于以从对到"
)
_STOP_WEIGHT = 0.08


def pieces(text: str) -> dict[str, float]:
    """Extract the features of a text with their weights.

    Args:
        text: Any text; case, width and accents are ignored.

    Returns:
        Weights above 0. A feature that occurs n times has 1 + ln n times the weight. A text without letters or
        digits is its own only feature.
    """
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(one)
    )
    counts: Counter[str] = Counter()
    weights: dict[str, float] = {}
    for piece, weight in _pieces(plain):
        counts[piece] += 1
        weights[piece] = weight
    if not counts:
        return {f"={text}": 1.0}
    return {piece: weights[piece] * (1 + math.log(count)) for piece, count in counts.items()}


def _pieces(text: str) -> Iterator[tuple[str, float]]:
    before = None
    for found in _RUN.finditer(unicodedata.normalize("NFC", text)):
        run = found[0]
        if re.match(f"[{_UNSPACED}]", run):
            before = None
            yield from _unspaced(run)
            continue
        if run in _STOP_WORDS:
            yield run, _STOP_WEIGHT
            continue
        stem = _ENDINGS.sub("", run) if len(run) > 4 else run
        yield stem, min(1.6, 0.6 + len(stem) / 8)
        if before is not None:
            yield f"{before} {stem}", 0.5
        for start in range(len(stem) - 3 if len(stem) > 5 else 0):
            yield f"~{stem[start : start + 4]}", 0.2
        before = stem


def _unspaced(run: str) -> Iterator[tuple[str, float]]:
    for size, weight in ((1, 0.35), (2, 1.0), (3, 0.6)):
        for start in range(len(run) - size + 1):
            piece = run[start : start + size]
            stops = sum(one in _STOP_CHARACTERS for one in piece)
            yield piece, weight * (1 if stops == 0 else 0.25 if stops < size else _STOP_WEIGHT)


def project(weights: Mapping[str, float], dimensions: int) -> list[float]:
    """Build a vector from weighted features; it is not normalised, so longer texts have longer vectors.

    Args:
        weights: The weight of each feature.
        dimensions: Number of dimensions.
    """
    vector = [0.0] * dimensions
    for piece, weight in weights.items():
        share = weight / math.sqrt(_PLACES)  # so the norm of a feature's vector is its weight
        for drawn in _draws(piece):
            vector[(drawn >> 1) % dimensions] += share if drawn & 1 else -share
    return vector


def embed(text: str, dimensions: int = 1024) -> list[float]:
    """Embed a text as a vector of length 1.

    Args:
        text: Any text.
        dimensions: Number of dimensions; 256 or more distinguish texts well.
    """
    return unit(project(pieces(text), dimensions))


def sparse(text: str) -> dict[int, float]:
    """Embed a text as a sparse vector (term id to weight) of length 1, for exact word matches."""
    found: dict[int, float] = {}
    for piece, weight in pieces(text).items():
        index = crc32(piece.encode("utf-8", "surrogatepass")) % _VOCABULARY
        found[index] = found.get(index, 0.0) + weight
    length = math.sqrt(sum(weight * weight for weight in found.values()))
    return {index: found[index] / length for index in sorted(found)}


def unit(vector: Sequence[float]) -> list[float]:
    """Scale a vector to length 1; a zero vector is returned unchanged."""
    length = math.sqrt(sum(one * one for one in vector))
    return [one / length for one in vector] if length else list(vector)


def similarity(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors, -1 to 1."""
    return sum(a * b for a, b in zip(unit(one), unit(other), strict=True))


@lru_cache(maxsize=200_000)
def _draws(piece: str) -> tuple[int, ...]:
    """Hash a feature to sixteen numbers: each encodes a position and, in its last bit, a sign."""
    digest = blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=4 * _PLACES).digest()
    return struct.unpack(f"<{_PLACES}I", digest)
