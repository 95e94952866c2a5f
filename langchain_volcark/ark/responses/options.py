"""The options of a request to the Responses API: renamed from the chat API's, and checked for contradictions.

Follows https://www.volcengine.com/docs/82379/1569618 (Responses API) and /1602228 (caching).
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from langchain_volcark.ark.options import finish_options, refuse_contradictions
from langchain_volcark.ark.responses.routing import CHAINS, CHAT_ONLY, SWITCH
from langchain_volcark.ark.responses.tools import flat_choice, flat_tools, refuse_tools_apart, service_tools
from langchain_volcark.base.values import Switch, Whole, must_be, read_number, within

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_LIFE = 604_800
"""How long the service keeps a response at most, in seconds."""
_EDITS_FIRST = "clear_thinking"


# --- what the fields may be ---------------------------------------------------------------------------------


def _read_life(value: Any) -> float | None:
    """Seconds; a `timedelta` too, because langchain-core cannot load a model that was saved with one."""
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else read_number(value)
    if not 0 < seconds <= LONGEST_LIFE:
        raise ValueError(f"expire_in must be more than 0 and at most {LONGEST_LIFE} seconds, not {seconds:g}.")
    return seconds


def _read_caching(value: Any) -> dict[str, Any] | str | None:
    if value is None or value in ("enabled", "disabled"):
        return value  # type: ignore[no-any-return]
    if not isinstance(value, dict):
        raise must_be('"enabled", "disabled" or a dictionary')
    return dict(value)


def _read_include(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise must_be("a list of texts")
    return list(value)


def _read_edits(value: Any) -> Any:
    if value is not None and not isinstance(value, (dict, list, tuple)):
        raise must_be("a dictionary or a list of edits")
    return list(value) if isinstance(value, tuple) else value


ExpireIn = Annotated[
    float | timedelta | None, PlainValidator(_read_life), WithJsonSchema({"type": "number"}, mode="validation")
]
"""Seconds or a `timedelta`, more than 0 and at most seven days."""
Caching = Annotated[dict[str, Any] | str | None, PlainValidator(_read_caching, json_schema_input_type=Any)]
"""`"enabled"`, `"disabled"`, or the object as the API has it."""
Include = Annotated[list[str] | None, PlainValidator(_read_include, json_schema_input_type=list[str])]
"""Additional contents of replies."""
ContextManagement = Annotated[
    dict[str, Any] | list[Any] | None, PlainValidator(_read_edits, json_schema_input_type=Any)
]
"""The object as the API has it, or its list of edits."""

CALL_TYPES: dict[str, Any] = {
    "previous_response_id": str,
    "instructions": str,
    "text": dict[str, Any],
    "session": dict[str, Any],
    "expire_at": Annotated[Whole, within(0, float("inf"), words="of seconds since 1970")],
    SWITCH: Switch,
}
"""What a call may give besides the model's fields."""


# --- the body -----------------------------------------------------------------------------------------------


def write_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write the parameters of a call as fields of the request's body.

    Args:
        given: The parameters, in the chat API's form where both APIs have one.

    Returns:
        The body without its input.

    Raises:
        ValueError: Two of them exclude each other; the text names both.
    """
    body = {name: value for name, value in given.items() if value is not None and name not in _DROPPED}
    finish_options(body)
    refuse_contradictions(body)
    _rename_limit(body)
    _rename_reasoning(body)
    _rename_format(body)
    if "tools" in body:
        body["tools"] = flat_tools(body["tools"])
    if "tool_choice" in body:
        body["tool_choice"] = flat_choice(body["tool_choice"])
    if isinstance(body.get("caching"), str):
        body["caching"] = {"type": body["caching"]}
    _write_expiry(body)
    _write_edits(body)
    return body


_DROPPED = frozenset({SWITCH, CHAINS, "stop", "stream", "messages", *CHAT_ONLY})


def _rename_limit(body: dict[str, Any]) -> None:
    """Both of LangChain's names mean answer and thinking together here."""
    for name in ("max_tokens", "max_completion_tokens"):
        if name in body:
            _set_once(body, "max_output_tokens", body.pop(name), name)


def _rename_reasoning(body: dict[str, Any]) -> None:
    if "reasoning_effort" in body:
        _set_once(body, "reasoning", {"effort": body.pop("reasoning_effort")}, "reasoning_effort")


def _rename_format(body: dict[str, Any]) -> None:
    if "response_format" not in body:
        return
    chosen = body.pop("response_format")
    inner = chosen.get("json_schema") if isinstance(chosen, dict) else None
    flat = {"type": chosen["type"], **inner} if isinstance(inner, dict) else chosen
    _set_once(body, "text", {"format": flat}, "response_format")


def _set_once(body: dict[str, Any], name: str, value: Any, source: str) -> None:
    if name in body:
        raise ValueError(f"{source} and {name} exclude each other: they mean the same. Leave one out.")
    body[name] = value


def _write_expiry(body: dict[str, Any]) -> None:
    """Write `expire_at`, computed anew for each request from the model's `expire_in`."""
    life = body.pop("expire_in", None)
    if life is None:
        return
    _set_once(body, "expire_at", int(time.time() + life), "expire_in")


def _write_edits(body: dict[str, Any]) -> None:
    management = body.get("context_management")
    if management is None:
        return
    wrapped = {"edits": management} if isinstance(management, list) else dict(management)
    edits = wrapped.get("edits")
    if isinstance(edits, list):
        # The order in the vendor's samples.
        wrapped["edits"] = sorted(edits, key=lambda one: isinstance(one, dict) and one.get("type") != _EDITS_FIRST)
    body["context_management"] = wrapped


# --- what is refused ----------------------------------------------------------------------------------------


def is_cached(body: Mapping[str, Any]) -> bool:
    """Whether a request, or the parameters of a call, writes into the explicit cache."""
    caching = body.get("caching")
    kind = caching.get("type") if isinstance(caching, dict) else caching
    return bool(kind == "enabled")


def asks_for_schema(body: Mapping[str, Any]) -> bool:
    """Whether a request wants an answer to a JSON schema."""
    return bool(_format_type(body) == "json_schema")


def _format_type(body: Mapping[str, Any]) -> Any:
    text = body.get("text")
    chosen = text.get("format") if isinstance(text, dict) else None
    return chosen.get("type") if isinstance(chosen, dict) else None


def refuse_options(body: dict[str, Any]) -> None:
    """Refuse what the service would refuse for certain.

    Args:
        body: The whole body; `caching` is taken out where it is off and the answer has a JSON schema, for the
            service refuses even that.

    Raises:
        ValueError: Names both fields.
    """
    tools = body.get("tools") or []
    refuse_tools_apart(tools, body)
    if not is_cached(body):
        if asks_for_schema(body):
            body.pop("caching", None)
        return
    if body.get("instructions"):
        raise ValueError("instructions and caching exclude each other: put them into a system message.")
    if hosted := service_tools(tools):
        raise ValueError(f"caching and the tool {hosted[0]} exclude each other.")
    if asks_for_schema(body):
        raise ValueError(
            'caching and the response_format json_schema exclude each other: use method="function_calling".'
        )
    if body.get("store") is False:
        raise ValueError("caching and store=False exclude each other: the cache is a stored response.")


def refuse_partial(body: Mapping[str, Any]) -> None:
    """Refuse a partial answer that the service would not continue.

    Raises:
        ValueError: Names what excludes it.
    """
    if is_cached(body):
        raise ValueError(
            "the last message is the assistant's, and caching cannot be used to continue a partial answer."
        )
    if _format_type(body) in ("json_object", "json_schema"):
        raise ValueError("the last message is the assistant's, and a partial answer cannot be continued as JSON.")
