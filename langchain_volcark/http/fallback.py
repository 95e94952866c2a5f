"""A request that is sent once instead of one that the service refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http import retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_volcark.http.requests import ServiceRequest
    from langchain_volcark.http.retry import RetryHooks

T = TypeVar("T")


@dataclass(frozen=True)
class Fallback:
    """What to send instead.

    Attributes:
        code: The refusal for which it helps.
        request: What is sent then.
    """

    code: str
    request: ServiceRequest


def send_or_fall_back(
    request: ServiceRequest, hooks: RetryHooks, send: Callable[[ServiceRequest, RetryHooks], T]
) -> T:
    """Send a request, and its fallback once where the service refuses it as that expects.

    Args:
        request: What to send.
        hooks: Told about the fallback as about a retry.
        send: Sends a request, retries included.
    """
    try:
        return send(request, hooks)
    except VolcArkError as error:
        fallback = request.fallback
        if fallback is None or error.code != fallback.code:
            raise
        retry.announce(error, hooks)
    return send(fallback.request, hooks)


async def asend_or_fall_back(
    request: ServiceRequest, hooks: RetryHooks, send: Callable[[ServiceRequest, RetryHooks], Awaitable[T]]
) -> T:
    """Same as `send_or_fall_back`, async."""
    try:
        return await send(request, hooks)
    except VolcArkError as error:
        fallback = request.fallback
        if fallback is None or error.code != fallback.code:
            raise
        await retry.aannounce(error, hooks)
    return await send(fallback.request, hooks)
