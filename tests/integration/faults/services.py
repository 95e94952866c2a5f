"""The services on a raw socket server: valid replies, streams and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain_volcark import (
    ArkEmbeddings,
    ArkFiles,
    ChatArk,
    ChatArkBot,
    ChatQianfan,
    ChatVikingKnowledge,
    QianfanEmbeddings,
    QianfanRerank,
    VikingKnowledgeReranker,
    VikingKnowledgeRetriever,
)

TEXT = "Hello world"


@dataclass(frozen=True)
class Service:
    """One class and what its service says.

    Attributes:
        name: For the names of tests.
        make: Builds an object; takes `base_url` and whatever else its class takes.
        path: What a base URL has after the host.
        whole: A good reply with a text in it.
        payloads: A good stream with a text in it, one word a payload, the end last.
        error: An error that may heal.
        code: Its code.
        may_just_end: Whether a stream that ends in order needs no word that it is complete.
    """

    name: str
    make: Callable[..., Any]
    path: str
    whole: Callable[[str], Any]
    error: dict[str, Any]
    code: str
    payloads: Callable[[str], list[dict[str, Any]]] = lambda text: []
    may_just_end: bool = False
    credentials: dict[str, Any] = field(default_factory=dict)

    def build(self, host: str, **arguments: Any) -> Any:
        return self.make(**{**self.credentials, "base_url": host.rstrip("/") + self.path, **arguments})

    def body(self, text: str = TEXT) -> bytes:
        return json.dumps(self.whole(text), ensure_ascii=False).encode()

    def events(self, text: str = TEXT) -> list[bytes]:
        pieces = [json.dumps(payload, ensure_ascii=False) for payload in self.payloads(text)]
        return [f"data: {piece}\n\n".encode() for piece in [*pieces, "[DONE]"]]

    def is_chat(self) -> bool:
        return bool(self.payloads(TEXT))


def words(text: str) -> list[str]:
    first, _, rest = text.partition(" ")
    return [first + " ", rest]


# --- chat completions: Ark, its bots, Qianfan V2 ----------------------------------------------------------


def completion(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "r1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def completion_payloads(text: str) -> list[dict[str, Any]]:
    head = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    pieces = [{**head, "choices": [{"index": 0, "delta": {"content": word}}]} for word in words(text)]
    end = {"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}
    return [*pieces, {**head, "choices": [end]}]


ARK_ERROR = {"error": {"code": "InternalServiceError", "message": "not today", "type": "x", "param": ""}}
QIANFAN_ERROR = {"error": {"code": "internal_error", "message": "not today", "type": "x"}, "id": "as-1"}

# --- Ark's Responses API ----------------------------------------------------------------------------------


def ark_response(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [item],
    }


def response_payloads(text: str) -> list[dict[str, Any]]:
    """A stream without the frames before the answer, which a broken stream may repeat."""
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    pieces = [{"type": "response.output_text.delta", **at, "delta": word} for word in words(text)]
    return [*pieces, {"type": "response.completed", "response": ark_response(text)}]


# --- the others -------------------------------------------------------------------------------------------

V1_ERROR = {"error_code": 336100, "error_msg": "not today"}


def v1_reply(text: str) -> dict[str, Any]:
    return {"id": "as-1", "object": "chat.completion", "created": 1, "result": text, "is_end": True}


def v1_payloads(text: str) -> list[dict[str, Any]]:
    pieces = [{"id": "as-1", "created": 1, "result": word, "is_end": False} for word in words(text)]
    return [*pieces, {"id": "as-1", "created": 1, "result": "", "is_end": True, "finish_reason": "normal"}]


def knowledge(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "success", "request_id": "q1", "data": data}


def knowledge_payloads(text: str) -> list[dict[str, Any]]:
    return [*(knowledge({"generated_answer": word}) for word in words(text)), knowledge({"end": True})]


KNOWLEDGE_ERROR = {"code": 1000028, "message": "not today", "request_id": "q1"}


def embedding(text: str) -> dict[str, Any]:
    row = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    return {"id": "r1", "object": "list", "model": "m", "data": [row], "pad": text}


CHATS = [
    Service(
        "ark",
        ChatArk,
        "/api/v3",
        completion,
        ARK_ERROR,
        "InternalServiceError",
        completion_payloads,
        credentials={"model": "doubao-x", "api_key": "k"},
    ),
    Service(
        "ark-responses",
        ChatArk,
        "/api/v3",
        ark_response,
        ARK_ERROR,
        "InternalServiceError",
        response_payloads,
        credentials={"model": "doubao-x", "api_key": "k", "use_responses_api": True},
    ),
    Service(
        "bot",
        ChatArkBot,
        "/api/v3",
        completion,
        ARK_ERROR,
        "InternalServiceError",
        completion_payloads,
        credentials={"model": "bot-1", "api_key": "k"},
    ),
    Service(
        "qianfan",
        ChatQianfan,
        "/v2",
        completion,
        QIANFAN_ERROR,
        "internal_error",
        completion_payloads,
        credentials={"model": "ernie-5.1", "api_key": "k"},
    ),
    Service(
        "v1",
        ChatQianfan,
        "/wenxinworkshop",
        v1_reply,
        V1_ERROR,
        "336100",
        v1_payloads,
        credentials={"api_version": "v1", "endpoint": "eb1", "access_token": "t"},
    ),
    Service(
        "knowledge",
        ChatVikingKnowledge,
        "",
        lambda text: knowledge({"generated_answer": text}),
        KNOWLEDGE_ERROR,
        "1000028",
        knowledge_payloads,
        may_just_end=True,
        credentials={"model": "Doubao-1-5-pro-32k", "access_key": "a", "secret_key": "s"},
    ),
    Service(
        "packaged",
        ChatVikingKnowledge,
        "",
        lambda text: knowledge({"generated_answer": text}),
        KNOWLEDGE_ERROR,
        "1000028",
        knowledge_payloads,
        may_just_end=True,
        credentials={"service_resource_id": "kb-service-1", "api_key": "k"},
    ),
]

OTHERS = [
    Service(
        "ark-embeddings",
        ArkEmbeddings,
        "/api/v3",
        embedding,
        ARK_ERROR,
        "InternalServiceError",
        credentials={"model": "doubao-embedding-x", "api_key": "k"},
    ),
    Service(
        "ark-files",
        ArkFiles,
        "/api/v3",
        lambda text: {"id": "file-1", "object": "file", "status": "active", "description": text},
        ARK_ERROR,
        "InternalServiceError",
        credentials={"api_key": "k"},
    ),
    Service(
        "qianfan-embeddings",
        QianfanEmbeddings,
        "/v2",
        embedding,
        QIANFAN_ERROR,
        "internal_error",
        credentials={"model": "bge-large-zh", "api_key": "k"},
    ),
    Service(
        "qianfan-reranker",
        QianfanRerank,
        "/v2",
        lambda text: {"id": "r1", "results": [{"index": 0, "relevance_score": 0.5}], "pad": text},
        QIANFAN_ERROR,
        "internal_error",
        credentials={"api_key": "k"},
    ),
    Service(
        "retriever",
        VikingKnowledgeRetriever,
        "",
        lambda text: knowledge({"result_list": [{"id": "1", "content": text, "score": 0.5}]}),
        KNOWLEDGE_ERROR,
        "1000028",
        credentials={"collection_name": "c", "access_key": "a", "secret_key": "s"},
    ),
    Service(
        "reranker",
        VikingKnowledgeReranker,
        "",
        lambda text: {**knowledge({"scores": [0.5]}), "pad": text},
        KNOWLEDGE_ERROR,
        "1000028",
        credentials={"access_key": "a", "secret_key": "s"},
    ),
]
