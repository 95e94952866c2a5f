"""The emulator's batch inference: the vendor's SDKs as witnesses, and the rules that differ from the online paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import official_sdk

# The SDKs are older than some of the warnings that their own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]

ENDPOINT = "ep-bi-20260101000000-abcde"
ASK = [{"role": "user", "content": "Hi"}]
PARTS: list[Any] = [{"type": "text", "text": "a blue tower"}]
LONG = [{"role": "system", "content": "The handbook has many pages about leave. " * 60}, *ASK]


def post(server: Emulator, path: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{server.ark_base_url}/batch/{path}", headers={"Authorization": f"Bearer {server.api_key}"}, json=body
    )


def test_the_sdks_read_a_chat_reply(sdk: Any, emulator: Emulator) -> None:
    reply = sdk.batch.chat.completions.create(model=ENDPOINT, messages=ASK, max_tokens=50)
    assert reply.choices[0].message.content == "You said: Hi"
    assert reply.usage.total_tokens > 0
    assert emulator.requests[-1].path == "/api/v3/batch/chat/completions"


def test_the_sdks_read_text_embeddings(sdk: Any) -> None:
    reply = sdk.batch.embeddings.create(model=ENDPOINT, input=["one", "two"])
    assert [len(row.embedding) for row in reply.data] == [2048, 2048]


def test_the_sdks_read_a_multimodal_embedding(sdk: Any) -> None:
    reply = sdk.batch.multimodal_embeddings.create(model=ENDPOINT, input=PARTS)
    assert len(reply.data.embedding) == 2048


def test_the_sdks_come_back_after_an_overload_that_says_when(sdk: Any, emulator: Emulator) -> None:
    emulator.fail_next(429, "ServerOverloaded", retry_after=1)
    sdk.batch.chat.completions.create(model=ENDPOINT, messages=ASK)
    assert len(emulator.requests) == 2


def test_an_overload_without_retry_after_is_an_error_like_any_other(emulator: Emulator) -> None:
    emulator.fail_next(429, "ServerOverloaded")
    reply = post(emulator, "chat/completions", model=ENDPOINT, messages=ASK)
    assert reply.status_code == 429
    assert reply.json()["error"]["code"] == "ServerOverloaded"
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"messages": ASK}),
        ("embeddings", {"input": ["one"]}),
        ("embeddings/multimodal", {"input": PARTS}),
    ],
)
def test_only_batch_endpoints_are_taken(emulator: Emulator, path: str, body: Any) -> None:
    for model in ("doubao-seed-2-1-pro-260915", "ep-20260101000000-abcde"):
        reply = post(emulator, path, model=model, **body)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "model")
    assert post(emulator, path, model=ENDPOINT, **body).status_code == 200


def test_streams_are_refused(emulator: Emulator) -> None:
    reply = post(emulator, "chat/completions", model=ENDPOINT, messages=ASK, stream=True)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "stream")
    assert post(emulator, "chat/completions", model=ENDPOINT, messages=ASK, stream=False).status_code == 200


def test_the_usage_has_no_cached_tokens_where_the_online_path_has_them(emulator: Emulator) -> None:
    for _ in range(2):
        usage = post(emulator, "chat/completions", model=ENDPOINT, messages=LONG).json()["usage"]
        assert usage["prompt_tokens"] > 256
        assert "prompt_tokens_details" not in usage
    online = httpx.post(
        f"{emulator.ark_base_url}/chat/completions",
        headers={"Authorization": f"Bearer {emulator.api_key}"},
        json={"model": ENDPOINT, "messages": LONG},
    ).json()["usage"]
    assert online["prompt_tokens_details"]["cached_tokens"] > 0


def test_the_rules_of_the_online_paths_hold(emulator: Emulator) -> None:
    assert post(emulator, "chat/completions", messages=ASK).json()["error"]["code"] == "MissingParameter"
    assert post(emulator, "chat/completions", model=ENDPOINT).json()["error"]["code"] == "MissingParameter"
    url = f"{emulator.ark_base_url}/batch/chat/completions"
    assert httpx.post(url, json={"model": ENDPOINT, "messages": ASK}).status_code == 401
    broken = httpx.post(url, headers={"Authorization": f"Bearer {emulator.api_key}"}, content=b"[1")
    assert broken.status_code == 400
    assert post(emulator, "responses", model=ENDPOINT, input="Hi").status_code == 404


def test_a_log_has_a_line_for_each_request_and_no_credentials(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with Emulator(log=log) as server:
        post(server, "chat/completions", model=ENDPOINT, messages=ASK)
        server.fail_next(429, "ServerOverloaded")
        post(server, "chat/completions", model=ENDPOINT, messages=ASK)
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        assert [line["path"] for line in lines] == ["/api/v3/batch/chat/completions"] * 2
        assert json.loads(lines[0]["body"]) == {"model": ENDPOINT, "messages": ASK}
        assert server.api_key not in log.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_is_found_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        Emulator(log=tmp_path / "missing" / "requests.jsonl")


@pytest.mark.parametrize("name", ["arkruntime", "volcenginesdkarkruntime"])
def test_the_sdks_report_a_refused_key(name: str, emulator: Emulator) -> None:
    with official_sdk(name, emulator, api_key="wrong") as sdk, pytest.raises(Exception, match="401"):
        sdk.batch.chat.completions.create(model=ENDPOINT, messages=ASK)
