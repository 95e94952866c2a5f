"""Chooses the proxy of a request by the variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.

A variable that does not concern a URL is not read for it, so a broken one breaks nothing else. The variables mean
what https://www.python-httpx.org/environment_variables/ says; as in curl, `NO_PROXY` may hold ports and networks.
"""

from __future__ import annotations

import ipaddress
import os
import re
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.request import getproxies

import httpx

from langchain_volcark.http.ledger import KEEPALIVE_EXPIRY
from langchain_volcark.http.redaction import with_secret_target, with_secret_url

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

TransportT = TypeVar("TransportT")

_SCHEMES = ("http", "https", "socks5", "socks5h")
_ALIASES = {"socks": "socks5"}  # desktop settings write socks:// for a SOCKS5 server
_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535
_ENTRY = re.compile(r"(?:(?P<scheme>[^:/]*)://)?(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>\d+))?(?:/.*)?")


@dataclass(frozen=True)
class EnvironmentProxy:
    """A proxy that the environment names.

    Attributes:
        url: Its URL as httpx takes it. Not shown: it may hold a password.
        variable: The name of the variable.
    """

    url: str = field(repr=False)
    variable: str


def check_proxy(value: str, name: str = "proxy") -> str:
    """Read the URL of a proxy, which may hold a user name and password.

    Args:
        value: What the user gave.
        name: The argument or variable that it comes from, for the error.

    Returns:
        The URL as httpx takes it.

    Raises:
        ValueError: It is not the URL of a proxy, or the package for this kind of proxy is missing. The value,
            which may hold a password, is not shown.
    """
    text = value.strip()
    if not text.isprintable() or " " in text:
        raise ValueError(f"{name} must not hold blanks, line breaks or other control characters.")
    scheme, _, rest = text.partition("://")
    scheme = _ALIASES.get(scheme.lower(), scheme.lower())
    if scheme not in _SCHEMES:
        raise ValueError(f"{name} must begin with {', '.join(f'{known}://' for known in _SCHEMES)}.")
    if "@" in re.sub(r"^[^/?#]*", "", rest):  # the host would end before the password does
        raise ValueError(
            f"{name} is not a valid URL: special characters in its user name or password must be percent-encoded "
            "(# is %23, / is %2F, ? is %3F, @ is %40)."
        )
    if not _has_server(f"{scheme}://{rest}"):
        raise ValueError(f"{name} is not a valid URL: check its host and port (http://user:password@host:port).")
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ValueError(f"{name} is a SOCKS proxy, which needs the package socksio: pip install 'httpx[socks]'")
    return f"{scheme}://{rest}"


def _has_server(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return bool(url.host) and (url.port is None or 0 < url.port <= _HIGHEST_PORT)


def proxy_variables() -> dict[str, str]:
    """The proxy variables of the environment, or the settings of macOS or Windows; empty if no proxy is set."""
    found = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    if not found:
        found = {f"{scheme}_proxy": url for scheme, url in getproxies().items()}
    if "REQUEST_METHOD" in os.environ:
        # A CGI server turns a client's header "Proxy" into HTTP_PROXY: https://httpoxy.org
        found = {
            name: value for name, value in found.items() if name == "http_proxy" or name.lower() != "http_proxy"
        }
    return found if any(_variable(found, kind)[1] for kind in ("http", "https", "all")) else {}


def proxy_for(url: httpx.URL, variables: Mapping[str, str]) -> EnvironmentProxy | None:
    """Choose the proxy for a URL.

    Args:
        url: Where the request goes.
        variables: The environment's proxy variables, by name.

    Returns:
        The proxy, or None where the request goes straight to its server.

    Raises:
        ValueError: The variable for this URL does not hold the URL of a proxy; the error names the variable.
    """
    for kind in (url.scheme, "all"):
        name, value = _variable(variables, kind)
        if value:
            if _is_excepted(url, _variable(variables, "no")[1]):
                return None
            return EnvironmentProxy(check_proxy(value if "://" in value else f"http://{value}", name), name)
    return None


def _variable(variables: Mapping[str, str], kind: str) -> tuple[str, str]:
    """Name and value of a variable. Lower case goes before upper case, even if it is empty, which means: none."""
    names = [name for name in variables if name.lower() == f"{kind}_proxy"]
    return max(((name, variables[name].strip()) for name in names), default=("", ""))


def _is_excepted(url: httpx.URL, no_proxy: str) -> bool:
    return any(_covers(entry, url) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _covers(entry: str, url: httpx.URL) -> bool:
    """Whether an entry of `NO_PROXY` covers a URL: a name with its subdomains, an address, a network, `*`."""
    parts = None if _network(entry) else _ENTRY.fullmatch(entry)  # an IPv6 address has colons of its own
    scheme, host, port = parts.group("scheme", "host", "port") if parts else (None, entry, None)
    if scheme not in (None, "all", url.scheme) or (port and int(port) != (url.port or _PORTS.get(url.scheme))):
        return False
    address, network = _address(url.host), _network(host)
    if network is not None:
        return address is not None and address in network
    name, asked = _ascii(host), _ascii(url.host)
    if "*" in name:
        return fnmatchcase(asked, name)
    if scheme is not None:  # as in httpx: such an entry is for this one host, or for all
        return asked == name or not name
    return asked == name or (address is None and asked.endswith(name if name[:1] == "." else f".{name}"))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(re.sub(r"^\[([^]]*)](?=/|$)", r"\1", text), strict=False)
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.replace("%25", "%"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _ascii(name: str) -> str:
    """A host name in the form that DNS knows (`内网` is `xn--v6q792i`), so that two spellings can be compared."""

    def encoded(label: str) -> str:
        if label.isascii():
            return label
        try:
            return httpx.URL(scheme="http", host=label).raw_host.decode("ascii")
        except httpx.InvalidURL:
            return label

    return ".".join(encoded(label) for label in name.lower().rstrip(".").split("."))


class _Routes(Generic[TransportT]):
    """The transports of a client, one for each proxy; which one takes a request is decided once per server."""

    def __init__(self, make: Callable[[str | None], TransportT], variables: Mapping[str, str]) -> None:
        self._make = make
        self._variables = variables
        self._by_proxy: dict[str | None, TransportT] = {}
        self._by_server: dict[tuple[bytes, bytes, int | None], TransportT] = {}

    def transport(self, request: httpx.Request) -> TransportT:
        url = request.url
        server = (url.raw_scheme, url.raw_host, url.port)
        found = self._by_server.get(server)
        return self._choose(url, server) if found is None else found

    def _choose(self, url: httpx.URL, server: tuple[bytes, bytes, int | None]) -> TransportT:
        try:
            proxy, problem = proxy_for(url, self._variables), ""
        except ValueError as error:
            proxy, problem = None, str(error)
        if problem:  # raised here, so that the frames that hold the variable are not kept as its context
            raise httpx.UnsupportedProtocol(problem)
        way = None if proxy is None else proxy.url
        if way not in self._by_proxy:
            self._by_proxy.setdefault(way, self._make(way))  # threads may race: all take the first one's
        return self._by_server.setdefault(server, self._by_proxy[way])

    def transports(self) -> list[TransportT]:
        return list(self._by_proxy.values())


class EnvironmentTransport(httpx.BaseTransport):
    """Sends each request through the proxy that the environment names for its URL, or straight to its server.

    Args:
        make: Builds the transport for a proxy URL; None means without a proxy.
        variables: The environment's proxy variables, by name.

    Raises:
        httpx.UnsupportedProtocol: By requests whose variable does not hold the URL of a proxy.
    """

    def __init__(self, make: Callable[[str | None], httpx.BaseTransport], variables: Mapping[str, str]) -> None:
        self._routes = _Routes(make, variables)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        return self._routes.transport(request).handle_request(request)

    def close(self) -> None:
        """Close all connections."""
        with ExitStack() as stack:  # one failure must not spare the others
            for transport in self._routes.transports():
                stack.callback(transport.close)


class AsyncEnvironmentTransport(httpx.AsyncBaseTransport):
    """Same as `EnvironmentTransport`, async."""

    def __init__(
        self, make: Callable[[str | None], httpx.AsyncBaseTransport], variables: Mapping[str, str]
    ) -> None:
        self._routes = _Routes(make, variables)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        return await self._routes.transport(request).handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        async with AsyncExitStack() as stack:
            for transport in self._routes.transports():
                stack.push_async_callback(transport.aclose)


class HTTPXTransport(httpx.HTTPTransport):
    """httpx's own transport, through a proxy or without one, as our calls need it.

    Args:
        proxy: URL of the proxy; http, https, or socks5 with the package socksio.
        context: Trusted certificates, for servers and for a proxy that is reached by TLS.
        max_connections: Most connections open at once.
        max_idle: Most idle connections kept.
    """

    def __init__(self, proxy: str | None, context: ssl.SSLContext, *, max_connections: int, max_idle: int) -> None:
        super().__init__(**_httpx_arguments(proxy, context, max_connections, max_idle))
        self._prepare = with_secret_target if proxy is None else with_secret_url

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        return super().handle_request(self._prepare(request))


class AsyncHTTPXTransport(httpx.AsyncHTTPTransport):
    """Same as `HTTPXTransport`, async."""

    def __init__(self, proxy: str | None, context: ssl.SSLContext, *, max_connections: int, max_idle: int) -> None:
        super().__init__(**_httpx_arguments(proxy, context, max_connections, max_idle))
        self._prepare = with_secret_target if proxy is None else with_secret_url

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        return await super().handle_async_request(self._prepare(request))


def _httpx_arguments(
    proxy: str | None, context: ssl.SSLContext, max_connections: int, max_idle: int
) -> dict[str, Any]:
    from langchain_volcark.http.connection import KEEPALIVE_OPTIONS  # httpcore is long to import

    by_tls = proxy is not None and proxy.startswith("https:")
    return {
        "verify": context,
        "proxy": None if proxy is None else httpx.Proxy(proxy, ssl_context=context if by_tls else None),
        "limits": httpx.Limits(
            max_connections=max_connections, max_keepalive_connections=max_idle, keepalive_expiry=KEEPALIVE_EXPIRY
        ),
        "socket_options": KEEPALIVE_OPTIONS,
    }
