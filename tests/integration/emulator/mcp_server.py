"""A small MCP server on loopback: streamable HTTP, with sessions, pages of tools and answers in both forms."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]

TOOLS: list[Json] = [
    {
        "name": "add",
        "description": "Adds two numbers.",
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
        "annotations": {"readOnlyHint": True},
    },
    {"name": "divide", "description": "Always fails.", "inputSchema": {"type": "object"}},
]


class McpServer:
    """Says what a test tells it to.

    Attributes:
        messages: What it was sent, oldest first.
        headers: Each request's headers.
        streams: Whether it answers with event streams.
        broken: Answers everything with this status instead.
        silent: Answers nothing until its client leaves.
    """

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.streams = False
        self.broken: int | None = None
        self.silent = False

    async def answer(self, request: Request) -> Response:
        message = await request.json()
        self.messages.append(message)
        self.headers.append(dict(request.headers))
        while self.silent and not await request.is_disconnected():
            await asyncio.sleep(0.01)
        if self.broken is not None:
            return Response(status_code=self.broken)
        if "id" not in message:
            return Response(status_code=202)
        if message["method"] != "initialize" and request.headers.get("mcp-session-id") != "session-1":
            return Response(status_code=400)
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)}
        headers = {"Mcp-Session-Id": "session-1"}
        if self.streams:
            note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}
            body = "".join(f"event: message\ndata: {json.dumps(one)}\n\n" for one in (note, reply))
            return Response(body, media_type="text/event-stream", headers=headers)
        return JSONResponse(reply, headers=headers)

    def _result(self, message: Json) -> Json:
        params = message["params"]
        if message["method"] == "initialize":
            return {"protocolVersion": params["protocolVersion"], "capabilities": {}, "serverInfo": {}}
        if message["method"] == "tools/list":
            return {"tools": TOOLS[1:]} if params.get("cursor") else {"tools": TOOLS[:1], "nextCursor": "2"}
        if params["name"] == "add":
            total = params["arguments"]["a"] + params["arguments"]["b"]
            return {"content": [{"type": "text", "text": str(total)}]}
        return {"content": [{"type": "text", "text": "division by zero"}], "isError": True}


@contextlib.contextmanager
def mcp_server() -> Iterator[McpServer]:
    server = McpServer()
    listener = socket.create_server(("127.0.0.1", 0))
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    app = Starlette(routes=[Route("/mcp", server.answer, methods=["POST"])])
    running = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()
