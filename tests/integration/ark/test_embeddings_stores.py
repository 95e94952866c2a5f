"""ArkEmbeddings in vector stores: images by path, and hybrid search with sparse vectors."""

from __future__ import annotations

import asyncio
import base64
import inspect
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_chroma import Chroma
from langchain_milvus import Milvus
from langchain_milvus.utils.sparse import BaseSparseEmbedding
from langchain_qdrant import QdrantVectorStore, RetrievalMode, SparseEmbeddings
from qdrant_client import QdrantClient, models

from langchain_volcark import ArkEmbeddings
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError
from tests.pictures import png

Make = Callable[..., ArkEmbeddings]
TEXTS = [
    "The ferry to the island sails at nine from the old pier.",
    "Cauliflower is a vegetable of the cabbage family.",
    "花椰菜又称菜花,是一种常见的蔬菜。",
    "Everest is the highest mountain above sea level.",
]


@pytest.fixture
def make(emulator: Emulator) -> Make:
    def build(**arguments: Any) -> ArkEmbeddings:
        defaults = {"model": "doubao-embedding-vision-251215", "dimensions": 1024}
        return ArkEmbeddings(api_key=emulator.api_key, base_url=emulator.ark_base_url, **{**defaults, **arguments})

    return build


@pytest.fixture
def embeddings(make: Make) -> ArkEmbeddings:
    return make()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"第 {number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(png(80 * number, 200, 0))
    return paths


# --- images ----------------------------------------------------------------------------------------------------


def test_images_by_path_and_address_are_embedded_in_order(
    embeddings: ArkEmbeddings, emulator: Emulator, pictures: list[Path]
) -> None:
    data = base64.b64encode(pictures[0].read_bytes()).decode()
    uris = [
        str(pictures[0]),
        pictures[1],
        pictures[0].as_uri(),
        f"data:image/png;base64,{data}",
        "https://example.com/blue_sea.png",
    ]
    vectors = embeddings.embed_image(uris)
    blocks: list[Any] = [
        *({"type": "image", "base64": pictures[place].read_bytes()} for place in (0, 1, 0, 0)),
        {"type": "image", "url": "https://example.com/blue_sea.png"},
    ]
    assert vectors == embeddings.embed_inputs(blocks)
    assert vectors[0] == vectors[2] == vectors[3] != vectors[1]
    assert asyncio.run(embeddings.aembed_image(uris)) == vectors
    sent = [one.json["input"][0]["image_url"]["url"] for one in emulator.requests]
    assert sent.count(f"data:image/png;base64,{data}") == 9


def test_no_images_are_no_requests(embeddings: ArkEmbeddings, emulator: Emulator) -> None:
    assert embeddings.embed_image([]) == []
    assert emulator.requests == []


def test_a_file_that_is_not_there_is_named_and_nothing_is_sent(
    embeddings: ArkEmbeddings, emulator: Emulator, pictures: list[Path]
) -> None:
    missing = pictures[0].with_name("missing.png")
    with pytest.raises(FileNotFoundError) as caught:
        embeddings.embed_image([*pictures, missing])
    assert caught.value.filename == str(missing)
    with pytest.raises(FileNotFoundError, match=r"missing\.png"):
        asyncio.run(embeddings.aembed_image([*pictures, str(missing)]))
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("uris", "words"),
    [
        ("a.png", "Expected a list of uris"),
        (Path("a.png"), "Expected a list of uris"),
        (["https://example.com/a.png", 5], "Input 1 is neither a path nor a URL"),
        (["https://example.com/a.png", ""], "Input 1 is neither a path nor a URL"),
    ],
)
def test_what_is_no_image_is_refused_by_its_position(embeddings: ArkEmbeddings, uris: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        embeddings.embed_image(uris)


def test_a_file_that_is_no_image_is_refused_by_its_position(embeddings: ArkEmbeddings, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no image")
    with pytest.raises(ValueError, match="Input 0: the image needs its mime_type"):
        embeddings.embed_image([path])


def test_a_text_model_embeds_no_images(make: Make, pictures: list[Path]) -> None:
    text = make(model="doubao-embedding-large-text-250515", dimensions=None)
    with pytest.raises(ValueError, match="doubao-embedding-large-text-250515 embeds text only"):
        text.embed_image(pictures)


def test_what_was_paid_for_survives_a_failure(make: Make, emulator: Emulator, pictures: list[Path]) -> None:
    embeddings = make(max_concurrency=1, max_retries=0)
    expected = embeddings.embed_image(pictures[:1])
    small = pictures[0].with_name("small.png")
    small.write_bytes(png(0, 0, 0, side=8))
    with pytest.raises(InvalidRequestError) as caught:
        embeddings.embed_image([pictures[0], small, pictures[1]])
    assert caught.value.completed == {0: expected[0]}
    assert caught.value.failed_inputs == (1,)


def test_async_calls_read_files_in_threads(
    embeddings: ArkEmbeddings, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = []
    read = Path.read_bytes

    def noted(path: Path) -> bytes:
        readers.append(threading.current_thread())
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    asyncio.run(embeddings.aembed_image(pictures))
    assert len(readers) == 3
    assert threading.main_thread() not in readers


def test_chroma_finds_an_image_by_an_image(embeddings: ArkEmbeddings, pictures: list[Path]) -> None:
    store = Chroma(embedding_function=embeddings, collection_name="pictures")
    store.add_images(uris=[str(path) for path in pictures], metadatas=[{"name": path.stem} for path in pictures])
    for path in pictures:
        (found,) = store.similarity_search_by_image(str(path), k=1)
        assert found.metadata["name"] == path.stem
    store.delete_collection()


def test_the_names_are_those_that_vector_stores_call() -> None:
    # LanceDB and VDMS call `embed_image(uris=…)`.
    for name in ("embed_image", "aembed_image"):
        assert next(iter(inspect.signature(getattr(ArkEmbeddings, name)).parameters.values())).name == "self"
        assert "uris" in inspect.signature(getattr(ArkEmbeddings, name)).parameters


# --- sparse vectors --------------------------------------------------------------------------------------------


def test_sparse_embeddings_are_instances_of_both_interfaces(embeddings: ArkEmbeddings) -> None:
    sparse = embeddings.as_sparse()
    assert isinstance(sparse, SparseEmbeddings)
    assert isinstance(sparse, BaseSparseEmbedding)


def test_sparse_vectors_are_those_of_embed_sparse(embeddings: ArkEmbeddings) -> None:
    sparse = embeddings.as_sparse()
    expected = embeddings.embed_sparse(TEXTS)
    vectors = sparse.embed_documents(TEXTS)
    assert [dict(vector) for vector in vectors] == expected
    assert [dict(zip(vector.indices, vector.values, strict=True)) for vector in vectors] == expected
    assert asyncio.run(sparse.aembed_documents(TEXTS)) == vectors
    assert pickle.loads(pickle.dumps(vectors)) == vectors


def test_a_sparse_query_has_the_instruction_of_a_query(embeddings: ArkEmbeddings, emulator: Emulator) -> None:
    sparse = embeddings.as_sparse()
    embeddings.embed_query("vegetables")
    one = sparse.embed_query("vegetables")
    assert asyncio.run(sparse.aembed_query("vegetables")) == one
    dense, *others = [request.json["instructions"] for request in emulator.requests]
    assert others == [dense, dense]


def test_sparse_embeddings_pickle(embeddings: ArkEmbeddings) -> None:
    copy = pickle.loads(pickle.dumps(embeddings.as_sparse()))
    assert copy.embed_query("a ferry") == embeddings.as_sparse().embed_query("a ferry")


def test_a_model_without_sparse_vectors_says_so_at_once(make: Make) -> None:
    with pytest.raises(ValueError, match="does not make sparse vectors"):
        make(model="doubao-embedding-vision-250328", dimensions=None).as_sparse()


@pytest.mark.parametrize("mode", [RetrievalMode.HYBRID, RetrievalMode.SPARSE])
def test_qdrant_searches_with_sparse_vectors(embeddings: ArkEmbeddings, mode: RetrievalMode) -> None:
    store = QdrantVectorStore.from_texts(
        TEXTS,
        embeddings,
        sparse_embedding=embeddings.as_sparse(),
        retrieval_mode=mode,
        location=":memory:",
        collection_name="hybrid",
    )
    assert store.similarity_search("When does the ferry sail?", k=1)[0].page_content == TEXTS[0]
    assert store.similarity_search("highest mountain", k=1)[0].page_content == TEXTS[3]
    found = asyncio.run(store.asimilarity_search("常见的蔬菜", k=1))
    assert found[0].page_content == TEXTS[2]
    store.client.close()


def test_qdrant_checks_and_reads_a_collection_of_ones_own(embeddings: ArkEmbeddings) -> None:
    client = QdrantClient(":memory:")
    client.create_collection(
        "own",
        vectors_config={"dense": models.VectorParams(size=1024, distance=models.Distance.COSINE)},
        sparse_vectors_config={"sparse": models.SparseVectorParams()},
    )
    store = QdrantVectorStore(
        client,
        "own",
        embeddings,
        retrieval_mode=RetrievalMode.HYBRID,
        vector_name="dense",
        sparse_embedding=embeddings.as_sparse(),
        sparse_vector_name="sparse",
    )
    asyncio.run(store.aadd_texts(TEXTS))
    assert store.similarity_search("cabbage", k=1)[0].page_content == TEXTS[1]
    client.close()


DENSE_INDEX: dict[str, Any] = {"index_type": "FLAT", "metric_type": "COSINE", "params": {}}
# Milvus Lite keeps all terms; the store would drop a fifth of them.
SPARSE_INDEX: dict[str, Any] = {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP", "params": {}}


@pytest.fixture
def milvus(embeddings: ArkEmbeddings, tmp_path: Path) -> Iterator[Milvus]:
    store = Milvus.from_texts(
        TEXTS,
        [embeddings, embeddings.as_sparse()],
        vector_field=["dense", "sparse"],
        index_params=[DENSE_INDEX, SPARSE_INDEX],
        search_params=[DENSE_INDEX, SPARSE_INDEX],
        connection_args={"uri": str(tmp_path / "milvus.db")},
        consistency_level="Strong",
    )
    yield store
    store.client.close()


# The store's own default for its rankers is deprecated.
@pytest.mark.filterwarnings("ignore:The 'ranker_type' and 'ranker_params':DeprecationWarning")
@pytest.mark.parametrize(
    ("query", "place"), [("When does the ferry sail?", 0), ("cabbage family", 1), ("highest mountain", 3)]
)
def test_milvus_searches_with_dense_and_sparse_vectors(milvus: Milvus, query: str, place: int) -> None:
    assert milvus.similarity_search(query, k=1)[0].page_content == TEXTS[place]
    assert asyncio.run(milvus.asimilarity_search(query, k=1))[0].page_content == TEXTS[place]


def test_milvus_searches_with_sparse_vectors_alone(embeddings: ArkEmbeddings, tmp_path: Path) -> None:
    store = Milvus.from_texts(
        TEXTS,
        embeddings.as_sparse(),
        index_params=SPARSE_INDEX,
        search_params=SPARSE_INDEX,
        connection_args={"uri": str(tmp_path / "sparse.db")},
        consistency_level="Strong",
    )
    assert store.similarity_search("常见的蔬菜", k=1)[0].page_content == TEXTS[2]
    store.client.close()


@pytest.mark.parametrize(
    "uri", ["s3://bucket/a.png", "ftp://host/a.png", "data:text/plain,hi", "data:", "a\0.png"]
)
def test_an_address_that_is_no_picture_s_is_refused_before_the_wire(embeddings: ArkEmbeddings, uri: str) -> None:
    with pytest.raises(ValueError, match="^Input 0") as caught:
        embeddings.embed_image([uri])
    assert type(caught.value) is ValueError
