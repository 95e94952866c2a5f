"""What is retried, how often, and how long to wait between attempts.

tenacity is loaded when something first fails: it takes longer to import than most of this package.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx

from langchain_volcark.exceptions import VolcArkError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tenacity import RetryCallState

T = TypeVar("T")

# Looked up at every wait, so that a test can put a fake clock here.
sleep: Callable[[float], None] = time.sleep
asleep: Callable[[float], Awaitable[None]] = asyncio.sleep

caller_has_left: ContextVar[Callable[[], bool]] = ContextVar("caller_has_left", default=lambda: False)
"""In a thread that works for another one: whether nobody waits for its result any longer."""

_LONGEST_RETRY_AFTER = (
    60.0  # seconds; if the server asks for more, the error is raised at once, with `retry_after`
)


@dataclass(frozen=True)
class RetryHooks:
    """Functions to call at a retry.

    Attributes:
        on_retry: Called with tenacity's `RetryCallState` before the wait (LangChain's `on_retry`).
        before_attempt: Called after the wait, before the new attempt (a rate limiter's turn).
    """

    on_retry: Callable[[RetryCallState], Any] | None = None
    before_attempt: Callable[[], Any] | None = None


NO_HOOKS = RetryHooks()

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_TOO_MANY_REQUESTS = 429


def is_worth_retrying(error: BaseException) -> bool:
    """Whether to retry: the failure may be temporary, and the wait that the server asks for is short enough."""
    if not isinstance(error, VolcArkError) or not error.is_retryable:
        return False
    return error.retry_after is None or error.retry_after <= _LONGEST_RETRY_AFTER


def is_safe_to_repeat(error: BaseException) -> bool:
    """Whether a request that costs money each time can be sent again, because it was certainly not executed.

    That is so where no connection was made, and where the service refused it with 429. After a read timeout, a
    broken connection or a 5xx nobody knows.
    """
    if not is_worth_retrying(error):
        return False
    return isinstance(error.__cause__, _NOT_SENT) or getattr(error, "status_code", None) == _TOO_MANY_REQUESTS


def wait_before_retry(state: RetryCallState) -> float:
    """Seconds to wait: what the server asked for, else exponential with jitter."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, VolcArkError) else None
    if asked is None:
        from tenacity.wait import wait_exponential, wait_random

        return (wait_exponential(multiplier=0.5, max=8.0) + wait_random(0.0, 0.5))(state)
    return asked


def parse_retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Read `Retry-After` as seconds from now.

    Args:
        headers: Reply headers, looked up by lower-case name.
        now: The present time; for tests.

    Returns:
        Seconds, never negative, or None where the header is absent or makes no sense.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        seconds = (moment - (now or datetime.now(timezone.utc))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


class RetryPolicy(Protocol):
    """Decides whether, when and how often an attempt is repeated."""

    def call(self, attempt: Callable[[], T], hooks: RetryHooks = NO_HOOKS) -> T:
        """Run `attempt`, and again as the policy says.

        Args:
            attempt: Does one request; raises a `VolcArkError` when that fails.
            hooks: Told about each retry.

        Returns:
            What the first successful attempt returned.

        Raises:
            VolcArkError: The request failed, and is not repeated.
        """

    async def acall(self, attempt: Callable[[], Awaitable[T]], hooks: RetryHooks = NO_HOOKS) -> T:
        """Same as `call`, async; hooks and attempt are awaited."""


@dataclass(frozen=True)
class Attempts:
    """Repeats a failed attempt up to a number of times, with exponential waits.

    Attributes:
        max_retries: Attempts after the first one.
        is_worth: Whether an exception is a reason to repeat.
    """

    max_retries: int
    is_worth: Callable[[BaseException], bool] = is_worth_retrying

    def call(self, attempt: Callable[[], T], hooks: RetryHooks = NO_HOOKS) -> T:
        """Run `attempt`, and again while its failure is worth it; raises the last attempt's own exception."""
        # Tenacity enters only once something failed: a call that succeeds does not pay for its bookkeeping.
        try:
            return attempt()
        except VolcArkError as error:
            if not (self.max_retries and self.is_worth(error)):
                raise
            failed_first = error
        before = hooks.before_attempt

        def prepare(state: RetryCallState) -> None:
            if before is not None and state.attempt_number > 1:
                before()

        from tenacity import Retrying

        retrying = Retrying(**self._arguments(hooks), before=prepare, sleep=sleep)
        pending = [failed_first]

        def replay_then_attempt() -> T:
            if pending:
                raise pending.pop()
            return attempt()

        return retrying(replay_then_attempt)

    async def acall(self, attempt: Callable[[], Awaitable[T]], hooks: RetryHooks = NO_HOOKS) -> T:
        """Same as `call`, async; hooks and attempt are awaited."""
        try:
            return await attempt()
        except VolcArkError as error:
            if not (self.max_retries and self.is_worth(error)):
                raise
            failed_first = error
        before = hooks.before_attempt

        async def prepare(state: RetryCallState) -> None:
            if before is not None and state.attempt_number > 1:
                await before()

        from tenacity import AsyncRetrying

        retrying = AsyncRetrying(**self._arguments(hooks), before=prepare, sleep=asleep)
        pending = [failed_first]

        async def replay_then_attempt() -> T:
            if pending:
                raise pending.pop()
            return await attempt()

        return await retrying(replay_then_attempt)

    def _arguments(self, hooks: RetryHooks) -> dict[str, Any]:
        from tenacity import retry_if_exception, stop_after_attempt

        return {
            "stop": stop_after_attempt(self.max_retries + 1),
            "wait": wait_before_retry,
            "retry": retry_if_exception(self.is_worth),
            "before_sleep": hooks.on_retry,
            "reraise": True,
        }


def announce(error: VolcArkError, hooks: RetryHooks) -> None:
    """Report to the hooks that another request follows, which is not a retry of the same one.

    Args:
        error: Why it is sent.
        hooks: Told about it as about a retry.
    """
    if hooks.on_retry is not None:
        hooks.on_retry(failed_state(error))
    if hooks.before_attempt is not None:
        hooks.before_attempt()


async def aannounce(error: VolcArkError, hooks: RetryHooks) -> None:
    """Same as `announce`, async; the hooks are awaited."""
    if hooks.on_retry is not None:
        await hooks.on_retry(failed_state(error))
    if hooks.before_attempt is not None:
        await hooks.before_attempt()


def failed_state(error: VolcArkError, attempts: int = 1, slept: float = 0.0) -> RetryCallState:
    """Describe a failed attempt as tenacity does, for LangChain's `on_retry`.

    Args:
        error: Why it failed.
        attempts: How many attempts there were.
        slept: How many seconds were waited between them.
    """
    from tenacity import RetryCallState, Retrying

    state = RetryCallState(Retrying(), None, (), {})
    state.set_exception((type(error), error, error.__traceback__))
    state.attempt_number, state.idle_for = attempts, slept
    return state
