"""The event-stream decoder, and the JSON on both sides of the wire."""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import json
import time
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.http.json import dump_json, parse_json
from langchain_volcark.http.sse import SSEDecoder


def decode(*pieces: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    payloads = [payload for piece in pieces for payload in decoder.feed(piece)]
    return payloads + decoder.flush()


STREAMS = {
    "one event": (b"data: a\n\n", [b"a"]),
    "two events": (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    "CR LF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "CR": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "line ends mixed": (b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\rdata\n\n", [b"a", b"b", b"c", b"d"]),
    "no space": (b"data:a\n\n", [b"a"]),
    "only the first space goes": (b"data:  a \n\n", [b" a "]),
    "several lines": (b"data: a\ndata:b\ndata\ndata: c\n\n", [b"a\nb\n\nc"]),
    "several lines with CR LF": (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
    "several lines with CR": (b"data: a\rdata: b\r\r", [b"a\nb"]),
    "leading comment": (b": keep-alive\n\ndata: a\n\n", [b"a"]),
    "comment inside": (b"data: a\n: hm\ndata: b\n\n", [b"a\nb"]),
    "comment that looks like data": (b":data: a\n\ndata: b\n\n", [b"b"]),
    "other fields": (b"event: delta\nid: 7\nretry: 10\ndata: a\nmore: x\nword\n\n", [b"a"]),
    "data before other fields": (b"data: a\nevent: delta\n\n", [b"a"]),
    "field that only begins like data": (b"database: a\ndat: b\nDATA: c\n data: d\n\n", []),
    "blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [b"a", b"b"]),
    "event without data": (b"event: ping\n\ndata: a\n\n", [b"a"]),
    "empty data": (b"data:\n\ndata: \n\ndata\n\ndata: a\n\n", [b"a"]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "mark only at the start": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
    "mark inside a payload": (b"data: \xef\xbb\xbf\n\n", [b"\xef\xbb\xbf"]),
    "unicode line ends are text": ("data: \u2028\u2029\x85\x1c\n\n".encode(), ["\u2028\u2029\x85\x1c".encode()]),
    "escaped line ends are text": (rb'data: "\n\n"' + b"\n\n", [rb'"\n\n"']),
    "end without blank line": (b"data: a\n\ndata: b\n", [b"a", b"b"]),
    "end without line end": (b"data: a\n\ndata: [DONE]", [b"a", b"[DONE]"]),
    "end inside a payload": (b'data: a\n\ndata: {"x', [b"a", b'{"x']),
    "end inside a field name": (b"data: a\n\ndat", [b"a"]),
    "end after CR": (b"data: a\r\rdata: b\r", [b"a", b"b"]),
    "end inside the byte order mark": (b"\xef\xbb", []),
    "nothing": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_payloads_of_a_stream_in_one_piece(name: str) -> None:
    stream, payloads = STREAMS[name]
    assert decode(stream) == payloads


@pytest.mark.parametrize("name", STREAMS)
def test_payloads_of_a_stream_byte_by_byte(name: str) -> None:
    stream, payloads = STREAMS[name]
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == payloads


@pytest.mark.parametrize("name", STREAMS)
def test_payloads_of_a_stream_cut_once_anywhere_with_an_empty_read_between(name: str) -> None:
    stream, payloads = STREAMS[name]
    for cut in range(len(stream) + 1):
        assert decode(stream[:cut], b"", stream[cut:]) == payloads


def test_a_payload_is_handed_out_as_soon_as_its_blank_line_came() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [b"a"]
    assert decoder.feed(b"data: b\r\n\r") == [b"b"]
    assert decoder.feed(b"\ndata: c") == []
    assert decoder.feed(b"\r\r") == [b"c"]
    assert decoder.flush() == []


def test_a_flushed_decoder_starts_anew() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r") == []
    assert decoder.flush() == [b"a"]
    assert decoder.flush() == []
    assert decoder.feed(b"\xef\xbb\xbfdata: b\n\n") == [b"b"]


def test_a_huge_event_in_small_reads_costs_linear_time() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    started = time.process_time()
    for _ in range(8000):
        assert decoder.feed(b"x" * 1000) == []
    assert decoder.feed(b"\n\n") == [b"x" * 8_000_000]
    assert time.process_time() - started < 1  # joining at each read would move 32 GB


texts = st.text(st.sampled_from('{}"a:, 你\u2028\u2029\x85\x0b🙂'), max_size=12).map(str.encode)
events = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([b"data: ", b"data:"]), texts),
        st.tuples(st.sampled_from([b": ", b"event: ", b"id:", b"x", b" data: "]), texts),
    ),
    min_size=1,
    max_size=4,
)


@given(
    stream=st.lists(events, max_size=6),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=1, max_size=7),
    cuts=st.lists(st.integers(0, 80), max_size=20),
    mark=st.booleans(),
    closed=st.booleans(),
)
def test_any_splitting_in_any_line_ends_gives_the_same_payloads(
    stream: list[list[tuple[bytes, bytes]]], ends: list[bytes], cuts: list[int], mark: bool, closed: bool
) -> None:
    expected, written, count = [], [b"\xef\xbb\xbf"] if mark else [], 0

    def line(text: bytes) -> None:
        nonlocal count
        # An empty line that is only LF would join a CR before it.
        end = ends[count % len(ends)]
        if end == b"\n" and not text and written and written[-1].endswith(b"\r"):
            end = b"\r\n"
        written.append(text + end)
        count += 1

    for event in stream:
        values = []
        for name, value in event:
            if name == b"data:" and value.startswith(b" "):
                name = b"data: "
            line(name + value)
            if name.startswith(b"data"):
                values.append(value)
        line(b"")
        if payload := b"\n".join(values):
            expected.append(payload)
    if not closed and written:
        written[-1] = b""
    raw = b"".join(written)
    marks = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    assert decode(*(raw[a:b] for a, b in itertools.pairwise(marks))) == expected


@given(st.lists(st.binary(max_size=20)))
def test_no_bytes_make_the_decoder_fail(pieces: list[bytes]) -> None:
    assert decode(*pieces) == decode(b"".join(pieces))


class Colour(str, enum.Enum):
    RED = "red"


def test_json_is_read_as_the_standard_library_reads_it() -> None:
    for text in (
        b'{"a": [1, 2.5, -0.1, true, null, "\\u4f60"]}',
        b" 1 ",
        b'"x"',
        b"123456789012345678901234567890",
    ):
        assert parse_json(text) == json.loads(text)


def test_half_an_emoji_is_read() -> None:
    assert parse_json(rb'{"content": "\ud83d"}') == {"content": "\ud83d"}


def test_json_after_a_byte_order_mark_is_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("innermost", [b"", rb'"\ud83d"'], ids=["fast reader", "slow reader"])
def test_json_is_read_to_a_depth_at_which_everything_else_can_still_work_with_it(innermost: bytes) -> None:
    assert parse_json(b"[" * 200 + innermost + b"]" * 200)
    with pytest.raises(ValueError, match="too deep"):
        parse_json(b"[" * 210 + innermost + b"]" * 210)


@pytest.mark.parametrize("text", [b"", b"[DONE]", b'{"a": 1', b"<html>", b'{"a": 1} {', b'"\xff"', b"[" * 100_000])
def test_what_is_not_json_raises_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the texts are those of three parsers
        parse_json(text)


def test_json_is_written_compact_with_chinese_unescaped() -> None:
    assert (
        dump_json({"内容": ["你好", 1, 1.5, True, None, (2,)], "e": {}})
        == '{"内容":["你好",1,1.5,true,null,[2]],"e":{}}'.encode()
    )


def test_subclasses_of_json_types_and_integer_keys_are_written() -> None:
    assert dump_json(OrderedDict(c=Colour.RED)) == b'{"c":"red"}'
    assert dump_json({"logit_bias": {50256: -100}}) == b'{"logit_bias":{"50256":-100}}'


def kind(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize(
    "value",
    [{1}, b"x", bytearray(b"x"), dt.date(2025, 1, 2), object(), iter("ab"), 1j, range(2)],
    ids=kind,
)
def test_values_which_json_does_not_know_are_refused(value: Any) -> None:
    for body in (value, {"a": [value]}, {"a": {"b": (value,)}}, {"\ud83d": value}):
        with pytest.raises(TypeError):
            dump_json(body)


@pytest.mark.parametrize("key", [None, True, 1.5, (1, 2), b"a"], ids=kind)
def test_keys_which_json_does_not_know_are_refused(key: Any) -> None:
    for body in ({key: 1}, [{key: "\ud83d"}]):
        with pytest.raises(TypeError):
            dump_json(body)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_which_json_does_not_know_are_refused(value: float) -> None:
    for body in ({"a": value}, ["\ud83d", value]):
        with pytest.raises(ValueError, match="JSON"):
            dump_json(body)


def test_a_container_that_holds_itself_is_refused() -> None:
    body: list[Any] = []
    body.append(body)
    with pytest.raises(ValueError, match="Circular"):
        dump_json(body)


def test_lone_surrogates_become_the_replacement_character_and_pairs_their_character() -> None:
    assert (
        dump_json({"a": "x\ud83dy\ude00", "b": "\ud83d\ude00你"}) == '{"a":"x\ufffdy\ufffd","b":"😀你"}'.encode()
    )


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse_json(dump_json(value)) == value
