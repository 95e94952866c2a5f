"""Retries of batch inference: until a deadline instead of a number of times.

Follows https://www.volcengine.com/docs/82379/1528783 (batch chat). The vendor's SDK repeats a 429 without
`Retry-After` at once; here it waits like any other failure.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from langchain_volcark.ark.batch.pauses import pauses
from langchain_volcark.exceptions import APITimeoutError, VolcArkError
from langchain_volcark.http import deadline as clock
from langchain_volcark.http import retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_volcark.http.deadline import Deadline
    from langchain_volcark.http.retry import RetryHooks

T = TypeVar("T")

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0


class UntilDeadline:
    """The retries of one call.

    Args:
        deadline: When to give up.
        model: Base URL and model id, whose pauses it shares.
    """

    def __init__(self, deadline: Deadline, model: tuple[str, str]) -> None:
        self._deadline = deadline
        self._model = model

    def call(self, attempt: Callable[[], T], hooks: RetryHooks = retry.NO_HOOKS) -> T:
        """Run `attempt`, and again until it succeeds or the deadline is reached.

        Args:
            attempt: Does one request; raises a `VolcArkError` when that fails.
            hooks: Told about each retry.

        Returns:
            What the first successful attempt returned.

        Raises:
            APITimeoutError: No attempt fits before the deadline; `__cause__` is the last attempt's exception.
            VolcArkError: An attempt failed for a reason that time does not heal; its own exception.
        """
        state = _State(self._deadline, self._model)
        while True:
            while seconds := state.next_wait():
                retry.sleep(seconds)
            if state.failures and hooks.before_attempt is not None:
                hooks.before_attempt()
            state.begin()
            try:
                return attempt()
            except VolcArkError as error:
                state.failed(error)
                if hooks.on_retry is not None:
                    hooks.on_retry(retry.failed_state(error, state.failures, state.slept))

    async def acall(self, attempt: Callable[[], Awaitable[T]], hooks: RetryHooks = retry.NO_HOOKS) -> T:
        """Same as `call`, async; hooks and attempt are awaited."""
        state = _State(self._deadline, self._model)
        while True:
            while seconds := state.next_wait():
                await retry.asleep(seconds)
            if state.failures and hooks.before_attempt is not None:
                await hooks.before_attempt()
            state.begin()
            try:
                return await attempt()
            except VolcArkError as error:
                state.failed(error)
                if hooks.on_retry is not None:
                    await hooks.on_retry(retry.failed_state(error, state.failures, state.slept))


class _State:
    """What happened in one call so far, and what follows from it.

    Attributes:
        failures: How many attempts have failed.
        slept: How many seconds it has waited between them.
    """

    def __init__(self, deadline: Deadline, model: tuple[str, str]) -> None:
        self._deadline = deadline
        self._model = model
        self._last: VolcArkError | None = None
        self._backoff = 0.0
        self._pause: int | None = None
        self.failures = 0
        self.slept = 0.0

    def next_wait(self) -> float:
        """Seconds to wait now; 0 where nothing more is to be waited for.

        Raises:
            APITimeoutError: The wait would not end before the deadline.
        """
        now = clock.monotonic()
        seconds, self._backoff = self._backoff, 0.0
        reason = self._last
        turn = pauses.turn(self._model, now, self._pause)
        if turn is not None:
            self._pause = turn.pause
            if turn.moment - now > seconds:
                seconds, reason = turn.moment - now, self._last or turn.reason
        if seconds and seconds >= self._deadline.remaining():
            raise self._given_up(reason) from reason
        self.slept += seconds
        return seconds

    def begin(self) -> None:
        """Check that there is still time for an attempt, and that somebody wants its answer.

        Raises:
            APITimeoutError: There is no time.
            VolcArkError: The last attempt's exception, because the caller was interrupted, and this is its thread.
        """
        if self._last is not None and retry.caller_has_left.get()():
            raise self._last
        if self._deadline.remaining() <= 0:
            raise self._given_up(self._last) from self._last

    def failed(self, error: VolcArkError) -> None:
        """Note why an attempt failed.

        Raises:
            VolcArkError: The same exception, because time does not heal it.
            APITimeoutError: The deadline is reached.
        """
        if not error.is_retryable:
            raise error
        self._last = error
        self.failures += 1
        left = self._deadline.remaining()
        if left <= 0:
            raise self._given_up(error) from error
        # The exponent is bounded, because a call may fail thousands of times.
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self.failures - 1, 10))
        self._backoff = random.uniform(longest / 2, longest)  # noqa: S311 - jitter
        if error.retry_after:
            # Never longer than this call may wait: a mistaken header must not stop a model for ever.
            pauses.begin(self._model, clock.monotonic() + min(error.retry_after, left), error)
            self._backoff = min(self._backoff, _FIRST_WAIT)

    def _given_up(self, reason: VolcArkError | None) -> APITimeoutError:
        attempts = f"{self.failures} attempt{'s' if self.failures != 1 else ''} failed"
        last = "" if reason is None else f", the last one with: {reason}"
        if not self.failures and reason is not None:
            last = f", and the service asked all callers of the model to wait: {reason}"
        return APITimeoutError(
            f"No answer before the deadline (batch_deadline={self._deadline.seconds:g} s): {attempts}{last}",
            request_id=None if reason is None else reason.request_id,
            retry_after=None if reason is None else reason.retry_after,
        )
