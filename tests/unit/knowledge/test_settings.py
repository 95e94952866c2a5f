"""Construction of the knowledge base's classes: required and refused arguments, secrets, serialization."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from langchain_core.load import dumpd, dumps, load
from pydantic import SecretStr, ValidationError

from langchain_volcark import ChatVikingKnowledge, VikingKnowledgeReranker, VikingKnowledgeRetriever
from langchain_volcark.http.auth import BearerAuth
from langchain_volcark.knowledge.auth import NoCredentials
from langchain_volcark.volcengine_signing import VolcSignatureAuth

SECRETS = {"access_key": "AKLTx", "secret_key": "hush-sk", "session_token": "hush-token", "api_key": "hush-key"}


def every(**arguments: Any) -> list[Any]:
    return [
        ChatVikingKnowledge(model="m", **arguments),
        VikingKnowledgeRetriever(collection_name="c", **arguments),
        VikingKnowledgeReranker(**arguments),
    ]


@pytest.mark.parametrize("index", range(3))
def test_unknown_arguments_are_refused(index: int) -> None:
    names = ["model", "collection_name", "model"]
    classes = [ChatVikingKnowledge, VikingKnowledgeRetriever, VikingKnowledgeReranker]
    with pytest.raises(ValidationError, match="later"):
        classes[index](**{names[index]: "x", "later": 1})


@pytest.mark.parametrize("index", range(3))
def test_secrets_show_nowhere(index: int) -> None:
    made = every(**SECRETS)[index]
    for shown in (repr(made), str(made), str(made.model_dump()), repr(made._auth())):
        assert "hush" not in shown


def test_an_endpoints_key_shows_nowhere() -> None:
    model = ChatVikingKnowledge(model="ep-1", endpoint_api_key="hush-ark")
    assert "hush" not in repr(model)
    assert "hush" not in str(model._get_ls_params())
    assert "hush" not in str(model._identifying_params)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_copies_keep_their_settings(index: int, copied: Any) -> None:
    made = every(**SECRETS, region="cn-beijing", timeout=3)[index]
    _ = made._client
    again = copied(made)
    assert again.model_dump() == made.model_dump()
    assert again._client is not made._client
    assert isinstance(again._auth(), BearerAuth)


def test_a_signature_is_the_default_way() -> None:
    for made in every(access_key="a", secret_key="s"):
        assert isinstance(made._auth(), VolcSignatureAuth)


def test_without_credentials_construction_works() -> None:
    for made in every():
        assert isinstance(made._auth(), NoCredentials)


def test_a_key_from_the_environment_is_for_services(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VOLC_ACCESSKEY", "VOLC_SECRETKEY", "VOLC_KNOWLEDGE_API_KEY"):
        monkeypatch.setenv(name, "x")
    assert [type(made._auth()) for made in every()] == [VolcSignatureAuth] * 3
    assert isinstance(ChatVikingKnowledge(service_resource_id="kb-service-1")._auth(), BearerAuth)
    assert [type(made._auth()) for made in every(api_key="mine")] == [BearerAuth] * 3


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com",
        "https://x.com/",
        "https://x.com/api/knowledge",
        "https://x.com/api/knowledge/chat/completions",
        "https://x.com/api/knowledge/collection/search_knowledge/",
    ],
)
def test_a_pasted_address_is_understood(url: str) -> None:
    assert {made.base_url for made in every(base_url=url)} == {"https://x.com"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "Set model=… for a plain model call"),
        ({"model": "m", "service_resource_id": "kb-service-1"}, "excludes model"),
        ({"service_resource_id": "kb-service-1", "temperature": 0.5}, "excludes temperature"),
        ({"service_resource_id": "kb-service-1", "temperature": 0}, "excludes temperature"),
        ({"service_resource_id": "kb-service-1", "max_tokens": 5, "thinking": "disabled"}, "max_tokens, thinking"),
        (
            {"model": "m", "doc_filter": {"op": "must", "field": "a", "conds": [1]}},
            "doc_filter belongs to a search",
        ),
        ({"model": "m", "top_p": 0.5}, "no top_p"),
        ({"model": "m", "temperature": 1.5}, "temperature"),
        ({"model": "m", "max_tokens": 4097}, "max_tokens"),
        ({"model": "m", "base_url": "x.com"}, "base_url"),
    ],
)
def test_contradictions_of_the_chat_model(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ChatVikingKnowledge(**arguments)


@pytest.mark.parametrize(
    "arguments", [{}, {"collection_name": "c", "resource_id": "r"}, {"resource_id": "r", "project": "p"}]
)
def test_contradictions_of_the_retriever(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="resource_id"):
        VikingKnowledgeRetriever(**arguments)


def test_an_endpoint_without_its_key_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="bills the knowledge base"):
        ChatVikingKnowledge(model="ep-1")


def test_the_name_of_a_service_is_its_models() -> None:
    service = ChatVikingKnowledge(service_resource_id="kb-service-1")
    assert service.model == "kb-service-1"
    assert service._get_ls_params()["ls_model_name"] == "kb-service-1"
    assert service._get_ls_params()["ls_provider"] == "vikingdb"


@pytest.mark.parametrize("method", ["bind_tools", "with_structured_output"])
def test_what_the_service_cannot_do_says_who_can(method: str) -> None:
    with pytest.raises(NotImplementedError, match="ChatArk"):
        getattr(ChatVikingKnowledge(model="m"), method)([])


@pytest.mark.parametrize(
    "made",
    [
        ChatVikingKnowledge(model="m", temperature=0.5),
        ChatVikingKnowledge(service_resource_id="kb-service-1"),
        VikingKnowledgeRetriever(collection_name="c", k=3, rerank="m3-v2-rerank"),
    ],
)
@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_core_writes_and_reads_them(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLC_SECRETKEY", "hush")
    with_secret = made.model_copy(update={"secret_key": SecretStr("hush")})
    assert "hush" not in dumps(with_secret)
    again = load(
        dumpd(with_secret),
        valid_namespaces=["langchain_volcark"],
        allowed_objects=[type(made)],
        secrets_from_env=True,
    )
    assert again.secret_key == SecretStr("hush")
    assert again.model_dump() == with_secret.model_dump()
