"""Mocks, recorders and tracers of httpx see the package's calls, and nothing real goes out behind a mock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
import sentry_sdk
import vcr
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest_httpx import HTTPXMock
from sentry_sdk.integrations.httpx import HttpxIntegration

from langchain_volcark import ArkEmbeddings, ChatArk, ChatQianfan
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import APIConnectionError, AuthenticationError
from langchain_volcark.http import instrumentation
from langchain_volcark.http.registry import DEFAULT_POOL, registry
from langchain_volcark.http.sender import AsyncSender, Sender

REPLY = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "mocked"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def _events(text: str) -> bytes:
    deltas = [{"content": letter} for letter in text]
    payloads = [{"id": "x", "model": "m", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    payloads.append({"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in payloads) + b"data: [DONE]\n\n"


STYLES = ["invoke", "ainvoke", "stream", "astream"]
every_style = pytest.mark.parametrize("style", STYLES)


async def _ask(model: Any, style: str) -> str:
    """The answer's text, asked for in one of the four styles."""
    if style == "invoke":
        return str(model.invoke("hello").text)
    if style == "ainvoke":
        return str((await model.ainvoke("hello")).text)
    if style == "stream":
        return "".join(chunk.text for chunk in model.stream("hello"))
    return "".join([chunk.text async for chunk in model.astream("hello")])


@pytest.fixture
def model(emulator: Emulator) -> ChatArk:
    return ChatArk(
        model="doubao-seed-2-1-pro-260915",
        api_key=emulator.api_key,
        base_url=emulator.ark_base_url,
        max_retries=0,
        timeout=10,
    )


def _answer(style: str) -> dict[str, Any]:
    if "stream" in style:
        return {"content": _events("mocked"), "headers": {"content-type": "text/event-stream"}}
    return {"json": REPLY}


@every_style
async def test_respx_answers_in_the_service_s_place(style: str, model: ChatArk, emulator: Emulator) -> None:
    with respx.mock:
        route = respx.post(f"{emulator.ark_base_url}/chat/completions").respond(**_answer(style))
        assert await _ask(model, style) == "mocked"
    assert route.call_count == 1
    assert emulator.requests == []
    assert "hello" in await _ask(model, style)
    assert len(emulator.requests) == 1


@every_style
async def test_respx_that_fails_is_an_error_of_the_service(style: str, model: ChatArk, emulator: Emulator) -> None:
    error = {"error": {"code": "AuthenticationError", "message": "the key is wrong", "type": "Unauthorized"}}
    with respx.mock:
        respx.post(f"{emulator.ark_base_url}/chat/completions").respond(status_code=401, json=error)
        with pytest.raises(AuthenticationError, match="the key is wrong"):
            await _ask(model, style)
    assert emulator.requests == []


@every_style
async def test_respx_without_a_route_sends_nothing(style: str, model: ChatArk, emulator: Emulator) -> None:
    with respx.mock, pytest.raises(Exception, match="not mocked"):
        await _ask(model, style)
    assert emulator.requests == []


@every_style
async def test_respx_that_patches_httpx_itself_is_seen(style: str, model: ChatArk, emulator: Emulator) -> None:
    with respx.mock(using="httpx") as router:
        router.post(f"{emulator.ark_base_url}/chat/completions").respond(**_answer(style))
        assert await _ask(model, style) == "mocked"
    assert emulator.requests == []


@every_style
async def test_pytest_httpx_answers_in_the_service_s_place(
    style: str, model: ChatArk, emulator: Emulator, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=f"{emulator.ark_base_url}/chat/completions", **_answer(style))
    assert await _ask(model, style) == "mocked"
    assert emulator.requests == []


@every_style
async def test_pytest_httpx_can_break_the_connection(style: str, model: ChatArk, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ConnectError("no way"))
    with pytest.raises(APIConnectionError, match="no way"):
        await _ask(model, style)


@every_style
async def test_vcr_records_once_and_plays_afterwards(
    style: str, model: ChatArk, emulator: Emulator, tmp_path: Path
) -> None:
    cassette = str(tmp_path / "calls.yaml")
    with vcr.use_cassette(cassette, filter_headers=["authorization"]):
        recorded = await _ask(model, style)
    assert len(emulator.requests) == 1
    with vcr.use_cassette(cassette, filter_headers=["authorization"], record_mode="none") as played:
        assert await _ask(model, style) == recorded
    assert played.play_count == 1
    assert len(emulator.requests) == 1
    assert emulator.api_key not in Path(cassette).read_text(encoding="utf-8")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield exporter
    instrumentor.uninstrument()


@every_style
async def test_opentelemetry_traces_each_call(
    style: str, model: ChatArk, emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    await _ask(model, style)
    assert "traceparent" in emulator.requests[-1].headers
    assert [span.name for span in spans.get_finished_spans()] == ["POST"]


def test_opentelemetry_traces_embeddings_and_token_requests(
    emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    embeddings = ArkEmbeddings(
        model="doubao-embedding-large-text-250515", api_key=emulator.api_key, base_url=emulator.ark_base_url
    )
    embeddings.embed_query("hello")
    assert len(spans.get_finished_spans()) == 1
    _v1(emulator).invoke("hello")
    assert len(spans.get_finished_spans()) == 3
    assert all("traceparent" in request.headers for request in emulator.requests)


def _v1(emulator: Emulator) -> ChatQianfan:
    return ChatQianfan(
        api_version="v1",
        endpoint="completions",
        client_id=emulator.client_id,
        client_secret=emulator.client_secret,
        token_url=emulator.token_url,
        base_url=emulator.qianfan_v1_base_url,
    )


@every_style
async def test_opentelemetry_sees_no_credential_of_a_query(
    style: str, emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    assert await _ask(_v1(emulator), style) == "You said: hello"
    seen = repr([(span.name, dict(span.attributes or {})) for span in spans.get_finished_spans()])
    assert "/chat/completions" in seen
    assert emulator.client_secret not in seen
    assert "access_token" not in seen


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Sentry with its httpx integration, which replaces `send` for good; put back afterwards."""
    monkeypatch.setattr(httpx.Client, "send", httpx.Client.send)
    monkeypatch.setattr(httpx.AsyncClient, "send", httpx.AsyncClient.send)
    transactions: list[Any] = []
    own = httpx.Client.send
    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        traces_sample_rate=1.0,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[HttpxIntegration()],
        before_send_transaction=lambda event, _: transactions.append(event),
    )
    if httpx.Client.send is own:  # Sentry does it once in a process
        HttpxIntegration.setup_once()
    yield transactions
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.init()


@every_style
async def test_sentry_traces_each_call(style: str, model: ChatArk, emulator: Emulator, sentry: list[Any]) -> None:
    with sentry_sdk.start_transaction(name="t"):
        await _ask(model, style)
    (transaction,) = sentry
    assert [span["op"] for span in transaction["spans"]] == ["http.client"]
    assert "sentry-trace" in emulator.requests[-1].headers


@every_style
async def test_sentry_sees_no_credential_of_a_query(style: str, emulator: Emulator, sentry: list[Any]) -> None:
    with sentry_sdk.start_transaction(name="t"):
        await _ask(_v1(emulator), style)
    assert "/chat/completions" in repr(sentry)
    assert emulator.client_secret not in repr(sentry)
    assert "access_token" not in repr(sentry)


# --- which way a call takes -----------------------------------------------------------------------------------------


def _pool_is_used() -> bool:
    return isinstance(registry.client(DEFAULT_POOL), Sender)


async def test_nothing_replaced_means_our_own_pool() -> None:
    assert _pool_is_used()
    assert isinstance(registry.async_client(DEFAULT_POOL), AsyncSender)


async def test_the_environment_decides_where_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(instrumentation.VARIABLE, "httpx")
    assert isinstance(registry.client(DEFAULT_POOL), httpx.Client)
    assert isinstance(registry.async_client(DEFAULT_POOL), httpx.AsyncClient)
    monkeypatch.setenv(instrumentation.VARIABLE, "pool")
    with respx.mock:
        assert _pool_is_used()
    monkeypatch.setenv(instrumentation.VARIABLE, "")
    assert _pool_is_used()


def test_another_word_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch, model: ChatArk) -> None:
    monkeypatch.setenv(instrumentation.VARIABLE, "requests")
    with pytest.raises(ValueError, match="VOLCARK_TRANSPORT must be 'pool' or 'httpx', not 'requests'"):
        model.invoke("hello")


@pytest.mark.parametrize(
    "replacement",
    [lambda *_: None, object(), type("Callable", (), {"__call__": lambda *_: None})()],
    ids=["function", "object", "callable"],
)
@pytest.mark.parametrize(
    ("owner", "method"),
    [(httpx.Client, "send"), (httpx.HTTPTransport, "handle_request"), (httpx.Client, "_transport_for_url")],
)
def test_any_replacement_of_a_method_is_noticed_and_its_end_too(
    owner: type, method: str, replacement: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owner, method, replacement)
        assert not _pool_is_used()
    assert _pool_is_used()


async def test_the_plain_client_keeps_no_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(instrumentation.VARIABLE, "httpx")
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, headers={"set-cookie": "session=1"}, json=REPLY)

    with respx.mock:
        respx.post("https://ark.example/api/v3/chat/completions").mock(side_effect=answer)
        for key in ("one", "two"):
            ChatArk(model="m", api_key=key, base_url="https://ark.example/api/v3").invoke("hello")
    assert [request.headers.get("cookie") for request in seen] == [None, None]
