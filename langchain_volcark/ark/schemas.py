"""JSON schemas as Ark accepts them.

Follows https://www.volcengine.com/docs/82379/1568221 (structured output): the service refuses, or does not hold
the model to, keywords outside a short list. What is taken out is told to the model in the description instead.
"""

from __future__ import annotations

from typing import Any

from langchain_volcark.chat_completions.content import as_json_text

_HONOURED = frozenset(
    {
        "type",
        "$ref",
        "$defs",
        "const",
        "enum",
        "anyOf",
        "oneOf",
        "allOf",
        "prefixItems",
        "items",
        "unevaluatedItems",
        "properties",
        "required",
        "additionalProperties",
        "unevaluatedProperties",
        "title",
        "description",
    }
)
# Says nothing of the data, or nothing without the keyword beside it.
_SILENT = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$vocabulary", "$dynamicAnchor"),
        *(
            "id",
            "definitions",
            "discriminator",
            "deprecated",
            "readOnly",
            "writeOnly",
            "additionalItems",
            "strict",
        ),
    }
)
_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_BY_NAME = ("properties", "$defs")
_ONE_SCHEMA = ("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties")


def rewrite_schema(schema: dict[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """Write a schema with the keywords Ark honours.

    Args:
        schema: Any JSON schema; it is not changed.
        strict: Whether the service will hold the model to it: then every property must be required and no other
            allowed, on every object.

    Returns:
        A new schema; equal to the given one where that was acceptable.

    Raises:
        ValueError: A `$ref` points outside the schema.
    """
    if not isinstance(schema, dict):
        return schema
    source = _modern(schema)
    result: dict[str, Any] = {}
    for keyword, value in source.items():
        if keyword in _HONOURED:
            result[keyword] = _rewrite_value(keyword, value, strict=strict)
    hints = [f"{key}: {as_json_text(source[key])}" for key in source if key not in _HONOURED | _SILENT]
    if hints:
        result["description"] = f"{result.get('description') or ''} ({', '.join(hints)})".strip()
    if strict and isinstance(result.get("properties"), dict):
        result["required"] = list(result["properties"])
        result["additionalProperties"] = False
    return result


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema in the words of draft 2020: `$defs`, and `prefixItems` for a list of items."""
    source = dict(schema)
    if isinstance(source.get("definitions"), dict):
        source["$defs"] = {**source.pop("definitions"), **source.get("$defs", {})}
    if isinstance(source.get("items"), list):
        source["prefixItems"] = source.pop("items")
        if "additionalItems" in source:
            source["items"] = source["additionalItems"]
    return source


def _rewrite_value(keyword: str, value: Any, *, strict: bool) -> Any:
    if keyword == "$ref":
        return _local(str(value))
    if keyword in _OF_SCHEMAS and isinstance(value, list):
        return [rewrite_schema(item, strict=strict) for item in value]
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: rewrite_schema(item, strict=strict) for name, item in value.items()}
    if keyword in _ONE_SCHEMA:
        return rewrite_schema(value, strict=strict)
    return value


def _local(reference: str) -> str:
    if not reference.startswith("#"):
        raise ValueError(f"The schema refers to {reference!r}; Ark resolves only references inside it ('#/…').")
    return reference.replace("#/definitions/", "#/$defs/", 1)


def rewrite_response_format(response_format: dict[str, Any]) -> dict[str, Any]:
    """A `response_format` whose schema, if it has one, is acceptable to Ark.

    Args:
        response_format: As the API has it; it is not changed.

    Returns:
        The same, with the schema rewritten.
    """
    wrapper = response_format.get("json_schema")
    if response_format.get("type") != "json_schema" or not isinstance(wrapper, dict) or "schema" not in wrapper:
        return response_format
    schema = rewrite_schema(wrapper["schema"], strict=bool(wrapper.get("strict")))
    return {**response_format, "json_schema": {**wrapper, "schema": schema}}
