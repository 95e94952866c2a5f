"""A response's stream of events, read into `StreamDelta`s.

Follows https://www.volcengine.com/docs/82379/1599499 (streaming responses) and the vendor's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.responses.apps import APP_TEXTS, AppCall
from langchain_volcark.ark.responses.envelope import finish_reason, read_envelope, read_output
from langchain_volcark.ark.responses.output import FunctionCall, Message, OutputItem, Reasoning
from langchain_volcark.wires.chat_completions.replies import read_text, read_word
from langchain_volcark.wires.wire import StreamReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_volcark.messages.assembler import StreamAssembler
    from langchain_volcark.messages.deltas import StreamDelta

    Handler = Callable[["ResponseReader", Mapping[str, Any]], list[StreamDelta]]

_OPENING = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENDS = frozenset({"response.completed", "response.incomplete"})

# What a piece of text belongs to: the item's kind, the text's name in it, and the field with its number.
_TEXTS = {
    "output_text": ("message", "text", "content_index"),
    "reasoning_summary_text": ("reasoning", "summary", "summary_index"),
    "reasoning_text": ("reasoning", "content", "content_index"),
    "reasoning_raw_text": ("reasoning", "content", "content_index"),
    "function_call_arguments": ("function_call", "arguments", ""),
    "doubao_app_call_output_text": ("doubao_app_call", "output_text", "block_index"),
    "doubao_app_call_reasoning_text": ("doubao_app_call", "reasoning_text", "block_index"),
}
_PARTS = {"output_text": ("message", "text"), "reasoning_text": ("reasoning", "content")}


class ResponseReader(StreamReader):
    """Reads the events of one response.

    Items are identified by their ids, and ordered by the output index under which they came first. A whole
    response is read like the last event of a stream, which repeats everything.
    """

    def __init__(self) -> None:
        self._items: dict[int, OutputItem] = {}
        self._numbers: dict[str, int] = {}
        self._ended = False

    @override
    def begins(self, payload: Mapping[str, Any]) -> bool:
        kind = payload.get("type")
        return not isinstance(kind, str) or kind not in _OPENING

    @override
    def is_complete(self, assembler: StreamAssembler, *, ended: bool) -> bool:
        return self._ended  # `[DONE]` without a last event does not complete a response

    @override
    def read(self, payload: Mapping[str, Any]) -> Sequence[StreamDelta]:
        kind = payload.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        return () if handler is None or self._ended else handler(self, payload)

    def read_snapshot(self, response: Mapping[str, Any]) -> list[StreamDelta]:
        """Read a whole response, which ends the stream.

        Args:
            response: The JSON object.

        Returns:
            What it adds to the events before it.

        Raises:
            ValueError: It is not what is documented, in a part that holds the answer.
        """
        output = read_output(response)
        deltas: list[StreamDelta] = []
        seen: set[int] = set()
        for place, received in enumerate(output):
            deltas += self._finish(received, place, seen)
        for number in sorted(self._items):
            if not self._items[number].finished:
                deltas += self._items[number].finish(None)
        last = read_envelope(response)
        calls = any(isinstance(item, FunctionCall) for item in self._items.values())
        # A response without any item answers nothing, unless the service says what cut it short.
        last.is_answer = bool(self._items) or response.get("status") == "incomplete"
        if last.is_answer:
            last.finish_reason = finish_reason(response, calls_functions=calls)
        last.is_last = self._ended = True
        deltas.append(last)
        deltas[0].id, deltas[0].model_name = last.id, last.model_name  # which the first chunk shows
        return deltas

    # --- which item an event is about -------------------------------------------------------------------------

    def _find(self, item_id: str | None, place: Any, kind: str) -> OutputItem | None:
        """Find a known item by its id, or by its output index where the item or the event has no id."""
        item = self._items.get(place) if type(place) is int else None
        if item is not None and item_id and item.id == item_id:  # several items may have the same id
            return item
        number = self._numbers.get(item_id) if item_id else None
        if number is not None:
            return self._items[number]
        if not item_id and type(place) is not int:
            return self._latest(kind)
        if item is None or (kind and item.kind != kind) or (item_id and item.id):
            return None
        if item_id:
            item.id, self._numbers[item_id] = item_id, item.number
        return item

    def _latest(self, kind: str) -> OutputItem | None:
        """The newest unfinished item of a kind, for events with neither id nor output index."""
        return next((item for item in reversed(self._items.values()) if item.takes(kind)), None)

    def _begin(self, received: Mapping[str, Any], place: Any, kind: str) -> tuple[OutputItem, list[StreamDelta]]:
        """Create an item; returns it and what its beginning adds."""
        number = place if type(place) is int and place not in self._items else max(self._items, default=-1) + 1
        item = self._new_item(number, kind, received)
        self._items[number] = item
        if item.id:
            self._numbers[item.id] = number
        return item, item.begin()

    def _new_item(self, number: int, kind: str, received: Mapping[str, Any]) -> OutputItem:
        if kind == "message":
            apps = [item.answer for item in self._items.values() if isinstance(item, AppCall)]
            return Message(number, kind, received, "".join(apps) or None)
        if kind == "function_call":
            before = sum(isinstance(item, FunctionCall) for item in self._items.values())
            return FunctionCall(number, kind, received, before)
        if kind == "doubao_app_call":
            return AppCall(number, kind, received)
        return (Reasoning if kind == "reasoning" else OutputItem)(number, kind, received)

    def _item(self, payload: Mapping[str, Any], kind: str) -> tuple[OutputItem, list[StreamDelta]]:
        """The item that an event about a part belongs to; created if no event has announced it."""
        item_id, place = read_word(payload, "item_id"), payload.get("output_index")
        item = self._find(item_id, place, kind)
        if item is not None:
            return item, []
        return self._begin({"id": item_id} if item_id else {}, place, kind)

    def _finish(self, received: dict[str, Any], place: Any, seen: set[int] | None = None) -> list[StreamDelta]:
        """Read a whole item.

        Args:
            received: The item.
            place: Its output index, if the event has one.
            seen: Numbers of the items that came before it in the same response, and are therefore others.
        """
        kind = read_word(received, "type") or ""
        item = self._find(read_word(received, "id"), place, kind)
        deltas: list[StreamDelta] = []
        if item is None or (seen is not None and item.number in seen):
            item, deltas = self._begin(received, place, kind)
        if seen is not None:
            seen.add(item.number)
        return [*deltas, *item.finish(received)]

    # --- events -----------------------------------------------------------------------------------------------

    def _opening(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        return [read_envelope(_known(payload, "response"))]

    def _end(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        response = _object(payload, "response")
        status = str(payload["type"]).removeprefix("response.")
        return self.read_snapshot({**response, "status": response.get("status") or status})

    def _added(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        received, place = _known(payload, "item"), payload.get("output_index")
        kind, item_id = read_word(received, "type") or "", read_word(received, "id")
        if not received:
            return []
        found = self._find(item_id, place, kind) if item_id or type(place) is int else None
        # A finished item with the same id but another output index is another item.
        if found is not None and not (found.finished and type(place) is int and place != found.number):
            return []
        return self._begin(received, place, kind)[1]

    def _done(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        return self._finish(_object(payload, "item"), payload.get("output_index"))

    def _part_done(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        part = _known(payload, "part")
        named = _PARTS.get(str(part.get("type")))
        return [] if named is None else self._end_text(payload, *named, _number(payload, "content_index"), part)

    def _summary_done(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        part = _known(payload, "part")
        return self._end_text(payload, "reasoning", "summary", _number(payload, "summary_index"), part)

    def _end_text(
        self, payload: Mapping[str, Any], kind: str, name: str, index: int, part: Mapping[str, Any]
    ) -> list[StreamDelta]:
        item, deltas = self._item(payload, kind)
        return [*deltas, *item.end_text(name, index, part)] if item.takes(kind) else deltas

    def _annotation(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        item, deltas = self._item(payload, "message")
        if annotation := _known(payload, "annotation"):
            item.annotate(_number(payload, "content_index"), annotation)
        return deltas

    def _approval(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        asked = _known(payload, "function_mcp_approval_request")
        received = {"type": "mcp_approval_request", **asked}
        return self._finish(received, payload.get("output_index")) if asked else []

    def _app_block(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        block, index = _known(payload, "block"), payload.get("block_index")
        if not block:
            return []
        item, deltas = self._item(payload, "doubao_app_call")
        if isinstance(item, AppCall) and not item.finished:
            number = item.note(index if type(index) is int else None, block)
            if payload["type"] == "response.doubao_app_call_block.done" and block.get("type") in APP_TEXTS:
                deltas += item.end_text(block["type"], number, block)
        return deltas


def _piece_reader(kind: str, name: str, numbered: str) -> Handler:
    def read(reader: ResponseReader, payload: Mapping[str, Any]) -> list[StreamDelta]:
        item, deltas = reader._item(payload, kind)  # noqa: SLF001
        if not item.takes(kind):
            return deltas
        taken = item.take(name, _place_in(item, payload, numbered), read_text(payload, "delta"))
        return [*deltas, *taken] if deltas else taken

    return read


def _end_reader(kind: str, name: str, numbered: str) -> Handler:
    def read(reader: ResponseReader, payload: Mapping[str, Any]) -> list[StreamDelta]:
        item, deltas = reader._item(payload, kind)  # noqa: SLF001
        if not item.takes(kind):
            return deltas
        return [*deltas, *item.end_text(name, _place_in(item, payload, numbered), payload)]

    return read


def _place_in(item: OutputItem, payload: Mapping[str, Any], numbered: str) -> int:
    """Which of an item's texts an event is about."""
    if isinstance(item, AppCall) and numbered not in payload:
        return item.latest
    return _number(payload, numbered)


def _number(payload: Mapping[str, Any], name: str) -> int:
    number = payload.get(name)
    return number if type(number) is int and 0 <= number < _MOST_PARTS else 0


_MOST_PARTS = 10_000  # more than any item has; larger numbers are read as 0


def _known(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object that a later event repeats, so that it may be null or missing here; empty then."""
    return {} if payload.get(name) is None else _object(payload, name)


def _object(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"`{name}` is not an object")  # noqa: TRY004 - a reply, not an argument
    return value


_HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_OPENING, ResponseReader._opening),  # noqa: SLF001
    **dict.fromkeys(_ENDS, ResponseReader._end),  # noqa: SLF001
    "response.output_item.added": ResponseReader._added,  # noqa: SLF001
    "response.output_item.done": ResponseReader._done,  # noqa: SLF001
    "response.content_part.done": ResponseReader._part_done,  # noqa: SLF001
    "response.reasoning_summary_part.done": ResponseReader._summary_done,  # noqa: SLF001
    "response.output_text.annotation.added": ResponseReader._annotation,  # noqa: SLF001
    "response.mcp_approval_request": ResponseReader._approval,  # noqa: SLF001
    "response.doubao_app_call_block.added": ResponseReader._app_block,  # noqa: SLF001
    "response.doubao_app_call_block.done": ResponseReader._app_block,  # noqa: SLF001
    **{f"response.{event}.delta": _piece_reader(*of) for event, of in _TEXTS.items()},
    **{f"response.{event}.done": _end_reader(*of) for event, of in _TEXTS.items()},
}
"""The events that are read; the finished item repeats whatever the others contain."""
