"""Reports of one run: the table, the limits, and JSON."""

import datetime as dt
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import embeddings, scale, slow
from benchmarks.absolute import AbsoluteCase
from benchmarks.bounds import AHEAD, BOUNDS, GOALS, ahead_of_peers
from benchmarks.cases import Case
from benchmarks.contenders import NAMES, RAW
from benchmarks.measure import Results, Spread, ratio, values, walls
from benchmarks.scale import ScaleCase
from benchmarks.slow import SlowCase

AnyCase = Case | AbsoluteCase | ScaleCase | SlowCase
ROWS = (*slow.NAMES, *NAMES, *embeddings.NAMES, *scale.NAMES)
PACKAGES = (
    "langchain-volcark",
    "langchain-core",
    "httpx",
    "httpx2",
    "httpx-aiohttp",
    "pydantic",
    "langchain-openai",
    "openai",
    "langchain-mistralai",
    "langchain-deepseek",
)
HEADINGS = f"{'':22}{'CPU':>10}  {'(min–max)':<16}{'× raw':>7}  {'(min–max)':<14}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _spread(spread: Spread | None) -> str:
    return f"({_number(spread.low)}–{_number(spread.high)})" if spread else ""


def _scaled(spread: Spread | None, factor: float) -> Spread | None:
    return spread and Spread(spread.median * factor, spread.low * factor, spread.high * factor)


def shown_unit(case: AnyCase) -> tuple[str, float]:
    """The unit of a case's figures in print, and what to multiply samples with."""
    if isinstance(case, AbsoluteCase):
        return case.unit, 1
    return ("ms", 1e3) if case.unit in {"call", "stream"} else ("µs", 1e6)


def _row(case: AnyCase, name: str, results: Results) -> str:
    unit, factor = shown_unit(case)
    key = (case.name, name)
    value = _scaled(values(results, key), factor)
    assert value is not None
    line = f"  {name:<20}{_number(value.median):>7} {unit}  {_spread(value):<16}"
    if isinstance(case, AbsoluteCase):
        return line.rstrip()
    times_raw, wall = ratio(results, key, (case.name, RAW)), _scaled(walls(results, key), factor)
    line += f"{_number(times_raw.median) if times_raw else '':>7}  {_spread(times_raw):<14}"
    line += f"{_number(wall.median) if wall else '':>8} {unit}"
    own = ratio(results, key, (case.beside, name)) if case.beside else None
    return line + (f"{_number(own.median):>9}  {_spread(own)}" if own else "")


def block(case: AnyCase, results: Results) -> str:
    """A case, its rows, and what they are held to."""
    rows = [_row(case, name, results) for name in ROWS if (case.name, name) in results]
    rows += [
        f"  {name}: a sample failed and was taken again: {failure}"
        for name in ROWS
        for sample in results.get((case.name, name), ())
        for failure in sample.failures
    ]
    limits = [f"  {_line(found)}" for found in verdicts([case], results) if found["source"] != AHEAD]
    if isinstance(case, AbsoluteCase):
        return "\n".join([f"{case.name}: {case.title} (absolute: bound to this machine)", *rows, *limits])
    beside = f"  × own {case.beside}" if case.beside else ""
    title = f"{case.name}: {case.title}, per {case.unit}"
    return "\n".join([title, HEADINGS + f"{'wall':>11}{beside}", *rows, *limits])


def verdicts(cases: Sequence[AnyCase], results: Results) -> list[dict[str, Any]]:
    """The limits of these cases, with what was measured; without those that this run cannot tell."""
    names = [case.name for case in cases]
    limits = [limit for limit in (*BOUNDS, *GOALS, *ahead_of_peers(names)) if limit.case in names]
    measured = [(limit, limit.measured(results)) for limit in limits]
    return [
        {
            "case": limit.case,
            "source": limit.source,
            "limit": limit.text,
            "measured": figure,
            "kept": figure <= limit.at_most,
        }
        for limit, figure in measured
        if figure is not None
    ]


def _line(verdict: dict[str, Any]) -> str:
    state = "kept" if verdict["kept"] else "MISSED"
    return f"{verdict['source']}: {verdict['limit']}: {_number(verdict['measured'])}, {state}"


def summary(found: Sequence[dict[str, Any]]) -> str:
    """How many limits hold, and which do not."""
    lines = []
    for source in dict.fromkeys(verdict["source"] for verdict in found):
        mine = [verdict for verdict in found if verdict["source"] == source]
        lines.append(f"{source}: {sum(verdict['kept'] for verdict in mine)} of {len(mine)} kept")
        lines += [f"  {_line(verdict)}" for verdict in mine if not verdict["kept"]]
    return "\n".join(lines)


def machine() -> dict[str, str]:
    installed = {d.metadata["Name"] for d in importlib.metadata.distributions()}
    return {
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processors": str(os.cpu_count()),
        **{package: importlib.metadata.version(package) for package in PACKAGES if package in installed},
    }


def document(
    cases: Sequence[AnyCase],
    results: Results,
    limits: Sequence[dict[str, Any]],
    skipped: dict[str, str],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """All that was measured, for machines."""
    rows = [_json_row(case, name, results) for case in cases for name in ROWS if (case.name, name) in results]
    return {
        "machine": machine(),
        "settings": settings,
        "skipped": skipped,
        "rows": rows,
        "limits": limits,
    }


def _json_row(case: AnyCase, name: str, results: Results) -> dict[str, Any]:
    unit, factor = shown_unit(case)
    key = (case.name, name)
    spreads = {"value": _scaled(values(results, key), factor), "wall": _scaled(walls(results, key), factor)}
    if not isinstance(case, AbsoluteCase):
        spreads["ratio_to_raw"] = ratio(results, key, (case.name, RAW))
        spreads["ratio_to_own"] = ratio(results, key, (case.beside, name)) if case.beside else None
    return {
        "case": case.name,
        "title": case.title,
        "contender": name,
        "unit": unit,
        "per": case.unit,
        "beside": case.beside,
        **{field: asdict(spread) if spread else None for field, spread in spreads.items()},
        "failures": [failure for sample in results[key] for failure in sample.failures],
        "samples": [sample.value * factor for sample in results[key]],
    }
