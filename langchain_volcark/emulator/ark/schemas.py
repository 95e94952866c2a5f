"""Validates JSON schemas: their structure, and in strict mode their keywords.

Structured output: https://www.volcengine.com/docs/82379/1568221.
"""

from __future__ import annotations

from typing import Any

from langchain_volcark.emulator.ark.errors import invalid

_HONOURED = frozenset(
    {
        "type", "$ref", "$defs", "const", "enum", "anyOf", "oneOf", "allOf", "prefixItems", "items",
        "unevaluatedItems", "properties", "required", "additionalProperties", "unevaluatedProperties",
    }
)  # fmt: skip
_ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "deprecated", "$schema", "$id", "$comment"}
)

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "$defs", "definitions")
_SCHEMAS = ("items", "unevaluatedItems", "additionalProperties", "unevaluatedProperties")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength")


def check_schema(schema: Any, path: str, *, strict: bool) -> None:
    """Check a schema and its subschemas.

    Args:
        schema: The schema; `true` and `false` are valid too.
        path: Path in the request.
        strict: Whether to refuse keywords that Ark does not support.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise invalid(path, "expected a schema")
    if strict:
        _check_keywords(schema, path)
    _check_values(schema, path)
    for keyword in _SCHEMA_LISTS:
        for index, inner in enumerate(_expect(schema, keyword, list, path) or ()):
            check_schema(inner, f"{path}.{keyword}[{index}]", strict=strict)
    for keyword in _SCHEMA_MAPS:
        for name, inner in (_expect(schema, keyword, dict, path) or {}).items():
            check_schema(inner, f"{path}.{keyword}.{name}", strict=strict)
    for keyword in _SCHEMAS:
        # Older drafts write prefixItems as a list in `items`.
        if keyword in schema and not isinstance(schema[keyword], list):
            check_schema(schema[keyword], f"{path}.{keyword}", strict=strict)


def _check_keywords(schema: dict[str, Any], path: str) -> None:
    for keyword in schema:
        if keyword not in _HONOURED and keyword not in _ANNOTATIONS:
            raise invalid(f"{path}.{keyword}", f"the keyword {keyword} is not supported in a strict schema")
    if not str(schema.get("$ref", "#")).startswith("#"):
        raise invalid(f"{path}.$ref", "only references into the schema itself are supported")


def _check_values(schema: dict[str, Any], path: str) -> None:
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in _TYPES:
            raise invalid(f"{path}.type", f"{kind!r} is no type")
    required = _expect(schema, "required", list, path) or []
    if not all(isinstance(name, str) for name in required):
        raise invalid(f"{path}.required", "expected a list of names")
    if _expect(schema, "enum", list, path) == []:
        raise invalid(f"{path}.enum", "expected at least one value")
    for keyword in _NUMBERS:
        _expect(schema, keyword, int | float, path)
    for keyword in _COUNTS:
        if (_expect(schema, keyword, int, path) or 0) < 0:
            raise invalid(f"{path}.{keyword}", "expected no negative number")


def _expect(schema: dict[str, Any], keyword: str, kind: Any, path: str) -> Any:
    """Return the value of a keyword, which must have this type; None if absent."""
    value = schema.get(keyword)
    if keyword in schema and (not isinstance(value, kind) or isinstance(value, bool)):
        raise invalid(f"{path}.{keyword}", "the value is of the wrong type")
    return value
