"""Tokens that are asked for with other credentials: one exchange serves every thread, task and event loop."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import os
import threading
import time
from abc import abstractmethod
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx

from langchain_volcark.exceptions import APITimeoutError, ResponseFormatError, VolcArkError
from langchain_volcark.http.deadline import aread_whole, read_whole
from langchain_volcark.http.errors import connection_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Hashable, Mapping

    from pydantic import SecretStr
    from typing_extensions import Self

# Looked up at every use, so that a test can put a fake clock here. Unix time, for it counts sleep as well.
clock: Callable[[], float] = time.time

_USED = "volcark_token"  # the request extension that says which token authorised it
_PATIENCE = 60.0  # seconds to wait for somebody else's exchange before starting one's own
_LONGEST_TIMEOUT = 30.0  # seconds; a call's own may be minutes, for a model that thinks
_POSTPONEMENT = 60.0  # seconds until a renewal that failed is tried again, while the old token still serves


@dataclass(frozen=True)
class Token:
    """A token and its times, in Unix seconds.

    Attributes:
        value: The secret.
        renew_at: From then on a new one is asked for; this one serves meanwhile, and if that fails.
        expires_at: From then on it is useless.
    """

    value: str = field(repr=False)
    renew_at: float
    expires_at: float


class Turn:
    """What a caller that needs a token is to do: use one, ask for one, or wait for who asks.

    Attributes:
        token: The token to use, if there is one.
        leads: Whether this caller does the exchange; then `with turn:` around it, and `succeed` or `fail` inside.
    """

    def __init__(
        self,
        store: TokenStore,
        key: Hashable,
        token: Token | None,
        flight: Future[Token | None] | None,
        *,
        leads: bool,
    ) -> None:
        self._store = store
        self._key = key
        self._flight = flight
        self.token = token
        self.leads = leads

    def succeed(self, token: Token) -> None:
        """Keep the new token and hand it to those who wait."""
        self._store.put(self._key, token)
        self.token = token
        self._settle(token)

    def fail(self, error: VolcArkError) -> None:
        """Say that the exchange was refused.

        Raises:
            VolcArkError: The same, unless an older token still serves.
        """
        if self.token is not None:
            self._postpone(self.token)
            return
        if self._flight is not None and not self._flight.done():
            self._flight.set_exception(error)
        raise error

    def wait(self) -> Token | None:
        """Wait for who does the exchange; None where they gave up."""
        if self._flight is None:
            return self.token
        try:
            return self._flight.result(_PATIENCE)
        except (FutureTimeoutError, TimeoutError):
            return None
        except VolcArkError as error:
            raise copy.copy(error) from error  # each caller's own, for a traceback of its own

    async def await_(self) -> Token | None:
        """Async twin of `wait`."""
        if self._flight is None:
            return self.token
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._flight), _PATIENCE)
        except (asyncio.TimeoutError, TimeoutError):
            return None
        except VolcArkError as error:
            raise copy.copy(error) from error

    def _postpone(self, token: Token) -> None:
        """Let the older token serve on, and its renewal wait."""
        postponed = replace(token, renew_at=clock() + _POSTPONEMENT)
        self._store.put(self._key, postponed)
        self._settle(postponed)

    def _settle(self, token: Token | None) -> None:
        if self._flight is not None and not self._flight.done():
            self._flight.set_result(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Reached by GeneratorExit too: a cancelled task's flow is closed; httpx's own client throws nothing in.
        self._store.land(self._key, self._flight)
        if self.token is not None and self._flight is not None and not self._flight.done():
            self._postpone(self.token)
        self._settle(self.token)


class TokenStore:
    """The process's tokens, and the exchanges under way."""

    def __init__(self) -> None:
        self._tokens: dict[Hashable, Token] = {}
        self.forget_exchanges()

    def forget_exchanges(self) -> None:
        """In a forked child the exchanges under way are the parent's; the tokens are good."""
        self._lock = threading.Lock()  # held over the dicts only, never over I/O
        self._flights: dict[Hashable, Future[Token | None]] = {}

    def turn(self, key: Hashable, *, alone: bool = False) -> Turn:
        """Say what a caller is to do.

        Args:
            key: Which token.
            alone: Do not wait for others.
        """
        now = clock()
        with self._lock:
            token = self._tokens.get(key)
            if token is not None and now >= token.expires_at:
                token = None
            if token is not None and now < token.renew_at:
                return Turn(self, key, token, None, leads=False)
            flight = self._flights.get(key)
            if flight is not None and not alone:
                return Turn(self, key, token, None if token else flight, leads=False)
            flight = self._flights[key] = Future()
            # Only a pending future can be cancelled, and a waiter's cancellation must not reach the others.
            flight.set_running_or_notify_cancel()
            return Turn(self, key, token, flight, leads=True)

    def put(self, key: Hashable, token: Token) -> None:
        """Keep a token."""
        with self._lock:
            self._tokens[key] = token

    def seed(self, key: Hashable, token: Token) -> None:
        """Keep a token unless there is one."""
        with self._lock:
            self._tokens.setdefault(key, token)

    def discard(self, key: Hashable, value: str) -> None:
        """Forget a token the service refused, unless another took its place meanwhile."""
        with self._lock:
            known = self._tokens.get(key)
            if known is not None and known.value == value:
                # Not removed: `seed` must not bring a refused token back.
                self._tokens[key] = Token("", 0.0, 0.0)

    def land(self, key: Hashable, flight: Future[Token | None] | None) -> None:
        """Take an exchange that has ended off the list."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def clear(self) -> None:
        """Forget all tokens; for tests."""
        with self._lock:
            self._tokens.clear()


tokens = TokenStore()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=tokens.forget_exchanges)


class ExchangedTokenAuth(httpx.Auth):
    """Authorises with a token that a second request asks for, once for all callers.

    A subclass says how to ask, how to read the answer, where the token goes, and how the service says that it
    takes the token no longer; then `forget_refused` forgets it. A request that the user authorised by hand is
    left alone.
    """

    @abstractmethod
    def _key(self, request: httpx.Request) -> Hashable:
        """Which token this request needs; callers with equal keys share it."""

    @abstractmethod
    def _exchange(self, request: httpx.Request) -> httpx.Request:
        """The request that asks for a token; `second_request` makes it."""

    @abstractmethod
    def _read(self, response: httpx.Response) -> Token:
        """The token of the answer, whose body has been read.

        Raises:
            VolcArkError: It was refused.
        """

    @abstractmethod
    def _apply(self, request: httpx.Request, token: str) -> None:
        """Authorise the request."""

    def _is_refusal(self, error: VolcArkError) -> bool:  # noqa: ARG002
        """Whether the service's error says that the token is no good."""
        return False

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorise one request."""
        if "authorization" in request.headers:
            yield request
            return
        key = self._key(request)
        token = yield from self._obtain(request, key)
        self._apply(request, token.value)
        request.extensions[_USED] = (key, token)
        yield request

    def _obtain(self, request: httpx.Request, key: Hashable) -> Generator[httpx.Request, httpx.Response, Token]:
        for alone in (False, False, True):
            turn = tokens.turn(key, alone=alone)
            if turn.leads:
                with turn:
                    asking = self._exchange(request)
                    try:
                        response = yield asking
                        read_whole(response)
                    except httpx.HTTPError as error:
                        turn.fail(_unreachable(error, asking))
                    else:
                        self._finish(turn, response)
                token = turn.token
            else:
                token = turn.wait()
            if token is not None:
                return token
        raise _no_token()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorise one request; an async generator cannot delegate, so the steps of `_obtain` stand here."""
        if "authorization" in request.headers:
            yield request
            return
        key = self._key(request)
        token: Token | None = None
        for alone in (False, False, True):
            turn = tokens.turn(key, alone=alone)
            if turn.leads:
                with turn:
                    asking = self._exchange(request)
                    try:
                        response = yield asking
                        await aread_whole(response)
                    except httpx.HTTPError as error:
                        turn.fail(_unreachable(error, asking))
                    else:
                        self._finish(turn, response)
                token = turn.token
            else:
                token = await turn.await_()
            if token is not None:
                break
        if token is None:
            raise _no_token()
        self._apply(request, token.value)
        request.extensions[_USED] = (key, token)
        yield request

    def forget_refused(self, request: httpx.Request, error: VolcArkError) -> bool:
        """Forget the token that a request had, if that is what the service refused.

        Args:
            request: As it was sent.
            error: What came of it.

        Returns:
            Whether the same request may succeed with a new token.
        """
        used = request.extensions.get(_USED)
        if used is None or not self._is_refusal(error):
            return False
        key, token = used
        tokens.discard(key, token.value)
        return True

    def _finish(self, turn: Turn, response: httpx.Response) -> None:
        try:
            token = self._read(response)
            _check_sendable(token)
        except VolcArkError as error:
            turn.fail(error)
        else:
            turn.succeed(token)


def _check_sendable(token: Token) -> None:
    """A token becomes a header; what cannot would be refused later, and printed while that is done."""
    if not (token.value.isascii() and token.value.isprintable()):
        raise ResponseFormatError(
            "The token that came for the credentials holds a line break or a character outside ASCII. "
            "Is the address of the exchange right?"
        )


def second_request(
    first: httpx.Request,
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Request:
    """A request to yield from an auth flow.

    httpx gives such a request no timeout and none of the client's headers, so these come from the first one; the
    timeouts are 30 seconds at most.
    """
    extensions = {"timeout": _bounded(first.extensions.get("timeout") or {})}
    agent = {"user-agent": first.headers["user-agent"]} if "user-agent" in first.headers else {}
    all_headers = {"accept": "application/json", **agent, **(headers or {})}
    return httpx.Request(method, url, headers=all_headers, content=content, extensions=extensions)


def _bounded(timeout: Mapping[str, float | None]) -> dict[str, float]:
    bounds = {name: timeout.get(name) for name in ("connect", "read", "write", "pool")}
    return {
        name: _LONGEST_TIMEOUT if seconds is None else min(seconds, _LONGEST_TIMEOUT)
        for name, seconds in bounds.items()
    }


def _unreachable(error: httpx.HTTPError, asking: httpx.Request) -> VolcArkError:
    failure = connection_error(error, asking.url)
    failure.__cause__ = error
    return failure


FOREVER = 1e12
"""Seconds, of a lifetime or since 1970: a service that names as many, or more, does not mean it."""


def fingerprint(secret: SecretStr) -> str:
    """A secret as part of a `_key`, which must tell secrets apart and show none."""
    return hashlib.sha256(secret.get_secret_value().strip().encode()).hexdigest()


def forget_refused(auth: httpx.Auth, request: httpx.Request, error: VolcArkError) -> bool:
    """Forget the token that a request had, if it had one of ours and the service refused it.

    The service's word may stand in a reply of any status and form, an event stream too, so it is looked for in the
    exception that the reply became.

    Args:
        auth: What authorised the request.
        request: As it was sent.
        error: What came of it.

    Returns:
        Whether the same request may succeed with a new token.
    """
    return isinstance(auth, ExchangedTokenAuth) and auth.forget_refused(request, error)


def _no_token() -> APITimeoutError:
    return APITimeoutError("No access token came in time; another call's exchange of credentials is still stuck.")
