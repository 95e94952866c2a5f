"""Keeps credentials out of URLs, logs and errors, and nothing else: a service may quote the request it refuses.

What carries a credential is decided by the name of the header, query parameter or field of the body. Credentials
that travel in the query (Qianfan V1) are kept in a request extension, because httpx logs each URL; our transports
join them to the URL when they write the request line. A user's own client needs them in the URL: it gets a request
of its own, and a filter on httpx's logger.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXTENSION = "secret_query"
"""The request extension that holds credentials for the query, as they are written in a URL."""

REDACTED = "[redacted]"
"""What stands in place of a credential."""
_SHORTEST = 6  # characters; the letters of a shorter value stand in many words
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CREDENTIAL_WORD = re.compile(
    r".*(?:token|secret|signature|passw|passphrase|credential|cookie|authoriz|authoris).*|.*auth|.*keys?|.*keyid|"
    r"ak|sk|jwt|pass|pwd|sig|sign"
)
# A body also holds what the user writes about, such as a schema with a field "token".
_CREDENTIAL_FIELD = re.compile(
    r"(?:.*[-_])?(?:api_?key|access_?key(?:_?id)?|secret_?key|client_?secret|password|authorization|"
    r"(?:access|auth|bearer|security|session)_?token)",
    re.IGNORECASE,
)
_PART_OF_SIGNATURE = re.compile(r"(?:Credential=|bce-auth-v1/)([^/,]+)/|Signature=(\w+)|/([0-9a-f]{32,})$")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_QUERY_VALUE = re.compile(r"\b(access_token|client_secret|client_id)=[^&#\s\"']+")
_LINK_SIGNATURE = re.compile(
    r"\b(X-(?:Tos|Amz|Bce|Goog)-(?:Signature|Credential|Security-Token)|Signature|OSSAccessKeyId)=[^&#\s\"'\\]+",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/?#@\s\"']+@")
_AUTHORIZATION = re.compile(
    r"(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer)\s+)[^\s\"',;<>]+", re.IGNORECASE
)


def names_credential(name: str) -> bool:
    """Whether a header or query parameter of this name carries a credential."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(map(_CREDENTIAL_WORD.fullmatch, words)) or words[-2:] in (["client", "id"], ["access", "code"])


def redact(text: str) -> str:
    """Redact what can be recognised without the request: credentials in URLs, and quoted authorization headers."""
    text = _QUERY_VALUE.sub(rf"\1={REDACTED}", text)
    return _AUTHORIZATION.sub(rf"\1{REDACTED}", _USERINFO.sub(f"{REDACTED}@", text))


def redact_links(text: str) -> str:
    """Redact the signatures of links to stored objects, which whoever reads a message could open.

    Only for texts of errors: the same links in a body are results.
    """
    return _LINK_SIGNATURE.sub(rf"\1={REDACTED}", text)


class Redaction:
    """Redacts in a reply the credentials of its request.

    Args:
        response: The reply; without a request no credentials are known.
    """

    def __init__(self, response: httpx.Response) -> None:
        try:
            found = set(_credentials(response.request))
        except RuntimeError:  # httpx's answer where a response has no request
            found = set()
        forms = {form for value in found if len(value) >= _SHORTEST for form in _forms(value)}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Redact a text."""
        for form in self._forms:
            text = text.replace(form, REDACTED)
        return redact(text)

    def content(self, content: bytes) -> bytes:
        """Redact a body."""
        for form in self._forms:
            content = content.replace(form.encode(), REDACTED.encode())
        return redact(content.decode("latin-1")).encode("latin-1")

    def headers(self, response: httpx.Response) -> httpx.Headers:
        """Redact a response's headers; as bytes, for a value need not be ASCII."""
        return httpx.Headers([(name, self.content(value)) for name, value in response.headers.raw])

    def data(self, value: Any) -> Any:
        """Redact a value that came as JSON; the same object where nothing is to be redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            items = [self.data(item) for item in value]
            return items if items != value else value
        if isinstance(value, dict):
            fields = {self.text(key): self.data(item) for key, item in value.items()}
            return fields if fields != value else value
        return value


def _credentials(request: httpx.Request) -> Iterator[str]:
    for name, value in request.headers.items():
        if names_credential(name):
            yield from _parts(value)
    hidden: bytes = request.extensions.get(EXTENSION) or b""
    for name, value in (*parse_qsl(hidden.decode("ascii")), *request.url.params.multi_items()):
        if names_credential(name):
            yield from _parts(value)
    try:
        body = json.loads(request.content)
    except (ValueError, RecursionError, RuntimeError):  # not JSON, or a stream that has been sent
        return
    yield from _in_body(body)


def _in_body(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            yield from (
                part
                for name, item in one.items()
                if isinstance(item, str) and _CREDENTIAL_FIELD.fullmatch(name)
                for part in _parts(item)
            )
            yield from _of_server(one)
            pending += one.values()
        elif isinstance(one, list):
            pending += one


def _of_server(tool: dict[str, Any]) -> Iterator[str]:
    """The credentials for another server, such as an MCP server, that a tool's headers and URL hold."""
    headers, url = tool.get("headers"), tool.get("server_url")
    given = list(headers.items()) if isinstance(headers, dict) else []
    if isinstance(url, str):
        given += parse_qsl(url.partition("?")[2])
    yield from (
        part
        for name, value in given
        if isinstance(value, str) and names_credential(name)
        for part in _parts(value)
    )


def _parts(value: str) -> Iterator[str]:
    """A credential, and its parts that may be quoted alone: token, key id, signature, password, cookie values."""
    yield value
    scheme, _, token = value.rpartition(" ")
    yield token
    for groups in _PART_OF_SIGNATURE.findall(value):
        yield from filter(None, groups)
    yield from (cookie.partition("=")[2].strip() for cookie in value.split(";") if "=" in cookie)
    if scheme.lower() == "basic":
        yield base64.b64decode(token + "==").decode("utf-8", "replace").partition(":")[2]


def _forms(value: str) -> set[str]:
    """How a credential may be quoted: as it is, in a URL (once or twice), in JSON, in HTML, in base64, in hex."""
    in_urls = {quote(value), quote(value, safe=""), quote_plus(value)}
    in_urls |= {quote(one, safe="") for one in in_urls}
    content = value.encode("utf-8", "replace")
    return {
        value,
        *in_urls,
        *(_PERCENT.sub(lambda found: found[0].lower(), one) for one in in_urls),
        json.dumps(value)[1:-1],
        html.escape(value),
        html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        base64.b64encode(content).decode().rstrip("="),
        base64.urlsafe_b64encode(content).decode().rstrip("="),
        content.hex(),
    }


def shown(url: httpx.URL) -> httpx.URL:
    """A URL as it may be shown: a key may stand in its query, a password before its host."""
    return url.copy_with(userinfo=b"", query=None, fragment=None)


def add_secret_query(request: httpx.Request, params: Mapping[str, str]) -> None:
    """Add credentials to a request's query, in place of those added before.

    Args:
        request: About to be sent.
        params: Names and values.
    """
    request.extensions[EXTENSION] = urlencode(params).encode("ascii")


def target_with_secret(target: bytes, extensions: Mapping[str, Any]) -> bytes:
    """A request's target (path and query) with the credentials of its query."""
    secret: bytes | None = extensions.get(EXTENSION)
    if not secret:
        return target
    return target + (b"&" if b"?" in target else b"?") + secret


def with_secret_target(request: httpx.Request) -> httpx.Request:
    """A request for httpx's own transport: with the credentials of its query in the target alone, not in the URL.

    Libraries that trace httpx read the URL. Not for a request through a proxy, whose CONNECT would use the target.
    """
    if request.extensions.get(EXTENSION):
        target = target_with_secret(request.url.raw_path, request.extensions)
        request.extensions = {**request.extensions, "target": target}
    return request


def with_secret_url(request: httpx.Request) -> httpx.Request:
    """A request for a user's own client: with the credentials of its query in the URL, where it has any."""
    if not request.extensions.get(EXTENSION):
        return request
    logging.getLogger("httpx").addFilter(_FILTER)  # the same filter is never added twice
    whole = httpx.Request(
        request.method,
        request.url.copy_with(raw_path=target_with_secret(request.url.raw_path, request.extensions)),
        headers=request.headers,
        stream=request.stream,
        extensions={name: value for name, value in request.extensions.items() if name != EXTENSION},
    )
    whole.read()
    return whole


class _LogFilter(logging.Filter):
    """Redacts the URLs in log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redact(str(value)) if isinstance(value, (str, httpx.URL)) else value for value in record.args
            )
        return True


_FILTER = _LogFilter()
