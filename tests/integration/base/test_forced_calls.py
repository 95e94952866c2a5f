"""A choice that forces a call is left out, with a warning, where the model of that request refuses it."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError

THINKER = "deepseek-v4-flash-260425"
CHOICES: list[Any] = [
    "any",
    "required",
    True,
    "city_weather",
    {"type": "function", "function": {"name": "city_weather"}},
]


@tool
def city_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


class Weather(BaseModel):
    """Weather."""

    city: str


Make = Callable[..., Any]


@pytest.fixture
def make(emulator: Emulator) -> Make:
    """Builds a model that talks to the emulator: Ark's, or a bot, or one of Qianfan's."""

    def build(model: str, **fields: Any) -> Any:
        if model.startswith("bot-"):
            return ChatArkBot(model=model, api_key=emulator.api_key, base_url=emulator.ark_base_url, **fields)
        if fields.pop("qianfan", False):
            return ChatQianfan(
                model=model, api_key=emulator.qianfan_api_key, base_url=emulator.qianfan_base_url, **fields
            )
        return ChatArk(model=model, api_key=emulator.api_key, base_url=emulator.ark_base_url, **fields)

    return build


REFUSING: dict[str, dict[str, Any]] = {
    "thinks by itself": {"model": THINKER},
    "glm": {"model": "glm-4-7-251222"},
    "always thinks": {"model": "kimi-k2-thinking-251104"},
    "told to think": {"model": "deepseek-v3-2-251201", "thinking": "enabled"},
    "too old": {"model": "doubao-1-5-pro-32k-250115"},
    "a profile of one's own": {"model": "doubao-seed-2-1-pro-260915", "profile": {"tool_choice": False}},
    "a bot's profile": {"model": "bot-20250407225237-6xv7r", "profile": {"tool_choice": False}},
    "qianfan, told to think": {"model": "deepseek-v4-pro", "thinking": "enabled", "qianfan": True},
    "qianfan, thinks by itself": {"model": "ernie-5.0-thinking-preview", "qianfan": True},
    "qianfan, a profile of one's own": {"model": "ernie-5.1", "profile": {"tool_choice": False}, "qianfan": True},
}
TAKING: dict[str, dict[str, Any]] = {
    "thinks": {"model": "doubao-seed-2-1-pro-260915"},
    "does not think": {"model": THINKER, "thinking": "disabled"},
    "no effort": {"model": THINKER, "reasoning_effort": "none"},
    "thinks only if told": {"model": "deepseek-v3-2-251201"},
    "a bot": {"model": "bot-20250407225237-6xv7r"},
    "qianfan": {"model": "deepseek-v4-pro", "qianfan": True},
}


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize("case", REFUSING)
def test_bound_choices_are_left_out_where_the_model_refuses_them(
    make: Make, emulator: Emulator, case: str, choice: Any
) -> None:
    model = make(**REFUSING[case])
    bound = model.bind_tools([city_weather], tool_choice=choice)
    for ask in (
        lambda: bound.invoke("Weather?"),
        lambda: asyncio.run(bound.ainvoke("Weather?")),
        lambda: list(bound.stream("Weather?")),
        lambda: list(bound.stream_events("Weather?", version="v3")),
        lambda: model.invoke("Weather?", tools=[city_weather], tool_choice=choice),
    ):
        with pytest.warns(
            UserWarning, match=f"tool_choice=.* is left out, so {model.model_name} may answer without"
        ):
            ask()
        assert "tool_choice" not in emulator.requests[-1].json
        assert emulator.requests[-1].json["tools"]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize("case", TAKING)
def test_bound_choices_are_sent_where_the_model_takes_them(
    make: Make, emulator: Emulator, case: str, choice: Any
) -> None:
    bound = make(**TAKING[case]).bind_tools([city_weather], tool_choice=choice)
    assert bound.invoke("Weather?").tool_calls
    named = {"type": "function", "function": {"name": "city_weather"}}
    assert emulator.requests[-1].json["tool_choice"] == (
        "required" if choice in ("any", "required", True) else named
    )


@pytest.mark.parametrize("case", REFUSING)
def test_an_agents_response_format_forces_no_model_that_refuses(make: Make, emulator: Emulator, case: str) -> None:
    if "doubao-seed" in REFUSING[case]["model"] or case == "always thinks":
        return  # these are asked by their own response format
    agent = create_agent(make(**REFUSING[case]), [], response_format=Weather)
    with pytest.warns(UserWarning, match="is left out"):
        state = agent.invoke({"messages": [("user", "Call Weather with city: 'Bonn'.")]})
    assert state["structured_response"] == Weather(city="Bonn")
    assert "tool_choice" not in emulator.requests[-1].json


@pytest.mark.parametrize("choice", ["auto", "none", None, False])
def test_choices_that_force_nothing_are_sent_as_they_are(make: Make, emulator: Emulator, choice: Any) -> None:
    make(THINKER).bind_tools([city_weather], tool_choice=choice).invoke("Weather?")
    assert emulator.requests[-1].json.get("tool_choice") == (choice or None)


def test_a_calls_own_model_and_thinking_decide(make: Make, emulator: Emulator) -> None:
    bound = make(THINKER).bind_tools([city_weather], tool_choice="any")
    bound.invoke("Weather?", thinking="disabled")
    assert emulator.requests[-1].json["tool_choice"] == "required"
    bound.invoke("Weather?", model="doubao-seed-2-1-pro-260915")
    assert emulator.requests[-1].json["tool_choice"] == "required"
    bound.bind(thinking={"type": "disabled"}).invoke("Weather?")
    assert emulator.requests[-1].json["tool_choice"] == "required"
    bound.invoke("Weather?", extra_body={"thinking": {"type": "disabled"}})
    assert emulator.requests[-1].json["tool_choice"] == "required"
    forced = make("doubao-seed-2-1-pro-260915").bind_tools([city_weather], tool_choice="any")
    with pytest.warns(UserWarning, match=f"{THINKER} may answer without a call"):
        forced.invoke("Weather?", model=THINKER)
    assert "tool_choice" not in emulator.requests[-1].json
    off = make(THINKER, thinking="disabled").bind_tools([city_weather], tool_choice="any")
    with pytest.warns(UserWarning, match="disable thinking"):
        off.invoke("Weather?", thinking="enabled")
    assert "tool_choice" not in emulator.requests[-1].json


def test_a_qianfan_calls_own_model_and_thinking_decide(make: Make, emulator: Emulator) -> None:
    bound = make("deepseek-v4-pro", thinking="enabled", qianfan=True).bind_tools([city_weather], tool_choice="any")
    bound.invoke("Weather?", thinking="disabled")
    assert emulator.requests[-1].json["tool_choice"] == "required"
    plain = make("ernie-5.1", qianfan=True).bind_tools([city_weather], tool_choice="any")
    with pytest.warns(UserWarning, match="disable thinking"):
        plain.invoke("Weather?", model="ernie-5.0-thinking-preview")
    assert "tool_choice" not in emulator.requests[-1].json


def test_what_a_user_puts_into_the_body_is_sent(make: Make, emulator: Emulator) -> None:
    model = make(THINKER).bind_tools([city_weather])
    with pytest.raises(InvalidRequestError, match="thinking mode"):
        model.invoke("Weather?", extra_body={"tool_choice": "required"})
    assert emulator.requests[-1].json["tool_choice"] == "required"


def test_the_warning_is_shown_once_at_the_line_that_called(make: Make) -> None:
    bound = make(THINKER).bind_tools([city_weather], tool_choice="any")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(3):
            bound.invoke("Weather?")
    assert len(told) == 1
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    ("model", "extra", "said"),
    [
        (THINKER, {}, "thinking mode"),
        ("glm-5-2-260617", {}, "thinking mode"),
        ("deepseek-v3-2-251201", {"thinking": {"type": "enabled"}}, "thinking mode"),
        ("doubao-1-5-pro-32k-250115", {}, "not supported by this model"),
    ],
)
def test_the_emulator_refuses_a_forced_call_where_the_documents_do(
    emulator: Emulator, model: str, extra: dict[str, Any], said: str
) -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": function}],
        **extra,
    }
    for choice in ("required", {"type": "function", "function": {"name": "f"}}):
        reply = httpx.post(
            f"{emulator.ark_base_url}/chat/completions",
            json={**body, "tool_choice": choice},
            headers={"Authorization": f"Bearer {emulator.api_key}"},
        )
        assert reply.status_code == 400
        assert reply.json()["error"]["param"] == "tool_choice"
        assert said in reply.json()["error"]["message"]
