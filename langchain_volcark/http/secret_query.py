"""Query parameters that are secrets, kept out of what anybody logs or prints.

httpx logs each request's URL with its query at INFO, and a request shows it. So a secret travels in an extension,
and is joined to the URL only when our own transports write the request line. A user's own client needs it in the
URL: it gets a request of its own, and a filter on httpx's logger.
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
"""The request extension that holds them, as they are written in a URL."""

_NAMES = ("access_token", "client_secret", "client_id")
_SECRET = re.compile(rf"\b({'|'.join(_NAMES)})=[^&#\s\"']+")


def add_secret_query(request: httpx.Request, params: Mapping[str, str]) -> None:
    """Add parameters to a request's query, in place of those added before.

    Args:
        request: About to be sent.
        params: Names and secret values.
    """
    request.extensions[EXTENSION] = urlencode(params).encode("ascii")


def join(target: bytes, extensions: Mapping[str, Any]) -> bytes:
    """A request's target (path and query) with its secret parameters."""
    secret: bytes | None = extensions.get(EXTENSION)
    if not secret:
        return target
    return target + (b"&" if b"?" in target else b"?") + secret


def joined(request: httpx.Request) -> httpx.Request:
    """A request for a user's own client: with its secret parameters in the URL, where it has any."""
    if not request.extensions.get(EXTENSION):
        return request
    _filter_logs()
    whole = httpx.Request(
        request.method,
        request.url.copy_with(raw_path=join(request.url.raw_path, request.extensions)),
        headers=request.headers,
        stream=request.stream,
        extensions={name: value for name, value in request.extensions.items() if name != EXTENSION},
    )
    whole.read()
    return whole


def shown(url: httpx.URL) -> httpx.URL:
    """A URL as it may be shown: a key may stand in its query, a password before its host."""
    return url.copy_with(userinfo=b"", query=None, fragment=None)


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
