"""`doc_filter`: validates filters against the declared fields and applies them.

https://www.volcengine.com/docs/84313/1350012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.knowledge.errors import INVALID_FILTER, KnowledgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.emulator.knowledge.corpus import Doc

_MAX_VALUES = 1024
_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
_PYTHON: dict[str, Any] = {"string": str, "int64": int, "float32": (int, float), "bool": bool}


def check(doc_filter: Any, declared: dict[str, str]) -> None:
    """Check a filter.

    Args:
        doc_filter: The filter.
        declared: The collection's fields and their types.

    Raises:
        KnowledgeError: The filter is malformed, its field is not declared, or a value has another type.
    """
    if not isinstance(doc_filter, dict):
        raise _refuse("a filter must be an object")
    op = doc_filter.get("op")
    if op in ("and", "or"):
        for one in _conds(doc_filter):
            check(one, declared)
        return
    if op not in ("must", "must_not", "range", "range_out"):
        raise _refuse(f"unknown op {op!r}")
    kind = declared.get(str(doc_filter.get("field")))
    if kind is None:
        raise _refuse(f"the field {doc_filter.get('field')!r} is not declared")
    kind = kind.removeprefix("list<").removesuffix(">")
    if op in ("must", "must_not"):
        values = _conds(doc_filter)
        if len(values) > _MAX_VALUES:
            raise _refuse(f"more than {_MAX_VALUES} values")
    else:
        values = [doc_filter[name] for name in _BOUNDS if name in doc_filter]
        if not values or kind not in ("int64", "float32"):
            raise _refuse("a range needs a bound and a numeric field")
    for value in values:
        # bool is a subclass of int.
        if not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise _refuse(f"{value!r} is not of the declared type {kind}")


def passes(doc: Doc, doc_filter: dict[str, Any] | None) -> bool:
    """Whether a document matches a validated filter."""
    if doc_filter is None:
        return True
    op = doc_filter["op"]
    if op in ("and", "or"):
        results = (passes(doc, one) for one in doc_filter["conds"])
        return all(results) if op == "and" else any(results)
    value = doc.doc_id if doc_filter["field"] == "doc_id" else doc.fields.get(doc_filter["field"])
    values = value if isinstance(value, list) else [value]
    if op in ("must", "must_not"):
        return any(one in doc_filter["conds"] for one in values) is (op == "must")
    if value is None:
        return False
    inside = all(holds(value, doc_filter[name]) for name, holds in _BOUNDS.items() if name in doc_filter)
    return inside is (op == "range")


def _conds(doc_filter: dict[str, Any]) -> list[Any]:
    conds = doc_filter.get("conds")
    if not isinstance(conds, list) or not conds:
        raise _refuse("`conds` must be a list that is not empty")
    return conds


def _refuse(problem: str) -> KnowledgeError:
    return KnowledgeError(INVALID_FILTER, f"invalid scalar filter: {problem}")
