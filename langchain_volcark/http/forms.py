"""Requests that carry a file: multipart/form-data, read from the file while it is sent."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping


@dataclass(frozen=True)
class FormFile:
    """The file of a form.

    Attributes:
        name: The file name in the form.
        content: Bytes, or a binary file that can seek; it is sent from where it stands, at each attempt.
        content_type: Its media type.
    """

    name: str
    content: bytes | BinaryIO = field(repr=False)
    content_type: str = "application/octet-stream"


class Form:
    """The fields and the file of a request.

    Args:
        fields: The other fields; each a text, or a list of texts for a field that is sent several times.
        file: The file, if there is one.
        name: The field that holds it.
    """

    def __init__(
        self, fields: Mapping[str, str | list[str]], file: FormFile | None = None, *, name: str = "file"
    ) -> None:
        self._fields = dict(fields)
        self._files: list[tuple[str, tuple[str | None, Any, str | None]]] = []
        if file is not None:
            content = file.content if isinstance(file.content, bytes) else _FromHere(file.content)
            self._files.append((name, (file.name, content, file.content_type)))
        else:  # httpx would send the fields URL-encoded
            self._files.extend((key, (None, each, None)) for key, each in self._texts())
            self._fields = {}

    def _texts(self) -> list[tuple[str, str]]:
        lists = {key: value if isinstance(value, list) else [value] for key, value in self._fields.items()}
        return [(key, each) for key, values in lists.items() for each in values]

    def arguments(self) -> dict[str, Any]:
        """What httpx wants to be given for it, with the file at its beginning."""
        return {"data": self._fields, "files": self._files}


class FormStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The bytes of a form, as httpx writes them; can be sent again, because the file is read from its beginning.

    Attributes:
        headers: Its media type with the boundary, and its length.

    Args:
        form: Its file is read while the stream is, from the beginning.
    """

    def __init__(self, form: Form) -> None:
        written = httpx.Request("POST", "http://form", **form.arguments())
        self.headers = {name: written.headers[name] for name in ("content-type", "content-length")}
        self._parts = cast("httpx.SyncByteStream", written.stream)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = iter(self._parts)
        # In threads, so that the event loop does not wait for a disk.
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part


class _FromHere(io.RawIOBase):
    """A file whose beginning is where it stood; httpx, which rewinds what it sends, would send all of it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._start = file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._file.seek(offset + self._start if whence == io.SEEK_SET else offset, whence)
        return self.tell()
