"""What the service itself says: whether it is there, the time, which models it has, whether one answers."""

from __future__ import annotations

import contextlib
import time
import warnings
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.ark.model_ids import CURRENT, RETIRING
from langchain_volcark.cli.doctor.faults import MODEL_FAULTS, Case, diagnose
from langchain_volcark.cli.doctor.findings import Finding, fail, ok, skip, warn
from langchain_volcark.cli.doctor.network import (
    STEP_SECONDS,
    TooSlowError,
    bounded,
    proxy_failure,
    proxy_refusal,
)
from langchain_volcark.cli.services import build, is_packaged
from langchain_volcark.cli.terminal import one_line
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.auth import BearerAuth
from langchain_volcark.http.client import read_json_reply
from langchain_volcark.http.errors import connection_error
from langchain_volcark.http.proxies import proxy_for, proxy_variables
from langchain_volcark.http.registry import DEFAULT_POOL, ClientRegistry
from langchain_volcark.http.sender import ClientTransport, Sender

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from langchain_volcark.cli.services import Setup

QUESTION = "Say OK."
TOLERATED_SKEW = 5 * 60.0
_GRACE = 5.0
_MOST_TRIED = 3
_SHOWN = 3
_MAX_TOKENS = 16
_BAD_GATEWAY = 502


def check_http(setup: Setup) -> tuple[list[Finding], dt.datetime | None]:
    """Ask the address without a key: whether an HTTP server answers, and what its clock says.

    Returns:
        The findings, and the server's time where it named one.
    """
    url = setup.base_url.strip().rstrip("/") + setup.service.ping
    proxy = proxy_for(httpx.URL(url), proxy_variables())
    try:
        response = bounded(lambda: _get(url, httpx.Auth()), STEP_SECONDS + _GRACE)
    except TooSlowError as error:
        return [fail("http", "timeout", f"{url}: {error}", "Look at network and proxy.")], None
    except VolcArkError as error:
        on_the_way = proxy_failure(error, proxy, httpx.URL(url).host) if proxy else None
        return [on_the_way or diagnose(error, Case("http", setup))], None
    status = response.status_code
    if status == 407 or (proxy is not None and status == _BAD_GATEWAY):
        return [proxy_refusal(status, proxy)], None
    found = ok("http", f"the server answers (HTTP {status}, asked without a key)", status_code=status)
    if response.is_redirect:
        said = f"the server redirects to {response.headers.get('location', 'another address')}"
        found = fail("http", "redirected", said, "Set that address, or check this one.")
    elif response.is_success and "text/html" in response.headers.get("content-type", ""):
        advice = "Is it the API's address? A portal (hotel, company) may answer in its place."
        found = fail("http", "not_the_api", "a web page answers, not an API", advice)
    return [found], _date(response)


def check_clock(setup: Setup, server: dt.datetime | None, now: dt.datetime) -> Finding:
    """Compare this machine's clock with the server's.

    Args:
        setup: Whether requests are signed decides how bad a difference is.
        server: The server's time; None where it named none.
        now: This machine's time.
    """
    if server is None:
        return skip("clock", "the server named no time")
    skew = (now - server).total_seconds()
    seconds = round(skew, 1)
    if abs(skew) < TOLERATED_SKEW:
        return ok("clock", f"within {max(1, round(abs(skew)))} s of the server's", skew_seconds=seconds)
    side = "ahead of" if skew > 0 else "behind"
    said = f"this machine's clock is {abs(skew) / 60:.0f} minutes {side} the server's"
    if setup.mode == "pair":
        advice = "Set it (automatic time): a signature is valid for minutes only. The keys may well be right."
        return fail("clock", "clock", said, advice, skew_seconds=seconds)
    advice = "Set it: signatures (access key pairs) and certificates depend on it."
    return warn("clock", "clock", said, advice, skew_seconds=seconds)


@dataclass(frozen=True)
class Listing:
    """What a service's list of models says.

    Attributes:
        usable: The chat models that are not being taken away, the likeliest choice first.
        known: All ids, for hints.
    """

    usable: Sequence[str] = ()
    known: Sequence[str] = ()


def check_models(setup: Setup) -> tuple[Finding, Listing]:
    """Ask which models there are, where the service documents such a question."""
    if setup.service.name != "ark":
        return skip("models", "the service documents no list of models"), Listing()
    known = Listing(known=(*CURRENT, *RETIRING))
    if setup.mode != "key":
        return skip("models", "a temporary key is for one endpoint or model, so none is asked for a list"), known
    key = SecretStr(setup.value(setup.key_variable or "") or "")
    url = setup.base_url.strip().rstrip("/").removesuffix("/chat/completions") + "/models"
    auth = BearerAuth(key, missing="")
    try:
        rows = bounded(lambda: read_json_reply(_get(url, auth), ArkErrors()), STEP_SECONDS + _GRACE).get("data")
    except TooSlowError as error:
        return fail("models", "timeout", f"{url}: {error}", "Look at network and proxy."), known
    except VolcArkError as error:
        return diagnose(error, Case("models", setup)), known
    listing = read_listing(rows)
    usable = listing.usable
    if not usable:
        advice = f"See {setup.service.console}"
        return warn("models", "no_models", "the service lists no chat model", advice), known
    shown = ", ".join(usable[:_SHOWN])
    more = f" and {len(usable) - _SHOWN} more" if len(usable) > _SHOWN else ""
    return ok("models", f"listed: {shown}{more} (listed is not yet activated)", usable=usable), listing


def read_listing(rows: Any) -> Listing:
    """Read Ark's list.

    Args:
        rows: `data` of `GET /models`.

    Returns:
        The ids; of the usable those first that this package knows to be current, then the newest.
    """
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    found = [row for row in found if isinstance(row.get("id"), str)]
    live = [row for row in found if not row.get("status") and _is_chat(row)]
    order = {model: place for place, model in enumerate(CURRENT)}
    newest = sorted(live, key=lambda row: str(row.get("version") or ""), reverse=True)
    usable = sorted((row["id"] for row in newest), key=lambda model: order.get(model, len(order)))
    return Listing(usable, [row["id"] for row in found])


def _is_chat(row: dict[str, Any]) -> bool:
    tasks = row.get("task_type")
    return tasks is None or "TextGeneration" in tasks


def check_chat(setup: Setup, listing: Listing) -> Finding:
    """Let a model say something.

    Args:
        setup: The service; its chosen model is called, else the first usable one that answers.
        listing: The ids that the service listed.
    """
    candidates = _candidates(setup, listing.usable)
    if not candidates:
        advice = f"Choose one: --model ID, or {setup.service.model_variable}=ID."
        return skip("chat", "no model was chosen", advice)
    finding = None
    for model in candidates:
        try:
            return _call(setup, model)
        except TooSlowError as error:
            return fail("chat", "timeout", f"{model}: {error}", "Try another model, or a longer --timeout.")
        except VolcArkError as error:
            finding = diagnose(error, Case("chat", setup, model, listing.known))
            if finding.fault not in MODEL_FAULTS:
                return finding
        except ValueError as error:
            return fail("chat", "arguments", one_line(error))
    if finding is None or len(candidates) == 1:
        return finding or skip("chat", "nothing was called")
    said = f"none of {', '.join(candidates)} can be called; of the last: {finding.message}"
    return replace(finding, message=said)


def _candidates(setup: Setup, usable: Sequence[str]) -> list[str]:
    if setup.model:
        return [setup.model]
    if usable:
        return list(usable[:_MOST_TRIED])
    if setup.service.name == "knowledge" and setup.mode == "key":
        return []  # its key is for one packaged service, which nobody named
    return [setup.service.default_model] if setup.service.default_model else []


def _call(setup: Setup, model: str) -> Finding:
    """Ask, and leave at the first sign of an answer."""
    settings = {} if is_packaged(model) else {"max_tokens": _MAX_TOKENS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chat = build(setup, model, max_retries=0, **settings)

    def first() -> str | None:
        for chunk in chat.stream(QUESTION):
            if chunk.content or chunk.additional_kwargs or chunk.response_metadata.get("finish_reason"):
                return chunk.response_metadata.get("model_name")
        return None

    began = time.monotonic()
    resolved = bounded(first, (setup.timeout or STEP_SECONDS) + _GRACE) or model
    seconds = round(time.monotonic() - began, 2)
    said = f"{model} answers (after {seconds} s)"
    return ok("chat", said, model=model, model_name=resolved, seconds=seconds)


def _get(url: str, auth: httpx.Auth) -> httpx.Response:
    """Ask as the package's own calls do: the same proxies, the same trusted certificates.

    Raises:
        VolcArkError: Nobody answered.
    """
    client = ClientRegistry().client(DEFAULT_POOL)  # one of its own: the environment may have changed
    sender = client if isinstance(client, Sender) else Sender(ClientTransport(client))
    timeout = httpx.Timeout(STEP_SECONDS)
    try:
        request = httpx.Request("GET", url, extensions={"timeout": timeout.as_dict()})
        return sender.send(request, auth=auth)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise connection_error(error, httpx.URL(url)) from error
    finally:
        client.close()


def _date(response: httpx.Response) -> dt.datetime | None:
    with contextlib.suppress(KeyError, TypeError, ValueError):
        date = parsedate_to_datetime(response.headers["date"])
        return date if date.tzinfo is not None else None
    return None
