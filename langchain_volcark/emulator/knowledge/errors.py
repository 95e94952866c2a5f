"""Replies and errors in the knowledge base's format.

Codes: https://www.volcengine.com/docs/84313/1350012 and the pages of the other calls.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

UNAUTHORIZED = 1000001
NO_PERMISSION = 1000002
INVALID_REQUEST = 1000003
COLLECTION_NOT_EXIST = 1000005
DATA_NOT_FOUND = 1000011
INVALID_FILTER = 1000019
NOT_IMPLEMENTED = 1000024
INTERNAL = 1000028

_STATUS = {UNAUTHORIZED: 403, NO_PERMISSION: 403, NOT_IMPLEMENTED: 404, INTERNAL: 500}


class KnowledgeError(Exception):
    """An error of the service."""

    def __init__(
        self, code: int, message: str, status: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _STATUS.get(code, 400)
        self.headers = headers

    def response(self, request_id: str) -> JSONResponse:
        """Return the error reply."""
        body = envelope(request_id, None, self.code, self.message)
        return JSONResponse(body, self.status, headers=self.headers)


def invalid(problem: str) -> KnowledgeError:
    """Build the error for an invalid request."""
    return KnowledgeError(INVALID_REQUEST, f"invalid request: {problem}")


def envelope(request_id: str, data: Any, code: int = 0, message: str = "success") -> dict[str, Any]:
    """Build the common structure of all replies."""
    return {"code": code, "message": message, "request_id": request_id, "data": data}


def gateway_refusal(request_id: str, code: str, message: str, status: int) -> JSONResponse:
    """Build an error of the API gateway, which has a different format."""
    return JSONResponse(
        {"ResponseMetadata": {"RequestId": request_id, "Error": {"Code": code, "Message": message}}}, status
    )
