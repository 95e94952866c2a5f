"""From an exception of a call to a fault with a stable name, and what to do about it.

The codes are those of the services' own tables: https://www.volcengine.com/docs/82379/1299023 (Ark),
https://www.volcengine.com/docs/6369/68677 (Volcengine's gateway), https://ai.baidu.com/ai-doc/WENXINWORKSHOP/Cm2y4d5ha
(Qianfan), https://www.volcengine.com/docs/84313/1350012 (knowledge base).
"""

from __future__ import annotations

import difflib
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.cli.doctor.addresses import shown
from langchain_volcark.cli.doctor.findings import Finding, fail, warn
from langchain_volcark.cli.doctor.network import proxy_refusal
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
    from collections.abc import Iterator, Sequence

    from langchain_volcark.cli.services import Setup

_DATE = re.compile(r"-\d{6}$")
_MOST_HINTS = 3

# Code, or its beginning up to a dot: fault, what is so, what to do.
_BY_CODE: dict[str, tuple[str, str, str]] = {
    "ModelNotOpen": (
        "model_not_activated",
        "{model} exists, but is not activated for this account",
        "Activate it in the console: {console}",
    ),
    "InvalidEndpointOrModel.ModelIDAccessDisabled": (
        "model_ids_disabled",
        "this account may not call model ids",
        "Create an endpoint in the console and use its ep-… id: {console}",
    ),
    "InvalidEndpoint.ClosedEndpoint": (
        "endpoint_closed",
        "the endpoint {model} is stopped, or still starting",
        "Start it in the console: {console}",
    ),
    "UnsupportedModel": ("model_not_in_plan", "the plan does not include {model}", "Choose a model of the plan."),
    "AuthenticationError": (
        "wrong_key",
        "the key was refused",
        "Copy it again from {console}; it is bound to a region and a plan, so it must fit {base_url}.",
    ),
    "InvalidAccountStatus": ("account_restricted", "the account is restricted", "See the console: {console}"),
    "InvalidSubscription": ("plan_expired", "the plan is missing or has expired", "Renew it: {console}"),
    "AccountOverdueError": ("overdue", "the account is in arrears", "Settle it in the console's billing pages."),
    "OperationDenied.ServiceOverdue": (
        "overdue",
        "the account is in arrears",
        "Settle it in the console's billing pages.",
    ),
    "OperationDenied.ServiceNotOpen": (
        "service_not_activated",
        "the service is not activated for this account",
        "Activate it in the console: {console}",
    ),
    "AccessDenied": (
        "not_allowed",
        "the credentials are good, but may not do this",
        "They may be limited to a project, to some models or to some IP addresses: {console}",
    ),
    "OperationDenied.PermissionDenied": (
        "not_allowed",
        "the credentials are good, but may not do this",
        "They may be limited to a project, to some models or to some IP addresses: {console}",
    ),
    "LackPolicy": (
        "not_allowed",
        "the keys are good, but their IAM user may not do this",
        "Grant it ark:GetApiKey for this endpoint, bot or project, and check --project.",
    ),
    "SetLimitExceeded": (
        "spending_limit",
        "the spending limit of the safe-experience mode is reached",
        "Raise it in the console: {console}",
    ),
    # Volcengine's and Baidu's gateways.
    "InvalidAccessKey": ("wrong_access_key", "the access key does not exist", "Check {access} (and which site)."),
    "InvalidAccessKeyId": (
        "wrong_access_key",
        "the access key does not exist",
        "Check {access} (and which site).",
    ),
    "SignatureDoesNotMatch": (
        "wrong_secret_key",
        "the secret key does not belong to the access key",
        "Check {secret}.",
    ),
    "InvalidCredential": (
        "wrong_region",
        "the signature is for another region or service",
        "Leave --region out, or set the one that the address ({base_url}) is in.",
    ),
    "InvalidTimestamp": (
        "clock",
        "this machine's clock is wrong: a signature is valid for minutes only",
        "Set the clock (automatic time); the keys may well be right.",
    ),
    "RequestExpired": (
        "clock",
        "this machine's clock is wrong: a signature is valid for minutes only",
        "Set the clock (automatic time); the keys may well be right.",
    ),
    # Qianfan.
    "invalid_iam_token": ("wrong_key", "the key was refused", "Copy it whole (bce-v3/ALTAK-…/…) from {console}."),
    "invalid_appid": (
        "wrong_app_id",
        "the application does not belong to the key's account",
        "Check QIANFAN_APP_ID, or unset it.",
    ),
    "model_offline": ("model_retired", "{model} is retired", "Choose another: {console}"),
    "account_overdue": ("overdue", "the account is in arrears", "Settle it in the console's billing pages."),
    # Knowledge base.
    "1000001": (
        "wrong_key",
        "the credentials were refused",
        "Check {access}, {secret} and --region; a packaged service's own key serves that service alone.",
    ),
    "1000002": ("not_allowed", "the account, or its IAM user, may not do this", "See the console: {console}"),
    "1000011": ("unknown_model", "there is no {model}", "Check the id: {console}"),
    "1000015": ("wrong_key", "the credentials were refused", "Check {access} and {secret}."),
}
_NOT_FOUND = ("InvalidEndpointOrModel.NotFound", "InvalidEndpoint.NotFound", "invalid_model")
_NO_SUCH_PATH = (None, "NotFound", "not_found", "InvalidActionOrVersion", "1000024")
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
        error: What the call raised.
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
    known = {name: value for name, value in details.items() if value is not None}
    for part in _prefixes(error.code or ""):
        if part in _BY_CODE:
            fault, message, advice = (_fill(text, case) for text in _BY_CODE[part])
            return fail(case.check, fault, message, advice, **known)
        if part in _NOT_FOUND:
            return fail(case.check, *_not_found(case), **known)
    found = _by_class(error, case)
    return Finding(found.check, found.status, found.message, found.advice, found.fault, {**known, **found.details})


def _prefixes(code: str) -> Iterator[str]:
    parts = code.split(".")
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length])


def _fill(text: str, case: Case) -> str:
    access, secret = case.setup.service.pair
    return text.format(
        model=case.model or "the model",
        console=case.setup.service.console,
        base_url=shown(case.setup.base_url),
        access=access,
        secret=secret,
    )


def _not_found(case: Case) -> tuple[str, str, str]:
    """Which of the three reasons a 404 for a model has."""
    model, console = case.model or "the model", case.setup.service.console
    if model.startswith(("ep-", "bot-")):
        what = "endpoint" if model.startswith("ep-") else "bot"
        return (
            f"{what}_not_found",
            f"this key sees no {what} {model}",
            f"It was deleted, or belongs to another account or project than the key: {console}",
        )
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
    versions = sorted(
        (one for one in known if one.startswith(f"{written}-")), key=lambda one: one[-6:], reverse=True
    )
    stem = _DATE.sub("", written)
    sisters = sorted((one for one in known if _DATE.sub("", one) == stem), key=lambda one: one[-6:], reverse=True)
    similar = difflib.get_close_matches(written, known, n=_MOST_HINTS, cutoff=0.75)
    exact = [one for one in known if one == written]
    dated = [one for one in versions if _DATE.sub("", one) == written]
    return list(dict.fromkeys([*exact, *dated, *sisters, *versions, *similar]))[:_MOST_HINTS]


def _by_class(error: VolcArkError, case: Case) -> Finding:
    """The fault of an error without a code that is known."""
    said, check = one_line(error.message), case.check
    if error.status_code == 407:
        return proxy_refusal(407, None)
    if isinstance(error, APITimeoutError):
        return fail(
            check,
            "timeout",
            said,
            "Try again; if it stays, try another model, a longer --timeout, or look at network and proxy.",
        )
    if isinstance(error, APIConnectionError):
        if _caused_by(error, ssl.SSLError):
            return fail(check, "tls_certificate", said, "See the check `tls`, and SSL_CERT_FILE.")
        return fail(check, "connection", said, "Look at network, firewall and proxy.")
    if isinstance(error, QuotaExceededError):
        return fail(check, "quota", "a quota is used up; waiting a moment does not help", f"{said}")
    if isinstance(error, RateLimitError):
        return warn(
            check, "rate_limited", f"the set-up works, but there is too much for now ({said})", "Slow down."
        )
    if isinstance(error, ResponseFormatError) or (
        isinstance(error, NotFoundError) and error.code in _NO_SUCH_PATH
    ):
        return fail(
            check,
            "base_url_path",
            f"whoever answers at {shown(case.setup.base_url)} is not the API (HTTP {error.status_code})",
            f"Check the address and its path: it looks like {case.setup.service.base_url}.",
        )
    if isinstance(error, AuthenticationError):
        return fail(check, "wrong_key", said, f"See {case.setup.service.console}")
    if isinstance(error, ServiceError):
        return fail(check, "service_failed", f"the service itself failed: {said}", "Try again in a few minutes.")
    return fail(check, "refused", said)


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, kind):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
