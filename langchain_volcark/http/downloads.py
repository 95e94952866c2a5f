"""Saves what a link of a reply leads to: without credentials, and never half a file."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

from langchain_volcark._version import __version__
from langchain_volcark.exceptions import ResponseFormatError
from langchain_volcark.http.deadline import aread_whole, limits, read_whole
from langchain_volcark.http.error_table import ErrorFacts, ErrorTable
from langchain_volcark.http.errors import connection_error, error_from_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

_HEADERS = {"accept-encoding": "identity", "user-agent": f"langchain-volcark/{__version__}"}
_MOST_REDIRECTS = 5


@dataclass(frozen=True)
class Download:
    """A file to fetch.

    Attributes:
        url: The link. Its query may hold a signature, so it is not shown.
        path: Where to save it.
        timeout: Its read part limits the whole transfer.
    """

    url: httpx.URL
    path: Path
    timeout: httpx.Timeout

    def request(self, url: httpx.URL) -> httpx.Request:
        """The request to the link, or to the address that it redirects to."""
        return httpx.Request("GET", url, headers=_HEADERS, extensions={"timeout": self.timeout.as_dict()})


class StorageErrors:
    """Reads the errors of object storages, where links lead to: `{"Code", "Message", "RequestId"}`.

    Their codes are not the service's: the HTTP status decides on the exception.
    """

    table = ErrorTable(())

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error of a body, or None."""
        if not isinstance(payload, dict):
            return None
        code, message = payload.get("Code"), payload.get("Message")
        return ErrorFacts(code, message) if isinstance(code, str) and isinstance(message, str) else None

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The storage's id of the request: from the headers, or the body."""
        found = headers.get("x-tos-request-id") or (
            payload.get("RequestId") if isinstance(payload, dict) else None
        )
        return found if isinstance(found, str) else None


def parse_link(link: str, base: str = "") -> httpx.URL:
    """Read a link of a reply.

    Args:
        link: The link.
        base: The address that it is relative to, if it may be relative.

    Raises:
        ResponseFormatError: It is not a URL of http or https.
    """
    try:
        url = httpx.URL(urljoin(base, link))
    except (httpx.InvalidURL, TypeError, ValueError):
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ResponseFormatError("A link of the reply is not a URL that begins with http:// or https://.")
    return url


def receive(send: Callable[[httpx.Request], httpx.Response], download: Download) -> httpx.Headers:
    """Fetch a file and save it.

    Args:
        send: Sends a request without credentials, and leaves the body unread.
        download: What to fetch, and where to save it.

    Returns:
        The reply's headers.

    Raises:
        VolcArkError: The reply is an error, or broke off. Nothing is left of the file.
        OSError: The file cannot be written.
    """
    url = download.url
    for _ in range(_MOST_REDIRECTS + 1):
        response = send(download.request(url))
        try:
            if not response.is_success:
                read_whole(response)
                url = _redirected(response)
                continue
            check = limits(response)
            with _whole_file(download.path) as file:
                for part in response.iter_bytes():
                    check(len(part))
                    file.write(part)
            return response.headers
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection_error(error, url) from error
        finally:
            response.close()
    raise _too_many_redirects()


async def areceive(
    send: Callable[[httpx.Request], Awaitable[httpx.Response]], download: Download
) -> httpx.Headers:
    """Same as `receive`, async; the file is written in threads."""
    url = download.url
    for _ in range(_MOST_REDIRECTS + 1):
        response = await send(download.request(url))
        try:
            if not response.is_success:
                await aread_whole(response)
                url = _redirected(response)
                continue
            check = limits(response)
            with _whole_file(download.path) as file:
                async for part in response.aiter_bytes():
                    check(len(part))
                    await asyncio.to_thread(file.write, part)
            return response.headers
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection_error(error, url) from error
        finally:
            await response.aclose()
    raise _too_many_redirects()


def _redirected(response: httpx.Response) -> httpx.URL:
    """Where a reply that is not a success leads to; raises its error if it is no redirect."""
    if not response.has_redirect_location:
        raise error_from_response(response, StorageErrors())
    return parse_link(response.headers["location"], base=str(response.request.url))


def _too_many_redirects() -> ResponseFormatError:
    return ResponseFormatError(f"The link was redirected more than {_MOST_REDIRECTS} times.")


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` once it is complete, and is removed if it is not."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with unfinished.open("xb") as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
