"""`volcark doctor`: runs the checks in the order in which a call depends on them, and prints what they found."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_volcark._version import __version__
from langchain_volcark.cli.doctor.addresses import check_address, shown
from langchain_volcark.cli.doctor.answers import check_chat, check_clock, check_models
from langchain_volcark.cli.doctor.credentials import check_form, check_values, check_variables
from langchain_volcark.cli.doctor.findings import Finding, fault, skip
from langchain_volcark.cli.doctor.network import check_way
from langchain_volcark.cli.services import SERVICES, ServiceName, Setup
from langchain_volcark.cli.terminal import Redactor, Style, tolerate
from langchain_volcark.http import arguments

if TYPE_CHECKING:
    import argparse

_FORMAT = 1  # of the JSON document: its shape is stable within one value, and fields may be added
_USAGE = 2
_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red"), "skip": ("skip", "dim")}


def run(options: argparse.Namespace) -> int:
    """Check each service that was asked for.

    Returns:
        The exit status: 0 nothing wrong, 1 something, 2 arguments that do not go together.
    """
    tolerate(sys.stdout, sys.stderr)
    names = _services(options.service)
    if len(names) > 1 and (options.base_url or options.model or options.exchange_url):
        sys.stderr.write("volcark doctor: --base-url, --exchange-url and --model need one --service\n")
        return _USAGE
    redactor, style, reports = Redactor(os.environ), Style(sys.stdout), []
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
    is_fine = not any(report.failed for report in reports)
    if options.json:
        document = {
            "format": _FORMAT,
            "package": __version__,
            "python": platform.python_version(),
            "platform": sys.platform,
            "ok": is_fine,
            "services": [report.as_data() for report in reports],
        }
        sys.stdout.write(json.dumps(redactor.data(document), ensure_ascii=False, indent=2) + "\n")
    return 0 if is_fine else 1


@dataclass(frozen=True)
class Report:
    """All findings of one service."""

    setup: Setup
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether something is wrong."""
        return any(finding.status == "fail" for finding in self.findings)

    def as_lines(self, style: Style, redactor: Redactor) -> str:
        """One line for each finding, below a title."""
        title = f"{self.setup.service.title}, {_flat(shown(self.setup.base_url))}"
        lines = [style.paint(redactor.text(title), "bold")]
        for finding in self.findings:
            end = "." if finding.advice and not finding.message.endswith((".", "!", "?")) else ""
            word, colour = _MARKS[finding.status]
            text = redactor.text(_flat(f"{finding.message}{end} {finding.advice}"))
            lines.append(f"  {style.paint(f'{word:<5}', colour)} {finding.check:<12} {text}")
        return "\n".join(lines) + "\n"

    def as_data(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "service": self.setup.service.name,
            "base_url": shown(self.setup.base_url),
            "credential": self.setup.mode,
            "ok": not self.failed,
            "checks": [asdict(finding) for finding in self.findings],
        }


def _flat(text: str) -> str:
    return " ".join(text.split())


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
    if broken := _check_exchange(setup):
        return [*findings, broken, skip("chat", "not tried: there is no key for the pair")]
    if missing := _pair_needs(setup):
        return [*findings, missing]
    listed, listing = check_models(setup)
    if listed.status == "fail":
        return [*findings, listed, skip("chat", "not tried: the list of models was refused already")]
    return [*findings, listed, check_chat(setup, listing)]


def _check_exchange(setup: Setup) -> Finding | None:
    """What stops the request of a key for an access key pair, if anything."""
    if setup.mode != "pair" or not setup.exchange_url:
        return None
    try:
        way, _ = check_way(setup, arguments.check_address(setup.exchange_url, "--exchange-url"))
    except ValueError as error:
        return fault(setup, "arguments", check="exchange", said=error)
    broken = next((finding for finding in way if finding.status == "fail" and finding.check != "http"), None)
    return broken and replace(broken, check="exchange", message=f"{setup.exchange_url}: {broken.message}")


def _pair_needs(setup: Setup) -> Finding | None:
    """What Ark's temporary key for an access key pair cannot be requested without."""
    if setup.service.name != "ark" or setup.mode != "pair":
        return None
    if setup.model is None:
        return skip("chat", "with an access key pair a key is requested for one model", "Say which: --model ID.")
    needs_project = not setup.project and not setup.model.startswith(("ep-", "bot-"))
    return fault(setup, "project_missing") if needs_project else None


def _failed(findings: list[Finding], *checks: str) -> bool:
    """Whether one of these checks failed; any check where none is named."""
    return any(finding.status == "fail" and (not checks or finding.check in checks) for finding in findings)
