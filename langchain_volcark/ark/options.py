"""Validates a request's options, converts them to the API's form, and refuses contradictory ones.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from langchain_volcark.ark.schemas import rewrite_response_format
from langchain_volcark.base.values import Number, check_value, must_be, read_stop, shown, within
from langchain_volcark.wires.structured_output import json_schema_format

MAX_STOPS = 4
"""Maximum number of stop sequences."""
MAX_BIAS = 100
"""Maximum absolute value in `logit_bias`."""


def read_four_stops(value: Any) -> list[str] | str | None:
    """Validate up to four stop sequences.

    Raises:
        ValueError: There are more.
    """
    return None if value is None else read_stop(value, at_most=MAX_STOPS)


_Bias = Annotated[Number, within(-MAX_BIAS, MAX_BIAS)]


def _read_bias(value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise must_be("a dictionary of token ids and numbers")
    bias = {}
    for token, number in value.items():
        if isinstance(token, bool) or not isinstance(token, (int, str)):
            raise ValueError(f"logit_bias: {shown(token)} is no token id.")  # noqa: TRY004
        # Token ids are numbers, but keys of JSON objects are strings.
        bias[str(token)] = check_value(_Bias, f"logit_bias.{token}", number)
    return bias


LogitBias = Annotated[dict[str, float], PlainValidator(_read_bias, json_schema_input_type=dict[str, float])]
"""Token id to the value that is added to its logit, -100 to 100."""


def finish_options(body: dict[str, Any]) -> None:
    """Convert options to the API's form: `thinking` given as a mode, `response_format` given as a class.

    Args:
        body: The request body, changed in place.
    """
    if isinstance(body.get("thinking"), str):
        body["thinking"] = {"type": body["thinking"]}
    response_format = body.get("response_format")
    if response_format is not None:
        # A pydantic class or TypedDict becomes its JSON schema.
        as_dict = response_format if isinstance(response_format, dict) else json_schema_format(response_format)
        body["response_format"] = rewrite_response_format(as_dict)


def refuse_contradictions(body: Mapping[str, Any]) -> None:
    """Refuse combinations of fields that the service refuses, or whose result a stream cannot hold.

    Args:
        body: The request body.

    Raises:
        ValueError: Two fields contradict each other; the text names both.
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
    if body.get("top_logprobs") and not body.get("logprobs"):  # 0 is the documented default
        raise ValueError("top_logprobs needs logprobs=True.")
    if body.get("stream") and (body.get("n") or 1) != 1:
        raise ValueError(
            f"n={body['n']} and stream exclude each other: a stream holds one answer. Use generate() with "
            "disable_streaming=True, or leave n out."
        )
