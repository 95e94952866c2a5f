"""Missing credentials of the knowledge base.

Follows https://www.volcengine.com/docs/84313/1254485 (signature) and /1544072 (keys of packaged services).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from langchain_volcark.exceptions import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Generator

MISSING = (
    "Set VOLC_ACCESSKEY and VOLC_SECRETKEY (or pass access_key=… and secret_key=…); "
    "a packaged service also accepts its own key: VOLC_KNOWLEDGE_API_KEY, or api_key=…"
)


class NoCredentials(httpx.Auth):
    """Raises at the first request, so that a model can be constructed without credentials."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request that already has an `Authorization` header; refuse any other."""
        if "authorization" not in request.headers:
            raise AuthenticationError(f"No credentials. {MISSING}")
        yield request
