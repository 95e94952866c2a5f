"""The approval of what an MCP server is to do."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_volcark.hosted_tools import approve, mcp_approvals

ASKED: dict[str, Any] = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "wiki",
    "name": "read",
    "arguments": "{}",
    "status": "completed",
}
SHOWN = {name: ASKED[name] for name in ("id", "server_label", "name", "arguments")}


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", additional_kwargs={"output_items": [{"type": "message"}, ASKED]}),
        AIMessage([{"type": "non_standard", "value": ASKED}]),
    ],
)
def test_requests_are_found_in_every_output_version(message: AIMessage) -> None:
    assert mcp_approvals(message) == [SHOWN]
    answer = approve(message, reason="fine")
    assert answer.content == [
        {
            "type": "non_standard",
            "value": {
                "type": "mcp_approval_response",
                "approval_request_id": "mcpr_1",
                "approve": True,
                "reason": "fine",
            },
        }
    ]


def test_each_request_is_answered_by_its_id() -> None:
    message = AIMessage("", additional_kwargs={"output_items": [ASKED, {**ASKED, "id": "mcpr_2"}]})
    answer = approve(message, {"mcpr_1": True, "mcpr_2": False})
    values = [part["value"] for part in answer.content if isinstance(part, dict)]
    assert [(value["approval_request_id"], value["approve"]) for value in values] == [
        ("mcpr_1", True),
        ("mcpr_2", False),
    ]
    with pytest.raises(ValueError, match="mcpr_2"):
        approve(message, {"mcpr_1": True})


def test_a_message_that_asks_for_nothing_is_refused() -> None:
    assert mcp_approvals(AIMessage("hi")) == []
    with pytest.raises(ValueError, match="asks for no approval"):
        approve(AIMessage("hi"))
