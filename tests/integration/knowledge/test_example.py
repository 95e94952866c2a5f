"""The example runs as it stands, on its own documents and on others, without a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "knowledge_base.py"


def run(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE), *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_its_own_documents() -> None:
    said = run()
    assert "650 yuan in Beijing and Shanghai and 480 yuan elsewhere. [1]\n  [1] travel.md, Hotels" in said
    assert "当年未休完的年假可以顺延到次年三月底。[1]\n  [1] 休假制度.md, 年假" in said
    assert "The material does not answer that." in said
    assert "searched for: 'How much may a hotel in Beijing cost? And elsewhere?'" in said


def test_documents_and_a_question_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen tea steeps for two minutes.\n", encoding="utf-8")
    said = run(str(tmp_path), "How long does green tea steep?")
    assert "Green tea steeps for two minutes. [1]\n  [1] tea.md, Tea" in said
