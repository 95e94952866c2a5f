"""Packaged services: search and answer in one call, with sources."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_volcark import ChatVikingKnowledge, references_to_documents
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import AuthenticationError, NotFoundError, ServiceError
from langchain_volcark.knowledge.filters import must

QUESTION = "When does the ferry leave on Sundays?"


def total(model: ChatVikingKnowledge, question: Any = QUESTION, **kwargs: Any) -> AIMessageChunk:
    first, *rest = model.stream(question, **kwargs)
    return first + rest


def test_the_documented_request(emulator: Emulator, service: ChatVikingKnowledge) -> None:
    service.invoke("When does the ferry leave?", doc_filter=must("lang", "en"))
    request = emulator.requests[-1]
    assert request.path == "/api/knowledge/service/chat"
    assert request.headers["authorization"] == f"Bearer {emulator.service_api_key}"
    assert request.json == {
        "service_resource_id": "kb-service-demo",
        "stream": False,
        "messages": [{"role": "user", "content": "When does the ferry leave?"}],
        "query_param": {"doc_filter": {"op": "must", "field": "lang", "conds": ["en"]}},
    }


def test_an_answer_has_its_sources(service: ChatVikingKnowledge) -> None:
    answer = service.invoke(QUESTION)
    assert answer.text.startswith("On Sundays and public holidays the first ferry leaves at 09:00")
    metadata = answer.response_metadata
    first = metadata["references"][0]
    assert first["doc_info"]["doc_name"] == "timetable.md"
    assert first["score"] > 0
    assert first["rerank_score"] > 0
    assert metadata["count"] == len(metadata["references"])
    assert metadata["model_provider"] == "vikingdb"
    assert answer.usage_metadata == {
        "input_tokens": metadata["token_usage"]["llm_token_usage"]["prompt_tokens"],
        "output_tokens": metadata["token_usage"]["llm_token_usage"]["completion_tokens"],
        "total_tokens": metadata["token_usage"]["llm_token_usage"]["total_tokens"],
        "input_token_details": {"cache_read": 0},
        "output_token_details": {"reasoning": 0},
    }
    assert metadata["token_usage"]["rerank_token_usage"] > 0


def citations(message: AIMessage) -> list[Any]:
    (block,) = [block for block in message.content_blocks if block["type"] == "text"]
    return block["annotations"]


def test_citations_point_at_the_marks(service: ChatVikingKnowledge) -> None:
    answer = service.invoke(QUESTION)
    marked = [one for one in citations(answer) if "start_index" in one]
    assert marked[0]["title"] == "Timetable"
    assert marked[0]["cited_text"].startswith("On Sundays")
    assert answer.text[marked[0]["start_index"] : marked[0]["end_index"]] == "[1]"
    assert marked[0]["extras"]["point_id"] == "timetable-1"


async def test_a_stream_says_the_same(service: ChatVikingKnowledge) -> None:
    whole = service.invoke(QUESTION)
    first, *rest = [chunk async for chunk in service.astream(QUESTION)]
    for summed in (total(service), first + rest):
        assert summed.content == whole.content
        assert summed.usage_metadata == whole.usage_metadata
        assert citations(summed) == citations(whole)
        # `prompt` comes with whole replies alone.
        for name in whole.response_metadata.keys() - {"request_id", "prompt"}:
            assert summed.response_metadata[name] == whole.response_metadata[name]
    output = service.stream_events(QUESTION, version="v3").output
    assert output.text == whole.text
    assert citations(output) == citations(whole)


def test_sources_come_before_the_answer(service: ChatVikingKnowledge) -> None:
    chunks = list(service.stream(QUESTION))
    with_sources = [chunk for chunk in chunks if "references" in chunk.response_metadata]
    assert with_sources == [chunks[0]]
    assert chunks[0].text == ""


def test_version_one_content_has_the_citations_inside(service: ChatVikingKnowledge) -> None:
    blocks = service.model_copy(update={"output_version": "v1"})
    assert citations(blocks.invoke(QUESTION)) == citations(service.invoke(QUESTION))
    assert citations(total(blocks)) == citations(service.invoke(QUESTION))


def test_sources_become_documents(service: ChatVikingKnowledge) -> None:
    documents = references_to_documents(service.invoke(QUESTION))
    assert documents[0].page_content.startswith("On Sundays")
    assert documents[0].metadata["title"] == "Timetable"


def test_earlier_turns_feed_the_search(service: ChatVikingKnowledge) -> None:
    answer = service.invoke(
        [("human", "When does the ferry leave?"), ("ai", "At 07:40."), ("human", "And on Sundays?")]
    )
    assert answer.response_metadata["rewrite_query"] == "When does the ferry leave? And on Sundays?"
    assert "09:00" in answer.text


def test_filters_of_constructor_and_call(emulator: Emulator, service: ChatVikingKnowledge) -> None:
    filtered = service.model_copy(update={"doc_filter": must("lang", "zh")})
    answer = filtered.invoke("儿童要买票吗？")
    assert {one["doc_info"]["doc_name"] for one in answer.response_metadata["references"]} == {"tickets.md"}
    other = filtered.invoke("ferry", doc_filter=must("lang", "en"))
    assert "tickets.md" not in {one["doc_info"]["doc_name"] for one in other.response_metadata["references"]}
    with pytest.raises(ValueError, match="conds"):
        service.invoke("ferry", doc_filter={"op": "must", "field": "lang"})


def test_a_service_that_only_searches(emulator: Emulator, service: ChatVikingKnowledge) -> None:
    searching = ChatVikingKnowledge(
        service_resource_id="kb-service-demo-search",
        api_key=emulator.service_api_key,
        base_url=emulator.knowledge_base_url,
    )
    for answer in (searching.invoke(QUESTION), total(searching)):
        assert answer.text == ""
        assert answer.usage_metadata is None
        assert answer.response_metadata["references"]


@pytest.mark.parametrize("last", [{"end": True}, {"End": True}])
def test_keys_are_merged_in_any_order(
    emulator: Emulator, service: ChatVikingKnowledge, last: dict[str, Any]
) -> None:
    pieces: list[dict[str, Any]] = [
        {"generated_answer": "At "},
        {"result_list": [{"point_id": "a"}], "count": 1},
        {"reasoning_content": "hm"},
        {"generated_answer": "07:40 [1].", "rewrite_query": "q"},
        {
            "result_list": [],
            "token_usage": {"llm_token_usage": {"prompt_tokens": 1, "completion_tokens": 2}},
            **last,
        },
    ]
    emulator.reply_next([{"code": 0, "message": "ok", "request_id": "r", "data": piece} for piece in pieces])
    answer = total(service)
    assert answer.text == "At 07:40 [1]."
    assert answer.additional_kwargs == {"reasoning_content": "hm"}
    assert answer.response_metadata["references"] == [{"point_id": "a"}]
    assert (answer.response_metadata["count"], answer.response_metadata["rewrite_query"]) == (1, "q")
    assert answer.usage_metadata == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def test_sources_that_come_in_parts_are_kept_once(emulator: Emulator, service: ChatVikingKnowledge) -> None:
    one, two = {"point_id": "a"}, {"point_id": "b"}
    lists = [[one], [one, two], [two]]
    emulator.reply_next(
        [
            *({"code": 0, "data": {"result_list": listed}} for listed in lists),
            {"code": 0, "data": {"generated_answer": "x", "end": True}},
        ]
    )
    assert total(service).response_metadata["references"] == [one, two]


def test_a_signature_opens_a_service_too(emulator: Emulator, signed: dict[str, Any]) -> None:
    service = ChatVikingKnowledge(service_resource_id="kb-service-demo", **signed)
    assert service.invoke(QUESTION).text


def test_refusals(emulator: Emulator, service: ChatVikingKnowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthenticationError, match="API key"):
        service.model_copy(update={"api_key": service.api_key and type(service.api_key)("wrong")}).invoke("x")
    with pytest.raises(NotFoundError):
        service.model_copy(update={"service_resource_id": "kb-service-none"}).invoke("x")
    with pytest.raises(ValueError, match="must be the user's"):
        service.invoke([("human", "a"), ("ai", "b")])
    with pytest.raises(ValueError, match="cannot be chosen"):
        service.invoke("x", model="Doubao-pro-32k")
    emulator.reply_next(
        [{"code": 0, "data": {"generated_answer": "At"}}, {"code": 1000030, "message": "no", "data": None}]
    )
    with pytest.raises(ServiceError) as caught:
        total(service)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "At"
