"""MCP servers: a real one on this machine, in as few messages as it takes, or one with a canned tool.

Streamable HTTP: https://modelcontextprotocol.io/specification/2025-06-18/basic/transports. Remote MCP:
https://www.volcengine.com/docs/82379/1827534.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_volcark.emulator.ark.calls import is_named, shared_words
from langchain_volcark.emulator.ark.responses.output import Found, item_id, reasoning_item
from langchain_volcark.emulator.ark.responses.tools import allowed_names, needs_approval
from langchain_volcark.emulator.hints import Hints
from langchain_volcark.emulator.schema import fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest

Json = dict[str, Any]

TIMEOUT = 10.0
_PROTOCOL = "2025-06-18"
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_CANNED = {
    "name": "ask_question",
    "description": "Answers a question.",
    "input_schema": {"type": "object", "properties": {"question": {"type": "string"}}, "required": ["question"]},
}


class McpError(Exception):
    """A server that does not answer as MCP wants it."""


class _Server:
    """A session with a server."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._number = 0

    async def begin(self) -> None:
        me = {"name": "volcark-emulator", "version": "1"}
        await self.ask("initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": me})
        await self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def tools(self) -> list[Json]:
        found: list[Json] = []
        cursor = None
        while True:
            page = await self.ask("tools/list", {"cursor": cursor} if cursor else {})
            found += [_listed(tool) for tool in page.get("tools", ())]
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    async def call(self, name: str, arguments: Json) -> tuple[str, bool]:
        """The text of a tool's result, and whether it is an error."""
        result = await self.ask("tools/call", {"name": name, "arguments": arguments})
        texts = [
            part.get("text", "") if part.get("type") == "text" else json.dumps(part)
            for part in result.get("content", ())
        ]
        return "\n".join(texts), bool(result.get("isError"))

    async def ask(self, method: str, params: Json) -> Json:
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        answer = await self._send(message)
        if "error" in answer:
            raise McpError(str(answer["error"].get("message", answer["error"])))
        result = answer.get("result")
        if not isinstance(result, dict):
            raise McpError(f"no result of {method}")
        return result

    async def _send(self, message: Json) -> Json:
        response = await self._client.post(self._url, json=message)
        if not response.is_success:
            raise McpError(f"HTTP {response.status_code}")
        session = response.headers.get("mcp-session-id")
        if session:
            self._client.headers["mcp-session-id"] = session
        if "id" not in message:
            return {}
        return _answer(response, message["id"])


def _answer(response: httpx.Response, number: int) -> Json:
    """The answer to a message, which comes alone or among others in an event stream."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        found = response.json()
        return found if isinstance(found, dict) else {}
    for line in response.text.splitlines():
        if line.startswith("data:"):
            message = json.loads(line.removeprefix("data:"))
            if isinstance(message, dict) and message.get("id") == number:
                return message
    raise McpError("the event stream ended without an answer")


def _listed(tool: Json) -> Json:
    listed: Json = {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "input_schema": tool.get("inputSchema", {"type": "object"}),
    }
    if tool.get("annotations"):
        listed["annotations"] = tool["annotations"]
    return listed


@asynccontextmanager
async def _session(tool: Json) -> AsyncIterator[_Server | None]:
    """A session with the server that a tool names; None where that is not on this machine."""
    if not _LOOPBACK.fullmatch(urlsplit(tool["server_url"]).hostname or ""):
        yield None
        return
    import httpx  # here, so that whoever has no such server does not load it

    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": _PROTOCOL}
    # No proxy reaches this machine's own ports.
    async with httpx.AsyncClient(
        headers={**headers, **tool.get("headers", {})}, timeout=TIMEOUT, trust_env=False
    ) as client:
        try:
            server = _Server(client, tool["server_url"])
            await server.begin()
            yield server
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            raise McpError(str(error) or type(error).__name__) from error


async def list_tools(tool: Json) -> Json:
    """The item that lists a server's tools, or says why it cannot."""
    item: Json = {"type": "mcp_list_tools", "id": item_id("mcpl"), "server_label": tool["server_label"]}
    try:
        tools = await asyncio.wait_for(_tools(tool), TIMEOUT)
    except (McpError, asyncio.TimeoutError) as error:
        return {**item, "tools": [], "error": f"The MCP server cannot list its tools: {error}".rstrip(": ")}
    allowed = allowed_names(tool)
    return {**item, "tools": [one for one in tools if allowed is None or one["name"] in allowed]}


async def _tools(tool: Json) -> list[Json]:
    async with _session(tool) as server:
        return [_CANNED] if server is None else await server.tools()


async def call(tool: Json, name: str, arguments: str) -> Json:
    """The item of a call and what came of it."""
    item: Json = {
        "type": "mcp_call",
        "id": item_id("mcp"),
        "server_label": tool["server_label"],
        "name": name,
        "arguments": arguments,
    }
    try:
        output, failed = await asyncio.wait_for(_call(tool, name, arguments), TIMEOUT)
    except (McpError, asyncio.TimeoutError) as error:
        return {**item, "error": str(error) or "The MCP server did not answer in time."}
    return {**item, "error": output} if failed else {**item, "output": output}


async def _call(tool: Json, name: str, arguments: str) -> tuple[str, bool]:
    async with _session(tool) as server:
        if server is None:
            return f"{name} was asked with {arguments}", False
        return await server.call(name, json.loads(arguments))


async def use(request: ResponsesRequest, tool: Json, question: str, *, forced: bool) -> Found:
    """List a server's tools, unless the conversation has the list, and call those that the question asks for.

    They are chosen as functions are: those that the question names, else the one whose name shares most words
    with it; the first only where the call is forced or the server is all that is offered.

    Args:
        request: The request.
        tool: The server as declared.
        question: The user's words.
        forced: Whether one must be called.
    """
    found = Found()
    known = [
        item
        for item in (*request.context, *request.items)
        if item["type"] == "mcp_list_tools" and item["server_label"] == tool["server_label"] and item.get("tools")
    ]
    listing = known[-1] if known else await list_tools(tool)
    if not known:
        found.items.append(listing)
    chosen = _chosen(request, listing.get("tools") or [], question, forced=forced)
    for one in chosen[: request.body.get("max_tool_calls", 10)]:
        arguments = json.dumps(
            fill(one.get("input_schema") or {"type": "object"}, Hints(question)), ensure_ascii=False
        )
        if request.chat.thinking:
            found.items.append(reasoning_item(f"I will call {one['name']}.", request.model, sealed=request.seals))
        if needs_approval(tool, one["name"]):
            asked = {"server_label": tool["server_label"], "name": one["name"], "arguments": arguments}
            found.items.append({"type": "mcp_approval_request", "id": item_id("mcpr"), **asked})
            found.ends = True
            return found
        _told(found, await call(tool, one["name"], arguments))
    return found


def new_approvals(request: ResponsesRequest) -> list[Json]:
    """The answers to requests for approval that nothing has followed yet but words of the user."""
    found: list[Json] = []
    for item in reversed(request.items):
        if item["type"] == "mcp_approval_response":
            found.insert(0, item)
        elif item.get("role") != "user":
            break
    return found


async def answer_approvals(request: ResponsesRequest) -> Found:
    """Call what was approved, and say what was not."""
    found = Found()
    asked = {
        item["id"]: item for item in (*request.context, *request.items) if item["type"] == "mcp_approval_request"
    }
    for item in new_approvals(request):
        wanted = asked[item["approval_request_id"]]
        if not item["approve"]:
            reason = f" ({item['reason']})" if item.get("reason") else ""
            found.text = f"{found.text} The call of {wanted['name']} was not approved{reason}.".strip()
            continue
        tool = next(one for one in request.tools if one.get("server_label") == wanted["server_label"])
        _told(found, await call(tool, wanted["name"], wanted["arguments"]))
    return found


def _told(found: Found, item: Json) -> None:
    label, output = item["server_label"], item.get("output")
    found.add(
        Found(
            [item],
            text=f"{item['name']} returned {output}." if output is not None else f"{item['name']} failed.",
            material=output or "",
            usage={"mcp": 1},
            details={"mcp": {label: 1}},
        )
    )


def _chosen(request: ResponsesRequest, tools: list[Json], question: str, *, forced: bool) -> list[Json]:
    choice = request.choice
    if isinstance(choice, dict) and choice.get("name"):
        return [one for one in tools if one["name"] == choice["name"]]
    named = [one for one in tools if is_named(one, question)]
    if named or not tools:
        return named
    best = max(tools, key=lambda one: shared_words(one, question))
    alone = len(request.tools) == 1
    return [best] if forced or alone or shared_words(best, question) else []
