"""The way to the service: proxy, name, connection, certificate."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from langchain_volcark.cli.doctor.addresses import Address, is_ip_address, parse
from langchain_volcark.cli.doctor.findings import Finding, fail, ok, skip
from langchain_volcark.http.proxies import EnvironmentProxy, proxy_for, proxy_variables
from langchain_volcark.http.redaction import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.exceptions import VolcArkError

_ResultT = TypeVar("_ResultT")

STEP_SECONDS = 10.0
"""How long each of these steps may take."""

_DATE_CODES, _NAME_CODES = (9, 10), (62, 63, 64)  # OpenSSL's: not yet valid, expired; another host, mail, address


class TooSlowError(Exception):
    """A step did not end in time."""


def bounded(step: Callable[[], _ResultT], seconds: float) -> _ResultT:
    """Run a step that has no timeout of its own, and give it up when time is over.

    Args:
        step: Runs in a thread of its own, which is left alone if it does not end.
        seconds: How long to wait for it.

    Raises:
        TooSlowError: It did not end in time.
        BaseException: Whatever the step raised.
    """
    results: queue.SimpleQueue[tuple[_ResultT | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            results.put((step(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            results.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, error = results.get(timeout=seconds)
    except queue.Empty:
        raise TooSlowError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def check_way(url: str) -> list[Finding]:
    """Look at each step on the way to a server, up to the first that fails; what a proxy does, its request shows.

    Args:
        url: An address that can be dialled.
    """
    address = parse(url)
    if address is None:
        return []
    try:
        proxy = proxy_for(httpx.URL(url.strip()), proxy_variables())
    except ValueError as error:
        fault = "proxy_needs_socksio" if "socksio" in str(error) else "proxy_form"
        return [fail("proxy", fault, str(error), "A proxy's scheme and address look like http://host:port.")]
    if proxy is not None:
        way = ok("proxy", f"through {_without_password(proxy)} ({proxy.variable})")
        return [
            way,
            *(skip(check, "left to the proxy; the request itself shows") for check in ("dns", "tcp", "tls")),
        ]
    findings = [ok("proxy", "none for this address"), _dns(address)]
    if findings[-1].status == "ok":
        findings += _connection(address)
    return findings


def _dns(address: Address) -> Finding:
    if is_ip_address(address.host):
        return ok("dns", f"{address.host} is an address, not a name")
    began = time.monotonic()
    try:
        found = bounded(
            lambda: socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM), STEP_SECONDS
        )
    except (OSError, UnicodeError, TooSlowError) as error:
        advice = "Check the address for slips, the network and its name server."
        return fail("dns", "dns", f"the name {address.host} cannot be resolved ({_reason(error)})", advice)
    return ok("dns", f"{address.host} is {found[0][4][0]}", seconds=round(time.monotonic() - began, 3))


def _connection(address: Address) -> list[Finding]:
    began = time.monotonic()
    try:
        connected = socket.create_connection((address.host, address.port), timeout=STEP_SECONDS)
    except OSError as error:
        advice = "A firewall may be in between; behind one, set HTTPS_PROXY."
        if isinstance(error, ConnectionRefusedError):
            advice = "Nothing listens there: check host and port of the address."
        return [fail("tcp", "unreachable", f"no connection to {address.netloc} ({_reason(error)})", advice)]
    seconds = round(time.monotonic() - began, 3)
    with connected:
        reached = ok("tcp", f"{address.netloc} is reached in {seconds * 1000:.0f} ms", seconds=seconds)
        return [reached, _tls(connected, address)]


def _tls(connected: socket.socket, address: Address) -> Finding:
    if address.scheme == "http":
        return skip("tls", "the address is http://: nothing is encrypted")
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        said = f"the trusted certificates cannot be loaded ({_reason(error)})"
        return fail("tls", "tls_trust_store", said, "SSL_CERT_FILE must name a readable PEM file.")
    try:
        with context.wrap_socket(connected, server_hostname=address.host) as secured:
            issuer = _issuer(secured)
            return ok("tls", f"{secured.version()}, certificate by {issuer or 'an unnamed issuer'}", issuer=issuer)
    except ssl.SSLCertVerificationError as error:
        issuer = None
        with contextlib.suppress(OSError, ValueError):
            issuer = _presented_issuer(address)
        return distrusted(error, address.host, issuer)
    except OSError as error:
        advice = "Does the port speak TLS at all? A firewall may also cut it."
        return fail("tls", "tls_broken", f"no encrypted connection to {address.netloc} ({_reason(error)})", advice)


def distrusted(error: ssl.SSLCertVerificationError, host: str, issuer: str | None = None) -> Finding:
    """Why a server's certificate is not trusted, and what to do."""
    by = f"; it was issued by {issuer}" if issuer else ""
    said = f"the certificate of {host} is not trusted: {error.verify_message}{by}"
    fault, advice = (
        "tls_certificate",
        (
            "If a company's proxy or antivirus reads the traffic, set SSL_CERT_FILE to a file with its root "
            "certificate; else the root certificates of this machine are out of date."
        ),
    )
    if error.verify_code in _DATE_CODES:
        fault = "tls_certificate_date"
        advice = "Check this machine's date first; if it is right, the server's certificate is the problem."
    elif error.verify_code in _NAME_CODES:
        fault = "tls_certificate_name"
        advice = "The address leads to another server: check it, and whether a portal or proxy answers instead."
    return fail("tls", fault, said, advice, issuer=issuer)


def _presented_issuer(address: Address) -> str | None:
    """Who issued the certificate shown there: `ssl` reads a certificate that it trusts, so this one alone is."""
    where = (address.host, address.port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=ssl.get_server_certificate(where, timeout=int(STEP_SECONDS)))
    with (
        socket.create_connection(where, timeout=STEP_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address.host) as secured,
    ):
        return _issuer(secured)


def _issuer(secured: ssl.SSLSocket) -> str | None:
    parts: Any = (secured.getpeercert() or {}).get("issuer", ())
    names: dict[str, str] = dict(pair for part in parts for pair in part)
    common, organisation = names.get("commonName"), names.get("organizationName")
    if common and organisation and organisation != common:
        return f"{common} ({organisation})"
    return common or organisation


def proxy_failure(error: VolcArkError, proxy: EnvironmentProxy, host: str) -> Finding | None:
    """What stopped a request through a proxy, where it was the way; None where it was the service."""
    cause = error.__cause__
    if distrust := caused_by(error, ssl.SSLCertVerificationError):
        return distrusted(distrust, host)
    if isinstance(cause, httpx.ProxyError) and error.status_code:
        return proxy_refusal(error.status_code, proxy)
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        said = f"the proxy {_without_password(proxy)} does not answer ({_reason(cause)})"
        return fail("proxy", "proxy_unreachable", said, f"Check {proxy.variable}, or name this host in NO_PROXY.")
    return None


def proxy_refusal(status: int, proxy: EnvironmentProxy | None) -> Finding:
    """What a proxy's refusal means.

    Args:
        status: Its HTTP status.
        proxy: Which proxy, if that is known.
    """
    name, variable = (_without_password(proxy), proxy.variable) if proxy else ("the proxy", "HTTPS_PROXY")
    if status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        advice = f"Put them into {variable}: http://user:password@host:port (special characters percent-encoded)."
        return fail("proxy", "proxy_auth", f"{name} wants a user name and password (407)", advice)
    advice = "Ask who runs the proxy to allow the host, or name it in NO_PROXY."
    return fail("proxy", "proxy_refused", f"{name} refuses the way to the service (HTTP {status})", advice)


_ErrorT = TypeVar("_ErrorT", bound=BaseException)


def caused_by(error: BaseException, kind: type[_ErrorT]) -> _ErrorT | None:
    """The exception of this kind behind another, or None."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kind):
        cause = cause.__cause__ or cause.__context__
    return cause


def _without_password(proxy: EnvironmentProxy) -> str:
    return str(shown(httpx.URL(proxy.url)))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {STEP_SECONDS:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
