"""What `ChatArk` sends to the Responses API, and when it does."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel

from langchain_volcark import ChatArk, ChatArkBot, hosted_tools
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError, PermissionDeniedError, ServiceError
from tests.documents import pdf
from tests.pictures import png

Make = Callable[..., ChatArk]
HI = {"type": "message", "role": "user", "content": "hi"}
MODEL = "doubao-seed-2-1-pro-260915"
PNG = base64.b64encode(png(1, 2, 3)).decode()
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
CALL: Any = {"name": "get_weather", "args": {"city": "杭州"}, "id": "c1", "type": "tool_call"}


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def test_a_plain_call_goes_to_the_chat_api(model: ChatArk, emulator: Emulator) -> None:
    model.invoke("hi")
    assert emulator.requests[-1].path.endswith("/chat/completions")


def test_a_hosted_tool_takes_the_call_to_the_responses_api(model: ChatArk, emulator: Emulator) -> None:
    model.bind_tools([hosted_tools.web_search()]).invoke("news")
    received = emulator.requests[-1]
    assert received.path.endswith("/responses")
    assert received.headers["ark-beta-web-search"] == "true"
    assert received.json["tools"] == [{"type": "web_search"}]


def test_a_header_of_the_callers_own_wins(make: Make, emulator: Emulator) -> None:
    for model, call in (
        (make(default_headers={"Ark-Beta-Web-Search": "no"}), {}),
        (make(), {"extra_headers": {"Ark-Beta-Web-Search": "no"}}),
    ):
        model.bind_tools([hosted_tools.web_search()]).invoke("news", **call)
        assert emulator.requests[-1].headers["ark-beta-web-search"] == "no"


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_sent_that_was_not_set(make: Make, emulator: Emulator, stream: bool) -> None:
    model = make(use_responses_api=True)
    list(model.stream("hi")) if stream else model.invoke("hi")
    wanted: dict[str, Any] = {"model": MODEL, "input": [HI]}
    assert emulator.requests[-1].json == ({**wanted, "stream": True} if stream else wanted)


def test_each_call_may_choose_for_itself(make: Make, emulator: Emulator) -> None:
    make().invoke("hi", use_responses_api=True)
    assert emulator.requests[-1].path.endswith("/responses")
    make(use_responses_api=True).invoke("hi", use_responses_api=False)
    assert emulator.requests[-1].path.endswith("/chat/completions")
    assert emulator.requests[-1].json.keys() == {"model", "messages"}
    make(store=False).invoke("hi", store=None)
    assert emulator.requests[-1].path.endswith("/chat/completions")


@pytest.mark.parametrize(
    ("settings", "call", "named"),
    [
        (
            {"use_responses_api": False},
            {"tools": [hosted_tools.web_search()]},
            ("web_search", "use_responses_api"),
        ),
        ({"caching": "enabled", "n": 2}, {}, ("caching", "n")),
        ({"use_responses_api": True, "logprobs": True}, {}, ("logprobs", "use_responses_api")),
        ({"caching": "enabled"}, {"instructions": "I"}, ("caching", "instructions")),
        ({"caching": "enabled"}, {"response_format": FORMAT}, ("caching", "json_schema")),
        ({"store": True}, {"text": {"format": {"type": "text"}}, "response_format": FORMAT}, ("text", "response")),
    ],
)
def test_contradictions_are_refused_before_the_wire(
    make: Make, emulator: Emulator, settings: dict[str, Any], call: dict[str, Any], named: tuple[str, str]
) -> None:
    with pytest.raises(ValueError, match=named[0]) as caught:
        make(**settings).invoke("hi", **call)
    assert named[1] in str(caught.value)
    assert emulator.requests == []


@pytest.mark.parametrize(
    "field", [{"use_responses_api": True}, {"store": False}, {"caching": "enabled"}, {"max_tool_calls": 3}]
)
def test_a_bot_has_no_responses_api(emulator: Emulator, field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        ChatArkBot(model="bot-1", api_key=emulator.api_key, base_url=emulator.ark_base_url, **field)
    bot = ChatArkBot(model="bot-1", api_key=emulator.api_key, base_url=emulator.ark_base_url)
    with pytest.raises(ValueError, match=next(iter(field))):
        bot.invoke("hi", **field)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("expire_in", 700_000, "604800"),
        ("expire_in", 0, "604800"),
        ("max_tool_calls", 11, "between 1 and 10"),
        ("store", "yes", "True or False"),
        ("caching", "on", "enabled"),
        ("include", "all", "a list of texts"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_field(make: Make, field: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        make(**{field: value})
    assert field in str(caught.value)
    with pytest.raises(ValueError, match=words) as caught:
        make().invoke("hi", **{field: value})
    assert field in str(caught.value)


def test_the_last_say_has_extra_body(make: Make, emulator: Emulator) -> None:
    model = make(max_tokens=500, use_responses_api=True, extra_body={"max_output_tokens": 400, "store": False})
    model.invoke("hi")
    assert emulator.requests[-1].json == {
        "model": MODEL,
        "max_output_tokens": 400,
        "store": False,
        "input": [HI],
    }


def test_functions_and_hosted_tools_go_together(make: Make, emulator: Emulator) -> None:
    model = make(thinking="disabled")
    tools = [get_weather, hosted_tools.web_search()]
    model.bind_tools(tools, tool_choice="get_weather").invoke("hi")
    body = emulator.requests[-1].json
    assert [(tool["type"], tool.get("name")) for tool in body["tools"]] == [
        ("function", "get_weather"),
        ("web_search", None),
    ]
    assert "strict" not in body["tools"][0]
    assert body["tool_choice"] == {"type": "function", "name": "get_weather"}
    model.bind_tools(tools, tool_choice=None).invoke("hi")
    assert "tool_choice" not in emulator.requests[-1].json


def test_media_of_every_kind_are_accepted_in_order(make: Make, emulator: Emulator) -> None:
    emulator.files.add(pdf("A page."), "a.pdf", file_id="file-1")
    content: list[Any] = [
        {"type": "text", "text": "look"},
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "video", "url": "https://example.com/a.mp4", "fps": 1},
        {"type": "file", "file_id": "file-1"},
    ]
    make(use_responses_api=True).invoke([HumanMessage(content)])
    kinds = [part["type"] for part in emulator.requests[-1].json["input"][0]["content"]]
    assert kinds == ["input_text", "input_image", "input_video", "input_file"]


def test_a_begun_answer_is_gone_on_with(make: Make, emulator: Emulator) -> None:
    begun = [HumanMessage("hi"), AIMessage("You ")]
    make(use_responses_api=True).invoke(begun)
    last = emulator.requests[-1].json["input"][-1]
    assert (last["role"], last["partial"]) == ("assistant", True)
    with pytest.raises(ValueError, match="caching"):
        make(caching="enabled").invoke(begun)


@pytest.mark.parametrize(
    ("message", "words"), [(AIMessage(""), "says nothing"), (AIMessage("", tool_calls=[CALL]), "ToolMessage")]
)
def test_an_end_that_leaves_nothing_to_say_is_refused(make: Make, message: AIMessage, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(use_responses_api=True).invoke([HumanMessage("hi"), message])


def test_a_tools_picture_goes_along(make: Make, emulator: Emulator) -> None:
    result = ToolMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}], tool_call_id="c1")
    history = [HumanMessage("hi"), AIMessage("", tool_calls=[CALL]), result]
    make(use_responses_api=True).bind_tools([get_weather]).invoke(history)
    output = emulator.requests[-1].json["input"][-1]["output"]
    assert [part["type"] for part in output] == ["input_image"]


def test_a_system_message_is_an_item_also_with_caching(make: Make, emulator: Emulator) -> None:
    make(caching="enabled").invoke([SystemMessage("S"), HumanMessage("hi")])
    body = emulator.requests[-1].json
    assert body["input"][0] == {"type": "message", "role": "system", "content": "S"}
    assert "instructions" not in body


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_ends_before_a_stop_text_and_no_stop_is_sent(
    make: Make, emulator: Emulator, stream: bool
) -> None:
    model = make(use_responses_api=True, use_previous_response_id=True, stop=["END"])
    whole: Any = None
    if stream:
        for chunk in model.stream("one END two"):
            whole = chunk if whole is None else whole + chunk
    else:
        whole = model.invoke("one END two")
    assert whole.text == "You said: one "
    assert "stop" not in emulator.requests[-1].json
    model.invoke(
        [HumanMessage("one END two"), AIMessage(**whole.model_dump(exclude={"type"})), HumanMessage("on")]
    )
    assert "previous_response_id" not in emulator.requests[-1].json


def test_a_stream_may_leave_its_usage_out(make: Make) -> None:
    def usage(**settings: Any) -> list[Any]:
        chunks = make(use_responses_api=True, **settings).stream("hi")
        return [chunk.usage_metadata for chunk in chunks if isinstance(chunk, AIMessage) and chunk.usage_metadata]

    assert usage()
    assert usage(stream_usage=False) == []


def test_each_request_says_anew_how_long_it_is_kept(
    make: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, began, ends = make(expire_in=3600), time.time(), []
    for passed in (0, 3600):
        monkeypatch.setattr(time, "time", lambda passed=passed: began + passed)
        model.invoke("hi")
        ends.append(emulator.requests[-1].json["expire_at"])
    assert ends == [int(began) + 3600, int(began) + 7200]


def test_a_schema_goes_without_any_word_about_caching(make: Make, emulator: Emulator) -> None:
    make(caching="disabled").invoke("hi", response_format=FORMAT)
    body = emulator.requests[-1].json
    assert "caching" not in body
    assert body["text"] == {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_a_limit_cut_is_no_exception(make: Make, stream: bool) -> None:
    model = make(use_responses_api=True, max_tokens=20)
    whole: Any = None
    for chunk in model.stream("word " * 40) if stream else [model.invoke("word " * 40)]:
        whole = chunk if whole is None else whole + chunk
    assert whole.response_metadata["finish_reason"] == "length"
    assert whole.response_metadata["incomplete_details"] == {"reason": "length"}
    assert whole.usage_metadata["output_tokens"] == 20


def test_refusals_say_what_is_wrong_and_what_to_do(make: Make, emulator: Emulator) -> None:
    with pytest.raises(InvalidRequestError, match='unknown field "truncation"'):
        make(use_responses_api=True).invoke("hi", truncation="auto")
    emulator.close_tools("web_search")
    with pytest.raises(PermissionDeniedError, match="activate") as caught:
        make().bind_tools([hosted_tools.web_search()]).invoke("news")
    assert caught.value.code == "ToolNotOpen"


class Place(BaseModel):
    """A place."""

    name: str


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output_goes_together_with_other_tools(make: Make, emulator: Emulator, method: Any) -> None:
    tools = [get_weather, hosted_tools.web_search()]
    asked = make(thinking="disabled").with_structured_output(Place, method=method, tools=tools)
    assert asked.invoke("name: Lima") == Place(name="Lima")
    body = emulator.requests[-1].json
    kinds = [(tool["type"], tool.get("name")) for tool in body["tools"]]
    others = [("function", "get_weather"), ("web_search", None)]
    if method == "json_schema":
        assert (kinds, body["text"]["format"]["name"]) == (others, "Place")
        assert "tool_choice" not in body
    else:
        assert kinds == [("function", "Place"), *others]
        assert body["tool_choice"] == {"type": "function", "name": "Place"}


async def test_a_limit_that_is_too_small_for_the_service_is_named(make: Make) -> None:
    model = make(use_responses_api=True, max_tokens=16, max_retries=0)
    for call in (model.invoke, lambda text: list(model.stream(text))):
        with pytest.raises(ServiceError, match="raise max_tokens"):
            call("hi")
    with pytest.raises(ServiceError, match="raise max_tokens"):
        await model.ainvoke("hi")


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_a_model_with_every_setting_is_saved_and_loaded(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    settings: dict[str, Any] = {
        "use_responses_api": True,
        "use_previous_response_id": True,
        "store": True,
        "caching": {"type": "enabled"},
        "expire_in": timedelta(hours=1),
        "include": ["reasoning.encrypted_content"],
        "context_management": [{"type": "clear_thinking"}],
        "max_tool_calls": 3,
    }
    model = ChatArk(model=MODEL, base_url=emulator.ark_base_url, **settings)
    loaded = loads(
        dumps(model), allowed_objects=[ChatArk], valid_namespaces=["langchain_volcark"], secrets_from_env=True
    )
    assert {name: getattr(loaded, name) for name in settings} == {**settings, "expire_in": 3600}
    assert loaded.invoke("hi").text == "You said: hi"
    assert emulator.requests[-1].json["expire_at"] > time.time() + 3500
