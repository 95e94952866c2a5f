"""The trigger word that simulates content refused by moderation."""

from __future__ import annotations

import re

_SENSITIVE = re.compile("(?<!`)EMULATOR_SENSITIVE_INPUT")


def is_sensitive(text: str) -> bool:
    """Whether a text contains the trigger word, except in backticks, as in pages about the emulator."""
    return _SENSITIVE.search(text) is not None
