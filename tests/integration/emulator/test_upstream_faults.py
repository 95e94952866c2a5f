"""Errors of the upstream server reach the caller in the service's error format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import ContextLengthError, ServiceError, StreamInterruptedError
from tests.integration.upstream_server import FakeUpstream, fake_upstream
from tests.unit.raw_server import Connection, Handler, raw_server

MODEL = "doubao-1-5-pro-32k-250115"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"So"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
LIST = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    with fake_upstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def server(upstream: FakeUpstream) -> Iterator[Emulator]:
    with Emulator(upstream=upstream.url, upstream_key="sk-canary-0123456789") as running:
        yield running


def sending(sent: bytes) -> Handler:
    """A model's server that lists no models, answers every question with these bytes, and hangs up."""

    def handler(connection: Connection, request: bytes) -> bytes | None:
        if b"GET /v1/models" in request:
            return LIST
        connection.socket.sendall(sent)
        return None

    return handler


def ask(server: Emulator, service: str = "ark", **body: Any) -> httpx.Response:
    messages = [{"role": "user", "content": "Hi"}]
    url, key, model = {
        "ark": (server.ark_base_url, server.api_key, MODEL),
        "qianfan": (server.qianfan_base_url, server.qianfan_api_key, "ernie-5.1"),
    }[service]
    return httpx.post(
        f"{url}/chat/completions",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": model, "messages": messages, **body},
        timeout=120,
    )


def openai(status: int, message: str, code: str | None = None, **headers: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": code}}, status, headers=headers)


REFUSALS = [
    (openai(400, "maximum context length is 8192 tokens"), 400, "InvalidParameter", "invalid_argument"),
    (openai(400, "x", "context_length_exceeded"), 400, "InvalidParameter", "invalid_argument"),
    (openai(400, "temperature is odd"), 400, "InvalidParameter", "invalid_argument"),
    (openai(422, "what is this"), 400, "InvalidParameter", "invalid_argument"),
    (openai(500, "image input is not supported"), 400, "InvalidParameter", "invalid_argument"),
    (openai(404, "no model tiny"), 404, "InvalidEndpointOrModel.NotFound", "invalid_model"),
    (openai(401, "Incorrect API key sk-canary-0123456789"), 403, "AccessDenied", "invalid_model"),
    (openai(429, "slow down"), 429, "RateLimitExceeded.EndpointRPMExceeded", "rpm_rate_limit_exceeded"),
    (openai(503, "Loading model"), 429, "ServerOverloaded", "cluster_rate_limit_exceeded"),
    (openai(500, "oh no"), 500, "InternalServiceError", "internal_error"),
    (PlainTextResponse("<html>bad gateway</html>", 502), 500, "InternalServiceError", "internal_error"),
    (PlainTextResponse("<html>welcome</html>", 200), 500, "InternalServiceError", "internal_error"),
    (
        JSONResponse({"error": {"message": "oh no", "code": 500}}, 200),
        500,
        "InternalServiceError",
        "internal_error",
    ),
    (JSONResponse({"hello": "you"}, 200), 500, "InternalServiceError", "internal_error"),
    (JSONResponse(["no", "object"], 200), 500, "InternalServiceError", "internal_error"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("answer", "status", "code", "_v2"), REFUSALS)
def test_each_refusal_has_arks_code(
    server: Emulator, upstream: FakeUpstream, answer: Response, status: int, code: str, _v2: str, stream: bool
) -> None:
    upstream.reset()
    upstream.answer = lambda _: answer
    reply = ask(server, stream=stream)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert "Request id: 02" in reply.json()["error"]["message"]
    assert reply.headers["X-Request-Id"] in reply.json()["error"]["message"]
    assert "canary" not in reply.text


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("answer", "_status", "_code", "v2"), REFUSALS)
def test_each_refusal_has_qianfans_code(
    server: Emulator, upstream: FakeUpstream, answer: Response, _status: int, _code: str, v2: str, stream: bool
) -> None:
    upstream.reset()
    upstream.answer = lambda _: answer
    reply = ask(server, "qianfan", stream=stream)
    assert reply.status_code >= 400
    error, _ = json.JSONDecoder().raw_decode(reply.text)  # a second JSON text may follow
    assert error["error"]["code"] == v2
    assert "canary" not in reply.text


def test_retry_after_passes(server: Emulator, upstream: FakeUpstream) -> None:
    upstream.reset()
    upstream.answer = lambda _: openai(429, "slow down", **{"Retry-After": "7"})
    assert ask(server).headers["Retry-After"] == "7"
    assert ask(server, "qianfan").headers["Retry-After"] == "7"


def test_the_client_reads_them_as_the_services_own(server: Emulator, upstream: FakeUpstream) -> None:
    upstream.reset()
    upstream.answer = lambda _: openai(400, "maximum context length is 8192 tokens")
    with pytest.raises(ContextLengthError):
        ChatArk(model=MODEL, api_key=server.api_key, base_url=server.ark_base_url).invoke("Hi")


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + WORD,
        HEAD + WORD + b"data: {broken",
        HEAD + WORD + b'data: {"error":{"message":"out of memory"}}\n\n',
        HEAD.replace(b"Connection: close", b"Content-Length: 9999") + WORD,
    ],
    ids=["ends", "no JSON", "error", "hangs up"],
)
def test_a_stream_that_breaks_is_an_error_in_the_stream(sent: bytes) -> None:
    with raw_server() as raw:
        raw.handler = sending(sent)
        with Emulator(upstream=raw.url) as server:
            reply = ask(server, stream=True)
            model = ChatArk(model=MODEL, api_key=server.api_key, base_url=server.ark_base_url)
            with pytest.raises((ServiceError, StreamInterruptedError)) as caught:
                list(model.stream("Hi"))
    events = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert reply.status_code == 200
    assert json.loads(events[0])["choices"][0]["delta"]["content"] == "So"
    assert json.loads(events[1])["error"]["code"] == "InternalServiceError"
    assert len(events) == 2
    assert caught.value.partial is not None
    assert caught.value.partial.text == "So"


@pytest.mark.parametrize("sent", [HEAD + WORD + END, HEAD + WORD + b"data: [DONE]\n\n", HEAD + b"data:[DONE]"])
def test_a_stream_that_lacks_its_formal_end_is_a_good_one(sent: bytes) -> None:
    with raw_server() as raw:
        raw.handler = sending(sent)
        with Emulator(upstream=raw.url) as server:
            model = ChatArk(model=MODEL, api_key=server.api_key, base_url=server.ark_base_url)
            chunks = list(model.stream("Hi"))
    assert "".join(one.text for one in chunks) == ("So" if WORD in sent else "")
    assert chunks[-1].response_metadata.get("finish_reason") or any(
        one.response_metadata.get("finish_reason") == "stop" for one in chunks
    )


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_is_not_there_is_an_internal_error(stream: bool) -> None:
    with raw_server() as gone:
        url = gone.url
    with Emulator(upstream=url) as server:
        reply = ask(server, stream=stream)
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "InternalServiceError")
    assert "cannot be reached" in reply.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_hangs_up_is_an_internal_error(stream: bool) -> None:
    with raw_server() as raw:
        raw.handler = lambda _, request: LIST if b"GET /v1/models" in request else None
        with Emulator(upstream=raw.url) as server:
            reply = ask(server, stream=stream)
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "InternalServiceError")


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + WORD], ids=["no head", "no event", "one event"])
def test_silence_is_an_internal_error(sent: bytes) -> None:
    def handler(connection: Connection, _request: bytes) -> bytes | None:
        connection.socket.sendall(sent)
        connection.server.release.wait(120)
        return None

    with raw_server() as raw:
        raw.handler = handler
        # The model is named, so that only the reply has to wait.
        with Emulator(upstream=raw.url, upstream_model="tiny", upstream_timeout=0.3) as server:
            reply = ask(server, stream=True)
    assert "was silent for too long" in reply.text
    # A slow machine may not even get the event in time; then it is refused as a whole.
    assert reply.status_code in ((200, 500) if WORD in sent else (500,))
    assert "InternalServiceError" in reply.text


@pytest.mark.parametrize("url", ["", "ollama", "ftp://x", "127.0.0.1:11434"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="upstream must be the address of a server"):
        Emulator(upstream=url)
