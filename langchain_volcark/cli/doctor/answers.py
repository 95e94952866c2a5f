"""What the service answers: the time, the list of models, and a question."""

from __future__ import annotations

import datetime as dt
import time
import warnings
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.ark.model_ids import CURRENT, RETIRING
from langchain_volcark.cli.doctor.findings import Finding, TooSlowError, diagnose, fault, ok, skip
from langchain_volcark.cli.doctor.network import GRACE, STEP_SECONDS, bounded, get
from langchain_volcark.cli.services import build, is_packaged
from langchain_volcark.cli.terminal import one_line
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.hosted_tools import web_search
from langchain_volcark.http.auth import BearerAuth
from langchain_volcark.http.replies import read_json_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.cli.services import Setup

_QUESTION, _MAX_TOKENS = "Say OK.", 16
_SEARCH_TOKENS = 256  # the Responses API fails where it may write but a few
_TOLERATED_SKEW = 5 * 60.0
_MOST_TRIED = _SHOWN = 3
_MODEL_FAULTS = ("model_not_activated", "unknown_model", "model_id_without_date", "model_not_in_plan")


def check_clock(setup: Setup, response: httpx.Response) -> Finding:
    """Compare this machine's clock with the server's; a signed request is refused where they differ much."""
    try:
        server = parsedate_to_datetime(response.headers["date"]).astimezone(dt.timezone.utc)
    except (KeyError, TypeError, ValueError, OverflowError):
        return skip("clock", "the server gave no time")
    skew = (dt.datetime.now(dt.timezone.utc) - server).total_seconds()
    details, minutes = {"skew_seconds": round(skew, 1)}, f"{abs(skew) / 60:.0f}"
    if abs(skew) < _TOLERATED_SKEW:
        return ok("clock", f"within {max(1, round(abs(skew)))} s of the server's", **details)
    side = "ahead of" if skew > 0 else "behind"
    name = "clock.signed" if setup.mode == "pair" else "clock"
    return replace(fault(setup, name, minutes=minutes, side=side), details=details)


@dataclass(frozen=True)
class Listing:
    """A service's models: the chat models that are not being retired, the likeliest choice first, and all ids."""

    usable: Sequence[str] = ()
    known: Sequence[str] = ()


def check_models(setup: Setup) -> tuple[Finding, Listing]:
    """Ask which models there are, where the service documents such a list."""
    if setup.service.name != "ark":
        return skip("models", "the service documents no list of models"), Listing()
    listing = Listing(known=(*CURRENT, *RETIRING))
    if setup.mode != "key":
        return skip("models", "a temporary key is for one endpoint or model and lists none"), listing
    auth = BearerAuth(SecretStr(setup.value(setup.key_variable or "") or ""), missing="")
    url = httpx.URL(setup.base_url.strip().rstrip("/").removesuffix("/chat/completions") + "/models")
    try:
        listed = read_listing(read_json_reply(get(url, auth), ArkErrors()).get("data"))
    except (TooSlowError, VolcArkError) as error:
        return diagnose(error, setup, "models"), listing
    if not listed.usable:
        return fault(setup, "no_models"), listing
    more = f" and {len(listed.usable) - _SHOWN} more" if len(listed.usable) > _SHOWN else ""
    said = f"listed: {', '.join(listed.usable[:_SHOWN])}{more} (a listed model may still have to be activated)"
    return ok("models", said, usable=listed.usable), listed


def read_listing(rows: Any) -> Listing:
    """Read `data` of Ark's `GET /models`; usable are first the ids in `model_ids.CURRENT`, then the newest."""
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = [row for row in found if isinstance(row.get("id"), str)]
    chat = [row for row in found if "TextGeneration" in (row.get("task_type") or ["TextGeneration"])]
    newest = sorted(chat, key=lambda row: str(row.get("version") or ""), reverse=True)
    order = {model: place for place, model in enumerate(CURRENT)}
    usable = [row["id"] for row in newest if not row.get("status")]
    return Listing(sorted(usable, key=lambda one: order.get(one, len(order))), [row["id"] for row in found])


def check_chat(setup: Setup, listing: Listing) -> Finding:
    """Ask the chosen model a question; where none was chosen, the first usable one that answers."""
    candidates, finding = _candidates(setup, listing.usable), None
    for model in candidates:
        try:
            return _ask(setup, model)
        except (TooSlowError, VolcArkError) as error:
            finding = diagnose(error, setup, "chat", model, listing.known)
            if finding.fault not in _MODEL_FAULTS:
                return finding
        except ValueError as error:
            return fault(setup, "arguments", said=one_line(error))
    if finding is None:
        advice = f"Choose one: --model ID, or {setup.service.model_variable}=ID."
        return skip("chat", "no model was chosen", advice)
    tried = f"none of {', '.join(candidates)} can be called; the last: " if len(candidates) > 1 else ""
    return replace(finding, message=tried + finding.message)


def check_search(setup: Setup, chat: Finding) -> Finding:
    """Ask once more with web search, which an account activates apart from the model.

    Args:
        setup: The service and its settings.
        chat: What `check_chat` found.
    """
    model = str(chat.details.get("model", ""))
    if setup.service.name != "ark" or model.startswith("bot-"):
        return skip("search", "only models of Ark search the web")
    if chat.status != "ok":
        return skip("search", "not tried: the model does not answer")
    try:
        _, seconds = _first_answer(setup, model, _SEARCH_TOKENS, tools=[web_search()], store=False)
    except (TooSlowError, VolcArkError) as error:
        return diagnose(error, setup, "search", model)
    return ok("search", f"{model} may search the web (after {seconds} s)", model=model, seconds=seconds)


def _candidates(setup: Setup, usable: Sequence[str]) -> list[str]:
    if setup.model or usable:
        return [setup.model] if setup.model else list(usable[:_MOST_TRIED])
    if setup.service.name == "knowledge" and setup.mode == "key":
        return []  # its key is for one packaged service, which was not named
    return [setup.service.default_model] if setup.service.default_model else []


def _ask(setup: Setup, model: str) -> Finding:
    resolved, seconds = _first_answer(setup, model, _MAX_TOKENS)
    details = {"model": model, "model_name": resolved or model, "seconds": seconds}
    return ok("chat", f"{model} answers (after {seconds} s)", **details)


def _first_answer(setup: Setup, model: str, limit: int, **call: Any) -> tuple[str | None, float]:
    """Ask, and stop at the first part of the answer.

    Args:
        setup: The service and its settings.
        model: Whom to ask.
        limit: Most tokens of the answer.
        **call: Further arguments of the call.

    Returns:
        The model's name as the service resolved it, and the seconds it took.
    """
    settings = {} if is_packaged(model) else {"max_tokens": limit}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chat = build(setup, model, max_retries=0, **settings)

    def first() -> str | None:
        for chunk in chat.stream(_QUESTION, **call):
            if chunk.content or chunk.additional_kwargs or chunk.response_metadata.get("finish_reason"):
                return chunk.response_metadata.get("model_name")
        return None

    began = time.monotonic()
    resolved = bounded(first, (setup.timeout or STEP_SECONDS) + GRACE)
    return resolved, round(time.monotonic() - began, 2)
