"""A request for a response: every rule checked, and the same request as Chat would have it.

Responses API: https://www.volcengine.com/docs/82379/1569618. Caching:
https://www.volcengine.com/docs/82379/1602228.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_bool
from langchain_volcark.emulator.ark.errors import ArkError, invalid
from langchain_volcark.emulator.ark.messages import text_of
from langchain_volcark.emulator.ark.request import ChatRequest
from langchain_volcark.emulator.ark.responses.checks import known, without_nulls
from langchain_volcark.emulator.ark.responses.conversation import messages_of
from langchain_volcark.emulator.ark.responses.items import check_input, check_results
from langchain_volcark.emulator.ark.responses.options import (
    DEFAULT_MAX_OUTPUT,
    ENCRYPTED,
    check_format,
    check_options,
)
from langchain_volcark.emulator.ark.responses.tools import (
    check_choice,
    check_tools,
    enabled_features,
    functions_of,
    hosted_of,
)
from langchain_volcark.emulator.ark.tools import check_forced_call
from langchain_volcark.emulator.moderation import is_sensitive

if TYPE_CHECKING:
    from collections.abc import Collection as Container

    from langchain_volcark.emulator.ark.models import Model
    from langchain_volcark.emulator.ark.responses.store import Store, Stored

Json = dict[str, Any]

_FIELDS = frozenset(
    {
        "model", "input", "instructions", "previous_response_id", "store", "caching", "expire_at",
        "max_output_tokens", "thinking", "reasoning", "include", "text", "tools", "tool_choice",
        "parallel_tool_calls", "max_tool_calls", "context_management", "temperature", "top_p", "service_tier",
        "prompt_cache_key", "safety_identifier", "session", "stream",
    }
)  # fmt: skip
_DAY = 86_400
_DEFAULT_LIFE, _LONGEST_LIFE = 3 * _DAY, 7 * _DAY
_FIRST_VERSION, _SUMMARISED_SINCE = "250615", "260415"
_VERSION = re.compile(r"-(\d{6})$")
_NO_RESPONSES = ("doubao-1-5-pro-32k-character",)


@dataclass(frozen=True)
class ResponsesRequest:
    """A request that passed the rules.

    Attributes:
        model: The model.
        name: The model or endpoint as the caller named it.
        body: The fields without nulls.
        items: The new input.
        context: What a chain brings in before it.
        previous: The response it goes on from.
        tools: Its tools, or those that a cached chain brings in.
        chat: The same request as Chat would have it, the functions its only tools.
        now: The server's time, in Unix seconds.
    """

    model: Model
    name: str
    body: Json
    items: list[Json]
    context: list[Json]
    previous: Stored | None
    tools: list[Json]
    chat: ChatRequest
    now: int

    @property
    def stream(self) -> bool:
        """Whether the reply is a stream."""
        return bool(self.body.get("stream"))

    @property
    def stores(self) -> bool:
        """Whether the response is kept."""
        return bool(self.body.get("store", True))

    @property
    def caches(self) -> bool:
        """Whether this turn is written into the cache."""
        return bool(self.body.get("caching", {}).get("type") == "enabled")

    @property
    def makes_prefix(self) -> bool:
        """Whether it only makes a prefix for others to go on from."""
        return bool(self.body.get("caching", {}).get("prefix"))

    @property
    def expire_at(self) -> int:
        """When the response is gone."""
        return int(self.body.get("expire_at", self.now + _DEFAULT_LIFE))

    @property
    def hosted(self) -> list[Json]:
        """Its hosted tools."""
        return hosted_of(self.tools)

    @property
    def choice(self) -> Any:
        """`none`, `auto`, `required`, or the object that names a tool."""
        return self.body.get("tool_choice", "auto")

    @property
    def summarises(self) -> bool:
        """Whether the model shows a summary of its thinking, not the thinking itself."""
        version = _VERSION.search(self.model.id)
        newer = version is not None and version[1] >= _SUMMARISED_SINCE
        return self.model.id.startswith("doubao-seed-") and (newer or version is None)

    @property
    def seals(self) -> bool:
        """Whether the thinking comes as an opaque blob besides."""
        return self.summarises and ENCRYPTED in self.body.get("include", ())

    @property
    def max_output(self) -> int:
        """How many tokens thinking and answer may have."""
        return int(self.body.get("max_output_tokens", min(DEFAULT_MAX_OUTPUT, self.model.max_answer)))


def read_request(
    sent: Json, name: str, model: Model, store: Store, now: int, closed: Container[str]
) -> ResponsesRequest:
    """Check a parsed body against the rules.

    Args:
        sent: The JSON body.
        name: The model or endpoint it names.
        model: What that is.
        store: The responses it may go on from.
        now: The server's time, in Unix seconds.
        closed: The hosted tools that the account has not activated.

    Raises:
        ArkError: It breaks one.
    """
    body = known(without_nulls(sent), _FIELDS, "body")
    _check_model(model)
    items = check_input(body.get("input"), model)
    thinking = check_options(body, model)
    tools = check_tools(body.get("tools"), model, closed)
    _check_storage(body, now)
    previous = None
    context: list[Json] = []
    if body.get("previous_response_id"):
        previous = store.previous(body["previous_response_id"], name, now)
        context = store.context(previous, now)
    _check_caching(body, tools, items, previous)
    check_results(context, items)
    if previous is not None and previous.in_cache:
        tools = store.tools(previous, now)
    _check_approvals(context, items, tools)
    check_choice(body.get("tool_choice"), tools)
    _check_doubao(body, tools, items)
    chat = _as_chat(body, model, [*context, *items], tools, thinking=thinking)
    return ResponsesRequest(model, name, body, items, context, previous, tools, chat, now)


def _check_model(model: Model) -> None:
    version = _VERSION.search(model.id)
    if model.id.startswith(_NO_RESPONSES) or (version is not None and version[1] < _FIRST_VERSION):
        raise ArkError(400, "InvalidParameter", f"The model {model.id} does not support this api.", "model")


def _check_storage(body: Json, now: int) -> None:
    expiry = body.get("expire_at")
    if expiry is None:
        return
    if not isinstance(expiry, int) or isinstance(expiry, bool):
        raise invalid("expire_at", "expected Unix seconds")
    if not now < expiry <= now + _LONGEST_LIFE:
        raise invalid("expire_at", f"expected a time after now and within {_LONGEST_LIFE} seconds")


def _check_caching(body: Json, tools: list[Json], items: list[Json], previous: Stored | None) -> None:
    """What caching does not go with, in this request and along the chain."""
    caching = known(body.get("caching", {}), frozenset({"type", "prefix"}), "caching")
    if caching.get("type", "disabled") not in ("enabled", "disabled"):
        raise invalid("caching.type", "expected enabled or disabled")
    check_bool(caching, "prefix", "caching.")
    enabled = caching.get("type") == "enabled"
    if _wants_schema(body) and ("caching" in body or (previous is not None and previous.in_cache)):
        raise invalid("text.format.type", "json_schema cannot be combined with caching")
    if caching.get("prefix"):
        if not enabled:
            raise invalid("caching.prefix", "only allowed when caching.type is enabled")
        if body.get("stream"):
            raise invalid("stream", "a prefix cache cannot be created with stream")
    if enabled:
        _check_cached_turn(body, tools, items, previous)
    if previous is not None and previous.in_cache:
        if "tools" in body:
            raise invalid("tools", "along a cached chain tools can be set in the first turn only")
        if body.get("thinking") != previous.thinking:
            raise invalid("thinking", "it must be the same along a cached chain")


def _wants_schema(body: Json) -> bool:
    text = body.get("text")
    wanted = text.get("format") if isinstance(text, dict) else None
    return isinstance(wanted, dict) and wanted.get("type") == "json_schema"


def _check_cached_turn(body: Json, tools: list[Json], items: list[Json], previous: Stored | None) -> None:
    if body.get("store") is False:
        raise invalid("store", "it must be true when caching is enabled")
    if "instructions" in body:
        raise invalid("instructions", "not allowed when caching is enabled")
    if hosted_of(tools):
        raise invalid("tools", "hosted tools are not allowed when caching is enabled")
    if items[-1].get("partial"):
        raise invalid("input", "a partial message is not allowed when caching is enabled")
    if previous is not None and not previous.cached:
        raise invalid("caching", "every earlier turn of the chain must have had caching enabled")


def _check_approvals(context: list[Json], items: list[Json], tools: list[Json]) -> None:
    """An answer to a request for approval needs the request, and its server declared again."""
    asked = {item["id"]: item for item in (*context, *items) if item["type"] == "mcp_approval_request"}
    declared = {tool["server_label"] for tool in tools if tool["type"] == "mcp"}
    for place, item in enumerate(items):
        if item["type"] != "mcp_approval_response":
            continue
        wanted = asked.get(item["approval_request_id"])
        if wanted is None:
            raise invalid(f"input[{place}].approval_request_id", "there is no such request for approval")
        if wanted["server_label"] not in declared:
            raise invalid("tools", f"the MCP server {wanted['server_label']} is not declared")


def _check_doubao(body: Json, tools: list[Json], items: list[Json]) -> None:
    app = next((tool for tool in tools if tool["type"] == "doubao_app"), None)
    if app is None:
        return
    if "max_tool_calls" in body:
        raise invalid("max_tool_calls", "not allowed with doubao_app")
    (feature,) = enabled_features(app)
    system = "instructions" in body or any(item.get("role") in ("system", "developer") for item in items)
    if system and app["feature"][feature].get("role_description"):
        raise invalid("tools", "role_description is not allowed beside a system message or instructions")


def _as_chat(body: Json, model: Model, items: list[Json], tools: list[Json], *, thinking: bool) -> ChatRequest:
    messages = messages_of(items, body.get("instructions"))
    texts = [text_of(message) for message in messages]
    chat: Json = {
        name: body[name] for name in ("temperature", "top_p", "thinking", "parallel_tool_calls") if name in body
    }
    # Thinking counts in this limit, as it does in Chat's newer one.
    chat["max_completion_tokens"] = body.get("max_output_tokens", min(DEFAULT_MAX_OUTPUT, model.max_answer))
    if "effort" in body.get("reasoning", {}):
        chat["reasoning_effort"] = body["reasoning"]["effort"]
    if functions := functions_of(tools):
        chat["tools"] = [_as_chat_tool(one) for one in functions]
        chat["tool_choice"] = _as_chat_choice(body.get("tool_choice", "auto"))
    partial = bool(items[-1].get("partial"))
    if (wanted := check_format(body, model, texts)) is not None:
        if partial:
            raise invalid("text.format.type", "not allowed with a partial message")
        chat["response_format"] = wanted
    if any(is_sensitive(text) for text in texts):
        raise ArkError(
            400,
            "InputTextSensitiveContentDetected",
            "The request failed because the input text may contain sensitive information.",
        )
    # A begun answer leaves no room for thinking.
    thinking = thinking and not partial
    check_forced_call(body, model, thinking=thinking)
    return ChatRequest(model, messages, chat, thinking)


def _as_chat_tool(function: Json) -> Json:
    kept = {name: function[name] for name in ("name", "description", "parameters", "strict") if name in function}
    return {"type": "function", "function": kept}


def _as_chat_choice(choice: Any) -> Any:
    """A choice among functions; one of a hosted tool leaves them out."""
    if isinstance(choice, str):
        return choice
    return {"type": "function", "function": {"name": choice["name"]}} if choice["type"] == "function" else "none"
