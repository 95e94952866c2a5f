"""Every field of the request: sent when set, absent when not, also per call; contradictions and ranges refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ValidationError
from typing_extensions import TypedDict

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator

Make = Callable[..., ChatArk]

REPLY = {
    "id": "r",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
}
PAYLOADS = [
    {"id": "r", "model": "m", "choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]},
    "data: [DONE]",
]

# By the field's name where its type does not say enough: value, and what the body has.
VALUES: dict[str, tuple[Any, Any]] = {
    "thinking": ("enabled", {"type": "enabled"}),
    "reasoning_effort": ("low", "low"),
    "response_format": ({"type": "json_object"}, {"type": "json_object"}),
    "logit_bias": ({1734: -100.0}, {"1734": -100.0}),
    "stream_options": ({"chunk_include_usage": True}, {"chunk_include_usage": True}),
    "n": (1, 1),
}
# What a field cannot go without.
NEEDS = {"top_logprobs": {"logprobs": True}}


def _value(name: str) -> tuple[Any, Any]:
    """A value of the field's own type, and how it stands in the body."""
    if name in VALUES:
        return VALUES[name]
    kinds = get_args(ChatArk.model_fields[name].annotation)
    value: Any = next(
        {bool: False, int: 7, float: 0.5, str: "auto"}[kind] for kind in kinds if kind is not type(None)
    )
    return value, value


def _body(model: ChatArk, emulator: Emulator, /, *, stream: bool, **call: Any) -> dict[str, Any]:
    emulator.reply_next(PAYLOADS if stream else REPLY)
    if stream:
        list(model.stream("Hi", **call))
    else:
        model.invoke("Hi", **call)
    return emulator.requests[-1].json


def _in_streams_alone(name: str) -> bool:
    return name == "stream_options"


def test_nothing_is_sent_that_was_not_set(make: Make, emulator: Emulator) -> None:
    assert set(_body(make(), emulator, stream=False)) == {"model", "messages"}
    body = _body(make(), emulator, stream=True)
    assert set(body) == {"model", "messages", "stream", "stream_options"}
    assert body["stream_options"] == {"include_usage": True}
    assert set(_body(make(stream_usage=False), emulator, stream=True)) == {"model", "messages", "stream"}
    assert set(_body(make(), emulator, stream=True, stream_usage=False)) == {"model", "messages", "stream"}


@pytest.mark.parametrize("name", ChatArk.body_fields)
def test_a_field_set_at_construction_is_sent_and_a_calls_none_takes_it_back(
    make: Make, emulator: Emulator, name: str
) -> None:
    value, written = _value(name)
    stream = _in_streams_alone(name)
    model = make(**{name: value}, stream_usage=False, **NEEDS.get(name, {}))
    assert _body(model, emulator, stream=stream)[name] == written
    assert name not in _body(model, emulator, stream=stream, **{name: None})
    assert _body(model, emulator, stream=stream)[name] == written, "the model object has changed"


@pytest.mark.parametrize("name", ChatArk.body_fields)
def test_a_field_set_per_call_is_sent_with_that_call_alone(make: Make, emulator: Emulator, name: str) -> None:
    value, written = _value(name)
    stream = _in_streams_alone(name)
    model = make(stream_usage=False, **NEEDS.get(name, {}))
    assert _body(model, emulator, stream=stream, **{name: value})[name] == written
    assert name not in _body(model, emulator, stream=stream)


@pytest.mark.parametrize("name", ["temperature", "top_p", "frequency_penalty", "presence_penalty"])
def test_zero_is_sent_as_zero(make: Make, emulator: Emulator, name: str) -> None:
    assert _body(make(**{name: 0}), emulator, stream=False)[name] == 0
    assert _body(make(**{name: 0.5}), emulator, stream=False, **{name: 0})[name] == 0


def test_a_calls_value_wins_over_the_models(make: Make, emulator: Emulator) -> None:
    model = make(temperature=0.1, stop=["a"], model_kwargs={"seed": 1})
    body = _body(model, emulator, stream=False, temperature=0.9, stop=["b"], seed=2, model="other-model")
    assert (body["temperature"], body["stop"], body["seed"], body["model"]) == (0.9, ["b"], 2, "other-model")
    assert "stop" not in _body(model, emulator, stream=False, stop=[])
    assert _body(model, emulator, stream=False)["stop"] == ["a"]


def test_unknown_fields_go_out_by_all_three_ways(make: Make, emulator: Emulator) -> None:
    model = make(model_kwargs={"first": 1}, extra_body={"second": 2, "temperature": 5})
    body = _body(model, emulator, stream=False, third=3, extra_body={"fourth": 4, "second": 22})
    assert {name: body[name] for name in ("first", "second", "third", "fourth", "temperature")} == {
        "first": 1,
        "second": 22,
        "third": 3,
        "fourth": 4,
        "temperature": 5,
    }


@pytest.mark.parametrize("word", ["enabled", "disabled", "auto"])
def test_thinking_is_a_word_or_the_object(make: Make, emulator: Emulator, word: str) -> None:
    for value in (word, {"type": word}):
        assert _body(make(thinking=value), emulator, stream=False)["thinking"] == {"type": word}
        assert _body(make(), emulator, stream=False, thinking=value)["thinking"] == {"type": word}
    body = _body(make(thinking={"type": word, "budget": 3}), emulator, stream=False)
    assert body["thinking"] == {"type": word, "budget": 3}


class City(BaseModel):
    """A city."""

    name: str


class CityDict(TypedDict):
    """A city."""

    name: str


@pytest.mark.parametrize("schema", [City, CityDict])
def test_response_format_may_be_a_class_per_call(make: Make, emulator: Emulator, schema: Any) -> None:
    sent = _body(make(), emulator, stream=False, response_format=schema)["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"]["properties"]["name"]["type"] == "string"


def test_tools_may_be_functions_per_call(make: Make, emulator: Emulator) -> None:
    def weather(city: str) -> str:
        """Weather."""
        return city

    body = _body(make(), emulator, stream=False, tools=[weather], tool_choice="any")
    assert body["tools"][0]["function"]["name"] == "weather"
    assert body["tool_choice"] == "required"
    body = _body(make(), emulator, stream=False, tools=[weather], tool_choice="weather")
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    with pytest.raises(ValueError, match="'wind', but the bound tools are"):
        make().invoke("Hi", tools=[weather], tool_choice="wind")


# --- refused before the wire -----------------------------------------------------------------------------------

CONTRADICTIONS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "both limits": ({"max_tokens": 1, "max_completion_tokens": 1}, ("max_tokens", "max_completion_tokens")),
    "effort without thought": (
        {"thinking": "disabled", "reasoning_effort": "high"},
        ("thinking", "reasoning_effort"),
    ),
    "alternatives without probabilities": ({"top_logprobs": 3}, ("top_logprobs", "logprobs")),
    "alternatives with probabilities off": ({"top_logprobs": 3, "logprobs": False}, ("top_logprobs", "logprobs")),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions_are_refused_naming_both(make: Make, emulator: Emulator, name: str) -> None:
    fields, named = CONTRADICTIONS[name]
    first = dict([next(iter(fields.items()))])
    rest = {key: value for key, value in fields.items() if key not in first}
    for model, call in ((make(**fields), {}), (make(), fields), (make(**first), rest)):
        with pytest.raises(ValueError, match=named[0]) as caught:
            model.invoke("Hi", **call)
        assert named[1] in str(caught.value)
        with pytest.raises(ValueError, match=named[0]):
            list(model.stream("Hi", **call))
    assert emulator.requests == []


@pytest.mark.parametrize("effort", ["none", "minimal"])
def test_an_effort_that_stops_thinking_goes_with_thinking_off(make: Make, emulator: Emulator, effort: str) -> None:
    body = _body(make(thinking="disabled", reasoning_effort=effort), emulator, stream=False)
    assert body["reasoning_effort"] == effort


def test_a_none_per_call_resolves_a_contradiction(make: Make, emulator: Emulator) -> None:
    body = _body(make(max_tokens=5), emulator, stream=False, max_tokens=None, max_completion_tokens=7)
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 7


def test_stream_options_of_a_call_need_a_stream(make: Make, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="stream_options needs stream"):
        make().invoke("Hi", stream_options={"include_usage": True})
    assert "stream_options" not in _body(make(stream_options={"include_usage": True}), emulator, stream=False)


def test_several_answers_and_a_stream_exclude_each_other(make: Make, emulator: Emulator) -> None:
    for model, call in ((make(n=2), {}), (make(), {"n": 2}), (make(extra_body={"n": 2}), {})):
        with pytest.raises(ValueError, match="n=2 and stream"):
            list(model.stream("Hi", **call))
    with pytest.raises(ValueError, match="n=2 and stream"):
        make(n=2, streaming=True).invoke("Hi")
    assert emulator.requests == []
    assert make(n=2, disable_streaming=True).invoke("Hi").text


def test_a_field_and_its_double_in_model_kwargs_are_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="temperature is set as a field and in model_kwargs"):
        make(temperature=0.1, model_kwargs={"temperature": 0.2})


OUT_OF_RANGE: list[tuple[str, Any]] = [
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("top_p", -0.1),
    ("top_p", 1.1),
    ("frequency_penalty", 2.1),
    ("presence_penalty", -2.1),
    ("max_tokens", -1),
    ("max_completion_tokens", -1),
    ("top_logprobs", 21),
    ("logit_bias", {"1": 101}),
    ("logit_bias", {"1": "much"}),
    ("n", 0),
    ("thinking", "maybe"),
    ("temperature", "warm"),
    ("logprobs", "perhaps"),
    ("stream_options", {"include_usage": "perhaps"}),
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE, ids=str)
def test_values_out_of_range_are_refused_at_construction_and_per_call(
    make: Make, emulator: Emulator, name: str, value: Any
) -> None:
    with pytest.raises(ValidationError, match=name):
        make(**{name: value})
    with pytest.raises(ValueError, match=name) as caught:
        make().invoke("Hi", **{name: value})
    assert not isinstance(caught.value, ValidationError)
    assert emulator.requests == []


def test_more_stops_than_the_service_takes_are_refused(make: Make) -> None:
    for call in (lambda: make(stop=list("abcde")), lambda: make().invoke("Hi", stop=list("abcde"))):
        with pytest.raises(ValueError, match="at most 4"):
            call()


def test_unknown_arguments_are_refused(make: Make) -> None:
    with pytest.raises(ValidationError, match="temprature"):
        make(temprature=0.1)


# The request's fields by the page; those that messages, tools and streams bring along are not set by hand.
DOCUMENTED = {
    *("max_tokens", "max_completion_tokens", "thinking", "reasoning_effort", "temperature", "top_p"),
    *(
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "n",
    ),
    *("user", "parallel_tool_calls", "response_format", "service_tier", "stream_options"),
}


def test_every_documented_field_is_a_field_of_the_model() -> None:
    assert set(ChatArk.body_fields) == DOCUMENTED
    assert {"model", "stop"} <= ChatArk.model_fields.keys()


def test_every_field_has_a_type_of_its_own() -> None:
    for name in ChatArk.body_fields:
        annotation = ChatArk.model_fields[name].annotation
        assert annotation is not None
        assert type(None) in get_args(annotation), f"{name} cannot be unset"
        assert Any not in get_args(annotation), f"{name} is untyped"
    passback = ChatArk.model_fields["reasoning_passback"].annotation
    assert get_origin(passback) is Literal


def test_chinese_goes_out_unescaped(make: Make, emulator: Emulator) -> None:
    make().invoke([HumanMessage("杭州的天气", name="小明")])
    assert "杭州的天气" in emulator.requests[-1].body.decode()
    assert "\\u" not in emulator.requests[-1].body.decode()


def test_the_users_dicts_are_not_changed(make: Make, emulator: Emulator) -> None:
    given = {
        "model_kwargs": {"seed": 1},
        "extra_body": {"top_k": 3},
        "thinking": {"type": "enabled"},
        "logit_bias": {"1": 1.0},
        "stream_options": {"include_usage": True},
        "response_format": {"type": "text"},
    }
    before = json.dumps(given)
    model = make(**given)
    _body(model, emulator, stream=True, extra_body={"seed": 2}, thinking="disabled")
    _body(model, emulator, stream=False)
    assert json.dumps(given) == before
