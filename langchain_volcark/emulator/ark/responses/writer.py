"""Writes one response, whole or as a stream, and keeps it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError
from langchain_volcark.emulator.ark.ids import reply_id
from langchain_volcark.emulator.ark.responses.frames import TERMINAL, Frames, item_events
from langchain_volcark.emulator.ark.responses.store import Stored
from langchain_volcark.emulator.ark.responses.wire import (
    failed_object,
    new_id,
    opening,
    response_object,
    usage_object,
)
from langchain_volcark.emulator.ark.wording import last_user_text
from langchain_volcark.emulator.sse import DONE, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_volcark.emulator.ark.responses.output import Output
    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest
    from langchain_volcark.emulator.ark.responses.store import Store
    from langchain_volcark.emulator.ark.usage import PromptCount

Json = dict[str, Any]

_END = re.compile(r"EMULATOR_END_(FAILED|ERROR|ENVELOPE|MISSING)")


def _internal() -> ArkError:
    return ArkError(500, "InternalServiceError", "The service encountered an unexpected internal error.")


class Writer:
    """One response and how it ends.

    Args:
        request: What it answers.
        counts: The prompt's tokens.
        store: Where it is kept.
        request_id: The id of the HTTP request.
    """

    def __init__(self, request: ResponsesRequest, counts: PromptCount, store: Store, request_id: str) -> None:
        self.request = request
        self.counts = counts
        self.id = new_id()
        self.request_id = request_id
        self._store = store
        found = _END.search(last_user_text(request.chat.messages))
        self._end = found[1] if found else None

    def whole(self, output: Output) -> Json:
        """The response object.

        Raises:
            ArkError: The answer is refused, or was told to fail.
        """
        if output.refused is not None:
            raise output.refused
        if self._end == "FAILED":
            return failed_object(self.request, self.id, "server_error", _internal().message)
        if self._end is not None:
            raise _internal()
        return self.finish(output)

    def events(self, output: Output) -> Iterator[bytes]:
        """The response as a stream."""
        frames = Frames()
        try:
            yield from self.begin(frames)
            inner = [one for place, item in enumerate(output.items) for one in item_events(place, item)]
            if self._end is None and output.refused is None:
                for one in inner:
                    yield frames.write(one)
                response = self.finish(output)
                yield frames.write((TERMINAL[output.status], {"response": response}))
                yield DONE
                return
            for one in inner[: _half(inner)]:
                yield frames.write(one)
            yield from self._broken_end(frames, output.refused)
        finally:
            self.abandon()

    def begin(self, frames: Frames) -> Iterator[bytes]:
        """The frames before the first item."""
        self._store.begin(self.id)
        response = opening(self.request, self.id)
        for kind in ("response.created", "response.in_progress"):
            yield frames.write((kind, {"response": response}))

    def finish(self, output: Output) -> Json:
        """The object of what was written, which is kept from now on."""
        usage = usage_object(self.counts, output.output_tokens, output.reasoning_tokens, output.found)
        return self.keep(response_object(self.request, self.id, output, usage))

    def keep(self, response: Json) -> Json:
        """Keep a response where it shall be kept."""
        request = self.request
        stored = None
        if request.stores:
            before = request.previous
            usage = response["usage"]
            # Thinking is not cached.
            written = usage["total_tokens"] - usage["output_tokens_details"]["reasoning_tokens"]
            stored = Stored(
                response=response,
                name=request.name,
                items=[_with_id(item) for item in request.items],
                previous_id=before.id if before is not None else None,
                expire_at=request.expire_at,
                cached=request.caches,
                in_cache=request.caches or (before is not None and before.in_cache),
                tools=request.tools,
                thinking=request.body.get("thinking"),
                cached_tokens=written if request.caches else before.cached_tokens if before is not None else 0,
            )
        self._store.end(self.id, stored)
        return response

    def abandon(self) -> None:
        """Forget a response whose writing ended too early; one that is kept stays."""
        self._store.end(self.id, None)

    def _broken_end(self, frames: Frames, refused: ArkError | None) -> Iterator[bytes]:
        """An end that is none: an error in the place of the rest, or nothing at all."""
        error = refused or _internal()
        if self._end == "FAILED":
            response = failed_object(self.request, self.id, "server_error", error.message)
            yield frames.write(("response.failed", {"response": response}))
        elif self._end == "ENVELOPE":
            yield event(error.payload(self.request_id))
            return
        elif self._end != "MISSING":
            payload = error.payload(self.request_id)["error"]
            told = {name: payload[name] for name in ("code", "message", "param") if name in payload}
            yield frames.write(("error", told))
        yield DONE


def _half(events: list[tuple[str, Json]]) -> int:
    """Where to break off: in the middle of the text, or before the last event where there is no text."""
    texts = [place for place, (kind, _) in enumerate(events) if kind == "response.output_text.delta"]
    return texts[len(texts) // 2] if texts else max(len(events) - 1, 0)


def _with_id(item: Json) -> Json:
    prefix = {"message": "msg", "function_call": "fc", "reasoning": "rs"}.get(item["type"], "item")
    return {"id": f"{prefix}_{reply_id()}", **item}
