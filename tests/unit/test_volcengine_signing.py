"""The Volcengine signature: worked examples, the vendor's signer, and the httpx integration."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import pickle
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from volcenginesdkcore.signv4 import SignerV4

from langchain_volcark.volcengine_signing import VolcSignatureAuth, sign

NOW = dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
KEYS = {"access_key": "AKLTEXAMPLEACCESSKEY", "secret_key": "ExampleSecretKeyForDocsOnly=="}
JSON = {"Content-Type": "application/json"}


def signature(url: str = "https://ark.example.com/", method: str = "POST", **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "headers": JSON,
        "body": b"{}",
        "region": "cn-beijing",
        "service": "ark",
        "now": NOW,
    }
    return sign(method, url, **{**KEYS, **arguments, **changes})["Authorization"]


def test_the_worked_example_of_the_key_exchange() -> None:
    body = b'{"DurationSeconds": 604800, "ResourceIds": ["ep-20250101000000-abcde"], "ResourceType": "endpoint"}'
    url = "https://open.volcengineapi.com/?Action=GetApiKey&Version=2024-01-01"
    assert sign("POST", url, JSON, body, region="cn-beijing", service="ark", now=NOW, **KEYS) == {
        "X-Date": "20250102T030405Z",
        "X-Content-Sha256": "5d109771f0ea11e0e758691085224c70757b5931a17ac92c5c03da71274ce1c5",
        "Authorization": "HMAC-SHA256 Credential=AKLTEXAMPLEACCESSKEY/20250102/cn-beijing/ark/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, "
        "Signature=de153de90bc6d29ed58dfebb43cae814f641e78e37459b3c3d3d79ea1ac796df",
    }


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("cn-north-1", "ff1502256c1cf844f18deef08e9b206ffa3a788bc8615eb51b713628d07c1630"),
        ("cn-beijing", "25aadd04eadcae4281c36e72359102ae8e5db1a6aba73cb08569e5568c8a739c"),
    ],
)
def test_the_worked_example_of_the_knowledge_base(region: str, expected: str) -> None:
    added = sign(
        "POST",
        "https://api-knowledgebase.mlp.cn-beijing.volces.com/api/knowledge/chat/completions",
        {"Content-Type": "application/json", "Accept": "*/*", "V-Account-Id": "1", "User-Agent": "x"},
        b'{"model":"Doubao-1-5-pro-32k","messages":[{"role":"user","content":"ping"}]}',
        access_key="AKLTexampleAK0001",
        secret_key="dGVzdC1zZWNyZXQta2V5LTAwMDE=",
        region=region,
        service="air",
        now=NOW,
    )
    assert added["Authorization"] == (
        f"HMAC-SHA256 Credential=AKLTexampleAK0001/20250102/{region}/air/request, "
        f"SignedHeaders=content-type;host;x-content-sha256;x-date, Signature={expected}"
    )


words = st.text(min_size=1, max_size=8)
tokens = st.text("abcXYZ-._ ~", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(
    path=st.lists(
        st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=6), max_size=3
    ),
    query=st.dictionaries(words, st.text(max_size=8), max_size=4),
    extra=st.dictionaries(st.sampled_from(["X-A", "X-Zeta", "Content-Md5"]), tokens),
    body=st.text(max_size=20),
    token=st.none() | st.text("abc", min_size=1),
    port=st.sampled_from(["", ":80", ":443", ":8443"]),
    form=st.sampled_from([urlencode, lambda query: urlencode(query, quote_via=quote)]),
)
def test_the_vendors_own_signer_agrees(
    path: list[str],
    query: dict[str, str],
    extra: dict[str, str],
    body: str,
    token: str | None,
    port: str,
    form: Any,
) -> None:
    encoded = "/" + "/".join(quote(segment, safe="") for segment in path if segment not in (".", ".."))
    headers = {**JSON, **extra, "Host": f"ark.example.com{port}"}
    theirs = dict(headers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it asks for the time in a deprecated way
        SignerV4.sign(encoded, "POST", theirs, body, None, query, *KEYS.values(), "cn-beijing", "ark", token)
    now = dt.datetime.strptime(theirs["X-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.timezone.utc)
    url = f"https://ark.example.com{encoded}" + (f"?{form(query)}" if query else "")
    ours = sign(
        "POST",
        url,
        headers,
        body.encode(),
        region="cn-beijing",
        service="ark",
        now=now,
        session_token=token,
        **KEYS,
    )
    assert {**headers, **ours} == theirs


def test_everything_signed_changes_the_signature() -> None:
    variants = [
        signature(),
        signature(method="PUT"),
        signature("https://ark.example.com/a"),
        signature("https://ark.example.com/?a=1"),
        signature("https://bot.example.com/"),
        signature("https://ark.example.com:8443/"),
        signature(headers={"Content-Type": "text/plain"}),
        signature(headers={**JSON, "X-Project-Name": "default"}),
        signature(body=b"{} "),
        signature(region="cn-shanghai"),
        signature(service="air"),
        signature(now=NOW + dt.timedelta(seconds=1)),
        signature(secret_key="another"),
        signature(session_token="token"),
    ]
    assert len({each.rpartition("=")[2] for each in variants}) == len(variants)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.cn", "https://a.cn/"),
        ("https://a.cn/", "https://a.cn:443/"),
        ("http://a.cn/", "http://a.cn:80/"),
        ("https://a.cn/?b=2&a=1", "https://a.cn/?a=1&b=2"),
        ("https://a.cn/?a=x y", "https://a.cn/?a=x+y"),
        ("https://a.cn/?a=x+y", "https://a.cn/?a=x%20y"),
        ("https://a.cn/?a=你", "https://a.cn/?a=%E4%BD%A0"),
        ("https://a.cn/?a=%e4%bd%a0", "https://a.cn/?a=%E4%BD%A0"),
        ("https://a.cn/?a=~-._", "https://a.cn/?a=%7E%2D%2E%5F"),
        ("https://a.cn/?a=:/?@", "https://a.cn/?a=%3A%2F%3F%40"),
        ("https://a.cn/?a", "https://a.cn/?a="),
        ("https://a.cn/知识 库/(x)", "https://a.cn/%E7%9F%A5%E8%AF%86%20%E5%BA%93/%28x%29"),
        ("https://a.cn/a=b:c", "https://a.cn/a%3Db%3Ac"),
    ],
)
def test_urls_that_mean_the_same_are_signed_the_same(one: str, other: str) -> None:
    assert signature(one) == signature(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.cn/a/b", "https://a.cn/a%2Fb"),
        ("https://a.cn/a+b", "https://a.cn/a%20b"),
        ("https://a.cn/?a=1%2B1", "https://a.cn/?a=1+1"),
        ("https://a.cn/?a=1%26b=2", "https://a.cn/?a=1&b=2"),
        ("https://a.cn/?a=1&a=2", "https://a.cn/?a=2&a=1"),
        ("https://a.cn/x", "https://a.cn/x/"),
        ("https://a.cn/", "https://a.cn:8443/"),
    ],
)
def test_urls_that_differ_are_signed_differently(one: str, other: str) -> None:
    assert signature(one) != signature(other)


def test_the_case_and_the_padding_of_headers_do_not_matter() -> None:
    padded = {"content-TYPE": " application/json ", "x-project-name": "p"}
    assert signature(headers=padded) == signature(headers={**JSON, "X-Project-Name": "p"})


def test_the_time_is_converted_to_utc_and_must_say_where_it_is() -> None:
    beijing = NOW.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert signature(now=beijing) == signature(now=NOW)
    with pytest.raises(ValueError, match="time zone"):
        signature(now=NOW.replace(tzinfo=None))


def auth(**changes: Any) -> VolcSignatureAuth:
    arguments: dict[str, Any] = {**KEYS, "region": "cn-beijing", "service": "air", "clock": lambda: NOW}
    return VolcSignatureAuth(**{**arguments, **changes})


def send(request: dict[str, Any], with_auth: VolcSignatureAuth) -> httpx.Request:
    seen: list[httpx.Request] = []

    def handle(sent: httpx.Request) -> httpx.Response:
        sent.read()
        seen.append(sent)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(handle), auth=with_auth) as client:
        client.request("POST", "https://kb.example.com/api/知识", **request)
    return seen[0]


def chunks() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize(
    "content", [{"json": {"q": "你好"}}, {"content": chunks()}, {}], ids=["json", "stream", "none"]
)
def test_the_bytes_and_headers_that_are_sent_are_signed(content: dict[str, Any]) -> None:
    sent = send({**content, "params": {"b": "2", "a": "x y"}, "headers": {"X-Project-Name": "p"}}, auth())
    assert sent.headers["X-Content-Sha256"] == hashlib.sha256(sent.content).hexdigest()
    unsigned = {name: value for name, value in sent.headers.items() if name not in ("authorization", "x-date")}
    expected = sign("POST", sent.url, unsigned, sent.content, region="cn-beijing", service="air", now=NOW, **KEYS)
    assert sent.headers["Authorization"] == expected["Authorization"]
    assert "host;x-content-sha256;x-date;x-project-name" in sent.headers["Authorization"]


async def test_async_clients_sign_too() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=request.headers["X-Date"]))
    async with httpx.AsyncClient(transport=transport, auth=auth()) as client:
        assert (await client.post("https://kb.example.com/", json={})).text == "20250102T030405Z"


def test_a_request_sent_again_is_signed_anew() -> None:
    request = httpx.Request("POST", "https://kb.example.com/", content=b"{}")
    times = iter([NOW, NOW + dt.timedelta(minutes=1)])
    signer = auth(clock=lambda: next(times), session_token="t")
    signed = [next(signer.auth_flow(request)).headers["Authorization"] for _ in range(2)]
    fresh = next(
        auth(clock=lambda: NOW + dt.timedelta(minutes=1), session_token="t").auth_flow(
            httpx.Request("POST", "https://kb.example.com/", content=b"{}")
        )
    )
    assert signed[0] != signed[1] == fresh.headers["Authorization"]
    assert len(request.headers.get_list("Authorization")) == 1


def test_the_clock_of_the_system_is_the_default() -> None:
    sent = send({}, auth(clock=None))
    date = dt.datetime.strptime(sent.headers["X-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.timezone.utc)
    assert abs(dt.datetime.now(dt.timezone.utc) - date) < dt.timedelta(minutes=1)


def test_secrets_show_neither_in_the_repr_nor_among_the_attributes() -> None:
    for secret, token in (("hush", "mum"), (SecretStr("hush"), SecretStr("mum"))):
        signer = auth(secret_key=secret, session_token=token)
        shown = repr(signer) + repr(vars(signer))
        assert "hush" not in shown
        assert "mum" not in shown
        assert send({}, signer).headers["X-Security-Token"] == "mum"


def test_the_auth_can_be_copied_and_pickled() -> None:
    signer = auth(clock=None)
    for copied in (copy.deepcopy(signer), pickle.loads(pickle.dumps(signer))):
        assert "Signature=" in send({}, copied).headers["Authorization"]
