"""Ark's error envelope.

Codes and types: https://www.volcengine.com/docs/82379/1299023.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

_TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
}

# Codes whose type is not the one of their HTTP status.
_ODD_TYPES = {
    "InvalidSubscription": "Forbidden",
    "InvalidAccountStatus": "Forbidden",
    "ModelNotOpen": "Not Found",
}
# Recorded without `param` and `type`.
_BARE = "InputTextSensitiveContentDetected"


class ArkError(Exception):
    """A request that Ark refuses."""

    def __init__(
        self, status: int, code: str, message: str, param: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers

    def payload(self, request_id: str) -> dict[str, Any]:
        """The envelope, as the body of a reply or as an event inside a stream."""
        error = {"code": self.code, "message": f"{self.message} Request id: {request_id}"}
        if self.code != _BARE:
            kind = _ODD_TYPES.get(self.code) or _TYPES.get(self.status, "InternalServerError")
            error |= {"param": self.param, "type": kind}
        return {"error": error}

    def response(self, request_id: str) -> JSONResponse:
        """The reply that carries the error."""
        return JSONResponse(self.payload(request_id), self.status, headers=self.headers)


def too_long() -> ArkError:
    """A prompt that the model does not take in whole; no code of its own, as recorded replies have it."""
    return ArkError(
        400, "InvalidParameter", "Total tokens of multi-modal content and text exceed max message tokens."
    )


def invalid(param: str, problem: str) -> ArkError:
    """A value that is not allowed: the error most rules end in."""
    return ArkError(
        400,
        "InvalidParameter",
        f"The parameter `{param}` specified in the request is not valid: {problem}.",
        param,
    )


def missing(param: str) -> ArkError:
    """A required field that is absent."""
    return ArkError(400, "MissingParameter", f"The request is missing the required parameter `{param}`.", param)


def unsupported(param: str, model: str) -> ArkError:
    """A field that this model does not take."""
    return ArkError(
        400,
        "InvalidParameter.UnsupportedParameter",
        f"`{param}` is not supported by this model: {model}.",
        param,
    )
