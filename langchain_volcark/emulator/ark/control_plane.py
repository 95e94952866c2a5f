"""Ark's control plane: `GetApiKey`, which issues temporary keys for signed requests.

https://www.volcengine.com/docs/82379/1262825.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.ids import reply_id
from langchain_volcark.emulator.signature import SignatureError, Signer, verify

if TYPE_CHECKING:
    from langchain_volcark.emulator.credentials import Credentials
    from langchain_volcark.emulator.state import RecordedRequest

ACTION = "GetApiKey"
VERSION = "2024-01-01"

# Resource type to id prefix; preset endpoints may also be given by model id.
_ID_PREFIXES = {"endpoint": ("ep-",), "bot": ("bot-",), "presetendpoint": ("",)}
_SIGNATURE_STATUS = {"InvalidAccessKey": 401, "SignatureDoesNotMatch": 401}


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ArkControlPlane:
    """The OpenAPI gateway at `/`, with the one action that clients need."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def owns(self, path: str) -> bool:
        """Whether the path is the root; the action is in the query."""
        return path == "/"

    def new_request_id(self) -> str:
        """Return a log id."""
        return reply_id()

    def headers(self, request: RecordedRequest, request_id: str) -> dict[str, str]:  # noqa: ARG002
        """Return the header with the log id."""
        return {"X-Tt-Logid": request_id}

    def failure(self, request_id: str, status: int, code: str, message: str) -> Response:
        """Build an error in the gateway's format."""
        metadata = _metadata(request_id) | {"Error": {"Code": code, "Message": message}}
        return JSONResponse({"ResponseMetadata": metadata}, status)

    async def handle(self, request: RecordedRequest, request_id: str) -> Response:
        """Check the signature, then the action and its arguments."""
        try:
            signer = Signer(self._credentials.access_key, self._credentials.secret_key, "ark")
            verify(request, signer, request.received_at)
            if request.query.get("Action") != ACTION or request.query.get("Version") != VERSION:
                raise _RefusedError(404, "InvalidActionOrVersion", f"Only {ACTION} {VERSION} is supported here.")
            resources, seconds = _read(request.json)
        except SignatureError as error:
            return self.failure(request_id, _SIGNATURE_STATUS.get(error.code, 400), error.code, str(error))
        except _RefusedError as error:
            return self.failure(request_id, error.status, error.code, str(error))
        key = self._credentials.issue(resources, seconds)
        result = {"ApiKey": key.value, "ExpiredTime": key.expires_at}
        return JSONResponse({"ResponseMetadata": _metadata(request_id), "Result": result})


def _metadata(request_id: str) -> dict[str, Any]:
    return {
        "RequestId": request_id,
        "Action": ACTION,
        "Version": VERSION,
        "Service": "ark",
        "Region": "cn-beijing",
    }


def _read(body: Any) -> tuple[frozenset[str], int]:
    """Return the requested resources and lifetime in seconds."""
    if not isinstance(body, dict):
        raise _RefusedError(400, "InvalidParameter", "The body must be a JSON object.")
    for name in ("DurationSeconds", "ResourceType", "ResourceIds"):
        if body.get(name) in (None, "", []):
            raise _RefusedError(400, f"MissingParameter.{name}", f"The parameter {name} is required.")
    seconds, kind, ids = body["DurationSeconds"], body["ResourceType"], body["ResourceIds"]
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        raise _RefusedError(400, "InvalidParameter.DurationSeconds", "DurationSeconds must be a positive integer.")
    if kind not in _ID_PREFIXES:
        raise _RefusedError(
            400, "InvalidParameter.ResourceType", f"ResourceType must be one of {list(_ID_PREFIXES)}."
        )
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise _RefusedError(400, "InvalidParameter.ResourceIds", "ResourceIds must be a list of strings.")
    if not all(one.startswith(_ID_PREFIXES[kind]) for one in ids):
        raise _RefusedError(400, "InvalidParameter.ResourceIds", f"{ids} are not ids of the type {kind}.")
    if kind == "presetendpoint" and not body.get("ProjectName"):
        raise _RefusedError(400, "MissingParameter.ProjectName", "A preset endpoint needs ProjectName.")
    return frozenset(ids), seconds
