"""Messages of every role, content form and origin, as Ark's chat API wants them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_volcark.ark.messages import ArkMessageWriter
from langchain_volcark.emulator.ark.models import MODELS
from langchain_volcark.emulator.ark.request import read_chat_request

PNG = "iVBORw0KGgo="
MP3 = base64.b64encode(b"ID3 and so on").decode()
WAV = base64.b64encode(b"RIFF....WAVE and so on").decode()
URL = "https://example.com/a.png"
MODEL = "doubao-seed-2-1-pro-260915"
OURS = {"model_provider": "volcengine", "model_name": MODEL}


def write(*messages: BaseMessage, reasoning: Any = "tool_turns", model: str = MODEL) -> list[dict[str, Any]]:
    return ArkMessageWriter("volcengine", "Ark's chat API", reasoning=reasoning, model=model).write(messages)


def image(url: str = URL, **options: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **options}}


def video(url: str, **options: Any) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": url, **options}}


ROLES: dict[str, tuple[BaseMessage, dict[str, Any]]] = {
    "system": (SystemMessage("Be brief."), {"role": "system", "content": "Be brief."}),
    "developer": (
        ChatMessage("Be brief.", role="developer"),
        {"role": "system", "content": "Be brief."},
    ),
    "developer as OpenAI marks it": (
        SystemMessage("Be brief.", additional_kwargs={"__openai_role__": "developer"}),
        {"role": "system", "content": "Be brief."},
    ),
    "user": (HumanMessage("你好"), {"role": "user", "content": "你好"}),
    "user with a name": (HumanMessage("Hi", name="ada"), {"role": "user", "content": "Hi", "name": "ada"}),
    "assistant": (AIMessage("Hello."), {"role": "assistant", "content": "Hello."}),
    "assistant with a name": (AIMessage("Hi", name="bot"), {"role": "assistant", "content": "Hi", "name": "bot"}),
    "tool": (
        ToolMessage("sunny", tool_call_id="call_1"),
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ),
    "tool with a name": (
        ToolMessage("sunny", tool_call_id="call_1", name="weather"),
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny", "name": "weather"},
    ),
    "tool that failed": (
        ToolMessage("no such city", tool_call_id="call_1", status="error"),
        {"role": "tool", "tool_call_id": "call_1", "content": "no such city"},
    ),
    "a role by name": (ChatMessage("Hi", role="user"), {"role": "user", "content": "Hi"}),
}


@pytest.mark.parametrize("name", ROLES)
def test_every_role(name: str) -> None:
    message, expected = ROLES[name]
    assert write(message) == [expected]


# Content block → part, or text, or nothing.
PARTS: dict[str, tuple[Any, Any]] = {
    "string": ("Hi", "Hi"),
    "text": ({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}, "annotations": []}, "Hi"),
    "Gemini's untyped text": ({"text": "Hi"}, "Hi"),
    "Responses input_text": ({"type": "input_text", "text": "Hi"}, "Hi"),
    "v1 plain text": ({"type": "text-plain", "text": "Hi", "mime_type": "text/plain"}, "Hi"),
    "v1 plain text in base64": (
        {"type": "text-plain", "base64": base64.b64encode("你好".encode()).decode(), "mime_type": "text/plain"},
        "你好",
    ),
    "v1 text file in base64": ({"type": "file", "base64": "SGk=", "mime_type": "text/markdown"}, "Hi"),
    "v0 text": ({"type": "file", "source_type": "text", "text": "Hi"}, "Hi"),
    "Anthropic's text document": (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}},
        "Hi",
    ),
    "Anthropic's document of parts": (
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Hi"}]}},
        "Hi",
    ),
    "Anthropic's search result": (
        {"type": "search_result", "title": "T", "source": "S", "content": [{"type": "text", "text": "Hi"}]},
        "T\nS\nHi",
    ),
    "OpenAI image": ({"type": "image_url", "image_url": {"url": URL}}, image()),
    "OpenAI image without object": ({"type": "image_url", "image_url": URL}, image()),
    "Responses input_image": ({"type": "input_image", "image_url": URL, "detail": "high"}, image(detail="high")),
    "image with detail": ({"type": "image_url", "image_url": {"url": URL, "detail": "low"}}, image(detail="low")),
    "image with detail beside": (
        {"type": "image_url", "image_url": {"url": URL}, "detail": "low"},
        image(detail="low"),
    ),
    "image with an unset option": ({"type": "image_url", "image_url": {"url": URL, "detail": None}}, image()),
    "image with pixel limits": (
        {"type": "image_url", "image_url": {"url": URL, "image_pixel_limit": {"min_pixels": 2000}}},
        image(image_pixel_limit={"min_pixels": 2000}),
    ),
    "v1 image url": ({"type": "image", "url": URL}, image()),
    "v1 image base64": (
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "v1 image base64 as bytes": (
        {"type": "image", "base64": base64.b64decode(PNG), "mime_type": "image/png"},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "v1 image base64 that is a data url": (
        {"type": "image", "base64": f"data:image/png;base64,{PNG}", "mime_type": "image/png"},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "v1 image with extras": (
        {"type": "image", "url": URL, "extras": {"detail": "xhigh", "image_pixel_limit": {"max_pixels": 9000}}},
        image(detail="xhigh", image_pixel_limit={"max_pixels": 9000}),
    ),
    "v0 image url": ({"type": "image", "source_type": "url", "url": URL}, image()),
    "v0 image base64": (
        {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/PNG"},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "a data url in capitals": (
        {"type": "image_url", "image_url": {"url": f"data:image/PNG;base64,{PNG}"}},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "Anthropic's image": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "Anthropic's image url": ({"type": "image", "source": {"type": "url", "url": URL}}, image()),
    "Google's media": (
        {"type": "media", "mime_type": "image/png", "data": PNG},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "Google's media as bytes": (
        {"type": "media", "mime_type": "image/png", "data": base64.b64decode(PNG)},
        image(f"data:image/png;base64,{PNG}"),
    ),
    "wrapped as non-standard": ({"type": "non_standard", "value": {"type": "image", "url": URL}}, image()),
    "Ark video": (
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", "fps": 2}},
        video("https://example.com/a.mp4", fps=2),
    ),
    "video with fps beside": (
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}, "fps": 0.5},
        video("https://example.com/a.mp4", fps=0.5),
    ),
    "v1 video url": ({"type": "video", "url": "https://example.com/a.mp4"}, video("https://example.com/a.mp4")),
    "v1 video base64": (
        {"type": "video", "base64": "AAAA", "mime_type": "video/mp4", "extras": {"fps": 1}},
        video("data:video/mp4;base64,AAAA", fps=1),
    ),
    "a film of QuickTime's": (
        {"type": "video", "base64": "AAAA", "mime_type": "video/quicktime"},
        video("data:video/mov;base64,AAAA"),
    ),
    "video by file id": (
        {"type": "video", "file_id": "file-1"},
        {"type": "video_url", "video_url": {"file_id": "file-1"}},
    ),
    "video by file id in Ark's form": (
        {"type": "video_url", "video_url": {"file_id": "file-1", "fps": 1}},
        {"type": "video_url", "video_url": {"file_id": "file-1", "fps": 1}},
    ),
    "image by file id": (
        {"type": "image", "file_id": "file-1", "mime_type": "image/png", "extras": {"detail": "low"}},
        {"type": "image_url", "image_url": {"file_id": "file-1", "detail": "low"}},
    ),
    "image by file id in Ark's form": (
        {"type": "image_url", "image_url": {"file_id": "file-1"}},
        {"type": "image_url", "image_url": {"file_id": "file-1"}},
    ),
    "audio by file id": (
        {"type": "audio", "file_id": "file-1", "extras": {"chunking_strategy": {"type": "server_vad"}}},
        {"type": "input_audio", "input_audio": {"file_id": "file-1"}},
    ),
    "audio by file id in Ark's form": (
        {"type": "input_audio", "input_audio": {"file_id": "file-1"}},
        {"type": "input_audio", "input_audio": {"file_id": "file-1"}},
    ),
    "audio by file id in the form of responses": (
        {"type": "input_audio", "file_id": "file-1"},
        {"type": "input_audio", "input_audio": {"file_id": "file-1"}},
    ),
    "file by id": (
        {"type": "file", "file_id": "file-1", "mime_type": "application/pdf", "detail": "low"},
        {"type": "file", "file": {"file_id": "file-1"}},
    ),
    "file by id in Ark's form": (
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ),
    "file by id in the form of responses": (
        {"type": "input_file", "file_id": "file-1"},
        {"type": "file", "file": {"file_id": "file-1"}},
    ),
    "v1 audio base64": (
        {"type": "audio", "base64": MP3, "mime_type": "audio/mpeg"},
        {"type": "input_audio", "input_audio": {"data": MP3, "format": "mp3"}},
    ),
    "v1 audio url": (
        {"type": "audio", "url": "https://example.com/a.mp3"},
        {"type": "input_audio", "input_audio": {"url": "https://example.com/a.mp3"}},
    ),
    "OpenAI input_audio": (
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
    ),
    "audio as a data url": (
        {"type": "audio_url", "audio_url": {"url": f"data:audio/x-wav;base64,{WAV}"}},
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
    ),
    "thinking": ({"type": "thinking", "thinking": "Hm.", "signature": "s"}, ""),
    "redacted thinking": ({"type": "redacted_thinking", "data": "s"}, ""),
    "reasoning": ({"type": "reasoning", "reasoning": "Hm."}, ""),
    "tool_use": ({"type": "tool_use", "id": "t", "name": "f", "input": {}}, ""),
    "server's tools": ({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}, ""),
    "OpenAI's own calls": ({"type": "code_interpreter_call", "id": "c"}, ""),
    "another service's block": ({"type": "non_standard", "value": {"type": "weird"}}, ""),
    "a part type of tomorrow": (
        {"type": "hologram_url", "hologram_url": {"url": URL}},
        {"type": "hologram_url", "hologram_url": {"url": URL}},
    ),
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("role", ["user", "system", "tool"])
def test_every_content_form(name: str, role: str) -> None:
    block, expected = PARTS[name]
    made = {"user": HumanMessage, "system": SystemMessage}.get(role)
    message = made([block]) if made else ToolMessage([block], tool_call_id="call_1")
    content = write(message)[0]["content"]
    if role == "tool" and (not expected or name == "a part type of tomorrow"):
        assert json.loads(content) == [block]  # a tool's result is data, whatever it looks like
    else:
        assert content == (expected if isinstance(expected, str) else [expected])


def test_text_and_media_keep_their_order() -> None:
    message = HumanMessage(["First", {"type": "image", "url": URL}, {"type": "text", "text": "then"}])
    assert write(message)[0]["content"] == [
        {"type": "text", "text": "First"},
        image(),
        {"type": "text", "text": "then"},
    ]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "pdf": ({"type": "file", "base64": "JVBERg==", "mime_type": "application/pdf"}, "takes no file content"),
    "OpenAI file": ({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg=="}}, "no file"),
    "Responses file": ({"type": "input_file", "file_url": "https://example.com/a.pdf"}, "takes no file content"),
    "Anthropic's pdf": (
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
        "takes no file content",
    ),
    "broken text file": ({"type": "file", "base64": "/w==", "mime_type": "text/plain"}, "takes no file content"),
    "image of nothing": ({"type": "image_url", "image_url": {}}, "neither url nor base64"),
    "image that is no block": ({"type": "image", "source": "x"}, "neither url nor base64"),
    "image in Google's store": ({"type": "media", "mime_type": "image/png", "file_uri": "gs://b/a"}, "'gs://b/a'"),
    "image by path": ({"type": "image_url", "image_url": {"url": "/home/me/a.png"}}, "cannot read"),
    "image whose url is no text": ({"type": "image", "url": 1}, "must be a string"),
    "audio of no format": ({"type": "audio", "base64": "UklG"}, "mime_type"),
    "audio of nothing": ({"type": "audio"}, "neither url nor base64"),
    "untyped": ({"image": {"format": "png"}}, "needs a type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_ark_cannot_take_is_refused_with_its_place(name: str) -> None:
    block, words = REFUSED[name]
    with pytest.raises(ValueError, match=words) as caught:
        write(SystemMessage("s"), HumanMessage([{"type": "text", "text": "Look"}, block]))
    assert str(caught.value).startswith("messages[1]: content[1]: ")


def test_a_message_for_no_model_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"messages\[1\]: a RemoveMessage"):
        write(HumanMessage("Hi"), RemoveMessage(id="x"))


def test_nothing_to_send_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to send"):
        write(AIMessage(""))


def test_several_system_messages_stay_several() -> None:
    written = write(SystemMessage("One."), SystemMessage("Two."), HumanMessage("Hi"))
    assert [one["role"] for one in written] == ["system", "system", "user"]


# --- tool calls ------------------------------------------------------------------------------------------------


def call(name: str = "get_weather", args: Any = None, id: str = "call_1") -> dict[str, Any]:
    return {"name": name, "args": {"city": "杭州"} if args is None else args, "id": id}


WRITTEN_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "杭州"}'},
}
ANSWER = ToolMessage("晴", tool_call_id="call_1")


@pytest.mark.parametrize("content", ["", []], ids=["empty string", "empty list"])
def test_calls_without_words(content: Any) -> None:
    written = write(AIMessage(content, tool_calls=[call()]), ANSWER)
    assert written[0] == {"role": "assistant", "content": "", "tool_calls": [WRITTEN_CALL]}


def test_parallel_calls_and_their_results_stay_together() -> None:
    message = AIMessage("", tool_calls=[call(), call(id="call_2")])
    written = write(message, ANSWER, ToolMessage("风", tool_call_id="call_2"))
    assert [one["id"] for one in written[0]["tool_calls"]] == ["call_1", "call_2"]
    assert [one["tool_call_id"] for one in written[1:]] == ["call_1", "call_2"]


def test_a_broken_call_goes_out_where_the_history_answers_it() -> None:
    broken = {"name": "f", "args": '{"a": ', "id": "call_1", "error": "cut", "type": "invalid_tool_call"}
    message = AIMessage("Let me see.", invalid_tool_calls=[broken])
    assert "tool_calls" not in write(message, HumanMessage("Go on"))[0]
    answered = write(message, ToolMessage("Your JSON was cut off.", tool_call_id="call_1"))[0]
    assert answered["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": '}


@pytest.mark.parametrize("kind", ["tool_use", "tool_call"])
def test_answered_calls_that_stand_in_the_content_alone_go_out(kind: str) -> None:
    arguments = "input" if kind == "tool_use" else "args"
    block = {"type": kind, "id": "call_1", "name": "get_weather", arguments: {"city": "杭州"}}
    assert write(AIMessage([block]), ANSWER)[0]["tool_calls"] == [WRITTEN_CALL]
    assert write(AIMessage([block], tool_calls=[call()]), ANSWER)[0]["tool_calls"] == [WRITTEN_CALL]
    assert "tool_calls" not in write(AIMessage(["Hm.", block]), HumanMessage("Never mind"))[0]


def test_anthropics_tool_results_become_tool_messages() -> None:
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "晴"}]}
    written = write(
        AIMessage("", tool_calls=[call()]), HumanMessage([result, {"type": "text", "text": "And now?"}])
    )
    assert written[1:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "晴"},
        {"role": "user", "content": "And now?"},
    ]


def test_function_calls_of_old_become_tool_calls() -> None:
    asked = AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": '{"a": 1}'}})
    written = write(HumanMessage("Hi"), asked, FunctionMessage("2", name="f"))
    assert written[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert written[2] == {
        "role": "tool",
        "tool_call_id": written[1]["tool_calls"][0]["id"],
        "content": "2",
        "name": "f",
    }


def test_a_function_message_that_answers_nothing_is_said_by_the_user() -> None:
    assert write(FunctionMessage("2", name="f")) == [{"role": "user", "content": "2", "name": "f"}]


def test_an_image_in_a_tool_message() -> None:
    message = ToolMessage([{"type": "image", "base64": PNG, "mime_type": "image/png"}], tool_call_id="call_1")
    assert write(message)[0]["content"] == [image(f"data:image/png;base64,{PNG}")]


def test_data_in_a_tool_message_is_read_as_json() -> None:
    rows = [{"城市": "杭州", "度": 15}]
    message = ToolMessage(rows, tool_call_id="call_1")
    assert write(message)[0]["content"] == '[{"城市": "杭州", "度": 15}]'


def test_data_beside_an_image_in_a_tool_message() -> None:
    message = ToolMessage([{"type": "image", "url": URL}, {"rows": 1}], tool_call_id="call_1")
    assert write(message)[0]["content"] == [image(), {"type": "text", "text": '{"rows": 1}'}]


# --- reasoning -------------------------------------------------------------------------------------------------

THOUGHT = {"reasoning_content": "想一想", "encrypted_content": "gAAAA"}
V0 = AIMessage("", additional_kwargs=THOUGHT, tool_calls=[call()], response_metadata=OURS)
V1 = AIMessage(
    [
        {"type": "reasoning", "reasoning": "想一想", "extras": {"encrypted_content": "gAAAA"}},
        {"type": "tool_call", **call()},
    ],
    tool_calls=[call()],
    response_metadata={**OURS, "output_version": "v1"},
)


@pytest.mark.parametrize("message", [V0, V1], ids=["v0", "v1"])
@pytest.mark.parametrize(
    ("policy", "with_calls", "without"),
    [("always", True, True), ("tool_turns", True, False), ("never", False, False)],
)
def test_reasoning_goes_back_by_policy(message: AIMessage, policy: str, with_calls: bool, without: bool) -> None:
    said = write(message, ANSWER, reasoning=policy)[0]
    assert {key: said[key] for key in THOUGHT if key in said} == (THOUGHT if with_calls else {})
    words = AIMessage("晴", additional_kwargs=THOUGHT, response_metadata=OURS)
    said = write(words, reasoning=policy)[0]
    assert {key: said[key] for key in THOUGHT if key in said} == (THOUGHT if without else {})
    assert said["content"] == "晴"


@pytest.mark.parametrize("author", ["openai", "anthropic", "deepseek", "qianfan"])
def test_reasoning_of_another_provider_is_not_sent(author: str) -> None:
    foreign = V0.model_copy(update={"response_metadata": {"model_provider": author}})
    assert set(write(foreign, ANSWER, reasoning="always")[0]) == {"role", "content", "tool_calls"}


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        (MODEL, True),
        ("ep-20250101000000-abcde", True),
        ("doubao-seed-2-1-pro", True),
        ("doubao-seed-2-0-pro-260215", False),
    ],
)
def test_an_encrypted_thought_goes_to_the_model_that_thought_it(model: str, sent: bool) -> None:
    said = write(V0, ANSWER, model=model)[0]
    assert said["reasoning_content"] == "想一想"
    assert ("encrypted_content" in said) is sent


def test_several_reasoning_blocks_are_one_thought() -> None:
    blocks = [{"type": "reasoning", "reasoning": "One. "}, {"type": "reasoning", "reasoning": "Two."}]
    assert write(AIMessage([*blocks, "Done."]), reasoning="always")[0]["reasoning_content"] == "One. Two."


# --- any history at all ----------------------------------------------------------------------------------------

_texts = st.text(max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)
_blocks = st.one_of(
    st.sampled_from([block for block, _ in PARTS.values() if block != PARTS["a part type of tomorrow"][0]]),
    st.sampled_from([block for block, _ in REFUSED.values()]),
    st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(
        ["image_url", "image", "video", "audio", "file", "document", "media", "input_audio", "text", "reasoning"]
    ), st.dictionaries(st.sampled_from(["url", "base64", "text", "image_url", "source", "file"]), _json)),
)  # fmt: skip
_contents = _texts | st.lists(_texts | _blocks, max_size=3)
_calls = st.lists(st.builds(call, args=st.dictionaries(_texts, _json, max_size=2), id=st.sampled_from("abc")))
_messages = st.one_of(
    st.builds(HumanMessage, _contents),
    st.builds(SystemMessage, _contents),
    st.builds(ToolMessage, _contents, tool_call_id=st.sampled_from("abc")),
    st.builds(AIMessage, _contents, tool_calls=_calls),
    st.builds(FunctionMessage, _texts, name=st.just("f")),
    st.builds(ChatMessage, _contents, role=st.sampled_from(["developer", "user"])),
)
TAKEN = {"text", "image_url", "video_url", "input_audio", "file"}


@given(st.lists(_messages, max_size=5), st.sampled_from(["always", "tool_turns", "never"]))
@settings(max_examples=300, deadline=None)
def test_any_history_is_written_or_refused(messages: list[BaseMessage], policy: Any) -> None:
    try:
        written = write(*messages, reasoning=policy)
    except ValueError:
        return
    for message in written:
        assert message["role"] in {"system", "user", "assistant", "tool"}
        content = message["content"]
        assert isinstance(content, str) or {part["type"] for part in content} <= TAKEN
        if message["role"] == "assistant":
            assert content or message["tool_calls"]


# --- and any history in order is accepted ------------------------------------------------------------------------

_good_blocks = st.sampled_from([block for name, (block, _) in PARTS.items() if name != "a part type of tomorrow"])
_good_contents = _texts | st.lists(_good_blocks, max_size=3)
_foreign_blocks = st.sampled_from(
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "s"},
        {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "s"}},
        {"type": "reasoning", "summary": [], "id": "rs", "encrypted_content": "g"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "server_tool_call", "id": "s", "name": "web_search", "args": {}},
        {"type": "server_tool_result", "tool_call_id": "s", "status": "success"},
        {"type": "web_search_call", "id": "ws"},
        {"type": "image_generation_call", "id": "ig", "result": PNG},
        {"type": "non_standard", "value": {"type": "weird"}},
        {"type": "refusal", "refusal": "No."},
        {"type": "text", "text": "Yes.", "annotations": [], "id": "msg"},
        {"executable_code": "1", "type": "executable_code"},
        {"type": "image", "url": URL},
    ]
)


@st.composite
def _turns(draw: st.DrawFn, number: int) -> list[BaseMessage]:
    """What a user says, what any model does, and the results of its calls."""
    said: BaseMessage = HumanMessage(draw(_good_contents), name=draw(st.none() | st.just("ada")))
    provider = draw(st.sampled_from([None, "volcengine", "openai", "anthropic", "google_genai"]))
    called = [call(id=f"call_{number}_{place}") for place in range(draw(st.integers(0, 2)))]
    content = draw(_texts | st.lists(_foreign_blocks, max_size=4))
    blocks = draw(st.sampled_from([None, "tool_use", "tool_call"]))
    if blocks and isinstance(content, list):
        content = [*content, *({"type": blocks, "input": {}, **one} for one in called)]
    by_hand = bool(blocks) and isinstance(content, list) and draw(st.booleans())
    answer = AIMessage(
        content,
        tool_calls=[] if by_hand else called,
        additional_kwargs=draw(st.sampled_from([{}, THOUGHT])),
        response_metadata={"model_provider": provider} if provider else {},
    )
    if draw(st.booleans()):
        results: list[BaseMessage] = [ToolMessage(draw(_good_contents), tool_call_id=one["id"]) for one in called]
    else:
        results = [
            HumanMessage(
                [{"type": "tool_result", "tool_use_id": one["id"], "content": draw(_texts)} for one in called]
            )
        ]
    return [said, answer, *(results if called else [])]


@given(st.data(), st.sampled_from(["always", "tool_turns", "never"]))
@settings(max_examples=300, deadline=None)
def test_any_history_in_order_is_accepted(data: st.DataObject, policy: Any) -> None:
    messages = [one for number in range(data.draw(st.integers(1, 3))) for one in data.draw(_turns(number))]
    written = write(SystemMessage("Be brief."), *messages, HumanMessage("Hi"), reasoning=policy)
    # It raises where the service would refuse; this model hears and sees.
    read_chat_request({"model": "m", "messages": written}, MODELS["doubao-seed-2-0-lite-260428"])
