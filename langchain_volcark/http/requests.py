"""Requests to a service: what a call wants to send, and how it becomes an `httpx.Request`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import httpx

from langchain_volcark._version import __version__
from langchain_volcark.http.auth import MODEL_EXTENSION
from langchain_volcark.http.forms import FormStream
from langchain_volcark.http.json import dump_json
from langchain_volcark.http.pool import FRESH_CONNECTION
from langchain_volcark.http.redaction import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.http.deadline import Deadline
    from langchain_volcark.http.fallback import Fallback
    from langchain_volcark.http.forms import Form
    from langchain_volcark.http.retry import RetryPolicy

_BASE_HEADERS = {
    "accept-encoding": "gzip, deflate",
    "content-type": "application/json",
    "user-agent": f"langchain-volcark/{__version__}",
}


@dataclass(frozen=True)
class ServiceRequest:
    """One request.

    Attributes:
        path: Below the base URL, beginning with a slash.
        body: The JSON body.
        headers: Headers of this call; they win over the client's.
        query: Query parameters of this call; they win over the client's.
        timeout: Bounds of this call, or None for the client's.
        method: The HTTP method; only a POST has a body.
        fallback: What to send instead where the service refuses this request, or None.
        retries: Decides what is repeated, or None for the client's number of retries.
        deadline: When nothing of this call is waited for any longer, or None. What is left of it is the read
            timeout of each attempt, whatever `timeout` says.
        form: Sent as multipart/form-data in place of the JSON body, or None.
        fresh_connection: Whether it never uses an idle connection, so that no pool sends it a second time.
    """

    path: str
    # Not shown: each may hold a secret, and error trackers print the local variables of every frame.
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout: httpx.Timeout | None = None
    method: Literal["POST", "GET", "DELETE"] = "POST"
    fallback: Fallback | None = None
    retries: RetryPolicy | None = None
    deadline: Deadline | None = None
    form: Form | None = field(default=None, repr=False)
    fresh_connection: bool = False


class _Unshown(bytes):
    """A body that error trackers, which print the local variables of every frame, do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def encode(request: ServiceRequest) -> bytes:
    """The JSON body of a request, once for all attempts; empty where it has none, or is a form.

    Raises:
        ValueError: The body holds a value that JSON does not know; the text names its field.
    """
    if request.method != "POST" or request.form is not None:
        return _Unshown()
    try:
        return _Unshown(dump_json(request.body))
    except (TypeError, ValueError) as error:
        where = next((f"{name}: " for name, value in request.body.items() if not _is_json({name: value})), "")
        raise ValueError(f"{where}The request cannot be written: {error}.") from None


def _is_json(value: Any) -> bool:
    try:
        dump_json(value)
    except (TypeError, ValueError):
        return False
    return True


class _Request(httpx.Request):
    """A request whose `repr` does not show the query, which may hold a key."""

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {str(shown(self.url))!r})>"


class RequestBuilder:
    """Builds the requests of one client.

    Args:
        base_url: Address of the API.
        headers: Headers of every request.
        query: Query parameters of every request.
        timeout: Timeouts of requests that have none of their own.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], query: Mapping[str, Any], timeout: httpx.Timeout
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._own_headers = dict(headers)
        self._headers = httpx.Headers({**_BASE_HEADERS, **self._own_headers})
        self._query = dict(query)
        self._timeout = timeout
        self._urls: dict[str, httpx.URL] = {}

    def build(
        self, request: ServiceRequest, content: bytes, users: httpx.Client | httpx.AsyncClient | None
    ) -> httpx.Request:
        """Build a request for one attempt.

        Args:
            request: What to send.
            content: Its body, from `encode`.
            users: The user's own client, which adds its defaults; None for one of ours.
        """
        url = self._url(request)
        timeout = request.timeout or self._timeout
        if request.deadline is not None:
            timeout = request.deadline.bound(timeout)
        extensions: dict[str, Any] = {MODEL_EXTENSION: request.body.get("model")}
        if request.fresh_connection:
            extensions[FRESH_CONNECTION] = True
        if users is not None:
            # The user's client adds its own defaults, which a model or call overrides.
            headers = {**self._own_headers, **request.headers}
            if request.form is None:
                headers = {"content-type": "application/json", **headers}
            body = {"content": content} if request.form is None else request.form.arguments()
            return users.build_request(
                request.method, url, headers=headers, timeout=timeout, extensions=extensions, **body
            )
        ready = httpx.Headers(self._headers)
        form = None if request.form is None else FormStream(request.form)
        if form is not None:
            ready.update(form.headers)
        elif request.method == "POST":
            ready["content-length"] = str(len(content))
        if request.headers:
            ready.update(request.headers)
        if "host" not in ready:
            ready["host"] = url.netloc.decode("ascii")
        # Given a stream, httpx leaves the headers alone: half of what it spends on a request otherwise.
        built = _Request(
            request.method,
            url,
            headers=ready,
            stream=form or httpx.ByteStream(content),
            extensions={**extensions, "timeout": timeout.as_dict()},
        )
        if form is None:
            built.read()
        return built

    def _url(self, request: ServiceRequest) -> httpx.URL:
        """The request's URL, parsed once: httpx spends a sixth of a call on that otherwise."""
        url = self._urls.get(request.path)
        if url is None:
            url = httpx.URL(self._base_url + quote(request.path, safe="/:@!$&'()*+,;=-._~"))
            if self._query:
                url = url.copy_merge_params(self._query)
            if request.method == "POST":  # the paths of other methods hold ids, so there is no end of them
                self._urls[request.path] = url
        return url.copy_merge_params(dict(request.query)) if request.query else url
