"""Which of Ark's two APIs a call goes to: decided by what it asks for, never by its history."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark import ChatArk, ChatArkBot, hosted_tools
from langchain_volcark.ark.responses.routing import CHAT_ONLY, RESPONSES_ONLY, refuse_responses, uses_responses
from langchain_volcark.wires.wire import ModelCall

FUNCTION = {"type": "function", "function": {"name": "f"}}


def call(model: str = "doubao-seed-2-1-pro-260915", raw: dict[str, Any] | None = None, **given: Any) -> ModelCall:
    return ModelCall((), model, {**given, **(raw or {})}, raw=raw or {})


@pytest.mark.parametrize("name", RESPONSES_ONLY)
def test_each_field_of_the_responses_api_decides_for_it(name: str) -> None:
    assert uses_responses(call(**{name: 1}))
    assert uses_responses(call(raw={name: 1}))
    assert not uses_responses(call(**{name: None}))
    with pytest.raises(ValueError, match=f"{name} and use_responses_api=False"):
        uses_responses(call(**{name: 1}, use_responses_api=False))
    assert not uses_responses(call(raw={name: 1}, use_responses_api=False)), "extra_body is the caller's own"


@pytest.mark.parametrize("name", CHAT_ONLY)
def test_each_field_of_the_chat_api_excludes_the_other(name: str) -> None:
    assert not uses_responses(call(**{name: 2}))
    with pytest.raises(ValueError, match=f"{name} and use_responses_api=True"):
        uses_responses(call(**{name: 2}, use_responses_api=True))
    with pytest.raises(ValueError, match=f"store and {name}"):
        uses_responses(call(store=True, **{name: 2}))


def test_documented_defaults_are_no_contradiction() -> None:
    assert uses_responses(call(n=1, logprobs=False, frequency_penalty=0, use_responses_api=True))


@pytest.mark.parametrize(
    ("given", "responses"),
    [
        ({}, False),
        ({"tools": [FUNCTION], "temperature": 0, "thinking": "enabled", "stop": ["a"]}, False),
        ({"tools": [FUNCTION, hosted_tools.web_search()]}, True),
        ({"use_previous_response_id": True}, True),
        ({"use_previous_response_id": False}, False),
        ({"use_responses_api": True}, True),
        ({"use_responses_api": False}, False),
    ],
)
def test_what_a_call_asks_for_decides(given: dict[str, Any], responses: bool) -> None:
    assert uses_responses(call(**given)) is responses


def test_a_model_of_one_api_decides() -> None:
    assert uses_responses(call(model="doubao-seed-translation-250915"))


def test_a_hosted_tool_and_the_switch_are_named() -> None:
    with pytest.raises(ValueError, match="web_search and use_responses_api=False"):
        uses_responses(call(tools=[hosted_tools.web_search()], use_responses_api=False))


@pytest.mark.parametrize(
    "given", [{"use_responses_api": True}, {"store": False}, {"use_previous_response_id": True}]
)
def test_a_service_without_the_api_refuses_it(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        refuse_responses(given, {})
    refuse_responses({"use_responses_api": False, "temperature": 1}, {})


@pytest.mark.parametrize(
    ("settings", "arguments", "api"),
    [
        ({}, {}, "chat_completions"),
        ({"store": False}, {}, "responses"),
        ({}, {"store": False}, "responses"),
        ({"extra_body": {"store": False}}, {}, "responses"),
        ({}, {"extra_body": {"store": False}}, "responses"),
        ({}, {"tools": [hosted_tools.web_search()]}, "responses"),
        ({"use_responses_api": True}, {"use_responses_api": False}, "chat_completions"),
        ({}, {"model": "doubao-seed-translation-250915"}, "responses"),
        ({}, {"extra_body": "no dictionary", "tools": 5}, "chat_completions"),
    ],
)
def test_traces_show_the_api(settings: dict[str, Any], arguments: dict[str, Any], api: str) -> None:
    model = ChatArk(model="doubao-seed-2-1-pro-260915", **settings)
    assert model._get_ls_params(**arguments)["ark_api"] == api


def test_traces_show_that_a_bot_is_called() -> None:
    assert ChatArkBot(model="bot-1")._get_ls_params()["ark_api"] == "bots"
