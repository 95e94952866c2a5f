"""The options of a request: a call's own values checked like the constructor's, contradictions refused.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from langchain_volcark.ark.schemas import rewrite_response_format
from langchain_volcark.structured_output import json_schema_format

if TYPE_CHECKING:
    from langchain_volcark.chat_model import HTTPChatModel

MAX_STOPS = 4
"""How many texts to stop at the service takes."""

# Also a class per call, which stands for its schema.
_UNTYPED = frozenset({"response_format"})


def check_values(model: type[HTTPChatModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Hold a call's keyword arguments to the types of the model's fields.

    Args:
        model: The model's class.
        values: The keyword arguments; None takes a field back for the call.

    Returns:
        The same, read as the constructor would read them. What is no field passes as it is.

    Raises:
        ValueError: Names the field and says what is wrong with its value.
    """
    checked = dict(values)
    for name in checked.keys() & set(model.body_fields) - _UNTYPED:
        if checked[name] is not None:
            checked[name] = _check(model, name, checked[name])
    return checked


def _check(model: type[HTTPChatModel], name: str, value: Any) -> Any:
    try:
        return _adapter(model, name).validate_python(value)
    except ValidationError as error:
        problems = "; ".join(one["msg"] for one in error.errors(include_url=False, include_context=False))
        raise ValueError(f"{name}={value!r}: {problems}.") from None


@functools.lru_cache(maxsize=256)
def _adapter(model: type[HTTPChatModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    parts: Any = (field.annotation, *field.metadata)
    return TypeAdapter(Annotated[parts] if field.metadata else field.annotation)  # type: ignore[arg-type]


def check_stop(stop: list[str] | str | None) -> None:
    """Refuse more texts to stop at than the service takes.

    Raises:
        ValueError: There are too many.
    """
    if isinstance(stop, list) and len(stop) > MAX_STOPS:
        raise ValueError(f"stop takes at most {MAX_STOPS} texts, not {len(stop)}.")


def finish_options(body: dict[str, Any]) -> None:
    """Write options in the API's own form where the user gave LangChain's.

    Args:
        body: The request's body, changed in place: `thinking` as a word, `response_format` as a class.
    """
    if isinstance(body.get("thinking"), str):
        body["thinking"] = {"type": body["thinking"]}
    wanted = body.get("response_format")
    if wanted is not None:
        # A pydantic class or TypedDict stands for its JSON schema.
        as_dict = wanted if isinstance(wanted, dict) else json_schema_format(wanted)
        body["response_format"] = rewrite_response_format(as_dict)


def refuse_contradictions(body: Mapping[str, Any]) -> None:
    """Refuse what the service would refuse for certain, and what a stream could not give back.

    Args:
        body: The request's body.

    Raises:
        ValueError: Names both fields.
    """
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise ValueError(
            "max_tokens and max_completion_tokens exclude each other: the first bounds the answer alone, "
            "the second answer and thinking together. Set one; None for a call takes the model's own back."
        )
    thinking = body.get("thinking")
    effort = body.get("reasoning_effort")
    disabled = isinstance(thinking, Mapping) and thinking.get("type") == "disabled"
    if disabled and effort not in (None, "none", "minimal"):
        raise ValueError(
            f"thinking is disabled but reasoning_effort is {effort!r}: leave reasoning_effort out, or enable "
            "thinking."
        )
    if "stream_options" in body and not body.get("stream"):
        raise ValueError("stream_options needs stream: use stream() or astream(), or leave stream_options out.")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise ValueError("top_logprobs needs logprobs=True.")
    if body.get("stream") and (body.get("n") or 1) != 1:
        raise ValueError(
            f"n={body['n']} and stream exclude each other: a stream holds one answer. Use generate() with "
            "disable_streaming=True, or leave n out."
        )
