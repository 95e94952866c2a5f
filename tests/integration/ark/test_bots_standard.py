"""LangChain's standard suites for ChatArkBot, through a socket to the emulator."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_volcark import ChatArkBot
from tests.integration.standard import AtTheEmulator, allow_loading, offline_assets  # noqa: F401

BOT = "bot-20250407225237-6xv7r"


class TestChatArkBotUnit(ChatModelUnitTests):
    @pytest.fixture(autouse=True)
    def _loadable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        allow_loading(monkeypatch, ChatArkBot)

    @property
    def chat_model_class(self) -> type[ChatArkBot]:
        return ChatArkBot

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": BOT, "user_info": {"city": "杭州", "district": "西湖区"}}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ARK_API_KEY": "from-env", "ARK_BASE_URL": "https://ark.example.com/api/v3"}
        return env, {"model": BOT}, {"api_key": "from-env", "base_url": env["ARK_BASE_URL"]}


class _BotFlags(AtTheEmulator):
    """What a bot can do: all but PDF, sound, and the usage details that `bot_usage` has no fields for."""

    bot = BOT

    @property
    def chat_model_class(self) -> type[ChatArkBot]:
        return ChatArkBot

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": self.bot,
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

    # No model_override_value: the suite looks for it in the reply's model name, which is that of the model behind
    # the bot and never the bot's id. `test_another_bot_for_one_call` in test_bots.py shows the override.


class TestBot(_BotFlags, ChatModelIntegrationTests):
    pass


class TestBotByJSONSchema(_BotFlags, ChatModelIntegrationTests):
    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_schema"}


class TestPlainBot(_BotFlags, ChatModelIntegrationTests):
    """A bot on a model that neither thinks nor sees."""

    bot = "bot-plain-1"

    @property
    def supports_json_mode(self) -> bool:
        return False
