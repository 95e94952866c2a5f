"""Generates a value for a JSON schema, with values from the prompt.

The result is deterministic. Required properties are always present, optional ones only if the prompt mentions
them, in the order of the schema. The value is the first of: the schema's `const`; the enum member that the prompt
mentions, else the first; the prompt's `name: value`; then by type the next integer or number of the prompt (0 if
none, clamped to the schema's range), the next quotation or the prompt itself for a string, true unless the prompt
says false. An array of scalars takes all values of the prompt, any other array has one item.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_volcark.emulator.hints import Hints

_INTEGER = re.compile(r"-?\d{1,15}")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")

# Limits the depth of recursive schemas.
_MAX_DEPTH = 8

_BY_FORMAT = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}

Schema = dict[str, Any]


def fill(schema: Schema, hints: Hints) -> Any:
    """Generate a value for a schema.

    Args:
        schema: A JSON schema; references may point into itself (`#/…`).
        hints: The prompt to take values from.
    """
    return _Filler(schema, hints).make(schema, "", 0)


class _Filler:
    def __init__(self, root: Schema, hints: Hints) -> None:
        self._root = root
        self._hints = hints

    def make(self, schema: Any, name: str, depth: int) -> Any:
        # Older drafts write prefixItems as a list in `items`.
        schema = {} if isinstance(schema, list) else self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._enum(schema["enum"])
        branches = schema.get("anyOf") or schema.get("oneOf")
        if branches:
            return self._union([self._resolve(one) for one in branches], name, depth)
        kind = schema.get("type")
        if isinstance(kind, list) and kind:
            return self._union([{**schema, "type": one} for one in kind], name, depth)
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array" or "items" in schema or "prefixItems" in schema:
            return self._array(schema, name, depth)
        return self._scalar(schema, kind, name)

    def _resolve(self, schema: Schema | bool) -> Schema:
        """Resolve references and merge `allOf` into one schema; replace `true` and `false` by a schema."""
        if isinstance(schema, bool):
            return {}
        for _ in range(_MAX_DEPTH):
            target = schema.get("$ref")
            if not isinstance(target, str) or not target.startswith("#"):
                break
            found: Any = self._root
            for step in target.removeprefix("#").strip("/").split("/"):
                found = found.get(step) if step and isinstance(found, dict) else found
            schema = {
                **(found if isinstance(found, dict) else {}),
                **{key: value for key, value in schema.items() if key != "$ref"},
            }
        if "allOf" not in schema:
            return schema
        melted = {key: value for key, value in schema.items() if key != "allOf"}
        for part in map(self._resolve, schema["allOf"]):
            properties = {**melted.get("properties", {}), **part.get("properties", {})}
            required = [*melted.get("required", []), *part.get("required", [])]
            melted = {**part, **melted}
            if properties:
                melted |= {"properties": properties, "required": required}
        return melted

    def _enum(self, members: list[Any]) -> Any:
        return next((one for one in members if self._hints.mentions(str(one))), members[0])

    def _union(self, branches: list[Schema], name: str, depth: int) -> Any:
        """Return null if allowed and the name is not in the prompt; else use the mentioned branch or the first."""
        others = [one for one in branches if one.get("type") != "null"]
        nullable = len(others) < len(branches)
        if not others or (nullable and (depth > _MAX_DEPTH or not self._wanted(name))):
            return None
        return self.make(next((one for one in others if self._speaks_of(one)), others[0]), name, depth)

    def _speaks_of(self, branch: Schema) -> bool:
        names = [str(branch.get("title", ""))]
        for key, inner in branch.get("properties", {}).items():
            names += [key, str(inner.get("const", "")) if isinstance(inner, dict) else ""]
        return any(self._hints.mentions(one) for one in names if one)

    def _wanted(self, name: str) -> bool:
        return self._hints.mentions(name) or self._hints.named(name) is not None

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", [])
        made = {}
        for name, inner in schema.get("properties", {}).items():
            if name in required or (depth < _MAX_DEPTH and self._wanted(name)):
                made[name] = self.make(inner, name, depth + 1) if depth <= _MAX_DEPTH else None
        return made

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        if depth > _MAX_DEPTH:
            return []
        if "prefixItems" in schema:
            return [self.make(one, name, depth + 1) for one in schema["prefixItems"]]
        items = schema.get("items", {})
        kind = self._resolve(items).get("type") if isinstance(items, dict) else None
        least, most = schema.get("minItems", 1), schema.get("maxItems")
        found: list[Any] = []
        if kind == "string" and "enum" not in items:
            found = list(self._hints.all_quotations())
        elif kind == "integer":
            found = list(self._hints.all_integers())
        elif kind == "number":
            found = list(self._hints.all_numbers())
        while len(found) < max(least, 1):
            found.append(self.make(items, name, depth + 1))
        return found[:most]

    def _scalar(self, schema: Schema, kind: Any, name: str) -> Any:
        named = self._hints.named(name) if name else None
        if kind == "null":
            return None
        if kind == "boolean":
            return (named or "").lower() != "false" if named else not self._hints.mentions("false")
        if kind in ("integer", "number"):
            return self._number(schema, kind, named)
        text = named or _BY_FORMAT.get(schema.get("format", "")) or self._hints.string(name)
        return text[: schema["maxLength"]] if "maxLength" in schema else text

    def _number(self, schema: Schema, kind: str, named: str | None) -> int | float:
        whole = kind == "integer"
        value: int | float
        if named and (_INTEGER if whole else _NUMBER).fullmatch(named):
            value = int(named) if whole else float(named)
        else:
            value = (self._hints.integer() if whole else self._hints.number()) or 0
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is None and "exclusiveMinimum" in schema:
            low = schema["exclusiveMinimum"] + 1
        if high is None and "exclusiveMaximum" in schema:
            high = schema["exclusiveMaximum"] - 1
        if low is not None:
            value = max(value, low)
        if high is not None:
            value = min(value, high)
        return value
