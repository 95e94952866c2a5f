"""What a check found, and the fault behind an exception; the texts are in `findings.ini`."""

from __future__ import annotations

import difflib
import re
from configparser import ConfigParser
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from langchain_volcark.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.cli.services import Setup

Status = Literal["ok", "warn", "fail", "skip"]

_NOT_FOUND = r"^NotFoundError (InvalidEndpointOrModel\.NotFound|InvalidEndpoint\.NotFound|invalid_model)\b"
_DATE = re.compile(r"-\d{6}$")
_ADDRESS_LIKE = re.compile(r"https?://\S+|([\w.-]+\.[a-z]{2,}|localhost)(:\d+)?(/[\w./-]*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was checked: a section of `findings.ini`, or `exchange`.
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


class TooSlowError(Exception):
    """A step did not end in time."""


class _Text(NamedTuple):
    section: str
    status: Status
    message: str
    advice: str
    pattern: str


@lru_cache(maxsize=1)
def _texts() -> dict[str, _Text]:
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.read_string(files(__package__).joinpath("findings.ini").read_text("utf-8"))
    texts = {}
    for section in parser.sections():
        for name, line in parser[section].items():
            parts = [part.strip() for part in line.split("|", 2)] + ["", ""]
            texts[name.rstrip("?")] = _Text(section, "warn" if name.endswith("?") else "fail", *parts[:3])
    return texts


def ok(check: str, message: str, **details: Any) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", message, details=details)


def skip(check: str, message: str, advice: str = "") -> Finding:
    """Something was not checked, and why."""
    return Finding(check, "skip", message, advice)


def fault(setup: Setup, text: str, /, **values: Any) -> Finding:
    """Something is wrong: a line of `findings.ini`, by name, and what it mentions besides service and setup."""
    row = _texts()[text]
    values |= {"setup": setup, "service": setup.service, "console": f"Console: {setup.service.console}"}
    values["expected"] = f"The address of the API is {setup.service.base_url}."
    values["copy"] = f"Copy the key again, and set {values.get('name')} to it with nothing around it."
    message, advice = (" ".join(part.format_map(values).split()) for part in (row.message, row.advice))
    return Finding(row.section.partition(".")[0], row.status, message, advice, text.partition(".")[0])


def match(setup: Setup, section: str, value: str, **values: Any) -> Finding | None:
    """The first fault of a section whose pattern is found in a value."""
    for name, row in _texts().items():
        if row.section == section and row.pattern and (found := re.search(row.pattern, value)):
            return fault(setup, name, **values, **found.groupdict())
    return None


def shown(url: str) -> str:
    """An address as it may be printed: what is not one may be a key that was put into the wrong variable."""
    text = " ".join(url.split())
    bare = re.sub(r"(?<=://)[^/@]*@", "", re.split(r"[?#]", text)[0])
    if text and not _ADDRESS_LIKE.fullmatch(bare):
        return f"({len(text)} characters, no address)"
    return bare or "(empty)"


def diagnose(
    error: Exception, setup: Setup, check: str, model: str | None = None, known: Sequence[str] = ()
) -> Finding:
    """Name the fault behind a failed call; the text of the exception holds the advice of the error tables."""
    status, code = getattr(error, "status_code", None), getattr(error, "code", None)
    said, kind = one_line(getattr(error, "message", None) or error), f"{type(error).__name__} {code}"
    if re.match(_NOT_FOUND, kind):
        found = _not_found(setup, model or "the model", known)
    else:
        values = {"said": said, "address": shown(setup.base_url), "status": status}
        found = match(setup, "call", kind, **values) or fault(setup, "refused", said=said)
    facts = {"error": type(error).__name__, "model": model, "status_code": status, "code": code, "said": said}
    facts["request_id"] = getattr(error, "request_id", None)
    return replace(found, check=check, details={name: fact for name, fact in facts.items() if fact is not None})


def _not_found(setup: Setup, model: str, known: Sequence[str]) -> Finding:
    if kind := {"ep": "endpoint", "bot": "bot"}.get(model.partition("-")[0]):
        return replace(fault(setup, "not_found", kind=kind, model=model), fault=f"{kind}_not_found")
    near = near_ids(model, known)
    hint = f"Did you mean {', '.join(near)}?" if near else f"The ids are in the console: {setup.service.console}"
    lacks_date = setup.service.name == "ark" and not _DATE.search(model) and (near or not known)
    return fault(setup, "model_id_without_date" if lacks_date else "unknown_model", model=model, hint=hint)


def near_ids(model: str, known: Sequence[str]) -> list[str]:
    """The existing ids that somebody may have meant by a typo or a title of the console, the likeliest first."""
    written = re.sub(r"[ ._]+", "-", model.strip().lower())
    by_stem: dict[str, list[str]] = {}
    for one in sorted(known, key=lambda one: one[-6:], reverse=True):
        by_stem.setdefault(_DATE.sub("", one), []).append(one)
    stems = difflib.get_close_matches(_DATE.sub("", written), by_stem, n=3, cutoff=0.75)
    return sorted((one for stem in stems for one in by_stem[stem]), key=lambda one: one != written)[:3]
