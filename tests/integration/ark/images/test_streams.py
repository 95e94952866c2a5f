"""Streams of pictures: each when it is made, and nothing lost when they break."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    ContentFilterError,
    ResponseFormatError,
    ServiceError,
    StreamInterruptedError,
)
from tests.integration.ark.images.conftest import Collect, Make

LITE, PRO = "doubao-seedream-5-0-260128", "doubao-seedream-5-0-pro-260628"
THREE = "doubao-seedream-3-0-t2i-250415"
GROUP = {"max_images": 3}
PROMPT = "The seasons"


def event(kind: str, **fields: Any) -> str:
    payload = {"type": f"image_generation.{kind}", "model": LITE, "created": 1, **fields}
    return f"event: image_generation.{kind}\ndata: {json.dumps(payload)}"


def made(index: int) -> str:
    return event("partial_succeeded", image_index=index, url=f"https://tos.example.com/{index}.png", size="1x1")


DONE = "data: [DONE]"
END = event("completed", usage={"generated_images": 1})


async def test_each_picture_comes_before_the_next_is_made(make: Make, emulator: Emulator, is_async: bool) -> None:
    """The stream stalls after each picture until the test has seen it."""
    emulator.stall_stream_after(1, seconds=60)
    generator = make(**GROUP)
    if is_async:
        coming = generator.astream(PROMPT)
        first = await anext(coming)
        assert emulator.active_streams == 1
        assert coming.result == [first]
        await coming.aclose()
    else:
        stream = generator.stream(PROMPT)
        first = next(stream)
        assert emulator.active_streams == 1
        assert stream.result == [first]
        stream.close()
    assert first.index == 0
    assert emulator.wait_for(lambda: emulator.active_streams == 0)


async def test_a_stream_has_the_pictures_of_the_whole_reply(
    make: Make, collect: Collect, emulator: Emulator
) -> None:
    pictures, result = await collect(make(**GROUP), PROMPT)
    assert result == pictures
    assert [picture.index for picture in pictures] == [0, 1, 2]
    assert result.usage == {"generated_images": 3, "output_tokens": 49152, "total_tokens": 49152}
    assert (result.model, result.errors) == (LITE, {})
    assert emulator.requests[-1].json["stream"] is True
    whole = make(**GROUP).generate(PROMPT)
    assert (whole.usage, whole.model) == (result.usage, result.model)
    assert [picture.read() for picture in whole] == [picture.read() for picture in pictures]


async def test_a_failed_picture_does_not_end_the_stream(make: Make, collect: Collect) -> None:
    pictures, result = await collect(make(**GROUP), f"{PROMPT} EMULATOR_REFUSE_IMAGE_1")
    assert [picture.index for picture in pictures] == [1, 2]
    assert isinstance(result.errors[0], ContentFilterError)
    assert result.usage is not None
    assert result.usage["generated_images"] == 2


async def test_a_stream_without_any_picture_is_the_error_of_the_first(make: Make, collect: Collect) -> None:
    with pytest.raises(ContentFilterError) as caught:
        await collect(make(**GROUP), f"{PROMPT} EMULATOR_REFUSE_OUTPUT")
    assert len(caught.value.partial.errors) == 3
    assert caught.value.partial.usage["generated_images"] == 0


async def test_bytes_are_streamed(make: Make, collect: Collect) -> None:
    pictures, _ = await collect(make(response_format="b64_json", max_images=2), PROMPT)
    assert [picture.mime_type for picture in pictures] == ["image/jpeg"] * 2


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_broken_stream_keeps_what_came(
    make: Make, collect: Collect, emulator: Emulator, after: int, waits: list[float]
) -> None:
    emulator.break_stream_after(after)
    with pytest.raises(StreamInterruptedError) as caught:
        await collect(make(**GROUP), PROMPT)
    assert [picture.index for picture in caught.value.partial] == list(range(after))
    assert caught.value.partial[0].read()
    assert ([one.method for one in emulator.requests].count("POST"), waits) == (1, [])


async def test_a_stream_that_breaks_before_the_first_picture_is_not_sent_again(
    make: Make, collect: Collect, emulator: Emulator, waits: list[float]
) -> None:
    emulator.break_stream_after(0)
    with pytest.raises(APIConnectionError):
        await collect(make(**GROUP), PROMPT)
    assert (len(emulator.requests), waits) == (1, [])


async def test_a_silent_stream_keeps_what_came(make: Make, collect: Collect, emulator: Emulator) -> None:
    emulator.stall_stream_after(2, seconds=60)
    with pytest.raises(APITimeoutError) as caught:
        await collect(make(**GROUP, timeout=2), PROMPT)
    assert len(caught.value.partial) == 2
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    ("events", "expected", "count"),
    [
        ([made(0), DONE], StreamInterruptedError, 1),
        ([made(0)], StreamInterruptedError, 1),
        ([DONE], StreamInterruptedError, 0),
        ([END, DONE], ResponseFormatError, 0),
        ([made(0), 'data: {"error": {"code": "InternalServiceError", "message": "x"}}'], ServiceError, 1),
        (
            [made(0), event("completed", error={"code": "InternalServiceError", "message": "x"})],
            ServiceError,
            1,
        ),
        (
            [made(0), 'event: error\ndata: {"type": "error", "code": "InternalServiceError", "message": "x"}'],
            ServiceError,
            1,
        ),
        ([made(0), "data: {oops"], StreamInterruptedError, 1),
    ],
)
async def test_whatever_ends_a_stream_early_the_pictures_are_kept(
    make: Make, collect: Collect, emulator: Emulator, events: Any, expected: Any, count: int
) -> None:
    emulator.reply_next(events)
    with pytest.raises(expected) as caught:
        await collect(make(), PROMPT)
    assert len(caught.value.partial) == count
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    "odd", [event("partial_succeeded", image_index=1), event("partial_failed", image_index=1, error=None)]
)
async def test_an_event_that_nobody_understands_does_not_cost_the_pictures_after_it(
    make: Make, collect: Collect, emulator: Emulator, odd: str
) -> None:
    emulator.reply_next([odd, made(0), odd, made(2), END, DONE])
    pictures, result = await collect(make(), PROMPT)
    assert [picture.index for picture in pictures] == [0, 2]
    assert {type(error) for error in result.errors.values()} == {ResponseFormatError}


async def test_previews_and_unknown_events_are_no_pictures(
    make: Make, collect: Collect, emulator: Emulator
) -> None:
    preview = event("partial_image", image_index=0, b64_json="QUJD")
    emulator.reply_next([preview, event("queued", position=3), made(0), END, DONE])
    pictures, result = await collect(make(), PROMPT)
    assert [picture.url for picture in pictures] == ["https://tos.example.com/0.png"]
    assert result.usage == {"generated_images": 1}


async def test_the_stream_ends_with_its_last_event(make: Make, collect: Collect, emulator: Emulator) -> None:
    """`[DONE]` may be missing, and what the service sends behind the last event is not waited for."""
    emulator.reply_next([made(0), END])
    pictures, _ = await collect(make(), PROMPT)
    assert len(pictures) == 1


@pytest.mark.parametrize("model", [PRO, THREE])
async def test_a_model_that_does_not_stream_answers_in_one_piece(
    make: Make, collect: Collect, emulator: Emulator, model: str
) -> None:
    pictures, result = await collect(make(model=model), PROMPT)
    assert result == pictures
    assert len(pictures) == 1
    assert "stream" not in emulator.requests[-1].json


async def test_the_request_is_sent_with_the_first_picture(make: Make, emulator: Emulator, is_async: bool) -> None:
    generator = make()
    streams: list[Any] = [generator.astream(PROMPT) if is_async else generator.stream(PROMPT) for _ in range(2)]
    assert emulator.requests == []
    for stream in streams:  # closing one that was never read is no error
        if is_async:
            await stream.aclose()
        else:
            stream.close()
    assert emulator.requests == []


async def test_a_cancelled_task_closes_its_stream(make: Make, emulator: Emulator) -> None:
    emulator.stall_stream_after(1, seconds=60)
    seen = asyncio.Event()

    async def read() -> None:
        async for _ in make(**GROUP).astream(PROMPT):
            seen.set()

    task = asyncio.create_task(read())
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(emulator.wait_for, lambda: emulator.active_streams == 0)
