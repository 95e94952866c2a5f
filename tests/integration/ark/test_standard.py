"""LangChain's standard suites for ChatArk, through a socket to the emulator."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_volcark import ChatArk
from tests.integration.standard import AtTheEmulator, allow_loading, offline_assets  # noqa: F401

THINKING = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"
HEARING = "doubao-seed-2-0-lite-260428"


class TestChatArkUnit(ChatModelUnitTests):
    @pytest.fixture(autouse=True)
    def _loadable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        allow_loading(monkeypatch, ChatArk)

    @property
    def chat_model_class(self) -> type[ChatArk]:
        return ChatArk

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": THINKING}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ARK_API_KEY": "from-env", "ARK_BASE_URL": "https://ark.example.com/api/v3"}
        return env, {"model": THINKING}, {"api_key": "from-env", "base_url": env["ARK_BASE_URL"]}


class ArkFlags(AtTheEmulator):
    """What Ark's chat API can do. It takes no PDF parts, which is why those flags are off."""

    model_id = THINKING

    @property
    def chat_model_class(self) -> type[ChatArk]:
        return ChatArk

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": self.model_id,
            "api_key": self.emulator.api_key,
            "base_url": self.emulator.ark_base_url,
            **self.client,
        }

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    @property
    def model_override_value(self) -> str:
        return "doubao-seed-1-8-251228"

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask([HumanMessage("How many letters are in 'plum'?")], stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        long = [HumanMessage("All of this stands in the prefix that is cached. " * 200)]
        self._ask(long, stream=False)
        return self._ask(long, stream=stream)

    def _ask(self, messages: list[BaseMessage], *, stream: bool) -> AIMessage:
        model = ChatArk(**self.chat_model_params)
        if not stream:
            return model.invoke(messages)
        first, *rest = model.stream(messages)
        return first + rest


class TestThinkingModel(ArkFlags, ChatModelIntegrationTests):
    """The default way to structured output is the model's own: a JSON schema."""


class TestThinkingModelByFunctionCalling(ArkFlags, ChatModelIntegrationTests):
    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


class TestThinkingModelByStrictJSONSchema(ArkFlags, ChatModelIntegrationTests):
    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_schema", "strict": True}


class TestHearingModelByFunctionCalling(ArkFlags, ChatModelIntegrationTests):
    model_id = HEARING

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


@pytest.mark.filterwarnings("ignore:tool_choice")
class TestPlainModel(ArkFlags, ChatModelIntegrationTests):
    """A model that neither thinks nor sees, and that cannot be made to call a tool."""

    model_id = PLAIN

    @property
    def has_tool_choice(self) -> bool:
        return False

    @property
    def supports_json_mode(self) -> bool:
        return False

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        return {"invoke": ["cache_read_input"], "stream": ["cache_read_input"]}
