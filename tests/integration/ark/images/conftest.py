"""An image generator at the emulator or a raw server, called sync, async, or as a stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from langchain_volcark import ArkImage, ArkImageGenerator, GeneratedImages
from langchain_volcark.emulator import Emulator
from tests.unit.raw_server import RawServer, raw_server

Make = Callable[..., ArkImageGenerator]
Generate = Callable[..., Awaitable[GeneratedImages]]
Collect = Callable[..., Awaitable[tuple[list[ArkImage], GeneratedImages]]]
Run = Callable[[ArkImageGenerator], Awaitable[list[Any]]]
ITEM = {"url": "https://tos.example.com/a.png", "size": "1x1"}


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


@pytest.fixture(params=["sync", "async", "stream", "astream"])
def run(request: pytest.FixtureRequest) -> Run:
    """Each way to ask for a picture."""

    async def ask(generator: ArkImageGenerator) -> list[Any]:
        if request.param == "sync":
            return generator.generate("A fox")
        if request.param == "async":
            return await generator.agenerate("A fox")
        if request.param == "stream":
            return list(generator.stream("A fox"))
        return [picture async for picture in generator.astream("A fox")]

    return ask


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def generator_of(server: RawServer, **arguments: Any) -> ArkImageGenerator:
    """A generator that talks to a raw server."""
    return ArkImageGenerator(api_key="key", base_url=server.url, **arguments)
