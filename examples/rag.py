"""Retrieval-augmented generation on real documents: this repository's pages, or those of any folder.

    python examples/rag.py
    python examples/rag.py --folder ~/notes --question "How do I renew my passport?"

It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts the emulator, whose embeddings work for
retrieval, and whose answers are sentences of the documents found. A second run embeds nothing, because nothing has
changed.

The vectors are stored on disk in Qdrant's local mode. Of the stores that run inside the process it is by far the
smallest to install (118 MB with dependencies, against 430 to 480 MB for Milvus Lite, LanceDB and Chroma, as of
November 2026), its wheel is pure Python, it is well maintained, and the same code works with a Qdrant server when
a corpus outgrows one process.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from langchain_classic.embeddings import CacheBackedEmbeddings
from langchain_classic.indexes import SQLRecordManager
from langchain_classic.storage import LocalFileStore
from langchain_core.documents import Document
from langchain_core.indexing import index
from langchain_core.prompts import ChatPromptTemplate
from langchain_qdrant import QdrantVectorStore
from langchain_text_splitters import MarkdownTextSplitter
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams
from session import Session, heading, session

from langchain_volcark import ArkEmbeddings, ChatArk

REPOSITORY = Path(__file__).resolve().parent.parent
STORE = REPOSITORY / "build" / "rag"
MODEL = os.environ.get("ARK_EMBEDDING_MODEL", "doubao-embedding-vision-251215")
DIMENSIONS = 1024
CITATION = re.compile(r"\[(\d+)\]")
QUESTIONS = ("How do I read the × raw figure?", "Where are the async clients kept, one per event loop?")

SYSTEM = """\
Answer in the language of the question, from these passages alone. Behind each sentence put the number of the
passage that it rests on, as in [1].

<context>
{passages}
</context>"""
PROMPT = ChatPromptTemplate.from_messages([("system", SYSTEM), ("human", "{question}")])


def read_pages(folder: Path) -> Iterable[Document]:
    """Split the folder's Markdown pages into chunks of about 800 characters."""
    splitter = MarkdownTextSplitter(chunk_size=800, chunk_overlap=100, add_start_index=True)
    for path in sorted(folder.rglob("*.md")):
        place = path.relative_to(folder)
        if any(part.startswith((".", "build", "node_modules")) for part in place.parts):
            continue
        page = Document(path.read_text(encoding="utf-8"), metadata={"source": place.as_posix()})
        yield from (piece for piece in splitter.split_documents([page]) if piece.page_content)


def cached_embeddings(here: Session, space: str, store: Path) -> CacheBackedEmbeddings:
    """Return Ark's embeddings with a cache on disk: a text is embedded once, even if the index is deleted."""
    return CacheBackedEmbeddings.from_bytes_store(
        ArkEmbeddings(model=MODEL, dimensions=DIMENSIONS, **here.arguments),
        LocalFileStore(store / "embeddings"),
        namespace=space,
        batch_size=200,  # each batch is cached at once, so a failure loses one batch at most
        # A separate cache: the vector of a query differs from that of the same text as a document.
        query_embedding_cache=LocalFileStore(store / "queries" / space),
        key_encoder="blake2b",
    )


def open_store(client: QdrantClient, embeddings: CacheBackedEmbeddings, name: str) -> QdrantVectorStore:
    """Return the collection; create it if it is missing."""
    if not client.collection_exists(name):
        client.create_collection(name, VectorParams(size=DIMENSIONS, distance=Distance.COSINE))
    return QdrantVectorStore(client, collection_name=name, embedding=embeddings)


def point_id(document: Document) -> str:
    """Return the id of a chunk by content and position; Qdrant needs UUIDs."""
    return str(uuid5(NAMESPACE_URL, f"{document.metadata['source']}#{document.page_content}"))


def update_index(folder: Path, vectors: QdrantVectorStore, records: SQLRecordManager) -> None:
    """Add new chunks and delete removed ones."""
    heading(f"Indexing the pages of {folder}")
    found = index(
        read_pages(folder), records, vectors, cleanup="full", source_id_key="source", key_encoder=point_id
    )
    print(", ".join(f"{count} {what.removeprefix('num_')}" for what, count in found.items()))


def answer(model: ChatArk, vectors: QdrantVectorStore, question: str) -> None:
    """Retrieve, answer, cite."""
    heading(question)
    hits = vectors.similarity_search_with_score(question, k=4)
    for number, (hit, score) in enumerate(hits, 1):
        print(f"[{number}] {score:.2f} {hit.metadata['source']}, from character {hit.metadata['start_index']}")
    passages = "\n---\n".join(f"[{number}] {hit.page_content}" for number, (hit, _) in enumerate(hits, 1))
    print("answer: ", end="")
    text = ""
    for chunk in model.stream(PROMPT.invoke({"passages": passages, "question": question})):
        print(chunk.text, end="", flush=True)
        text += chunk.text
    # A model may invent numbers: only those of existing passages are accepted.
    numbers = sorted({int(number) for number in CITATION.findall(text)} & set(range(1, len(hits) + 1)))
    print("\ncited: ", ", ".join(f"[{number}] {hits[number - 1][0].metadata['source']}" for number in numbers))


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Answer questions about a folder of Markdown pages.")
    parser.add_argument("--folder", type=Path, default=REPOSITORY, help="where the pages are (this repository)")
    parser.add_argument("--store", type=Path, default=STORE, help="where index and cache are kept (build/rag)")
    parser.add_argument("--question", nargs="*", default=QUESTIONS, help="what to ask")
    return parser.parse_args(given)


def main() -> None:
    """Index, then answer."""
    options = arguments()
    options.store.mkdir(parents=True, exist_ok=True)
    with session() as here:
        # Vectors of another model, or of the emulator under the same name, must not be mixed.
        space = f"{'emulated-' if here.server else ''}{MODEL}-{DIMENSIONS}"
        embeddings = cached_embeddings(here, space, options.store)
        name = f"{space}-{uuid5(NAMESPACE_URL, str(options.folder.resolve())).hex}"
        client = QdrantClient(path=str(options.store / "qdrant"))
        records = SQLRecordManager(name, db_url=f"sqlite:///{options.store / 'records.sqlite'}")
        records.create_schema()
        try:
            vectors = open_store(client, embeddings, name)
            update_index(options.folder, vectors, records)
            model = ChatArk(model=here.model, **here.arguments)
            for question in options.question:
                answer(model, vectors, question)
        finally:
            client.close()
        if here.server:
            embedded = sum(request.path.endswith("multimodal") for request in here.server.requests)
            print(f"\n{embedded} texts were embedded in this run; the others came from the cache.")


if __name__ == "__main__":
    main()
