"""A minimal loopback HTTP/1.1 server with fixed answers, run in a separate process.

It implements just enough of the chat completions, responses and embeddings APIs for the measured clients, and does
as little as possible per request. Options are at the front of the path, so that a client only needs another base
URL:

    /delay/50       wait 50 ms before the answer
    /chunks/500     text deltas in a stream (default 100)
    /gap/2          wait 2 ms before each event, as a model does: the client wakes for every one
    /pieces/1000    cut the stream into writes of 1000 bytes, wherever that falls (else one event per write)
    /together/500   go on after a stream's first event once 500 streams have come so far
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import resource
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from benchmarks import responses

DIMENSIONS = 1024
DELTAS = ("你好", ",", "今天", "我们", " measure", " what", " a client", "加了", "多少", "。")
REPLY_TEXT = "".join(DELTAS) * 4
USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 40,
    "total_tokens": 52,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
ENVELOPE = {
    "id": "0217519500000000000000000000000000000000000000000000a",
    "created": 1751950000,
    "model": "doubao-seed-1-6-250615",
    "service_tier": "default",
}
HEAD = (
    "HTTP/1.1 {status}\r\nServer: bench\r\nDate: Tue, 08 Jul 2025 05:00:00 GMT\r\n"
    "X-Request-Id: 20250708130000000000000000000000\r\nContent-Type: {kind}\r\n{length}\r\n\r\n"
)


@dataclass(frozen=True)
class Settings:
    """What a path asks for."""

    delay: float = 0.0  # seconds
    chunks: int = 100
    gap: float = 0.0  # seconds
    pieces: int = 0  # bytes
    together: int = 0

    @classmethod
    def of(cls, path: str) -> "Settings":
        asked = dict(re.findall(r"/(delay|chunks|gap|pieces|together)/(\d+(?:\.\d+)?)", path))
        return cls(
            delay=float(asked.get("delay", 0)) / 1000,
            chunks=int(asked.get("chunks", cls.chunks)),
            gap=float(asked.get("gap", 0)) / 1000,
            pieces=int(asked.get("pieces", 0)),
            together=int(asked.get("together", 0)),
        )


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _response(body: bytes, status: str = "200 OK") -> bytes:
    length = f"Content-Length: {len(body)}"
    return HEAD.format(status=status, kind="application/json", length=length).encode() + body


@lru_cache
def completion() -> bytes:
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "logprobs": None,
        "message": {"role": "assistant", "content": REPLY_TEXT},
    }
    return _response(_dump({"choices": [choice], **ENVELOPE, "object": "chat.completion", "usage": USAGE}))


def _event(choices: list[object], usage: object = None) -> bytes:
    payload = {"choices": choices, **ENVELOPE, "object": "chat.completion.chunk", "usage": usage}
    return b"data: " + _dump(payload) + b"\n\n"


def _delta(text: str, finish_reason: str | None = None) -> bytes:
    delta = {"content": text, "role": "assistant"}
    return _event([{"delta": delta, "index": 0, "finish_reason": finish_reason, "logprobs": None}])


DELTA_EVENTS = tuple(map(_delta, DELTAS))


def events(chunks: int, *, usage: bool) -> Iterator[bytes]:
    """`chunks` deltas with text, one that closes, usage where it was asked for, and the end mark."""
    for position in range(chunks):
        yield DELTA_EVENTS[position % len(DELTA_EVENTS)]
    yield _delta("", "stop")
    if usage:
        yield _event([], USAGE)
    yield b"data: [DONE]\n\n"


@lru_cache
def response() -> bytes:
    return _response(_dump(responses.reply(REPLY_TEXT)))


def response_events(chunks: int) -> tuple[bytes, ...]:
    """A stream of the Responses API with `chunks` text deltas."""
    return responses.stream(tuple(DELTAS[position % len(DELTAS)] for position in range(chunks)))


def pieces_of(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    everything = b"".join(parts)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def _vector(encoding: str) -> object:
    """A vector as JSON numbers or as base64 of little-endian floats."""
    packed = struct.pack(f"<{DIMENSIONS}f", *(((7 * i) % 1999 - 999) / 31_337 for i in range(DIMENSIONS)))
    return base64.b64encode(packed).decode() if encoding == "base64" else struct.unpack(f"<{DIMENSIONS}f", packed)


@lru_cache
def multimodal_embedding(encoding: str) -> bytes:
    """One vector: an object where the other endpoint has a list."""
    data = {"object": "embedding", "embedding": _vector(encoding)}
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return _response(_dump({**ENVELOPE, "object": "list", "data": data, "usage": usage}))


@lru_cache
def embeddings(count: int, encoding: str) -> bytes:
    """`count` vectors in one reply."""
    vector = _vector(encoding)
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)]
    usage = {"prompt_tokens": 8 * count, "total_tokens": 8 * count}
    return _response(_dump({**ENVELOPE, "object": "list", "data": data, "usage": usage}))


GATHERED: list[asyncio.Future[None]] = []


async def _together(count: int) -> None:
    """Wait until so many are here."""
    GATHERED.append(asyncio.get_running_loop().create_future())
    if len(GATHERED) < count:
        await GATHERED[-1]
        return
    for waiting in GATHERED:
        waiting.set_result(None)
    GATHERED.clear()


def allow_descriptors() -> int:
    """Raise this process's limit of file descriptors as far as it may; gives the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 32_768 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


async def _stream(writer: asyncio.StreamWriter, settings: Settings, parts: Iterable[bytes]) -> None:
    length = "Transfer-Encoding: chunked"
    writer.write(HEAD.format(status="200 OK", kind="text/event-stream; charset=utf-8", length=length).encode())
    if settings.pieces:
        parts = pieces_of(parts, settings.pieces)
    for part in parts:
        if settings.gap:
            await asyncio.sleep(settings.gap)
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        await writer.drain()
        if settings.together:
            await _together(settings.together)
            settings = replace(settings, together=0)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _answer(path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
    settings = Settings.of(path)
    request = json.loads(body)
    if settings.delay:
        await asyncio.sleep(settings.delay)
    if path.endswith("/embeddings/multimodal"):
        writer.write(multimodal_embedding(request.get("encoding_format") or "float"))
    elif path.endswith("/embeddings"):
        count = len(request["input"]) if isinstance(request["input"], list) else 1
        writer.write(embeddings(count, request.get("encoding_format") or "float"))
    elif path.endswith("/responses"):
        if request.get("stream"):
            await _stream(writer, settings, response_events(settings.chunks))
        else:
            writer.write(response())
    elif not path.endswith("/chat/completions"):
        writer.write(_response(_dump({"error": {"code": "NotFound", "message": path}}), "404 Not Found"))
    elif request.get("stream"):
        usage = bool((request.get("stream_options") or {}).get("include_usage"))
        await _stream(writer, settings, events(settings.chunks, usage=usage))
    else:
        writer.write(completion())


async def _serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b"{}"
            await _answer(head.split(" ", 2)[1], body, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client went away
    finally:
        writer.close()


async def _serve(certificate: str | None) -> None:
    allow_descriptors()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(_serve_connection, "127.0.0.1", 0, backlog=4096, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    await server.serve_forever()


def _leave_with_parent() -> None:
    sys.stdin.read()  # returns when whoever started us closes the pipe or dies
    os._exit(0)


@contextlib.contextmanager
def trusted_certificate() -> Iterator[str]:
    """Make a certificate for the server, and have this process trust it; gives the path of certificate and key."""
    import trustme

    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        trusted, own = Path(folder, "ca.pem"), Path(folder, "server.pem")
        authority.cert_pem.write_to_path(trusted)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(own)
        os.environ["SSL_CERT_FILE"] = str(trusted)
        try:
            yield str(own)
        finally:
            del os.environ["SSL_CERT_FILE"]


@contextlib.contextmanager
def running(certificate: str | None = None) -> Iterator[str]:
    """Run the server in another process; gives its origin, such as `http://127.0.0.1:40123`.

    With the path of a certificate and its key it speaks TLS.
    """
    command = [sys.executable, "-m", "benchmarks.server", *([certificate] if certificate else [])]
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C ends us, and with us the pipe, and with that the server.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield f"http{'s' if certificate else ''}://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1] if len(sys.argv) > 1 else None))
