"""Documents as a model reads them."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

from langchain_volcark.knowledge.chain import format_documents, image_links, knowledge_chain, to_references
from langchain_volcark.knowledge.documents import read_item

TEXT = Document("Departs {07:40}.", id="p-1", metadata={"doc_name": "a.md", "title": "Ferries", "chunk_title": ""})
FAQ = read_item({"content": "Yes.", "original_question": "By card?", "doc_info": {"doc_name": "q.faq.xlsx"}})
IMAGE = read_item(
    {
        "content": "Map",
        "chunk_attachment": [
            {"type": "image", "link": "https://example.com/1.png"},
            {"type": "image", "link": ""},
            {"type": "image", "link": "https://example.com/2.png"},
        ],
    }
)


def test_blocks_have_numbers_fields_and_text() -> None:
    assert format_documents([TEXT, FAQ]) == (
        "[1]\ndoc_name: a.md\ntitle: Ferries\ncontent: Departs {07:40}.\n"
        "---\n[2]\ndoc_name: q.faq.xlsx\ncontent: By card?\nYes."
    )


def test_the_fields_can_be_chosen() -> None:
    assert format_documents([TEXT], fields=["title"]) == "[1]\ntitle: Ferries\ncontent: Departs {07:40}."


def test_images_are_marked_and_numbered_through() -> None:
    text = format_documents([IMAGE, IMAGE], images=True)
    assert [f"<img>图片{number}</img>" in text for number in range(1, 6)] == [True, True, True, True, False]
    assert image_links([IMAGE]) == ["https://example.com/1.png", "https://example.com/2.png"]


def test_references_have_the_documents_metadata() -> None:
    assert to_references([TEXT, FAQ]) == [
        {"doc_name": "a.md", "title": "Ferries", "chunk_title": "", "id": "p-1", "content": "Departs {07:40}."},
        {**FAQ.metadata, "title": "q.faq.xlsx", "content": "By card?\nYes."},
    ]


def test_a_prompt_without_a_place_for_the_material_is_refused() -> None:
    with pytest.raises(ValueError, match="context"):
        knowledge_chain(RunnableLambda(lambda _: [TEXT]), FakeListChatModel(responses=["x"]), prompt="Answer.")


def test_any_retriever_and_any_model_will_do() -> None:
    chain = knowledge_chain(RunnableLambda(lambda _: [TEXT]), FakeListChatModel(responses=["At 07:40 [1]."]))
    answer = chain.invoke("When?")
    assert answer.text == "At 07:40 [1]."
    assert answer.response_metadata["references"][0]["doc_name"] == "a.md"
    streamed = None
    for chunk in chain.stream("When?"):
        streamed = chunk if streamed is None else streamed + chunk
    assert streamed is not None
    assert streamed.text == answer.text
    assert streamed.response_metadata["references"] == answer.response_metadata["references"]


@pytest.mark.parametrize("given", [{"question": "When?"}, {"input": None}])
def test_an_input_without_a_question_is_refused(given: dict[str, object]) -> None:
    chain = knowledge_chain(RunnableLambda(lambda _: [TEXT]), FakeListChatModel(responses=["x"]))
    with pytest.raises(ValueError, match="input"):
        chain.invoke(given)
