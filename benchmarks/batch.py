"""`python -m benchmarks.batch`: many calls of batch inference, killed half-way and restarted.

The emulator runs in a process of its own and logs each request to a file. `examples/batch_overnight.py` sends the
calls; at half of them it is killed (SIGKILL), and started again. Printed are the memory of both processes at the
beginning, in the middle and at the end, and how often the emulator saw the rows that were finished at the kill.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
ENDPOINT = "ep-bi-20260101000000-bench"
LOOK_EVERY = 0.05
MB = 1024


@dataclass
class Run:
    """The files and figures of a run.

    Attributes:
        folder: Where the files are.
        rows: How many calls there are to make.
        concurrency: How many at once.
        server: The emulator's process id.
        memory: What was measured: label, client's and server's memory in kB.
    """

    folder: Path
    rows: int
    concurrency: int
    server: int = 0
    memory: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "requests.jsonl"

    @property
    def answers(self) -> Path:
        return self.folder / "answers.jsonl"


def resident(pid: int) -> int:
    """Memory of a process in kB."""
    found = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(found.stdout)


@contextlib.contextmanager
def emulator(run: Run) -> Iterator[dict[str, str]]:
    """Start the emulator; gives the variables with its address and key."""
    command = [sys.executable, "-m", "langchain_volcark.emulator", "--log", str(run.log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            printed = "".join(process.stdout.readline() for _ in range(4))
            run.server = process.pid
            yield dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
        finally:
            process.terminate()


def start(run: Run, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the client; it goes on with the rows that have no answer."""
    command = [
        *(sys.executable, "examples/batch_overnight.py"),
        *("--rows", str(run.rows), "--concurrency", str(run.concurrency), "--output", str(run.answers)),
    ]
    environment = {**os.environ, **variables, "ARK_MODEL": ENDPOINT}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


class Lines:
    """Counts the complete lines of a growing file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = self.count = 0

    def look(self) -> int:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._read)
            more = file.read()
            self._read += len(more)
            self.count += more.count(b"\n")
        return self.count


def wait_for(run: Run, client: subprocess.Popen[bytes], lines: Lines, count: int, label: str) -> None:
    """Wait until there are so many answers, and measure."""
    while lines.look() < count:
        if client.poll() is not None and lines.look() < count:
            raise SystemExit(f"The client ended with {lines.count:,} of {count:,} answers.")
        time.sleep(LOOK_EVERY)
    run.memory.append((label, resident(client.pid), resident(run.server)))


def finished(run: Run) -> list[str]:
    """The ids of the rows that have a complete line."""
    lines = run.answers.read_bytes().split(b"\n")[:-1]
    return [json.loads(line)["id"] for line in lines]


def requested(run: Run) -> Counter[str]:
    """How often the emulator was asked for each row."""
    seen: Counter[str] = Counter()
    with run.log.open(encoding="utf-8") as log:
        for line in log:
            prompt = json.loads(json.loads(line)["body"])["messages"][0]["content"]
            seen[f"row-{re.findall(r'[0-9]+', prompt)[0]}"] += 1
    return seen


def measure(run: Run) -> int:
    """Make the calls, killed half-way; returns the number of problems."""
    began = time.perf_counter()
    half = run.rows // 2
    with emulator(run) as variables:
        lines = Lines(run.answers)
        client = start(run, variables)
        wait_for(run, client, lines, max(1, run.rows // 50), "begin")
        wait_for(run, client, lines, half // 2, "a quarter")
        wait_for(run, client, lines, half, "half")
        client.kill()
        client.wait()
        at_the_kill = finished(run)
        again = start(run, variables)
        wait_for(run, again, lines, run.rows * 3 // 4, "three quarters")
        wait_for(run, again, lines, run.rows - run.rows // 50, "end")
        code = again.wait()
    seconds = time.perf_counter() - began
    return report(run, at_the_kill, code, seconds)


def report(run: Run, at_the_kill: list[str], code: int, seconds: float) -> int:
    """Print the figures; returns the number of problems."""
    answered, seen = finished(run), requested(run)
    repeated = [row for row in at_the_kill if seen[row] != 1]
    twice = sum(count - 1 for count in seen.values())
    print(
        f"{run.rows:,} calls, {run.concurrency} at once, in {seconds:,.0f} s ({run.rows / seconds:,.0f} a second)"
    )
    print("memory of          client     emulator")
    for label, client, server in run.memory:
        print(f"  {label:<14} {client / MB:>7,.1f} MB  {server / MB:>7,.1f} MB")
    print(f"killed with {len(at_the_kill):,} rows finished; of these sent again: {len(repeated)}")
    print(f"rows that were in flight at the kill, and sent again: {twice}")
    problems = {
        "the second run failed": code != 0,
        "finished rows were sent again": bool(repeated),
        "more rows were sent twice than were in flight": twice > 2 * run.concurrency,
        "rows are missing": set(answered) != {f"row-{number}" for number in range(run.rows)},
        "rows were answered twice": len(answered) != len(set(answered)),
    }
    found = [problem for problem, is_so in problems.items() if is_so]
    print("\n".join(found) or "Each row was answered once.")
    return len(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="how many calls (100,000)")
    parser.add_argument("--concurrency", type=int, default=200, help="how many at once (200)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return measure(Run(Path(folder), options.rows, options.concurrency))


if __name__ == "__main__":
    sys.exit(main())
