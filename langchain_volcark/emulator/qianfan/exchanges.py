"""Token endpoints: OAuth access tokens for V1, short-term API keys for V2.

OAuth: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5. Short-term V2 keys:
https://cloud.baidu.com/doc/qianfan-api/s/wmwbl48n4.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.qianfan.accounts import LIFETIME
from langchain_volcark.emulator.qianfan.bce import BceSignatureError, verify
from langchain_volcark.emulator.qianfan.ids import reply_id

if TYPE_CHECKING:
    from datetime import datetime

    from langchain_volcark.emulator.qianfan.accounts import QianfanAccount
    from langchain_volcark.emulator.state import RecordedRequest

OAUTH_PATH = "/oauth/2.0/token"
BEARER_PATH = "/v1/BCE-BEARER/token"
_SHORTEST, _LONGEST, _USUAL = 300, 2_592_000, 1800


class OAuthService:
    """Issues access tokens for an application's keys, which are in the query."""

    def __init__(self, account: QianfanAccount) -> None:
        self._account = account

    def owns(self, path: str) -> bool:
        """Whether this is the endpoint's path."""
        return path == OAUTH_PATH

    def new_request_id(self) -> str:
        """Return a request id, which this endpoint does not send."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> dict[str, str]:  # noqa: ARG002
        """Return no headers."""
        return {}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:  # noqa: ARG002
        """Build an error in OAuth's format."""
        return JSONResponse({"error": code, "error_description": message}, status)

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Check the credentials and issue a token."""
        query = request.query
        if query.get("grant_type") != "client_credentials":
            return self.failure(request_id, 400, "unsupported_grant_type", "The grant type is not supported")
        if query.get("client_id") != self._account.client_id:
            return self.failure(request_id, 401, "invalid_client", "unknown client id")
        if query.get("client_secret") != self._account.client_secret:
            return self.failure(request_id, 401, "invalid_client", "Client authentication failed")
        return JSONResponse(
            {
                "access_token": self._account.issue_access_token(),
                "expires_in": LIFETIME,
                "refresh_token": "25.unused",
                "session_key": "unused",
                "session_secret": "unused",
                "scope": "public wise_adapt",
            }
        )


class BearerService:
    """Issues short-term V2 keys for signed requests."""

    def __init__(self, account: QianfanAccount) -> None:
        self._account = account

    def owns(self, path: str) -> bool:
        """Whether this is the endpoint's path."""
        return path == BEARER_PATH

    def new_request_id(self) -> str:
        """Return a request id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> dict[str, str]:  # noqa: ARG002
        """Return the header with the request id."""
        return {"X-Bce-Request-Id": request_id}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error in the gateway's format."""
        body = {"requestId": request_id, "code": code, "message": message}
        return JSONResponse(body, status, headers={"X-Bce-Error-Code": code, "X-Bce-Error-Message": message})

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Check the signature and the lifetime."""
        now = request.received_at
        if request.method != "GET":
            return self.failure(request_id, 405, "MethodNotAllowed", "GET only.")
        try:
            verify(request, self._account.access_key, self._account.secret_key, now)
        except BceSignatureError as error:
            return self.failure(request_id, 403, error.code, str(error))
        asked = request.query.get("expireInSeconds", str(_USUAL))
        if not asked.isdigit() or not _SHORTEST <= int(asked) <= _LONGEST:
            return self.failure(
                request_id, 400, "InvalidParameter", f"expireInSeconds: {_SHORTEST} to {_LONGEST}."
            )
        seconds = int(asked)
        return JSONResponse(
            {
                "userId": "emulator",
                "token": self._account.issue_bearer(seconds),
                "status": "enable",
                "createTime": _stamp(now),
                "expireTime": _stamp(now + timedelta(seconds=seconds)),
            }
        )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
