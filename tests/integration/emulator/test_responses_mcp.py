"""MCP through `/responses`: a real server on this machine, approvals, and a canned server elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from langchain_volcark.emulator.ark.responses import mcp
from tests.integration.emulator.mcp_server import McpServer, mcp_server
from tests.integration.emulator.responses_kit import Client, Json, kinds, text_of, user


@pytest.fixture(scope="module")
def running() -> Iterator[McpServer]:
    with mcp_server() as server:
        yield server


@pytest.fixture
def server(running: McpServer) -> McpServer:
    running.messages.clear()
    running.headers.clear()
    running.streams, running.broken, running.silent = False, None, False
    return running


def tool(server: McpServer, **more: object) -> Json:
    return {"type": "mcp", "server_label": "sums", "server_url": server.url, "require_approval": "never", **more}


@pytest.mark.parametrize("streams", [False, True])
def test_a_real_server_is_asked(client: Client, server: McpServer, streams: bool) -> None:
    server.streams = streams
    found = client.ask(input="add 2 and 3", tools=[tool(server, headers={"X-Token": "secret"})])
    assert kinds(found["output"]) == ["mcp_list_tools", "reasoning", "mcp_call", "reasoning", "message"]
    listed, call = found["output"][0], found["output"][2]
    assert [one["name"] for one in listed["tools"]] == ["add", "divide"]
    assert listed["tools"][0]["annotations"] == {"readOnlyHint": True}
    assert (json.loads(call["arguments"]), call["output"]) == ({"a": 2, "b": 3}, "5")
    assert text_of(found) == "add returned 5."
    assert found["usage"]["tool_usage_details"] == {"mcp": {"sums": 1}}
    assert {one["x-token"] for one in server.headers} == {"secret"}
    assert "secret" not in json.dumps(found)


def test_calls_stream(client: Client, server: McpServer) -> None:
    events = client.events(input="add 2 and 3", tools=[tool(server)])
    steps = list(dict.fromkeys(event["type"] for event in events if ".mcp_" in event["type"]))
    assert steps == [
        "response.mcp_list_tools.in_progress",
        "response.mcp_list_tools.completed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.completed",
    ]


def test_the_list_is_not_made_again(client: Client, server: McpServer) -> None:
    first = client.ask(input="add 2 and 3", tools=[tool(server)])
    second = client.ask(input="add 4 and 5", previous_response_id=first["id"], tools=[tool(server)])
    assert "mcp_list_tools" not in kinds(second["output"])
    assert text_of(second) == "add returned 9."


def test_a_tool_may_fail(client: Client, server: McpServer) -> None:
    events = client.events(input="divide", tools=[tool(server)])
    assert "response.mcp_call.failed" in [event["type"] for event in events]
    call = next(item for item in events[-1]["response"]["output"] if item["type"] == "mcp_call")
    assert (call["error"], "output" in call) == ("division by zero", False)


def test_a_server_may_be_broken(client: Client, server: McpServer) -> None:
    server.broken = 503
    events = client.events(input="add 2 and 3", tools=[tool(server)])
    assert "response.mcp_list_tools.failed" in [event["type"] for event in events]
    found = events[-1]["response"]
    assert "HTTP 503" in found["output"][0]["error"]
    assert found["output"][-1]["type"] == "message"


def test_a_silent_server_is_given_up(client: Client, server: McpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "TIMEOUT", 0.05)
    server.silent = True
    found = client.ask(input="add 2 and 3", tools=[tool(server)])
    assert found["output"][0]["error"].startswith("The MCP server cannot list its tools")
    listed = {"type": "mcp_list_tools", "server_label": "sums", "tools": [{"name": "add"}]}
    found = client.ask(input=[listed, user("add 2 and 3")], tools=[tool(server)])
    assert "error" in next(item for item in found["output"] if item["type"] == "mcp_call")


def test_allowed_tools_are_heeded(client: Client, server: McpServer) -> None:
    for allowed in (["divide"], {"tool_names": ["divide"]}):
        found = client.ask(input="add 2 and 3", tools=[tool(server, allowed_tools=allowed)])
        assert [one["name"] for one in found["output"][0]["tools"]] == ["divide"]


def test_a_tool_can_be_forced(client: Client, server: McpServer) -> None:
    choice = {"type": "mcp", "server_label": "sums", "name": "divide"}
    found = client.ask(input="add 2 and 3", tools=[tool(server)], tool_choice=choice)
    assert [item["name"] for item in found["output"] if item["type"] == "mcp_call"] == ["divide"]


@pytest.mark.parametrize("stored", [True, False])
def test_approval_goes_round(client: Client, server: McpServer, stored: bool) -> None:
    asking = tool(server, require_approval="always")
    first = client.ask(input="add 2 and 3", tools=[asking])
    request = first["output"][-1]
    assert (first["status"], request["type"], request["name"]) == ("completed", "mcp_approval_request", "add")
    assert "tools/call" not in [message["method"] for message in server.messages]
    answer = {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": True}
    before: Json = {"previous_response_id": first["id"], "input": [answer]}
    if not stored:
        said = {"type": "message", "role": "user", "content": "add 2 and 3"}
        before = {"input": [said, first["output"][0], request, answer]}
    second = client.ask(**before, tools=[asking])
    assert kinds(second["output"]) == ["mcp_call", "reasoning", "message"]
    assert text_of(second) == "add returned 5."


def test_approval_may_be_refused(client: Client, server: McpServer) -> None:
    asking = tool(
        server, require_approval={"always": {"tool_names": ["add"]}, "never": {"tool_names": ["divide"]}}
    )
    assert "mcp_call" in kinds(client.ask(input="divide", tools=[asking])["output"])
    events = client.events(input="add 2 and 3", tools=[asking])
    asked = next(event for event in events if event["type"] == "response.mcp_approval_request")
    request = asked["function_mcp_approval_request"]
    assert "item_id" not in asked
    answer = {
        "type": "mcp_approval_response",
        "approval_request_id": request["id"],
        "approve": False,
        "reason": "too costly",
    }
    sent = {"previous_response_id": events[-1]["response"]["id"], "input": [answer]}
    second = client.ask(**sent, tools=[asking])
    assert text_of(second) == "The call of add was not approved (too costly)."
    assert client.refuse(**sent)["param"] == "tools"


def test_a_server_elsewhere_is_canned(client: Client) -> None:
    wiki = {
        "type": "mcp",
        "server_label": "wiki",
        "server_url": "https://mcp.example.com/mcp",
        "require_approval": "never",
    }
    found = client.ask(input="What is an owl?", tools=[wiki])
    call = next(item for item in found["output"] if item["type"] == "mcp_call")
    assert (call["name"], json.loads(call["arguments"])) == ("ask_question", {"question": "What is an owl?"})
    assert call["output"].startswith("ask_question was asked")
