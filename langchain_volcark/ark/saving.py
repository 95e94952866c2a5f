"""Saves what the service has made: complete and of the right kind, or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from langchain_volcark.base.values import shown
from langchain_volcark.exceptions import ResponseFormatError
from langchain_volcark.wires.chat_completions.media_types import sniff

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_HEAD = 48  # bytes that tell the format
_NAMES = {"image": "picture", "video": "video"}
_SUFFIXES = {"image/jpeg": ".jpeg", "video/quicktime": ".mov", "video/x-msvideo": ".avi"}


class Target:
    """An unfinished file beside its final place, which it takes when it is complete; a context manager.

    Args:
        path: A file, or a folder: one that exists, or a text that ends in a slash, which is created. A file
            without an extension gets that of the format.
        own_name: The file's name in a folder, without extension.
        kind: What the content must be.

    Attributes:
        unfinished: Where to write the content. It is removed at the end, if it was not finished.

    Raises:
        ValueError: `path` is not the path of a file or folder.
        OSError: The folder does not exist, or cannot be created.
    """

    def __init__(self, path: Any, own_name: str, kind: Literal["image", "video"]) -> None:
        self._path = file_at(path, own_name)
        self._kind = kind
        self.unfinished = self._path.with_name(f".{self._path.name[:100]}.{uuid.uuid4().hex}")

    def finish(self) -> Path:
        """Give the complete file its name.

        Raises:
            ResponseFormatError: It is something else, such as the page of a proxy.
            OSError: The file cannot take its place.
        """
        with self.unfinished.open("rb") as file:
            found = sniff(file.read(_HEAD)) or ""
        if not found.startswith(f"{self._kind}/"):
            raise ResponseFormatError(
                f"The link does not lead to a {_NAMES[self._kind]}. Is a proxy or portal in between?"
            )
        path = self._path
        if not path.suffix:
            path = path.with_name(path.name + _SUFFIXES.get(found, f".{found.partition('/')[2]}"))
        self.unfinished.replace(path)
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unfinished.unlink(missing_ok=True)


def file_at(path: Any, own_name: str) -> Path:
    """The file that a path means, in a folder that exists.

    Args:
        path: A file, or a folder: one that exists, or a text that ends in a slash, which is created.
        own_name: The file's name in a folder.

    Raises:
        ValueError: `path` is not the path of a file or folder.
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
