"""JSON schemas as Ark accepts them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_volcark.ark.schemas import rewrite_response_format, rewrite_schema
from langchain_volcark.emulator.ark.schemas import check_schema
from langchain_volcark.wires.structured_output import json_schema_format, safe_name, schema_tool

_names = st.sampled_from(["a", "b", "description", "default", "type", "名"])
_leaf = st.sampled_from(
    [
        {"type": "string", "minLength": 1, "pattern": "^a"},
        {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "description": "A number."},
        {"type": "string", "enum": ["x", "y"], "default": "x"},
        {"type": "string", "format": "date-time", "examples": ["2025-01-01"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "T"},
        {"const": 3},
        {"$ref": "#/$defs/Inner"},
        {"$ref": "#/definitions/Old"},
        {"not": {"type": "string"}},
        {"type": "string", "$comment": "nothing", "readOnly": True, "deprecated": True},
        {},
    ]
)


def _bigger(inner: Any) -> Any:
    objects = st.builds(
        lambda properties, required, closed: {
            "type": "object",
            "properties": properties,
            **({"required": list(properties)[:1]} if required else {}),
            **({"additionalProperties": closed} if closed is not None else {}),
            "minProperties": 1,
        },
        st.dictionaries(_names, inner, max_size=3),
        st.booleans(),
        st.none() | st.booleans(),
    )
    arrays = st.builds(lambda items: {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}, inner)
    tuples = st.builds(lambda items: {"type": "array", "items": items, "additionalItems": False}, st.lists(inner))
    choices = st.builds(lambda options: {"oneOf": options, "discriminator": {}}, st.lists(inner, min_size=1))
    maps = st.builds(lambda values: {"type": "object", "additionalProperties": values}, inner)
    patterns = st.builds(lambda values: {"type": "object", "patternProperties": {"^x": values}}, inner)
    return objects | arrays | tuples | choices | maps | patterns


_schemas = st.recursive(_leaf, _bigger, max_leaves=8).map(
    lambda schema: {
        **schema,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"Inner": {"type": "string", "maxLength": 3}},
        "definitions": {"Old": {"type": "number", "multipleOf": 2}},
    }
)


@given(_schemas, st.booleans())
@settings(max_examples=300, deadline=None)
def test_rewriting_leaves_the_callers_schema_and_what_is_acceptable_as_it_is(
    schema: dict[str, Any], strict: bool
) -> None:
    before = copy.deepcopy(schema)
    rewritten = rewrite_schema(schema, strict=strict)
    assert schema == before
    assert rewrite_schema(rewritten, strict=strict) == rewritten
    # The emulator's own reading of the page; it raises where the service would refuse.
    check_schema(rewritten, "schema", strict=True)


def test_what_is_taken_out_is_told_in_the_description() -> None:
    schema = {"type": "string", "description": "A code.", "minLength": 2, "pattern": "^[A-Z]+$", "默认": "无"}
    assert rewrite_schema(schema) == {
        "type": "string",
        "description": 'A code. (minLength: 2, pattern: "^[A-Z]+$", 默认: "无")',
    }


def test_properties_may_be_called_like_keywords() -> None:
    schema = {"type": "object", "properties": {"pattern": {"type": "string"}, "definitions": {"type": "string"}}}
    assert rewrite_schema(schema) == schema


def test_strict_requires_every_property_and_allows_no_other() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}, "required": []}
    schema = {"type": "object", "properties": {"a": inner}}
    rewritten = rewrite_schema(schema, strict=True)
    assert rewritten["required"] == ["a"]
    assert rewritten["additionalProperties"] is False
    assert rewritten["properties"]["a"]["required"] == ["b"]
    assert rewrite_schema(schema) == schema


def test_definitions_of_old_drafts_move() -> None:
    schema = {"$ref": "#/definitions/A", "definitions": {"A": {"type": "string"}}}
    assert rewrite_schema(schema) == {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}


def test_a_reference_outside_the_schema_is_refused() -> None:
    with pytest.raises(ValueError, match=r"other\.json"):
        rewrite_schema({"properties": {"a": {"$ref": "other.json#/a"}}})


@pytest.mark.parametrize("wanted", [{"type": "text"}, {"type": "json_object"}, {"type": "json_schema"}])
def test_formats_without_a_schema_pass(wanted: dict[str, Any]) -> None:
    assert rewrite_response_format(wanted) == wanted


@pytest.mark.parametrize("strict", [None, False, True])
def test_the_callers_json_schema_is_never_changed(strict: bool | None) -> None:
    schema = {
        "title": "City to find",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "inner": {"type": "object", "properties": {"x": {"type": "null"}}},
        },
        "required": ["name"],
    }
    before = json.dumps(schema)
    rewrite_response_format(json_schema_format(schema, strict))
    schema_tool(schema, strict)
    assert json.dumps(schema) == before


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("get_weather", "get_weather"),
        ("City to find", "City_to_find"),
        ("Box[int]", "Box_int"),
        ("天气", "answer"),
        ("x" * 70, "x" * 64),
    ],
)
def test_names_are_made_acceptable(name: str, safe: str) -> None:
    assert safe_name(name) == safe
