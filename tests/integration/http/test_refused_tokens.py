"""A token that the service refuses is renewed once, whatever the refusal looks like and however the call is made."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark import ArkEmbeddings, ChatArk, ChatQianfan, QianfanRerank
from langchain_volcark.exceptions import AuthenticationError
from tests.integration.faults.driving import CALLS, OTHER_CALLS, STREAMING, drive
from tests.integration.faults.faults import answer
from tests.integration.faults.services import TEXT, completion, v1_reply
from tests.unit.raw_server import RawServer, reply

EXCHANGES = (b"GET /v1/BCE-BEARER/", b"POST /oauth", b"POST /?Action=GetApiKey")
PAIR = {"access_key": "AKLTpair", "secret_key": "secret-of-pair"}

V1_REFUSAL = {"error_code": 110, "error_msg": "Access token invalid or no longer valid"}
V1_EXPIRY = {"error_code": 111, "error_msg": "Access token expired"}
ARK_REFUSAL = {"error": {"code": "AuthenticationError", "message": "no", "type": "Unauthorized", "param": ""}}
V2_REFUSAL = {
    "error": {"code": "invalid_iam_token", "message": "no", "type": "invalid_request_error"},
    "id": "as-1",
}

Build = Callable[[str], Any]


def oauth(url: str) -> ChatQianfan:
    return ChatQianfan(
        api_version="v1",
        endpoint="e_1",
        client_id="client-of-1",
        client_secret="secret-of-1",
        token_url=url + "oauth",
        base_url=url + "wenxinworkshop",
        max_retries=0,
    )


def ark(url: str) -> ChatArk:
    return ChatArk(model="ep-1", control_base_url=url, base_url=url + "api/v3", max_retries=0, **PAIR)


def short_term(url: str) -> ChatQianfan:
    return ChatQianfan(model="ernie-5.1", iam_base_url=url, base_url=url + "v2", max_retries=0, **PAIR)


KINDS: dict[str, tuple[Build, dict[str, Any], dict[str, Any]]] = {
    "oauth": (oauth, V1_REFUSAL, v1_reply(TEXT)),
    "oauth, expired": (oauth, V1_EXPIRY, v1_reply(TEXT)),
    "ark": (ark, ARK_REFUSAL, completion(TEXT)),
    "short-term": (short_term, V2_REFUSAL, completion(TEXT)),
}


def event(payload: Any) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def as_json(refusal: dict[str, Any]) -> bytes:
    return answer(json.dumps(refusal).encode(), "application/json")


def labelled(label: str) -> Callable[[dict[str, Any]], bytes]:
    return lambda refusal: answer(json.dumps(refusal).encode(), label)


FORMS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "JSON": as_json,
    "JSON in capitals": labelled("Application/JSON;Charset=UTF-8"),
    "JSON as text": labelled("text/plain;charset=UTF-8"),
    "JSON as an event stream": labelled("text/event-stream"),
    "JSON of no type": lambda refusal: reply(json.dumps(refusal).encode()),
    "an event": lambda refusal: answer(event(refusal), "text/event-stream"),
    "an event after a comment": lambda refusal: answer(b": hello\n\n" + event(refusal), "text/event-stream"),
    "401": lambda refusal: answer(json.dumps(refusal).encode(), "text/plain", "401 Unauthorized"),
    "401 and an event": lambda refusal: answer(event(refusal), "text/event-stream", "401 Unauthorized"),
}


class Counting:
    """Gives out numbered tokens, and refuses the first `refused` of them."""

    def __init__(
        self, server: RawServer, form: Callable[[dict[str, Any]], bytes], kind: str, refused: int
    ) -> None:
        self.given = itertools.count(1)
        self.exchanges = 0
        self.form, self.refused = form, refused
        _, self.refusal, self.good = KINDS[kind]
        server.handler = self

    def __call__(self, connection: Any, request: bytes) -> bytes:
        if request.startswith(EXCHANGES):
            self.exchanges += 1
            value = f"token-number-{next(self.given)}"
            key = {"ApiKey": value, "ExpiredTime": int(time.time()) + 604_800}
            return reply(json.dumps({"access_token": value, "token": value, "Result": key}).encode())
        if any(f"token-number-{number}".encode() in request for number in range(1, self.refused + 1)):
            return self.form(self.refusal)
        if b'"stream":true' in request:
            return answer(event(self.good) + b"data: [DONE]\n\n", "text/event-stream")
        return as_json(self.good)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("style", CALLS)
def test_a_refused_token_is_renewed_once_and_the_new_one_serves_on(
    style: str, form: str, kind: str, broken_server: RawServer
) -> None:
    counting = Counting(broken_server, FORMS[form], kind, refused=1)
    for _ in range(2):
        model = KINDS[kind][0](broken_server.url)
        assert drive(CALLS[style], model).text == TEXT
    assert counting.exchanges == 2
    assert len(broken_server.requests) == 2 + 2 + 1  # two exchanges, a refused call and its like, another call


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("style", CALLS)
@pytest.mark.parametrize("form", ["JSON", "an event"])
def test_a_second_refusal_is_raised_and_later_calls_go_on(
    style: str, form: str, kind: str, broken_server: RawServer
) -> None:
    counting = Counting(broken_server, FORMS[form], kind, refused=2)
    model = KINDS[kind][0](broken_server.url)
    assert isinstance(drive(CALLS[style], model).error, AuthenticationError)
    assert counting.exchanges == 2
    assert len(broken_server.requests) == 4
    assert drive(CALLS[style], model).text == TEXT
    assert counting.exchanges == 3


@pytest.mark.parametrize("style", STREAMING)
def test_an_answer_that_speaks_of_a_refusal_is_none(style: str, broken_server: RawServer) -> None:
    counting = Counting(broken_server, as_json, "oauth", refused=0)
    counting.good = v1_reply(json.dumps(V1_REFUSAL))
    assert drive(CALLS[style], oauth(broken_server.url)).text == json.dumps(V1_REFUSAL)
    assert counting.exchanges == 1


@pytest.mark.parametrize("style", OTHER_CALLS)
def test_embeddings_and_rerankers_renew_a_refused_token_too(style: str, broken_server: RawServer) -> None:
    url = broken_server.url
    counting = Counting(broken_server, FORMS["JSON as text"], "ark", refused=1)
    counting.good = {"data": [{"index": 0, "embedding": [0.5]}]}
    model: Any = ArkEmbeddings(model="ep-1", control_base_url=url, base_url=url, multimodal=False, **PAIR)
    assert drive(OTHER_CALLS[style], model).text == "[[0.5]]"
    assert counting.exchanges == 2
    counting = Counting(broken_server, FORMS["JSON as text"], "short-term", refused=1)
    counting.good = {"results": [{"index": 0, "relevance_score": 0.5}]}
    model = QianfanRerank(iam_base_url=url, base_url=url, **PAIR)
    assert "0.5" in str(drive(OTHER_CALLS[style], model).text)
    assert counting.exchanges == 2
