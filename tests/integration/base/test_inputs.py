"""Collections that embeddings, rerankers and the retriever take, environment variables, and values of constructors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.documents import Document
from pydantic import ValidationError

from langchain_volcark import (
    ArkEmbeddings,
    ChatArk,
    ChatQianfan,
    ChatVikingKnowledge,
    QianfanEmbeddings,
    QianfanRerank,
    VikingKnowledgeReranker,
    VikingKnowledgeRetriever,
)
from langchain_volcark.emulator import Emulator

TEXT = "doubao-embedding-large-text-250515"
VISION = "doubao-embedding-vision-251215"


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def embeddings(server: Emulator) -> dict[str, Any]:
    ark = {"api_key": server.api_key, "base_url": server.ark_base_url}
    qianfan = {"api_key": server.qianfan_api_key, "base_url": server.qianfan_base_url}
    return {
        "ark text": ArkEmbeddings(model=TEXT, **ark),
        "ark vision": ArkEmbeddings(model=VISION, **ark),
        "qianfan": QianfanEmbeddings(model="bge-large-zh", **qianfan),
    }


def rerankers(server: Emulator) -> dict[str, Any]:
    signed = {"access_key": server.access_key, "secret_key": server.secret_key}
    return {
        "qianfan": QianfanRerank(api_key=server.qianfan_api_key, base_url=server.qianfan_base_url),
        "knowledge": VikingKnowledgeReranker(base_url=server.knowledge_base_url, **signed),
    }


class Text(str):
    """As numpy's texts are: a subclass."""

    __slots__ = ()


COLLECTIONS: dict[str, Callable[[list[str]], Any]] = {
    "generator": lambda texts: (text for text in texts),
    "keys": lambda texts: dict.fromkeys(texts).keys(),
    "values": lambda texts: dict(enumerate(texts)).values(),
    "tuple": tuple,
    "map": lambda texts: map(str, texts),
    "texts of a subclass": lambda texts: [Text(text) for text in texts],
}
NO_COLLECTIONS: dict[str, tuple[Any, str]] = {
    "one text": ("cauliflower", "not a single value"),
    "bytes": (b"cauliflower", "not a single value"),
    "dict": ({"a": 1}, "not a dict"),
    "set": ({"a", "b"}, "no order"),
    "number": (5, "not 5"),
    "None": (None, "not None"),
}


@pytest.mark.parametrize("kind", ["ark text", "ark vision", "qianfan"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_any_collection_in_order_is_embedded(server: Emulator, kind: str, collection: str) -> None:
    model, texts = embeddings(server)[kind], ["cauliflower", "a lake", "a tower"]
    assert model.embed_documents(COLLECTIONS[collection](texts)) == model.embed_documents(texts)


@pytest.mark.parametrize("kind", ["ark text", "ark vision", "qianfan"])
@pytest.mark.parametrize("name", NO_COLLECTIONS)
async def test_what_is_no_collection_of_texts_is_a_value_error(server: Emulator, kind: str, name: str) -> None:
    model = embeddings(server)[kind]
    value, why = NO_COLLECTIONS[name]
    server.reset()
    with pytest.raises(ValueError, match=why):
        model.embed_documents(value)
    with pytest.raises(ValueError, match=why):
        await model.aembed_documents(value)
    for query in (None, 5, b"x", ["x"]):
        with pytest.raises(ValueError, match="The query"):
            model.embed_query(query)
    assert server.requests == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_inputs_of_every_other_method_may_come_in_any_collection(server: Emulator, collection: str) -> None:
    model, texts = embeddings(server)["ark vision"], ["cauliflower", "a lake"]
    for method in (model.embed_inputs, model.embed_sparse, model.embed_multi):
        assert method(COLLECTIONS[collection](texts)) == method(texts)
        with pytest.raises(ValueError, match="no order"):
            method(set(texts))
        with pytest.raises(ValueError, match="instructions must be a text, not 5"):
            method(texts, instructions=5)


@pytest.mark.parametrize("kind", ["qianfan", "knowledge"])
@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_rerankers_take_any_collection_in_order(server: Emulator, kind: str, collection: str) -> None:
    reranker, texts = rerankers(server)[kind], ["cauliflower", "a lake"]
    scores = reranker.rerank("lake", texts)
    assert reranker.rerank("lake", COLLECTIONS[collection](texts)) == scores
    assert await reranker.arerank("lake", COLLECTIONS[collection](texts)) == scores
    documents = [Document(text) for text in texts]
    best = reranker.compress_documents((one for one in documents), "lake")
    assert [one.page_content for one in best] == [
        one.page_content for one in await reranker.acompress_documents(tuple(documents), "lake")
    ]


@pytest.mark.parametrize("kind", ["qianfan", "knowledge"])
def test_rerankers_refuse_what_cannot_be_ranked_by_name(server: Emulator, kind: str) -> None:
    reranker = rerankers(server)[kind]
    for value, why in NO_COLLECTIONS.values():
        with pytest.raises(ValueError, match=why):
            reranker.rerank("lake", value)
    with pytest.raises(ValueError, match=r"documents\[0\] is a str"):
        reranker.compress_documents(["lake"], "lake")
    for query in (None, 5, ["x"]):
        with pytest.raises(ValueError, match="The query must be a text"):
            reranker.rerank(query, ["lake"])


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"k": 0}, "k must be between 1 and 1000, not 0"),
        ({"k": "5"}, "k must be a whole number between 1 and 1000, not '5'"),
        ({"k": True}, "k must be a whole number between 1 and 1000, not True"),
        ({"dense_weight": math.nan}, "dense_weight must be a finite number between 0 and 1, not nan"),
        ({"rewrite": "yes"}, "rewrite must be True or False, not 'yes'"),
        ({"doc_filter": 5}, "doc_filter"),
        ({"timeout": "5"}, "timeout must be a positive number"),
        ({"extra_headers": 5}, "extra_headers must be a dictionary"),
        ({"messages": 5}, "messages must be a list, not 5"),
        ({"image_query": 5}, "image_query must be a text, not 5"),
        ({"search_kwargs": 5}, "search_kwargs must be a dictionary, not a int"),
    ],
)
def test_a_search_refuses_wrong_values_by_name(call: dict[str, Any], why: str) -> None:
    retriever = VikingKnowledgeRetriever(collection_name="demo", access_key="a", secret_key="s")
    with pytest.raises(ValueError, match=why) as caught:
        retriever.invoke("When?", **call)
    assert type(caught.value) is ValueError
    if not call.keys() & {"extra_headers", "messages", "image_query"}:
        with pytest.raises(ValidationError, match=why):
            VikingKnowledgeRetriever(collection_name="demo", **call)


@pytest.mark.parametrize("query", [None, 5, ["x"]])
def test_a_search_refuses_a_question_that_is_no_text(query: Any) -> None:
    with pytest.raises(ValueError, match="The query must be a text"):
        VikingKnowledgeRetriever(collection_name="demo").search(query)


def test_documented_defaults_of_a_search_contradict_nothing() -> None:
    VikingKnowledgeRetriever(collection_name="demo", rerank=False, rerank_only_chunk=False, retrieve_count=25)
    VikingKnowledgeRetriever(resource_id="kb-1", project="default")
    with pytest.raises(ValidationError, match="retrieve_count needs rerank"):
        VikingKnowledgeRetriever(collection_name="demo", retrieve_count=30)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: QianfanRerank(top_n=0), "top_n must be at least 1, not 0"),
        (lambda: QianfanRerank(top_n="3"), "top_n must be a whole number at least 1, not '3'"),
        (lambda: VikingKnowledgeReranker(top_n=True), "top_n must be a whole number at least 1, not True"),
        (lambda: VikingKnowledgeReranker(batch_size=201), "batch_size must be between 1 and 200, not 201"),
        (lambda: ArkEmbeddings(model=VISION, dimensions=True), "dimensions must be a whole number"),
        (lambda: ArkEmbeddings(model=VISION, normalize=1), "normalize must be True or False, not 1"),
        (lambda: QianfanEmbeddings(model="bge-large-zh", chunk_size=17), "between 1 and 16, not 17"),
        (lambda: ChatArk(model="m", max_retries=-1), "max_retries must be at least 0, not -1"),
        (lambda: ChatArk(model="m", timeout="30"), "timeout must be a positive number"),
        (lambda: ChatArk(model="m", default_query=5), "default_query must be a dictionary"),
    ],
)
def test_constructors_name_field_value_and_range(make: Callable[[], Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        make()


VARIABLES = (
    "ARK_API_KEY",
    "ARK_BASE_URL",
    "VOLC_ACCESSKEY",
    "VOLC_SECRETKEY",
    "VOLC_KNOWLEDGE_API_KEY",
    "QIANFAN_BEARER_TOKEN",
    "QIANFAN_API_KEY",
    "QIANFAN_APP_ID",
    "QIANFAN_ACCESS_KEY",
    "QIANFAN_SECRET_KEY",
    "QIANFAN_ACCESS_TOKEN",
    "QIANFAN_AK",
    "QIANFAN_SK",
)


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_variable_counts_as_unset(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def settings() -> list[dict[str, Any]]:
        made: list[Any] = [
            ChatArk(model="m"),
            ArkEmbeddings(model=VISION),
            ChatQianfan(model="ernie-5.1"),
            ChatVikingKnowledge(model="Doubao-pro-32k"),
            VikingKnowledgeRetriever(collection_name="demo"),
        ]
        return [one.model_dump() for one in made]

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    unset = settings()
    for name in VARIABLES:
        monkeypatch.setenv(name, blank)
    assert settings() == unset


def test_an_empty_first_variable_gives_way_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIANFAN_BEARER_TOKEN", "")
    monkeypatch.setenv("QIANFAN_API_KEY", "bce-v3/x")
    key = ChatQianfan(model="ernie-5.1").api_key
    assert key is not None
    assert not callable(key)
    assert key.get_secret_value() == "bce-v3/x"


def test_v1_without_an_endpoint_and_v2_with_one_say_what_to_set() -> None:
    with pytest.raises(ValidationError, match="V1 needs endpoint="):
        ChatQianfan(api_version="v1")
    with pytest.raises(ValidationError, match="V1 needs endpoint="):
        QianfanEmbeddings(api_version="v1")
    with pytest.raises(ValidationError, match='endpoint belongs to api_version="v1"'):
        ChatQianfan(endpoint="ngxxxol8_test1")


def test_advice_fits_the_call() -> None:
    from langchain_volcark.knowledge.errors import KnowledgeErrors, SearchErrors
    from langchain_volcark.qianfan.errors import QianfanErrors

    def advice(table: Any, code: str) -> str:
        return str(next(row.advice for row in table.rows if row.code == code))

    assert "search" not in advice(KnowledgeErrors.table, "1000029")
    assert "search" in advice(SearchErrors.table, "1000029")
    assert "renewed already" in advice(QianfanErrors.table, "110")
