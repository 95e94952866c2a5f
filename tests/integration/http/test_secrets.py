"""No secret is seen by anybody but the service, whatever goes wrong.

Each kind of credential is a canary. After each fault the object's own words, the exception with all that hangs on
it, its copies and pickles, the variables of the package's frames, the traces and all logs are searched for it, in
each way to write it.
"""

from __future__ import annotations

import asyncio
import gc
import html
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from langchain_core.documents import Document
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from langchain_volcark import (
    ArkEmbeddings,
    ChatArk,
    ChatArkBot,
    ChatQianfan,
    ChatVikingKnowledge,
    QianfanRerank,
    VikingKnowledgeReranker,
    VikingKnowledgeRetriever,
)
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http import token_refresh
from langchain_volcark.http.registry import registry
from tests.integration.faults.faults import (
    BODIES,
    ENDS,
    LOSSES,
    STATUSES,
    Exchange,
    Fault,
    answer,
    begin,
    chunk,
    event,
    good,
)
from tests.integration.faults.secrets import (
    LOGGERS,
    canary,
    found,
    shown_by_error,
    shown_by_logs,
    shown_by_object,
    shown_by_trace,
)
from tests.integration.faults.services import CHATS, OTHERS, Service
from tests.unit.raw_server import Connection, RawServer

SERVICES = {service.name: service for service in [*CHATS, *OTHERS]}
KEY, PAIR, SECRET, TOKEN, MORE = (canary(name) for name in ("key", "pair", "secret", "token", "more"))


@dataclass(frozen=True)
class Credential:
    """A kind of credential, as it is given to a class.

    Attributes:
        name: For the names of tests.
        service: Whose replies are played.
        build: Makes an object, from the server's address and further arguments.
        exchange: How the path of an exchange begins, and its good reply.
    """

    name: str
    service: str
    build: Callable[..., Any]
    exchange: tuple[bytes, dict[str, Any]] | None = None


def made(kind: type, path: str = "", **arguments: Any) -> Callable[..., Any]:
    """A class with credentials; those that are addresses begin with the server's."""

    def build(url: str, **more: Any) -> Any:
        host = url.rstrip("/")
        given = {name: value(host) if callable(value) else value for name, value in arguments.items()}
        return kind(**{"base_url": host + path, **given, **more})

    return build


def here(host: str) -> str:
    return host


ARK, QIANFAN, V1 = "/api/v3", "/v2", "/wenxinworkshop"
ISSUED = [
    (b"POST /?Action=GetApiKey", {"Result": {"ApiKey": TOKEN, "ExpiredTime": 4_000_000_000}}),
    (b"GET /v1/BCE-BEARER/token", {"token": TOKEN}),
    (b"POST /oauth/2.0/token", {"access_token": TOKEN, "expires_in": 2_592_000}),
]
PAIR_OF_KEYS = {"access_key": PAIR, "secret_key": SECRET}
OF_V1 = {"api_version": "v1", "endpoint": "eb1"}

CREDENTIALS = [
    Credential("ark key", "ark", made(ChatArk, ARK, model="m", api_key=KEY)),
    Credential("ark key from a function", "ark", made(ChatArk, ARK, model="m", api_key=lambda _: lambda: KEY)),
    Credential(
        "ark pair",
        "ark",
        made(ChatArk, ARK, model="ep-1", control_base_url=here, **PAIR_OF_KEYS),
        exchange=ISSUED[0],
    ),
    Credential(
        "responses key", "ark-responses", made(ChatArk, ARK, model="m", api_key=KEY, use_responses_api=True)
    ),
    Credential("bot key", "bot", made(ChatArkBot, ARK, model="bot-1", api_key=KEY)),
    Credential(
        "headers", "ark", made(ChatArk, ARK, model="m", api_key=KEY, default_headers={"X-Gateway-Key": MORE})
    ),
    Credential("query", "ark", made(ChatArk, ARK, model="m", api_key=KEY, default_query={"key": MORE})),
    Credential("qianfan key", "qianfan", made(ChatQianfan, QIANFAN, model="ernie-5.1", api_key=KEY)),
    Credential(
        "qianfan pair",
        "qianfan",
        made(ChatQianfan, QIANFAN, model="ernie-5.1", iam_base_url=here, **PAIR_OF_KEYS),
        exchange=ISSUED[1],
    ),
    Credential("v1 token", "v1", made(ChatQianfan, V1, access_token=KEY, **OF_V1)),
    Credential(
        "v1 application",
        "v1",
        made(
            ChatQianfan,
            V1,
            client_id=PAIR,
            client_secret=SECRET,
            token_url=lambda host: f"{host}/oauth/2.0/token",
            **OF_V1,
        ),
        exchange=ISSUED[2],
    ),
    Credential("v1 signature", "v1", made(ChatQianfan, V1, **PAIR_OF_KEYS, **OF_V1)),
    Credential(
        "v1 header", "v1", made(ChatQianfan, V1, default_headers={"Authorization": f"ACCESSCODE {KEY}"}, **OF_V1)
    ),
    Credential(
        "knowledge signature",
        "knowledge",
        made(ChatVikingKnowledge, model="ep-1", endpoint_api_key=KEY, session_token=MORE, **PAIR_OF_KEYS),
    ),
    Credential("service key", "packaged", made(ChatVikingKnowledge, service_resource_id="kb-1", api_key=KEY)),
    Credential("embeddings", "ark-embeddings", made(ArkEmbeddings, ARK, model="doubao-embedding-x", api_key=KEY)),
    Credential("qianfan reranker", "qianfan-reranker", made(QianfanRerank, QIANFAN, api_key=KEY)),
    Credential("retriever", "retriever", made(VikingKnowledgeRetriever, collection_name="c", **PAIR_OF_KEYS)),
    Credential("reranker", "reranker", made(VikingKnowledgeReranker, **PAIR_OF_KEYS)),
]
ALL_SECRETS = [KEY, PAIR, SECRET, TOKEN, MORE]

# --- faults that quote the request ------------------------------------------------------------------------


def quoted(connection: Connection) -> str:
    return connection.requests[-1].decode("latin-1")


def quoting_error(x: Exchange) -> bytes:
    return json.dumps(x.service.error).replace("not today", json.dumps(quoted(x.connection))[1:-1]).encode()


def inside(make: Callable[[Exchange], bytes]) -> Callable[[Exchange], bytes | None]:
    """As the second payload of a stream; of a whole reply, in its place."""

    def act(x: Exchange) -> bytes | None:
        if not x.streaming:
            return answer(make(x), x.kind)
        x.send(begin(x.kind) + chunk(x.service.events()[0]) + chunk(event(make(x))))
        x.connection.wait_until_closed()
        return None

    return act


def back_to_where_it_came_from(x: Exchange) -> bytes:
    target = quoted(x.connection).split(" ")[1]
    return answer(b"", "text/html", "302 Found", f"Location: {x.elsewhere.rstrip('/')}{target}\r\n")


def in_headers(x: Exchange) -> bytes:
    lines = [line for line in quoted(x.connection).split("\r\n")[1:] if ":" in line]
    echoed = "".join(f"X-Echo: {line.partition(':')[2].strip()}\r\n" for line in lines)
    return answer(b"", "text/html", "500 Oops", echoed)


def quote_as(write: Callable[[str], str], status: str = "400 Bad Request") -> Callable[[Exchange], bytes]:
    return lambda x: answer(write(quoted(x.connection)).encode(), "text/html", status)


QUOTES = [
    Fault("quoted", quote_as(str), None, None),
    Fault("quoted in HTML", quote_as(lambda text: f"<pre>{html.escape(text)}</pre>", "404 Not Found"), None, None),
    Fault("quoted with 200", quote_as(str, "200 OK"), None, None),
    Fault("quoted in an error", lambda x: answer(quoting_error(x), "application/json", "401 No"), None, None),
    Fault("quoted in an error with 200", lambda x: answer(quoting_error(x), "application/json"), None, None),
    Fault("quoted in an error inside", inside(quoting_error), None, None),
    Fault(
        "quoted in a broken payload", inside(lambda x: b"{" + quoted(x.connection).encode("latin-1")), None, None
    ),
    Fault("quoted in a redirect", back_to_where_it_came_from, None, None),
    Fault("quoted in headers", in_headers, None, None),
]
QUOTING = {fault.name for fault in QUOTES}  # there the reply itself holds the secret
BIG = {"5 MB", "100 KB in one payload"}
FAULTS = [fault for fault in [*LOSSES, *BODIES, *STATUSES, *ENDS] if fault.name not in BIG]


def faults_of(service: Service, *, streaming: bool) -> list[Fault]:
    """Those that have a meaning for a call, and those that quote."""
    streaming = streaming and service.is_chat()
    return [*(fault for fault in FAULTS if fault.expected(service, streaming=streaming) is not None), *QUOTES]


# --- calls ------------------------------------------------------------------------------------------------


def use(model: Any, collector: RunCollectorCallbackHandler) -> Any:
    if isinstance(model, (ArkEmbeddings,)):
        return model.embed_documents(["Hi"])
    if isinstance(model, (QianfanRerank, VikingKnowledgeReranker)):
        return model.compress_documents([Document("Hi")], "Hi")
    return model.invoke("Hi", config={"callbacks": [collector]})


async def ause(model: Any, collector: RunCollectorCallbackHandler) -> Any:
    """As a stream where there are streams."""
    if isinstance(model, ArkEmbeddings):
        return await model.aembed_documents(["Hi"])
    if isinstance(model, (QianfanRerank, VikingKnowledgeReranker)):
        return await model.acompress_documents([Document("Hi")], "Hi")
    if isinstance(model, VikingKnowledgeRetriever):
        return await model.ainvoke("Hi", config={"callbacks": [collector]})
    return [piece async for piece in model.astream("Hi", config={"callbacks": [collector]})]


def attempt(model: Any, *, is_async: bool) -> tuple[VolcArkError | None, RunCollectorCallbackHandler]:
    collector = RunCollectorCallbackHandler()
    try:
        if is_async:
            asyncio.run(ause(model, collector))
        else:
            use(model, collector)
    except VolcArkError as error:
        return error, collector
    finally:
        for client in registry._clients.values():
            client.close()
        registry._clients.clear()
    return None, collector


def play(
    server: RawServer, fault: Fault, credential: Credential, *, streaming: bool, in_exchange: bool = False
) -> None:
    service = SERVICES[credential.service]
    streaming = streaming and service.is_chat()

    def handler(connection: Connection, request: bytes) -> bytes | None:
        began = threading.Event()
        began.set()
        x = Exchange(connection, service, streaming, began, server.url)
        if credential.exchange and request.startswith(credential.exchange[0]):
            if not in_exchange:
                return answer(json.dumps(credential.exchange[1]).encode(), "application/json")
            issuing = Service("", Exchange, "", lambda text: credential.exchange[1], service.error, "")  # type: ignore[index]
            return fault.act(Exchange(connection, issuing, False, began, server.url))
        return good(x) if in_exchange else fault.act(x)

    server.handler = handler


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that anybody logs."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.handler.setLevel(logging.DEBUG)
    yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def check(
    model: Any, error: VolcArkError | None, collector: Any, log: pytest.LogCaptureFixture, what: str
) -> None:
    places = {
        "the object": shown_by_object(model),
        "the exception": "" if error is None else shown_by_error(error, variables=what not in QUOTING),
        "the trace": shown_by_trace(collector),
        "the logs": shown_by_logs(log.records),
    }
    for place, text in places.items():
        assert not found(text, ALL_SECRETS), f"{what}: seen in {place}"
    log.clear()


@pytest.mark.filterwarnings("ignore:Without endpoint_api_key")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda one: one.name)
def test_no_fault_shows_a_secret(
    credential: Credential, is_async: bool, broken_server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    for fault in faults_of(SERVICES[credential.service], streaming=is_async):
        play(broken_server, fault, credential, streaming=is_async)
        model = credential.build(broken_server.url, max_retries=0)
        error, collector = attempt(model, is_async=is_async)
        check(model, error, collector, log, fault.name)
        sent = b"".join(broken_server.requests)
        assert sent, fault.name
        broken_server.forget()


WITH_EXCHANGE = [credential for credential in CREDENTIALS if credential.exchange]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("credential", WITH_EXCHANGE, ids=lambda one: one.name)
def test_no_fault_of_an_exchange_shows_a_secret(
    credential: Credential, is_async: bool, broken_server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    failures = 0
    for fault in faults_of(SERVICES[credential.service], streaming=False):
        token_refresh.tokens.clear()
        play(broken_server, fault, credential, streaming=False, in_exchange=True)
        model = credential.build(broken_server.url, max_retries=0)
        error, collector = attempt(model, is_async=is_async)
        failures += error is not None
        check(model, error, collector, log, fault.name)
        broken_server.forget()
    assert failures > 40


HARMLESS_HEADERS = {"X-Env": "production", "X-Client-Request-Id": "my-request-1", "X-Tenant": "tenant-blue"}
HARMLESS_QUERY = {"Version": "2024-01-01", "ProjectName": "default", "Region": "cn-beijing"}
HARMLESS = " ".join([*HARMLESS_HEADERS.values(), *HARMLESS_QUERY.values(), "GetApiKey"])


@pytest.mark.filterwarnings("ignore:Without endpoint_api_key")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("credential", "in_exchange"),
    [*((one, False) for one in CREDENTIALS), *((one, True) for one in WITH_EXCHANGE)],
)
def test_what_is_no_credential_stays_readable(
    credential: Credential, in_exchange: bool, is_async: bool, broken_server: RawServer
) -> None:
    def refuse(x: Exchange) -> bytes:
        body = json.dumps(x.service.error).replace("not today", f"not today: {HARMLESS}").encode()
        return answer(body, "application/json", "400 Bad Request", f"X-Echo: {HARMLESS}\r\n")

    token_refresh.tokens.clear()
    fault = Fault("", refuse, None, None)
    play(broken_server, fault, credential, streaming=is_async, in_exchange=in_exchange)
    model = credential.build(broken_server.url, max_retries=0)
    headers = {**HARMLESS_HEADERS, **(model.default_headers or {})}
    query = {**HARMLESS_QUERY, **(model.default_query or {})}
    model = credential.build(broken_server.url, max_retries=0, default_headers=headers, default_query=query)
    error, _ = attempt(model, is_async=is_async)
    assert error is not None
    assert HARMLESS in str(error)
    assert HARMLESS in json.dumps(error.body)
    assert error.response is not None
    assert error.response.headers["x-echo"] == HARMLESS


# Where the peer resets before the handshake, `ssl` itself loses the socket it has just made.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("tunnel", [False, True], ids=["request", "tunnel"])
def test_a_proxys_password_is_seen_by_the_proxy_alone(
    tunnel: bool, is_async: bool, broken_server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    secret = "canaryproxy5f3Qz"  # one that a URL holds as it is
    proxy = broken_server.url.replace("//", f"//user:{secret}@")
    credential = Credential("", "ark", made(ChatArk))
    for fault in [*LOSSES, *STATUSES]:
        play(broken_server, fault, credential, streaming=is_async)
        address = "https://api.example" if tunnel else "http://api.example"
        model = ChatArk(model="m", api_key=KEY, base_url=address, proxy=proxy, max_retries=0)
        error, collector = attempt(model, is_async=is_async)
        assert error is not None
        text = (
            shown_by_object(model) + shown_by_error(error) + shown_by_trace(collector) + shown_by_logs(log.records)
        )
        assert not found(text, [secret, KEY]), fault.name
        assert b"Proxy-Authorization: Basic " in b"".join(broken_server.requests)
        log.clear()
        broken_server.forget()
    gc.collect()  # what `ssl` lost is found here, where the warning is expected, and not at a later test


OWN = [
    one
    for one in CREDENTIALS
    if one.name in ("ark key", "ark pair", "v1 token", "v1 application", "knowledge signature")
]


@pytest.mark.filterwarnings("ignore:Without endpoint_api_key")
@pytest.mark.parametrize("credential", OWN, ids=lambda one: one.name)
def test_the_users_own_client_changes_nothing(
    credential: Credential, broken_server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    """httpx hangs requests, with their headers and URLs, on its exceptions."""

    def strict(response: httpx.Response) -> None:
        response.raise_for_status()

    for hooks in ({}, {"response": [strict]}):
        for fault in [*LOSSES, *STATUSES, *QUOTES]:
            token_refresh.tokens.clear()
            play(broken_server, fault, credential, streaming=False)
            with httpx.Client(event_hooks=hooks) as client:
                model = credential.build(broken_server.url, max_retries=0, http_client=client)
                error, collector = attempt(model, is_async=False)
            # What a server puts into a redirect, httpcore itself logs at DEBUG.
            log.records[:] = [record for record in log.records if not record.name.startswith("httpcore")]
            check(model, error, collector, log, fault.name)
            broken_server.forget()


def test_secrets_of_a_call_are_in_no_trace_and_in_no_caches_key(
    broken_server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    play(broken_server, Fault("", good, None, None), CREDENTIALS[0], streaming=False)
    model = ChatArk(model="m", api_key=KEY, base_url=broken_server.url)
    options = {"extra_headers": {"X-Gateway-Key": MORE}, "extra_query": {"key": SECRET}}
    collector = RunCollectorCallbackHandler()
    model.invoke("Hi", config={"callbacks": [collector]}, **options)
    registry._clients.popitem()[1].close()
    check(model, None, collector, log, "a call")
    assert MORE.encode() in broken_server.requests[0]
    plain, with_options = model._get_llm_string(), model._get_llm_string(**options)
    assert not found(with_options, ALL_SECRETS)
    assert plain != with_options


def test_headers_and_query_count_in_a_caches_key() -> None:
    models = [
        ChatArk(model="m", **settings)
        for settings in (
            {},
            {"default_headers": {"X-Tenant": "a"}},
            {"default_headers": {"X-Tenant": "b"}},
            {"default_query": {"t": "a"}},
        )
    ]
    keys = {model._get_llm_string() for model in models}
    assert len(keys) == len(models)
    assert models[1]._get_llm_string() == models[1].model_copy()._get_llm_string()
    assert not any("X-Tenant" in key for key in keys)


KINDS: list[tuple[type, dict[str, Any]]] = [
    (ChatArk, {"model": "m"}),
    (ChatArkBot, {"model": "m"}),
    (ArkEmbeddings, {"model": "m"}),
    (ChatQianfan, {"model": "m"}),
    (QianfanRerank, {}),
    (ChatVikingKnowledge, {"model": "m"}),
    (VikingKnowledgeRetriever, {"collection_name": "c"}),
    (VikingKnowledgeReranker, {}),
]


@pytest.mark.parametrize(("kind", "needed"), KINDS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_credential_that_is_refused_is_not_shown(kind: Any, needed: dict[str, Any]) -> None:
    """Each of a wrong type, of a wrong name, and with what a header cannot carry."""
    fields = set(kind.model_fields) & {
        "api_key",
        "access_key",
        "secret_key",
        "session_token",
        "endpoint_api_key",
        "access_token",
        "client_id",
        "client_secret",
        "default_headers",
        "proxy",
        "base_url",
    }
    wrong = [{name: [KEY]} for name in fields] + [{f"{name}_": KEY} for name in fields]
    wrong += [{"proxy": f"ftp://user:{SECRET}@h"}, {"proxy": f"http://user:{SECRET}@h:port"}]
    wrong += [{"base_url": f"https://user:{SECRET}@h"}, {"base_url": f"h/{SECRET}@h"}]
    wrong += [{"default_headers": {"X-Key": f"{SECRET}\n"}}]
    for arguments in wrong:
        with pytest.raises((ValueError, TypeError)) as caught:
            kind(**{**needed, **arguments})
        assert not found(shown_by_error(caught.value), ALL_SECRETS), arguments


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda one: one.name)
@pytest.mark.filterwarnings("ignore:Without endpoint_api_key")
def test_a_credential_with_a_line_break_inside_is_refused_and_not_shown(
    credential: Credential, is_async: bool, broken_server: RawServer, log: pytest.LogCaptureFixture
) -> None:
    def broken(value: Any) -> Any:
        return f"{value.get_secret_value()}\r\nX-Injected: 1" if hasattr(value, "get_secret_value") else None

    good_model = credential.build(broken_server.url)
    for name in sorted(good_model.model_fields_set):
        spoiled = broken(getattr(good_model, name))
        if spoiled is None or name == "endpoint_api_key":  # that one travels in the body
            continue
        token_refresh.tokens.clear()
        play(broken_server, Fault("", good, None, None), credential, streaming=is_async)
        model = credential.build(broken_server.url, max_retries=0, **{name: spoiled})
        error, collector = attempt(model, is_async=is_async)
        assert error is not None, name
        assert "line break" in str(error)
        check(model, error, collector, log, name)
        assert not any(b"Injected" in request for request in broken_server.requests)
        broken_server.forget()
