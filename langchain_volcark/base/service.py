"""Base class of all classes that call a service: base URL, timeouts, retries, headers, TLS and HTTP clients."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from os import PathLike
from ssl import SSLContext
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from langchain_volcark.base.values import Whole, check_field, own_fields, readable
from langchain_volcark.http.arguments import check_address, check_headers, check_query, refuse_httpx2, to_timeout
from langchain_volcark.http.client import HTTPClient
from langchain_volcark.http.errors import no_answer_error
from langchain_volcark.http.proxies import check_proxy
from langchain_volcark.http.registry import DEFAULT_MAX_CONNECTIONS, PoolSettings
from langchain_volcark.http.tls import check_verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

    from langchain_volcark.exceptions import ResponseFormatError
    from langchain_volcark.http.errors import ErrorReader
    from langchain_volcark.http.replies import Reply

T = TypeVar("T")

_CLIENT = "_http"
"""Key in an object's `__dict__` for its `HTTPClient`, which is not a field."""


def serialized_namespace(cls: type) -> list[str]:
    """The namespace for `langchain_core.load`; for our classes the package itself, so that modules may move."""
    path = cls.__module__.split(".")
    return path[:1] if path[0] == __name__.partition(".")[0] else path


def _unmasked(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else repr(value)


def _check_timeout(value: Any) -> Any:
    to_timeout(value)
    return value


Timeout = Annotated[Any, AfterValidator(_check_timeout)]
"""A value that `to_timeout` accepts, kept unconverted."""
Headers = Annotated[dict[str, str], PlainValidator(lambda value: check_headers(value, "extra_headers"))]
"""Headers of one call."""
Query = Annotated[dict[str, Any], PlainValidator(lambda value: check_query(value, "extra_query"))]
"""Query parameters of one call."""


class HTTPService(BaseModel):
    """Base of the chat models, embeddings, rerankers and retrievers.

    A vendor's class defines how requests are authorised and how errors are read. Connections are kept per process
    and event loop, not in the object: so it can be pickled and copied, and used by many threads, tasks and event
    loops at once.
    """

    base_url: str
    """URL of the API including its version path. A trailing slash or a pasted endpoint path is removed."""
    timeout: Timeout = None
    """Seconds, or an `httpx.Timeout`; None means connect 10 s, read 600 s.

    In a stream the read timeout limits the time between two payloads; keep-alive comments do not reset it.
    """
    max_retries: Whole = Field(default=2, ge=0)
    """Retries after the first attempt, for errors that may be temporary; 0 disables them."""
    default_headers: Annotated[
        dict[str, str], PlainValidator(lambda value: check_headers(value, "default_headers"))
    ] = Field(default_factory=dict, exclude=True, repr=False)
    """Headers of every request. They may hold a secret, so they are not in any `repr`, dump or trace."""
    default_query: Annotated[dict[str, Any], PlainValidator(lambda value: check_query(value, "default_query"))] = (
        Field(default_factory=dict, exclude=True, repr=False)
    )
    """Query parameters of every request; not in any `repr`, dump or trace either."""
    proxy: Annotated[str, AfterValidator(check_proxy)] | None = Field(default=None, exclude=True, repr=False)
    """Proxy URL; None uses the environment variables (`HTTPS_PROXY`, `NO_PROXY`, …)."""
    verify: Annotated[bool | str | PathLike[str] | SSLContext, PlainValidator(check_verify)] = Field(
        default=True, exclude=True, repr=False
    )
    """Verification of TLS certificates: True for the default CAs, the path of a file or directory of CA
    certificates, an `ssl.SSLContext` (for example with a client certificate; such an object cannot be pickled), or
    False to disable it.
    """
    max_connections: Whole = Field(default=DEFAULT_MAX_CONNECTIONS, ge=1, exclude=True, repr=False)
    """Maximum number of open connections; further calls wait for a free one, up to the `pool` timeout.

    Objects with equal `proxy`, `verify` and `max_connections` share connections: one pool per event loop, one for
    sync calls.
    """
    http_client: Annotated[httpx.Client | None, BeforeValidator(refuse_httpx2)] = Field(
        default=None, exclude=True, repr=False
    )
    """Your own client for sync calls: its headers, proxies and hooks apply; the package never closes it."""
    http_async_client: Annotated[httpx.AsyncClient | None, BeforeValidator(refuse_httpx2)] = Field(
        default=None, exclude=True, repr=False
    )
    """Your own client for async calls, never closed here. It belongs to the event loop of its first use."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,  # the input may hold a key
        defer_build=True,  # building schemas is half of the import time; concrete classes set it to False
    )

    endpoint_paths: ClassVar[tuple[str, ...]] = ()
    """Endpoint paths that are removed from a pasted base URL, longest first."""
    shared_fields: ClassVar[tuple[str, ...]] = ("http_client", "http_async_client", "rate_limiter", "verify")
    """Fields whose values a deep copy shares, because they cannot be copied."""

    # --- defined by a vendor's class ----------------------------------------------------------------------

    @property
    @abstractmethod
    def _errors(self) -> ErrorReader:
        """Reads errors from the service's replies."""

    @abstractmethod
    def _auth(self) -> httpx.Auth:
        """Authorises requests."""

    def _service_headers(self) -> dict[str, str]:
        """Headers of every request; a vendor's class may add to the user's."""
        return self.default_headers

    # --- construction -------------------------------------------------------------------------------------

    @field_validator("base_url")
    @classmethod
    def _normalise_base_url(cls, value: str) -> str:
        url = check_address(value, "base_url")
        for path in cls.endpoint_paths:
            url = url.removesuffix(path)
        return url.rstrip("/")

    @model_validator(mode="wrap")
    @classmethod
    def _explain_refusals(cls, value: Any, handler: Callable[[Any], Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            raise readable(error, cls) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in own_fields(type(self)):
            value = check_field(type(self), name, value)
        super().__setattr__(name, value)
        if name in type(self).model_fields:
            self.__dict__.pop(_CLIENT, None)

    @property
    def _client(self) -> HTTPClient:
        """The HTTP client, created on first use; it holds settings, no connections."""
        # Not a pydantic private attribute: those take part in comparisons, and their hook replaces the base
        # classes' `model_post_init`.
        client: HTTPClient | None = self.__dict__.get(_CLIENT)
        if client is None:
            self.__dict__[_CLIENT] = client = HTTPClient(
                self.base_url,
                auth=self._auth(),
                errors=self._errors,
                headers=self._service_headers(),
                query=self.default_query,
                timeout=to_timeout(self.timeout),
                max_retries=self.max_retries,
                pool=PoolSettings(self.proxy, self.verify, self.max_connections),
                http_client=self.http_client,
                http_async_client=self.http_async_client,
            )
        return client

    def _read_reply(self, reply: Reply, read: Callable[[dict[str, Any]], T]) -> T:
        """Read a reply's payload.

        Args:
            reply: The reply.
            read: Reads the payload; raises `ValueError` where it is not in the documented form.

        Raises:
            ResponseFormatError: The payload is not in the documented form.
        """
        try:
            return read(reply.payload)
        except ValueError as error:
            raise self._format_error(reply, error) from error

    def _format_error(self, reply: Reply, problem: ValueError | str) -> ResponseFormatError:
        """The exception for a reply that is JSON but not in the documented form."""
        return no_answer_error(reply.response, self._errors, reply.payload, str(problem))

    def _hidden_digest(self, call: Mapping[str, Any]) -> str:
        """Hash of the values that `repr` and dumps leave out, for cache keys, which may be stored unencrypted.

        Headers may select another tenant or model, so they must be part of the key.
        """
        hidden = {**call, "default_headers": self.default_headers, "default_query": self.default_query}
        values = {name: value for name, value in hidden.items() if value}
        written = json.dumps(values, sort_keys=True, default=_unmasked)
        return f"---{hashlib.sha256(written.encode()).hexdigest()}" if values else ""

    # --- copies have no client ----------------------------------------------------------------------------

    def __getstate__(self) -> dict[Any, Any]:
        if isinstance(self.verify, SSLContext):
            raise TypeError(
                "verify is an ssl.SSLContext, which cannot be pickled: pass the path of the certificates instead."
            )
        state = super().__getstate__()
        fields = {**state["__dict__"], "http_client": None, "http_async_client": None}
        fields.pop(_CLIENT, None)
        return {**state, "__dict__": fields}

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.__dict__.pop(_CLIENT, None)
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        for name in self.shared_fields:
            shared = getattr(self, name, None)
            if shared is not None:
                memo[id(shared)] = shared
        if (client := self.__dict__.get(_CLIENT)) is not None:
            memo[id(client)] = None  # the copy creates its own
        copied = super().__deepcopy__(memo)
        copied.__dict__.pop(_CLIENT, None)
        return copied
