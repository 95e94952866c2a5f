"""Messages from checkpoints with arbitrary blocks, citations and sources under our provider name."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_volcark.messages.citations import REFERENCES, SEARCH_RESULTS, cite, find_markers
from langchain_volcark.references import iso_time
from tests.fuzz.junk import damaged, examples, texts, values
from tests.fuzz.samples import BOT_USAGE, ENTRIES, OUTPUT_ITEMS, REFERENCE
from tests.fuzz.test_fuzz_messages import blocks
from tests.fuzz.wire import look_at

providers = st.sampled_from(["volcengine", "qianfan", "vikingdb"])
metadata = st.fixed_dictionaries(
    {"model_provider": providers},
    optional={
        "references": damaged([REFERENCE]) | values,
        "search_results": damaged([{"index": 1, "url": "u", "title": "t"}]) | values,
        "bot_usage": damaged(BOT_USAGE),
        "action_details": damaged(BOT_USAGE["action_details"]),
        "finish_reason": texts | values,
        "moderation_hit_type": values,
    },
)
marks = st.lists(
    st.sampled_from(
        ["[1]", "^[2]^", "^[1][3]^", "【1】", "[^2]", "[1, 2]", "`", "```", "\n", "[^1]:", "绿", "[", "^", "９"]
    )
    | texts,
    max_size=12,
).map("".join)


@examples(200)
@given(
    st.sampled_from([AIMessage, AIMessageChunk]),
    marks | st.lists(texts | blocks, max_size=3),
    metadata,
    st.fixed_dictionaries(
        {},
        optional={
            "reasoning_content": texts | values,
            "encrypted_content": values,
            "output_items": damaged(OUTPUT_ITEMS) | damaged(ENTRIES) | values,
        },
    ),
)
def test_any_answer_can_be_looked_at(kind: type[AIMessage], content: Any, about: Any, kwargs: Any) -> None:
    message = kind(content=content, response_metadata=about, additional_kwargs=kwargs)
    if isinstance(content, str):
        look_at(message)
        return
    for block in message.content_blocks:
        assert isinstance(block["type"], str)


@examples(200)
@given(
    marks,
    st.lists(st.dictionaries(texts | st.sampled_from(["url", "title", "index"]), values, max_size=3), max_size=3),
)
def test_citations_lie_in_the_text_and_every_source_has_one(text: str, sources: list[dict[str, Any]]) -> None:
    for fields in (REFERENCES, SEARCH_RESULTS):
        found = cite(text, sources, fields)
        assert len(found) >= len(sources)
        for citation in found:
            if "start_index" in citation:
                marked = text[citation["start_index"] : citation["end_index"]]
                assert marked[0] in "[^【"
                assert marked[-1] in "]^】"
    ends = [mark.end for mark in find_markers(text)]
    assert ends == sorted(ends)


@examples(150)
@given(texts | st.from_regex(r"\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d{2}(:\d{2})?)?"))
def test_times_are_iso_8601_or_nothing(words: str) -> None:
    told = iso_time(words)
    assert told == "" or told.endswith("+08:00")
