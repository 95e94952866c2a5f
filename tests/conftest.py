"""Fixtures that all tests share: a clean environment and one emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from langchain_volcark.emulator import Emulator

_PREFIXES = ("ARK_", "VOLC_", "QIANFAN_", "LANGSMITH_", "LANGCHAIN_", "OPENAI_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's own keys or proxies."""
    for name in list(os.environ):
        if name.upper().startswith(_PREFIXES) or name.upper() in _PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    with Emulator() as server:
        yield server


@pytest.fixture
def emulator(running_emulator: Emulator) -> Iterator[Emulator]:
    """The session's emulator without faults or recordings left by another test."""
    running_emulator.reset()
    yield running_emulator
    running_emulator.reset()
