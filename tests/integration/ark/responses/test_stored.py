"""Prefixes, and responses that are looked up, listed and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from langchain_volcark import ChatArk, hosted_tools
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError, NotFoundError
from tests.unit.raw_server import RawServer, reply

Make = Callable[..., ChatArk]
HANDBOOK = SystemMessage("The staff handbook has many pages about leave and travel. " * 40)


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def test_many_conversations_begin_with_one_prefix(model: ChatArk, emulator: Emulator) -> None:
    prefix = model.create_prefix([HANDBOOK], expire_in=timedelta(hours=1))
    body = emulator.requests[-1].json
    assert (body["caching"], body["store"]) == ({"type": "enabled", "prefix": True}, True)
    assert "stream" not in body
    assert prefix.model == model.model
    assert prefix.usage["output_tokens"] == 0
    assert prefix.expire_at == body["expire_at"]
    for question in ("one", "two"):
        answer = model.bind(previous_response_id=prefix.id).invoke([HumanMessage(question)])
        assert answer.text == f"You said: {question}"
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["input_token_details"]["cache_read"] > 0
        body = emulator.requests[-1].json
        assert body.keys() == {"model", "input", "previous_response_id"}
        assert len(body["input"]) == 1
    assert model.delete_response(prefix.id) is True


async def test_a_prefix_is_made_in_an_event_loop(model: ChatArk) -> None:
    prefix = await model.acreate_prefix([HANDBOOK])
    assert (await model.ainvoke("one", previous_response_id=prefix.id)).text == "You said: one"
    assert await model.adelete_response(prefix.id) is True


def test_a_conversation_goes_on_from_its_prefix(make: Make, emulator: Emulator) -> None:
    model = make(caching="enabled")
    bound = model.bind(previous_response_id=model.create_prefix([HANDBOOK]).id)
    history: list[BaseMessage] = [HumanMessage("one")]
    history += [bound.invoke(history), HumanMessage("two")]
    bound.invoke(history)
    body = emulator.requests[-1].json
    assert body["previous_response_id"] == history[1].response_metadata["response_id"]
    assert len(body["input"]) == 1


def test_the_tools_of_a_prefix_are_not_bound_again(model: ChatArk, emulator: Emulator) -> None:
    prefix = model.create_prefix([HANDBOOK], tools=[get_weather])
    assert [tool["function"]["name"] for tool in prefix.tools] == ["get_weather"]
    answer = model.invoke("Weather in 'Rome'?", previous_response_id=prefix.id)
    assert answer.tool_calls[0]["args"] == {"city": "Rome"}
    assert "tools" not in emulator.requests[-1].json


def test_what_makes_no_prefix_is_refused(model: ChatArk, emulator: Emulator) -> None:
    with pytest.raises(InvalidRequestError, match="256"):
        model.create_prefix("hi")
    before = len(emulator.requests)
    with pytest.raises(ValueError, match="web_search"):
        model.create_prefix([HANDBOOK], tools=[hosted_tools.web_search()])
    with pytest.raises(ValueError, match="expire_in"):
        model.create_prefix([HANDBOOK], expire_in=700_000)
    ask = model.bind(caching={"type": "enabled", "prefix": True})
    for answer in (ask.invoke, lambda messages: list(ask.stream(messages))):
        with pytest.raises(ValueError, match="create_prefix"):
            answer([HANDBOOK])
    assert len(emulator.requests) == before


def test_an_answer_is_looked_up_without_its_thinking(make: Make) -> None:
    model = make(store=True)
    answer = model.invoke("hi")
    found = model.retrieve_response(answer.response_metadata["response_id"])
    assert (found.text, found.id) == (answer.text, answer.id)
    assert "reasoning_content" in answer.additional_kwargs
    assert "reasoning_content" not in found.additional_kwargs
    assert found.usage_metadata == answer.usage_metadata
    assert "history_digest" not in found.response_metadata


async def test_an_answer_is_looked_up_in_an_event_loop(make: Make) -> None:
    model = make(store=True)
    answer = await model.ainvoke("hi")
    found = await model.aretrieve_response(answer.response_metadata["response_id"])
    assert found.text == answer.text
    assert await model.adelete_response(answer.response_metadata["response_id"]) is True
    with pytest.raises(NotFoundError):
        await model.aretrieve_response(answer.response_metadata["response_id"])


async def test_items_are_listed_over_pages_in_both_orders(make: Make) -> None:
    model = make(use_previous_response_id=True)
    history: list[BaseMessage] = []
    for number in range(12):
        history.append(HumanMessage(f"turn {number}"))
        history.append(model.invoke(history))
    id_ = history[-1].response_metadata["response_id"]
    descending = list(model.list_response_input_items(id_))
    ascending = [item async for item in model.alist_response_input_items(id_, order="asc")]
    assert len(ascending) == 23
    assert ascending == descending[::-1]
    assert ascending[0]["content"] == "turn 0"


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "resp_1?x=1", "响应", None])
def test_what_is_no_id_is_refused(model: ChatArk, emulator: Emulator, bad: Any) -> None:
    for call in (
        model.retrieve_response,
        model.delete_response,
        lambda bad: list(model.list_response_input_items(bad)),
    ):
        with pytest.raises(ValueError, match="response_id must be the id of a response"):
            call(bad)
    assert emulator.requests == []


def test_an_access_key_pair_is_told_before_the_wire(make: Make, emulator: Emulator) -> None:
    model = make(api_key=None, access_key="AK", secret_key="SK", model="ep-20260101-abcde")
    calls: list[Callable[[], Any]] = [
        lambda: model.retrieve_response("resp_1"),
        lambda: model.delete_response("resp_1"),
        lambda: next(model.list_response_input_items("resp_1")),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="api_key"):
            call()
    assert emulator.requests == []


def test_a_server_that_repeats_a_page_is_not_asked_for_ever(make: Make, broken_server: RawServer) -> None:
    page = {"object": "list", "data": [{"type": "message", "role": "user", "content": "x"}] * 20, "last_id": "x"}
    broken_server.handler = lambda connection, request: reply(
        json.dumps(page).encode(), headers="Connection: close\r\n"
    )
    model = make(base_url=broken_server.url + "api/v3")
    assert len(list(model.list_response_input_items("resp_1"))) == 40
    assert len(broken_server.requests) == 2
