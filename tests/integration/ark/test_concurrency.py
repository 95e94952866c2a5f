"""One model, many threads, tasks, event loops and processes."""

from __future__ import annotations

import asyncio
import copy
import gc
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from langchain_core.rate_limiters import InMemoryRateLimiter

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.http import stream as http_stream

Make = Callable[..., ChatArk]


def test_a_second_asyncio_run_works_on_the_same_model(model: ChatArk) -> None:
    async def ask(text: str) -> str:
        return (await model.ainvoke(text)).text

    assert asyncio.run(ask("one")) == "You said: one"
    assert asyncio.run(ask("two")) == "You said: two"


def test_an_event_loop_leaves_no_open_sockets(model: ChatArk, emulator: Emulator) -> None:
    async def ask() -> None:
        await asyncio.gather(*(model.ainvoke("Hello") for _ in range(5)))

    asyncio.run(ask())
    gc.collect()  # an unclosed transport would warn here, and warnings are errors


def test_event_loops_in_several_threads_do_not_meet(model: ChatArk) -> None:
    def run(number: int) -> list[str]:
        async def ask() -> list[str]:
            messages = await asyncio.gather(*(model.ainvoke(f"{number}-{task}") for task in range(10)))
            return [message.text for message in messages]

        return asyncio.run(ask())

    with ThreadPoolExecutor(4) as threads:
        for number, answers in enumerate(threads.map(run, range(4))):
            assert answers == [f"You said: {number}-{task}" for task in range(10)]


async def test_fifty_calls_at_once_get_their_own_answers(model: ChatArk) -> None:
    messages = await asyncio.gather(*(model.ainvoke(f"number {task}") for task in range(50)))
    assert [message.text for message in messages] == [f"You said: number {task}" for task in range(50)]


def test_batch_threads_get_their_own_answers(model: ChatArk) -> None:
    answers = model.batch([f"number {task}" for task in range(40)], {"max_concurrency": 16})
    assert [message.text for message in answers] == [f"You said: number {task}" for task in range(40)]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a slow machine time to send the end of a stream's body."""
    monkeypatch.setattr(http_stream, "_DRAIN_SECONDS", 20.0)


@pytest.mark.usefixtures("patient")
def test_calls_and_streams_share_one_connection(model: ChatArk, emulator: Emulator) -> None:
    for _ in range(5):
        model.invoke("Hello")
        list(model.stream("Hello"))
    assert len({request.client_port for request in emulator.requests}) == 1


@pytest.mark.usefixtures("patient")
async def test_async_calls_and_streams_share_one_connection(model: ChatArk, emulator: Emulator) -> None:
    for _ in range(5):
        await model.ainvoke("Hello")
        async for _ in model.astream("Hello"):
            pass
    assert len({request.client_port for request in emulator.requests}) == 1


@pytest.mark.usefixtures("patient")
def test_who_stops_at_the_last_chunk_has_given_the_connection_back(model: ChatArk, emulator: Emulator) -> None:
    for _ in range(3):
        for chunk in model.stream("Hello"):
            if chunk.chunk_position == "last":
                break
    assert len({request.client_port for request in emulator.requests}) == 1


@pytest.mark.parametrize("used", [False, True])
def test_a_pickled_model_comes_back_working(make: Make, used: bool) -> None:
    model = make(temperature=0, max_retries=1)
    if used:
        model.invoke("Hello")
    again = pickle.loads(pickle.dumps(model))
    assert again.invoke("Hello").text == "You said: Hello"
    assert again.temperature == 0
    assert again.api_key == model.api_key


@pytest.mark.parametrize("used", [False, True])
def test_a_deep_copy_works_beside_its_original(make: Make, used: bool) -> None:
    model = make(rate_limiter=InMemoryRateLimiter(requests_per_second=1000))
    if used:
        model.invoke("Hello")
    copied = copy.deepcopy(model)
    assert copied.invoke("Hello").text == model.invoke("Hello").text
    assert copied.rate_limiter is model.rate_limiter


def test_a_copy_with_another_key_uses_that_key(model: ChatArk) -> None:
    model.invoke("Hello")
    other = model.model_copy(update={"model": "doubao-seed-1-8-251228"})
    assert other.invoke("Hello").response_metadata["model_name"] == "doubao-seed-1-8-251228"
    assert model.invoke("Hello").response_metadata["model_name"] == "doubao-seed-2-1-pro-260915"


def test_changing_a_setting_changes_the_next_request(model: ChatArk, emulator: Emulator) -> None:
    model.invoke("Hello")
    model.default_headers = {"x-tenant": "two"}
    model.invoke("Hello")
    assert emulator.requests[-1].headers["x-tenant"] == "two"


def _ask_in_child(model: ChatArk, pipe: object) -> None:
    pipe.send(model.invoke("from the child").text)  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_makes_its_own_connections(model: ChatArk, emulator: Emulator) -> None:
    emulator.stall_stream_after(2, seconds=30)
    stream = model.stream("count to 50")
    next(stream)  # the parent's pool is in use while it forks
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=_ask_in_child, args=(model, theirs))
    child.start()
    assert mine.poll(60)
    assert mine.recv() == "You said: from the child"
    child.join(60)
    assert child.exitcode == 0
    stream.close()
    assert model.invoke("the parent goes on").text == "You said: the parent goes on"


def test_a_spawned_process_gets_a_working_model(model: ChatArk) -> None:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    child = context.Process(target=_ask_in_child, args=(model, theirs))
    child.start()
    assert mine.poll(60)
    assert mine.recv() == "You said: from the child"
    child.join(60)


@pytest.mark.skipif(sys.platform != "linux", reason="counts /proc/self/fd")
def test_a_thousand_models_leave_descriptors_flat(make: Make) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    make().invoke("Hello")
    before = descriptors()
    for _ in range(1000):
        make().invoke("Hello")
    assert descriptors() <= before + 2


def test_threads_and_streams_together(model: ChatArk) -> None:
    answers: dict[int, str] = {}

    def read(number: int) -> None:
        answers[number] = "".join(chunk.text for chunk in model.stream(f"stream {number}"))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"You said: stream {number}" for number in range(24)}
