"""Tokenizer of the emulator, for usage, limits, stream chunks and `/tokenization`.

A token is one to four ASCII letters or digits with an optional space before them, else a run of white space, else
one
character: a Chinese character is one token, `hello world` is four. The joined tokens are the text.
"""

from __future__ import annotations

import re
from zlib import crc32

_TOKEN = re.compile(r" ?[A-Za-z0-9]{1,4}|\s+|[^\sA-Za-z0-9]")
_VOCABULARY = 150_000


def split(text: str) -> list[str]:
    """Split a text into tokens."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """Count the tokens of a text."""
    return len(_TOKEN.findall(text))


def cut(text: str, limit: int) -> str:
    """Return the first `limit` tokens of a text, joined."""
    return "".join(split(text)[:limit])


def spans(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each token, in characters."""
    return [found.span() for found in _TOKEN.finditer(text)]


def token_id(token: str) -> int:
    """Return a stable id for a token."""
    return crc32(token.encode()) % _VOCABULARY
