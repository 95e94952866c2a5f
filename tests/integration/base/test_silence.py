"""A 200 without an answer is an error in every class and way to call, and is never cached."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache

from langchain_volcark import ArkEmbeddings
from langchain_volcark.exceptions import ResponseFormatError, VolcArkError
from tests.integration.faults.driving import CALLS, OTHER_CALLS, STREAMING, AtFirst, Call, drive
from tests.integration.faults.faults import answer
from tests.integration.faults.services import CHATS, OTHERS, TEXT, Service, completion, knowledge
from tests.unit.raw_server import RawServer

ANY = [
    {},
    {"id": "x"},
    {"detail": "Not Found"},
    {"usage": {"total_tokens": 5}},
    {"data": None},
    [],
    [{}],
    "ok",
    5,
    None,
]
BEGUN = {"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}}]}
CHOICES = [
    *({"id": "x", "choices": choices} for choices in ([], None, {}, [{}], [{"message": None}], [{"message": {}}])),
    {"id": "x", "choices": [{"index": 0, "finish_reason": "stop"}]},
    *(
        {"id": "x", "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}
        for content in (False, 0, {"text": "Hi"}, [None], [["Hi"]], [{"type": "refusal", "refusal": "No."}])
    ),
    BEGUN,
    {"id": "x", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
]
RESULTS = [{"id": "x", "result": None}, {"id": "x", "result": ""}, {"id": "x", "function_call": None}]
DATA = [
    *map(knowledge, (None, {}, [], "text", {"generated_answer": None}, {"generated_answer": ""}, {"usage": "{}"}))
]


def events(model: Any, at_first: AtFirst) -> str:
    return str(model.stream_events("Hi", version="v3").output.text)


async def aevents(model: Any, at_first: AtFirst) -> str:
    stream = await model.astream_events("Hi", version="v3")
    return str((await stream.output).text)


EVERY_CALL: dict[str, Call] = {**CALLS, "events": events, "aevents": aevents}


def own_bodies(service: Service) -> list[Any]:
    if service.name in ("ark", "bot", "qianfan"):
        return [*CHOICES, *RESULTS, {"id": "x", "result": "of V1", "is_end": True}]
    return [*RESULTS, *CHOICES, completion("of V2")] if service.name == "v1" else DATA


def framed(body: Any, *, streaming: bool, done: bool = True) -> bytes:
    text = json.dumps(body).encode()
    if not streaming:
        return answer(text, "application/json")
    end = b"data: [DONE]\n\n" if done else b""
    return answer(b"data: " + text + b"\n\n" + end, "text/event-stream")


@pytest.mark.parametrize("service", CHATS, ids=lambda service: service.name)
@pytest.mark.parametrize("style", EVERY_CALL)
@pytest.mark.filterwarnings("ignore:.*is in beta")
def test_a_chat_model_never_takes_a_reply_without_an_answer_for_one(
    service: Service, style: str, broken_server: RawServer
) -> None:
    streaming = not style.endswith("invoke")
    model = service.build(broken_server.url, max_retries=0)
    for body in [*ANY, *own_bodies(service)]:
        if streaming and (body is None or body == BEGUN):
            continue  # what keeps a connection open, and what is cut short
        broken_server.handler = lambda connection, request, body=body: framed(body, streaming=streaming)  # type: ignore[misc]
        error = drive(EVERY_CALL[style], model).error
        assert isinstance(error, ResponseFormatError), (body, error)
        assert error.is_retryable is False


@pytest.mark.parametrize("service", CHATS, ids=lambda service: service.name)
def test_a_stream_that_only_ends_is_no_answer(service: Service, broken_server: RawServer) -> None:
    broken_server.handler = lambda connection, request: answer(b"data: [DONE]\n\n", "text/event-stream")
    assert isinstance(drive(CALLS["stream"], service.build(broken_server.url)).error, ResponseFormatError)


NO_VECTORS: list[Any] = [{"data": []}, {"data": {}}, {"data": [{}]}, {"data": [{"embedding": []}]}, {"data": "x"}]
NO_ROWS: dict[str, list[Any]] = {
    "qianfan-reranker": [{"results": rows} for rows in ([], None, [{}], [{"index": 0}], "x", [5])],
    "retriever": [
        knowledge(data) for data in (None, {}, [], {"count": 3}, {"result_list": "x"}, {"result_list": [5]})
    ],
    "reranker": [knowledge(data) for data in (None, {}, [], {"scores": None}, {"scores": []}, {"scores": ["x"]})],
}


@pytest.mark.parametrize("service", OTHERS, ids=lambda service: service.name)
@pytest.mark.parametrize("style", OTHER_CALLS)
def test_no_vectors_scores_or_chunks_are_an_error(service: Service, style: str, broken_server: RawServer) -> None:
    model = service.build(broken_server.url, max_retries=0)
    for body in [*ANY, *NO_ROWS.get(service.name, NO_VECTORS)]:
        broken_server.handler = lambda connection, request, body=body: framed(body, streaming=False)  # type: ignore[misc]
        assert isinstance(drive(OTHER_CALLS[style], model).error, ResponseFormatError), body


@pytest.mark.parametrize("method", ["embed_documents", "embed_sparse", "embed_multi"])
def test_multimodal_embeddings_without_a_vector_are_an_error(method: str, broken_server: RawServer) -> None:
    model = ArkEmbeddings(
        model="doubao-embedding-vision-251215", api_key="k", base_url=broken_server.url, max_retries=0
    )
    for body in [
        *ANY,
        *NO_VECTORS,
        {"data": {"embedding": None, "sparse_embedding": None, "multi_embedding": []}},
    ]:
        broken_server.handler = lambda connection, request, body=body: framed(body, streaming=False)  # type: ignore[misc]
        seen = drive(lambda other, at_first: str(getattr(other, method)(["Hi"])), model)
        assert isinstance(seen.error, ResponseFormatError), body


def test_a_search_that_finds_nothing_is_an_answer(broken_server: RawServer) -> None:
    service = next(one for one in OTHERS if one.name == "retriever")
    for data in ({"result_list": []}, {"count": 0, "result_list": None}):
        broken_server.handler = lambda connection, request, data=data: framed(knowledge(data), streaming=False)  # type: ignore[misc]
        assert drive(OTHER_CALLS["call"], service.build(broken_server.url)).text == "[]"


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": ""}]}],
}
EMPTY = {
    "v1": {"id": "x", "result": "", "finish_reason": "normal", "is_end": True},
    "knowledge": knowledge({"generated_answer": "", "usage": '{"prompt_tokens":3,"completion_tokens":0}\n'}),
    "packaged": knowledge({"count": 0, "result_list": []}),
    "ark-responses": RESPONSE,
}


@pytest.mark.parametrize("service", CHATS, ids=lambda service: service.name)
@pytest.mark.parametrize("style", CALLS)
def test_an_empty_answer_with_a_reason_to_stop_is_an_answer(
    service: Service, style: str, broken_server: RawServer
) -> None:
    streaming = style in STREAMING
    body = EMPTY.get(service.name, completion(""))
    if body is RESPONSE and streaming:
        body = {"type": "response.completed", "response": RESPONSE, "sequence_number": 0}
    broken_server.handler = lambda connection, request: framed(body, streaming=streaming)
    seen = drive(CALLS[style], service.build(broken_server.url))
    assert (seen.text, seen.error) == ("", None)


LEGAL: list[dict[str, Any]] = [
    {"content": None, "refusal": "I cannot help with that."},
    {"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    {"content": "", "reasoning_content": "Hm."},
]


@pytest.mark.parametrize("message", LEGAL)
def test_refusals_tool_calls_and_thoughts_are_answers(message: dict[str, Any], broken_server: RawServer) -> None:
    body = {"id": "x", "choices": [{"index": 0, "message": message}]}
    broken_server.handler = lambda connection, request: framed(body, streaming=False)
    assert drive(CALLS["invoke"], CHATS[0].build(broken_server.url)).text == ""


def test_a_reply_without_an_answer_is_not_cached_and_fallbacks_act_on_it(broken_server: RawServer) -> None:
    def handler(connection: Any, request: bytes) -> bytes:
        body = {"id": "x", "choices": []} if b'"model":"doubao-x"' in request else completion(TEXT)
        return framed(body, streaming=False)

    broken_server.handler = handler
    cache = InMemoryCache()
    model = CHATS[0].build(broken_server.url, cache=cache)
    for _ in range(2):
        assert isinstance(drive(CALLS["invoke"], model).error, ResponseFormatError)
    assert len(broken_server.requests) == 2
    assert not cache._cache
    other = CHATS[0].build(broken_server.url, model="doubao-y")
    answers: list[str] = []
    drive(lambda one, at_first: answers.append(one.with_fallbacks([other]).invoke("Hi").text) or "", model)
    assert answers == [TEXT]


@pytest.mark.parametrize(
    ("kept", "expected"), [({"references": [{"url": "u"}]}, "StreamInterruptedError"), ({}, "ResponseFormatError")]
)
def test_a_stream_that_ends_before_its_answer_was_cut_if_something_of_it_had_come(
    kept: dict[str, Any], expected: str, broken_server: RawServer
) -> None:
    bot = next(one for one in CHATS if one.name == "bot")
    body = {"id": "x", "choices": [], **kept}
    broken_server.handler = lambda connection, request: framed(body, streaming=True, done=False)
    error = drive(CALLS["stream"], bot.build(broken_server.url)).error
    assert type(error).__name__ == expected


def test_what_a_gateway_says_instead_of_an_answer_is_shown(broken_server: RawServer) -> None:
    for style in ("invoke", "stream"):
        broken_server.handler = lambda connection, request, style=style: framed(  # type: ignore[misc]
            {"detail": "no such route"}, streaming=style == "stream"
        )
        error = drive(CALLS[style], CHATS[0].build(broken_server.url)).error
        assert isinstance(error, VolcArkError)
        assert "no such route" in str(error)
        assert error.body == {"detail": "no such route"}


def test_a_stream_of_json_lines_is_read(broken_server: RawServer) -> None:
    for service in CHATS:
        lines = b"".join(event.removeprefix(b"data: ") for event in service.events()[:-1])
        broken_server.handler = lambda connection, request, lines=lines: answer(lines, "application/json")  # type: ignore[misc]
        for style in STREAMING:
            assert drive(CALLS[style], service.build(broken_server.url)).text == TEXT


def test_the_knowledge_base_gives_the_words_of_a_gateway_in_front_of_it(broken_server: RawServer) -> None:
    body = {"code": 401, "msg": "token expired", "data": None}
    broken_server.handler = lambda connection, request: framed(body, streaming=False)
    service = next(one for one in CHATS if one.name == "knowledge")
    error = drive(CALLS["invoke"], service.build(broken_server.url, max_retries=0)).error
    assert isinstance(error, VolcArkError)
    assert (error.code, "token expired" in str(error)) == ("401", True)


@pytest.mark.parametrize(("word", "attempts"), [("True", 2), ("FALSE", 1)])
def test_the_servers_word_on_retrying_is_read_without_regard_to_case(
    word: str, attempts: int, broken_server: RawServer
) -> None:
    status = "400 Bad Request" if word == "True" else "500 Internal Server Error"
    headers = f"X-SHOULD-RETRY: {word}\r\n"
    broken_server.handler = lambda connection, request: answer(b"{}", "application/json", status, headers)
    assert drive(CALLS["invoke"], CHATS[0].build(broken_server.url, max_retries=1)).error is not None
    assert len(broken_server.requests) == attempts
