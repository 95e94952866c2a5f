"""From bytes to message: a reply's event stream may be cut anywhere, in any line-ending style."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.http.stream import PayloadDecoder
from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.wires.chat_completions.replies import read_reply

words = st.text(max_size=8)


def payload(**choice: Any) -> dict[str, Any]:
    return {"id": "r", "created": 1, "model": "m", "choices": [{"index": 0, **choice}], "usage": None}


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[dict[str, Any]], bytes]:
    reasoning, texts = draw(st.lists(words, max_size=3)), draw(st.lists(words, max_size=3))
    payloads = [payload(delta={"content": "", "reasoning_content": piece}) for piece in reasoning]
    payloads += [payload(delta={"content": piece}) for piece in texts]
    payloads.append(payload(delta={"content": ""}, finish_reason="stop"))
    payloads.append({"id": "r", "created": 1, "model": "m", "choices": [], "usage": {"prompt_tokens": 2}})
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [f"data: {json.dumps(one, ensure_ascii=draw(st.booleans()))}{end}{end}" for one in payloads]
    comments = draw(st.lists(st.sampled_from([f": keep-alive{end}{end}", f"event: x{end}"]), max_size=2))
    return payloads, "".join([*comments, *lines, f"data: [DONE]{end}{end}"]).encode()


def message_of(payloads: list[dict[str, Any]]) -> dict[str, Any]:
    renderer = ChunkRenderer(StreamAssembler("volcengine"))
    chunks = [chunk.message for one in payloads for chunk in renderer.feed(read_reply(one))]
    chunks += [chunk.message for chunk in renderer.finish()]
    first, *rest = chunks
    return (first + rest if rest else first).model_dump()  # type: ignore[operator]


def test_a_text_may_come_in_parts() -> None:
    parts = ["a", {"type": "text", "text": "b"}, {"type": "text", "text": None}, "", {"text": "c"}]
    assert read_reply(payload(message={"content": parts})).text == "abc"


@given(streams(), st.data())
def test_any_cutting_of_the_bytes_gives_the_same_message(
    stream: tuple[list[dict[str, Any]], bytes], data: st.DataObject
) -> None:
    payloads, body = stream
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=12)))
    edges = [0, *cuts, len(body)]
    response = httpx.Response(200, request=httpx.Request("POST", "http://127.0.0.1/"))
    decoder = PayloadDecoder(response, ArkErrors(), None)
    read = [one for start, stop in itertools.pairwise(edges) for one in decoder.feed(body[start:stop])]
    assert decoder.done
    assert message_of(read) == message_of(payloads)


def test_byte_by_byte() -> None:
    body = (
        'data: {"id": "r", "choices": [{"delta": {"content": "杭州 😀"}}]}\r\n\r\n' + "data: [DONE]\r\n\r\n"
    ).encode()
    response = httpx.Response(200, request=httpx.Request("POST", "http://127.0.0.1/"))
    decoder = PayloadDecoder(response, ArkErrors(), None)
    read = [one for number in range(len(body)) for one in decoder.feed(body[number : number + 1])]
    assert [one["choices"][0]["delta"]["content"] for one in read] == ["杭州 😀"]
