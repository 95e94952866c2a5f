"""Batch inference: `/batch/…` takes the requests of the online paths, one complete reply each, at half the price.

Follows https://www.volcengine.com/docs/82379/1528783 (batch chat).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from langchain_volcark.emulator.ark.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from starlette.responses import Response

    from langchain_volcark.emulator.state import RecordedRequest

    Route = Callable[[RecordedRequest, str, frozenset[str] | None], Coroutine[Any, Any, Response]]

ENDPOINT = "ep-bi-"
"""How the ids of batch endpoints begin."""
_PATHS = ("chat/completions", "embeddings", "embeddings/multimodal")


def batch_routes(online: Mapping[tuple[str, str], Route]) -> dict[tuple[str, str], Route]:
    """Build the routes of batch inference from those of the online paths.

    Args:
        online: Method and path to handler.
    """
    return {("POST", f"batch/{path}"): _in_batch(online["POST", path]) for path in _PATHS}


def _in_batch(route: Route) -> Route:
    async def handle(request: RecordedRequest, request_id: str, resources: frozenset[str] | None) -> Response:
        _check(request.json)
        return _without_cached_tokens(await route(request, request_id, resources))

    return handle


def _check(body: Any) -> None:
    """Refuse what only the online paths take; everything else is left to them.

    Raises:
        ArkError: The model is no batch endpoint, or the request asks for a stream.
    """
    if not isinstance(body, dict):
        return
    model = body.get("model")
    if isinstance(model, str) and model and not model.startswith(ENDPOINT):
        raise invalid("model", f"{model} is not a batch inference endpoint, whose id begins with {ENDPOINT}")
    if body.get("stream"):
        raise invalid("stream", "batch inference does not support streaming")


def _without_cached_tokens(response: Response) -> Response:
    """Leave the count of cached tokens out of the usage, which batch inference does not have."""
    if not isinstance(response, JSONResponse):
        return response
    payload = json.loads(bytes(response.body))
    details = payload.get("usage", {}).get("prompt_tokens_details", {})
    if "cached_tokens" not in details:
        return response
    del details["cached_tokens"]
    if not details:
        del payload["usage"]["prompt_tokens_details"]
    return JSONResponse(payload)
