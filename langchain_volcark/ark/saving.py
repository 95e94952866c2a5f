"""Where what the service has made is saved: the file that a caller's path means."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from langchain_volcark.base.values import shown


def file_at(path: Any, own_name: str) -> Path:
    """The file that a path means, in a folder that exists.

    Args:
        path: A file, or a folder: one that exists, or a text that ends in a slash, which is created.
        own_name: The file's name in a folder.

    Raises:
        ValueError: It is no path.
        OSError: The folder does not exist, or cannot be created.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or "\0" in text:
        raise ValueError(f"path must be the path of a file or folder, not {shown(path)}.")
    target = Path(text)
    if target.is_dir() or text.endswith(("/", os.sep)):
        target.mkdir(parents=True, exist_ok=True)
        return target / own_name
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no such folder", str(target.parent))
    return target
