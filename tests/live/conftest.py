"""Live tests: `pytest --live=services` runs them against the real services, `pytest --live=emulator` shows that they run.

The services' keys come from the environment (see `services.py`); a test whose variables are not set is skipped and
says which. Never in CI.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from langchain_volcark.emulator import Emulator
from langchain_volcark.http import token_refresh
from tests.live.kit import Kit, Wire
from tests.live.services import TRUSTED, Services

# Before the fixture that hides the developer's keys from the other tests.
_ENVIRONMENT = dict(os.environ)
_HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect nothing of this folder unless it was asked for; never reach for a service in CI."""
    target = config.getoption("--live")
    if target == "services" and _ENVIRONMENT.get("CI"):
        raise pytest.UsageError("--live: tests against real services do not run in CI")
    if target is not None or collection_path == _HERE:
        return None
    if any(_HERE in (config.invocation_params.dir / word).resolve().parents for word in config.args):
        raise pytest.UsageError(
            "tests/live talks to real services: set their variables and run `make test-live`, or pytest --live=services"
        )
    return True


@pytest.fixture
def services(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The services, real or emulated; no test finds a token that another one asked for."""
    token_refresh.tokens.clear()
    if request.config.getoption("--live") == "services":
        for name in (one for one in _ENVIRONMENT if one.upper().endswith("_PROXY")):
            monkeypatch.setenv(name, _ENVIRONMENT[name])  # the other tests go without
        yield Services(_ENVIRONMENT, None)
    else:
        emulator: Emulator = request.getfixturevalue("emulator")
        yield Services({}, emulator)
    token_refresh.tokens.clear()


@pytest.fixture
def kit(services: Services) -> Kit:
    """Makers of the package's classes."""
    return Kit(services)


@pytest.fixture
def ark(services: Services) -> Iterator[Wire]:
    """Ark's data plane, without the package between."""
    headers = {"Authorization": f"Bearer {services.api_key}"}
    with httpx.Client(base_url=services.ark_base_url, headers=headers, timeout=600, verify=TRUSTED) as client:
        yield Wire(client)


@pytest.fixture
def qianfan(services: Services) -> Iterator[Wire]:
    """Qianfan's V2, without the package between."""
    headers = {"Authorization": f"Bearer {services.qianfan_api_key}"}
    with httpx.Client(base_url=services.qianfan_base_url, headers=headers, timeout=600, verify=TRUSTED) as client:
        yield Wire(client)
