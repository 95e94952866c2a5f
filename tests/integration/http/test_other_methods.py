"""GET and DELETE go the way of POST: the same address, credentials, retries and errors, without a body."""

from __future__ import annotations

import httpx
import pytest

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import APIConnectionError, NotFoundError
from langchain_volcark.http.requests import ServiceRequest

MODEL = "doubao-seed-2-1-pro-260915"


def models(**arguments: object) -> ServiceRequest:
    return ServiceRequest("/models", {}, method="GET", **arguments)  # type: ignore[arg-type]


@pytest.fixture
def model(emulator: Emulator) -> ChatArk:
    return ChatArk(model=MODEL, api_key=emulator.api_key, base_url=emulator.ark_base_url)


def test_a_get_has_no_body_and_reads_json(emulator: Emulator, model: ChatArk) -> None:
    assert model._client.post(models()).payload["data"]
    received = emulator.requests[-1]
    assert (received.method, received.body) == ("GET", b"")
    assert "content-length" not in received.headers


async def test_a_get_works_in_an_event_loop(emulator: Emulator, model: ChatArk) -> None:
    reply = await model._client.apost(models())
    assert reply.payload["data"]


def test_a_get_through_the_callers_own_client(emulator: Emulator, model: ChatArk) -> None:
    with httpx.Client() as client:
        own = model.model_copy(update={"http_client": client})
        assert own._client.post(models()).payload["data"]
    assert emulator.requests[-1].method == "GET"


async def test_a_client_of_the_caller_that_is_closed_is_named(emulator: Emulator, waits: list[float]) -> None:
    client, async_client = httpx.Client(), httpx.AsyncClient()
    client.close()
    await async_client.aclose()
    model = ChatArk(
        model=MODEL,
        api_key=emulator.api_key,
        base_url=emulator.ark_base_url,
        http_client=client,
        http_async_client=async_client,
    )
    with pytest.raises(APIConnectionError, match="has been closed: give an open one"):
        model.invoke("Hello")
    with pytest.raises(APIConnectionError, match="has been closed: give an open one"):
        await model.ainvoke("Hello")
    assert (emulator.requests, waits) == ([], [])


def test_a_get_is_retried(emulator: Emulator, model: ChatArk, waits: list[float]) -> None:
    emulator.fail_next(503)
    assert model._client.post(models()).payload["data"]
    assert len(waits) == 1


def test_a_delete_is_told_what_is_not_there(emulator: Emulator, model: ChatArk) -> None:
    with pytest.raises(NotFoundError):
        model._client.post(ServiceRequest("/responses/resp_none", {}, method="DELETE"))
    assert emulator.requests[-1].method == "DELETE"
