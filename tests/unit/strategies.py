"""Hypothesis strategies: answers a model can give, and every way a service may cut them into deltas."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from langchain_volcark.assembler import StreamDelta
from langchain_volcark.tool_calls import ToolCallDelta

texts = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=4,
)


@dataclass
class Answer:
    """A whole answer in neutral terms."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    usage: Any = None
    encrypted: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def scalars(self) -> dict[str, Any]:
        return {
            "id": "0217",
            "model_name": "doubao-test",
            "metadata": self.metadata,
            "usage": self.usage,
            "finish_reason": "tool_calls" if self.calls else "stop",
        }

    def additional(self) -> dict[str, Any]:
        return {"encrypted_content": self.encrypted} if self.encrypted else {}

    def as_delta(self) -> StreamDelta:
        calls = [ToolCallDelta(index, id_, name, args) for index, (id_, name, args) in enumerate(self.calls)]
        return StreamDelta(
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=calls,
            additional_kwargs=self.additional(),
            **self.scalars(),
        )


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    calls = draw(st.lists(st.dictionaries(texts, json_values, max_size=3), max_size=3))
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "total_tokens": 12,
        "output_token_details": {"reasoning": 2},
    }
    return Answer(
        text=draw(texts),
        reasoning=draw(texts),
        calls=[
            (f"call_{index}", f"tool_{index}", json.dumps(args, ensure_ascii=draw(st.booleans())))
            for index, args in enumerate(calls)
        ],
        usage=draw(st.none() | st.just(usage)),
        encrypted=draw(st.none() | st.just("gAAAA")),
        metadata=draw(st.dictionaries(st.sampled_from(["service_tier", "created", "x"]), st.integers(1, 9))),
    )


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    edges = [0, *cuts, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def split_answer(draw: st.DrawFn, answer: Answer) -> list[StreamDelta]:
    """Reasoning, encrypted blob, text, calls, closing facts; each cut anywhere, empty deltas included."""
    deltas = [StreamDelta(reasoning=piece) for piece in draw(pieces(answer.reasoning))]
    if answer.encrypted:
        deltas.append(StreamDelta(additional_kwargs=answer.additional()))
    deltas.extend(StreamDelta(text=piece) for piece in draw(pieces(answer.text)))
    repeats = draw(st.booleans())
    for index, (id_, name, args) in enumerate(answer.calls):
        for number, piece in enumerate(draw(pieces(args))):
            known = number == 0 or repeats
            fragment = ToolCallDelta(index, id_ if known else None, name if known else None, piece)
            deltas.append(StreamDelta(tool_calls=[fragment]))
    for delta in deltas:
        delta.id, delta.model_name = "0217", "doubao-test"
    scalars = answer.scalars()
    usage = scalars.pop("usage")
    deltas.append(StreamDelta(**scalars))
    if usage:
        deltas.append(StreamDelta(usage=usage))
    return deltas
