"""Both versions through a socket: a sum of chunks equals `invoke`, tools, thinking, search, structured output."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel

from langchain_volcark.emulator import Emulator
from tests.integration.qianfan.conftest import CUSTOM, THINKING, Make


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def get_tide(port: str) -> str:
    """Tide at a port."""
    return f"high at {port}"


def total(chunks: Any) -> AIMessageChunk:
    first, *rest = chunks
    return first + rest  # type: ignore[no-any-return]


CHANGING = ("request_id", "created")


def same(whole: AIMessage, summed: AIMessageChunk) -> None:
    """Equal but for what the service itself changes from reply to reply."""

    def facts(message: AIMessage) -> dict[str, Any]:
        metadata = {key: value for key, value in message.response_metadata.items() if key not in CHANGING}
        calls = [{**call, "id": None} for call in message.tool_calls]
        return {
            "content": message.content,
            "additional_kwargs": message.additional_kwargs,
            "metadata": metadata,
            "calls": calls,
            "invalid": message.invalid_tool_calls,
            "usage": message.usage_metadata,
        }

    assert facts(whole) == facts(summed)


V2_CALLS: list[dict[str, Any]] = [
    {},
    {"model": THINKING, "thinking": "enabled"},
    {"model": "qwen3-235b-a22b", "enable_thinking": True},
    {"web_search": {"enable": True, "enable_trace": True, "enable_citation": True}},
    {"max_tokens": 3},
    {"response_format": {"type": "json_object"}},
]


@pytest.mark.parametrize("options", V2_CALLS)
def test_v2_a_sum_of_chunks_equals_invoke(make: Make, options: dict[str, Any]) -> None:
    model = make(**options)
    same(model.invoke("What is new in 杭州?"), total(model.stream("What is new in 杭州?")))


@pytest.mark.parametrize("options", V2_CALLS)
async def test_v2_async_methods_agree(make: Make, options: dict[str, Any]) -> None:
    model = make(**options)
    summed = total([chunk async for chunk in model.astream("hi 你好")])
    same(await model.ainvoke("hi 你好"), summed)


V1_CALLS: list[dict[str, Any]] = [
    {},
    {"endpoint": CUSTOM},
    {"endpoint": CUSTOM, "max_tokens": 3},
    {"max_tokens": 3},
    {"enable_citation": True},
]


@pytest.mark.parametrize("options", V1_CALLS)
def test_v1_a_sum_of_chunks_equals_invoke(make_v1: Make, options: dict[str, Any]) -> None:
    model = make_v1(**options)
    same(model.invoke("What is new in 杭州?"), total(model.stream("What is new in 杭州?")))


@pytest.mark.parametrize("options", V1_CALLS)
async def test_v1_async_methods_agree(make_v1: Make, options: dict[str, Any]) -> None:
    model = make_v1(**options)
    same(await model.ainvoke("hi"), total([chunk async for chunk in model.astream("hi")]))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_usage_comes_on_one_chunk_and_is_not_summed(make: Make, make_v1: Make, version: str) -> None:
    model = make() if version == "v2" else make_v1()
    chunks = list(model.stream("count to 50"))
    assert len(chunks) > 5
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1
    assert total(chunks).usage_metadata == model.invoke("count to 50").usage_metadata


# --- tools ---


def test_v2_calls_several_tools_and_reads_all_results(make: Make, emulator: Emulator) -> None:
    model = make().bind_tools([get_weather, get_tide])
    question = HumanMessage("get_weather city: Qingdao and get_tide port: Qingdao")
    called = model.invoke([question])
    assert [call["name"] for call in called.tool_calls] == ["get_weather", "get_tide"]
    results = [ToolMessage(f"result of {call['name']}", tool_call_id=call["id"]) for call in called.tool_calls]
    answer = model.invoke([question, called, *results])
    assert "result of get_weather" in answer.text
    assert "result of get_tide" in answer.text
    sent = emulator.requests[-1].json["messages"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == [call["id"] for call in called.tool_calls]


def test_v2_streams_several_calls(make: Make) -> None:
    model = make().bind_tools([get_weather, get_tide])
    summed = total(model.stream("get_weather city: Qingdao and get_tide port: Qingdao"))
    assert [(call["name"], call["args"]) for call in summed.tool_calls] == [
        ("get_weather", {"city": "Qingdao"}),
        ("get_tide", {"port": "Qingdao"}),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_v1_calls_a_function_and_reads_its_result(make_v1: Make, emulator: Emulator, stream: bool) -> None:
    model = make_v1().bind_tools([get_weather, get_tide])
    question = HumanMessage("get_tide port: Qingdao")
    called = total(model.stream([question])) if stream else model.invoke([question])
    (call,) = called.tool_calls
    assert (call["name"], call["args"], call["id"]) == ("get_tide", {"port": "Qingdao"}, called.id)
    assert called.additional_kwargs == {"thoughts": "I need get_tide."}
    answer = model.invoke([question, called, ToolMessage("high at 05:10", tool_call_id=call["id"])])
    assert "high at 05:10" in answer.text
    body = emulator.requests[-1].json
    assert [function["name"] for function in body["functions"]] == ["get_weather", "get_tide"]
    assert "tools" not in body


def test_v1_can_be_forced_to_one_function(make_v1: Make) -> None:
    model = make_v1().bind_tools([get_weather, get_tide], tool_choice="get_tide")
    assert [call["name"] for call in model.invoke("get_weather city: Qingdao").tool_calls] == ["get_tide"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_arguments_cut_off_are_never_executable(make: Make, make_v1: Make, version: str) -> None:
    model = (make(max_tokens=7) if version == "v2" else make_v1(max_tokens=7)).bind_tools([get_weather])
    for message in (model.invoke("get_weather city: Qingdao"), total(model.stream("get_weather city: Qingdao"))):
        assert message.tool_calls == []
        assert len(message.invalid_tool_calls) == 1
        assert message.response_metadata["finish_reason"] in ("length", "function_call")


# --- thinking, search, JSON ---


def test_reasoning_is_kept_apart_and_not_sent_back(make: Make, emulator: Emulator) -> None:
    model = make(model=THINKING, thinking="enabled")
    message = model.invoke("hi")
    assert message.additional_kwargs["reasoning_content"].startswith("The user says: hi")
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_token_details"]["reasoning"] > 0
    model.invoke([HumanMessage("hi"), message, HumanMessage("again")])
    assert "reasoning_content" not in str(emulator.requests[-1].json)
    sender = make(model=THINKING, thinking="enabled", reasoning_passback="always")
    sender.invoke([HumanMessage("hi"), message, HumanMessage("again")])
    assert "reasoning_content" in emulator.requests[-1].json["messages"][1]


SEARCH = {"enable": True, "enable_trace": True, "enable_citation": True, "enable_status": True}


def test_search_results_become_citations_alike_everywhere(make: Make) -> None:
    model = make(web_search=SEARCH)
    message = model.invoke("What is new?")
    (block,) = message.content_blocks
    cited = {
        (one["url"], block["text"][one["start_index"] : one["end_index"]])  # type: ignore[typeddict-item]
        for one in block["annotations"]  # type: ignore[typeddict-item]
    }
    assert cited == {
        ("https://encyclopedia.example.org/1", "^[1]^"),
        ("https://news.example.org/2", "^[2][3]^"),
        ("https://forum.example.org/3", "^[2][3]^"),
    }
    summed = total(model.stream("What is new?"))
    assert summed.response_metadata["search_results"] == message.response_metadata["search_results"]
    assert summed.content_blocks[0]["annotations"] == block["annotations"]  # type: ignore[typeddict-item]
    v1_blocks = total(make(web_search=SEARCH, output_version="v1").stream("What is new?"))
    assert v1_blocks.content_blocks[0]["annotations"] == block["annotations"]  # type: ignore[typeddict-item]


def test_the_search_status_is_no_text(make: Make) -> None:
    summed = total(make(web_search=SEARCH).stream("What is new?"))
    assert "Searching" not in summed.text
    assert summed.response_metadata["search_status"] == "Searching …"


class Tide(BaseModel):
    """A tide."""

    port: str
    height: int


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_v2_structured_output(make: Make, method: Any) -> None:
    asked = 'port: Qingdao, height: 4, as JSON with the keys "port" and "height"'
    if method == "json_mode":
        assert set(make().with_structured_output(None, method=method).invoke(asked)) == {"port", "height"}
        return
    assert make().with_structured_output(Tide, method=method).invoke(asked) == Tide(port="Qingdao", height=4)


def test_v1_structured_output(make_v1: Make) -> None:
    assert make_v1().with_structured_output(Tide).invoke("port: Qingdao, height: 4") == Tide(
        port="Qingdao", height=4
    )
    with pytest.raises(ValueError, match="does not support structured output by json_schema"):
        make_v1().with_structured_output(Tide, method="json_schema")


def test_a_thinking_model_is_asked_for_a_call_but_not_forced(make: Make, emulator: Emulator) -> None:
    model = make(model=THINKING, thinking="enabled").with_structured_output(Tide)
    with pytest.warns(UserWarning, match="disable thinking"):
        assert model.invoke("port: Qingdao, height: 4") == Tide(port="Qingdao", height=4)
    assert "tool_choice" not in emulator.requests[-1].json


# --- safety ---


def test_v1_tells_of_an_unsafe_conversation(make_v1: Make) -> None:
    for message in (
        make_v1().invoke("EMULATOR_SENSITIVE_INPUT"),
        total(make_v1().stream("EMULATOR_SENSITIVE_INPUT")),
    ):
        metadata = message.response_metadata
        assert (metadata["need_clear_history"], metadata["ban_round"], metadata["flag"]) == (True, -1, 2)
        assert metadata["finish_reason"] == "content_filter"


def test_v2_tells_of_an_unsafe_conversation(make: Make) -> None:
    for message in (make().invoke("EMULATOR_SENSITIVE_INPUT"), total(make().stream("EMULATOR_SENSITIVE_INPUT"))):
        metadata = message.response_metadata
        assert (metadata["finish_reason"], metadata["ban_round"], metadata["flag"]) == ("content_filter", -1, 2)


# --- conversations ---


def test_what_is_refused_before_the_wire_never_reaches_it(make: Make, make_v1: Make, emulator: Emulator) -> None:
    for model in (make(), make_v1()):
        with pytest.raises(ValueError, match=r"messages\[1\]"):
            model.invoke([HumanMessage("a"), AIMessage("b")])
        with pytest.raises(ValueError, match=r"messages\[0\]"):
            list(model.stream([HumanMessage("")]))
    with pytest.raises(ValueError, match="temperature"):
        make_v1(temperature=0).invoke("hi")
    assert emulator.requests == []


@pytest.mark.filterwarnings("ignore:The system message is sent as `system`")
def test_the_emulator_takes_what_the_writer_makes(make: Make, make_v1: Make) -> None:
    conversation = [
        SystemMessage("Be terse."),
        HumanMessage("a", name="ann"),
        HumanMessage("b", name="ann"),
        AIMessage("c"),
        AIMessage("d"),
        HumanMessage("e"),
    ]
    assert make().invoke(conversation).content == "You said: e"
    assert make_v1().invoke(conversation).content == "You said: e"
    assert make_v1(endpoint=CUSTOM).invoke(conversation).content == " You said: e"


def test_v1_names_the_model_that_its_address_names(make_v1: Make) -> None:
    assert make_v1().invoke("hi").response_metadata["model_name"] == "ERNIE-3.5-8K"
    assert make_v1(endpoint=CUSTOM).invoke("hi").response_metadata["model_name"] == CUSTOM
    assert make_v1().invoke("hi", model="ernie_speed").response_metadata["model_name"] == "ERNIE-Speed-8K"


def test_a_call_does_not_change_the_model(make_v1: Make) -> None:
    model = make_v1(system="s", max_tokens=50)
    before = model.model_dump()
    model.invoke("hi", model="ernie_speed", temperature=0.5, stop=["x"])
    list(model.stream("hi"))
    assert model.model_dump() == before
