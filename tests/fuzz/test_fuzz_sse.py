"""The event stream decoder compared with a plain implementation of the standard, and JSON with Python's."""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.json import dump_json, parse_json
from langchain_volcark.http.sse import SSEDecoder
from langchain_volcark.http.stream import PayloadDecoder
from tests.fuzz.junk import examples, pieces, scalars, sse, texts, values, write_json
from tests.fuzz.samples import STREAMS
from tests.fuzz.wire import look_at_error

TOKENS = [b"data", b"data:", b"data: ", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"a",
          b"event: x", b"[DONE]", b"{}", b'{"a": 1}', b'{"error": {"code": "x"}}', "杭😀".encode(), b"\xe2\x80\xa8", b"\x00",
          b"[]", b"null", b'{"choices": [{"delta": {"content": "\\ud83d"}}]}']  # fmt: skip
streams = st.lists(st.sampled_from(TOKENS) | st.binary(max_size=4), max_size=25).map(b"".join)


def read_plainly(stream: bytes) -> list[bytes]:
    """The standard, word by word, on a stream that is all there; its last event may lack the blank line.

    Beyond the standard, JSON in the place of an event counts as one.
    """
    lines = re.split(rb"\r\n|\r|\n", stream.removeprefix(b"\xef\xbb\xbf"))
    events: list[bytes] = []
    data: list[bytes] = []
    block: list[bytes] = []
    for line in [*lines, b""]:
        name, _, value = line.partition(b":")
        if not line:
            is_named = any(one.startswith(b"event:") and one[6:].strip() for one in block)
            is_bare = bool(block) and block[0].startswith(b"{") and not data and not is_named
            events.append(b"\n".join(block if is_bare else data))
            data, block = [], []
            continue
        block.append(line)
        if name == b"data":
            data.append(value.removeprefix(b" "))
    return [event for event in events if event]


def decode(parts: list[bytes]) -> list[bytes]:
    decoder = SSEDecoder()
    return [*itertools.chain.from_iterable(map(decoder.feed, parts)), *decoder.flush()]


@examples(400)
@given(streams, st.data())
def test_any_bytes_cut_anywhere_are_read_as_the_standard_says(stream: bytes, data: st.DataObject) -> None:
    events = read_plainly(stream)
    assert decode(data.draw(pieces(stream))) == events
    assert decode([stream[place : place + 1] for place in range(len(stream))]) == events


def outcome(parts: list[bytes]) -> tuple[list[Any], str, bool]:
    response = httpx.Response(200, request=httpx.Request("POST", "http://127.0.0.1/"))
    decoder = PayloadDecoder(response, ArkErrors(), None)
    read: list[Any] = []
    try:
        for part in parts:
            for payload in decoder.feed(part):
                read += [payload]  # one by one: the next may be an error
        read.extend(decoder.flush())
    except VolcArkError as error:
        look_at_error(error)
        return read, str(error), decoder.done
    return read, "", decoder.done


@examples(300)
@given(streams | st.sampled_from(sorted(STREAMS)).map(lambda name: sse(STREAMS[name])), st.data())
def test_payloads_and_errors_do_not_depend_on_where_the_bytes_are_cut(stream: bytes, data: st.DataObject) -> None:
    whole = outcome([stream])
    assert outcome(data.draw(pieces(stream))) == whole
    assert outcome([stream[place : place + 1] for place in range(len(stream))]) == whole
    assert all(isinstance(payload, dict) for payload in whole[0])


def same(one: Any, other: Any) -> bool:
    """Equality for which NaN is NaN, and 1 is not 1.0 nor True."""
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@examples(300)
@given(
    st.lists(st.sampled_from(TOKENS) | st.binary(max_size=3), max_size=8).map(b"".join) | values.map(write_json)
)
def test_json_is_read_as_python_reads_it_or_refused(text: bytes) -> None:
    try:
        read = parse_json(text)
    except ValueError:
        return
    assert same(read, json.loads(text))


@examples(300)
@given(st.recursive(
    scalars | st.binary(max_size=2) | st.dates() | st.just({1}),
    lambda children: st.lists(children, max_size=3)
    | st.tuples(children)
    | st.dictionaries(texts | st.integers() | st.none() | st.tuples(st.integers()), children, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_what_is_written_is_json_and_what_is_none_is_refused(value: Any) -> None:
    try:
        written = dump_json(value)
    except (TypeError, ValueError):
        return
    # Written once more, it says the same: keys are texts by then, tuples lists, halves of emoji replaced.
    read = json.loads(written)
    assert json.loads(dump_json(read)) == read
