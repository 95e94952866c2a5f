"""The words of a real model as a response: text, functions and structured formats.

Responses API: https://www.volcengine.com/docs/82379/1569618.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.errors import ArkError
from langchain_volcark.emulator.ark.ids import call_id
from langchain_volcark.emulator.ark.relay import ark_error
from langchain_volcark.emulator.ark.responses import frames
from langchain_volcark.emulator.ark.responses.output import Found, Output, item_id, message_item, reasoning_item
from langchain_volcark.emulator.ark.responses.wire import response_object, usage_object
from langchain_volcark.emulator.ark.usage import PromptCount
from langchain_volcark.emulator.sse import DONE, EventStream
from langchain_volcark.emulator.upstream.asking import question, switched
from langchain_volcark.emulator.upstream.errors import UpstreamError
from langchain_volcark.emulator.upstream.replies import Numbering, Total, Usage, counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_volcark.emulator.ark.responses.writer import Writer
    from langchain_volcark.emulator.upstream.client import Upstream, UpstreamStream
    from langchain_volcark.emulator.upstream.replies import CallPiece, Piece

Json = dict[str, Any]


async def answer(upstream: Upstream, writer: Writer) -> Response:
    """Answer a request.

    Args:
        upstream: The server to ask.
        writer: Writes the response.

    Raises:
        ArkError: There is no answer, or a tool is wanted that runs inside the real service alone.
    """
    request = writer.request
    if request.makes_prefix:
        return JSONResponse(writer.finish(Output([], Found(), 0)))
    for tool in request.hosted:
        raise ArkError(
            400,
            "InvalidParameter",
            f"The emulator has a model behind it (--upstream), which cannot run the hosted tool {tool['type']}.",
            "tools",
        )
    asked = question(request.chat.messages, request.chat.body, thinks=switched(request.chat.body))
    try:
        if request.stream:
            stream = await upstream.stream(asked, request.model.id)
            return EventStream(_events(stream, writer), close=stream.aclose)
        said = await upstream.ask(asked, request.model.id)
    except UpstreamError as error:
        raise ark_error(error) from None
    written = _Written(writer)
    for piece in said.pieces[:1]:
        list(written.add(piece))
    list(written.end())
    return JSONResponse(written.finish(said.usage))


async def _events(stream: UpstreamStream, writer: Writer) -> AsyncIterator[bytes]:
    """The events as they come; an error of the server in the place of the rest."""
    numbered = frames.Frames()
    written = _Written(writer)
    usage = None
    try:
        for opening in writer.begin(numbered):
            yield opening
        async for said in stream:
            usage = said.usage or usage
            for piece in said.pieces[:1]:
                for one in written.add(piece):
                    yield numbered.write(one)
        for one in written.end():
            yield numbered.write(one)
        response = written.finish(usage)
        yield numbered.write((frames.TERMINAL[response["status"]], {"response": response}))
    except UpstreamError as error:
        payload = ark_error(error).payload(writer.request_id)["error"]
        told = {name: payload[name] for name in ("code", "message", "param") if name in payload}
        yield numbered.write(("error", told))
    finally:
        writer.abandon()
    yield DONE


class _Written:
    """Builds output items from pieces, and writes the events for each piece."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._total = Total()
        self._items: list[Json] = []
        self._open: Json | None = None
        self._numbering = Numbering()
        self._calls: dict[int, int] = {}

    def add(self, piece: Piece) -> Iterator[frames.Event]:
        """The events that a piece becomes."""
        self._total.add(piece)
        if piece.reasoning:
            yield from self._reasoning(piece.reasoning)
        if piece.content:
            yield from self._text(piece.content)
        for call in piece.calls:
            yield from self._call(call)

    def end(self) -> Iterator[frames.Event]:
        """The events that close what is open; a reply without a word is an empty message."""
        if not self._items:
            yield from self._begin(message_item("", []), frames.text_opening)
        yield from self._close()

    def finish(self, usage: Usage | None) -> Json:
        """The response, kept."""
        writer = self._writer
        cut = {"length": "length", "content_filter": "content_filter"}.get(self._total.finish_reason or "")
        if cut and self._items:
            self._items[-1]["status"] = "incomplete"
        exact = counted(usage, writer.counts.total, [self._total])
        output = Output(
            self._items, Found(), 0, "incomplete" if cut else "completed", {"reason": cut} if cut else None
        )
        counts = PromptCount(exact.prompt, exact.cached, 0)
        told = usage_object(counts, exact.completion, exact.reasoning or 0, Found())
        return writer.keep(response_object(writer.request, writer.id, output, told))

    def _reasoning(self, piece: str) -> Iterator[frames.Event]:
        if self._open is None or self._open["type"] != "reasoning":
            yield from self._begin(reasoning_item("", self._writer.request.model))
            yield from frames.summary_opening(self._place, self._items[-1]["id"])
        item = self._items[-1]
        item["summary"][0]["text"] += piece
        yield frames.summary_delta(self._place, item["id"], piece)

    def _text(self, piece: str) -> Iterator[frames.Event]:
        if self._open is None or self._open["type"] != "message":
            partial = self._writer.request.chat.prefill is not None
            yield from self._begin(message_item("", [], partial=partial), frames.text_opening)
        item = self._items[-1]
        item["content"][0]["text"] += piece
        yield frames.text_delta(self._place, item["id"], piece)

    def _call(self, call: CallPiece) -> Iterator[frames.Event]:
        number, opens = self._numbering.place(call)
        if opens:
            item = {
                "arguments": "",
                "call_id": call.id or call_id(),
                "name": call.name or "",
                "type": "function_call",
                "id": item_id("fc"),
                "status": "completed",
            }
            yield from self._begin(item)
            self._calls[number] = self._place
            yield frames.arguments_delta(self._place, item["id"], "")
        if call.arguments:
            place = self._calls[number]
            self._items[place]["arguments"] += call.arguments
            yield frames.arguments_delta(place, self._items[place]["id"], call.arguments)

    def _begin(self, item: Json, opening: Any = None) -> Iterator[frames.Event]:
        yield from self._close()
        self._items.append(item)
        self._open = item
        yield frames.added(self._place, item)
        if opening is not None:
            yield opening(self._place, item["id"])

    def _close(self) -> Iterator[frames.Event]:
        item, self._open = self._open, None
        if item is None:
            return
        place = self._place
        if item["type"] == "reasoning":
            request = self._writer.request
            if request.seals:
                sealed = reasoning_item(item["summary"][0]["text"], request.model, sealed=True)
                item["encrypted_content"] = sealed["encrypted_content"]
            yield from frames.summary_end(place, item["id"], item["summary"][0])
        elif item["type"] == "message":
            yield from frames.text_end(place, item["id"], item["content"][0])
        else:
            yield frames.arguments_end(place, item["id"], item["arguments"])
        yield frames.done(place, item)

    @property
    def _place(self) -> int:
        return len(self._items) - 1
