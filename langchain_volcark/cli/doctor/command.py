"""`volcark doctor`: runs the checks in the order in which a call would fail, and prints what they found."""

from __future__ import annotations

import datetime as dt
import os
import sys
from typing import TYPE_CHECKING

from langchain_volcark.cli.doctor.addresses import check_address
from langchain_volcark.cli.doctor.answers import check_chat, check_clock, check_http, check_models
from langchain_volcark.cli.doctor.environment import check_values, check_variables
from langchain_volcark.cli.doctor.findings import Finding, fail, skip
from langchain_volcark.cli.doctor.keys import check_form
from langchain_volcark.cli.doctor.network import check_way
from langchain_volcark.cli.doctor.report import Report, as_json
from langchain_volcark.cli.services import SERVICES, ServiceName, Setup
from langchain_volcark.cli.terminal import Redactor, Style, tolerate

if TYPE_CHECKING:
    import argparse

_USAGE = 2
_WAY = ("proxy", "dns", "tcp", "tls", "http")


def run(options: argparse.Namespace) -> int:
    """Check each service that was asked for.

    Args:
        options: The command's arguments.

    Returns:
        The exit status: 0 nothing wrong, 1 something, 2 arguments that do not go together.
    """
    tolerate(sys.stdout, sys.stderr)
    names = _services(options.service)
    if len(names) > 1 and (options.base_url or options.model or options.exchange_url):
        sys.stderr.write("volcark doctor: --base-url, --exchange-url and --model need one --service\n")
        return _USAGE
    redactor, style = Redactor(os.environ), Style(sys.stdout)
    reports = []
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
        report = Report(setup, examine(setup))
        reports.append(report)
        if not options.json:
            sys.stdout.write(report.as_lines(style, redactor))
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(as_json(reports, redactor))
    return 1 if any(report.failed for report in reports) else 0


def _services(asked: ServiceName | str | None) -> list[ServiceName]:
    """Those asked for; by default those with credentials, and Ark where there are none at all."""
    if asked == "all":
        return list(SERVICES)
    chosen = [name for name in SERVICES if name == asked]
    return chosen or [name for name in SERVICES if Setup(SERVICES[name]).mode != "none"] or ["ark"]


def examine(setup: Setup) -> list[Finding]:
    """Look at one service, until something makes the rest pointless.

    Args:
        setup: The service and what was chosen.

    Returns:
        What was found, in the order in which a call would meet it.
    """
    values = check_values(setup)
    form = [] if _failed(values, "key") else check_form(setup)
    findings = [*check_variables(setup), *values, *form, *check_address(setup)]
    if _failed(findings, "base_url"):
        return [*findings, skip("chat", "nothing was sent: the address is wrong")]
    findings += check_way(setup.base_url)
    if not _failed(findings, *_WAY):
        found, server = check_http(setup)
        # Through a proxy, only the request shows which step failed.
        failed = {finding.check for finding in found if finding.status == "fail"}
        findings = [finding for finding in findings if finding.check not in failed] + found
        findings.append(check_clock(setup, server, dt.datetime.now(dt.timezone.utc)))
    if _failed(findings, *_WAY):
        return [*findings, skip("chat", "not tried: there is no way to the service")]
    if _failed(findings, "environment", "key"):
        return [*findings, skip("chat", "not tried: credentials like these are sent to nobody")]
    if setup.mode == "pair" and setup.exchange_url:
        broken = [finding for finding in check_way(setup.exchange_url) if finding.status == "fail"]
        if broken:
            said, fault = f"{setup.exchange_url}: {broken[0].message}", broken[0].fault or "exchange"
            unasked = skip("chat", "not tried: no key can be got for the pair")
            return [*findings, fail("exchange", fault, said, broken[0].advice), unasked]
    refused = _pair_needs(setup) if setup.service.name == "ark" and setup.mode == "pair" else None
    return [*findings, refused] if refused else [*findings, *_answers(setup)]


def _answers(setup: Setup) -> list[Finding]:
    listed, listing = check_models(setup)
    if listed.status == "fail":
        return [listed, skip("chat", "not tried: already the list of models was refused")]
    return [listed, check_chat(setup, listing)]


def _pair_needs(setup: Setup) -> Finding | None:
    """What a temporary key cannot be asked for without."""
    if setup.model is None:
        return skip("chat", "with an access key pair a key is asked for one model", "Say which: --model ID.")
    if not setup.project and not setup.model.startswith(("ep-", "bot-")):
        said = f"with an access key pair the model id {setup.model} needs its project"
        advice = "Pass --project default (project_name=…), or an endpoint id (ep-…), or use an API key."
        return fail("chat", "project_missing", said, advice)
    return None


def _failed(findings: list[Finding], *checks: str) -> bool:
    return any(finding.status == "fail" and finding.check in checks for finding in findings)
