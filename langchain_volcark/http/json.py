"""JSON for requests and replies: pydantic's fast reader and writer, with checks for what they mishandle."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEPTH = 202  # as deep as the fast reader goes
_TOO_DEEP = "JSON is nested too deeply"
_LEAVES = frozenset({str, int, bool, type(None)})
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def parse_json(data: bytes) -> Any:
    """Read a JSON text.

    Args:
        data: The text in UTF-8. A byte order mark and escaped lone surrogates (one half of an emoji which a
            service has split over two deltas) are accepted.

    Returns:
        The value.

    Raises:
        ValueError: The bytes are not JSON, or are nested more than about 200 levels deep.
    """
    try:
        return from_json(data)
    except ValueError as error:
        problem = str(error)
    try:
        value = json.loads(data)  # accepts lone surrogates and a byte order mark, at a third of the speed
    except RecursionError:
        problem = _TOO_DEEP
    except ValueError:  # not passed on: it holds the whole text, which may be a secret
        pass
    else:
        return _checked_depth(value)
    raise ValueError(problem)


def _checked_depth(value: Any) -> Any:
    # Other JSON code fails with a RecursionError where the fast reader refuses the depth.
    level = [value]
    for _ in range(_DEPTH):
        level = [item for one in level if isinstance(one, (dict, list)) for item in _items(one)]
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


def _items(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a JSON list; none where there is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def dump_json(obj: Any) -> bytes:
    """Write a value as compact JSON in UTF-8, with Chinese and other text unescaped.

    Args:
        obj: Dicts with string or integer keys, lists, tuples, strings, finite numbers, booleans and None.

    Returns:
        The JSON text. Lone surrogates, which UTF-8 cannot express, become U+FFFD; two that form a pair
        become the character they stand for.

    Raises:
        TypeError: A value or key has a type which JSON does not know: a set, bytes, a date, a model.
        ValueError: A float is NaN or infinite, or a container holds itself.
    """
    try:
        encoded = to_json(obj)
    except PydanticSerializationError:
        return _dump_slowly(obj)
    # After to_json, which refuses cycles: the walk would never end on one.
    _check(obj)
    return encoded


def _dump_slowly(obj: Any) -> bytes:
    """Write what ``to_json`` refuses: lone surrogates; or say what is wrong with the value."""
    try:
        text = _ENCODER.encode(obj)
    except RecursionError as error:
        raise ValueError("The value is nested too deeply for JSON") from error
    _check(obj)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _check(obj: Any) -> None:
    """Refuse what ``to_json`` would silently turn into something else."""
    stack = [obj]
    while stack:
        value = stack.pop()
        kind = type(value)
        if kind in _LEAVES:
            continue
        if kind is dict or isinstance(value, dict):
            for key in value:
                if type(key) is not str:
                    _check_key(key)
            stack.extend(value.values())
        elif kind is list or isinstance(value, (list, tuple)):
            stack.extend(value)
        elif isinstance(value, float):
            if not isfinite(value):
                raise ValueError(f"JSON has no {value!r}: only finite numbers can be sent")
        elif not isinstance(value, (str, int)):
            raise TypeError(f"A value of type {kind.__name__!r} cannot be sent as JSON")


def _check_key(key: object) -> None:
    # Integer keys are common in ``logit_bias``; other kinds would be written in a form nobody asked for.
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise TypeError(f"A dict key of type {type(key).__name__!r} cannot be sent as JSON")
