"""Embeddings, rerankers, token counts and searches whose replies are broken anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from langchain_core.documents import Document
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableGenerator

from langchain_volcark import knowledge_chain
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.knowledge.chain import format_documents, image_links, to_references
from tests.fuzz.junk import damaged, examples, values, write_json
from tests.fuzz.samples import SCORES, SEARCH, VECTORS
from tests.fuzz.wire import CHAT, EMBEDDINGS, RERANKERS, RETRIEVER, WIRE, look_at_error

PAGES = [Document("花椰菜"), Document("西湖", metadata={"title": "t"})]
TEXTS = [page.page_content for page in PAGES]
MULTIMODAL = EMBEDDINGS["ark multimodal"]
COUNTS = {"data": [{"index": 0, "total_tokens": 4, "token_ids": [1], "offset_mapping": [[0, 1]]}]}


def result_of(call: Callable[[], Any], payload: Any) -> Any:
    """What a call gives for a reply; None where it raises one of our exceptions."""
    WIRE.will_send([write_json(payload)], {"content-type": "application/json"})
    try:
        result = call()
    except VolcArkError as error:
        look_at_error(error)
        return None
    event("a result")
    return result


def is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(number) is float for number in value)


@examples(250)
@given(st.sampled_from(sorted(EMBEDDINGS)), st.data())
def test_vectors_are_lists_of_floats_or_refused(name: str, data: st.DataObject) -> None:
    payload = data.draw(damaged(VECTORS[name]) | values)
    vector = result_of(lambda: EMBEDDINGS[name].embed_query("花椰菜"), payload)
    assert vector is None or is_vector(vector)


@examples(250)
@given(damaged(VECTORS["ark multimodal"]))
def test_sparse_vectors_and_vectors_per_token_are_numbers_or_refused(payload: Any) -> None:
    sparse = result_of(lambda: MULTIMODAL.embed_sparse(["花椰菜"]), payload)
    assert sparse is None or all(type(one) is int and type(weight) is float for one, weight in sparse[0].items())
    multi = result_of(lambda: MULTIMODAL.embed_multi(["花椰菜"]), payload)
    assert multi is None or all(map(is_vector, multi[0]))


@examples(150)
@given(st.sampled_from(sorted(RERANKERS)), st.data())
def test_scores_are_one_float_for_each_passage_or_refused(name: str, data: st.DataObject) -> None:
    payload = data.draw(damaged(SCORES[name]) | values)
    scores = result_of(lambda: RERANKERS[name].rerank("常见的蔬菜?", PAGES), payload)
    assert scores is None or (len(scores) == len(PAGES) and is_vector(scores))
    best = result_of(lambda: RERANKERS[name].compress_documents(PAGES, "常见的蔬菜?"), payload)
    assert best is None or sorted(page.page_content for page in best) == sorted(TEXTS)


@examples(100)
@given(damaged(COUNTS) | values)
def test_token_counts_are_integers_or_refused(payload: Any) -> None:
    count = result_of(lambda: CHAT["ark"].count_tokens_exactly("花椰菜"), payload)
    assert count is None or type(count) is int


@examples(250)
@given(damaged(SEARCH), st.booleans())
def test_a_search_gives_documents_that_can_be_shown_and_cited(payload: Any, images: bool) -> None:
    found = result_of(lambda: RETRIEVER.invoke("When?"), payload)
    for document in found or ():
        assert isinstance(document.page_content, str)
    assert isinstance(format_documents(found or (), images=images), str)
    assert all(isinstance(link, str) for link in image_links(found or ()))
    assert len(to_references(found or ())) == len(found or ())
    search = result_of(lambda: RETRIEVER.search("When?"), payload)
    assert search is None or (isinstance(search.rewrite_query, str) and isinstance(search.token_usage, dict))


@examples(100)
@given(damaged(SEARCH), st.booleans())
def test_an_answer_from_what_a_search_found_in_any_form(payload: Any, images: bool) -> None:
    found = result_of(lambda: RETRIEVER.invoke("When?"), payload)
    if found is None:
        return
    said = [AIMessageChunk([{"type": "text", "text": text, "index": 0}]) for text in ("At 07:40", "[1].")]

    def model(_: Any) -> Iterator[AIMessageChunk]:
        yield from said

    chain = knowledge_chain(RETRIEVER, RunnableGenerator(model), images=images)
    WIRE.will_send([write_json(payload)], {"content-type": "application/json"})
    first, *rest = chain.stream("When?")
    answer = first + rest
    assert answer.text == "At 07:40[1]."
    assert len(answer.response_metadata.get("references", [])) == len(found)
