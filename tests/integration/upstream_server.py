"""A small OpenAI-compatible server on loopback, used as the emulator's upstream; tests set its replies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Json = dict[str, Any]
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def call(name: str, arguments: str, call_id: str = "abc") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


class FakeUpstream:
    """Speaks OpenAI's chat and embeddings as llama.cpp does.

    Attributes:
        requests: The bodies it was sent, oldest first.
        keys: Each request's `Authorization`.
        message: What its replies say.
        finish_reason: How they end.
        usage: What they cost; None leaves it out.
        deltas: The deltas of its streams; None cuts `message` into characters.
        answer: Instead of all that; returns a response.
        stall_after: Number of events after which a stream falls silent until the test ends.
        left: Set when a client hung up before its reply's end.
    """

    def __init__(self) -> None:
        self.requests: list[Json] = []
        self.keys: list[str | None] = []
        self.url = ""
        self.reset()

    def reset(self) -> None:
        self.requests.clear()
        self.keys.clear()
        self.message: Json = {"role": "assistant", "content": "Hello."}
        self.finish_reason: str | None = "stop"
        self.usage: Json | None = USAGE
        self.deltas: list[Json] | None = None
        self.answer: Callable[[Json], Response] | None = None
        self.stall_after: int | None = None
        self.left = threading.Event()
        self.waiting = threading.Event()

    # --- what it serves ------------------------------------------------------------------------------------

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "tiny"}, {"id": "other"}]})

    async def chat(self, request: Request) -> Response:
        body = await self._note(request)
        if self.answer is not None:
            return self.answer(body)
        if self.stall_after is not None and not body["stream"]:
            await self._wait_for_leaving(request)
        if body["stream"]:
            return StreamingResponse(self._events(request, body), media_type="text/event-stream")
        choice = {"index": 0, "finish_reason": self.finish_reason, "message": self.message}
        return JSONResponse(self._envelope([choice], usage=self.usage))

    async def embeddings(self, request: Request) -> Response:
        body = await self._note(request)
        if self.answer is not None:
            return self.answer(body)
        rows = [
            {"object": "embedding", "index": place, "embedding": [float(len(text)), 0.5, -0.25]}
            for place, text in enumerate(body["input"])
        ]
        used = len(body["input"])
        return JSONResponse({"data": rows[::-1], "usage": {"prompt_tokens": used, "total_tokens": used}})

    async def _note(self, request: Request) -> Json:
        body: Json = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("authorization"))
        return body

    def _envelope(self, choices: list[Json], **more: Any) -> Json:
        return {"id": "chatcmpl-1", "created": 1, "model": "tiny", "choices": choices, **more}

    def _chunks(self) -> Iterator[Json]:
        deltas = self.deltas
        if deltas is None:
            text = [{"content": one} for one in self.message.get("content") or ""]
            thought = [{"reasoning_content": one} for one in self.message.get("reasoning_content") or ""]
            calls = [
                {"tool_calls": [{"index": place, **one}]}
                for place, one in enumerate(self.message.get("tool_calls") or ())
            ]
            deltas = [{"role": "assistant", "content": None}, *thought, *text, *calls]
        for delta in deltas:
            yield self._envelope([{"index": 0, "finish_reason": None, "delta": delta}])
        if self.finish_reason:
            yield self._envelope([{"index": 0, "finish_reason": self.finish_reason, "delta": {}}])
        if self.usage:
            yield self._envelope([], usage=self.usage)

    async def _events(self, request: Request, body: Json) -> AsyncIterator[bytes]:
        assert body["stream_options"]["include_usage"]
        yield b": a comment first\n\n"
        for place, chunk in enumerate(self._chunks()):
            if place == self.stall_after:
                await self._wait_for_leaving(request)
            yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    async def _wait_for_leaving(self, request: Request) -> None:
        self.waiting.set()
        try:
            while not await request.is_disconnected():
                await asyncio.sleep(0.01)
        finally:
            # A stream's task is cancelled as soon as its client leaves.
            self.left.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, up: threading.Event) -> None:
        super().__init__(config)
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()


@contextlib.contextmanager
def fake_upstream() -> Iterator[FakeUpstream]:
    """A running server; it ends with the block."""
    fake = FakeUpstream()
    routes = [
        Route("/v1/models", fake.models),
        Route("/v1/chat/completions", fake.chat, methods=["POST"]),
        Route("/v1/embeddings", fake.embeddings, methods=["POST"]),
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=routes), lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1
    )
    up = threading.Event()
    server = _Server(config, up)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert up.wait(60)
    fake.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield fake
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
