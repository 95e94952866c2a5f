"""The emulator's clock can be shifted: its replies and its signature checks use it."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

import httpx
import pytest

from langchain_volcark import ChatVikingKnowledge
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import AuthenticationError

MODEL = "Doubao-1-5-pro-32k"


def skew(reply: httpx.Response) -> float:
    (date,) = reply.headers.get_list("date")
    return (parsedate_to_datetime(date) - dt.datetime.now(dt.timezone.utc)).total_seconds()


@pytest.mark.parametrize("path", ["/api/v3/models", "/v2/chat/completions", "/nowhere", "/ping"])
def test_every_reply_tells_the_time_once(emulator: Emulator, path: str) -> None:
    assert abs(skew(httpx.get(emulator.origin + path))) < 600
    emulator.shift_clock(86_400)
    assert abs(skew(httpx.get(emulator.origin + path)) - 86_400) < 600
    assert (emulator.requests[-1].received_at - emulator.requests[0].received_at).total_seconds() > 80_000


def test_a_reply_told_to_the_emulator_keeps_its_own_date(emulator: Emulator) -> None:
    emulator.fail_next(500, "InternalServiceError", headers={"Date": "Thu, 02 Jan 2025 03:04:05 GMT"})
    assert httpx.get(f"{emulator.ark_base_url}/models").headers.get_list("date") == [
        "Thu, 02 Jan 2025 03:04:05 GMT"
    ]


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_signatures_are_judged_by_it(emulator: Emulator, seconds: float) -> None:
    model = ChatVikingKnowledge(
        model=MODEL,
        base_url=emulator.knowledge_base_url,
        access_key=emulator.access_key,
        secret_key=emulator.secret_key,
    )
    controls = f"{emulator.origin}/_emulator"
    assert httpx.post(f"{controls}/shift_clock", json={"seconds": seconds}).status_code == 200
    with pytest.raises(AuthenticationError, match="clock"):
        model.invoke("Hello")
    emulator.reset()
    assert model.invoke("Hello").text
