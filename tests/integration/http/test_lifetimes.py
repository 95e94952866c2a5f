"""Models, event loops and processes that come and go: nothing is left behind, and nobody disturbs another.

Each test runs programs of their own beside a server of bare sockets, which sees what is open.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.echo import HOLD, Echo, prompts, run_python, start_python
from tests.unit.raw_server import RawServer, raw_server

forks = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no fork on this platform")

PRELUDE = """
import asyncio, gc, itertools, multiprocessing, os, sys, threading
from tests.integration.faults.services import CHATS
from langchain_volcark.http import stream as http_stream
from langchain_volcark.http.registry import DEFAULT_POOL, registry

http_stream._DRAIN_SECONDS = 60  # a slow machine must not cost a connection
URL = sys.argv[1]
models = [service.build(URL) for service in CHATS]
model = models[0]
"""


@pytest.fixture
def server(echo: Echo) -> Iterator[RawServer]:
    with raw_server() as running:
        running.handler = echo
        yield running
        echo.let_go()


# --- a thousand of them -----------------------------------------------------------------------------------

SYNC_CYCLE = """
def cycle(number):
    model = CHATS[number % len(CHATS)].build(URL)
    assert model.invoke(f"n {number}").text == f"n {number}"
    if number % 4 == 0:
        assert "".join(piece.text for piece in model.stream(f"n {number}")) == f"n {number}"
    if number % 4 == 2:
        for _ in model.stream("to be left"):
            break
"""

ASYNC_CYCLE = """
async def use(number):
    model = CHATS[number % len(CHATS)].build(URL)
    assert (await model.ainvoke(f"n {number}")).text == f"n {number}"
    if number % 4 == 0:
        assert "".join([piece.text async for piece in model.astream(f"n {number}")]) == f"n {number}"
    if number % 4 == 2:
        async for _ in model.astream("to be left"):
            break

def cycle(number):
    asyncio.run(use(number))
"""

MEASURE = """
import json, pathlib, resource

def figures():
    gc.collect()
    resident = int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return {"descriptors": len(os.listdir("/proc/self/fd")), "objects": len(gc.get_objects()), "bytes": resident}

for number in range(100):
    cycle(number)
before = figures()
for number in range(1000):
    cycle(number)
print(json.dumps([before, figures()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("cycle", [SYNC_CYCLE, ASYNC_CYCLE], ids=["sync", "a loop each"])
def test_a_thousand_models_made_used_and_forgotten_leave_nothing(server: RawServer, cycle: str) -> None:
    before, after = json.loads(run_python(PRELUDE + cycle + MEASURE, server.url))
    assert after["descriptors"] <= before["descriptors"]
    assert after["objects"] < before["objects"] + 300
    assert after["bytes"] < before["bytes"] + 10e6


def test_loops_that_are_closed_without_farewell_leave_no_descriptors_for_long(server: RawServer) -> None:
    script = """
import warnings
warnings.simplefilter("ignore", ResourceWarning)  # what asyncio says of sockets that such a loop leaves open

def cycle():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(model.ainvoke("x y"))
    loop.close()
    gc.collect()
    return len(os.listdir("/proc/self/fd"))

print(*(cycle() for _ in range(20)))
"""
    counts = [int(count) for count in run_python(PRELUDE + script, server.url).split()]
    assert max(counts[2:]) <= counts[1]


# --- fork -------------------------------------------------------------------------------------------------

FORK = """
def child(number):
    for turn in range(5):
        for mine in models:
            assert mine.invoke(f"child{number} {turn}").text == f"child{number} {turn}"
            streamed = "".join(piece.text for piece in mine.stream(f"child{number} {turn}"))
            assert streamed == f"child{number} {turn}"

    async def use():
        answers = await asyncio.gather(*(mine.ainvoke(f"child{number} {turn}") for mine in models for turn in range(5)))
        assert [answer.text for answer in answers] == [f"child{number} {turn}" for _ in models for turn in range(5)]

    asyncio.run(use())

def fork(number):
    pid = os.fork()
    if pid == 0:
        try:
            child(number)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    return pid
"""

BUSY_PARENT = """
import warnings
warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)

streams = [mine.stream("hold parent") for mine in models]
texts = [next(stream).text for stream in streams]
over = threading.Event()
calls = itertools.count()
failures = []

def call(number):
    try:
        while not over.is_set():
            assert models[number % len(models)].invoke(f"parent {number}").text == f"parent {number}"
            next(calls)
    except BaseException as error:
        failures.append(error)

threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
for thread in threads:
    thread.start()

async def main():
    own = [mine.astream("hold parent") for mine in models]
    begun = [(await anext(stream)).text for stream in own]
    pids = [fork(number) for number in range(4)]
    for pid in pids:
        assert (await asyncio.to_thread(os.waitpid, pid, 0))[1] == 0
    over.set()
    print("the children are gone", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for text, stream in zip(begun, own):
        assert text + "".join([piece.text async for piece in stream]) == "hold parent"
    assert (await models[0].ainvoke("parent again")).text == "parent again"

asyncio.run(main())
for thread in threads:
    thread.join()
assert not failures, failures
for text, stream in zip(texts, streams):
    assert text + "".join(piece.text for piece in stream) == "hold parent"
for mine in models:
    assert mine.invoke("parent again").text == "parent again"
"""


def finish(process: subprocess.Popen[str], said: str = "") -> None:
    try:
        out, err = process.communicate(said, timeout=300)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, ""), out + err


@forks
def test_forked_children_use_connections_of_their_own_and_spare_their_parents(
    server: RawServer, echo: Echo
) -> None:
    with start_python(PRELUDE + FORK + BUSY_PARENT, server.url) as process:
        assert process.stdout is not None
        if process.stdout.readline() == "the children are gone\n":
            echo.let_go()
        finish(process, "\n")
    for connection in server.connections:
        askers = {prompt.removeprefix(f"{HOLD} ").split()[0] for prompt in prompts(connection)}
        assert len(askers) == 1


LONG_LIVED_CHILD = """
stay, go = os.pipe()

def fork():
    if os.fork() == 0:
        os.close(go)
        os.read(stay, 1)  # returns when the parent is gone
        os._exit(0)
"""
LEAVE = {
    "sync": """
stream = model.stream("hold it")
next(stream)
models[1].invoke("an idle")
fork()
stream.close()
registry.client(DEFAULT_POOL).close()
print("all is closed", flush=True)
sys.stdin.readline()
""",
    "async": """
async def main():
    stream = model.astream("hold it")
    await anext(stream)
    await models[1].ainvoke("an idle")
    fork()
    await stream.aclose()

asyncio.run(main())
print("all is closed", flush=True)
sys.stdin.readline()
""",
}


@forks
@pytest.mark.parametrize("how", LEAVE)
def test_a_forked_child_holds_no_connection_of_its_parents_open(server: RawServer, how: str) -> None:
    with start_python(PRELUDE + LONG_LIVED_CHILD + LEAVE[how], server.url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "all is closed\n"
        assert len(server.connections) == 2
        gone = [connection.closed.wait(30) for connection in server.connections]
        finish(process, "\n")
    assert gone == [True, True]


LOCKED = """
import warnings
warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
from langchain_volcark.http import tls

model.invoke("x y")
transport = registry.client(DEFAULT_POOL)._transport
stream = model.stream("hold it")
next(stream)
held = [transport._lock, registry._lock, tls._lock]
locked, over = threading.Event(), threading.Event()

def hold():
    for lock in held:
        lock.acquire()
    locked.set()
    over.wait()
    for lock in held:
        lock.release()

thread = threading.Thread(target=hold)
thread.start()
locked.wait()
pid = os.fork()
if pid == 0:
    stream.close()  # the parent's
    assert tls._lock.acquire(timeout=60)
    tls._lock.release()
    os._exit(model.invoke("in a child").text != "in a child")
status = os.waitpid(pid, 0)[1]
over.set()
thread.join()
stream.close()
assert status == 0
"""


@forks
def test_a_lock_held_by_a_thread_at_the_fork_does_not_stop_the_child(server: RawServer) -> None:
    run_python(PRELUDE + LOCKED, server.url)


POOLS = """
def answer(text):
    return model.invoke(text).text

if __name__ == "__main__":
    model.invoke("the parent")
    with multiprocessing.get_context("fork").Pool(4) as workers:
        assert workers.map(answer, [f"job {number}" for number in range(40)]) == [f"job {number}" for number in range(40)]
    assert model.invoke("the parent").text == "the parent"
"""


@forks
def test_a_pool_of_forked_workers_gets_its_answers(server: RawServer) -> None:
    run_python(PRELUDE + POOLS, server.url)


# --- the end of the interpreter ---------------------------------------------------------------------------

AT_EXIT = {
    "sync": """
streams = [mine.stream("hold it") for mine in models]
for stream in streams:
    next(stream)
models[0].invoke("an idle")

def read(begun):
    for _ in model.stream("hold it"):
        begun.set()

events = [threading.Event() for _ in range(3)]
for event in events:
    threading.Thread(target=read, args=(event,), daemon=True).start()
for event in events:
    event.wait()
""",
    "async": """
kept = []

async def read(mine, begun):
    async for _ in mine.astream("hold it"):
        begun.set()

async def main():
    await models[0].ainvoke("an idle")
    kept.extend(mine.astream("hold it") for mine in models)
    for stream in kept:
        await anext(stream)
    events = [asyncio.Event() for _ in models]
    kept.extend(asyncio.create_task(read(mine, event)) for mine, event in zip(models, events))
    for event in events:
        await event.wait()

asyncio.run(main())
""",
    "loops in threads": """
async def read(begun):
    async for _ in model.astream("hold it"):
        begun.set()

events = [threading.Event() for _ in range(3)]
for event in events:
    threading.Thread(target=lambda event=event: asyncio.run(read(event)), daemon=True).start()
for event in events:
    event.wait()
""",
}


@pytest.mark.parametrize("how", AT_EXIT)
def test_the_interpreter_ends_with_streams_open(server: RawServer, how: str) -> None:
    run_python(PRELUDE + AT_EXIT[how], server.url)  # answers that are held back would hold it for 600 s
    assert all(connection.closed.wait(30) for connection in server.connections)


LISTENS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it from its start
"""
INTERRUPTED = {
    "sync": """
try:
    for _ in model.stream("hold it"):
        print("it began", flush=True)
except KeyboardInterrupt:
    print(registry.client(DEFAULT_POOL)._transport.active_connections)
""",
    "async": """
async def main():
    async for _ in model.astream("hold it"):
        print("it began", flush=True)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print(0)
""",
}


@forks
@pytest.mark.parametrize("how", INTERRUPTED)
def test_an_interrupt_ends_a_stream_that_waits(server: RawServer, how: str) -> None:
    with start_python(PRELUDE + LISTENS + INTERRUPTED[how], server.url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "it began\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "0\n"
        finish(process)
    assert server.connections[0].closed.wait(30)
