"""A reply that comes as an event stream: bytes in, parsed payloads out, silence bounded."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx

from langchain_volcark.exceptions import APITimeoutError, StreamInterruptedError, VolcArkError
from langchain_volcark.http.bodies import DONE, EventError, StreamDecoder, read_body
from langchain_volcark.http.deadline import LARGEST_BODY, AsyncWatchedStream, WatchedStream
from langchain_volcark.http.errors import (
    connection_error,
    error_from_facts,
    find_error,
    format_error,
    request_id_of,
    stated_error,
)
from langchain_volcark.http.json import parse_json
from langchain_volcark.http.redaction import Redaction, redact_links
from langchain_volcark.http.sse import ErrorEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from typing_extensions import Self

    from langchain_volcark.http.errors import ErrorReader

# Looked up at every check, so that a test can put a fake clock here.
monotonic: Callable[[], float] = time.monotonic

# After `[DONE]` nothing but the end of the body is due; a server that holds it back is not waited for.
_DRAIN_SECONDS = 0.25


class PayloadDecoder:
    """Turns the bytes of one stream into payloads; no I/O.

    Attributes:
        done: Whether the service's closing `[DONE]` has been seen.
        began: Whether a payload has been handed on; the caller says so.
    """

    def __init__(self, response: httpx.Response, reader: ErrorReader, silence: float | None) -> None:
        self.done = False
        self.began = False
        self._response = response
        self._reader = reader
        self._silence = silence
        self._limiter = _read_limiter(response)
        self._body = StreamDecoder()
        self._last_payload = monotonic()
        self._quiet = False
        self._drain_until: float | None = None
        self._unfinished = 0  # bytes since the last payload

    def feed(self, data: bytes) -> Iterable[dict[str, Any]]:
        """The payloads which these bytes complete.

        Raises:
            VolcArkError: A payload carries an error, or is not JSON.
            APITimeoutError: Only keep-alive comments have come for longer than the read timeout.
        """
        events = self._body.feed(data)
        if events:
            return self._decode(events, len(data))
        self.check_silence(len(data))
        return ()

    def check_silence(self, received: int) -> None:
        """Count bytes that hold no payload, so far; the next read gets what is left of the timeout.

        Raises:
            APITimeoutError: Nothing else has come for longer than the read timeout.
            StreamInterruptedError: They are more than any payload is long.
        """
        self._unfinished += received
        if self._unfinished > LARGEST_BODY:
            raise self._interrupted(f"The stream sent {LARGEST_BODY:,} bytes without a payload.")
        if self._silence is not None:
            # Bytes without a payload (comments) do not extend the timeout: the next read gets what is left.
            left = self._silence - (monotonic() - self._last_payload)
            if left <= 0:
                raise APITimeoutError(
                    f"The stream sent nothing but keep-alives for {self._silence:g} s. Raise timeout if "
                    "the model may think longer than that."
                )
            self._limit(left)

    def _limit(self, seconds: float | None) -> None:
        self._quiet = seconds is not None
        if self._limiter is not None:
            self._limiter.read_limit = seconds

    def may_drain(self) -> bool:
        """Whether to read on after `[DONE]`, so that the connection can be used again; bounds that read.

        Only where reads can be bounded: on connections of our own pool.
        """
        if not self.done or self._limiter is None:
            return False
        if self._drain_until is None:
            self._drain_until = monotonic() + _DRAIN_SECONDS
        left = self._drain_until - monotonic()
        self._limit(left)
        return left > 0

    def end(self) -> None:
        """Leave the connection as it was."""
        self._limit(None)

    def flush(self) -> Iterable[dict[str, Any]]:
        """What the end of the connection completes."""
        events = self._body.flush()
        documents = self._body.documents
        if documents is not None and documents.alone and events:
            raise self._not_a_stream(events[0])
        return self._decode(events)

    def _decode(self, events: list[bytes], received: int | None = None) -> Iterator[dict[str, Any]]:
        has_payload = False
        for event in events:
            if self.done or event == DONE:
                self.done = True
                return
            if type(event) is ErrorEvent:
                raise self._event_error(event)
            try:
                payload = parse_json(event)
            except ValueError as error:
                text = event.strip()
                if text and text != DONE:
                    raise self._unreadable(event) from error
                self.done = text == DONE
                continue
            if not isinstance(payload, dict):
                if payload is None:  # some gateways send that to keep a connection open
                    continue
                raise self._not_an_object(event)
            facts = self._reader.in_payload(payload)
            if facts is not None:
                raise error_from_facts(facts, payload, self._response, self._reader)
            if self._quiet:
                self._limit(None)
            yield payload
            # Only now: the caller may have taken minutes over it, which is no silence of the server.
            self._last_payload, self._unfinished = monotonic(), 0
            has_payload = True
        if received is not None and not has_payload and not self.done:
            self.check_silence(received)

    def _event_error(self, event: bytes) -> VolcArkError:
        """The exception for an event named `error`, whatever its data is."""
        payload = EventError(event).payload
        facts = self._reader.in_payload(payload) or stated_error(payload)
        return error_from_facts(facts, payload, self._response, self._reader)

    def _not_a_stream(self, content: bytes) -> VolcArkError:
        """The exception for a body that is no event stream: a JSON error, a whole reply, a page of HTML."""
        try:
            payload = parse_json(content)
        except ValueError:
            what = "an event stream was asked for, and this came instead"
            return format_error(self._response, self._reader, what, content=content)
        facts = self._reader.in_payload(payload)
        if facts is not None:
            return error_from_facts(facts, payload, self._response, self._reader)
        what = "an event stream was asked for, and a whole reply came"
        return format_error(self._response, self._reader, what, content=content)

    def _not_an_object(self, event: bytes) -> VolcArkError:
        if self.began:  # earlier payloads were right: this one was changed on its way
            return self._unreadable(event)
        return format_error(self._response, self._reader, "a payload is not a JSON object", content=event)

    def _unreadable(self, event: bytes) -> VolcArkError:
        with contextlib.suppress(ValueError):
            # An error may have another JSON document behind it, as in whole replies.
            found = find_error(read_body(event), self._reader)
            if found is not None:
                return error_from_facts(*found, self._response, self._reader)
        text = redact_links(Redaction(self._response).text(event.decode("utf-8", "replace")))[:200]
        return self._interrupted(
            f"The stream holds a payload that is not a JSON object: {text!r}. It was cut or changed on its way."
        )

    def _interrupted(self, problem: str) -> StreamInterruptedError:
        return StreamInterruptedError(
            problem,
            status_code=self._response.status_code,
            request_id=request_id_of(self._response, self._reader, None),
        )


def _read_limiter(response: httpx.Response) -> Any:
    return response.extensions.get("read_limiter")  # a body of `http.connection`


def _raw(response: httpx.Response) -> httpx.SyncByteStream:
    return cast("httpx.SyncByteStream", response.stream)


def _araw(response: httpx.Response) -> httpx.AsyncByteStream:
    return cast("httpx.AsyncByteStream", response.stream)


Begins = Callable[[Mapping[str, Any]], bool]
"""Whether the answer begins with a payload: from there on a broken stream is not asked for again."""


def begins_at_once(payload: Mapping[str, Any]) -> bool:  # noqa: ARG001
    """The answer begins with the first payload, whatever it is."""
    return True


class _Stream:
    """The part that the sync and the async stream share: the decoder, the reply, and the reading of failures.

    Attributes:
        response: The reply, whose body this reads.
        opening: The first payload; None where the stream closed without any.
    """

    def __init__(
        self, response: httpx.Response, reader: ErrorReader, silence: float | None, begins: Begins = begins_at_once
    ) -> None:
        self.response = response
        self.opening: dict[str, Any] | None = None
        self._begins = begins
        self._first: list[dict[str, Any]] = []
        self._reader = reader
        self._decoder = PayloadDecoder(response, reader, silence)
        # The transport's own bytes are cheapest; only a compressed stream needs httpx's decoders.
        self._compressed = response.headers.get("content-encoding", "identity") != "identity"

    @property
    def done(self) -> bool:
        """Whether the service has said that the stream is complete: by `[DONE]`, or by its last payload."""
        return self._decoder.done

    def stop(self) -> None:
        """Read nothing more: the payload just read was the service's last."""
        self._decoder.done = True

    @property
    def headers(self) -> httpx.Headers:
        """The reply's headers."""
        return self.response.headers

    def interrupted(self, why: str) -> StreamInterruptedError:
        """The exception for a stream that ended before the reply did."""
        return StreamInterruptedError(
            f"The stream ended early: {why}. What had arrived is in `.partial`.",
            status_code=self.response.status_code,
            request_id=request_id_of(self.response, self._reader, None),
        )

    def _rest(self) -> list[dict[str, Any]]:
        """What the end of the body completes; a first payload that it cuts may be asked for once more."""
        try:
            return list(self._decoder.flush())
        except StreamInterruptedError as error:
            error.is_retryable = not self._decoder.began
            raise

    def _take_first(self, payload: dict[str, Any]) -> bool:
        """Keep a payload of the beginning; returns whether the answer has begun."""
        self.opening = self.opening or payload
        self._first.append(payload)
        self._decoder.began = self._begins(payload)
        return self._decoder.began

    def _check_beginning(self) -> None:
        """Refuse a stream that ended without a payload: nothing of it was shown, so a retry repeats nothing."""
        if not self._first and not self._decoder.done:
            raise StreamInterruptedError(
                "The stream ended before its first payload.",
                status_code=self.response.status_code,
                request_id=request_id_of(self.response, self._reader, None),
                is_retryable=True,
            )

    def _broken(self, error: httpx.HTTPError) -> VolcArkError:
        translated = connection_error(error, self.response.url)
        if not self._decoder.began or isinstance(translated, APITimeoutError):
            return translated
        return self.interrupted(f"{error or type(error).__name__}")


class PayloadStream(_Stream):
    """Iterator over one stream's payloads; a context manager that closes the connection."""

    def __init__(
        self, response: httpx.Response, reader: ErrorReader, silence: float | None, begins: Begins = begins_at_once
    ) -> None:
        super().__init__(response, reader, silence, begins)
        if self._compressed:  # bytes may come that are no content
            response.stream = WatchedStream(_raw(response), self._decoder.check_silence)
        self._source = iter(response.iter_bytes() if self._compressed else _raw(response))
        self._payloads = self._read()
        # Where the answer begins decides whether the attempt succeeded; until here a retry repeats no text.
        for payload in self._payloads:
            if self._take_first(payload):
                break
        self._check_beginning()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return itertools.chain(self._first, self._payloads)

    def _read(self) -> Iterator[dict[str, Any]]:
        decoder = self._decoder
        try:
            for data in self._source:
                yield from decoder.feed(data)
                if decoder.done:
                    return
            yield from self._rest()
        except httpx.HTTPError as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Give the connection back, or close it if the stream was not read to its end."""
        try:
            while self._decoder.may_drain() and next(self._source, None) is not None:
                pass
        except httpx.HTTPError:
            pass  # the message is complete; only the connection is lost
        finally:
            self._decoder.end()
            self.response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPayloadStream(_Stream):
    """Same as `PayloadStream`, async; made by `open`."""

    @classmethod
    async def open(
        cls, response: httpx.Response, reader: ErrorReader, silence: float | None, begins: Begins = begins_at_once
    ) -> Self:
        """Read up to where the answer begins, within the attempt that may still be retried."""
        stream = cls(response, reader, silence, begins)
        async for payload in stream._payloads:
            if stream._take_first(payload):
                break
        stream._check_beginning()
        return stream

    def __init__(
        self, response: httpx.Response, reader: ErrorReader, silence: float | None, begins: Begins = begins_at_once
    ) -> None:
        super().__init__(response, reader, silence, begins)
        if self._compressed:
            response.stream = AsyncWatchedStream(_araw(response), self._decoder.check_silence)
        self._source = aiter(response.aiter_bytes() if self._compressed else _araw(response))
        self._payloads = self._read()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        return self._first.pop(0) if self._first else await anext(self._payloads)

    async def _read(self) -> AsyncIterator[dict[str, Any]]:
        decoder = self._decoder
        try:
            async for data in self._source:
                for payload in decoder.feed(data):
                    yield payload
                if decoder.done:
                    return
            for payload in self._rest():
                yield payload
        except httpx.HTTPError as error:
            raise self._broken(error) from error

    async def aclose(self) -> None:
        """Give the connection back, or close it if the stream was not read to its end."""
        try:
            while self._decoder.may_drain() and await anext(self._source, None) is not None:
                pass
        except httpx.HTTPError:
            pass  # the message is complete; only the connection is lost
        finally:
            self._decoder.end()
            await self.response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
