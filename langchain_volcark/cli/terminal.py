"""Terminal output: colours, one-line error texts, redaction of secrets."""

from __future__ import annotations

import contextlib
import io
import os
import re
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CODES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33"}
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_SHORTEST_SECRET = 4

SECRET_VARIABLES = (
    "ARK_API_KEY",
    "VOLC_ACCESSKEY",
    "VOLC_SECRETKEY",
    "VOLC_KNOWLEDGE_API_KEY",
    "QIANFAN_BEARER_TOKEN",
    "QIANFAN_API_KEY",
    "QIANFAN_ACCESS_KEY",
    "QIANFAN_SECRET_KEY",
    "QIANFAN_AK",
    "QIANFAN_SK",
    "QIANFAN_ACCESS_TOKEN",
)


class Style:
    """Colours for a stream: only on a terminal, and not if `NO_COLOR` is set (https://no-color.org)."""

    def __init__(self, stream: TextIO) -> None:
        self.on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour, or unchanged."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.on and text else text


class Redactor:
    """Redacts credentials in output.

    Args:
        environment: The variables whose values are secret.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        found: set[str] = set()
        for name in SECRET_VARIABLES:
            found.update(_spellings(environment.get(name, "")))
        self._secrets = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Redact secrets and credentials in URLs in a text."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return _USERINFO.sub("[redacted]@", text)

    def data(self, value: Any) -> Any:
        """Redact secrets in JSON data."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.data(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.data(one) for one in value]
        return value


def _spellings(value: str) -> Iterable[str]:
    """Yield forms of a secret: as set, trimmed, without `Bearer`, in parts, escaped as in a `repr`."""
    pieces = [value, value.strip(), value.strip().strip("'\""), *value.split()]
    if "bce-v3/" in value:
        pieces += value.strip("\"' \n").split("/")
    for piece in pieces:
        if len(piece) >= _SHORTEST_SECRET and piece.lower() not in ("bearer", "bce-v3"):
            yield piece
            yield repr(piece)[1:-1]


def one_line(problem: BaseException | str) -> str:
    """Return the text of an exception on one line.

    Args:
        problem: The exception, or a text.

    Returns:
        The text; for a pydantic error the first message, with its field.
    """
    errors = getattr(problem, "errors", None)
    text = str(problem)
    if callable(errors):
        with contextlib.suppress(Exception):  # the plain text remains
            first = errors()[0]
            where = ".".join(str(step) for step in first.get("loc", ()))
            message = str(first["msg"]).removeprefix("Value error, ")
            text = f"{where}: {message}" if where and where not in message else message
    return " ".join(text.split()) or type(problem).__name__


def tolerate(*streams: TextIO) -> None:
    """Make streams that cannot encode Chinese write question marks instead of failing."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
