"""`volcark doctor` in front of the emulator, in set-ups that are broken in one way each: it names the fault."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from langchain_volcark.cli.main import main
from langchain_volcark.cli.terminal import SECRET_VARIABLES
from langchain_volcark.emulator import Emulator
from tests.unit.raw_server import CERTIFICATE, Connection, raw_server, reply

MODEL = "doubao-seed-2-1-pro-260915"
CHAT = "/chat/completions"

# For localhost and 127.0.0.1, issued by an authority that nobody trusts; made for these tests, secret to nobody.
INTERCEPTED = """\
-----BEGIN CERTIFICATE-----
MIIBsTCCAVigAwIBAgIUDzw1cjfUg5WRkO+8s2od7I9tdJwwCgYIKoZIzj0EAwIw
PDEVMBMGA1UECgwMRXhhbXBsZSBDb3JwMSMwIQYDVQQDDBpFeGFtcGxlIENvcnAg
SW5zcGVjdGlvbiBDQTAgFw0yNjExMjExMjI2MzVaGA8yMTI2MTAyODEyMjYzNVow
FDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
izLBYfEr5XGJ/cUaPmSEDDP7QdClz6pslZhsmqgMtZd8KHxo+UfAx+4e6hl/lWp6
dQuLwakPwYX+vp6hyNyVEaNeMFwwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAAB
MB0GA1UdDgQWBBSjTtnsvDZgWh2gb5yLr0RtaCRk+zAfBgNVHSMEGDAWgBSwOdHx
zxCwHUeqAtirg0+te2btqjAKBggqhkjOPQQDAgNHADBEAiA+hbxbL7ZScesYEZHR
KX7kLPSSS+dfWZ35l5/GU5eozQIgds0PbwlJrpzL+fv4Zm5bdFEy5p81+97jAIuM
p9cjvUc=
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGdmq02V87r+A5Ytm
tYAltwmP63FEKbumwEqyg2sSRaihRANCAASLMsFh8SvlcYn9xRo+ZIQMM/tB0KXP
qmyVmGyaqAy1l3wofGj5R8DH7h7qGX+Vanp1C4vBqQ/Bhf6+nqHI3JUR
-----END PRIVATE KEY-----
"""


@dataclass
class Run:
    """What a run of the doctor printed."""

    status: int
    document: dict[str, Any]
    lines: list[str]

    @property
    def faults(self) -> dict[str, str]:
        """Check to fault, of everything that is wrong or doubtful."""
        checks = [check for service in self.document["services"] for check in service["checks"]]
        return {check["check"]: check["fault"] for check in checks if check["fault"]}

    def line(self, check: str) -> str:
        return next(line for line in self.lines if f" {check} " in line and not line.strip().startswith("ok"))


Doctor = Callable[..., Run]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command twice, for lines and for JSON, with these variables set."""

    def run(*arguments: str, prepare: Callable[[], None] = lambda: None, **variables: str) -> Run:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        prepare()
        status = main(["doctor", *arguments])
        text = capsys.readouterr()
        prepare()
        again = main(["doctor", "--json", *arguments])
        document = capsys.readouterr()
        assert status == again
        assert text.err == document.err == ""
        for secret in secrets_in(variables):
            assert secret not in text.out + document.out, "a secret was printed"
        return Run(status, json.loads(document.out), text.out.splitlines())

    return run


def secrets_in(variables: dict[str, str]) -> Iterator[str]:
    for name in SECRET_VARIABLES:
        value = variables.get(name, "").strip().strip("\"'")
        yield from (piece for piece in value.removeprefix("Bearer ").split() if len(piece) > 3)


def for_ark(server: Emulator, **changes: str) -> dict[str, str]:
    return {"ARK_API_KEY": server.api_key, "ARK_BASE_URL": server.ark_base_url, **changes}


def for_knowledge(server: Emulator, **changes: str) -> dict[str, str]:
    return {"VOLC_ACCESSKEY": server.access_key, "VOLC_SECRETKEY": server.secret_key, **changes}


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class Broken:
    """A set-up with one fault.

    Attributes:
        fault: Its name, and the check that finds it.
        variables: The environment.
        says: What the line for people must hold.
        arguments: Of the command.
        prepare: What is done to the emulator before.
    """

    fault: tuple[str, str]
    variables: Callable[[Emulator], dict[str, str]]
    says: str
    arguments: tuple[str, ...] = ()
    prepare: Callable[[Emulator], None] = field(default=lambda server: None)


def failing(status: int, code: str) -> Callable[[Emulator], None]:
    return lambda server: server.fail_next(status, code, path=CHAT)


ARK = {
    "no key": Broken(
        ("environment", "key_missing"), lambda server: {"ARK_BASE_URL": server.ark_base_url}, "export"
    ),
    "variable misspelt": Broken(
        ("environment", "variable_misspelt"), lambda _: {"VOLCENGINE_API_KEY": "0123456789abcdef"}, "ARK_API_KEY"
    ),
    "half a pair": Broken(
        ("environment", "pair_incomplete"), lambda server: {"VOLC_ACCESSKEY": server.access_key}, "VOLC_SECRETKEY"
    ),
    "line break in the key": Broken(
        ("key", "value_newline"), lambda server: for_ark(server, ARK_API_KEY="0123456789\nabcdef"), "line break"
    ),
    "quotes around the key": Broken(
        ("key", "value_quotes"),
        lambda server: for_ark(server, ARK_API_KEY=f'"{server.api_key}"'),
        "quotation marks",
    ),
    "Bearer in the key": Broken(
        ("key", "key_bearer_prefix"),
        lambda server: for_ark(server, ARK_API_KEY=f"Bearer {server.api_key}"),
        "Bearer",
    ),
    "placeholder": Broken(
        ("key", "value_placeholder"), lambda server: for_ark(server, ARK_API_KEY="your-api-key"), "placeholder"
    ),
    "variable not expanded": Broken(
        ("key", "value_not_expanded"), lambda server: for_ark(server, ARK_API_KEY="${ARK_KEY}"), "another variable"
    ),
    "character outside ASCII": Broken(
        ("key", "value_not_ascii"),
        lambda server: for_ark(server, ARK_API_KEY="0123456789abcdeｆ"),
        "outside ASCII",
    ),
    "key of another vendor": Broken(
        ("key", "key_of_another_service"),
        lambda server: for_ark(server, ARK_API_KEY=server.qianfan_api_key),
        "QIANFAN_BEARER_TOKEN",
    ),
    "access key as API key": Broken(
        ("key", "access_key_as_api_key"),
        lambda server: for_ark(server, ARK_API_KEY=server.access_key),
        "VOLC_ACCESSKEY",
    ),
    "endpoint id as API key": Broken(
        ("key", "id_as_key"), lambda server: for_ark(server, ARK_API_KEY="ep-20250101000000-abcde"), "--model"
    ),
    "wrong key": Broken(
        ("models", "wrong_key"), lambda server: for_ark(server, ARK_API_KEY="0123456789abcdef"), "was refused"
    ),
    "address without its path": Broken(
        ("models", "base_url_path"), lambda server: for_ark(server, ARK_BASE_URL=server.origin), "/api/v3"
    ),
    "official address without its path": Broken(
        ("base_url", "base_url_path"),
        lambda server: for_ark(server, ARK_BASE_URL="https://ark.cn-beijing.volces.com"),
        "/api/v3",
    ),
    "address of the console": Broken(
        ("base_url", "base_url_console"),
        lambda server: for_ark(server, ARK_BASE_URL="https://console.volcengine.com/ark"),
        "for people",
    ),
    "address without a scheme": Broken(
        ("base_url", "base_url_scheme"),
        lambda server: for_ark(server, ARK_BASE_URL="ark.cn-beijing.volces.com/api/v3"),
        "https://",
    ),
    "address with a password": Broken(
        ("base_url", "base_url_userinfo"),
        lambda server: for_ark(server, ARK_BASE_URL=server.ark_base_url.replace("//", "//user:canary@")),
        "password",
    ),
    "unencrypted address": Broken(
        ("base_url", "base_url_http"),
        lambda server: for_ark(server, ARK_BASE_URL="http://ark.cn-beijing.volces.com/api/v3"),
        "https://",
    ),
    "wrong region": Broken(
        ("base_url", "base_url_region"),
        lambda server: for_ark(server, ARK_BASE_URL="https://ark.cn-shanghai.volces.com/api/v3"),
        "cn-shanghai",
    ),
    "address of another service": Broken(
        ("base_url", "base_url_other_service"),
        lambda server: for_ark(server, ARK_BASE_URL="https://qianfan.baidubce.com/v2"),
        "qianfan",
    ),
    "nothing listens": Broken(
        ("tcp", "unreachable"),
        lambda server: for_ark(server, ARK_BASE_URL=f"http://127.0.0.1:{closed_port()}/api/v3"),
        "Nothing listens there",
    ),
    "no such name": Broken(
        ("dns", "dns"),
        lambda server: for_ark(server, ARK_BASE_URL="https://no-such-host.invalid/api/v3"),
        "cannot be resolved",
    ),
    "proxy that is not there": Broken(
        ("proxy", "proxy_unreachable"),
        lambda server: for_ark(server, HTTP_PROXY=f"http://user:canary@127.0.0.1:{closed_port()}"),
        "NO_PROXY",
    ),
    "proxy of an unknown kind": Broken(
        ("proxy", "proxy_form"), lambda server: for_ark(server, HTTP_PROXY="ftp://127.0.0.1:3128"), "scheme"
    ),
    "model not activated": Broken(
        ("chat", "model_not_activated"),
        lambda server: for_ark(server, ARK_MODEL="doubao-seed-not-open-260101"),
        "Activate it in the console",
    ),
    "id without its date": Broken(
        ("chat", "model_id_without_date"),
        lambda server: for_ark(server, ARK_MODEL="doubao-seed-2-1-pro"),
        "Did you mean doubao-seed-2-1-pro-260915",
    ),
    "name of the console": Broken(
        ("chat", "model_id_without_date"),
        for_ark,
        "Did you mean doubao-seed-1-8-251228",
        ("--model", "Doubao-Seed-1.8"),
    ),
    "unknown id": Broken(
        ("chat", "unknown_model"), for_ark, "doubao-seed-2-1-pro-260915", ("--model", "doubao-seed-2-1-pro-269915")
    ),
    "endpoint of another account": Broken(
        ("chat", "endpoint_not_found"),
        for_ark,
        "another account",
        ("--model", "ep-20250101000000-abcde"),
        failing(404, "InvalidEndpointOrModel.NotFound"),
    ),
    "endpoint stopped": Broken(
        ("chat", "endpoint_closed"), for_ark, "Start it", ("--model", "ep-closed-20250101000000")
    ),
    "quota used up": Broken(("chat", "quota"), for_ark, "quota", (), failing(429, "QuotaExceeded")),
    "spending limit": Broken(
        ("chat", "spending_limit"), for_ark, "safe-experience", (), failing(429, "SetLimitExceeded")
    ),
    "account in arrears": Broken(
        ("chat", "overdue"), for_ark, "Settle it", (), failing(403, "AccountOverdueError")
    ),
    "not allowed": Broken(("chat", "not_allowed"), for_ark, "limited", (), failing(403, "AccessDenied")),
    "service out of order": Broken(
        ("chat", "service_failed"), for_ark, "Try again", (), failing(500, "InternalServiceError")
    ),
    "no answer in time": Broken(
        ("chat", "timeout"),
        for_ark,
        "--timeout",
        ("--timeout", "0.5", "--model", MODEL),
        lambda server: server.delay_next(60, path=CHAT),
    ),
    "cut answer": Broken(
        ("chat", "connection"),
        for_ark,
        "network",
        ("--model", MODEL),
        lambda server: server.drop_next(times=2, path=CHAT),
    ),
    "model id with a pair and no project": Broken(
        ("chat", "project_missing"),
        lambda server: {**for_knowledge(server), "ARK_BASE_URL": server.ark_base_url},
        "--project default",
        ("--service", "ark", "--model", MODEL, "--exchange-url", "EMULATOR"),
    ),
}


@pytest.mark.parametrize("name", ARK)
def test_names_the_fault_of_a_broken_set_up(name: str, doctor: Doctor, emulator: Emulator) -> None:
    broken = ARK[name]
    arguments = [emulator.control_base_url if one == "EMULATOR" else one for one in broken.arguments]
    run = doctor(*arguments, prepare=lambda: broken.prepare(emulator), **broken.variables(emulator))
    check, fault = broken.fault
    assert run.faults.get(check) == fault, run.lines
    assert broken.says in run.line(check)
    assert run.line(check).startswith("  FAIL")
    assert run.status == 1
    assert not run.document["ok"]


def test_a_sound_set_up_is_sound(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(**for_ark(emulator))
    assert (run.status, run.faults) == (0, {})
    (service,) = run.document["services"]
    assert {check["check"]: check["status"] for check in service["checks"]} == {
        "environment": "ok",
        "key": "ok",
        "base_url": "ok",
        "proxy": "ok",
        "dns": "ok",
        "tcp": "ok",
        "tls": "skip",
        "http": "ok",
        "clock": "ok",
        "models": "ok",
        "chat": "ok",
    }
    assert run.document["format"] == 1
    assert service["credential"] == "key"
    usable = next(check["details"]["usable"] for check in service["checks"] if check["check"] == "models")
    assert usable[0] == MODEL
    assert not any(retiring in usable for retiring in ("glm-4-7-251222", "doubao-1-5-thinking-pro-250415"))
    asked = [request for request in emulator.requests if request.path.endswith(CHAT)]
    assert all(request.json["model"] == MODEL and request.json["max_tokens"] <= 16 for request in asked)
    # Asked without a key: nothing but the address is known to whoever answers there.
    bare = [request for request in emulator.requests if request.path == "/api/v3"]
    assert bare
    assert not any("authorization" in request.headers for request in bare)


def test_where_nobody_chose_a_model_the_next_is_called_for_one_that_is_not_activated(
    doctor: Doctor, emulator: Emulator
) -> None:
    run = doctor(prepare=lambda: emulator.fail_next(404, "ModelNotOpen", path=CHAT), **for_ark(emulator))
    assert (run.status, run.faults) == (0, {})
    called = [request.json["model"] for request in emulator.requests if request.path.endswith(CHAT)]
    assert len(set(called)) == 2


def test_where_no_listed_model_is_activated_says_which_were_tried(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(prepare=lambda: emulator.fail_next(404, "ModelNotOpen", times=3, path=CHAT), **for_ark(emulator))
    assert run.faults == {"chat": "model_not_activated"}
    assert "none of doubao-seed-2-1-pro-260915, doubao-seed-2-1-lite-260915" in run.line("chat")


def test_web_search_is_tried_where_asked_for(doctor: Doctor, emulator: Emulator) -> None:
    assert "search" not in [
        check["check"] for check in doctor(**for_ark(emulator)).document["services"][0]["checks"]
    ]
    run = doctor("--search", **for_ark(emulator))
    assert (run.status, run.faults) == (0, {})
    assert any(" search " in line and "may search the web" in line for line in run.lines)
    assert emulator.requests[-1].json["store"] is False


def test_names_a_hosted_tool_that_is_not_activated(doctor: Doctor, emulator: Emulator) -> None:
    emulator.close_tools("web_search")
    run = doctor("--search", **for_ark(emulator))
    assert (run.status, run.faults) == (1, {"search": "tool_not_activated"})
    assert "Activate it in the console" in run.line("search")


@pytest.mark.parametrize("model", ["bot-20250101-demo", "no-such-model"])
def test_web_search_is_not_tried_where_it_cannot_be(doctor: Doctor, emulator: Emulator, model: str) -> None:
    run = doctor("--search", "--model", model, **for_ark(emulator))
    assert "search" not in run.faults
    assert " skip  search" in run.line("search")


def test_a_rate_limit_is_no_fault_of_the_set_up(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(prepare=lambda: emulator.fail_next(path=CHAT), **for_ark(emulator))
    assert (run.status, run.faults) == (0, {"chat": "rate_limited"})


def test_a_key_with_white_space_around_it_works_and_is_remarked_upon(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(**for_ark(emulator, ARK_API_KEY=f"{emulator.api_key}\n"))
    assert (run.status, run.faults) == (0, {"key": "value_whitespace"})


def test_a_pasted_endpoint_path_works_and_is_remarked_upon(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(**for_ark(emulator, ARK_BASE_URL=f"{emulator.ark_base_url}{CHAT}"))
    assert (run.status, run.faults) == (0, {"base_url": "base_url_endpoint_pasted"})


def test_a_key_of_another_vendor_is_sent_to_nobody(doctor: Doctor, emulator: Emulator) -> None:
    doctor(**for_ark(emulator, ARK_API_KEY=emulator.qianfan_api_key))
    assert not any("authorization" in request.headers for request in emulator.requests)


# --- certificates -----------------------------------------------------------------------------------------


def test_names_a_certificate_that_nobody_vouches_for(doctor: Doctor) -> None:
    with raw_server(tls=True) as server:
        run = doctor(ARK_API_KEY="0123456789abcdef", ARK_BASE_URL=f"{server.url}api/v3")
    assert run.faults == {"tls": "tls_certificate"}
    assert "self-signed certificate" in run.line("tls")
    assert run.status == 1


def test_names_who_reads_the_encrypted_traffic(doctor: Doctor, tmp_path: Any) -> None:
    (tmp_path / "server.pem").write_text(INTERCEPTED)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")

    def secure(connection: Connection) -> None:
        connection.socket = context.wrap_socket(connection.socket, server_side=True)

    with raw_server(before=secure) as server:
        run = doctor(ARK_API_KEY="0123456789abcdef", ARK_BASE_URL=f"https://127.0.0.1:{server.port}/api/v3")
    assert run.faults == {"tls": "tls_certificate"}
    assert "issued by Example Corp Inspection CA (Example Corp)" in run.line("tls")
    assert "SSL_CERT_FILE" in run.line("tls")


def test_names_the_issuer_of_a_certificate_that_is_trusted(doctor: Doctor, tmp_path: Any) -> None:
    (tmp_path / "root.pem").write_text(CERTIFICATE)
    with raw_server(tls=True) as server:
        server.handler = lambda connection, request: reply(b"{}", status="404 Not Found")
        address = f"{server.url}api/v3".replace("127.0.0.1", "localhost")
        run = doctor(
            ARK_API_KEY="0123456789abcdef", ARK_BASE_URL=address, SSL_CERT_FILE=str(tmp_path / "root.pem")
        )
    assert run.faults == {"models": "base_url_path"}
    (tls,) = (check for check in run.document["services"][0]["checks"] if check["check"] == "tls")
    assert (tls["status"], tls["details"]["issuer"]) == ("ok", "localhost")


def test_names_trusted_certificates_that_cannot_be_read(doctor: Doctor, tmp_path: Any) -> None:
    (tmp_path / "root.pem").write_text("not PEM")
    with raw_server(tls=True) as server:
        address = f"{server.url}api/v3"
        run = doctor(
            ARK_API_KEY="0123456789abcdef", ARK_BASE_URL=address, SSL_CERT_FILE=str(tmp_path / "root.pem")
        )
    assert run.faults == {"tls": "tls_trust_store"}
    assert "SSL_CERT_FILE" in run.line("tls")


def test_names_a_port_that_speaks_no_tls(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(**for_ark(emulator, ARK_BASE_URL=emulator.ark_base_url.replace("http://", "https://")))
    assert run.faults == {"tls": "tls_broken"}


# --- proxies and portals ----------------------------------------------------------------------------------


def wants_password(_connection: Connection, _request: bytes) -> bytes:
    return reply(
        b"", status="407 Proxy Authentication Required", headers='Proxy-Authenticate: Basic realm="p"\r\n'
    )


def test_names_a_proxy_that_wants_a_password_for_an_encrypted_address(doctor: Doctor) -> None:
    with raw_server() as proxy:
        proxy.handler = wants_password
        run = doctor(
            ARK_API_KEY="0123456789abcdef",
            ARK_BASE_URL="https://ark.cn-beijing.volces.com/api/v3",
            HTTPS_PROXY=f"http://user:canary@127.0.0.1:{proxy.port}",
        )
    assert run.faults == {"proxy": "proxy_auth"}
    assert "407" in run.line("proxy")
    assert "canary" not in "".join(run.lines) + str(run.document)
    # Asked for a way, with the credentials that the proxy is meant to get; no key came near it.
    assert all(b"CONNECT ark.cn-beijing.volces.com:443" in request for request in proxy.requests)
    assert all(b"Proxy-Authorization: Basic dXNlcjpjYW5hcnk=" in request for request in proxy.requests)


def test_names_a_proxy_that_refuses_the_way(doctor: Doctor) -> None:
    with raw_server() as proxy:
        proxy.handler = lambda connection, request: reply(b"<html>", status="403 Forbidden")
        run = doctor(
            ARK_API_KEY="0123456789abcdef",
            ARK_BASE_URL="https://ark.cn-beijing.volces.com/api/v3",
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
        )
    assert run.faults == {"proxy": "proxy_refused"}


def test_looks_at_the_certificate_behind_a_proxy(doctor: Doctor) -> None:
    def tunnel(connection: Connection, request: bytes) -> bytes:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.secure()
        return b""

    with raw_server() as proxy:
        proxy.handler = tunnel
        run = doctor(
            ARK_API_KEY="0123456789abcdef",
            ARK_BASE_URL="https://ark.cn-beijing.volces.com/api/v3",
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
        )
    assert run.faults == {"tls": "tls_certificate"}
    assert "ark.cn-beijing.volces.com is not trusted" in run.line("tls")


def test_names_a_proxy_that_wants_a_password_for_a_plain_address(emulator: Emulator) -> None:
    """In a process of its own: connections, and the proxies they go through, belong to the process."""
    with raw_server() as proxy:
        proxy.handler = wants_password
        proxies = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "http_proxy": f"http://127.0.0.1:{proxy.port}"}
        ended = subprocess.run(
            [sys.executable, "-m", "langchain_volcark", "doctor", "--json"],
            env={**os.environ, **proxies, **for_ark(emulator)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    document = json.loads(ended.stdout)
    checks = {check["check"]: check["fault"] for check in document["services"][0]["checks"] if check["fault"]}
    assert (ended.returncode, checks, ended.stderr) == (1, {"proxy": "proxy_auth"}, "")


@pytest.mark.parametrize(
    ("variables", "fault", "says"),
    [
        ({"HTTP_PROXY": "http://user:p#canary@127.0.0.1:9"}, "proxy_form", "percent-encoded"),
        ({"ALL_PROXY": "socks://user:canary@127.0.0.1:9"}, "proxy_needs_socksio", "httpx[socks]"),
        ({"HTTP_PROXY": "http://user:p#canary@127.0.0.1:9", "NO_PROXY": "[::1],127.0.0.0/8"}, None, ""),
        ({"HTTPS_PROXY": "http://user:p#canary@127.0.0.1:9"}, None, ""),
    ],
)
def test_names_a_broken_proxy_variable_where_it_concerns_the_address(
    doctor: Doctor, emulator: Emulator, variables: dict[str, str], fault: str | None, says: str
) -> None:
    run = doctor(**for_ark(emulator, **variables))
    assert run.faults == ({"proxy": fault} if fault else {})
    if fault:
        assert next(iter(variables)) in run.line("proxy")
        assert says in run.line("proxy")
    assert "canary" not in "".join(run.lines) + str(run.document)


def test_names_a_portal_that_answers_in_place_of_the_api(doctor: Doctor) -> None:
    with raw_server() as portal:
        portal.handler = lambda connection, request: reply(b"<html>Welcome", headers="Content-Type: text/html\r\n")
        run = doctor(ARK_API_KEY="0123456789abcdef", ARK_BASE_URL=f"{portal.url}api/v3")
        assert not any(b"0123456789abcdef" in request for request in portal.requests)
    assert run.faults == {"http": "not_the_api"}


def test_names_a_server_that_sends_on(doctor: Doctor) -> None:
    with raw_server() as other:
        moved = reply(b"", status="301 Moved Permanently", headers="Location: https://example.com/api/v3\r\n")
        other.handler = lambda connection, request: moved
        run = doctor(ARK_API_KEY="0123456789abcdef", ARK_BASE_URL=f"{other.url}api/v3")
    assert run.faults == {"http": "redirected"}
    assert "https://example.com/api/v3" in run.line("http")


# --- signatures and the clock -----------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "side"), [(3600, "behind"), (-3600, "ahead of")])
def test_names_a_clock_that_is_wrong(doctor: Doctor, emulator: Emulator, shift: float, side: str) -> None:
    arguments = ("--service", "knowledge", "--base-url", emulator.knowledge_base_url)
    run = doctor(*arguments, prepare=lambda: emulator.shift_clock(shift), **for_knowledge(emulator))
    assert run.faults == {"clock": "clock", "chat": "clock"}
    assert f"60 minutes {side} the server's" in run.line("clock")
    assert run.status == 1


def test_a_wrong_clock_is_a_warning_where_nothing_is_signed(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(prepare=lambda: emulator.shift_clock(3600), **for_ark(emulator))
    assert (run.status, run.faults) == (0, {"clock": "clock"})


@pytest.mark.parametrize(
    ("changes", "arguments", "fault"),
    [
        ({}, (), None),
        ({"VOLC_ACCESSKEY": "AKLT0123456789"}, (), "wrong_access_key"),
        ({"VOLC_SECRETKEY": "0123456789abcdef"}, (), "wrong_secret_key"),
        ({}, ("--region", "us-east-1"), "wrong_region"),
        ({}, ("--model", "Doubao-9-pro"), "refused"),
        ({}, ("--model", "kb-service-none"), "unknown_model"),
        ({}, ("--model", "kb-service-demo"), None),
    ],
)
def test_knowledge_base(
    doctor: Doctor, emulator: Emulator, changes: dict[str, str], arguments: tuple[str, ...], fault: str | None
) -> None:
    address = ("--service", "knowledge", "--base-url", emulator.knowledge_base_url)
    run = doctor(*address, *arguments, **for_knowledge(emulator, **changes))
    assert run.faults == ({"chat": fault} if fault else {})


def test_a_packaged_services_key_needs_the_service(doctor: Doctor, emulator: Emulator) -> None:
    arguments = ("--service", "knowledge", "--base-url", emulator.knowledge_base_url)
    run = doctor(*arguments, VOLC_KNOWLEDGE_API_KEY=emulator.service_api_key)
    assert (run.status, run.faults) == (0, {})
    assert "--model" in run.line("chat")
    run = doctor(*arguments, "--model", "kb-service-demo", VOLC_KNOWLEDGE_API_KEY=emulator.service_api_key)
    assert (run.status, run.faults) == (0, {})
    run = doctor(*arguments, "--model", "kb-service-demo", VOLC_KNOWLEDGE_API_KEY="0123456789abcdef")
    assert run.faults == {"chat": "wrong_key"}


def test_ark_with_a_pair(doctor: Doctor, emulator: Emulator) -> None:
    arguments = (
        "--service",
        "ark",
        "--exchange-url",
        emulator.control_base_url,
        "--model",
        "ep-20250101000000-abcde",
    )
    run = doctor(*arguments, ARK_BASE_URL=emulator.ark_base_url, **for_knowledge(emulator))
    assert (run.status, run.faults) == (0, {})
    run = doctor(*arguments, **for_knowledge(emulator, VOLC_SECRETKEY="0123456789abcdef"))
    assert run.faults == {"chat": "wrong_secret_key"}
    nonsense = ("--service", "ark", "--exchange-url", "open.volcengineapi.com", "--model", "ep-1")
    run = doctor(*nonsense, **for_knowledge(emulator))
    assert run.faults == {"exchange": "arguments"}
    gone = ("--service", "ark", "--exchange-url", f"http://127.0.0.1:{closed_port()}", "--model", "ep-1")
    run = doctor(*gone, **for_knowledge(emulator))
    assert run.faults == {"exchange": "unreachable"}


def test_a_pair_whose_halves_stand_in_each_others_place(doctor: Doctor, emulator: Emulator) -> None:
    swapped = {"VOLC_ACCESSKEY": emulator.secret_key, "VOLC_SECRETKEY": emulator.access_key}
    run = doctor("--service", "knowledge", "--base-url", emulator.knowledge_base_url, **swapped)
    assert run.faults == {"key": "pair_swapped"}


# --- Qianfan ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "model", "fault"),
    [
        (None, 0, "ernie-5.1", None),
        (None, 0, "ernie-9.9", "unknown_model"),
        (None, 0, "ernie-bot", "model_retired"),
        ("account_overdue", 403, "ernie-5.1", "overdue"),
        ("invalid_appid", 401, "ernie-5.1", "wrong_app_id"),
    ],
)
def test_qianfan(
    doctor: Doctor, emulator: Emulator, code: str | None, status: int, model: str, fault: str | None
) -> None:
    def prepare() -> None:
        if code:
            emulator.fail_next(status, code, path=CHAT)

    arguments = ("--service", "qianfan", "--base-url", emulator.qianfan_base_url, "--model", model)
    run = doctor(*arguments, prepare=prepare, QIANFAN_BEARER_TOKEN=emulator.qianfan_api_key)
    assert run.faults == ({"chat": fault} if fault else {})


@pytest.mark.parametrize(
    ("variables", "faults"),
    [
        ({"QIANFAN_AK": "0123456789", "QIANFAN_SK": "abcdefghij"}, {"environment": "v1_credentials"}),
        ({"QIANFAN_API_KEY": "AKLT0123456789"}, {"key": "key_of_another_service"}),
        ({"QIANFAN_API_KEY": "bce-v3/ALTAK-0123/4567"}, {"chat": "wrong_key"}),
        (
            {"QIANFAN_API_KEY": "bce-v3/ALTAK-0123/4567", "QIANFAN_BEARER_TOKEN": "bce-v3/ALTAK-0123/89ab"},
            {"environment": "keys_contradict", "chat": "wrong_key"},
        ),
    ],
)
def test_qianfans_credentials(
    doctor: Doctor, emulator: Emulator, variables: dict[str, str], faults: dict[str, str]
) -> None:
    run = doctor("--service", "qianfan", "--base-url", emulator.qianfan_base_url, **variables)
    assert run.faults == faults
    assert run.status == 1


# --- the command ------------------------------------------------------------------------------------------


def test_looks_at_the_services_whose_variables_are_set(doctor: Doctor, emulator: Emulator) -> None:
    run = doctor(**for_ark(emulator), QIANFAN_BEARER_TOKEN="24.not-a-key")
    assert [service["service"] for service in run.document["services"]] == ["ark", "qianfan"]
    assert run.status == 1
    assert [service["ok"] for service in run.document["services"]] == [True, False]


def test_all_services_can_be_asked_for(doctor: Doctor) -> None:
    # Quoted, so that nothing leaves this machine.
    values = {"ARK_BASE_URL": "'", "HTTPS_PROXY": f"http://127.0.0.1:{closed_port()}"}
    run = doctor("--service", "all", **values)
    assert [service["service"] for service in run.document["services"]] == ["ark", "qianfan", "knowledge"]


@pytest.mark.parametrize("argument", ["--model", "--base-url", "--exchange-url"])
def test_what_belongs_to_one_service_needs_one(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--service", "all", argument, "http://127.0.0.1:9"]) == 2
    assert "one --service" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf", "nan"])
def test_a_timeout_is_a_positive_number(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--timeout", text])
    assert ended.value.code == 2
    assert "positive number of seconds" in capsys.readouterr().err


def test_the_module_runs_as_a_command(emulator: Emulator) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "langchain_volcark", "doctor"],
        env={**os.environ, **for_ark(emulator)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "doubao-seed-2-1-pro-260915 answers" in ended.stdout
    assert "\x1b" not in ended.stdout
