"""Proxy variables, for every service and style: variables that do not apply to a call do not affect it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from langchain_volcark.exceptions import APIConnectionError, VolcArkError
from langchain_volcark.http.registry import registry
from tests.integration.faults.driving import STREAMING, Call, nothing
from tests.integration.faults.faults import Fault, answer
from tests.integration.faults.matrix import everyone, play
from tests.integration.faults.services import Service
from tests.unit.raw_server import RawServer

ANSWER = Fault("", lambda x: answer(x.body(), x.kind), None, None)

BROKEN = {
    "ALL_PROXY": "socks://127.0.0.1:7890",
    "https_proxy": "http://user:p#canary@127.0.0.1:9",
    "HTTP_PROXY": "http://user:p#canary@127.0.0.1:9",
    "NO_PROXY": "localhost,127.0.0.0/8,::1,[::1],fe80::/10,内网.example",
}


@pytest.fixture(params=["pool", "httpx"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own pool, and plain httpx clients for those who watch or replace these."""
    monkeypatch.setenv("VOLCARK_TRANSPORT", request.param)


def failure(call: Call, model: Any) -> VolcArkError | None:
    """Make a call; all connections are closed in the end."""

    async def on_a_loop() -> None:
        await call(model, nothing)  # type: ignore[misc]

    try:
        if asyncio.iscoroutinefunction(call):
            asyncio.run(on_a_loop())
        else:
            call(model, nothing)
    except VolcArkError as error:
        return error
    finally:
        for client in registry._clients.values():
            client.close()
    return None


@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_call_that_no_proxy_covers_does_not_read_the_other_variables(
    service: Service, call: Call, broken_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in BROKEN.items():
        monkeypatch.setenv(name, value)
    play(broken_server, ANSWER, service, call.__name__ in STREAMING)
    assert failure(call, service.build(broken_server.url)) is None
    assert len(broken_server.requests) == 1


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTP_PROXY", "http://user:p#canary@127.0.0.1:9", "percent-encoded"),
        ("ALL_PROXY", "ftp://user:canary@127.0.0.1:9", "must begin with http://"),
        ("all_proxy", "socks://user:canary@127.0.0.1:9", "httpx[socks]"),
    ],
)
@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_broken_variable_that_concerns_a_call_is_named_at_once(
    name: str,
    value: str,
    says: str,
    service: Service,
    call: Call,
    broken_server: RawServer,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, value)
    error = failure(call, service.build(broken_server.url))
    assert type(error) is APIConnectionError
    assert not error.is_retryable
    assert name in str(error)
    assert says in str(error)
    while error is not None:
        assert "canary" not in repr(error)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert (broken_server.requests, waits) == ([], [])


@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_call_takes_the_proxy_of_its_scheme(
    service: Service, call: Call, broken_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", broken_server.url)
    monkeypatch.setenv("ALL_PROXY", BROKEN["ALL_PROXY"])
    play(broken_server, ANSWER, service, call.__name__ in STREAMING)
    assert failure(call, service.build("http://api.example")) is None
    assert [request.split(b"/", 3)[2] for request in broken_server.requests] == [b"api.example"]


@pytest.mark.parametrize(("service", "call"), everyone()[:1])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("http://user:p#canary@127.0.0.1:9", "percent-encoded"),
        ("socks5://user:canary@127.0.0.1:9", "httpx[socks]"),
    ],
)
def test_a_broken_argument_is_refused_at_construction(service: Service, call: Call, value: str, says: str) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        service.build("http://api.example", proxy=value)
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)
