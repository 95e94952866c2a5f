"""`volcark doctor`: runs the checks in the order in which a call depends on them, and prints what they found."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from langchain_volcark._version import __version__
from langchain_volcark.cli.doctor.answers import check_chat, check_clock, check_models, check_search
from langchain_volcark.cli.doctor.findings import Finding, fault, shown, skip
from langchain_volcark.cli.doctor.network import check_way
from langchain_volcark.cli.doctor.settings import check_address, check_form, check_values, check_variables
from langchain_volcark.cli.services import SERVICES, ServiceName, Setup
from langchain_volcark.cli.terminal import Redactor, Style, tolerate
from langchain_volcark.http import arguments

if TYPE_CHECKING:
    import argparse

_FORMAT = 1  # of the JSON document: its shape is stable within one value, and fields may be added
_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red"), "skip": ("skip", "dim")}


def run(options: argparse.Namespace) -> int:
    """Check each service asked for. Exit status: 0 nothing is wrong, 1 something is, 2 the arguments are wrong."""
    tolerate(sys.stdout, sys.stderr)
    names = _services(options.service)
    if len(names) > 1 and (options.base_url or options.model or options.exchange_url):
        sys.stderr.write("volcark doctor: --base-url, --exchange-url and --model need one --service\n")
        return 2
    redactor, style, services = Redactor(os.environ), Style(sys.stdout), []
    for name in names:
        setup = Setup(
            SERVICES[name],
            base=options.base_url,
            exchange=options.exchange_url,
            chosen_model=options.model,
            region=options.region,
            project=options.project,
            timeout=options.timeout,
        )
        findings = examine(setup)
        if options.search:
            findings.append(check_search(setup, findings[-1]))
        services.append(_as_data(setup, findings))
        if not options.json:
            sys.stdout.write(_as_lines(setup, findings, style, redactor))
            sys.stdout.flush()
    is_fine = all(service["ok"] for service in services)
    if options.json:
        about = {"package": __version__, "python": platform.python_version(), "platform": sys.platform}
        document = {"format": _FORMAT, **about, "ok": is_fine, "services": services}
        sys.stdout.write(json.dumps(redactor.data(document), ensure_ascii=False, indent=2) + "\n")
    return 0 if is_fine else 1


def _as_lines(setup: Setup, findings: list[Finding], style: Style, redactor: Redactor) -> str:
    """One line for each finding, below a title."""
    title = f"{setup.service.title}, {shown(setup.base_url)}"
    lines = [style.paint(redactor.text(title), "bold")]
    for finding in findings:
        end = "." if finding.advice and not finding.message.endswith((".", "!", "?")) else ""
        word, colour = _MARKS[finding.status]
        text = redactor.text(f"{finding.message}{end} {finding.advice}".strip())
        lines.append(f"  {style.paint(f'{word:<5}', colour)} {finding.check:<12} {text}")
    return "\n".join(lines) + "\n"


def _as_data(setup: Setup, findings: list[Finding]) -> dict[str, Any]:
    """The same for scripts."""
    about = {"service": setup.service.name, "base_url": shown(setup.base_url), "credential": setup.mode}
    return {**about, "ok": not _failed(findings), "checks": [asdict(finding) for finding in findings]}


def _services(asked: ServiceName | str | None) -> list[ServiceName]:
    """Those asked for; by default those with credentials, and Ark where there are none at all."""
    if asked == "all":
        return list(SERVICES)
    chosen = [name for name in SERVICES if name == asked]
    return chosen or [name for name in SERVICES if Setup(SERVICES[name]).mode != "none"] or ["ark"]


def examine(setup: Setup) -> list[Finding]:
    """Check one service, until a fault makes the rest pointless."""
    values = check_values(setup)
    form = [] if _failed(values, "key") else check_form(setup)
    findings = [*check_variables(setup), *values, *form, *check_address(setup)]
    if _failed(findings, "base_url"):
        return [*findings, skip("chat", "not tried: the address is wrong")]
    way, response = check_way(setup, setup.base_url.strip().rstrip("/") + setup.service.ping)
    findings += [*way, check_clock(setup, response)] if response else way
    if _failed(way):
        return [*findings, skip("chat", "not tried: the service cannot be reached")]
    if _failed(findings, "environment", "key"):
        return [*findings, skip("chat", "not tried: set the credentials right first")]
    if stopped := _check_pair(setup):
        return [*findings, *stopped]
    listed, listing = check_models(setup)
    if listed.status == "fail":
        return [*findings, listed, skip("chat", "not tried: the list of models was refused already")]
    return [*findings, listed, check_chat(setup, listing)]


def _check_pair(setup: Setup) -> list[Finding]:
    """What stops an access key pair from being exchanged for a key, if anything."""
    if setup.mode != "pair" or not setup.exchange_url:
        return []
    try:
        way, _ = check_way(setup, arguments.check_address(setup.exchange_url, "--exchange-url"))
    except ValueError as error:
        return [replace(fault(setup, "arguments", said=error), check="exchange")]
    broken = next((finding for finding in way if finding.status == "fail" and finding.check != "http"), None)
    if broken:
        said = f"{setup.exchange_url}: {broken.message}"
        return [replace(broken, check="exchange", message=said), skip("chat", "not tried: no key for the pair")]
    if setup.service.name == "ark" and setup.model is None:
        return [skip("chat", "an access key pair is exchanged for a key of one model", "Say which: --model ID.")]
    needs_project = setup.service.name == "ark" and not setup.project
    is_model_id = not (setup.model or "").startswith(("ep-", "bot-"))
    return [fault(setup, "project_missing")] if needs_project and is_model_id else []


def _failed(findings: list[Finding], *checks: str) -> bool:
    """Whether one of these checks failed; any check where none is named."""
    return any(finding.status == "fail" and (not checks or finding.check in checks) for finding in findings)
