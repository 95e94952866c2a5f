"""Reads replies of the multimodal embeddings API: sparse vectors and per-token vectors.

Follows https://www.volcengine.com/docs/82379/1523520 (multimodal embeddings API).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from typing import Any

from langchain_volcark.base.vectors import check_finite, read_number, read_vector


def read_data(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The single row of a reply; an object, or a list of one in an older version of the tutorial.

    Raises:
        ValueError: There is not exactly one row.
    """
    data = payload.get("data")
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, Mapping):
        raise ValueError("`data` is not one row")  # noqa: TRY004 - a reply, not an argument
    return data


def read_sparse(row: Mapping[str, Any]) -> dict[int, float]:
    """A row's sparse vector.

    Raises:
        ValueError: There is none, or an entry lacks index or value.
    """
    entries = row.get("sparse_embedding")
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list):
        raise ValueError("a row has no vector in `sparse_embedding`")  # noqa: TRY004
    try:
        return {int(entry["index"]): read_number(entry["value"]) for entry in entries}
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise ValueError("a sparse vector is not made of `index` and `value`") from error


def read_multi(row: Mapping[str, Any]) -> list[list[float]]:
    """A row's per-token vectors.

    Raises:
        ValueError: There are none, or they are compressed.
    """
    vectors = row.get("multi_embedding")
    if isinstance(vectors, str):
        return _unpack(vectors, len(read_vector(row.get("embedding"))))
    if not isinstance(vectors, list) or not vectors:
        raise ValueError("a row has no vectors in `multi_embedding`")
    return [read_vector(vector) for vector in vectors]


def _unpack(text: str, dimensions: int) -> list[list[float]]:
    """Decode base64 of 16-bit floats in rows of `dimensions` numbers; the number of rows follows from the size."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("`multi_embedding` is not base64") from error
    size = 2 * dimensions
    if not data or len(data) % size:
        raise ValueError("`multi_embedding` is compressed, which is not supported here: ask for it without")
    rows = [struct.unpack_from(f"<{dimensions}e", data, start) for start in range(0, len(data), size)]
    return [check_finite(list(row)) for row in rows]
