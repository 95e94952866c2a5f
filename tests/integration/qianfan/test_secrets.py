"""Tokens and secrets in URLs reach only the service."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator
from langchain_volcark.http.redaction import redact
from langchain_volcark.http.registry import registry
from tests.integration.qianfan.conftest import Make


@pytest.fixture
def secrets(emulator: Emulator) -> list[str]:
    return [emulator.client_id, emulator.client_secret, emulator.qianfan_access_token, emulator.secret_key]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that anybody logs, down to DEBUG."""
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore", "langchain_volcark"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield caplog
    for name in ("httpx", "httpcore", "langchain_volcark"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def everything(log: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.getMessage()} {record.args!r}" for record in log.records)


def issued(emulator: Emulator) -> list[str]:
    return [request.query["access_token"] for request in emulator.requests if "access_token" in request.query]


def test_no_logger_sees_them(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], secrets: list[str], log: pytest.LogCaptureFixture
) -> None:
    make_v1(**oauth).invoke("hi")
    list(make_v1().stream("hi"))
    assert issued(emulator)
    assert log.records
    for secret in [*secrets, *issued(emulator)]:
        assert secret not in everything(log)


def test_no_logger_sees_them_where_the_environment_has_a_proxy(
    make_v1: Make,
    emulator: Emulator,
    oauth: dict[str, str],
    secrets: list[str],
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    clients: dict[Any, Any] = {}
    monkeypatch.setattr(registry, "_clients", clients)
    make_v1(**oauth).invoke("hi")
    (client,) = clients.values()
    client.close()
    assert log.records
    for secret in [*secrets, *issued(emulator)]:
        assert secret not in everything(log)


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_users_own_client_logs_them_redacted(
    make_v1: Make,
    emulator: Emulator,
    oauth: dict[str, str],
    secrets: list[str],
    log: pytest.LogCaptureFixture,
    is_async: bool,
) -> None:
    if is_async:
        async with httpx.AsyncClient() as client:
            await make_v1(http_async_client=client, **oauth).ainvoke("hi")
    else:
        with httpx.Client() as sync_client:
            make_v1(http_client=sync_client, **oauth).invoke("hi")
    lines = [record.getMessage() for record in log.records if record.name == "httpx"]
    assert len(lines) == 2
    assert "client_secret=[redacted]" in lines[0]
    assert "access_token=[redacted]" in lines[1]
    for secret in [*secrets, *issued(emulator)]:
        assert secret not in "\n".join(repr(record.__dict__) for record in log.records if record.name == "httpx")


FAILURES: list[dict[str, Any]] = [
    {"status": 200, "code": "336003"},
    {"status": 500, "code": None},
    {"status": 403, "code": "SignatureDoesNotMatch"},
]


@pytest.mark.parametrize("failure", FAILURES)
def test_no_exception_shows_them(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], secrets: list[str], failure: dict[str, Any]
) -> None:
    model = make_v1(max_retries=0, **oauth)
    model.invoke("hi")
    emulator.fail_next(**failure, message="failed")
    check_hidden(model, [*secrets, *issued(emulator)])


def test_no_exception_of_a_lost_connection_shows_them(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], secrets: list[str]
) -> None:
    model = make_v1(max_retries=0, **oauth)
    model.invoke("hi")
    emulator.drop_next(times=2)
    check_hidden(model, [*secrets, *issued(emulator)])


def check_hidden(model: Any, secrets: list[str]) -> None:
    collector = RunCollectorCallbackHandler()
    with pytest.raises(ours.VolcArkError) as caught:
        model.invoke("hi", config={"callbacks": [collector]})
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error.__dict__) + repr(pickle.dumps(error))
    if error.response is not None:
        shown += repr(error.response.headers) + error.response.text
        assert not hasattr(error.response, "_request") or error.response._request is None
    (run,) = collector.traced_runs
    shown += repr(run.__dict__)
    for secret in secrets:
        assert secret not in shown


def test_traces_show_no_secret(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], secrets: list[str]
) -> None:
    collector = RunCollectorCallbackHandler()
    make_v1(access_token=emulator.qianfan_access_token, **oauth).invoke("hi", config={"callbacks": [collector]})
    (run,) = collector.traced_runs
    text = repr(run.__dict__)
    for secret in [*secrets, *issued(emulator)]:
        assert secret not in text


def test_redaction_of_texts() -> None:
    text = "POST https://h/x?access_token=24.a-b_c&b=1 then client_secret=s&client_id=i, see my_access_token=kept"
    assert redact(text) == (
        "POST https://h/x?access_token=[redacted]&b=1 then client_secret=[redacted]&client_id=[redacted] "
        "see my_access_token=kept"
    )
