"""What a body is, is read from its content: JSON, JSON texts one after the other, an event stream, or nothing of that."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.http.bodies import (
    DocumentDecoder,
    EventError,
    StreamDecoder,
    is_event_stream,
    read_body,
    split_documents,
)

EVENTS = [b"data: {}\n\n", b"data:{}", b": hello\n\n", b"\n\nevent: x\n", b"id: 1\r\n", b"retry: 3", b"\xef\xbb\xbfdata: 1",
          b"unknown: x\ndata: {}", b"data\n"]  # fmt: skip
OTHERS = [b"{", b'  {"data: ": 1}', b"[1]", b'"data: x"', b"<html>\ndata: x", b"\xef\xbb\xbf{}"]
UNDECIDED = [b"", b"\n", b"dat", b"null", b"12", b"404 page not found", b"\xef\xbb"]


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [*((one, True) for one in EVENTS), *((one, False) for one in OTHERS), *((one, None) for one in UNDECIDED)],
)
def test_the_first_bytes_tell_what_a_body_is(beginning: bytes, expected: bool | None) -> None:
    assert is_event_stream(beginning) is expected


def test_a_text_that_goes_on_without_a_field_is_no_event_stream() -> None:
    assert is_event_stream(b"word " * 20_000) is False


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b'\xef\xbb\xbf{"a": 1}', [{"a": 1}]),
        (b'{"error": {"code": "x"}, "id": "as-1"}{"code": 20000}', [{"error": {"code": "x"}, "id": "as-1"}, {"code": 20000}]),
        (b'{"a": 1}\n{"b": "\\ud83d"}\n', [{"a": 1}, {"b": "\ud83d"}]),
        (b'{"a": 1} and more', [{"a": 1}, "and more"]),
        (b'data: {"a": 1}\n\ndata: [DONE]\n\n', [{"a": 1}]),
        (b'data:{"a": 1}', [{"a": 1}]),
        (b"null", [None]),
    ],
)  # fmt: skip
def test_a_whole_body_is_read_whatever_frames_it(content: bytes, expected: list[Any]) -> None:
    assert read_body(content) == expected


def test_an_event_that_is_named_error_is_known_as_one() -> None:
    json_error, text = read_body(b'event: error\ndata: {"code": "x"}\n\nevent: error\ndata: too busy\n\n')
    assert isinstance(json_error, EventError)
    assert json_error.payload == {"code": "x"}
    assert text.payload == "too busy"


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"{cut", b'{"a": ', b"not found", b"[" * 100_000])
def test_what_holds_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_body(content)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
blanks = st.sampled_from(["", " ", "\n", "\r\n"])


@given(st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=2, max_size=4), blanks)
def test_json_texts_one_after_the_other_are_split(documents: list[Any], blank: str) -> None:
    content = blank.join(json.dumps(document) for document in documents).encode()
    found, rest = split_documents(content)
    assert [json.loads(one) for one in found] == documents
    assert rest == b""
    assert read_body(content) == documents


def in_pieces(decoder: Any, content: bytes, cuts: list[int]) -> list[Any]:
    edges = [0, *sorted(cuts), len(content)]
    found = [one for start, stop in itertools.pairwise(edges) for one in decoder.feed(content[start:stop])]
    return [json.loads(one) for one in (*found, *decoder.flush())]


@given(
    st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=1, max_size=4),
    st.sampled_from(["", "\n", "\r\n", "\n\n"]),
    st.sampled_from([None, 2]),
    st.data(),
)
def test_documents_come_out_whole_wherever_they_are_cut(
    documents: list[Any], end: str, indent: int | None, data: st.DataObject
) -> None:
    content = "".join(json.dumps(document, indent=indent) + end for document in documents).encode()
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=8))
    decoder = DocumentDecoder()
    assert in_pieces(decoder, content, cuts) == documents
    assert decoder.alone is (len(documents) == 1)


def test_lines_of_json_come_out_as_they_come_but_for_the_first() -> None:
    decoder = DocumentDecoder()
    assert decoder.feed(b'{"a": 1}\n') == []
    assert decoder.feed(b'{"b": 2}\n{"c"') == [b'{"a": 1}', b'{"b": 2}']
    assert decoder.feed(b": 3}\n") == [b'{"c": 3}']
    assert decoder.flush() == []


@given(st.data())
def test_a_stream_is_known_and_read_wherever_its_bytes_are_cut(data: st.DataObject) -> None:
    payloads = data.draw(
        st.lists(st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=3), min_size=1)
    )
    head = data.draw(st.sampled_from(["", "\ufeff", "\n", ": comment\n\n", "event: x\n", "retry: 1\n\n"]))
    space, end = (
        data.draw(st.sampled_from(["data: ", "data:"])),
        data.draw(st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"])),
    )
    content = (head + "".join(f"{space}{json.dumps(payload)}{end}" for payload in payloads)).encode()
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=8))
    decoder = StreamDecoder()
    assert in_pieces(decoder, content, cuts) == payloads
    assert decoder.documents is None


def test_nothing_stands_between_the_decoder_and_the_bytes_once_a_stream_has_begun() -> None:
    decoder = StreamDecoder()
    decoder.feed(b"data: {}\n\n")
    assert decoder.feed == decoder._events.feed
