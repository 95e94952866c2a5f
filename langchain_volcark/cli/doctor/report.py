"""What the checks found: one finding a line, or one JSON document."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_volcark._version import __version__
from langchain_volcark.cli.doctor.addresses import shown

if TYPE_CHECKING:
    from langchain_volcark.cli.doctor.findings import Finding
    from langchain_volcark.cli.services import Setup
    from langchain_volcark.cli.terminal import Redactor, Style

FORMAT = 1

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "dim"}
_WORDS = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skip": "skip"}


@dataclass(frozen=True)
class Report:
    """All findings of one service."""

    setup: Setup
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether something is wrong."""
        return any(finding.status == "fail" for finding in self.findings)


def as_lines(report: Report, style: Style, redactor: Redactor) -> str:
    """A service's findings, one line each below a title."""
    setup = report.setup
    lines = [style.paint(redactor.text(f"{setup.service.title}, {_flat(shown(setup.base_url))}"), "bold")]
    for finding in report.findings:
        text = finding.message if not finding.advice else f"{_sentence(finding.message)} {finding.advice}"
        mark = style.paint(f"{_WORDS[finding.status]:<5}", _COLOURS[finding.status])
        lines.append(f"  {mark} {finding.check:<12} {redactor.text(_flat(text))}")
    return "\n".join(lines) + "\n"


def as_json(reports: list[Report], redactor: Redactor) -> str:
    """All findings as one document.

    Its shape is stable within one value of `format`; further fields may be added.

    ```text
    {"format": 1, "package": "0.1.0", "python": "3.12.1", "platform": "linux", "ok": false, "services": [
        {"service": "ark", "base_url": "https://…", "credential": "key" | "pair" | "none", "ok": false, "checks": [
            {"check": "chat", "status": "fail", "fault": "model_not_activated", "message": "…", "advice": "…",
             "details": {"model": "…", "code": "ModelNotOpen", …}}]}]}
    ```
    """
    document = {
        "format": FORMAT,
        "package": __version__,
        "python": platform.python_version(),
        "platform": sys.platform,
        "ok": not any(report.failed for report in reports),
        "services": [
            {
                "service": report.setup.service.name,
                "base_url": shown(report.setup.base_url),
                "credential": report.setup.mode,
                "ok": not report.failed,
                "checks": [
                    {
                        "check": finding.check,
                        "status": finding.status,
                        "fault": finding.fault,
                        "message": _flat(finding.message),
                        "advice": _flat(finding.advice),
                        "details": finding.details,
                    }
                    for finding in report.findings
                ],
            }
            for report in reports
        ],
    }
    return json.dumps(redactor.data(document), ensure_ascii=False, indent=2) + "\n"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
