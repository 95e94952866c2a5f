"""Hypothesis strategies: answers of a model, and every way a service may split them into deltas."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from langchain_volcark.messages.assembler import StreamDelta
from langchain_volcark.messages.tool_calls import ToolCallDelta

texts = st.text(max_size=12)
marked_texts = st.lists(
    st.sampled_from(["[1]", "^[2]^", "^[1][3]^", "【1】", "[^2]", "绿 ", "a", "`[1]`"]), max_size=6
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=4,
)


def _distinct(items: list[Any]) -> list[Any]:
    return [item for place, item in enumerate(items) if item not in items[:place]]


references = st.lists(
    st.dictionaries(st.sampled_from(["url", "title", "summary", "doc_id", "extra"]), json_values, min_size=1),
    max_size=4,
).map(_distinct)
bot_usages = st.fixed_dictionaries(
    {
        "model_usage": st.just([{"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}]),
        "action_details": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["content_plugin", "knowledge_plugin"]),
                    "tool_details": st.lists(
                        st.fixed_dictionaries({"name": texts, "input": json_values, "output": json_values}),
                        max_size=2,
                    ),
                }
            ),
            max_size=2,
        ),
    }
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
    references: list[dict[str, Any]] = field(default_factory=list)
    search_results: list[dict[str, Any]] = field(default_factory=list)
    echo: dict[str, Any] = field(default_factory=dict)
    bot_usage: dict[str, Any] | None = None

    def lists(self) -> dict[str, Any]:
        """What may come in any payload, and again."""
        known = {"references": self.references, "search_results": self.search_results, "metadata": self.echo}
        return {name: value for name, value in known.items() if value}

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
            **{**self.scalars(), "metadata": {**self.metadata, **self.lists(), **self.closing()}},
        )

    def closing(self) -> dict[str, Any]:
        return {"bot_usage": self.bot_usage} if self.bot_usage else {}


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
        text=draw(texts | marked_texts.map("".join)),
        reasoning=draw(texts),
        calls=[
            (f"call_{index}", f"tool_{index}", json.dumps(args, ensure_ascii=draw(st.booleans())))
            for index, args in enumerate(calls)
        ],
        usage=draw(st.none() | st.just(usage)),
        encrypted=draw(st.none() | st.just("gAAAA")),
        metadata=draw(st.dictionaries(st.sampled_from(["service_tier", "created", "x"]), st.integers(1, 9))),
        references=draw(references),
        search_results=[{"index": place, **found} for place, found in enumerate(draw(references), 1)],
        echo=draw(st.dictionaries(texts, texts, max_size=2)),
        bot_usage=draw(st.none() | bot_usages),
    )


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    edges = [0, *cuts, len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@st.composite
def arrivals(draw: st.DrawFn, items: list[Any]) -> list[list[Any]]:
    """A list as a service may send it: piece after piece, or each time with more, any of it again."""
    cumulative = draw(st.booleans())
    edges = [*sorted(draw(st.sets(st.integers(0, len(items)), max_size=3))), len(items)]
    starts = [0] * len(edges) if cumulative else [0, *edges]
    lists = [items[start:end] for start, end in zip(starts, edges, strict=False)]
    return [one for one in lists for _ in range(draw(st.integers(1, 2))) if one]


def call_lane(draw: st.DrawFn, answer: Answer) -> list[StreamDelta]:
    repeats = draw(st.booleans())
    lane = []
    for index, (id_, name, args) in enumerate(answer.calls):
        for number, piece in enumerate(draw(pieces(args))):
            known = number == 0 or repeats
            fragment = ToolCallDelta(index, id_ if known else None, name if known else None, piece)
            lane.append(StreamDelta(tool_calls=[fragment]))
    return lane


@st.composite
def split_answer(draw: st.DrawFn, answer: Answer) -> list[StreamDelta]:
    """Every kind of delta cut anywhere, empty ones included, and the kinds in any order among themselves."""
    scalars = answer.scalars()
    usage = scalars.pop("usage")
    lanes = [
        [StreamDelta(reasoning=piece) for piece in draw(pieces(answer.reasoning))],
        [StreamDelta(additional_kwargs=answer.additional())] if answer.encrypted else [],
        [StreamDelta(text=piece) for piece in draw(pieces(answer.text))],
        call_lane(draw, answer),
        [StreamDelta(metadata={"references": part}) for part in draw(arrivals(answer.references))],
        [StreamDelta(metadata={"search_results": part}) for part in draw(arrivals(answer.search_results))],
        [StreamDelta(metadata={"metadata": answer.echo})] * draw(st.integers(1, 3)) if answer.echo else [],
        [StreamDelta(**scalars)],
        [StreamDelta(usage=usage, metadata=answer.closing())] if usage or answer.bot_usage else [],
    ]
    order = draw(st.permutations([number for number, lane in enumerate(lanes) for _ in lane]))
    ordered = [lanes[number].pop(0) for number in order]
    if draw(st.booleans()):
        ordered = [_beside_text(ordered, place) for place in range(len(ordered))]
    return [replace(delta, id="0217", model_name="doubao-test") for delta in ordered]


def _beside_text(ordered: list[StreamDelta], place: int) -> StreamDelta:
    """A delta with text says the metadata of the one before it once more."""
    here = ordered[place]
    before = ordered[place - 1].metadata if place else {}
    return replace(here, metadata=before) if here.text and before else here
