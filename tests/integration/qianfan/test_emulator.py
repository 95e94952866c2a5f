"""The emulator's own rules for Qianfan, asked over plain HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

USER = {"role": "user", "content": "hi"}
ASSISTANT = {"role": "assistant", "content": "ho"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def v2(emulator: Emulator, body: Any, path: str = "/chat/completions", **headers: str) -> httpx.Response:
    all_headers = {"Authorization": f"Bearer {emulator.qianfan_api_key}", **headers}
    return httpx.post(f"{emulator.qianfan_base_url}{path}", json=body, headers=all_headers)


def v1(emulator: Emulator, body: Any, endpoint: str = "completions", room: str = "chat") -> dict[str, Any]:
    url = f"{emulator.qianfan_v1_base_url}/{room}/{endpoint}"
    reply = httpx.post(url, json=body, params={"access_token": emulator.qianfan_access_token})
    assert reply.status_code == 200
    return reply.json()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"messages": [USER]}, 400, "invalid_model"),
        ({"model": "no-such", "messages": [USER]}, 401, "invalid_model"),
        ({"model": "ernie-bot", "messages": [USER]}, 403, "model_offline"),
        ({"model": "ernie-5.1"}, 400, "invalid_messages"),
        ({"model": "ernie-5.1", "messages": []}, 400, "invalid_messages"),
        ({"model": "ernie-5.1", "messages": [ASSISTANT, USER]}, 400, "invalid_messages"),
        ({"model": "ernie-5.1", "messages": [USER, USER]}, 400, "invalid_messages"),
        ({"model": "ernie-5.1", "messages": [USER, ASSISTANT]}, 400, "invalid_messages"),
        ({"model": "ernie-5.1", "messages": [USER, {"role": "system", "content": "s"}]}, 400, "invalid_messages"),
        ({"model": "ernie-5.1", "messages": [{"role": "user", "content": " \n"}]}, 400, "invalid_messages"),
        (
            {
                "model": "ernie-5.1",
                "messages": [
                    USER,
                    {"role": "assistant", "content": None, "tool_calls": [CALL]},
                    {"role": "tool", "tool_call_id": "other", "content": "r"},
                ],
            },
            400,
            "invalid_messages",
        ),
        ({"model": "ernie-5.1", "messages": [USER], "bogus": 1}, 400, "invalid_argument"),
        ({"model": "ernie-5.1", "messages": [USER], "stream_options": {}}, 400, "invalid_argument"),
        ({"model": "ernie-5.1", "messages": [USER], "thinking": {"type": "enabled"}}, 400, "invalid_argument"),
        ({"model": "deepseek-v4-pro", "messages": [USER], "penalty_score": 1}, 401, "no_parameter_permission"),
        ({"model": "ernie-5.1", "messages": [USER], "temperature": 9}, 400, "invalid_argument"),
        (
            {"model": "ernie-4.0-8k", "messages": [USER], "response_format": {"type": "json_schema"}},
            400,
            "invalid_argument",
        ),
        ({"model": "ernie-5.1", "messages": [USER], "web_search": {"search_number": 29}}, 400, "invalid_argument"),
        (
            {
                "model": "ernie-4.0-8k",
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}
                ],
            },
            400,
            "invalid_messages",
        ),
        (
            {
                "model": "ernie-5.1",
                "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
            },
            400,
            "invalid_image_url",
        ),
    ],
)
def test_v2_rules(emulator: Emulator, body: Any, status: int, code: str) -> None:
    reply = v2(emulator, body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert reply.json()["id"] == reply.headers["x-request-id"]


def test_v2_gate(emulator: Emulator) -> None:
    url = f"{emulator.qianfan_base_url}/chat/completions"
    for headers in ({}, {"Authorization": emulator.qianfan_api_key}, {"Authorization": "Bearer x"}):
        reply = httpx.post(url, json={}, headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_iam_token")
    assert v2(emulator, {}, appid="app-other").json()["error"]["code"] == "invalid_appid"
    key = {"Authorization": f"Bearer {emulator.qianfan_api_key}"}
    assert httpx.get(url, headers=key).json()["error"]["code"] == "method_not_supported"
    assert httpx.post(url, content=b"{", headers=key).json()["error"]["code"] == "malformed_json"
    assert v2(emulator, {}, path="/nothing").status_code == 404


@pytest.mark.parametrize(
    ("body", "endpoint", "code"),
    [
        ({}, "completions", 336003),
        ({"messages": [USER, ASSISTANT]}, "completions", 336006),
        ({"messages": [USER, USER, USER]}, "completions", 336003),
        ({"messages": [{"role": "system", "content": "s"}]}, "completions", 336003),
        ({"messages": [{"role": "user", "content": ""}]}, "completions", 336003),
        ({"messages": [{"role": "user", "content": "x" * 4801}]}, "ngx_t", 336007),
        ({"messages": [{"role": "user", "content": "x" * 20001}]}, "completions", 336007),
        ({"messages": [USER], "temperature": 0}, "completions", 336003),
        ({"messages": [USER], "top_k": 1.5}, "completions", 336003),
        ({"messages": [USER], "stop": ["x" * 21]}, "completions", 336003),
        ({"messages": [USER], "functions": [{"name": "f", "parameters": {}}]}, "ngx_t", 336001),
        ({"messages": [USER], "functions": [{"parameters": {}}]}, "completions", 336003),
        ({"messages": [USER], "tool_choice": "auto"}, "completions", 336003),
        ({"messages": [USER], "system": 5}, "completions", 336104),
        ({"messages": [USER]}, "unpublished_service", 6),
        ({"messages": [USER]}, "no_such_service", 3),
        (
            {
                "messages": [
                    USER,
                    {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
                    {"role": "function", "name": "", "content": "{}"},
                ]
            },
            "completions",
            336003,
        ),
        (
            {
                "messages": [
                    USER,
                    {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
                    {"role": "function", "name": "f", "content": "plain"},
                ]
            },
            "completions",
            336003,
        ),
    ],
)
def test_v1_rules(emulator: Emulator, body: Any, endpoint: str, code: int) -> None:
    assert v1(emulator, body, endpoint)["error_code"] == code


@pytest.mark.parametrize(
    ("query", "code"), [({}, 100), ({"access_token": "24.x"}, 110), ({"access_token": "expired"}, 111)]
)
def test_v1_tokens(emulator: Emulator, query: dict[str, str], code: int) -> None:
    if query.get("access_token") == "expired":
        query = {"access_token": emulator.qianfan_access_token}
        emulator.expire_qianfan_tokens()
    url = f"{emulator.qianfan_v1_base_url}/chat/completions"
    assert httpx.post(url, json={"messages": [USER]}, params=query).json()["error_code"] == code


def test_v1_streams_have_usage_on_every_event_but_only_the_last_counts(emulator: Emulator) -> None:
    url = f"{emulator.qianfan_v1_base_url}/chat/ngx_t"
    body = {"messages": [{"role": "user", "content": "count to 20"}], "stream": True}
    reply = httpx.post(url, json=body, params={"access_token": emulator.qianfan_access_token})
    assert reply.headers["content-type"] == "text/event-stream;charset=utf-8"
    events = [httpx.Response(200, content=line[6:]).json() for line in reply.text.split("\n\n") if line]
    assert [event["sentence_id"] for event in events] == list(range(len(events)))
    assert [event["is_end"] for event in events] == [False] * (len(events) - 1) + [True]
    assert {event["usage"]["completion_tokens"] for event in events[:-1]} == {0}
    assert events[-1]["usage"]["completion_tokens"] > 0
    assert events[-1]["result"]
    assert "[DONE]" not in reply.text


def test_v1_refuses_a_stream_with_plain_json(emulator: Emulator) -> None:
    url = f"{emulator.qianfan_v1_base_url}/chat/ngx_t"
    reply = httpx.post(url, json={"stream": True}, params={"access_token": emulator.qianfan_access_token})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")


def test_oauth_hands_out_tokens_for_thirty_days(emulator: Emulator) -> None:
    query = {"grant_type": "client_credentials", "client_id": emulator.client_id}
    reply = httpx.post(emulator.token_url, params={**query, "client_secret": emulator.client_secret}).json()
    assert reply["expires_in"] == 2_592_000
    wrong = httpx.post(emulator.token_url, params=query)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


def test_vectors_keep_their_limits(emulator: Emulator) -> None:
    assert "error_code" in v1(emulator, {"input": ["x"] * 17}, "embedding-v1", "embeddings")
    assert "error_code" in v1(emulator, {"input": "x"}, "embedding-v1", "embeddings")
    assert "error_code" in v1(emulator, {"input": ["x", "y"]}, "tao_8k", "embeddings")
    too_long = v2(emulator, {"model": "bge-large-zh", "input": ["汉" * 513]}, "/embeddings")
    assert too_long.json()["error"]["code"] == "tokens_too_long"
    many = {"model": "bce-reranker-base", "query": "q", "documents": ["d"] * 65}
    assert v2(emulator, many, "/rerank").json()["error"]["code"] == "invalid_argument"
