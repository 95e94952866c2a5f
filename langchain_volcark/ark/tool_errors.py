"""Failures of tools, as the text that an agent's model reads."""

from __future__ import annotations

import re

from langchain_core.tools import ToolException

_LONG = re.compile(r"[A-Za-z0-9+/=_-]{300,}")
_MOST = 4000  # characters


def tool_exception(error: Exception, added: str = "") -> ToolException:
    """The exception that langchain-core shows to models; without the media that a service may quote.

    Args:
        error: What failed.
        added: More to say.
    """
    return ToolException(shortened(f"{error}{added}"))


def shortened(text: str) -> str:
    """A text without long base64, and not too long for a model's context."""
    text = _LONG.sub(lambda found: f"[{len(found[0])} characters]", text)
    return text if len(text) <= _MOST else f"{text[:_MOST]} …"
