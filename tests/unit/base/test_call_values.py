"""Values of a call are read as the constructor reads them, in every chat model; nothing raw escapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from pydantic import ValidationError

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan, ChatVikingKnowledge
from langchain_volcark.base.chat_model import HTTPChatModel
from langchain_volcark.http.json import dump_json
from langchain_volcark.http.requests import ServiceRequest
from tests.calls import request_of
from tests.json_types import typed

Make = Callable[..., HTTPChatModel]

PRIVATE = "https://private.example.com/wenxinworkshop"
MODELS: dict[str, Make] = {
    "ark": lambda **own: ChatArk(**{"model": "doubao-1-5-pro-32k-250115", **own}),
    "bot": lambda **own: ChatArkBot(**{"model": "bot-1", **own}),
    "qianfan v2": lambda **own: ChatQianfan(**{"model": "ernie-5.1", **own}),
    "qianfan v1": lambda **own: ChatQianfan(
        **{"api_version": "v1", "endpoint": "ngx_test", "base_url": PRIVATE, **own}
    ),
    "knowledge": lambda **own: ChatVikingKnowledge(**{"model": "Doubao-pro-32k", **own}),
    "packaged": lambda **own: ChatVikingKnowledge(**{"service_resource_id": "kb-service-1", **own}),
}
# They name what is called, so the constructor reads them together with others.
NAMES = {"model", "endpoint", "service_resource_id"}
FIELDS = [
    (kind, name)
    for kind, make in MODELS.items()
    for name in sorted({*make().body_fields, *make().call_fields} - NAMES)
]
HUMAN = [HumanMessage("Hi")]

numbers = st.integers() | st.floats() | st.sampled_from([0, 1, 2, -1, 0.0, 0.5, 1.0, 2.0, 20, 4096, 10**400])
json_like = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5) | st.sampled_from(["enabled", "auto", "1", "0.5"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["type", "op", "city", "7"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def request(model: HTTPChatModel, /, **call: Any) -> ServiceRequest:
    return request_of(model, HUMAN, call.pop("stop", None), stream=True, **call)


def outcome(ask: Callable[[], ServiceRequest]) -> Any:
    """The body by JSON type, or that it was refused; anything but a ValueError is a failure of the test."""
    try:
        body = ask().body
        dump_json(body)
    except ValueError:
        return "refused"
    return typed(body)


@pytest.mark.parametrize(("kind", "name"), FIELDS)
@settings(max_examples=25)
@given(value=json_like)
def test_a_call_sends_or_refuses_what_the_constructor_sends_or_refuses(kind: str, name: str, value: Any) -> None:
    make = MODELS[kind]
    assume(name != "stream_usage" or value is not None)  # None takes the model's own back
    assert outcome(lambda: request(make(), **{name: value})) == outcome(lambda: request(make(**{name: value})))


@pytest.mark.parametrize(("kind", "name"), FIELDS)
@settings(max_examples=15)
@given(value=json_like)
def test_an_assignment_keeps_or_refuses_what_the_constructor_keeps_or_refuses(
    kind: str, name: str, value: Any
) -> None:
    def assigned() -> ServiceRequest:
        model = MODELS[kind]()
        setattr(model, name, value)
        return request(model)

    by_assignment = outcome(assigned)
    if by_assignment == "refused":
        return
    # What fields say together, only the constructor and the call itself look at.
    assert outcome(lambda: request(MODELS[kind](**{name: value}))) in ("refused", by_assignment)


OPTIONS = (
    "tools",
    "tool_choice",
    "functions",
    "response_format",
    "stream_options",
    "stream_usage",
    "extra_body",
    "extra_headers",
    "extra_query",
    "timeout",
    "model",
    "model_name",
    "endpoint",
    "user_id",
    "max_output_tokens",
    "metadata",
    "query_param",
    "return_token_usage",
    "new_parameter",
)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", OPTIONS)
@settings(max_examples=15)
@given(value=json_like)
def test_any_value_of_any_option_is_sent_or_a_value_error(kind: str, name: str, value: Any) -> None:
    outcome(lambda: request(MODELS[kind](), **{name: value}))


@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=25)
@given(extra=st.dictionaries(st.sampled_from(["messages", "temperature", "tools", "stop", "thinking"]), json_like))
def test_any_extra_body_is_sent_or_a_value_error(kind: str, extra: dict[str, Any]) -> None:
    outcome(lambda: request(MODELS[kind](), extra_body=extra))
    outcome(lambda: request(MODELS[kind](extra_body=extra)))


@pytest.mark.parametrize("kind", MODELS)
def test_an_unknown_parameter_can_always_be_sent(kind: str) -> None:
    assert request(MODELS[kind](), new_parameter={"x": [1, 2.0]}).body["new_parameter"] == {"x": [1, 2.0]}


@pytest.mark.parametrize("kind", MODELS)
def test_no_messages_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="messages"):
        MODELS[kind]().invoke([])
    with pytest.raises(ValueError, match="messages"):
        request(MODELS[kind](), extra_body={"messages": []})


WRONG: list[tuple[str, str, Any, str]] = [
    ("ark", "temperature", 3, "temperature must be between 0 and 2, not 3"),
    ("ark", "temperature", "hot", "temperature must be a number between 0 and 2, not 'hot'"),
    ("ark", "temperature", True, "temperature must be a number between 0 and 2, not True"),
    ("ark", "temperature", "0.5", "temperature must be a number between 0 and 2, not '0.5'"),
    ("ark", "top_p", math.nan, "top_p must be a finite number between 0 and 1, not nan"),
    ("ark", "max_tokens", 1.5, "max_tokens must be a whole number at least 0, not 1.5"),
    ("ark", "thinking", "often", "thinking must be 'enabled', 'disabled' or 'auto' or a dictionary, not 'often'"),
    ("ark", "logprobs", 1, "logprobs must be True or False, not 1"),
    ("ark", "logit_bias", {"7": 101}, r"logit_bias.7 must be between -100 and 100, not 101"),
    ("ark", "stop", list("abcde"), "stop takes at most 4 texts, not 5"),
    ("ark", "stop", [1], r"stop must be a text or a list of texts, not \[1\]"),
    ("ark", "response_format", 5, "response_format must be a dictionary.*, not 5"),
    ("bot", "temperature", 3, "temperature must be between 0 and 2, not 3"),
    ("bot", "stream_usage", "yes", "stream_usage must be True or False, not 'yes'"),
    ("bot", "bot_metadata", [1], "bot_metadata must be a dictionary, not a list"),
    ("bot", "user_info", "Secret Lane", "user_info must be"),
    ("qianfan v2", "penalty_score", 3, "penalty_score must be between 1 and 2, not 3"),
    ("qianfan v2", "seed", "one", "seed must be a whole number, not 'one'"),
    ("qianfan v1", "temperature", 1.5, r"temperature must be in \(0, 1\] in V1.*, not 1.5"),
    ("qianfan v1", "top_k", "many", "top_k must be a .*, not 'many'"),
    ("qianfan v1", "stop", ["x" * 21], r"stop\[0\]: V1 takes 20 characters"),
    ("knowledge", "temperature", 2, "temperature must be between 0 and 1, not 2"),
    ("knowledge", "max_tokens", "many", "max_tokens must be a whole number between 0 and 4096, not 'many'"),
    ("knowledge", "top_p", 0.5, "has no top_p"),
    ("packaged", "temperature", 0.5, "service_resource_id excludes temperature"),
]


@pytest.mark.parametrize(("kind", "name", "value", "why"), WRONG)
def test_field_value_and_range_are_named_by_constructor_call_and_assignment(
    kind: str, name: str, value: Any, why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        MODELS[kind](**{name: value})
    with pytest.raises(ValueError, match=why) as caught:
        request(MODELS[kind](), **{name: value})
    assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("timeout", "30", "timeout must be a positive number of seconds.*, not '30'"),
        ("timeout", True, "timeout must be a positive number"),
        ("timeout", -1, "timeout must be a positive number.*, not -1"),
        ("timeout", 0, "timeout must be a positive number"),
        ("timeout", math.nan, "timeout must be a positive number"),
        ("timeout", (1,), "timeout as a tuple is"),
        ("timeout", (1, 2, 3, 4, 5), "timeout as a tuple is"),
        ("timeout", (1, "2"), "timeout must be a positive number"),
        ("timeout", {"read": 1}, "timeout must be a positive number"),
        ("extra_headers", "x", "extra_headers must be a dictionary, not a str"),
        ("extra_headers", {"X": None}, "extra_headers"),
        ("extra_query", [("a", 1)], "extra_query must be a dictionary, not a list"),
        ("extra_query", {"a": {}}, "extra_query"),
        ("extra_body", "x", "extra_body must be a dictionary, not a str"),
        ("stream_usage", "no", "stream_usage must be True or False"),
        ("tools", "search", "tools must be a list of tools, not 'search'"),
        ("tools", [{"type": "function"}], r"tools\[0\].function"),
        ("tool_choice", 5, "tool_choice must be"),
        ("model", 5, "model must be a text, not 5"),
        ("max_retries", 5, "max_retries is a setting of the model, not of a call"),
    ],
)
@pytest.mark.parametrize("kind", ["ark", "bot", "qianfan v2", "qianfan v1", "knowledge"])
def test_options_of_a_wrong_type_are_refused_by_name(kind: str, name: str, value: Any, why: str) -> None:
    if kind == "knowledge" and name in ("tools", "tool_choice"):
        why = "does not support tools"
    with pytest.raises(ValueError, match=why) as caught:
        request(MODELS[kind](), **{name: value})
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("value", [{1, 2}, b"x", 1j, math.nan, {"deep": [math.inf]}, {True: 1}])
def test_a_value_that_json_does_not_know_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match="new_parameter") as caught:
        MODELS["ark"](api_key="k").invoke("Hi", new_parameter=value)
    assert type(caught.value) is ValueError


SETTINGS = [
    (kind, name)
    for kind, make in MODELS.items()
    for name in sorted(
        type(make()).model_fields.keys() - {*make().body_fields, *make().call_fields, *make().call_types}
    )
]


@pytest.mark.parametrize(("kind", "name"), SETTINGS)
def test_a_setting_of_the_model_is_refused_in_a_call(kind: str, name: str) -> None:
    """Sent as an unknown field of the body it would have no effect, and a key would leave in the body."""
    with pytest.raises(ValueError, match=f"^{name} is a setting of the model, not of a call"):
        request(MODELS[kind](), **{name: "a secret"})


class Traced(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen = ""

    def on_chat_model_start(self, *arguments: Any, **kwargs: Any) -> None:
        self.seen += repr((arguments, kwargs))


@pytest.mark.parametrize("kind", MODELS)
def test_a_credential_given_to_a_call_is_in_no_trace_and_no_error(kind: str) -> None:
    model, traced = MODELS[kind](), Traced()
    for name in model.lc_secrets:
        with pytest.raises(ValueError, match=name) as caught:
            model.invoke("Hi", {"callbacks": [traced]}, **{name: "sk-do-not-show"})
        assert "sk-do-not-show" not in str(caught.value)
    assert traced.seen
    assert "sk-do-not-show" not in traced.seen


@pytest.mark.parametrize("kind", ["ark", "bot"])
def test_documented_defaults_contradict_nothing(kind: str) -> None:
    body = request(MODELS[kind](), logprobs=False, top_logprobs=0).body
    assert (body["logprobs"], body["top_logprobs"]) == (False, 0)
    with pytest.raises(ValueError, match="top_logprobs needs logprobs"):
        request(MODELS[kind](), top_logprobs=1)


def test_values_of_one_version_are_refused_by_the_other_in_a_call_too() -> None:
    with pytest.raises(ValueError, match='seed belong.* to api_version="v2"'):
        request(MODELS["qianfan v1"](), seed=1)
    with pytest.raises(ValueError, match='top_k belong.* to api_version="v1"'):
        request(MODELS["qianfan v2"](), top_k=1)


def test_constructor_errors_hide_what_may_be_secret() -> None:
    secret = "sk-very-secret"
    for arguments in (
        {"api_key": [secret]},
        {"default_headers": [secret]},
        {"extra_body": secret},
        {"model_kwargs": [secret]},
        {"apikey": secret},
        {"base_url": [secret]},
        {"user_info": secret},
    ):
        with pytest.raises(ValidationError) as caught:
            MODELS["bot"](**arguments)
        assert secret not in str(caught.value)
        assert secret not in "".join(str(one["msg"]) for one in caught.value.errors())


def test_objects_of_httpx2_are_told_apart_from_those_of_httpx() -> None:
    for name in ("timeout", "http_client", "http_async_client"):
        stranger = type("Timeout", (), {"__module__": "httpx2._config"})()
        with pytest.raises(ValidationError, match=f"(?s){name}.*httpx, not httpx2"):
            MODELS["ark"](**{name: stranger})
    with pytest.raises(ValueError, match="timeout.*httpx, not httpx2"):
        request(MODELS["ark"](), timeout=type("Timeout", (), {"__module__": "httpx2._config"})())


@pytest.mark.parametrize("path", ["", "nowhere.pem", "x" * 5000, "a\0b"])
def test_certificates_that_are_not_there_are_refused_by_name(path: str) -> None:
    with pytest.raises(ValidationError, match="verify: there is no file or directory"):
        ChatArk(model="m", verify=path)


def test_a_number_that_is_left_out_of_dumps_is_no_secret() -> None:
    with pytest.raises(ValidationError, match="max_connections must be at least 1, not 0"):
        ChatArk(model="m", max_connections=0)
