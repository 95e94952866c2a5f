"""V2: how a conversation goes out, and which ones are refused with the position named."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_volcark.qianfan.messages import QianfanMessageWriter

CALL = {"name": "f", "args": {"x": 1}, "id": "call-1", "type": "tool_call"}
OTHER = {"name": "g", "args": {}, "id": "call-2", "type": "tool_call"}


def write(messages: list[BaseMessage]) -> list[dict[str, Any]]:
    return QianfanMessageWriter("qianfan", "Qianfan's chat API", reasoning="never").write(messages)


def test_neighbours_of_one_role_are_joined() -> None:
    conversation = [
        SystemMessage("Be terse."),
        SystemMessage("Be kind."),
        HumanMessage("Hello"),
        HumanMessage("Who are you?"),
        AIMessage("I am"),
        AIMessage("a model."),
        HumanMessage("Thanks"),
    ]
    assert write(conversation) == [
        {"role": "system", "content": "Be terse.\nBe kind."},
        {"role": "user", "content": "Hello\nWho are you?"},
        {"role": "assistant", "content": "I am\na model."},
        {"role": "user", "content": "Thanks"},
    ]


def test_messages_of_authors_with_different_names_stay_apart() -> None:
    sent = write([HumanMessage("a", name="ann"), HumanMessage("b", name="bob"), HumanMessage("c", name="bob")])
    assert [(one["name"], one["content"]) for one in sent] == [("ann", "a"), ("bob", "b\nc")]


def test_text_joins_parts() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    sent = write([HumanMessage("Look"), HumanMessage([picture, {"type": "text", "text": "here"}])])
    assert sent[0]["content"] == [
        {"type": "text", "text": "Look"},
        picture,
        {"type": "text", "text": "here"},
    ]


def test_a_call_after_words_becomes_one_message() -> None:
    sent = write(
        [
            HumanMessage("q"),
            AIMessage("Let me see."),
            AIMessage("", tool_calls=[CALL]),
            ToolMessage("r", tool_call_id="call-1"),
        ]
    )
    assert sent[1]["content"] == "Let me see."
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["call-1"]


def test_all_of_several_calls_and_results_go_out() -> None:
    conversation = [
        HumanMessage("q"),
        AIMessage("", tool_calls=[CALL, OTHER]),
        ToolMessage("one", tool_call_id="call-1"),
        ToolMessage("two", tool_call_id="call-2"),
    ]
    sent = write(conversation)
    assert [call["id"] for call in sent[1]["tool_calls"]] == ["call-1", "call-2"]
    assert [(one["tool_call_id"], one["content"]) for one in sent[2:]] == [("call-1", "one"), ("call-2", "two")]


def test_reasoning_is_not_sent_back() -> None:
    thought = AIMessage(
        "a", additional_kwargs={"reasoning_content": "hm"}, response_metadata={"model_provider": "qianfan"}
    )
    assert write([HumanMessage("q"), thought, HumanMessage("q")])[1] == {"role": "assistant", "content": "a"}


def test_images_by_data_and_video_by_link() -> None:
    blocks: list[str | dict[Any, Any]] = [
        {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        {"type": "video", "url": "https://x.example/a.mp4"},
    ]
    assert write([HumanMessage(blocks)])[0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}},
    ]


@pytest.mark.parametrize(
    ("conversation", "position", "why"),
    [
        ([], None, "nothing to send"),
        ([AIMessage("a"), HumanMessage("b")], 0, "must be a system or user message"),
        ([ToolMessage("a", tool_call_id="c")], 0, "must be a system or user message"),
        ([HumanMessage("a"), AIMessage("b"), SystemMessage("c"), HumanMessage("d")], 2, "system message"),
        ([HumanMessage("a"), AIMessage("b")], 1, "last message must be from the user or a tool"),
        ([SystemMessage("a")], 0, "last message must be from the user or a tool"),
        ([HumanMessage("a"), AIMessage("b"), HumanMessage(" \n\r\f")], 2, "blank"),
        ([HumanMessage("")], 0, "blank"),
        (
            [HumanMessage("a"), AIMessage("", tool_calls=[CALL]), ToolMessage("b", tool_call_id="call-9")],
            2,
            "'call-9' answers no call",
        ),
        ([HumanMessage("a"), HumanMessage("b"), AIMessage("c"), AIMessage("d")], 2, "last message"),
        (
            [HumanMessage([{"type": "file", "base64": "aGk=", "mime_type": "application/pdf"}])],
            0,
            "no file content",
        ),
        ([HumanMessage([{"type": "audio", "base64": "aGk=", "mime_type": "audio/wav"}])], 0, "no audio content"),
        ([HumanMessage([{"type": "image"}])], 0, "neither url nor base64"),
    ],
)
def test_what_the_service_would_refuse_is_refused_with_its_position(
    conversation: list[BaseMessage], position: int | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        write(conversation)
    expected = "messages:" if position is None else f"messages[{position}]:"
    assert str(caught.value).startswith(expected)


def test_the_users_messages_are_not_changed() -> None:
    conversation = [HumanMessage("a"), HumanMessage("b")]
    before = [message.model_copy(deep=True) for message in conversation]
    write(conversation)  # type: ignore[arg-type]
    assert conversation == before
