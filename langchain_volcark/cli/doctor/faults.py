"""From an exception of a call to a fault with a stable name, with the advice of the service's own error table."""

from __future__ import annotations

import difflib
import re
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_volcark.cli.doctor.addresses import shown
from langchain_volcark.cli.doctor.findings import Finding, fail, warn
from langchain_volcark.cli.doctor.network import caused_by, proxy_refusal
from langchain_volcark.cli.terminal import one_line
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServiceError,
    VolcArkError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.cli.services import Setup

_DATE = re.compile(r"-\d{6}$")
_MOST_HINTS = 3

# The codes of the services' own tables, and of their gateways.
_FAULTS = {
    "account_restricted": "InvalidAccountStatus",
    "clock": "InvalidTimestamp RequestExpired",
    "endpoint_closed": "InvalidEndpoint.ClosedEndpoint",
    "model_ids_disabled": "InvalidEndpointOrModel.ModelIDAccessDisabled",
    "model_not_activated": "ModelNotOpen",
    "model_not_in_plan": "UnsupportedModel coding_plan_model_not_supported token_plan_person_model_not_supported",
    "model_retired": "model_offline",
    "not_allowed": "AccessDenied OperationDenied.PermissionDenied LackPolicy 1000002",
    "overdue": "AccountOverdueError OperationDenied.ServiceOverdue account_overdue",
    "plan_expired": "InvalidSubscription coding_plan_subscription_expired token_plan_person_subscription_expired",
    "service_not_activated": "OperationDenied.ServiceNotOpen",
    "spending_limit": "SetLimitExceeded",
    "unknown_model": "1000011",
    "wrong_access_key": "InvalidAccessKey InvalidAccessKeyId",
    "wrong_app_id": "invalid_appid",
    "wrong_key": "AuthenticationError invalid_iam_token 1000001 1000015",
    "wrong_region": "InvalidCredential",
    "wrong_secret_key": "SignatureDoesNotMatch",
}
_BY_CODE = {code: fault for fault, codes in _FAULTS.items() for code in codes.split()}
_NOT_FOUND = ("InvalidEndpointOrModel.NotFound", "InvalidEndpoint.NotFound", "invalid_model")
_NO_SUCH_PATH = (None, "NotFound", "not_found", "InvalidAction", "InvalidActionOrVersion", "1000024")
MODEL_FAULTS = ("model_not_activated", "unknown_model", "model_id_without_date", "model_not_in_plan")
"""Faults that another model may not have."""


@dataclass(frozen=True)
class Case:
    """What was tried.

    Attributes:
        check: The check it belongs to.
        setup: The service.
        model: What was called, or None.
        known: Ids that exist, for hints.
    """

    check: str
    setup: Setup
    model: str | None = None
    known: Sequence[str] = ()


def diagnose(error: VolcArkError, case: Case) -> Finding:
    """Name the fault behind a failed call.

    Args:
        error: What the call raised; its text ends in the advice of the service's error table.
        case: What was tried.

    Returns:
        A finding; `fault` is stable, the text is for people.
    """
    details: dict[str, Any] = {
        "error": type(error).__name__,
        "model": case.model,
        "status_code": error.status_code,
        "code": error.code,
        "request_id": error.request_id,
        "said": one_line(error.message),
    }
    found = _by_code(error, case) or _by_class(error, case)
    known = {name: value for name, value in details.items() if value is not None}
    return replace(found, details={**known, **found.details})


def _by_code(error: VolcArkError, case: Case) -> Finding | None:
    parts = (error.code or "").split(".")
    for code in (".".join(parts[:length]) for length in range(len(parts), 0, -1)):
        if code in _NOT_FOUND and isinstance(error, NotFoundError):
            return fail(case.check, *_not_found(case))
        if fault := _BY_CODE.get(code):
            said = one_line(error.message)
            said = f"the credential was refused: {said}" if isinstance(error, AuthenticationError) else said
            return fail(case.check, fault, said, f"The console: {case.setup.service.console}")
    return None


def _not_found(case: Case) -> tuple[str, str, str]:
    """Which of the three reasons a 404 for a model has."""
    model, console = case.model or "the model", case.setup.service.console
    if model.startswith(("ep-", "bot-")):
        what = "endpoint" if model.startswith("ep-") else "bot"
        advice = f"It was deleted, or belongs to another account or project than the key: {console}"
        return f"{what}_not_found", f"this key sees no {what} {model}", advice
    near = near_ids(model, case.known)
    hint = f"Did you mean {', '.join(near)}?" if near else f"The ids are in the console: {console}"
    if case.setup.service.name == "ark" and not _DATE.search(model) and (near or not case.known):
        return "model_id_without_date", f"there is no {model}: a model id ends in its date (-YYMMDD)", hint
    return "unknown_model", f"there is no {model}, or this account may not see it", hint


def near_ids(model: str, known: Sequence[str]) -> list[str]:
    """The ids that somebody may have meant.

    Args:
        model: What was written: a name of the console (`Doubao-Seed-2.1-pro`), an id without its date, a slip.
        known: Ids that exist.

    Returns:
        At most three, the likeliest first; among dated versions of the same model, the newest first.
    """
    written = re.sub(r"[ ._]+", "-", model.strip().lower())
    stem = _DATE.sub("", written)
    newest = sorted(known, key=lambda one: one[-6:], reverse=True)
    exact = [one for one in known if one == written]
    sisters = [one for one in newest if _DATE.sub("", one) == stem]
    versions = [one for one in newest if one.startswith(f"{written}-")]
    similar = difflib.get_close_matches(written, known, n=_MOST_HINTS, cutoff=0.75)
    return list(dict.fromkeys([*exact, *sisters, *versions, *similar]))[:_MOST_HINTS]


def _by_class(error: VolcArkError, case: Case) -> Finding:
    """The fault of an error whose code is not known."""
    said, check, service = one_line(error.message), case.check, case.setup.service
    if error.status_code == 407:
        return proxy_refusal(407, None)
    if isinstance(error, RateLimitError) and not isinstance(error, QuotaExceededError):
        said = f"the set-up works, but there is too much for now ({said})"
        return warn(check, "rate_limited", said, "Slow down.")
    no_such_path = isinstance(error, NotFoundError) and error.code in _NO_SUCH_PATH
    if no_such_path or isinstance(error, ResponseFormatError):
        said = f"whoever answers at {shown(case.setup.base_url)} is not the API (HTTP {error.status_code})"
        advice = f"Check the address and its path: it looks like {service.base_url}."
        return fail(check, "base_url_path", said, advice)
    if isinstance(error, APIConnectionError) and caused_by(error, ssl.SSLError):
        return fail(check, "tls_certificate", said, "See the check `tls`, and SSL_CERT_FILE.")
    slow = "Try again; if it stays, try another model, a longer --timeout, or look at network and proxy."
    for kind, fault, advice in (
        (APITimeoutError, "timeout", slow),
        (APIConnectionError, "connection", "Look at network, firewall and proxy."),
        (QuotaExceededError, "quota", "This quota is used up; waiting a moment does not help."),
        (AuthenticationError, "wrong_key", f"See {service.console}"),
        (ServiceError, "service_failed", "The service itself failed. Try again in a few minutes."),
    ):
        if isinstance(error, kind):
            return fail(check, fault, said, advice)
    return fail(check, "refused", said)
