"""Every Python block of the README runs as printed, against the emulator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from langchain_volcark.emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def test_the_readme_runs_from_top_to_bottom(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    monkeypatch.setenv("ARK_BASE_URL", emulator.ark_base_url)
    namespace: dict[str, object] = {"__name__": "__main__"}
    found = blocks("README.md")
    assert len(found) >= 6
    for block in found:
        exec(compile(block, "README.md", "exec"), namespace)
    printed = capsys.readouterr().out
    assert "You said: Name three cruciferous plants." in printed
    assert "3 requests arrived" in printed
