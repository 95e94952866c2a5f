"""V1: authentication, routing, replies and errors, both with HTTP status 200.

https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.qianfan import relay, vectors
from langchain_volcark.emulator.qianfan.bce import BceSignatureError, verify
from langchain_volcark.emulator.qianfan.errors import V1Error, invalid_param
from langchain_volcark.emulator.qianfan.ids import reply_id
from langchain_volcark.emulator.qianfan.v1_request import read_chat_request
from langchain_volcark.emulator.qianfan.v1_wire import V1Answer
from langchain_volcark.emulator.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_volcark.emulator.qianfan.accounts import QianfanAccount
    from langchain_volcark.emulator.state import RecordedRequest
    from langchain_volcark.emulator.upstream.client import Upstream

PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop/"
UNKNOWN_ENDPOINT = "no_such_service"
UNPUBLISHED_ENDPOINT = "unpublished_service"


class V1Service:
    """The V1 API."""

    def __init__(self, account: QianfanAccount, upstream: Upstream | None = None) -> None:
        self._account = account
        self._upstream = upstream
        self._routes: dict[str, Callable[[dict[str, Any], str, str], Awaitable[Response]]] = {
            "chat": self._chat,
            "embeddings": _embeddings,
            "reranker": _rerank,
        }

    def owns(self, path: str) -> bool:
        """Whether the path is under V1's base path."""
        return path.startswith(PREFIX)

    def new_request_id(self) -> str:
        """Return a request id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> dict[str, str]:  # noqa: ARG002
        """Return the request id, and the AI content label required by law."""
        return {"X-Baidu-Request-Id": request_id, "Statement": "AI-generated"}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error in V1's format; codes that are not numbers are the gateway's, sent in headers."""
        if code.isdigit():
            response = V1Error(int(code), message).response(request_id)
            response.status_code = status
            return response
        return Response(b"", status, headers={"X-Bce-Error-Code": code, "X-Bce-Error-Message": message})

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Route and answer a request."""
        kind, _, endpoint = request.path.removeprefix(PREFIX).partition("/")
        route = self._routes.get(kind)
        try:
            if route is None or not endpoint or "/" in endpoint or endpoint == UNKNOWN_ENDPOINT:
                raise V1Error(3, "Unsupported openapi method")
            if request.method != "POST":
                raise V1Error(336101, "Invalid HTTP method")
            self._authorise(request)
            if endpoint == UNPUBLISHED_ENDPOINT:
                raise V1Error(6, "No permission to access data")
            return await route(_parse(request.body), endpoint, request_id)
        except V1Error as error:
            return error.response(request_id)

    def _authorise(self, request: RecordedRequest) -> None:
        token = request.query.get("access_token")
        if token is not None:
            state = self._account.access_token_state(token)
            if state == "unknown":
                raise V1Error(110, "Access token invalid or no longer valid")
            if state == "expired":
                raise V1Error(111, "Access token expired")
            return
        if "authorization" not in request.headers:
            raise V1Error(100, "Invalid parameter")
        try:
            verify(request, self._account.access_key, self._account.secret_key, request.received_at)
        except BceSignatureError as error:
            headers = {"X-Bce-Error-Code": error.code, "X-Bce-Error-Message": str(error)}
            raise V1Error(14, "IAM Certification failed", headers) from None

    async def _chat(self, body: dict[str, Any], endpoint: str, request_id: str) -> Response:
        request = read_chat_request(body, endpoint)
        answer = V1Answer(request, request_id)
        if self._upstream is not None and not answer.unsafe:
            return await relay.v1_chat(self._upstream, request, request_id)
        if request.body.get("stream"):
            return EventStream(answer.events(), media_type="text/event-stream;charset=utf-8")
        return JSONResponse(answer.whole(), headers={"Content-Type": "application/json;charset=utf-8"})


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body.decode())
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise V1Error(336002, "Invalid JSON")
    return parsed


async def _embeddings(body: dict[str, Any], endpoint: str, request_id: str) -> Response:
    model = vectors.MODELS.get(vectors.V1_NAMES.get(endpoint, ""))
    if model is None:
        raise V1Error(3, "Unsupported openapi method")
    if not isinstance(body.get("input"), list):
        raise invalid_param("input must be a list")
    try:
        return JSONResponse({"id": request_id, **vectors.embed(model, body["input"])})
    except vectors.VectorError as error:
        raise V1Error(336103 if error.too_long else 336003, error.message) from None


async def _rerank(body: dict[str, Any], endpoint: str, request_id: str) -> Response:
    if endpoint != vectors.V1_RERANKER:
        raise V1Error(3, "Unsupported openapi method")
    try:
        return JSONResponse({"id": request_id, **vectors.rerank(body)})
    except vectors.VectorError as error:
        raise V1Error(336103 if error.too_long else 336003, error.message) from None
