"""Builds document filters for searches (`doc_filter`).

Follows https://www.volcengine.com/docs/84313/1350012 (search_knowledge, `doc_filter`). Each function returns a
plain dict, so they can be combined with filters written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DocFilter = dict[str, Any]
Value = str | int | float | bool

MAX_VALUES = 1024

_BOUNDS = ("gt", "gte", "lt", "lte")


def must(field: str, *values: Value) -> DocFilter:
    """Match documents whose field has one of the values (for a list field: contains one of them).

    Args:
        field: `doc_id`, or a field declared when the collection was created.
        *values: 1 to 1,024 values of the declared type.

    Raises:
        ValueError: No values, or too many.

    Example:
        >>> must("lang", "en", "zh")
        {'op': 'must', 'field': 'lang', 'conds': ['en', 'zh']}
    """
    return check_filter({"op": "must", "field": field, "conds": list(values)})


def must_not(field: str, *values: Value) -> DocFilter:
    """Match documents whose field has none of the values; same arguments as `must`."""
    return check_filter({"op": "must_not", "field": field, "conds": list(values)})


def between(
    field: str,
    *,
    gt: float | None = None,
    gte: float | None = None,
    lt: float | None = None,
    lte: float | None = None,
) -> DocFilter:
    """Match documents whose field lies inside an interval.

    Args:
        field: A numeric field.
        gt: Greater than.
        gte: Greater than or equal.
        lt: Less than.
        lte: Less than or equal.

    Raises:
        ValueError: No bound is given.

    Example:
        >>> between("year", gte=2023, lt=2026)
        {'op': 'range', 'field': 'year', 'gte': 2023, 'lt': 2026}
    """
    return _range("range", field, gt, gte, lt, lte)


def outside(
    field: str,
    *,
    gt: float | None = None,
    gte: float | None = None,
    lt: float | None = None,
    lte: float | None = None,
) -> DocFilter:
    """Match documents whose field lies outside an interval; same arguments as `between`."""
    return _range("range_out", field, gt, gte, lt, lte)


def all_of(*filters: Mapping[str, Any]) -> DocFilter:
    """Match documents that pass every filter."""
    return check_filter({"op": "and", "conds": [dict(one) for one in filters]})


def any_of(*filters: Mapping[str, Any]) -> DocFilter:
    """Match documents that pass at least one filter."""
    return check_filter({"op": "or", "conds": [dict(one) for one in filters]})


def _range(op: str, field: str, *bounds: float | None) -> DocFilter:
    given = {name: bound for name, bound in zip(_BOUNDS, bounds, strict=True) if bound is not None}
    return check_filter({"op": op, "field": field, **given})


def check_filter(doc_filter: Mapping[str, Any], path: str = "doc_filter") -> DocFilter:
    """Check a filter; refuse what the service is known to refuse.

    Args:
        doc_filter: The filter. Unknown operators are left to the service.
        path: Path of the filter, for the error message.

    Returns:
        The filter as a dict.

    Raises:
        ValueError: The message names the path and what is wrong.
    """
    if not isinstance(doc_filter, Mapping):
        raise ValueError(f"{path} must be an object with `op`, not {doc_filter!r}.")  # noqa: TRY004
    op = doc_filter.get("op")
    if not isinstance(op, str):
        raise ValueError(f"{path}.op is missing: must, must_not, range, range_out, and, or.")  # noqa: TRY004
    if op in ("and", "or"):
        for place, one in enumerate(_conds(doc_filter, path)):
            check_filter(one, f"{path}.conds[{place}]")
    elif op in ("must", "must_not"):
        _check_field(doc_filter, path)
        if len(_conds(doc_filter, path)) > MAX_VALUES:
            raise ValueError(f"{path}.conds has more than {MAX_VALUES} values; split the search.")
    elif op in ("range", "range_out"):
        _check_field(doc_filter, path)
        if not any(name in doc_filter for name in _BOUNDS):
            raise ValueError(f"{path} has no bound: set {', '.join(_BOUNDS)}.")
    return dict(doc_filter)


def _check_field(doc_filter: Mapping[str, Any], path: str) -> None:
    if not doc_filter.get("field"):
        raise ValueError(f"{path}.field is missing: the name of the field to compare.")


def _conds(doc_filter: Mapping[str, Any], path: str) -> Sequence[Any]:
    conds = doc_filter.get("conds")
    if not isinstance(conds, (list, tuple)) or not conds:
        raise ValueError(f"{path}.conds must be a list that is not empty: values, or filters for `and` and `or`.")
    return conds
