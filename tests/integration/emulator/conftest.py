"""Plain HTTP and the vendor's SDKs, each against the session's emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import SDKS, Client, official_sdk


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    made = Client(emulator)
    yield made
    made.http.close()


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Any]:
    with official_sdk(request.param, emulator) as made:
        yield made
