"""Error codes of Volcengine's OpenAPI gateway, which issues Ark's temporary API keys.

Follows https://www.volcengine.com/docs/6369/68677 (common error codes). The format is
`{"ResponseMetadata": {"Error": {"Code", "Message"}}}`, sometimes with HTTP 200.
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
from langchain_volcark.http.error_table import SETTLE, ErrorFacts, ErrorTable, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCESS_KEY = "Check access_key (VOLC_ACCESSKEY): it is wrong, disabled, or belongs to another site."
_SECRET_KEY = "Check secret_key (VOLC_SECRETKEY): it does not belong to this access_key."  # noqa: S105 - advice
_SCOPE = "Check region and control_base_url."
_CLOCK = "Set this machine's clock: a signature is valid for minutes only. The keys may be correct."
_POLICY = (
    "The keys are valid, but their IAM user lacks a permission: grant it ark:GetApiKey for this endpoint, bot or "
    "project, and check project_name."
)
_SLOWER = "The rate of temporary keys is limited; use one process for several models, or an API key."

_TABLE = ErrorTable(
    (
        Row("MissingAuthenticationToken", AuthenticationError, _ACCESS_KEY),
        Row("MissingSignature", AuthenticationError, _ACCESS_KEY),
        Row("InvalidAuthorization", AuthenticationError, _ACCESS_KEY),
        Row("InvalidAccessKey", AuthenticationError, _ACCESS_KEY),
        Row("InvalidAccessKeyId", AuthenticationError, _ACCESS_KEY),
        Row("InvalidSecurityToken", AuthenticationError, _ACCESS_KEY),
        Row("SignatureDoesNotMatch", AuthenticationError, _SECRET_KEY),
        Row("InvalidCredential", AuthenticationError, _SCOPE),
        Row("InvalidTimestamp", AuthenticationError, _CLOCK),
        Row("RequestExpired", AuthenticationError, _CLOCK),
        Row("AccessDenied", PermissionDeniedError, _POLICY),
        Row("LackPolicy", PermissionDeniedError, _POLICY),
        Row("OperationDenied", PermissionDeniedError),
        Row("AccountOverdueError", PermissionDeniedError, SETTLE),
        Row("InvalidActionOrVersion", NotFoundError, _SCOPE),
        Row("ServiceNotFound", NotFoundError, _SCOPE),
        Row("FlowLimitExceeded", RateLimitError, _SLOWER),
        Row("AccountFlowLimitExceeded", RateLimitError, _SLOWER),
        # Patterns for codes that the page does not list: in an HTTP 200 only the code shows the kind of error.
        Row("*LimitExceeded", RateLimitError, _SLOWER),
        Row("*NotFound", NotFoundError, "Check the id of the endpoint, bot or model, and project_name."),
        Row("Missing*", InvalidRequestError),
        Row("Invalid*", InvalidRequestError),
        Row("AccessDenied*", PermissionDeniedError, _POLICY),
        Row("QuotaExceeded*", QuotaExceededError),
        Row("Internal*", ServiceError),
        Row("Service*", ServiceError),
    )
)


class ControlPlaneErrors:
    """Reads the gateway's error format."""

    table = _TABLE

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error in a reply, or None."""
        error = _metadata(payload).get("Error")
        if not error:
            return None
        if not isinstance(error, dict):
            return ErrorFacts(code=None, message=f"GetApiKey: {error}")
        code = error.get("Code") or error.get("CodeN")
        text = error.get("Message") or code or "refused without a reason"
        return ErrorFacts(code=None if code is None else str(code), message=f"GetApiKey: {text}")

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The gateway's request id."""
        request_id = _metadata(payload).get("RequestId")
        return str(request_id) if request_id else headers.get("x-tt-logid") or None


def _metadata(payload: Any) -> dict[str, Any]:
    metadata = payload.get("ResponseMetadata") if isinstance(payload, dict) else None
    return metadata if isinstance(metadata, dict) else {}
