"""What the checks found: one finding a line, or one JSON document."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark._version import __version__
from langchain_volcark.cli.doctor.addresses import shown

if TYPE_CHECKING:
    from langchain_volcark.cli.doctor.findings import Finding
    from langchain_volcark.cli.services import Setup
    from langchain_volcark.cli.terminal import Redactor, Style

FORMAT = 1
_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red"), "skip": ("skip", "dim")}


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
            "checks": [
                {
                    "check": finding.check,
                    "status": finding.status,
                    "fault": finding.fault,
                    "message": _flat(finding.message),
                    "advice": _flat(finding.advice),
                    "details": finding.details,
                }
                for finding in self.findings
            ],
        }


def as_json(reports: list[Report], redactor: Redactor) -> str:
    """All findings as one document; its shape is stable within one value of `format`, and fields may be added."""
    document = {
        "format": FORMAT,
        "package": __version__,
        "python": platform.python_version(),
        "platform": sys.platform,
        "ok": not any(report.failed for report in reports),
        "services": [report.as_data() for report in reports],
    }
    return json.dumps(redactor.data(document), ensure_ascii=False, indent=2) + "\n"


def _flat(text: str) -> str:
    return " ".join(text.split())
