"""LangChain's standard suites for the knowledge base's classes, through a socket to the emulator."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import ChatModelIntegrationTests, RetrieversIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_volcark import ChatVikingKnowledge, VikingKnowledgeRetriever
from langchain_volcark.emulator import Emulator
from tests.integration.standard import AtTheEmulator, allow_loading, offline_assets  # noqa: F401

SEEING = "Doubao-seed-1-6-thinking"
PLAIN = "Doubao-1-5-pro-32k"


class _NoTools:
    """The service has neither tools nor structured output; the class says so when asked."""

    @property
    def chat_model_class(self) -> type[ChatVikingKnowledge]:
        return ChatVikingKnowledge

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False


class TestChatVikingKnowledgeUnit(_NoTools, ChatModelUnitTests):
    @pytest.fixture(autouse=True)
    def _loadable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        allow_loading(monkeypatch, ChatVikingKnowledge)

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": PLAIN}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"VOLC_ACCESSKEY": "AKLTenv", "VOLC_SECRETKEY": "secret-env", "VOLC_KNOWLEDGE_API_KEY": "key-env"}
        return env, {"model": PLAIN}, {"access_key": "AKLTenv", "secret_key": "secret-env", "api_key": "key-env"}


class _OnTheEmulator(AtTheEmulator, _NoTools):
    @property
    def model_params(self) -> dict[str, Any]:
        return {"model": PLAIN, "access_key": self.emulator.access_key, "secret_key": self.emulator.secret_key}

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"base_url": self.emulator.knowledge_base_url, **self.model_params, **self.client}

    def _ask(self, messages: list[BaseMessage], *, stream: bool) -> AIMessage:
        model = ChatVikingKnowledge(**self.chat_model_params)
        if not stream:
            return model.invoke(messages)
        first, *rest = model.stream(messages)
        return first + rest


class TestVikingThinkingModelThatSees(_OnTheEmulator, ChatModelIntegrationTests):
    @property
    def model_params(self) -> dict[str, Any]:
        return {**super().model_params, "model": SEEING}

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return PLAIN

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask([HumanMessage("How many letters are in 'plum'?")], stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        long = [HumanMessage("All of this stands in the prefix that is cached. " * 200)]
        self._ask(long, stream=False)
        return self._ask(long, stream=stream)


class TestVikingPlainModel(_OnTheEmulator, ChatModelIntegrationTests):
    @property
    def model_override_value(self) -> str:
        return SEEING


class TestVikingPackagedService(_OnTheEmulator, ChatModelIntegrationTests):
    @property
    def model_params(self) -> dict[str, Any]:
        return {"service_resource_id": "kb-service-demo", "api_key": self.emulator.service_api_key}


class TestVikingKnowledgeRetriever(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _server(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return VikingKnowledgeRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {
            "collection_name": "demo",
            "access_key": self.emulator.access_key,
            "secret_key": self.emulator.secret_key,
            "base_url": self.emulator.knowledge_base_url,
        }

    @property
    def retriever_query_example(self) -> str:
        return "When does the ferry leave?"
