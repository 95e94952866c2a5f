"""Qianfan's error codes: the exception for each, and what the caller can do about it.

V2: https://ai.baidu.com/ai-doc/WENXINWORKSHOP/Cm2y4d5ha (words, HTTP 4xx and 5xx).
V1: https://ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh (numbers, HTTP 200).
V2 codes are never numbers, so one table holds both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.exceptions import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServiceError,
)
from langchain_volcark.http.error_table import SETTLE, ErrorFacts, ErrorTable, Row
from langchain_volcark.http.errors import flat_error
from langchain_volcark.http.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

RETIRED = "Qianfan's V1 interface went out of service on 2026-08-31"
_V2 = f'{RETIRED}: use api_version="v2" with model=… and an API key; redeploy custom services and pick V2 there.'
_KEY = "Check the API key: it looks like bce-v3/ALTAK-…/…, and the console shows it whole only once."
_PAIR = "Check access_key and secret_key (IAM), or client_id and client_secret (application)."
_RENEWAL = (
    "A token passed as access_token is never renewed: pass a new one. A token from client_id and client_secret "
    "has been renewed already: check that pair and its application."
)
_SLOWER = "Slow down, or ask for a higher limit in the console."
_SHORTER = "Shorten the messages."
_USED_UP = "The plan's quota of this period is used up; waiting a moment does not help."
_MODERATION = "Moderation refused it; change the prompt or the media."

_V1_ROWS = (
    Row("1", ServiceError),
    Row("2", ServiceError),
    Row("3", NotFoundError, f"There is no such path: check endpoint and base_url. {_V2}"),
    Row("4", RateLimitError, "The cluster's limit is reached."),
    Row("6", PermissionDeniedError, "The application lacks this API, or the service is not published."),
    Row("13", AuthenticationError, _PAIR),
    Row("14", AuthenticationError, f"The signature was refused. {_PAIR}"),
    Row("15", ServiceError),
    Row(
        "17", QuotaExceededError, "The day's quota is used up, or the paid service is not activated or in arrears."
    ),
    Row("18", RateLimitError, _SLOWER),
    Row("19", QuotaExceededError, "The free quota is used up: activate paid use in the console."),
    Row("100", AuthenticationError, "The access token is missing or malformed."),
    Row(
        "110",
        AuthenticationError,
        f"The access token is invalid. {_RENEWAL}",
    ),
    Row(
        "111",
        AuthenticationError,
        f"The access token has expired. {_RENEWAL}",
    ),
    Row("200", ServiceError),
    Row("336000", ServiceError),
    Row("336001", InvalidRequestError),
    Row("336002", InvalidRequestError),
    Row("336003", InvalidRequestError),
    Row("336004", PermissionDeniedError),
    Row("336005", NotFoundError, "Check endpoint: the console shows it with a prefix, such as ngxxxol8_test1."),
    Row(
        "336006",
        InvalidRequestError,
        "V1 wants an odd number of messages, user and assistant in turn, the last from the user; "
        "it also answers so where only the last role is wrong.",
    ),
    Row("336007", ContextLengthError, _SHORTER),
    Row("336008", InvalidRequestError),
    Row("336100", ServiceError, "The service is busy."),
    Row("336101", InvalidRequestError),
    Row("336102", InvalidRequestError),
    Row("336103", ContextLengthError, _SHORTER),
    Row("336104", InvalidRequestError),
    Row("336105", InvalidRequestError),
    Row("336200", ServiceError),
    Row("336303", InvalidRequestError),
    Row("336501", RateLimitError, _SLOWER),
    Row("336502", RateLimitError, _SLOWER),
    Row("337006", InvalidRequestError),
    Row("500000", ServiceError),
)


def _plan(prefix: str, base_url: str) -> tuple[Row, ...]:
    """Rows for the error codes of a subscription plan, which share a prefix."""
    own_key = f"This is a plan's key: set base_url={base_url}, where its models are."
    return (
        Row(f"{prefix}api_key_not_allowed", AuthenticationError, own_key),
        Row(
            f"{prefix}api_key_required",
            AuthenticationError,
            f"{base_url} takes the plan's own key alone; other keys belong to https://qianfan.baidubce.com/v2.",
        ),
        Row(
            f"{prefix}model_not_supported", NotFoundError, "The plan does not include this model; choose another."
        ),
        Row(f"{prefix}not_subscribed", PermissionDeniedError, "There is no such plan; subscribe in the console."),
        Row(
            f"{prefix}subscription_expired",
            PermissionDeniedError,
            "The plan has expired; renew it in the console.",
        ),
        *(
            Row(f"{prefix}{period}_quota_exceeded", QuotaExceededError, _USED_UP)
            for period in ("hour", "week", "month")
        ),
        Row(f"{prefix}rate_limit*", RateLimitError, _SLOWER),
        Row(f"{prefix}quota*", QuotaExceededError, _USED_UP),
        Row(f"{prefix}*", PermissionDeniedError, "It is about the plan; see the console."),
    )


_V2_ROWS = (
    Row("malformed_json", InvalidRequestError),
    Row("invalid_messages", InvalidRequestError),
    Row("characters_too_long", ContextLengthError, _SHORTER),
    Row("tokens_too_long", ContextLengthError, _SHORTER),
    Row("invalid_argument", InvalidRequestError),
    Row(
        "invalid_image_url",
        InvalidRequestError,
        "An image must be smaller than 6000 x 6000 pixels, its shorter side at least 5.",
    ),
    Row("invalid_plugin_argument", InvalidRequestError),
    Row("image_url_unsafe", ContentFilterError, _MODERATION),
    Row(
        "no_parameter_permission",
        PermissionDeniedError,
        "A parameter must be enabled for the account first, or the model does not take it.",
    ),
    Row("invalid_appid", AuthenticationError, "app_id must belong to the API key's account."),
    Row("invalid_iam_token", AuthenticationError, _KEY),
    Row("account_overdue", PermissionDeniedError, SETTLE),
    Row("model_offline", NotFoundError, "The model is retired; choose another."),
    Row("method_not_supported", InvalidRequestError, "Is base_url right?"),
    Row("preemptible_rate_limit_exceeded", RateLimitError, _SLOWER),
    Row("Offline_batch_reasoning_refused", RateLimitError, _SLOWER),
    Row("internal_error", ServiceError),
    Row("dispatch_internal_error", ServiceError),
    # Codes of the API gateway, in a flat body or in headers.
    Row("AccessDenied", PermissionDeniedError),
    Row("SignatureDoesNotMatch", AuthenticationError, _PAIR),
    Row("InvalidAccessKeyId", AuthenticationError, _PAIR),
    Row("RequestExpired", AuthenticationError, "Is this machine's clock right?"),
    # OAuth.
    Row("invalid_client", AuthenticationError, "Check client_id and client_secret."),
    # Status 400: the field is empty; 401: the name is unknown.
    Row("invalid_model", InvalidRequestError, "Set model.", status=400),
    Row(
        "invalid_model",
        NotFoundError,
        "The model is unknown, or this account may not use it; V2 ids are in lower case.",
    ),
    Row("token_quota_exceeded", QuotaExceededError, _USED_UP),
    # Codes with a varying prefix or suffix.
    Row("invalid_image_gen*", InvalidRequestError),
    Row("*_unsafe", ContentFilterError, _MODERATION),
    Row("*_rate_limit_exceeded", RateLimitError, _SLOWER),
    *_plan("coding_plan_", "https://qianfan.baidubce.com/v2/coding"),
    *_plan("token_plan_person_", "https://qianfan.baidubce.com/v2/tokenplan/personal"),
)


class QianfanErrors:
    """Reads error replies of V2, V1, the API gateway and the OAuth endpoint."""

    table = ErrorTable((*_V1_ROWS, *_V2_ROWS), too_long=_SHORTER)

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """Return the error in a body or stream payload, or None."""
        if not isinstance(payload, dict):
            return None
        error = payload.get("error")
        if isinstance(error, dict) and error:
            return _facts(error.get("code") or error.get("type"), error.get("message"))
        if error:
            return _facts(error, payload.get("error_description"))
        if payload.get("error_code"):
            return _facts(payload["error_code"], payload.get("error_msg"))
        flat = flat_error(payload)
        return _facts(flat.code, flat.message) if flat else None

    def in_headers(self, headers: Mapping[str, str]) -> ErrorFacts | None:
        """Return the error that the API gateway puts into headers, or None."""
        code = headers.get("x-bce-error-code")
        return _facts(code, headers.get("x-bce-error-message")) if code else None

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """Return the request id from the headers; for an error without one, the id in the body."""
        found = headers.get("x-request-id") or headers.get("x-baidu-request-id") or headers.get("x-bce-request-id")
        if found or self.in_payload(payload) is None:
            return found or None
        body_id = payload.get("id") or payload.get("requestId") or payload.get("request_id")
        return str(body_id) if body_id else None


ERRORS = QianfanErrors()


def _facts(code: Any, message: Any) -> ErrorFacts:
    # A gateway may quote the refused URL, including its token.
    return ErrorFacts(code=None if code is None else str(code), message=redact(str(message)) if message else None)
