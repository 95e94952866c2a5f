"""Streams of pictures: each as soon as it is made, with failures and usage beside them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_volcark.ark.billed import note_doubt
from langchain_volcark.ark.images.pictures import ArkImage, GeneratedImages
from langchain_volcark.ark.images.replies import ImageReader, keep_partial, read_images
from langchain_volcark.exceptions import APIConnectionError, ResponseFormatError, VolcArkError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import TracebackType

    import httpx
    from typing_extensions import Self

    from langchain_volcark.http.client import HTTPClient
    from langchain_volcark.http.errors import ErrorReader
    from langchain_volcark.http.replies import Reply
    from langchain_volcark.http.requests import ServiceRequest
    from langchain_volcark.http.stream import AsyncPayloadStream, PayloadStream

_NO_END = "its last event is missing"
_IN_DOUBT = "Pictures may have been made, and billed: a new request is billed again."


@dataclass(frozen=True)
class ImageService:
    """Sends requests for pictures and reads what comes back.

    Attributes:
        client: Sends them.
        errors: Reads Ark's errors.
    """

    client: HTTPClient
    errors: ErrorReader

    def generate(self, request: ServiceRequest) -> GeneratedImages:
        """Send a request and read the complete reply.

        Raises:
            VolcArkError: The request failed; `partial` has the pictures that came nevertheless.
        """
        try:
            reply = self.client.post(request)
        except VolcArkError as error:
            self._note(error)
            raise
        return self._read(reply)

    async def agenerate(self, request: ServiceRequest) -> GeneratedImages:
        """Same as `generate`, async."""
        try:
            reply = await self.client.apost(request)
        except VolcArkError as error:
            self._note(error)
            raise
        return self._read(reply)

    def open(self, request: ServiceRequest) -> PayloadStream:
        """Send a request and open the stream of its events.

        Raises:
            VolcArkError: The request failed; `partial` has the pictures of a reply that is no stream.
        """
        try:
            return self.client.stream(request)
        except VolcArkError as error:
            self._note(error)
            raise

    async def aopen(self, request: ServiceRequest) -> AsyncPayloadStream:
        """Same as `open`, async."""
        try:
            return await self.client.astream(request)
        except VolcArkError as error:
            self._note(error)
            raise

    def reader(self, response: httpx.Response) -> ImageReader:
        """A reader of a stream's events."""
        return ImageReader(response, self.errors, self.client)

    def _read(self, reply: Reply) -> GeneratedImages:
        try:
            return read_images(reply, self.errors, self.client)
        except ResponseFormatError as error:
            self._note(error)
            raise
        except VolcArkError as error:  # of the pictures themselves: none was made
            keep_partial(error, self.errors, self.client)
            raise

    def _note(self, error: VolcArkError) -> None:
        """Attach to the error of a request what came nevertheless, and that it may be billed."""
        keep_partial(error, self.errors, self.client)
        if error.partial:
            error.is_retryable = False  # these are billed, and would be again
        else:
            note_doubt(error, _IN_DOUBT)


class ArkImageStream:
    """Iterator over the pictures of one request, which is sent when the first picture is asked for.

    Attributes:
        result: All that has come so far: pictures, failures, and at the end the usage.
    """

    def __init__(self, service: ImageService, write: Callable[[], ServiceRequest]) -> None:
        self.result = GeneratedImages()
        self._pictures = self._read(service, write)

    def _read(self, service: ImageService, write: Callable[[], ServiceRequest]) -> Generator[ArkImage, None, None]:
        request = write()
        if not request.body.get("stream"):  # the model does not stream
            self.result = service.generate(request)
            yield from self.result
            return
        with service.open(request) as payloads:
            reader = service.reader(payloads.response)
            self.result = reader.result
            try:
                for payload in payloads:
                    if (picture := reader.read_event(payload)) is not None:
                        yield picture
                    if reader.is_complete:
                        break
                else:
                    raise payloads.interrupted(_NO_END)
                reader.finish()
            except (APIConnectionError, ResponseFormatError) as error:
                error.partial = self.result
                note_doubt(error, _IN_DOUBT)
                raise
            except VolcArkError as error:
                error.partial = self.result
                raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ArkImage:
        return next(self._pictures)

    def close(self) -> None:
        """Stop reading and close the connection; pictures that are not read may be billed."""
        self._pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncArkImageStream:
    """Same as `ArkImageStream`, async."""

    def __init__(self, service: ImageService, write: Callable[[], ServiceRequest]) -> None:
        self.result = GeneratedImages()
        self._pictures = self._read(service, write)

    async def _read(
        self, service: ImageService, write: Callable[[], ServiceRequest]
    ) -> AsyncGenerator[ArkImage, None]:
        request = await asyncio.to_thread(write)
        if not request.body.get("stream"):
            self.result = await service.agenerate(request)
            for one in self.result:
                yield one
            return
        async with await service.aopen(request) as payloads:
            reader = service.reader(payloads.response)
            self.result = reader.result
            try:
                async for payload in payloads:
                    if (picture := reader.read_event(payload)) is not None:
                        yield picture
                    if reader.is_complete:
                        break
                else:
                    raise payloads.interrupted(_NO_END)
                reader.finish()
            except (APIConnectionError, ResponseFormatError) as error:
                error.partial = self.result
                note_doubt(error, _IN_DOUBT)
                raise
            except VolcArkError as error:
                error.partial = self.result
                raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ArkImage:
        return await anext(self._pictures)

    async def aclose(self) -> None:
        """Stop reading and close the connection; pictures that are not read may be billed."""
        await self._pictures.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
