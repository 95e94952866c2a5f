"""Benchmark cases measured as ratios to raw httpx: calls, concurrent calls, streams."""

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

from benchmarks.contenders import KEEPER, RAW, RESPONSES_MODELS, Contender, build, build_responses
from benchmarks.measure import Bench, Sample, Task

Run = Callable[[Contender, int], int]
AsyncRun = Callable[[Contender, int], Coroutine[None, None, int]]


AT_ONCE = ("inflight", "batch")
"""The groups where it matters how many idle connections a client keeps."""


def invoke(client: Contender, calls: int) -> int:
    for _ in range(calls):
        client.invoke()
    return calls


async def ainvoke(client: Contender, calls: int) -> int:
    for _ in range(calls):
        await client.ainvoke()
    return calls


def in_flight(at_once: int) -> AsyncRun:
    async def run(client: Contender, calls: int) -> int:
        for _ in range(0, calls, at_once):
            await asyncio.gather(*(client.ainvoke() for _ in range(at_once)))
        return calls

    return run


def in_threads(threads: int) -> Run:
    def run(client: Contender, calls: int) -> int:
        client.batch(calls, threads)
        return calls

    return run


def stream(client: Contender, chunks: int) -> int:
    return _all_there(chunks, sum(1 for _ in client.stream()))


async def astream(client: Contender, chunks: int) -> int:
    return _all_there(chunks, sum([1 async for _ in client.astream()]))


def events(client: Contender, chunks: int) -> int:
    seen = sum(1 for _ in client.events())
    _all_there(chunks, seen)
    return seen


async def aevents(client: Contender, chunks: int) -> int:
    seen = sum([1 async for _ in client.aevents()])
    _all_there(chunks, seen)
    return seen


def _all_there(chunks: int, seen: int) -> int:
    """The number of deltas sent, whatever a client makes of them; but it must not lose any."""
    if seen < chunks:
        raise RuntimeError(f"only {seen} of {chunks} chunks arrived")
    return chunks


@dataclass(frozen=True)
class Case:
    """One block of the table, measured for every contender.

    Attributes:
        group: Cases of a group are measured in turns with each other.
        unit: What the figures are per.
        size: Calls, threads or chunks of one sample; `short` in a short run (0: left out).
        path: Goes in front of the API path and tells the server what to do; `{size}` is filled in.
        warm_up: How many of them are run, untimed, before each sample (a stream is always run whole).
        rounds: At most so many, for what takes long.
        beside: Another case of the group that the same contender is compared with.
    """

    name: str
    group: str
    title: str
    unit: str
    run: Run | AsyncRun
    size: int
    short: int
    path: str = ""
    warm_up: int = 1
    rounds: int = 1000
    beside: str | None = None

    def tasks(self, bench: Bench) -> list[Task]:
        """One task per contender; none where a short run leaves the case out."""
        size = self.short if bench.short else self.size
        base_url = f"{bench.origin}{self.path.format(size=size)}/v3"
        rounds = min(bench.repeats, self.rounds)
        return [
            Task((self.name, name), partial(self._sample, build(name, base_url), size, bench.loop), rounds)
            for name in bench.names
            if size and (name != KEEPER or self.group in AT_ONCE)
        ]

    def _sample(self, client: Contender, size: int, loop: asyncio.AbstractEventLoop) -> Sample:
        def run(size: int) -> int:
            result = self.run(client, size)
            return result if isinstance(result, int) else loop.run_until_complete(result)

        run(self.warm_up)
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        units = run(size)
        return Sample((time.process_time() - cpu) / units, (time.perf_counter() - wall) / units)


def _waiting(kind: str, at_once: int, title: str, calls: int, short: int, rounds: int = 9) -> Case:
    """Calls to a server that thinks for 50 ms, compared with the same client's calls one at a time."""
    run = in_flight(at_once) if kind == "inflight" else in_threads(at_once)
    beside = None if at_once == 1 else f"{kind}_1"
    title += ", each answered after 50 ms"
    return Case(f"{kind}_{at_once}", kind, title, "call", run, calls, short, "/delay/50", at_once, rounds, beside)


def _streamed(name: str, title: str, run: Run | AsyncRun, unit: str = "chunk", beside: str | None = None) -> Case:
    return Case(name, beside or name, title, unit, run, 500, 300, "/chunks/{size}", beside=beside)


def _streamed_otherwise(name: str, title: str, run: Run | AsyncRun, path: str, size: int, rounds: int) -> Case:
    """Left out of short runs."""
    return Case(name, name, title, "chunk", run, size, 0, path + "/chunks/{size}", rounds=rounds)


@dataclass(frozen=True)
class ResponsesCase(Case):
    """A block of the table whose contenders call the Responses API."""

    def tasks(self, bench: Bench) -> list[Task]:
        size = self.short if bench.short else self.size
        base_url = f"{bench.origin}{self.path.format(size=size)}/v3"
        rounds = min(bench.repeats, self.rounds)
        return [
            Task(
                (self.name, name), partial(self._sample, build_responses(name, base_url), size, bench.loop), rounds
            )
            for name in bench.names
            if name in (RAW, *RESPONSES_MODELS)
        ]


def _responses(run: Run | AsyncRun) -> Case:
    """Calls of the Responses API; streams are counted per text delta."""
    kind = run.__name__
    name, title = f"responses_{kind}", f"Responses API, {kind}"
    if kind in {"invoke", "ainvoke"}:
        return ResponsesCase(name, name, f"{title}, one after another", "call", run, 40, 25, warm_up=2)
    return ResponsesCase(name, name, f"{title}, one event per write", "chunk", run, 500, 300, "/chunks/{size}")


CASES = (
    Case("invoke", "invoke", "invoke, one after another", "call", invoke, 40, 25, warm_up=2),
    Case("ainvoke", "ainvoke", "ainvoke, one after another", "call", ainvoke, 40, 25, warm_up=2),
    _waiting("inflight", 1, "1 ainvoke in flight", 8, 4),
    _waiting("inflight", 64, "64 ainvoke in flight", 64, 64),
    _waiting("inflight", 500, "500 ainvoke in flight", 500, 0, rounds=4),
    _waiting("batch", 1, "batch with 1 thread", 8, 4),
    _waiting("batch", 64, "batch with 64 threads", 128, 64),
    _waiting("batch", 128, "batch with 128 threads", 256, 0),
    _streamed("stream", "stream, one event per write", stream),
    _streamed("v3", 'stream_events(version="v3")', events, "event", beside="stream"),
    _streamed("astream", "astream, one event per write", astream),
    _streamed("av3", 'astream_events(version="v3")', aevents, "event", beside="astream"),
    _streamed_otherwise("stream_cut", "stream, cut into writes of 1000 bytes", stream, "/pieces/1000", 500, 9),
    _streamed_otherwise("stream_slow", "stream, an event every 2 ms", stream, "/gap/2", 100, 7),
    _streamed_otherwise("astream_slow", "astream, an event every 2 ms", astream, "/gap/2", 100, 7),
    _responses(invoke),
    _responses(ainvoke),
    _responses(stream),
    _responses(astream),
)
