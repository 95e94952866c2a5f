"""Models of batch inference at the emulator, and a clock that only waits move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_volcark import ArkEmbeddings, ChatArk
from langchain_volcark.ark.batch.pauses import pauses
from langchain_volcark.emulator import Emulator

ENDPOINT = "ep-bi-20260101000000-abcde"


@pytest.fixture(autouse=True)
def no_pauses() -> Iterator[None]:
    pauses.forget()
    yield
    pauses.forget()


@pytest.fixture
def make(emulator: Emulator) -> Callable[..., ChatArk]:
    """Builds a chat model of batch inference."""

    def build(**arguments: Any) -> ChatArk:
        defaults = {
            "model": ENDPOINT,
            "api_key": emulator.api_key,
            "base_url": emulator.ark_base_url,
            "batch": True,
        }
        return ChatArk(**{**defaults, **arguments})

    return build


@pytest.fixture
def make_embeddings(emulator: Emulator) -> Callable[..., ArkEmbeddings]:
    """Builds embeddings of batch inference."""

    def build(**arguments: Any) -> ArkEmbeddings:
        defaults = {
            "model": ENDPOINT,
            "api_key": emulator.api_key,
            "base_url": emulator.ark_base_url,
            "batch": True,
            "multimodal": True,
            "encoding_format": "float",
        }
        return ArkEmbeddings(**{**defaults, **arguments})

    return build
