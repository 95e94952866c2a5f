"""Whatever stands in a request's fields, `/responses` answers or refuses it: nothing makes the emulator itself fail."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.emulator.responses_kit import KNOWLEDGE, WEATHER, WEB, Client, Json, user

CALL: Json = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
LISTED: Json = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "a", "tools": [{"name": "t"}]}
REQUEST: Json = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "a",
    "name": "t",
    "arguments": "{}",
}
MCP: Json = {
    "type": "mcp",
    "server_label": "a",
    "server_url": "https://mcp.example.com",
    "headers": {"x": "y"},
    "allowed_tools": {"tool_names": ["t"]},
    "require_approval": {"always": {"tool_names": ["t"]}},
}
BODIES: list[Json] = [
    {
        "input": [
            user(
                [
                    {"type": "input_text", "text": "Hi", "translation_options": {"target_language": "en"}},
                    {"type": "input_image", "image_url": "https://e.com/a.png", "image_pixel_limit": {}},
                    {"type": "input_video", "video_url": "https://e.com/a.mp4", "fps": 1},
                    {"type": "input_file", "file_data": "data:a/b;base64,QUJD", "filename": "a.pdf"},
                ]
            ),
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
            CALL,
            {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        ],
        "tools": [
            WEATHER | {"strict": True},
            {"type": "namespace", "name": "n", "tools": [WEATHER | {"name": "f"}]},
        ],
        "tool_choice": {"type": "function", "name": "get_weather"},
        "thinking": {"type": "disabled"},
        "reasoning": {"effort": "minimal"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        "include": ["reasoning.encrypted_content"],
        "session": {"id": "s"},
        "context_management": {
            "edits": [
                {"type": "clear_thinking", "keep": {"type": "thinking_turns", "value": 1}},
                {"type": "clear_tool_uses", "trigger": {"type": "tool_uses", "value": 1}, "exclude_tools": ["f"]},
            ]
        },
    },
    {
        "input": "weather; the capital of Peru",
        "tools": [
            WEB | {"limit": 3, "sources": ["moji"], "user_location": {"type": "approximate", "city": "x"}},
            KNOWLEDGE | {"doc_filter": {"op": "must", "field": "lang", "conds": ["en"]}, "ranking_options": {}},
        ],
        "tool_choice": "auto",
        "max_tool_calls": 2,
    },
    {
        "input": [
            user("t"),
            LISTED,
            REQUEST,
            {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        ],
        "tools": [MCP],
    },
    {"input": [user("t"), LISTED, user("t")], "tools": [MCP], "tool_choice": {"type": "mcp", "server_label": "a"}},
    {"input": "Hi", "tools": [{"type": "doubao_app", "feature": {"chat": {"type": "enabled"}}}]},
    {
        "input": [user([{"type": "input_image", "image_url": "https://e.com/a.png"}])],
        "tools": [{"type": "image_process", "zoom": {"type": "enabled"}}],
    },
    {"input": "Hi", "caching": {"type": "enabled", "prefix": False}, "store": True, "previous_response_id": ""},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands inside a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


SPOTS = [(number, path) for number, body in enumerate(BODIES) for path in places(body)]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def replaced(body: Json, path: tuple[Any, ...], value: Any) -> Json:
    found = copy.deepcopy(body)
    owner: Any = found
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = value
    return found


def test_the_bodies_are_good(client: Client) -> None:
    for body in BODIES:
        client.ask(**body)


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_any_field_may_be_anything(client: Client, number: int) -> None:
    for path in places(BODIES[number]):
        for value in (None, True, 0, -1, "", "x", [], ["x"], [[]], {}, {"x": 1}):
            reply = client.post(**replaced(BODIES[number], path, value)).text
            assert "A bug in the emulator" not in reply, (path, value)


@given(spot=st.sampled_from(SPOTS), value=VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_field_may_be_any_json(client: Client, spot: tuple[int, tuple[Any, ...]], value: Any) -> None:
    number, path = spot
    assert "A bug in the emulator" not in client.post(**replaced(BODIES[number], path, value)).text
