"""How to wait until a file has been processed, and what comes of one that has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.errors import error_of_work
from langchain_volcark.base.polling import check_progress, check_waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.ark.files.file import ArkFile

_DELAYS = (1.0, 2.0, 3.0)
_FINAL = ("active", "failed")


class Waiting:
    """How to wait for files.

    Args:
        timeout: Seconds to wait at most; None for no limit.
        on_progress: Called with each state.
        is_async: Whether it may be async.

    Raises:
        ValueError: The timeout is no number of seconds, or the progress cannot be called.
    """

    def __init__(
        self, timeout: float | None, on_progress: Callable[[ArkFile], Any] | None, *, is_async: bool
    ) -> None:
        self._timeout = timeout
        self._delays = check_waiting(timeout, _DELAYS)
        check_progress(on_progress, is_async=is_async)
        self._on_progress = on_progress

    def arguments(self, file_id: str) -> dict[str, Any]:
        """The arguments of `poll` for one file."""
        return {
            "timeout": self._timeout,
            "delays": self._delays,
            "describe": lambda file: f"The file {file_id} is still {file.status if file else 'not processed'}",
            "on_progress": self._on_progress,
        }


def is_done(file: ArkFile) -> bool:
    """Whether a file will not change any more."""
    return file.status in _FINAL


def active(file: ArkFile) -> ArkFile:
    """Return an active file.

    Raises:
        VolcArkError: It has failed.
    """
    if file.status == "failed":
        about = f"The file {file.id} could not be processed"
        raise error_of_work(file.error, about, file.model_dump(exclude_none=True), status=400)
    return file
