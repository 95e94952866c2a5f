"""What is not sure about the knowledge base: each test asserts what the package takes for true.

See `docs/uncertain.md`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from langchain_volcark import ChatVikingKnowledge
from langchain_volcark.exceptions import NotFoundError, VolcArkError
from tests.live.kit import Kit, messages, payloads
from tests.live.services import TRUSTED, Services
from tests.live.signed import volc

CHAT = "/api/knowledge/chat/completions"
SEARCH = "/api/knowledge/collection/search_knowledge"
SERVICE = "/api/knowledge/service/chat"
RERANK = "/api/knowledge/service/rerank"


def post(services: Services, path: str, body: Any, region: str = "cn-north-1", **more: Any) -> httpx.Response:
    return volc(services, f"{services.knowledge_base_url}{path}", body, service="air", region=region, **more)


def chat(services: Services, **fields: Any) -> dict[str, Any]:
    return {"model": services.name("VIKING_MODEL"), "messages": messages("Say: yes"), **fields}


def query(services: Services, **fields: Any) -> dict[str, Any]:
    return {"name": services.name("VIKING_COLLECTION"), "query": services.name("VIKING_QUESTION"), **fields}


def code(reply: httpx.Response) -> int:
    return int(reply.json()["code"])


# --- signatures and keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["cn-north-1", "cn-beijing"])
def test_both_regions_are_accepted(services: Services, region: str) -> None:
    assert code(post(services, CHAT, chat(services), region)) == 0


def test_the_host_may_be_left_unsigned(services: Services) -> None:
    assert code(post(services, CHAT, chat(services), leave_out_host=True)) == 0


@pytest.mark.parametrize(("minutes", "accepted"), [(5, True), (16, False)])
def test_how_wrong_a_clock_may_be(services: Services, minutes: int, accepted: bool) -> None:
    reply = post(services, CHAT, chat(services), ago=timedelta(minutes=minutes))
    assert (reply.status_code == 200 and code(reply) == 0) is accepted


def test_a_wrong_signature_is_refused_in_the_gateways_envelope(services: Services) -> None:
    body = chat(services)
    reply = volc(services, f"{services.knowledge_base_url}{CHAT}", body, service="wrong", region="cn-north-1")
    assert reply.status_code in (400, 401, 403)
    assert reply.json()["ResponseMetadata"]["Error"]["Code"]


def test_a_services_key_opens_searches_too(services: Services) -> None:
    url, headers = services.knowledge_base_url, {"Authorization": f"Bearer {services.service_api_key}"}
    assert (
        code(httpx.post(f"{url}{SEARCH}", json=query(services), headers=headers, timeout=60, verify=TRUSTED)) == 0
    )
    refused = httpx.post(f"{url}{CHAT}", json={"messages": messages("Hi")}, headers=headers, verify=TRUSTED)
    assert (refused.status_code, code(refused)) == (403, 1000001)
    body = {"service_resource_id": services.name("VIKING_SERVICE_ID"), "messages": messages("Hi"), "stream": False}
    assert code(httpx.post(f"{url}{SERVICE}", json=body, headers=headers, timeout=600, verify=TRUSTED)) == 0


# --- the model call ------------------------------------------------------------------------------------------------


def test_the_model_must_be_named(services: Services) -> None:
    body = {"messages": messages("Say: yes")}
    assert code(post(services, CHAT, body)) == 1000003


def test_an_unknown_field_is_refused(services: Services) -> None:
    assert code(post(services, CHAT, chat(services, field_of_nowhere=1))) == 1000003


def test_no_finish_reason_comes(services: Services) -> None:
    data = post(services, CHAT, chat(services, max_tokens=1)).json()["data"]
    assert "finish_reason" not in data


def test_usage_is_a_text_that_holds_json(services: Services) -> None:
    data = post(services, CHAT, chat(services, return_token_usage=True)).json()["data"]
    assert isinstance(data["usage"], str)
    assert data["usage"].endswith("\n")
    assert not post(services, CHAT, chat(services)).json()["data"].get("usage")


def test_a_stream_ends_with_end_and_done(services: Services) -> None:
    reply = post(services, CHAT, chat(services, stream=True))
    assert reply.headers["content-type"].startswith("text/event-stream")
    found = payloads(reply.text)
    assert found[-1] == "[DONE]"
    assert found[-2]["data"]["end"] is True
    assert all("end" not in (one["data"] or {}) for one in found[:-2])


@pytest.mark.parametrize("name", ["Doubao-seed-2-0-pro", "Doubao-seed-1-8", "Deepseek-V3-128k"])
def test_names_of_models_seen_elsewhere(services: Services, name: str) -> None:
    if name == "Doubao-seed-2-0-pro":
        services.only_real("it knows the documented names")
    assert code(post(services, CHAT, {"model": name, "messages": messages("Say: yes")})) == 0


def test_the_shared_models_say_what_their_limit_is(services: Services) -> None:
    services.only_real("it has no limits")
    reply = post(services, CHAT, chat(services))
    assert any(name.lower().startswith("x-ratelimit") for name in reply.headers)


# --- searching -----------------------------------------------------------------------------------------------------


def test_a_search_finds_at_most_200(services: Services) -> None:
    assert code(post(services, SEARCH, query(services, limit=200))) == 0
    assert code(post(services, SEARCH, query(services, limit=201))) == 1000003


def test_a_search_needs_a_query(services: Services) -> None:
    assert code(post(services, SEARCH, {"name": services.name("VIKING_COLLECTION")})) == 1000003


def test_pre_processing_needs_messages(services: Services) -> None:
    assert code(post(services, SEARCH, query(services, pre_processing={"rewrite": True}))) == 1000003


def test_token_usage_of_a_search_is_an_object(services: Services) -> None:
    asked = services.name("VIKING_QUESTION")
    pre = {"return_token_usage": True, "messages": [{"role": "system", "content": ""}, *messages(asked)]}
    usage = post(services, SEARCH, query(services, pre_processing=pre)).json()["data"]["token_usage"]
    assert usage["embedding_token_usage"]["prompt_tokens"] > 0


def test_a_threshold_of_rerank_scores(services: Services) -> None:
    services.only_real("nobody documents the field")
    post_processing = {"rerank_switch": True, "enable_rerank_threshold": True, "rerank_threshold": 0.99}
    assert code(post(services, SEARCH, query(services, post_processing=post_processing))) == 0


def test_a_filter_on_an_undeclared_field_is_refused(services: Services) -> None:
    doc_filter = {"op": "must", "field": "field_of_nowhere", "conds": ["a"]}
    reply = post(services, SEARCH, query(services, query_param={"doc_filter": doc_filter}))
    assert code(reply) in (1000003, 1000019)


def test_an_unknown_collection_is_not_found(kit: Kit) -> None:
    with pytest.raises(NotFoundError) as caught:
        kit.retriever(collection_name="no_such_collection", max_retries=0).invoke("Hi")
    assert str(caught.value.code) == "1000005"


def test_what_is_not_permitted_has_status_403(services: Services) -> None:
    services.only_real("all that its account has is permitted")
    model = ChatVikingKnowledge(model="ep-20200101000000-aaaaa", max_retries=0, **Kit(services).signed())
    with pytest.raises(VolcArkError) as caught:
        model.invoke("Hi")
    assert (caught.value.status_code, str(caught.value.code)) == (403, "1000002")


# --- packaged services, reranking ----------------------------------------------------------------------------------


def packaged(services: Services, **fields: Any) -> httpx.Response:
    asked = services.name("VIKING_QUESTION")
    body = {"service_resource_id": services.name("VIKING_SERVICE_ID"), "messages": messages(asked), **fields}
    headers = {"Authorization": f"Bearer {services.service_api_key}"}
    return httpx.post(
        f"{services.knowledge_base_url}{SERVICE}", json=body, headers=headers, timeout=600, verify=TRUSTED
    )


def test_a_packaged_service_streams_unless_told_not_to(services: Services) -> None:
    assert packaged(services).headers["content-type"].startswith("text/event-stream")
    assert packaged(services, stream=False).headers["content-type"].startswith("application/json")


def test_what_was_found_comes_before_the_answer(services: Services) -> None:
    found = [one["data"] for one in payloads(packaged(services).text) if one != "[DONE]"]
    assert "result_list" in found[0]
    assert found[-1]["end"] is True
    assert isinstance(found[-1]["token_usage"], dict)


def test_rerank_scores_keep_the_order_and_stand_in_an_object(services: Services) -> None:
    datas = [{"query": "ferry", "content": text} for text in ("Plants.", "The ferry leaves at eight.")]
    data = post(services, RERANK, {"rerank_model": "m3-v2-rerank", "datas": datas}).json()["data"]
    assert data["scores"][1] > data["scores"][0]
    assert isinstance(data["token_usage"], int)


def test_200_passages_can_be_reranked_at_once(services: Services) -> None:
    one = {"query": "ferry", "content": "The ferry leaves at eight."}
    assert code(post(services, RERANK, {"rerank_model": "m3-v2-rerank", "datas": [one] * 200})) == 0
    assert code(post(services, RERANK, {"rerank_model": "m3-v2-rerank", "datas": [one] * 201})) != 0
