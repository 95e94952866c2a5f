"""ChatArk in LangChain, as its users use it: agents, caches, callbacks, fallbacks, event streams."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler, get_usage_metadata_callback
from langchain_core.globals import set_llm_cache
from langchain_core.load import dumps, load, loads
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import NotFoundError, RateLimitError, ServiceError

Make = Callable[..., ChatArk]

# Core's `load` says that it is in beta.
pytestmark = pytest.mark.filterwarnings("ignore:The function `loads?` is in beta")


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"{city}：晴"


def get_time(zone: str) -> str:
    """Time in a zone."""
    return f"noon in {zone}"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


# --- agents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_of_several_turns(make: Make, emulator: Emulator, version: Any, streaming: bool) -> None:
    model = make(output_version=version, streaming=streaming)
    agent = create_agent(model, [get_weather, get_time, add], checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    first = agent.invoke(
        {"messages": [("user", "Call get_weather with city: '杭州' and get_time with zone: 'CST'.")]}, thread
    )["messages"]
    assert [type(one) for one in first] == [HumanMessage, AIMessage, ToolMessage, ToolMessage, AIMessage]
    assert [(one["name"], one["args"]) for one in first[1].tool_calls] == [
        ("get_weather", {"city": "杭州"}),
        ("get_time", {"zone": "CST"}),
    ]
    assert "杭州：晴" in first[-1].text
    second = agent.invoke({"messages": [("user", "Call add with 2 and 3.")]}, thread)["messages"]
    assert second[-2].content == "5"
    assert "5" in second[-1].text
    # Reasoning goes back on messages with calls, word for word; and no block that Ark would refuse.
    sent = emulator.requests[-1].json["messages"]
    for message, one in zip(second, sent, strict=False):
        assert isinstance(one["content"], str)
        if isinstance(message, AIMessage) and message.tool_calls:
            block = message.content_blocks[0]
            assert block["type"] == "reasoning"
            assert one["reasoning_content"] == block["reasoning"]
            assert one["encrypted_content"] == block["extras"]["encrypted_content"]
        else:
            assert "reasoning_content" not in one
    assert "\\u" not in emulator.requests[-1].body.decode()


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="before Python 3.11 LangGraph cannot hand its callbacks to async tasks"
)
async def test_an_async_agent_streams_its_tokens(make: Make) -> None:
    agent = create_agent(make(), [get_weather])
    seen = [
        piece
        async for piece, _ in agent.astream(
            {"messages": [("user", "Call get_weather with city: 'Hangzhou'.")]}, stream_mode="messages"
        )
    ]
    calls = [piece for piece in seen if isinstance(piece, AIMessageChunk) and piece.tool_call_chunks]
    assert "".join(piece.tool_call_chunks[0]["args"] or "" for piece in calls) == '{"city": "Hangzhou"}'
    assert any("reasoning_content" in piece.additional_kwargs for piece in seen)
    assert "".join(piece.text for piece in seen if isinstance(piece, AIMessageChunk)).startswith(
        "The tools answered"
    )


class Place(BaseModel):
    """A place."""

    name: str
    people: int


PLACE = "name: 'Hangzhou', people: 12. Call get_weather with city: 'Hangzhou'."


@pytest.mark.parametrize(
    ("model", "native"), [("doubao-seed-2-1-pro-260915", True), ("doubao-seed-2-0-lite-260428", False)]
)
def test_an_agents_response_format_follows_the_profile(
    make: Make, emulator: Emulator, model: str, native: bool
) -> None:
    agent = create_agent(make(model=model), [get_weather], response_format=Place)
    state = agent.invoke({"messages": [("user", PLACE)]})
    assert state["structured_response"] == Place(name="Hangzhou", people=12)
    bodies = [one.json for one in emulator.requests]
    assert all(("response_format" in body) is native for body in bodies)
    assert all((body.get("tool_choice") == "required") is not native for body in bodies)
    if native:
        wanted = bodies[0]["response_format"]["json_schema"]
        assert wanted["schema"]["properties"].keys() == {"name", "people"}


@pytest.mark.parametrize(
    "strategy", [ProviderStrategy(Place), ProviderStrategy(Place, strict=True), ToolStrategy(Place)]
)
def test_an_agents_strategy_may_be_chosen_and_needs_no_tools(make: Make, strategy: Any) -> None:
    agent = create_agent(make(), [], response_format=strategy)
    state = agent.invoke({"messages": [("user", "name: 'Hangzhou', people: 12")]})
    assert state["structured_response"] == Place(name="Hangzhou", people=12)


def test_summaries_begin_by_the_profiles_limit(make: Make, emulator: Emulator) -> None:
    small = make(profile={**(make().profile or {}), "max_input_tokens": 400})
    middleware = SummarizationMiddleware(small, trigger=("fraction", 0.5), keep=("messages", 2))
    agent = create_agent(small, [], middleware=[middleware], checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    for turn in range(6):
        state = agent.invoke({"messages": [("user", f"Turn {turn}: " + "many words of one kind " * 8)]}, thread)
    assert any("summary" in one.text.lower() for one in state["messages"] if isinstance(one, HumanMessage))
    assert len(state["messages"]) < 12
    # A model of unknown limits cannot do it, and core says so.
    with pytest.raises(ValueError, match="profile"):
        SummarizationMiddleware(make(model="ep-1"), trigger=("fraction", 0.5))
    SummarizationMiddleware(make(), trigger=("fraction", 0.5))


# --- histories that other models wrote ---------------------------------------------------------------------------

CALL: Any = {"name": "get_weather", "args": {"city": "杭州"}, "id": "call_1", "type": "tool_call"}
OPENAI = {"model_provider": "openai", "model_name": "gpt-5.1", "id": "resp_1"}
ANTHROPIC = {"model_provider": "anthropic", "model_name": "claude-sonnet-4-5", "stop_reason": "tool_use"}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "x"}}
HISTORIES: dict[str, AIMessage] = {
    "OpenAI Responses, v0": AIMessage(
        [
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": "gAAAAopenai",
            },
            SEARCH,
            {"type": "text", "text": "Let me look.", "annotations": [], "id": "msg_1"},
            {
                "type": "function_call",
                "id": "fc_1",
                "call_id": "call_1",
                "name": "get_weather",
                "arguments": '{"city":"杭州"}',
            },
        ],
        tool_calls=[CALL],
        response_metadata=OPENAI,
    ),
    "OpenAI Responses, v1": AIMessage(
        [
            {
                "type": "reasoning",
                "id": "rs_1",
                "reasoning": "Hm.",
                "extras": {"encrypted_content": "gAAAAopenai"},
            },
            {"type": "server_tool_call", "name": "web_search", "id": "ws_1", "args": {"query": "x"}},
            {"type": "server_tool_result", "tool_call_id": "ws_1", "status": "success"},
            {"type": "text", "text": "Let me look.", "annotations": [{"type": "citation", "url": "https://a.b"}]},
            {**CALL, "extras": {"item_id": "fc_1"}},
            {"type": "non_standard", "value": {"type": "mcp_list_tools", "tools": []}},
        ],
        tool_calls=[CALL],
        response_metadata={**OPENAI, "output_version": "v1"},
    ),
    "Anthropic, v0": AIMessage(
        [
            {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"},
            {"type": "redacted_thinking", "data": "Emw="},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "杭州"}},
        ],
        tool_calls=[CALL],
        response_metadata=ANTHROPIC,
    ),
    "Anthropic, v1": AIMessage(
        [
            {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "EqQB"}},
            {"type": "non_standard", "value": {"type": "redacted_thinking", "data": "Emw="}},
            {"type": "server_tool_call", "id": "srvtoolu_1", "name": "web_search", "args": {"query": "x"}},
            {"type": "server_tool_result", "tool_call_id": "srvtoolu_1", "status": "success", "output": []},
            {"type": "text", "text": "Let me look."},
            CALL,
        ],
        tool_calls=[CALL],
        response_metadata={**ANTHROPIC, "output_version": "v1"},
    ),
    "Anthropic, made by hand": AIMessage(
        [
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "杭州"}},
        ]
    ),
}
RESULTS: dict[str, BaseMessage] = {
    "tool message": ToolMessage("晴", tool_call_id="call_1", name="get_weather"),
    "tool message of parts": ToolMessage([{"type": "text", "text": "晴"}], tool_call_id="call_1"),
    "tool_result in a human message": HumanMessage(
        [{"type": "tool_result", "tool_use_id": "call_1", "content": "晴", "is_error": False}]
    ),
}


@pytest.mark.parametrize("origin", HISTORIES)
@pytest.mark.parametrize("result", RESULTS)
def test_a_history_of_another_provider_goes_on(make: Make, emulator: Emulator, origin: str, result: str) -> None:
    history = [HumanMessage("天气？"), HISTORIES[origin], RESULTS[result]]
    answer = make(reasoning_passback="always").bind_tools([get_weather]).invoke(history)
    assert "晴" in answer.text
    asked = emulator.requests[-1].json["messages"][1]
    assert asked == {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "杭州"}'},
            }
        ],
    }


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_our_messages_are_read_by_others_as_standard_blocks(make: Make, version: Any) -> None:
    bound = make(output_version=version).bind_tools([get_weather], tool_choice="any")
    message = bound.invoke("Call get_weather with city: '杭州'.")
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "tool_call"]
    # And they survive the stores of conversations, which write messages as JSON.
    assert loads(dumps(message), allowed_objects="messages") == message


def test_a_prefilled_answer_is_continued(make: Make, emulator: Emulator) -> None:
    model = make(model="doubao-1-5-pro-32k-250115")
    answer = model.invoke([HumanMessage("A poem."), AIMessage("Roses are")])
    assert emulator.requests[-1].json["messages"][-1] == {"role": "assistant", "content": "Roses are"}
    assert answer.text.startswith(" … and so on")


# --- event streams and callbacks ---------------------------------------------------------------------------------


def test_native_v3_events(model: ChatArk) -> None:
    stream = model.stream_events("Hi", version="v3")
    events = list(stream)
    assert events[0]["event"] == "message-start"
    assert events[0]["metadata"] == {"provider": "volcengine", "model": "doubao-seed-2-1-pro-260915"}
    kinds = [one["delta"]["type"] for one in events if one["event"] == "content-block-delta"]
    assert kinds == sorted(kinds, reverse=False)
    assert set(kinds) == {"reasoning-delta", "text-delta"}
    assert str(stream.text) == "You said: Hi"
    assert str(stream.reasoning).startswith("The user says")
    assert stream.output.usage_metadata is not None
    assert events[-1]["event"] == "message-finish"


async def test_async_v3_events_with_a_tool(model: ChatArk) -> None:
    bound = model.bind_tools([get_weather], tool_choice="any")
    stream = await bound.astream_events("Call get_weather with city: 'Hangzhou'.", version="v3")
    output = await stream.output
    assert [call["args"] for call in output.tool_calls] == [{"city": "Hangzhou"}]
    assert [block["type"] for block in output.content_blocks] == ["reasoning", "tool_call"]


async def test_v2_events_of_a_chain(model: ChatArk) -> None:
    chain = ChatPromptTemplate.from_template("Say {word}") | model | StrOutputParser()
    events = [event async for event in chain.astream_events({"word": "plum"}, version="v2")]
    by_name: dict[str, list[Any]] = {}
    for event in events:
        by_name.setdefault(event["event"], []).append(event)
    chunks = [event["data"]["chunk"] for event in by_name["on_chat_model_stream"]]
    assert "".join(chunk.text for chunk in chunks) == "You said: Say plum"
    (end,) = by_name["on_chat_model_end"]
    assert end["data"]["output"].usage_metadata["total_tokens"] > 0
    assert end["metadata"]["ls_provider"] == "volcengine"
    assert end["metadata"]["ls_model_name"] == "doubao-seed-2-1-pro-260915"


class Noted(BaseCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.errors: list[BaseException] = []
        self.params: list[dict[str, Any]] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.params.append(kwargs["invocation_params"])

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(token)

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors.append(error)


@pytest.mark.parametrize("how", ["stream", "invoke with streaming", "v3 events"])
def test_tokens_reach_callbacks_once(make: Make, how: str) -> None:
    noted = Noted()
    config: Any = {"callbacks": [noted]}
    if how == "stream":
        list(make().stream("Hi", config))
    elif how == "invoke with streaming":
        make(streaming=True).invoke("Hi", config)
    else:
        assert str(make().stream_events("Hi", config, version="v3").text) == "You said: Hi"
        return  # v3 tells handlers of events, not of tokens
    assert "".join(noted.tokens) == "You said: Hi"


def test_errors_and_parameters_reach_callbacks_without_the_key(make: Make, emulator: Emulator) -> None:
    noted = Noted()
    with pytest.raises(NotFoundError) as caught:
        make(model="model-of-tomorrow", temperature=0).invoke("Hi", {"callbacks": [noted]})
    assert noted.errors == [caught.value]
    assert noted.params[0]["temperature"] == 0
    assert emulator.api_key not in str(noted.params)


def test_usage_is_counted_over_invoke_and_stream(model: ChatArk) -> None:
    with get_usage_metadata_callback() as counted:
        answer = model.invoke("Hi")
        list(model.stream("Hi"))
    assert answer.usage_metadata is not None
    usage = counted.usage_metadata["doubao-seed-2-1-pro-260915"]
    assert usage["output_tokens"] == 2 * answer.usage_metadata["output_tokens"]
    handler = UsageMetadataCallbackHandler()
    model.batch(["Hi", "Hi"], {"callbacks": [handler]})
    assert handler.usage_metadata["doubao-seed-2-1-pro-260915"]["total_tokens"] == (
        2 * answer.usage_metadata["total_tokens"]
    )


# --- cache -------------------------------------------------------------------------------------------------------


class SQLiteCache(BaseCache):
    """A cache in a file, as small as can be."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("CREATE TABLE answers (prompt TEXT, llm TEXT, value TEXT, PRIMARY KEY (prompt, llm))")

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        found = self._db.execute(
            "SELECT value FROM answers WHERE prompt=? AND llm=?", (prompt, llm_string)
        ).fetchone()
        if found is None:
            return None
        return [ChatGeneration(message=one) for one in loads(found[0], allowed_objects="messages")]

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        value = dumps([one.message for one in return_val])  # type: ignore[attr-defined]
        self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (prompt, llm_string, value))

    def clear(self, **kwargs: Any) -> None:
        self._db.execute("DELETE FROM answers")

    def close(self) -> None:
        self._db.close()


@pytest.fixture
def sqlite_cache(tmp_path: Path) -> Iterator[SQLiteCache]:
    cache = SQLiteCache(tmp_path / "cache.db")
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)
    cache.close()


async def test_answers_come_from_a_sqlite_cache(make: Make, emulator: Emulator, sqlite_cache: SQLiteCache) -> None:
    first = make().invoke("Hi")
    # Another object with the same settings, and the async way.
    for again in (make().invoke("Hi"), await make().ainvoke("Hi")):
        assert again.content == first.content
        assert again.response_metadata == first.response_metadata
    assert len(emulator.requests) == 1
    make(temperature=0.5).invoke("Hi")
    make().invoke("Hi", temperature=0.5)
    make().bind_tools([get_weather]).invoke("Hi")
    assert len(emulator.requests) == 4


# --- limits, retries, fallbacks ----------------------------------------------------------------------------------


def test_an_in_memory_rate_limiter_lets_calls_through(make: Make, emulator: Emulator) -> None:
    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001, max_bucket_size=1)
    model = make(rate_limiter=limiter)
    assert [one.text for one in model.batch(["a", "b", "c"])] == ["You said: a", "You said: b", "You said: c"]
    assert len(emulator.requests) == 3


def test_with_retry_repeats_what_may_heal(make: Make, emulator: Emulator) -> None:
    emulator.fail_next(429, times=2)
    model = make(max_retries=0).with_retry(
        retry_if_exception_type=(RateLimitError,), stop_after_attempt=3, wait_exponential_jitter=False
    )
    assert model.invoke("Hi").text == "You said: Hi"
    assert len(emulator.requests) == 3


def test_with_fallbacks_goes_to_the_next_model(make: Make, emulator: Emulator) -> None:
    emulator.fail_next(500, "InternalServiceError")
    model = make(max_retries=0).with_fallbacks(
        [make(model="doubao-seed-1-8-251228")], exceptions_to_handle=(ServiceError,)
    )
    assert model.invoke("Hi").response_metadata["model_name"] == "doubao-seed-1-8-251228"
    emulator.fail_next(500, "InternalServiceError")
    assert "".join(chunk.text for chunk in model.stream("Hi")) == "You said: Hi"


def test_configurable_fields_change_a_call(make: Make, emulator: Emulator) -> None:
    model = make(temperature=0.1).configurable_fields(
        temperature=ConfigurableField(id="temperature"), model=ConfigurableField(id="model")
    )
    changed: Any = {"configurable": {"temperature": 0.9, "model": "doubao-seed-1-8-251228"}}
    model.invoke("Hi", changed)
    model.invoke("Hi")
    assert [(one.json["temperature"], one.json["model"]) for one in emulator.requests] == [
        (0.9, "doubao-seed-1-8-251228"),
        (0.1, "doubao-seed-2-1-pro-260915"),
    ]


def test_configurable_alternatives(make: Make) -> None:
    other = make(model="doubao-1-5-pro-32k-250115")
    model = make().configurable_alternatives(ConfigurableField(id="who"), plain=other)
    assert "reasoning_content" in model.invoke("Hi").additional_kwargs
    assert "reasoning_content" not in model.invoke("Hi", {"configurable": {"who": "plain"}}).additional_kwargs


async def test_batches_come_as_they_complete(model: ChatArk) -> None:
    words = ["a", "b", "c"]
    done = dict(model.batch_as_completed(words))
    assert [done[place].text for place in range(3)] == [f"You said: {word}" for word in words]  # type: ignore[union-attr]
    adone = {place: message async for place, message in model.abatch_as_completed(words)}
    assert [adone[place].text for place in range(3)] == [f"You said: {word}" for word in words]  # type: ignore[union-attr]


def test_a_batch_returns_errors_beside_answers(make: Make, emulator: Emulator) -> None:
    emulator.fail_next(400, "InvalidParameter")
    results = make(max_retries=0).batch(["a", "b"], {"max_concurrency": 1}, return_exceptions=True)
    assert [isinstance(one, Exception) for one in results] == [True, False]


# --- saved and loaded --------------------------------------------------------------------------------------------


def test_a_model_is_saved_without_its_key_and_loaded_with_it(
    make: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(temperature=0.3, thinking="disabled", stream_options={"include_usage": True})
    text = dumps(model)
    assert emulator.api_key not in text
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    loaded = loads(text, allowed_objects=[ChatArk], valid_namespaces=["langchain_volcark"], secrets_from_env=True)
    assert isinstance(loaded, ChatArk)
    assert loaded.asdict() == model.asdict()
    assert loaded.invoke("Hi").text == "You said: Hi"


def test_messages_are_saved_and_loaded(model: ChatArk) -> None:
    first, *rest = model.bind_tools([get_weather], tool_choice="any").stream("杭州?")
    for message in (model.invoke("你好"), first + rest):
        assert load(loads(dumps([message]), allowed_objects="messages"), allowed_objects="messages") == [message]
