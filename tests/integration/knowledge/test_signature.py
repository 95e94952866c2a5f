"""Signatures through a socket: bytes sent, wrong keys, wrong clocks; and the emulator's verification."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from starlette.datastructures import Headers

from langchain_volcark import ChatVikingKnowledge, VikingKnowledgeRetriever
from langchain_volcark.emulator import Emulator, RecordedRequest
from langchain_volcark.emulator.signature import REQUIRED_HEADERS, SignatureError, Signer, verify
from langchain_volcark.exceptions import AuthenticationError
from tests.integration.knowledge.conftest import MODEL

# Worked out with the vendor's two clients: one signs the host, the other does not.
WITH_HOST = "content-type;host;x-content-sha256;x-date"
WITHOUT_HOST = "content-type;x-content-sha256;x-date"
VECTORS = [
    ("cn-north-1", WITH_HOST, "ff1502256c1cf844f18deef08e9b206ffa3a788bc8615eb51b713628d07c1630"),
    ("cn-beijing", WITH_HOST, "25aadd04eadcae4281c36e72359102ae8e5db1a6aba73cb08569e5568c8a739c"),
    ("cn-beijing", WITHOUT_HOST, "7b321d3677457f6f89e9715e5dea904b57120f3d644b4013b86cd4c7963062f3"),
]
BODY = b'{"model":"Doubao-1-5-pro-32k","messages":[{"role":"user","content":"ping"}]}'
NOW = dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
SIGNER = Signer("AKLTexampleAK0001", "dGVzdC1zZWNyZXQta2V5LTAwMDE=", "air", REQUIRED_HEADERS - {"host"})


def recorded(region: str, names: str, signature: str) -> RecordedRequest:
    return RecordedRequest(
        "POST",
        "/api/knowledge/chat/completions",
        {},
        Headers(
            {
                "host": "api-knowledgebase.mlp.cn-beijing.volces.com",
                "content-type": "application/json",
                "x-date": "20250102T030405Z",
                "x-content-sha256": hashlib.sha256(BODY).hexdigest(),
                "authorization": f"HMAC-SHA256 Credential=AKLTexampleAK0001/20250102/{region}/air/request, "
                f"SignedHeaders={names}, Signature={signature}",
            }
        ),
        BODY,
    )


@pytest.mark.parametrize("vector", VECTORS)
def test_the_emulator_agrees_with_the_worked_examples(vector: tuple[str, str, str]) -> None:
    verify(recorded(*vector), SIGNER, NOW)
    with pytest.raises(SignatureError):
        verify(recorded(vector[0], vector[1], "0" * 64), SIGNER, NOW)


def test_the_bytes_signed_are_the_bytes_sent(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    model.invoke("你好 \U0001f6a2 \ud83d\udea2 <&> \u2028")
    request = emulator.requests[-1]
    assert request.headers["x-content-sha256"] == hashlib.sha256(request.body).hexdigest()
    assert "你好".encode() in request.body
    assert request.headers["content-type"] == "application/json"


async def test_async_calls_are_signed_too(model: ChatVikingKnowledge) -> None:
    assert (await model.ainvoke("hi")).text == "You said: hi"


@pytest.mark.parametrize("region", ["cn-north-1", "cn-beijing"])
def test_both_regions_are_accepted(emulator: Emulator, signed: dict[str, Any], region: str) -> None:
    ChatVikingKnowledge(model=MODEL, region=region, **signed).invoke("hi")
    assert f"/{region}/air/request" in emulator.requests[-1].headers["authorization"]


def test_a_session_token_is_sent_and_signed(emulator: Emulator, signed: dict[str, Any]) -> None:
    ChatVikingKnowledge(model=MODEL, session_token="sts-token", **signed).invoke("hi")
    request = emulator.requests[-1]
    assert request.headers["x-security-token"] == "sts-token"
    assert "x-security-token" in request.headers["authorization"]


@pytest.mark.parametrize(
    "wrong", [{"access_key": "AKLTother"}, {"secret_key": "hush-other"}, {"region": "us-east-1"}]
)
def test_a_wrong_key_says_so_and_shows_no_secret(
    emulator: Emulator, signed: dict[str, Any], wrong: dict[str, str]
) -> None:
    with pytest.raises(AuthenticationError, match="Check access_key, secret_key and region") as caught:
        ChatVikingKnowledge(model=MODEL, **{**signed, **wrong}).invoke("hi")
    assert "clock" not in str(caught.value)
    assert signed["secret_key"] not in str(caught.value)
    assert "hush" not in str(caught.value)
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(("hours", "side"), [(-2, "120 minutes behind"), (3, "180 minutes ahead of")])
async def test_a_wrong_clock_is_not_taken_for_a_wrong_key(
    signed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, hours: int, side: str
) -> None:
    shifted = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=hours)
    monkeypatch.setattr("langchain_volcark.volcengine_signing._utc_now", lambda: shifted)
    model = ChatVikingKnowledge(model=MODEL, **signed)
    for call in (lambda: model.invoke("hi"), lambda: list(model.stream("hi"))):
        with pytest.raises(AuthenticationError, match=f"clock is {side} the server's") as caught:
            call()
        assert "Check access_key" not in str(caught.value)
    with pytest.raises(AuthenticationError, match="clock"):
        await model.ainvoke("hi")


def test_a_services_key_opens_searches(emulator: Emulator) -> None:
    retriever = VikingKnowledgeRetriever(
        collection_name="demo", api_key=emulator.service_api_key, base_url=emulator.knowledge_base_url
    )
    assert retriever.invoke("When?")
    assert emulator.requests[-1].headers["authorization"] == f"Bearer {emulator.service_api_key}"


def test_a_header_written_by_hand_stands(emulator: Emulator) -> None:
    model = ChatVikingKnowledge(
        service_resource_id="kb-service-demo",
        base_url=emulator.knowledge_base_url,
        default_headers={"Authorization": f"Bearer {emulator.service_api_key}"},
    )
    assert model.invoke("When does the ferry leave?").text
