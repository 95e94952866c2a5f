"""Operations on JSON schemas: map subschemas, inline references without losing recursion, require an object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Schema = dict[str, Any]

_ONE_SCHEMA = (
    *("items", "additionalItems", "unevaluatedItems", "contains", "not", "if", "then", "else", "propertyNames"),
    *("additionalProperties", "unevaluatedProperties"),
)
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems", "items")
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_DEFINITIONS = ("$defs", "definitions")
# Keywords by which a root without `type` is not simply "any object".
_NOT_AN_OBJECT = (
    *("anyOf", "oneOf", "allOf", "not", "if", "enum", "const", "items", "prefixItems", "contains"),
    *("minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems", "$ref"),
)


def map_subschemas(schema: Schema, change: Callable[[Any], Any]) -> Schema:
    """Apply a function to the direct subschemas of a schema.

    Args:
        schema: The schema; it is not changed.
        change: Gets each subschema (an object, `true` or `false`) and returns the new one.

    Returns:
        A new schema.
    """
    changed: Schema = {}
    for keyword, value in schema.items():
        if keyword in _SCHEMA_MAPS and isinstance(value, dict):
            changed[keyword] = {name: change(inner) for name, inner in value.items()}
        elif keyword in _SCHEMA_LISTS and isinstance(value, list):
            changed[keyword] = [change(inner) for inner in value]
        elif keyword in _ONE_SCHEMA and isinstance(value, (dict, bool)):
            changed[keyword] = change(value)
        else:
            changed[keyword] = value
    return changed


def without_titles(schema: Any) -> Any:
    """Remove `title` from a schema and its subschemas: pydantic only repeats the field names there."""
    if not isinstance(schema, dict):
        return schema
    return map_subschemas({key: value for key, value in schema.items() if key != "title"}, without_titles)


def close_objects(schema: Any) -> Any:
    """Make all objects of a schema require all their properties and allow no others.

    An explicit `additionalProperties` is kept, so a map (`additionalProperties: {…}`) remains a map.

    Args:
        schema: The schema; it is not changed.

    Returns:
        A new schema.
    """
    if not isinstance(schema, dict):
        return schema
    closed = map_subschemas(schema, close_objects)
    if isinstance(schema.get("properties"), dict):
        if schema["properties"]:
            closed["required"] = list(schema["properties"])
        closed.setdefault("additionalProperties", False)
    return closed


def require_object(schema: Schema, name: str) -> Schema:
    """Require the root of a schema to be an object, the only kind that services accept.

    Args:
        schema: The schema; it is not changed.
        name: Its name, for the error text.

    Returns:
        The schema, with `type` added where it was missing.

    Raises:
        ValueError: The root is not an object; the text says how to wrap it.
    """
    kind = schema.get("type")
    if kind == "object":
        return schema
    if kind is None and ("properties" in schema or not any(keyword in schema for keyword in _NOT_AN_OBJECT)):
        return {"type": "object", **({} if "properties" in schema else {"properties": {}}), **schema}
    described = f"type {kind!r}" if kind is not None else next(key for key in _NOT_AN_OBJECT if key in schema)
    raise ValueError(
        f"The root of the schema {name!r} is {described}; services take only an object there. {WRAP_IT}"
    )


WRAP_IT = (
    'Wrap it in an object with one property: {"title": "Answer", "type": "object", "properties": {"value": '
    '<the schema>}, "required": ["value"]}, or a pydantic class with one field: class Answer(BaseModel): '
    "value: <the type>."
)
"""Advice for a schema whose root is not an object."""


def inline_references(schema: Schema) -> Schema:
    """Replace local references by their targets, except recursive ones.

    Args:
        schema: The schema; it is not changed.

    Returns:
        A new schema. References to definitions that contain themselves are kept, with those definitions in
        `$defs`; the root itself is never a reference.

    Raises:
        ValueError: A reference points to a location that does not exist in the schema.
    """
    return _Inliner(schema).run()


class _Inliner:
    def __init__(self, root: Schema) -> None:
        self._root = root
        self._names: dict[str, str] = {}
        self._edges: dict[str, set[str]] = {}

    def run(self) -> Schema:
        root, followed = self._root, set()
        while isinstance(pointer := root.get("$ref"), str) and pointer.startswith("#"):
            if pointer in followed:
                raise ValueError(f"The schema refers to itself alone: {pointer!r}.")
            followed.add(pointer)
            rest = {key: value for key, value in root.items() if key not in ("$ref", *_DEFINITIONS)}
            target = self._target(pointer)
            root = {**target, **rest} if isinstance(target, dict) else {**rest, "not": {}}
        made: Schema = self._expand({key: value for key, value in root.items() if key not in _DEFINITIONS})
        definitions: Schema = {}
        while missing := [one for one in self._names if self._names[one] not in definitions]:
            for pointer in missing:
                definitions[self._names[pointer]] = self._expand(_without_definitions(self._target(pointer)))
        return {**made, "$defs": definitions} if definitions else made

    def _expand(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        pointer = schema.get("$ref")
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            return map_subschemas(schema, self._expand)
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if self._is_recursive(pointer):
            return {"$ref": f"#/$defs/{self._name(pointer)}", **map_subschemas(rest, self._expand)}
        target = _without_definitions(self._target(pointer))
        return self._expand({**target, **rest}) if isinstance(target, dict) else target

    def _target(self, pointer: str) -> Any:
        found: Any = self._root
        for step in pointer.removeprefix("#").split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
                found = found[int(key)]
            else:
                raise ValueError(f"The schema refers to {pointer!r}, which it does not have.")
        return found

    def _is_recursive(self, pointer: str) -> bool:
        """Whether the target of a pointer contains, at any depth, a reference to itself."""
        reached: set[str] = set()
        ahead = set(self._references(pointer))
        while ahead:
            one = ahead.pop()
            if one not in reached:
                reached.add(one)
                ahead |= self._references(one)
        return pointer in reached

    def _references(self, pointer: str) -> set[str]:
        if pointer not in self._edges:
            self._edges[pointer] = set(_local_references(_without_definitions(self._target(pointer))))
        return self._edges[pointer]

    def _name(self, pointer: str) -> str:
        """The definition's name in the new schema: its old one unless that is taken."""
        if pointer not in self._names:
            last = unquote(pointer.rpartition("/")[2].removeprefix("#")) or str(self._root.get("title") or "Root")
            wanted = re.sub(r"[^\w.-]", "_", last)
            name, number = wanted, 2
            while name in self._names.values():
                name, number = f"{wanted}_{number}", number + 1
            self._names[pointer] = name
        return self._names[pointer]


def _without_definitions(schema: Any) -> Any:
    """A schema without its definitions."""
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key not in _DEFINITIONS}


def _local_references(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    pointer = schema.get("$ref")
    if isinstance(pointer, str) and pointer.startswith("#"):
        yield pointer
    found: list[str] = []
    map_subschemas(schema, lambda inner: found.extend(_local_references(inner)))
    yield from found
