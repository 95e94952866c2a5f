"""Absolute measurements without a counterpart in raw httpx: construction, import, memory."""

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from benchmarks.contenders import ARK, CORE, IMPORTS, MISTRAL, MODELS, OPENAI, RAW, build
from benchmarks.measure import Bench, Sample, Task

Take = Callable[[str, str, int], float]
"""Contender, origin of the server, size: the figure in the case's unit."""

TIMED_IMPORT = "{before}; from time import process_time as t; a = t(); {it}; print((t() - a) * 1000)"


@dataclass(frozen=True)
class AbsoluteCase:
    """One block of the table; sizes as in `cases.Case`."""

    name: str
    title: str
    unit: str
    take: Take
    contenders: tuple[str, ...]
    size: int = 1
    short: int = 1
    rounds: int = 7
    beside: None = None

    @property
    def group(self) -> str:
        return self.name

    def tasks(self, bench: Bench) -> list[Task]:
        size, rounds = self.short if bench.short else self.size, min(bench.repeats, self.rounds)
        names = [name for name in bench.names if name in self.contenders]
        return [Task((self.name, name), partial(self._sample, name, bench.origin, size), rounds) for name in names]

    def _sample(self, name: str, origin: str, size: int) -> Sample:
        return Sample(self.take(name, origin, size))


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    # What pip installs is compiled; a checkout is when it was imported once, unless the environment forbids it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)}\n{done.stderr}")
    return done


def construction(name: str, origin: str, size: int) -> float:
    """CPU milliseconds for one more model in a process that has made some."""

    def make() -> object:
        return httpx.Client() if name == RAW else MODELS[name](f"{origin}/v3")

    make()
    gc.collect()
    start = time.process_time()
    for _ in range(size):
        make()
    return (time.process_time() - start) * 1000 / size


def import_of_package(name: str, origin: str, size: int) -> float:
    """What `-X importtime` says of the package: milliseconds, with all that it loads."""
    report = _python("-X", "importtime", "-c", "import langchain_volcark").stderr
    line = next(line for line in report.splitlines() if line.endswith("| langchain_volcark"))
    return int(line.split("|")[1]) / 1000


def import_of_class(name: str, origin: str, size: int) -> float:
    """CPU milliseconds in a fresh interpreter, for core's base class, or a model's class on top."""
    before = "pass" if name == CORE else IMPORTS[CORE]
    return float(_python("-c", TIMED_IMPORT.format(before=before, it=IMPORTS[name])).stdout)


def growth(name: str, origin: str, size: int, *, whole: bool) -> float:
    """Megabytes that a fresh process grows by while it reads a long stream, after the first tenth."""
    how = "whole" if whole else "own"
    answer = _python("-m", "benchmarks.absolute", name, f"{origin}/chunks/{size}/v3", str(size), how)
    return float(answer.stdout)


def resident() -> float:
    """Megabytes now, or the most so far where there is no /proc."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _read_long_stream(name: str, base_url: str, size: int, *, whole: bool) -> float:
    client = build(name, base_url)
    sizes = []
    for position, _ in enumerate(client.stream() if whole else client.chunks_below_core()):
        if position >= size / 10 and position % 500 == 0:
            sizes.append(resident())
    return max(sizes) - sizes[0]


ABSOLUTE = (
    AbsoluteCase("construction", "constructing one more model, CPU", "ms", construction, (RAW, *MODELS), 10, 3),
    AbsoluteCase("import_package", "import langchain_volcark, by -X importtime", "ms", import_of_package, (ARK,)),
    AbsoluteCase(
        "import", "importing the class, CPU above core's base class", "ms", import_of_class, tuple(IMPORTS)
    ),
    AbsoluteCase(
        "memory",
        "growth over a stream of 200,000 chunks (5,000 in a short run)",
        "MB",
        partial(growth, whole=True),
        (RAW, CORE, ARK, MISTRAL, OPENAI),
        200_000,
        5_000,
        rounds=1,
    ),
    AbsoluteCase(
        "memory_own",
        "growth over the same stream below core, which keeps every chunk",
        "MB",
        partial(growth, whole=False),
        (RAW, CORE, ARK),
        200_000,
        5_000,
        rounds=1,
    ),
)

if __name__ == "__main__":
    _name, _url, _size, _how = sys.argv[1:]
    print(_read_long_stream(_name, _url, int(_size), whole=_how == "whole"))
