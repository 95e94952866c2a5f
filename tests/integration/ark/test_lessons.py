"""Bugs known from other packages for Ark, each as a regression test.

The names: A langchain-ark, C langchain-custom-models, O ChatOpenAI with a base URL, K veadk, D langchain-dev-utils,
W langchain-qwq, L litellm, S the official SDK. Bugs of embeddings and bots have tests of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from pydantic import BaseModel, ValidationError
from typing_extensions import TypedDict

import langchain_volcark
from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    VolcArkError,
)

Make = Callable[..., ChatArk]

MODEL = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"


def _sum(chunks: Any) -> AIMessageChunk:
    first, *rest = chunks
    return first + rest  # type: ignore[no-any-return]


def get_weather(city: str) -> str:
    """Weather of a city."""
    return city


class Joke(BaseModel):
    """A joke."""

    setup: str


class JokeDict(TypedDict):
    """A joke."""

    setup: str


def _message(content: str = "ok", **fields: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **fields}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    return {"id": "r", "model": MODEL, "choices": choices}


# --- langchain-ark -----------------------------------------------------------------------------------------------


async def test_a2_reasoning_is_kept_and_can_be_sent_back(make: Make, emulator: Emulator) -> None:
    model = make(reasoning_passback="always")
    astreamed = [chunk async for chunk in model.astream("Hi")]
    for message in (model.invoke("Hi"), await model.ainvoke("Hi"), _sum(model.stream("Hi")), _sum(astreamed)):
        thought = message.additional_kwargs["reasoning_content"]
        assert thought.startswith("The user says")
        model.invoke([HumanMessage("Hi"), message, HumanMessage("And?")])
        assert emulator.requests[-1].json["messages"][1]["reasoning_content"] == thought


async def test_a3_generate_takes_several_prompts(model: ChatArk) -> None:
    prompts = [[HumanMessage("a")], [HumanMessage("b")]]
    for result in (model.generate(prompts), await model.agenerate(prompts)):  # type: ignore[arg-type]
        assert [one[0].text for one in result.generations] == ["You said: a", "You said: b"]


def test_a4_streams_have_their_usage(model: ChatArk) -> None:
    usage = _sum(model.stream("Hi")).usage_metadata
    assert usage == model.invoke("Hi").usage_metadata
    assert usage is not None
    assert usage["output_tokens"] > 0


def test_a5_no_timeout_means_the_default_not_for_ever(make: Make) -> None:
    seen: list[dict[str, Any]] = []
    with httpx.Client(
        event_hooks={"request": [lambda request: seen.append(request.extensions["timeout"])]}
    ) as client:
        make(timeout=None, http_client=client).invoke("Hi")
        make(http_client=client).invoke("Hi")
        make(timeout=5, http_client=client).invoke("Hi")
    assert [(one["connect"], one["read"]) for one in seen] == [(10, 600), (10, 600), (5, 5)]


def test_a6_default_headers_query_and_proxy_are_used(make: Make, emulator: Emulator) -> None:
    make(default_headers={"X-Mine": "1"}, default_query={"q": "2"}).invoke("Hi")
    assert emulator.requests[-1].headers["x-mine"] == "1"
    assert emulator.requests[-1].query["q"] == "2"
    # The emulator in a proxy's place: the request goes there, whatever host the model names.
    address = emulator.ark_base_url.split("/api")[0]
    emulator.reset()
    emulator.reply_next(_message("by proxy"))
    assert make(base_url="http://ark.example/api/v3", proxy=address).invoke("Hi").text == "by proxy"


def test_a7_zero_stays_zero_and_nothing_else_is_sent(make: Make, emulator: Emulator) -> None:
    make(temperature=0).invoke("Hi")
    body = emulator.requests[-1].json
    assert body == {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "temperature": 0}


def test_a8_metadata_tells_what_really_answered(make: Make, emulator: Emulator) -> None:
    emulator.reply_next({**_message(), "service_tier": "default"})
    message = make(model="ep-20250101000000-abcde").invoke("Hi")
    assert message.response_metadata["model_name"] == MODEL
    assert message.response_metadata["service_tier"] == "default"
    assert message.id == "r"
    model = make()
    assert model.invoke("Hi", model=PLAIN).response_metadata["model_name"] == PLAIN
    assert model._get_ls_params(model=PLAIN)["ls_model_name"] == PLAIN


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a9_strict_and_json_schema_work_and_are_traced(model: ChatArk, method: Any) -> None:
    asked = model.with_structured_output(Joke, method=method, strict=True)
    assert asked.invoke("setup: 'x'") == Joke(setup="x")
    traced = asked.first.kwargs["ls_structured_output_format"]  # type: ignore[attr-defined]
    assert traced == {"kwargs": {"method": method, "strict": True}, "schema": Joke}
    assert model.bind_tools([get_weather], strict=True).invoke("Hangzhou?").tool_calls


def test_a10_an_agents_second_turn_in_v1_is_accepted(make: Make, emulator: Emulator) -> None:
    bound = make(output_version="v1").bind_tools([get_weather])
    asked = bound.invoke("Call get_weather with city: 'x'.")
    assert isinstance(asked.content, list)
    answer = ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])
    assert "sunny" in bound.invoke([HumanMessage("Call get_weather with city: 'x'."), asked, answer]).text


def test_a11_names_go_out_and_chinese_unescaped(model: ChatArk, emulator: Emulator) -> None:
    call: Any = {"name": "get_weather", "args": {"city": "杭州"}, "id": "c", "type": "tool_call"}
    model.invoke(
        [
            HumanMessage("Hi", name="小明"),
            AIMessage("", tool_calls=[call]),
            ToolMessage("晴", tool_call_id="c", name="get_weather"),
        ]
    )
    sent = emulator.requests[-1].json["messages"]
    assert sent[0]["name"] == "小明"
    assert sent[2]["name"] == "get_weather"
    assert "杭州" in sent[1]["tool_calls"][0]["function"]["arguments"]


def test_a12_the_callers_dicts_stay_theirs(make: Make) -> None:
    given = {"seed": 1}
    make(model_kwargs=given, temperature=0.1).invoke("Hi", seed=2)
    assert given == {"seed": 1}


def test_a13_no_key_is_an_error_that_says_what_to_do(emulator: Emulator) -> None:
    with pytest.raises(AuthenticationError, match="ARK_API_KEY"):
        ChatArk(model=MODEL, base_url=emulator.ark_base_url).invoke("Hi")


def test_a16_one_model_serves_many_threads(model: ChatArk) -> None:
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        answers[number] = model.invoke(f"<{number}>").text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"You said: <{number}>" for number in range(24)}


@pytest.mark.filterwarnings("ignore:The function `loads?` is in beta")
def test_a17_a_model_is_saved_and_loaded(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARK_API_KEY", "k")
    text = dumps(make(temperature=0.1))
    loaded = loads(text, allowed_objects=[ChatArk], valid_namespaces=["langchain_volcark"], secrets_from_env=True)
    assert loaded.temperature == 0.1


# --- langchain-custom-models -------------------------------------------------------------------------------------


def test_c1_the_key_is_in_no_repr(make: Make) -> None:
    model = make(api_key="sk-very-secret")
    for text in (
        repr(model),
        str(model),
        model.model_dump_json(),
        dumps(model),
        repr(model.bind_tools([get_weather])),
    ):
        assert "sk-very-secret" not in text


async def test_c2_streams_are_streams(model: ChatArk) -> None:
    assert len(list(model.stream("Hi"))) > 2
    assert len([chunk async for chunk in model.astream("Hi")]) > 2
    assert model.stream_events("Hi", version="v3").output.content


def test_c3_bound_tools_keep_the_model_and_its_settings(make: Make, emulator: Emulator) -> None:
    schema = {
        "title": "Wind",
        "description": "Wind.",
        "type": "object",
        "properties": {"city": {"type": "string"}},
    }
    limiter = InMemoryRateLimiter(requests_per_second=1000)
    model = make(tags=["t"], metadata={"m": 1}, rate_limiter=limiter, temperature=0.1)
    bound = model.bind_tools([get_weather, schema], tool_choice="get_weather", seed=3)
    assert bound.bound is model  # type: ignore[attr-defined]
    bound.invoke("Hi")
    body = emulator.requests[-1].json
    assert (body["temperature"], body["seed"]) == (0.1, 3)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert body["tools"][1]["function"]["parameters"]["properties"] == {"city": {"type": "string"}}


def test_c4_broken_arguments_do_not_kill_the_call(model: ChatArk, emulator: Emulator) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": oops}'}}
    emulator.reply_next(_message(tool_calls=[call]))
    message = model.invoke("Hi")
    assert message.tool_calls == []
    assert message.invalid_tool_calls[0]["args"] == '{"a": oops}'


def test_c5_an_error_keeps_its_class_code_and_request_id(make: Make, emulator: Emulator) -> None:
    emulator.fail_next(429, "RateLimitExceeded.EndpointRPMExceeded")
    with pytest.raises(RateLimitError) as caught:
        make(max_retries=0).invoke("Hi")
    assert isinstance(caught.value, ModelRateLimitError)
    assert (caught.value.status_code, caught.value.code) == (429, "RateLimitExceeded.EndpointRPMExceeded")
    assert caught.value.request_id


def test_c6_usage_reason_model_and_id_come_back_and_no_limit_is_sent(model: ChatArk, emulator: Emulator) -> None:
    message = model.invoke("Hi")
    assert message.usage_metadata
    assert message.id
    assert {"finish_reason", "model_name"} <= message.response_metadata.keys()
    assert "max_tokens" not in emulator.requests[-1].json


def test_c7_unknown_arguments_are_refused_and_known_ones_used(make: Make, emulator: Emulator) -> None:
    with pytest.raises(ValidationError, match="think"):
        make(think=True)
    make(thinking="disabled", extra_body={"seed": 1}).invoke("Hi")
    assert emulator.requests[-1].json["thinking"] == {"type": "disabled"}
    assert emulator.requests[-1].json["seed"] == 1


# --- ChatOpenAI with a base URL ----------------------------------------------------------------------------------


def test_o1_reasoning_survives_a_tool_loop(model: ChatArk, emulator: Emulator) -> None:
    bound = model.bind_tools([get_weather])
    asked = bound.invoke("Call get_weather with city: 'x'.")
    answer = ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])
    bound.invoke([HumanMessage("Call get_weather with city: 'x'."), asked, answer])
    sent = emulator.requests[-1].json["messages"][1]
    assert sent["reasoning_content"] == asked.additional_kwargs["reasoning_content"]
    assert sent["encrypted_content"] == asked.additional_kwargs["encrypted_content"]


def test_o2_a_base_url_does_not_switch_usage_off(make: Make, emulator: Emulator) -> None:
    assert _sum(make(base_url=emulator.ark_base_url).stream("Hi")).usage_metadata


def test_o3_a_second_event_loop_works(model: ChatArk) -> None:
    for _ in range(3):
        assert asyncio.run(model.ainvoke("Hi")).text == "You said: Hi"


def test_o4_thinking_works_by_every_way(make: Make, emulator: Emulator) -> None:
    off = {"type": "disabled"}
    make(thinking=off).invoke("Hi")
    make(model_kwargs={"thinking": off}).invoke("Hi")
    make(extra_body={"thinking": off}).invoke("Hi")
    make().invoke("Hi", thinking=off)
    make().bind(thinking="disabled").invoke("Hi")
    assert [one.json["thinking"] for one in emulator.requests] == [off] * 5


def test_o7_a_video_is_sent_and_tokens_are_counted_without_a_download(model: ChatArk, emulator: Emulator) -> None:
    model.invoke([HumanMessage([{"type": "video", "url": "https://example.com/a.mp4"}, "What is it?"])])
    part = emulator.requests[-1].json["messages"][0]["content"][0]
    assert part == {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
    # No network is open to tests: a download would fail here.
    assert model.get_num_tokens_from_messages([HumanMessage("杭州今天的天气")]) > 0


# --- veadk, langchain-dev-utils ----------------------------------------------------------------------------------


def test_k1_key_and_address_are_arguments_and_variables(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    monkeypatch.setenv("ARK_BASE_URL", emulator.ark_base_url)
    assert ChatArk(model=MODEL).invoke("Hi").text
    with pytest.raises(AuthenticationError):
        ChatArk(model=MODEL, api_key="other").invoke("Hi")


async def test_d1_a_key_is_a_text_a_secret_or_a_function(make: Make, emulator: Emulator) -> None:
    async def fetch() -> str:
        return emulator.api_key

    assert make(api_key=emulator.api_key).invoke("Hi").text
    assert make(api_key=lambda: emulator.api_key).invoke("Hi").text
    assert (await make(api_key=fetch).ainvoke("Hi")).text


@pytest.mark.parametrize("choice", ["any", "required", True])
def test_d2_any_forces_a_call_and_no_method_is_exchanged(model: ChatArk, emulator: Emulator, choice: Any) -> None:
    model.bind_tools([get_weather], tool_choice=choice).invoke("Hi")
    assert emulator.requests[-1].json["tool_choice"] == "required"
    for method, kind in (("json_schema", "json_schema"), ("json_mode", "json_object")):
        model.with_structured_output(Joke, method=method, include_raw=True).invoke("json")  # type: ignore[arg-type]
        assert emulator.requests[-1].json["response_format"]["type"] == kind


# --- langchain-qwq -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", range(1, 12))
def test_w1_arguments_cut_anywhere_are_put_together(model: ChatArk, emulator: Emulator, cut: int) -> None:
    text = '{"input": 3}'
    pieces = [("c", "f", text[:cut]), (None, None, text[cut:])]
    payloads: list[Any] = [
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {
                        "tool_calls": [{"index": 0, "id": id, "function": {"name": name, "arguments": arguments}}]
                    },
                }
            ]
        }
        for id, name, arguments in pieces
    ]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    emulator.reply_next([*payloads, end, "data: [DONE]"])
    (call,) = _sum(model.stream("Hi")).tool_calls
    assert call["args"] == {"input": 3}


def test_w2_structured_output_leaves_the_model_as_it_was(make: Make, emulator: Emulator) -> None:
    model = make(thinking="enabled")
    before = model.model_dump_json()
    for method in ("function_calling", "json_schema", "json_mode"):
        model.with_structured_output(Joke, method=method, include_raw=True).invoke("json")  # type: ignore[arg-type]
    model.bind_tools([get_weather], tool_choice="any").invoke("Hi")
    assert model.model_dump_json() == before
    assert "reasoning_content" in model.invoke("Hi").additional_kwargs


def test_w3_what_is_bound_with_tools_is_sent(model: ChatArk, emulator: Emulator) -> None:
    model.bind_tools([get_weather], parallel_tool_calls=False, strict=True, tool_choice="any").invoke("Hi")
    body = emulator.requests[-1].json
    assert body["parallel_tool_calls"] is False
    assert body["tools"][0]["function"]["strict"] is True
    assert body["tool_choice"] == "required"


@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
def test_w4_a_typed_dict_is_a_schema(model: ChatArk, emulator: Emulator, method: Any) -> None:
    answer = model.with_structured_output(JokeDict, method=method).invoke('As json with the key "setup"')
    assert isinstance(answer, dict)
    assert "setup" in answer
    kind = emulator.requests[-1].json["response_format"]["type"]
    assert kind == {"json_mode": "json_object", "json_schema": "json_schema"}[method]


# --- litellm -----------------------------------------------------------------------------------------------------


def test_l1_arks_own_fields_are_taken(make: Make, emulator: Emulator) -> None:
    fields: dict[str, Any] = {
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
        "service_tier": "fast",
    }
    make(**fields).invoke("json")
    assert {name: emulator.requests[-1].json[name] for name in fields} == fields


def test_l2_nothing_is_dropped_or_renamed(make: Make, emulator: Emulator) -> None:
    emulator.reply_next(_message())
    make(thinking={"type": "adaptive"}, max_completion_tokens=9).invoke("Hi")
    body = emulator.requests[-1].json
    assert body["thinking"] == {"type": "adaptive"}
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


def test_l5_no_usage_is_made_up(model: ChatArk, emulator: Emulator) -> None:
    emulator.reply_next(_message())
    assert model.invoke("Hi").usage_metadata is None
    assert _sum(model.stream("Hi", stream_usage=False)).usage_metadata is None


def test_l6_many_equal_chunks_are_fine(model: ChatArk, emulator: Emulator) -> None:
    same = {"choices": [{"index": 0, "delta": {"content": "哈"}}]}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    emulator.reply_next([*[same] * 300, end, "data: [DONE]"])
    assert _sum(model.stream("Laugh")).text == "哈" * 300


def test_l7_one_name_for_the_key_and_data_on_what_models_can_do(make: Make) -> None:
    assert langchain_volcark.ArkEmbeddings(model="m").lc_secrets["api_key"] == "ARK_API_KEY"  # type: ignore[call-arg]
    assert make().lc_secrets["api_key"] == "ARK_API_KEY"
    profile = make(model="doubao-seed-1-6-251015").profile
    assert profile is not None
    assert profile["image_inputs"] is True
    assert profile["tool_calling"] is True


def test_l8_arguments_reach_the_wire_and_the_model_is_named_as_resolved(make: Make, emulator: Emulator) -> None:
    payload = {
        "id": "r",
        "model": MODEL,
        "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}],
    }
    emulator.reply_next([payload, "data: [DONE]"])
    model = make(model="ep-20250101000000-abcde", thinking="disabled", extra_body={"seed": 1})
    assert _sum(model.stream("Hi")).response_metadata["model_name"] == MODEL
    assert emulator.requests[-1].json["thinking"] == {"type": "disabled"}
    assert emulator.requests[-1].json["seed"] == 1


# --- the official SDK --------------------------------------------------------------------------------------------


async def test_s4_retry_after_is_honoured_and_a_quota_is_not_retried(
    model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.fail_next(429, retry_after=7)
    model.invoke("Hi")
    emulator.fail_next(429, retry_after=7)
    await model.ainvoke("Hi")
    assert waits == [7, 7]
    emulator.fail_next(429, "QuotaExceeded")
    with pytest.raises(QuotaExceededError):
        model.invoke("Hi")
    assert waits == [7, 7]


def test_s5_the_request_id_is_the_servers(model: ChatArk, emulator: Emulator) -> None:
    emulator.fail_next(400, "InvalidParameter", headers={"X-Request-Id": "of-the-server"})
    with pytest.raises(InvalidRequestError) as caught:
        model.invoke("Hi", extra_headers={"X-Client-Request-Id": "of-the-client"})
    assert caught.value.request_id == "of-the-server"
    assert emulator.requests[-1].headers["x-client-request-id"] == "of-the-client"


async def test_s7_one_model_serves_threads_tasks_and_loops_at_once(model: ChatArk) -> None:
    async def ask(name: str) -> str:
        return (await model.ainvoke(name)).text

    def in_a_loop_of_its_own() -> list[str]:
        async def both() -> list[str]:
            return await asyncio.gather(ask("x"), ask("y"))

        return asyncio.run(both())

    here = asyncio.gather(*(ask(str(number)) for number in range(10)))
    there = await asyncio.gather(*(asyncio.to_thread(in_a_loop_of_its_own) for _ in range(4)))
    assert await here == [f"You said: {number}" for number in range(10)]
    assert there == [["You said: x", "You said: y"]] * 4


def test_no_error_is_anything_but_ours(make: Make, emulator: Emulator, waits: list[float]) -> None:
    for status in (400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 503):
        emulator.fail_next(status, None, times=1)
        with pytest.raises(VolcArkError):
            make(max_retries=0).invoke("Hi")
