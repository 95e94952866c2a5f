"""A ChatArk at the emulator, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator

MODEL = "doubao-seed-2-1-pro-260915"


@pytest.fixture
def make(emulator: Emulator) -> Callable[..., ChatArk]:
    """Builds a model that talks to the emulator."""

    def build(**arguments: Any) -> ChatArk:
        defaults = {"model": MODEL, "api_key": emulator.api_key, "base_url": emulator.ark_base_url}
        return ChatArk(**{**defaults, **arguments})

    return build


@pytest.fixture
def model(make: Callable[..., ChatArk]) -> ChatArk:
    return make()
