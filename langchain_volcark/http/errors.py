"""From replies that are errors, and from transport failures, to our exceptions.

A vendor's envelopes and error codes live in its `errors.py`; how a code is looked up, in `error_table.py`.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import httpx

from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    PermissionDeniedError,
    ResponseFormatError,
    VolcArkError,
)
from langchain_volcark.http.bodies import EventError, read_body
from langchain_volcark.http.error_table import ErrorFacts, Verdict, class_for_status
from langchain_volcark.http.redaction import Redaction, redact_links, shown
from langchain_volcark.http.retry import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.http.error_table import ErrorTable

_TOLERATED_SKEW = 5 * 60.0
_PROXY_AUTHENTICATION = 407
_TOO_MANY_FILES = "Raise the limit of open files of this process (ulimit -n), or lower max_connections."
_MOST_TEXT = 10_000  # characters of a body without an envelope in which a reason is looked for
_FINE = frozenset({"0", "200", "ok", "success"})  # codes of an envelope that say that nothing is wrong
_CODES = ("code", "error_code", "Code")
_MESSAGES = ("message", "msg", "error_msg", "error_message", "Message", "detail", "error")


class ErrorReader(Protocol):
    """What a vendor's `errors.py` supplies: how its replies say that something went wrong."""

    def in_payload(self, payload: Any) -> ErrorFacts | None:
        """The error that a parsed body or stream payload carries, or None."""

    def request_id(self, headers: Mapping[str, str], payload: Any) -> str | None:
        """The server's id of the request."""

    @property
    def table(self) -> ErrorTable:
        """The service's error codes."""


@runtime_checkable
class HeaderErrorReader(Protocol):
    """A service whose gateway may put its refusal into headers alone."""

    def in_headers(self, headers: Mapping[str, str]) -> ErrorFacts | None:
        """The error that a non-2xx reply's headers name, or None."""


def flat_error(payload: Any) -> ErrorFacts | None:
    """The error of a flat envelope, `{"code", "message"}`, as gateways answer in front of any service, or None."""
    if not isinstance(payload, dict) or payload.get("choices"):
        return None
    code, message = payload.get("code"), payload.get("message") or payload.get("msg")
    if isinstance(code, bool) or not isinstance(code, (str, int)) or not isinstance(message, str):
        return None
    text = str(code)
    return ErrorFacts(text, message) if text and text.lower() not in _FINE else None


def stated_error(payload: Any) -> ErrorFacts:
    """Read an error from a payload of unknown form, by the field names that most services use.

    Args:
        payload: Of a service or gateway whose envelope is not known: any JSON value, or a text.

    Returns:
        Code and message, as far as they are there.
    """
    if not isinstance(payload, dict):
        return ErrorFacts(None, str(payload) if payload else None)
    inner = payload.get("error")
    said = inner if isinstance(inner, dict) else payload
    code = next((said[name] for name in _CODES if _is_word(said.get(name))), None)
    message = next((said[name] for name in _MESSAGES if isinstance(said.get(name), str) and said[name]), None)
    return ErrorFacts(None if code is None else str(code), message)


def _is_word(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value not in ("", 0, "0")


def find_error(values: list[Any], reader: ErrorReader) -> tuple[ErrorFacts, Any] | None:
    """The first error among what a body holds, and the value that holds it.

    Args:
        values: From `read_body`.
        reader: The vendor's reader of error bodies.
    """
    for value in values:
        is_named_so = isinstance(value, EventError)
        payload = value.payload if is_named_so else value
        facts = reader.in_payload(payload) or (stated_error(payload) if is_named_so else None)
        if facts is not None:
            return facts, payload
    return None


@runtime_checkable
class AdvisingErrorReader(Protocol):
    """A service some of whose errors are explained by the request alone."""

    def advice(self, response: httpx.Response) -> str:
        """What the user should do next; empty where the request does not explain the error."""


def error_from_response(response: httpx.Response, reader: ErrorReader) -> VolcArkError:
    """Read a non-2xx reply whose body has been read.

    Args:
        response: The reply.
        reader: The vendor's reader of error bodies.

    Returns:
        The exception to raise.
    """
    try:
        values = read_body(response.content)
    except ValueError:
        values = []
    found = find_error(values, reader)
    if found is not None:
        return error_from_facts(*found, response, reader)
    payload = values[0] if values else None
    facts = reader.in_headers(response.headers) if isinstance(reader, HeaderErrorReader) else None
    if facts is not None:
        return error_from_facts(facts, payload, response, reader)
    return _error_without_facts(response, Redaction(response).data(payload), reader)


def error_from_facts(
    facts: ErrorFacts, payload: Any, response: httpx.Response, reader: ErrorReader
) -> VolcArkError:
    """Build the exception for an error that came in the vendor's own envelope, whatever the HTTP status."""
    status = response.status_code
    verdict = reader.table.verdict(replace(facts, status=status))
    redaction = Redaction(response)
    payload = redaction.data(payload)
    message = redact_links(redaction.text(facts.message or facts.code or f"HTTP {status}"))
    return verdict.error(
        _with_advice(message, _advice(response, reader, verdict.error) or verdict.advice),
        status_code=status,
        code=None if facts.code is None else redaction.text(facts.code),
        request_id=request_id_of(response, reader, payload),
        retry_after=parse_retry_after(response.headers),
        body=payload,
        response=_without_request(response, payload),
        is_retryable=_server_verdict(response, default=verdict.retryable),
    )


def request_id_of(response: httpx.Response, reader: ErrorReader, payload: Any) -> str | None:
    """The server's id of the request, redacted: a gateway may write anything into the header."""
    found = reader.request_id(response.headers, payload)
    return None if found is None else Redaction(response).text(found)


def _with_advice(message: str, advice: str) -> str:
    """The service's words as a sentence of their own, then ours."""
    if not advice:
        return message
    return f"{message}. {advice}" if message[-1:].isalnum() else f"{message} {advice}"


def _error_without_facts(response: httpx.Response, payload: Any, reader: ErrorReader) -> VolcArkError:
    status = response.status_code
    body_text = _text_of(response)
    text = redact_links(" ".join(body_text.split()))[:300]
    message = f"HTTP {status} without the service's error envelope: {text or '(empty body)'}"
    facts = ErrorFacts(None, body_text[:_MOST_TEXT], status)
    verdict = reader.table.verdict(facts) if status >= 400 else Verdict(class_for_status(status))
    if response.is_redirect:
        target = Redaction(response).text(response.headers.get("location", ""))
        message = f"HTTP {status}: the server redirects to {target!r}; set base_url to the final address."
    elif status == _PROXY_AUTHENTICATION:
        verdict = Verdict(APIConnectionError, retryable=False)
        message = f"HTTP 407: the proxy wants credentials; put them into the proxy's URL. {text}"
    return verdict.error(
        _with_advice(message, verdict.advice),
        status_code=status,
        request_id=request_id_of(response, reader, payload),
        retry_after=parse_retry_after(response.headers),
        body=payload if payload is not None else body_text,
        response=_without_request(response),
        is_retryable=_server_verdict(response, default=verdict.retryable),
    )


def format_error(
    response: httpx.Response,
    reader: ErrorReader,
    what: str,
    *,
    content: bytes | None = None,
    secret: bool = False,
) -> ResponseFormatError:
    """The exception for a 200 that is not what the service documents.

    Args:
        response: The reply.
        reader: The vendor's reader of error bodies.
        what: What is wrong with it.
        content: The part of the body that is; all of it by default, which has been read then.
        secret: Whether it may hold a secret, and is not shown.
    """
    if secret:
        return ResponseFormatError(
            f"The reply to the token request is not what the service documents: {what}. Is its address right?",
            status_code=response.status_code,
            request_id=request_id_of(response, reader, None),
        )
    body_text = _text_of(response, content)
    text = redact_links(" ".join(body_text.split()))[:200]
    return ResponseFormatError(
        f"The reply is not what the service documents: {what}. It begins: {text!r}. "
        "Is base_url the API's own address, and no proxy or portal in between?",
        status_code=response.status_code,
        request_id=request_id_of(response, reader, None),
        body=body_text,
        response=_without_request(response, body_text),
    )


def no_answer_error(
    response: httpx.Response, reader: ErrorReader, payload: Any, problem: str
) -> ResponseFormatError:
    """The exception for a 200 that is JSON, but not the answer that the service documents.

    Args:
        response: The reply.
        reader: The vendor's reader of error bodies.
        payload: The JSON value that should have been an answer.
        problem: What is wrong with it.
    """
    facts = stated_error(payload)
    redaction = Redaction(response)
    is_success = isinstance(payload, dict) and str(payload.get("code")) == "0"
    text = redact_links(redaction.text(facts.message)) if facts.message and not is_success else ""
    said = f" It says: {text!r}." if text else ""
    body = redaction.data(payload)
    return ResponseFormatError(
        f"The reply is not what the service documents: {problem}.{said}",
        status_code=response.status_code,
        code=None if facts.code is None else redaction.text(facts.code),
        request_id=request_id_of(response, reader, body),
        body=body,
        response=_without_request(response, body),
    )


def _text_of(response: httpx.Response, content: bytes | None = None) -> str:
    """A body as text. The charset may be a name that Python takes for something else, such as `base64`."""
    content = response.content if content is None else content
    try:
        text = content.decode(response.charset_encoding or "utf-8", "replace")
    except (LookupError, ValueError):
        text = content.decode("utf-8", "replace")
    return Redaction(response).text(text)


def connection_error(error: httpx.HTTPError | httpx.InvalidURL, url: httpx.URL) -> VolcArkError:
    """Translate an httpx exception; the caller chains it with `from`.

    Args:
        error: What httpx raised.
        url: Where the request went; only its host is shown.

    Returns:
        The exception to raise.
    """
    _bare(error, url)
    host = url.netloc.decode("ascii", "replace").rpartition("@")[2]
    kind = type(error).__name__
    if isinstance(error, httpx.PoolTimeout):
        return APITimeoutError(
            f"No free connection to {host} in time: {error or kind}. Lower the concurrency, or raise "
            "max_connections (with a client of your own: its limits)."
        )
    if isinstance(error, httpx.ConnectTimeout):
        return APITimeoutError(
            f"Connecting to {host} took too long. Check the network, the proxy and base_url, or raise timeout."
        )
    if isinstance(error, httpx.TimeoutException):
        return APITimeoutError(
            f"{host} did not answer in time ({kind}). Thinking models can be silent for minutes: "
            "stream the answer, or raise timeout."
        )
    if isinstance(error, httpx.DecodingError):
        return ResponseFormatError(f"The reply of {host} could not be decompressed: {error}")
    if isinstance(error, httpx.ProxyError):
        return _proxy_error(error, host)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)):
        # h11 quotes the header that it refuses, and so would whoever prints the cause.
        problem = "a header cannot be sent" if isinstance(error, httpx.LocalProtocolError) else str(error)
        return APIConnectionError(f"The request to {host} cannot be sent: {problem}", is_retryable=False)
    advice = f" {_TOO_MANY_FILES}" if os.strerror(errno.EMFILE) in str(error) else ""
    return APIConnectionError(f"No answer from {host}: {error or kind} ({kind}).{advice}")


def _bare(error: httpx.HTTPError | httpx.InvalidURL, url: httpx.URL) -> None:
    """Take the credentials off an exception of a user's own client, which will be a cause."""
    try:
        method = error.request.method  # type: ignore[union-attr]
    except (RuntimeError, AttributeError):  # none there
        return
    instead = httpx.Request(method, shown(url))
    error.request = instead  # type: ignore[union-attr]
    if isinstance(error, httpx.HTTPStatusError):  # raised by a user's hook
        redaction = Redaction(error.response)
        error.args = (redaction.text(str(error)),)
        error.response.headers = redaction.headers(error.response)
        error.response.request = instead


def _proxy_error(error: httpx.ProxyError, host: str) -> APIConnectionError:
    """What a proxy answered that was asked for a tunnel; the text begins with its status, if it has one."""
    status = str(error)[:3]
    code = int(status) if status.isdecimal() else None
    advice = " It wants credentials: put them into the proxy's URL." if code == _PROXY_AUTHENTICATION else ""
    return APIConnectionError(
        f"The proxy did not lead to {host}: {error}.{advice}",
        status_code=code,
        is_retryable=None if code is None else code >= 500 or code == 429,
    )


def clock_skew(response: httpx.Response) -> float | None:
    """How far this machine's clock is from the server's, judged by a signed request and its reply.

    Args:
        response: The reply, with its request.

    Returns:
        Seconds by which this machine is ahead (negative: behind), or None where the request was not signed or the
        reply has no time.
    """
    try:
        sent = response.request.headers["x-date"]
        ours = dt.datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.timezone.utc)
        theirs = parsedate_to_datetime(response.headers["date"])
    except (RuntimeError, LookupError, TypeError, ValueError, OverflowError):
        return None
    return (ours - theirs).total_seconds() if theirs.tzinfo is not None else None


def _advice(response: httpx.Response, reader: ErrorReader, error: type[VolcArkError]) -> str:
    """Advice that depends on more than the error's code."""
    return _clock_advice(response, error) or (
        reader.advice(response) if isinstance(reader, AdvisingErrorReader) else ""
    )


def _clock_advice(response: httpx.Response, error: type[VolcArkError]) -> str:
    """What to do where a signature was refused and the clocks disagree: then the keys may well be right."""
    skew = clock_skew(response) if issubclass(error, (AuthenticationError, PermissionDeniedError)) else None
    if skew is None or abs(skew) < _TOLERATED_SKEW:
        return ""
    side = "ahead of" if skew > 0 else "behind"
    return (
        f"This machine's clock is {abs(skew) / 60:.0f} minutes {side} the server's, and a signature is valid for "
        "minutes only: set the clock before you doubt the keys."
    )


def _server_verdict(response: httpx.Response, *, default: bool | None) -> bool | None:
    """The server's own word on retrying wins over our tables (header `x-should-retry`)."""
    word = response.headers.get("x-should-retry")
    return {"true": True, "false": False}.get(word.strip().lower(), default) if word else default


def _without_request(response: httpx.Response, payload: Any = None) -> httpx.Response:
    """Copy a reply without the request, whose headers carry the credentials, and without what it quotes of them.

    Of a stream, whose bytes are gone, the payload that held the error stands for the body.
    """
    dropped = {b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"}
    redaction = Redaction(response)
    headers = [each for each in redaction.headers(response).raw if each[0].lower() not in dropped]
    try:
        content = redaction.content(response.content)
    except httpx.ResponseNotRead:
        # `dumps` never refuses what came as JSON, such as NaN.
        text = payload if isinstance(payload, str) else json.dumps(payload)
        content = text.encode("utf-8", "replace")
    return httpx.Response(response.status_code, headers=headers, content=content)
