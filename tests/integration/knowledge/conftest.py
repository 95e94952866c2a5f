"""Credentials of the session's emulator, as the knowledge base's classes take them."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark import ChatVikingKnowledge, VikingKnowledgeRetriever
from langchain_volcark.emulator import Emulator

MODEL = "Doubao-1-5-pro-32k"


@pytest.fixture
def signed(emulator: Emulator) -> dict[str, Any]:
    """Arguments for calls with a signature."""
    return {
        "access_key": emulator.access_key,
        "secret_key": emulator.secret_key,
        "base_url": emulator.knowledge_base_url,
    }


@pytest.fixture
def model(signed: dict[str, Any]) -> ChatVikingKnowledge:
    return ChatVikingKnowledge(model=MODEL, **signed)


@pytest.fixture
def service(emulator: Emulator) -> ChatVikingKnowledge:
    return ChatVikingKnowledge(
        service_resource_id="kb-service-demo",
        api_key=emulator.service_api_key,
        base_url=emulator.knowledge_base_url,
    )


@pytest.fixture
def retriever(signed: dict[str, Any]) -> VikingKnowledgeRetriever:
    return VikingKnowledgeRetriever(collection_name="demo", **signed)
