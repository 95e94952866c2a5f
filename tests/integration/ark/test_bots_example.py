"""The bot example, run in a separate process with its own emulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> str:
    command = [sys.executable, "examples/bot.py", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_shows_the_sources_beside_every_answer() -> None:
    output = run()
    streamed, places, cost, chain, agent = output.split("── ")[1:]
    assert (
        streamed.index("status: 正在搜索") < streamed.index("source: 十字花科植物一览") < streamed.index("荠菜[1]")
    )
    assert "荠菜[1]  →  十字花科植物一览" in places
    assert "total_tokens" in cost
    assert "- 十字花科植物一览 https://plants.example.com/cruciferae" in chain
    assert "tool: broccoli: 6.8 yuan/kg" in agent
    assert "[1] Growing broccoli in a cool spring" in agent


def test_a_question_that_finds_nothing_is_answered_all_the_same() -> None:
    assert "source:" not in run("Hello").partition("── An agent")[0]
