"""Qianfan's classes at the emulator, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_volcark import ChatQianfan
from langchain_volcark.emulator import Emulator

MODEL = "ernie-5.1"
THINKING = "deepseek-v4-pro"
PRESET = "ERNIE-3.5-8K"
CUSTOM = "ngxxxol8_test1"

Make = Callable[..., ChatQianfan]


@pytest.fixture
def make(emulator: Emulator) -> Make:
    """Builds a V2 model that talks to the emulator."""

    def build(**arguments: Any) -> ChatQianfan:
        defaults = {"model": MODEL, "api_key": emulator.qianfan_api_key, "base_url": emulator.qianfan_base_url}
        return ChatQianfan(**{**defaults, **arguments})

    return build


@pytest.fixture
def make_v1(emulator: Emulator) -> Make:
    """Builds a V1 model with a given access token that talks to the emulator."""

    def build(**arguments: Any) -> ChatQianfan:
        defaults: dict[str, Any] = {"api_version": "v1", "base_url": emulator.qianfan_v1_base_url}
        if not arguments.keys() & {"model", "endpoint"}:
            defaults["model"] = PRESET
        if not arguments.keys() & {"client_id", "access_key", "access_token"}:
            defaults["access_token"] = emulator.qianfan_access_token
        return ChatQianfan(**{**defaults, **arguments})

    return build


@pytest.fixture
def oauth(emulator: Emulator) -> dict[str, str]:
    """V1's application pair at the emulator."""
    return {
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "token_url": emulator.token_url,
    }


@pytest.fixture(autouse=True)
def valid_tokens(emulator: Emulator) -> Iterator[None]:
    """A test that lets tokens expire leaves a valid one behind."""
    yield
    emulator._qianfan.__post_init__()
