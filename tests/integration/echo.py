"""All services on one raw socket server that returns what it received; and Python programs beside it."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.integration.faults.faults import EVENT_STREAM, answer, begin, chunk
from tests.integration.faults.services import CHATS, Service
from tests.unit.raw_server import Connection

HOLD = "hold"
"""How a prompt begins whose answer stops: a whole one before its first byte, a stream after its first payload."""

_ENDPOINTS = {
    "/api/v3/chat/completions": "ark",
    "/api/v3/bots/chat/completions": "bot",
    "/v2/chat/completions": "qianfan",
    "/wenxinworkshop/chat/eb1": "v1",
    "/api/knowledge/chat/completions": "knowledge",
    "/api/knowledge/service/chat": "packaged",
    "/api/v3/responses": "ark-responses",
}
_SERVICES = {service.name: service for service in CHATS}


def reply(service: Service, text: str, *, streaming: bool) -> tuple[bytes, bytes]:
    """What a service says: its first payload with all before it, and the rest; of a whole reply all is rest."""
    if not streaming:
        return b"", answer(service.body(text), "application/json")
    first, *others = map(chunk, service.events(text))
    return begin(EVENT_STREAM) + first, b"".join(others) + b"0\r\n\r\n"


class Echo:
    """The handler of a `RawServer`.

    Attributes:
        holding: Counts the answers that have stopped; `acquire` waits for one.
    """

    def __init__(self) -> None:
        self.holding = threading.Semaphore(0)
        self._bell, self._rope = socket.socketpair()

    def __call__(self, connection: Connection, request: bytes) -> bytes | None:
        head, _, body = request.partition(b"\r\n\r\n")
        service, asked = _service(head), json.loads(body)
        prompt = _prompt(asked)
        first, rest = reply(service, prompt, streaming=bool(asked.get("stream")))
        if not prompt.startswith(HOLD):
            return first + rest
        connection.send(first)
        self.holding.release()
        return rest if self._may_go_on(connection) else None

    def _may_go_on(self, connection: Connection) -> bool:
        """Wait until all may go on, or the client has hung up."""
        with selectors.DefaultSelector() as selector:
            for one in (self._bell, connection.socket):
                selector.register(one, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select()]
        if connection.socket in ready:
            connection.closed.set()
        return connection.socket not in ready

    def let_go(self) -> None:
        """Let the answers that have stopped go on to their end."""
        self._rope.close()

    def close(self) -> None:
        """Let everything go."""
        self._rope.close()
        self._bell.close()


def _service(head: bytes) -> Service:
    target = head.split(b" ")[1].decode("ascii")
    return _SERVICES[_ENDPOINTS[target.partition("?")[0]]]


def _prompt(asked: dict[str, Any]) -> str:
    content = (asked.get("messages") or asked["input"])[-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def prompts(connection: Connection) -> list[str]:
    """What was asked over one connection."""
    return [_prompt(json.loads(request.partition(b"\r\n\r\n")[2])) for request in connection.requests]


def start_python(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python program in which warnings are errors, those of forgotten sockets and tasks too."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_python(script: str, *arguments: str) -> str:
    """What a program prints, which must neither fail nor complain.

    Raises:
        subprocess.TimeoutExpired: It did not end within five minutes.
    """
    with start_python(script, *arguments) as process:
        try:
            out, err = process.communicate(timeout=300)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, ""), err
    return out
