"""Structured output: chooses the method, writes the request's fields for a schema, and creates the parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.runnables import RunnableMap
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_volcark.wires.schemas.functions import to_function, to_tool
from langchain_volcark.wires.structured_answers import RawAnswerReader, StructuredAnswerParser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

Method = Literal["function_calling", "json_schema", "json_mode"]
METHODS: tuple[Method, ...] = ("function_calling", "json_schema", "json_mode")


_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def choose_method(method: Method | None, schema: Any, supported: tuple[Method, ...], model_name: str) -> Method:
    """Choose the method of structured output.

    Args:
        method: The method given by the caller, or None for the default.
        schema: The schema, or None for plain JSON.
        supported: The methods that the model supports, best first.
        model_name: For the error text.

    Returns:
        The caller's method; by default the best one that sends the schema, or JSON mode where there is no schema.

    Raises:
        ValueError: The model does not support it; the text names a method that it supports.
    """
    if method is not None:
        return check_method(method, supported, model_name)
    if schema is None:
        return check_method("json_mode", supported, model_name)
    if supported == ("json_mode",):
        raise ValueError(
            f"{model_name} can only be asked for JSON of any shape: describe the schema in the prompt (with the "
            'word "JSON") and use method="json_mode".'
        )
    with_schema = [one for one in supported if one != "json_mode"]
    return with_schema[0] if with_schema else check_method("json_schema", supported, model_name)


def check_method(method: Method, supported: tuple[Method, ...], model_name: str) -> Method:
    """Refuse a method that the model does not support, rather than silently using another.

    Args:
        method: The method given by the caller.
        supported: The methods that the model supports, best first.
        model_name: For the error text.

    Returns:
        The method.

    Raises:
        ValueError: The text names a method that the model supports.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    if method not in supported:
        instead = f'Use method="{supported[0]}".' if supported else "It has no structured output."
        raise ValueError(f"{model_name} does not support structured output by {method}. {instead}")
    return method


def binding(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """The per-call arguments with which a model answers in the schema.

    Args:
        schema: A pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function; None for JSON mode.
        method: The method.
        strict: Whether the answer must match the schema exactly; None leaves it to the service.

    Returns:
        Per-call arguments, `ls_structured_output_format` for traces among them.

    Raises:
        ValueError: The method needs a schema and there is none, or JSON mode was combined with `strict`.
    """
    if schema is None and method != "json_mode":
        raise ValueError(f"method={method!r} needs a schema.")
    trace = {"kwargs": {"method": method, "strict": strict}, "schema": _traced(schema)}
    arguments: dict[str, Any] = {"ls_structured_output_format": trace}
    if method == "json_mode":
        if strict is not None:
            raise ValueError("strict has no meaning in JSON mode; use json_schema or function_calling.")
        arguments["response_format"] = {"type": "json_object"}
    elif method == "json_schema":
        arguments["response_format"] = json_schema_format(schema, strict)
    return arguments


def _traced(schema: Any) -> Any:
    """The schema for traces: the given one, or our JSON schema of it where langchain-core's conversion fails."""
    try:
        convert_to_json_schema(schema)
    except ValueError:
        return schema  # core then leaves the schema out of the trace
    except Exception:  # noqa: BLE001 - core lets pydantic's exceptions through
        function = to_function(schema)
        described = {"title": function["name"], "description": function.get("description") or ""}
        return {**described, **function.get("parameters", {})}
    return schema


def json_schema_format(schema: Any, strict: bool | None = None) -> dict[str, Any]:
    """Convert a schema to the request's `response_format`.

    Args:
        schema: A pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function.
        strict: The service's `strict`; left out where None.

    Returns:
        `{"type": "json_schema", "json_schema": {"name", "description", "schema", "strict"}}`.

    Raises:
        ValueError: The root of the schema is not an object; the text says how to wrap it.
    """
    function = to_function(schema, strict=strict)
    described = {"description": function["description"]} if function.get("description") else {}
    strictness = {} if strict is None else {"strict": strict}
    return {
        "type": "json_schema",
        "json_schema": {
            "name": safe_name(function["name"]),
            **described,
            "schema": function.get("parameters") or {"type": "object", "properties": {}},
            **strictness,
        },
    }


def schema_tool(schema: Any, strict: bool | None = None) -> dict[str, Any]:
    """Convert a schema to the tool that the model must call.

    Args:
        schema: A pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function; it is not changed.
        strict: The service's `strict`; left out where None.

    Returns:
        The tool, under a name that services accept.

    Raises:
        ValueError: The root of the schema is not an object; the text says how to wrap it.
    """
    tool = to_tool(schema, strict=strict)
    return {**tool, "function": {**tool["function"], "name": safe_name(tool["function"]["name"])}}


def safe_name(name: str) -> str:
    """A name that services accept: without the spaces of schema titles or the brackets of generic classes."""
    if _NAME.fullmatch(name):
        return name
    safe = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64]
    return safe or "answer"


def parser(schema: Any, method: Method, advice: str = "") -> StructuredAnswerParser:
    """Create the parser of the answer.

    Args:
        schema: The schema, or None.
        method: The method.
        advice: Text for the error where the model called no tool.

    Returns:
        A parser that returns an instance for a pydantic class, else plain data.
    """
    is_model = isinstance(schema, type) and is_basemodel_subclass(schema)
    required: tuple[str, ...] = ()
    tool_name = None
    if method != "json_mode":
        function = to_function(schema)
        required = tuple((function.get("parameters") or {}).get("required", ()))
        tool_name = safe_name(function["name"]) if method == "function_calling" else None
    return StructuredAnswerParser(
        tool_name=tool_name,
        answer_class=schema if is_model else None,
        wants_object=method != "json_mode" or not isinstance(schema, dict) or _is_object(schema),
        required=required,
        advice=advice,
    )


def _is_object(schema: dict[str, Any]) -> bool:
    try:
        to_function(schema)
    except ValueError:
        return False
    return True


def with_raw(
    model: Runnable[LanguageModelInput, AIMessage], reader: StructuredAnswerParser
) -> Runnable[LanguageModelInput, Mapping[str, Any]]:
    """A chain that returns the message together with the parsed answer: `raw`, `parsed`, `parsing_error`."""
    return RunnableMap(raw=model) | RawAnswerReader(reader)
