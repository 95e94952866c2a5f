"""Each event of each kind of answer fits the types of the vendor's newer SDK, and has nothing that they do not know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from tests.integration.emulator.mcp_server import McpServer, mcp_server
from tests.integration.emulator.responses_kit import KNOWLEDGE, WEATHER, WEB, Client, Json, user

PICTURE = user(
    [
        {"type": "input_text", "text": "zoom in on image 1"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
    ]
)
SETTINGS: Json = {
    "instructions": "Be brief.",
    "text": {"format": {"type": "text"}},
    "reasoning": {"effort": "low"},
    "session": {"id": "one"},
    "include": ["reasoning.encrypted_content"],
    "context_management": {"edits": [{"type": "clear_tool_uses"}]},
    "temperature": 1,
    "parallel_tool_calls": True,
    "max_tool_calls": 2,
}
ANSWERS: dict[str, Json] = {
    "text": {"input": "Hi"},
    "settings": {"input": "Hi", **SETTINGS},
    "raw thinking": {"input": "EMULATOR_RAW_THINKING"},
    "function": {"input": "Weather in 'Rome'?", "tools": [WEATHER]},
    "web": {"input": "the capital of Peru", "tools": [WEB]},
    "knowledge": {"input": "When does the ferry leave?", "tools": [KNOWLEDGE]},
    "knowledge, failed": {"input": "ferry", "tools": [KNOWLEDGE | {"knowledge_resource_id": "kb-other"}]},
    "image": {"input": [PICTURE], "tools": [{"type": "image_process"}]},
    "mcp": {"input": "add 1 and 2", "tools": [{"require_approval": "never"}]},
    "mcp, failed": {"input": "divide", "tools": [{"require_approval": "never"}]},
    "mcp, approval": {"input": "add 1 and 2", "tools": [{"require_approval": "always"}]},
    "limit": {"input": "count to 99", "max_output_tokens": 50},
    "filter": {"input": "EMULATOR_FILTER_OUTPUT"},
    "failed": {"input": "EMULATOR_END_FAILED"},
    "error": {"input": "EMULATOR_END_ERROR"},
} | {
    f"app {feature}": {"input": "the capital of Peru", "tools": [{"type": "doubao_app", "feature": {feature: {}}}]}
    for feature in ("chat", "deep_chat", "ai_search", "reasoning_search")
}
# In the documents' usage, not in the SDK's.
UNTYPED = {"ToolUsage.image_process", "ToolUsageDetails.image_process"}


@pytest.fixture(scope="module")
def server() -> Iterator[McpServer]:
    with mcp_server() as running:
        yield running


@pytest.mark.parametrize("name", ANSWERS)
def test_every_event_fits(client: Client, server: McpServer, name: str) -> None:
    module = pytest.importorskip(
        "arkruntime.types.responses.response_stream_event",
        reason="arkruntime is not installed: run python scripts/ark_sdk.py",
    )
    types: TypeAdapter[Any] = TypeAdapter(module.ResponseStreamEvent)
    body = dict(ANSWERS[name])
    if name.startswith("mcp"):
        mcp = {"type": "mcp", "server_label": "sums", "server_url": server.url}
        body["tools"] = [mcp | body["tools"][0]]
    events = client.events(**body)
    assert len(events) > 5
    assert set(unknown([types.validate_python(event) for event in events])) <= UNTYPED


def unknown(value: Any) -> Iterator[str]:
    """The fields that a model read and has no type for, in it and in all inside it."""
    if isinstance(value, BaseModel):
        yield from (f"{type(value).__name__}.{name}" for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from unknown(getattr(value, name))
    elif isinstance(value, list):
        for one in value:
            yield from unknown(one)
