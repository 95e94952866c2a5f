"""Stop texts cut on this side: the same wherever the pieces end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from langchain_volcark.messages.assembler import StreamDelta
from langchain_volcark.messages.stop_texts import StoppingAssembler, StopTexts

texts = st.text("abE", max_size=12)
stops = st.lists(st.text("abE", min_size=1, max_size=4), max_size=3)


def expected(text: str, stop: list[str]) -> str:
    places = [text.find(one) for one in stop if one in text]
    return text[: min(places)] if places else text


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@settings(deadline=None)
@given(texts, stops, st.lists(st.integers(0, 20), max_size=6))
@example("aabaaE", ["aaE", "ba"], [1, 2, 3, 4, 5])
@example("EbE", ["b", "EbE"], [2])
@example("Eb", ["b", "EbE"], [1])
def test_any_pieces_give_the_text_before_the_first_stop(text: str, stop: list[str], cuts: list[int]) -> None:
    cutter = StopTexts(stop)
    shown = "".join(cutter.feed(piece) for piece in pieces(text, cuts)) + cutter.flush()
    assert shown == expected(text, stop)


@settings(deadline=None)
@given(texts, stops)
def test_what_is_certain_is_shown_at_once(text: str, stop: list[str]) -> None:
    longest = max(map(len, stop), default=1)
    assert len(StopTexts(stop).feed(text)) >= min(len(expected(text, stop)), len(text) - longest + 1)


def test_a_message_ends_before_the_stop_and_keeps_what_comes_after() -> None:
    assembler = StoppingAssembler("p", None, ["END"])
    shown = "".join(assembler.add(StreamDelta(text=text)).text for text in ("one E", "ND two", "three"))
    assembler.add(StreamDelta(usage={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}))
    shown += assembler.finish().text
    assert shown == assembler.text == "one "
    assert assembler.usage is not None


def test_a_beginning_that_was_no_stop_comes_at_the_end() -> None:
    assembler = StoppingAssembler("p", None, ["END"])
    assert assembler.add(StreamDelta(text="one EN")).text == "one "
    assert assembler.finish().text == "EN"
    assert assembler.text == "one EN"


def test_a_broken_stream_shows_what_was_held_back() -> None:
    assembler = StoppingAssembler("p", None, ["END"])
    assembler.add(StreamDelta(text="one EN"))
    partial = assembler.partial()
    assert partial is not None
    assert partial.text == "one EN"


@settings(deadline=None)
@given(st.lists(texts, max_size=4), stops, st.lists(st.integers(0, 20), max_size=6))
def test_of_several_texts_those_before_the_first_stop_are_shown(
    blocks: list[str], stop: list[str], cuts: list[int]
) -> None:
    wanted = ""
    for block in blocks:
        wanted += expected(block, stop)
        if expected(block, stop) != block:
            break
    assembler = StoppingAssembler("p", None, stop)
    shown = ""
    for number, block in enumerate(blocks):
        for piece in [*pieces(block, cuts), None]:
            delta = StreamDelta(text=piece or "", place=(number, 0), closes=piece is None)
            increment = assembler.add(delta)
            shown += increment.text + "".join(one.text for one in increment.more)
    last = assembler.finish()
    shown += last.text + "".join(one.text for one in last.more)
    assert shown == assembler.text == wanted
    assert assembler.is_stopped == (wanted != "".join(blocks))


def test_of_a_text_that_was_not_closed_the_held_beginning_comes_at_the_end() -> None:
    assembler = StoppingAssembler("p", None, ["END"])
    assembler.add(StreamDelta(text="one ", place=(0, 0), closes=True))
    assembler.add(StreamDelta(text="two EN", place=(1, 0)))
    last = assembler.finish()
    assert [one.text for one in last.more if one.text] == ["EN"]
    assert assembler.text == "one two EN"
