"""What a check found; the texts of all faults are in `findings.ini`."""

from __future__ import annotations

from configparser import ConfigParser
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from langchain_volcark.cli.services import Setup

Status = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was checked: `environment`, `key`, `base_url`, `proxy`, `dns`, `tcp`, `tls`, `http`, `clock`,
            `exchange`, `models`, `chat`.
        status: `ok`; `warn` for what does not stop a call; `fail`; `skip` for what was not checked.
        message: What was found.
        advice: What to do about it, or empty.
        fault: The fault's stable name, for scripts; None where there is none.
        details: Plain data for scripts.
    """

    check: str
    status: Status
    message: str
    advice: str = ""
    fault: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def ok(check: str, message: str, **details: Any) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", message, details=details)


def skip(check: str, message: str, advice: str = "") -> Finding:
    """Something was not checked, and why."""
    return Finding(check, "skip", message, advice)


def fault(setup: Setup, text: str, /, *, check: str | None = None, **values: Any) -> Finding:
    """Something is wrong, in the words of `findings.ini`.

    Args:
        setup: The service and what was chosen.
        text: Which one.
        check: The check it belongs to, where that is not the text's own.
        **values: What the text names besides.
    """
    own_check, status, message, advice = _texts()[text]
    values |= {
        "setup": setup,
        "service": setup.service,
        "expected": f"The address of the API is {setup.service.base_url}.",
        "copy": f"Copy the key again, and set {values.get('name')} to it with nothing around it.",
    }
    texts = message.format_map(values), advice.format_map(values)
    return Finding(check or own_check, status, *texts, fault=text.partition(".")[0])


@lru_cache(maxsize=1)
def _texts() -> dict[str, tuple[str, Status, str, str]]:
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(files(__package__).joinpath("findings.ini").read_text("utf-8"))
    texts: dict[str, tuple[str, Status, str, str]] = {}
    for check in parser.sections():
        for name, text in parser[check].items():
            message, _, advice = (" ".join(part.split()) for part in text.partition("|"))
            texts[name.rstrip("?")] = (check, "warn" if name.endswith("?") else "fail", message, advice)
    return texts
