"""The knowledge base's error codes and what they mean to a caller.

Follows the error tables of https://www.volcengine.com/docs/84313/1350012 (search_knowledge) and its sister
pages, and the vendor's own clients. A refusal by the gateway in front of the service comes in another envelope,
with codes that are words (https://www.volcengine.com/docs/6369/68677).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
)
from langchain_volcark.http.errors import ErrorFacts, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = "Check access_key, secret_key and region (or, for a packaged service, its api_key)."
_CLOCK = "Set this machine's clock: a signature is valid for minutes only."
_SLOWER = "Slow down; the standard edition allows one search per second and 300 a day."
_COLLECTION = "Check collection_name and project (or resource_id)."
_FILTER = (
    "A filter's field must be doc_id or declared at the collection's creation, its values of the declared type."
)

_REFUSED = Verdict(InvalidRequestError)
_HEALS = Verdict(ServiceError, retryable=True)
_LASTS = Verdict(ServiceError, retryable=False)

_VERDICTS: dict[str, Verdict] = {
    "1000001": Verdict(AuthenticationError, _KEYS),
    "1000002": Verdict(PermissionDeniedError, "This account, or its IAM user, may not do that here."),
    "1000003": _REFUSED,
    "1000004": _REFUSED,
    "1000005": Verdict(NotFoundError, _COLLECTION),
    "1000006": Verdict(PermissionDeniedError),
    "1000007": _REFUSED,
    "1000008": Verdict(NotFoundError, "The collection's index is missing; look at it in the console."),
    "1000010": _LASTS,
    "1000011": Verdict(NotFoundError),
    "1000013": _LASTS,
    "1000014": _LASTS,
    "1000015": Verdict(AuthenticationError, _KEYS),
    "1000016": _REFUSED,
    "1000017": _REFUSED,
    "1000018": _REFUSED,
    "1000019": Verdict(InvalidRequestError, _FILTER),
    "1000020": _LASTS,
    "1000021": _HEALS,
    "1000022": _HEALS,
    "1000023": Verdict(ServiceError, "The index is not ready yet.", retryable=True),
    "1000024": Verdict(NotFoundError, "This host does not offer that call; check base_url."),
    "1000025": _LASTS,
    "1000026": _LASTS,
    "1000028": _HEALS,
    "1000029": Verdict(RateLimitError, _SLOWER),
    "1000030": _HEALS,
    "300004": Verdict(RateLimitError, _SLOWER),
    "1001001": Verdict(NotFoundError),
    "1001010": Verdict(InvalidRequestError, "Split the document."),
    "1002001": Verdict(NotFoundError),
    # The gateway's own.
    "MissingAuthenticationToken": Verdict(AuthenticationError, _KEYS),
    "InvalidAuthorization": Verdict(AuthenticationError, _KEYS),
    "InvalidAccessKey": Verdict(AuthenticationError, _KEYS),
    "InvalidCredential": Verdict(AuthenticationError, _KEYS),
    "InvalidSecurityToken": Verdict(AuthenticationError, "The session_token is wrong or has expired."),
    "SignatureDoesNotMatch": Verdict(AuthenticationError, _KEYS),
    "InvalidTimestamp": Verdict(AuthenticationError, _CLOCK),
    "RequestExpired": Verdict(AuthenticationError, _CLOCK),
    "AccessDenied": Verdict(PermissionDeniedError, "This account, or its IAM user, may not do that here."),
    "FlowLimitExceeded": Verdict(RateLimitError, _SLOWER),
    "AccountFlowLimitExceeded": Verdict(RateLimitError, _SLOWER),
    "InvalidActionOrVersion": Verdict(NotFoundError, "Check base_url."),
}


class KnowledgeErrors:
    """Reads `{"code", "message", "request_id", "data"}`, whatever the HTTP status, and the gateway's envelope."""

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error that a body or a stream payload carries, or None."""
        if not isinstance(payload, dict):
            return None
        refusal = _metadata(payload).get("Error")
        if isinstance(refusal, dict):
            return _facts(refusal.get("Code") or refusal.get("CodeN"), refusal.get("Message"))
        code = payload.get("code")
        # A reply in the old form of the reranker has no code.
        if code is None or str(code) == "0":
            return None
        return _facts(code, payload.get("message"))

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The body's id, else the gateway's, else the log id of the headers."""
        if isinstance(payload, dict):
            told = payload.get("request_id") or _metadata(payload).get("RequestId")
            if told:
                return str(told)
        return headers.get("x-tt-logid") or None

    def classify(self, facts: ErrorFacts) -> Verdict | None:
        """Find the code's row; None for a code that is not in the table."""
        if facts.code == "1000002" and facts.status == 400:
            return _REFUSED  # BytePlus gives an invalid request this number
        return _VERDICTS.get(facts.code or "")


def _metadata(payload: dict[str, Any]) -> dict[str, Any]:
    metadata = payload.get("ResponseMetadata")
    return metadata if isinstance(metadata, dict) else {}


def _facts(code: Any, message: Any) -> ErrorFacts:
    return ErrorFacts(None if code is None else str(code), str(message) if message else None)


ERRORS = KnowledgeErrors()
