"""Many inputs in batch inference: order, errors of single inputs, configs, bounds, progress."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig

from langchain_volcark import ChatArk, abatch_as_completed
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError, QuotaExceededError
from langchain_volcark.http import retry

Make = Callable[..., ChatArk]
Pairs = list[tuple[int, Any]]
Run = Callable[..., Awaitable[list[Any]]]
RunAsCompleted = Callable[..., Awaitable[Pairs]]

REFUSED = "EMULATOR_SENSITIVE_INPUT"


async def by_batch(model: Any, inputs: Sequence[Any], *given: Any, **options: Any) -> list[Any]:
    found: list[Any] = model.batch(inputs, *given, **options)
    return found


async def by_abatch(model: Any, inputs: Sequence[Any], *given: Any, **options: Any) -> list[Any]:
    found: list[Any] = await model.abatch(inputs, *given, **options)
    return found


async def by_batch_as_completed(model: Any, inputs: Any, *given: Any, **options: Any) -> Pairs:
    return list(model.batch_as_completed(inputs, *given, **options))


async def by_abatch_as_completed(model: Any, inputs: Any, *given: Any, **options: Any) -> Pairs:
    return [pair async for pair in model.abatch_as_completed(inputs, *given, **options)]


@pytest.fixture(params=[by_batch, by_abatch], ids=["batch", "abatch"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


@pytest.fixture(params=[by_batch_as_completed, by_abatch_as_completed], ids=["batch", "abatch"])
def run_as_completed(request: pytest.FixtureRequest) -> RunAsCompleted:
    found: RunAsCompleted = request.param
    return found


def texts(count: int) -> Iterator[str]:
    return (f"no {number}" for number in range(count))


async def test_answers_have_the_order_of_the_inputs(make: Make, run: Run) -> None:
    answers = await run(make(), list(texts(40)))
    assert [answer.text for answer in answers] == [f"You said: no {number}" for number in range(40)]
    assert await run(make(), []) == []


async def test_as_completed_gives_each_position_once_with_its_answer(
    make: Make, run_as_completed: RunAsCompleted
) -> None:
    pairs = await run_as_completed(make(), texts(40))  # a generator
    assert sorted((place, answer.text) for place, answer in pairs) == [
        (number, f"You said: no {number}") for number in range(40)
    ]
    assert await run_as_completed(make(), []) == []


async def test_a_slow_call_does_not_hold_back_the_others(
    make: Make, emulator: Emulator, run_as_completed: RunAsCompleted
) -> None:
    emulator.delay_next(0.5)
    pairs = await run_as_completed(make(), texts(6), {"max_concurrency": 2})
    assert len({place for place, _ in pairs}) == 6
    assert pairs[-1][0] in {0, 1}  # one of the first two is the one that waited


async def test_exceptions_take_the_places_of_single_answers(make: Make, run: Run) -> None:
    found = await run(make(), ["a", REFUSED, "b"], return_exceptions=True)
    assert isinstance(found[1], InvalidRequestError)
    assert [found[0].text, found[2].text] == ["You said: a", "You said: b"]


async def test_exceptions_as_completed_have_the_positions_of_their_inputs(
    make: Make, run_as_completed: RunAsCompleted
) -> None:
    found = dict(await run_as_completed(make(), ["a", REFUSED, "b"], return_exceptions=True))
    assert isinstance(found[1], InvalidRequestError)
    assert [found[0].text, found[2].text] == ["You said: a", "You said: b"]


async def test_bad_input_is_an_exception_of_its_input_alone(make: Make, run: Run) -> None:
    found = await run(make(), ["a", []], return_exceptions=True)
    assert found[0].text == "You said: a"
    assert isinstance(found[1], ValueError)


async def test_a_failure_ends_the_run_and_keeps_what_was_paid_for(
    make: Make, emulator: Emulator, run: Run
) -> None:
    with pytest.raises(InvalidRequestError, match=r"input 2 of 200") as caught:
        await run(make(), ["a", "b", REFUSED, *texts(197)], {"max_concurrency": 1})
    assert {place: answer.text for place, answer in (caught.value.completed or {}).items()} == {
        0: "You said: a",
        1: "You said: b",
    }
    assert len(emulator.requests) == 3


async def test_a_failure_as_completed_comes_after_the_answers_of_the_calls_in_flight(
    make: Make, emulator: Emulator
) -> None:
    emulator.fail_next(429, "QuotaExceeded")
    got: list[int] = []

    async def collect() -> None:
        async for place, _ in make().abatch_as_completed(texts(500), {"max_concurrency": 4}):
            got.append(place)

    with pytest.raises(QuotaExceededError):
        await collect()
    assert len(emulator.requests) == len(got) + 1 < 500


async def test_the_concurrency_of_the_config_bounds_the_calls(make: Make, emulator: Emulator, run: Run) -> None:
    emulator.delay_next(0.2)
    await run(make(), list(texts(60)), {"max_concurrency": 3})
    assert 1 < emulator.most_in_flight <= 3
    assert len({request.client_port for request in emulator.requests}) <= 3


async def test_tasks_and_inputs_in_memory_are_bounded_for_any_number_of_inputs(
    make: Make, emulator: Emulator
) -> None:
    taken = given_back = most_ahead = most_tasks = 0

    def inputs() -> Iterator[str]:
        nonlocal taken, most_ahead
        for text in texts(1500):
            taken += 1
            most_ahead = max(most_ahead, taken - given_back)
            yield text

    async for _ in make(thinking="disabled").abatch_as_completed(inputs(), {"max_concurrency": 8}):
        given_back += 1
        most_tasks = max(most_tasks, len(asyncio.all_tasks()))
    assert given_back == 1500
    assert most_ahead <= 16
    assert most_tasks <= 4 * 8  # core has some for each call
    assert emulator.most_in_flight <= 8


def test_threads_are_bounded(make: Make) -> None:
    before = threading.active_count()
    most = 0
    for _ in make(thinking="disabled").batch_as_completed(texts(300), {"max_concurrency": 5}):
        most = max(most, threading.active_count())
    assert most <= before + 5


class Handler(BaseCallbackHandler):
    """Notes what each run was started with."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, Sequence[str], str]] = []
        self.ends = 0

    def on_chat_model_start(
        self, serialized: Any, messages: list[list[BaseMessage]], *, run_id: uuid.UUID, **kwargs: Any
    ) -> None:
        self.starts.append((messages[0][0].text, tuple(kwargs.get("tags") or ()), str(run_id)))

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.ends += 1


async def test_each_input_has_its_run_with_callbacks_tags_and_an_id_of_its_own(make: Make, run: Run) -> None:
    handler = Handler()
    await run(make(), ["a", "b"], {"callbacks": [handler], "tags": ["nightly"]})
    assert sorted((text, tags) for text, tags, _ in handler.starts) == [("a", ("nightly",)), ("b", ("nightly",))]
    assert len({run_id for _, _, run_id in handler.starts}) == 2
    assert handler.ends == 2


async def test_a_list_of_configs_has_one_for_each_input(
    make: Make, run: Run, run_as_completed: RunAsCompleted
) -> None:
    handler = Handler()
    configs: list[RunnableConfig] = [{"tags": ["first"], "callbacks": [handler]}, {"tags": ["second"]}]
    await run(make(), ["a", "b"], configs)
    await run_as_completed(make(), ["a", "b"], configs)
    assert [(text, tags) for text, tags, _ in handler.starts] == [("a", ("first",))] * 2
    with pytest.raises(ValueError, match="same length"):
        await run(make(), ["a"], configs)
    with pytest.raises(ValueError, match="a list of configs needs inputs whose number is known"):
        await run_as_completed(make(), iter(["a", "b"]), configs)


async def test_a_run_id_is_the_first_inputs(make: Make, run_as_completed: RunAsCompleted) -> None:
    handler, run_id = Handler(), uuid.uuid4()
    with pytest.warns(RuntimeWarning, match="first input"):
        await run_as_completed(make(), ["a", "b"], {"callbacks": [handler], "run_id": run_id})
    ids = {text: found for text, _, found in handler.starts}
    assert ids["a"] == str(run_id) != ids["b"]


async def test_arguments_go_to_each_call(make: Make, emulator: Emulator, run: Run) -> None:
    await run(make(), ["a", "b"], max_tokens=7)
    await run(make().bind(max_tokens=8), ["a"])
    assert sorted(request.json["max_tokens"] for request in emulator.requests) == [7, 7, 8]


async def test_a_bound_model_takes_any_iterable_too(
    make: Make, emulator: Emulator, run_as_completed: RunAsCompleted
) -> None:
    pairs = await run_as_completed(make().bind(max_tokens=8), texts(30), {"max_concurrency": 2})
    assert sorted(place for place, _ in pairs) == list(range(30))
    assert {request.json["max_tokens"] for request in emulator.requests} == {8}
    assert emulator.most_in_flight <= 2


async def test_a_model_bound_twice_with_a_config_stays_bounded_and_is_saved_as_cores(
    make: Make, emulator: Emulator
) -> None:
    bound = make().bind(max_tokens=8).with_config(tags=["nightly"]).bind(temperature=0.5)
    list(bound.batch_as_completed(texts(20), {"max_concurrency": 2}))
    assert emulator.most_in_flight <= 2
    assert {(request.json["max_tokens"], request.json["temperature"]) for request in emulator.requests} == {
        (8, 0.5)
    }
    online = ChatArk(model="ep-1", api_key="x").bind(max_tokens=8)
    assert type(bound).lc_id() == type(online).lc_id()


async def test_a_chain_with_tools_and_a_parser_is_bounded_by_the_function(make: Make, emulator: Emulator) -> None:
    def get_weather(city: str) -> str:
        """Weather of a city."""
        return city

    chain = make().bind_tools([get_weather]) | (lambda message: message.tool_calls[0]["args"]["city"])
    cities = ["Rome", "Lima", "Oslo"] * 10
    questions = (f"Weather in '{city}'?" for city in cities)
    found = {place: city async for place, city in abatch_as_completed(chain, questions, {"max_concurrency": 3})}
    assert [found[place] for place in range(30)] == cities
    assert emulator.most_in_flight <= 3


async def test_the_model_of_a_chain_is_bounded_too(make: Make, emulator: Emulator, run: Run) -> None:
    chain = ChatPromptTemplate.from_template("About {thing}") | make()
    answers = await run(chain, [{"thing": text} for text in texts(30)], {"max_concurrency": 2})
    assert [answer.text for answer in answers] == [f"You said: About no {number}" for number in range(30)]
    assert emulator.most_in_flight <= 2


@pytest.mark.parametrize("known", [True, False])
async def test_a_progress_bar_counts_answers(
    make: Make, run_as_completed: RunAsCompleted, capsys: pytest.CaptureFixture[str], known: bool
) -> None:
    inputs = list(texts(12))
    await run_as_completed(make(show_progress_bar=True), inputs if known else iter(inputs))
    assert ("12/12" if known else "12input") in capsys.readouterr().err


async def test_a_progress_bar_of_the_whole_batch(make: Make, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    await run(make(show_progress_bar=True), list(texts(12)))
    assert "12/12" in capsys.readouterr().err


def test_a_thread_whose_caller_has_left_sends_nothing_more(
    make: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, go_on = threading.Event(), threading.Event()

    def sleep(_seconds: float) -> None:
        waits.set()
        assert go_on.wait(30)

    monkeypatch.setattr(retry, "sleep", sleep)
    emulator.fail_next(503, "InternalServiceError")
    pairs = make().batch_as_completed(["a", "b"], {"max_concurrency": 2})
    next(pairs)
    assert waits.wait(30)
    pairs.close()  # type: ignore[attr-defined]
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "volcark-request":
            thread.join(30)
            assert not thread.is_alive()
    assert len(emulator.requests) == 2


async def test_leaving_the_loop_cancels_what_is_in_flight(make: Make, emulator: Emulator) -> None:
    for _ in range(3):
        emulator.delay_next(30)
    pairs = make().abatch_as_completed(texts(100), {"max_concurrency": 4})
    async for _, answer in pairs:
        assert isinstance(answer, AIMessage)
        break
    await pairs.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(emulator.wait_for, lambda: emulator.disconnects == 3)
