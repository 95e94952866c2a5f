"""Certificates: checked unless the user says otherwise, by the argument `verify` of every class."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import gc
import json
import pickle
import ssl
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from langchain_core.load import dumps

from langchain_volcark import ChatArk, ChatQianfan
from langchain_volcark.exceptions import APIConnectionError
from langchain_volcark.http.registry import registry
from tests.integration.echo import reply
from tests.integration.faults.driving import CALLS, STREAMING, Call, nothing
from tests.integration.faults.matrix import everyone
from tests.integration.faults.services import CHATS, OTHERS, TEXT, Service
from tests.unit.raw_server import RawServer, raw_server
from tests.unit.raw_server import reply as http_reply

FOUR = [pytest.param(call, id=name) for name, call in CALLS.items()]
EVERY_CLASS = [pytest.param(service, id=service.name) for service in [*CHATS, *OTHERS]]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket or transport that was never closed warns here, and a warning is an error


class Authority:
    """A private CA: a root, which users trust, and an intermediate one, which signs."""

    def __init__(self, path: Any) -> None:
        self._root = trustme.CA()
        self.signing = self._root.create_child_ca()
        self.path = str(path)
        self._root.cert_pem.write_to_path(self.path)

    def server(self, *names: str, **times: dt.datetime) -> ssl.SSLContext:
        """The context of a server with a certificate for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.signing.issue_cert(*(names or ("localhost",)), **times).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        """The context of a client that trusts the root."""
        return ssl.create_default_context(cafile=self.path)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca") / "root.pem")


@pytest.fixture(autouse=True)
def no_connections(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[None]:
    """No connection of another test; retries wait for nobody."""
    monkeypatch.setattr(registry, "_clients", {})
    yield
    for client in registry._clients.values():
        client.close()


@pytest.fixture(scope="module")
def secure_server(authority: Authority) -> Iterator[RawServer]:
    with raw_server(tls=authority.server()) as running:
        yield running


def address(server: RawServer) -> str:
    return server.url.replace("127.0.0.1", "localhost")


def play(server: RawServer, service: Service, call: Call) -> str:
    """Let the server answer; returns its address."""
    answer = b"".join(reply(service, TEXT, streaming=call.__name__ in STREAMING))
    server.handler = lambda *_: answer
    return address(server)


def run(call: Call, model: Any) -> Any:
    return asyncio.run(call(model, nothing)) if asyncio.iscoroutinefunction(call) else call(model, nothing)


@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_certificate_of_an_unknown_authority_is_refused(
    service: Service, call: Call, secure_server: RawServer
) -> None:
    url = play(secure_server, service, call)
    with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        run(call, service.build(url, max_retries=0))


@pytest.mark.parametrize(("service", "call"), everyone())
def test_a_private_authority_is_trusted_by_its_file(
    service: Service, call: Call, secure_server: RawServer, authority: Authority
) -> None:
    text = run(call, service.build(play(secure_server, service, call), verify=authority.path))
    assert not service.is_chat() or text == TEXT


@pytest.mark.parametrize("call", FOUR)
def test_a_certificate_for_another_host_is_refused(call: Call, authority: Authority) -> None:
    with raw_server(tls=authority.server("ark.example.com")) as server:
        model = CHATS[0].build(play(server, CHATS[0], call), verify=authority.path, max_retries=0)
        with pytest.raises(APIConnectionError, match="Hostname mismatch"):
            run(call, model)
        assert server.requests == []


def test_a_certificate_that_has_expired_is_refused(authority: Authority) -> None:
    past = dt.datetime(2001, 1, 1)
    with raw_server(tls=authority.server(not_before=past, not_after=past + dt.timedelta(1))) as server:
        model = CHATS[0].build(address(server), verify=authority.path, max_retries=0)
        with pytest.raises(APIConnectionError, match="expired"):
            model.invoke("Hi")


@pytest.mark.parametrize("call", FOUR)
def test_a_client_certificate_is_shown_to_who_asks_for_it(call: Call, authority: Authority) -> None:
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    known = authority.client()
    authority.signing.issue_cert("client@example.com").configure_cert(known)
    with raw_server(tls=context) as server:
        url = play(server, CHATS[0], call)
        with pytest.raises(APIConnectionError):
            run(call, CHATS[0].build(url, verify=authority.path, max_retries=0))
        assert server.requests == []
        assert run(call, CHATS[0].build(url, verify=known)) == TEXT


@pytest.mark.parametrize("call", FOUR)
def test_without_verification_anybody_is_trusted_and_a_warning_says_so(
    call: Call, secure_server: RawServer
) -> None:
    url = play(secure_server, CHATS[0], call)
    with pytest.warns(UserWarning, match="anybody on the way can read it") as caught:
        model = CHATS[0].build(url, verify=False)
    assert caught[0].filename.endswith("services.py")  # where the class is called
    assert run(call, model) == TEXT


@pytest.mark.parametrize("service", EVERY_CLASS)
def test_the_warning_points_at_the_users_own_line(service: Service) -> None:
    with pytest.warns(UserWarning, match="verify=False") as caught:
        service.make(**service.credentials, base_url="https://example.com", verify=False)
    assert [one.filename for one in caught] == [__file__]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", None])
def test_the_environment_may_name_the_authority(
    variable: str | None, secure_server: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CHATS[0].build(play(secure_server, CHATS[0], CALLS["invoke"]), max_retries=0)
    if variable:
        monkeypatch.setenv(variable, authority.path)
        assert model.invoke("Hi").text == TEXT
    else:
        with pytest.raises(APIConnectionError):
            model.invoke("Hi")


@pytest.mark.parametrize("call", FOUR)
def test_a_token_is_asked_for_with_the_same_trust(call: Call, authority: Authority) -> None:
    v1 = next(service for service in CHATS if service.name == "v1")
    token = json.dumps({"access_token": "24.abc", "expires_in": 2592000}).encode()
    with raw_server(tls=authority.server()) as tokens, raw_server(tls=authority.server()) as server:
        tokens.handler = lambda *_: http_reply(token, headers="Content-Type: application/json\r\n")
        url = play(server, v1, call)
        arguments: dict[str, Any] = {
            "api_version": "v1",
            "endpoint": "eb1",
            "client_id": "id-of-a-test",
            "client_secret": "secret-of-a-test",
            "token_url": address(tokens) + "token",
            "base_url": url.rstrip("/") + v1.path,
        }
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            run(call, ChatQianfan(**arguments, max_retries=0))
        assert (len(tokens.requests), len(server.requests)) == (0, 0)
        assert run(call, ChatQianfan(**arguments, verify=authority.path)) == TEXT
        assert (len(tokens.requests), len(server.requests)) == (1, 1)


@pytest.mark.parametrize("call", FOUR)
def test_a_server_behind_a_proxy_is_checked_too(call: Call, authority: Authority) -> None:
    def tunnel(connection: Any) -> None:
        connection.requests.append(connection.receive())
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

    with raw_server(tls=authority.server(), before=tunnel) as server:
        play(server, CHATS[0], call)
        arguments = {"proxy": server.url.replace("https:", "http:"), "max_retries": 0}
        with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            run(call, CHATS[0].build("https://localhost:8443", **arguments))
        assert run(call, CHATS[0].build("https://localhost:8443", verify=authority.path, **arguments)) == TEXT


@pytest.mark.parametrize("call", FOUR)
def test_a_proxy_reached_by_tls_is_checked_too(call: Call, secure_server: RawServer, authority: Authority) -> None:
    proxy = play(secure_server, CHATS[0], call)
    with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        run(call, CHATS[0].build("http://ark.invalid", proxy=proxy, max_retries=0))
    assert run(call, CHATS[0].build("http://ark.invalid", proxy=proxy, verify=authority.path)) == TEXT


@pytest.mark.parametrize("call", FOUR)
def test_a_plain_httpx_client_trusts_the_same(
    call: Call, secure_server: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOLCARK_TRANSPORT", "httpx")
    url = play(secure_server, CHATS[0], call)
    with pytest.raises(APIConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        run(call, CHATS[0].build(url, max_retries=0))
    assert run(call, CHATS[0].build(url, verify=authority.path)) == TEXT


@pytest.mark.parametrize("plain", [False, True])
def test_certificates_that_cannot_be_read_are_an_error_of_ours(
    plain: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if plain:
        monkeypatch.setenv("VOLCARK_TRANSPORT", "httpx")
    file = tmp_path / "empty.pem"
    file.write_text("nothing")
    with pytest.raises(APIConnectionError, match="certificates cannot be loaded"):
        CHATS[0].build("https://localhost:9", verify=file, max_retries=0).invoke("Hi")


# --- the argument -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", EVERY_CLASS)
@pytest.mark.parametrize("value", [1, None, b"ca.pem", ["ca.pem"], "no/such/file.pem"])
def test_what_is_no_such_setting_is_refused_by_name(service: Service, value: Any) -> None:
    with pytest.raises(ValueError, match="verify"):
        service.build("https://example.com", verify=value)


def test_models_share_connections_only_if_they_trust_the_same(
    secure_server: RawServer, authority: Authority
) -> None:
    url = play(secure_server, CHATS[0], CALLS["invoke"])
    own = authority.client()
    before = len(secure_server.connections)
    for verify in (authority.path, authority.path, own, own, authority.client()):
        assert CHATS[0].build(url, verify=verify).invoke("Hi").text == TEXT
    assert len(secure_server.connections) - before == 3


@pytest.mark.parametrize("service", EVERY_CLASS)
def test_the_setting_is_in_no_dump_and_no_repr(service: Service, authority: Authority) -> None:
    for verify in (authority.path, authority.client()):
        model = service.build("https://example.com", verify=verify)
        assert "verify" not in repr(model)
        assert "verify" not in str(model.model_dump())
        assert "verify" not in dumps(model)
        assert authority.path not in repr(model) + dumps(model)


@pytest.mark.parametrize("service", EVERY_CLASS)
def test_copies_trust_the_same_and_a_context_is_never_lost_in_a_pickle(
    service: Service, authority: Authority
) -> None:
    context = authority.client()
    model = service.build("https://example.com", verify=context)
    assert all(
        each.verify is context for each in (copy.copy(model), copy.deepcopy(model), model.model_copy(deep=True))
    )
    with pytest.raises(TypeError, match="pass the path of the certificates"):
        pickle.dumps(model)
    model = service.build("https://example.com", verify=authority.path)
    assert pickle.loads(pickle.dumps(model)).verify == authority.path


def test_verification_may_be_changed_later(secure_server: RawServer, authority: Authority) -> None:
    model = CHATS[0].build(play(secure_server, CHATS[0], CALLS["invoke"]), max_retries=0)
    with pytest.raises(APIConnectionError):
        model.invoke("Hi")
    model.verify = authority.path
    assert model.invoke("Hi").text == TEXT
    with pytest.raises(ValueError, match="verify"):
        model.verify = "no/such/file.pem"


def test_nothing_warns_where_certificates_are_checked() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ChatArk(model="m", api_key="k", verify=True)
