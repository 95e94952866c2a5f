"""Bearer keys: the form of authorisation that all the services share."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, cast

import httpx
from pydantic import SecretStr

from langchain_volcark.exceptions import AuthenticationError

MODEL_EXTENSION = "volcark_model"
"""The request extension that names the model a request is for, where credentials depend on it."""

KeySource = SecretStr | Callable[[], str] | Callable[[], Awaitable[str]]
"""A key, or a callable that returns one; an async callable serves async calls only."""


class BearerAuth(httpx.Auth):
    """Adds `Authorization: Bearer …`; a header that the user set is kept.

    Args:
        key: The key or its source; None fails at the first request, not before.
        missing: The error text in that case: which argument or environment variable to set.
    """

    def __init__(self, key: KeySource | None, *, missing: str) -> None:
        self._key = key
        self._missing = missing

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authorise one request."""
        if "authorization" not in request.headers:
            request.headers["Authorization"] = f"Bearer {self._text(self._ask())}"
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorise one request; a sync callable runs in a thread, for it may block."""
        if "authorization" not in request.headers:
            request.headers["Authorization"] = f"Bearer {self._text(await self._aask())}"
        yield request

    def _ask(self) -> SecretStr:
        key = self._key() if callable(self._key) else self._key
        if inspect.isawaitable(key):
            if inspect.iscoroutine(key):
                key.close()
            raise ValueError("api_key is an async callable: use ainvoke or astream, or give a sync callable.")
        return _as_secret(key)

    async def _aask(self) -> SecretStr:
        key: Any = self._key
        if inspect.iscoroutinefunction(key):
            key = await key()
        elif callable(key):
            key = await asyncio.to_thread(cast("Callable[[], Any]", key))
            if inspect.isawaitable(key):
                key = await key
        return _as_secret(key)

    def _text(self, key: SecretStr) -> str:
        if given(key) is None:
            raise AuthenticationError(f"No API key. {self._missing}")
        return secret_text(key, "The API key")


def _as_secret(key: object) -> SecretStr:
    return key if isinstance(key, SecretStr) else SecretStr(str(key or ""))


def given(secret: object) -> SecretStr | None:
    """The secret unless it is blank: an environment variable may be set and empty."""
    return secret if isinstance(secret, SecretStr) and secret.get_secret_value().strip() else None


def secret_text(secret: SecretStr, name: str) -> str:
    """A secret's text as a header can carry it.

    Args:
        secret: The secret.
        name: What to call it in an error; its value is not shown.

    Raises:
        AuthenticationError: It holds a line break or a character outside ASCII.
    """
    # No variable holds the text where the error is raised: error trackers print those of a frame that failed.
    if not _can_be_sent(secret):
        raise AuthenticationError(
            f"{name} holds a line break or a character outside ASCII: no key has that. Copy it again."
        )
    return secret.get_secret_value().strip()


def _can_be_sent(secret: SecretStr) -> bool:
    # h11 would refuse it too, and print it while doing so.
    text = secret.get_secret_value().strip()
    return text.isascii() and text.isprintable()
