"""Structured output: how a model is asked for data of a given shape, and how its answer is read."""

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
    """The method by which a model is asked.

    Args:
        method: What the caller asked for; None leaves the choice to us.
        schema: The schema, or None for plain JSON.
        supported: What the model can do, best first.
        model_name: For the error.

    Returns:
        The caller's method; else the best one that tells the model the schema, or JSON mode where there is none.

    Raises:
        ValueError: The model cannot do it; the text names a method that it can do.
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
    telling = [one for one in supported if one != "json_mode"]
    return telling[0] if telling else check_method("json_schema", supported, model_name)


def check_method(method: Method, supported: tuple[Method, ...], model_name: str) -> Method:
    """Refuse a method the model cannot do; never exchange it for another in silence.

    Args:
        method: What the caller asked for.
        supported: What the model can do, best first.
        model_name: For the error.

    Returns:
        The method.

    Raises:
        ValueError: Names a method that the model can do.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    if method not in supported:
        instead = f'Use method="{supported[0]}".' if supported else "It has no structured output."
        raise ValueError(f"{model_name} does not support structured output by {method}. {instead}")
    return method


def binding(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """What to bind to a model so that it answers in the schema.

    Args:
        schema: A pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function; None for JSON mode.
        method: How the model is asked.
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
    """The schema, or our own JSON schema of it where langchain-core, which converts it for traces, would fail."""
    try:
        convert_to_json_schema(schema)
    except ValueError:
        return schema  # core leaves such a one out
    except Exception:  # noqa: BLE001 - core raises what pydantic raises
        function = to_function(schema)
        described = {"title": function["name"], "description": function.get("description") or ""}
        return {**described, **function.get("parameters", {})}
    return schema


def json_schema_format(schema: Any, strict: bool | None = None) -> dict[str, Any]:
    """A schema of any kind as the request's `response_format`.

    Args:
        schema: A pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function.
        strict: As the service means it; left out where None.

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
    """A schema of any kind as a tool that the model is made to call.

    Args:
        schema: A pydantic class (v2 or v1), TypedDict, JSON schema or OpenAI function; it is not changed.
        strict: As the service means it; left out where None.

    Returns:
        The tool, under a name that services accept.

    Raises:
        ValueError: The root of the schema is not an object; the text says how to wrap it.
    """
    tool = to_tool(schema, strict=strict)
    return {**tool, "function": {**tool["function"], "name": safe_name(tool["function"]["name"])}}


def safe_name(name: str) -> str:
    """A name that services accept: titles of schemas hold spaces, names of generic classes brackets."""
    if _NAME.fullmatch(name):
        return name
    safe = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:64]
    return safe or "answer"


def parser(schema: Any, method: Method, advice: str = "") -> StructuredAnswerParser:
    """What reads the answer.

    Args:
        schema: The schema, or None.
        method: How the model was asked.
        advice: What to do where the model called no tool.

    Returns:
        Gives an instance for a pydantic class, else plain data.
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
    """Return the message beside what was read of it: `raw`, `parsed`, `parsing_error`."""
    return RunnableMap(raw=model) | RawAnswerReader(reader)
