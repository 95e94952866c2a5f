"""Rewrites JSON schemas with the keywords that Ark supports.

Follows https://www.volcengine.com/docs/82379/1568221 (structured output): the service refuses or ignores all but a
short list of keywords. Keywords that are removed are written into the description for the model.
"""

from __future__ import annotations

from typing import Any

from langchain_volcark.wires.chat_completions.content import as_json_text
from langchain_volcark.wires.schemas.json_schemas import close_objects, inline_references, map_subschemas

_SUPPORTED = frozenset(
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
# Keywords that do not constrain the data, or not without another keyword; they are removed without a trace.
_IGNORED = frozenset(
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
    """Rewrite a schema with the keywords that Ark supports.

    Args:
        schema: Any JSON schema; it is not changed.
        strict: Whether the service enforces the schema: then every object requires all its properties and, unless
            it has `additionalProperties`, allows no others. Maps stay maps.

    Returns:
        A new schema; equal to the given one where that has supported keywords only.

    Raises:
        ValueError: A `$ref` points outside the schema.
    """
    rewritten: dict[str, Any] = _rewrite(schema)
    return close_objects(rewritten) if strict else rewritten


def _rewrite(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    source = _to_draft_2020(schema)
    result = map_subschemas({key: source[key] for key in source if key in _SUPPORTED}, _rewrite)
    if "$ref" in result:
        result["$ref"] = _local(str(result["$ref"]))
    hints = [f"{key}: {as_json_text(source[key])}" for key in source if key not in _SUPPORTED | _IGNORED]
    if hints:
        result["description"] = f"{result.get('description') or ''} ({', '.join(hints)})".strip()
    return result


def _to_draft_2020(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the keywords of draft 2020-12: `$defs`, and `prefixItems` for a list of items."""
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
    """Rewrite the schema of a `response_format`, if it has one.

    Args:
        response_format: The API's object; it is not changed.

    Returns:
        A `response_format` with the rewritten schema.
    """
    wrapper = response_format.get("json_schema")
    if response_format.get("type") != "json_schema" or not isinstance(wrapper, dict) or "schema" not in wrapper:
        return response_format
    schema = wrapper["schema"]
    if isinstance(schema, dict) and str(schema.get("$ref", "")).startswith("#"):
        schema = inline_references(schema)  # the root of a recursive pydantic class is only a reference
    schema = rewrite_schema(schema, strict=bool(wrapper.get("strict")))
    return {**response_format, "json_schema": {**wrapper, "schema": schema}}
