"""Bot streams: wherever the references stand, each comes once and the sum is what invoke gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark import ChatArkBot, bot_metadata
from langchain_volcark.emulator import Emulator

ORDERS = ["FIRST", "DELTA", "TEXT", "MIDDLE", "LAST", "USAGE", "TWICE", "GROWING"]
MakeBot = Callable[..., ChatArkBot]


@pytest.fixture
def make_bot(emulator: Emulator) -> MakeBot:
    def build(**arguments: Any) -> ChatArkBot:
        defaults = {"model": "bot-knowledge-1", "api_key": emulator.api_key, "base_url": emulator.ark_base_url}
        return ChatArkBot(**{**defaults, **arguments})

    return build


def ask(order: str) -> str:
    return f"十字花科植物和休假报销 EMULATOR_REFERENCES_{order}"


def summed(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    first, *rest = chunks
    return first + rest


def stable(value: Any) -> Any:
    """A value without what differs from reply to reply."""
    changing = {"index", "created", "created_at", "completed_at", "request_id", "output_version"}
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in changing}
    return [stable(item) for item in value] if isinstance(value, list) else value


def facts(message: AIMessage) -> dict[str, Any]:
    names = ("content", "additional_kwargs", "response_metadata", "tool_calls", "usage_metadata", "content_blocks")
    return {name: stable(getattr(message, name)) for name in names}


@pytest.mark.parametrize("order", ORDERS)
def test_the_sum_of_a_stream_is_what_invoke_gives(make_bot: MakeBot, order: str) -> None:
    bot = make_bot()
    assert facts(summed(list(bot.stream(ask(order))))) == facts(bot.invoke(ask(order)))


@pytest.mark.parametrize("order", ORDERS)
async def test_so_is_the_sum_of_an_async_stream(make_bot: MakeBot, order: str) -> None:
    bot = make_bot()
    chunks = [chunk async for chunk in bot.astream(ask(order))]
    assert facts(summed(chunks)) == facts(await bot.ainvoke(ask(order)))


@pytest.mark.parametrize("order", ORDERS)
def test_blocks_are_the_same_in_v1_streams_and_v3_events(make_bot: MakeBot, order: str) -> None:
    expected = stable(make_bot().invoke(ask(order)).content_blocks)
    v1 = make_bot(output_version="v1")
    assert stable(v1.invoke(ask(order)).content) == expected
    assert stable(summed(list(v1.stream(ask(order)))).content) == expected
    assert stable(make_bot().stream_events(ask(order), version="v3").output.content_blocks) == expected


@pytest.mark.parametrize("order", ORDERS)
def test_the_event_stream_is_valid(make_bot: MakeBot, order: str) -> None:
    events = list(make_bot().stream_events(ask(order), version="v3"))
    assert_valid_event_stream(events)
    finish = events[-1]
    assert len(finish["metadata"]["references"]) == 5


def test_references_that_come_first_are_shown_first(make_bot: MakeBot) -> None:
    chunks = list(make_bot().stream(ask("FIRST")))
    places = [place for place, chunk in enumerate(chunks) if "references" in chunk.response_metadata]
    assert places == [0]
    assert not chunks[0].text


def test_references_that_grow_are_shown_as_they_grow(make_bot: MakeBot) -> None:
    shown = [
        len(references)
        for chunk in make_bot().stream(ask("GROWING"))
        if (references := chunk.response_metadata.get("references"))
    ]
    assert shown == [1, 4]


def test_the_bot_says_that_it_searches_before_it_answers(make_bot: MakeBot) -> None:
    metadata = bot_metadata(emit_intention_signal_extra=True)
    chunks = list(make_bot().stream(ask("FIRST"), bot_metadata=metadata))
    assert chunks[0].response_metadata["metadata"]["intention"] == "正在搜索"
    assert not any(chunk.text for chunk in chunks[:2])
    assert summed(chunks).response_metadata["metadata"] == {**metadata, "intention": "正在搜索"}


def test_it_says_nothing_of_the_kind_unasked(make_bot: MakeBot) -> None:
    assert "metadata" not in summed(list(make_bot().stream(ask("FIRST")))).response_metadata


def test_usage_comes_once(make_bot: MakeBot) -> None:
    counted = [chunk for chunk in make_bot().stream(ask("FIRST")) if chunk.usage_metadata]
    assert len(counted) == 1
    assert counted[0].chunk_position == "last"


def test_an_invoke_that_streams_under_the_hood_is_the_same(make_bot: MakeBot) -> None:
    assert facts(make_bot(streaming=True).invoke(ask("TWICE"))) == facts(make_bot().invoke(ask("TWICE")))


def test_a_stream_as_the_page_prints_it(make_bot: MakeBot, emulator: Emulator) -> None:
    """The lines of the bot API's page, and a references chunk as its SDK's sample expects it."""
    common = {"id": "0217", "object": "chat.completion.chunk", "created": 1760000000, "model": "m", "metadata": {}}
    references = [{"url": "https://example.com/a", "title": "Weather"}]
    usage = {"prompt_tokens": 35, "completion_tokens": 175, "total_tokens": 210}
    bot_usage = {"model_usage": [usage], "action_usage": [], "action_details": []}
    delta = {"role": "assistant", "content": "Cloudy"}
    end = {"role": "assistant", "content": ""}
    emulator.reply_next(
        [
            {**common, "choices": [], "references": references},
            {**common, "choices": [{"index": 0, "delta": delta}]},
            {**common, "choices": [{"index": 0, "delta": end, "finish_reason": "stop"}]},
            {**common, "choices": [], "bot_usage": bot_usage},
            "data: [DONE]",
        ]
    )
    total = summed(list(make_bot().stream("Weather?")))
    assert total.content == "Cloudy"
    assert total.id == "0217"
    metadata = {key: value for key, value in total.response_metadata.items() if key != "request_id"}
    assert metadata == {
        "model_provider": "volcengine",
        "model_name": "m",
        "finish_reason": "stop",
        "created": 1760000000,
        "references": references,
        "bot_usage": bot_usage,
    }
    assert total.usage_metadata == {"input_tokens": 35, "output_tokens": 175, "total_tokens": 210}
    [block] = total.content_blocks
    assert block["annotations"] == [{"type": "citation", "url": "https://example.com/a", "title": "Weather"}]
