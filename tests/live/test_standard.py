"""LangChain's standard suites against the real services: the classes that run against the emulator, elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests, RetrieversIntegrationTests

from tests.integration.ark import test_bots_standard as bots
from tests.integration.ark import test_embeddings_standard as embeddings
from tests.integration.ark import test_standard as ark
from tests.integration.knowledge import test_standard as knowledge
from tests.integration.qianfan import test_standard as qianfan
from tests.integration.standard import offline_assets  # noqa: F401
from tests.live.services import Services


class AtTheServices:
    """Puts the live services where these classes look for the emulator; those have attributes of the same names.

    Attributes:
        variable: The environment variable that names the model.
        named: The attribute of the class that holds it.
    """

    variable: str | None = None
    named = "model_id"

    @pytest.fixture(autouse=True)
    def _server(self, services: Services, request: pytest.FixtureRequest) -> None:
        self.emulator = services
        self.client: dict[str, Any] = {}
        if self.variable is not None:
            setattr(self, self.named, services.name(self.variable))
        if not services.real:
            # The real services look at real pictures, the suites fetch them.
            request.getfixturevalue("offline_assets")

    @property
    def enable_vcr_tests(self) -> bool:
        return False

    def name(self, variable: str) -> str:
        """The id of a model or the like."""
        return self.emulator.name(variable)


class TestArk(AtTheServices, ark.TestThinkingModel):
    variable = "ARK_MODEL"


class TestArkByFunctionCalling(AtTheServices, ark.TestThinkingModelByFunctionCalling):
    variable = "ARK_MODEL"


class TestArkThatHears(AtTheServices, ark.TestHearingModelByFunctionCalling):
    variable = "ARK_HEARING_MODEL"


class TestArkPlain(AtTheServices, ark.TestPlainModel):
    variable = "ARK_PLAIN_MODEL"


class TestArkBot(AtTheServices, bots.TestBot):
    variable = "ARK_BOT_ID"
    named = "bot"


class TestArkTextEmbeddings(AtTheServices, embeddings.TestTextIntegration):
    variable = "ARK_TEXT_EMBEDDING_MODEL"


class TestArkMultimodalEmbeddings(AtTheServices, embeddings.TestMultimodalIntegration):
    variable = "ARK_EMBEDDING_MODEL"


class TestQianfan(AtTheServices, qianfan.TestQianfanSeeingModel):
    variable = "QIANFAN_MODEL"


class TestQianfanThatThinks(AtTheServices, qianfan.TestQianfanThinkingModel):
    variable = "QIANFAN_THINKING_MODEL"


class TestQianfanEmbeddings(AtTheServices, EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> Any:
        return qianfan.QianfanEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {
            "model": self.name("QIANFAN_EMBEDDING_MODEL"),
            "api_key": self.emulator.qianfan_api_key,
            "base_url": self.emulator.qianfan_base_url,
        }


class TestVikingKnowledge(AtTheServices, knowledge.TestVikingPlainModel):
    @property
    def model_params(self) -> dict[str, Any]:
        return {**super().model_params, "model": self.name("VIKING_MODEL")}


class TestVikingPackagedService(AtTheServices, knowledge.TestVikingPackagedService):
    @property
    def model_params(self) -> dict[str, Any]:
        key = self.emulator.service_api_key
        return {"service_resource_id": self.name("VIKING_SERVICE_ID"), "api_key": key}


class TestVikingRetriever(AtTheServices, RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> Any:
        return knowledge.VikingKnowledgeRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {
            "collection_name": self.name("VIKING_COLLECTION"),
            "access_key": self.emulator.access_key,
            "secret_key": self.emulator.secret_key,
            "base_url": self.emulator.knowledge_base_url,
        }

    @property
    def retriever_query_example(self) -> str:
        return self.name("VIKING_QUESTION")
