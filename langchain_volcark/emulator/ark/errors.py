"""Error replies of Ark.

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

# Codes whose type differs from that of their HTTP status.
_ODD_TYPES = {
    "InvalidSubscription": "Forbidden",
    "InvalidAccountStatus": "Forbidden",
    "ModelNotOpen": "Not Found",
}
# Recorded replies have no `param` and `type` for these.
_BARE = "InputTextSensitiveContentDetected"


class ArkError(Exception):
    """An error of Ark."""

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
        """Return the body of the reply or stream event."""
        error = {"code": self.code, "message": f"{self.message} Request id: {request_id}"}
        if self.code != _BARE:
            kind = _ODD_TYPES.get(self.code) or _TYPES.get(self.status, "InternalServerError")
            error |= {"param": self.param, "type": kind}
        return {"error": error}

    def response(self, request_id: str) -> JSONResponse:
        """Return the error reply."""
        return JSONResponse(self.payload(request_id), self.status, headers=self.headers)


def too_long() -> ArkError:
    """Build the error for a prompt that is too long; it has a generic code, as recorded."""
    return ArkError(
        400, "InvalidParameter", "Total tokens of multi-modal content and text exceed max message tokens."
    )


def invalid(param: str, problem: str) -> ArkError:
    """Build the error for an invalid value."""
    return ArkError(
        400,
        "InvalidParameter",
        f"The parameter `{param}` specified in the request is not valid: {problem}.",
        param,
    )


def missing(param: str) -> ArkError:
    """Build the error for a missing field."""
    return ArkError(400, "MissingParameter", f"The request is missing the required parameter `{param}`.", param)


def unsupported(param: str, model: str) -> ArkError:
    """Build the error for a field that the model does not support."""
    return ArkError(
        400,
        "InvalidParameter.UnsupportedParameter",
        f"`{param}` is not supported by this model: {model}.",
        param,
    )
