"""Which temporary key a request needs, how it is asked for, and how the control plane's answers read."""

from __future__ import annotations

import datetime as dt
import json
import math
import pickle
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from langchain_volcark import ArkEmbeddings, ChatArk, ChatArkBot
from langchain_volcark import exceptions as ours
from langchain_volcark.ark.auth import TemporaryKeyAuth, resource_type
from langchain_volcark.ark.control_errors import ControlPlaneErrors
from langchain_volcark.http import token_refresh
from langchain_volcark.http.auth import MODEL_EXTENSION, BearerAuth
from langchain_volcark.http.replies import read_json_reply

ENDPOINT = "ep-20250101000000-abcde"
MODEL = "doubao-seed-2-1-pro-260915"
NOW = dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)


def auth(**arguments: Any) -> TemporaryKeyAuth:
    keys = {
        "access_key": SecretStr("AKLTEXAMPLEACCESSKEY"),
        "secret_key": SecretStr("ExampleSecretKeyForDocsOnly=="),
    }
    return TemporaryKeyAuth(**{**keys, "model": ENDPOINT, "clock": lambda: NOW, **arguments})


def request_for(model: str | None = None, **headers: str) -> httpx.Request:
    return httpx.Request(
        "POST", "https://ark.example.com/chat", headers=headers, extensions={MODEL_EXTENSION: model}
    )


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("ep-m-20250101000000-abcde", "presetendpoint"),
        (ENDPOINT, "endpoint"),
        ("ep-bi-20250101000000-abcde", "endpoint"),
        ("bot-20250407225237-6xv7r", "bot"),
        (MODEL, "presetendpoint"),
        ("deepseek-v3-2-251201", "presetendpoint"),
    ],
)
def test_the_id_tells_the_kind_of_resource(model: str, kind: str) -> None:
    assert resource_type(model) == kind


def test_the_exchange_is_signed_as_the_worked_example_says() -> None:
    """The documented vector, but for the spaces and the order of its body."""
    asked = auth()._refresh_request(request_for())
    assert asked.method == "POST"
    assert str(asked.url) == "https://open.volcengineapi.com/?Action=GetApiKey&Version=2024-01-01"
    assert json.loads(asked.content) == {
        "DurationSeconds": 604800,
        "ResourceIds": [ENDPOINT],
        "ResourceType": "endpoint",
    }
    assert asked.headers["x-date"] == "20250102T030405Z"
    assert asked.headers["authorization"].startswith(
        "HMAC-SHA256 Credential=AKLTEXAMPLEACCESSKEY/20250102/cn-beijing/ark/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, Signature="
    )


def test_the_exchange_with_the_worked_examples_body_has_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"DurationSeconds": 604800, "ResourceIds": ["ep-20250101000000-abcde"], "ResourceType": "endpoint"}'
    monkeypatch.setattr("langchain_volcark.ark.auth.dump_json", lambda _: body)
    asked = auth()._refresh_request(request_for())
    assert asked.headers["x-content-sha256"] == "5d109771f0ea11e0e758691085224c70757b5931a17ac92c5c03da71274ce1c5"
    assert asked.headers["authorization"].endswith(
        "Signature=de153de90bc6d29ed58dfebb43cae814f641e78e37459b3c3d3d79ea1ac796df"
    )


@pytest.mark.parametrize(
    ("model", "project", "sent"),
    [
        (ENDPOINT, None, {"ResourceType": "endpoint", "ResourceIds": [ENDPOINT]}),
        (ENDPOINT, "p", {"ResourceType": "endpoint", "ResourceIds": [ENDPOINT], "ProjectName": "p"}),
        ("bot-1", "p", {"ResourceType": "bot", "ResourceIds": ["bot-1"]}),
        (MODEL, "p", {"ResourceType": "presetendpoint", "ResourceIds": [MODEL], "ProjectName": "p"}),
    ],
)
def test_the_question_names_the_resource_of_the_request(
    model: str, project: str | None, sent: dict[str, Any]
) -> None:
    asked = auth(project_name=project)._refresh_request(request_for(model))
    assert json.loads(asked.content) == {"DurationSeconds": 604800, **sent}


def test_a_key_is_shared_by_equal_credentials_and_resources_only() -> None:
    same = auth()._key(request_for(ENDPOINT))
    assert auth(model="ep-other")._key(request_for(ENDPOINT)) == same
    assert auth()._key(request_for()) == same
    others = {
        auth()._key(request_for("ep-other")),
        auth(project_name="p")._key(request_for(MODEL)),
        auth(project_name="q")._key(request_for(MODEL)),
        auth(access_key=SecretStr("AKLTother"))._key(request_for(ENDPOINT)),
        auth(secret_key=SecretStr("other"))._key(request_for(ENDPOINT)),
        auth(region="cn-shanghai")._key(request_for(ENDPOINT)),
        auth(control_base_url="https://open.example.com")._key(request_for(ENDPOINT)),
    }
    assert len(others | {same}) == 8
    assert "ExampleSecretKey" not in repr(same)


def test_a_requests_own_project_goes_before_the_settings() -> None:
    key = auth(project_name="p")._key(request_for(MODEL, **{"X-Project-Name": "q"}))
    assert key == auth(project_name="q")._key(request_for(MODEL))


def test_the_users_own_authorization_stands() -> None:
    request = request_for(MODEL, Authorization="Bearer mine")
    flow = auth().sync_auth_flow(request)
    assert next(flow) is request
    assert request.headers["authorization"] == "Bearer mine"


def test_the_exchange_waits_half_a_minute_at_most() -> None:
    request = request_for()
    request.extensions["timeout"] = httpx.Timeout(600.0, connect=3.0).as_dict()
    bounds = auth()._refresh_request(request).extensions["timeout"]
    assert bounds == {"connect": 3.0, "read": 30.0, "write": 30.0, "pool": 30.0}


@pytest.mark.parametrize("name", ["access_key", "secret_key"])
@pytest.mark.parametrize("value", ["one\ntwo", "密钥"])
def test_a_key_that_cannot_be_one_is_not_shown(name: str, value: str) -> None:
    with pytest.raises(ours.AuthenticationError, match=name) as caught:
        auth(**{name: SecretStr(value)})._refresh_request(request_for())
    assert value not in str(caught.value)


# --- the reply --------------------------------------------------------------------------------------------


def reply(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json=payload, headers=headers)


def issued(seconds: float) -> dict[str, Any]:
    return {"Result": {"ApiKey": "temporary", "ExpiredTime": 1_000_000 + seconds}}


@pytest.mark.parametrize(
    ("lifetime", "renewal", "end"),
    [(604_800, 604_800 - 1_800, 604_800 - 600), (3_600, 1_800, 3_000), (600, 300, 500)],
)
def test_a_key_is_renewed_half_an_hour_early_and_useless_ten_minutes_early(
    monkeypatch: pytest.MonkeyPatch, lifetime: float, renewal: float, end: float
) -> None:
    monkeypatch.setattr(token_refresh, "clock", lambda: 1_000_000.0)
    token = auth()._read(reply(issued(lifetime)))
    assert (token.value, token.renew_at - 1_000_000, token.expires_at - 1_000_000) == ("temporary", renewal, end)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"Result": None},
        {"Result": {"ApiKey": "hidden"}},
        {"Result": {"ApiKey": "hidden", "ExpiredTime": 5}},
        {"Result": {"ApiKey": "hidden", "ExpiredTime": "soon"}},
        {"Result": {"ApiKey": "", "ExpiredTime": 4_000_000_000}},
        {"Result": {"ApiKey": 5, "ExpiredTime": 4_000_000_000}},
    ],
)
def test_a_reply_without_a_usable_key_is_refused_without_showing_it(payload: dict[str, Any]) -> None:
    with pytest.raises(ours.ResponseFormatError, match="control_base_url") as caught:
        auth()._read(reply(payload))
    assert "hidden" not in f"{caught.value} {caught.value.body}"


@pytest.mark.parametrize(
    ("code", "status", "error", "advice"),
    [
        ("InvalidAccessKey", 401, ours.AuthenticationError, "Check access_key"),
        ("MissingAuthenticationToken", 401, ours.AuthenticationError, "Check access_key"),
        ("SignatureDoesNotMatch", 401, ours.AuthenticationError, "Check secret_key"),
        ("InvalidCredential", 400, ours.AuthenticationError, "region"),
        ("InvalidTimestamp", 400, ours.AuthenticationError, "clock"),
        ("AccessDenied", 403, ours.PermissionDeniedError, "ark:GetApiKey"),
        ("LackPolicy", 403, ours.PermissionDeniedError, "ark:GetApiKey"),
        ("AccessDenied.Project", 403, ours.PermissionDeniedError, "ark:GetApiKey"),
        ("InvalidActionOrVersion", 404, ours.NotFoundError, "control_base_url"),
        ("InvalidParameter.ResourceIds", 400, ours.InvalidRequestError, ""),
        ("MissingParameter.ProjectName", 400, ours.InvalidRequestError, ""),
        ("NotFound.EndpointNotFound", 404, ours.NotFoundError, "Check the id"),
        ("FlowLimitExceeded", 429, ours.RateLimitError, "rate of temporary keys"),
        ("ApiKeyLimitExceeded", 429, ours.RateLimitError, "rate of temporary keys"),
        ("InternalError", 500, ours.ServiceError, ""),
        ("ServiceUnavailableTemp", 503, ours.ServiceError, ""),
        ("SomethingNew", 500, ours.ServiceError, ""),
    ],
)
@pytest.mark.parametrize("in_a_200", [False, True])
def test_errors_of_the_control_plane(
    code: str, status: int, error: type[ours.VolcArkError], advice: str, in_a_200: bool
) -> None:
    metadata = {"RequestId": "2025log", "Error": {"Code": code, "CodeN": 5, "Message": "No."}}
    with pytest.raises(ours.VolcArkError) as caught:
        read_json_reply(reply({"ResponseMetadata": metadata}, 200 if in_a_200 else status), ControlPlaneErrors())
    assert type(caught.value) is error
    assert caught.value.code == code
    assert caught.value.request_id == "2025log"
    assert caught.value.message.startswith("GetApiKey: No.")
    assert advice in caught.value.message
    assert caught.value.is_retryable is (error in (ours.RateLimitError, ours.ServiceError))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_odd_error_is_still_one() -> None:
    errors = ControlPlaneErrors()
    assert errors.in_payload({"ResponseMetadata": {"Error": "no"}}).message == "GetApiKey: no"  # type: ignore[union-attr]
    assert errors.in_payload({"ResponseMetadata": {"Error": {"CodeN": 100010}}}).code == "100010"  # type: ignore[union-attr]
    assert errors.in_payload({"ResponseMetadata": {}}) is None
    assert errors.in_payload([]) is None
    assert errors.request_id({"x-tt-logid": "log"}, None) == "log"


# --- the settings -----------------------------------------------------------------------------------------

CLASSES = [
    pytest.param(ChatArk, ENDPOINT, id="chat"),
    pytest.param(ChatArkBot, "bot-1", id="bot"),
    pytest.param(ArkEmbeddings, "doubao-embedding-vision-251215", id="embeddings"),
]
PAIR = {"access_key": "AKLT1", "secret_key": "s3cret"}


@pytest.mark.parametrize(("cls", "model"), CLASSES)
def test_which_credentials_are_used(cls: type[Any], model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(cls(model=model, **PAIR)._auth(), TemporaryKeyAuth)
    assert isinstance(cls(model=model, api_key="key", **PAIR)._auth(), BearerAuth)
    assert isinstance(cls(model=model, api_key=lambda: "key", **PAIR)._auth(), BearerAuth)
    assert isinstance(cls(model=model, api_key="", **PAIR)._auth(), TemporaryKeyAuth)
    monkeypatch.setenv("VOLC_ACCESSKEY", "AKLT1")
    monkeypatch.setenv("VOLC_SECRETKEY", "s3cret")
    assert isinstance(cls(model=model)._auth(), TemporaryKeyAuth)
    monkeypatch.setenv("ARK_API_KEY", "key")
    assert isinstance(cls(model=model)._auth(), BearerAuth)
    assert isinstance(cls(model=model, **PAIR)._auth(), TemporaryKeyAuth)
    assert isinstance(cls(model=model, api_key="key", **PAIR)._auth(), BearerAuth)


@pytest.mark.parametrize(("cls", "model"), CLASSES)
def test_each_credential_is_a_secret_with_a_variable(
    cls: type[Any], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"api_key": "ARK_API_KEY", "access_key": "VOLC_ACCESSKEY", "secret_key": "VOLC_SECRETKEY"}
    for name, variable in variables.items():
        monkeypatch.setenv(variable, f"value-of-{name}")
    built = cls(model=model)
    assert built.lc_secrets == variables
    for name in variables:
        assert getattr(built, name).get_secret_value() == f"value-of-{name}"
    assert "value-of" not in repr(built) + str(built) + repr(built._auth())


@pytest.mark.parametrize(
    ("given", "missing"), [("access_key", "VOLC_SECRETKEY"), ("secret_key", "VOLC_ACCESSKEY")]
)
def test_half_a_pair_says_which_half_is_missing(given: str, missing: str) -> None:
    model = ChatArk(model=ENDPOINT, **{given: "x"})  # type: ignore[arg-type]
    with pytest.raises(ours.AuthenticationError, match=missing):
        next(model._auth().sync_auth_flow(request_for()))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://open.example.com", "https://open.example.com"),
        (" https://open.example.com/ ", "https://open.example.com"),
        ("https://open.example.com/?Action=GetApiKey&Version=2024-01-01", "https://open.example.com"),
    ],
)
def test_a_pasted_control_address_is_understood(given: str, expected: str) -> None:
    assert ChatArk(model=ENDPOINT, control_base_url=given).control_base_url == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("control_base_url", "open.example.com"), ("project_name", "项目"), ("project_name", "a\nb")],
)
def test_settings_that_cannot_be_sent_are_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match=field):
        ChatArk(model=ENDPOINT, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "base",
    [
        "https://ark.cn-beijing.volces.com/api/v3",
        "https://ark.ap-southeast.bytepluses.com/api/v3",
        "https://ark.eu-west.bytepluses.com/api/v3",
        "https://ark.cn-beijing.volces.com/api/coding/v3",
        "https://ark.cn-beijing.volces.com/api/plan/v3",
    ],
)
def test_every_base_url_is_accepted_with_pasted_paths_too(base: str) -> None:
    for pasted in ("", "/", "/chat/completions", "/chat/completions/"):
        assert ChatArk(model=MODEL, base_url=base + pasted).base_url == base
    for pasted in ("/bots/chat/completions", "/bots", "/chat/completions"):
        assert ChatArkBot(model="bot-1", base_url=base + pasted).base_url == base
    for pasted in ("/embeddings", "/embeddings/multimodal"):
        assert ArkEmbeddings(model="doubao-embedding-vision-251215", base_url=base + pasted).base_url == base


def test_a_lifetime_without_end_is_no_lifetime() -> None:
    payload = {"Result": {"ApiKey": "hidden", "ExpiredTime": math.inf}}
    response = httpx.Response(200, content=json.dumps(payload).encode())
    with pytest.raises(ours.ResponseFormatError):
        auth()._read(response)
