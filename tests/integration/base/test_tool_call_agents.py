"""Agents on a server of raw sockets: a tool runs on what the model sent, and the service gets its results back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain.agents import create_agent

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan
from tests.unit.raw_server import Connection, RawServer, raw_server, reply

MODELS: dict[str, Callable[..., Any]] = {
    "ark": lambda url, **more: ChatArk(model="doubao-x", api_key="k", base_url=url, **more),
    "bot": lambda url, **more: ChatArkBot(model="bot-x", api_key="k", base_url=url, **more),
    "qianfan": lambda url, **more: ChatQianfan(model="ernie-x", api_key="k", base_url=url, **more),
}
WAYS = ("invoke", "ainvoke", "stream under invoke", "stream under ainvoke")


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def entry(index: Any, id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    known = {"index": index, "id": id}
    function = {"name": name, "arguments": arguments}
    return {
        **{key: value for key, value in known.items() if value is not None},
        "function": {key: value for key, value in function.items() if value is not None},
    }


def as_json(place: int, message: dict[str, Any], finish_reason: str) -> bytes:
    message = {"role": "assistant", "content": "", **message}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return reply(
        json.dumps({"id": f"r{place}", "model": "m", "choices": [choice]}).encode(),
        headers="Content-Type: application/json\r\n",
    )


def as_events(place: int, deltas: list[dict[str, Any]], finish_reason: str) -> bytes:
    def payload(delta: dict[str, Any], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return b"data: " + json.dumps({"id": f"r{place}", "model": "m", "choices": [choice]}).encode() + b"\n\n"

    body = b"".join(payload(delta, None) for delta in deltas) + payload({}, finish_reason) + b"data: [DONE]\n\n"
    return reply(body, headers="Content-Type: text/event-stream\r\n")


class Conversation:
    """Answers with tool calls first and with a text then; keeps what was sent."""

    def __init__(self, whole: list[dict[str, Any]], fragments: list[list[dict[str, Any]]]) -> None:
        self._whole, self._fragments = whole, fragments
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, _: Connection, request: bytes) -> bytes:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        self.bodies.append(body)
        place, streams = len(self.bodies), body.get("stream")
        if place > 1:
            last = {"content": "done"}
            return as_events(place, [last], "stop") if streams else as_json(place, last, "stop")
        if streams:
            return as_events(place, [{"tool_calls": part} for part in self._fragments], "tool_calls")
        return as_json(place, {"tool_calls": self._whole}, "tool_calls")


CASES: dict[str, tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]] = {
    "fragments of one call in one payload": (
        [entry(0, "c1", "get", '{"city": "X"}'), entry(1, "c2", "get", '{"city": "Y"}')],
        [
            [entry(0, "c1", "get", ""), entry(0, None, None, '{"city": "X"}')],
            [entry(1, "c2", "get", '{"city"'), entry(1, None, None, ': "Y"}')],
        ],
    ),
    "one id for two calls": (
        [entry(0, "c1", "get", '{"city": "X"}'), entry(1, "c1", "get", '{"city": "Y"}')],
        [
            [entry(0, "c1", "get", "")],
            [entry(0, None, None, '{"city": "X"}'), entry(1, "c1", "get", "")],
            [entry(1, None, None, '{"city": "Y"}')],
        ],
    ),
    "no id": (
        [entry(None, None, "get", '{"city": "X"}'), entry(None, None, "get", '{"city": "Y"}')],
        [[entry(None, None, "get", '{"city": "X"}'), entry(None, None, "get", '{"city": "Y"}')]],
    ),
    "an empty id": (
        [entry(0, "", "get", '{"city": "X"}'), entry(0, "", "get", '{"city": "Y"}')],
        [
            [entry(0, "", "get", "")],
            [entry(0, "", "", '{"city": "X"}')],
            [entry(0, "", "get", "")],
            [entry(0, "", "", '{"city": "Y"}')],
        ],
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("vendor", MODELS)
async def test_an_agent_runs_each_call_once_and_sends_each_result_back(
    server: RawServer, vendor: str, case: str, way: str
) -> None:
    conversation = Conversation(*CASES[case])
    server.handler = conversation
    cities: list[str] = []

    def get(city: str = "everywhere") -> str:
        """Weather of a city."""
        cities.append(city)
        return f"weather of {city}"

    model = MODELS[vendor](server.url, streaming="stream" in way)
    agent: Any = create_agent(model, [get])
    question = {"messages": "x"}
    state = await agent.ainvoke(question) if "ainvoke" in way else agent.invoke(question)
    assert state["messages"][-1].content == "done"
    assert sorted(cities) == ["X", "Y"]
    _, asked, *results = conversation.bodies[1]["messages"]
    ids = [call["id"] for call in asked["tool_calls"]]
    assert len(set(ids)) == 2
    assert all(ids)
    assert [result["tool_call_id"] for result in results] == ids
    for call, result in zip(asked["tool_calls"], results, strict=True):
        assert result["content"] == f"weather of {json.loads(call['function']['arguments'])['city']}"
