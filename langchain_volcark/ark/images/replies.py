"""Reads replies and stream events of image generation.

Follows https://www.volcengine.com/docs/82379/1541523: a picture that failed is an entry with an `error`, beside
pictures that did not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.errors import error_of_work
from langchain_volcark.ark.images.pictures import ArkImage, GeneratedImages, with_client
from langchain_volcark.exceptions import ResponseFormatError, VolcArkError
from langchain_volcark.http.errors import no_answer_error, request_id_of
from langchain_volcark.http.json import parse_json
from langchain_volcark.http.redaction import Redaction
from langchain_volcark.wires.chat_completions.media_types import size_of_base64

if TYPE_CHECKING:
    import httpx

    from langchain_volcark.http.client import HTTPClient
    from langchain_volcark.http.errors import ErrorReader
    from langchain_volcark.http.replies import Reply

_FIELDS = frozenset({"size", "output_format", "z_index", "bounding_box", "name", "description"})
_NO_EXTRA = frozenset({*_FIELDS, "url", "b64_json", "error", "image_index", "type", "model", "created"})
_NO_METADATA = frozenset({"model", "created", "created_at", "data", "usage", "tools", "tool", "error", "type"})
_EVENT = "image_generation."


class ImageReader:
    """Collects the pictures, failures and metadata of one request, whole or streamed.

    Args:
        response: The reply, for errors.
        errors: Reads Ark's errors.
        client: With what the pictures are fetched later.

    Attributes:
        result: What has come so far.
        is_complete: Whether a stream has had its last event.
    """

    def __init__(self, response: httpx.Response, errors: ErrorReader, client: HTTPClient) -> None:
        self._response = response
        self._errors = errors
        self._client = client
        self.result = GeneratedImages()
        self.result.request_id = request_id_of(response, errors, None)
        self.is_complete = False

    def read_reply(self, payload: Mapping[str, Any]) -> GeneratedImages:
        """Read a complete reply.

        Raises:
            VolcArkError: No picture was made: the error of the first.
            ResponseFormatError: The reply is not in the documented form. `result` has what could be read.
        """
        self._read_head(payload)
        self.read_items(payload)
        return self.finish(payload)

    def read_items(self, payload: Mapping[str, Any]) -> None:
        """Read the pictures of a complete reply.

        Raises:
            ResponseFormatError: One is not in the documented form. `result` has the others.
        """
        data = payload.get("data")
        problems = []
        for position, item in enumerate(data if isinstance(data, list) else ()):
            try:
                self._read_item(item, position)
            except ValueError as error:
                problems.append(f"data[{position}]: {error}")
        if problems:
            raise self._malformed(payload, problems[0])

    def read_event(self, payload: Mapping[str, Any]) -> ArkImage | None:
        """Read an event of a stream; returns the picture that it brings, if it does.

        Previews and events that are not known are ignored.

        Raises:
            VolcArkError: The event says that the request failed, or is not in the documented form.
        """
        kind = str(payload.get("type") or "").removeprefix(_EVENT)
        if kind in ("partial_succeeded", "partial_failed"):
            self._read_head({name: payload.get(name) for name in ("model", "created", "created_at")})
            try:
                return self._read_item(payload, len(self.result) + len(self.result.errors))
            except ValueError as error:
                self._fail(payload, self._malformed(payload, str(error)))
                return None
        if kind == "completed":
            self.is_complete = True
            self._read_head(payload)
            if failure := payload.get("error"):
                raise self._error(failure, "The request failed")
        return None

    def finish(self, payload: Mapping[str, Any] | None = None) -> GeneratedImages:
        """Return the result.

        Args:
            payload: The complete reply, for the error; None for a stream.

        Raises:
            VolcArkError: No picture was made.
        """
        if self.result:
            return self.result
        if self.result.errors:
            raise self._with_partial(next(iter(self.result.errors.values())))
        raise self._with_partial(self._malformed(payload, "it has neither a picture nor an error"))

    def _read_item(self, item: Any, position: int) -> ArkImage | None:
        if not isinstance(item, Mapping):
            raise ValueError("it is not an object")  # noqa: TRY004
        given = item.get("image_index")
        index = given if isinstance(given, int) and not isinstance(given, bool) else position
        if error := item.get("error"):
            self.result.errors[index] = self._error(error, f"Picture {index + 1} failed")
            return None
        url, encoded = item.get("url") or None, item.get("b64_json") or None
        if not isinstance(url, str | None) or not isinstance(encoded, str | None) or (url or encoded) is None:
            raise ValueError("it has neither url, b64_json nor error")
        if encoded is not None and size_of_base64(encoded) is None:
            raise ValueError("b64_json is not base64")
        known = {name: item.get(name) for name in _FIELDS}
        picture = ArkImage(
            url=url,
            base64=encoded,
            index=index,
            model=item.get("model") or self.result.model,
            extra={name: value for name, value in item.items() if name not in _NO_EXTRA and value is not None},
            **known,
        )
        self.result.append(with_client(picture, self._client))
        return picture

    def _fail(self, item: Mapping[str, Any], error: VolcArkError) -> None:
        """Note that a picture cannot be read: those after it are paid for too."""
        given = item.get("image_index")
        taken = {picture.index for picture in self.result} | self.result.errors.keys()
        index = given if type(given) is int and given not in taken else max(taken, default=-1) + 1
        self.result.errors[index] = error

    def _read_head(self, payload: Mapping[str, Any]) -> None:
        result = self.result
        result.model = payload.get("model") or result.model
        result.created = payload.get("created") or payload.get("created_at") or result.created
        usage = payload.get("usage")
        result.usage = dict(usage) if isinstance(usage, Mapping) else result.usage
        result.tools = payload.get("tools") or payload.get("tool") or result.tools
        result.metadata |= {
            name: value for name, value in payload.items() if name not in _NO_METADATA and value is not None
        }

    def _error(self, error: Any, about: str) -> VolcArkError:
        """The exception for the error of a picture, or of the stream as a whole."""
        error = Redaction(self._response).data(error)
        failure = error_of_work(error, about, body={"error": error})
        failure.request_id = failure.request_id or self.result.request_id
        return failure

    def _malformed(self, payload: Any, problem: str) -> ResponseFormatError:
        return no_answer_error(self._response, self._errors, payload, problem)

    def _with_partial(self, error: VolcArkError) -> VolcArkError:
        error.partial = self.result
        return error


def read_images(reply: Reply, errors: ErrorReader, client: HTTPClient) -> GeneratedImages:
    """Read a complete reply; see `ImageReader.read_reply`."""
    return ImageReader(reply.response, errors, client).read_reply(reply.payload)


def keep_partial(error: VolcArkError, errors: ErrorReader, client: HTTPClient) -> None:
    """Attach to an error the pictures that its reply has nevertheless; they are billed.

    Args:
        error: Raised for a reply that is complete, but has an `error`, or is not in the expected form.
        errors: Reads Ark's errors.
        client: With what the pictures are fetched later.
    """
    body = error.body
    if isinstance(body, str):
        with contextlib.suppress(ValueError):
            body = parse_json(body.encode())
    if error.response is None or not isinstance(body, Mapping):
        return
    reader = ImageReader(error.response, errors, client)
    with contextlib.suppress(VolcArkError):
        reader.read_reply(body)
    if reader.result:
        error.partial = reader.result
