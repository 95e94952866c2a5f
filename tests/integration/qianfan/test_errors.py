"""Qianfan's error tables: one row, one test; class, retried or not, attempts."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core import exceptions as core

from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator
from tests.integration.qianfan.conftest import Make

# code, class, retried
V1 = [
    (1, ours.ServiceError, True),
    (2, ours.ServiceError, True),
    (3, ours.NotFoundError, False),
    (4, ours.RateLimitError, True),
    (6, ours.PermissionDeniedError, False),
    (13, ours.AuthenticationError, False),
    (14, ours.AuthenticationError, False),
    (15, ours.ServiceError, True),
    (17, ours.QuotaExceededError, False),
    (18, ours.RateLimitError, True),
    (19, ours.QuotaExceededError, False),
    (100, ours.AuthenticationError, False),
    (110, ours.AuthenticationError, False),
    (111, ours.AuthenticationError, False),
    (200, ours.ServiceError, True),
    (336000, ours.ServiceError, True),
    (336001, ours.InvalidRequestError, False),
    (336002, ours.InvalidRequestError, False),
    (336003, ours.InvalidRequestError, False),
    (336004, ours.PermissionDeniedError, False),
    (336005, ours.NotFoundError, False),
    (336006, ours.InvalidRequestError, False),
    (336007, ours.ContextLengthError, False),
    (336008, ours.InvalidRequestError, False),
    (336100, ours.ServiceError, True),
    (336101, ours.InvalidRequestError, False),
    (336102, ours.InvalidRequestError, False),
    (336103, ours.ContextLengthError, False),
    (336104, ours.InvalidRequestError, False),
    (336105, ours.InvalidRequestError, False),
    (336200, ours.ServiceError, True),
    (336303, ours.InvalidRequestError, False),
    (336501, ours.RateLimitError, True),
    (336502, ours.RateLimitError, True),
    (337006, ours.InvalidRequestError, False),
    (500000, ours.ServiceError, True),
    (987654, ours.ServiceError, True),
]

# status, code, class, core's class, retried
V2 = [
    (400, "malformed_json", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "invalid_model", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "invalid_messages", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "characters_too_long", ours.ContextLengthError, core.ContextOverflowError, False),
    (400, "tokens_too_long", ours.ContextLengthError, core.ContextOverflowError, False),
    (400, "invalid_argument", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "invalid_image_url", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "invalid_plugin_argument", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "invalid_image_generation_prompt", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "invalid_image_genration_refer_image", ours.InvalidRequestError, core.ModelError, False),
    (400, "image_url_unsafe", ours.ContentFilterError, core.ModelInvalidRequestError, False),
    (401, "no_parameter_permission", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (401, "invalid_model", ours.NotFoundError, core.ModelNotFoundError, False),
    (401, "invalid_appid", ours.AuthenticationError, core.ModelAuthenticationError, False),
    (401, "invalid_iam_token", ours.AuthenticationError, core.ModelAuthenticationError, False),
    (403, "system_unsafe", ours.ContentFilterError, core.ModelInvalidRequestError, False),
    (403, "user_setting_unsafe", ours.ContentFilterError, core.ModelInvalidRequestError, False),
    (403, "functions_unsafe", ours.ContentFilterError, core.ModelInvalidRequestError, False),
    (403, "account_overdue", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (403, "model_offline", ours.NotFoundError, core.ModelNotFoundError, False),
    (405, "method_not_supported", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (429, "rpm_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "tpm_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "input_tpm_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "output_tpm_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "user_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "cluster_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "cluster_rpm_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "cluster_tpm_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "preemptible_rate_limit_exceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "Offline_batch_reasoning_refused", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "coding_plan_rate_limited", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "coding_plan_month_quota_exceeded", ours.QuotaExceededError, core.ModelRateLimitError, False),
    (403, "coding_plan_expired", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (500, "internal_error", ours.ServiceError, core.ModelAPIError, True),
    (500, "dispatch_internal_error", ours.ServiceError, core.ModelAPIError, True),
    (503, "something_new", ours.ServiceError, core.ModelAPIError, True),
    (418, "something_new", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
]


def check_attempts(emulator: Emulator, waits: list[float], *, retried: bool) -> None:
    assert len(emulator.requests) == (3 if retried else 1)
    assert len(waits) == (2 if retried else 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("code", "kind", "retried"), V1)
def test_v1_row(
    make_v1: Make, emulator: Emulator, waits: list[float], code: int, kind: type, retried: bool, stream: bool
) -> None:
    emulator.fail_next(status=200, code=str(code), message="the service's words", times=9)
    with pytest.raises(ours.VolcArkError, match="the service's words") as caught:
        list(make_v1().stream("hi")) if stream else make_v1().invoke("hi")
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.status_code, error.is_retryable) == (str(code), 200, retried)
    assert error.request_id == emulator_id(emulator, error)
    assert pickle.loads(pickle.dumps(error)).code == str(code)
    check_attempts(emulator, waits, retried=retried)


def emulator_id(emulator: Emulator, error: ours.VolcArkError) -> str:
    assert error.response is not None
    return str(error.response.headers["x-baidu-request-id"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "code", "kind", "core_kind", "retried"), V2)
def test_v2_row(
    make: Make,
    emulator: Emulator,
    waits: list[float],
    status: int,
    code: str,
    kind: type,
    core_kind: type,
    retried: bool,
    stream: bool,
) -> None:
    emulator.fail_next(status=status, code=code, message="the service's words", times=9)
    with pytest.raises(core_kind, match="the service's words") as caught:
        list(make().stream("hi")) if stream else make().invoke("hi")
    error = caught.value
    assert isinstance(error, ours.VolcArkError)
    assert type(error) is kind
    assert (error.code, error.status_code, error.is_retryable) == (code, status, retried)
    check_attempts(emulator, waits, retried=retried)


async def test_the_async_call_retries_alike(make_v1: Make, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=200, code="18", times=2)
    assert (await make_v1().ainvoke("hi")).content == "You said: hi"
    check_attempts(emulator, waits, retried=True)


def test_quota_and_speed_are_told_apart(make_v1: Make, emulator: Emulator) -> None:
    for code, healed in (("18", True), ("336501", True), ("17", False), ("19", False)):
        emulator.fail_next(status=200, code=code)
        with pytest.raises(ours.RateLimitError) as caught:
            make_v1(max_retries=0).invoke("hi")
        assert caught.value.is_retryable is healed


def test_the_odd_number_error_says_that_the_last_role_may_be_the_cause(make_v1: Make, emulator: Emulator) -> None:
    emulator.fail_next(status=200, code="336006", message="the length of messages must be an odd number")
    with pytest.raises(ours.InvalidRequestError, match="only the last role is wrong"):
        make_v1().invoke("hi")


def test_a_missing_path_tells_of_the_retirement(make_v1: Make) -> None:
    with pytest.raises(ours.NotFoundError, match="2026-08-31"):
        make_v1(endpoint="no_such_service").invoke("hi")


def test_the_gateway_may_put_its_refusal_into_headers(make_v1: Make, emulator: Emulator) -> None:
    emulator.fail_next(status=403, code="SignatureDoesNotMatch", message="not the one calculated")
    with pytest.raises(ours.AuthenticationError, match="not the one calculated") as caught:
        make_v1().invoke("hi")
    assert (caught.value.code, caught.value.status_code) == ("SignatureDoesNotMatch", 403)


def test_an_error_inside_a_v2_stream_raises_its_class_with_what_had_come(make: Make, emulator: Emulator) -> None:
    chunk = {"id": "as-1", "choices": [{"index": 0, "delta": {"content": "Half"}}]}
    failure = {"error": {"code": "cluster_rate_limit_exceeded", "message": "busy", "type": "t"}, "id": "as-1"}
    emulator.reply_next([chunk, failure])
    with pytest.raises(ours.RateLimitError, match="busy") as caught:
        list(make().stream("hi"))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Half"
    assert len(emulator.requests) == 1


def test_an_error_code_inside_a_v1_stream_raises_its_class_with_what_had_come(
    make_v1: Make, emulator: Emulator
) -> None:
    emulator.reply_next(
        [{"id": "as-1", "result": "Half", "is_end": False}, {"error_code": 336100, "error_msg": "busy"}]
    )
    with pytest.raises(ours.ServiceError, match="busy") as caught:
        list(make_v1().stream("hi"))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "Half"


@pytest.mark.parametrize("events", [1, 2])
def test_a_v1_stream_without_its_end_is_interrupted(make_v1: Make, emulator: Emulator, events: int) -> None:
    payloads = [{"id": "as-1", "sentence_id": i, "result": "x", "is_end": False} for i in range(events)]
    emulator.reply_next(payloads)
    with pytest.raises(ours.StreamInterruptedError) as caught:
        list(make_v1().stream("hi"))
    assert caught.value.partial is not None
    assert caught.value.partial.content == "x" * events


@pytest.mark.parametrize(
    ("version", "reply"),
    [
        ("v2", {"id": "as-1", "result": "a V1 answer", "is_truncated": False}),
        ("v1", {"id": "as-1", "choices": [{"message": {"content": "a V2 answer"}, "finish_reason": "stop"}]}),
    ],
)
def test_a_reply_of_the_other_version_never_passes_for_an_empty_answer(
    make: Make, make_v1: Make, emulator: Emulator, version: str, reply: dict[str, Any]
) -> None:
    emulator.reply_next(reply)
    with pytest.raises(ours.ResponseFormatError, match=f'api_version="{version}" may be wrong'):
        (make if version == "v2" else make_v1)().invoke("hi")


def test_each_version_has_its_own_paths_and_credentials(make: Make, make_v1: Make, emulator: Emulator) -> None:
    with pytest.raises(ours.AuthenticationError):
        make(base_url=emulator.qianfan_v1_base_url).invoke("hi")
    with pytest.raises(ours.AuthenticationError):
        make_v1(base_url=emulator.qianfan_base_url).invoke("hi")
