"""From the exception of a call to a fault with a stable name; the exception's text holds the advice already."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.addresses import shown
from langchain_volcark.cli.doctor.findings import Finding, fault
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
from langchain_volcark.http.error_table import code_prefixes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.cli.services import Setup

_DATE = re.compile(r"-\d{6}$")
_MOST_HINTS = 3

# Codes of the services' error tables, and of their gateways.
_CODES = {
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
    "not_found": "InvalidEndpointOrModel.NotFound InvalidEndpoint.NotFound invalid_model",
    "no_such_path": "NotFound not_found InvalidAction InvalidActionOrVersion 1000024",
}
_BY_CODE = {code: name for name, codes in _CODES.items() for code in codes.split()}
_CLASSES = {
    APITimeoutError: "timeout",
    APIConnectionError: "connection",
    QuotaExceededError: "quota",
    RateLimitError: "rate_limited",
    AuthenticationError: "wrong_key",
    ServiceError: "service_failed",
}
MODEL_FAULTS = ("model_not_activated", "unknown_model", "model_id_without_date", "model_not_in_plan")
"""Faults that another model may not have."""


def diagnose(
    error: Exception, setup: Setup, check: str, model: str | None = None, known: Sequence[str] = ()
) -> Finding:
    """Name the fault behind a failed call.

    Args:
        error: What the call raised.
        setup: The service.
        check: The check that made the call.
        model: What was called.
        known: Ids that exist, for hints.
    """
    if not isinstance(error, VolcArkError):
        return fault(setup, "timeout", check=check, said=one_line(error))
    said, is_missing = one_line(error.message), isinstance(error, NotFoundError)
    name = next((_BY_CODE[code] for code in code_prefixes(error.code or "") if code in _BY_CODE), None)
    if isinstance(error, ResponseFormatError) or (is_missing and (name == "no_such_path" or not error.code)):
        found = fault(setup, "base_url_path.answer", url=shown(setup.base_url), status=error.status_code)
    elif is_missing and name == "not_found":
        found = _not_found(setup, model or "the model", known)
    elif name and name not in ("not_found", "no_such_path"):
        refused = "the credential was refused: " if isinstance(error, AuthenticationError) else ""
        found = replace(fault(setup, "by_code", said=f"{refused}{said}"), fault=name)
    else:
        name = next((name for kind, name in _CLASSES.items() if isinstance(error, kind)), "refused")
        found = fault(setup, name, said=said)
    facts = {
        "error": type(error).__name__,
        "model": model,
        "status_code": error.status_code,
        "code": error.code,
        "request_id": error.request_id,
        "said": said,
    }
    details = {name: value for name, value in facts.items() if value is not None}
    return replace(found, check=check, details=details)


def _not_found(setup: Setup, model: str, known: Sequence[str]) -> Finding:
    """Which of the three reasons a 404 for a model has."""
    if model.startswith(("ep-", "bot-")):
        kind = "endpoint" if model.startswith("ep-") else "bot"
        return fault(setup, f"{kind}_not_found", model=model)
    near = near_ids(model, known)
    hint = f"Did you mean {', '.join(near)}?" if near else f"The ids are in the console: {setup.service.console}"
    lacks_date = setup.service.name == "ark" and not _DATE.search(model) and (near or not known)
    return fault(setup, "model_id_without_date" if lacks_date else "unknown_model", model=model, hint=hint)


def near_ids(model: str, known: Sequence[str]) -> list[str]:
    """The ids that somebody may have meant, the likeliest first; at most three.

    Args:
        model: What was written: a name of the console (`Doubao-Seed-2.1-pro`), an id without its date, a typo.
        known: Ids that exist.
    """
    written = re.sub(r"[ ._]+", "-", model.strip().lower())
    stem = _DATE.sub("", written)
    newest = sorted(known, key=lambda one: one[-6:], reverse=True)
    exact = [one for one in known if one == written]
    sisters = [one for one in newest if _DATE.sub("", one) == stem]
    versions = [one for one in newest if one.startswith(f"{written}-")]
    similar = difflib.get_close_matches(written, known, n=_MOST_HINTS, cutoff=0.75)
    return list(dict.fromkeys([*exact, *sisters, *versions, *similar]))[:_MOST_HINTS]
