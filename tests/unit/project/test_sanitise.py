"""Recordings are published, so no private data may be left in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.live.recording import Exchange, Recording
from tests.live.sanitise import Sanitiser, leaks

SECRET = "zq81-not-like-any-known-key"
SECRETS = {
    "Qianfan's key": "bce-v3/ALTAK-ab12CD34/0123456789abcdef0123456789abcdef01234567",
    "an access key": "AKLTOGVhMWQyNTQ0NjA5NDYxZmFkNzE",
    "V1's token": "24.994aed2bb1ff104d8146688f5d9f8292.2592000.1797855565.282335-00000001",
    "OpenAI's form": "sk-0123456789abcdef",
    "a header": "Bearer 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "a uuid": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "an account": "2100123456",
    "one that was given": SECRET,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize(
    "place",
    [
        lambda secret: {"message": f"key {secret} is wrong"},
        lambda secret: {"choices": [{"delta": {"content": secret}}]},
        lambda secret: {"usage": json.dumps({"note": secret}) + "\n"},
        lambda secret: {"url": f"https://example.com/a?X-Signature={secret}"},
        lambda secret: {secret: 1},
        lambda secret: {"token": secret, "id": secret, "user_id": secret},
    ],
    ids=["text", "nested", "JSON in text", "URL", "name", "field"],
)
def test_no_secret_is_left(secret: str, place: Any) -> None:
    clean = Sanitiser([SECRET])
    text = json.dumps(clean.json(place(secret))) + "\n".join(clean.events("data: " + json.dumps(place(secret))))
    assert secret not in text
    assert leaks(text, [SECRET]) == []


@given(value=JSON, secret=st.sampled_from(list(SECRETS.values())))
def test_no_secret_is_left_beside_anything(value: Any, secret: str) -> None:
    cleaned = Sanitiser([SECRET]).json({"a": [value, {"b": f"{secret} "}], "c": secret})
    assert secret not in json.dumps(cleaned)


@given(JSON)
def test_the_form_stays(value: Any) -> None:
    def form(one: Any) -> Any:
        if isinstance(one, dict):
            return [form(inner) for inner in one.values()]
        return [form(inner) for inner in one] if isinstance(one, list) else type(one)

    assert form(Sanitiser([]).json({"outer": value})) == form({"outer": value})


def test_what_belonged_together_still_does() -> None:
    clean = Sanitiser([])
    reply = clean.json({"id": "call_abcdef123456", "request_id": "021760000000000abcdef012345"})
    said = clean.json({"tool_call_id": "call_abcdef123456", "message": "Request id: 021760000000000abcdef012345"})
    assert said["tool_call_id"] == reply["id"]
    assert said["message"] == f"Request id: {reply['request_id']}"
    assert clean.json(reply) == reply


def test_what_tests_look_at_stays() -> None:
    kept = {
        "model": "doubao-seed-2-1-pro-260915",
        "created": 1760000000,
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 5},
        "error": {"code": "InvalidParameter", "param": "thinking.type"},
        "index": 0,
        "token": 27,
        "title": "十字花科",
        "url": "https://example.com/a",
    }
    assert Sanitiser([SECRET]).json(kept) == kept


def test_headers_are_few() -> None:
    headers = {
        "Content-Type": "application/json",
        "Set-Cookie": "session=1",
        "X-Request-Id": "0217600000001234567890abcdef",
        "X-Ratelimit-Remaining-Requests": "299",
        "Server": "istio-envoy",
        "Authorization": f"Bearer {SECRET}",
    }
    assert Sanitiser([SECRET]).headers(headers) == {
        "content-type": "application/json",
        "x-request-id": "[request-1]",
        "x-ratelimit-remaining-requests": "299",
    }


def test_lines_of_a_stream_keep_their_frame() -> None:
    lines = Sanitiser([]).events(': note\r\n\r\ndata:{"id":"abc","choices":[]}\n\ndata: [DONE]\n\n')
    assert lines == [": note", "", 'data:{"id":"[id-1]","choices":[]}', "", "data: [DONE]", "", ""]


def test_a_recording_with_a_secret_in_it_is_not_written(tmp_path: Path) -> None:
    exchange = Exchange("POST", "/", {}, 200, {}, text=f"so {SECRET} slipped through")
    with pytest.raises(ValueError, match="secrets are left") as caught:
        Recording("scene", "services", exchanges=[exchange]).save(tmp_path, [SECRET])
    assert SECRET not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
