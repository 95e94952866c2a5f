"""What is no ordinary file is refused before it is opened: a pipe would be waited for without end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkEmbeddings, ArkFiles, ArkImageGenerator, ArkVideoGenerator

KEY = {"api_key": "key", "base_url": "http://127.0.0.1:9"}


@pytest.fixture(params=["files", "images", "video", "embeddings"])
def read(request: pytest.FixtureRequest) -> Any:
    """Reads a file for a request, one function for each class that does."""
    return {
        "files": lambda path: ArkFiles(**KEY).upload(path),
        "images": lambda path: ArkImageGenerator(**KEY).generate("A fox", images=[path]),
        "video": lambda path: ArkVideoGenerator(**KEY).submit("A fox", first_frame=path),
        "embeddings": lambda path: ArkEmbeddings(model="doubao-embedding-vision-251215", **KEY).embed_image(
            [path]
        ),
    }[request.param]


def test_pipes_and_devices_are_refused(read: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), Path("/dev/zero")):
        with pytest.raises(ValueError, match="is not an ordinary file|is empty"):
            read(path)


def test_what_is_no_path_is_named(read: Any) -> None:
    with pytest.raises(ValueError, match="is not a path|null characters"):
        read("a\0b.png")


def test_a_missing_file_and_a_folder_are_errors_of_the_system_or_named(read: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.png")
    with pytest.raises((IsADirectoryError, PermissionError, ValueError)):
        read(tmp_path)
