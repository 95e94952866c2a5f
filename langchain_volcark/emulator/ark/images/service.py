"""`/images/generations`: makes pictures, and replies with links or bytes, whole or as a stream.

API and events: https://www.volcengine.com/docs/82379/1541523.
"""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.errors import ArkError
from langchain_volcark.emulator.ark.images.drawing import Picture, draw
from langchain_volcark.emulator.ark.images.request import ImageRequest, read_image_request
from langchain_volcark.emulator.sse import DONE, EventStream, event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langchain_volcark.emulator.ark.images.models import ImageModel
    from langchain_volcark.emulator.ark.links import Links
    from langchain_volcark.emulator.state import RecordedRequest

Json = dict[str, Any]

PATH = "images/generations"

_REFUSED = re.compile(r"EMULATOR_REFUSE_(?:OUTPUT|IMAGE(?:_(\d+))?)\b")
_FAILED = re.compile(r"EMULATOR_FAIL_IMAGE(?:_(\d+))?\b")
_WORDS = re.compile(r"\s*EMULATOR_[A-Z_]+(?:_\d+)?\b")
_PIXELS_PER_TOKEN = 256
_LAYERS = (("title", "The text of the picture."), ("subject", "The main object of the picture."))


class Images:
    """Image generation.

    Args:
        links: Keeps the pictures.
    """

    def __init__(self, links: Links) -> None:
        self._links = links

    async def create(self, body: Json, model: ImageModel, recorded: RecordedRequest, request_id: str) -> Response:
        """Answer a request.

        Raises:
            ArkError: The request is invalid, or moderation refused its only picture.
        """
        work = _Work(read_image_request(body, model), self._links, recorded, request_id)
        if work.request.stream:
            return EventStream(work.events())
        return JSONResponse(await work.reply())


class _Work:
    """One request while its pictures are made."""

    def __init__(self, request: ImageRequest, links: Links, recorded: RecordedRequest, request_id: str) -> None:
        self.request = request
        self._links = links
        self._recorded = recorded
        self._id = request_id
        self._made: list[Picture] = []
        self._head = {"model": request.model.id, "created": int(time.time())}

    async def reply(self) -> Json:
        """All pictures in one reply; for a group whose pictures all failed, an error and no pictures."""
        items = [item async for _, item in self._items()]
        errors = [item["error"] for item in items if "error" in item]
        if len(errors) == len(items):
            if not self.request.sequential:
                raise _raised(errors[0])
            return {**self._head, "data": [], "error": errors[0], "usage": self._usage()}
        return {**self._head, "data": items, **self._tools(), "usage": self._usage()}

    async def events(self) -> AsyncIterator[bytes]:
        """An event per picture, then the usage."""
        async for index, item in self._items():
            outcome = "partial_failed" if "error" in item else "partial_succeeded"
            yield self._event(outcome, {"image_index": index, **item})
        yield self._event("completed", {**self._tools(), "usage": self._usage()})
        yield DONE

    def _event(self, kind: str, fields: Json) -> bytes:
        kind = f"image_generation.{kind}"
        return event({"type": kind, **self._head, **fields}, f"event: {kind}\ndata: ".encode())

    async def _items(self) -> AsyncIterator[tuple[int, Json]]:
        """Each picture, or its error; a failure of the service ends the group."""
        if self.request.layers:
            for index, (picture, fields) in enumerate(_layers(self.request)):
                yield index, {**await self._deliver(index, picture), **fields}
            return
        for index in range(self.request.count):
            error = _error(self.request.prompt, index + 1)
            if error is None:
                yield index, await self._deliver(index, _picture(self.request, index))
                continue
            yield index, {"error": error}
            if error["code"] == "InternalServiceError":
                return

    async def _deliver(self, index: int, picture: Picture) -> Json:
        self._made.append(picture)
        size = f"{picture.width}x{picture.height}"
        # Models that cannot choose the format do not tell it.
        told = {"output_format": picture.file_format} if self.request.model.output_format else {}
        if self.request.inline:
            content = await run_in_threadpool(draw, picture)
            return {"b64_json": base64.b64encode(content).decode(), "size": size, **told}
        name = f"{self.request.model.id}/{self._id}_{index}.{picture.file_format}"
        url = self._links.publish(self._recorded, name, lambda: draw(picture), picture.media_type)
        return {"url": url, "size": size, **told}

    def _tools(self) -> Json:
        return {"tools": [{"type": "web_search"}]} if self.request.searches else {}

    def _usage(self) -> Json:
        tokens = sum(one.width * one.height for one in self._made) // _PIXELS_PER_TOKEN
        usage: Json = {"generated_images": len(self._made), "output_tokens": tokens, "total_tokens": tokens}
        if self.request.references:
            usage["input_images"] = self.request.references
        if self.request.searches:
            usage["tool_usage"] = {"web_search": self.request.searches}
        return usage


def _error(prompt: str, number: int) -> Json | None:
    """The error of the picture with this number, from the trigger words of the prompt."""
    for pattern, error in (
        (
            _REFUSED,
            {
                "code": "OutputImageSensitiveContentDetected",
                "message": "The request failed because the output image may contain sensitive information.",
            },
        ),
        (
            _FAILED,
            {
                "code": "InternalServiceError",
                "message": "The service encountered an unexpected internal error.",
            },
        ),
    ):
        if any(found[1] is None or int(found[1]) == number for found in pattern.finditer(prompt)):
            return error
    return None


def _raised(error: Json) -> ArkError:
    status = 500 if error["code"] == "InternalServiceError" else 400
    return ArkError(status, error["code"], error["message"])


def _picture(request: ImageRequest, index: int) -> Picture:
    width, height = request.size
    caption = f"{index + 1} of {request.count}, {width}x{height}"
    if request.references:
        caption += f", {request.references} reference{'s' if request.references > 1 else ''}"
    return Picture(
        text=_WORDS.sub("", request.prompt),
        caption=caption,
        width=width,
        height=height,
        file_format=request.file_format,
        watermark=request.watermark,
        transparent=request.transparent,
        variant=f"{request.variant}/{index}",
    )


def _layers(request: ImageRequest) -> list[tuple[Picture, Json]]:
    """The base picture and its layers, each half as wide as the base and a quarter as high."""
    base = _picture(request, 0)
    width, height = base.width // 2, base.height // 4
    layers: list[tuple[Picture, Json]] = [(base, {"z_index": 0})]
    for number, (name, description) in enumerate(_LAYERS, 1):
        left, top = base.width // 4, number * base.height // 4
        box = (left, top, left + width, top + height)
        sides = (base.width, base.height) * 2
        fields = {
            "z_index": number,
            "bounding_box": {
                "absolute": list(box),
                "normalized": [value * 1000 // side for value, side in zip(box, sides, strict=True)],
            },
            "name": name,
            "description": description,
        }
        layer = Picture(name, "", width, height, "png", watermark=False, transparent=True, variant=request.variant)
        layers.append((layer, fields))
    return layers
