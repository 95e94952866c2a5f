"""The way to the service: proxy, name, connection, certificate."""

from __future__ import annotations

import base64
import contextlib
import queue
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from langchain_volcark.cli.doctor.addresses import Address, is_ip_address, parse
from langchain_volcark.cli.doctor.certificates import issuer_of
from langchain_volcark.cli.doctor.findings import Finding, fail, ok, skip

if TYPE_CHECKING:
    from collections.abc import Callable

_ResultT = TypeVar("_ResultT")

STEP_SECONDS = 10.0
"""How long each of these steps may take."""

_HEAD_LIMIT = 65536


class TooSlowError(Exception):
    """A step did not end in time."""


def bounded(step: Callable[[], _ResultT], seconds: float) -> _ResultT:
    """Run a step that knows no bound of its own, and give it up when time is over.

    Args:
        step: Runs in a thread of its own, which is left alone if it does not end.
        seconds: For how long it is waited for.

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


@dataclass(frozen=True)
class Proxy:
    """A proxy that the environment names.

    Attributes:
        url: As the environment has it, completed by a scheme.
        variable: What kind of variable named it.
    """

    url: str
    variable: str

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return re.sub(r"(?<=://)[^@/]*@", "", self.url)

    @property
    def is_plain(self) -> bool:
        """Whether it is an HTTP proxy that is spoken to unencrypted."""
        return self.url.lower().startswith("http://")


def proxy_for(address: Address) -> Proxy | None:
    """The proxy that requests to an address will take, by the environment."""
    found = getproxies()
    if proxy_bypass(address.netloc) or proxy_bypass(address.host):
        return None
    for scheme in (address.scheme, "all"):
        url = found.get(scheme)
        if url:
            return Proxy(url if "://" in url else f"http://{url}", f"{scheme.upper()}_PROXY")
    return None


def check_way(url: str) -> list[Finding]:
    """Look at each step on the way to a server, up to the first that fails.

    Args:
        url: An address that can be dialled.
    """
    address = parse(url)
    if address is None:
        return []
    proxy = proxy_for(address)
    findings = [_proxy(proxy)]
    if findings[0].status == "fail":
        return findings
    dialled = address if proxy is None else parse(proxy.url)
    if dialled is None or (proxy is not None and not proxy.is_plain):
        why = f"not looked at through {proxy.shown if proxy else url}; the request itself will show"
        return [*findings, *(skip(check, why) for check in ("dns", "tcp", "tls"))]
    findings.append(_dns(dialled, proxy))
    if findings[-1].status == "fail":
        return findings
    connected, finding = _tcp(dialled, proxy)
    if connected is None:
        return [*findings[proxy is not None :], finding]
    findings.append(finding)
    with connected:
        if proxy is not None and address.scheme == "https":
            refused = _tunnel(connected, address, proxy)
            if refused is not None:
                return [*findings[1:], refused]
        findings.append(_tls(connected, address))
    return findings


def _proxy(proxy: Proxy | None) -> Finding:
    if proxy is None:
        return ok("proxy", "none for this address")
    scheme = urlsplit(proxy.url).scheme.lower()
    if scheme not in ("http", "https", "socks5", "socks5h"):
        return fail(
            "proxy",
            "proxy_form",
            f"{proxy.variable} names {proxy.shown}, whose scheme is not known",
            "It should look like http://host:port.",
        )
    if scheme.startswith("socks") and find_spec("socksio") is None:
        return fail(
            "proxy",
            "proxy_needs_socksio",
            f"{proxy.variable} names a SOCKS proxy ({proxy.shown}), and the package socksio is missing",
            'pip install "httpx[socks]", or set an http:// proxy.',
        )
    try:
        host = urlsplit(proxy.url).hostname and (urlsplit(proxy.url).port or True)
    except ValueError:
        host = None
    if not host:
        return fail(
            "proxy",
            "proxy_form",
            f"{proxy.variable} names {proxy.shown}, which is no address",
            "It should look like http://host:port.",
        )
    return ok("proxy", f"through {proxy.shown} ({proxy.variable})")


def _dns(address: Address, proxy: Proxy | None) -> Finding:
    if is_ip_address(address.host):
        return ok("dns", f"{address.host} is an address, not a name")
    began = time.monotonic()
    whose = "the proxy's name" if proxy else "the name"
    try:
        found = bounded(
            lambda: socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM), STEP_SECONDS
        )
    except (OSError, UnicodeError, TooSlowError) as error:
        where = (
            f"Check {proxy.variable}."
            if proxy
            else "Check the address for slips, the network and its name server."
        )
        return fail("dns", "dns", f"{whose} {address.host} cannot be resolved ({_reason(error)})", where)
    first = found[0][4][0]
    return ok("dns", f"{address.host} is {first}", seconds=round(time.monotonic() - began, 3))


def _tcp(address: Address, proxy: Proxy | None) -> tuple[socket.socket | None, Finding]:
    began = time.monotonic()
    try:
        connected = socket.create_connection((address.host, address.port), timeout=STEP_SECONDS)
    except OSError as error:
        if proxy is not None:
            finding = fail(
                "proxy",
                "proxy_unreachable",
                f"the proxy {proxy.shown} does not answer ({_reason(error)})",
                f"Check {proxy.variable}, or name this host in NO_PROXY.",
            )
            return None, finding
        advice = (
            "Nothing listens there: check host and port of the address."
            if isinstance(error, ConnectionRefusedError)
            else "A firewall may be in between; behind one, set HTTPS_PROXY."
        )
        finding = fail("tcp", "unreachable", f"no connection to {address.netloc} ({_reason(error)})", advice)
        return None, finding
    seconds = round(time.monotonic() - began, 3)
    return connected, ok("tcp", f"{address.netloc} is reached in {seconds * 1000:.0f} ms", seconds=seconds)


def _tunnel(connected: socket.socket, address: Address, proxy: Proxy) -> Finding | None:
    """Ask the proxy for a way to the server; None where it gives one."""
    lines = [f"CONNECT {address.netloc} HTTP/1.1", f"Host: {address.netloc}"]
    parts = urlsplit(proxy.url)
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}")
    try:
        connected.sendall("\r\n".join([*lines, "", ""]).encode())
        head = _head(connected)
    except OSError as error:
        return fail(
            "proxy",
            "proxy_unreachable",
            f"the proxy {proxy.shown} broke off ({_reason(error)})",
            f"Is {proxy.variable} right?",
        )
    status = re.match(rb"HTTP/1\.\d (\d{3})", head)
    code = int(status[1]) if status else 0
    if code == 200:
        return None
    return (
        proxy_refusal(code, proxy)
        if code
        else fail("proxy", "proxy_form", f"{proxy.shown} does not speak HTTP", f"Is {proxy.variable} right?")
    )


def proxy_refusal(status: int, proxy: Proxy | None) -> Finding:
    """What a proxy's refusal means.

    Args:
        status: Its HTTP status.
        proxy: Which proxy, if that is known.
    """
    shown, variable = (proxy.shown, proxy.variable) if proxy else ("the proxy", "HTTPS_PROXY")
    if status == 407:
        return fail(
            "proxy",
            "proxy_auth",
            f"{shown} wants a user name and password (407)",
            f"Put them into {variable}: http://user:password@host:port (special characters percent-encoded).",
        )
    return fail(
        "proxy",
        "proxy_refused",
        f"{shown} refuses the way to the service (HTTP {status})",
        "Ask who runs the proxy to allow the host, or name it in NO_PROXY.",
    )


def _head(connected: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _HEAD_LIMIT:
        data = connected.recv(4096)
        if not data:
            break
        received += data
    return received


def _tls(connected: socket.socket, address: Address) -> Finding:
    if address.scheme == "http":
        return skip("tls", "the address is http://: nothing is encrypted")
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        return fail(
            "tls",
            "tls_trust_store",
            f"the trusted certificates cannot be loaded ({_reason(error)})",
            "SSL_CERT_FILE must name a readable PEM file.",
        )
    try:
        with context.wrap_socket(connected, server_hostname=address.host) as secured:
            issuer = issuer_of(secured.getpeercert(binary_form=True) or b"")
            return ok("tls", f"{secured.version()}, certificate by {issuer or 'an unnamed issuer'}", issuer=issuer)
    except ssl.SSLCertVerificationError as error:
        return _distrusted(error, address)
    except (ssl.SSLError, OSError) as error:
        advice = "Does the port speak TLS at all? A firewall may also cut it."
        return fail("tls", "tls_broken", f"no encrypted connection to {address.netloc} ({_reason(error)})", advice)


def _distrusted(error: ssl.SSLCertVerificationError, address: Address) -> Finding:
    """Why a certificate is not trusted, by OpenSSL's codes."""
    issuer = None
    with contextlib.suppress(OSError, ValueError):
        issuer = _presented_issuer(address)
    by = f"; it was issued by {issuer}" if issuer else ""
    said = f"the certificate of {address.host} is not trusted: {error.verify_message}{by}"
    if error.verify_code in (9, 10):
        advice = "Check this machine's date first; if it is right, the server's certificate is the problem."
        return fail("tls", "tls_certificate_date", said, advice, issuer=issuer)
    if error.verify_code in (62, 63, 64):
        advice = "The address leads to another server: check it, and whether a portal or proxy answers instead."
        return fail("tls", "tls_certificate_name", said, advice, issuer=issuer)
    advice = (
        "If a company's proxy or antivirus reads the traffic, set SSL_CERT_FILE to a file with its root "
        "certificate; else the root certificates of this machine are out of date."
    )
    return fail("tls", "tls_certificate", said, advice, issuer=issuer)


def _presented_issuer(address: Address) -> str | None:
    """Who issued the certificate that is shown there; nothing is sent over this connection."""
    if proxy_for(address) is not None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((address.host, address.port), timeout=STEP_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address.host) as secured,
    ):
        return issuer_of(secured.getpeercert(binary_form=True) or b"")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {STEP_SECONDS:g} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
