"""Histories on the wire: reasoning that goes back, messages of other origins, and how they are counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages

from langchain_volcark import ChatArk, hosted_tools
from langchain_volcark.emulator import Emulator

Make = Callable[..., ChatArk]
SEALED = {"include": ["reasoning.encrypted_content"]}
CALL: Any = {"name": "get_weather", "args": {"city": "Rome"}, "id": "c1", "type": "tool_call"}
RESULT = ToolMessage("sunny", tool_call_id="c1")


def get_weather(city: str) -> str:
    """Weather of a city."""
    return f"sunny in {city}"


def kinds(emulator: Emulator) -> list[str]:
    return [item.get("role") or item["type"] for item in emulator.requests[-1].json["input"]]


def tool_turn(model: Any) -> list[BaseMessage]:
    """A question, the call it led to, and the call's result."""
    question = HumanMessage("Weather in 'Rome'?")
    asked = model.invoke([question])
    return [question, asked, ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])]


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_the_reasoning_of_a_tool_turn_goes_back_before_its_call(
    make: Make, emulator: Emulator, version: str
) -> None:
    model = make(**SEALED, output_version=version).bind_tools([get_weather])
    model.invoke(tool_turn(model))
    assert kinds(emulator) == ["user", "reasoning", "function_call", "function_call_output"]
    thought = emulator.requests[-1].json["input"][1]
    assert thought["id"].startswith("rs_")
    assert thought["encrypted_content"].startswith("dj")
    assert thought["summary"]


def test_encrypted_reasoning_goes_to_no_other_model(make: Make, emulator: Emulator) -> None:
    history = tool_turn(make(**SEALED).bind_tools([get_weather]))
    other = make(model="doubao-seed-2-0-pro-260215", use_responses_api=True)
    other.bind_tools([get_weather]).invoke(history)
    thought = emulator.requests[-1].json["input"][1]
    assert thought["summary"]
    assert "encrypted_content" not in thought


def test_a_model_that_takes_no_reasoning_gets_none(make: Make, emulator: Emulator) -> None:
    history = tool_turn(make(**SEALED).bind_tools([get_weather]))
    older = make(model="doubao-seed-1-6-250615", use_responses_api=True)
    older.bind_tools([get_weather]).invoke(history)
    assert kinds(emulator) == ["user", "function_call", "function_call_output"]


def test_without_a_chain_everything_goes_back_without_ids(make: Make, emulator: Emulator) -> None:
    model = make().bind_tools([hosted_tools.web_search()])
    question = HumanMessage("What is the capital of Peru?")
    answer = model.invoke([question])
    assert answer.content_blocks[-1]["annotations"]
    model.invoke([question, answer, HumanMessage("Thanks.")])
    said = emulator.requests[-1].json["input"][1]
    assert said == {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": answer.text}],
    }


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_conversation_changes_from_one_api_to_the_other_and_back(
    make: Make, emulator: Emulator, version: str
) -> None:
    responses = make(use_responses_api=True, **SEALED, output_version=version).bind_tools([get_weather])
    chat = make(use_responses_api=False, output_version=version).bind_tools([get_weather])
    history = tool_turn(responses)
    history += [chat.invoke(history), *tool_turn(chat)]
    assert "encrypted_content" not in emulator.requests[-2].json["messages"][1], "it is the other API's"
    answer = responses.invoke(history)
    assert "sunny" in answer.text
    assert "encrypted_content" not in emulator.requests[-1].json["input"][-3]
    assert kinds(emulator) == [
        *("user", "reasoning", "function_call", "function_call_output", "assistant"),
        *("user", "reasoning", "function_call", "function_call_output"),
    ]


OPENAI: Any = {"model_provider": "openai", "id": "resp_1"}
FOREIGN: dict[str, AIMessage] = {
    "ChatOpenAI, responses/v1": AIMessage(
        [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA", "index": 0},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
            {
                "type": "text",
                "text": "Sunny.",
                "annotations": [{"type": "url_citation", "url": "u"}],
                "id": "msg_1",
            },
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
            {"type": "mcp_call", "id": "mcp_1", "server_label": "x", "name": "f", "arguments": "{}"},
            {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"},
        ],
        tool_calls=[CALL],
        response_metadata=OPENAI,
        id="resp_1",
    ),
    "ChatOpenAI, v0": AIMessage(
        "Sunny.",
        additional_kwargs={
            "reasoning": {"id": "rs_1", "type": "reasoning", "summary": []},
            "tool_outputs": [{"type": "web_search_call", "id": "ws_1"}],
            "__openai_function_call_ids__": {"c1": "fc_1"},
        },
        tool_calls=[CALL],
        response_metadata=OPENAI,
    ),
    "standard blocks": AIMessage(
        [
            {"type": "reasoning", "reasoning": "Look.", "id": "rs_1", "extras": {"encrypted_content": "gAAAA"}},
            {"type": "server_tool_call", "id": "ws_1", "name": "web_search", "args": {"query": "q"}},
            {"type": "server_tool_result", "tool_call_id": "ws_1", "status": "success"},
            {"type": "text", "text": "Sunny.", "annotations": [{"type": "citation", "url": "u"}]},
            {"type": "non_standard", "value": {"type": "x"}},
            CALL,
        ],
        tool_calls=[CALL],
        response_metadata={**OPENAI, "output_version": "v1"},
    ),
    "ChatAnthropic": AIMessage(
        [
            {"type": "thinking", "thinking": "Look.", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "server_tool_use", "id": "st_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "st_1", "content": []},
            {"type": "text", "text": "Sunny.", "citations": [{"type": "web_search_result_location", "url": "u"}]},
            {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"city": "Rome"}},
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "anthropic", "id": "msg_1"},
    ),
    "ChatGoogleGenerativeAI": AIMessage(
        [
            {"type": "thinking", "thinking": "Look.", "signature": "s"},
            {"type": "text", "text": "Sunny.", "extras": {"signature": "s"}},
            {"type": "executable_code", "executable_code": "1", "language": "PYTHON"},
            {"type": "media", "mime_type": "image/png", "data": "AAAA"},
        ],
        tool_calls=[CALL],
        additional_kwargs={"function_call": {"name": "get_weather", "arguments": "{}"}},
        response_metadata={"model_provider": "google_genai", "grounding_metadata": {}},
    ),
    "ChatBedrockConverse": AIMessage(
        [
            {"type": "reasoning_content", "reasoning_content": {"text": "Look.", "signature": "s"}},
            {"type": "text", "text": "Sunny."},
            {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"city": "Rome"}},
            {"cachePoint": {"type": "default"}},
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "bedrock_converse"},
    ),
}


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("how", ["invoke", "stream", "ainvoke"])
async def test_a_conversation_of_another_provider_goes_on_and_then_chains(
    make: Make, emulator: Emulator, origin: str, how: str
) -> None:
    model: Any = make(use_previous_response_id=True, reasoning_passback="always").bind_tools([get_weather])
    history: list[BaseMessage] = [HumanMessage("hi"), FOREIGN[origin], RESULT, HumanMessage("hello")]
    if how == "stream":
        answer: Any = None
        for chunk in model.stream(history):
            answer = chunk if answer is None else answer + chunk
    else:
        answer = model.invoke(history) if how == "invoke" else await model.ainvoke(history)
    items = emulator.requests[-1].json["input"]
    assert kinds(emulator) == ["user", "assistant", "function_call", "function_call_output", "user"]
    assert items[1]["content"] == [{"type": "output_text", "text": "Sunny."}]
    assert items[2] == {
        "type": "function_call",
        "call_id": "c1",
        "name": "get_weather",
        "arguments": '{"city": "Rome"}',
    }
    results = [ToolMessage("done", tool_call_id=call["id"]) for call in answer.tool_calls]
    model.invoke([*history, answer, *results, HumanMessage("on")])
    assert emulator.requests[-1].json["previous_response_id"] == answer.response_metadata["response_id"]


QUESTIONS: dict[str, tuple[list[Any], str]] = {
    "plain": ([], "hi"),
    "function": ([get_weather], "Weather in 'Rome'?"),
    "web": ([hosted_tools.web_search()], "What is the capital of Peru?"),
    "knowledge": ([hosted_tools.knowledge_search("kb-demo")], "When does the ferry leave?"),
    "mcp": (
        [hosted_tools.mcp("wiki", "https://mcp.example.com/mcp", require_approval="never")],
        "search the wiki",
    ),
    "approval": ([hosted_tools.mcp("wiki", "https://mcp.example.com/mcp")], "search the wiki"),
    "app": ([hosted_tools.doubao_app("reasoning_search")], "the capital of Peru?"),
}


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_of_every_kind_are_counted_and_trimmed(make: Make, question: str, version: str) -> None:
    tools, text = QUESTIONS[question]
    model = make(use_responses_api=True, output_version=version)
    bound: Any = model.bind_tools(tools) if tools else model
    answer = bound.invoke(text)
    approved = [hosted_tools.approve(answer)] if hosted_tools.mcp_approvals(answer) else []
    results = [ToolMessage("sunny", tool_call_id=call["id"]) for call in answer.tool_calls]
    history = [SystemMessage("S"), HumanMessage(text), answer, *approved, *results]
    counted = model.get_num_tokens_from_messages(history)
    assert counted > model.get_num_tokens_from_messages(history[:2])
    for limit in (5, counted - 1, counted):
        kept = trim_messages(
            history, max_tokens=limit, token_counter=model, include_system=True, allow_partial=True
        )
        assert model.get_num_tokens_from_messages(kept) <= counted
    assert trim_messages(history, max_tokens=counted, token_counter=model) == history
