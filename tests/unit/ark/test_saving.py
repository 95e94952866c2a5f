"""The file that a path means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkImage, ArkVideoTask
from langchain_volcark.ark.saving import file_at


def test_a_file_is_itself(tmp_path: Path) -> None:
    assert file_at(tmp_path / "fox.png", "own.png") == tmp_path / "fox.png"
    assert file_at(str(tmp_path / "fox"), "own.png") == tmp_path / "fox"


def test_a_folder_gets_the_own_name(tmp_path: Path) -> None:
    assert file_at(tmp_path, "own.png") == tmp_path / "own.png"
    assert file_at(f"{tmp_path}/new/deep/", "own.png") == tmp_path / "new" / "deep" / "own.png"
    assert (tmp_path / "new" / "deep").is_dir()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no such folder: '.*missing'$"):
        file_at(tmp_path / "missing" / "fox.png", "own.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [None, 5, b"bytes", "a\0b", ["a"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    for saved in (
        ArkImage(url="https://example.com/a.png"),
        ArkVideoTask(id="cgt-1", status="succeeded", video_url="https://example.com/a.mp4"),
    ):
        with pytest.raises(ValueError, match="^path must be the path of a file or folder"):
            saved.save(path)
