"""The way to the service: proxy, name, connection, certificate, and what answers a request without a key."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from langchain_volcark.cli.doctor.findings import Finding, TooSlowError, diagnose, fault, ok, skip
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.errors import connection_error
from langchain_volcark.http.proxies import EnvironmentProxy, HTTPXTransport, proxy_for, proxy_variables
from langchain_volcark.http.tls import ssl_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.cli.services import Setup

_ResultT = TypeVar("_ResultT")
_ErrorT = TypeVar("_ErrorT", bound=BaseException)

STEP_SECONDS = 10.0  # that each of these steps may take
GRACE = 5.0  # that a request may take beyond its own timeout

# OpenSSL's: not yet valid, expired; another host, mail address, IP address.
_CERTIFICATE_FAULTS = {9: "_date", 10: "_date", 62: "_name", 63: "_name", 64: "_name"}
_REFUSALS = {407: "proxy_auth", 502: "proxy_refused"}  # by HTTP status; any other is `proxy_refused`


def bounded(step: Callable[[], _ResultT], seconds: float) -> _ResultT:
    """Run a step in a thread of its own, and abandon it with a `TooSlowError` when time is up."""
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
        context = ssl_context(url.scheme == "https" or proxy is not None)
        transport = HTTPXTransport(proxy.url if proxy else None, context, max_connections=1, max_idle=0)
        with httpx.Client(transport=transport, trust_env=False, timeout=STEP_SECONDS) as client:
            return client.get(url, auth=auth, extensions={"trace": trace})

    try:
        return bounded(send, STEP_SECONDS + GRACE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise connection_error(error, url) from error


def check_way(setup: Setup, address: str) -> tuple[list[Finding], httpx.Response | None]:
    """Send a request without a key: a finding for each step up to the first that fails, and the response."""
    url, response = httpx.URL(address), None
    try:
        proxy = proxy_for(url, proxy_variables())
    except ValueError as error:
        return [fault(setup, "proxy_needs_socksio" if "socksio" in str(error) else "proxy_form", said=error)], None
    if proxy:
        way = [ok("proxy", f"through {proxy.url} ({proxy.variable})")]
        way += [skip(check, "left to the proxy") for check in ("dns", "tcp", "tls")]
    else:
        way = [ok("proxy", "none for this address"), _dns(setup, url)]
        if way[-1].status == "fail":
            return way, None
    steps: list[Finding] = []
    try:
        response = get(url, httpx.Auth(), _trace(url, steps))
        last = _answer(setup, response, proxy)
    except (TooSlowError, VolcArkError) as error:
        last = _failed_step(setup, url, error, proxy, [finding.check for finding in steps])
    # What failed on the way through a proxy takes the place of what was left to it.
    found = {finding.check: finding for finding in (*way, *([] if proxy else steps), last)}
    return list(found.values()), response


def _dns(setup: Setup, url: httpx.URL) -> Finding:
    try:
        found = bounded(lambda: socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM), STEP_SECONDS)
    except (OSError, UnicodeError, TooSlowError) as error:
        return fault(setup, "dns", url=url, reason=_reason(error))
    address = found[0][4][0]
    return ok("dns", f"{url.host} is {'an address, not a name' if address == url.host else address}")


def _trace(url: httpx.URL, steps: list[Finding]) -> Callable[[str, dict[str, Any]], None]:
    """Notes which steps succeed: https://www.python-httpx.org/advanced/extensions/#trace."""

    def trace(event: str, info: dict[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            steps.append(ok("tcp", f"{url.netloc.decode()} is reached"))
            if url.scheme == "http":
                steps.append(skip("tls", "the address is http://: nothing is encrypted"))
        elif event.endswith("start_tls.complete"):
            secured = info["return_value"].get_extra_info("ssl_object")
            issuer = _issuer(secured)
            said = f"{secured.version()}, certificate by {issuer or 'an unnamed issuer'}"
            steps.append(ok("tls", said, issuer=issuer))

    return trace


def _answer(setup: Setup, response: httpx.Response, proxy: EnvironmentProxy | None) -> Finding:
    status, seconds = response.status_code, round(response.elapsed.total_seconds(), 3)
    if status == 407 or (proxy and status in _REFUSALS):
        proxy = proxy or EnvironmentProxy("", "HTTPS_PROXY")
        return fault(setup, _REFUSALS.get(status, "proxy_refused"), proxy=proxy, status=status)
    if response.is_redirect:
        return fault(setup, "redirected", target=response.headers.get("location", "another address"))
    if response.is_success and "text/html" in response.headers.get("content-type", ""):
        return fault(setup, "not_the_api")
    said = f"a server answers in {seconds * 1000:.0f} ms (HTTP {status} to a request without a key)"
    return ok("http", said, status_code=status, seconds=seconds)


def _failed_step(
    setup: Setup, url: httpx.URL, error: Exception, proxy: EnvironmentProxy | None, done: list[str]
) -> Finding:
    cause, server = error.__cause__, url.netloc.decode()
    reason = _reason(_caused_by(error, OSError) or cause or error)
    if distrust := _caused_by(error, ssl.SSLCertVerificationError):
        kind, issuer = _CERTIFICATE_FAULTS.get(distrust.verify_code, ""), None if proxy else _presented_issuer(url)
        issued = f"; it was issued by {issuer}" if issuer else ""
        return fault(setup, f"tls_certificate{kind}", url=url, reason=distrust.verify_message, issued=issued)
    if "trusted certificates" in str(cause):
        return fault(setup, "tls_trust_store", said=cause)
    if proxy and isinstance(cause, httpx.ProxyError) and (status := getattr(error, "status_code", None)):
        return fault(setup, _REFUSALS.get(status, "proxy_refused"), proxy=proxy, status=status)
    if proxy and isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return fault(setup, "proxy_unreachable", proxy=proxy, reason=reason)
    if not proxy and "tcp" not in done:
        refused = ".refused" if _caused_by(error, ConnectionRefusedError) else ""
        return fault(setup, f"unreachable{refused}", server=server, reason=reason)
    if not proxy and "tls" not in done:
        return fault(setup, "tls_broken", server=server, reason=reason)
    return diagnose(error, setup, "http")


def _presented_issuer(url: httpx.URL) -> str | None:
    """Who issued the server's certificate: `ssl` reads trusted ones only, so this one alone is trusted here."""
    where, context = (url.host, url.port or 443), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with contextlib.suppress(OSError, ValueError):
        context.load_verify_locations(cadata=ssl.get_server_certificate(where, timeout=int(STEP_SECONDS)))
        plain = socket.create_connection(where, timeout=STEP_SECONDS)
        with plain, context.wrap_socket(plain, server_hostname=url.host) as secured:
            return _issuer(secured)
    return None


def _issuer(secured: ssl.SSLSocket) -> str | None:
    parts: Any = (secured.getpeercert() or {}).get("issuer", ())
    names: dict[str, str] = dict(pair for part in parts for pair in part)
    common, organisation = names.get("commonName"), names.get("organizationName")
    return f"{common} ({organisation})" if common and organisation else common or organisation


def _caused_by(error: BaseException | None, kind: type[_ErrorT]) -> _ErrorT | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {STEP_SECONDS:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
