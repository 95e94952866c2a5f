"""An MCP call that waits for approval: asked for, answered, carried out; with and without a chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

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
