"""Fixtures that all tests share: a clean environment and one emulator."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from langchain_tests.conftest import CustomPersister, CustomSerializer, base_vcr_config
from vcr import VCR

from langchain_volcark.emulator import Emulator
from langchain_volcark.http import retry
from tests.clock import Clock, install
from tests.options import pytest_addoption  # noqa: F401 - pytest looks for it here
from tests.selection import PAIRWISE, left_out

# The suite runs the same examples every time, however slow the machine: what fails, fails for everybody. New examples
# are looked for by `make fuzz`.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "long",
    max_examples=2000,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("steady")

_PREFIXES = ("ARK_", "VOLC_", "QIANFAN_", "LANGSMITH_", "LANGCHAIN_", "OPENAI_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{PAIRWISE}(*names): run so many combinations that each pair occurs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what stands for "the service cannot do this", and most of the fault matrices."""
    out = left_out(items, whole_matrix=config.getoption("--all-faults"))
    if out:
        config.hook.pytest_deselected(items=out)
        unwanted = set(map(id, out))
        items[:] = [item for item in items if id(item) not in unwanted]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's own keys or proxies."""
    for name in list(os.environ):
        if name.upper().startswith(_PREFIXES) or name.upper() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "langchain-volcark tests")


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


def _without_port(request: Any) -> Any:
    """The emulator's port differs from run to run; cassettes must not."""
    request.uri = re.sub(r"^http://127\.0\.0\.1:\d+", "http://emulator", request.uri)
    return request


@pytest.fixture(scope="session")
def vcr_config() -> dict[str, Any]:
    """Cassettes of the standard suites' streaming benchmark."""
    return {
        **base_vcr_config(),
        "before_record_request": _without_port,
        "serializer": "yaml.gz",
        "path_transformer": VCR.ensure_suffix(".yaml.gz"),
    }


def pytest_recording_configure(config: pytest.Config, vcr: VCR) -> None:
    vcr.register_persister(CustomPersister())
    vcr.register_serializer("yaml.gz", CustomSerializer())


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that retries would have waited; nothing waits."""
    seconds: list[float] = []

    async def note(wait: float) -> None:
        seconds.append(wait)

    monkeypatch.setattr(retry, "sleep", seconds.append)
    monkeypatch.setattr(retry, "asleep", note)
    return seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that moves only while retries or polling wait; nothing waits."""
    return install(monkeypatch)
