"""For every wire format: however a service cuts an answer, the sum of the stream is the message of `invoke`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.language_models.chat_model_stream import ChatModelStream
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan, ChatVikingKnowledge
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.events import EventRenderer
from langchain_volcark.wires.wire import ModelCall, Wire

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
texts = st.text(max_size=12) | st.sampled_from(["绿色蔬菜", "👩‍🌾 and 🥦", "[1] ^[2]^"])


@dataclass
class Answer:
    """An answer in neutral terms, and where a stream cuts it."""

    text: str = "hello"
    reasoning: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    finish: str = "stop"
    usage: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    cuts: tuple[int, ...] = ()

    def pieces(self, text: str) -> list[str]:
        places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in self.cuts)})
        return [text[a:b] for a, b in pairwise(places)]


answers = st.builds(
    Answer,
    text=texts,
    reasoning=texts,
    calls=st.lists(
        st.tuples(st.sampled_from(["f", "get_weather"]), st.dictionaries(texts, texts, max_size=2)), max_size=2
    ),
    finish=st.sampled_from(["stop", "length", "tool_calls"]),
    usage=st.booleans(),
    extra=st.dictionaries(st.sampled_from(["flag", "service_tier", "new_field"]), st.integers(1, 9), max_size=2),
    cuts=st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)),
)


# --- how each service writes it -------------------------------------------------------------------------------------


def _function(call: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"name": call[0], "arguments": json.dumps(call[1], ensure_ascii=False)}


def completion(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [
            {"id": f"c{number}", "type": "function", "function": _function(call)}
            for number, call in enumerate(answer.calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    usage = {"usage": USAGE} if answer.usage else {}
    return {"id": "r1", "created": 1, "model": "m", **answer.extra, "choices": [choice], **usage}


def completion_stream(answer: Answer) -> list[dict[str, Any]]:
    head = {"id": "r1", "created": 1, "model": "m", **answer.extra}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in answer.pieces(answer.reasoning)]
    deltas += [{"content": piece} for piece in answer.pieces(answer.text)]
    for number, call in enumerate(answer.calls):
        written = _function(call)
        first = {"index": number, "id": f"c{number}", "type": "function", "function": {**written, "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        rest = [
            {"index": number, "function": {"arguments": piece}} for piece in answer.pieces(written["arguments"])
        ]
        deltas += [{"tool_calls": [piece]} for piece in rest]
    payloads = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    payloads.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish}]})
    return [*payloads, {**head, "choices": [], "usage": USAGE}] if answer.usage else payloads


def _v1(answer: Answer) -> dict[str, Any]:
    reply: dict[str, Any] = {"id": "as-1", "created": 1, **answer.extra}
    if answer.calls:
        return {**reply, "result": "", "function_call": _function(answer.calls[0])}
    return {**reply, "result": answer.text}


def _v1_end(answer: Answer) -> dict[str, Any]:
    reason = "normal" if answer.finish == "stop" else answer.finish
    return {"finish_reason": reason, **({"usage": USAGE} if answer.usage else {})}


def v1_reply(answer: Answer) -> dict[str, Any]:
    return {**_v1(answer), **_v1_end(answer)}


def v1_stream(answer: Answer) -> list[dict[str, Any]]:
    head = {"id": "as-1", "created": 1, **answer.extra}
    if answer.calls:
        return [{**_v1(answer), **_v1_end(answer), "sentence_id": 0, "is_end": True}]
    pieces = [*answer.pieces(answer.text), ""]
    payloads = [{**head, "sentence_id": place, "result": piece} for place, piece in enumerate(pieces)]
    return [
        *({**one, "is_end": False} for one in payloads[:-1]),
        {**payloads[-1], **_v1_end(answer), "is_end": True},
    ]


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "success", "request_id": "q1", "data": data}


def knowledge_reply(answer: Answer) -> dict[str, Any]:
    data: dict[str, Any] = {"generated_answer": answer.text, **answer.extra}
    if answer.reasoning:
        data["reasoning_content"] = answer.reasoning
    return _envelope({**data, "usage": json.dumps(USAGE)})


def knowledge_stream(answer: Answer) -> list[dict[str, Any]]:
    data = [{"reasoning_content": piece} for piece in answer.pieces(answer.reasoning)]
    data += [{"generated_answer": piece} for piece in [*answer.pieces(answer.text), ""]]
    return [
        *(_envelope({**one, **answer.extra}) for one in data),
        _envelope({"usage": json.dumps(USAGE), "end": True}),
    ]


RESPONSE_USAGE = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}


def response(answer: Answer) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    if answer.reasoning:
        summary = [{"type": "summary_text", "text": answer.reasoning}]
        items.append({"id": "rs_1", "type": "reasoning", "status": "completed", "summary": summary})
    if answer.text:
        content = [{"type": "output_text", "text": answer.text}]
        items.append({"id": "msg_1", "type": "message", "status": "completed", "content": content})
    items += [
        {"id": f"fc_{number}", "type": "function_call", "call_id": f"c{number}", **_function(call)}
        for number, call in enumerate(answer.calls)
    ]
    cut = {"status": "incomplete", "incomplete_details": {"reason": "length"}}
    end = cut if answer.finish == "length" else {"status": "completed"}
    usage = {"usage": RESPONSE_USAGE} if answer.usage else {}
    return {**_opening(answer), **end, "output": items, **usage}


def _opening(answer: Answer) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", **answer.extra}


def response_stream(answer: Answer) -> list[dict[str, Any]]:
    whole = response(answer)
    events: list[dict[str, Any]] = [{"type": "response.created", "response": _opening(answer)}]
    for index, item in enumerate(whole["output"]):
        head = {name: item[name] for name in ("id", "type", "call_id", "name") if name in item}
        at = {"item_id": item["id"], "output_index": index}
        name, text = {
            "reasoning": ("reasoning_summary_text", answer.reasoning),
            "message": ("output_text", answer.text),
        }.get(item["type"], ("function_call_arguments", item.get("arguments", "")))
        deltas = [{"type": f"response.{name}.delta", **at, "delta": piece} for piece in answer.pieces(text)]
        events.append({"type": "response.output_item.added", "output_index": index, "item": head})
        events += [*deltas, {"type": "response.output_item.done", "output_index": index, "item": item}]
    return [*events, {"type": f"response.{whole['status']}", "response": whole}]


WIRES: dict[str, tuple[Any, Any, Any]] = {
    "ark responses": (ChatArk(model="m", api_key="k", use_responses_api=True), response, response_stream),
    "ark": (ChatArk(model="m", api_key="k"), completion, completion_stream),
    "bot": (ChatArkBot(model="bot-1", api_key="k"), completion, completion_stream),
    "qianfan": (ChatQianfan(model="m", api_key="k"), completion, completion_stream),
    "qianfan v1": (
        ChatQianfan(api_version="v1", endpoint="e1", access_token="t", base_url="https://v1.example.com/x"),
        v1_reply,
        v1_stream,
    ),
    "knowledge": (
        ChatVikingKnowledge(model="m", access_key="a", secret_key="s"),
        knowledge_reply,
        knowledge_stream,
    ),
}
every_wire = pytest.mark.parametrize("name", WIRES)


def _whole(wire: Wire, call: ModelCall, payload: dict[str, Any]) -> AIMessage:
    (deltas,) = wire.read_reply(payload)
    assembler = wire.new_assembler(call, "req-1")
    for delta in deltas:
        assembler.add(delta)
    assembler.finish()
    assert wire.has_answer(assembler)
    return assembler.message()


def _streamed(wire: Wire, call: ModelCall, payloads: list[dict[str, Any]], renderer_of: Any) -> list[Any]:
    reader, assembler = wire.stream_reader(), wire.new_assembler(call, "req-1")
    renderer = renderer_of(assembler)
    pieces = [piece for one in payloads for delta in reader.read(one) for piece in renderer.feed(delta)]
    assert wire.has_answer(assembler)
    assert reader.is_complete(assembler, ended=True)
    return [*pieces, *renderer.finish()]


def _sum(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    first, *rest = chunks
    return first + rest if rest else first


def _plain(blocks: Any) -> list[dict[str, Any]]:
    return [{key: value for key, value in block.items() if key not in ("index", "id")} for block in blocks]


def _facts(message: AIMessage) -> dict[str, Any]:
    """What a reader of the message sees; ids of calls that the service did not number are made anew each time."""
    calls = [(call["name"], call["args"]) for call in message.tool_calls]
    names = ("content", "id", "additional_kwargs", "response_metadata", "usage_metadata")
    return {**{name: getattr(message, name) for name in names}, "tool_calls": calls}


def _make(name: str, answer: Answer) -> tuple[Wire, ModelCall, dict[str, Any], list[dict[str, Any]]]:
    model, reply, stream = WIRES[name]
    if not (answer.text or answer.calls):
        answer.text = "x"
    call = model._call([HumanMessage("hi")], None, stream=True)
    return model._wire(call), call, reply(answer), stream(answer)


@every_wire
@given(answer=answers)
def test_the_sum_of_a_streams_chunks_is_the_message_of_invoke(name: str, answer: Answer) -> None:
    wire, call, reply, stream = _make(name, answer)
    chunks = [one.message for one in _streamed(wire, call, stream, ChunkRenderer)]
    total, message = _sum(chunks), _whole(wire, call, reply)
    assert _facts(total) == _facts(message)
    assert _plain(total.content_blocks) == _plain(message.content_blocks)


@every_wire
@given(answer=answers)
def test_a_stream_of_blocks_has_the_blocks_of_invoke(name: str, answer: Answer) -> None:
    wire, call, reply, stream = _make(name, answer)
    generations = _streamed(wire, call, stream, lambda assembler: ChunkRenderer(assembler, blocks=True))
    total = _sum([_update_message_content_to_blocks(one.message, "v1") for one in generations])
    texts = [block for block in _plain(total.content) if block["type"] in ("text", "reasoning")]
    assert texts == [
        block
        for block in _plain(_whole(wire, call, reply).content_blocks)
        if block["type"] in ("text", "reasoning")
    ]


@every_wire
@given(answer=answers)
def test_a_stream_of_events_makes_the_message_of_invoke(name: str, answer: Answer) -> None:
    wire, call, reply, stream = _make(name, answer)
    events = _streamed(wire, call, stream, EventRenderer)
    assert_valid_event_stream(events)
    consumer = ChatModelStream(message_id="m")
    for event in events:
        consumer.dispatch(event)
    message = _whole(wire, call, reply)
    assert _plain(consumer.output.content_blocks) == _plain(message.content_blocks)
    assert consumer.output.usage_metadata == message.usage_metadata
