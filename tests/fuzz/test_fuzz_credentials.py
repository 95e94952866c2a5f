"""Invalid replies to token requests give a usable token or an exception of the package."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import event, given
from hypothesis import strategies as st
from pydantic import SecretStr

from langchain_volcark.ark.auth import TemporaryKeyAuth
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http import token_refresh
from langchain_volcark.http.client import HTTPClient
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.qianfan.auth import OAuthAuth, ShortTermKeyAuth
from langchain_volcark.qianfan.errors import ERRORS
from tests.fuzz.junk import damaged, examples, texts, values, write_json
from tests.fuzz.wire import CANARY, URL, look_at_error

SECRET = SecretStr(CANARY)
FAR = 4_000_000_000
REPLIES: dict[str, Any] = {
    "ark": {"ResponseMetadata": {"RequestId": "r"}, "Result": {"ApiKey": "k", "ExpiredTime": FAR}},
    "oauth": {"access_token": "t", "expires_in": 2_592_000, "scope": "public"},
    "short-term key": {
        "userId": "u",
        "token": "bce-v3/x",
        "status": "enable",
        "expireTime": "2099-01-01T00:00:00Z",
    },
}
REFUSALS: dict[str, Any] = {
    "ark": {
        "ResponseMetadata": {"RequestId": "r", "Error": {"CodeN": 100, "Code": "AccessDenied", "Message": "no"}}
    },
    "oauth": {"error": "invalid_client", "error_description": "unknown client id"},
    "short-term key": {"requestId": "r", "code": "AccessDenied", "message": "no"},
}
AUTHS = {
    "ark": TemporaryKeyAuth(SECRET, SECRET, model="ep-x", control_base_url=URL),
    "oauth": OAuthAuth(SECRET, SECRET, token_url=URL),
    "short-term key": ShortTermKeyAuth(SECRET, SECRET, iam_base_url=URL),
}


class Service:
    """Answers the exchange with what the example says, and every call with an empty object."""

    def __init__(self) -> None:
        self.body, self.status, self.then = b"", 200, b"{}"
        self.client = httpx.Client(transport=httpx.MockTransport(self._answer), trust_env=False)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/call"):
            return httpx.Response(200, headers={"content-type": "application/json"}, content=self.then)
        return httpx.Response(self.status, headers={"content-type": "application/json"}, content=self.body)


SERVICE = Service()
CLIENTS = {
    name: HTTPClient(URL, auth=auth, errors=ERRORS, max_retries=0, http_client=SERVICE.client)
    for name, auth in AUTHS.items()
}


def exchanges(name: str) -> st.SearchStrategy[bytes]:
    return (damaged(REPLIES[name]) | damaged(REFUSALS[name]) | values).map(write_json) | st.binary(max_size=9)


@examples(300)
@given(st.sampled_from(sorted(AUTHS)), st.sampled_from([200, 201, 400, 401, 403, 429, 500]), st.data())
def test_an_exchange_of_credentials_in_any_form(name: str, status: int, data: st.DataObject) -> None:
    token_refresh.tokens.clear()
    SERVICE.body, SERVICE.status = data.draw(exchanges(name)), status
    # The service may also say that the token is no good.
    SERVICE.then = data.draw(
        st.just(b"{}") | (damaged({"error_code": 110, "error_msg": "no"}) | values).map(write_json)
    )
    try:
        CLIENTS[name].post(ServiceRequest("/call", {"model": "ep-x"}))
    except VolcArkError as error:
        event(type(error).__name__)
        look_at_error(error)
    else:
        event("a token")
    token_refresh.tokens.clear()


@examples(100)
@given(st.sampled_from(sorted(AUTHS)), texts | st.text(max_size=5))
def test_a_token_of_any_characters_is_sent_or_refused(name: str, token: str) -> None:
    token_refresh.tokens.clear()
    fields = {"ark": {"Result": {"ApiKey": token, "ExpiredTime": FAR}}, "oauth": {"access_token": token}}
    SERVICE.body, SERVICE.status, SERVICE.then = write_json(fields.get(name, {"token": token})), 200, b"{}"
    try:
        CLIENTS[name].post(ServiceRequest("/call", {"model": "ep-x"}))
    except VolcArkError as error:
        look_at_error(error)
    token_refresh.tokens.clear()
