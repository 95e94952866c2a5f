"""What Ark's own tools did, as blocks of the message: whole, as chunks, as chunks of blocks, and as events."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_volcark import ChatArk, hosted_tools
from tests.pictures import png

Make = Callable[..., ChatArk]
SEARCHED = ["server_tool_call", "server_tool_result"]
PICTURE = {"type": "image", "base64": base64.b64encode(png(40, 30, 3)).decode(), "mime_type": "image/png"}
WIKI = {"server_label": "wiki", "server_url": "https://mcp.example.com/mcp"}


def picture(words: str) -> list[BaseMessage]:
    return [HumanMessage([{"type": "text", "text": words}, PICTURE])]


SCENES: dict[str, tuple[dict[str, Any], Any, list[str]]] = {
    "web": (
        hosted_tools.web_search(),
        "What is the capital of Peru?",
        ["reasoning", *SEARCHED, "reasoning", "text"],
    ),
    "knowledge": (
        hosted_tools.knowledge_search("kb-demo"),
        "When does the ferry leave?",
        ["reasoning", *SEARCHED, "reasoning", "text"],
    ),
    "image": (
        hosted_tools.image_process(),
        picture("zoom in"),
        ["reasoning", *SEARCHED, "reasoning", "text"],
    ),
    "no such image": (
        hosted_tools.image_process(),
        picture("rotate image 3"),
        ["reasoning", *SEARCHED, "reasoning", "text"],
    ),
    "mcp": (
        hosted_tools.mcp(**WIKI, require_approval="never"),
        "search the wiki",
        [*SEARCHED, "reasoning", *SEARCHED, "reasoning", "text"],
    ),
    "approval": (
        hosted_tools.mcp(**WIKI, require_approval="always"),
        "search the wiki",
        [*SEARCHED, "reasoning", "non_standard"],
    ),
    "app": (
        hosted_tools.doubao_app("reasoning_search"),
        "the capital of Peru?",
        ["reasoning", "text", "non_standard"],
    ),
}
every_scene = pytest.mark.parametrize("scene", SCENES)


def kinds(blocks: Any) -> list[str]:
    return [block["type"] for block in blocks]


def summed(chunks: Any) -> Any:
    first, *rest = chunks
    for chunk in rest:
        first += chunk
    return first


@every_scene
def test_the_blocks_are_the_same_whole_and_streamed(make: Make, scene: str) -> None:
    tool, question, expected = SCENES[scene]
    model, blocks = make().bind_tools([tool]), make(output_version="v1").bind_tools([tool])
    whole, total, shown = model.invoke(question), summed(model.stream(question)), summed(blocks.stream(question))
    assert kinds(whole.content_blocks) == kinds(total.content_blocks) == kinds(shown.content) == expected
    assert whole.content == total.content == shown.text
    assert isinstance(whole.content, str)
    assert kinds(blocks.invoke(question).content) == expected
    assert not [block for block in shown.content if isinstance(block["index"], int)]
    assert whole.usage_metadata == total.usage_metadata == shown.usage_metadata
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.response_metadata.get("tool_usage") == total.response_metadata.get("tool_usage")
    assert not whole.tool_calls


@every_scene
def test_the_events_of_a_stream_are_valid_and_hold_the_same_blocks(make: Make, scene: str) -> None:
    tool, question, expected = SCENES[scene]
    model = make().bind_tools([tool])
    events = list(model.stream_events(question, version="v3"))
    assert_valid_event_stream(events)
    ended = {one["index"]: one["content"] for one in events if one["event"] == "content-block-finish"}
    assert kinds(ended[index] for index in sorted(ended)) == expected
    assert "output_items" in events[-1]["additional_kwargs"]


async def test_an_asynchronous_stream_has_the_same_blocks(make: Make) -> None:
    tool, question, expected = SCENES["web"]
    model = make().bind_tools([tool])
    chunks = [chunk async for chunk in model.astream(question)]
    assert kinds(summed(chunks).content_blocks) == expected
    assert kinds((await model.ainvoke(question)).content_blocks) == expected


def test_a_search_cites_its_pages_and_a_knowledge_base_its_documents(make: Make) -> None:
    found = {}
    for scene in ("web", "knowledge"):
        tool, question, _ = SCENES[scene]
        text = make().bind_tools([tool]).invoke(question).content_blocks[-1]
        found[scene] = text["annotations"]
    assert all(one["type"] == "citation" and one["url"] and one["title"] for one in found["web"])
    assert all(one["title"] and "url" not in one and one["extras"]["doc_id"] for one in found["knowledge"])


def test_an_operation_that_failed_says_so_beside_the_answer(make: Make) -> None:
    tool, question, _ = SCENES["no such image"]
    message = make().bind_tools([tool]).invoke(question)
    result = message.content_blocks[2]
    assert (result["status"], result["extras"]) == ("error", {"error": {"message": "invalid image index"}})
    assert message.content


def test_a_request_for_approval_can_be_answered(make: Make) -> None:
    tool, question, _ = SCENES["approval"]
    model = make().bind_tools([tool])
    for asked in (model.invoke(question), summed(model.stream(question))):
        (request,) = hosted_tools.mcp_approvals(asked)
        assert request["server_label"] == "wiki"
        answer = model.invoke([HumanMessage(question), asked, hosted_tools.approve(asked)])
        assert "server_tool_call" in kinds(answer.content_blocks)
        assert answer.content


def test_an_agent_ends_on_an_answer_of_hosted_tools_and_goes_on_after_functions(make: Make) -> None:
    def get_weather(city: str) -> str:
        """Weather of a city.

        Args:
            city: Its name.
        """
        return f"sunny in {city}"

    agent = create_agent(make(), [get_weather, hosted_tools.web_search()])
    messages = agent.invoke({"messages": [HumanMessage("What is the weather in Lima?")]})["messages"]
    assert isinstance(messages[-1], AIMessage)
    assert messages[-1].content
    messages = agent.invoke({"messages": [*messages, HumanMessage("any news?")]})["messages"]
    assert "server_tool_call" in kinds(messages[-1].content_blocks)
