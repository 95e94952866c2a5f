"""Command-line options of the tests: services they may call besides the emulator."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("langchain-volcark")
    group.addoption(
        "--live",
        choices=["services", "emulator"],
        help="run tests/live: against the real services, or against the emulator, which shows that the tests run",
    )
    group.addoption(
        "--record",
        metavar="FOLDER",
        help="with --live: keep sanitised replies there, as JSON, for tests to replay",
    )
    group.addoption(
        "--all-faults",
        action="store_true",
        help="run every cell of the fault matrices, not only each pair of them",
    )
    group.addoption(
        "--upstream", action="store_true", help="run tests/upstream: the emulator in front of a llama.cpp server"
    )
