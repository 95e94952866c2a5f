"""Calls with a broken reply give an answer or an exception of the package, without a secret in it."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message

from langchain_volcark.exceptions import VolcArkError
from tests.fuzz.junk import damaged, examples, pieces, sse, texts, values, write_json
from tests.fuzz.samples import ERRORS, STREAMS, WHOLE
from tests.fuzz.wire import CHAT, CHAT_V1, WIRE, look_at, look_at_error

vendors = st.sampled_from(sorted(CHAT))
statuses = st.sampled_from(
    [200, 201, 204, 301, 304, 400, 401, 402, 403, 404, 407, 408, 409, 418, 429, 500, 503, 599]
)
header_values = st.sampled_from(
    ["", "0", "-1", "1.5", "1e999", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 99999999999 Oct 2015 07:28:00 GMT",
     "Mon, 1 Jan 0001 00:00:00 -9999", "Mon, 1 Jan 9999 00:00:00 +9999999999", "true", "false", "application/json",
     "text/event-stream; charset=utf-16", "text/html; charset=base64", "text/html; charset=undefined",
     "text/html; charset=idna", "text/html; charset=\"unicode_escape\"", "gzip", "br", "deflate", "http://[", "\xe9"]
)  # fmt: skip
# Retry-After and Date, as a library reads them that takes nearly everything for a date.
dates = st.lists(
    st.sampled_from(
        ["Wed,", "21", "Oct", "2015", "07:28:00", "GMT", "9" * 20, "00:00:" + "9" * 11, "+2400", "-9999999999", "0001",
         "9999", "31", "Jan", "(x)", "-0000", ""]
    ),
    max_size=8,
).map(" ".join)  # fmt: skip
headers = st.dictionaries(
    st.sampled_from(
        ["content-type", "retry-after", "date", "x-should-retry", "x-request-id", "x-tt-logid", "location",
         "x-bce-error-code", "x-bce-error-message", "x-bce-request-id", "x-baidu-request-id", "content-encoding"]
    ),
    header_values | dates,
    max_size=3,
)  # fmt: skip


def heard(model: Any, *, stream: bool, in_loop: bool) -> list[AIMessage]:
    """The message, or the chunks, of a call; sync or async."""
    if not in_loop:
        return list(model.stream("?")) if stream else [model.invoke("?")]

    async def call() -> list[AIMessage]:
        return [chunk async for chunk in model.astream("?")] if stream else [await model.ainvoke("?")]

    return asyncio.run(call())


def look_at_all(model: Any, *, stream: bool, in_loop: bool = False) -> None:
    try:
        messages = heard(model, stream=stream, in_loop=in_loop)
    except VolcArkError as error:
        event(type(error).__name__)
        look_at_error(error)
        return
    event("an answer")
    for message in messages:
        look_at(message)
    if stream:
        first, *rest = (one for one in messages if isinstance(one, AIMessageChunk))
        look_at(message_chunk_to_message(first + rest if rest else first))


@examples(200)
@given(vendors, st.booleans(), st.data())
def test_a_whole_reply_that_is_not_as_documented(vendor: str, blocks: bool, data: st.DataObject) -> None:
    payload = data.draw(damaged(WHOLE[vendor]))
    WIRE.will_send([write_json(payload)], {"content-type": "application/json"})
    look_at_all((CHAT_V1 if blocks else CHAT)[vendor], stream=False)


@examples(200)
@given(vendors, st.booleans(), st.data())
def test_a_stream_that_is_not_as_documented(vendor: str, blocks: bool, data: st.DataObject) -> None:
    payloads = data.draw(damaged(STREAMS[vendor]))
    body = sse(payloads if isinstance(payloads, list) else [payloads], done=data.draw(st.booleans()))
    WIRE.will_send(data.draw(pieces(body)), {"content-type": "text/event-stream"})
    look_at_all((CHAT_V1 if blocks else CHAT)[vendor], stream=True)


labels = st.sampled_from(
    [None, "", "application/json", "Application/JSON; charset=utf-8", "text/plain", "text/html",
     "TEXT/EVENT-STREAM", "application/octet-stream", "application/x-ndjson", "junk"]
)  # fmt: skip


@examples(200)
@given(vendors, st.booleans(), st.booleans(), values, labels, st.data())
def test_any_json_under_any_label_is_an_error_or_says_something(
    vendor: str, stream: bool, in_events: bool, value: Any, label: str | None, data: st.DataObject
) -> None:
    body = sse([value]) if in_events else write_json(value)
    WIRE.will_send(data.draw(pieces(body)), {} if label is None else {"content-type": label})
    try:
        messages = heard(CHAT[vendor], stream=stream, in_loop=False)
    except VolcArkError as error:
        look_at_error(error)
        return
    first, *rest = messages
    whole: Any = first + rest if rest else first  # type: ignore[operator]
    said = whole.content or whole.additional_kwargs or whole.tool_calls or whole.invalid_tool_calls
    assert said or whole.response_metadata.get("finish_reason") or whole.usage_metadata


@examples(200)
@given(vendors, st.booleans(), statuses, headers, st.data())
def test_an_error_reply_in_any_form(
    vendor: str, stream: bool, status: int, headers: dict[str, str], data: st.DataObject
) -> None:
    payload = data.draw(damaged(ERRORS[vendor]) | values)
    body = data.draw(st.just(write_json(payload)) | st.just(sse([payload])) | st.binary(max_size=20))
    WIRE.will_send(data.draw(pieces(body)), headers, status=status)
    look_at_all(CHAT[vendor], stream=stream)


@examples(100)
@given(vendors, st.booleans(), st.lists(values | texts, max_size=4), headers, st.data())
def test_junk_in_place_of_a_reply_in_a_loop(
    vendor: str, stream: bool, junk: list[Any], headers: dict[str, str], data: st.DataObject
) -> None:
    body = sse(junk) if stream else b"".join(map(write_json, junk))
    WIRE.will_send(data.draw(pieces(body)), headers)
    look_at_all(CHAT[vendor], stream=stream, in_loop=True)
