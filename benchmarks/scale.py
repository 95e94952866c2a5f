"""Thousands of concurrent streams on one event loop: this package's pool beside httpx's, httpx2's and aiohttp's.

The server holds every stream after its first event until all of them have begun, so that they are open at once
whatever a client's speed. Each sample begins with new connections.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from benchmarks.contenders import ARK, MODEL, NO_LIMITS, PROMPT, RAW
from benchmarks.measure import Bench, Sample, Task
from benchmarks.server import allow_descriptors

POOL, HTTPX2, AIOHTTP = "our pool", "httpx2", "httpx-aiohttp"
ARK_AIOHTTP = "ChatArk over aiohttp"
NAMES = (POOL, HTTPX2, AIOHTTP, ARK_AIOHTTP)
"""Besides raw httpx and ChatArk, whose rows the runner knows."""

EVENTS = 20
SLOW = (RAW, HTTPX2)
"""What is measured once only where there are thousands."""

Read = Callable[[], Awaitable[int]]
"""Reads one stream to its end; gives the number of its events."""


async def _read(client: Any, url: str) -> int:
    """The bare bytes, so that the rows differ by what lies below the client."""
    tail, events = b"", 0
    async with client.stream("POST", url, content=b'{"stream":true}') as response:
        async for part in response.aiter_raw():
            events += (tail + part).count(b"\n\n") - tail.count(b"\n\n")
            tail = part[-1:]
    return events


@asynccontextmanager
async def _bare(client: Any, url: str) -> AsyncIterator[Read]:
    async with client:
        yield partial(_read, client, f"{url}/chat/completions")


def _pool(url: str) -> Any:
    from langchain_volcark.http.pool import AsyncPooledTransport

    return _bare(httpx.AsyncClient(transport=AsyncPooledTransport(max_connections=4000), timeout=600), url)


def _raw(url: str) -> Any:
    return _bare(httpx.AsyncClient(limits=NO_LIMITS, timeout=600), url)


def _httpx2(url: str) -> Any:
    import httpx2

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    return _bare(httpx2.AsyncClient(limits=limits, timeout=600), url)


def _aiohttp_client() -> httpx.AsyncClient:
    from httpx_aiohttp import HttpxAiohttpClient

    return HttpxAiohttpClient(limits=httpx.Limits(max_connections=0), timeout=600)


def _aiohttp(url: str) -> Any:
    return _bare(_aiohttp_client(), url)


@asynccontextmanager
async def _ark(url: str, **arguments: Any) -> AsyncIterator[Read]:
    from langchain_volcark import ChatArk

    model = ChatArk(model=MODEL, api_key="k", base_url=url, **arguments)

    async def read() -> int:
        return sum([1 async for _ in model.astream(PROMPT)])

    yield read


@asynccontextmanager
async def _ark_over_aiohttp(url: str) -> AsyncIterator[Read]:
    async with _aiohttp_client() as client, _ark(url, http_async_client=client) as read:
        yield read


BUILD: dict[str, Callable[[str], Any]] = {
    RAW: _raw,
    POOL: _pool,
    HTTPX2: _httpx2,
    AIOHTTP: _aiohttp,
    ARK: _ark,
    ARK_AIOHTTP: _ark_over_aiohttp,
}


def missing() -> dict[str, str]:
    """What cannot be measured here, and why."""
    reasons = {}
    for name, build in BUILD.items():
        try:
            asyncio.run(_tried(build))
        except (ImportError, AttributeError) as error:
            reasons[name] = f"{type(error).__name__}: {error}"
    allowed = allow_descriptors()
    for case in SCALE_CASES:
        if case.streams + 200 > allowed:
            reasons[case.name] = f"{allowed} file descriptors are allowed; raise the limit (ulimit -Hn)"
    return reasons


async def _tried(build: Callable[[str], Any]) -> None:
    async with build("http://127.0.0.1:9/v3"):
        pass


@dataclass(frozen=True)
class ScaleCase:
    """One block of the table; `rounds` as in `cases.Case`.

    Attributes:
        streams: How many are open at once.
        in_short: Whether a short run has it too.
    """

    name: str
    streams: int
    in_short: bool
    rounds: int
    unit: str = "stream"
    beside: None = None

    @property
    def group(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return f"{self.streams:,} streams of {EVENTS} events, open at once"

    def tasks(self, bench: Bench) -> list[Task]:
        """One task per contender that is there."""
        absent = missing()
        if self.name in absent or (bench.short and not self.in_short):
            return []
        url = f"{bench.origin}/together/{self.streams}/chunks/{EVENTS}/v3"
        most = min(bench.repeats, self.rounds)
        return [
            Task((self.name, name), partial(self._sample, build, url), 1 if bench.short or name in SLOW else most)
            for name, build in BUILD.items()
            if name not in absent
        ]

    def _sample(self, build: Callable[[str], Any], url: str) -> Sample:
        gc.collect()
        return asyncio.run(self._measure(build, url))

    async def _measure(self, build: Callable[[str], Any], url: str) -> Sample:
        async with build(url) as read:
            cpu, wall = time.process_time(), time.perf_counter()
            events = await asyncio.gather(*(read() for _ in range(self.streams)))
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if min(events) < EVENTS:
            raise RuntimeError(f"only {min(events)} of {EVENTS} events arrived")
        return Sample(cpu / self.streams, wall / self.streams)


SCALE_CASES = (
    ScaleCase("streams_500", 500, in_short=True, rounds=5),
    ScaleCase("streams_2000", 2000, in_short=False, rounds=3),
)
