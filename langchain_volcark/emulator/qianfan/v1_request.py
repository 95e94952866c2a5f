"""Validates V1 chat requests.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_volcark.emulator.ark.models import Model
from langchain_volcark.emulator.ark.request import ChatRequest
from langchain_volcark.emulator.qianfan.errors import V1Error, invalid_param
from langchain_volcark.emulator.qianfan.models import is_preset
from langchain_volcark.emulator.qianfan.v1_messages import check_messages, with_tools

_CUSTOM = frozenset(
    {
        "messages", "stream", "temperature", "top_k", "top_p", "penalty_score", "stop", "user_id", "system",
        "max_output_tokens",
        # The official SDK adds this field to every body.
        "extra_parameters",
    }
)  # fmt: skip
_PRESET = _CUSTOM | {
    "min_output_tokens", "functions", "tool_choice", "tools", "disable_search", "enable_citation", "enable_trace",
    "response_format", "frequency_penalty", "presence_penalty", "user_setting", "enable_system_memory",
    "system_memory_id", "enable_user_memory", "user_memory_extract_level",
}  # fmt: skip


@dataclass(frozen=True)
class V1Request:
    """A valid request; the answer is generated from `chat`."""

    endpoint: str
    chat: ChatRequest
    body: dict[str, Any]

    @property
    def searches(self) -> bool:
        """Whether to return search results."""
        return not self.body.get("disable_search") and bool(
            self.body.get("enable_citation") or self.body.get("enable_trace")
        )


def read_chat_request(sent: dict[str, Any], endpoint: str) -> V1Request:
    """Check a parsed body.

    Raises:
        V1Error: The request is invalid.
    """
    body = {name: value for name, value in sent.items() if value is not None}
    known = _PRESET if is_preset(endpoint) else _CUSTOM
    if strangers := body.keys() - known:
        raise V1Error(336001, f"Invalid argument: {', '.join(sorted(strangers))}")
    messages = check_messages(body.get("messages"), endpoint)
    if not isinstance(body.get("system", ""), str):
        raise V1Error(336104, "the system is invalid")
    _check_ranges(body)
    _check_functions(body)
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    common: dict[str, Any] = {
        "stop": body.get("stop"),
        "max_tokens": body.get("max_output_tokens"),
        "tools": [{"type": "function", "function": one} for one in body.get("functions", ())] or None,
        "tool_choice": body.get("tool_choice"),
        "parallel_tool_calls": False,
        "response_format": {"type": body.get("response_format", "text")},
    }
    common = {name: value for name, value in common.items() if value is not None}
    model = Model(endpoint, inputs=frozenset({"text"}), thinking="never")
    return V1Request(endpoint, ChatRequest(model, [*system, *with_tools(messages)], common, thinking=False), body)


def _check_ranges(body: dict[str, Any]) -> None:
    _check_range(body, "temperature", 0, 1, without_low=True)
    _check_range(body, "top_p", 0, 1)
    _check_range(body, "penalty_score", 1, 2)
    top_k = body.get("top_k", 1)
    if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1:
        raise invalid_param("top_k must be a positive integer")
    stop = body.get("stop", [])
    if (
        not isinstance(stop, list)
        or len(stop) > 4
        or any(not isinstance(one, str) or len(one) > 20 for one in stop)
    ):
        raise invalid_param("stop must be a list of at most 4 strings of at most 20 characters")
    if body.get("response_format", "text") not in ("text", "json_object"):
        raise invalid_param("response_format must be text or json_object")


def _check_range(body: dict[str, Any], name: str, low: float, high: float, *, without_low: bool = False) -> None:
    value = body.get(name)
    if value is None:
        return
    in_range = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    if not in_range or (without_low and value == low):
        raise invalid_param(f"{name} must be in {'(' if without_low else '['}{low}, {high}]")


def _check_functions(body: dict[str, Any]) -> None:
    functions = body.get("functions", [])
    names = []
    for function in functions:
        if not isinstance(function, dict) or function.keys() - {
            "name", "description", "parameters", "responses", "examples"
        }:  # fmt: skip
            raise invalid_param("functions: a function has name, description and parameters")
        if not isinstance(function.get("parameters", {}), dict) or not function.get("name"):
            raise invalid_param("functions: a function needs a name and an object of parameters")
        names.append(function["name"])
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") != "function":
        raise invalid_param("tool_choice must name a function")
    if choice.get("function", {}).get("name") not in names:
        raise invalid_param("tool_choice names a function that is not among functions")
