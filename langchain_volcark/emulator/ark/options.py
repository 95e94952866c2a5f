"""Validates sampling parameters, limits and other options of chat requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool, check_choice, check_fields, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, unsupported
from langchain_volcark.emulator.ark.thinking import thinks

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

# The documented maximum, raised for models with longer answers.
_MAX_COMPLETION_TOKENS = 65536
_MAX_STOPS = 4
_MAX_CHOICES = 128
_BIGGEST = float("inf")


def check_options(body: dict[str, Any], model: Model) -> None:
    """Check all fields other than messages, tools and response format."""
    check_number(body, "temperature", 0, 2)
    check_number(body, "top_p", 0, 1)
    check_number(body, "frequency_penalty", -2, 2)
    check_number(body, "presence_penalty", -2, 2)
    check_number(body, "repetition_penalty", 0, _BIGGEST)
    check_number(body, "n", 1, _MAX_CHOICES, whole=True)
    check_number(body, "seed", -_BIGGEST, _BIGGEST, whole=True)
    check_number(body, "top_k", 0, _BIGGEST, whole=True)
    check_bool(body, "parallel_tool_calls")
    check_choice(body, "service_tier", ("auto", "default", "fast"))
    if not isinstance(body.get("user", ""), str):
        raise invalid("user", "expected a string")
    _check_limits(body, model)
    _check_stop(body.get("stop"))
    _check_streaming(body)
    _check_logprobs(body, model)


def _check_limits(body: dict[str, Any], model: Model) -> None:
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise ArkError(
            400,
            "InvalidParameter",
            "max_tokens and max_completion_tokens cannot be set at the same time.",
            "max_completion_tokens",
        )
    check_number(body, "max_tokens", 1, model.max_answer, whole=True)
    check_number(body, "max_completion_tokens", 1, max(_MAX_COMPLETION_TOKENS, model.max_answer), whole=True)


def _check_stop(stop: Any) -> None:
    sequences = stop if isinstance(stop, list) else [stop] if stop is not None else []
    if not all(isinstance(one, str) for one in sequences):
        raise invalid("stop", "expected a string or a list of strings")
    if len(sequences) > _MAX_STOPS:
        raise invalid("stop", f"at most {_MAX_STOPS} sequences are allowed")


def _check_streaming(body: dict[str, Any]) -> None:
    check_bool(body, "stream")
    options = body.get("stream_options")
    if options is None:
        return
    if not body.get("stream"):
        raise invalid("stream_options", "only allowed when stream is true")
    check_fields(options, frozenset({"include_usage", "chunk_include_usage"}), "stream_options")
    for name in ("include_usage", "chunk_include_usage"):
        check_bool(options, name, "stream_options.")


def _check_logprobs(body: dict[str, Any], model: Model) -> None:
    check_bool(body, "logprobs")
    check_number(body, "top_logprobs", 0, 20, whole=True)
    if "top_logprobs" in body and not body.get("logprobs"):
        raise invalid("top_logprobs", "only allowed when logprobs is true")
    if body.get("logprobs") and (model.deep_thinking or thinks(body, model)):
        raise unsupported("logprobs", model.id)
    bias = body.get("logit_bias")
    if bias is None:
        return
    if model.deep_thinking:
        raise unsupported("logit_bias", model.id)
    if not isinstance(bias, dict) or not all(key.isdigit() for key in bias):
        raise invalid("logit_bias", "expected a map from token ids to numbers")
    for key in bias:
        check_number(bias, key, -100, 100, path="logit_bias.")
