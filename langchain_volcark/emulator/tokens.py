"""The token rule of the emulator, used for usage, limits, stream fragments and `/tokenization` alike.

A token is: one to four ASCII letters or digits, with one space before them if there is one; else a run of white
space; else one character. So a Chinese character is one token, `hello world` is four. Joined, the tokens are the
text again.
"""

from __future__ import annotations

import re
from zlib import crc32

_TOKEN = re.compile(r" ?[A-Za-z0-9]{1,4}|\s+|[^\sA-Za-z0-9]")
_VOCABULARY = 150_000


def split(text: str) -> list[str]:
    """The tokens of a text."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))


def cut(text: str, limit: int) -> str:
    """The first `limit` tokens of a text, joined."""
    return "".join(split(text)[:limit])


def spans(text: str) -> list[tuple[int, int]]:
    """Where each token begins and ends, in characters."""
    return [found.span() for found in _TOKEN.finditer(text)]


def token_id(token: str) -> int:
    """A number that is the same for the same token, always."""
    return crc32(token.encode()) % _VOCABULARY
