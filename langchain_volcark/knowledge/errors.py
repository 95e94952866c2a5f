"""Error codes of the knowledge base: the exception for each, and what the caller can do about it.

Follows the error tables of https://www.volcengine.com/docs/84313/1350012 (search_knowledge) and of the
other calls, and the vendor's SDKs. The API gateway in front of the service answers errors in another format, with
codes that are words (https://www.volcengine.com/docs/6369/68677).
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
from langchain_volcark.http.error_table import ErrorFacts, ErrorTable, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = "Check access_key, secret_key and region (or, for a packaged service, its api_key)."
_CLOCK = "Set this machine's clock: a signature is valid for minutes only."
_SLOWER = "Slow down. Public model names share a low limit: an endpoint of your own (ep-…) has a separate one."
_SEARCH_SLOWER = "Slow down; the standard edition allows one search per second and 300 a day."
_COLLECTION = "Check collection_name and project (or resource_id)."
_FILTER = "The filter's field must be doc_id, or declared in the collection with the type of the values."


def _table(slower: str) -> ErrorTable:
    """Build the error table; only the advice for rate limits differs between searches and other calls."""
    return ErrorTable((*_ROWS, *(Row(code, RateLimitError, slower) for code in _RATE_LIMITS)))


_RATE_LIMITS = ("1000029", "300004", "FlowLimitExceeded", "AccountFlowLimitExceeded")
_ROWS = (
    Row("1000001", AuthenticationError, _KEYS),
    # BytePlus uses this code, with status 400, for invalid requests.
    Row("1000002", InvalidRequestError, status=400),
    Row("1000002", PermissionDeniedError, "This account, or its IAM user, may not do that here."),
    Row("1000003", InvalidRequestError),
    Row("1000004", InvalidRequestError),
    Row("1000005", NotFoundError, _COLLECTION),
    Row("1000006", PermissionDeniedError),
    Row("1000007", InvalidRequestError),
    Row("1000008", NotFoundError, "The collection has no index; check it in the console."),
    Row("1000010", ServiceError, retryable=False),
    Row("1000011", NotFoundError),
    Row("1000013", ServiceError, retryable=False),
    Row("1000014", ServiceError, retryable=False),
    Row("1000015", AuthenticationError, _KEYS),
    Row("1000016", InvalidRequestError),
    Row("1000017", InvalidRequestError),
    Row("1000018", InvalidRequestError),
    Row("1000019", InvalidRequestError, _FILTER),
    Row("1000020", ServiceError, retryable=False),
    Row("1000021", ServiceError, retryable=True),
    Row("1000022", ServiceError, retryable=True),
    Row("1000023", ServiceError, "The index is not ready yet.", retryable=True),
    Row("1000024", NotFoundError, "This host does not offer that API; check base_url."),
    Row("1000025", ServiceError, retryable=False),
    Row("1000026", ServiceError, retryable=False),
    Row("1000028", ServiceError, retryable=True),
    Row("1000030", ServiceError, retryable=True),
    Row("1001001", NotFoundError),
    Row("1001010", InvalidRequestError, "Split the document."),
    Row("1002001", NotFoundError),
    # Codes of the API gateway.
    Row("MissingAuthenticationToken", AuthenticationError, _KEYS),
    Row("InvalidAuthorization", AuthenticationError, _KEYS),
    Row("InvalidAccessKey", AuthenticationError, _KEYS),
    Row("InvalidCredential", AuthenticationError, _KEYS),
    Row("InvalidSecurityToken", AuthenticationError, "The session_token is wrong or has expired."),
    Row("SignatureDoesNotMatch", AuthenticationError, _KEYS),
    Row("InvalidTimestamp", AuthenticationError, _CLOCK),
    Row("RequestExpired", AuthenticationError, _CLOCK),
    Row("AccessDenied", PermissionDeniedError, "This account, or its IAM user, may not do that here."),
    Row("InvalidActionOrVersion", NotFoundError, "Check base_url."),
)


class KnowledgeErrors:
    """Reads errors in `{"code", "message", "request_id", "data"}` or `{"error": {…}}`, with any HTTP status."""

    table = _table(_SLOWER)

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """Return the error in a body or stream payload, or None."""
        if not isinstance(payload, dict):
            return None
        refusal = _metadata(payload).get("Error")
        if isinstance(refusal, dict):
            return _facts(refusal.get("Code") or refusal.get("CodeN"), refusal.get("Message"))
        inner = payload.get("error")
        if isinstance(inner, dict) and inner:  # a model service in front, in its own form
            return _facts(inner.get("code") or inner.get("type"), inner.get("message"))
        code = payload.get("code")
        # The reranker's older reply format has no code.
        if code is None or str(code) == "0":
            return None
        return _facts(code, payload.get("message") or payload.get("msg"))

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """Return the request id in the body, else the gateway's, else the log id in the headers."""
        if isinstance(payload, dict):
            request_id = payload.get("request_id") or _metadata(payload).get("RequestId")
            if request_id:
                return str(request_id)
        return headers.get("x-tt-logid") or None


def _metadata(payload: dict[str, Any]) -> dict[str, Any]:
    metadata = payload.get("ResponseMetadata")
    return metadata if isinstance(metadata, dict) else {}


def _facts(code: Any, message: Any) -> ErrorFacts:
    return ErrorFacts(None if code is None else str(code), str(message) if message else None)


class SearchErrors(KnowledgeErrors):
    """Same as `KnowledgeErrors`, with the rate limit advice for searches."""

    table = _table(_SEARCH_SLOWER)


ERRORS = KnowledgeErrors()
SEARCH_ERRORS = SearchErrors()
