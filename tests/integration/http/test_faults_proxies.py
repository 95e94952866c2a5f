"""Proxies that refuse, and the user's own clients: the same matrix by other ways."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from langchain_volcark.exceptions import APIConnectionError, ServiceError, VolcArkError
from tests.integration.faults.driving import STREAMING, Call, drive, nothing
from tests.integration.faults.faults import BODIES, ENDS, LOSSES, STATUSES, Fault, Outcome, answer
from tests.integration.faults.matrix import cells, check, everyone, play
from tests.integration.faults.services import CHATS, Service
from tests.unit.raw_server import RawServer

LOGIN = b"<html><body>Proxy login</body></html>"
REFUSALS = {
    "407 Proxy Authentication Required": (APIConnectionError, APIConnectionError, 1),
    "403 Forbidden by policy": (None, APIConnectionError, 1),
    "502 Bad Gateway": (ServiceError, APIConnectionError, 3),
}


def refusing(line: str) -> Fault:
    headers = 'Proxy-Authenticate: Basic realm="x"\r\n'
    return Fault(line, lambda x: answer(LOGIN, "text/html", line, headers), None, None)


@pytest.mark.parametrize("line", [line for line, (error, _, _) in REFUSALS.items() if error])
@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_proxy_that_refuses_a_request(
    line: str, service: Service, call: Call, broken_server: RawServer, waits: list[float]
) -> None:
    error, _, attempts = REFUSALS[line]
    play(broken_server, refusing(line), service, call.__name__ in STREAMING)
    seen = drive(call, service.build("http://api.example", proxy=broken_server.url))
    check(seen, Outcome(error, attempts=attempts, kept=True, says="Proxy login"), service, broken_server, waits)
    assert all(request.startswith(b"POST http://api.example/") for request in broken_server.requests)
    assert seen.error is not None
    assert seen.error.status_code == int(line[:3])


@pytest.mark.parametrize("line", REFUSALS)
@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_proxy_that_opens_no_tunnel(
    line: str, service: Service, call: Call, broken_server: RawServer, waits: list[float]
) -> None:
    _, error, attempts = REFUSALS[line]
    play(broken_server, refusing(line), service, call.__name__ in STREAMING)
    seen = drive(call, service.build("https://api.example", proxy=broken_server.url))
    check(
        seen,
        Outcome(error, attempts=attempts, says=f"did not lead to api.example: {line}"),
        service,
        broken_server,
        waits,
    )
    assert all(request.startswith(b"CONNECT api.example:443 ") for request in broken_server.requests)
    assert seen.error is not None
    assert seen.error.status_code == int(line[:3])
    assert ("put them into the proxy's URL" in str(seen.error)) == line.startswith("407")


# --- the user's own client --------------------------------------------------------------------------------

# httpx's own pool sends no request twice of itself, and gives connections back by its own rules.
OWN_CLIENTS = [
    cell
    for cell in cells([*LOSSES, *BODIES, *STATUSES, *ENDS])
    if cell.values[1] is CHATS[0] and "5 MB" not in cell.values[0].name
]


def call_with_own_client(call: Call, service: Service, url: str, began: Any) -> tuple[Any, VolcArkError | None]:
    async def run() -> Any:
        async with httpx.AsyncClient() as client:
            return await call(service.build(url, http_async_client=client), began)  # type: ignore[misc]

    try:
        if asyncio.iscoroutinefunction(call):
            return asyncio.run(run()), None
        with httpx.Client() as client:
            return call(service.build(url, http_client=client), began), None
    except VolcArkError as error:
        return None, error


@pytest.mark.pairwise("fault", "service", "call")
@pytest.mark.parametrize(("fault", "service", "call", "expected"), OWN_CLIENTS)
def test_a_fault_with_the_users_own_client(
    fault: Fault, service: Service, call: Call, expected: Outcome, broken_server: RawServer, waits: list[float]
) -> None:
    began = play(broken_server, fault, service, call.__name__ in STREAMING, "http://127.0.0.1:1/")
    text, error = call_with_own_client(call, service, broken_server.url, began.set)
    assert type(error) is (expected.error or type(None)), error
    assert broken_server.wait_for_requests(expected.attempts)
    assert len(broken_server.requests) == expected.attempts
    assert len(waits) == expected.attempts - 1
    if error is None:
        assert text == expected.text
    else:
        partial = error.partial
        assert (None if partial is None else partial.text) == expected.partial


def test_a_proxied_call_that_succeeds_keeps_its_connection(broken_server: RawServer, waits: list[float]) -> None:
    play(broken_server, Fault("", lambda x: answer(x.body(), x.kind), None, None), CHATS[0], streaming=False)
    model = CHATS[0].build("http://api.example", proxy=broken_server.url)
    check(
        drive(lambda one, _: one.invoke("Hi").text, model, nothing),
        Outcome(kept=True),
        CHATS[0],
        broken_server,
        waits,
    )
