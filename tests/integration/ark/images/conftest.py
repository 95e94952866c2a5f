"""An image generator at the emulator, called sync or async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from langchain_volcark import ArkImage, ArkImageGenerator, GeneratedImages
from langchain_volcark.emulator import Emulator

Make = Callable[..., ArkImageGenerator]
Generate = Callable[..., Awaitable[GeneratedImages]]
Collect = Callable[..., Awaitable[tuple[list[ArkImage], GeneratedImages]]]


@pytest.fixture
def make(emulator: Emulator) -> Make:
    """Builds a generator that talks to the emulator."""

    def build(**arguments: Any) -> ArkImageGenerator:
        defaults = {"api_key": emulator.api_key, "base_url": emulator.ark_base_url}
        return ArkImageGenerator(**{**defaults, **arguments})

    return build


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "async")


@pytest.fixture
def generate(is_async: bool) -> Generate:
    """Calls `generate` or `agenerate`."""

    async def call(generator: ArkImageGenerator, *arguments: Any, **keywords: Any) -> GeneratedImages:
        if is_async:
            return await generator.agenerate(*arguments, **keywords)
        return generator.generate(*arguments, **keywords)

    return call


@pytest.fixture
def collect(is_async: bool) -> Collect:
    """Reads a stream of `stream` or `astream` to its end."""

    async def call(generator: ArkImageGenerator, *arguments: Any, **keywords: Any) -> Any:
        if is_async:
            async with generator.astream(*arguments, **keywords) as coming:
                return [picture async for picture in coming], coming.result
        with generator.stream(*arguments, **keywords) as stream:
            return list(stream), stream.result

    return call
