"""The example of the Responses API, run in a separate process with its own emulator."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[4]


def run(*arguments: str) -> list[str]:
    command = [sys.executable, "-W", "error", "examples/responses.py", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("── ")[1:]


@pytest.fixture(scope="module")
def sections() -> list[str]:
    return run()


def test_it_shows_sources_and_searches(sections: list[str]) -> None:
    search = sections[0]
    assert search.index("荠菜") < search.index("[1] 十字花科植物一览")
    assert "searched: Search: which plants are cruciferous?" in search
    assert "https://plants.example.com/cruciferae" in search
    assert "billed searches: {'web_search': 1}" in search


def test_the_agent_searches_and_calls_a_python_tool(sections: list[str]) -> None:
    agent = sections[1]
    assert "tool: broccoli: 6.8 yuan/kg" in agent
    assert "searched: Search: what kind of plant is broccoli?" in agent
    assert "[1] Growing broccoli in a cool spring" in agent


def test_the_stored_conversation_sends_the_new_turn_only(sections: list[str]) -> None:
    stored, whole = sections[2:]
    assert re.findall(r"sent: (\d+) items", stored) == ["2", "1", "1"]
    assert re.findall(r"sent: (\d+) items", whole) == ["2", "4", "6"]
    assert "deleted what was stored" in stored
    assert "stored: False" in whole
    saved = re.search(r"sent (\d+) bytes less, of (\d+)", whole)
    assert saved
    assert int(saved[2]) > int(saved[1]) > 0


def test_a_question_that_finds_nothing_is_answered_all_the_same() -> None:
    assert "[1]" not in run("Hello")[0]
