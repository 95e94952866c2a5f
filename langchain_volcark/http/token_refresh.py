"""Token refresh: one request for a new token serves every thread, task and event loop that waits for it."""

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
_PATIENCE = 60.0  # seconds to wait for another caller's refresh before starting one's own
_LONGEST_TIMEOUT = 30.0  # seconds; a call's own may be minutes, for a model that thinks
_POSTPONEMENT = 60.0  # seconds until a refresh that failed is tried again, while the cached token is valid


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


class TokenLookup:
    """What a caller that needs a token is to do: use the cached one, refresh it as the leader, or wait.

    Attributes:
        token: The cached token, if there is a valid one.
        is_leader: Whether this caller refreshes; then `with lookup:` around it, and `succeed` or `fail` inside.
    """

    def __init__(
        self,
        store: TokenStore,
        key: Hashable,
        token: Token | None,
        refresh: Future[Token | None] | None,
        *,
        is_leader: bool,
    ) -> None:
        self._store = store
        self._key = key
        self._refresh = refresh
        self.token = token
        self.is_leader = is_leader

    def succeed(self, token: Token) -> None:
        """Keep the new token and hand it to those who wait."""
        self._store.put(self._key, token)
        self.token = token
        self._resolve(token)

    def fail(self, error: VolcArkError) -> None:
        """Say that the refresh failed.

        Raises:
            VolcArkError: The same, unless an older token still serves.
        """
        if self.token is not None:
            self._postpone(self.token)
            return
        if self._refresh is not None and not self._refresh.done():
            self._refresh.set_exception(error)
        raise error

    def wait(self) -> Token | None:
        """Wait for the leader; None where it gave up."""
        if self._refresh is None:
            return self.token
        try:
            return self._refresh.result(_PATIENCE)
        except (FutureTimeoutError, TimeoutError):
            return None
        except VolcArkError as error:
            raise copy.copy(error) from error  # each caller's own, for a traceback of its own

    async def await_(self) -> Token | None:
        """Same as `wait`, async."""
        if self._refresh is None:
            return self.token
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._refresh), _PATIENCE)
        except (asyncio.TimeoutError, TimeoutError):
            return None
        except VolcArkError as error:
            raise copy.copy(error) from error

    def _postpone(self, token: Token) -> None:
        """Keep the cached token, and try the refresh again later."""
        postponed = replace(token, renew_at=clock() + _POSTPONEMENT)
        self._store.put(self._key, postponed)
        self._resolve(postponed)

    def _resolve(self, token: Token | None) -> None:
        if self._refresh is not None and not self._refresh.done():
            self._refresh.set_result(token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Reached by GeneratorExit too: a cancelled task's flow is closed; httpx's own client throws nothing in.
        self._store.end_refresh(self._key, self._refresh)
        if self.token is not None and self._refresh is not None and not self._refresh.done():
            self._postpone(self.token)
        self._resolve(self.token)


class TokenStore:
    """The process's cached tokens, and the refreshes under way."""

    def __init__(self) -> None:
        self._tokens: dict[Hashable, Token] = {}
        self.forget_refreshes()

    def forget_refreshes(self) -> None:
        """In a forked child the refreshes under way are the parent's; the tokens are good."""
        self._lock = threading.Lock()  # held over the dicts only, never over I/O
        self._refreshes: dict[Hashable, Future[Token | None]] = {}

    def look_up(self, key: Hashable, *, alone: bool = False) -> TokenLookup:
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
                return TokenLookup(self, key, token, None, is_leader=False)
            refresh = self._refreshes.get(key)
            if refresh is not None and not alone:
                return TokenLookup(self, key, token, None if token else refresh, is_leader=False)
            refresh = self._refreshes[key] = Future()
            # Only a pending future can be cancelled, and a waiter's cancellation must not reach the others.
            refresh.set_running_or_notify_cancel()
            return TokenLookup(self, key, token, refresh, is_leader=True)

    def put(self, key: Hashable, token: Token) -> None:
        """Keep a token."""
        with self._lock:
            self._tokens[key] = token

    def put_if_absent(self, key: Hashable, token: Token) -> None:
        """Keep a token unless there is one."""
        with self._lock:
            self._tokens.setdefault(key, token)

    def discard(self, key: Hashable, value: str) -> None:
        """Forget a token the service refused, unless another took its place meanwhile."""
        with self._lock:
            known = self._tokens.get(key)
            if known is not None and known.value == value:
                # Not removed: `put_if_absent` must not bring a refused token back.
                self._tokens[key] = Token("", 0.0, 0.0)

    def end_refresh(self, key: Hashable, refresh: Future[Token | None] | None) -> None:
        """Take a refresh that has ended off the list."""
        with self._lock:
            if self._refreshes.get(key) is refresh:
                del self._refreshes[key]

    def clear(self) -> None:
        """Forget all tokens; for tests."""
        with self._lock:
            self._tokens.clear()


tokens = TokenStore()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=tokens.forget_refreshes)


class TokenRefreshAuth(httpx.Auth):
    """Authorises with a token that a second request asks for, once for all callers.

    A subclass says how to ask, how to read the answer, where the token goes, and how the service says that it
    takes the token no longer; then `forget_refused` forgets it. A request that the user authorised by hand is
    left alone.
    """

    @abstractmethod
    def _key(self, request: httpx.Request) -> Hashable:
        """Which token this request needs; callers with equal keys share it."""

    @abstractmethod
    def _refresh_request(self, request: httpx.Request) -> httpx.Request:
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
            lookup = tokens.look_up(key, alone=alone)
            if lookup.is_leader:
                with lookup:
                    asking = self._refresh_request(request)
                    try:
                        response = yield asking
                        read_whole(response)
                    except httpx.HTTPError as error:
                        lookup.fail(_unreachable(error, asking))
                    else:
                        self._finish(lookup, response)
                token = lookup.token
            else:
                token = lookup.wait()
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
            lookup = tokens.look_up(key, alone=alone)
            if lookup.is_leader:
                with lookup:
                    asking = self._refresh_request(request)
                    try:
                        response = yield asking
                        await aread_whole(response)
                    except httpx.HTTPError as error:
                        lookup.fail(_unreachable(error, asking))
                    else:
                        self._finish(lookup, response)
                token = lookup.token
            else:
                token = await lookup.await_()
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

    def _finish(self, lookup: TokenLookup, response: httpx.Response) -> None:
        try:
            token = self._read(response)
            _check_sendable(token)
        except VolcArkError as error:
            lookup.fail(error)
        else:
            lookup.succeed(token)


def _check_sendable(token: Token) -> None:
    """A token becomes a header; what cannot would be refused later, and printed while that is done."""
    if not (token.value.isascii() and token.value.isprintable()):
        raise ResponseFormatError(
            "The token that came for the credentials holds a line break or a character outside ASCII. "
            "Is the address that tokens come from right?"
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
    return isinstance(auth, TokenRefreshAuth) and auth.forget_refused(request, error)


def _no_token() -> APITimeoutError:
    return APITimeoutError("No access token came in time; another call's token request is still waiting.")
