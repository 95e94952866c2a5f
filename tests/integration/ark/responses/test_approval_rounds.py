"""An MCP call that waits for approval: asked for, answered, carried out; with and without a chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_volcark import ChatArk
from langchain_volcark import hosted_tools as ark
from langchain_volcark.emulator import Emulator

Make = Callable[..., ChatArk]
WIKI = ark.mcp("wiki", "https://mcp.example.com/mcp", require_approval="always")


@pytest.mark.parametrize("chained", [True, False])
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_an_approved_call_is_carried_out(make: Make, emulator: Emulator, chained: bool, version: str) -> None:
    model = make(use_previous_response_id=chained, output_version=version).bind_tools([WIKI])
    question = HumanMessage("ask_question about 'Peru'")
    asked: Any = model.invoke([question])
    (request,) = ark.mcp_approvals(asked)
    assert (request["server_label"], request["name"]) == ("wiki", "ask_question")
    assert asked.tool_calls == []
    assert asked.response_metadata["finish_reason"] == "stop"
    answer: Any = model.invoke([question, asked, ark.approve(asked)])
    received = emulator.requests[-1]
    assert received.headers["ark-beta-mcp"] == "true"
    assert received.json["tools"] == [WIKI]
    assert received.json["input"][-1] == {
        "type": "mcp_approval_response",
        "approval_request_id": request["id"],
        "approve": True,
    }
    assert (len(received.json["input"]) == 1) is chained
    calls = [block for block in answer.content_blocks if block["type"] == "server_tool_call"]
    assert [call["name"] for call in calls][-1] == "remote_mcp"
    assert ark.mcp_approvals(answer) == []
    history: list[BaseMessage] = [question, asked, ark.approve(asked), answer, HumanMessage("Thanks.")]
    model.invoke(history)
    assert ("previous_response_id" in emulator.requests[-1].json) is chained


def test_a_refused_call_is_not_carried_out(make: Make) -> None:
    model = make().bind_tools([WIKI])
    question = HumanMessage("ask_question about 'Peru'")
    asked: Any = model.invoke([question])
    answer: Any = model.invoke([question, asked, ark.approve(asked, False, reason="no")])
    assert not any(block.get("name") == "remote_mcp" for block in answer.content_blocks)


@pytest.mark.parametrize("chained", [True, False])
def test_an_agent_goes_on_after_an_approval(make: Make, emulator: Emulator, chained: bool) -> None:
    def get_weather(city: str) -> str:
        """Weather of a city."""
        return f"sunny in {city}"

    model = make(use_previous_response_id=chained, use_responses_api=True)
    agent: Any = create_agent(model, [WIKI, get_weather], system_prompt="S", checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "t"}}
    asked = agent.invoke({"messages": [("human", "ask_question about 'Peru'")]}, thread)["messages"][-1]
    answer = agent.invoke({"messages": [ark.approve(asked)]}, thread)["messages"][-1]
    assert "ask_question returned" in answer.text
    # What was approved once is not called again in the next turn, and its approval is asked for no more.
    messages = agent.invoke({"messages": [("human", "Weather in 'Rome'?")]}, thread)["messages"]
    assert "sunny in Rome" in messages[-1].text
    assert not any(block.get("name") == "remote_mcp" for block in messages[-1].content_blocks)
    assert len(emulator.requests) == 4
