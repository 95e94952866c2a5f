"""The vendor's two Python SDKs work with the emulator, and read the same as this package.

They are witnesses from outside: neither the emulator nor this package shares code with them. Both sign, one with
the host and one without; the newer one sends keys too.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import Any

import pytest

from langchain_volcark import ChatVikingKnowledge, VikingKnowledgeReranker, VikingKnowledgeRetriever
from langchain_volcark.emulator import Emulator
from langchain_volcark.knowledge.filters import must
from tests.integration.knowledge.conftest import MODEL
from tests.json_types import typed

_WHY = "the vendor's clients are not installed: pip install volcengine vikingdb-python-sdk"
pytest.importorskip("volcengine", reason=_WHY)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the client's own models shadow an attribute of pydantic's
    knowledge = pytest.importorskip("vikingdb.knowledge", reason=_WHY)
    vikingdb = pytest.importorskip("vikingdb", reason=_WHY)
    from volcengine.viking_knowledgebase import VikingKnowledgeBaseService
    from volcengine.viking_knowledgebase.exception import (
        InvalidRequestException,
        UnauthorizedException,
        VikingKnowledgeBaseServerException,
    )

QUESTION = "When does the ferry leave on Sundays?"
MESSAGES = [{"role": "system", "content": "你是一个智能助手。"}, {"role": "user", "content": QUESTION}]


@pytest.fixture
def host(emulator: Emulator) -> str:
    return emulator.knowledge_base_url.removeprefix("http://")


@pytest.fixture
def old(emulator: Emulator, host: str) -> Any:
    """The client of 2024: it signs the host, and pings when it is made. There is one per process."""
    service = VikingKnowledgeBaseService(host=host, ak=emulator.access_key, sk=emulator.secret_key)
    assert emulator.requests[-1].path == "/ping"
    return service


@pytest.fixture
def new(emulator: Emulator, host: str) -> Any:
    """The client of 2025 with a signature, which leaves the host out."""
    return knowledge.VikingKnowledge(host=host, auth=vikingdb.IAM(ak=emulator.access_key, sk=emulator.secret_key))


def signed_headers(emulator: Emulator) -> str:
    authorization: str = emulator.requests[-1].headers["authorization"]
    return authorization.partition("SignedHeaders=")[2].partition(",")[0]


# --- signatures and keys ------------------------------------------------------------------------------------


def test_both_kinds_of_signature_are_verified(emulator: Emulator, old: Any, new: Any) -> None:
    old.search_knowledge("demo", QUESTION)
    assert "host" in signed_headers(emulator)
    new.collection(collection_name="demo").search_knowledge({"query": QUESTION})
    assert "host" not in signed_headers(emulator)


def test_a_wrong_secret_is_refused(emulator: Emulator, host: str) -> None:
    service = VikingKnowledgeBaseService(host=host, ak=emulator.access_key, sk=emulator.secret_key)
    service.set_sk("wrong")
    with pytest.raises(VikingKnowledgeBaseServerException):
        service.chat_completion(MODEL, MESSAGES)
    client = knowledge.VikingKnowledge(host=host, auth=vikingdb.IAM(ak=emulator.access_key, sk="wrong"))
    with pytest.raises(vikingdb.exceptions.VikingException) as caught:
        client.chat_completion({"model": MODEL, "messages": MESSAGES})
    assert caught.value.status_code == 401


def test_a_services_key_is_accepted_and_a_wrong_one_refused(emulator: Emulator, host: str) -> None:
    body = {"service_resource_id": "kb-service-demo", "messages": MESSAGES, "stream": False}
    right = knowledge.VikingKnowledge(host=host, auth=vikingdb.APIKey(api_key=emulator.service_api_key))
    assert right.service_chat(body).result.generated_answer
    wrong = knowledge.VikingKnowledge(host=host, auth=vikingdb.APIKey(api_key="wrong"))
    with pytest.raises(vikingdb.exceptions.VikingException) as caught:
        wrong.service_chat(body)
    assert caught.value.code == 1000001


# --- chat ---------------------------------------------------------------------------------------------------


def test_the_seed_pages_call(old: Any) -> None:
    result = old.chat_completion(
        model="Doubao-pro-32k",
        messages=[{"role": "system", "content": """ system pe """}, {"role": "user", "content": "test"}],
        max_tokens=4096,
        temperature=0.1,
    )
    assert result["generated_answer"] == "You said: test"
    assert json.loads(result["usage"])["total_tokens"] > 0
    assert result["usage"].endswith("}\n")


def test_all_clients_read_the_same_answer(old: Any, new: Any, model: ChatVikingKnowledge) -> None:
    ours = model.invoke(MESSAGES)
    before = old.chat_completion(MODEL, MESSAGES)
    after = new.chat_completion({"model": MODEL, "messages": MESSAGES, "return_token_usage": True})
    assert before["generated_answer"] == after.result.generated_answer == ours.text
    assert ours.usage_metadata is not None
    for usage in (json.loads(before["usage"]), json.loads(after.result.usage)):
        assert usage["total_tokens"] == ours.usage_metadata["total_tokens"]


def test_all_clients_read_the_same_stream(old: Any, new: Any, model: ChatVikingKnowledge) -> None:
    first, *rest = model.stream(MESSAGES)
    ours = first + rest
    response = old.chat_completion(MODEL, MESSAGES, stream=True)
    assert "".join(response) == ours.text
    assert ours.usage_metadata is not None
    assert response.token_usage()["total_tokens"] == ours.usage_metadata["total_tokens"]
    pieces = new.chat_completion({"model": MODEL, "messages": MESSAGES, "stream": True})
    assert "".join(piece.result.generated_answer for piece in pieces) == ours.text


def test_a_thinking_model_thinks_for_all(new: Any, signed: dict[str, Any]) -> None:
    body = {"model": "Deepseek-R1-128k", "messages": MESSAGES}
    ours = ChatVikingKnowledge(model="Deepseek-R1-128k", **signed).invoke(MESSAGES)
    assert new.chat_completion(body).result.reasoning_content == ours.additional_kwargs["reasoning_content"]


def test_our_body_is_the_old_clients_body(emulator: Emulator, old: Any, signed: dict[str, Any]) -> None:
    old.chat_completion(MODEL, MESSAGES, model_version="250115", thinking={"type": "disabled"})
    theirs = emulator.requests[-1]
    model = ChatVikingKnowledge(
        model=MODEL, model_version="250115", thinking="disabled", max_tokens=4096, temperature=0.1, **signed
    )
    model.invoke(MESSAGES)
    ours = emulator.requests[-1]
    assert typed({**theirs.json, "stream": False}) == typed(ours.json)
    assert ours.path == theirs.path
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    for request in (theirs, ours):
        assert request.headers["x-content-sha256"] == hashlib.sha256(request.body).hexdigest()


def test_refusals_are_known_to_them(old: Any, new: Any) -> None:
    with pytest.raises(InvalidRequestException):
        old.chat_completion("no-such-model", MESSAGES)
    with pytest.raises(knowledge.exceptions.InvalidRequestException) as caught:
        new.chat_completion({"model": MODEL, "messages": []})
    assert (caught.value.code, caught.value.status_code) == (1000003, 400)
    assert issubclass(UnauthorizedException, VikingKnowledgeBaseServerException)


# --- search and rerank --------------------------------------------------------------------------------------


def test_all_clients_find_the_same(old: Any, new: Any, retriever: VikingKnowledgeRetriever) -> None:
    doc_filter = must("lang", "en")
    post = {"rerank_switch": True, "rerank_model": "m3-v2-rerank", "chunk_diffusion_count": 1}
    documents = retriever.invoke(
        QUESTION,
        k=3,
        dense_weight=0.5,
        doc_filter=doc_filter,
        rerank="m3-v2-rerank",
        chunk_diffusion_count=1,
    )
    options = {"query_param": {"doc_filter": doc_filter}, "limit": 3, "post_processing": post}
    before = old.search_knowledge("demo", QUESTION, **options)
    after = new.collection(collection_name="demo", project_name="default").search_knowledge(
        {"query": QUESTION, **options}
    )
    ours = [(one.id, one.page_content, one.metadata.get("rerank_score")) for one in documents]
    assert [(one["point_id"], one["content"], one.get("rerank_score")) for one in before["result_list"]] == ours
    assert [(one.point_id, one.content, one.rerank_score) for one in after.result.result_list] == ours


def test_rewriting_for_all(old: Any, new: Any, retriever: VikingKnowledgeRetriever) -> None:
    history = [
        {"role": "user", "content": "When does the ferry leave?"},
        {"role": "assistant", "content": "At 07:40."},
    ]
    pre = {"rewrite": True, "messages": [*history, {"role": "user", "content": "And on Sundays?"}]}
    ours = retriever.search("And on Sundays?", rewrite=True, messages=history).rewrite_query
    assert old.search_knowledge("demo", "And on Sundays?", pre_processing=pre)["rewrite_query"] == ours
    body = {"query": "And on Sundays?", "pre_processing": pre}
    assert new.collection(resource_id="kb-demo").search_knowledge(body).result.rewrite_query == ours


def test_every_kind_of_item_fits_their_models(new: Any) -> None:
    body = {"query": "ferry ticket card map", "limit": 50, "post_processing": {"get_attachment_link": True}}
    found = new.collection(collection_name="demo").search_knowledge(body).result.result_list
    kinds = {one.chunk_type: one for one in found}
    assert set(kinds) == {"text", "faq", "structured", "image"}
    assert kinds["faq"].original_question
    assert kinds["structured"].table_chunk_fields[0].field_name == "ticket"
    assert kinds["image"].chunk_attachment[0].link.startswith("http://127.0.0.1")


def test_all_clients_rerank_alike(old: Any, new: Any, signed: dict[str, Any]) -> None:
    passages = ["The ferry will leave at 07:40.", "Tickets cost 12."]
    datas = [{"query": QUESTION, "content": passage} for passage in passages]
    ours = VikingKnowledgeReranker(model="m3-v2-rerank", **signed).rerank(QUESTION, passages)
    assert new.rerank(datas, rerank_model="m3-v2-rerank").result.scores == ours
    assert old.rerank(datas, rerank_model="m3-v2-rerank")["data"]["scores"] == ours


# --- packaged services --------------------------------------------------------------------------------------


def test_a_service_for_all(new: Any, service: ChatVikingKnowledge) -> None:
    ours = service.invoke(QUESTION)
    messages = [{"role": "user", "content": QUESTION}]
    body = {"service_resource_id": "kb-service-demo", "messages": messages}
    whole = new.service_chat({**body, "stream": False}).result
    assert whole.generated_answer == ours.text
    assert [one.point_id for one in whole.result_list] == [
        one["point_id"] for one in ours.response_metadata["references"]
    ]
    pieces = [piece.result for piece in new.service_chat({**body, "stream": True})]
    assert "".join(piece.generated_answer or "" for piece in pieces) == ours.text
    assert [one.point_id for one in pieces[0].result_list] == [one.point_id for one in whole.result_list]
    assert pieces[-1].end is True
    assert pieces[-1].token_usage == ours.response_metadata["token_usage"]
