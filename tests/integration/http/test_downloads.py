"""Links of replies are saved without credentials, and whole or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_volcark import ChatArk
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    NotFoundError,
    PermissionDeniedError,
    ResponseFormatError,
)
from tests.unit.raw_server import Connection, RawServer, raw_server, reply

Download = Callable[..., Awaitable[httpx.Headers]]
PICTURE = bytes(range(256)) * 1000


@pytest.fixture(params=["sync", "async", "own client", "own async client"])
async def download(request: pytest.FixtureRequest, server: RawServer) -> Any:
    secret = {"headers": {"Authorization": "Bearer client-secret"}}
    with httpx.Client(**secret) as client:
        async with httpx.AsyncClient(**secret) as async_client:
            own = {"own client": {"http_client": client}, "own async client": {"http_async_client": async_client}}

            async def save(url: str, path: Path, **arguments: Any) -> httpx.Headers:
                model = ChatArk(
                    model="m",
                    api_key="sk-secret",
                    base_url=server.url,
                    default_headers={"X-Tenant": "mine"},
                    **own.get(request.param, {}),
                    **arguments,
                )
                if "async" in request.param:
                    return await model._client.adownload(url, path)
                return model._client.download(url, path)

            yield save


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picture.png"


async def test_a_link_is_saved_without_credentials(download: Download, server: RawServer, path: Path) -> None:
    server.handler = lambda connection, request: reply(PICTURE, headers="Content-Type: image/png\r\n")
    headers = await download(f"{server.url}a.png?X-Tos-Signature=abc", path)
    assert path.read_bytes() == PICTURE
    assert headers["content-type"] == "image/png"
    request = server.requests[0]
    assert request.startswith(b"GET /a.png?X-Tos-Signature=abc HTTP/1.1\r\n")
    assert not any(word in request.lower() for word in (b"authorization", b"secret", b"tenant"))


async def test_redirects_are_followed(download: Download, server: RawServer, path: Path) -> None:
    def lead_on(connection: Connection, request: bytes) -> bytes:
        if b" /b.png " in request:
            return reply(PICTURE)
        return reply(status="302 Found", headers="Location: /b.png\r\n")

    server.handler = lead_on
    await download(f"{server.url}a.png", path)
    assert path.read_bytes() == PICTURE


async def test_redirects_end(download: Download, server: RawServer, path: Path) -> None:
    server.handler = lambda connection, request: reply(status="302 Found", headers="Location: /a.png\r\n")
    with pytest.raises(ResponseFormatError, match="redirected more than 5 times"):
        await download(f"{server.url}a.png", path)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://[", "ftp://example.com/a"])
async def test_redirects_stay_on_the_web(
    download: Download, server: RawServer, path: Path, waits: list[float], location: str
) -> None:
    server.handler = lambda connection, request: reply(status="302 Found", headers=f"Location: {location}\r\n")
    with pytest.raises((ResponseFormatError, APIConnectionError)):
        await download(f"{server.url}a.png", path)


async def test_a_link_that_has_expired_is_an_error(
    download: Download, server: RawServer, path: Path, waits: list[float]
) -> None:
    server.handler = lambda connection, request: reply(
        b"<Error>Request has expired</Error>", status="403 Forbidden"
    )
    with pytest.raises(PermissionDeniedError, match="Request has expired"):
        await download(f"{server.url}a.png?X-Tos-Signature=abc", path)
    assert list(path.parent.iterdir()) == []


async def test_the_storage_s_own_words_are_the_error(
    download: Download, server: RawServer, path: Path, waits: list[float]
) -> None:
    said = b'{"Code": "AccessDenied", "RequestId": "0217", "Message": "Request has expired."}'
    server.handler = lambda connection, request: reply(said, status="403 Forbidden")
    with pytest.raises(PermissionDeniedError) as caught:
        await download(f"{server.url}a.png?X-Tos-Signature=abc", path)
    error = caught.value
    assert (error.message, error.code, error.request_id) == ("Request has expired.", "AccessDenied", "0217")
    server.handler = lambda connection, request: reply(
        said, status="404 Not Found", headers="X-Tos-Request-Id: 0218\r\n"
    )
    with pytest.raises(NotFoundError) as missing:
        await download(f"{server.url}a.png", path)
    assert missing.value.request_id == "0218"


async def test_a_transfer_that_breaks_leaves_nothing_and_is_repeated(
    download: Download, server: RawServer, path: Path, waits: list[float]
) -> None:
    def break_off(connection: Connection, request: bytes) -> bytes | None:
        if len(server.requests) < 3:
            connection.send(reply(PICTURE)[:-100])
            return None
        return reply(PICTURE)

    path.write_bytes(b"what was there")
    server.handler = break_off
    await download(f"{server.url}a.png", path)
    assert path.read_bytes() == PICTURE
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert len(waits) == 2


async def test_a_transfer_that_keeps_breaking_keeps_the_old_file(
    download: Download, server: RawServer, path: Path, waits: list[float]
) -> None:
    def break_off(connection: Connection, request: bytes) -> None:
        connection.send(reply(PICTURE)[:-100])

    path.write_bytes(b"what was there")
    server.handler = break_off
    with pytest.raises(APIConnectionError):
        await download(f"{server.url}a.png", path)
    assert path.read_bytes() == b"what was there"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_a_transfer_without_end_ends(download: Download, server: RawServer, path: Path) -> None:
    def drip(connection: Connection, request: bytes) -> bytes:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not connection.server.release.wait(0.05):
            try:
                connection.socket.sendall(b"x")
            except OSError:
                break
        return b""

    server.handler = drip
    with pytest.raises(APITimeoutError):
        await download(f"{server.url}a.png", path, timeout=0.3, max_retries=0)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("link", ["", "not a link", "file:///etc/passwd", "http://", "http://[::1", 7])
async def test_what_is_no_link_is_refused(download: Download, path: Path, link: Any) -> None:
    with pytest.raises(ResponseFormatError, match="is not a URL"):
        await download(link, path)


async def test_a_folder_that_does_not_exist_is_named(download: Download, server: RawServer, path: Path) -> None:
    server.handler = lambda connection, request: reply(PICTURE)
    with pytest.raises(FileNotFoundError):
        await download(f"{server.url}a.png", path / "missing" / "a.png")
