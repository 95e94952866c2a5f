"""Recorded replies of real services, replayed: the package reads from them what it read before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.recording import FORMAT, Exchange, Recording
from tests.live.replay import outcome, shape
from tests.live.sanitise import leaks
from tests.live.scenes import SCENES

FIXTURES = Path(__file__).parents[2] / "live" / "fixtures"
RECORDED = sorted(FIXTURES.glob("*.json"))


@pytest.mark.parametrize("path", RECORDED or [None], ids=lambda path: path.stem if path else "nothing recorded")
def test_a_recording_reads_as_it_did(path: Path | None) -> None:
    if path is None:
        pytest.skip("nobody with a key has recorded replies of the real services yet: see make record")
    recording = Recording.load(path)
    assert (recording.format, recording.scene) == (FORMAT, path.stem)
    assert recording.source == "services", "what the emulator said proves nothing about the services"
    assert leaks(path.read_text(encoding="utf-8"), []) == []
    assert outcome(recording) == recording.outcome


def test_playing_back_sees_what_changed() -> None:
    """The tool itself: a reply as the documents have it, played to the package."""
    body = {
        "id": "[id-1]",
        "model": "doubao-seed-2-1-pro-260915",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "8"}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    }
    headers = {"content-type": "application/json", "x-request-id": "[request-1]"}
    exchange = Exchange("POST", "/api/v3/chat/completions", {}, 200, headers, body=body)
    found = outcome(Recording("ark_chat", "services", exchanges=[exchange]))
    assert found["content"] == "8"
    assert found["usage"]["total_tokens"] == 6
    assert found["response_metadata"]["request_id"] == "[request-1]"
    refused = Exchange("POST", "/", {}, 401, {}, body={"error": {"code": "AuthenticationError", "message": "no"}})
    failed = outcome(Recording("ark_wrong_key", "services", exchanges=[refused]))
    assert failed == {"class": "AuthenticationError", "status": 401, "code": "AuthenticationError"}


def test_a_broken_stream_of_old_can_be_played_too() -> None:
    lines = [
        'data: {"id":"[id-1]","choices":[{"index":0,"delta":{"content":"8"},"finish_reason":"stop"}]}',
        "",
        "data: [DONE]",
        "",
        "",
    ]
    exchange = Exchange("POST", "/", {}, 200, {"content-type": "text/event-stream"}, lines=lines)
    found = outcome(Recording("ark_chat_stream", "services", exchanges=[exchange]))
    assert (found["content"], found["usage"]) == ("8", None)
    assert shape({"a": [1, "b", None]}) == {"a": ["int", "str", "NoneType"]}


def test_every_service_has_scenes() -> None:
    assert {name.partition("_")[0] for name in SCENES} == {"ark", "qianfan", "knowledge"}
