"""Arguments that become part of a request (addresses, timeouts, headers, queries), checked before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf
from numbers import Real
from typing import Any

import httpx

DEFAULT_TIMEOUT = httpx.Timeout(600.0, connect=10.0)
"""Read, write and pool 600 s, connect 10 s: thinking models can be silent for minutes."""

# The operating system counts milliseconds in 32 bits: beyond 24 days a wait overflows, or ends at once.
_LONGEST = 2_000_000.0

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_REGION = re.compile(r"[A-Za-z0-9-]+")


def to_timeout(value: Any, field_name: str = "timeout") -> httpx.Timeout:
    """Read a user's `timeout`.

    Args:
        value: Seconds for reading (and for connecting, at most 10 s), an `httpx.Timeout`, its tuple form
            (connect, read, write, pool; two to four of them), or None for the default. None is never "no limit":
            a call that may hang for ever helps nobody.
        field_name: The argument it came from, for the error.

    Returns:
        The bounds, each at most 23 days.

    Raises:
        ValueError: It is something else, or seconds that are not positive.
    """
    refuse_httpx2(value)
    if value is None:
        return DEFAULT_TIMEOUT
    if isinstance(value, httpx.Timeout):
        parts: tuple[Any, ...] = (value.connect, value.read, value.write, value.pool)
    elif isinstance(value, (tuple, list)):
        parts = tuple(value)
        if not 2 <= len(parts) <= 4:
            raise ValueError(
                f"{field_name} as a tuple is (connect, read, write, pool), two to four of them, not {value!r}."
            )
    else:
        parts = (value,)
    for part in parts:
        if part is value or part is not None:
            _check_seconds(part, field_name)
    bounds: tuple[Any, ...] = tuple(None if part is None else min(float(part), _LONGEST) for part in parts)
    if isinstance(value, (httpx.Timeout, tuple, list)):
        return httpx.Timeout(bounds)
    return httpx.Timeout(bounds[0], connect=min(float(value), 10.0))


def _check_seconds(value: Any, field_name: str) -> None:
    try:
        seconds = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.0
    except OverflowError:
        seconds = inf
    if not 0 < seconds < inf:
        is_plain = isinstance(value, (float, bool, str)) or (isinstance(value, int) and seconds < inf)
        shown = repr(value) if is_plain else f"a {type(value).__name__}"
        raise ValueError(
            f"{field_name} must be a positive number of seconds, an httpx.Timeout or a tuple, not {shown[:80]}."
        )


def refuse_httpx2(value: Any) -> Any:
    """Say what is wrong with an object of httpx2, which looks like httpx's and is none.

    Raises:
        ValueError: It is one.
    """
    kind = type(value)
    if kind.__module__.partition(".")[0] == "httpx2":
        raise ValueError(
            f"This is an httpx2.{kind.__name__}, and the package speaks through httpx, not httpx2: "
            f"pass an httpx.{kind.__name__}."
        )
    return value


def check_headers(headers: Any, field_name: str) -> dict[str, str]:
    """Refuse headers that cannot be sent, before anything is sent.

    Args:
        headers: Names and values as a user gave them.
        field_name: The argument they came from, for the error.

    Returns:
        The same, as strings without surrounding blanks.

    Raises:
        ValueError: It is no mapping of names to texts; a name is not a token, or says where the body ends, which
            is not for the user to say; or a value holds a line break or a character outside ASCII.
    """
    checked = {}
    for name, value in _as_mapping(headers, field_name).items():
        text = str(value).strip(" ")
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{field_name}: {name!r} is not an HTTP header name.")
        if name.lower() in _FRAMING:
            raise ValueError(f"{field_name}: {name} is set by the package, from the body that is sent.")
        if value is None or isinstance(value, (bytes, dict, list, tuple, set)):
            raise ValueError(f"{field_name}[{name!r}] must be a text, not a {type(value).__name__}.")
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"{field_name}[{name!r}] must be printable ASCII text on one line.")
        checked[name] = text
    return checked


def check_query(query: Any, field_name: str) -> dict[str, Any]:
    """Refuse query parameters that cannot be sent, before anything is sent.

    Args:
        query: Names and values as a user gave them; a value may be a list of values.
        field_name: The argument they came from, for the error.

    Raises:
        ValueError: It is no mapping of names to texts, numbers, booleans or lists of them.
    """
    checked = dict(_as_mapping(query, field_name))
    for name, value in checked.items():
        if not isinstance(name, str):
            raise ValueError(f"{field_name}: {name!r} is not a name, which is a text.")  # noqa: TRY004
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if not isinstance(one, (str, Real, type(None))):
                raise ValueError(f"{field_name}[{name!r}] must be a text or a number, not a {type(one).__name__}.")  # noqa: TRY004
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            raise ValueError(f"{field_name}[{name!r}] holds half a character (a lone surrogate).") from None
    return checked


def _as_mapping(value: Any, field_name: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{field_name} must be a dictionary, not a {type(value).__name__}.")  # noqa: TRY004
    return value


def check_address(value: str, field: str) -> str:
    """Read the address of a service.

    Args:
        value: What the user gave.
        field: The argument's name, for the error.

    Returns:
        The same without surrounding blanks and closing slashes.

    Raises:
        ValueError: It is not one of http or https, or holds what does not belong there: a user name or password
            (every log would show them), a query or fragment (the path is added at the end), a line break.
    """
    text = value.strip()
    if not text.startswith(("http://", "https://")):
        shown = "" if "@" in text else f", not {value!r}"
        raise ValueError(f"{field} must begin with https:// (or http://){shown}.")
    url = _parsed(text, field)
    if url.userinfo:
        raise ValueError(
            f"{field} must not hold a user name or password, which logs would show: pass credentials as "
            "arguments, or as default_headers."
        )
    if "?" in text or "#" in text:
        raise ValueError(f"{field} must not have a query or fragment: pass default_query=…")
    return text.rstrip("/")


def check_segment(value: str, field: str) -> str:
    """Read one piece of a path.

    Raises:
        ValueError: It would lead to another path, or is no piece of one.
    """
    if not _SEGMENT.fullmatch(value) or not value.strip("."):
        raise ValueError(f"{field} is one piece of an address (letters, digits, - . _ ~), not {value!r}.")
    return value


def check_region(value: str) -> str:
    """Read a region, which becomes part of a signature's header.

    Raises:
        ValueError: It is no such name.
    """
    if not _REGION.fullmatch(value):
        raise ValueError(f"region is a name such as cn-beijing, not {value!r}.")
    return value


def _parsed(text: str, field: str) -> httpx.URL:
    if not text.isprintable() or " " in text:
        raise ValueError(f"{field} must not hold blanks, line breaks or other control characters.")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        problem = True  # the exception quotes what it refuses
    else:
        problem = not url.host
    if problem:
        raise ValueError(f"{field} is not a valid URL: check its host and port.")
    return url
