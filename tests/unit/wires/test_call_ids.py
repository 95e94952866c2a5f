"""Ids of tool calls in histories: whoever made the calls, each has its own id and its result has the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan
from tests.calls import request_of

MODELS: dict[str, Any] = {
    "ark": ChatArk(model="doubao-x", api_key="k"),
    "bot": ChatArkBot(model="bot-x", api_key="k"),
    "qianfan": ChatQianfan(model="ernie-x", api_key="k"),
}


def call(id: str | None, **args: Any) -> Any:
    return {"name": "get", "args": args, "id": id, "type": "tool_call"}


def turn(*ids: str | None) -> list[BaseMessage]:
    """One turn of an agent: calls whose results tell which call they belong to."""
    calls = [call(id_, place=place) for place, id_ in enumerate(ids)]
    results = [ToolMessage(f"result {place}", tool_call_id=id_ or "") for place, id_ in enumerate(ids)]
    return [AIMessage("", tool_calls=calls), *results]


def written(model: Any, messages: list[BaseMessage]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = request_of(model, messages).body["messages"]
    return sent


def assert_each_result_follows_its_call(sent: list[dict[str, Any]]) -> None:
    asked: list[dict[str, Any]] = []
    for message in sent:
        if message["role"] == "assistant":
            assert asked == []
            asked = list(message["tool_calls"])
            assert all(count == 1 for count in Counter(one["id"] for one in asked).values())
            assert all(one["id"] for one in asked)
        elif message["role"] == "tool":
            answered = asked.pop(0)
            assert message["tool_call_id"] == answered["id"]
            assert (
                answered["function"]["arguments"] == f'{{"place": {message["content"].removeprefix("result ")}}}'
            )
    assert asked == []


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@given(turns=st.lists(st.lists(st.sampled_from(["a", "b", "", None]), min_size=1, max_size=4), max_size=3))
def test_every_call_has_an_id_of_its_own_and_its_result_the_same(
    model: Any, turns: list[list[str | None]]
) -> None:
    history = [HumanMessage("q"), *(message for ids in turns for message in turn(*ids))]
    before = [message.model_copy(deep=True) for message in history]
    sent = written(model, history)
    assert_each_result_follows_its_call(sent)
    assert sent == written(model, history)  # the service's cache finds the same text
    assert history == before


def test_ids_that_are_distinct_stay() -> None:
    sent = written(MODELS["ark"], [HumanMessage("q"), *turn("a", "b")])
    assert [one["id"] for one in sent[1]["tool_calls"]] == ["a", "b"]


def test_results_in_anthropics_form_get_the_ids_too() -> None:
    asked, *_ = turn("a", "a")
    results = [{"type": "tool_result", "tool_use_id": "a", "content": f"result {place}"} for place in range(2)]
    assert_each_result_follows_its_call(written(MODELS["ark"], [HumanMessage("q"), asked, HumanMessage(results)]))


def test_an_answered_call_without_a_name_is_sent_under_a_name() -> None:
    nameless: Any = {"name": None, "args": "{}", "id": "a", "error": "no name", "type": "invalid_tool_call"}
    history = [
        HumanMessage("q"),
        AIMessage("", invalid_tool_calls=[nameless]),
        ToolMessage("no such tool", tool_call_id="a"),
    ]
    [sent] = written(MODELS["ark"], history)[1]["tool_calls"]
    assert sent["function"]["name"]


@pytest.mark.filterwarnings("ignore:Qianfan's V1 interface")
@given(turns=st.lists(st.lists(st.sampled_from(["a", "b", "", None]), min_size=1, max_size=3), max_size=3))
def test_v1_puts_each_result_behind_its_call_though_ids_come_again(turns: list[list[str | None]]) -> None:
    history = [HumanMessage("q"), *(message for ids in turns for message in turn(*ids))]
    model = ChatQianfan(api_version="v1", endpoint="own", access_token="t")
    sent = [message for message in written(model, history) if message["role"] != "user"]
    pairs = list(zip(sent[::2], sent[1::2], strict=True))
    assert len(pairs) == sum(map(len, turns))
    for asked, result in pairs:
        place = asked["function_call"]["arguments"].removeprefix('{"place": ').removesuffix("}")
        assert result["content"] == f'{{"result": "result {place}"}}'
