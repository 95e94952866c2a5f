"""Reads vectors from replies: decodes, orders by index, truncates and normalises them. No I/O, no numpy."""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def read_number(value: Any) -> float:
    """Read a number of a reply, such as a score.

    Raises:
        ValueError: It is not a finite number; Python's JSON parser takes NaN and Infinity too.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{type(value).__name__} where a number belongs")  # noqa: TRY004
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number is larger than any that a machine takes") from error
    if not math.isfinite(number):
        raise ValueError(f"{number} where a number belongs")
    return number


def read_vector(value: Any) -> list[float]:
    """Read one dense vector.

    Args:
        value: JSON numbers, or base64 of little-endian 32-bit floats.

    Returns:
        Floats, even where the JSON has integers.

    Raises:
        ValueError: It is neither, or a number is not finite: no similarity can be computed from it.
    """
    return check_finite(_decode(value) if isinstance(value, str) else _floats(value))


def check_finite(vector: list[float]) -> list[float]:
    """Return the vector.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    if not all(map(math.isfinite, vector)):
        raise ValueError("a vector holds NaN or infinity")
    return vector


def _floats(value: Any) -> list[float]:
    if not isinstance(value, list) or not value:
        raise ValueError("a row has no vector in `embedding`")
    try:
        return list(map(float, value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("a vector holds something that is not a number") from error


def _decode(text: str) -> list[float]:
    floats = array("f")
    try:
        floats.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise ValueError("a vector is not base64 of 32-bit floats") from error
    if not floats:
        raise ValueError("a vector is empty")
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tolist()


def read_rows(rows: Any, count: int, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """Read a reply's list of rows in the order of the inputs.

    Args:
        rows: The reply's `data`. The index of a row without `index` is its position.
        count: How many inputs were sent.
        read: Reads one row.

    Returns:
        One result for each input.

    Raises:
        ValueError: Rows are missing, or two are for the same input.
    """
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("`data` is not a list of rows")
    if len(rows) != count:
        raise ValueError(f"it has {len(rows)} rows for {count} inputs")
    found: dict[int, T] = {}
    for position, row in enumerate(rows):
        index = row.get("index")
        if index is None:
            index = position
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
            raise ValueError(f"a row has the index {index!r}, for {count} inputs")
        if index in found:
            raise ValueError(f"two rows are for input {index}")
        found[index] = read(row)
    return [found[index] for index in range(count)]


def normalise(vector: Sequence[float]) -> list[float]:
    """Scale a vector to length 1 (L2); a zero vector is returned unchanged."""
    length = math.hypot(*vector)  # a sum of squares would underflow for tiny numbers
    if length == 0.0:
        return list(vector)
    return [value / length for value in vector]


def shape(vector: list[float], dimensions: int | None, *, unit_length: bool | None) -> list[float]:
    """Truncate a vector to its first `dimensions` numbers.

    Args:
        vector: The vector as the service sent it.
        dimensions: The length to return; None returns the whole vector.
        unit_length: Whether to normalise; None normalises only truncated vectors.

    Raises:
        ValueError: The vector is shorter than that.
    """
    cut = dimensions is not None and len(vector) > dimensions
    if dimensions is not None and len(vector) < dimensions:
        raise ValueError(f"its vectors have {len(vector)} numbers, and dimensions={dimensions} were asked for")
    if cut:
        vector = vector[:dimensions]
    return normalise(vector) if unit_length or (unit_length is None and cut) else vector
