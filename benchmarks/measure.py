"""Takes samples in turns and computes statistics from them.

A sample is one short run of one client. All clients of a group take turns, round after round, so that other load
on the machine or a change of clock speed affects all of them. Ratios are computed within a round; the result is
their median.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

ATTEMPTS = 3
"""So often a sample is tried."""

Key = tuple[str, str]
"""A case and a contender."""


@dataclass(frozen=True)
class Bench:
    """What all measurements of a run share."""

    origin: str  # of the server
    loop: asyncio.AbstractEventLoop
    names: Sequence[str]  # of the contenders that are there
    repeats: int
    short: bool
    secure_origin: str = ""  # the same server's, over TLS


@dataclass(frozen=True)
class Sample:
    """One run, per unit (call, chunk, event …); `value` is CPU seconds unless the case says otherwise."""

    value: float
    wall: float | None = None
    failures: tuple[str, ...] = ()  # what went wrong before it succeeded


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of a row's samples."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Task:
    """One row to measure: `take` yields a sample each time it is called."""

    key: Key
    take: Callable[[], Sample]
    rounds: int


Results = dict[Key, list[Sample]]


def take_turns(tasks: Sequence[Task]) -> Results:
    """A B C, B C A, C A B …: each round begins one further on, so that no row always follows the same one."""
    results: Results = defaultdict(list)
    for round_number in range(max((task.rounds for task in tasks), default=0)):
        start = round_number % len(tasks)
        for task in (*tasks[start:], *tasks[:start]):
            if round_number < task.rounds:
                results[task.key].append(_taken(task))
    return results


def _taken(task: Task, failures: tuple[str, ...] = ()) -> Sample:
    """Take a sample, again if it fails: a client's race must neither end the run nor go unsaid."""
    try:
        return replace(task.take(), failures=failures)
    except Exception as error:
        failures += (f"{type(error).__name__}: {error}",)
        if len(failures) == ATTEMPTS:
            raise
    return _taken(task, failures)


def values(results: Results, key: Key) -> Spread | None:
    samples = results.get(key)
    return Spread.of([sample.value for sample in samples]) if samples else None


def walls(results: Results, key: Key) -> Spread | None:
    times = [sample.wall for sample in results.get(key, ()) if sample.wall is not None]
    return Spread.of(times) if times else None


def ratio(results: Results, key: Key, against: Key) -> Spread | None:
    """`key` over `against`, round by round."""
    pairs = list(zip(results.get(key, ()), results.get(against, ()), strict=False))
    quotients = [mine.value / other.value for mine, other in pairs if other.value]
    return Spread.of(quotients) if quotients else None
