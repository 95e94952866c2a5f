"""The emulator's control plane: verified signatures, temporary keys for their resources until they expire."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator, RecordedRequest
from langchain_volcark.emulator.signature import (
    SignatureError,
    Signer,
    canonical_request,
    signing_key,
    string_to_sign,
    verify,
)

ENDPOINT = "ep-20250101000000-abcde"
ASK = {"DurationSeconds": 604800, "ResourceType": "endpoint", "ResourceIds": [ENDPOINT]}

# A request signed by the vendor's own SDK.
VECTOR_TIME = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
VECTOR_SIGNER = Signer("AKLTEXAMPLEACCESSKEY", "ExampleSecretKeyForDocsOnly==", "ark")
VECTOR_HASH = "5d109771f0ea11e0e758691085224c70757b5931a17ac92c5c03da71274ce1c5"
VECTOR = RecordedRequest(
    method="POST",
    path="/",
    query={"Action": "GetApiKey", "Version": "2024-01-01"},
    headers={
        "content-type": "application/json",
        "host": "open.volcengineapi.com",
        "x-content-sha256": VECTOR_HASH,
        "x-date": "20250102T030405Z",
        "authorization": (
            "HMAC-SHA256 Credential=AKLTEXAMPLEACCESSKEY/20250102/cn-beijing/ark/request, "
            "SignedHeaders=content-type;host;x-content-sha256;x-date, "
            "Signature=de153de90bc6d29ed58dfebb43cae814f641e78e37459b3c3d3d79ea1ac796df"
        ),
    },
    body=b'{"DurationSeconds": 604800, "ResourceIds": ["ep-20250101000000-abcde"], "ResourceType": "endpoint"}',
)


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def signed_post(
    server: Emulator,
    body: bytes,
    *,
    secret: str | None = None,
    access_key: str | None = None,
    service: str = "ark",
    age: timedelta = timedelta(0),
    action: str = "GetApiKey",
    signed: tuple[str, ...] = ("content-type", "host", "x-content-sha256", "x-date"),
    sent_body: bytes | None = None,
) -> httpx.Response:
    """A post signed by the book, or not quite."""
    date = (datetime.now(timezone.utc) - age).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    host = server.origin.removeprefix("http://")
    headers = {"content-type": "application/json", "host": host, "x-content-sha256": digest, "x-date": date}
    query = f"Action={action}&Version=2024-01-01"
    lines = [f"{name}:{headers[name]}" for name in signed]
    canonical = "\n".join(["POST", "/", query, *lines, "", ";".join(signed), digest])
    scope = f"{date[:8]}/cn-beijing/{service}/request"
    text = f"HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = (secret or server.secret_key).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"HMAC-SHA256 Credential={access_key or server.access_key}/{scope}, "
        f"SignedHeaders={';'.join(signed)}, Signature={signature}"
    )
    url = f"{server.control_base_url}/?{query}"
    return httpx.post(url, content=body if sent_body is None else sent_body, headers=headers)


def get_key(server: Emulator, **fields: Any) -> str:
    reply = signed_post(server, json.dumps({**ASK, **fields}).encode())
    assert reply.status_code == 200, reply.text
    return str(reply.json()["Result"]["ApiKey"])


def chat(server: Emulator, key: str, model: str = ENDPOINT) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return httpx.post(
        f"{server.ark_base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
    )


# The verifier against the vendor's vector


def test_vector_every_step_of_the_signature_is_the_vendors() -> None:
    headers = ["content-type", "host", "x-content-sha256", "x-date"]
    assert canonical_request(VECTOR, headers) == (
        "POST\n/\nAction=GetApiKey&Version=2024-01-01\ncontent-type:application/json\n"
        f"host:open.volcengineapi.com\nx-content-sha256:{VECTOR_HASH}\nx-date:20250102T030405Z\n\n"
        f"content-type;host;x-content-sha256;x-date\n{VECTOR_HASH}"
    )
    assert string_to_sign(VECTOR, headers, "cn-beijing", "ark") == (
        "HMAC-SHA256\n20250102T030405Z\n20250102/cn-beijing/ark/request\n"
        "5f4df185fa39dbb8431a00342d27b08a51413ae37ad2f2e3c9486a950b9194b8"
    )
    key = signing_key(VECTOR_SIGNER.secret_key, "20250102", "cn-beijing", "ark")
    assert key.hex() == "c09d4aabd941febf716bf45b645a058fd7ac25e081cafc546cdd40e3b4ae9cfc"


def changed(**fields: Any) -> RecordedRequest:
    parts: dict[str, Any] = {
        name: getattr(VECTOR, name) for name in ("method", "path", "query", "headers", "body")
    }
    return RecordedRequest(**parts | fields)


@pytest.mark.parametrize("minutes", [-14, 0, 14])
def test_vector_is_accepted_within_a_quarter_of_an_hour(minutes: int) -> None:
    verify(VECTOR, VECTOR_SIGNER, VECTOR_TIME + timedelta(minutes=minutes))


@pytest.mark.parametrize("minutes", [-16, 16])
def test_vector_is_refused_at_other_times(minutes: int) -> None:
    with pytest.raises(SignatureError) as caught:
        verify(VECTOR, VECTOR_SIGNER, VECTOR_TIME + timedelta(minutes=minutes))
    assert caught.value.code == "InvalidTimestamp"


@pytest.mark.parametrize("port", [":80", ":443"])
def test_default_port_in_the_host_is_not_part_of_the_signature(port: str) -> None:
    headers = {**VECTOR.headers, "host": f"open.volcengineapi.com{port}"}
    verify(changed(headers=headers), VECTOR_SIGNER, VECTOR_TIME)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (changed(method="GET"), "SignatureDoesNotMatch"),
        (changed(path="/x"), "SignatureDoesNotMatch"),
        (changed(query={"Action": "GetApiKey"}), "SignatureDoesNotMatch"),
        (changed(body=VECTOR.body + b" "), "SignatureDoesNotMatch"),
        (changed(headers={**VECTOR.headers, "host": "other"}), "SignatureDoesNotMatch"),
        (changed(headers={**VECTOR.headers, "content-type": "text/plain"}), "SignatureDoesNotMatch"),
        (changed(headers={**VECTOR.headers, "x-date": "20250102T030406Z"}), "SignatureDoesNotMatch"),
        (changed(headers={**VECTOR.headers, "x-date": "20250103T000000Z"}), "InvalidCredential"),
        (changed(headers={**VECTOR.headers, "x-date": "today"}), "InvalidTimestamp"),
        (changed(headers={**VECTOR.headers, "authorization": "Bearer x"}), "InvalidAuthorization"),
        (
            changed(headers={k: v for k, v in VECTOR.headers.items() if k != "authorization"}),
            "MissingAuthenticationToken",
        ),
        (
            changed(headers={k: v for k, v in VECTOR.headers.items() if k != "content-type"}),
            "SignatureDoesNotMatch",
        ),
    ],
)
def test_changed_vector_is_refused(request_: RecordedRequest, code: str) -> None:
    with pytest.raises(SignatureError) as caught:
        verify(request_, VECTOR_SIGNER, VECTOR_TIME)
    assert caught.value.code == code


# The exchange


def test_signed_request_gets_a_key_and_its_end(server: Emulator) -> None:
    reply = signed_post(server, json.dumps(ASK).encode())
    parsed = reply.json()
    assert reply.status_code == 200
    assert abs(parsed["Result"]["ExpiredTime"] - time.time() - 604800) < 5
    metadata = parsed["ResponseMetadata"]
    assert reply.headers["x-tt-logid"] == metadata.pop("RequestId")
    assert metadata == {"Action": "GetApiKey", "Version": "2024-01-01", "Service": "ark", "Region": "cn-beijing"}


def test_minimum_of_signed_headers_is_enough(server: Emulator) -> None:
    signed = ("host", "x-content-sha256", "x-date")
    assert signed_post(server, json.dumps(ASK).encode(), signed=signed).status_code == 200


def test_temporary_key_opens_the_data_plane_for_its_resources(server: Emulator) -> None:
    key = get_key(server)
    assert chat(server, key).status_code == 200
    refused = chat(server, key, "ep-another")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AccessDenied")


def test_model_id_needs_a_preset_endpoint_in_a_project(server: Emulator) -> None:
    model = "doubao-seed-2-1-pro-260915"
    fields = {"ResourceType": "presetendpoint", "ResourceIds": [model]}
    assert chat(server, get_key(server, **fields, ProjectName="default"), model).status_code == 200
    refused = signed_post(server, json.dumps({**ASK, **fields}).encode())
    assert refused.json()["ResponseMetadata"]["Error"]["Code"] == "MissingParameter.ProjectName"


def test_temporary_key_ends(server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    key = get_key(server, DurationSeconds=60)
    now = time.time()
    monkeypatch.setattr("langchain_volcark.emulator.ark.service.time.time", lambda: now + 61)
    assert chat(server, key).status_code == 401


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"secret": "wrong"}, 401, "SignatureDoesNotMatch"),
        ({"access_key": "AKLTnobody"}, 401, "InvalidAccessKey"),
        ({"service": "air"}, 400, "InvalidCredential"),
        ({"age": timedelta(minutes=16)}, 400, "InvalidTimestamp"),
        ({"age": timedelta(minutes=-16)}, 400, "InvalidTimestamp"),
        ({"sent_body": b"{}"}, 401, "SignatureDoesNotMatch"),
        ({"signed": ("host", "x-date")}, 401, "SignatureDoesNotMatch"),
        ({"action": "ListEndpoints"}, 404, "InvalidActionOrVersion"),
    ],
)
def test_request_not_properly_signed_is_refused(
    server: Emulator, fault: dict[str, Any], status: int, code: str
) -> None:
    reply = signed_post(server, json.dumps(ASK).encode(), **fault)
    error = reply.json()["ResponseMetadata"]["Error"]
    assert (reply.status_code, error["Code"]) == (status, code)
    assert ("hash of the body" in error["Message"]) is ("sent_body" in fault)
    assert "Result" not in reply.json()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"DurationSeconds": None}, "MissingParameter.DurationSeconds"),
        ({"DurationSeconds": "60"}, "InvalidParameter.DurationSeconds"),
        ({"DurationSeconds": -1}, "InvalidParameter.DurationSeconds"),
        ({"ResourceType": None}, "MissingParameter.ResourceType"),
        ({"ResourceType": "model"}, "InvalidParameter.ResourceType"),
        ({"ResourceIds": []}, "MissingParameter.ResourceIds"),
        ({"ResourceIds": '["ep-1"]'}, "InvalidParameter.ResourceIds"),
        ({"ResourceIds": ["bot-1"]}, "InvalidParameter.ResourceIds"),
        ({"ResourceType": "bot"}, "InvalidParameter.ResourceIds"),
    ],
)
def test_malformed_question_is_refused(server: Emulator, fields: dict[str, Any], code: str) -> None:
    reply = signed_post(server, json.dumps({**ASK, **fields}).encode())
    assert (reply.status_code, reply.json()["ResponseMetadata"]["Error"]["Code"]) == (400, code)


def test_body_that_is_no_object_is_refused(server: Emulator) -> None:
    reply = signed_post(server, b"[]")
    assert reply.json()["ResponseMetadata"]["Error"]["Code"] == "InvalidParameter"
