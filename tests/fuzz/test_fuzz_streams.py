"""A stream, however the service cuts its answer, adds up to what `invoke` gives for the whole."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message

from langchain_volcark.exceptions import ResponseFormatError
from tests.fuzz.junk import examples, names, pieces, sse, texts, values, write_json
from tests.fuzz.samples import REFERENCE, RESPONSE_USAGE, USAGE
from tests.fuzz.wire import CHAT, CHAT_V1, MODELS, WIRE

Payload = dict[str, Any]
TAKEN = {
    "reasoning_content",
    "choices",
    "error",
    "object",
    "id",
    "model",
    "usage",
    "created",
    "code",
    "message",
    "msg",
    "result",
    "data",
}
extras = st.dictionaries(names.filter(lambda name: name not in TAKEN), values, max_size=2)
lists = st.lists(st.just(REFERENCE) | st.dictionaries(names, values, max_size=2), max_size=3)


@dataclass
class Answer:
    """What a service says, before it is cut."""

    text: str
    reasoning: str
    calls: list[tuple[str, str]]
    finish_reason: str
    usage: Any
    fields: Payload


answers = st.builds(
    Answer,
    text=texts | st.lists(texts, max_size=4).map("".join),
    reasoning=texts,
    calls=st.lists(st.tuples(texts, texts | values.map(json.dumps) | st.just('{"a": {"b": [1, "\\')), max_size=3),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "normal"]),
    usage=st.just(USAGE) | values,
    fields=extras,
)


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    edges = [0, *sorted(draw(st.lists(st.integers(0, len(text)), max_size=3))), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def completions(draw: st.DrawFn) -> tuple[Payload, list[Payload]]:
    """The same answer whole and cut, in the chat-completions form, with bots' fields and Qianfan's."""
    answer = draw(answers)
    own = {"id": "0217", "created": 1, "model": "m-1"}
    calls = [
        {"index": place, "id": f"call_{place}", "function": {"name": name or "f", "arguments": arguments}}
        for place, (name, arguments) in enumerate(answer.calls)
    ]
    message = {"content": answer.text, "reasoning_content": answer.reasoning, "tool_calls": calls}
    late = {**answer.fields, **draw(st.fixed_dictionaries({}, optional={"references": lists, "metadata": extras}))}
    whole = {
        **late,
        **own,
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        "usage": answer.usage,
    }
    deltas: list[Payload] = [{"reasoning_content": piece} for piece in draw(cut(answer.reasoning))]
    deltas += [{"content": piece} for piece in draw(cut(answer.text))]
    for call in calls:
        begun, *rest = draw(cut(call["function"]["arguments"]))
        first = {**call, "function": {**call["function"], "arguments": begun}}
        deltas += [{"tool_calls": [first]}]
        deltas += [{"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]} for piece in rest]
    chunks = [{**own, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    place = draw(st.integers(0, len(chunks) - 1))
    chunks[place] = {**late, **chunks[place]}
    chunks[-1]["choices"][0]["finish_reason"] = answer.finish_reason
    return whole, [*chunks, {**own, "choices": [], "usage": answer.usage}]


@st.composite
def v1_replies(draw: st.DrawFn) -> tuple[Payload, list[Payload]]:
    answer = draw(answers)
    own: Payload = {"id": "as-1", "created": 1}
    whole = {
        **answer.fields,
        **own,
        "result": answer.text,
        "finish_reason": answer.finish_reason,
        "usage": answer.usage,
    }
    if answer.calls:
        name, arguments = answer.calls[0]
        whole["function_call"] = {"name": name or "f", "arguments": arguments, "thoughts": answer.reasoning}
    chunks = [{**own, "result": piece, "is_end": False} for piece in draw(cut(answer.text))]
    last = {**whole, "result": "", "is_end": True}
    return whole, [*chunks, last]


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[Payload, list[Payload]]:
    """The knowledge base's form: each payload is a whole envelope."""
    answer = draw(answers)
    rest = {
        **answer.fields,
        "usage": json.dumps(answer.usage),
        "finish_reason": answer.finish_reason,
        "model": "m-1",
    }
    rest["result_list"] = draw(lists)
    texts_and_thoughts = {"generated_answer": answer.text, "reasoning_content": answer.reasoning}
    own: Payload = {"code": 0, "message": "success", "request_id": "r-1"}
    parts: list[Payload] = [{"reasoning_content": piece} for piece in draw(cut(answer.reasoning))]
    parts += [{"generated_answer": piece} for piece in draw(cut(answer.text))]
    whole = {**own, "data": {**rest, **texts_and_thoughts}}
    return whole, [{**own, "data": data} for data in [*parts, {**rest, "end": True}]]


@st.composite
def responses(draw: st.DrawFn) -> tuple[Payload, list[Payload]]:
    """A response of Ark's: thinking, text and calls are items, each with events of its own."""
    answer = draw(answers)
    summary = draw(cut(answer.reasoning))
    said = draw(cut(answer.text))
    items: list[Payload] = [
        {"id": "rs", "type": "reasoning", "summary": [{"type": "summary_text", "text": part} for part in summary]},
        {"id": "msg", "type": "message", "content": [{"type": "output_text", "text": part} for part in said]},
    ]
    items += [
        {"id": f"fc_{place}", "type": "function_call", "call_id": f"call_{place}", "name": name or "f",
         "arguments": arguments}
        for place, (name, arguments) in enumerate(answer.calls)
    ]  # fmt: skip
    own = {"id": "resp_1", "model": "m-1", "status": draw(st.sampled_from(["completed", "incomplete"]))}
    whole = {**answer.fields, **own, "output": items, "usage": draw(st.just(RESPONSE_USAGE) | values)}
    events: list[Payload] = [{"type": "response.created", "response": {"id": "resp_1", "model": "m-1"}}]
    for index, item in enumerate(items):
        head = {name: item[name] for name in ("id", "type", "call_id", "name") if name in item}
        events.append({"type": "response.output_item.added", "output_index": index, "item": head})
        at = {"item_id": item["id"], "output_index": index}
        texts_of = {"reasoning": ("reasoning_summary_text", "summary_index", summary)}
        texts_of["message"] = ("output_text", "content_index", said)
        name, numbered, parts = texts_of.get(
            item["type"], ("function_call_arguments", "", [item.get("arguments", "")])
        )
        for number, part in enumerate(parts):
            events += [
                {"type": f"response.{name}.delta", **at, numbered: number, "delta": piece}
                for piece in draw(cut(part))
            ]
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    return whole, [*events, {"type": f"response.{own['status']}", "response": whole}]


FORMS = {
    "ark": completions(),
    "ark responses": responses(),
    "bot": completions(),
    "qianfan": completions(),
    "qianfan v1": v1_replies(),
    "viking": envelopes(),
    "viking service": envelopes(),
}


@examples(200)
@given(st.sampled_from(sorted(MODELS)), st.booleans(), st.data())
def test_a_stream_adds_up_to_the_message_of_invoke(vendor: str, blocks: bool, data: st.DataObject) -> None:
    whole, parts = data.draw(FORMS[vendor])
    model = (CHAT_V1 if blocks else CHAT)[vendor]
    WIRE.will_send([write_json(whole)], {"content-type": "application/json"})
    try:
        message = model.invoke("?")
    except ResponseFormatError:
        return  # nested too deeply, or the usage was an object that the stream's last payload cannot be without
    WIRE.will_send(data.draw(pieces(sse(parts))), {"content-type": "text/event-stream"})
    first, *rest = model.stream("?")
    summed = message_chunk_to_message(first + rest if rest else first)
    assert isinstance(first, AIMessageChunk)
    assert isinstance(summed, AIMessage)
    assert summed.text == message.text
    assert as_text(summed.tool_calls) == as_text(message.tool_calls)
    assert summed.usage_metadata == message.usage_metadata
    for name in ("additional_kwargs", "response_metadata"):
        assert as_text(getattr(summed, name)) == as_text(getattr(message, name))
    # A broken call gets a bracket more in a stream: it must not be mended by who sums.
    assert len(summed.invalid_tool_calls) == len(message.invalid_tool_calls)
    for found, wanted in zip(summed.invalid_tool_calls, message.invalid_tool_calls, strict=True):
        assert (found["id"], found["name"] or "") == (wanted["id"], wanted["name"] or "")
        assert (found["args"] or "").startswith(wanted["args"] or "")
    assert in_content(summed) == in_content(message)


def in_content(message: AIMessage) -> list[str]:
    """The blocks without calls, which are compared apart.

    In any order: half of an emoji that waits for the other may come after all else.
    """
    calls = {"tool_call", "invalid_tool_call", "tool_call_chunk"}
    blocks = [dict(block) for block in message.content_blocks]
    return sorted(as_text({**block, "index": None}) for block in blocks if block["type"] not in calls)


def as_text(value: Any) -> str:
    """To compare, NaN included, in whatever order the keys came."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{name!r}: {as_text(item)}" for name, item in value.items())) + "}"
    return f"[{', '.join(map(as_text, value))}]" if isinstance(value, list) else repr(value)
