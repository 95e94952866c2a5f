"""What redaction takes out of a reply, and what it leaves: credentials are told by the names that carry them."""

from __future__ import annotations

import base64
import html
import json
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark import ChatArk
from langchain_volcark.http.errors import error_from_response, format_error
from langchain_volcark.http.redaction import Redaction, add_secret_query, names_credential, redact

VALUE = "production-5f3Qz"

CARRY_CREDENTIALS = [
    "Authorization",
    "Proxy-Authorization",
    "X-Authorization",
    "Cookie",
    "X-Api-Key",
    "X-API-KEY",
    "apikey",
    "apiKey",
    "APIKey",
    "X-Gateway-Key",
    "key",
    "X-Goog-Api-Key",
    "api_key",
    "access_key",
    "AccessKeyId",
    "secret_key",
    "X-Security-Token",
    "token",
    "access_token",
    "sessionToken",
    "X-My-Token",
    "client_secret",
    "client_id",
    "appsecret",
    "X-Signature",
    "signature",
    "sign",
    "sig",
    "X-Credential",
    "X-Amz-Credential",
    "password",
    "passwd",
    "X-User-Password",
    "jwt",
    "X-Auth",
    "auth",
    "X-Access-Code",
    "ak",
    "sk",
    "ocp-apim-subscription-key",
    "x-bce-security-token",
    "idtoken",
]
CARRY_NONE = [
    "Action",
    "Version",
    "ProjectName",
    "project_name",
    "project",
    "Region",
    "region",
    "ResourceType",
    "X-Client-Request-Id",
    "X-Request-Id",
    "X-Env",
    "X-Date",
    "X-Bce-Date",
    "X-Content-Sha256",
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "Content-Type",
    "Content-Length",
    "Connection",
    "X-Signed-Headers",
    "SignedHeaders",
    "keyword",
    "keywords",
    "X-Author",
    "X-Authority",
    "X-Design",
    "X-Signal",
    "grant_type",
    "api-version",
    "model",
    "X-Ark-Moderation-Scene",
    "X-Tenant",
    "tenant",
    "traceparent",
    "baggage",
    "Sentry-Trace",
    "limit",
    "X-Forwarded-For",
    "passage",
    "X-Assigned-To",
]


def request(**options: Any) -> httpx.Request:
    return httpx.Request("POST", "https://ark.example/api", **options)


def redaction(of: httpx.Request) -> Redaction:
    return Redaction(httpx.Response(400, request=of))


@pytest.mark.parametrize("name", CARRY_CREDENTIALS)
def test_the_value_of_a_name_that_carries_credentials_is_redacted(name: str) -> None:
    assert names_credential(name)
    for sent in (request(headers={name: VALUE}), request(params={name: VALUE})):
        assert redaction(sent).text(f"no {VALUE} here") == "no [redacted] here"


@pytest.mark.parametrize("name", CARRY_NONE)
def test_the_value_of_another_name_is_left(name: str) -> None:
    assert not names_credential(name)
    for sent in (request(headers={name: VALUE}), request(params={name: VALUE}), request(json={name: VALUE})):
        assert redaction(sent).text(f"no {VALUE} here") == f"no {VALUE} here"


def test_each_part_of_a_signature_that_is_a_credential_is_redacted_and_nothing_else() -> None:
    volcengine = (
        "HMAC-SHA256 Credential=AKLTcanary1/20260101/cn-beijing/ark/request, "
        "SignedHeaders=content-type;host;x-date, Signature=abcdef0123456789abcdef0123456789"
    )
    seen = redaction(request(headers={"Authorization": volcengine}))
    text = "AKLTcanary1 in cn-beijing of ark on 20260101 signed content-type;host;x-date as abcdef0123456789abcdef0123456789"
    assert (
        seen.text(text)
        == "[redacted] in cn-beijing of ark on 20260101 signed content-type;host;x-date as [redacted]"
    )
    baidu = "bce-auth-v1/AKcanary/2026-01-01T00:00:00Z/1800/host;x-bce-date/abcdef0123456789abcdef0123456789"
    seen = redaction(request(headers={"Authorization": baidu}))
    assert (
        seen.text("AKcanary host;x-bce-date 1800 abcdef0123456789abcdef0123456789")
        == "[redacted] host;x-bce-date 1800 [redacted]"
    )


@pytest.mark.parametrize(
    ("header", "quoted"),
    [
        ("Bearer canary-key", "canary-key"),
        ("ACCESSCODE canary-key", "canary-key"),
        (f"Basic {base64.b64encode(b'user:canary-key').decode()}", "canary-key"),
    ],
)
def test_an_authorization_is_redacted_whole_and_in_its_parts(header: str, quoted: str) -> None:
    seen = redaction(request(headers={"Authorization": header}))
    assert seen.text(f"<{header}> <{quoted}>") == "<[redacted]> <[redacted]>"


KEY = "sk-ab+c/d=e&f'canary"


@pytest.mark.parametrize(
    "quoted",
    [
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d"),
        quote(quote(KEY, safe=""), safe=""),
        json.dumps(KEY)[1:-1],
        html.escape(KEY),
        html.escape(KEY).replace("&#x27;", "&#39;"),
        base64.b64encode(KEY.encode()).decode().rstrip("="),
        base64.b64encode(f"Bearer {KEY}".encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
        KEY.encode().hex(),
    ],
)
def test_a_credential_is_redacted_in_whatever_encoding_it_is_quoted(quoted: str) -> None:
    seen = redaction(request(headers={"Authorization": f"Bearer {KEY}"}))
    assert seen.text(f"<{quoted}>") == "<[redacted]>"
    assert seen.content(f"<{quoted}>".encode()) == b"<[redacted]>"


def test_a_cookie_is_redacted_whole_and_each_value() -> None:
    seen = redaction(request(headers={"Cookie": "lang=zh; session=canary-1; id=canary-2"}))
    assert seen.text("lang=zh canary-1 canary-2") == "lang=zh [redacted] [redacted]"


def test_credentials_inside_a_body_are_redacted_and_other_fields_are_not() -> None:
    body = {
        "model": "doubao-canary",
        "api_key": "canary-key",
        "tools": [{"type": "mcp", "headers": {"Authorization": "Bearer canary-token"}, "key": "canary-field"}],
        "messages": [{"role": "user", "content": "canary-question", "token": "canary-word"}],
    }
    text = "canary-key canary-token doubao-canary canary-field canary-question canary-word"
    assert redaction(request(json=body)).text(text) == (
        "[redacted] [redacted] doubao-canary canary-field canary-question canary-word"
    )


def test_of_the_query_that_is_kept_apart_only_credentials_are_redacted() -> None:
    sent = request()
    add_secret_query(
        sent, {"grant_type": "client_credentials", "client_id": "canary-id", "client_secret": "canary-secret"}
    )
    seen = redaction(sent)
    assert seen.text("client_credentials canary-id canary-secret") == "client_credentials [redacted] [redacted]"


def test_a_reply_whose_request_is_unknown_loses_what_can_be_told_alone() -> None:
    seen = Redaction(httpx.Response(400))
    quoted = 'http://user:canary@proxy:3128 Proxy-Authorization: Basic Y2FuYXJ5, "authorization": "Bearer canary"'
    left = (
        'http://[redacted]@proxy:3128 Proxy-Authorization: Basic [redacted], "authorization": "Bearer [redacted]"'
    )
    assert seen.text(quoted) == left
    assert seen.content(quoted.encode()) == left.encode()
    assert redact(f"https://aip.example/?{urlencode({'access_token': '24.x', 'q': '1'})}").endswith(
        "access_token=[redacted]&q=1"
    )


HEADERS = {"X-Api-Key": "canary/+=&key", "X-Env": "production"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=JSON)
def test_data_without_credentials_stays_the_same_object(value: Any) -> None:
    plain = json.dumps(value, ensure_ascii=False)
    if redact(plain) == plain and "://" not in plain:
        assert redaction(request(headers=HEADERS)).data(value) is value


@given(before=st.text(), after=st.text())
def test_data_loses_a_credential_wherever_it_stands(before: str, after: str) -> None:
    value = {f"{before}canary/+=&key": [{"x": f"{before}canary/+=&key{after}"}, "production"]}
    seen = redaction(request(headers=HEADERS)).data(value)
    assert "canary" not in json.dumps(seen)
    assert "production" in json.dumps(seen)


@given(content=st.binary())
def test_a_body_without_credentials_keeps_its_bytes(content: bytes) -> None:
    assert redaction(request(headers=HEADERS)).content(content) == content


@pytest.mark.parametrize("status", [200, 400, 502])
def test_a_request_id_that_quotes_the_credential_is_redacted(status: int) -> None:
    sent = request(headers={"Authorization": f"Bearer {KEY}"})
    reply = httpx.Response(status, headers={"X-Request-Id": f"id-{KEY}"}, text="refused", request=sent)
    reader = ChatArk(model="m")._errors
    error = format_error(reply, reader, "no JSON") if status == 200 else error_from_response(reply, reader)
    assert error.request_id == "id-[redacted]"
    assert KEY not in str(error)
