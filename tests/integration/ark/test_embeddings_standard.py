"""LangChain's standard suites for ArkEmbeddings with a text and a multimodal model, against the emulator."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from langchain_volcark import ArkEmbeddings
from langchain_volcark.emulator import Emulator

TEXT = "doubao-embedding-large-text-250515"
VISION = "doubao-embedding-vision-251215"


class _Unit(EmbeddingsUnitTests):
    model_id = TEXT

    @property
    def embeddings_class(self) -> type[ArkEmbeddings]:
        return ArkEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": self.model_id}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ARK_API_KEY": "from-env", "ARK_BASE_URL": "https://ark.example.com/api/v3"}
        return env, {"model": self.model_id}, {"api_key": "from-env", "base_url": env["ARK_BASE_URL"]}


class TestTextUnit(_Unit):
    pass


class TestMultimodalUnit(_Unit):
    model_id = VISION


class _Integration(EmbeddingsIntegrationTests):
    model_id = TEXT

    @pytest.fixture(autouse=True)
    def _server(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @property
    def embeddings_class(self) -> type[ArkEmbeddings]:
        return ArkEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {
            "model": self.model_id,
            "api_key": self.emulator.api_key,
            "base_url": self.emulator.ark_base_url,
        }


class TestTextIntegration(_Integration):
    pass


class TestMultimodalIntegration(_Integration):
    model_id = VISION
