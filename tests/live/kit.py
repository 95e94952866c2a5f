"""Ways to call the services in live tests and recordings: the package's classes, and plain HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx

from langchain_volcark import (
    ArkEmbeddings,
    ChatArk,
    ChatArkBot,
    ChatQianfan,
    ChatVikingKnowledge,
    QianfanEmbeddings,
    QianfanRerank,
    VikingKnowledgeReranker,
    VikingKnowledgeRetriever,
)
from tests.live.services import Services


class Kit:
    """Makers of the package's classes at some services.

    Args:
        services: Addresses, credentials, names of models.
        client: What requests go through; None for the package's own connections.
    """

    def __init__(self, services: Services, client: httpx.Client | None = None) -> None:
        self.services = services
        self._clients = {} if client is None else {"http_client": client}

    def _with(self, defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        return {**defaults, **self._clients, **given}

    def _ark(self) -> dict[str, Any]:
        return {"api_key": self.services.api_key, "base_url": self.services.ark_base_url}

    def chat(self, **given: Any) -> ChatArk:
        name = given.get("model") or self.services.name("ARK_MODEL")
        return ChatArk(**self._with({**self._ark(), "model": name}, given))

    def bot(self, **given: Any) -> ChatArkBot:
        name = given.get("model") or self.services.name("ARK_BOT_ID")
        return ChatArkBot(**self._with({**self._ark(), "model": name}, given))

    def embeddings(self, variable: str = "ARK_EMBEDDING_MODEL", **given: Any) -> ArkEmbeddings:
        return ArkEmbeddings(**self._with({**self._ark(), "model": self.services.name(variable)}, given))

    def _v2(self) -> dict[str, Any]:
        return {"api_key": self.services.qianfan_api_key, "base_url": self.services.qianfan_base_url}

    def qianfan(self, **given: Any) -> ChatQianfan:
        name = given.get("model") or self.services.name("QIANFAN_MODEL")
        return ChatQianfan(**self._with({**self._v2(), "model": name}, given))

    def qianfan_embeddings(self, **given: Any) -> QianfanEmbeddings:
        name = given.get("model") or self.services.name("QIANFAN_EMBEDDING_MODEL")
        return QianfanEmbeddings(**self._with({**self._v2(), "model": name}, given))

    def qianfan_rerank(self, **given: Any) -> QianfanRerank:
        return QianfanRerank(**self._with(self._v2(), given))

    def qianfan_v1(self, **given: Any) -> ChatQianfan:
        defaults = {
            "api_version": "v1",
            "model": self.services.name("QIANFAN_V1_MODEL"),
            "access_key": self.services.qianfan_access_key,
            "secret_key": self.services.qianfan_secret_key,
            "base_url": self.services.qianfan_v1_base_url,
        }
        return ChatQianfan(**self._with(defaults, given))

    def signed(self) -> dict[str, Any]:
        return {
            "access_key": self.services.access_key,
            "secret_key": self.services.secret_key,
            "base_url": self.services.knowledge_base_url,
        }

    def knowledge(self, **given: Any) -> ChatVikingKnowledge:
        return ChatVikingKnowledge(
            **self._with({**self.signed(), "model": self.services.name("VIKING_MODEL")}, given)
        )

    def packaged(self, **given: Any) -> ChatVikingKnowledge:
        defaults = {
            "service_resource_id": self.services.name("VIKING_SERVICE_ID"),
            "api_key": self.services.service_api_key,
            "base_url": self.services.knowledge_base_url,
        }
        return ChatVikingKnowledge(**self._with(defaults, given))

    def retriever(self, **given: Any) -> VikingKnowledgeRetriever:
        name = self.services.name("VIKING_COLLECTION")
        return VikingKnowledgeRetriever(**self._with({**self.signed(), "collection_name": name}, given))

    def reranker(self, **given: Any) -> VikingKnowledgeReranker:
        return VikingKnowledgeReranker(**self._with({**self.signed(), "model": "m3-v2-rerank"}, given))


class Wire:
    """One service by bare HTTP: what it says before the package reads it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        """Send a body and return whatever comes."""
        return self.client.post(path, json=body, **more)

    def ok(self, path: str, body: Any) -> Any:
        """Send a body that must be accepted."""
        reply = self.post(path, body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def chat(self, model: str, prompt: Any = "Say: yes", path: str = "/chat/completions", **fields: Any) -> Any:
        """The reply to a prompt, which must be accepted."""
        return self.ok(path, {"model": model, "messages": messages(prompt), **fields})

    def refusal(self, model: str, prompt: Any = "Say: yes", path: str = "/chat/completions", **fields: Any) -> Any:
        """The error of a prompt that must be refused."""
        reply = self.post(path, {"model": model, "messages": messages(prompt), **fields})
        assert reply.status_code >= 400, reply.text
        return reply.json()["error"]

    def events(
        self, model: str, prompt: Any = "Say: yes", path: str = "/chat/completions", **fields: Any
    ) -> list[Any]:
        """The payloads of a stream; `[DONE]` stays as it is."""
        body = {"model": model, "messages": messages(prompt), "stream": True, **fields}
        reply = self.post(path, body)
        assert reply.status_code == 200, reply.text
        return payloads(reply.text)


def messages(prompt: Any) -> Any:
    """A text as a conversation."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def payloads(text: str) -> list[Any]:
    """The payloads in a stream's text."""
    found = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
    return [one if one == "[DONE]" else json.loads(one) for one in found]
