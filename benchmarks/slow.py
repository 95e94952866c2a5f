"""Benchmarks of many concurrent streams with tokens one at a time, plain and over TLS, and of memory per stream.

If each event wakes the client separately, after a pause in which CPU caches went cold, reads are most of the cost
of a stream. The reference is the sum of a bare asyncio socket, which only counts events, and langchain-core, which
receives
as many chunks from memory: a cost that no client can avoid.
"""

import asyncio
import gc
import json
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from benchmarks.absolute import AbsoluteCase, resident
from benchmarks.contenders import (
    ARK,
    CORE,
    MISTRAL,
    MODELS,
    NO_LIMITS,
    OPENAI,
    PROMPT,
    RAW,
    STREAM_BODY,
    FromMemory,
    Model,
    RawHttpx,
)
from benchmarks.measure import Bench, Sample, Task
from benchmarks.server import Settings, allow_descriptors

BARE = "bare socket"
NAMES = (BARE,)
"""Besides the rows that the runner knows."""

CLOSING = 3
"""Events after the last delta, each as long in coming: the finish reason, usage, the end mark."""


class BareSocket:
    """Events that a bare asyncio socket reads; nothing is parsed."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def astream(self) -> AsyncIterator[int]:
        url, body = urlsplit(self._base_url), json.dumps(STREAM_BODY).encode()
        context = _context() if url.scheme == "https" else None
        reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=context)
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        last = b""
        while last != b"0\r\n\r\n":
            data = await reader.read(65536)
            for number in range(data.count(b"data: ")):
                yield number
            last = (last + data)[-5:]
        writer.transport.abort()


class WaitingCore(FromMemory):
    """langchain-core, handed a chunk from memory each time an event would come."""

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for position in range(self.settings.chunks + CLOSING):
            await asyncio.sleep(self.settings.gap)
            yield self._chunk(position)


_contexts: list[ssl.SSLContext] = []


def _context() -> ssl.SSLContext:
    """One for all, as every client here has it."""
    if not _contexts:
        _contexts.append(ssl.create_default_context())
    return _contexts[0]


def _build(name: str, base_url: str) -> Any:
    if name == RAW:
        return RawHttpx(base_url, NO_LIMITS)
    if name == BARE:
        return BareSocket(base_url)
    if name == CORE:
        return Model(WaitingCore(settings=Settings.of(base_url)))
    return Model(MODELS[name](base_url))


@dataclass(frozen=True)
class SlowCase:
    """One block of the table: streams at once, an event a second each; `rounds` as in `cases.Case`."""

    name: str
    secure: bool
    streams: int = 500
    events: int = 12
    rounds: int = 2
    unit: str = "stream"
    beside: None = None

    @property
    def group(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        tls = ", over TLS" if self.secure else ""
        return f"{self.streams} streams at once, {self.events + CLOSING} events a second apart{tls}"

    def tasks(self, bench: Bench) -> list[Task]:
        """One task per contender that is there; peers, which queue some of the streams, take one turn."""
        streams, gap = (20, 20) if bench.short else (self.streams, 1000)
        origin = bench.secure_origin if self.secure else bench.origin
        url = f"{origin}/gap/{gap}/chunks/{self.events}/v3"
        names = [BARE, *(name for name in (CORE, RAW, ARK, OPENAI, MISTRAL) if name in bench.names)]
        once = (OPENAI, MISTRAL)
        return [
            Task(
                (self.name, name),
                partial(self._sample, name, url, streams, gap / 1000),
                1 if name in once else min(bench.repeats, self.rounds),
            )
            for name in names
        ]

    def _sample(self, name: str, url: str, streams: int, gap: float) -> Sample:
        gc.collect()
        return asyncio.run(self._measure(_build(name, url), streams, gap))

    async def _measure(self, client: Any, streams: int, gap: float) -> Sample:
        async def read(delay: float) -> int:
            await asyncio.sleep(delay)  # no two streams beat together, so that each event wakes the loop by itself
            return await _count(client)

        cpu, wall = time.process_time(), time.perf_counter()
        seen = await asyncio.gather(*(read(gap * number / streams) for number in range(streams)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if min(seen) < self.events:
            raise RuntimeError(f"only {min(seen)} of {self.events} events arrived")
        return Sample(cpu / streams, wall / streams)


async def _count(client: Any) -> int:
    return sum([1 async for _ in client.astream()])


SLOW_CASES = (SlowCase("tokens_1s", secure=False), SlowCase("tokens_1s_tls", secure=True))


# --- memory -----------------------------------------------------------------------------------------------

EVENTS = 3


def kilobytes(name: str, origin: str, size: int) -> float:
    """What a fresh process grows by for each of `size` streams that are open at once on one event loop."""
    command = [sys.executable, "-m", "benchmarks.slow", f"{origin}/together/{size}/chunks/{EVENTS}/v3", str(size)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)


async def _hold_open(base_url: str, size: int) -> float:
    """Read all streams; the server lets none go on before all have begun, so one that queues stops the run."""
    model = MODELS[ARK](base_url)
    begun, most = 0, 0.0

    async def read() -> int:
        nonlocal begun, most
        seen = 0
        async for _ in model.astream(PROMPT):
            if not seen:
                begun += 1
                if begun == size:
                    most = resident()
            seen += 1
        return seen

    await _count(Model(MODELS[ARK](base_url.replace(f"/together/{size}", ""))))
    gc.collect()
    before = resident()
    seen = await asyncio.gather(*(read() for _ in range(size)))
    if min(seen) < EVENTS:
        raise RuntimeError(f"only {min(seen)} of {EVENTS} events arrived")
    return (most - before) * 1000 / size


class _OpenCase(AbsoluteCase):
    def tasks(self, bench: Bench) -> list[Task]:
        """None where the system allows too few descriptors."""
        return super().tasks(bench) if self.size + 200 <= allow_descriptors() else []


OPEN_CASES = (
    _OpenCase(
        "open_10000",
        "streams open at once on one event loop, none queued, none lost; memory of each",
        "kB",
        kilobytes,
        (ARK,),
        10_000,
        200,
        rounds=3,
    ),
)

if __name__ == "__main__":
    allow_descriptors()
    print(asyncio.run(_hold_open(sys.argv[1], int(sys.argv[2]))))
