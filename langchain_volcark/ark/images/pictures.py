"""Generated pictures: what a request returned, and saving it before the links expire.

Links are valid for 24 hours: https://www.volcengine.com/docs/82379/1541523.
"""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import httpx

from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.ark.saving import Target
from langchain_volcark.exceptions import NotFoundError, PermissionDeniedError
from langchain_volcark.http.client import HTTPClient
from langchain_volcark.wires.chat_completions.media_types import sniff_base64

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from langchain_volcark.exceptions import VolcArkError

_FORMATS = frozenset({"png", "jpeg", "webp", "gif"})
_LONGEST_NAME = 100
_EXPIRED = " Links of pictures are valid for 24 hours: save pictures soon after generation."


@dataclass(frozen=True, repr=False)
class ArkImage:
    """A generated picture; it has `url` or `base64`.

    It consists of JSON values, so that checkpoints and traces of agents can hold it. Where they turn it into a
    dictionary, `ArkImage(**dictionary)` is the picture again.

    Attributes:
        url: Link to the picture, valid for 24 hours, or None.
        base64: Its bytes in base64, or None.
        size: Width and height as the service wrote them, such as `2048x2048`.
        output_format: `png` or `jpeg`, where the service says so.
        index: Its number within the request, from 0.
        model: The model that made it.
        z_index: For layers: position in the stack; 0 is the base.
        bounding_box: For layers: place in the base, `{"absolute": [left, top, right, bottom], "normalized": …}`,
            in pixels and in thousandths.
        name: For layers: a short name.
        description: For layers: what it shows.
        extra: Further fields of the reply, under their own names.

    Example:
        ```python
        picture = ArkImageGenerator().generate("A red fox in the snow")[0]
        path = picture.save("fox")  # fox.jpeg
        ```
    """

    url: str | None = None
    base64: str | None = None
    size: str | None = None
    output_format: str | None = None
    index: int = 0
    model: str | None = None
    z_index: int | None = None
    bounding_box: Mapping[str, Any] | None = field(default=None, hash=False)
    name: str | None = None
    description: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    # No field: the settings of downloads are no part of the picture.
    _client = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_client"}

    def __repr__(self) -> str:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        if self.url is not None:
            # The query is a signature with which anybody can fetch the picture.
            values["url"] = self.url.partition("?")[0]
        if self.base64 is not None:
            values["base64"] = f"<{len(self.base64)} characters>"
        written = [f"{name}={value!r}" for name, value in values.items() if value]
        return f"ArkImage({', '.join(written)})"

    @property
    def mime_type(self) -> str | None:
        """Its MIME type, from the bytes or what the service says; None where neither tells."""
        if self.base64 is not None:
            return sniff_base64(self.base64)
        kind = self.output_format or PurePosixPath(urlsplit(self.url or "").path).suffix.lstrip(".").lower()
        kind = "jpeg" if kind == "jpg" else kind
        return f"image/{kind}" if kind in _FORMATS else None

    @property
    def file_name(self) -> str:
        """A name for its file, without extension: that of the link, else a hash of the bytes."""
        if self.base64 is not None:
            return sha256(self.base64.encode()).hexdigest()[:16]
        stem = PurePosixPath(unquote(urlsplit(self._link).path)).stem
        return re.sub(r"[^\w.-]+", "_", stem)[:_LONGEST_NAME].lstrip(".") or "picture"

    @property
    def data(self) -> bytes | None:
        """Its bytes; None where it only has a link, which `read` fetches."""
        return None if self.base64 is None else base64.b64decode(self.base64)

    def block(self, *, detail: str | None = None) -> dict[str, Any]:
        """The picture as a content block, for a message to a chat model.

        Args:
            detail: The resolution at which a model sees it: `low`, `high` or `xhigh`.

        Returns:
            LangChain's image block with `url` or `base64`.

        Example:
            ```python
            question = {"type": "text", "text": "What is wrong with this picture?"}
            model.invoke([HumanMessage([question, picture.block()])])
            ```
        """
        source = {"url": self.url} if self.base64 is None else {"base64": self.base64}
        known = {"mime_type": self.mime_type, "detail": detail}
        return {"type": "image", **source, **{name: value for name, value in known.items() if value}}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file; a link is fetched, without the API key.

        The file appears when it is complete, and replaces an existing one.

        Args:
            path: A file, or a folder: one that exists, or a text that ends in a slash, which is created. Without
                an extension, that of the picture's format is added; in a folder the file has a name of its own.

        Returns:
            The path of the file.

        Raises:
            VolcArkError: The link cannot be fetched, for example because it is older than 24 hours.
            OSError: The file cannot be written.

        Example:
            ```python
            for picture in generator.generate("The four seasons", max_images=4):
                print(picture.save("pictures/"))
            ```
        """
        with Target(path, self.file_name, "image") as target:
            try:
                if (data := self.data) is None:
                    self._downloads.download(self._link, target.unfinished)
                else:
                    target.unfinished.write_bytes(data)
            except (PermissionDeniedError, NotFoundError) as error:
                error.message += _EXPIRED
                raise
            return target.finish()

    async def asave(self, path: str | os.PathLike[str]) -> Path:
        """Same as `save`, async; files are written in threads."""
        with await asyncio.to_thread(Target, path, self.file_name, "image") as target:
            try:
                if (data := self.data) is None:
                    await self._downloads.adownload(self._link, target.unfinished)
                else:
                    await asyncio.to_thread(target.unfinished.write_bytes, data)
            except (PermissionDeniedError, NotFoundError) as error:
                error.message += _EXPIRED
                raise
            return await asyncio.to_thread(target.finish)

    def read(self) -> bytes:
        """The bytes of the picture; a link is fetched, without the API key.

        Raises:
            VolcArkError: The link cannot be fetched, for example because it is older than 24 hours.
        """
        if (data := self.data) is not None:
            return data
        with tempfile.TemporaryDirectory() as folder:
            return self.save(Path(folder) / "picture").read_bytes()

    async def aread(self) -> bytes:
        """Same as `read`, async."""
        if (data := self.data) is not None:
            return data
        folder = await asyncio.to_thread(tempfile.TemporaryDirectory)
        try:
            path = await self.asave(Path(folder.name) / "picture")
            return await asyncio.to_thread(path.read_bytes)
        finally:
            await asyncio.to_thread(folder.cleanup)

    @property
    def _link(self) -> str:
        if self.url is None:
            raise ValueError("The picture has neither url nor base64.")
        return self.url

    @property
    def _downloads(self) -> HTTPClient:
        return self._client or HTTPClient("", auth=httpx.Auth(), errors=ArkErrors())


def with_client(picture: ArkImage, client: HTTPClient) -> ArkImage:
    """Let a picture's downloads use this client: its proxy, certificates, timeout and retries.

    Returns:
        The picture.
    """
    object.__setattr__(picture, "_client", client)
    return picture


class GeneratedImages(list[ArkImage]):
    """The pictures of one request, in their order.

    Attributes:
        errors: Number of a picture, from 0, to the error because of which it is missing.
        usage: What is billed, as the service sent it: `generated_images`, `output_tokens`, `total_tokens`, …; None
            where it sent none.
        model: The model that answered.
        created: Seconds since 1970.
        request_id: The server's id of the request.
        tools: The tools that were used.
        metadata: Further fields of the reply, under their own names.
    """

    def __init__(self, pictures: Iterable[ArkImage] = ()) -> None:
        super().__init__(pictures)
        self.errors: dict[int, VolcArkError] = {}
        self.usage: dict[str, Any] | None = None
        self.model: str | None = None
        self.created: int | None = None
        self.request_id: str | None = None
        self.tools: list[Any] = []
        self.metadata: dict[str, Any] = {}
