"""An `ArkVideoGenerator` at the emulator, and one way to call its methods, sync and async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from langchain_volcark import ArkVideoGenerator
from langchain_volcark.emulator import Emulator

Make = Callable[..., ArkVideoGenerator]
Call = Callable[..., Awaitable[Any]]

ASYNC_NAMES = {"wait": "await_"}


@pytest.fixture
def make(emulator: Emulator) -> Make:
    """Builds a generator that talks to the emulator."""

    def build(**arguments: Any) -> ArkVideoGenerator:
        return ArkVideoGenerator(**{"api_key": emulator.api_key, "base_url": emulator.ark_base_url, **arguments})

    return build


@pytest.fixture
def videos(make: Make) -> ArkVideoGenerator:
    return make()


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Calls a method of an object by its sync name, or the async method of the same meaning."""

    async def run(owner: Any, name: str, *arguments: Any, **keywords: Any) -> Any:
        if request.param == "sync":
            found = getattr(owner, name)(*arguments, **keywords)
            return list(found) if name == "list" else found
        found = getattr(owner, ASYNC_NAMES.get(name, f"a{name}"))(*arguments, **keywords)
        return [task async for task in found] if name == "list" else await found

    return run
