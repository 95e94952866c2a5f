"""Ark's error table: one row, one test."""

from __future__ import annotations

import pickle

import pytest
from langchain_core import exceptions as core

from langchain_volcark import ChatArk
from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator

# status, code, our class, core's class, retried
TABLE = [
    (400, "MissingParameter", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "MissingParameter.messages", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "InvalidParameter", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "InvalidParameter.temperature", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (400, "InvalidParameter.UnsupportedParameter", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidParameter.TosURLInvalid", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidParameter.TaskTypeConstraint", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidParameter.TaskTypeMismatch", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidArgumentError", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidArgumentError.UnknownRole", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidArgumentError.InvalidImageDetail", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidArgumentError.InvalidPixelLimit", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidImageURL.EmptyURL", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidImageURL.InvalidFormat", ours.InvalidRequestError, core.ModelError, False),
    (400, "OutofContextError", ours.ContextLengthError, core.ContextOverflowError, False),
    (400, "InvalidEndpoint.ClosedEndpoint", ours.NotFoundError, core.ModelNotFoundError, False),
    (400, "SensitiveContentDetected", ours.ContentFilterError, core.ModelInvalidRequestError, False),
    (400, "SensitiveContentDetected.SevereViolation", ours.ContentFilterError, core.ModelError, False),
    (400, "SensitiveContentDetected.Violence", ours.ContentFilterError, core.ModelError, False),
    (400, "InputTextSensitiveContentDetected", ours.ContentFilterError, core.ModelError, False),
    (
        400,
        "InputImageSensitiveContentDetected.PrivacyInformation",
        ours.ContentFilterError,
        core.ModelError,
        False,
    ),
    (400, "InputVideoSensitiveContentDetected.PolicyViolation", ours.ContentFilterError, core.ModelError, False),
    (400, "InputAudioSensitiveContentDetected", ours.ContentFilterError, core.ModelError, False),
    (400, "OutputTextSensitiveContentDetected", ours.ContentFilterError, core.ModelError, False),
    (400, "OutputVideoSensitiveContentDetected.DeepFake", ours.ContentFilterError, core.ModelError, False),
    (400, "InputTextRiskDetection", ours.ContentFilterError, core.ModelError, False),
    (400, "InputImageRiskDetection", ours.ContentFilterError, core.ModelError, False),
    (400, "OutputTextRiskDetection", ours.ContentFilterError, core.ModelError, False),
    (400, "OutputImageRiskDetection", ours.ContentFilterError, core.ModelError, False),
    (400, "ContentSecurityDetectionError", ours.ServiceError, core.ModelAPIError, True),
    (400, "Duplicate.Tags.Key", ours.InvalidRequestError, core.ModelError, False),
    (400, "InvalidSubscription", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (401, "AuthenticationError", ours.AuthenticationError, core.ModelAuthenticationError, False),
    (401, "InvalidAccountStatus", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (403, "AccessDenied", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (403, "OperationDenied.PermissionDenied", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.ServiceNotOpen", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.ServiceOverdue", ours.PermissionDeniedError, core.ModelError, False),
    (403, "AccountOverdueError", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.InvalidState", ours.PermissionDeniedError, core.ModelError, True),
    (403, "OperationDenied.FileQuotaExceeded", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.UnsupportedPhase", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.ArkAccessRoleNotFound", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.TosAccessDenied", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.ConflictedValidationSet", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.UnsupportedCustomizationType", ours.PermissionDeniedError, core.ModelError, False),
    (403, "OperationDenied.CustomizationNotSupported", ours.PermissionDeniedError, core.ModelError, False),
    (404, "InvalidEndpointOrModel.NotFound", ours.NotFoundError, core.ModelNotFoundError, False),
    (404, "InvalidEndpoint.NotFound", ours.NotFoundError, core.ModelNotFoundError, False),
    (404, "ModelNotOpen", ours.NotFoundError, core.ModelNotFoundError, False),
    (404, "InvalidEndpointOrModel.ModelIDAccessDisabled", ours.NotFoundError, core.ModelNotFoundError, False),
    (404, "NotFound.response", ours.NotFoundError, core.ModelNotFoundError, False),
    (404, "UnsupportedModel", ours.NotFoundError, core.ModelNotFoundError, False),
    (429, "RateLimitExceeded.EndpointRPMExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "RateLimitExceeded.EndpointTPMExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "RateLimitExceeded.EndpointFlexTPMExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "RateLimitExceeded.FoundationModelRPMExceeded", ours.RateLimitError, core.ModelError, True),
    (429, "ModelAccountRpmRateLimitExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "ModelAccountTpmRateLimitExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "ModelAccountFlexTpmRateLimitExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "ModelAccountIpmRateLimitExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "APIAccountRpmRateLimitExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "AccountRateLimitExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "ServerOverloaded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "RequestBurstTooFast", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "InflightBatchsizeExceeded", ours.RateLimitError, core.ModelRateLimitError, True),
    (429, "QuotaExceeded", ours.QuotaExceededError, core.ModelRateLimitError, False),
    (429, "QuotaExceeded.DoubaoSearchFreeQuotaExceeded", ours.QuotaExceededError, core.ModelError, False),
    (429, "QuotaExceeded.AgentPlanQuotaExceeded", ours.QuotaExceededError, core.ModelError, False),
    (429, "SetLimitExceeded", ours.QuotaExceededError, core.ModelRateLimitError, False),
    (500, "InternalServiceError", ours.ServiceError, core.ModelAPIError, True),
    # What no table lists falls back on the status.
    (400, "SomethingNew", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (402, "SomethingNew", ours.PermissionDeniedError, core.ModelPermissionDeniedError, False),
    (408, "SomethingNew", ours.APITimeoutError, core.ModelTimeoutError, True),
    (409, "SomethingNew", ours.ServiceError, core.ModelAPIError, True),
    (413, "SomethingNew", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (422, "SomethingNew", ours.InvalidRequestError, core.ModelInvalidRequestError, False),
    (429, "SomethingNew", ours.RateLimitError, core.ModelRateLimitError, True),
    (502, None, ours.ServiceError, core.ModelAPIError, True),
    (503, None, ours.ServiceError, core.ModelAPIError, True),
    (504, None, ours.ServiceError, core.ModelAPIError, True),
]


@pytest.mark.parametrize(("status", "code", "error", "base", "retried"), TABLE)
def test_row_of_the_error_table(
    status: int,
    code: str | None,
    error: type[ours.VolcArkError],
    base: type[core.ModelError],
    retried: bool,
    model: ChatArk,
    emulator: Emulator,
    waits: list[float],
) -> None:
    emulator.fail_next(status=status, code=code, times=9, message="The service's own words.")
    with pytest.raises(ours.VolcArkError) as caught:
        model.invoke("Hello")
    raised = caught.value
    assert type(raised) is error
    assert isinstance(raised, base)
    assert raised.is_retryable is retried
    assert raised.status_code == status
    assert raised.code == code
    assert raised.request_id
    assert len(emulator.requests) == (3 if retried else 1)
    again = pickle.loads(pickle.dumps(raised))
    assert (type(again), again.code, again.request_id) == (error, code, raised.request_id)
    assert again.is_retryable is retried


def test_the_text_says_what_to_do_and_whose_request_it_was(model: ChatArk) -> None:
    with pytest.raises(ours.NotFoundError) as caught:
        model.invoke("Hello", model="doubao-seed-2-1-pro")
    text = str(caught.value)
    assert "ids end in a date" in text
    assert str(caught.value.request_id) in text


def test_a_model_that_is_not_activated_is_told_from_an_unknown_one(model: ChatArk) -> None:
    with pytest.raises(ours.NotFoundError, match="Activate it in the console"):
        model.invoke("Hello", model="doubao-seed-not-open-260101")


def test_no_key_fails_at_the_first_request_and_names_the_variable(emulator: Emulator) -> None:
    model = ChatArk(model="m", base_url=emulator.ark_base_url)
    with pytest.raises(ours.AuthenticationError, match="ARK_API_KEY"):
        model.invoke("Hello")
    assert emulator.requests == []


def test_a_key_that_cannot_be_sent_is_not_shown(emulator: Emulator) -> None:
    model = ChatArk(model="m", api_key="sk-secret\nsk-more", base_url=emulator.ark_base_url)
    with pytest.raises(ours.AuthenticationError) as caught:
        model.invoke("Hello")
    assert "secret" not in str(caught.value)


def test_refused_connection_is_a_connection_error(unused_tcp_port: int, waits: list[float]) -> None:
    model = ChatArk(model="m", api_key="k", base_url=f"http://127.0.0.1:{unused_tcp_port}/api/v3")
    with pytest.raises(ours.APIConnectionError) as caught:
        model.invoke("Hello")
    assert caught.value.__cause__ is not None
    assert len(waits) == 2


def test_html_with_status_200_says_what_came(model: ChatArk, emulator: Emulator) -> None:
    emulator.reply_next(body="<html>Sign in</html>", content_type="text/html")
    with pytest.raises(ours.ResponseFormatError, match="Sign in"):
        model.invoke("Hello")


def test_cut_json_is_a_format_error(model: ChatArk, emulator: Emulator) -> None:
    emulator.reply_next(body='{"choices": [{"mess')
    with pytest.raises(ours.ResponseFormatError):
        model.invoke("Hello")


def test_a_redirect_names_the_address_to_set(model: ChatArk, emulator: Emulator) -> None:
    emulator.reply_next(body="", status=301, headers={"location": "https://elsewhere.example/api/v3"})
    with pytest.raises(ours.ResponseFormatError, match=r"elsewhere\.example"):
        model.invoke("Hello")


def test_the_exceptions_response_carries_no_credentials(model: ChatArk, emulator: Emulator) -> None:
    emulator.fail_next(status=400, code="InvalidParameter")
    with pytest.raises(ours.InvalidRequestError) as caught:
        model.invoke("Hello")
    assert caught.value.response is not None
    with pytest.raises(RuntimeError):
        _ = caught.value.response.request
    assert emulator.api_key not in repr(vars(caught.value))
