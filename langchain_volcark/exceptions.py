"""The exceptions that calls raise.

```text
VolcArkError
├── InvalidRequestError            ModelInvalidRequestError
│   ├── ContextLengthError         ContextOverflowError
│   └── ContentFilterError
├── AuthenticationError            ModelAuthenticationError
├── PermissionDeniedError          ModelPermissionDeniedError
├── NotFoundError                  ModelNotFoundError
├── RateLimitError                 ModelRateLimitError
│   └── QuotaExceededError
├── ServiceError                   ModelAPIError
├── ResponseFormatError            ModelAPIError
└── APIConnectionError             ModelConnectionError
    ├── APITimeoutError            ModelTimeoutError
    └── StreamInterruptedError
```

The right-hand column is the class of `langchain_core.exceptions` that each one also inherits from, so that code
for any LangChain provider (retry middleware, fallbacks, summarisation) recognises it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

if TYPE_CHECKING:
    import httpx
    from langchain_core.messages import AIMessage

__all__ = [
    "APIConnectionError",
    "APITimeoutError",
    "AuthenticationError",
    "ContentFilterError",
    "ContextLengthError",
    "InvalidRequestError",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaExceededError",
    "RateLimitError",
    "ResponseFormatError",
    "ServiceError",
    "StreamInterruptedError",
    "VolcArkError",
]

_ErrorT = TypeVar("_ErrorT", bound="VolcArkError")


class VolcArkError(ModelError):
    """Base of all exceptions of failed calls to a service.

    Attributes:
        message: What happened, with advice where there is any.
        status_code: HTTP status, or None where no reply arrived.
        code: The service's own error code as a string, or None.
        request_id: The server's request id, for the service's support.
        retry_after: Seconds to wait according to the server, or None.
        body: The parsed error body, or its text.
        response: The reply without its request (which has the credentials); not pickled.
        is_retryable: Whether the same request may succeed later without any change.
        partial: What was received before the error, or None: the message of a stream, or the pictures of an image
            generation (`GeneratedImages`).
        completed: For calls of several requests (embeddings, reranking): input position to result, for all
            requests that succeeded; None for other calls.
        failed_inputs: For such calls: the input positions of the failed request.
    """

    completed: dict[int, Any] | None = None
    failed_inputs: tuple[int, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: Any = None,
        response: httpx.Response | None = None,
        is_retryable: bool | None = None,
        partial: AIMessage | Any | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body
        self.response = response
        self.partial = partial
        if is_retryable is not None:
            self.is_retryable = is_retryable

    def __str__(self) -> str:
        facts = [
            f"{name}={value}"
            for name, value in (
                ("status", self.status_code),
                ("code", self.code),
                ("request_id", self.request_id),
            )
            if value is not None
        ]
        return f"{self.message} [{', '.join(facts)}]" if facts else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        state = {key: value for key, value in self.__dict__.items() if key != "response"}
        return _rebuild, (type(self), self.message), state


def _rebuild(cls: type[_ErrorT], message: str) -> _ErrorT:
    """Recreate a pickled exception; pickle restores its attributes afterwards."""
    return cls(message)


class InvalidRequestError(VolcArkError, ModelInvalidRequestError):
    """The request is invalid (HTTP 400, or a parameter that the service does not support)."""


class ContextLengthError(InvalidRequestError, ContextOverflowError):
    """Prompt and requested answer exceed the model's context window."""


class ContentFilterError(InvalidRequestError):
    """Moderation refused the input or the output."""


class AuthenticationError(VolcArkError, ModelAuthenticationError):
    """Credentials are missing, wrong, expired, or belong to another region or plan (HTTP 401)."""


class PermissionDeniedError(VolcArkError, ModelPermissionDeniedError):
    """The credentials are valid but lack a permission, or the account is in arrears (HTTP 403)."""


class NotFoundError(VolcArkError, ModelNotFoundError):
    """The model or endpoint does not exist, or is not activated for this account (HTTP 404)."""


class RateLimitError(VolcArkError, ModelRateLimitError):
    """Too many requests or tokens at the moment; may succeed later (HTTP 429)."""

    is_retryable = True


class QuotaExceededError(RateLimitError):
    """A quota or spending limit is used up; a retry does not help (HTTP 429)."""

    is_retryable = False


class ServiceError(VolcArkError, ModelAPIError):
    """The service failed (HTTP 5xx, 409)."""

    is_retryable = True


class ResponseFormatError(VolcArkError, ModelAPIError):
    """The reply is not in the documented form: HTML from a proxy, invalid JSON, missing fields."""

    is_retryable = False


class APIConnectionError(VolcArkError, ModelConnectionError):
    """The connection failed: refused, reset, unreachable. `__cause__` is the transport's exception."""

    is_retryable = True


class APITimeoutError(APIConnectionError, ModelTimeoutError):
    """The reply, or the next payload of a stream, did not arrive within `timeout` (also HTTP 408)."""

    is_retryable = True


class StreamInterruptedError(APIConnectionError):
    """A stream broke, or ended without a finish reason. `partial` holds what had arrived.

    The request may be repeated. The package itself retries only before the first part of the answer.
    """

    is_retryable = True
