"""A raw socket server on loopback, for tests below HTTP: connections, received bytes, disconnects."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator

# For localhost and 127.0.0.1; made for these tests, valid for a century, secret to nobody.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBqzCCAVGgAwIBAgIUDHM/46t+EbWSKyo1kwFYSwKsqp4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA5MzcxM1oYDzIxMjYxMDI4
MDkzNzEzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARFNPe2HqOkk8XouctR8fdiqejRojevo2qzj3hHAMVx9u/UxJON6Mbn
GtMV8DLO8RR4xt0C+OLbh8fQJMZyfCDao38wfTAdBgNVHQ4EFgQUHaLLF0dtVHhk
iWv8c0DoLeYkVpcwHwYDVR0jBBgwFoAUHaLLF0dtVHhkiWv8c0DoLeYkVpcwGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P
AQH/BAQDAgKEMAoGCCqGSM49BAMCA0gAMEUCIQDkAz79lJd6Y+4+SafxPMz3CWqR
AimbKUc1wTqVf/02ZAIgOJFUmkxtwhGTxzypN2+eirFp1sWqR5aQsshJkW6n0CE=
-----END CERTIFICATE-----
"""
_PRIVATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmv5TJEqy4XT5Yukb
LiootxEn+qNvp70V0vGWrD2l++yhRANCAARFNPe2HqOkk8XouctR8fdiqejRojev
o2qzj3hHAMVx9u/UxJON6MbnGtMV8DLO8RR4xt0C+OLbh8fQJMZyfCDa
-----END PRIVATE KEY-----
"""


def server_context() -> ssl.SSLContext:
    """TLS for the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(_PRIVATE + CERTIFICATE)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def client_context() -> ssl.SSLContext:
    """TLS for a client that trusts the server."""
    return ssl.create_default_context(cadata=CERTIFICATE)


def reply(body: bytes = b"ok", *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole response."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


class Connection:
    """One accepted connection."""

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self.socket = sock
        self.requests: list[bytes] = []
        self.closed = threading.Event()  # set when the client hung up
        self._received = b""

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def secure(self) -> None:
        """Speak TLS from now on."""
        self.socket = (self.server.context or server_context()).wrap_socket(self.socket, server_side=True)

    def reset(self) -> None:
        """Hang up without a farewell: the client finds the connection reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_until_closed(self) -> None:
        """Read until the client hangs up."""
        with contextlib.suppress(OSError):
            while self.socket.recv(65536):
                pass
        self.closed.set()

    def receive(self) -> bytes:
        """One request with its body, or nothing if the client hung up."""
        while b"\r\n\r\n" not in self._received:
            if not self._more():
                return b""
        head, _, rest = self._received.partition(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            while b"0\r\n\r\n" not in self._received:
                if not self._more():
                    return b""
            request, self._received = self._received, b""
            return request
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        pieces, missing = [rest], length - len(rest)
        while missing > 0:
            piece = self.socket.recv(65536)
            if not piece:
                return b""
            pieces.append(piece)
            missing -= len(piece)
        body = b"".join(pieces)
        self._received = body[length:]
        return head + b"\r\n\r\n" + body[:length]

    def _more(self) -> bool:
        data = self.socket.recv(65536)
        self._received += data
        return bool(data)


Handler = Callable[[Connection, bytes], "bytes | None"]


def ok(connection: Connection, request: bytes) -> bytes:
    """Answer every request with the number of its connection."""
    return reply(b"%d" % connection.server.connections.index(connection))


class RawServer:
    """Hands each request to `handler`, sends the bytes it returns, hangs up if it returns None.

    Attributes:
        handler: May be replaced at any time.
        connections: All there were, in the order of their coming.
        release: Set at the end of the test; handlers that are to hang wait for it.
    """

    def __init__(
        self, *, tls: bool | ssl.SSLContext = False, before: Callable[[Connection], object] | None = None
    ) -> None:
        self.context = tls if isinstance(tls, ssl.SSLContext) else None
        self.handler: Handler = ok
        self.connections: list[Connection] = []
        self.release = threading.Event()
        self._tls = bool(tls)
        self._before = before
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._start(self._accept)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/"

    @property
    def requests(self) -> list[bytes]:
        return [request for connection in self.connections for request in connection.requests]

    def wait_for_requests(self, count: int) -> bool:
        """Wait until so many requests have come; False if they do not."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, 30)

    def forget(self) -> None:
        """Be as new for the next test, once all clients have hung up."""
        for thread in self._threads[1:]:  # the first one accepts
            thread.join(30)
            assert not thread.is_alive(), "a client did not close its connection"
        del self._threads[1:]
        self.connections.clear()
        self.handler = ok

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        self._threads.append(thread)  # started, for `forget` joins it

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            self.connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: Connection) -> None:
        try:
            if self._before is not None:
                self._before(connection)
            if self._tls:
                connection.secure()
            while request := connection.receive():
                with self._changed:
                    connection.requests.append(request)
                    self._changed.notify_all()
                answer = self.handler(connection, request)
                if answer is None:
                    return
                connection.socket.sendall(answer)
            connection.closed.set()
        except OSError:
            connection.closed.set()
        finally:
            connection.socket.close()

    def close(self) -> None:
        self.release.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)


@contextlib.contextmanager
def raw_server(
    *, tls: bool | ssl.SSLContext = False, before: Callable[[Connection], object] | None = None
) -> Iterator[RawServer]:
    server = RawServer(tls=tls, before=before)
    try:
        yield server
    finally:
        server.close()
