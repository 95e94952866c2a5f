"""Validates V2 chat requests and sets defaults.

https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_volcark.emulator.ark.errors import ArkError
from langchain_volcark.emulator.ark.messages import text_of
from langchain_volcark.emulator.ark.models import Model
from langchain_volcark.emulator.ark.request import ChatRequest
from langchain_volcark.emulator.ark.tools import check_forced_call, check_tools
from langchain_volcark.emulator.qianfan.errors import MAX_CHARACTERS, V2Error, invalid, too_long
from langchain_volcark.emulator.qianfan.models import MODELS, OFFLINE_MODEL, V2Model
from langchain_volcark.emulator.qianfan.v2_messages import check_messages

_FIELDS = frozenset(
    {
        "model", "messages", "stream", "stream_options", "temperature", "top_p", "penalty_score",
        "frequency_penalty", "presence_penalty", "repetition_penalty", "max_tokens", "max_completion_tokens",
        "seed", "stop", "user", "tools", "tool_choice", "parallel_tool_calls", "response_format", "web_search",
        "thinking", "enable_thinking", "logprobs", "top_logprobs", "metadata",
        # The official SDK adds this field to every body.
        "extra_parameters",
    }
)  # fmt: skip
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "penalty_score": (1, 2),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "max_tokens": (1, 1_000_000),
    "max_completion_tokens": (1, 1_000_000),
}
_OF_OTHERS = ("frequency_penalty", "presence_penalty", "repetition_penalty")
_SEARCH_FIELDS = frozenset(
    {
        "enable",
        "enable_trace",
        "enable_status",
        "enable_citation",
        "search_mode",
        "search_number",
        "reference_number",
    }
)


@dataclass(frozen=True)
class V2Request:
    """A valid request; the answer is generated from `chat`."""

    model: V2Model
    chat: ChatRequest
    body: dict[str, Any]

    @property
    def search(self) -> dict[str, Any]:
        """The web search options; empty without a search."""
        search = self.body.get("web_search") or {}
        return search if search.get("enable") else {}


def find_model(name: Any) -> V2Model:
    """Return the model with an id."""
    if not name:
        raise V2Error(400, "invalid_model", "model can not be empty")
    if name == OFFLINE_MODEL:
        raise V2Error(403, "model_offline", f"The model {name} is offline")
    model = MODELS.get(name) if isinstance(name, str) else None
    if model is None:
        raise V2Error(401, "invalid_model", f"No permission to use the model {name}, or it does not exist")
    return model


def read_chat_request(sent: dict[str, Any]) -> V2Request:
    """Check a parsed body.

    Raises:
        V2Error: The request is invalid.
    """
    body = {name: value for name, value in sent.items() if value is not None}
    model = find_model(body.get("model"))
    if strangers := body.keys() - _FIELDS:
        raise invalid(f"unknown parameters: {', '.join(sorted(strangers))}")
    messages = check_messages(body.get("messages"), model)
    if sum(len(text_of(message)) for message in messages) > MAX_CHARACTERS:
        raise too_long()
    _check_numbers(body, model)
    _check_format(body, model)
    _check_search(body)
    thinking = _thinks(body, model)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise invalid("stream_options is only allowed with stream")
    inputs = frozenset({"text", "image", "video"} if model.images else {"text"})
    ark_model = Model(model.id, inputs=inputs, forced_calls="not_thinking", thinking="off")
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    try:
        check_tools(body, ark_model)
        check_forced_call(body, ark_model, thinking=thinking)
    except ArkError as error:
        raise invalid(error.message) from None
    return V2Request(model, ChatRequest(ark_model, messages, body, thinking), body)


def _check_numbers(body: dict[str, Any], model: V2Model) -> None:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise invalid(f"{name} must be between {low} and {high}")
    wrong = [name for name in _OF_OTHERS if name in body] if model.ernie else []
    if "penalty_score" in body and not model.ernie:
        wrong = ["penalty_score"]
    if wrong:
        raise V2Error(401, "no_parameter_permission", f"{model.id} does not take {', '.join(wrong)}")


def _thinks(body: dict[str, Any], model: V2Model) -> bool:
    for name in ("thinking", "enable_thinking"):
        if name in body and model.switch != name:
            raise invalid(f"{model.id} does not take {name}")
    if "enable_thinking" in body:
        return bool(body["enable_thinking"])
    if "thinking" not in body:
        return model.thinks
    kind = body["thinking"].get("type") if isinstance(body["thinking"], dict) else None
    if kind not in ("enabled", "disabled"):
        raise invalid("thinking.type must be enabled or disabled")
    return bool(kind == "enabled")


def _check_format(body: dict[str, Any], model: V2Model) -> None:
    wanted = body.get("response_format")
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise invalid("response_format.type must be text, json_object or json_schema")
    if kind == "json_schema":
        schema = wanted.get("json_schema")
        if not model.json_schema:
            raise invalid(f"{model.id} does not support json_schema")
        if not isinstance(schema, dict) or not isinstance(schema.get("schema"), dict):
            raise invalid("response_format.json_schema needs a schema")


def _check_search(body: dict[str, Any]) -> None:
    search = body.get("web_search")
    if search is None:
        return
    if not isinstance(search, dict) or search.keys() - _SEARCH_FIELDS:
        raise invalid(f"web_search must be an object of {sorted(_SEARCH_FIELDS)}")
    found, used = search.get("search_number", 10), search.get("reference_number", 10)
    if not (1 <= found <= 28 and 1 <= used <= 28) or ("reference_number" in search and used > found):
        raise invalid("search_number and reference_number must be 1 to 28, the second not above the first")
