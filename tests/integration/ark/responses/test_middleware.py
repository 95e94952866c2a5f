"""`ArkCachingMiddleware` in agents: the cache is on for ChatArk alone, and along its chain only what is new is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from langchain_volcark import ChatArk, ChatArkBot, hosted_tools
from langchain_volcark.emulator import Emulator
from langchain_volcark.middleware import ArkCachingMiddleware

Make = Callable[..., ChatArk]
QUESTION: Any = {"messages": [("human", "Weather in 'Rome'?")]}
THREAD: Any = {"configurable": {"thread_id": "t"}}


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def build(model: Any, tools: Any = (get_weather,), **arguments: Any) -> Any:
    return create_agent(
        model, list(tools), middleware=[ArkCachingMiddleware(expire_in=timedelta(hours=1))], **arguments
    )


def bodies(emulator: Emulator) -> list[Any]:
    return [one.json for one in emulator.requests if one.path.endswith("/responses")]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_agents_steps_go_on_in_the_cache(make: Make, emulator: Emulator, asynchronous: bool) -> None:
    agent = build(make(), system_prompt="S", checkpointer=InMemorySaver())
    for _ in range(2):
        state = await agent.ainvoke(QUESTION, THREAD) if asynchronous else agent.invoke(QUESTION, THREAD)
        assert "sunny in Rome" in state["messages"][-1].text
    sent = bodies(emulator)
    assert [len(body["input"]) for body in sent] == [2, 1, 1, 1]
    assert ["previous_response_id" in body for body in sent] == [False, True, True, True]
    assert ["tools" in body for body in sent] == [True, False, False, False], "the first turn's tools stay"
    assert all(body["caching"] == {"type": "enabled"} and "expire_at" in body for body in sent)
    assert state["messages"][-1].usage_metadata["input_token_details"]["cache_read"] > 0


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("chained", [True, False], ids=["after a stored chain", "after whole histories"])
async def test_switched_on_in_mid_conversation_it_sends_everything_once(
    make: Make, emulator: Emulator, chained: bool, asynchronous: bool
) -> None:
    saver = InMemorySaver()
    model = make(use_responses_api=True, use_previous_response_id=chained or None)
    before = create_agent(model, [get_weather], system_prompt="S", checkpointer=saver)
    after = build(model, system_prompt="S", checkpointer=saver)
    for agent in (before, after, after, before):
        _ = await agent.ainvoke(QUESTION, THREAD) if asynchronous else agent.invoke(QUESTION, THREAD)
    asked, *rest = bodies(emulator)[2:]
    # The service goes on in the cache only where every earlier turn was written into it.
    assert ["previous_response_id" in body for body in (asked, *rest)] == [False, True, True, True, False, chained]
    assert [len(body["input"]) for body in (asked, *rest[:3])] == [7, 1, 1, 1]
    assert ["caching" in body for body in (asked, *rest)] == [True] * 4 + [False] * 2


def test_the_model_outside_the_agent_stays_as_it_was(make: Make, emulator: Emulator) -> None:
    model = make(use_responses_api=True)
    profile = dict(model.profile or {})
    build(model).invoke(QUESTION)
    model.invoke("hi")
    assert "caching" not in bodies(emulator)[-1]
    assert model.profile == profile


def test_other_models_are_called_as_they_are(emulator: Emulator) -> None:
    other = GenericFakeChatModel(messages=iter([AIMessage("Hello.")]))
    assert build(other, ()).invoke(QUESTION)["messages"][-1].text == "Hello."
    bot = ChatArkBot(model="bot-20250101-demo", api_key=emulator.api_key, base_url=emulator.ark_base_url)
    build(bot, ()).invoke(QUESTION)
    assert bodies(emulator) == []
    assert "caching" not in (emulator.requests[-1].json or {})


class Weather(BaseModel):
    """The weather."""

    city: str


def test_structured_output_is_by_function_calling(make: Make, emulator: Emulator) -> None:
    agent = build(make(thinking="disabled"), (), response_format=Weather)
    state = agent.invoke({"messages": [("human", "city: Rome")]})
    assert isinstance(state["structured_response"], Weather)
    assert bodies(emulator)[0]["tools"][0]["name"] == "Weather"
    assert "text" not in bodies(emulator)[0]


def test_structured_output_comes_after_other_tools_too(make: Make, emulator: Emulator) -> None:
    agent = build(make(thinking="disabled"), response_format=Weather)
    state = agent.invoke({"messages": [("human", "Weather in 'Rome'? city: Rome")]})
    assert isinstance(state["structured_response"], Weather)
    # A forced call cannot be asked for along the chain, so each step sends everything.
    assert not any("previous_response_id" in body for body in bodies(emulator))


def test_hosted_tools_are_refused_by_name(make: Make, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="caching and the tool web_search"):
        build(make(), (hosted_tools.web_search(),)).invoke(QUESTION)
    assert bodies(emulator) == []


HANDBOOK = SystemMessage("The staff handbook has many pages about leave and travel. " * 40)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_agents_conversations_follow_a_prefix(make: Make, emulator: Emulator, asynchronous: bool) -> None:
    model = make()
    prefix = model.create_prefix([HANDBOOK], tools=[get_weather])
    agent: Any = create_agent(model, [get_weather], middleware=[ArkCachingMiddleware(prefix=prefix)])
    for _ in range(2):
        state = await agent.ainvoke(QUESTION) if asynchronous else agent.invoke(QUESTION)
        assert "sunny in Rome" in state["messages"][-1].text
    sent = bodies(emulator)[1:]
    assert [len(body["input"]) for body in sent] == [1, 1, 1, 1]
    begins = [body["previous_response_id"] == prefix.id for body in sent]
    assert begins == [True, False, True, False]
    assert not any("tools" in body for body in sent)


def test_an_agent_has_the_tools_of_its_prefix(make: Make, emulator: Emulator) -> None:
    def get_time(city: str) -> str:
        """Time in a city."""
        return city

    model = make()
    prefix = model.create_prefix([HANDBOOK], tools=[get_weather])
    agent: Any = create_agent(model, [get_time], middleware=[ArkCachingMiddleware(prefix=prefix)])
    with pytest.raises(ValueError, match=r"\['get_time'\].*\['get_weather'\]"):
        agent.invoke(QUESTION)
    assert len(bodies(emulator)) == 1


def test_a_prefix_that_has_expired_is_refused(make: Make, emulator: Emulator) -> None:
    prefix = replace(make().create_prefix([HANDBOOK]), expire_at=1_000_000_000)
    agent: Any = create_agent(make(), [], middleware=[ArkCachingMiddleware(prefix=prefix)])
    with pytest.raises(ValueError, match="prefix: it has expired"):
        agent.invoke(QUESTION)
    assert len(bodies(emulator)) == 1
