"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was looked at: `environment`, `key`, `base_url`, `proxy`, `dns`, `tcp`, `tls`, `http`,
            `clock`, `models`, `chat`.
        status: `ok`; `warn` for what does not stop a call; `fail`; `skip` for what could not be looked at.
        message: What was found.
        advice: What to do about it, or empty.
        fault: The fault's stable name, for scripts; None where there is none.
        details: Plain data for scripts.
    """

    check: str
    status: Literal["ok", "warn", "fail", "skip"]
    message: str
    advice: str = ""
    fault: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def ok(check: str, message: str, **details: Any) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", message, details=details)


def warn(check: str, fault: str, message: str, advice: str = "", **details: Any) -> Finding:
    """Something does not stop a call."""
    return Finding(check, "warn", message, advice, fault, details)


def fail(check: str, fault: str, message: str, advice: str = "", **details: Any) -> Finding:
    """Something stops calls."""
    return Finding(check, "fail", message, advice, fault, details)


def skip(check: str, message: str, advice: str = "") -> Finding:
    """Something was not looked at, and why."""
    return Finding(check, "skip", message, advice)
