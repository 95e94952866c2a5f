"""LangChain's standard suites for ChatArk on the Responses API, through a socket to the emulator."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_volcark import ChatArk
from tests.integration.ark.test_standard import HEARING, THINKING, ArkFlags
from tests.integration.standard import allow_loading, offline_assets  # noqa: F401


class TestChatArkOnResponsesUnit(ChatModelUnitTests):
    @pytest.fixture(autouse=True)
    def _loadable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        allow_loading(monkeypatch, ChatArk)

    @property
    def chat_model_class(self) -> type[ChatArk]:
        return ChatArk

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": THINKING, "use_responses_api": True}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ARK_API_KEY": "from-env", "ARK_BASE_URL": "https://ark.example.com/api/v3"}
        return env, self.chat_model_params, {"api_key": "from-env", "base_url": env["ARK_BASE_URL"]}


class _ResponsesFlags(ArkFlags):
    """What Ark's Responses API can do: also PDF files."""

    more: ClassVar[dict[str, Any]] = {}

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {**super().chat_model_params, "use_responses_api": True, **self.more}

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True


class TestStatelessResponses(_ResponsesFlags, ChatModelIntegrationTests):
    """The whole conversation is sent with each call, and nothing is stored."""

    more: ClassVar[dict[str, Any]] = {"store": False}


class TestStoredResponses(_ResponsesFlags, ChatModelIntegrationTests):
    """The service's default: stored, and yet the whole conversation is sent with each call."""


class TestChainedResponses(_ResponsesFlags, ChatModelIntegrationTests):
    """Each call goes on from the response before it."""

    more: ClassVar[dict[str, Any]] = {"use_previous_response_id": True}


class TestChainedResponsesByFunctionCalling(_ResponsesFlags, ChatModelIntegrationTests):
    more: ClassVar[dict[str, Any]] = {"use_previous_response_id": True}

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


class TestHearingResponses(_ResponsesFlags, ChatModelIntegrationTests):
    model_id = HEARING

    @property
    def supports_audio_inputs(self) -> bool:
        return True
