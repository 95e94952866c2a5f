"""What is not sure about Ark's batch inference, as the emulator plays it. `docs/uncertain.md` explains the tests.

An answer may take hours: set `ARK_BATCH_MODEL`, an endpoint `ep-bi-…`, and have patience.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.live.kit import Wire
from tests.live.services import Services

PATH = "/batch/chat/completions"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather.", "parameters": PARAMETERS},
}
LONG = "The ferry leaves the old pier every morning. " * 60


class Batch:
    def __init__(self, wire: Wire, model: str) -> None:
        self.wire = wire
        self.model = model

    def post(self, text: str = "Say: yes", **fields: Any) -> httpx.Response:
        body = {"model": self.model, "messages": [{"role": "user", "content": text}], "max_tokens": 100, **fields}
        return self.wire.post(PATH, body)

    def ok(self, text: str = "Say: yes", **fields: Any) -> Any:
        reply = self.post(text, **fields)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture
def batch(ark: Wire, services: Services) -> Batch:
    return Batch(ark, services.name("ARK_BATCH_MODEL"))


def test_batch_inference_refuses_other_models(batch: Batch, services: Services) -> None:
    reply = batch.post(model=services.name("ARK_MODEL"))
    assert reply.status_code in (400, 404), reply.text


def test_batch_inference_refuses_streams(batch: Batch) -> None:
    assert batch.post(stream=True).status_code == 400


def test_batch_inference_takes_forced_tools_and_schemas(batch: Batch) -> None:
    forced = {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}
    off = {"thinking": {"type": "disabled"}}
    assert batch.ok("Weather in 'Rome'?", **forced, **off)["choices"][0]["message"]["tool_calls"]
    schema = {"name": "place", "schema": {**PARAMETERS, "additionalProperties": False}}
    assert batch.ok("json: the city 'Rome'", response_format={"type": "json_schema", "json_schema": schema}, **off)


def test_batch_inference_takes_an_effort(batch: Batch) -> None:
    assert batch.ok(reasoning_effort="low")


def test_batch_inference_counts_no_cached_tokens(batch: Batch) -> None:
    for _ in range(2):
        usage = batch.ok(LONG)["usage"]
    assert not (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
