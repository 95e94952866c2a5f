"""Error replies of Qianfan.

V2: https://ai.baidu.com/ai-doc/WENXINWORKSHOP/Cm2y4d5ha. V1: https://ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

MAX_CHARACTERS = 256_000
_TYPES = {
    "no_parameter_permission": "access_denied",
    "account_overdue": "access_denied",
    "model_offline": "access_denied",
    "internal_error": "Internal_error",
    "dispatch_internal_error": "Internal_error",
    "Offline_batch_reasoning_refused": "rate_limit_exceeded",
}


class V2Error(Exception):
    """An error of V2."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, glued: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.glued = glued
        self.code = code
        self.message = message
        self.headers = headers

    def payload(self, reply_id: str) -> dict[str, Any]:
        """Return the body of the reply or stream event."""
        error = {"code": self.code, "message": self.message, "type": _type(self.code)}
        return {"error": error, "id": reply_id}

    def response(self, reply_id: str) -> JSONResponse:
        """Return the error reply."""
        response = JSONResponse(self.payload(reply_id), self.status, headers=self.headers)
        response.body = bytes(response.body) + self.glued.encode()
        response.headers["content-length"] = str(len(response.body))
        return response


class V1Error(Exception):
    """An error of V1, sent with HTTP status 200."""

    def __init__(self, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers

    def payload(self, reply_id: str) -> dict[str, Any]:
        """Return the body of the reply or stream event."""
        return {"error_code": self.code, "error_msg": self.message, "id": reply_id}

    def response(self, reply_id: str) -> JSONResponse:
        """Return the error reply."""
        return JSONResponse(self.payload(reply_id), 200, headers=self.headers)


def _type(code: str) -> str:
    if code.endswith("_unsafe"):
        return "unsafe_request"
    if code.endswith("rate_limit_exceeded"):
        return "rate_limit_exceeded"
    return _TYPES.get(code, "invalid_request_error")


def invalid(message: str) -> V2Error:
    """Build the error for an invalid value in V2."""
    return V2Error(400, "invalid_argument", message)


def too_long() -> V2Error:
    """Build the error for a prompt that is too long, as recorded: with a second JSON document after it."""
    message = f"input characters limit is {MAX_CHARACTERS}"
    return V2Error(400, "invalid_argument", message, glued='{"code":20000,"msg":"Unknown error []"}')


def bad_messages(message: str) -> V2Error:
    """Build the error for invalid messages in V2."""
    return V2Error(400, "invalid_messages", message)


def invalid_param(message: str) -> V1Error:
    """Build the error for an invalid value or conversation in V1."""
    return V1Error(336003, message)
