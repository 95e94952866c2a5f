"""Query parameters that are secrets, kept out of what anybody logs.

httpx logs each request's URL with its query at INFO. Below our own transports a secret is joined to the URL only
when the request line is written; a user's own client gets it in the URL, and a filter on httpx's logger.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTENSION = "secret_query"
"""The request extension that our transports read; a request that has it goes through one of them."""

_NAMES = ("access_token", "client_secret", "client_id")
_SECRET = re.compile(rf"\b({'|'.join(_NAMES)})=[^&#\s\"']+")


def add_secret_query(request: httpx.Request, params: Mapping[str, str]) -> None:
    """Add parameters to a request's query, replacing those of the same names.

    Args:
        request: About to be sent.
        params: Names and secret values.
    """
    if EXTENSION in request.extensions:
        request.extensions[EXTENSION] = urlencode(params).encode("ascii")
        return
    request.url = request.url.copy_merge_params(params)
    _filter_logs()


def join(target: bytes, extensions: Mapping[str, Any]) -> bytes:
    """A request's target (path and query) with its secret parameters."""
    secret: bytes | None = extensions.get(EXTENSION)
    if not secret:
        return target
    return target + (b"&" if b"?" in target else b"?") + secret


def redact(text: str) -> str:
    """Replace the values of secret parameters in a text, such as a URL."""
    return _SECRET.sub(r"\1=[redacted]", text)


class _Redaction(logging.Filter):
    """Blots secrets out of the URLs in log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redact(str(value)) if isinstance(value, (str, httpx.URL)) else value for value in record.args
            )
        return True


_FILTER = _Redaction()


def _filter_logs() -> None:
    logging.getLogger("httpx").addFilter(_FILTER)  # the same filter is never added twice
