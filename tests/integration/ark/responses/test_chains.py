"""A call goes on from a stored response only where its history is what the service holds; else all of it is sent."""

from __future__ import annotations

import asyncio
import json
import pickle
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    merge_message_runs,
    messages_from_dict,
    messages_to_dict,
    trim_messages,
)
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError

Make = Callable[..., ChatArk]


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def get_time(city: str) -> str:
    """Time in a city."""
    return f"noon in {city}"


@pytest.fixture
def chained(make: Make) -> ChatArk:
    return make(use_previous_response_id=True)


def talk(model: Any, *texts: str) -> list[BaseMessage]:
    """A conversation of some turns."""
    history: list[BaseMessage] = []
    for text in texts:
        history.append(HumanMessage(text))
        history.append(model.invoke(history))
    return history


def sent(emulator: Emulator, back: int = 1) -> dict[str, Any]:
    body = emulator.requests[-back].json
    assert isinstance(body, dict)
    return body


def goes_on(emulator: Emulator, message: BaseMessage, items: int = 1) -> bool:
    """Whether the last request went on from a message, with so many new items."""
    body = sent(emulator)
    return (
        body.get("previous_response_id") == message.response_metadata["response_id"]
        and len(body["input"]) == items
    )


def is_whole(emulator: Emulator, items: int) -> bool:
    body = sent(emulator)
    return "previous_response_id" not in body and len(body["input"]) == items


# --- where the chain holds --------------------------------------------------------------------------------------


def test_only_what_is_new_is_sent(chained: ChatArk, emulator: Emulator) -> None:
    history = talk(chained, "one", "two", "three")
    assert goes_on(emulator, history[3])
    assert history[-1].text == "You said: three"


async def test_the_chain_holds_in_an_event_loop(chained: ChatArk, emulator: Emulator) -> None:
    history: list[BaseMessage] = [HumanMessage("one")]
    history += [await chained.ainvoke(history), HumanMessage("two")]
    await chained.ainvoke(history)
    assert goes_on(emulator, history[1])


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_streamed_answer_is_gone_on_from(make: Make, emulator: Emulator, version: str) -> None:
    model = make(use_previous_response_id=True, output_version=version)
    whole: Any = None
    for chunk in model.stream("one"):
        whole = chunk if whole is None else whole + chunk
    model.invoke([HumanMessage("one"), whole, HumanMessage("two")])
    assert goes_on(emulator, whole)


def test_an_answer_of_the_events_of_a_stream_is_gone_on_from(chained: ChatArk, emulator: Emulator) -> None:
    answer = chained.stream_events("one", version="v3").output
    chained.invoke([HumanMessage("one"), answer, HumanMessage("two")])
    assert goes_on(emulator, answer)


def _pickled(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    found: list[BaseMessage] = pickle.loads(pickle.dumps(list(messages)))
    return found


def _through_json(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    return messages_from_dict(json.loads(json.dumps(messages_to_dict(messages))))


@pytest.mark.parametrize("travel", [_pickled, _through_json])
def test_a_history_that_travelled_still_holds(
    chained: ChatArk, emulator: Emulator, travel: Callable[[Sequence[BaseMessage]], list[BaseMessage]]
) -> None:
    history = travel(talk(chained, "one", "two"))
    chained.invoke([*history, HumanMessage("three")])
    assert goes_on(emulator, history[-1])


def test_names_and_ids_of_messages_do_not_count(chained: ChatArk, emulator: Emulator) -> None:
    history = talk(chained, "one")
    history[0] = HumanMessage("one", id="other", additional_kwargs={"note": 1})
    chained.invoke([*history, HumanMessage("two")])
    assert goes_on(emulator, history[-1])


def test_results_of_tools_go_alone_and_the_tools_again(chained: ChatArk, emulator: Emulator) -> None:
    bound = chained.bind_tools([get_weather])
    asked = bound.invoke("Weather in 'Rome'?")
    result = ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])
    answer = bound.invoke([HumanMessage("Weather in 'Rome'?"), asked, result])
    assert goes_on(emulator, asked)
    assert sent(emulator)["input"][0]["type"] == "function_call_output"
    assert sent(emulator)["tools"][0]["name"] == "get_weather"
    assert "sunny" in answer.text


async def test_branches_go_on_from_one_answer_side_by_side(chained: ChatArk, emulator: Emulator) -> None:
    history = talk(chained, "one")
    texts = [f"branch {number}" for number in range(5)]
    answers = await asyncio.gather(*(chained.ainvoke([*history, HumanMessage(text)]) for text in texts))
    assert [answer.text for answer in answers] == [f"You said: {text}" for text in texts]
    ids = {request.json["previous_response_id"] for request in emulator.requests[-5:]}
    assert ids == {history[-1].response_metadata["response_id"]}


def test_without_the_field_everything_is_sent(make: Make, emulator: Emulator) -> None:
    talk(make(use_responses_api=True), "one", "two")
    assert is_whole(emulator, 3)


# --- where it does not ------------------------------------------------------------------------------------------


def _edited(history: list[BaseMessage]) -> list[BaseMessage]:
    return [*history[:-1], history[-1].model_copy(update={"content": "I said nothing."})]


CHANGES: dict[str, Callable[[list[BaseMessage]], list[BaseMessage]]] = {
    "a system prompt": lambda history: [SystemMessage("S"), *history],
    "a message removed": lambda history: history[2:],
    "a question changed": lambda history: [HumanMessage("other"), *history[1:]],
    "an answer changed": _edited,
    "a message put in": lambda history: [*history[:-2], HumanMessage("by the way"), *history[-2:]],
    "trimmed": lambda history: trim_messages(history, max_tokens=2, token_counter=len, start_on="human"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_history_is_sent_whole(chained: ChatArk, emulator: Emulator, change: str) -> None:
    history = [*CHANGES[change](talk(chained, "one", "two")), HumanMessage("three")]
    chained.invoke(history)
    assert is_whole(emulator, len(history))


def test_an_edited_answer_is_sent_as_it_is_now(chained: ChatArk, emulator: Emulator) -> None:
    chained.invoke([*_edited(talk(chained, "one")), HumanMessage("two")])
    assert sent(emulator)["input"][1]["content"] == [{"type": "output_text", "text": "I said nothing."}]


def test_another_model_gets_everything(chained: ChatArk, make: Make, emulator: Emulator) -> None:
    history = [*talk(chained, "one"), HumanMessage("two")]
    make(use_previous_response_id=True, model="doubao-seed-2-0-pro-260215").invoke(history)
    assert is_whole(emulator, 3)
    assert len(emulator.requests) == 2, "without asking in vain first"


@pytest.mark.parametrize("metadata", [{"expire_at": 1_000_000_000}, {"store": False}, {"history_digest": None}])
def test_what_the_service_no_longer_holds_is_not_gone_on_from(
    chained: ChatArk, emulator: Emulator, metadata: dict[str, Any]
) -> None:
    history = [*talk(chained, "one"), HumanMessage("two")]
    history[1].response_metadata.update(metadata)
    chained.invoke(history)
    assert is_whole(emulator, 3)


def test_a_chain_whose_first_response_has_expired_is_sent_whole(
    make: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, began, history = make(use_previous_response_id=True, expire_in=600), time.time(), list[BaseMessage]()
    for passed, text in ((0, "one"), (500, "two"), (700, "three"), (900, "four")):
        monkeypatch.setattr(time, "time", lambda passed=passed: began + passed)
        history.append(HumanMessage(text))
        history.append(model.invoke(history))
    # At the third question the second response was still there, but not what the first one held.
    bodies = [
        (len(request.json["input"]), "previous_response_id" in request.json) for request in emulator.requests
    ]
    assert bodies == [(1, False), (1, True), (5, False), (1, True)]


def test_what_was_not_stored_is_not_gone_on_from(make: Make, emulator: Emulator) -> None:
    talk(make(use_previous_response_id=True, store=False), "one", "two")
    assert is_whole(emulator, 3)


def test_a_call_without_its_result_is_not_gone_on_from(chained: ChatArk, emulator: Emulator) -> None:
    asked = chained.bind_tools([get_weather]).invoke("Weather in 'Rome'?")
    chained.bind_tools([get_weather]).invoke(
        [HumanMessage("Weather in 'Rome'?"), asked, HumanMessage("Never mind.")]
    )
    assert "previous_response_id" not in sent(emulator)


def test_an_id_of_another_provider_is_never_used(chained: ChatArk, emulator: Emulator) -> None:
    metadata = {"model_provider": "openai", "id": "resp_x", "response_id": "resp_x"}
    theirs = AIMessage("Sunny.", id="resp_x", response_metadata=metadata)
    chained.invoke([HumanMessage("one"), theirs, HumanMessage("two")])
    assert is_whole(emulator, 3)
    history = [*talk(chained, "one"), HumanMessage("two")]
    history[1].response_metadata["model_provider"] = "openai"  # with a digest that fits
    chained.invoke(history)
    assert is_whole(emulator, 3)


# --- an id that the service does not know -----------------------------------------------------------------------


class Retries(BaseCallbackHandler):
    """Counts what `on_retry` is told."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        self.codes.append(retry_state.outcome.exception().code)


class AsyncRetries(AsyncCallbackHandler):
    """Same as `Retries`, async."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        self.codes.append(retry_state.outcome.exception().code)


NOT_FOUND = "InvalidParameter.PreviousResponseNotFound"


@pytest.mark.parametrize("stream", [False, True])
def test_a_forgotten_response_costs_one_more_request(chained: ChatArk, emulator: Emulator, stream: bool) -> None:
    history = [*talk(chained, "one"), HumanMessage("two")]
    chained.delete_response(history[1].response_metadata["response_id"])
    before, retries = len(emulator.requests), Retries()
    config: Any = {"callbacks": [retries]}
    if stream:
        text = "".join(chunk.text for chunk in chained.stream(history, config))
    else:
        text = chained.invoke(history, config).text
    assert text == "You said: two"
    assert len(emulator.requests) == before + 2
    assert "previous_response_id" in sent(emulator, 2)
    assert is_whole(emulator, 3)
    # Core gives streams no run manager to report to.
    assert retries.codes == ([] if stream else [NOT_FOUND])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_forgotten_response_in_an_event_loop(chained: ChatArk, emulator: Emulator, stream: bool) -> None:
    history = [*talk(chained, "one"), HumanMessage("two")]
    await chained.adelete_response(history[1].response_metadata["response_id"])
    before, retries = len(emulator.requests), AsyncRetries()
    config: Any = {"callbacks": [retries]}
    if stream:
        text = "".join([chunk.text async for chunk in chained.astream(history, config)])
    else:
        text = (await chained.ainvoke(history, config)).text
    assert (text, len(emulator.requests)) == ("You said: two", before + 2)
    assert retries.codes == ([] if stream else [NOT_FOUND])


def test_what_was_sent_whole_instead_is_gone_on_from(chained: ChatArk, emulator: Emulator) -> None:
    history = [*talk(chained, "one"), HumanMessage("two")]
    chained.delete_response(history[1].response_metadata["response_id"])
    history += [chained.invoke(history), HumanMessage("three")]
    chained.invoke(history)
    assert goes_on(emulator, history[3])


def test_an_id_of_the_callers_own_is_not_replaced(make: Make, emulator: Emulator) -> None:
    for model in (make(), make(use_previous_response_id=True)):
        before = len(emulator.requests)
        with pytest.raises(InvalidRequestError, match="belongs to another model") as caught:
            model.invoke("hi", previous_response_id="resp_unknown")
        assert caught.value.code == NOT_FOUND
        assert len(emulator.requests) == before + 1


# --- an id that the caller gives --------------------------------------------------------------------------------


def test_with_an_id_the_messages_are_sent_as_given(make: Make, emulator: Emulator) -> None:
    model = make()
    first = model.invoke("one", store=True)
    messages: list[BaseMessage] = [HumanMessage("two"), AIMessage("x"), HumanMessage("three")]
    model.invoke(messages, previous_response_id=first.response_metadata["response_id"])
    assert goes_on(emulator, first, items=3)


def test_the_newest_answer_goes_before_a_bound_id(make: Make, emulator: Emulator) -> None:
    first = make().invoke("one", store=True)
    bound = make(use_previous_response_id=True).bind(previous_response_id=first.response_metadata["response_id"])
    history = talk(bound, "two")
    assert goes_on(emulator, first)
    bound.invoke([*history, HumanMessage("three")])
    assert goes_on(emulator, history[-1])


# --- the explicit cache -----------------------------------------------------------------------------------------


def test_along_a_cached_chain_the_tools_are_given_once(make: Make, emulator: Emulator) -> None:
    bound = make(caching="enabled").bind_tools([get_weather], tool_choice="auto")
    question = HumanMessage("Weather in 'Rome'?")
    asked = bound.invoke([question])
    assert {"tools", "tool_choice"} <= sent(emulator).keys()
    bound.invoke([question, asked, ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])])
    assert goes_on(emulator, asked)
    assert not {"tools", "tool_choice"} & sent(emulator).keys()


@pytest.mark.parametrize("change", [{"tools": [get_time]}, {"thinking": "disabled"}])
def test_what_may_not_change_along_a_cached_chain_begins_another(
    make: Make, emulator: Emulator, change: dict[str, Any]
) -> None:
    model = make(caching="enabled")
    history = [
        HumanMessage("one"),
        model.invoke("one", tools=[get_weather], tool_choice="none"),
        HumanMessage("two"),
    ]
    model.invoke(history, **{"tools": [get_weather], "tool_choice": "none", **change})
    assert is_whole(emulator, 3)
    assert "tools" in sent(emulator)


@pytest.mark.parametrize("choice", ["any", "none", "get_weather"])
def test_a_choice_of_tools_begins_another_cached_chain(make: Make, emulator: Emulator, choice: str) -> None:
    model = make(caching="enabled", thinking="disabled")
    history = [HumanMessage("one"), model.invoke("one", tools=[get_weather]), HumanMessage("two")]
    results = [ToolMessage("sunny", tool_call_id=call["id"]) for call in history[1].tool_calls]
    history[2:2] = results
    answer = model.invoke(history, tools=[get_weather], tool_choice=choice)
    assert "previous_response_id" not in sent(emulator)
    assert sent(emulator)["tool_choice"] != "auto"
    assert bool(answer.tool_calls) is (choice != "none")


def test_caching_without_a_chain_when_told_so(make: Make, emulator: Emulator) -> None:
    talk(make(caching="enabled", use_previous_response_id=False), "one", "two")
    assert is_whole(emulator, 3)


class Answer(BaseModel):
    """An answer."""

    text: str


def test_structured_output_on_a_cached_chain_is_by_functions(make: Make, emulator: Emulator) -> None:
    model = make(caching="enabled", thinking="disabled")
    assert isinstance(model.with_structured_output(Answer).invoke("text: hi"), Answer)
    assert sent(emulator)["tools"][0]["name"] == "Answer"
    assert model.profile is not None
    assert model.profile["structured_output"] is False
    with pytest.raises(ValueError, match="json_schema"):
        model.with_structured_output(Answer, method="json_schema")


# --- agents -----------------------------------------------------------------------------------------------------


def test_an_agents_rounds_send_only_what_is_new(chained: ChatArk, emulator: Emulator) -> None:
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "t"}}
    for question in ("Weather in 'Rome'?", "And the time in 'Rome'?"):
        # A new agent of a new model each time: all it knows stands in the checkpoints.
        agent: Any = create_agent(
            chained.model_copy(), [get_weather, get_time], system_prompt="S", checkpointer=saver
        )
        agent.invoke({"messages": [HumanMessage(question)]}, config)
    bodies = [request.json for request in emulator.requests]
    assert len(bodies) == 4
    assert [len(body["input"]) for body in bodies] == [2, 1, 1, 1]
    assert ["previous_response_id" in body for body in bodies] == [False, True, True, True]


def test_an_agent_with_another_prompt_begins_anew(chained: ChatArk, emulator: Emulator) -> None:
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "t"}}
    for prompt in ("S", "T"):
        agent: Any = create_agent(chained, [], system_prompt=prompt, checkpointer=saver)
        agent.invoke({"messages": [HumanMessage("hi")]}, config)
    assert is_whole(emulator, 4)


def test_input_of_the_callers_own_is_not_gone_on_from(chained: ChatArk, emulator: Emulator) -> None:
    answer = chained.invoke("one", extra_body={"input": "something else"})
    chained.invoke([HumanMessage("one"), answer, HumanMessage("two")])
    assert is_whole(emulator, 3)


def test_the_model_in_extra_body_is_the_one_that_is_asked(chained: ChatArk, emulator: Emulator) -> None:
    other = {"model": "doubao-seed-2-0-pro-260215"}
    history: list[BaseMessage] = [
        HumanMessage("one"),
        chained.invoke("one", extra_body=other),
        HumanMessage("two"),
    ]
    chained.invoke(history)
    assert is_whole(emulator, 3)
    chained.invoke(history, extra_body=other)
    assert goes_on(emulator, history[1])


def test_an_answer_that_was_begun_here_is_gone_on_from(chained: ChatArk, emulator: Emulator) -> None:
    begun: list[BaseMessage] = [HumanMessage("one"), AIMessage("You ")]
    answer = chained.invoke(begun)
    assert sent(emulator)["input"][-1]["partial"] is True
    chained.invoke([*begun, answer, HumanMessage("two")])
    assert goes_on(emulator, answer)


# --- LangChain's wrappers ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_a_message_history_of_langchain_chains(chained: ChatArk, emulator: Emulator) -> None:
    kept = InMemoryChatMessageHistory()
    talking = RunnableWithMessageHistory(chained, lambda: kept, history_factory_config=[])
    for text in ("one", "two", "three"):
        talking.invoke([HumanMessage(text)])
    assert goes_on(emulator, kept.messages[3])


def test_an_answer_from_langchains_cache_chains(make: Make, emulator: Emulator) -> None:
    model = make(use_previous_response_id=True, cache=InMemoryCache())
    model.invoke("one")
    answer = model.invoke("one")
    assert len(emulator.requests) == 1
    model.invoke([HumanMessage("one"), answer, HumanMessage("two")])
    assert goes_on(emulator, answer)


def test_a_chain_goes_on_through_fallbacks_and_answers_of_others(
    make: Make, chained: ChatArk, emulator: Emulator
) -> None:
    broken = make(use_previous_response_id=True, base_url="http://127.0.0.1:9/api/v3", max_retries=0)
    model = broken.with_fallbacks([chained])
    history: list[BaseMessage] = [HumanMessage("one")]
    history += [model.invoke(history), HumanMessage("two")]
    other = GenericFakeChatModel(messages=iter([AIMessage("Said by another.")]))
    history += [other.invoke(history), HumanMessage("three")]
    model.invoke(history)
    assert goes_on(emulator, history[1], items=3)


def test_merged_answers_are_sent_as_they_read(chained: ChatArk, emulator: Emulator) -> None:
    merged = merge_message_runs([HumanMessage("one"), chained.invoke("one"), chained.invoke("two")])
    chained.invoke([*merged, HumanMessage("three")])
    assert is_whole(emulator, 3)
    assert sent(emulator)["input"][1]["content"][0]["text"] == merged[1].text
