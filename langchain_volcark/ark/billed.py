"""Requests that are billed each time: what an error says where nobody knows whether the service executed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_volcark.exceptions import APIConnectionError, ResponseFormatError, ServiceError
from langchain_volcark.http.retry import is_safe_to_repeat

if TYPE_CHECKING:
    from langchain_volcark.exceptions import VolcArkError

_DOUBTFUL = (APIConnectionError, ServiceError, ResponseFormatError)


def note_doubt(error: VolcArkError, advice: str) -> None:
    """Say in an error that the request may have been executed, and that nobody shall repeat it blindly.

    Args:
        error: Raised for the request; one that certainly was not executed is left as it is.
        advice: What may have happened, and what to do before the request is sent again.
    """
    if isinstance(error, _DOUBTFUL) and not is_safe_to_repeat(error):
        error.message = f"{error.message} {advice}"
        error.is_retryable = False
