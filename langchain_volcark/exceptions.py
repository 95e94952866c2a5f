"""The exceptions a call can raise.

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

The right-hand column names the class of `langchain_core.exceptions` that each one also is, so that code
written for any LangChain provider (retry middleware, fallbacks, summarisation) recognises it.
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
    """Base of everything this package raises from a call to a service.

    Attributes:
        message: What happened, and what to do next where that is known.
        status_code: HTTP status, or None where no reply arrived.
        code: The service's own error code as a string, or None.
        request_id: The server's id of the request, for its support desk.
        retry_after: Seconds the server asked to wait, or None.
        body: The parsed error body, or its text.
        response: The reply without its request (which carries the credentials); not pickled.
        is_retryable: Whether the same request may succeed later without anybody doing anything.
        partial: For streams: the message as far as it had come, or None.
        completed: For calls of many requests (embeddings, reranking): input's position to its result, for all
            requests that succeeded; None elsewhere.
        failed_inputs: For such calls: the positions that the failed request was for.
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
        partial: AIMessage | None = None,
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
    """Recreate a pickled exception; its attributes follow as pickle state."""
    return cls(message)


class InvalidRequestError(VolcArkError, ModelInvalidRequestError):
    """The service refused the request itself (HTTP 400, or a parameter it does not take)."""


class ContextLengthError(InvalidRequestError, ContextOverflowError):
    """Prompt and requested answer do not fit into the model's context."""


class ContentFilterError(InvalidRequestError):
    """Moderation refused the input or the output."""


class AuthenticationError(VolcArkError, ModelAuthenticationError):
    """Credentials are missing, wrong, expired, or belong to another region or plan (HTTP 401)."""


class PermissionDeniedError(VolcArkError, ModelPermissionDeniedError):
    """The credentials are good but may not do this, or the account is in arrears (HTTP 403)."""


class NotFoundError(VolcArkError, ModelNotFoundError):
    """No such model or endpoint, or it is not activated for this account (HTTP 404)."""


class RateLimitError(VolcArkError, ModelRateLimitError):
    """Too many requests or tokens for now; time heals it (HTTP 429)."""

    is_retryable = True


class QuotaExceededError(RateLimitError):
    """A quota or spending limit is used up; waiting a moment does not help (HTTP 429)."""

    is_retryable = False


class ServiceError(VolcArkError, ModelAPIError):
    """The service failed on its side (HTTP 5xx, 409)."""

    is_retryable = True


class ResponseFormatError(VolcArkError, ModelAPIError):
    """The reply is not what the service documents: HTML from a proxy, broken JSON, missing fields."""

    is_retryable = False


class APIConnectionError(VolcArkError, ModelConnectionError):
    """No answer: refused, reset, unreachable. `__cause__` is the transport's own exception."""

    is_retryable = True


class APITimeoutError(APIConnectionError, ModelTimeoutError):
    """The answer, or the next part of a stream, took longer than `timeout` allows (also HTTP 408)."""

    is_retryable = True


class StreamInterruptedError(APIConnectionError):
    """A stream broke, or ended without saying why. `partial` holds what had arrived.

    The same question may be asked again. The package itself does so only before the first part of the answer.
    """

    is_retryable = True
