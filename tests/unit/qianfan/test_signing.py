"""Baidu Cloud's signature: published test vectors, and the emulator's implementation."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers, QueryParams

from langchain_volcark.emulator.qianfan.bce import BceSignatureError, verify
from langchain_volcark.emulator.state import RecordedRequest
from langchain_volcark.qianfan.signing import canonical_request, sign

ACCESS_KEY = "ALTAKexampleAccessKey01"
SECRET_KEY = "exampleSecretKey0000000000000001"
NOW = dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
URL = "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions"
PREFIX = f"bce-auth-v1/{ACCESS_KEY}/2025-01-02T03:04:05Z/300"


def signed(url: httpx.URL | str, headers: dict[str, str], **more: Any) -> dict[str, str]:
    return sign("POST", url, headers, access_key=ACCESS_KEY, secret_key=SECRET_KEY, now=NOW, **more)


def test_first_worked_vector() -> None:
    added = signed(URL, {"Content-Type": "application/json"})
    assert added == {
        "x-bce-date": "2025-01-02T03:04:05Z",
        "Authorization": f"{PREFIX}/content-type;host;x-bce-date/"
        "fe413df8538e287bf0d9331b13ae28fa8522c30dc3fb806ad04570989e99ece9",
    }


def test_first_vectors_canonical_request() -> None:
    headers = {
        "content-type": "application/json",
        "host": "aip.baidubce.com",
        "x-bce-date": "2025-01-02T03:04:05Z",
    }
    assert canonical_request("post", httpx.URL(URL), headers) == (
        "POST\n/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/completions\n\n"
        "content-type:application%2Fjson\nhost:aip.baidubce.com\nx-bce-date:2025-01-02T03%3A04%3A05Z"
    )


def test_second_worked_vector_with_query_and_own_header() -> None:
    url = httpx.URL(URL, params={"Action": "DescribeServices", "k": "a b/c~中"})
    headers = {"Content-Type": "application/json", "Request_id": "req-1"}
    added = signed(url, headers, also_signed=frozenset({"request_id"}))
    assert added["Authorization"] == (
        f"{PREFIX}/content-type;host;request_id;x-bce-date/"
        "a94e2c171c12552a16cad033fe665c3dabff0b6f4771dc2f15ccf10d9e3eb443"
    )
    assert canonical_request("POST", url, {}).split("\n")[2] == "Action=DescribeServices&k=a%20b%2Fc~%E4%B8%AD"


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/a b", "/a%20b"),
        ("/a%20b", "/a%20b"),
        ("/chat/ngx_t-1.2~3", "/chat/ngx_t-1.2~3"),
        ("/服务", "/%E6%9C%8D%E5%8A%A1"),
        ("/a:b@c!$&'()*+,;=", "/a%3Ab%40c%21%24%26%27%28%29%2A%2B%2C%3B%3D"),
    ],
)
def test_awkward_paths(path: str, canonical: str) -> None:
    assert canonical_request("POST", httpx.URL(f"https://h.example{path}"), {}).split("\n")[1] == canonical


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("a", "a="),
        ("a=", "a="),
        ("b=2&a=1&a=0", "a=0&a=1&b=2"),
        ("Authorization=x&a=1", "a=1"),
        ("a=1+2", "a=1%202"),
        ("a=%2F%7E", "a=%2F~"),
        ("A=1&a=1&_=1", "A=1&_=1&a=1"),
    ],
)
def test_awkward_queries(query: str, canonical: str) -> None:
    assert canonical_request("POST", httpx.URL(f"https://h.example/?{query}"), {}).split("\n")[2] == canonical


def test_empty_headers_are_left_out_and_white_space_is_trimmed() -> None:
    added = signed(URL, {"Content-Type": "", "x-bce-request-id": "  r  "})
    assert "/host;x-bce-date;x-bce-request-id/" in added["Authorization"]
    assert added["Authorization"] == signed(URL, {"x-bce-request-id": "r"})["Authorization"]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        sign("POST", URL, {}, access_key="a", secret_key="b", now=dt.datetime(2025, 1, 2))


def received(request: httpx.Request) -> RecordedRequest:
    """The request as a server reads it."""
    return RecordedRequest(
        request.method,
        httpx.URL(request.url).path,
        dict(QueryParams(request.url.query)),
        Headers(dict(request.headers)),
        request.content,
    )


def checked(request: httpx.Request, now: dt.datetime = NOW) -> None:
    verify(received(request), ACCESS_KEY, SECRET_KEY, now)


plain = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@given(
    segments=st.lists(plain.filter(lambda text: text not in ("", ".", "..") and "/" not in text), max_size=4),
    query=st.dictionaries(plain.filter(bool), plain, max_size=4),
)
def test_the_emulators_own_code_agrees(segments: list[str], query: dict[str, str]) -> None:
    path = "/".join(quote(segment, safe="!$&'()*+,;=:@") for segment in segments)
    url = httpx.URL(f"https://h.example:8443/{path}", params=query)
    request = httpx.Request("POST", url, headers={"content-type": "application/json"}, content=b"{}")
    request.headers.update(signed(request.url, request.headers))
    checked(request)


@pytest.mark.parametrize(
    "change",
    [
        lambda request: setattr(request, "method", "GET"),
        lambda request: setattr(request, "url", request.url.copy_with(path="/other")),
        lambda request: setattr(request, "url", request.url.copy_merge_params({"a": "2"})),
        lambda request: request.headers.update({"content-type": "text/plain"}),
        lambda request: request.headers.update({"host": "elsewhere.example"}),
        lambda request: request.headers.update({"x-bce-date": "2025-01-02T03:04:06Z"}),
    ],
)
def test_the_emulator_notices_every_change(change: Any) -> None:
    request = httpx.Request("POST", f"{URL}?a=1", headers={"content-type": "application/json"}, content=b"{}")
    request.headers.update(signed(request.url, request.headers))
    checked(request)
    change(request)
    with pytest.raises(BceSignatureError):
        checked(request)


@pytest.mark.parametrize(("seconds", "accepted"), [(299, True), (301, False), (-901, False), (-60, True)])
def test_the_emulator_refuses_expired_signatures(seconds: int, accepted: bool) -> None:
    request = httpx.Request("POST", URL, headers=signed(URL, {}))
    now = NOW + dt.timedelta(seconds=seconds)
    if accepted:
        checked(request, now)
        return
    with pytest.raises(BceSignatureError) as caught:
        checked(request, now)
    assert caught.value.code == "RequestExpired"
