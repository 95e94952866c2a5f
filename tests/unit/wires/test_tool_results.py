"""Tool results are sent as data: complete, whatever they look like, and never an error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.language_models.chat_models import _format_for_tracing
from langchain_core.messages import AIMessage, FunctionMessage, HumanMessage, ToolMessage

from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan
from langchain_volcark.ark.messages import ArkMessageWriter
from langchain_volcark.qianfan.messages import QianfanMessageWriter
from langchain_volcark.wires.chat_completions.tool_results import as_standard_content
from tests.calls import request_of
from tests.unit.tool_values import missing, tool_contents, tool_values

PNG = "iVBORw0KGgo="
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 and so on").decode()
PDF = base64.b64encode(b"%PDF-1.7 and so on").decode()
PDF_BLOCK = {"type": "file", "base64": PDF, "mime_type": "application/pdf"}
MODELS: dict[str, Any] = {
    "ark": ChatArk(model="doubao-seed-2-1-pro-260915", api_key="k"),
    "ark, a model of text alone": ChatArk(model="deepseek-v3-2-251201", api_key="k"),
    "bot": ChatArkBot(model="bot-1", api_key="k"),
    "qianfan": ChatQianfan(model="ernie-4.5-turbo-vl", api_key="k"),
    "qianfan v1": ChatQianfan(
        model="ernie-4.0-8k", api_version="v1", access_token="t", base_url="http://127.0.0.1:1", max_characters=0
    ),
}


def sent(model: str, content: Any) -> Any:
    """The content of the last message that goes out for a tool's result."""
    called = AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "call_1"}])
    result = ToolMessage(content, tool_call_id="call_1", name="look")
    value = MODELS[model]._convert_input([HumanMessage("?"), called, result])
    messages = _normalize_messages(value.to_messages())
    _format_for_tracing(value.to_messages())
    written = request_of(MODELS[model], messages, None, stream=False).body["messages"][-1]["content"]
    if model == "qianfan v1":  # the text of a JSON object
        read = json.loads(written)
        return read["result"] if read.keys() == {"result"} else written
    return written


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=150)
@given(content=tool_contents)
def test_any_tool_message_is_sent_whole(model: str, content: Any) -> None:
    assert missing(content, sent(model, content)) == []


@settings(max_examples=150)
@given(content=tool_contents)
def test_reading_what_was_read_changes_nothing(content: Any) -> None:
    once = as_standard_content(ToolMessage(content, tool_call_id="c"))
    assert as_standard_content(once).content == once.content


@given(value=tool_values)
def test_an_anthropic_tool_result_is_data_as_well(value: Any) -> None:
    message = HumanMessage([{"type": "tool_result", "tool_use_id": "c", "content": value}])
    written = ArkMessageWriter("volcengine", "Ark").write([message])
    assert [one["role"] for one in written] == ["tool"]
    assert missing(value, written[0]["content"]) == [] or not value


@pytest.mark.parametrize(
    "rows",
    [
        [{"type": "file", "name": "a.txt", "size": 3}, {"type": "file", "name": "b.txt", "size": 9}],
        [{"type": "file", "path": "README.md", "url": "https://api.example.com/contents/README.md"}],
        [{"type": "document", "title": "Plan", "summary": "s"}],
        [{"type": "image", "title": "cat", "page": "https://e.example/1"}],
        [{"type": "image", "title": "cat", "url": "https://e.example/1.png"}],
        [{"type": "image", "url": 5}],
        [{"type": "image_url", "image_url": {"url": "/home/me/a.png"}}],
        [{"type": "image_url", "image_url": {"url": "https://e.example/1.png", "alt": "a cat"}}],
        [{"type": "image", "base64": "not base64", "mime_type": "image/png"}],
        [{"type": "image", "source_type": "base64", "title": "no data"}],
        [{"type": "search_result", "title": "T", "url": "https://e.example", "snippet": "S"}],
        [{"type": "text", "value": "x"}],
        [{"type": "text", "text": "x", "score": 0.5}],
        [{"type": "tool_use", "name": "f"}],
        [{"type": "reasoning", "reasoning": "r"}],
        [{"type": "weird"}, "and a text"],
        ["", "a"],
        [],
    ],
    ids=str,
)
@pytest.mark.parametrize("model", MODELS)
def test_rows_that_look_like_blocks_are_json(model: str, rows: list[Any]) -> None:
    assert json.loads(sent(model, rows)) == rows


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "content",
    ["a", [{"type": "text", "text": "a"}], [{"type": "text", "text": "a", "id": "lc_7", "annotations": []}]],
    ids=str,
)
def test_a_text_is_a_text(model: str, content: Any) -> None:
    assert sent(model, content) == "a"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "block",
    [
        PDF_BLOCK,
        {**PDF_BLOCK, "id": "lc_1"},
        {"type": "file", "base64": PDF},
        {"type": "file", "source_type": "base64", "data": PDF, "mime_type": "application/pdf"},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
    ],
    ids=str,
)
def test_a_pdf_is_named_with_type_and_size(model: str, block: dict[str, Any]) -> None:
    content = sent(model, [{"type": "text", "text": "The report:"}, block])
    text = content if isinstance(content, str) else "\n".join(part["text"] for part in content)
    assert text.startswith("The report:\n[file, application/pdf, 18 bytes: not shown, because ")
    assert PDF not in text


def test_a_file_keeps_its_name() -> None:
    assert sent("ark", [{**PDF_BLOCK, "extras": {"filename": "plan.pdf"}}]).startswith("[file, plan.pdf, ")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image", "base64": PNG, "mime_type": "image/png"},
        {"type": "image", "base64": PNG},
        {"type": "image", "base64": PNG, "mime_type": "image/png", "id": "lc_1"},
        {"type": "image", "data": PNG, "mimeType": "image/png"},
        {"type": "file", "base64": PNG, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source_type": "base64", "data": PNG},
    ],
    ids=str,
)
def test_an_image_is_sent_to_a_model_that_sees(block: dict[str, Any]) -> None:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    for model in ("ark", "bot", "qianfan"):
        assert sent(model, [block]) == [part]
    for model in ("ark, a model of text alone", "qianfan v1"):
        assert sent(model, [block]).startswith("[image, image/png, 8 bytes: not shown, because ")


def test_what_stands_beside_an_images_bytes_is_sent_before_it() -> None:
    remark, image = sent("ark", [{"type": "image", "base64": PNG, "title": "cat", "detail": {"odd": 1}}])
    assert json.loads(remark["text"]) == {
        "type": "image",
        "base64": "<8 bytes>",
        "title": "cat",
        "detail": {"odd": 1},
    }
    assert image == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "image", "base64": "PHN2Zy8+", "mime_type": "image/svg+xml"}, "[image, image/svg+xml, 6 bytes"),
        ({"type": "image", "base64": PNG + "A" * 4, "mime_type": "image/png"}, None),
        (
            {"type": "image", "base64": base64.b64encode(b"GIF89a" + bytes(10 * 2**20)).decode()},
            "[image, image/gif",
        ),
        ({"type": "audio", "base64": "SUQz", "mime_type": "audio/mpeg"}, "[audio, audio/mpeg, 3 bytes"),
        ({"type": "file", "url": "https://e.example/a.pdf"}, "[file, https://e.example/a.pdf"),
    ],
    ids=["svg", "broken", "too large", "audio", "address"],
)
def test_media_that_would_be_refused_is_named(block: dict[str, Any], words: str | None) -> None:
    content = sent("ark", [block])
    if words is None:
        assert json.loads(content) == [block]
    else:
        assert content.startswith(words)


def test_what_has_no_json_form_is_written_by_its_own() -> None:
    looped: list[Any] = []
    looped.append(looped)
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for odd in ({("a", 1): "b"}, {"a": {1, 2}}, looped, deep):
        message = ToolMessage("", tool_call_id="c")
        message.content = [{"odd": odd}]
        assert ArkMessageWriter("volcengine", "Ark").write([message])[0]["content"]


def test_a_function_message_is_a_tools_result() -> None:
    rows: list[Any] = [{"type": "file", "name": "a"}]
    for writer in (ArkMessageWriter("volcengine", "Ark"), QianfanMessageWriter("qianfan", "Qianfan")):
        messages = [HumanMessage("?"), FunctionMessage(rows, name="f")]
        assert json.loads(writer.write_with_positions(messages)[-1][1]["content"]) == rows


def test_a_history_with_an_assistants_broken_media_goes_on() -> None:
    message = AIMessage([{"type": "image", "url": 5}, {"type": "text", "text": "Hi"}])
    assert ArkMessageWriter("volcengine", "Ark").write([message])[0]["content"] == "Hi"


@settings(max_examples=100)
@given(content=tool_contents)
def test_tokens_of_any_tool_message_are_estimated(content: Any) -> None:
    assert MODELS["ark"].get_num_tokens_from_messages([ToolMessage(content, tool_call_id="c")]) > 0


def test_the_users_messages_are_not_changed() -> None:
    message = ToolMessage([{"type": "file", "name": "a"}], tool_call_id="c")
    human = HumanMessage([{"type": "image", "base64": JPEG}])
    read = MODELS["ark"]._convert_input([human, message]).to_messages()
    assert message.content == [{"type": "file", "name": "a"}]
    assert human.content == [{"type": "image", "base64": JPEG}]
    assert read[0].content == [{"type": "image", "base64": JPEG, "mime_type": "image/jpeg"}]


@pytest.mark.parametrize("model", MODELS)
def test_an_image_of_no_known_format_is_refused_with_its_place(model: str) -> None:
    messages = [HumanMessage("?"), HumanMessage(["Look", {"type": "image", "base64": "AAAA"}])]
    with pytest.raises(ValueError, match=r"^messages\[1\]: content\[1\]: the image needs its mime_type"):
        MODELS[model].invoke(messages)


def test_an_assistants_image_of_no_known_format_ends_no_conversation() -> None:
    drawn = AIMessage([{"type": "image", "base64": "AAAA"}, {"type": "text", "text": "Here."}])
    read = MODELS["ark"]._convert_input([HumanMessage("Draw."), drawn, HumanMessage("Thanks.")]).to_messages()
    _format_for_tracing(read)
    written = request_of(MODELS["ark"], _normalize_messages(read), None, stream=False).body["messages"]
    assert [one["content"] for one in written] == ["Draw.", "Here.", "Thanks."]
