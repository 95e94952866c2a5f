"""Checks of what becomes part of a request's address, before anything is sent; no secret is shown."""

from __future__ import annotations

import re

import httpx

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_REGION = re.compile(r"[A-Za-z0-9-]+")


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
