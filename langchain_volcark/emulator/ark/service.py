"""Ark's data plane: authentication, routing, replies and errors.

Chat API: https://www.volcengine.com/docs/82379/1494384.
"""

from __future__ import annotations

import gzip
import json
import random
import string
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark import relay, relay_embeddings
from langchain_volcark.emulator.ark.answer import compose
from langchain_volcark.emulator.ark.batch import batch_routes
from langchain_volcark.emulator.ark.bot_wire import bot_completion, bot_events
from langchain_volcark.emulator.ark.bots import bot_model, read_bot_request
from langchain_volcark.emulator.ark.embedding_models import (
    DEFAULT_TEXT_MODEL,
    DEFAULT_VISION_MODEL,
    EMBEDDING_MODELS,
    EmbeddingModel,
)
from langchain_volcark.emulator.ark.embedding_request import read_multimodal_request, read_text_request
from langchain_volcark.emulator.ark.embeddings import multimodal_embedding, text_embeddings
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.files.reading import read_files
from langchain_volcark.emulator.ark.files.routes import FileRoutes
from langchain_volcark.emulator.ark.ids import answering, body_id, reply_id
from langchain_volcark.emulator.ark.images import service as images
from langchain_volcark.emulator.ark.images.models import DEFAULT_IMAGE_MODEL, IMAGE_MODELS
from langchain_volcark.emulator.ark.models import CLOSED_ENDPOINT, DEFAULT_MODEL, MODELS, NOT_OPEN_MODEL, Model
from langchain_volcark.emulator.ark.request import read_chat_request
from langchain_volcark.emulator.ark.responses import service as responses
from langchain_volcark.emulator.ark.usage import PrefixCache
from langchain_volcark.emulator.ark.videos import service as videos
from langchain_volcark.emulator.ark.videos.models import DEFAULT_VIDEO_MODEL, VIDEO_MODELS
from langchain_volcark.emulator.ark.wire import chat_completion, chat_events
from langchain_volcark.emulator.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.emulator.ark.files.store import Files
    from langchain_volcark.emulator.ark.links import Links
    from langchain_volcark.emulator.credentials import Credentials
    from langchain_volcark.emulator.knowledge.corpus import Collection
    from langchain_volcark.emulator.state import RecordedRequest, State
    from langchain_volcark.emulator.upstream.client import Upstream

PREFIX = "/api/v3/"
_MAX_BODY = 64 * 1024 * 1024
_MODEL_IDS = frozenset({*MODELS, *EMBEDDING_MODELS, *IMAGE_MODELS, *VIDEO_MODELS})


class ArkService:
    """The data plane under `/api/v3`.

    Args:
        credentials: Accepted credentials.
        endpoints: Maps `ep-…` ids to model ids.
        collections: Knowledge bases for hosted tools.
        state: Has the controls: which hosted tools are not activated, how video tasks go.
        links: Keeps generated files.
        files: The uploaded files.
        upstream: The upstream server, if any.
    """

    def __init__(
        self,
        credentials: Credentials,
        endpoints: Mapping[str, str],
        collections: list[Collection],
        state: State,
        links: Links,
        files: Files,
        upstream: Upstream | None = None,
    ) -> None:
        self._credentials = credentials
        self._upstream = upstream
        for endpoint, model in endpoints.items():
            if model not in _MODEL_IDS:
                raise ValueError(f"The endpoint {endpoint} stands for {model}, which is none of the known models")
        self._endpoints = endpoints
        self._cache = PrefixCache()
        self._files = files
        self._file_routes = FileRoutes(files)
        self._responses = responses.Responses(
            self._cache, collections, lambda: state.closed_tools, files, upstream
        )
        self._images = images.Images(links)
        self._videos = videos.Videos(links, state.take_task_plan)
        self._routes = {
            ("POST", "chat/completions"): self._chat,
            ("POST", "bots/chat/completions"): self._bot_chat,
            ("POST", "embeddings"): self._embed_texts,
            ("POST", "embeddings/multimodal"): self._embed_multimodal,
            ("POST", responses.PATH): self._respond,
            ("POST", images.PATH): self._generate_images,
            ("POST", videos.PATH): self._create_video,
            ("POST", "tokenization"): self._tokenize,
            ("GET", "models"): self._list_models,
        }
        self._routes |= batch_routes(self._routes)

    def owns(self, path: str) -> bool:
        """Whether the path is under `/api/v3/`."""
        return path.startswith(PREFIX)

    def new_request_id(self) -> str:
        """Return a request id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> dict[str, str]:
        """Return headers with the request id, and with the client's own id if it sent one."""
        client_id = request.headers.get("x-client-request-id")
        unnamed = f"unknown-{time.strftime('%Y%m%d%H%M%S')}-{''.join(random.choices(string.ascii_letters, k=8))}"  # noqa: S311
        return {
            "Server": "istio-envoy",
            "X-Request-Id": request_id,
            "X-Client-Request-Id": client_id or unnamed,
            "X-Envoy-Upstream-Service-Time": "1",
        }

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error in Ark's format."""
        return ArkError(status, code, message).response(request_id)

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Route and answer a request."""
        path = request.path.removeprefix(PREFIX)
        route = self._routes.get((request.method, path))
        if route is None and self._responses.owns(request.method, path):
            route = self._stored_response
        if route is None and self._videos.owns(request.method, path):
            route = self._video_tasks
        if route is None and self._file_routes.owns(request.method, path):
            route = self._handle_files
        if route is None:
            return ArkError(
                404, "InvalidAction", f"There is no {request.method} {request.path} here.", "path"
            ).response(request_id)
        try:
            answering.set(request_id)
            resources = self._authorise(request)
            return _packed(await route(request, request_id, resources), request)
        except ArkError as error:
            return error.response(request_id)

    def _authorise(self, request: RecordedRequest) -> frozenset[str] | None:
        """Return the resources that the caller's key may use; None for all."""
        header = request.headers.get("authorization", "")
        key = header.removeprefix("Bearer ") if header.startswith("Bearer ") else ""
        if key == self._credentials.api_key:
            return None
        temporary = self._credentials.temporary_keys.get(key)
        if temporary is None or temporary.expires_at <= time.time():
            raise ArkError(
                401, "AuthenticationError", "The API key or AK/SK in the request is missing or invalid."
            )
        return temporary.resources

    def _check_name(self, name: Any, resources: frozenset[str] | None) -> str:
        """Return the requested model, endpoint or bot; the key must be valid for it."""
        if name is None or name == "":
            raise missing("model")
        if not isinstance(name, str):
            raise invalid("model", "expected a string")
        if resources is not None and name not in resources:
            raise ArkError(403, "AccessDenied", f"This temporary key is not for {name}.", "model")
        return name

    def _resolve(self, name: Any, resources: frozenset[str] | None) -> Model:
        """Return the chat model for a model or endpoint id."""
        model_id = self._resolve_id(name, resources, DEFAULT_MODEL)
        if model_id not in MODELS:
            raise invalid("model", f"the model {model_id} does not support this api")
        return MODELS[model_id]

    def _resolve_embedding(self, name: Any, resources: frozenset[str] | None, default: str) -> EmbeddingModel:
        """Return the embedding model for a model or endpoint id."""
        model_id = self._resolve_id(name, resources, default)
        if model_id not in EMBEDDING_MODELS:
            raise invalid("model", f"the model {model_id} does not support this api")
        return EMBEDDING_MODELS[model_id]

    def _resolve_id(self, name: Any, resources: frozenset[str] | None, default: str) -> str:
        """Return the model id for a model or endpoint id; `default` for unmapped endpoints."""
        name = self._check_name(name, resources)
        if name == NOT_OPEN_MODEL:
            raise ArkError(
                404,
                "ModelNotOpen",
                f"Your account has not activated the model {name}. Please activate it in the Ark console.",
            )
        if name.startswith(CLOSED_ENDPOINT):
            raise ArkError(
                400, "InvalidEndpoint.ClosedEndpoint", f"The endpoint {name} is stopped or starting.", "model"
            )
        model_id = self._endpoints.get(name, default) if name.startswith("ep-") else name
        if model_id not in _MODEL_IDS:
            raise ArkError(
                404,
                "InvalidEndpointOrModel.NotFound",
                f"The model or endpoint {name} does not exist or you do not have access to it.",
            )
        return model_id

    async def _chat(self, request: RecordedRequest, request_id: str, resources: frozenset[str] | None) -> Response:
        body = _parse(request.body)
        model = self._resolve(body.get("model"), resources)
        chat = read_files(read_chat_request(body, model), self._files)
        counts = self._cache.count(chat)
        if self._upstream is not None:
            return await relay.chat(self._upstream, chat, counts, request_id)
        replies = [compose(chat, index) for index in range(chat.n)]
        if not chat.stream:
            refused = next((reply.refused for reply in replies if reply.refused), None)
            if refused is not None:
                raise refused
            return JSONResponse(chat_completion(chat, replies, counts))
        return EventStream(chat_events(chat, replies, counts, request_id))

    async def _respond(
        self, request: RecordedRequest, request_id: str, resources: frozenset[str] | None
    ) -> Response:
        body = _parse(request.body)
        model = self._resolve(body.get("model"), resources)
        return await self._responses.create(body, body["model"], model, request, request_id)

    async def _stored_response(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        _refuse_temporary_key(resources)
        return self._responses.stored(request, request.path.removeprefix(PREFIX))

    async def _generate_images(
        self, request: RecordedRequest, request_id: str, resources: frozenset[str] | None
    ) -> Response:
        _refuse_temporary_key(resources)
        body = _parse(request.body)
        model_id = self._resolve_id(body.get("model"), resources, DEFAULT_IMAGE_MODEL)
        if model_id not in IMAGE_MODELS:
            raise invalid("model", f"the model {model_id} does not support this api")
        return await self._images.create(body, IMAGE_MODELS[model_id], request, request_id)

    async def _create_video(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        _refuse_temporary_key(resources)
        body = _parse(request.body)
        model_id = self._resolve_id(body.get("model"), resources, DEFAULT_VIDEO_MODEL)
        if model_id not in VIDEO_MODELS:
            raise invalid("model", f"the specified model {model_id} does not support content generation")
        return self._videos.create(body, body["model"], VIDEO_MODELS[model_id], request)

    async def _video_tasks(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        _refuse_temporary_key(resources)
        return self._videos.existing(request, request.path.removeprefix(PREFIX))

    async def _handle_files(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        path = request.path.removeprefix(PREFIX)
        return await self._file_routes.handle(request, path, temporary_key=resources is not None)

    async def _embed_texts(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        body = _parse(request.body)
        model = self._resolve_embedding(body.get("model"), resources, DEFAULT_TEXT_MODEL)
        texts = read_text_request(body, model)
        if self._upstream is not None:
            return JSONResponse(await relay_embeddings.text_embeddings(self._upstream, texts))
        return JSONResponse(text_embeddings(texts))

    async def _embed_multimodal(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        body = _parse(request.body)
        model = self._resolve_embedding(body.get("model"), resources, DEFAULT_VISION_MODEL)
        wanted = read_multimodal_request(body, model)
        if self._upstream is not None:
            return JSONResponse(await relay_embeddings.multimodal_embedding(self._upstream, wanted))
        return JSONResponse(multimodal_embedding(wanted))

    async def _bot_chat(
        self, request: RecordedRequest, request_id: str, resources: frozenset[str] | None
    ) -> Response:
        body = _parse(request.body)
        name = self._check_name(body.get("model"), resources)
        bot = read_bot_request(body, name, bot_model(name, self._endpoints))
        bot = replace(bot, chat=read_files(bot.chat, self._files))
        counts = self._cache.count(bot.chat)
        if self._upstream is not None:
            return await relay.bot_chat(self._upstream, bot, counts, request_id)
        replies = [bot.compose(index) for index in range(bot.chat.n)]
        if bot.chat.stream:
            return EventStream(bot_events(bot, replies, counts, request_id))
        refused = next((reply.refused for reply in replies if reply.refused), None)
        if refused is not None:
            raise refused
        return JSONResponse(bot_completion(bot, replies, counts))

    async def _tokenize(
        self, request: RecordedRequest, _request_id: str, resources: frozenset[str] | None
    ) -> Response:
        body = _parse(request.body)
        model = self._resolve(body.get("model"), resources)
        text = body.get("text")
        if text is None:
            raise missing("text")
        texts = [text] if isinstance(text, str) else text
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise invalid("text", "expected a string or a list of strings")
        return JSONResponse(
            {
                "id": body_id(),
                "object": "list",
                "created": int(time.time()),
                "model": model.id,
                "data": [_tokenization(index, one) for index, one in enumerate(texts)],
            }
        )

    async def _list_models(
        self, _request: RecordedRequest, _request_id: str, _resources: frozenset[str] | None
    ) -> Response:
        return JSONResponse({"object": "list", "data": [model.row() for model in MODELS.values()]})


def _refuse_temporary_key(resources: frozenset[str] | None) -> None:
    if resources is not None:
        raise ArkError(401, "AuthenticationError", "This API does not support AK/SK for now, use an API key.")


def _packed(response: Response, request: RecordedRequest) -> Response:
    """Compress a complete reply for clients that accept gzip, as the real service does."""
    if isinstance(response, JSONResponse) and "gzip" in request.headers.get("accept-encoding", ""):
        response.body = gzip.compress(bytes(response.body), compresslevel=1)
        response.headers["content-encoding"] = "gzip"
        response.headers["content-length"] = str(len(response.body))
    return response


def _parse(body: bytes) -> dict[str, Any]:
    if len(body) > _MAX_BODY:
        raise invalid("body", "the request is larger than 64 MB")
    try:
        # json.loads on bytes would accept a byte order mark and UTF-16, which Ark refuses.
        text = body.decode("utf-8")
        parsed = json.loads(text, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():
            parsed = _without_lone_surrogates(parsed)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise ArkError(400, "InvalidParameter", "We could not parse the JSON body of your request.", "body")
    return parsed


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python accepts but JSON does not have."""
    raise ValueError(name)


def _without_lone_surrogates(parsed: Any) -> Any:
    """Replace unpaired surrogates by the replacement character, like other decoders."""
    text = json.dumps(parsed, ensure_ascii=False)
    return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


def _tokenization(index: int, text: str) -> dict[str, Any]:
    pieces = tokens.split(text)
    return {
        "index": index,
        "object": "tokenization",
        "total_tokens": len(pieces),
        "token_ids": [tokens.token_id(piece) for piece in pieces],
        "offset_mapping": [list(span) for span in tokens.spans(text)],
    }
