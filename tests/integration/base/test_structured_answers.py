"""Structured output gives what was asked for or says what came instead, in every class, method, schema and style."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pydantic.v1 as pydantic_v1
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_classic.output_parsers import OutputFixingParser
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, RootModel
from typing_extensions import TypedDict

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan
from langchain_volcark.emulator import Emulator
from langchain_volcark.wires.structured_output import parser

pytestmark = pytest.mark.filterwarnings("ignore:tool_choice", "ignore:Baidu")


class Order(BaseModel):
    """An order."""

    amount: int
    items: list[str] = []


class OrderV1(pydantic_v1.BaseModel):
    """An order."""

    amount: int
    items: list[str] = []


class OrderDict(TypedDict):
    """An order."""

    amount: int
    items: list[str]


OrderV1.__name__ = OrderDict.__name__ = "Order"

ORDER_JSON = {
    "title": "Order",
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "items": {"type": "array", "items": {"type": "string"}}},
    "required": ["amount"],
}
ORDER_FUNCTION = {
    "name": "Order",
    "description": "An order.",
    "parameters": {key: value for key, value in ORDER_JSON.items() if key != "title"},
}
SCHEMAS: dict[str, Any] = {
    "pydantic": Order,
    "pydantic v1": OrderV1,
    "TypedDict": OrderDict,
    "JSON schema": ORDER_JSON,
    "OpenAI function": ORDER_FUNCTION,
}

Make = Callable[[], Any]
METHODS = ("function_calling", "json_schema", "json_mode")


@pytest.fixture
def models(emulator: Emulator) -> dict[str, Any]:
    ark = {"api_key": emulator.api_key, "base_url": emulator.ark_base_url, "max_retries": 0}
    qianfan = {"api_key": emulator.qianfan_api_key, "base_url": emulator.qianfan_base_url, "max_retries": 0}
    return {
        "ark": ChatArk(model="doubao-seed-2-1-pro-260915", **ark),
        "bot": ChatArkBot(model="bot-20250407225237-6xv7r", **ark),
        "v2": ChatQianfan(model="ernie-5.1", **qianfan),
        "v1": ChatQianfan(
            api_version="v1",
            model="ERNIE-3.5-8K",
            access_token=emulator.qianfan_access_token,
            base_url=emulator.qianfan_v1_base_url,
            max_retries=0,
        ),
    }


WAYS = [
    (name, method)
    for name in ("ark", "bot", "v2", "v1")
    for method in METHODS
    if (name, method) != ("v1", METHODS[1])
]

Call = tuple[str, Any]  # a name and the arguments' text


def whole(name: str, content: str, finish: str, calls: list[Call]) -> dict[str, Any]:
    """A whole reply, in the form of the service."""
    if name == "v1":
        call = {"function_call": {"name": calls[0][0], "arguments": calls[0][1]}} if calls else {}
        return {"id": "as-1", "result": content, "finish_reason": finish, **call}
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [_call(place, call) for place, call in enumerate(calls)]
    return {"id": "r1", "model": "m", "choices": [{"index": 0, "finish_reason": finish, "message": message}]}


def _call(place: int, call: Call) -> dict[str, Any]:
    function = {"name": call[0], "arguments": call[1]}
    return {"index": place, "id": f"c{place}", "type": "function", "function": function}


def events(name: str, content: str, finish: str, calls: list[Call]) -> list[Any]:
    """The same reply as a stream, the text in pieces of five characters."""
    pieces = [content[place : place + 5] for place in range(0, len(content), 5)]
    if name == "v1":
        first = [{"id": "as-1", "result": piece, "is_end": False, "sentence_id": 0} for piece in pieces]
        return [*first, {**whole("v1", "", finish, calls), "is_end": True, "sentence_id": 1}]
    deltas: list[dict[str, Any]] = [{"content": piece} for piece in pieces]
    deltas += [{"tool_calls": [_call(place, call)]} for place, call in enumerate(calls)]
    chunks = [{"id": "r1", "model": "m", "choices": [{"index": 0, "delta": one}]} for one in deltas]
    end = {"id": "r1", "model": "m", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": finish}]}
    return [*chunks, end, "data: [DONE]"]


def outcomes(emulator: Emulator, model: Any, name: str, schema: Any, method: str, *answer: Any) -> Iterator[Any]:
    """What each style gives for the answer: the value, or the error."""

    async def collected(asked: Any) -> list[Any]:
        return [part async for part in asked.astream("json")]

    asked = model.with_structured_output(schema, method=method)
    raw = model.with_structured_output(schema, method=method, include_raw=True)
    behind = RunnableLambda(lambda text: text) | asked | RunnableLambda(lambda value: value)
    styles: list[tuple[bool, Callable[[], Any]]] = [
        (False, lambda: asked.invoke("json")),
        (False, lambda: asyncio.run(asked.ainvoke("json"))),
        (True, lambda: list(asked.stream("json"))[-1]),
        (True, lambda: asyncio.run(collected(asked))[-1]),
        (True, lambda: list(behind.stream("json"))[-1]),
        (False, lambda: _opened(raw.invoke("json"))),
        (False, lambda: _opened(asyncio.run(raw.ainvoke("json")))),
        (True, lambda: _opened(_sum(raw.stream("json")))),
        (True, lambda: _opened(_sum(asyncio.run(collected(raw))))),
    ]
    for streams, ask in styles:
        emulator.reply_next((events if streams else whole)(name, *answer))
        try:
            yield ask()
        except Exception as error:  # noqa: BLE001
            yield error


def _sum(parts: Any) -> Any:
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _opened(raw: dict[str, Any]) -> Any:
    assert set(raw) == {"raw", "parsed", "parsing_error"}
    assert isinstance(raw["raw"], AIMessage)
    if raw["parsing_error"] is not None:
        assert raw["parsed"] is None
        raise raw["parsing_error"]
    return raw["parsed"]


BAD_CALLS = {
    "text": (("I cannot do that.", "stop", []), "answered in text and did not call 'Order'"),
    "nothing": (("", "stop", []), "answer is empty"),
    "nothing, thought too long": (("", "length", []), "cut off at the token limit.*max_tokens"),
    "broken arguments": (
        ("", "tool_calls", [("Order", '{"amount": a}')]),
        "call of 'Order' are not complete JSON",
    ),
    "null as arguments": (
        ("", "tool_calls", [("Order", "null")]),
        "call of 'Order' are null instead of an object",
    ),
    "a list as arguments": (
        ("", "tool_calls", [("Order", '[{"amount": 3}]')]),
        "call of 'Order' are an array instead of an object",
    ),
    "unclosed arguments": (
        ("", "tool_calls", [("Order", '{"amount": 12')]),
        "call of 'Order' are not complete JSON",
    ),
    "cut arguments": (("", "length", [("Order", '{"amount": 12')]), "cut off at the token limit.*max_tokens"),
    "no arguments": (("", "tool_calls", [("Order", "{}")]), "match Order|schema requires amount"),
    "another tool": (("", "tool_calls", [("Bill", '{"amount": 3}')]), "called 'Bill', not 'Order'"),
}
BAD_TEXTS = {
    "text": (("I cannot do that.", "stop", []), "is a text, not JSON"),
    "nothing": (("", "stop", []), "answer is empty"),
    "a number cut": (('{"items": ["a"], "amount": 12', "length", []), "cut off at the token limit.*max_tokens"),
    "a list cut": (('{"amount": 3, "items": ["apple", "pe', "length", []), "cut off at the token limit"),
    "unclosed": (('{"items": ["a"], "amount": 12', "stop", []), "not complete JSON"),
    "unclosed in a fence": (('```json\n{"items": ["a"], "amount": 12', "stop", []), "not complete JSON"),
    "broken": (('{"amount": a}', "stop", []), "not complete JSON"),
    "null": (("null", "stop", []), "match Order|null instead of an object"),
    "a list": (('[{"amount": 3}]', "stop", []), "match Order|an array instead of an object"),
    "two objects": (('{"amount": 1}{"amount": 2}', "stop", []), "goes on after its JSON"),
    "an empty object": (("{}", "stop", []), "match Order|schema requires amount"),
}


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("case", BAD_CALLS)
@pytest.mark.parametrize("name", ["ark", "bot", "v2", "v1"])
def test_an_answer_that_is_not_the_call_raises_and_says_what_it_is(
    emulator: Emulator, models: dict[str, Any], name: str, kind: str, case: str
) -> None:
    answer, said = BAD_CALLS[case]
    for outcome in outcomes(emulator, models[name], name, SCHEMAS[kind], "function_calling", *answer):
        assert isinstance(outcome, OutputParserException), outcome
        with pytest.raises(OutputParserException, match=said):
            raise outcome
        assert isinstance(outcome.llm_output, str)


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("case", BAD_TEXTS)
@pytest.mark.parametrize(("name", "method"), [way for way in WAYS if way[1] != "function_calling"])
def test_an_answer_that_is_not_whole_json_raises_and_says_what_it_is(
    emulator: Emulator, models: dict[str, Any], name: str, method: str, kind: str, case: str
) -> None:
    if case == "an empty object" and method == "json_mode":
        return  # the service was told no schema
    answer, said = BAD_TEXTS[case]
    for outcome in outcomes(emulator, models[name], name, SCHEMAS[kind], method, *answer):
        assert isinstance(outcome, OutputParserException), outcome
        with pytest.raises(OutputParserException, match=said):
            raise outcome
        assert outcome.llm_output == answer[0]


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize(("name", "method"), WAYS)
def test_a_whole_answer_is_read_whatever_the_finish_reason(
    emulator: Emulator, models: dict[str, Any], name: str, method: str, kind: str
) -> None:
    text = '{"amount": 12500, "items": ["a"]}'
    for finish in ("stop", "tool_calls", "length"):
        answer = ("", finish, [("Order", text)]) if method == "function_calling" else (text, finish, [])
        for outcome in outcomes(emulator, models[name], name, SCHEMAS[kind], method, *answer):
            value = (
                outcome
                if isinstance(outcome, dict)
                else outcome.dict()
                if kind == "pydantic v1"
                else outcome.model_dump()
            )
            assert value == {"amount": 12500, "items": ["a"]}


@pytest.mark.parametrize(
    "text",
    ['```json\n{"amount": 1}\n```', 'Here:\n```\n{"amount": 1}\n```\n', ' {"amount": 1}\n', '\ufeff{"amount": 1}'],
)
def test_a_fence_and_blanks_around_the_json_are_taken_off(
    emulator: Emulator, models: dict[str, Any], text: str
) -> None:
    for outcome in outcomes(emulator, models["ark"], "ark", ORDER_JSON, "json_mode", text, "stop", []):
        assert outcome == {"amount": 1}


@pytest.mark.parametrize("method", METHODS)
def test_content_in_blocks_is_read_alike(emulator: Emulator, models: dict[str, Any], method: str) -> None:
    model = models["ark"].model_copy(update={"output_version": "v1"})
    called = method == "function_calling"
    for text, fits in (('{"amount": 3}', True), ('{"amount": 3', False)):
        answer = ("", "length", [("Order", text)]) if called else (text, "length", [])
        for outcome in outcomes(emulator, model, "ark", Order, method, *answer):
            assert outcome == Order(amount=3) if fits else isinstance(outcome, OutputParserException)


def test_retry_parsers_of_langchain_can_read_with_it() -> None:
    reader = parser(Order, "json_schema")
    again = OutputFixingParser(parser=reader, retry_chain=RunnableLambda(lambda _: '{"amount": 3}'), legacy=False)
    assert again.parse('{"amount": ') == Order(amount=3)


def test_partial_objects_are_shown_while_they_come_and_the_end_raises(
    emulator: Emulator, models: dict[str, Any]
) -> None:
    asked = models["ark"].with_structured_output(ORDER_JSON, method="json_schema")
    emulator.reply_next(events("ark", '{"items": ["apple", "pear"], "amount": 12', "length", []))
    seen: list[Any] = []
    with pytest.raises(OutputParserException, match="max_tokens"):
        seen.extend(asked.stream("json"))  # which keeps what came before the error
    assert {"items": ["apple", "pear"]} in seen


def test_the_filter_is_named_where_it_stopped_the_answer() -> None:
    message = AIMessage('{"amount"', response_metadata={"finish_reason": "content_filter"})
    with pytest.raises(OutputParserException, match="content filter stopped the answer"):
        parser(Order, "json_schema").read(message)


def test_a_model_that_does_not_stream_gives_the_same_in_a_stream(
    emulator: Emulator, models: dict[str, Any]
) -> None:
    model = models["ark"].model_copy(update={"disable_streaming": True})
    asked = model.with_structured_output(Order, method="function_calling")
    emulator.reply_next(whole("ark", "", "tool_calls", [("Order", '{"amount": 3}')]))
    assert list(asked.stream("Hi")) == [Order(amount=3)]
    emulator.reply_next(whole("ark", "No.", "stop", []))
    with pytest.raises(OutputParserException, match="answered in text"):
        list(asked.stream("Hi"))


def test_json_mode_reads_a_root_that_no_schema_can_be_sent_for(emulator: Emulator, models: dict[str, Any]) -> None:
    names = RootModel[list[str]]
    array = {"title": "Names", "type": "array", "items": {"type": "string"}}
    for schema, expected in ((names, names(["a"])), (array, ["a"])):
        emulator.reply_next(whole("ark", '["a"]', "stop", []))
        assert models["ark"].with_structured_output(schema, method="json_mode").invoke("json") == expected


def test_a_number_at_the_root_may_have_been_cut(emulator: Emulator, models: dict[str, Any]) -> None:
    asked = models["ark"].with_structured_output(RootModel[int], method="json_mode")
    emulator.reply_next(whole("ark", "12", "length", []))
    with pytest.raises(OutputParserException, match="max_tokens"):
        asked.invoke("json")


JSON_OBJECTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@given(JSON_OBJECTS, st.data(), st.sampled_from(["length", "stop"]), st.booleans())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_beginning_of_an_answer_passes_for_the_answer(
    value: dict[str, Any], data: st.DataObject, finish: str, is_call: bool
) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    end = data.draw(st.integers(0, len(text) - 1))
    metadata = {"finish_reason": finish}
    reader = parser({"title": "Any", "type": "object", "properties": {}}, "json_schema")
    assert reader.read(AIMessage(text, response_metadata=metadata)) == value
    pieces = [AIMessageChunk(text[:end]), AIMessageChunk("", response_metadata=metadata)]
    with pytest.raises(OutputParserException):
        reader.read(AIMessage(text[:end], response_metadata=metadata))
    with pytest.raises(OutputParserException):
        list(reader.transform(iter(pieces)))
