"""Search for new failing examples until stopped.

    python -m tests.fuzz                          # every property, ten minutes in all
    python -m tests.fuzz --seconds 3600 stream    # the properties with "stream" in their name, an hour

First at random, then, where atheris is installed, guided by what of the package each example reaches. An example that
fails is printed and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import pkgutil
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import seed, settings

import tests.conftest  # noqa: F401 - registers the profiles
from tests import fuzz

Property = Any


def properties(wanted: str = "") -> dict[str, Property]:
    """The fuzz tests by name."""
    names = (found.name for found in pkgutil.iter_modules(fuzz.__path__) if found.name.startswith("test_"))
    modules = [importlib.import_module(f"tests.fuzz.{name}") for name in names]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("test_") and hasattr(value, "hypothesis") and wanted in name
    }


def count_executions(test: Property) -> Callable[[], int]:
    """Count how often a test's body runs."""
    inner = test.hypothesis.inner_test
    executed = [0]

    def counting(*args: Any, **kwargs: Any) -> None:
        executed[0] += 1
        inner(*args, **kwargs)

    test.hypothesis.inner_test = counting
    return lambda: executed[0]


def at_random(name: str, test: Property, seconds: float) -> tuple[int, bool]:
    """Run a property on random examples; returns how many, and whether all held."""
    executed = count_executions(test)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run = seed(random.getrandbits(64))(test)
        try:
            run()
        except BaseException as error:  # whatever it is, it is the result
            if isinstance(error, KeyboardInterrupt):
                raise
            traceback.print_exc()
            print(f"{name}: FAILED after {executed():,} examples", flush=True)
            return executed(), False
    return executed(), True


def guided(name: str, seconds: float) -> tuple[int, bool]:
    """Run a property under atheris, in a process of its own."""
    corpus = Path(".hypothesis") / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.guided",
        name,
        str(corpus),
        f"-max_total_time={max(1, int(seconds))}",
    ]
    run = subprocess.run(
        [*command, "-max_len=4096", "-timeout=60", f"-artifact_prefix={corpus}/", "-print_final_stats=1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in run.stderr.splitlines() if "number_of_executed_units" in line]
    executed = int(said[-1].split()[-1]) if said else 0
    if run.returncode:
        print(run.stdout[-4000:], run.stderr[-8000:], f"{name}: FAILED", sep="\n", flush=True)
    return executed, run.returncode == 0


def main() -> int:
    """Run them all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Look for new examples.")
    parser.add_argument("name", nargs="?", default="", help="only the properties with this in their name")
    parser.add_argument("--seconds", type=float, default=600, help="for all together (600)")
    parser.add_argument("--how", choices=["both", "random", "guided"], default="both")
    chosen = parser.parse_args()
    settings.load_profile("long")
    tests = properties(chosen.name)
    ways: dict[str, Callable[[str, float], tuple[int, bool]]] = {}
    if chosen.how != "guided":
        ways["random"] = lambda name, seconds: at_random(name, tests[name], seconds)
    if chosen.how != "random":
        if importlib.util.find_spec("atheris") is None:
            print("atheris is not installed for this Python: nothing is guided by coverage")
        else:
            ways["guided"] = guided
    share = chosen.seconds / max(1, len(tests) * len(ways))
    total, failed = 0, []
    for way, run in ways.items():
        for name in tests:
            executed, held = run(name, share)
            total += executed
            failed += [] if held else [f"{name} ({way})"]
            print(f"{way:7} {executed:9,} {'held' if held else 'FAILED'}  {name}", flush=True)
    print(f"{total:,} executions of {len(tests)} properties; {', '.join(failed) or 'all held'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
