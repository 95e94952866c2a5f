"""The word that stands for what a service's moderation refuses."""

from __future__ import annotations

import re

_SENSITIVE = re.compile("(?<!`)EMULATOR_SENSITIVE_INPUT")


def is_sensitive(text: str) -> bool:
    """Whether a text has the word; in backticks, as pages about the emulator quote it, it is none."""
    return _SENSITIVE.search(text) is not None
