"""Ark's error codes and what they mean to a caller.

Follows https://www.volcengine.com/docs/82379/1299023 (error codes). A code is matched by its longest dotted
prefix, so `InvalidParameter.messages` finds `InvalidParameter`.
"""

from __future__ import annotations

import re
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

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = "Check the API key: it belongs to one region and plan, so BytePlus and plan keys need their own base_url."
_SLOWER = "Slow down, or ask for a higher limit in the console."
_QUOTA = "Waiting does not help: buy more quota, or wait for the period to end."
_PAY = "Settle the account in the console's billing pages."
_MODERATION = "Moderation refused it; change the prompt or the media."

_VERDICTS: dict[str, Verdict] = {
    "MissingParameter": Verdict(InvalidRequestError),
    "InvalidParameter": Verdict(InvalidRequestError),
    "InvalidArgumentError": Verdict(InvalidRequestError),
    "InvalidImageURL": Verdict(InvalidRequestError, "The image cannot be fetched or read."),
    "Duplicate": Verdict(InvalidRequestError),
    "OutofContextError": Verdict(ContextLengthError, "Shorten the messages, or lower max_tokens."),
    "InvalidEndpoint.ClosedEndpoint": Verdict(
        NotFoundError, "The endpoint is stopped or still starting; start it in the console."
    ),
    "SensitiveContentDetected": Verdict(ContentFilterError, _MODERATION),
    "ContentSecurityDetectionError": Verdict(ServiceError, "The content check itself failed."),
    "InvalidSubscription": Verdict(
        PermissionDeniedError, "The coding or agent plan is missing or has expired; renew it in the console."
    ),
    "AuthenticationError": Verdict(AuthenticationError, _KEY),
    "InvalidAccountStatus": Verdict(PermissionDeniedError, "The account is restricted; see the console."),
    "AccessDenied": Verdict(
        PermissionDeniedError,
        "The key is limited to a project, to certain models or to certain IP addresses.",
    ),
    "OperationDenied": Verdict(PermissionDeniedError),
    "OperationDenied.PermissionDenied": Verdict(
        PermissionDeniedError,
        "The key is limited to a project, to certain models or to certain IP addresses.",
    ),
    "OperationDenied.ServiceNotOpen": Verdict(PermissionDeniedError, "Activate the service in the console."),
    "OperationDenied.ServiceOverdue": Verdict(PermissionDeniedError, _PAY),
    "OperationDenied.InvalidState": Verdict(
        PermissionDeniedError, "The resource is busy or still being prepared.", retryable=True
    ),
    "AccountOverdueError": Verdict(PermissionDeniedError, _PAY),
    "InvalidEndpointOrModel.NotFound": Verdict(
        NotFoundError,
        "Check the id (model ids end in a date, such as doubao-seed-2-1-pro-260915) "
        "and that this account may use it.",
    ),
    "InvalidEndpoint.NotFound": Verdict(NotFoundError, "Check the endpoint id and the key's project."),
    "InvalidEndpointOrModel.ModelIDAccessDisabled": Verdict(
        NotFoundError, "This account may not call model ids; create an endpoint and pass its `ep-…` id."
    ),
    "ModelNotOpen": Verdict(NotFoundError, "The model exists but is not activated; open it in the console."),
    "NotFound": Verdict(NotFoundError),
    "UnsupportedModel": Verdict(NotFoundError, "The plan does not include this model."),
    "RateLimitExceeded": Verdict(RateLimitError, _SLOWER),
    "AccountRateLimitExceeded": Verdict(RateLimitError, _SLOWER),
    "ServerOverloaded": Verdict(RateLimitError, "Raise the load more slowly."),
    "RequestBurstTooFast": Verdict(RateLimitError, "Raise the load more slowly."),
    "InflightBatchsizeExceeded": Verdict(RateLimitError, "Lower the concurrency."),
    "QuotaExceeded": Verdict(QuotaExceededError, _QUOTA),
    "SetLimitExceeded": Verdict(
        QuotaExceededError,
        "The spending limit of the safe-experience mode is reached; raise it in the console.",
    ),
    "InternalServiceError": Verdict(ServiceError),
}

_REQUEST_ID = re.compile(r"\s*Request id: \S+\s*$", re.IGNORECASE)

# Families whose names vary at the front: ModelAccountTpmRateLimitExceeded, InputImageSensitiveContentDetected, …
_FAMILIES: tuple[tuple[str, Verdict], ...] = (
    ("SensitiveContentDetected", Verdict(ContentFilterError, _MODERATION)),
    ("RiskDetection", Verdict(ContentFilterError, _MODERATION)),
    ("RateLimitExceeded", Verdict(RateLimitError, _SLOWER)),
    ("QuotaExceeded", Verdict(QuotaExceededError, _QUOTA)),
)


class ArkErrors:
    """Reads Ark's envelope: `{"error": {"code", "message", "param", "type"}}`."""

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error that a body or a stream payload carries, or None."""
        error = payload.get("error") if isinstance(payload, dict) else None
        if not error:
            return None
        if not isinstance(error, dict):
            return ErrorFacts(code=None, message=str(error))
        code = error.get("code")
        return ErrorFacts(
            code=None if code is None else str(code), message=_text(error.get("message"), error.get("param"))
        )

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:  # noqa: ARG002
        """The server's id; the client's own comes back as `X-Client-Request-Id` and is not meant here."""
        return headers.get("x-request-id") or None

    def classify(self, facts: ErrorFacts) -> Verdict | None:
        """Find the code's row, most specific first; None for a code that is not in the table."""
        code = facts.code or ""
        parts = code.split(".")
        for length in range(len(parts), 0, -1):
            verdict = _VERDICTS.get(".".join(parts[:length]))
            if verdict is not None:
                return verdict
        for ending, verdict in _FAMILIES:
            if parts[0].endswith(ending):
                return verdict
        return None


def _text(message: Any, param: Any) -> str | None:
    if not message:
        return None
    # The request id has a place of its own in our exceptions.
    text = _REQUEST_ID.sub("", str(message))
    return f"{text} (parameter: {param})" if param and str(param) not in text else text
