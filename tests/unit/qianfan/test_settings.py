"""Version, address, credentials: what a constructor accepts, refuses and keeps to itself."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest
from langchain_core.load import dumps, loads

from langchain_volcark import ChatQianfan, QianfanEmbeddings, QianfanRerank
from langchain_volcark.http.auth import BearerAuth
from langchain_volcark.qianfan import auth
from langchain_volcark.qianfan.auth import AccessTokenAuth, NoAuth, OAuthAuth, ShortTermKeyAuth, SignatureAuth

PRIVATE = "https://private.example.com/rpc/2.0/ai_custom/v1/wenxinworkshop"
BAIDU = "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop"


def v1(**arguments: Any) -> ChatQianfan:
    return ChatQianfan(**{"api_version": "v1", "endpoint": "ngx_t", "base_url": PRIVATE, **arguments})


def test_v2_is_the_default() -> None:
    model = ChatQianfan(model="ernie-5.1")
    assert (model.api_version, model.base_url) == ("v2", "https://qianfan.baidubce.com/v2")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://x.example/v2/", "https://x.example/v2"),
        ("https://x.example/v2/chat/completions", "https://x.example/v2"),
        (" https://x.example/v2 ", "https://x.example/v2"),
    ],
)
def test_a_pasted_v2_address_is_put_right(given: str, kept: str) -> None:
    assert ChatQianfan(model="m", base_url=given).base_url == kept


def test_a_pasted_v1_address_brings_its_endpoint() -> None:
    model = ChatQianfan(api_version="v1", base_url=f"{PRIVATE}/chat/completions")
    assert (model.base_url, model.endpoint, model.model) == (PRIVATE, "completions", "completions")


def test_a_pasted_v1_address_and_another_endpoint_contradict() -> None:
    with pytest.raises(ValueError, match=r"names the endpoint 'a'.*endpoint='b'"):
        v1(base_url=f"{PRIVATE}/chat/a", endpoint="b")


def test_a_token_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="access_token=") as caught:
        v1(base_url=f"{PRIVATE}/chat/a?access_token=24.secret")
    assert "24.secret" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"base_url": BAIDU}, {"base_url": None}])
@pytest.mark.parametrize("kind", ["chat", "embeddings", "rerank"])
def test_v1_at_baidu_warns_of_its_retirement(arguments: dict[str, Any], kind: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if kind == "chat":
            v1(**arguments)
        elif kind == "embeddings":
            QianfanEmbeddings(api_version="v1", model="tao-8k", **arguments)
        else:
            QianfanRerank(api_version="v1", **arguments)
    (warning,) = caught
    assert issubclass(warning.category, FutureWarning)
    assert "2026-08-31" in str(warning.message)
    assert 'api_version="v2"' in str(warning.message)
    assert warning.filename == __file__


def test_a_private_v1_does_not_warn() -> None:
    v1()


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"thinking": "enabled"}, "thinking"),
        ({"web_search": True, "seed": 1}, "seed, web_search"),
        ({"request_metadata": {}}, "request_metadata"),
    ],
)
def test_v2_fields_are_refused_in_v1(arguments: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=f'{names} belong.*api_version="v2"'):
        v1(**arguments)


@pytest.mark.parametrize("arguments", [{"endpoint": "x"}, {"top_k": 3}, {"system": "s"}, {"max_characters": 0}])
def test_v1_fields_are_refused_in_v2(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f'{next(iter(arguments))} belong.*api_version="v1"'):
        ChatQianfan(model="m", **arguments)


def test_unknown_arguments_are_refused_without_showing_keys() -> None:
    with pytest.raises(ValueError, match="bogus") as caught:
        ChatQianfan(model="m", api_key="bce-v3/secret", bogus="24.secret")  # type: ignore[call-arg]
    assert "secret" not in str(caught.value)


# --- credentials ---

IAM = {"access_key": "ak", "secret_key": "iam-secret"}
OAUTH = {"client_id": "cid", "client_secret": "app-secret"}
TOKEN = {"access_token": "24.secret"}
ENVIRONMENT = {
    "QIANFAN_AK": "cid",
    "QIANFAN_SK": "s",
    "QIANFAN_ACCESS_KEY": "ak",
    "QIANFAN_SECRET_KEY": "s",
    "QIANFAN_ACCESS_TOKEN": "24.t",
}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({}, NoAuth),
        (TOKEN, AccessTokenAuth),
        (OAUTH, OAuthAuth),
        (IAM, SignatureAuth),
        ({**TOKEN, **OAUTH}, OAuthAuth),
        ({**TOKEN, **IAM}, AccessTokenAuth),
        ({**OAUTH, **IAM}, OAuthAuth),
        ({"client_id": "cid"}, NoAuth),
    ],
)
def test_the_credentials_of_v1(arguments: dict[str, Any], kind: type) -> None:
    assert type(v1(**arguments)._auth()) is kind


@pytest.mark.parametrize(
    ("arguments", "kind"), [({}, OAuthAuth), (TOKEN, AccessTokenAuth), (OAUTH, OAuthAuth), (IAM, SignatureAuth)]
)
def test_what_is_passed_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], kind: type
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert type(v1(**arguments)._auth()) is kind


@pytest.mark.parametrize(
    ("environment", "arguments", "kind"),
    [
        ({}, {}, BearerAuth),
        ({}, IAM, ShortTermKeyAuth),
        ({}, {"api_key": "k", **IAM}, BearerAuth),
        ({"QIANFAN_BEARER_TOKEN": "k"}, {}, BearerAuth),
        ({"QIANFAN_BEARER_TOKEN": "k"}, IAM, ShortTermKeyAuth),
        ({"QIANFAN_API_KEY": "k", **ENVIRONMENT}, {}, BearerAuth),
        ({"QIANFAN_ACCESS_KEY": "a", "QIANFAN_SECRET_KEY": "s"}, {}, ShortTermKeyAuth),
    ],
)
def test_the_credentials_of_v2(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], arguments: dict[str, Any], kind: type
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert type(ChatQianfan(model="m", **arguments)._auth()) is kind


def test_the_bearer_variable_goes_before_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIANFAN_API_KEY", "second")
    assert ChatQianfan(model="m").api_key.get_secret_value() == "second"  # type: ignore[union-attr]
    monkeypatch.setenv("QIANFAN_BEARER_TOKEN", "first")
    assert ChatQianfan(model="m").api_key.get_secret_value() == "first"  # type: ignore[union-attr]


def test_no_repr_shows_a_secret() -> None:
    for shown in (v1(**TOKEN, **OAUTH, **IAM), ChatQianfan(model="m", api_key="bce-v3/secret")):
        for text in (repr(shown), str(shown), repr(shown._auth()), str(shown._identifying_params), dumps(shown)):
            assert "secret" not in text.replace("secret_key", "").replace("client_secret", "").replace(
                '"secret"', ""
            ).replace("lc_secrets", "")


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
def test_serialised_models_name_their_variables_and_load_from_them(monkeypatch: pytest.MonkeyPatch) -> None:
    text = dumps(v1(**OAUTH))
    assert '"QIANFAN_SK"' in text
    monkeypatch.setenv("QIANFAN_AK", "cid")
    monkeypatch.setenv("QIANFAN_SK", "app-secret")
    loaded = loads(
        text, valid_namespaces=["langchain_volcark"], allowed_objects=[ChatQianfan], secrets_from_env=True
    )
    assert loaded.client_id.get_secret_value() == "cid"
    assert loaded.client_secret.get_secret_value() == "app-secret"
    assert loaded.endpoint == "ngx_t"


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_have_the_same_credentials(copier: Any) -> None:
    model = v1(**OAUTH)
    model._client  # noqa: B018 - made, so that the copy has something to leave behind
    made = copier(model)
    assert made.model_dump() == model.model_dump()
    assert "_http" not in made.__dict__
    assert made._auth()._key(None) == model._auth()._key(None)  # type: ignore[attr-defined]


def test_another_secret_is_another_token() -> None:
    one, other = (v1(client_id="cid", client_secret=secret)._auth() for secret in ("a", "b"))
    assert one._key(None) != other._key(None)  # type: ignore[attr-defined,arg-type]


def test_a_short_term_key_lasts_as_long_as_asked_for() -> None:
    token = auth._token("t", auth._BEARER_SECONDS)
    assert token.expires_at - token.renew_at == pytest.approx(4320)
