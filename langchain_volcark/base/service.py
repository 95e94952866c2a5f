"""The settings that every object which talks to one HTTP service shares: address, timeouts, headers, clients."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from os import PathLike
from ssl import SSLContext
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
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
    from langchain_volcark.http.client import Reply
    from langchain_volcark.http.errors import ErrorReader

_CLIENT = "_http"
"""Where an object keeps its `HTTPClient` among its attributes; it is no field."""


def serialized_namespace(cls: type) -> list[str]:
    """Where `langchain_core.load` looks for a class: for ours in the package itself, so that files may move."""
    path = cls.__module__.split(".")
    return path[:1] if path[0] == __name__.partition(".")[0] else path


def _check_timeout(value: Any) -> Any:
    to_timeout(value)
    return value


Timeout = Annotated[Any, AfterValidator(_check_timeout)]
"""What `to_timeout` reads, kept as it was given."""
Headers = Annotated[dict[str, str], PlainValidator(lambda value: check_headers(value, "extra_headers"))]
"""A call's own headers."""
Query = Annotated[dict[str, Any], PlainValidator(lambda value: check_query(value, "extra_query"))]
"""A call's own query parameters."""


class HTTPService(BaseModel):
    """Base of the chat models, embeddings, rerankers and retrievers.

    A vendor's class says how a request is authorised and how the service's errors read; the connections
    belong to the process and its event loops, so the object pickles and copies without them, and serves many
    threads, tasks and event loops at once.
    """

    base_url: str
    """The API's address with its version path. A trailing slash or a pasted endpoint path is accepted."""
    timeout: Timeout = None
    """Seconds, or an `httpx.Timeout`; None means connect 10 s, read 600 s.

    In a stream the read timeout bounds the silence between two payloads; keep-alive comments do not reset it.
    """
    max_retries: Whole = Field(default=2, ge=0)
    """Retries after the first attempt, for failures that may heal; 0 switches them off."""
    default_headers: Annotated[
        dict[str, str], PlainValidator(lambda value: check_headers(value, "default_headers"))
    ] = Field(default_factory=dict, exclude=True, repr=False)
    """Headers of every request. They may hold a secret, so they are in no `repr`, dump or trace."""
    default_query: Annotated[dict[str, Any], PlainValidator(lambda value: check_query(value, "default_query"))] = (
        Field(default_factory=dict, exclude=True, repr=False)
    )
    """Query parameters of every request, as little shown."""
    proxy: Annotated[str, AfterValidator(check_proxy)] | None = Field(default=None, exclude=True, repr=False)
    """Proxy URL; None uses the environment's."""
    verify: Annotated[bool | str | PathLike[str] | SSLContext, PlainValidator(check_verify)] = Field(
        default=True, exclude=True, repr=False
    )
    """Whom to trust: True for the usual CAs, the path of a file or directory of CA certificates, an
    `ssl.SSLContext` (for a client certificate, say; such an object does not pickle), or False to check nothing.
    """
    max_connections: Whole = Field(default=DEFAULT_MAX_CONNECTIONS, ge=1, exclude=True, repr=False)
    """Most connections open at once; further calls wait for a free one, as long as the `pool` timeout allows.

    Models with equal `proxy`, `verify` and `max_connections` share them, for each event loop and for sync calls.
    """
    http_client: Annotated[httpx.Client | None, BeforeValidator(refuse_httpx2)] = Field(
        default=None, exclude=True, repr=False
    )
    """Your own client for sync calls: its headers, proxies and hooks stay in force; it is never closed here."""
    http_async_client: Annotated[httpx.AsyncClient | None, BeforeValidator(refuse_httpx2)] = Field(
        default=None, exclude=True, repr=False
    )
    """Your own client for async calls, never closed here. It belongs to the event loop it was used in first."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,  # what was passed may hold a key
        defer_build=True,  # costs half the import; concrete classes say otherwise
    )

    endpoint_paths: ClassVar[tuple[str, ...]] = ()
    """Paths that people paste along with the base URL, the longest first."""
    shared_fields: ClassVar[tuple[str, ...]] = ("http_client", "http_async_client", "rate_limiter", "verify")
    """Fields that a copy shares: they hold what cannot be copied, and are meant to be shared."""

    # --- what a vendor says -------------------------------------------------------------------------------

    @property
    @abstractmethod
    def _errors(self) -> ErrorReader:
        """How this service's replies say that something went wrong."""

    @abstractmethod
    def _auth(self) -> httpx.Auth:
        """How a request is authorised."""

    def _service_headers(self) -> dict[str, str]:
        """Headers of every request; the user's own win."""
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
        """Made on first use; it holds settings, no connections."""
        # No private attribute of pydantic's: it would count when two models are compared, and bring a hook that
        # hides the base classes' `model_post_init`.
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

    def _undocumented(self, reply: Reply, problem: ValueError | str) -> ResponseFormatError:
        """The exception for a reply that is JSON, but not as the service documents it."""
        return no_answer_error(reply.response, self._errors, reply.payload, str(problem))

    def _hidden_digest(self, call: Mapping[str, Any]) -> str:
        """What `repr` and dumps do not show, for a cache's key, which is stored in the open.

        Headers may lead to another tenant or model, so they must count.
        """
        hidden = {**call, "default_headers": self.default_headers, "default_query": self.default_query}
        told = sorted((name, repr(value)) for name, value in hidden.items() if value)
        return f"---{hashlib.sha256(repr(told).encode()).hexdigest()}" if told else ""

    # --- copies travel without connections ----------------------------------------------------------------

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
            memo[id(client)] = None  # the copy makes its own
        copied = super().__deepcopy__(memo)
        copied.__dict__.pop(_CLIENT, None)
        return copied
