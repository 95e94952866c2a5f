"""The model call of the knowledge base, through a socket."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage

from langchain_volcark import ChatVikingKnowledge
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    ResponseFormatError,
    ServiceError,
    StreamInterruptedError,
    VolcArkError,
)
from tests.integration.knowledge.conftest import MODEL

PATH = "/api/knowledge/chat/completions"
SIX_SEVEN = '{"prompt_tokens":31,"completion_tokens":6,"total_tokens":37}\n'


def said(text: str, **data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "success", "request_id": "r1", "data": {"generated_answer": text, **data}}


def total(model: ChatVikingKnowledge, question: str = "hi", **kwargs: Any) -> AIMessageChunk:
    first, *rest = model.stream(question, **kwargs)
    return first + rest


@pytest.fixture
def fast(signed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> ChatVikingKnowledge:
    """A model that does not wait before its retries."""
    monkeypatch.setattr("langchain_volcark.http.retry.sleep", lambda _: None)
    return ChatVikingKnowledge(model=MODEL, **signed)


# --- requests -----------------------------------------------------------------------------------------------


def test_the_vendors_own_request(emulator: Emulator, signed: dict[str, Any]) -> None:
    model = ChatVikingKnowledge(model="Doubao-pro-32k", max_tokens=4096, temperature=0.1, **signed)
    answer = model.invoke([("system", " system pe "), ("user", "test")])
    assert answer.text == "You said: test"
    assert emulator.requests[-1].path == PATH
    assert emulator.requests[-1].json == {
        "model": "Doubao-pro-32k",
        "messages": [{"role": "system", "content": " system pe "}, {"role": "user", "content": "test"}],
        "max_tokens": 4096,
        "temperature": 0.1,
        "stream": False,
        "return_token_usage": True,
    }


def test_only_what_was_set_is_sent(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    model.invoke("hi")
    assert sorted(emulator.requests[-1].json) == ["messages", "model", "return_token_usage", "stream"]


def test_zero_is_sent_as_zero(emulator: Emulator, signed: dict[str, Any]) -> None:
    ChatVikingKnowledge(model=MODEL, temperature=0, **signed).invoke("hi")
    assert emulator.requests[-1].json["temperature"] == 0


def test_usage_can_be_left_unasked(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    answer = model.invoke("hi", stream_usage=False)
    assert "return_token_usage" not in emulator.requests[-1].json
    assert answer.usage_metadata is None


def test_every_field_of_a_model_call(emulator: Emulator, signed: dict[str, Any]) -> None:
    model = ChatVikingKnowledge(
        model="ep-20240604-abc", endpoint_api_key=emulator.api_key, thinking="disabled", **signed
    )
    model.invoke("hi", max_tokens=10)
    body = emulator.requests[-1].json
    assert (body["model"], body["api_key"], body["thinking"]) == (
        "ep-20240604-abc",
        emulator.api_key,
        {"type": "disabled"},
    )
    versioned = ChatVikingKnowledge(model=MODEL, model_version="250115", **signed)
    versioned.invoke("hi", thinking={"type": "auto"})
    body = emulator.requests[-1].json
    assert (body["model_version"], body["thinking"]) == ("250115", {"type": "auto"})


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"temperature": 1.2}, "temperature"),
        ({"max_tokens": 5000}, "max_tokens"),
        ({"tools": [{"type": "function"}]}, "ChatArk"),
        ({"doc_filter": {"op": "must", "field": "a", "conds": [1]}}, "doc_filter"),
    ],
)
def test_a_calls_own_values_are_checked_too(
    emulator: Emulator, model: ChatVikingKnowledge, kwargs: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        model.invoke("hi", **kwargs)
    assert emulator.requests == []


def test_a_model_for_one_call(model: ChatVikingKnowledge) -> None:
    answer = model.invoke("hi", model="Doubao-lite-32k")
    assert answer.response_metadata["model_name"] == "Doubao-lite-32k"
    assert model.model == MODEL


def test_images_reach_a_model_that_sees(emulator: Emulator, signed: dict[str, Any]) -> None:
    seeing = ChatVikingKnowledge(model="Doubao-seed-1-6-vision", thinking="disabled", **signed)
    parts: list[str | dict[Any, Any]] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "url": "https://example.com/a.png"},
    ]
    assert seeing.invoke([HumanMessage(parts)]).text == "You said: What is this? (with 1 image)"
    with pytest.raises(InvalidRequestError, match="does not take images"):
        seeing.invoke([HumanMessage(parts)], model=MODEL)


def test_a_stream_asks_for_a_stream(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    list(model.stream("hi"))
    request = emulator.requests[-1]
    assert request.json["stream"] is True
    assert request.headers["accept"] == "text/event-stream"
    list(model.stream("hi", extra_headers={"accept": "text/plain", "V-Account-Id": "7"}))
    assert emulator.requests[-1].headers["accept"] == "text/plain"
    assert emulator.requests[-1].headers["v-account-id"] == "7"


# --- replies ------------------------------------------------------------------------------------------------


def test_a_thinking_models_reply(signed: dict[str, Any]) -> None:
    thinking = ChatVikingKnowledge(model="Deepseek-R1-128k", **signed)
    answer = thinking.invoke("hi")
    assert answer.additional_kwargs["reasoning_content"]
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_token_details"]["reasoning"] > 0


@pytest.mark.parametrize("name", [MODEL, "Doubao-seed-1-6-thinking"])
@pytest.mark.parametrize("stop", [None, ["said"]])
async def test_a_sum_of_chunks_equals_invoke(signed: dict[str, Any], name: str, stop: list[str] | None) -> None:
    model = ChatVikingKnowledge(model=name, **signed)
    whole = model.invoke("Tell me about ferries.", stop=stop)
    summed = total(model, "Tell me about ferries.", stop=stop)
    first, *rest = [chunk async for chunk in model.astream("Tell me about ferries.", stop=stop)]
    for other in (summed, first + rest, await model.ainvoke("Tell me about ferries.", stop=stop)):
        assert other.content == whole.content
        assert other.additional_kwargs == whole.additional_kwargs
        assert other.usage_metadata == whole.usage_metadata
        assert _without_id(other.response_metadata) == _without_id(whole.response_metadata)
        assert other.response_metadata["request_id"]


def _without_id(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key != "request_id"}


def test_stop_texts_are_cut_on_this_side(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    answer = model.invoke("one two three", stop=["two"])
    assert answer.text == "You said: one "
    assert answer.usage_metadata is not None
    assert "stop" not in emulator.requests[-1].json
    assert total(model, "one two three", stop=["two"]).text == "You said: one "
    assert model.model_copy(update={"stop": "two"}).invoke("one two three").text == "You said: one "


def test_the_service_may_say_which_model_answered(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    emulator.reply_next(said("x", model="doubao-resolved", finish_reason="length"))
    metadata = model.invoke("hi").response_metadata
    assert (metadata["model_name"], metadata["finish_reason"]) == ("doubao-resolved", "length")
    emulator.reply_next([said("x", model="doubao-resolved"), said("", finish_reason="length", end=True)])
    metadata = total(model).response_metadata
    assert (metadata["model_name"], metadata["finish_reason"]) == ("doubao-resolved", "length")


def test_the_request_id_is_the_bodys_else_the_log_id(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    emulator.reply_next(said("x"), headers={"X-Tt-Logid": "log"})
    assert model.invoke("hi").response_metadata["request_id"] == "r1"
    emulator.reply_next([said("x", end=True)], headers={"X-Tt-Logid": "log"})
    assert total(model).response_metadata["request_id"] == "r1"
    emulator.reply_next(
        [{"code": 0, "data": {"generated_answer": "x", "end": True}}], headers={"X-Tt-Logid": "log"}
    )
    assert total(model).response_metadata["request_id"] == "log"


def test_a_reply_that_is_not_what_is_documented(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    emulator.reply_next(body="<html>login</html>", content_type="text/html")
    with pytest.raises(ResponseFormatError):
        model.invoke("hi")


# --- streams ------------------------------------------------------------------------------------------------

PIECES = [said("At "), said("07:40."), said("", usage=SIX_SEVEN)]
ENDINGS = {
    "done": [*PIECES, "data: [DONE]"],
    "end": [*PIECES[:2], said("", usage=SIX_SEVEN, end=True)],
    "end and done": [*PIECES[:2], said("", usage=SIX_SEVEN, end=True), "data:[DONE]"],
    "end of connection": PIECES,
    "text with the end": [PIECES[0], said("07:40.", usage=SIX_SEVEN, end=True)],
    "noise around": [": comment", "event: message\nid: 1", *PIECES, "data: [DONE]\r\n\r\n"],
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_every_documented_end_of_a_stream(
    emulator: Emulator, model: ChatVikingKnowledge, ending: str
) -> None:
    emulator.reply_next(ENDINGS[ending], times=3)
    answer = total(model)
    assert answer.text == "At 07:40."
    assert answer.usage_metadata == {"input_tokens": 31, "output_tokens": 6, "total_tokens": 37}
    assert answer.chunk_position == "last"
    first, *rest = [chunk async for chunk in model.astream("hi")]
    assert (first + rest).text == "At 07:40."
    assert model.stream_events("hi", version="v3").output.text == "At 07:40."


def test_nothing_is_awaited_after_the_end(emulator: Emulator, signed: dict[str, Any]) -> None:
    model = ChatVikingKnowledge(model=MODEL, timeout=5, **signed)
    emulator.reply_next([*PIECES[:2], said("", end=True), "data: [DONE]"])
    emulator.stall_stream_after(3, seconds=60)
    assert total(model).text == "At 07:40."
    assert emulator.wait_for(lambda: emulator.active_streams == 0)


def test_text_after_the_end_is_not_read(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    emulator.reply_next([said("x", end=True), said("y")])
    assert total(model).text == "x"


@pytest.mark.parametrize("events", [[], [": comment"]])
def test_a_stream_without_anything_is_an_interruption_after_retries(
    emulator: Emulator, model: ChatVikingKnowledge, events: list[str], waits: list[float]
) -> None:
    for _ in range(3):
        emulator.reply_next(events)
    with pytest.raises(StreamInterruptedError):
        total(model)


async def test_a_connection_that_breaks_is_no_end(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    emulator.break_stream_after(3)
    with pytest.raises(StreamInterruptedError) as caught:
        total(model)
    assert caught.value.partial is not None
    assert "You said: hi".startswith(caught.value.partial.text)
    emulator.break_stream_after(3)
    with pytest.raises(StreamInterruptedError):
        [chunk async for chunk in model.astream("hi")]


def test_an_answer_may_hold_the_words_of_the_protocol(model: ChatVikingKnowledge) -> None:
    assert total(model, "data: [DONE] data:").text == "You said: data: [DONE] data:"


# --- errors -------------------------------------------------------------------------------------------------


def test_an_error_with_http_200(emulator: Emulator, fast: ChatVikingKnowledge) -> None:
    with pytest.raises(ServiceError) as caught:
        fast.invoke("EMULATOR_REFUSE_OUTPUT")
    assert (caught.value.code, caught.value.status_code) == ("1000030", 200)
    assert caught.value.request_id
    assert len(emulator.requests) == 3  # such a failure may heal


def test_an_error_instead_of_a_stream(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    emulator.reply_next({"code": 1000003, "message": "bad", "request_id": "r9", "data": None})
    with pytest.raises(InvalidRequestError) as caught:
        total(model)
    assert (caught.value.code, caught.value.request_id) == ("1000003", "r9")


async def test_an_error_in_the_middle_of_a_stream(emulator: Emulator, model: ChatVikingKnowledge) -> None:
    with pytest.raises(ServiceError) as caught:
        total(model, "EMULATOR_REFUSE_OUTPUT")
    assert caught.value.code == "1000030"
    assert caught.value.partial is not None
    assert caught.value.partial.text
    assert len(emulator.requests) == 1  # text is never repeated
    with pytest.raises(ServiceError):
        [chunk async for chunk in model.astream("EMULATOR_REFUSE_OUTPUT")]


@pytest.mark.parametrize(
    ("code", "status", "error", "attempts"),
    [
        ("1000001", 401, AuthenticationError, 1),
        ("1000003", 400, InvalidRequestError, 1),
        ("1000005", 400, NotFoundError, 1),
        ("1000010", 500, ServiceError, 1),
        ("1000021", 500, ServiceError, 3),
        ("1000023", 500, ServiceError, 3),
        ("1000028", 500, ServiceError, 3),
        ("1000029", 429, RateLimitError, 3),
        ("1000030", 500, ServiceError, 3),
        ("300004", 429, RateLimitError, 3),
        ("FlowLimitExceeded", 429, RateLimitError, 3),
        (None, 502, ServiceError, 3),
    ],
)
def test_what_may_heal_is_retried(
    emulator: Emulator,
    fast: ChatVikingKnowledge,
    code: str | None,
    status: int,
    error: type[VolcArkError],
    attempts: int,
) -> None:
    emulator.fail_next(status, code, times=5)
    with pytest.raises(error):
        fast.invoke("hi")
    assert len(emulator.requests) == attempts


def test_a_failure_that_heals_is_not_seen(emulator: Emulator, fast: ChatVikingKnowledge) -> None:
    emulator.fail_next(429, "1000029", times=2)
    assert total(fast).text == "You said: hi"


def test_missing_credentials_name_their_variables(emulator: Emulator) -> None:
    model = ChatVikingKnowledge(model=MODEL, base_url=emulator.knowledge_base_url)
    with pytest.raises(AuthenticationError, match="VOLC_ACCESSKEY"):
        model.invoke("hi")
    assert emulator.requests == []


def test_a_model_that_does_not_exist(model: ChatVikingKnowledge) -> None:
    with pytest.raises(InvalidRequestError, match="not supported"):
        model.invoke("hi", model="doubao-1-5-pro-32k")
