"""Questions about a folder of documents: search, answers, numbered references.

Run it with `python examples/knowledge_base.py [FOLDER] ["question" …]`. It needs no key: without `VOLC_ACCESSKEY`,
`VOLC_SECRETKEY` and `VIKING_COLLECTION` it starts the emulator, fills a collection with the folder's files and
searches them; only the answers are simulated. With them it searches your collection, and answers with the model of
`ARK_API_KEY` and `ARK_MODEL`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from session import EMULATED_MODEL, heading

from langchain_volcark import (
    ChatArk,
    ChatVikingKnowledge,
    References,
    VikingKnowledgeReranker,
    VikingKnowledgeRetriever,
    knowledge_chain,
)
from langchain_volcark.knowledge.filters import all_of, between, must

DOCUMENTS = Path(__file__).resolve().parent / "documents"
QUESTIONS = [
    "How much may a hotel in Shanghai cost per night?",
    "年假没休完怎么办？",
    "会议室的投影仪坏了找谁？",
    "What is the price of gold?",
]


@contextmanager
def services(folder: Path) -> Iterator[tuple[VikingKnowledgeRetriever, ChatArk, ChatVikingKnowledge | None]]:
    """Return the retriever, the chat model, and a packaged service if there is one."""
    collection = os.environ.get("VIKING_COLLECTION")
    if collection and os.environ.get("VOLC_ACCESSKEY") and os.environ.get("VOLC_SECRETKEY"):
        print(f"Searching the collection {collection!r} of your account.")
        service = os.environ.get("VIKING_SERVICE")
        yield (
            VikingKnowledgeRetriever(collection_name=collection),
            ChatArk(model=os.environ["ARK_MODEL"]),
            ChatVikingKnowledge(service_resource_id=service) if service else None,
        )
        return
    from langchain_volcark.emulator import Emulator

    print("VOLC_ACCESSKEY, VOLC_SECRETKEY and VIKING_COLLECTION are not all set, so this talks to the emulator,")
    print(f"whose collection holds the files of {folder}.")
    with Emulator(documents=folder) as server:
        keys = {"access_key": server.access_key, "secret_key": server.secret_key}
        base_url = server.knowledge_base_url
        yield (
            VikingKnowledgeRetriever(collection_name="demo", base_url=base_url, **keys),
            ChatArk(model=EMULATED_MODEL, api_key=server.api_key, base_url=server.ark_base_url),
            ChatVikingKnowledge(
                service_resource_id="kb-service-demo", api_key=server.service_api_key, base_url=base_url
            ),
        )


def search(retriever: VikingKnowledgeRetriever, question: str) -> None:
    """Print search results with both scores."""
    heading(f"Search: {question}")
    for document in retriever.invoke(question, k=3, rerank=True):
        metadata = document.metadata
        text = " ".join(document.page_content.split())[:60]
        print(f"  {metadata['rerank_score']:.2f} ({metadata['score']:.2f})  {metadata['doc_name']}: {text}")


def answer(retriever: VikingKnowledgeRetriever, model: ChatArk, question: str) -> None:
    """Stream an answer and print its references."""
    heading(f"Answer: {question}")
    chain = knowledge_chain(retriever.model_copy(update={"k": 3, "rerank": True}), model)
    sources = []
    for chunk in chain.stream(question):
        print(chunk.text, end="", flush=True)
        sources += chunk.response_metadata.get("references", [])
    print()
    for number, source in enumerate(sources, 1):
        print(f"  [{number}] {source['doc_name']}, {source.get('chunk_title') or 'row'}")


def narrow(retriever: VikingKnowledgeRetriever) -> None:
    """Search with a filter on document fields."""
    heading("Only English documents of 2026")
    newest = all_of(must("lang", "en"), between("year", gte=2026))
    for document in retriever.invoke("When must training be finished?", k=2, doc_filter=newest):
        print(f"  {document.metadata['doc_name']} {document.metadata['doc_meta']}: {document.page_content[:60]}…")


def converse(retriever: VikingKnowledgeRetriever, model: ChatArk) -> None:
    """Search for a follow-up question."""
    heading("A second turn, rewritten for the search")
    history = [("human", "How much may a hotel in Beijing cost?"), ("ai", "650 yuan per night.")]
    result = retriever.search("And elsewhere?", rewrite=True, messages=history, k=2)
    print(f"  searched for: {result.rewrite_query!r}")
    chain = knowledge_chain(retriever.model_copy(update={"k": 2, "rewrite": True}), model)
    print(" ", chain.invoke({"input": "And elsewhere?", "chat_history": history}).text)


def rerank(retriever: VikingKnowledgeRetriever) -> None:
    """Rerank arbitrary documents."""
    heading("Reranking by itself")
    reranker = VikingKnowledgeReranker(
        access_key=retriever.access_key, secret_key=retriever.secret_key, base_url=retriever.base_url, top_n=2
    )
    documents = retriever.invoke("service desk", k=8)
    for document in reranker.compress_documents(documents, "How do I reset my password?"):
        print(f"  {document.metadata['rerank_score']:.2f}  {document.page_content.splitlines()[0]}")


def ask_service(service: ChatVikingKnowledge, question: str) -> None:
    """Search and answer in one call, with a packaged service."""
    heading(f"A packaged service: {question}")
    message = service.invoke(question)
    print(message.text)
    print(References(message))


def main() -> None:
    arguments = sys.argv[1:]
    folder = Path(arguments.pop(0)) if arguments and Path(arguments[0]).is_dir() else DOCUMENTS
    questions = arguments or QUESTIONS
    with services(folder) as (retriever, model, service):
        search(retriever, questions[0])
        for question in questions:
            answer(retriever, model, question)
        if folder == DOCUMENTS and not arguments:
            narrow(retriever)
            converse(retriever, model)
            rerank(retriever)
        if service is not None:
            ask_service(service, questions[0])


if __name__ == "__main__":
    main()
