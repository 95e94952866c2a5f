"""How streams of the Responses API end: in errors, in the middle, and well."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langchain_volcark import ChatArk
from langchain_volcark.exceptions import (
    ContentFilterError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    StreamInterruptedError,
    VolcArkError,
)
from langchain_volcark.http.registry import PoolSettings, registry
from tests.unit.ark.responses.streams import Json, framed, invoked, item_events, message, reasoning, response
from tests.unit.raw_server import Connection, RawServer, reply

WHOLE = response(reasoning(0, "I greet."), message(1, "Hello there."))
FRAMES = framed(
    WHOLE, [event for index, item in enumerate(WHOLE["output"]) for event in item_events(index, item, 6)]
)
SAID = next(place for place, event in enumerate(FRAMES) if event.get("delta") == "there.") + 1
LAST = "Connection: close\r\n"
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{LAST}X-Request-Id: req_1\r\n\r\n".encode()
DONE = b"data: [DONE]\n\n"
Play = Callable[..., ChatArk]


def sse(*events: Json) -> bytes:
    """Events with their names, as Ark sends them."""
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


@pytest.fixture
def play(broken_server: RawServer) -> Iterator[Play]:
    """Lets the server send a stream and hang up; a model that talks to it."""

    def build(*pieces: bytes, **arguments: Any) -> ChatArk:
        def handler(connection: Connection, request: bytes) -> None:
            connection.send(HEAD + b"".join(pieces))

        broken_server.handler = handler
        defaults = {"model": "m", "api_key": "k", "base_url": broken_server.url + "api/v3"}
        return ChatArk(**{**defaults, "use_responses_api": True, **arguments})

    yield build
    registry.client(PoolSettings())._transport.close()  # type: ignore[union-attr]


def failure(model: ChatArk, version: str = "chunks") -> VolcArkError:
    stream = model.stream_events("hi", version="v3") if version == "v3" else model.stream("hi")
    with pytest.raises(VolcArkError) as caught:
        list(stream)
    return caught.value


def partial_of(error: VolcArkError) -> AIMessage:
    assert error.partial is not None
    return error.partial


@pytest.mark.parametrize("version", ["chunks", "v3"])
def test_an_error_event_is_an_exception_by_its_code_with_what_had_come(
    play: Play, broken_server: RawServer, version: str
) -> None:
    event = {"type": "error", "code": "InvalidParameter", "message": "Bad value.", "param": "max_output_tokens"}
    error = failure(play(sse(*FRAMES[:SAID], event)), version)
    assert type(error) is InvalidRequestError
    assert "max_output_tokens" in str(error)
    assert partial_of(error).content == "Hello there."
    assert partial_of(error).additional_kwargs["reasoning_content"] == "I greet."
    assert len(broken_server.requests) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", ServiceError),
        ("OutputTextSensitiveContentDetected", ContentFilterError),
        ("ToolNotOpen", PermissionDeniedError),
        ("ServerOverloaded", RateLimitError),
    ],
)
def test_a_failed_response_is_an_exception_by_its_code(play: Play, code: str, kind: type[VolcArkError]) -> None:
    failed = {"id": "resp_1", "status": "failed", "error": {"code": code, "message": "Not today."}}
    for event in (
        {"type": "response.failed", "response": failed},
        {"type": "error", "code": code, "message": "Not today."},
    ):
        error = failure(play(sse(*FRAMES[:SAID], event)))
        assert type(error) is kind
        assert error.code == code
        assert "Not today." in str(error)
        assert partial_of(error).content == "Hello there."


def test_a_bare_error_is_one_too(play: Play) -> None:
    bare = b'data: {"error":{"code":"InternalServiceError","message":"Not today."}}\n\n'
    error = failure(play(sse(*FRAMES[:SAID]), bare))
    assert type(error) is ServiceError
    assert partial_of(error).content == "Hello there."


def test_a_failure_without_a_reason_is_told_as_such(play: Play) -> None:
    error = failure(play(sse(*FRAMES[:SAID], {"type": "response.failed", "response": {"id": "resp_1"}})))
    assert "does not say why" in str(error)
    assert partial_of(error).content == "Hello there."


def test_a_failed_response_that_came_whole_is_an_exception(play: Play, broken_server: RawServer) -> None:
    failed = {
        "id": "resp_1",
        "status": "failed",
        "error": {"code": "server_error", "message": "No."},
        "output": [],
    }
    model = play(max_retries=0)
    broken_server.handler = lambda connection, request: reply(json.dumps(failed).encode(), headers=LAST)
    with pytest.raises(ServiceError):
        model.invoke("hi")


@pytest.mark.parametrize("end", [b"", DONE], ids=["nothing", "[DONE]"])
def test_a_stream_without_its_last_event_was_interrupted(play: Play, end: bytes) -> None:
    for length in (SAID, len(FRAMES) - 1):
        error = failure(play(sse(*FRAMES[:length]), end))
        assert type(error) is StreamInterruptedError
        partial = partial_of(error)
        assert partial.content == "Hello there."
        assert [block["type"] for block in partial.content_blocks] == ["reasoning", "text"]


def test_a_stream_of_nothing_but_opening_frames_was_interrupted(play: Play) -> None:
    assert type(failure(play(sse(*FRAMES[:2]), max_retries=0))) is StreamInterruptedError


@pytest.mark.parametrize("end", [b"", DONE, b"data: {broken"], ids=["nothing", "[DONE]", "noise"])
def test_nothing_counts_after_the_last_event(play: Play, end: bytes) -> None:
    first, *rest = play(sse(*FRAMES), end).stream("hi")
    total = first
    for chunk in rest:
        total += chunk
    expected = invoked(WHOLE)
    assert total.content == expected.content
    assert total.additional_kwargs == expected.additional_kwargs
    assert total.response_metadata["status"] == "completed"


@pytest.mark.parametrize("length", [0, 1, 2])
def test_what_breaks_before_the_answer_is_asked_for_again(
    broken_server: RawServer, play: Play, length: int
) -> None:
    model = play()
    overloaded = {"type": "error", "code": "ServerOverloaded", "message": "Later."}
    bodies = [sse(*FRAMES[:length], overloaded), sse(*FRAMES) + DONE]

    def handler(connection: Connection, request: bytes) -> None:
        connection.send(HEAD + bodies[len(broken_server.requests) - 1])

    broken_server.handler = handler
    assert "".join(chunk.text for chunk in model.stream("hi")) == "Hello there."
    assert len(broken_server.requests) == 2


def test_what_breaks_in_the_answer_is_not_asked_for_again(play: Play, broken_server: RawServer) -> None:
    overloaded = {"type": "error", "code": "ServerOverloaded", "message": "Later."}
    assert type(failure(play(sse(*FRAMES[:3], overloaded)))) is RateLimitError
    assert len(broken_server.requests) == 1


async def test_an_asynchronous_stream_tells_the_same(play: Play) -> None:
    event = {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "No."}}}
    model = play(sse(*FRAMES[:SAID], event))
    with pytest.raises(ServiceError) as caught:
        async for _ in model.astream("hi"):
            pass
    assert partial_of(caught.value).content == "Hello there."


def kept_chain(play: Play, broken_server: RawServer, frames: list[Json]) -> bool:
    """Whether a call goes on from the answer of a stream."""
    model = play(sse(*frames), use_previous_response_id=True)
    first, *rest = model.stream("hi")
    total = first
    for chunk in rest:
        total += chunk
    list(model.stream([HumanMessage("hi"), total, HumanMessage("on")]))
    return b"previous_response_id" in broken_server.requests[-1]


def test_an_answer_that_the_service_changed_after_it_was_shown_is_not_gone_on_from(
    play: Play, broken_server: RawServer
) -> None:
    stored = {"store": True, "expire_at": 4_000_000_000}
    last = {**FRAMES[-1], "response": {**WHOLE, **stored}}
    assert kept_chain(play, broken_server, [*FRAMES[:-1], last])
    other = response(reasoning(0, "I greet."), message(1, "Goodbye."), **stored)
    assert not kept_chain(play, broken_server, [*FRAMES[:-1], {**last, "response": other}])


def test_an_apps_answer_that_a_message_repeats_is_gone_on_from(play: Play, broken_server: RawServer) -> None:
    block = {"id": "b0", "type": "output_text", "text": "It is so.", "status": "completed"}
    app = {"id": "da_0", "type": "doubao_app_call", "feature": "chat", "status": "completed", "blocks": [block]}
    whole = response(app, message(1, "It is so."), store=True, expire_at=4_000_000_000)
    events = [event for index, item in enumerate(whole["output"]) for event in item_events(index, item)]
    assert kept_chain(play, broken_server, framed(whole, events))


@pytest.mark.parametrize("kind", ["error", "response.failed"])
def test_a_response_that_a_stream_says_is_forgotten_is_asked_for_again_with_everything(
    play: Play, broken_server: RawServer, kind: str
) -> None:
    model = play(use_previous_response_id=True)
    told = {"code": "InvalidParameter.PreviousResponseNotFound", "message": "not found"}
    forgotten = {"type": kind, **({"response": {"error": told}} if kind == "response.failed" else told)}
    last = {**FRAMES[-1], "response": {**WHOLE, "store": True, "expire_at": 4_000_000_000}}
    bodies = [sse(*FRAMES[:-1], last), sse(forgotten), sse(*FRAMES[:-1], last)]
    broken_server.handler = lambda connection, request: connection.send(
        HEAD + bodies[len(broken_server.requests) - 1]
    )
    first, *rest = model.stream("hi")
    for chunk in rest:
        first += chunk
    assert "".join(chunk.text for chunk in model.stream([HumanMessage("hi"), first, HumanMessage("on")]))
    assert [b"previous_response_id" in request for request in broken_server.requests] == [False, True, False]
