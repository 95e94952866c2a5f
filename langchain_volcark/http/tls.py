"""Builds SSL contexts from the argument `verify`, each once for the whole process: one takes 20 ms and 1 MB."""

from __future__ import annotations

import functools
import inspect
import os
import ssl
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Trust: TypeAlias = bool | str | os.PathLike[str] | ssl.SSLContext
    Verify: TypeAlias = Trust | Callable[[], ssl.SSLContext]

_LONGEST_SHOWN = 500
_LIBRARIES = ("langchain_core", "langchain_volcark", "pydantic")


def check_verify(value: Any) -> ssl.SSLContext | str | bool:
    """Read the argument `verify`.

    Args:
        value: True, False, the path of a file or directory of certificates, or an SSL context.

    Returns:
        The same; a path as a string.

    Raises:
        ValueError: It is something else, or there is no such file or directory.
    """
    if isinstance(value, (ssl.SSLContext, bool)):
        if value is False:
            warnings.warn(
                "verify=False: nobody checks whom the API key is sent to, so anybody on the way can read it. "
                "For a private CA pass the path of its certificate instead.",
                UserWarning,
                stacklevel=_caller_level(),
            )
        return value
    if not isinstance(value, (str, os.PathLike)):
        raise ValueError(  # noqa: TRY004 - pydantic reads these
            "verify must be True, False, the path of a file or directory of CA certificates, or an "
            f"ssl.SSLContext, not {value!r}."
        )
    path = str(os.fspath(value))
    if not path or not _exists(path):
        shown = repr(path) if len(path) <= _LONGEST_SHOWN else f"of {len(path)} characters"
        raise ValueError(f"verify: there is no file or directory {shown}.")
    return path


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # no valid file name
        return False


def _caller_level() -> int:
    """The stack level of the caller's own code, above the libraries that lead to a validator."""
    level, frame = 1, inspect.currentframe()
    frame = frame.f_back if frame else None
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    return level


def ssl_context(verify: Verify) -> ssl.SSLContext:
    """The SSL context for a `verify`; the same one for equal values.

    Args:
        verify: As `check_verify` takes it, or a function that returns a context.

    Raises:
        httpx.ConnectError: The certificates cannot be loaded.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if callable(verify):
        return verify()
    environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    try:
        with _lock:  # the cache alone would let several threads build the same context
            return _build(verify if isinstance(verify, bool) else str(verify), *environment)
    except OSError as error:
        raise httpx.ConnectError(f"The trusted certificates cannot be loaded: {error}") from error


_lock = threading.Lock()


def _forget_threads() -> None:
    """In a forked child the thread that held the lock is not there to let it go."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


@functools.lru_cache(maxsize=8)
def _build(verify: bool | str, *_environment: str | None) -> ssl.SSLContext:
    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=verify)
    return ssl.create_default_context(cafile=verify)
