"""V2: authentication, routing, replies and errors.

https://cloud.baidu.com/doc/qianfan-api/s/wmwbl48n4
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from langchain_volcark.emulator.qianfan import relay, vectors
from langchain_volcark.emulator.qianfan.errors import V2Error, invalid
from langchain_volcark.emulator.qianfan.ids import reply_id
from langchain_volcark.emulator.qianfan.v2_request import read_chat_request
from langchain_volcark.emulator.qianfan.v2_wire import V2Answer
from langchain_volcark.emulator.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_volcark.emulator.qianfan.accounts import QianfanAccount
    from langchain_volcark.emulator.state import RecordedRequest
    from langchain_volcark.emulator.upstream.client import Upstream

PREFIX = "/v2/"


class V2Service:
    """The V2 API."""

    def __init__(self, account: QianfanAccount, upstream: Upstream | None = None) -> None:
        self._account = account
        self._upstream = upstream
        self._routes: dict[str, Callable[[dict[str, Any], str], Awaitable[Response]]] = {
            "chat/completions": self._chat,
            "embeddings": self._embeddings,
            # The documentation has the first, the vendor's SDKs use the second.
            "rerank": _rerank,
            "rerankers": _rerank,
        }

    def owns(self, path: str) -> bool:
        """Whether the path is under `/v2/`."""
        return path.startswith(PREFIX)

    def new_request_id(self) -> str:
        """Return a request id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> dict[str, str]:  # noqa: ARG002
        """Return the header with the request id."""
        return {"X-Request-Id": request_id}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error in V2's format."""
        return V2Error(status, code, message).response(request_id)

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Route and answer a request."""
        route = self._routes.get(request.path.removeprefix(PREFIX))
        try:
            if route is None:
                return PlainTextResponse("404 page not found", 404)
            self._authorise(request)
            if request.method != "POST":
                raise V2Error(405, "method_not_supported", "Only POST requests are accepted")
            return await route(_parse(request.body), request_id)
        except V2Error as error:
            return error.response(request_id)

    def _authorise(self, request: RecordedRequest) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self._account.accepts_bearer(key):
            raise V2Error(401, "invalid_iam_token", "IAM Certification failed")
        application = request.headers.get("appid")
        if application and application != self._account.app_id:
            raise V2Error(401, "invalid_appid", f"The appid {application} is not yours")

    async def _chat(self, body: dict[str, Any], request_id: str) -> Response:
        request = read_chat_request(body)
        answer = V2Answer(request, request_id)
        if self._upstream is not None and not answer.unsafe:
            return await relay.v2_chat(self._upstream, request, request_id)
        return EventStream(answer.events()) if request.chat.stream else JSONResponse(answer.whole())

    async def _embeddings(self, body: dict[str, Any], request_id: str) -> Response:
        model = vectors.MODELS.get(body.get("model", ""))
        if model is None:
            raise V2Error(401, "invalid_model", f"No permission to use the model {body.get('model')}")
        if body.get("encoding_format") not in (None, "float"):
            raise invalid("encoding_format must be float")
        reply = _vectors(request_id, body["model"], lambda: vectors.embed(model, body.get("input")))
        if self._upstream is None:
            return reply
        return JSONResponse(await relay.v2_embeddings(self._upstream, body, request_id))


def _parse(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body.decode())
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise V2Error(400, "malformed_json", "The body is not a JSON object")
    return parsed


async def _rerank(body: dict[str, Any], request_id: str) -> Response:
    if body.get("model") != vectors.RERANKER:
        raise V2Error(401, "invalid_model", f"No permission to use the model {body.get('model')}")
    return _vectors(request_id, vectors.RERANKER, lambda: vectors.rerank(body))


def _vectors(request_id: str, model: str, make: Any) -> Response:
    try:
        return JSONResponse({"id": request_id, **make(), "model": model})
    except vectors.VectorError as error:
        raise V2Error(400, "tokens_too_long" if error.too_long else "invalid_argument", error.message) from None
