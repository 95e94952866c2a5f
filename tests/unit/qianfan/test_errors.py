"""Reading Qianfan's envelopes, without a request; the table of codes is in the integration tests."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark.qianfan.errors import ERRORS


@pytest.mark.parametrize(
    ("payload", "code", "message"),
    [
        ({"error_code": 110, "error_msg": "invalid"}, "110", "invalid"),
        ({"error_code": "336003"}, "336003", None),
        ({"code": 18, "msg": "QPS"}, "18", "QPS"),
        ({"error": {"code": "invalid_model", "message": "m", "type": "t"}, "id": "as-1"}, "invalid_model", "m"),
        ({"error": {"type": "access_denied", "message": "m"}}, "access_denied", "m"),
        ({"code": "AccessDenied", "message": "no", "requestId": "r"}, "AccessDenied", "no"),
        (
            {"error": "invalid_client", "error_description": "unknown client id"},
            "invalid_client",
            "unknown client id",
        ),
    ],
)
def test_every_envelope(payload: dict[str, Any], code: str, message: str | None) -> None:
    facts = ERRORS.in_payload(payload)
    assert facts is not None
    assert (facts.code, facts.message) == (code, message)


@pytest.mark.parametrize(
    "payload",
    [
        {"id": "as-1", "result": "x", "is_end": True},
        {"error_code": 0, "error_msg": "", "result": "x"},
        {"error": None, "choices": []},
        {"choices": [], "code": "x"},
        {"object": "embedding_list", "data": []},
        [],
        None,
    ],
)
def test_what_is_no_error(payload: Any) -> None:
    assert ERRORS.in_payload(payload) is None


def test_the_gateways_headers() -> None:
    facts = ERRORS.in_headers({"x-bce-error-code": "SignatureDoesNotMatch", "x-bce-error-message": "text"})
    assert facts is not None
    assert (facts.code, facts.message) == ("SignatureDoesNotMatch", "text")
    assert ERRORS.in_headers({}) is None


@pytest.mark.parametrize(
    ("headers", "payload", "found"),
    [
        ({"x-request-id": "a"}, {"error": {"code": "c"}, "id": "as-1"}, "a"),
        ({"x-baidu-request-id": "b"}, {"error_code": 1}, "b"),
        ({}, {"error": {"code": "c"}, "id": "as-1"}, "as-1"),
        ({}, {"error_code": 336003, "error_msg": "m", "id": "as-2"}, "as-2"),
        ({}, {"code": "AccessDenied", "message": "m", "requestId": "r"}, "r"),
        ({}, {"id": "as-1", "result": "fine"}, None),
        ({}, None, None),
    ],
)
def test_the_request_id(headers: dict[str, str], payload: Any, found: str | None) -> None:
    assert ERRORS.request_id(headers, payload) == found


def test_a_url_quoted_by_a_gateway_is_redacted() -> None:
    facts = ERRORS.in_payload({"error_code": 3, "error_msg": "no such path: /chat/x?access_token=24.s&a=1"})
    assert facts is not None
    assert facts.message == "no such path: /chat/x?access_token=[redacted]&a=1"
