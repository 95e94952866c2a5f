"""Requests that are billed each time: what an error says where nobody knows whether the service executed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_volcark.exceptions import APIConnectionError, ResponseFormatError, ServiceError
from langchain_volcark.http.retry import is_safe_to_repeat

if TYPE_CHECKING:
    from langchain_volcark.exceptions import VolcArkError

_DOUBTFUL = (APIConnectionError, ServiceError, ResponseFormatError)


def note_doubt(error: VolcArkError, advice: str) -> None:
    """Add to an error that the request may have been executed, and mark it as not to be retried.

    Args:
        error: Raised for the request; unchanged if the request certainly was not executed.
        advice: What may have happened, and what to do before the request is sent again.
    """
    if isinstance(error, _DOUBTFUL) and not is_safe_to_repeat(error):
        error.message = f"{error.message} {advice}"
        error.is_retryable = False
