"""Pauses that all callers of a model share, and the slow start after them."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.batch.pauses import SLOW_START, Pauses
from langchain_volcark.exceptions import RateLimitError

MODEL = ("https://ark.example/api/v3", "ep-bi-1")
REASON = RateLimitError("overloaded")


def turns(pauses: Pauses, count: int, now: float) -> list[float]:
    found = [pauses.turn(MODEL, now) for _ in range(count)]
    return [now if turn is None else turn.moment for turn in found]


def test_without_a_pause_everybody_goes_on() -> None:
    assert Pauses().turn(MODEL, 0.0) is None


def test_nobody_goes_on_before_the_end_and_twice_as_many_each_second_after_it() -> None:
    pauses = Pauses()
    pauses.begin(MODEL, 100.0, REASON)
    moments = turns(pauses, 5000, 40.0)
    assert min(moments) == 100.0
    for seconds in range(10):
        assert sum(moment <= 100.0 + seconds for moment in moments) == 2**seconds
    assert max(moments) == 100.0 + SLOW_START


def test_who_comes_after_the_slow_start_goes_on_and_the_pause_is_forgotten() -> None:
    pauses = Pauses()
    pauses.begin(MODEL, 100.0, REASON)
    assert pauses.turn(MODEL, 110.0) is None
    assert pauses.turn(MODEL, 50.0) is None


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    pauses = Pauses()
    pauses.begin(MODEL, 100.0, REASON)
    pauses.begin(MODEL, 60.0, RateLimitError("later"))
    turn = pauses.turn(MODEL, 0.0)
    assert turn is not None
    assert (turn.moment, turn.reason) == (100.0, REASON)


def test_a_caller_has_one_turn_for_each_pause() -> None:
    pauses = Pauses()
    pauses.begin(MODEL, 100.0, REASON)
    first = pauses.turn(MODEL, 0.0)
    assert first is not None
    assert pauses.turn(MODEL, 100.0, first.pause) is None
    pauses.begin(MODEL, 200.0, REASON)
    second = pauses.turn(MODEL, 100.0, first.pause)
    assert second is not None
    assert second.moment == 200.0


def test_other_models_and_addresses_go_on() -> None:
    pauses = Pauses()
    pauses.begin(MODEL, 100.0, REASON)
    assert pauses.turn((MODEL[0], "ep-bi-2"), 0.0) is None
    assert pauses.turn(("https://other.example", MODEL[1]), 0.0) is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.booleans()), max_size=40))
def test_no_turn_is_before_the_end_of_the_longest_pause(steps: list[tuple[float, bool]]) -> None:
    pauses = Pauses()
    longest = 0.0
    for moment, begins in steps:
        if begins:
            pauses.begin(MODEL, moment, REASON)
            longest = max(longest, moment)
        elif (turn := pauses.turn(MODEL, 0.0)) is not None:
            assert longest <= turn.moment <= longest + SLOW_START


def test_threads_get_different_turns() -> None:
    pauses = Pauses()
    pauses.begin(MODEL, 100.0, REASON)
    moments: list[float] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait(timeout=30)
        moments.extend(turns(pauses, 50, 0.0))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(set(moments)) == len(moments) == 400
