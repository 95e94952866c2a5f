"""The example of files, run in a separate process with its own emulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import pdf

REPOSITORY = Path(__file__).resolve().parents[4]
ANSWER = "The last ferry returns at seven in the evening. [timetable.pdf]"


def run(*arguments: str) -> list[str]:
    command = [sys.executable, "-W", "error", "examples/files.py", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("── ")[1:]


@pytest.fixture(scope="module")
def sections() -> list[str]:
    return run()


def test_it_uploads_a_pdf_made_on_the_spot(sections: list[str]) -> None:
    lines = sections[0].splitlines()
    assert lines[1].endswith(": processing")
    assert lines[2].endswith(": active")
    assert "timetable.pdf: application/pdf" in lines[3]


def test_both_apis_answer_from_it(sections: list[str]) -> None:
    assert f"Responses: {ANSWER}" in sections[1]
    assert f"chat: {ANSWER}" in sections[1]


def test_the_agent_fetches_it_with_a_tool(sections: list[str]) -> None:
    assert "calls fetch_timetable({'line': 'Aurora'})" in sections[2]
    assert "tool: The timetable of Aurora:" in sections[2]
    assert ANSWER in sections[2]


def test_a_failure_is_shown_and_files_are_deleted(sections: list[str]) -> None:
    assert "InvalidRequestError: The file file-" in sections[3]
    assert "is not supported" in sections[3]
    assert "deleted: True" in sections[4]


def test_it_takes_a_file_and_a_question(tmp_path: Path) -> None:
    path = tmp_path / "menu.pdf"
    path.write_bytes(pdf("Soup costs nine yuan.\nTea is free."))
    assert "Responses: Soup costs nine yuan. [menu.pdf]" in run(str(path), "What does soup cost?")[1]
