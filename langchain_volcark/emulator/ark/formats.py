"""Validates `response_format`.

Structured output: https://www.volcengine.com/docs/82379/1568221.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool, check_fields
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.messages import text_of
from langchain_volcark.emulator.ark.schemas import check_schema

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model


def check_response_format(body: dict[str, Any], model: Model, messages: list[dict[str, Any]]) -> None:
    """Check the format, what the prompt must contain for it, and options that exclude it."""
    wanted = body.get("response_format")
    if wanted is None:
        return
    check_fields(wanted, frozenset({"type", "json_schema", "schema"}), "response_format")
    kind = wanted.get("type")
    if kind == "text":
        return
    if kind not in ("json_object", "json_schema"):
        raise invalid("response_format.type", "expected text, json_object or json_schema")
    if (kind == "json_object" and not model.json_object) or (kind == "json_schema" and not model.json_schema):
        raise ArkError(
            400,
            "InvalidParameter",
            f"response_format.type: {kind} is not supported by this model.",
            "response_format.type",
        )
    for penalty in ("frequency_penalty", "presence_penalty"):
        if body.get(penalty):
            raise invalid(penalty, "not allowed together with a structured response_format")
    if kind == "json_schema":
        _check_json_schema(wanted.get("json_schema"))
    elif not any("json" in text_of(message).lower() for message in messages):
        raise invalid("messages", 'the prompt must contain the word "json" for response_format json_object')


def _check_json_schema(wanted: Any) -> None:
    path = "response_format.json_schema"
    if wanted is None:
        raise missing(path)
    check_fields(wanted, frozenset({"name", "description", "schema", "strict"}), path)
    if not isinstance(wanted.get("name"), str) or not wanted["name"]:
        raise missing(f"{path}.name")
    check_bool(wanted, "strict", f"{path}.")
    schema = wanted.get("schema")
    if schema is None:
        raise missing(f"{path}.schema")
    if not isinstance(schema, dict):
        raise invalid(f"{path}.schema", "expected an object")
    check_schema(schema, f"{path}.schema", strict=bool(wanted.get("strict")))
