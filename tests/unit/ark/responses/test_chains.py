"""A chain holds where, and only where, the history's items are those that the service holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_volcark.ark.responses.chains import DIGEST, Digest, follow, seed_of
from langchain_volcark.ark.responses.items import ItemWriter

MODEL = "doubao-seed-2-1-pro-260915"
WRITER = ItemWriter("volcengine", "Ark's Responses API", model=MODEL)
texts = st.sampled_from(["a", "b", "ab", "你好"])
plain = st.builds(HumanMessage, texts) | st.builds(SystemMessage, texts)


def digest_of(messages: list[BaseMessage], body: dict[str, Any] | None = None) -> str:
    digest = Digest(seed_of(MODEL, body or {}))
    for _, item in WRITER.write_with_positions(messages):
        digest.add(item)
    return digest.text()


def answered(messages: list[BaseMessage], text: str) -> list[BaseMessage]:
    """A history with an answer of ours, marked as a reply is."""
    metadata = {"model_provider": "volcengine", "response_id": f"resp_{len(messages)}"}
    answer = AIMessage(text, response_metadata=metadata)
    answer.response_metadata[DIGEST] = digest_of([*messages, answer])
    return [*messages, answer]


@st.composite
def histories(draw: st.DrawFn) -> list[BaseMessage]:
    history: list[BaseMessage] = []
    for _ in range(draw(st.integers(1, 3))):
        history = answered([*history, *draw(st.lists(plain, min_size=1, max_size=2))], draw(texts))
    return history


def link(messages: list[BaseMessage], body: dict[str, Any] | None = None) -> str | None:
    found = follow(
        messages,
        WRITER.write_with_positions(messages),
        Digest(seed_of(MODEL, body or {})),
        "volcengine",
        chained=True,
    )
    return None if found is None else found.response_id


def contents(messages: list[BaseMessage]) -> list[tuple[str, Any]]:
    return [(message.type, message.content) for message in messages]


@given(histories(), plain)
def test_an_untouched_history_holds(history: list[BaseMessage], new: BaseMessage) -> None:
    assert link([*history, new]) == history[-1].response_metadata["response_id"]
    assert link(history) is None, "there is nothing new"


@given(histories(), plain, st.integers(0, 9), st.sampled_from(["drop", "double", "change", "insert"]), texts)
def test_a_link_is_found_only_where_nothing_has_changed(
    history: list[BaseMessage], new: BaseMessage, at: int, how: str, text: str
) -> None:
    at %= len(history)
    changed = {
        "drop": [*history[:at], *history[at + 1 :]],
        "double": [*history[: at + 1], *history[at:]],
        "change": [*history[:at], history[at].model_copy(update={"content": text}), *history[at + 1 :]],
        "insert": [*history[:at], HumanMessage(text), *history[at:]],
    }[how]
    found = link([*changed, new])
    if found is None:
        assert contents(changed) != contents(history)
        return
    places = [at for at, one in enumerate(history) if one.response_metadata.get("response_id") == found]
    held = history[: places[0] + 1]
    last = max(at for at, one in enumerate(changed) if one.response_metadata.get("response_id") == found)
    assert contents(changed[: last + 1]) == contents(held)


@given(histories(), plain)
def test_another_prefix_or_model_is_another_chain(history: list[BaseMessage], new: BaseMessage) -> None:
    assert link([*history, new], {"previous_response_id": "resp_prefix"}) is None
    cached = {"caching": {"type": "enabled"}, "tools": [{"type": "function", "name": "f"}]}
    assert link([*history, new], cached) is None


@pytest.mark.parametrize("answer", [True, False])
def test_a_call_must_have_its_result(answer: bool) -> None:
    call: Any = {"name": "f", "args": {}, "id": "c1", "type": "tool_call"}
    asked = AIMessage(
        "",
        tool_calls=[call],
        response_metadata={"model_provider": "volcengine", "response_id": "resp_1"},
    )
    history: list[BaseMessage] = [HumanMessage("hi"), asked]
    asked.response_metadata[DIGEST] = digest_of(history)
    new = ToolMessage("x", tool_call_id="c1") if answer else HumanMessage("never mind")
    assert link([*history, new]) == ("resp_1" if answer else None)


def test_the_order_and_the_ends_of_items_count() -> None:
    assert digest_of([HumanMessage("ab"), HumanMessage("c")]) != digest_of([HumanMessage("a"), HumanMessage("bc")])
    assert digest_of([HumanMessage("a"), SystemMessage("b")]) != digest_of([SystemMessage("b"), HumanMessage("a")])
