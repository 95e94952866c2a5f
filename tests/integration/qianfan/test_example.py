"""The example, run in a separate process with its own emulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_example_runs_without_a_key() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "examples/qianfan.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        "<https://encyclopedia.example.org/1>",
        "[('get_weather', {'city': 'Qingdao'}), ('get_tide', {'port': 'Qingdao'})]",
        "custom service:  You said: Please introduce The Great Wall",
        "NotFoundError",
    ):
        assert part in done.stdout
