"""Whether a body is JSON, several JSON documents, or an event stream: judged by its content alone.

Gateways send wrong Content-Types: errors as event streams, event streams as JSON or text, or nothing at all.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from langchain_volcark.http.json import parse_json
from langchain_volcark.http.sse import ErrorEvent, SSEDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = b"[DONE]"
"""The data of the event that closes a stream."""

_BLANKS = b"\xef\xbb\xbf \t\r\n"
_NO_EVENT_STREAM = frozenset(b'{["<')  # how JSON and HTML begin, and no line of an event stream
_FIELD = re.compile(rb"(?:^|[\r\n]|\xef\xbb\xbf)(?:(?:data|event|id|retry)(?=[:\r\n])|:)")
_SPACE = re.compile(r"\s*")
_LONGEST_BEGINNING = 65_536  # bytes of lines that the standard reads over, before the first event


def is_event_stream(beginning: bytes) -> bool | None:
    """Whether a body is an event stream.

    Args:
        beginning: Its first bytes.

    Returns:
        None where they do not tell yet.
    """
    text = beginning.lstrip(_BLANKS)
    if text and text[0] in _NO_EVENT_STREAM:
        return False
    if _FIELD.search(beginning, 0, _LONGEST_BEGINNING):
        return True
    return False if len(beginning) > _LONGEST_BEGINNING else None


class EventError:
    """What an event named ``error`` holds.

    Attributes:
        payload: The JSON value, or the text where it is no JSON.
    """

    def __init__(self, event: bytes) -> None:
        self.payload = _read(event)


def read_body(content: bytes) -> list[Any]:
    """Read a whole body.

    Args:
        content: All of it.

    Returns:
        What it holds, in order: one JSON value, as it should be; several where a gateway glued a second document
        to the first; the payloads of an event stream, an `EventError` where an event is named so. What is no JSON
        beside such values stands there as text.

    Raises:
        ValueError: It holds no JSON.
    """
    try:
        return [parse_json(content)]
    except ValueError as error:
        problem = str(error)
    if is_event_stream(content):
        decoder = SSEDecoder()
        events = [*decoder.feed(content), *decoder.flush()]
        return [_read_event(event) for event in events if event.strip() not in (b"", DONE)]
    documents, rest = split_documents(content)
    if not documents:
        raise ValueError(problem)
    return [_read(document) for document in (*documents, *([rest] if rest else []))]


def _read_event(event: bytes) -> Any:
    return EventError(event) if isinstance(event, ErrorEvent) else _read(event)


def _read(text: bytes) -> Any:
    """A JSON value, or the text where it is none."""
    try:
        return parse_json(text)
    except ValueError:
        return text.decode("utf-8", "replace")


def split_documents(content: bytes) -> tuple[list[bytes], bytes]:
    """Split JSON documents that stand one after the other, with or without blanks between.

    Args:
        content: Such as `b'{"a": 1}{"b": 2}'`.

    Returns:
        The documents, and what is left where no further one begins.
    """
    try:
        text = content.decode("utf-8-sig", "surrogatepass")
    except ValueError:
        return [], content
    scan = json.JSONDecoder().raw_decode
    documents = []
    start = _after_blanks(text, 0)
    while start < len(text):
        try:
            _, end = scan(text, start)
        except (ValueError, RecursionError):
            break
        documents.append(text[start:end].encode("utf-8", "surrogatepass"))
        start = _after_blanks(text, end)
    return documents, text[start:].encode("utf-8", "surrogatepass")


def _after_blanks(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start


class DocumentDecoder:
    """Turns JSON documents, in pieces of any size, into the bytes of each.

    The knowledge base's pages show streams as JSON texts, a line each: those come out line by line. Anything else
    comes out at its end. A document that stands alone is held back to the end: it is a whole reply, and no stream.

    Attributes:
        alone: Whether nothing but one document, or something that is none, has come.
    """

    def __init__(self) -> None:
        self.alone = True
        self._in_lines = True
        self._first: list[bytes] = []  # held back until a second document comes
        self._pending: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes.

        Returns:
            The documents that are complete.
        """
        self._pending.append(data)
        if not self._in_lines or b"\n" not in data:
            return []
        *lines, rest = b"".join(self._pending).split(b"\n")
        documents = []
        while lines and self._in_lines:
            if _is_json(lines[0]):
                documents.append(lines.pop(0))
            elif lines[0].strip(_BLANKS):
                self._in_lines = False
            else:
                del lines[0]
        self._pending = [b"\n".join([*lines, rest])]
        return self._released(documents)

    def flush(self) -> list[bytes]:
        """Take note that the body has ended.

        Returns:
            The last documents, and after them what is no document, if there is such.
        """
        content = b"".join(self._pending)
        self._pending = []
        if _is_json(content):
            documents, rest = [content], b""
        else:
            documents, rest = split_documents(content)
        released = self._released([*documents, *([rest] if rest else [])])
        return released or self._first

    def _released(self, documents: list[bytes]) -> list[bytes]:
        if not self.alone:
            return documents
        documents = [*self._first, *documents]
        if len(documents) > 1:
            self.alone = False
            self._first = []
            return documents
        self._first = documents
        return []


def _is_json(text: bytes) -> bool:
    try:
        parse_json(text)
    except ValueError:
        return False
    return True


class StreamDecoder:
    """Turns the body of a streamed reply into its payloads, once its first bytes have shown what it is.

    Attributes:
        feed: Takes the next bytes; returns the payloads that they complete.
        documents: The decoder of a body that is no event stream; None for an event stream.
    """

    def __init__(self) -> None:
        self.documents: DocumentDecoder | None = None
        self.feed: Callable[[bytes], list[bytes]] = self._begin
        self._events = SSEDecoder()
        self._beginning = b""

    def _begin(self, data: bytes) -> list[bytes]:
        self._beginning += data
        is_events = is_event_stream(self._beginning)
        if is_events is None:
            return []
        return self._decide(is_events=is_events)

    def _decide(self, *, is_events: bool) -> list[bytes]:
        beginning, self._beginning = self._beginning, b""
        if not is_events:
            self.documents = DocumentDecoder()
        # From now on the decoder's own method, which saves a call for each token.
        self.feed = self._events.feed if self.documents is None else self.documents.feed
        return self.feed(beginning)

    def flush(self) -> list[bytes]:
        """The payloads which the end of the body completes."""
        last = self._decide(is_events=False) if self._beginning.strip(_BLANKS) else []
        return [*last, *(self._events if self.documents is None else self.documents).flush()]
