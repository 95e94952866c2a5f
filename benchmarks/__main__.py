"""`python -m benchmarks`: runs the benchmarks, prints and writes the results."""

import argparse
import asyncio
import gc
import json
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from benchmarks import embeddings, plot, report, scale, server, slow
from benchmarks.absolute import ABSOLUTE, AbsoluteCase
from benchmarks.bounds import BOUND
from benchmarks.cases import CASES, Case
from benchmarks.contenders import NAMES, missing
from benchmarks.measure import Bench, Results, take_turns
from benchmarks.scale import ScaleCase
from benchmarks.slow import SlowCase

AnyCase = Case | AbsoluteCase | ScaleCase | SlowCase
ALL_CASES: tuple[AnyCase, ...] = (
    *CASES,
    *scale.SCALE_CASES,
    *slow.SLOW_CASES,
    *slow.OPEN_CASES,
    *embeddings.EMBEDDING_CASES,
    *ABSOLUTE,
    *embeddings.EMBEDDING_MEMORY,
)
BOUND_MISSED = 3
"""Exit status, apart from Python's own 1 and argparse's 2."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    names = list(dict.fromkeys(name for case in ALL_CASES for name in (case.name, case.group)))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="small and quick, for CI: does it work, do the bounds hold"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"some cases: {', '.join(names)}")
    parser.add_argument("--repeats", type=int, metavar="N", help="rounds (15, or 5 with --short)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures")
    parser.add_argument("--plot", type=Path, metavar="PATH", help="draw the ratios as SVG")
    return parser.parse_args(argv)


def quiet() -> None:
    """Nothing between a client and loopback, and no tracing: neither proxies nor LangSmith."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("LANGSMITH_", "LANGCHAIN_TRACING", "OPENAI_")):
            del os.environ[name]
    warnings.simplefilter("ignore")  # v3 events say they are beta, each time


def measure(cases: Sequence[AnyCase], bench: Bench) -> Results:
    """Group by group, each block printed as soon as it is there."""
    results: Results = {}
    for _, members in groupby(cases, key=lambda case: case.group):
        group = list(members)
        tasks = [task for case in group for task in case.tasks(bench)]
        gc.collect()
        gc.freeze()  # what is imported and built by now is nobody's garbage to search
        results |= take_turns(tasks)
        for case in group:
            if any(key[0] == case.name for key in results):
                print(report.block(case, results), end="\n\n", flush=True)
    return results


def main() -> int:
    options = arguments()
    quiet()
    repeats = options.repeats or (5 if options.short else 15)
    skipped = missing()
    names = [name for name in NAMES if name not in skipped]
    skipped |= embeddings.missing() | scale.missing()
    for name, reason in skipped.items():
        print(f"skipped: {name} ({reason})")
    cases = [case for case in ALL_CASES if not options.only or {case.name, case.group} & set(options.only)]
    with ExitStack() as stack:
        origin = stack.enter_context(server.running())
        secure = stack.enter_context(server.running(stack.enter_context(server.trusted_certificate())))
        bench = Bench(origin, asyncio.new_event_loop(), names, repeats, options.short, secure)
        results = measure(cases, bench)
    verdicts = report.verdicts(cases, results)
    print(report.summary(verdicts))
    document = report.document(cases, results, verdicts, skipped, {"short": options.short, "repeats": repeats})
    if options.json:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if options.plot:
        options.plot.write_text(plot.svg(document), "utf-8")
    missed = any(verdict["source"] == BOUND and not verdict["kept"] for verdict in verdicts)
    return BOUND_MISSED if missed else 0


if __name__ == "__main__":
    sys.exit(main())
