"""The knowledge base API: authentication, routing, replies and errors.

https://www.volcengine.com/docs/84313/1254485.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.ids import reply_id
from langchain_volcark.emulator.knowledge import chat, packaged, relay, search
from langchain_volcark.emulator.knowledge.errors import (
    NOT_IMPLEMENTED,
    UNAUTHORIZED,
    KnowledgeError,
    envelope,
    gateway_refusal,
    invalid,
)
from langchain_volcark.emulator.knowledge.request import flag
from langchain_volcark.emulator.knowledge.retrieval import FILES
from langchain_volcark.emulator.signature import REQUIRED_HEADERS, SignatureError, Signer, verify
from langchain_volcark.emulator.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.emulator.credentials import Credentials
    from langchain_volcark.emulator.knowledge.corpus import Collection
    from langchain_volcark.emulator.state import RecordedRequest
    from langchain_volcark.emulator.upstream.client import Upstream

PREFIX = "/api/knowledge/"
_SERVICE_CHAT = "service/chat"
_SEARCH = "collection/search_knowledge"
_MAX_BODY = 4 * 1024 * 1024
# The vendor's samples use the first region, its SDKs the second.
_REGION = re.compile(r"Credential=[^/]+/\d{8}/(?:cn-north-1|cn-beijing)/")


class KnowledgeService:
    """The knowledge base API under `/api/knowledge/`, and `/ping`."""

    def __init__(
        self, credentials: Credentials, collections: Sequence[Collection], upstream: Upstream | None = None
    ) -> None:
        self._credentials = credentials
        self._upstream = upstream
        self._collections = list(collections)
        self._prompts = chat.Prompts()
        self._routes = {
            "chat/completions": self._chat,
            _SEARCH: self._search,
            _SERVICE_CHAT: self._packaged,
            "service/rerank": self._rerank,
        }

    def owns(self, path: str) -> bool:
        """Whether the path is under `/api/knowledge/`, or `/ping`, which the older SDK calls first."""
        return path.startswith(PREFIX) or path == "/ping"

    def new_request_id(self) -> str:
        """Return a request id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> Mapping[str, str]:  # noqa: ARG002
        """Return the header with the log id."""
        return {"X-Tt-Logid": request_id}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error: in the service's format if the code is a number, else in the gateway's."""
        if code.isdigit():
            return JSONResponse(envelope(request_id, None, int(code), message), status)
        return gateway_refusal(request_id, code, message, status)

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Authenticate, route and answer a request."""
        name = request.path.removeprefix(PREFIX)
        if request.method == "GET" and request.path.startswith(FILES):
            return self._file(request.path.removeprefix(FILES))
        try:
            self._authorise(request, name)
            if request.path == "/ping":
                return JSONResponse(envelope(request_id, None))
            route = self._routes.get(name)
            if route is None or request.method != "POST":
                raise KnowledgeError(NOT_IMPLEMENTED, f"{request.method} {request.path} is not implemented")
            return await route(_parse(request.body), request, request_id)
        except SignatureError as error:
            return gateway_refusal(request_id, error.code, str(error), 401)
        except KnowledgeError as error:
            return error.response(request_id)

    def _authorise(self, request: RecordedRequest, name: str) -> None:
        header = request.headers.get("authorization", "")
        if header.startswith("Bearer "):
            # Keys belong to packaged services, but the real service accepts them for searches too.
            if name not in (_SERVICE_CHAT, _SEARCH) or header != f"Bearer {self._credentials.service_api_key}":
                raise KnowledgeError(UNAUTHORIZED, "unauthorized: the API key is wrong, or not for this call")
            return
        if not header:
            raise KnowledgeError(UNAUTHORIZED, "unauthorized: the request has no Authorization header")
        # One of the vendor's SDKs does not sign the host.
        signer = Signer(
            self._credentials.access_key, self._credentials.secret_key, "air", REQUIRED_HEADERS - {"host"}
        )
        verify(request, signer, request.received_at)
        if not _REGION.search(header):
            raise SignatureError("InvalidCredential", "The credential scope names a region that is not known.")

    async def _chat(self, body: dict[str, Any], _request: RecordedRequest, request_id: str) -> Response:
        result = chat.answer(body, self._credentials.api_key, self._prompts)
        if self._upstream is not None:
            flag(body, "stream")
            return await relay.chat_reply(self._upstream, body, result.prompt_tokens, request_id)
        if flag(body, "stream"):
            return EventStream(chat.events(result, body, request_id))
        if result.refused is not None:
            # Some errors have HTTP status 200.
            return JSONResponse(envelope(request_id, None, result.refused.code, result.refused.message))
        return JSONResponse(envelope(request_id, chat.reply(result, body)))

    async def _search(self, body: dict[str, Any], request: RecordedRequest, request_id: str) -> Response:
        collection = search.find_collection(self._collections, body)
        return JSONResponse(envelope(request_id, search.search(collection, body, _origin(request))))

    async def _packaged(self, body: dict[str, Any], request: RecordedRequest, request_id: str) -> Response:
        collection, answers = packaged.find_service(self._collections, body)
        data = packaged.run(collection, body, _origin(request), answers=answers)
        streams = flag(body, "stream", default=True)
        if self._upstream is not None and answers:
            return await relay.packaged_reply(self._upstream, body, data, request_id, stream=streams)
        if streams:
            return EventStream(packaged.events(data, request_id))
        return JSONResponse(envelope(request_id, {**data, "end": True}))

    async def _rerank(self, body: dict[str, Any], _request: RecordedRequest, request_id: str) -> Response:
        return JSONResponse(envelope(request_id, search.rerank(body)))

    def _file(self, point_id: str) -> Response:
        for collection in self._collections:
            for chunk in collection.chunks:
                if chunk.point_id == point_id and chunk.image is not None:
                    return Response(chunk.image, media_type=chunk.media_type)
        return Response("no such file", 404)


def _origin(request: RecordedRequest) -> str:
    return f"http://{request.headers['host']}"


def _parse(body: bytes) -> dict[str, Any]:
    if len(body) > _MAX_BODY:
        raise invalid("the body is larger than 4 MB")
    try:
        parsed = json.loads(body.decode("utf-8"))
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise invalid("the body is not a JSON object")
    # null means absent.
    return {name: value for name, value in parsed.items() if value is not None}
