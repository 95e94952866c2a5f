"""Every error code of the vendor's list: which exception, retried or not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from langchain_volcark.exceptions import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    VolcArkError,
)
from langchain_volcark.http.errors import error_from_response
from langchain_volcark.knowledge.errors import ERRORS, SEARCH_ERRORS, KnowledgeErrors

ROWS: list[tuple[int, int, type[VolcArkError], bool]] = [
    (1000001, 401, AuthenticationError, False),
    (1000001, 403, AuthenticationError, False),
    (1000002, 403, PermissionDeniedError, False),
    (1000002, 400, InvalidRequestError, False),
    (1000003, 400, InvalidRequestError, False),
    (1000004, 400, InvalidRequestError, False),
    (1000005, 400, NotFoundError, False),
    (1000006, 400, PermissionDeniedError, False),
    (1000007, 400, InvalidRequestError, False),
    (1000008, 400, NotFoundError, False),
    (1000010, 500, ServiceError, False),
    (1000011, 400, NotFoundError, False),
    (1000013, 500, ServiceError, False),
    (1000014, 500, ServiceError, False),
    (1000015, 401, AuthenticationError, False),
    (1000016, 400, InvalidRequestError, False),
    (1000017, 400, InvalidRequestError, False),
    (1000018, 400, InvalidRequestError, False),
    (1000019, 400, InvalidRequestError, False),
    (1000020, 500, ServiceError, False),
    (1000021, 500, ServiceError, True),
    (1000022, 500, ServiceError, True),
    (1000023, 500, ServiceError, True),
    (1000024, 404, NotFoundError, False),
    (1000025, 500, ServiceError, False),
    (1000026, 500, ServiceError, False),
    (1000028, 500, ServiceError, True),
    (1000029, 429, RateLimitError, True),
    (1000030, 500, ServiceError, True),
    (300004, 429, RateLimitError, True),
    (1001001, 400, NotFoundError, False),
    (1001010, 400, InvalidRequestError, False),
    (1002001, 400, NotFoundError, False),
    # Not in the list: by the HTTP status.
    (1009999, 400, InvalidRequestError, False),
    (1009999, 429, RateLimitError, True),
    (1009999, 502, ServiceError, True),
]


def read(status: int, payload: Any, **headers: str) -> VolcArkError:
    return error_from_response(httpx.Response(status, json=payload, headers=headers), ERRORS)


@pytest.mark.parametrize(("code", "status", "error", "retried"), ROWS)
def test_each_code_is_its_exception(code: int, status: int, error: type[VolcArkError], retried: bool) -> None:
    made = read(status, {"code": code, "message": "it says why", "request_id": "r-1", "data": None})
    assert type(made) is error
    assert made.is_retryable is retried
    assert (made.code, made.status_code, made.request_id) == (str(code), status, "r-1")
    assert "it says why" in made.message


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("SignatureDoesNotMatch", AuthenticationError),
        ("InvalidAccessKey", AuthenticationError),
        ("InvalidTimestamp", AuthenticationError),
        ("InvalidSecurityToken", AuthenticationError),
        ("AccessDenied", PermissionDeniedError),
        ("FlowLimitExceeded", RateLimitError),
        ("InvalidActionOrVersion", NotFoundError),
    ],
)
def test_the_gateways_refusals(code: str, error: type[VolcArkError]) -> None:
    payload = {"ResponseMetadata": {"RequestId": "g-1", "Error": {"Code": code, "Message": "no"}}}
    made = read(401, payload)
    assert type(made) is error
    assert (made.code, made.request_id) == (code, "g-1")


def test_the_log_id_stands_in_for_the_request_id() -> None:
    made = read(500, {"code": 1000028, "message": "internal"}, **{"X-Tt-Logid": "log-1"})
    assert made.request_id == "log-1"


@pytest.mark.parametrize(
    "payload", [{"code": 0, "data": {}}, {"code": "0"}, {"data": [0.1], "token_usage": 2}, []]
)
def test_success_is_no_error(payload: Any) -> None:
    assert ERRORS.in_payload(payload) is None


def test_a_gateways_page_is_an_error_too() -> None:
    made = error_from_response(httpx.Response(502, html="<h1>Bad Gateway</h1>"), ERRORS)
    assert type(made) is ServiceError
    assert made.is_retryable


def signed(date: str, *, sent: str = "20250102T030405Z", code: Any = 1000001) -> VolcArkError:
    """The refusal of a request that was signed at one time by a server that has another."""
    request = httpx.Request("POST", "https://example.com/", headers={"X-Date": sent})
    payload = {"code": code, "message": "unauthorized"}
    return error_from_response(httpx.Response(401, json=payload, headers={"Date": date}, request=request), ERRORS)


def test_a_clock_that_is_wrong_is_told_apart_from_a_wrong_key() -> None:
    behind = signed("Thu, 02 Jan 2025 03:24:05 GMT")
    assert "clock is 20 minutes behind" in behind.message
    assert "Check access_key" not in behind.message
    assert "clock is 60 minutes ahead" in signed("Thu, 02 Jan 2025 02:04:05 GMT").message
    good = signed("Thu, 02 Jan 2025 03:04:07 GMT")
    assert "clock" not in good.message
    assert "Check access_key, secret_key" in good.message


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 02 Jan 2025 03:24:05"])
def test_a_reply_without_a_time_says_nothing_of_clocks(date: str) -> None:
    assert "clock" not in signed(date).message


def test_a_refusal_for_another_reason_says_nothing_of_clocks() -> None:
    assert "clock" not in signed("Thu, 02 Jan 2025 03:24:05 GMT", code=1000003).message


@pytest.mark.parametrize("errors", [ERRORS, SEARCH_ERRORS])
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ({"code": "AccessDenied", "message": "no"}, PermissionDeniedError, "AccessDenied"),
        ({"type": "InvalidCredential", "message": "no"}, AuthenticationError, "InvalidCredential"),
        (
            {"code": "InvalidParameter", "message": "maximum context length is 4096 tokens"},
            ContextLengthError,
            None,
        ),
        ({"code": "unheard_of", "message": "no"}, InvalidRequestError, "unheard_of"),
    ],
)
def test_an_error_object_is_read_by_its_code(
    errors: KnowledgeErrors, error: dict[str, str], kind: type[Exception], code: str | None
) -> None:
    raised = error_from_response(httpx.Response(400, json={"error": error, "code": 20000}), errors)
    assert type(raised) is kind
    assert raised.code == (code or error["code"])
