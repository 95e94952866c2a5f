"""The way to the service: proxy, name, connection, certificate, and what answers a request without a key."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from langchain_volcark.cli.doctor.faults import diagnose
from langchain_volcark.cli.doctor.findings import Finding, fault, ok, skip
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.errors import connection_error
from langchain_volcark.http.proxies import EnvironmentProxy, proxy_for, proxy_variables
from langchain_volcark.http.redaction import shown
from langchain_volcark.http.tls import ssl_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.cli.services import Setup

_ResultT = TypeVar("_ResultT")
_ErrorT = TypeVar("_ErrorT", bound=BaseException)

STEP_SECONDS = 10.0
"""How long each of these steps may take."""
GRACE = 5.0
"""How much longer a request may take than its own timeout."""

# OpenSSL's: not yet valid, expired; another host, mail address, IP address.
_DATE_CODES, _NAME_CODES = (9, 10), (62, 63, 64)
_PROXY_AUTHENTICATION, _BAD_GATEWAY = 407, 502


class TooSlowError(Exception):
    """A step did not end in time."""


def bounded(step: Callable[[], _ResultT], seconds: float) -> _ResultT:
    """Run a step in a thread of its own, and abandon it when time is up.

    Raises:
        TooSlowError: It did not end in time.
        BaseException: Whatever the step raised.
    """
    future: Future[_ResultT] = Future()

    def work() -> None:
        try:
            future.set_result(step())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    if not wait([future], seconds).done:
        raise TooSlowError(f"no answer within {seconds:g} s")
    return future.result()


def get(url: httpx.URL, auth: httpx.Auth, trace: Any = lambda *_: None) -> httpx.Response:
    """Send a GET through the proxy and with the trusted certificates of the package's own calls.

    Raises:
        TooSlowError: There was no answer in time.
        VolcArkError: There was no answer.
    """

    def send() -> httpx.Response:
        proxy = proxy_for(url, proxy_variables())
        verify = url.scheme == "https" and ssl_context(True)
        with httpx.Client(
            verify=verify, proxy=proxy.url if proxy else None, trust_env=False, timeout=STEP_SECONDS
        ) as client:
            return client.get(url, auth=auth, extensions={"trace": trace})

    try:
        return bounded(send, STEP_SECONDS + GRACE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise connection_error(error, url) from error


class _Trace:
    """Notes how far a request comes: https://www.python-httpx.org/advanced/extensions/#trace."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self.tls: ssl.SSLSocket | None = None

    def __call__(self, event: str, info: dict[str, Any]) -> None:
        step = event.partition(".")[2]
        self.times[step] = time.monotonic()
        if step == "start_tls.complete":
            self.tls = info["return_value"].get_extra_info("ssl_object")

    @property
    def connected(self) -> bool:
        """Whether there was a TCP connection."""
        return "connect_tcp.complete" in self.times

    def findings(self, url: httpx.URL) -> list[Finding]:
        """The steps that succeeded."""
        if not self.connected:
            return []
        seconds = round(self.times["connect_tcp.complete"] - self.times["connect_tcp.started"], 3)
        findings = [ok("tcp", f"{_server(url)} is reached in {seconds * 1000:.0f} ms", seconds=seconds)]
        if url.scheme == "http":
            findings.append(skip("tls", "the address is http://: nothing is encrypted"))
        elif self.tls is not None:
            issuer = _issuer(self.tls)
            said = f"{self.tls.version()}, certificate by {issuer or 'an unnamed issuer'}"
            findings.append(ok("tls", said, issuer=issuer))
        return findings


def check_way(setup: Setup, address: str) -> tuple[list[Finding], httpx.Response | None]:
    """Send a request without a key, and say of each step on its way whether it succeeded.

    Returns:
        A finding for each step up to the first that failed, and the response, if there was one.
    """
    url = httpx.URL(address)
    try:
        proxy = proxy_for(url, proxy_variables())
    except ValueError as error:
        return [fault(setup, "proxy_needs_socksio" if "socksio" in str(error) else "proxy_form", said=error)], None
    if proxy is None:
        return _direct(setup, url)
    way, said = ok("proxy", f"through {shown(httpx.URL(proxy.url))} ({proxy.variable})"), "left to the proxy"
    findings = {"proxy": way, **{check: skip(check, said) for check in ("dns", "tcp", "tls")}}
    response = None
    try:
        response = get(url, httpx.Auth())
        last = _answer(setup, response, proxy)
    except (TooSlowError, VolcArkError) as error:
        last = _proxied_failure(setup, url, proxy, error)
    return [*(findings | {last.check: last}).values()], response


def _direct(setup: Setup, url: httpx.URL) -> tuple[list[Finding], httpx.Response | None]:
    findings = [ok("proxy", "none for this address")]
    try:
        found = bounded(lambda: socket.getaddrinfo(url.host, _port(url), type=socket.SOCK_STREAM), STEP_SECONDS)
    except (OSError, UnicodeError, TooSlowError) as error:
        return [*findings, fault(setup, "dns", url=url, reason=_reason(error))], None
    address = found[0][4][0]
    findings.append(ok("dns", f"{url.host} is {'an address, not a name' if address == url.host else address}"))
    trace, response = _Trace(), None
    try:
        response = get(url, httpx.Auth(), trace)
        last = _answer(setup, response, None)
    except (TooSlowError, VolcArkError) as error:
        last = _failure(setup, url, trace, error)
    return [*findings, *trace.findings(url), last], response


def _answer(setup: Setup, response: httpx.Response, proxy: EnvironmentProxy | None) -> Finding:
    status = response.status_code
    if status == _PROXY_AUTHENTICATION or (proxy and status == _BAD_GATEWAY):
        return _proxy_refusal(setup, status, proxy)
    if response.is_redirect:
        return fault(setup, "redirected", target=response.headers.get("location", "another address"))
    if response.is_success and "text/html" in response.headers.get("content-type", ""):
        return fault(setup, "not_the_api")
    return ok("http", f"a server answers (HTTP {status}, asked without a key)", status_code=status)


def _failure(setup: Setup, url: httpx.URL, trace: _Trace, error: Exception) -> Finding:
    """Which step of a request failed."""
    reason = _reason(_caused_by(error, OSError) or error)
    if distrust := _caused_by(error, ssl.SSLCertVerificationError):
        return _distrusted(setup, url, distrust, _presented_issuer(url))
    if "trusted certificates" in str(error.__cause__):
        return fault(setup, "tls_trust_store", said=error.__cause__)
    if not trace.connected:
        refused = ".refused" if _caused_by(error, ConnectionRefusedError) else ""
        return fault(setup, f"unreachable{refused}", server=_server(url), reason=reason)
    if url.scheme == "https" and trace.tls is None:
        return fault(setup, "tls_broken", server=_server(url), reason=reason)
    return diagnose(error, setup, "http")


def _proxied_failure(setup: Setup, url: httpx.URL, proxy: EnvironmentProxy, error: Exception) -> Finding:
    cause, status = error.__cause__, getattr(error, "status_code", None)
    if distrust := _caused_by(error, ssl.SSLCertVerificationError):
        return _distrusted(setup, url, distrust, None)
    if isinstance(cause, httpx.ProxyError) and status:
        return _proxy_refusal(setup, status, proxy)
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        shown_url, reason = shown(httpx.URL(proxy.url)), _reason(_caused_by(error, OSError) or cause)
        return fault(setup, "proxy_unreachable", proxy=shown_url, variable=proxy.variable, reason=reason)
    return diagnose(error, setup, "http")


def _proxy_refusal(setup: Setup, status: int, proxy: EnvironmentProxy | None) -> Finding:
    name = "proxy_auth" if status == _PROXY_AUTHENTICATION else "proxy_refused"
    shown_url, variable = (shown(httpx.URL(proxy.url)), proxy.variable) if proxy else ("in between", "HTTPS_PROXY")
    return fault(setup, name, proxy=shown_url, variable=variable, status=status)


def _distrusted(setup: Setup, url: httpx.URL, error: ssl.SSLCertVerificationError, issuer: str | None) -> Finding:
    kind = "_date" if error.verify_code in _DATE_CODES else "_name" if error.verify_code in _NAME_CODES else ""
    issued = f"; it was issued by {issuer}" if issuer else ""
    return fault(setup, f"tls_certificate{kind}", url=url, reason=error.verify_message, issued=issued)


def _presented_issuer(url: httpx.URL) -> str | None:
    """Who issued the server's certificate: `ssl` reads trusted ones only, so this one alone is trusted here."""
    where = (url.host, _port(url))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with contextlib.suppress(OSError, ValueError):
        context.load_verify_locations(cadata=ssl.get_server_certificate(where, timeout=int(STEP_SECONDS)))
        with (
            socket.create_connection(where, timeout=STEP_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=url.host) as secured,
        ):
            return _issuer(secured)
    return None


def _issuer(secured: ssl.SSLSocket) -> str | None:
    parts: Any = (secured.getpeercert() or {}).get("issuer", ())
    names: dict[str, str] = dict(pair for part in parts for pair in part)
    common, organisation = names.get("commonName"), names.get("organizationName")
    return (
        f"{common} ({organisation})" if common and organisation not in (None, common) else common or organisation
    )


def _caused_by(error: BaseException, kind: type[_ErrorT]) -> _ErrorT | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kind):
        cause = cause.__cause__ or cause.__context__
    return cause


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _server(url: httpx.URL) -> str:
    return f"[{url.host}]:{_port(url)}" if ":" in url.host else f"{url.host}:{_port(url)}"


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {STEP_SECONDS:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
