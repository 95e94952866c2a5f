"""Search, prompt, answer in one chain, with citations that point at the documents."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser

from langchain_volcark import (
    ChatArk,
    ChatVikingKnowledge,
    VikingKnowledgeRetriever,
    knowledge_chain,
    references_to_documents,
)
from langchain_volcark.emulator import Emulator

QUESTION = "When does the ferry leave on Sundays?"


@pytest.fixture(params=["ark", "viking"])
def any_model(request: pytest.FixtureRequest, emulator: Emulator, model: ChatVikingKnowledge) -> Any:
    if request.param == "viking":
        return model
    return ChatArk(model="doubao-1-5-pro-32k-250115", api_key=emulator.api_key, base_url=emulator.ark_base_url)


def marks(answer: AIMessage) -> list[tuple[str, str]]:
    """Each citation in the text: its mark, and the chunk it points at."""
    (block,) = [block for block in answer.content_blocks if block["type"] == "text"]
    return [
        (answer.text[one["start_index"] : one["end_index"]], one["extras"]["point_id"])
        for one in block["annotations"]
        if "start_index" in one
    ]


async def test_citations_point_at_documents(retriever: VikingKnowledgeRetriever, any_model: Any) -> None:
    chain = knowledge_chain(retriever.model_copy(update={"k": 3, "rerank": True}), any_model)
    whole = chain.invoke(QUESTION)
    first, *rest = chain.stream(QUESTION)
    afirst, *arest = [chunk async for chunk in chain.astream(QUESTION)]
    for answer in (whole, first + rest, afirst + arest, await chain.ainvoke(QUESTION)):
        assert answer.text.startswith("On Sundays and public holidays the first ferry leaves at 09:00")
        assert marks(answer)[0] == ("[1]", "timetable-1")
        assert len(answer.response_metadata["references"]) == 3
        assert answer.response_metadata["references"][0]["rerank_score"] > 0
        assert answer.usage_metadata
    assert len(rest) > 3  # it streams


async def test_blocks_of_version_one_have_the_citations_inside(
    retriever: VikingKnowledgeRetriever, any_model: Any
) -> None:
    chain = knowledge_chain(retriever, any_model.model_copy(update={"output_version": "v1"}))
    first, *rest = chain.stream(QUESTION)
    for answer in (chain.invoke(QUESTION), first + rest):
        assert isinstance(answer.content, list)
        assert marks(answer)[0] == ("[1]", "timetable-1")


def test_the_models_messages(emulator: Emulator, retriever: VikingKnowledgeRetriever, any_model: Any) -> None:
    history = [("human", "When does the ferry leave?"), ("ai", "At {07:40}.")]
    chain = knowledge_chain(retriever.model_copy(update={"k": 1}), any_model, prompt="Material: {context} {x}")
    chain.invoke({"input": "And on Sundays?", "chat_history": history})
    system, *turns = emulator.requests[-1].json["messages"]
    assert system["content"].startswith("Material: [1]\ndoc_name: timetable.md\ntitle: Timetable\nchunk_title: ")
    assert system["content"].endswith(" {x}")
    assert [turn["content"] for turn in turns] == ["When does the ferry leave?", "At {07:40}.", "And on Sundays?"]
    assert "pre_processing" not in emulator.requests[-2].json


def test_a_rewriting_retriever_gets_the_conversation(
    emulator: Emulator, retriever: VikingKnowledgeRetriever, any_model: Any
) -> None:
    chain = knowledge_chain(retriever.model_copy(update={"rewrite": True}), any_model)
    history = [("human", "When does the ferry leave?"), ("ai", "At 07:40.")]
    answer = chain.invoke({"input": "And on Sundays?", "chat_history": history})
    assert marks(answer)[0] == ("[1]", "timetable-1")
    assert emulator.requests[-2].json["pre_processing"]["rewrite"] is True


def test_images_go_to_a_model_that_sees(emulator: Emulator, signed: dict[str, Any]) -> None:
    retriever = VikingKnowledgeRetriever(collection_name="demo", k=1, get_attachment_link=True, **signed)
    seeing = ChatVikingKnowledge(model="Doubao-seed-1-8", **signed)
    knowledge_chain(retriever, seeing, images=True).invoke("map of the old pier")
    system, asked = emulator.requests[-1].json["messages"]
    assert "<img>图片1</img>" in system["content"]
    assert [part["type"] for part in asked["content"]] == ["text", "image_url"]


def test_documents_and_text_out_of_the_chain(retriever: VikingKnowledgeRetriever, any_model: Any) -> None:
    chain = knowledge_chain(retriever.model_copy(update={"k": 2}), any_model)
    documents = (chain | references_to_documents).invoke(QUESTION)
    assert documents[0].page_content.startswith("On Sundays")
    assert (chain | StrOutputParser()).invoke(QUESTION).startswith("On Sundays")


def test_nothing_found_is_said(emulator: Emulator, retriever: VikingKnowledgeRetriever, any_model: Any) -> None:
    answer = knowledge_chain(retriever.model_copy(update={"score_threshold": 9}), any_model).invoke(QUESTION)
    assert "references" not in answer.response_metadata
