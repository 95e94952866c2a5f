"""Qianfan's error codes and what they mean to a caller.

V2: https://ai.baidu.com/ai-doc/WENXINWORKSHOP/Cm2y4d5ha (words, HTTP 4xx and 5xx).
V1: https://ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh (numbers, HTTP 200).
No word is a number, so one table holds both.
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
from langchain_volcark.http.errors import ErrorFacts, Verdict
from langchain_volcark.http.secret_query import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

RETIRED = "Qianfan's V1 interface went out of service on 2026-08-31"
_V2 = f'{RETIRED}: use api_version="v2" with model=… and an API key; redeploy custom services and pick V2 there.'
_KEY = "Check the API key: it looks like bce-v3/ALTAK-…/…, and the console shows it whole only once."
_PAIR = "Check access_key and secret_key (IAM), or client_id and client_secret (application)."
_SLOWER = "Slow down, or ask for a higher limit in the console."
_PAY = "Settle the account in the console's billing pages."
_SHORTER = "Shorten the messages."
_MODERATION = "Moderation refused it; change the prompt or the media."

_V1_VERDICTS: dict[str, Verdict] = {
    "1": Verdict(ServiceError),
    "2": Verdict(ServiceError),
    "3": Verdict(NotFoundError, f"There is no such path: check endpoint and base_url. {_V2}"),
    "4": Verdict(RateLimitError, "The cluster's limit is reached."),
    "6": Verdict(PermissionDeniedError, "The application lacks this API, or the service is not published."),
    "13": Verdict(AuthenticationError, _PAIR),
    "14": Verdict(AuthenticationError, f"The signature was refused. {_PAIR}"),
    "15": Verdict(ServiceError),
    "17": Verdict(
        QuotaExceededError, "The day's quota is used up, or the paid service is not activated or in arrears."
    ),
    "18": Verdict(RateLimitError, _SLOWER),
    "19": Verdict(QuotaExceededError, "The free quota is used up: activate paid use in the console."),
    "100": Verdict(AuthenticationError, "The access token is missing or malformed."),
    "110": Verdict(
        AuthenticationError, "The access token is invalid: get a new one, or pass client_id and client_secret."
    ),
    "111": Verdict(
        AuthenticationError, "The access token has expired: get a new one, or pass client_id and client_secret."
    ),
    "200": Verdict(ServiceError),
    "336000": Verdict(ServiceError),
    "336001": Verdict(InvalidRequestError),
    "336002": Verdict(InvalidRequestError),
    "336003": Verdict(InvalidRequestError),
    "336004": Verdict(PermissionDeniedError),
    "336005": Verdict(
        NotFoundError, "Check endpoint: the console shows it with a prefix, such as ngxxxol8_test1."
    ),
    "336006": Verdict(
        InvalidRequestError,
        "V1 wants an odd number of messages, user and assistant in turn, the last from the user; "
        "it also answers so where only the last role is wrong.",
    ),
    "336007": Verdict(ContextLengthError, _SHORTER),
    "336008": Verdict(InvalidRequestError),
    "336100": Verdict(ServiceError, "The service is busy."),
    "336101": Verdict(InvalidRequestError),
    "336102": Verdict(InvalidRequestError),
    "336103": Verdict(ContextLengthError, _SHORTER),
    "336104": Verdict(InvalidRequestError),
    "336105": Verdict(InvalidRequestError),
    "336200": Verdict(ServiceError),
    "336303": Verdict(InvalidRequestError),
    "336501": Verdict(RateLimitError, _SLOWER),
    "336502": Verdict(RateLimitError, _SLOWER),
    "337006": Verdict(InvalidRequestError),
    "500000": Verdict(ServiceError),
}

_V2_VERDICTS: dict[str, Verdict] = {
    "malformed_json": Verdict(InvalidRequestError),
    "invalid_messages": Verdict(InvalidRequestError),
    "characters_too_long": Verdict(ContextLengthError, _SHORTER),
    "tokens_too_long": Verdict(ContextLengthError, _SHORTER),
    "invalid_argument": Verdict(InvalidRequestError),
    "invalid_image_url": Verdict(
        InvalidRequestError, "An image must be smaller than 6000 x 6000 pixels, its shorter side at least 5."
    ),
    "invalid_plugin_argument": Verdict(InvalidRequestError),
    "image_url_unsafe": Verdict(ContentFilterError, _MODERATION),
    "no_parameter_permission": Verdict(
        PermissionDeniedError, "A parameter must be enabled for the account first, or the model does not take it."
    ),
    "invalid_appid": Verdict(AuthenticationError, "app_id must belong to the API key's account."),
    "invalid_iam_token": Verdict(AuthenticationError, _KEY),
    "account_overdue": Verdict(PermissionDeniedError, _PAY),
    "model_offline": Verdict(NotFoundError, "The model is retired; choose another."),
    "method_not_supported": Verdict(InvalidRequestError, "Is base_url right?"),
    "preemptible_rate_limit_exceeded": Verdict(RateLimitError, _SLOWER),
    "Offline_batch_reasoning_refused": Verdict(RateLimitError, _SLOWER),
    "internal_error": Verdict(ServiceError),
    "dispatch_internal_error": Verdict(ServiceError),
    # The gateway's own words, in a flat body or in headers.
    "AccessDenied": Verdict(PermissionDeniedError),
    "SignatureDoesNotMatch": Verdict(AuthenticationError, _PAIR),
    "InvalidAccessKeyId": Verdict(AuthenticationError, _PAIR),
    "RequestExpired": Verdict(AuthenticationError, "Is this machine's clock right?"),
    # OAuth.
    "invalid_client": Verdict(AuthenticationError, "Check client_id and client_secret."),
}

_MODEL = Verdict(NotFoundError, "The model is unknown, or this account may not use it; V2 ids are in lower case.")

# Families whose names vary at the front or at the end.
_ENDINGS: tuple[tuple[str, Verdict], ...] = (
    ("_unsafe", Verdict(ContentFilterError, _MODERATION)),
    ("_rate_limit_exceeded", Verdict(RateLimitError, _SLOWER)),
)


class QianfanErrors:
    """Reads the envelopes of V2, V1, the gateway and the OAuth endpoint."""

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error that a body or a stream payload carries, or None."""
        if not isinstance(payload, dict):
            return None
        error = payload.get("error")
        if isinstance(error, dict) and error:
            return _facts(error.get("code") or error.get("type"), error.get("message"))
        if error:
            return _facts(error, payload.get("error_description"))
        if payload.get("error_code"):
            return _facts(payload["error_code"], payload.get("error_msg"))
        message = payload.get("message") or payload.get("msg")
        if payload.get("code") and isinstance(message, str):
            return _facts(payload["code"], message)
        return None

    def in_headers(self, headers: Mapping[str, str]) -> ErrorFacts | None:
        """The gateway's refusal of a signature, or None."""
        code = headers.get("x-bce-error-code")
        return _facts(code, headers.get("x-bce-error-message")) if code else None

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The server's id; of an error without one, the reply's id."""
        found = headers.get("x-request-id") or headers.get("x-baidu-request-id") or headers.get("x-bce-request-id")
        if found or self.in_payload(payload) is None:
            return found or None
        said = payload.get("id") or payload.get("requestId") or payload.get("request_id")
        return str(said) if said else None

    def classify(self, facts: ErrorFacts) -> Verdict | None:
        """Find the code's row; None for a code that is not in the tables."""
        code = facts.code or ""
        if code == "invalid_model":
            # With 400 the field is empty, with 401 the name is unknown.
            return Verdict(InvalidRequestError, "Set model.") if facts.status == 400 else _MODEL
        verdict = _V1_VERDICTS.get(code) or _V2_VERDICTS.get(code)
        if verdict is not None:
            return verdict
        for ending, family in _ENDINGS:
            if code.endswith(ending):
                return family
        if code.startswith("coding_plan_"):
            return _coding_plan(code)
        if code.startswith("invalid_image_gen"):
            return Verdict(InvalidRequestError)
        return None


ERRORS = QianfanErrors()


def _coding_plan(code: str) -> Verdict:
    if "rate_limit" in code:
        return Verdict(RateLimitError, _SLOWER)
    if "quota" in code:
        return Verdict(QuotaExceededError, "The coding plan's quota of this period is used up.")
    return Verdict(PermissionDeniedError, "The coding plan is missing or has expired; renew it in the console.")


def _facts(code: Any, message: Any) -> ErrorFacts:
    # A gateway may quote the URL it refused, token and all.
    return ErrorFacts(code=None if code is None else str(code), message=redact(str(message)) if message else None)
