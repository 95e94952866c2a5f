"""JSON schemas as Ark accepts them.

Follows https://www.volcengine.com/docs/82379/1568221 (structured output): the service refuses, or does not hold
the model to, keywords outside a short list. What is taken out is told to the model in the description instead.
"""

from __future__ import annotations

from typing import Any

from langchain_volcark.wires.chat_completions.content import as_json_text
from langchain_volcark.wires.schemas.json_schemas import close_objects, inline_references, map_subschemas

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


def rewrite_schema(schema: dict[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """Write a schema with the keywords Ark honours.

    Args:
        schema: Any JSON schema; it is not changed.
        strict: Whether the service will hold the model to it: then every object requires all its properties and,
            unless it says otherwise itself, allows no others. Maps stay maps.

    Returns:
        A new schema; equal to the given one where that was acceptable.

    Raises:
        ValueError: A `$ref` points outside the schema.
    """
    rewritten: dict[str, Any] = _rewrite(schema)
    return close_objects(rewritten) if strict else rewritten


def _rewrite(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    source = _modern(schema)
    result = map_subschemas({key: source[key] for key in source if key in _HONOURED}, _rewrite)
    if "$ref" in result:
        result["$ref"] = _local(str(result["$ref"]))
    hints = [f"{key}: {as_json_text(source[key])}" for key in source if key not in _HONOURED | _SILENT]
    if hints:
        result["description"] = f"{result.get('description') or ''} ({', '.join(hints)})".strip()
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
    schema = wrapper["schema"]
    if isinstance(schema, dict) and str(schema.get("$ref", "")).startswith("#"):
        schema = inline_references(schema)  # the schema of a recursive pydantic class is a mere reference
    schema = rewrite_schema(schema, strict=bool(wrapper.get("strict")))
    return {**response_format, "json_schema": {**wrapper, "schema": schema}}
