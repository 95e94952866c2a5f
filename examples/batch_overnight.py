"""A hundred thousand prompts in batch inference: answers are written as they come, and a new run goes on.

    python examples/batch_overnight.py                       # 100,000 generated prompts, with the emulator
    python examples/batch_overnight.py --rows 2000           # fewer
    python examples/batch_overnight.py --input prompts.jsonl # lines such as {"id": "a-1", "prompt": "…"}

Batch inference is half the price of online calls, and each call may take hours. The prompts are read step by step,
at most twice `--concurrency` of them are in memory, and each answer becomes a line of the output as it comes. Stop
the run at any time, even by `kill -9`, and start it again: finished rows are not sent again. Rows that failed are,
because they have no line.

It needs no key: without `ARK_API_KEY` and `ARK_MODEL` (an endpoint `ep-bi-…`) it starts the emulator.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from langchain_core.runnables import RunnableConfig
from session import heading, session

from langchain_volcark import ChatArk

OUTPUT = Path(__file__).resolve().parent.parent / "build" / "overnight.jsonl"
EMULATED_ENDPOINT = "ep-bi-20260101000000-emulat"
SHOWN_FAILURES = 5


def made_up_rows(count: int) -> Iterator[tuple[str, str]]:
    """Generate rows: an id and a prompt."""
    for number in range(count):
        yield f"row-{number}", f"Summarise letter no. {number} in one sentence."


def rows_of(path: Path) -> Iterator[tuple[str, str]]:
    """Read rows from a file of JSON lines."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield str(row["id"]), str(row["prompt"])


def finished_rows(output: Path) -> set[str]:
    """Return the ids of the rows that have their line, and remove a line that a killed run left unfinished."""
    if not output.exists():
        return set()
    finished, whole = set(), 0
    with output.open("rb+") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            finished.add(str(json.loads(line)["id"]))
            whole += len(line)
        lines.truncate(whole)
    return finished


class Progress:
    """Counts answers and failures, and prints them now and then."""

    def __init__(self, every: int) -> None:
        """Begin to count."""
        self._every = every
        self._started = time.perf_counter()
        self.answered = self.failed = 0

    def answer(self) -> None:
        """Count an answer."""
        self.answered += 1
        if self.answered % self._every == 0:
            pace = self.answered / (time.perf_counter() - self._started)
            print(f"{self.answered:,} answers, {pace:,.0f} a second so far", flush=True)

    def failure(self, row: str, error: Exception) -> None:
        """Count a failure; the first ones are shown."""
        self.failed += 1
        if self.failed <= SHOWN_FAILURES:
            print(f"{row}: {type(error).__name__}: {error}", flush=True)


async def ask(
    model: ChatArk, rows: Iterator[tuple[str, str]], output: BinaryIO, concurrency: int, progress: Progress
) -> None:
    """Send the rows, and write a line for each answer."""
    in_flight: dict[int, str] = {}

    def prompts() -> Iterator[str]:
        for place, (row, prompt) in enumerate(rows):
            in_flight[place] = row
            yield prompt

    config: RunnableConfig = {"max_concurrency": concurrency}
    async for place, answer in model.abatch_as_completed(prompts(), config, return_exceptions=True):
        row = in_flight.pop(place)
        if isinstance(answer, Exception):
            progress.failure(row, answer)
            continue
        line = json.dumps({"id": row, "answer": answer.text}, ensure_ascii=False)
        output.write(line.encode() + b"\n")  # unbuffered: a killed process loses no whole line
        progress.answer()


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Send many prompts to batch inference.")
    parser.add_argument("--rows", type=int, default=100_000, help="how many prompts to make up (100,000)")
    parser.add_argument("--input", type=Path, help="a file of JSON lines with id and prompt instead")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the answers go (build/overnight.jsonl)")
    parser.add_argument("--concurrency", type=int, default=200, help="calls at once (200)")
    parser.add_argument("--deadline", type=float, default=24.0, help="hours that a call may take (24)")
    return parser.parse_args(given)


def main() -> None:
    """Send the rows that have no answer yet."""
    options = arguments()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    finished = finished_rows(options.output)
    rows = made_up_rows(options.rows) if options.input is None else rows_of(options.input)
    with session() as here, options.output.open("ab", buffering=0) as output:
        model = ChatArk(  # type: ignore[call-arg]  # mypy's pydantic plugin knows no alias
            model=EMULATED_ENDPOINT if here.server else here.model,
            batch=True,
            batch_deadline=options.deadline * 3600,
            thinking="disabled",
            **here.arguments,
        )
        heading(f"{len(finished):,} rows are finished already, {options.concurrency} calls at once")
        progress = Progress(every=10_000)
        rest = ((row, prompt) for row, prompt in rows if row not in finished)
        asyncio.run(ask(model, rest, output, options.concurrency, progress))
    print(f"{progress.answered:,} rows were answered in this run, {progress.failed:,} failed: {options.output}")


if __name__ == "__main__":
    main()
