"""Rules for limits, formats, thinking and the other options of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool, check_choice, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.responses.checks import known, strings, text_field
from langchain_volcark.emulator.ark.schemas import check_schema
from langchain_volcark.emulator.ark.thinking import thinks

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

Json = dict[str, Any]

ENCRYPTED = "reasoning.encrypted_content"
IMAGE_URL = "message.input_image.image_url"
INCLUDES = (ENCRYPTED, IMAGE_URL, "message.input_audio.audio_url")
DEFAULT_MAX_OUTPUT = 32_768
_TOO_FEW_FOR_DOUBAO = 16
_FORMAT = frozenset({"type", "name", "schema", "description", "strict"})
_CLEAR_THINKING = frozenset({"type", "keep"})
_CLEAR_TOOL_USES = frozenset({"type", "trigger", "keep", "exclude_tools", "clear_tool_inputs", "clear_tool_input"})


def check_options(body: Json, model: Model) -> bool:
    """Check every field that is neither input, tools nor about storage; return whether the model will think."""
    check_number(body, "temperature", 0, 2)
    check_number(body, "top_p", 0, 1)
    check_number(body, "max_output_tokens", 1, max(65_536, model.max_answer), whole=True)
    check_number(body, "max_tool_calls", 1, 10, whole=True)
    for name in ("stream", "store", "parallel_tool_calls"):
        check_bool(body, name)
    check_choice(body, "service_tier", ("auto", "default", "fast"))
    for name in ("instructions", "prompt_cache_key", "previous_response_id"):
        text_field(body, name)
    text_field(body, "safety_identifier", longest=64)
    if "session" in body:
        session = known(body["session"], frozenset({"id"}), "session")
        text_field(session, "id", "session.")
    check_includes(body.get("include"))
    _check_context_management(body.get("context_management"))
    _check_small_limit(body, model)
    reasoning = known(body.get("reasoning", {}), frozenset({"effort"}), "reasoning")
    switches = {"thinking": body.get("thinking"), "reasoning_effort": reasoning.get("effort")}
    return thinks({name: value for name, value in switches.items() if value is not None}, model)


def check_includes(wanted: Any) -> list[str]:
    """Check `include`, of a body or a query."""
    if wanted is None:
        return []
    for one in strings(wanted, "include"):
        if one not in INCLUDES:
            raise ArkError(400, "InvalidParameter", f"unknown type: {one}", "include")
    return list(wanted)


def _check_small_limit(body: Json, model: Model) -> None:
    """So few tokens were answered with an error of the server, not of the request."""
    limit = body.get("max_output_tokens")
    if limit is not None and limit <= _TOO_FEW_FOR_DOUBAO and model.id.startswith("doubao-"):
        raise ArkError(500, "InternalServiceError", "The service encountered an unexpected internal error.")


def check_format(body: Json, model: Model, texts: list[str]) -> Json | None:
    """Check `text`; return its format as Chat has it, None for plain text.

    Args:
        body: The request.
        model: The model.
        texts: The texts of the prompt, one of which must speak of JSON where an object is asked for.
    """
    if "text" not in body:
        return None
    text = known(body["text"], frozenset({"format"}), "text")
    if "format" not in text:
        raise missing("text.format")
    wanted = known(text["format"], _FORMAT, "text.format")
    kind = wanted.get("type")
    if kind == "text":
        return None
    if kind not in ("json_object", "json_schema"):
        raise invalid("text.format.type", "expected text, json_object or json_schema")
    if (kind == "json_object" and not model.json_object) or (kind == "json_schema" and not model.json_schema):
        raise ArkError(
            400,
            "InvalidParameter",
            f"text.format.type: {kind} is not supported by this model.",
            "text.format.type",
        )
    if kind == "json_object":
        if not any("json" in one.lower() for one in texts):
            raise invalid("input", 'the prompt must contain the word "json" for text.format json_object')
        return {"type": kind}
    for name in ("name", "schema"):
        if not wanted.get(name):
            raise missing(f"text.format.{name}")
    text_field(wanted, "name", "text.format.")
    text_field(wanted, "description", "text.format.")
    check_bool(wanted, "strict", "text.format.")
    if not isinstance(wanted["schema"], dict):
        raise invalid("text.format.schema", "expected an object")
    check_schema(wanted["schema"], "text.format.schema", strict=bool(wanted.get("strict")))
    return {"type": kind, "json_schema": {name: value for name, value in wanted.items() if name != "type"}}


def _check_context_management(sent: Any) -> None:
    if sent is None:
        return
    edits = known(sent, frozenset({"edits"}), "context_management").get("edits")
    if not isinstance(edits, list):
        raise missing("context_management.edits")
    for place, edit in enumerate(edits):
        path = f"context_management.edits[{place}]"
        kind = edit.get("type") if isinstance(edit, dict) else None
        if kind == "clear_thinking":
            _check_keep(known(edit, _CLEAR_THINKING, path).get("keep"), "thinking_turns", f"{path}.keep")
        elif kind == "clear_tool_uses":
            _check_tool_uses(known(edit, _CLEAR_TOOL_USES, path), path)
        else:
            raise invalid(f"{path}.type", "expected clear_thinking or clear_tool_uses")


def _check_keep(keep: Any, kind: str, path: str) -> None:
    if keep is None or (keep == "all" and kind == "thinking_turns"):
        return
    counted = known(keep, frozenset({"type", "value"}), path)
    if counted.get("type") != kind:
        raise invalid(f"{path}.type", f'expected "{kind}"')
    check_number(counted, "value", 0, float("inf"), whole=True, path=f"{path}.")


def _check_tool_uses(edit: Json, path: str) -> None:
    for name in ("trigger", "keep"):
        _check_keep(edit.get(name), "tool_uses", f"{path}.{name}")
    strings(edit.get("exclude_tools", []), f"{path}.exclude_tools")
    # The pages spell the field in one way, the SDKs in the other; they disagree about its form too.
    for name in ("clear_tool_inputs", "clear_tool_input"):
        if not isinstance(edit.get(name, False), bool | dict):
            raise invalid(f"{path}.{name}", "expected a boolean or an object")
