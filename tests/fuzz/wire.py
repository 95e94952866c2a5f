"""Calls without a network: a model whose httpx client answers with the example's reply."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from langchain_core.messages import AIMessage

from langchain_volcark import (
    ArkEmbeddings,
    ChatArk,
    ChatArkBot,
    ChatQianfan,
    ChatVikingKnowledge,
    QianfanEmbeddings,
    QianfanRerank,
    References,
    VikingKnowledgeReranker,
    VikingKnowledgeRetriever,
    references_to_documents,
)
from langchain_volcark.exceptions import VolcArkError

CANARY = "canary-5up3r"
URL = "http://127.0.0.1:1/v"


class Wire:
    """The other end: says what comes back next."""

    def __init__(self) -> None:
        self.status, self.pieces = 200, [b""]
        self.headers: dict[str, bytes] = {}
        self.sync = httpx.Client(transport=httpx.MockTransport(self._answer), trust_env=False)
        self.not_sync = httpx.AsyncClient(transport=httpx.MockTransport(self._answer), trust_env=False)
        self.clients = {"http_client": self.sync, "http_async_client": self.not_sync}

    def will_send(
        self, pieces: Sequence[bytes], headers: dict[str, str] | None = None, *, status: int = 200
    ) -> None:
        self.status, self.pieces = status, list(pieces)
        self.headers = {name: value.encode("latin-1") for name, value in (headers or {}).items()}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, stream=_Body(self.pieces))


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Any:
        return iter(self._pieces)

    async def __aiter__(self) -> Any:
        for piece in self._pieces:
            yield piece


WIRE = Wire()
_COMMON: dict[str, Any] = {"base_url": URL, "max_retries": 0, **WIRE.clients}
_PAIR: dict[str, Any] = {"access_key": CANARY, "secret_key": CANARY}
MODELS: dict[str, Callable[..., Any]] = {
    "ark": lambda **more: ChatArk(model="doubao-x", api_key=CANARY, **_COMMON, **more),
    "ark responses": lambda **more: ChatArk(
        model="doubao-x", use_responses_api=True, api_key=CANARY, **_COMMON, **more
    ),
    "bot": lambda **more: ChatArkBot(model="bot-x", api_key=CANARY, **_COMMON, **more),
    "qianfan": lambda **more: ChatQianfan(model="ernie-x", api_key=CANARY, **_COMMON, **more),
    "qianfan v1": lambda **more: ChatQianfan(
        api_version="v1", endpoint="own_test1", access_token=CANARY, **_COMMON, **more
    ),
    "viking": lambda **more: ChatVikingKnowledge(model="Doubao-x", **_PAIR, **_COMMON, **more),
    "viking service": lambda **more: ChatVikingKnowledge(
        service_resource_id="kb-service-x", **_PAIR, **_COMMON, **more
    ),
}
CHAT = {name: make() for name, make in MODELS.items()}
CHAT_V1 = {name: make(output_version="v1") for name, make in MODELS.items()}
EMBEDDINGS = {
    "ark": ArkEmbeddings(model="doubao-embedding-x", api_key=CANARY, **_COMMON),
    "ark cut": ArkEmbeddings(model="doubao-embedding-x", api_key=CANARY, dimensions=2, **_COMMON),
    "ark multimodal": ArkEmbeddings(model="doubao-embedding-vision-x", api_key=CANARY, multimodal=True, **_COMMON),
    "qianfan": QianfanEmbeddings(model="bge-x", api_key=CANARY, **_COMMON),
}
RERANKERS = {
    "qianfan": QianfanRerank(api_key=CANARY, **_COMMON),
    "viking": VikingKnowledgeReranker(**_PAIR, **_COMMON),
}
RETRIEVER = VikingKnowledgeRetriever(collection_name="x", score_threshold=0.5, **_PAIR, **_COMMON)


def look_at(message: AIMessage) -> None:
    """All that a user does with an answer."""
    assert isinstance(message.text, str)
    _ = message.content_blocks
    for document in references_to_documents(message):
        assert isinstance(document.page_content, str)
    references = References(message)
    assert isinstance(repr(references), str)
    assert isinstance(references._repr_html_(), str)
    for call in message.tool_calls:
        assert isinstance(call["name"], str)
        assert isinstance(call["args"], dict)


def look_at_error(error: VolcArkError) -> None:
    """All that a user does with an exception, and what must not be in it."""
    shown = f"{error} {error!r} {error.body!r} {error.code} {error.request_id}"
    assert CANARY not in shown
    assert isinstance(error.is_retryable, bool)
    assert error.retry_after is None or error.retry_after >= 0
    for told in (error.code, error.request_id):
        assert told is None or isinstance(told, str)
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    if error.partial is not None:
        look_at(error.partial)
