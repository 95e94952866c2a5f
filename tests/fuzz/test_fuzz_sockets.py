"""Invalid HTTP on a real connection gives an answer or an exception of the package, within the timeout."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from langchain_volcark import ChatArk
from langchain_volcark.exceptions import VolcArkError
from tests.fuzz.junk import examples, sse, write_json
from tests.fuzz.samples import STREAMS, WHOLE
from tests.fuzz.wire import CANARY, look_at, look_at_error

WHOLE_BODY, STREAM_BODY = write_json(WHOLE["ark"]), sse(STREAMS["ark"])
LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content", b"HTTP/1.1 100 Continue", b"HTTP/2 200",
     b"HTTP/1.1 999 ", b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 429 x", b"HTTP/1.1", b"ICY 200 OK", b"",
     b"HTTP/1.1 200 \xff", b"HTTP/1.1 200 " + b"x" * 70_000]
)  # fmt: skip
HEADERS = st.lists(
    st.sampled_from(
        [b"Content-Type: application/json", b"Content-Type: text/event-stream", b"Transfer-Encoding: chunked",
         b"Content-Encoding: gzip", b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999",
         b"Connection: close", b"Connection: upgrade", b"x: \xe9", b": no name", b"no colon", b" folded", b"x: a\x00b",
         b"Retry-After: \xe9", b"Set-Cookie: a=b"]
    ),
    max_size=4,
)  # fmt: skip
BODIES = st.sampled_from(
    [b"", WHOLE_BODY, STREAM_BODY, b"5\r\ndata:\r\n0\r\n\r\n", b"5\r\nda", b"zz\r\n", b"-1\r\n", b"0\r\n\r\n",
     b"\x1f\x8b\x08\x00junk", b"<html>"]
) | st.binary(max_size=12)  # fmt: skip
bare = st.binary(max_size=40)


def reply(line: bytes, headers: list[bytes], body: bytes, *, counted: bool) -> bytes:
    length = [b"Content-Length: %d" % len(body)] if counted else []
    return b"\r\n".join([line, *headers, *length, b"", body])


class Server:
    """Reads a request, sends what the example says, hangs up."""

    def __init__(self) -> None:
        self.sends = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, contextlib.suppress(OSError):
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                connection.sendall(self.sends)
                connection.shutdown(socket.SHUT_WR)


_server: list[Any] = []


def server_and_model() -> tuple[Server, ChatArk]:
    """Made on first use, for the suite's one process and for those of `make fuzz`."""
    if not _server:
        server = Server()
        # The timeout is there to make a hang visible; nothing here takes that long.
        _server.extend(
            [server, ChatArk(model="m", api_key=CANARY, base_url=server.url, max_retries=0, timeout=60)]
        )
    return _server[0], _server[1]


@examples(150)
@given(st.booleans(), st.builds(reply, LINES, HEADERS, BODIES, counted=st.booleans()) | bare)
def test_bytes_that_are_hardly_http(stream: bool, sent: bytes) -> None:
    server, model = server_and_model()
    server.sends = sent
    try:
        messages = list(model.stream("?")) if stream else [model.invoke("?")]
    except VolcArkError as error:
        event(type(error).__name__)
        look_at_error(error)
        return
    for message in messages:
        look_at(message)
