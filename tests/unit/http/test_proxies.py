"""The environment's proxy variables: which proxy a URL gets, what is refused, and what is never looked at."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.http.proxies import (
    AsyncEnvironmentTransport,
    EnvironmentTransport,
    check_proxy,
    proxy_for,
    proxy_variables,
)
from tests.unit.http.test_network import async_transport, blocking_transport
from tests.unit.raw_server import raw_server

URLS = ["http://ark.example.com/", "https://ark.example.com/", "https://example.com/", "https://notexample.com/",
        "http://localhost:8080/", "http://127.0.0.1:1/", "http://[::1]:1/", "https://10.0.0.1/"]  # fmt: skip
PROXIES = [
    {},
    {"HTTP_PROXY": "http://p1:1"},
    {"HTTPS_PROXY": "p2:2"},
    {"ALL_PROXY": "http://p3:3"},
    {"HTTPS_PROXY": "http://p2:2", "ALL_PROXY": "http://p3:3"},
    {"HTTP_PROXY": "http://p1:1", "HTTPS_PROXY": "http://p1:1"},
    {"https_proxy": "http://p4:4"},
    {"https_proxy": "http://p4:4", "HTTPS_PROXY": "http://p2:2"},
    {"https_proxy": "", "HTTPS_PROXY": "http://p2:2", "ALL_PROXY": "http://p3:3"},
    {"HTTP_PROXY": "http://p1:1", "REQUEST_METHOD": "GET"},
    {"http_proxy": "http://p1:1", "REQUEST_METHOD": "GET"},
]
EXCEPTIONS = ["", "*", "localhost", "localhost, 127.0.0.1,::1", "example.com", ".example.com", "x.org,*",
              "10.0.0.1/8", "https://example.com", "LOCALHOST", "Example.COM", ",, ,"]  # fmt: skip


class Witness(httpx.Client):
    """Tells through which proxy httpx itself would go."""

    def _init_transport(self, **_: Any) -> Any:
        return answering("direct")

    def _init_proxy_transport(self, proxy: httpx.Proxy, **_: Any) -> Any:
        return answering(str(proxy.url))


def answering(name: str) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, text=name))


@pytest.mark.parametrize(("proxies", "exceptions"), list(itertools.product(PROXIES, EXCEPTIONS)))
def test_the_environments_proxies_mean_what_httpx_says(
    proxies: dict[str, str], exceptions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**proxies, "NO_PROXY": exceptions}.items():
        monkeypatch.setenv(name, value)
    ours = EnvironmentTransport(lambda proxy: answering(proxy or "direct"), proxy_variables())
    with httpx.Client(transport=ours) as client, Witness() as witness:
        assert [client.get(url).text for url in URLS] == [witness.get(url).text for url in URLS]


COVERED = [
    # Addresses and networks, whatever form either has.
    ("127.0.0.1", "http://127.0.0.1:8000", True),
    ("127.0.0.1", "http://127.0.0.2", False),
    ("10.0.0.0/8", "https://10.200.3.4", True),
    ("10.0.0.0/8", "https://11.0.0.1", False),
    ("10.0.0.0/255.0.0.0", "https://10.1.1.1", True),
    ("192.168.1.7/16", "https://192.168.200.1", True),
    ("10.0.0.0/8", "https://10.example.com", False),
    ("10.0.0.0/8", "https://[::ffff:10.1.2.3]", True),
    ("::1", "http://[::1]:8000", True),
    ("[::1]", "http://[::1]:8000", True),
    ("[::1]:8000", "http://[::1]:8000", True),
    ("[::1]:8000", "http://[::1]:8001", False),
    ("::1", "http://[0:0:0:0:0:0:0:1]", True),
    ("fe80::/10", "http://[fe80::1]", True),
    ("FE80::/10", "http://[febf::1]", True),
    ("[fe80::]/10", "http://[fe80::1]", True),
    ("fe80::/10", "http://[fec0::1]", False),
    ("fe80::/10", "http://10.0.0.1", False),
    ("127.*,10.*", "http://10.1.2.3", True),
    ("0.0.1", "http://127.0.0.1", False),
    # Names, suffixes, ports.
    ("example.com", "https://ark.example.com", True),
    ("example.com", "https://notexample.com", False),
    (".example.com", "https://ark.example.com", True),
    (".example.com", "https://example.com", False),
    ("*.example.com", "https://ark.example.com", True),
    ("*.example.com", "https://example.com", False),
    ("example.com.", "https://example.com", True),
    ("example.com", "https://EXAMPLE.com.", True),
    ("example.com:8443", "https://example.com:8443", True),
    ("example.com:8443", "https://example.com", False),
    ("example.com:443", "https://example.com", True),
    ("example.com:443", "http://example.com", False),
    ("10.0.0.1:80", "http://10.0.0.1", True),
    ("10.0.0.1:80", "https://10.0.0.1", False),
    ("http://example.com", "https://example.com", False),
    ("https://example.com/", "https://example.com", True),
    # Other scripts, in either spelling.
    ("内网.example", "https://内网.example", True),
    ("内网.example", "https://ark.内网.example", True),
    ("内网.example", "https://xn--v6q792i.example", True),
    ("xn--v6q792i.example", "https://内网.example", True),
    ("*.内网.example", "https://ark.内网.example", True),
    ("内网.example", "https://外网.example", False),
    # Lists, and entries that are nothing at all.
    (" a.example ,\texample.com ", "https://example.com", True),
    ("a.example example.com", "https://example.com", True),
    ("*", "https://example.com", True),
    ("[,:::,//,10.0.0.0/99,[x]:y,例\ud800,*:,http:///", "https://example.com", False),
]


@pytest.mark.parametrize(("exceptions", "url", "covered"), COVERED)
def test_no_proxy_covers(exceptions: str, url: str, covered: bool) -> None:
    found = proxy_for(httpx.URL(url), {"ALL_PROXY": "http://p:1", "NO_PROXY": exceptions})
    assert (found is None) == covered


@given(no_proxy=st.text(), url=st.sampled_from(URLS))
def test_no_value_of_no_proxy_is_an_error(no_proxy: str, url: str) -> None:
    proxy_for(httpx.URL(url), {"ALL_PROXY": "http://p:1", "NO_PROXY": no_proxy})


@given(value=st.text() | st.text().map("http://user:{}@127.0.0.1:9".format))
def test_any_other_value_is_a_proxy_that_httpx_takes_or_an_error_that_names_the_variable(value: str) -> None:
    try:
        found = proxy_for(httpx.URL("https://ark.example"), {"HTTPS_PROXY": value})
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017
        assert str(error).startswith("HTTPS_PROXY ")  # noqa: PT017
    else:
        assert found is None or httpx.Proxy(found.url).url.host


BROKEN = [
    ("http://user:p#canary@127.0.0.1:9", "percent-encoded"),
    ("http://user:p/canary@127.0.0.1:9", "percent-encoded"),
    ("http://user:12/canary@127.0.0.1:9", "percent-encoded"),
    ("http://user:1?canary@127.0.0.1:9", "percent-encoded"),
    ("user:p#canary@127.0.0.1:9", "percent-encoded"),
    ("http://user:canary 1@127.0.0.1:9", "blanks"),
    ("http://user:canary@127.0.0.1:port", "host and port"),
    ("http://user:canary@127.0.0.1:99999", "host and port"),
    ("http://user:canary@", "host and port"),
    ("http://user:canary@[::1", "host and port"),
    ("ftp://user:canary@127.0.0.1:9", "must begin with http://"),
    ("socks4://user:canary@127.0.0.1:9", "must begin with http://"),
    ("socks://user:canary@127.0.0.1:9", "httpx[socks]"),
    ("SOCKS5H://user:canary@127.0.0.1:9", "httpx[socks]"),
]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize(("value", "says"), BROKEN)
def test_a_broken_variable_is_named_with_the_cure_and_without_its_password(
    name: str, value: str, says: str
) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        proxy_for(httpx.URL("https://ark.example"), {name: value})
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("value", "_"), BROKEN)
@pytest.mark.parametrize("exceptions", ["ark.example", "*"])
def test_a_broken_variable_does_not_matter_to_urls_that_it_does_not_concern(
    value: str, _: str, exceptions: str
) -> None:
    url = httpx.URL("https://ark.example")
    assert proxy_for(url, {"ALL_PROXY": value, "NO_PROXY": exceptions}) is None
    assert proxy_for(url, {"HTTP_PROXY": value}) is None
    found = proxy_for(url, {"ALL_PROXY": value, "https_proxy": "http://p:1"})
    assert found is not None
    assert (found.url, found.variable) == ("http://p:1", "https_proxy")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("p:3128", "http://p:3128"),
        (" http://p:3128\n", "http://p:3128"),
        ("HTTP://user:p%23ss@p:1/", "http://user:p%23ss@p:1/"),
        ("http://user:p@ss@p:1", "http://user:p@ss@p:1"),
        ("socks://127.0.0.1:7890", "socks5://127.0.0.1:7890"),
        ("Socks5h://[::1]:7890", "socks5h://[::1]:7890"),
    ],
)
def test_a_proxys_url_is_written_as_httpx_takes_it(value: str, read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_volcark.http.proxies.find_spec", lambda _: object())  # as if socksio were there
    found = proxy_for(httpx.URL("https://ark.example"), {"HTTPS_PROXY": value})
    assert found is not None
    assert found.url == read
    assert httpx.Proxy(found.url).url.host
    assert read not in repr(found)


def test_an_argument_is_read_alike_and_must_have_a_scheme() -> None:
    assert check_proxy(" HTTP://p:1") == "http://p:1"
    with pytest.raises(ValueError, match="proxy must begin with http://"):
        check_proxy("p:1")


@pytest.mark.parametrize("only", [{}, {"NO_PROXY": "localhost"}, {"HTTP_PROXY": " "}, {"FTP_PROXY": "ftp://x"}])
def test_an_environment_without_a_proxy_says_so(only: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in only.items():
        monkeypatch.setenv(name, value)
    assert proxy_variables() == {}


def test_the_systems_settings_count_where_no_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_volcark.http.proxies.getproxies", lambda: {"https": "http://p:1"})
    found = proxy_for(httpx.URL("https://ark.example"), proxy_variables())
    assert found is not None
    assert found.url == "http://p:1"
    monkeypatch.setenv("NO_PROXY", "x")
    assert proxy_variables() == {}


def test_one_transport_serves_all_schemes_of_one_proxy_and_one_all_that_need_none() -> None:
    made: list[str | None] = []

    def make(proxy: str | None) -> httpx.MockTransport:
        made.append(proxy)
        return answering(proxy or "direct")

    proxies = {"HTTP_PROXY": "http://p1:1", "HTTPS_PROXY": "http://p1:1", "NO_PROXY": "a.example,b.example"}
    with httpx.Client(transport=EnvironmentTransport(make, proxies)) as client:
        for url in ("http://x.example", "https://x.example", "https://y.example:8443") * 2:
            assert client.get(url).text == "http://p1:1"
        for url in ("http://a.example", "https://b.example", "https://b.example:8443") * 2:
            assert client.get(url).text == "direct"
    assert made == ["http://p1:1", None]


def test_the_environments_transports_are_all_closed() -> None:
    with raw_server() as server, raw_server() as proxy:
        proxies = {"HTTP_PROXY": proxy.url, "NO_PROXY": "localhost,127.0.0.1"}

        def blocking() -> None:
            with httpx.Client(transport=EnvironmentTransport(blocking_transport, proxies)) as client:
                client.get(server.url)
                client.get("http://ark.invalid/")

        async def on_a_loop() -> None:
            transport = AsyncEnvironmentTransport(async_transport, proxies)
            async with httpx.AsyncClient(transport=transport) as client:
                await client.get(server.url)
                await client.get("http://ark.invalid/")

        blocking()
        asyncio.run(on_a_loop())
        assert (len(server.requests), len(proxy.requests)) == (2, 2)
        assert all(one.closed.wait(5) for one in (*server.connections, *proxy.connections))
