"""Where the content of an upload comes from: a path, bytes, a binary file object, or a URL."""

from __future__ import annotations

import io
import mimetypes
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from langchain_volcark.http.forms import FormFile
from langchain_volcark.wires.chat_completions.media_types import sniff

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 512 * 1024 * 1024
_URL = re.compile(r"(?:https?|tos)://", re.IGNORECASE)
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+://|data:)")
_GENERIC = "application/octet-stream"


@dataclass(frozen=True)
class Source:
    """The content of an upload.

    Attributes:
        content: A path, bytes or a file object; None where the service fetches the file.
        url: Where the service fetches it.
        filename: The name it is uploaded with; None with a URL.
    """

    content: Path | bytes | BinaryIO | None = field(repr=False)
    url: str | None = None
    filename: str | None = None

    @contextmanager
    def opened(self) -> Iterator[FormFile | None]:
        """Open the file, where it is a path; a file object of the caller's is not closed.

        Raises:
            OSError: It cannot be opened.
        """
        if self.content is None:
            yield None
        elif isinstance(self.content, Path):
            with self.content.open("rb") as file:
                yield self._form_file(file)
        else:
            yield self._form_file(self.content)

    def _form_file(self, content: bytes | BinaryIO) -> FormFile:
        name = self.filename or ""
        return FormFile(name, content, mimetypes.guess_type(name)[0] or _GENERIC)


def read_source(file: Any, filename: str | None) -> Source:
    """Find out what was given, and check it before anything is sent.

    A file's name must be text that can be sent: those of some file systems are not.

    Args:
        file: The caller's argument.
        filename: The name given by the caller.

    Raises:
        ValueError: It is none of these, is empty or too large, cannot be sent again, or needs a name.
        OSError: The file cannot be found or read.
    """
    if filename is not None and (not isinstance(filename, str) or not filename.strip()):
        raise ValueError(f"filename must be a text that is not empty, not {filename!r}.")
    source = _source(file, filename)
    if source.filename is not None and not is_sendable(source.filename):
        raise ValueError(f"filename: {source.filename!r} is not valid Unicode; give another name.")
    return source


def is_sendable(text: str) -> bool:
    """Whether a text can be written as UTF-8, which lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _source(file: Any, filename: str | None) -> Source:
    if isinstance(file, str) and _URL.match(file):
        if filename is not None:
            raise ValueError("filename: the service takes the name of a file at a URL from the URL.")
        return Source(None, url=file)
    if isinstance(file, (str, os.PathLike)):
        path = _path(file)
        _check_size(path.stat().st_size, str(path))
        return Source(path, filename=filename or path.name)
    if isinstance(file, (bytes, bytearray, memoryview)):
        content = bytes(file)
        _check_size(len(content), "file")
        return Source(content, filename=filename or _name_of(content))
    return _file_object(file, filename)


def _path(file: str | os.PathLike[str]) -> Path:
    if isinstance(file, str) and file[:5].lower() == "file:":
        file = url2pathname(urlsplit(file).path)
    if isinstance(file, str) and (found := _SCHEME.match(file)):
        raise ValueError(
            f"file: {found[0]} is no address that the service can read: give a path, bytes, an open file, or an "
            "http, https or tos URL."
        )
    if not os.fspath(file):
        raise ValueError("file is empty: give a path, bytes, an open file or a URL.")
    if "\0" in os.fspath(file):
        raise ValueError("file: a path has no null characters.")
    path = Path(file)
    if path.is_dir():
        raise ValueError(f"file: {str(path)!r} is a directory.")
    return path


def _file_object(file: Any, filename: str | None) -> Source:
    if not (hasattr(file, "read") and hasattr(file, "seek")):
        raise ValueError(f"file must be a path, bytes, a binary file or a URL, not a {type(file).__name__}.")
    if getattr(file, "closed", False):
        raise ValueError("file is closed.")
    try:
        start = file.tell()
        file.seek(0, io.SEEK_END)
        size = file.tell() - start
        file.seek(start)
    except OSError:
        raise ValueError(
            "file cannot seek, so it could not be sent again after a failure: pass its bytes, or save it first."
        ) from None
    try:
        is_text = isinstance(file.read(0), str)
    except OSError:
        raise ValueError('file cannot be read: open it with mode "rb".') from None
    if is_text:
        raise ValueError('file is opened as text: open it with mode "rb".')
    _check_size(size, "file")
    name = filename or _own_name(file)
    if name is None:
        name = _name_of(file.read(64))
        file.seek(start)
    return Source(file, filename=name)


def _own_name(file: Any) -> str | None:
    """The name of an open file; pipes and temporary files have a number instead, or none."""
    name = getattr(file, "name", None)
    return Path(name).name or None if isinstance(name, (str, os.PathLike)) else None


def _name_of(beginning: bytes) -> str:
    mime = sniff(beginning)
    if mime is None:
        raise ValueError("filename: give a name with an ending; the content is of no known format.")
    return f"file{mimetypes.guess_extension(mime) or ''}"


def _check_size(size: int, what: str) -> None:
    if size <= 0:
        raise ValueError(f"{what} is empty.")
    if size > MAX_BYTES:
        raise ValueError(f"{what} has {size:,} bytes; the service accepts {MAX_BYTES:,} (512 MB).")
