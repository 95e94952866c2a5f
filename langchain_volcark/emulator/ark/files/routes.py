"""The routes under `/files`.

Upload: https://www.volcengine.com/docs/82379/1870405. File object: https://www.volcengine.com/docs/82379/1873424.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.errors import ArkError
from langchain_volcark.emulator.ark.files.form import MAX_BYTES, read_upload

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.files.form import Upload
    from langchain_volcark.emulator.ark.files.store import Files
    from langchain_volcark.emulator.state import RecordedRequest

PATH = "files"
_FILE = re.compile(rf"{PATH}/([^/]+)")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_FETCH_TIMEOUT = 10


class FileRoutes:
    """Uploads, retrieves, lists and deletes files.

    Args:
        files: The stored files.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    def owns(self, method: str, path: str) -> bool:
        """Whether a request is for these routes."""
        if path == PATH:
            return method in ("POST", "GET")
        return method in ("GET", "DELETE") and _FILE.fullmatch(path) is not None

    async def handle(self, request: RecordedRequest, path: str, *, temporary_key: bool) -> Response:
        """Answer a request that these routes own.

        Args:
            request: The request.
            path: Its path below the base URL.
            temporary_key: Whether its key was issued for an access key pair.

        Raises:
            ArkError: It is refused.
        """
        if temporary_key and (request.method == "DELETE" or (request.method == "GET" and path == PATH)):
            raise ArkError(401, "AuthenticationError", "This API does not support AK/SK for now, use an API key.")
        if request.method == "POST":
            return JSONResponse(await self._upload(request))
        found = _FILE.fullmatch(path)
        if found is None:
            return JSONResponse(self._files.page(request.query))
        if request.method == "DELETE":
            self._files.delete(found[1])
            return JSONResponse({"object": "file", "id": found[1], "deleted": True})
        return JSONResponse(self._files.poll(found[1]).object())

    async def _upload(self, request: RecordedRequest) -> dict[str, object]:
        upload = await read_upload(request, int(request.received_at.timestamp()))
        if upload.content is not None:
            return self._files.create(upload, upload.content).object()
        try:
            content = await _fetch(upload)
        except ValueError as error:
            return self._files.create(upload, b"", str(error)).object()
        return self._files.create(upload, content).object()


async def _fetch(upload: Upload) -> bytes:
    """Fetch a file from a server on this machine; other servers are not asked, and the content is empty.

    Raises:
        ValueError: It cannot be fetched.
    """
    parts = urlsplit(upload.url or "")
    if parts.scheme == "tos" or not _LOOPBACK.fullmatch(parts.hostname or ""):
        return b""
    import httpx  # here, so that whoever has no such server does not load it

    try:
        # No proxy reaches this machine's own ports.
        async with httpx.AsyncClient(timeout=_FETCH_TIMEOUT, trust_env=False) as client:
            reply = await client.get(str(upload.url))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ValueError(f"the url cannot be fetched: {error or type(error).__name__}") from error
    if not reply.is_success:
        raise ValueError(f"the url cannot be fetched: HTTP {reply.status_code}")
    if not 0 < len(reply.content) <= MAX_BYTES:
        raise ValueError("the file at the url is empty or larger than 512 MB")
    return reply.content
