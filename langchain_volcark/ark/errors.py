"""Ark's error codes: the exception and the advice for each.

Follows https://www.volcengine.com/docs/82379/1299023 (error codes) and recorded replies. A prompt that is too long
has the general code `InvalidParameter`; it is recognised by its text.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
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
from langchain_volcark.http.error_table import SETTLE, SHORTEN, ErrorFacts, ErrorTable, Row
from langchain_volcark.http.errors import flat_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from langchain_volcark.exceptions import VolcArkError

_WORK = ("file-", "cgt-")
"""How the ids of files and of video tasks begin."""
_KEY = "Check the API key: it belongs to one region and plan, so BytePlus and plan keys need their own base_url."
_LIMITED = "The key is limited to a project, to certain models or to certain IP addresses."
_SLOWER = "Slow down, or ask for a higher limit in the console."
_QUOTA = "Waiting does not help: buy more quota, or wait for the period to end."
_MODERATION = "Moderation refused it; change the prompt or the media."

_TABLE = ErrorTable(
    (
        Row("MissingParameter", InvalidRequestError),
        Row(
            "InvalidParameter.PreviousResponseNotFound",
            InvalidRequestError,
            "It has expired, was deleted or not stored, or belongs to another model: send the whole history.",
        ),
        Row("InvalidParameter", InvalidRequestError),
        Row("InvalidArgumentError", InvalidRequestError),
        Row("InvalidImageURL", InvalidRequestError, "The image cannot be fetched or read."),
        Row("Duplicate", InvalidRequestError),
        Row("OutofContextError", ContextLengthError, SHORTEN),
        Row(
            "InvalidEndpoint.ClosedEndpoint",
            NotFoundError,
            "The endpoint is stopped or still starting. Start it in the console.",
        ),
        Row("SensitiveContentDetected", ContentFilterError, _MODERATION),
        Row("ContentSecurityDetectionError", ServiceError, "The content check itself failed."),
        Row(
            "InvalidSubscription",
            PermissionDeniedError,
            "The coding or agent plan is missing or has expired; renew it in the console.",
        ),
        Row("AuthenticationError", AuthenticationError, _KEY),
        Row("InvalidAccountStatus", PermissionDeniedError, "The account is restricted; see the console."),
        Row("AccessDenied", PermissionDeniedError, _LIMITED),
        Row("OperationDenied", PermissionDeniedError),
        Row("OperationDenied.PermissionDenied", PermissionDeniedError, _LIMITED),
        Row("OperationDenied.ServiceNotOpen", PermissionDeniedError, "Activate the service in the console."),
        Row("OperationDenied.ServiceOverdue", PermissionDeniedError, SETTLE),
        Row(
            "OperationDenied.InvalidState",
            PermissionDeniedError,
            "The resource is busy or still being prepared.",
            retryable=True,
        ),
        Row(
            "OperationDenied.FileQuotaExceeded",
            PermissionDeniedError,
            "The account's storage is full: delete files, let them expire sooner, or use your own bucket.",
        ),
        Row(
            "OperationDenied.TosAccessDenied",
            PermissionDeniedError,
            "Ark may not read the bucket or write to it: grant it access in the console of TOS.",
        ),
        Row(
            "OperationDenied.ArkAccessRoleNotFound",
            PermissionDeniedError,
            "Ark has no role in your account: grant it access to TOS in the console.",
        ),
        Row("AccountOverdueError", PermissionDeniedError, SETTLE),
        Row(
            "InvalidEndpointOrModel.NotFound",
            NotFoundError,
            "Check the id (model ids end in a date, such as doubao-seed-2-1-pro-260915) "
            "and that this account may use it.",
        ),
        Row("InvalidEndpoint.NotFound", NotFoundError, "Check the endpoint id and the key's project."),
        Row(
            "InvalidEndpointOrModel.ModelIDAccessDisabled",
            NotFoundError,
            "This account may not call model ids; create an endpoint and pass its `ep-…` id.",
        ),
        Row("ModelNotOpen", NotFoundError, "The model exists but is not activated. Activate it in the console."),
        Row(
            "ToolNotOpen",
            PermissionDeniedError,
            "The hosted tool is not activated. Activate it in the console.",
        ),
        Row("NotFound", NotFoundError),
        Row(
            "InvalidAction",
            NotFoundError,
            "There is no such path: base_url ends in the version, such as …/api/v3.",
        ),
        Row(
            "UnsupportedModel",
            NotFoundError,
            "The plan does not include this model, or there is none of that name.",
        ),
        Row("RateLimitExceeded", RateLimitError, _SLOWER),
        Row("AccountRateLimitExceeded", RateLimitError, _SLOWER),
        Row("ServerOverloaded", RateLimitError, "Raise the load more slowly."),
        Row("RequestBurstTooFast", RateLimitError, "Raise the load more slowly."),
        Row("InflightBatchsizeExceeded", RateLimitError, "Lower the concurrency."),
        Row("QuotaExceeded", QuotaExceededError, _QUOTA),
        Row(
            "AccountQuotaExceeded",
            QuotaExceededError,
            "The plan's quota is used up; the text says when it is reset.",
        ),
        Row(
            "SetLimitExceeded",
            QuotaExceededError,
            "The spending limit of the safe-experience mode is reached; raise it in the console.",
        ),
        Row("InternalServiceError", ServiceError),
        Row("server_error", ServiceError),
        # Codes with varying prefixes: ModelAccountTpmRateLimitExceeded, InputImageSensitiveContentDetected, …
        Row("*SensitiveContentDetected", ContentFilterError, _MODERATION),
        Row("*RiskDetection", ContentFilterError, _MODERATION),
        Row("*RateLimitExceeded", RateLimitError, _SLOWER),
        Row("*QuotaExceeded", QuotaExceededError, _QUOTA),
        Row("*SetLimitExceeded", QuotaExceededError, _QUOTA),
    )
)

# At the end of a message; a gateway may append its own request id in parentheses.
_REQUEST_IDS = re.compile(
    r"[\s(]*\brequest ?id: *(?P<first>[\w-]+)\)?\.?(?:[\s(]+request ?id: *[\w-]+\)?\.?)*\s*$", re.IGNORECASE
)


_TOO_FEW_TOKENS = 16
_RAISE_LIMIT = (
    "The Responses API fails so with 16 tokens and fewer: raise max_tokens, which includes the thinking."
)
_FAILURES = ("error", "response.failed")


class ArkErrors:
    """Reads Ark's error format: `{"error": {"code", "message", "param", "type"}}`."""

    table = _TABLE

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error in a body or a stream payload, or None."""
        if not isinstance(payload, dict):
            return None
        if _is_failed_work(payload):
            return None
        event = payload.get("type")
        if event is not None and (event in _FAILURES or _is_event(event)):
            return _stated_by_event(payload) if event in _FAILURES else None
        error = payload.get("error")
        if not error:
            return flat_error(payload)
        return _facts(error)

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The server's request id: from the headers, or from the error's text where a gateway dropped the headers.

        The client's own id, which is returned as `X-Client-Request-Id`, is a different one.
        """
        found = headers.get("x-request-id")
        if found or not isinstance(payload, dict):
            return found or None
        error = payload.get("error")
        end = _REQUEST_IDS.search(str((error if isinstance(error, dict) else payload).get("message") or ""))
        return end["first"] if end else None

    def advice(self, response: httpx.Response) -> str:
        """What to do where the Responses API fails because of a small limit."""
        if response.status_code != 500:
            return ""
        limit = _sent(response).get("max_output_tokens")
        return _RAISE_LIMIT if type(limit) is int and limit <= _TOO_FEW_TOKENS else ""


def _sent(response: httpx.Response) -> dict[str, Any]:
    """The JSON body of a reply's request; empty where it has none."""
    try:
        body = json.loads(response.request.content)
    except (ValueError, RuntimeError):  # not JSON; or there is no request, or its body was a stream
        return {}
    return body if isinstance(body, dict) else {}


def error_of_work(error: Any, about: str, body: Any = None, *, status: int | None = None) -> VolcArkError:
    """Build the exception for work of the service that failed: a file that could not be read, a video, a picture.

    Args:
        error: The error in its object, `{"code", "message"}`, in whatever form it came.
        about: What failed, at the beginning of the text, such as `The video task cgt-… failed`.
        body: The object.
        status: The HTTP status that a request with such an error would have; it decides where the code is unknown.

    Returns:
        The exception of the error's code.
    """
    facts = replace(_facts(error or {"message": "the service does not say why"}), status=status)
    verdict = _TABLE.verdict(facts)
    text = f"{about}: {facts.message or facts.code}"
    if verdict.advice:
        text += f" {verdict.advice}" if text.endswith((".", "!", "。")) else f". {verdict.advice}"
    end = _REQUEST_IDS.search(str(error.get("message") or "")) if isinstance(error, dict) else None
    return verdict.error(
        text,
        code=facts.code,
        request_id=end["first"] if end else None,
        body=body,
        is_retryable=verdict.retryable,
    )


def _is_failed_work(payload: Mapping[str, Any]) -> bool:
    """Whether a payload describes a file or a task that failed: then its error is not that of the request."""
    return payload.get("status") == "failed" and str(payload.get("id")).startswith(_WORK)


def _is_event(kind: Any) -> bool:
    """Whether a payload is an event of a stream; that of a failed tool or picture has an `error` of its own."""
    return isinstance(kind, str) and kind.startswith(("response.", "image_generation."))


def _stated_by_event(payload: Mapping[str, Any]) -> ErrorFacts:
    """The error in an event of a response's stream: https://www.volcengine.com/docs/82379/1599499."""
    if payload["type"] == "error":
        return _facts(payload.get("error") or payload)
    response = payload.get("response")
    error = response.get("error") if isinstance(response, dict) else payload.get("error")
    return _facts(error or {"message": "The response failed, and the service does not say why."})


def _facts(error: Any) -> ErrorFacts:
    if not isinstance(error, dict):
        return ErrorFacts(code=None, message=str(error))
    code, param = error.get("code"), error.get("param")
    return ErrorFacts(
        code=None if code is None else str(code),
        message=_text(error.get("message"), param),
        param=str(param) if param else None,
    )


def _text(message: Any, param: Any) -> str | None:
    if not message:
        return None
    # Our exceptions have an attribute for the request id.
    text = _REQUEST_IDS.sub("", str(message))
    return f"{text} (parameter: {param})" if param and str(param) not in text else text
