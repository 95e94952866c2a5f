"""Models of batch inference at the emulator, and a clock that only waits move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_volcark import ArkEmbeddings, ChatArk
from langchain_volcark.ark.batch.pauses import pauses
from langchain_volcark.emulator import Emulator
from langchain_volcark.http import deadline, retry

ENDPOINT = "ep-bi-20260101000000-abcde"


class Clock:
    """A clock that stands still, except while somebody waits by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] | None = None  # called once, in the next wait, before its time passes

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await asyncio.to_thread(meanwhile)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(deadline, "monotonic", made)
    monkeypatch.setattr(retry, "sleep", made.sleep)
    monkeypatch.setattr(retry, "asleep", made.asleep)
    return made


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
