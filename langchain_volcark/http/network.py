"""The bytes below one HTTP connection, and the socket they come from; the async twin is `http.asyncio_network`.

Each network belongs to one connection. It knows whether the current exchange has heard anything from the
server, which decides whether a request may be sent again, and it can close the socket whatever state the HTTP
layer above is in: a TLS or proxy handshake cut short by a cancelled task is cleaned up here.

The streams have the methods of https://www.encode.io/httpcore/network-backends/ and httpx's exceptions;
`http.proxied` lends them to httpcore. httpcore itself is long to import, above all where h2 is installed, so it is
left to those who have a proxy.
"""

from __future__ import annotations

import contextlib
import select
import socket
import weakref
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from langchain_volcark.http.forking import in_forked_children

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class Closable(Protocol):
    """A socket, or what is around it."""

    def close(self) -> object:
        """Close it."""


class Network(Protocol):
    """What a network of either kind can do about its socket."""

    def leave_to_parent(self) -> None:
        """In a forked child: close this process's copy of the socket."""


_MAX_UNSENT = 64 * 1024  # bytes of a request held back until its answer is read
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # seconds, tries


def tune(sock: Any) -> None:
    """Let the system notice within minutes, not hours, that the peer has vanished."""
    with contextlib.suppress(OSError):  # not worth a connection where the system refuses
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # each system has its own selection of these
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


# Each network whose socket may be open. A forked child has copies of these; as long as it keeps them, the server
# does not see that the parent has hung up.
open_networks: weakref.WeakSet[Network] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for network in list(open_networks):
        network.leave_to_parent()


in_forked_children(_leave_all_to_parent)


class SyncNetwork:
    """The network of one blocking connection.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
        read_limit: Seconds a read may take, in place of the request's timeout; None for that. The user of a
            response finds this object as its network stream's extra info `read_limiter`.
    """

    def __init__(self) -> None:
        self.heard = False
        self.read_limit: float | None = None
        self._closable: Closable | None = None

    def connect_tcp(self, host: str, port: int, timeout: float | None = None) -> SocketStream:
        """Connect, with TCP keepalive."""
        try:
            sock = socket.create_connection((host, port), timeout)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self.adopt(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tune(sock)
        return SocketStream(self, sock)

    def adopt(self, closable: Closable) -> None:
        """Own a socket, or what is around it, in place of what it was built on."""
        self._closable = closable
        open_networks.add(self)

    def close(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._closable is not None:
            self._closable.close()

    leave_to_parent = close  # no farewell is said, so the parent's connection goes on


class Outbox:
    """Small writes, held until the answer is read: head and body of a request cost one system call, not two."""

    def __init__(self) -> None:
        self._held = b""

    def put(self, buffer: bytes) -> bytes:
        """Take bytes to be sent; returns those that should go at once."""
        self._held += buffer
        return self.take() if len(self._held) > _MAX_UNSENT else b""

    def take(self) -> bytes:
        """The bytes held, which are the taker's to send."""
        held, self._held = self._held, b""
        return held


class SocketStream:
    """The bytes of one blocking connection, without TLS or with it."""

    def __init__(self, network: SyncNetwork, sock: socket.socket) -> None:
        self._network = network
        self._socket = sock
        self._outbox = Outbox()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for bytes; none mean that the server hung up."""
        network, sock = self._network, self._socket
        if held := self._outbox.take():
            # A server that refuses a request early may have said why: whoever cannot write reads on.
            with contextlib.suppress(httpx.WriteError):
                self._send(held, self._write_timeout)
            held = b""  # error trackers print the variables of a frame that failed
        if network.read_limit is not None:
            timeout = network.read_limit
        try:
            if sock.gettimeout() != timeout:
                sock.settimeout(timeout)
            data = sock.recv(max_bytes)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        if data:
            network.heard = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, at the latest with the next read."""
        self._write_timeout = timeout
        if ready := self._outbox.put(buffer):
            self._send(ready, timeout)

    def _send(self, buffer: bytes, timeout: float | None) -> None:
        unsent = memoryview(buffer)
        try:
            self._socket.settimeout(timeout)
            while unsent:
                unsent = unsent[self._socket.send(unsent) :]  # the timeout is for each, not for all
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> SocketStream:
        """Speak TLS from now on, over the stream returned."""
        try:
            self._socket.settimeout(timeout)
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:  # among them the errors of ssl
            raise httpx.ConnectError(str(error)) from error
        self._network.adopt(secured)
        return SocketStream(self._network, secured)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore's streams know by these names, and the `read_limiter`."""
        sock = self._socket
        known: dict[str, Callable[[], Any]] = {
            "is_readable": lambda: _is_readable(sock),
            "read_limiter": lambda: self._network,
            "socket": lambda: sock,
            "ssl_object": lambda: sock if hasattr(sock, "selected_alpn_protocol") else None,
            "client_addr": sock.getsockname,
            "server_addr": sock.getpeername,
        }
        return known[info]() if info in known else None


def _is_readable(sock: socket.socket) -> bool:
    """Whether a read would not wait: on an idle connection, whether the server has hung up."""
    number = sock.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
