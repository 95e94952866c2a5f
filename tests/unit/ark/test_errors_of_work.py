"""Errors of work that the service did and that failed, apart from errors of requests."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from langchain_volcark.ark.errors import ArkErrors, error_of_work
from langchain_volcark.exceptions import ContentFilterError, InvalidRequestError, ServiceError, VolcArkError

FAILURE = {"code": "InternalServiceError", "message": "It broke."}


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            {"code": "OutputVideoSensitiveContentDetected", "message": "Unfit. Request id: 0217"},
            ContentFilterError,
            "The task failed: Unfit. Moderation refused it; change the prompt or the media.",
        ),
        (FAILURE, ServiceError, "The task failed: It broke."),
        ({"code": "InvalidParameter", "message": ""}, InvalidRequestError, "The task failed: InvalidParameter"),
        ({"code": "Brandnew", "message": "Odd"}, VolcArkError, "The task failed: Odd"),
        (None, VolcArkError, "The task failed: the service does not say why"),
        ("no frames", VolcArkError, "The task failed: no frames"),
    ],
)
def test_the_code_decides_the_exception(error: Any, kind: type[VolcArkError], text: str) -> None:
    made = error_of_work(error, "The task failed", {"id": "cgt-1"})
    assert isinstance(made, kind)
    assert made.message == text
    assert made.body == {"id": "cgt-1"}
    assert pickle.loads(pickle.dumps(made)).code == made.code


def test_the_request_id_is_taken_from_the_text() -> None:
    made = error_of_work({"code": "InternalServiceError", "message": "It broke. Request id: 0217ab"}, "The task")
    assert made.request_id == "0217ab"
    assert made.is_retryable


def test_a_failed_task_is_no_failed_request() -> None:
    assert ArkErrors().in_payload({"id": "cgt-1", "status": "failed", "error": FAILURE}) is None
    assert ArkErrors().in_payload({"id": "file-1", "object": "file", "status": "failed", "error": FAILURE}) is None


@pytest.mark.parametrize(
    "payload",
    [
        {"error": FAILURE},
        {"error": FAILURE, "id": "x"},
        {"error": FAILURE, "status": "failed"},
        {"error": FAILURE, "status": "failed", "id": "resp_1", "object": "response"},
    ],
)
def test_other_objects_with_an_error_are_failed_requests(payload: Any) -> None:
    found = ArkErrors().in_payload(payload)
    assert found is not None
    assert found.code == "InternalServiceError"
