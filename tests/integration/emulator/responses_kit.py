"""What the tests of `/responses` share: plain requests, the events of a stream, and the vendor's two SDKs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

Json = dict[str, Any]

MODEL = "doubao-seed-2-1-pro-260915"
OLDER = "doubao-seed-1-6-251015"
WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME: Json = {
    "type": "function",
    "name": "get_time",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WEB: Json = {"type": "web_search"}
KNOWLEDGE: Json = {"type": "knowledge_search", "knowledge_resource_id": "kb-demo"}
LONG = "The staff handbook has many pages about leave and travel. " * 40


def user(content: Any) -> Json:
    return {"type": "message", "role": "user", "content": content}


class Client:
    """Plain HTTP, for what no SDK lets its user send."""

    def __init__(self, server: Emulator) -> None:
        self.http = httpx.Client(
            base_url=server.ark_base_url,
            headers={"Authorization": f"Bearer {server.api_key}"},
            verify=False,
        )

    def post(self, **body: Any) -> httpx.Response:
        return self.http.post("/responses", json={"model": MODEL, **body})

    def ask(self, **body: Any) -> Json:
        reply = self.post(**body)
        assert reply.status_code == 200, reply.text
        found = reply.json()
        assert isinstance(found, dict)
        return found

    def refuse(self, **body: Any) -> Json:
        reply = self.post(**body)
        assert reply.status_code >= 400, reply.text
        error = reply.json()["error"]
        assert isinstance(error, dict)
        return {**error, "status": reply.status_code}

    def frames(self, **body: Any) -> list[tuple[str | None, Any]]:
        """The frames of a stream: the name on its `event:` line, and its data."""
        reply = self.post(**body, stream=True)
        assert reply.headers["content-type"] == "text/event-stream", reply.text
        return [read_frame(frame) for frame in reply.text.split("\n\n") if frame]

    def events(self, **body: Any) -> list[Json]:
        return [data for _, data in self.frames(**body) if isinstance(data, dict)]


def read_frame(frame: str) -> tuple[str | None, Any]:
    name = None
    data = ""
    for line in frame.split("\n"):
        field, _, value = line.partition(": ")
        name = value if field == "event" else name
        data = value if field == "data" else data
    return name, data if data == "[DONE]" else json.loads(data)


def kinds(items: list[Json]) -> list[str]:
    return [item["type"] for item in items]


def text_of(response: Json) -> str:
    return "".join(
        part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]
    )


SDKS = ("arkruntime", "volcenginesdkarkruntime")


@contextmanager
def official_sdk(name: str, server: Emulator, **options: Any) -> Iterator[Any]:
    """A client of one of the vendor's SDKs."""
    module = pytest.importorskip(name, reason=f"{name} is not installed: run python scripts/ark_sdk.py")
    with (
        httpx.Client(base_url=server.ark_base_url, verify=False) as http,
        module.Ark(
            base_url=server.ark_base_url,
            max_retries=0,
            http_client=http,
            **({"api_key": server.api_key} | options),
        ) as client,
    ):
        yield client
