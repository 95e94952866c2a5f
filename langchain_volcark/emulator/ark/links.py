"""Links to generated files, which need no key and expire: the object storage that Ark's results are in.

Links of pictures and videos live 24 hours: https://www.volcengine.com/docs/82379/1521309.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.ids import reply_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_volcark.emulator.state import RecordedRequest

PREFIX = "/tos/"
LIFETIME = 24 * 60 * 60
_MOST = 1000  # links; the oldest are forgotten, so that an emulator that runs for days stays small


@dataclass(frozen=True)
class _File:
    data: bytes | Callable[[], bytes]
    media_type: str
    signature: str
    expires_at: datetime


class Links:
    """The emulated object storage, under `/tos/`."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, _File] = OrderedDict()

    def publish(
        self, request: RecordedRequest, name: str, data: bytes | Callable[[], bytes], media_type: str
    ) -> str:
        """Keep a file for 24 hours.

        Args:
            request: The request that it answers; the link begins with the address that this was sent to.
            name: Path of the file, which becomes part of the link.
            data: Its content, or what makes it whenever the link is fetched.
            media_type: Its content type.

        Returns:
            The link, signed like the real ones.
        """
        file = _File(data, media_type, secrets.token_hex(32), request.received_at + timedelta(seconds=LIFETIME))
        path = f"{PREFIX}{name}"
        self._files[path] = file
        while len(self._files) > _MOST:
            self._files.popitem(last=False)
        query = (
            f"X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Date={request.received_at:%Y%m%dT%H%M%SZ}"
            f"&X-Tos-Expires={LIFETIME}&X-Tos-Signature={file.signature}"
        )
        return f"http://{request.headers['host']}{path}?{query}"

    def owns(self, path: str) -> bool:
        """Whether the path is under `/tos/`."""
        return path.startswith(PREFIX)

    def new_request_id(self) -> str:
        """Return a request id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> Mapping[str, str]:  # noqa: ARG002
        """Return headers with the request id."""
        return {"Server": "TosServer", "X-Tos-Request-Id": request_id}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error in the format of the object storage."""
        return JSONResponse({"Code": code, "RequestId": request_id, "Message": message}, status)

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Send a file."""
        file = self._files.get(request.path)
        if request.method != "GET":
            return self.failure(request_id, 405, "MethodNotAllowed", "The method is not allowed.")
        if "authorization" in request.headers:
            # A link is signed in its query; a key beside that is a second signature, and a leak.
            return self.failure(
                request_id, 400, "InvalidArgument", "Only one auth mechanism allowed: query or Authorization."
            )
        if file is None:
            return self.failure(request_id, 404, "NoSuchKey", "The specified key does not exist.")
        if request.query.get("X-Tos-Signature") != file.signature:
            return self.failure(
                request_id, 403, "SignatureDoesNotMatch", "The signature in the request does not match."
            )
        if request.received_at >= file.expires_at:
            return self.failure(request_id, 403, "AccessDenied", "Request has expired.")
        data = file.data if isinstance(file.data, bytes) else await run_in_threadpool(file.data)
        return Response(data, media_type=file.media_type)
