"""Error codes of Volcengine's OpenAPI gateway, where temporary keys are asked for.

Follows https://www.volcengine.com/docs/6369/68677 (common error codes). Errors come as
`{"ResponseMetadata": {"Error": {"Code", "Message"}}}`, now and then with HTTP 200.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.exceptions import (
    AuthenticationError,
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

_ACCESS_KEY = "Check access_key (VOLC_ACCESSKEY): it is wrong, disabled, or belongs to another site."
_SECRET_KEY = "Check secret_key (VOLC_SECRETKEY): it does not belong to this access_key."  # noqa: S105 - advice
_SCOPE = "Check region and control_base_url."
_CLOCK = "Set this machine's clock: a signature is valid for minutes only. The keys may well be right."
_POLICY = (
    "The keys are good, but their IAM user may not do this: grant it ark:GetApiKey for this endpoint, bot or "
    "project, and check project_name."
)
_SLOWER = "Temporary keys are given out slowly; share one process, or use an API key."

_KEYS = Verdict(AuthenticationError, _ACCESS_KEY)

_VERDICTS: dict[str, Verdict] = {
    "MissingAuthenticationToken": _KEYS,
    "MissingSignature": _KEYS,
    "InvalidAuthorization": _KEYS,
    "InvalidAccessKey": _KEYS,
    "InvalidAccessKeyId": _KEYS,
    "InvalidSecurityToken": _KEYS,
    "SignatureDoesNotMatch": Verdict(AuthenticationError, _SECRET_KEY),
    "InvalidCredential": Verdict(AuthenticationError, _SCOPE),
    "InvalidTimestamp": Verdict(AuthenticationError, _CLOCK),
    "RequestExpired": Verdict(AuthenticationError, _CLOCK),
    "AccessDenied": Verdict(PermissionDeniedError, _POLICY),
    "LackPolicy": Verdict(PermissionDeniedError, _POLICY),
    "OperationDenied": Verdict(PermissionDeniedError),
    "AccountOverdueError": Verdict(PermissionDeniedError, "Settle the account in the console's billing pages."),
    "InvalidActionOrVersion": Verdict(NotFoundError, _SCOPE),
    "ServiceNotFound": Verdict(NotFoundError, _SCOPE),
    "FlowLimitExceeded": Verdict(RateLimitError, _SLOWER),
    "AccountFlowLimitExceeded": Verdict(RateLimitError, _SLOWER),
}

# Beginnings and endings of names that are not in the table: inside an HTTP 200 the name is all there is.
_BEGINNINGS: tuple[tuple[str, Verdict], ...] = (
    ("Missing", Verdict(InvalidRequestError)),
    ("Invalid", Verdict(InvalidRequestError)),
    ("AccessDenied", Verdict(PermissionDeniedError, _POLICY)),
    ("QuotaExceeded", Verdict(QuotaExceededError)),
    ("Internal", Verdict(ServiceError)),
    ("Service", Verdict(ServiceError)),
)
_ENDINGS: tuple[tuple[str, Verdict], ...] = (
    ("LimitExceeded", Verdict(RateLimitError, _SLOWER)),
    ("NotFound", Verdict(NotFoundError, "Check the id of the endpoint, bot or model, and project_name.")),
)


class ControlPlaneErrors:
    """Reads the gateway's envelope."""

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error that a reply carries, or None."""
        error = _metadata(payload).get("Error")
        if not error:
            return None
        if not isinstance(error, dict):
            return ErrorFacts(code=None, message=f"GetApiKey: {error}")
        code = error.get("Code") or error.get("CodeN")
        text = error.get("Message") or code or "refused without a reason"
        return ErrorFacts(code=None if code is None else str(code), message=f"GetApiKey: {text}")

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The gateway's id of the request."""
        told = _metadata(payload).get("RequestId")
        return str(told) if told else headers.get("x-tt-logid") or None

    def classify(self, facts: ErrorFacts) -> Verdict | None:
        """Find the code's row, most specific first; None for a name that says nothing."""
        code = facts.code or ""
        parts = code.split(".")
        for length in range(len(parts), 0, -1):
            verdict = _VERDICTS.get(".".join(parts[:length]))
            if verdict is not None:
                return verdict
        for ending, verdict in _ENDINGS:
            if code.endswith(ending):
                return verdict
        for beginning, verdict in _BEGINNINGS:
            if code.startswith(beginning):
                return verdict
        return None


def _metadata(payload: Any) -> dict[str, Any]:
    metadata = payload.get("ResponseMetadata") if isinstance(payload, dict) else None
    return metadata if isinstance(metadata, dict) else {}
