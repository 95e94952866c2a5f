"""What authorised a request is kept out of what is said of its reply: many a service quotes what it refuses."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus

import httpx

from langchain_volcark.http.secret_query import EXTENSION, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTEAD = "[redacted]"
_SHORTEST = 6  # characters; a shorter value is no secret, and its letters stand in many words
_SHOWN = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-bce-date",
        "x-content-sha256",
        "x-date",
    }
)
_KEY_ID = re.compile(r"(?:Credential=|bce-auth-v1/)([^/,]+)/")
_BODY_SECRETS = ("api_key",)


class Redaction:
    """Blots out of a reply what may be secret in its request: headers, query values, a key in the body.

    Args:
        response: The reply; without a request nothing is known, and nothing is changed.
    """

    def __init__(self, response: httpx.Response) -> None:
        try:
            found = set(_secrets(response.request))
        except RuntimeError:  # httpx's word for a response without a request
            found = set()
        forms = {form for secret in found if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._secrets = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """A text without them."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, _INSTEAD)
        return redact(text)

    def content(self, content: bytes) -> bytes:
        """A body without them."""
        for secret in self._secrets:
            if (encoded := secret.encode()) in content:
                content = content.replace(encoded, _INSTEAD.encode())
        return content

    def headers(self, response: httpx.Response) -> httpx.Headers:
        """A response's headers without them; as bytes, for a value need not be ASCII."""
        return httpx.Headers([(name, self.content(value)) for name, value in response.headers.raw])

    def data(self, value: Any) -> Any:
        """A value that came as JSON without them; the same object where there are none."""
        if isinstance(value, str):
            return self.text(value)
        written = json.dumps(value)
        if not any(json.dumps(secret)[1:-1] in written for secret in self._secrets):
            return value
        if isinstance(value, list):
            return [self.data(item) for item in value]
        return (
            {self.text(key): self.data(item) for key, item in value.items()} if isinstance(value, dict) else value
        )


def _secrets(request: httpx.Request) -> Iterator[str]:
    for name, value in request.headers.items():
        if name.lower() not in _SHOWN:
            yield value
            yield value.rpartition(" ")[2]
            yield from _KEY_ID.findall(value)
    hidden: bytes = request.extensions.get(EXTENSION) or b""
    for _, value in (*parse_qsl(hidden.decode("ascii")), *request.url.params.multi_items()):
        yield value
    try:
        body = json.loads(request.content)
    except (ValueError, RecursionError, RuntimeError):  # not JSON, or a stream that has been sent
        return
    if isinstance(body, dict):
        yield from (body[name] for name in _BODY_SECRETS if isinstance(body.get(name), str))


def _forms(secret: str) -> set[str]:
    """How a secret may be quoted: as it is, in a URL, in JSON, in HTML."""
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        html.escape(secret),
    }
