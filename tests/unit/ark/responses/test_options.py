"""The options of a request: every rename, and every refusal with both fields named."""

from __future__ import annotations

import time
from typing import Any

import pytest

from langchain_volcark.ark.responses.options import refuse_options, refuse_partial, write_options

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
NESTED = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": False}}
FLAT = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA, "strict": False}}
SAME: dict[str, Any] = {
    "temperature": 0,
    "top_p": 0.5,
    "service_tier": "fast",
    "parallel_tool_calls": False,
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "max_tool_calls": 3,
    "instructions": "I",
    "session": {"id": "s"},
    "prompt_cache_key": "k",
    "safety_identifier": "u",
    "previous_response_id": "resp_1",
    "expire_at": 2_000_000_000,
    "something_new": 1,
}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (SAME, SAME),
        ({"max_tokens": 100}, {"max_output_tokens": 100}),
        ({"max_completion_tokens": 100}, {"max_output_tokens": 100}),
        ({"thinking": "enabled"}, {"thinking": {"type": "enabled"}}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ({"response_format": NESTED}, {"text": FLAT}),
        ({"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
        ({"text": FLAT}, {"text": FLAT}),
        ({"caching": "enabled"}, {"caching": {"type": "enabled"}}),
        ({"caching": {"type": "enabled", "prefix": True}}, {"caching": {"type": "enabled", "prefix": True}}),
        ({"stop": ["END"], "use_responses_api": True, "use_previous_response_id": True, "n": 1}, {}),
        ({"store": None}, {}),
        (
            {"context_management": [{"type": "clear_tool_uses"}, {"type": "clear_thinking"}]},
            {"context_management": {"edits": [{"type": "clear_thinking"}, {"type": "clear_tool_uses"}]}},
        ),
    ],
)
def test_each_parameter_has_its_name_here(given: dict[str, Any], written: dict[str, Any]) -> None:
    assert write_options(given) == written


def test_the_end_is_worked_out_with_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for now in (1_000_000.5, 1_003_600.5):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        ends.append(write_options({"expire_in": 3600})["expire_at"])
    assert ends == [1_003_600, 1_007_200]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"max_tokens": 1, "max_completion_tokens": 1}, ("max_tokens", "max_completion_tokens")),
        ({"max_tokens": 1, "max_output_tokens": 1}, ("max_tokens", "max_output_tokens")),
        ({"text": FLAT, "response_format": NESTED}, ("text", "response_format")),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "low"}, ("reasoning", "reasoning_effort")),
        ({"expire_in": 5, "expire_at": 2_000_000_000}, ("expire_in", "expire_at")),
        ({"thinking": "disabled", "reasoning_effort": "high"}, ("thinking", "reasoning_effort")),
    ],
)
def test_what_says_the_same_twice_is_refused(given: dict[str, Any], named: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=named[0]) as caught:
        write_options(given)
    assert named[1] in str(caught.value)


CACHED: dict[str, Any] = {"caching": {"type": "enabled"}}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"instructions": "I"}, "instructions"),
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"text": FLAT}, "json_schema"),
        ({"store": False}, "store"),
    ],
)
def test_what_the_cache_does_not_take_is_refused(body: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match="caching") as caught:
        refuse_options({**CACHED, **body})
    assert named in str(caught.value)


def test_caching_that_is_off_is_left_out_beside_a_schema() -> None:
    body = {"caching": {"type": "disabled"}, "text": FLAT}
    refuse_options(body)
    assert body == {"text": FLAT}
    body = {"caching": {"type": "disabled"}}
    refuse_options(body)
    assert body == {"caching": {"type": "disabled"}}


@pytest.mark.parametrize("body", [CACHED, {"text": FLAT}, {"text": {"format": {"type": "json_object"}}}])
def test_a_begun_answer_is_refused_where_the_service_does_not_go_on(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="assistant"):
        refuse_partial(body)
    refuse_partial({})
