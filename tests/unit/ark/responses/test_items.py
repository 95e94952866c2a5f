"""Messages of every kind and origin as input items, in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from langchain_volcark.ark.responses.items import ItemWriter

MODEL = "doubao-seed-2-1-pro-260915"
PNG = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGklEQVR4nGP4z8BAEiJN9aiGUQ1DSwMDA8N/AAxf/wHnjzQ1AAAAAElFTkSuQmCC"
DATA_URL = f"data:image/png;base64,{PNG}"
CALL: Any = {"name": "get_weather", "args": {"city": "杭州"}, "id": "c1", "type": "tool_call"}
CALL_ITEM = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city": "杭州"}'}
OURS = {"model_provider": "volcengine", "model_name": MODEL}


def write(*messages: BaseMessage, model: str = MODEL, reasoning: Any = "always") -> list[dict[str, Any]]:
    writer = ItemWriter("volcengine", "Ark's Responses API", reasoning=reasoning, model=model)
    return [item for _, item in writer.write_with_positions(messages)]


def said(*texts: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text} for text in texts]
    return {"type": "message", "role": "assistant", "content": content}


def thought(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}], **fields}


# --- roles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (HumanMessage("hi"), "user"),
        (SystemMessage("hi"), "system"),
        (ChatMessage("hi", role="developer"), "developer"),
        (SystemMessage("hi", additional_kwargs={"role": "developer"}), "developer"),
        (SystemMessage("hi", additional_kwargs={"__openai_role__": "developer"}), "developer"),
        (ChatMessage("hi", role="user"), "user"),
        (HumanMessage([{"type": "text", "text": "hi"}]), "user"),
        (HumanMessage("hi", name="小明", id="m1"), "user"),
    ],
)
def test_a_message_keeps_its_role_and_always_has_a_type(message: BaseMessage, role: str) -> None:
    assert write(message) == [{"type": "message", "role": role, "content": "hi"}]


def test_a_system_message_stays_in_its_place() -> None:
    roles = [item["role"] for item in write(HumanMessage("a"), SystemMessage("b"), HumanMessage("c"))]
    assert roles == ["user", "system", "user"]


# --- content ----------------------------------------------------------------------------------------------------


def test_text_and_media_are_parts_in_order() -> None:
    content: list[Any] = [
        {"type": "text", "text": "look"},
        {"type": "text", "text": ""},
        {"type": "image", "base64": PNG, "mime_type": "image/png", "extras": {"detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image", "file_id": "file-1", "image_pixel_limit": {"max_pixels": 50_000}},
        {"type": "video", "url": "https://example.com/a.mp4", "fps": 1.5},
        {"type": "video", "file_id": "file-2", "fps": 1.5},
        {"type": "audio", "url": "https://example.com/a.mp3", "mime_type": "audio/mp3"},
        {"type": "audio", "file_id": "file-4", "extras": {"chunking_strategy": {"type": "server_vad"}}},
        {"type": "input_audio", "file_id": "file-4"},
        {"type": "file", "file_id": "file-3"},
        {"type": "file", "url": "https://example.com/a.pdf", "mime_type": "application/pdf"},
        {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "a.pdf"},
        {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf"},
        {"type": "text-plain", "text": "plain", "mime_type": "text/plain"},
    ]
    (item,) = write(HumanMessage(content))
    assert item["content"] == [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": DATA_URL, "detail": "low"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"type": "input_image", "file_id": "file-1", "image_pixel_limit": {"max_pixels": 50_000}},
        {"type": "input_video", "video_url": "https://example.com/a.mp4", "fps": 1.5},
        {"type": "input_video", "file_id": "file-2"},
        {"type": "input_audio", "audio_url": "https://example.com/a.mp3"},
        {"type": "input_audio", "file_id": "file-4", "chunking_strategy": {"type": "server_vad"}},
        {"type": "input_audio", "file_id": "file-4"},
        {"type": "input_file", "file_id": "file-3"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "file.pdf"},
        {"type": "input_text", "text": "plain"},
    ]


def test_translation_options_stay_at_their_text() -> None:
    options = {"target_language": "en"}
    (item,) = write(HumanMessage([{"type": "text", "text": "你好", "translation_options": options}]))
    assert item["content"] == [{"type": "input_text", "text": "你好", "translation_options": options}]


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"type": "hologram", "x": 1}, "hologram"),
        ({"type": "image", "url": "gs://bucket/a.png"}, "gs://bucket"),
        ({"type": "video"}, "neither url nor base64 nor file_id"),
    ],
)
def test_content_that_cannot_be_sent_is_refused_with_its_place(block: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=r"messages\[1\]: content\[0\]: .*") as caught:
        write(HumanMessage("hi"), HumanMessage([block]))
    assert named in str(caught.value)


def test_an_approval_in_a_users_message_is_an_item_of_its_own() -> None:
    answer = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    lifted = {"type": "non_standard", "value": answer}
    assert write(HumanMessage([lifted])) == [answer]
    assert write(HumanMessage([lifted, {"type": "text", "text": "go"}])) == [
        answer,
        {"type": "message", "role": "user", "content": "go"},
    ]


# --- tool results -----------------------------------------------------------------------------------------------


def test_a_tools_text_is_a_string_and_its_image_a_part() -> None:
    asked = AIMessage("", tool_calls=[CALL])
    plain, shown = (
        write(HumanMessage("hi"), asked, ToolMessage(content, tool_call_id="c1", status="error"))[-1]
        for content in (
            "15 °C",
            [{"type": "text", "text": "see"}, {"type": "image", "base64": PNG, "mime_type": "image/png"}],
        )
    )
    assert plain == {"type": "function_call_output", "call_id": "c1", "output": "15 °C"}
    assert shown["output"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": DATA_URL},
    ]


def test_a_call_without_an_id_and_its_result_get_the_same_one() -> None:
    asked = AIMessage("", tool_calls=[{**CALL, "id": None}])
    _, call, result = write(HumanMessage("hi"), asked, ToolMessage("x", tool_call_id=""))
    assert call["call_id"] == result["call_id"] != ""


# --- assistants of other origins --------------------------------------------------------------------------------

HISTORIES: dict[str, tuple[AIMessage, list[dict[str, Any]]]] = {
    "chat completions": (
        AIMessage(
            "Sunny.",
            additional_kwargs={"reasoning_content": "Look.", "encrypted_content": "blob"},
            response_metadata=OURS,
            tool_calls=[CALL],
        ),
        [thought("Look."), said("Sunny."), CALL_ITEM],
    ),
    "chat completions, v1": (
        AIMessage(
            [
                {"type": "reasoning", "reasoning": "Look.", "extras": {"encrypted_content": "blob"}},
                {"type": "text", "text": "Sunny."},
            ],
            response_metadata=OURS,
        ),
        [thought("Look."), said("Sunny.")],
    ),
    "ChatOpenAI, chat": (
        AIMessage("Sunny.", tool_calls=[CALL], response_metadata={"model_provider": "openai", "id": "chatcmpl-1"}),
        [said("Sunny."), CALL_ITEM],
    ),
    "ChatOpenAI, responses": (
        AIMessage(
            [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"},
                {"type": "text", "text": "Sunny.", "annotations": [], "id": "msg_1"},
                {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
            ],
            tool_calls=[CALL],
            response_metadata={"model_provider": "openai", "id": "resp_1"},
        ),
        [said("Sunny."), CALL_ITEM],
    ),
    "Anthropic": (
        AIMessage(
            [
                {"type": "thinking", "thinking": "Look.", "signature": "s"},
                {"type": "text", "text": "Sunny."},
                {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"city": "杭州"}},
            ],
            tool_calls=[CALL],
            response_metadata={"model_provider": "anthropic"},
        ),
        [said("Sunny."), CALL_ITEM],
    ),
    "Google": (
        AIMessage(
            ["Sunny.", {"type": "executable_code", "executable_code": "1"}, " Warm."],
            tool_calls=[CALL],
            response_metadata={"model_provider": "google_genai"},
        ),
        [said("Sunny.", " Warm."), CALL_ITEM],
    ),
    "nothing said": (AIMessage(""), []),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_of_another_origin_goes_on(name: str) -> None:
    message, items = HISTORIES[name]
    result = ToolMessage("15 °C", tool_call_id="c1")
    written = write(HumanMessage("hi"), message, *([result] if message.tool_calls else []), HumanMessage("on"))
    assert written[1 : 1 + len(items)] == items
    assert written[-1] == {"type": "message", "role": "user", "content": "on"}
    assert "rs_1" not in str(written)
    assert "gAAAA" not in str(written)


# --- replies sent back item by item -----------------------------------------------------------------------------

ITEMS: list[dict[str, Any]] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": [0, 5]}],
        "encrypted_content": "blob",
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": [0, 4], "annotations": [{"type": "url_citation", "url": "u"}]},
            {"type": "output_text", "text": [4, 6]},
        ],
    },
    {
        "type": "mcp_call",
        "id": "mcp_1",
        "status": "completed",
        "server_label": "wiki",
        "name": "read",
        "arguments": "{}",
        "output": "o",
    },
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "get_weather",
        "arguments": ' {"city":"杭州"}',
        "status": "completed",
    },
]
REPLY = AIMessage(
    "Sun. W",
    additional_kwargs={"reasoning_content": "Look.", "output_items": ITEMS},
    response_metadata={**OURS, "requested_model": MODEL},
    tool_calls=[CALL],
)
REPLAYED = [
    {**thought("Look."), "id": "rs_1", "status": "completed", "encrypted_content": "blob"},
    said("Sun.", " W"),
    {"type": "mcp_call", "server_label": "wiki", "name": "read", "arguments": "{}", "output": "o"},
    {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": ' {"city":"杭州"}'},
]
RESULT = ToolMessage("15 °C", tool_call_id="c1")


def test_a_reply_goes_back_in_its_order_without_ids_annotations_and_searches() -> None:
    assert write(HumanMessage("hi"), REPLY, RESULT)[1:-1] == REPLAYED


@pytest.mark.parametrize("version", ["v1 content", "JSON"])
def test_a_reply_in_another_form_goes_back_the_same(version: str) -> None:
    if version == "JSON":
        (message,) = messages_from_dict([message_to_dict(REPLY)])
    else:
        blocks: list[Any] = [
            {"type": "reasoning", "reasoning": "Look."},
            {"type": "text", "text": "Sun."},
            {"type": "text", "text": " W"},
            CALL,
        ]
        kwargs = {"output_items": ITEMS}
        message = REPLY.model_copy(update={"content": blocks, "additional_kwargs": kwargs})
    assert write(HumanMessage("hi"), message, RESULT)[1:-1] == REPLAYED


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"content": "Rain."}, [thought("Look.", encrypted_content=None), said("Rain."), CALL_ITEM]),
        (
            {"tool_calls": [{**CALL, "args": {"city": "北京"}}]},
            [
                thought("Look."),
                said("Sun. W"),
                {**CALL_ITEM, "arguments": '{"city": "北京"}'},
            ],
        ),
    ],
)
def test_an_edit_wins_over_the_items(change: dict[str, Any], wanted: list[dict[str, Any]]) -> None:
    edited = REPLY.model_copy(update=change)
    wanted = [{name: value for name, value in item.items() if value is not None} for item in wanted]
    assert write(HumanMessage("hi"), edited, RESULT)[1:-1] == wanted


BLOCKS: list[Any] = [
    {"type": "reasoning", "reasoning": "Look.", "extras": {"item_id": "rs_1", "encrypted_content": "one"}},
    {"type": "server_tool_call", "id": "ws_1", "name": "web_search", "args": {"query": "q"}},
    {"type": "reasoning", "reasoning": "", "extras": {"item_id": "rs_2", "encrypted_content": "two"}},
    {"type": "reasoning", "reasoning": "Hm.", "extras": {"item_id": "rs_3", "status": "incomplete"}},
    {"type": "text", "text": "Sunny."},
]


def test_reasoning_blocks_without_their_items_are_items_again() -> None:
    message = AIMessage(BLOCKS, response_metadata={**OURS, "requested_model": MODEL})
    assert write(HumanMessage("hi"), message)[1:] == [
        thought("Look.", encrypted_content="one", id="rs_1", status="completed"),
        {"type": "reasoning", "summary": [], "encrypted_content": "two", "id": "rs_2", "status": "completed"},
        thought("Hm.", id="rs_3", status="incomplete"),
        said("Sunny."),
    ]
    assert write(HumanMessage("hi"), message, model="another")[1:] == [
        thought("Look.", id="rs_1", status="completed"),
        thought("Hm.", id="rs_3", status="incomplete"),
        said("Sunny."),
    ]
    assert write(HumanMessage("hi"), message, reasoning="never")[1:] == [said("Sunny.")]


def test_a_removed_call_is_not_sent() -> None:
    edited = REPLY.model_copy(update={"tool_calls": []})
    assert [item["type"] for item in write(HumanMessage("hi"), edited)] == ["message", "reasoning", "message"]


@pytest.mark.parametrize("policy", ["tool_turns", "never"])
def test_reasoning_goes_back_as_the_policy_says(policy: str) -> None:
    kinds = [item["type"] for item in write(HumanMessage("hi"), REPLY, RESULT, reasoning=policy)]
    assert ("reasoning" in kinds) == (policy == "tool_turns")


def test_another_models_blob_stays_here_also_behind_an_alias() -> None:
    for model, metadata in ((f"{MODEL}-x", {}), (MODEL, {"requested_model": "ep-20260101-abcde"})):
        reply = REPLY.model_copy(update={"response_metadata": {**REPLY.response_metadata, **metadata}})
        item = write(HumanMessage("hi"), reply, RESULT, model=model)[1]
        assert item["summary"][0]["text"] == "Look."
        assert "encrypted_content" not in item


def test_a_request_for_approval_keeps_its_id() -> None:
    asked = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "w", "name": "n", "arguments": "{}"}
    message = AIMessage("", additional_kwargs={"output_items": [asked]}, response_metadata=OURS)
    assert write(HumanMessage("hi"), message)[1] == asked


def test_what_one_of_doubaos_apps_said_goes_back_as_the_assistants_text() -> None:
    blocks = [
        {"type": "reasoning_text", "reasoning_text": [0, 5]},
        {"type": "output_text", "id": "b", "text": [0, 6], "status": "completed"},
    ]
    items = [{"type": "doubao_app_call", "feature": "chat", "blocks": blocks}]
    kwargs = {"reasoning_content": "Look.", "output_items": items}
    message = AIMessage("Sun. W", additional_kwargs=kwargs, response_metadata=OURS)
    assert write(HumanMessage("hi"), message)[1:] == [said("Sun. W")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
kinds = st.sampled_from([str(item["type"]) for item in ITEMS] + ["doubao_app_call", "mcp_list_tools", "novel"])


@given(st.lists(json_values | st.builds(lambda kind, rest: {**rest, "type": kind}, kinds, st.fixed_dictionaries(dict.fromkeys(("content", "summary", "blocks", "call_id", "arguments", "name"), json_values))), max_size=4))  # fmt: skip
def test_whatever_stands_among_the_items_a_message_is_sent(items: list[Any]) -> None:
    message = AIMessage("Sun.", additional_kwargs={"output_items": items}, response_metadata=OURS)
    assert said("Sun.") in write(HumanMessage("hi"), message)
