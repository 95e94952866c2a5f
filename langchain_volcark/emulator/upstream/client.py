"""Client for the upstream server."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from langchain_volcark.emulator.upstream.errors import UpstreamError, refusal
from langchain_volcark.emulator.upstream.replies import Unprefixed, UpstreamReply, read

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from langchain_volcark.emulator.upstream.asking import Question
    from langchain_volcark.emulator.upstream.replies import Piece

Json = dict[str, Any]

_CONNECT_TIMEOUT = 10.0
_DONE = b"[DONE]"
_LOOPBACK = ("127.", "localhost", "::1")


def check_url(url: str) -> str:
    """Normalise a base URL: no trailing slash, and `/v1` if it has no path.

    Raises:
        ValueError: It is not an HTTP URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"upstream must be the address of a server, like http://127.0.0.1:11434/v1, not {url!r}")
    plain = url.rstrip("/")
    return plain if parts.path.strip("/") else f"{plain}/v1"


class Upstream:
    """An OpenAI-compatible server.

    Used on the emulator's event loop; it connects on first use.

    Args:
        url: Its base URL, such as `http://127.0.0.1:11434/v1`.
        model: The model to use; None for the first one that the server lists.
        key: Its API key, if it needs one.
        timeout: Read timeout in seconds.
    """

    def __init__(
        self, url: str, *, model: str | None = None, key: str | None = None, timeout: float = 600.0
    ) -> None:
        self._url = check_url(url)
        self._model = model
        self._key = key
        self._timeout = timeout
        self._client: httpx.AsyncClient | None = None

    async def ask(self, question: Question, fallback: str) -> UpstreamReply:
        """Request a complete reply.

        Args:
            question: The request.
            fallback: Model name if the server lists none.

        Raises:
            UpstreamError: The request failed.
        """
        body = {"model": await self._name(fallback), **question.fields, "stream": False}
        received = read(await self._post("/chat/completions", body), "message")
        return UpstreamReply([_without(question.prefill, piece) for piece in received.pieces], received.usage)

    async def stream(self, question: Question, fallback: str) -> UpstreamStream:
        """Request a stream and read its first event.

        Args:
            question: The request.
            fallback: Model name if the server lists none.

        Raises:
            UpstreamError: The request failed.
        """
        options = {"include_usage": True}
        if question.usage_in_chunks:
            options["continuous_usage_stats"] = True  # specific to vLLM; others ignore it
        name = await self._name(fallback)
        body = {"model": name, **question.fields, "stream": True, "stream_options": options}
        with _transport_errors():
            request = self._http().build_request("POST", f"{self._url}/chat/completions", json=body)
            response = await self._http().send(request, stream=True)
        try:
            if not response.is_success:
                with _transport_errors():
                    await response.aread()
                raise refusal(response.status_code, response.content, response.headers.get("retry-after"))
            stream = UpstreamStream(response, question.prefill)
            await stream.begin()
        except BaseException:
            await response.aclose()
            raise
        return stream

    async def embed(self, texts: list[str], fallback: str) -> tuple[list[list[float]], int]:
        """Embed texts; return the vectors and the number of tokens.

        Args:
            texts: The texts.
            fallback: Model name if the server lists none.

        Raises:
            UpstreamError: The request failed.
        """
        body = {"model": await self._name(fallback), "input": texts, "encoding_format": "float"}
        payload = await self._post("/embeddings", body)
        rows = payload.get("data") if isinstance(payload, dict) else None
        try:
            ordered = sorted(rows or (), key=lambda row: int(row["index"]))
            vectors = [[float(number) for number in row["embedding"]] for row in ordered]
        except (TypeError, KeyError, ValueError):
            vectors = []
        if len(vectors) != len(texts):
            raise UpstreamError("broken", "The upstream server's vectors are not in the form of OpenAI's API")
        used = (payload.get("usage") or {}).get("prompt_tokens")
        return vectors, used if isinstance(used, int) else 0

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            local = (urlsplit(self._url).hostname or "").startswith(_LOOPBACK)
            self._client = httpx.AsyncClient(
                headers=headers,
                timeout=httpx.Timeout(self._timeout, connect=_CONNECT_TIMEOUT),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
                trust_env=not local,  # a proxy cannot reach this machine's own ports
            )
        return self._client

    async def _name(self, fallback: str) -> str:
        if self._model is None:
            with _transport_errors():
                response = await self._http().get(f"{self._url}/models")
            self._model = _first_model(response) or fallback
        return self._model

    async def _post(self, path: str, body: Json) -> Any:
        with _transport_errors():
            response = await self._http().post(f"{self._url}{path}", json=body)
        if not response.is_success:
            raise refusal(response.status_code, response.content, response.headers.get("retry-after"))
        return _parse(response.content)


class UpstreamStream:
    """A streamed reply; iterate it once, and close it."""

    def __init__(self, response: httpx.Response, prefill: str | None) -> None:
        self._response = response
        self._prefill = prefill
        self._texts: dict[int, Unprefixed] = {}
        self._open: set[int] = set()
        self._ahead: list[UpstreamReply | None] = []
        self._events = _events(response)

    async def begin(self) -> None:
        """Read the first event, so that an immediate error becomes an error reply."""
        self._ahead.append(await self._next())

    def __aiter__(self) -> UpstreamStream:
        return self

    async def __anext__(self) -> UpstreamReply:
        """Return the next event.

        Raises:
            UpstreamError: The stream was interrupted.
        """
        received = self._ahead.pop() if self._ahead else await self._next()
        if received is None:
            raise StopAsyncIteration
        return received

    async def aclose(self) -> None:
        """Close the stream, so that the server stops generating."""
        await self._events.aclose()
        await self._response.aclose()

    async def _next(self) -> UpstreamReply | None:
        try:
            with _transport_errors():
                data = await anext(self._events, None)
        except UpstreamError:
            if not self._finished:
                raise
            data = _DONE  # the answer is complete, only the end marker is missing
        if data == _DONE:
            return None
        if data is None:
            if self._finished:
                return None
            raise UpstreamError("broken", "The upstream server's stream ended in the middle of the reply")
        received = read(_parse(data), "delta")
        return UpstreamReply([self._without_prefill(piece) for piece in received.pieces], received.usage)

    @property
    def _finished(self) -> bool:
        """Whether every choice that has begun has a finish reason."""
        return bool(self._texts) and not self._open

    def _without_prefill(self, piece: Piece) -> Piece:
        text = self._texts.setdefault(piece.index, Unprefixed(self._prefill))
        last = piece.finish_reason is not None
        (self._open.discard if last else self._open.add)(piece.index)
        return replace(piece, content=text.add(piece.content, last=last))


def _without(prefill: str | None, piece: Piece) -> Piece:
    return replace(piece, content=Unprefixed(prefill).add(piece.content, last=True))


async def _events(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the data of each event; comments, names and ids are skipped."""
    buffer = b""
    async for data in response.aiter_bytes():
        buffer += data
        # str.splitlines would also split at characters that may occur inside JSON.
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line.removeprefix(b"data:").strip()
    if buffer.startswith(b"data:"):
        yield buffer.removeprefix(b"data:").strip()


@contextmanager
def _transport_errors() -> Iterator[None]:
    """Convert httpx errors to `UpstreamError`."""
    try:
        yield
    except httpx.ConnectError as error:
        raise UpstreamError("broken", f"The upstream server cannot be reached: {error}") from None
    except httpx.TimeoutException:
        raise UpstreamError("broken", "The upstream server was silent for too long") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words = str(error) or type(error).__name__
        raise UpstreamError("broken", f"The upstream server hung up: {words}") from None


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise UpstreamError("broken", "The upstream server sent what is no JSON") from None


def _first_model(response: httpx.Response) -> str | None:
    """Return the first id in a list of models; None without a list."""
    try:
        name = response.json()["data"][0]["id"]
    except (ValueError, LookupError, TypeError):
        return None
    return name if isinstance(name, str) else None
