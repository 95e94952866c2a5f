"""The example of video generation, run in a separate process with its own emulator."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def sections(folder: Path) -> list[str]:
    command = [sys.executable, "-W", "error", "examples/videos.py", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("── ")[1:]


def test_it_waits_for_a_video_and_saves_it(sections: list[str], folder: Path) -> None:
    assert re.findall(r"cgt-\S+: (\w+)", sections[0]) == ["queued", "running", "succeeded"]
    assert "480p, 16:9, 4 s, {'completion_tokens': " in sections[0]
    assert f"saved as {folder / 'boat.mp4'}" in sections[0]
    assert (folder / "boat.mp4").read_bytes()[4:8] == b"ftyp"


def test_it_goes_on_from_the_last_picture(sections: list[str]) -> None:
    assert "is done: True" in sections[1]
    assert "on the list: True" in sections[1]


def test_a_failure_has_a_code_and_advice(sections: list[str]) -> None:
    assert "ContentFilterError: The video task cgt-" in sections[2]
    assert "Moderation refused it" in sections[2]
    assert "code=OutputVideoSensitiveContentDetected" in sections[2]


def test_the_agent_reports_where_the_video_is(sections: list[str], folder: Path) -> None:
    saved = re.search(r"agent: .*It was saved as (\S+\.mp4)\.", sections[3], re.DOTALL)
    assert saved
    assert Path(saved[1]).parent == folder
    assert Path(saved[1]).stat().st_size > 1000
