"""Converts every kind of tool and schema that LangChain accepts to an OpenAI function.

`langchain_core.utils.function_calling` replaces recursive references by `{}`, maps in strict schemas by objects
without properties, and drops a root that is not an object; so the parameters are generated from the source here.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_origin

from langchain_core.tools import BaseTool, Tool
from langchain_core.tools.base import create_schema_from_function
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from typing_extensions import is_typeddict

from langchain_volcark.wires.schemas.json_schemas import (
    WRAP_IT,
    close_objects,
    inline_references,
    require_object,
    without_titles,
)
from langchain_volcark.wires.schemas.typed_dicts import model_of_typed_dict

if TYPE_CHECKING:
    from langchain_volcark.wires.schemas.json_schemas import Schema

# Keys by which a dict is a function or another vendor's tool, not a JSON schema.
_FUNCTION_KEYS = ("name", "toolSpec")


def to_function(source: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Describe a tool or a schema as an OpenAI function.

    Args:
        source: A function, `BaseTool`, pydantic class (v2 or v1), TypedDict, dataclass, JSON schema with a title,
            OpenAI function, or Anthropic or Bedrock tool; it is not changed.
        strict: Whether arguments must match exactly; None leaves it out.

    Returns:
        `{"name", "description", "parameters", "strict"}`, as far as known.

    Raises:
        ValueError: The source has no JSON schema, or one whose root is not an object; the text says what to do.
    """
    function = _describe(source)
    if strict is None:
        return function
    if function.get("strict", strict) != strict:
        raise ValueError(f"strict={strict} is given, but {function['name']!r} itself says {function['strict']}.")
    function["strict"] = strict
    if strict and "parameters" in function:
        function["parameters"] = close_objects(function["parameters"])
    return function


def to_tool(source: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Describe a tool or a schema as an OpenAI tool; arguments and errors are those of `to_function`."""
    if isinstance(source, Tool) and (source.metadata or {}).get("type") == "custom_tool":
        return convert_to_openai_tool(source)
    return {"type": "function", "function": to_function(source, strict=strict)}


def _describe(source: Any) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return _of_mapping(dict(source))
    if isinstance(source, BaseTool):
        return _of_tool(source)
    if isinstance(source, type) and is_basemodel_subclass(source):
        return _of_schema(_schema_of_class(source))
    if is_typeddict(source):
        return _of_schema(_schema_of_class(model_of_typed_dict(source)))
    if isinstance(source, type) and dataclasses.is_dataclass(source):
        return _of_schema(TypeAdapter(source).json_schema())
    if get_origin(source) is not None or _is_scalar_type(source):
        raise ValueError(f"{source!r} is no schema of an object. {WRAP_IT}")
    if not callable(source):
        return convert_to_openai_function(source)  # raises an error that lists what it accepts
    name = getattr(source, "__name__", None)
    if name is None:
        raise ValueError(
            f"{source!r} has no name to call it by: make a tool of it (StructuredTool.from_function)."
        )
    model = create_schema_from_function(
        name,
        source,
        filter_args=(),
        parse_docstring=True,
        error_on_invalid_docstring=False,
        include_injected=False,
    )
    return _of_schema(_schema_of_class(model), name, model.__doc__)


def _is_scalar_type(source: Any) -> bool:
    return isinstance(source, type) and (source.__module__ == "builtins" or issubclass(source, enum.Enum))


def _of_mapping(source: dict[str, Any]) -> dict[str, Any]:
    if source.get("type") == "function" and isinstance(source.get("function"), Mapping):
        source = dict(source["function"])
    if any(key in source for key in _FUNCTION_KEYS) or "title" not in source:
        function = convert_to_openai_function(source)
    else:
        # A JSON schema is sent as the user wrote it.
        schema = inline_references(source) if "$ref" in source else source
        function = {"name": source["title"]}
        if "description" in schema:
            function["description"] = schema["description"]
        parameters = {key: value for key, value in schema.items() if key not in ("title", "description")}
        if parameters:
            function["parameters"] = parameters
    if isinstance(function.get("parameters"), dict):
        function["parameters"] = require_object(function["parameters"], function["name"])
    return function


def _of_tool(tool: BaseTool) -> dict[str, Any]:
    schema = tool.tool_call_schema
    if isinstance(tool, Tool) and not tool.args_schema:
        return convert_to_openai_function(tool)  # a tool with one string argument and no schema
    as_json = schema if isinstance(schema, dict) else _schema_of_class(schema)
    return _of_schema(as_json, tool.name, tool.description)


def _of_schema(schema: Schema, name: str | None = None, description: str | None = None) -> dict[str, Any]:
    schema = inline_references(schema)
    title, own = schema.pop("title", ""), schema.pop("description", "")
    name = name or title
    parameters = require_object(without_titles(schema), name)
    return {"name": name, "description": description or own, "parameters": parameters}


def _schema_of_class(model: Any) -> Schema:
    try:
        schema: Schema = model.model_json_schema() if hasattr(model, "model_json_schema") else model.schema()
    except PydanticInvalidForJsonSchema as error:
        raise ValueError(
            f"{model.__name__} has a field that no JSON schema can describe: {error.message}"
        ) from error
    return schema
