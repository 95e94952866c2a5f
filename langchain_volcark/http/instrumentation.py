"""Tells whether another library has replaced a part of httpx: a mock, a recorder or a tracer.

Such libraries (respx, pytest-httpx, vcrpy, OpenTelemetry, Sentry) replace methods of httpx or httpcore that our
own pool does not call. Where one is replaced, calls go through a plain httpx client, so that they are mocked,
recorded or traced like everybody else's.
"""

from __future__ import annotations

import os
import sys
from operator import attrgetter
from types import FunctionType
from typing import Any

VARIABLE = "VOLCARK_TRANSPORT"
"""Environment variable: `pool` or `httpx` decides for all calls; unset or empty, the methods of httpx decide."""

_SYNC = {
    "httpx": (
        ("Client", "send"),
        ("Client", "_send_single_request"),
        ("Client", "_transport_for_url"),
        ("HTTPTransport", "handle_request"),
    ),
    "httpcore": (("ConnectionPool", "handle_request"), ("HTTPConnection", "handle_request")),
}
_ASYNC = {
    "httpx": (
        ("AsyncClient", "send"),
        ("AsyncClient", "_send_single_request"),
        ("AsyncClient", "_transport_for_url"),
        ("AsyncHTTPTransport", "handle_async_request"),
    ),
    "httpcore": (
        ("AsyncConnectionPool", "handle_async_request"),
        ("AsyncHTTPConnection", "handle_async_request"),
    ),
}


class _Watch:
    """Looks at some methods, and judges them anew only when one of them is another than at the last look."""

    def __init__(self, methods: dict[str, tuple[tuple[str, str], ...]]) -> None:
        self._look = [(library, attrgetter(*map(".".join, names))) for library, names in methods.items()]
        self._last: tuple[list[tuple[Any, ...]], bool] = ([], False)

    def is_replaced(self) -> bool:
        """Whether any of the methods is not the library's own."""
        loaded = sys.modules
        try:
            # Whoever replaces a method of httpcore has loaded it; loading it here would slow every import down.
            current = [look(loaded[library]) for library, look in self._look if loaded.get(library) is not None]
        except AttributeError:  # one of them has been taken away
            return True
        known, verdict = self._last
        if current == known:  # the same objects: functions and mocks compare by identity
            return verdict
        verdict = not all(_is_own(method) for methods in current for method in methods)
        self._last = current, verdict
        return verdict


def _is_own(method: Any) -> bool:
    """Whether a method is the library's own: a replacement is no function, or another module's."""
    if type(method) is not FunctionType:
        return False
    return str(method.__globals__.get("__name__")).partition(".")[0] in ("httpx", "httpcore")


_sync, _async = _Watch(_SYNC), _Watch(_ASYNC)


def wants_httpx(*, is_async: bool) -> bool:
    """Whether a call should go through a plain httpx client rather than our own pool.

    Args:
        is_async: Which of httpx's two clients the call would use.

    Returns:
        What the environment variable says, else whether a method of httpx or httpcore is replaced.

    Raises:
        ValueError: The environment variable holds another word.
    """
    word = os.environ.get(VARIABLE)
    if word:
        if word not in ("pool", "httpx"):
            raise ValueError(
                f"{VARIABLE} must be 'pool' or 'httpx', not {word!r}; unset it to let the package decide."
            )
        return word == "httpx"
    return (_async if is_async else _sync).is_replaced()
