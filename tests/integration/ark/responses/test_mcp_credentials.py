"""What lets Ark into an MCP server reaches the service, and nobody else: no trace, cache, log or exception."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from pydantic import SecretStr

from langchain_volcark import ChatArk, hosted_tools
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.wires.tools import without_credentials
from tests.integration.faults.secrets import LOGGERS, canary, found, shown_by_error, shown_by_logs, shown_by_trace
from tests.unit.raw_server import Connection, RawServer, reply

Make = Callable[..., ChatArk]
TOKEN, IN_URL = canary("mcp-token"), "canary-mcp-url-5f3"
ADDRESS = f"https://user:{IN_URL}@mcp.example.com/mcp?exaApiKey={IN_URL}"
HEADERS: dict[str, Any] = {"Authorization": f"Bearer {TOKEN}", "X-Api-Key": TOKEN}
SECRET = {name: SecretStr(value) for name, value in HEADERS.items()}


def wiki(headers: dict[str, Any]) -> dict[str, Any]:
    return hosted_tools.mcp("wiki", ADDRESS, headers=headers, require_approval="never")


def call(model: ChatArk, how: str, tool: dict[str, Any], config: Any) -> None:
    bound = model.bind_tools([tool])
    if how == "invoke":
        bound.invoke("search the wiki", config)
    elif how == "ainvoke":
        asyncio.run(bound.ainvoke("search the wiki", config))
    elif how == "stream":
        list(bound.stream("search the wiki", config))
    elif how == "v3":
        _ = bound.stream_events("search the wiki", config, version="v3").output
    else:
        model.invoke("search the wiki", config, extra_body={"tools": [tool]})


@pytest.mark.parametrize("headers", [HEADERS, SECRET], ids=["texts", "SecretStr"])
@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "v3", "extra_body"])
def test_it_is_sent_and_kept_out_of_traces_and_caches(
    make: Make, emulator: Emulator, caplog: pytest.LogCaptureFixture, how: str, headers: dict[str, Any]
) -> None:
    if how == "extra_body":
        headers = HEADERS  # sent as it is
    for name in LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    cache, collector = InMemoryCache(), RunCollectorCallbackHandler()
    call(make(cache=cache), how, wiki(headers), {"callbacks": [collector]})
    assert emulator.requests[-1].json["tools"] == [wiki(HEADERS)]
    keys = repr(list(cache._cache))
    for text in (shown_by_trace(collector), keys, shown_by_logs(caplog.records)):
        assert not found(text, [TOKEN, IN_URL])
    assert "X-Api-Key" in shown_by_trace(collector), "the tool itself is traced"


@pytest.mark.parametrize("reveal", [str, SecretStr])
def test_answers_for_another_credential_are_not_taken_from_the_cache(
    make: Make, emulator: Emulator, reveal: Callable[[str], Any]
) -> None:
    model = make(cache=InMemoryCache())
    for number, token in enumerate(["one", "two", "two"]):
        model.bind_tools([wiki({"Authorization": reveal(token)})]).invoke("search the wiki")
        assert len(emulator.requests) == min(number + 1, 2)


def test_a_secret_is_not_printed_with_its_tool(make: Make) -> None:
    assert not found(repr(wiki(SECRET)), [TOKEN])
    assert not found(repr(make().bind_tools([wiki(SECRET)])), [TOKEN])


def test_an_exception_that_quotes_the_request_does_not_hold_it(make: Make, broken_server: RawServer) -> None:
    def quote(connection: Connection, request: bytes) -> bytes:
        body = request.partition(b"\r\n\r\n")[2].decode()
        error = {"code": "InvalidParameter", "message": body, "param": "tools", "type": "BadRequest"}
        return reply(
            json.dumps({"error": error}).encode(), status="400 Bad Request", headers="Connection: close\r\n"
        )

    broken_server.handler = quote
    model = make(base_url=broken_server.url + "api/v3")
    collector = RunCollectorCallbackHandler()
    with pytest.raises(VolcArkError) as caught:
        call(model, "invoke", wiki(SECRET), {"callbacks": [collector]})
    assert "wiki" in str(caught.value)
    assert not found(shown_by_error(caught.value), [TOKEN])
    for text in (shown_by_error(caught.value, variables=False), shown_by_trace(collector)):
        assert not found(text, [TOKEN, IN_URL])


def test_tools_without_a_server_stay_the_same_object() -> None:
    tools = [hosted_tools.web_search(), {"type": "function", "function": {"name": "f"}}]
    assert without_credentials(tools) is tools
    assert without_credentials(None) is None
    assert without_credentials([{"type": "mcp", "headers": "odd", "server_url": 7}]) == [
        {"type": "mcp", "headers": "[redacted]", "server_url": 7}
    ]
