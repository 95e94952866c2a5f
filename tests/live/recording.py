"""Saves replies of a service as sanitised JSON, and replays them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx

from langchain_volcark.emulator import Emulator
from tests.live.sanitise import Sanitiser, leaks
from tests.live.services import TRUSTED

FORMAT = 1


@dataclass
class Exchange:
    """One request and its reply.

    Attributes:
        method: Of the request.
        path: Without host and query.
        request: The request's JSON body.
        status: Of the reply.
        headers: Those that tests look at.
        body: The reply's JSON body; None for an event stream and for what is no JSON.
        lines: An event stream's lines.
        text: A body that is neither.
    """

    method: str
    path: str
    request: Any
    status: int
    headers: dict[str, str]
    body: Any = None
    lines: list[str] | None = None
    text: str | None = None


@dataclass
class Recording:
    """The exchanges of one scene, and what came of them.

    Attributes:
        scene: Its name.
        source: `services` or `emulator`: what answered.
        recorded: The day.
        exchanges: In their order.
        outcome: What the package made of them.
        format: The form of this file.
    """

    scene: str
    source: str
    recorded: str = field(default_factory=lambda: datetime.now(timezone.utc).date().isoformat())
    exchanges: list[Exchange] = field(default_factory=list)
    outcome: Any = None
    format: int = FORMAT

    def save(self, folder: Path, secrets: list[str]) -> Path:
        """Write the recording.

        Raises:
            ValueError: Something in it still looks like a secret.
        """
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"
        if found := leaks(text, secrets):
            raise ValueError(f"{self.scene} is not written: {len(found)} secrets are left in it")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.scene}.json"
        path.write_text(text, encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read a recording."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "exchanges": [Exchange(**one) for one in found["exchanges"]]})


class Recorder(httpx.BaseTransport):
    """A transport that writes down what goes through it.

    Args:
        recording: Where the exchanges go.
        sanitiser: What takes the secrets out.
    """

    def __init__(self, recording: Recording, sanitiser: Sanitiser) -> None:
        self._recording = recording
        self._sanitiser = sanitiser
        self._transport = httpx.HTTPTransport(verify=TRUSTED)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Tap(response.stream, lambda body: self._note(request, response, body))
        return response

    def close(self) -> None:
        self._transport.close()

    def _note(self, request: httpx.Request, response: httpx.Response, body: bytes) -> None:
        clean = self._sanitiser
        headers = clean.headers(response.headers)
        decoded = httpx.Response(200, headers=_encoding(response), content=body).text
        exchange = Exchange(
            method=request.method,
            path=clean.text(request.url.path),
            request=clean.body(request.content.decode("utf-8", "replace")) if request.content else None,
            status=response.status_code,
            headers=headers,
        )
        if headers.get("content-type", "").startswith("text/event-stream"):
            exchange.lines = clean.events(decoded)
        else:
            exchange.body = clean.body(decoded)
            exchange.text = clean.text(decoded) if exchange.body is None else None
        self._recording.exchanges.append(exchange)


def _encoding(response: httpx.Response) -> dict[str, str]:
    names = ("content-encoding", "content-type")
    return {name: response.headers[name] for name in names if name in response.headers}


class _Tap(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, done: Any) -> None:
        self._stream, self._done, self._parts = stream, done, list[bytes]()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._parts.append(part)
            yield part

    def close(self) -> None:
        self._stream.close()
        if self._done:
            done, self._done = self._done, None
            done(b"".join(self._parts))


@contextlib.contextmanager
def playing(recording: Recording) -> Iterator[Emulator]:
    """A server that gives the recorded replies, in their order, to whoever asks."""
    with Emulator() as server:
        for one in recording.exchanges:
            headers = {name: value for name, value in one.headers.items() if name != "content-type"}
            content_type = one.headers.get("content-type", "application/json")
            if one.lines is not None:
                body = "\n".join(one.lines)
            elif one.body is not None:
                body = json.dumps(one.body, ensure_ascii=False)
            else:
                body = one.text or ""
            server.reply_next(body=body, content_type=content_type, status=one.status, headers=headers)
        yield server
