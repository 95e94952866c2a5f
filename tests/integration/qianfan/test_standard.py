"""LangChain's standard suites for Qianfan's classes, through a socket to the emulator."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from langchain_volcark import ChatQianfan, QianfanEmbeddings
from langchain_volcark.emulator import Emulator
from tests.integration.qianfan.conftest import MODEL, PRESET, THINKING
from tests.integration.standard import AtTheEmulator, allow_loading, offline_assets  # noqa: F401

SEEING = MODEL


class _Unit:
    @pytest.fixture(autouse=True)
    def _loadable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        allow_loading(monkeypatch, ChatQianfan)

    @property
    def chat_model_class(self) -> type[ChatQianfan]:
        return ChatQianfan


class TestChatQianfanUnit(_Unit, ChatModelUnitTests):
    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": SEEING}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"QIANFAN_BEARER_TOKEN": "bce-v3/from-env", "QIANFAN_APP_ID": "app-env"}
        return env, {"model": SEEING}, {"api_key": "bce-v3/from-env", "app_id": "app-env"}


class TestChatQianfanV1Unit(_Unit, ChatModelUnitTests):
    @property
    def has_structured_output(self) -> bool:
        return (
            False  # the test wants JSON schemas too, which V1 does not have; calls of a function are tested below
        )

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "api_version": "v1",
            "endpoint": "ngxxxol8_test1",
            "base_url": "https://private.example.com/wenxinworkshop",
        }

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {
            "QIANFAN_AK": "ak",
            "QIANFAN_SK": "sk",
            "QIANFAN_ACCESS_KEY": "access",
            "QIANFAN_SECRET_KEY": "secret",
            "QIANFAN_ACCESS_TOKEN": "24.token",
        }
        names = ("client_id", "client_secret", "access_key", "secret_key", "access_token")
        return env, self.chat_model_params, dict(zip(names, env.values(), strict=True))


class _Flags(AtTheEmulator):
    @property
    def chat_model_class(self) -> type[ChatQianfan]:
        return ChatQianfan

    @property
    def supports_json_mode(self) -> bool:
        return True


class _V2(_Flags):
    """What V2 can do. It takes neither PDF nor sound, and no images in a tool's result."""

    model_id = SEEING

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            **self.client,
            "model": self.model_id,
            "api_key": self.emulator.qianfan_api_key,
            "base_url": self.emulator.qianfan_base_url,
        }

    @property
    def model_override_value(self) -> str:
        return "glm-5.2"


class TestQianfanSeeingModel(_V2, ChatModelIntegrationTests):
    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True


class TestQianfanByJSONSchema(_V2, ChatModelIntegrationTests):
    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_schema"}


@pytest.mark.filterwarnings("ignore:tool_choice")
class TestQianfanThinkingModel(_V2, ChatModelIntegrationTests):
    model_id = THINKING

    @property
    def has_tool_choice(self) -> bool:
        return False  # not while it thinks

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "thinking": "enabled"}

    @property
    def model_override_value(self) -> str:
        return "deepseek-v3.2"

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        return {"invoke": ["reasoning_output"], "stream": ["reasoning_output"]}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        model = ChatQianfan(**self.chat_model_params)
        question = [HumanMessage("How many letters are in 'plum'?")]
        if not stream:
            return model.invoke(question)
        first, *rest = model.stream(question)
        return first + rest


class TestQianfanV1(_Flags, ChatModelIntegrationTests):
    """V1: tools are functions, one call at a time; text alone."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            **self.client,
            "api_version": "v1",
            "model": PRESET,
            "access_key": self.emulator.access_key,
            "secret_key": self.emulator.secret_key,
            "base_url": self.emulator.qianfan_v1_base_url,
        }

    @property
    def has_tool_choice(self) -> bool:
        return False  # V1 can force a function by its name, not any of several

    @property
    def model_override_value(self) -> str:
        return "ERNIE-Speed-Pro-128K"


class TestQianfanEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[QianfanEmbeddings]:
        return QianfanEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "bge-large-zh"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"QIANFAN_API_KEY": "bce-v3/from-env"}
        return env, {"model": "bge-large-zh"}, {"api_key": "bce-v3/from-env"}


class _EmbeddingsServer:
    @pytest.fixture(autouse=True)
    def _server(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @property
    def embeddings_class(self) -> type[QianfanEmbeddings]:
        return QianfanEmbeddings


class TestQianfanEmbeddings(_EmbeddingsServer, EmbeddingsIntegrationTests):
    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {
            "model": "bge-large-zh",
            "api_key": self.emulator.qianfan_api_key,
            "base_url": self.emulator.qianfan_base_url,
        }


class TestQianfanEmbeddingsV1(_EmbeddingsServer, EmbeddingsIntegrationTests):
    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {
            "api_version": "v1",
            "model": "Embedding-V1",
            "access_key": self.emulator.access_key,
            "secret_key": self.emulator.secret_key,
            "base_url": self.emulator.qianfan_v1_base_url,
        }
