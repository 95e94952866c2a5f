"""Open questions about Qianfan: each test asserts what the package assumes; see `docs/uncertain.md`."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.live.kit import Kit, Wire, messages, payloads
from tests.live.services import TRUSTED, Services
from tests.live.signed import bce

NOW = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def model(services: Services) -> str:
    return services.name("QIANFAN_MODEL")


# --- V1 ------------------------------------------------------------------------------------------------------------


def v1(services: Services, body: Any, endpoint: str = "completions", room: str = "chat") -> Any:
    """A V1 reply; it comes with status 200, errors too."""
    reply = bce(services, "POST", f"{services.qianfan_v1_base_url}/{room}/{endpoint}", body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_v1_still_answers(services: Services) -> None:
    reply = v1(services, {"messages": messages("Say: yes")})
    if services.real:
        assert "error_code" in reply, "V1 answers: the notice of its end was not carried out"
    else:
        assert reply["result"]


def test_a_wrong_signature_at_v1_is_error_14_with_status_200(services: Services) -> None:
    url = f"{services.qianfan_v1_base_url}/chat/completions"
    reply = bce(services, "POST", url, {"messages": messages("Hi")}, secret="wrong")
    assert (reply.status_code, reply.json()["error_code"]) == (200, 14)
    assert "x-bce-error-code" in reply.headers


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([("user", "a"), ("assistant", "b")], 336006),
        ([("user", "a"), ("assistant", "b"), ("assistant", "c")], 336003),
        ([("user", "word " * 200_000)], 336007),
        ([("system", "a"), ("user", "b"), ("assistant", "c")], 336003),
    ],
    ids=["even", "two of the assistant", "too long", "system"],
)
def test_v1_codes_of_bad_conversations(services: Services, said: Any, code: int) -> None:
    sent = [{"role": role, "content": content} for role, content in said]
    assert v1(services, {"messages": sent})["error_code"] == code


def test_v1_takes_no_system_text_beyond_its_limit(services: Services) -> None:
    services.only_real("it leaves the system text out of the count, which nobody documents")
    reply = v1(services, {"messages": messages("x" * 11_000), "system": "y" * 11_000})
    assert "error_code" not in reply, "the system text counts"


@pytest.mark.parametrize("field", ["responses", "examples"])
def test_v1_functions_may_have_responses_and_examples(services: Services, field: str) -> None:
    function = {**NOW["function"], "description": "The time.", field: {} if field == "responses" else []}
    assert "error_code" not in v1(services, {"messages": messages("Call now."), "functions": [function]})


def test_v1_tokens_can_be_asked_for_by_get(services: Services) -> None:
    query = {
        "grant_type": "client_credentials",
        "client_id": services.client_id,
        "client_secret": services.client_secret,
    }
    for ask in (httpx.get, httpx.post):
        reply = ask(services.token_url, params=query, timeout=60, verify=TRUSTED)
        assert reply.json()["expires_in"] == 2_592_000


# --- V2: keys and errors -------------------------------------------------------------------------------------------


def mint(services: Services, seconds: int) -> httpx.Response:
    """Ask for a short-term key."""
    return bce(services, "GET", f"{services.iam_base_url}/v1/BCE-BEARER/token?expireInSeconds={seconds}")


def test_a_short_term_key_lasts_thirty_days_at_most(services: Services) -> None:
    assert mint(services, 2_592_000).json()["token"].startswith("bce-v3/")
    assert mint(services, 2_592_001).status_code == 400


@pytest.mark.parametrize(
    ("status", "code", "body", "headers"),
    [
        (400, "malformed_json", b"{", {}),
        (400, "invalid_model", b'{"messages": [{"role": "user", "content": "a"}]}', {}),
        (401, "invalid_model", b'{"model": "no-such-model", "messages": [{"role": "user", "content": "a"}]}', {}),
        (401, "invalid_iam_token", b"{}", {"Authorization": "Bearer bce-v3/ALTAK-wrong/wrong"}),
        (401, "invalid_iam_token", b"{}", {"Authorization": "bce-v3/ALTAK-wrong/wrong"}),
        (401, "invalid_appid", b"{}", {"appid": "app-of-nobody"}),
    ],
)
def test_v2_error_codes(qianfan: Wire, status: int, code: str, body: bytes, headers: dict[str, str]) -> None:
    sent = {"Content-Type": "application/json", **headers}
    reply = qianfan.client.post("/chat/completions", content=body, headers=sent)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert "id" in reply.json()


def test_v2_says_405_to_get(qianfan: Wire) -> None:
    reply = qianfan.client.get("/chat/completions")
    assert (reply.status_code, reply.json()["error"]["code"]) == (405, "method_not_supported")


def test_v2_says_when_a_conversation_is_too_long(services: Services, qianfan: Wire, model: str) -> None:
    services.only_real("it does not count the context of these models")
    assert qianfan.refusal(model, "word " * 2_000_000)["code"] in (
        "characters_too_long",
        "tokens_too_long",
        "invalid_argument",
    )


def test_v2_tells_what_is_left_of_a_limit(services: Services, qianfan: Wire, model: str) -> None:
    services.only_real("it has no limits")
    headers = qianfan.post("/chat/completions", {"model": model, "messages": messages("Say: yes")}).headers
    assert "x-ratelimit-remaining-requests" in headers
    assert "x-ratelimit-remaining-tokens" in headers


@pytest.mark.usefixtures("qianfan")  # asked without a key, but by those who have one
def test_v2_lists_models_to_nobody_without_a_key(services: Services) -> None:
    services.only_real("it has no such list")
    reply = httpx.get(f"{services.qianfan_base_url}/models", timeout=60, verify=TRUSTED)
    assert reply.status_code == 403
    assert reply.json()["code"] == "AccessDenied"


# --- V2: chat ------------------------------------------------------------------------------------------------------


def test_temperature_zero_is_accepted(qianfan: Wire, model: str) -> None:
    assert qianfan.chat(model, temperature=0)["choices"]


def test_the_longest_output_is_named_in_the_refusal(services: Services, qianfan: Wire, model: str) -> None:
    services.only_real("it has one bound for all models")
    assert "max" in qianfan.refusal(model, max_completion_tokens=100_000_000)["message"]


@pytest.mark.parametrize(
    "field",
    [{"repetition_penalty": 1.1}, {"logprobs": True, "top_logprobs": 2}, {"metadata": {"a": "b"}}, {"seed": 1}],
    ids=lambda field: next(iter(field)),
)
def test_fields_that_only_some_models_are_said_to_take(services: Services, qianfan: Wire, field: Any) -> None:
    assert qianfan.chat(services.name("QIANFAN_THINKING_MODEL"), **field)["choices"]


def test_an_even_number_of_messages_is_accepted(qianfan: Wire, model: str) -> None:
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say: yes"}]
    assert qianfan.chat(model, said)["choices"]


def test_a_video_part_is_accepted(services: Services, qianfan: Wire, model: str) -> None:
    services.only_real("it does not look at films")
    url = "https://qianfan-doc.bj.bcebos.com/demo.mp4"
    part = {"type": "video_url", "video_url": {"url": url}}
    assert qianfan.chat(model, [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}])[
        "choices"
    ]


def test_a_service_of_ones_own_is_called_by_its_id(services: Services, qianfan: Wire) -> None:
    assert qianfan.chat(services.name("QIANFAN_SERVICE_MODEL"))["choices"]


def test_baidus_own_models_end_with_normal_or_stop(qianfan: Wire, model: str) -> None:
    choice = qianfan.chat(model)["choices"][0]
    assert choice["finish_reason"] in ("normal", "stop")
    assert choice.get("flag", 0) == 0


def test_thinking_is_off_unless_asked_for(services: Services, qianfan: Wire) -> None:
    name = services.name("QIANFAN_THINKING_MODEL")
    assert not qianfan.chat(name)["choices"][0]["message"].get("reasoning_content")
    thought = qianfan.chat(name, thinking={"type": "enabled"})
    assert thought["choices"][0]["message"]["reasoning_content"]


def test_a_stream_is_framed_as_documented(qianfan: Wire, model: str) -> None:
    body = {
        "model": model,
        "messages": messages("Say: yes"),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    text = qianfan.post("/chat/completions", body).text
    found = payloads(text)
    assert found[-1] == "[DONE]"
    assert found[-2]["choices"][0]["finish_reason"]
    assert found[-2]["usage"]["total_tokens"]
    strangers = [line for line in text.splitlines() if line and not line.startswith(("data:", ":"))]
    assert strangers == []


def test_a_search_announces_itself_by_a_delta_tag(qianfan: Wire, model: str) -> None:
    search = {"enable": True, "enable_status": True, "enable_trace": True}
    chunks = qianfan.events(model, "What is the tallest mountain?", web_search=search)
    first = chunks[0]["choices"][0]["delta"]
    assert first["delta_tag"] == "search_status"
    results = [one["search_results"] for one in chunks if one != "[DONE]" and one.get("search_results")]
    assert {"index", "url", "title"} <= set(results[0][0])


# --- V2: vectors ---------------------------------------------------------------------------------------------------


def embed(wire: Wire, model: str, texts: list[str]) -> Any:
    return wire.ok("/embeddings", {"model": model, "input": texts})


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("embedding-v1", 384),
        ("bge-large-zh", 1024),
        ("bge-large-en", 1024),
        ("tao-8k", 1024),
        ("qwen3-embedding-0.6b", 1024),
        ("qwen3-embedding-4b", 2560),
    ],
)
def test_how_long_vectors_are(qianfan: Wire, name: str, dimensions: int) -> None:
    assert len(embed(qianfan, name, ["a"])["data"][0]["embedding"]) == dimensions


def test_the_object_of_embeddings_is_a_list_of_its_own(services: Services, qianfan: Wire) -> None:
    assert embed(qianfan, services.name("QIANFAN_EMBEDDING_MODEL"), ["a"])["object"] == "embedding_list"


def test_a_text_that_is_too_long_is_refused_not_cut(services: Services, qianfan: Wire) -> None:
    body = {"model": services.name("QIANFAN_EMBEDDING_MODEL"), "input": ["word " * 2000]}
    assert qianfan.post("/embeddings", body).status_code == 400


def test_a_request_holds_16_texts_and_one_of_tao_8k(services: Services, qianfan: Wire) -> None:
    name = services.name("QIANFAN_EMBEDDING_MODEL")
    assert len(embed(qianfan, name, ["a"] * 16)["data"]) == 16
    assert qianfan.post("/embeddings", {"model": name, "input": ["a"] * 17}).status_code == 400
    assert qianfan.post("/embeddings", {"model": "tao-8k", "input": ["a"] * 2}).status_code == 400


@pytest.mark.parametrize("path", ["/rerank", "/rerankers"])
def test_where_reranking_is(qianfan: Wire, path: str) -> None:
    body = {"model": "bce-reranker-base", "query": "ferry", "documents": ["The ferry leaves.", "Plants."]}
    results = qianfan.ok(path, body)["results"]
    assert [set(one) >= {"index", "relevance_score"} for one in results] == [True, True]


def test_the_package_reads_what_comes(kit: Kit) -> None:
    message = kit.qianfan().invoke("Say: yes")
    assert message.text
    assert message.usage_metadata
