"""Interrupted streams: the partial message is kept, nothing hangs, connections are reused or closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    APITimeoutError,
    ContentFilterError,
    ResponseFormatError,
    ServiceError,
    StreamInterruptedError,
    VolcArkError,
)
from langchain_volcark.http import stream as http_stream

Make = Callable[..., ChatArk]

# Attempts that may time out before their first payload on a slow machine; none of them waits for another.
ATTEMPTS = 20


def sync_stream(model: ChatArk) -> list[Any]:
    return list(model.stream("Hello"))


def async_stream(model: ChatArk) -> list[Any]:
    async def run() -> list[Any]:
        return [chunk async for chunk in model.astream("Hello")]

    return asyncio.run(run())


def events(model: ChatArk) -> list[Any]:
    return list(model.stream_events("Hello", version="v3"))


both = pytest.mark.parametrize("read", [sync_stream, async_stream])
three = pytest.mark.parametrize("read", [sync_stream, async_stream, events])


def payload(**delta: Any) -> dict[str, Any]:
    finish = delta.pop("finish_reason", None)
    choice: dict[str, Any] = {"index": 0, "delta": {"role": "assistant", **delta}}
    if finish:
        choice["finish_reason"] = finish
    return {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def failing(read: Callable[[ChatArk], Any], model: ChatArk) -> VolcArkError:
    with pytest.raises(VolcArkError) as caught:
        read(model)
    return caught.value


@three
def test_a_stream_that_breaks_raises_with_what_had_come(
    read: Callable[[ChatArk], Any], make: Make, emulator: Emulator
) -> None:
    emulator.break_stream_after(2)
    error = failing(read, make(thinking="disabled"))
    assert isinstance(error, StreamInterruptedError)
    assert isinstance(error.partial, AIMessage)
    assert "You said: Hello".startswith(error.partial.text)
    assert error.partial.text or error.partial.additional_kwargs
    assert error.request_id
    assert error.__cause__ is not None


@three
def test_a_stream_that_ends_without_a_finish_reason_is_broken(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator
) -> None:
    emulator.reply_next([payload(content="Half an ans")])
    error = failing(read, model)
    assert isinstance(error, StreamInterruptedError)
    assert error.partial is not None
    assert error.partial.text == "Half an ans"


@both
def test_a_call_cut_by_a_break_is_invalid(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator
) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "rm", "arguments": '{"path": "/tm'}}
    emulator.reply_next([payload(tool_calls=[call])])
    error = failing(read, model)
    assert error.partial is not None
    assert error.partial.tool_calls == []
    assert error.partial.invalid_tool_calls[0]["name"] == "rm"


@three
def test_an_error_event_raises_the_class_of_its_code(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator
) -> None:
    refusal = {"error": {"code": "OutputTextSensitiveContentDetected", "message": "no", "type": "BadRequest"}}
    emulator.reply_next([payload(content="So far"), refusal, "data: [DONE]"])
    error = failing(read, model)
    assert isinstance(error, ContentFilterError)
    assert error.code == "OutputTextSensitiveContentDetected"
    assert error.partial is not None
    assert error.partial.text == "So far"


@both
def test_an_error_as_the_first_event_is_retried_if_it_may_heal(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator, waits: list[float]
) -> None:
    emulator.reply_next([{"error": {"code": "InternalServiceError", "message": "again", "type": ""}}])
    assert "".join(chunk.text for chunk in read(model)) == "You said: Hello"
    assert len(emulator.requests) == 2


@both
def test_a_payload_that_is_not_json_is_a_broken_stream(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator
) -> None:
    emulator.reply_next([payload(content="a"), 'data: {"choices": [{"del'])
    error = failing(read, model)
    assert isinstance(error, StreamInterruptedError)
    assert error.partial is not None
    assert error.partial.text == "a"


@both
def test_a_stream_that_is_html_says_so(read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator) -> None:
    emulator.reply_next(body="<html>Please log in</html>", content_type="text/html")
    error = failing(read, model)
    assert isinstance(error, ResponseFormatError)
    assert "Please log in" in str(error)


@both
def test_a_json_error_instead_of_a_stream_is_read(
    read: Callable[[ChatArk], Any], make: Make, emulator: Emulator
) -> None:
    emulator.reply_next({"error": {"code": "InternalServiceError", "message": "not today", "type": ""}})
    assert isinstance(failing(read, make(max_retries=0)), ServiceError)


@both
def test_a_whole_reply_instead_of_a_stream_is_refused(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator
) -> None:
    emulator.reply_next({"id": "r", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})
    assert isinstance(failing(read, model), ResponseFormatError)


@both
def test_a_second_done_and_payloads_after_it_change_nothing(
    read: Callable[[ChatArk], Any], model: ChatArk, emulator: Emulator
) -> None:
    end = payload(content="", finish_reason="stop")
    emulator.reply_next([payload(content="a"), end, "data: [DONE]", payload(content="b"), "data: [DONE]"])
    assert "".join(chunk.text for chunk in read(model)) == "a"


@both
def test_silence_is_bounded_by_the_timeout(read: Callable[[ChatArk], Any], make: Make, emulator: Emulator) -> None:
    for _ in range(ATTEMPTS):
        emulator.stall_stream_after(3, seconds=30)
    error = failing(read, make(timeout=0.3, max_retries=ATTEMPTS - 1))
    assert isinstance(error, APITimeoutError)
    assert error.partial is not None


@both
def test_keep_alive_comments_do_not_count_as_an_answer(
    read: Callable[[ChatArk], Any], make: Make, emulator: Emulator
) -> None:
    for _ in range(ATTEMPTS):
        emulator.stall_stream_after(3, seconds=30, keep_alive_every=0.02)
    error = failing(read, make(timeout=0.3, max_retries=ATTEMPTS - 1))
    assert isinstance(error, APITimeoutError)
    assert error.partial is not None


@both
def test_silence_is_measured_between_payloads_not_over_the_whole_stream(
    read: Callable[[ChatArk], Any], make: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100_000, 5))
    monkeypatch.setattr(http_stream, "monotonic", lambda: float(next(clock)))
    assert "".join(chunk.text for chunk in read(make(timeout=6))) == "You said: Hello"


@both
def test_silence_before_the_first_payload_is_a_timeout_that_is_retried(
    read: Callable[[ChatArk], Any], make: Make, emulator: Emulator, waits: list[float]
) -> None:
    emulator.delay_next(30)
    assert read(make(timeout=0.3, max_retries=ATTEMPTS - 1))
    assert len(emulator.requests) == 1 + len(waits) >= 2


def test_an_abandoned_stream_is_closed_at_the_server(model: ChatArk, emulator: Emulator) -> None:
    emulator.stall_stream_after(5, seconds=30)
    stream = model.stream("count to 500")
    next(stream)
    stream.close()
    assert emulator.wait_for(lambda: emulator.active_streams == 0)
    assert emulator.disconnects == 1


async def test_an_abandoned_async_stream_is_closed_at_the_server(model: ChatArk, emulator: Emulator) -> None:
    emulator.stall_stream_after(5, seconds=30)
    stream = model.astream("count to 500")
    await anext(stream)
    await stream.aclose()
    assert await asyncio.to_thread(emulator.wait_for, lambda: emulator.active_streams == 0)


async def test_a_cancelled_task_closes_its_stream(model: ChatArk, emulator: Emulator) -> None:
    emulator.stall_stream_after(5, seconds=30)
    began = asyncio.Event()

    async def read() -> None:
        async for _ in model.astream("count to 500"):
            began.set()

    task = asyncio.create_task(read())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(emulator.wait_for, lambda: emulator.active_streams == 0)


def test_an_emoji_split_over_two_payloads_is_joined(model: ChatArk, emulator: Emulator) -> None:
    half = '{"id":"r","choices":[{"delta":{"content":"%s"}}]}'
    emulator.reply_next(
        ["data: " + half % "a\\ud83d", "data: " + half % "\\ude00b", payload(finish_reason="stop"), "data: [DONE]"]
    )
    assert "".join(chunk.text for chunk in model.stream("Hi")) == "a\U0001f600b"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(max_size=6), max_size=6),
    ends=st.sampled_from(["\n\n", "\r\n\r\n"]),
    space=st.sampled_from(["data: ", "data:"]),
)
def test_invoke_equals_the_sum_of_the_stream_for_any_fragments(
    texts: list[str], ends: str, space: str, model: ChatArk, emulator: Emulator
) -> None:
    import json

    pieces = [payload(content=text) for text in texts] + [payload(content="", finish_reason="stop")]
    lines = [f"{space}{json.dumps(piece)}{ends}" for piece in pieces] + [f"{space}[DONE]{ends}"]
    whole = {
        "id": "r1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"message": {"content": "".join(texts)}, "finish_reason": "stop"}],
    }
    emulator.reply_next(whole, headers={"x-request-id": "q1"})
    emulator.reply_next(lines, headers={"x-request-id": "q1"})
    emulator.reply_next(lines, headers={"x-request-id": "q1"})
    message = model.invoke("Hi")
    for read in (sync_stream, async_stream):
        first, *rest = read(model)
        total = first + rest if rest else first
        assert total.content == message.content
        assert total.response_metadata == message.response_metadata
        assert total.id == message.id
