"""Agents whose conversation the service stores: kept in SQLite, resumed by other processes, summarised in between,
and gone on with after a tool has failed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import AIMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from langchain_volcark import ChatArk, hosted_tools
from langchain_volcark.emulator import Emulator
from tests.integration.ark.conftest import MODEL
from tests.integration.echo import run_python

SEARCH, WEATHER, TIME = "What is the capital of Peru?", "Weather in 'Rome'?", "And the time in 'Rome'?"
SUMMARISED_AT = 11  # messages: three turns, two of them with a call and its result, and the next question
ROUNDS = "For 'Rome': get_weather, then get_time, then get_news."
ELSEWHERE = """
import asyncio, sys
from tests.integration.ark.responses.test_agents import ask, ask_async
mode, *arguments = sys.argv[1:]
print(asyncio.run(ask_async(*arguments)) if mode == "async" else ask(*arguments), end="")
"""


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def get_time(city: str) -> str:
    """Time in a city."""
    if clock_is_broken:
        raise OSError("the clock is broken")
    return f"noon in {city}"


def get_news(city: str) -> str:
    """News of a city."""
    return f"no news in {city}"


clock_is_broken = False


def build(saver: Any, url: str, key: str) -> Any:
    """A new agent of a new model: all that it knows of the conversation stands in the checkpoints."""
    model = ChatArk(
        model=MODEL, base_url=url, api_key=key, use_previous_response_id=True, parallel_tool_calls=False
    )
    summariser = ChatArk(model=MODEL, base_url=url, api_key=key, use_responses_api=False)
    return create_agent(
        model,
        [hosted_tools.web_search(), get_weather, get_time, get_news],
        system_prompt="S",
        checkpointer=saver,
        middleware=[
            SummarizationMiddleware(summariser, trigger=("messages", SUMMARISED_AT), keep=("messages", 2))
        ],
    )


THREAD: Any = {"configurable": {"thread_id": "t"}}


def turn(question: str) -> Any:
    """The input of a turn; none where the agent is to go on with the one that was interrupted."""
    return {"messages": [("human", question)]} if question else None


def ask(path: str, url: str, key: str, question: str) -> str:
    """A turn of the conversation in a file."""
    with SqliteSaver.from_conn_string(path) as saver:
        state = build(saver, url, key).invoke(turn(question), THREAD)
    return str(state["messages"][-1].text)


async def ask_async(path: str, url: str, key: str, question: str) -> str:
    """Same as `ask`, in an event loop."""
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        state = await build(saver, url, key).ainvoke(turn(question), THREAD)
    return str(state["messages"][-1].text)


class Sent(NamedTuple):
    """What a request said: from which answer it went on, and the kinds of its items."""

    goes_on_from: str | None
    kinds: list[str]


def kinds(body: dict[str, Any]) -> list[str]:
    return [item.get("role") or item["type"] for item in body["input"]]


def sent(emulator: Emulator) -> list[Sent]:
    """The requests to the Responses API so far."""
    bodies: list[Any] = [one.json for one in emulator.requests if one.path.endswith("/responses")]
    return [Sent(body.get("previous_response_id"), kinds(body)) for body in bodies]


def answers(path: str) -> list[AIMessage]:
    """The answers that the newest checkpoint holds."""
    with SqliteSaver.from_conn_string(path) as saver:
        found = saver.get_tuple(THREAD)
    assert found is not None
    messages = found.checkpoint["channel_values"]["messages"]
    return [one for one in messages if isinstance(one, AIMessage)]


def response_ids(path: str) -> list[str]:
    return [one.response_metadata["response_id"] for one in answers(path)]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_five_turns_of_an_agent_in_three_processes_with_a_summary(
    emulator: Emulator, tmp_path: Path, mode: str
) -> None:
    conversation = (str(tmp_path / "agent.sqlite"), emulator.ark_base_url, emulator.api_key)
    path = conversation[0]

    def here(question: str) -> str:
        return asyncio.run(ask_async(*conversation, question)) if mode == "async" else ask(*conversation, question)

    def elsewhere(question: str) -> str:
        return run_python(ELSEWHERE, mode, *conversation, question)

    # First turn: everything. Second: the question alone, then the tool's result alone.
    assert "Lima" in here(SEARCH)
    assert "sunny in Rome" in here(WEATHER)
    first, asked, told = response_ids(path)
    assert sent(emulator) == [
        (None, ["system", "user"]),
        (first, ["user"]),
        (asked, ["function_call_output"]),
    ]

    # Another process knows what the file says, and goes on from there.
    assert "noon in Rome" in elsewhere(TIME)
    asked = response_ids(path)[-2]
    assert sent(emulator)[3:] == [(told, ["user"]), (asked, ["function_call_output"])]

    # The summary replaces what the service holds: everything is sent, although an answer of the old chain is kept.
    assert "Lima" in here(SEARCH)
    assert sent(emulator)[5:] == [(None, ["system", "user", "assistant", "user"])]
    body: Any = emulator.requests[-1].json
    assert "summary" in str(body["input"][1])
    kept, fresh = response_ids(path)
    assert kept not in (first, asked, told)

    # From then on the new chain holds, in yet another process too.
    assert "sunny in Rome" in elsewhere(WEATHER)
    asked = response_ids(path)[-2]
    assert sent(emulator)[6:] == [(fresh, ["user"]), (asked, ["function_call_output"])]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_after_a_tool_has_failed_another_process_goes_on_along_the_chain(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    conversation = (str(tmp_path / "agent.sqlite"), emulator.ark_base_url, emulator.api_key)
    monkeypatch.setitem(globals(), "clock_is_broken", True)
    with pytest.raises(OSError, match="the clock is broken"):
        asyncio.run(ask_async(*conversation, ROUNDS)) if mode == "async" else ask(*conversation, ROUNDS)
    weather, time = response_ids(conversation[0])
    assert sent(emulator) == [(None, ["system", "user"]), (weather, ["function_call_output"])]

    # The other process has a clock: it runs the failed tool again, and then sends the results alone.
    answer = run_python(ELSEWHERE, mode, *conversation, "")
    assert "no news in Rome" in answer
    news = response_ids(conversation[0])[2]
    assert sent(emulator)[2:] == [(time, ["function_call_output"]), (news, ["function_call_output"])]
