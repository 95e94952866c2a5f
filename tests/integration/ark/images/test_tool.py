"""The tool for agents: its arguments, content, artifact and failures; alone, and in agents on both wires."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, ToolException
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ValidationError

from langchain_volcark import ArkImage, ChatArk, GeneratedImages
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import ContentFilterError
from tests.integration.ark.images.conftest import Make

LITE, PRO = "doubao-seedream-5-0-260128", "doubao-seedream-5-0-pro-260628"
THREE, EDIT = "doubao-seedream-3-0-t2i-250415", "doubao-seededit-3-0-i2i-250628"
MODEL = "doubao-seed-2-1-pro-260915"
LINK = "https://example.com/a.png"

Call = Callable[..., Awaitable[ToolMessage]]


@pytest.fixture
def call(is_async: bool) -> Call:
    """Calls a tool as an agent does."""

    async def run(tool: BaseTool, **arguments: Any) -> ToolMessage:
        wanted = {"type": "tool_call", "id": "c1", "name": tool.name, "args": arguments}
        found = await tool.ainvoke(wanted) if is_async else tool.invoke(wanted)
        assert isinstance(found, ToolMessage)
        return found

    return run


def images(message: ToolMessage) -> list[Any]:
    return [block for block in message.content if isinstance(block, dict) and block["type"] == "image"]


async def test_the_content_has_a_picture_by_link_and_the_artifact_all_of_it(make: Make, call: Call) -> None:
    message = await call(make().as_tool(), prompt="A red fox")
    (picture,) = message.artifact
    assert isinstance(message.artifact, GeneratedImages)
    assert images(message) == [{"type": "image", "url": picture.url, "mime_type": "image/jpeg"}]
    assert message.text.startswith(
        f"1 picture generated.\nPicture 1, 2048x2048, link (valid for 24 hours): {picture.url}"
    )
    assert picture.size == "2048x2048"
    assert message.artifact.usage["generated_images"] == 1
    assert [block["type"] for block in message.content_blocks] == ["text", "image"]
    assert message.status == "success"


async def test_a_moderated_picture_is_listed_and_no_exception(make: Make, call: Call) -> None:
    message = await call(make().as_tool(), prompt="Seasons EMULATOR_REFUSE_IMAGE_2", count=3)
    assert len(images(message)) == len(message.artifact) == 2
    assert "Picture 2 failed: " in message.text
    assert "code=OutputImageSensitiveContentDetected" in message.text
    assert isinstance(message.artifact.errors[1], ContentFilterError)
    assert message.status == "success"


async def test_a_failure_is_told_to_the_agent_with_code_and_advice(make: Make, call: Call) -> None:
    message = await call(make().as_tool(handle_tool_error=True), prompt="EMULATOR_REFUSE_OUTPUT")
    assert message.status == "error"
    assert "Moderation refused it; change the prompt" in message.text
    assert "code=OutputImageSensitiveContentDetected" in message.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prompt": "EMULATOR_REFUSE_OUTPUT"}, "code=OutputImageSensitiveContentDetected"),
        ({"prompt": "EMULATOR_REFUSE_OUTPUT", "count": 2}, "code=OutputImageSensitiveContentDetected"),
        ({"prompt": "A fox", "size": "1K"}, "^size: "),
        ({"prompt": ""}, "^prompt is empty"),
        ({"prompt": "A fox", "image_urls": ["/etc/passwd"]}, "^image_urls: '/etc/passwd' is not a link"),
        ({"prompt": "A fox", "image_urls": ["file:///etc/passwd"]}, "^image_urls: "),
        ({"prompt": "A fox", "image_urls": [LINK] * 15}, "^images: "),
    ],
)
async def test_a_failure_is_a_tool_exception(make: Make, call: Call, arguments: Any, words: str) -> None:
    with pytest.raises(ToolException, match=words):
        await call(make().as_tool(), **arguments)


async def test_media_that_an_error_quotes_stays_out_of_the_context(
    make: Make, call: Call, emulator: Emulator
) -> None:
    emulator.reply_next(
        {"error": {"code": "InvalidParameter", "message": f"bad data:image/png;base64,{'A' * 9000}"}}
    )
    with pytest.raises(ToolException, match=r"bad data:image/png;base64,\[9000 characters\]") as caught:
        await call(make().as_tool(), prompt="A fox")
    assert len(str(caught.value)) < 400


async def test_links_in_errors_are_not_signed(make: Make, call: Call, emulator: Emulator) -> None:
    link = "https://example.com/a.png?X-Tos-Date=1&X-Tos-Signature=abc123&x=1"
    emulator.reply_next({"error": {"code": "InvalidParameter", "message": f"cannot fetch {link}"}})
    with pytest.raises(ToolException, match=r"X-Tos-Date=1&X-Tos-Signature=\[redacted\]&x=1"):
        await call(make().as_tool(), prompt="A fox")


async def test_arguments_that_it_does_not_have_are_refused(make: Make, call: Call, emulator: Emulator) -> None:
    with pytest.raises(ValidationError, match="first_frame"):
        await call(make().as_tool(), prompt="A fox", first_frame=LINK)
    assert emulator.requests == []


async def test_empty_arguments_are_not_given(make: Make, call: Call, emulator: Emulator) -> None:
    await call(make().as_tool(), prompt="A fox", image_urls=[""], size="")
    assert emulator.requests[-1].json.keys() == {"model", "prompt"}


async def test_no_name_of_a_folder_is_the_current_one(
    make: Make, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await call(make().as_tool(save_to=""), prompt="A fox")
    assert [path.suffix for path in tmp_path.iterdir()] == [".jpeg"]


async def test_bytes_are_in_the_artifact_alone(make: Make, call: Call) -> None:
    message = await call(make(response_format="b64_json").as_tool(), prompt="A fox")
    assert images(message) == []
    assert message.artifact[0].data.startswith(b"\xff\xd8\xff")
    assert len(json.dumps(message.content)) < 200
    assert ArkImage(**json.loads(message.model_dump_json())["artifact"][0]) == message.artifact[0]


@pytest.mark.parametrize("response_format", ["url", "b64_json"])
async def test_pictures_are_saved_and_their_paths_told(
    make: Make, call: Call, tmp_path: Path, response_format: str
) -> None:
    tool = make(response_format=response_format).as_tool(save_to=tmp_path / "new")
    message = await call(tool, prompt="Seasons", count=2)
    paths = sorted((tmp_path / "new").iterdir())
    assert len(paths) == 2
    for path in paths:
        assert f"saved as {path}" in message.text
        assert path.read_bytes().startswith(b"\xff\xd8\xff")


async def test_a_picture_that_cannot_be_saved_is_not_lost(make: Make, call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = await call(make().as_tool(save_to=tmp_path / "file" / "folder"), prompt="A fox")
    assert message.status == "success"
    assert "not saved: " in message.text
    assert len(images(message)) == len(message.artifact) == 1


async def test_pictures_that_came_with_an_error_are_not_lost(make: Make, call: Call, emulator: Emulator) -> None:
    error = {"code": "InternalServiceError", "message": "Broken."}
    emulator.reply_next({"model": LITE, "created": 1, "data": [{"url": LINK}], "error": error})
    message = await call(make().as_tool(), prompt="A fox")
    assert message.status == "success"
    assert images(message) == [{"type": "image", "url": LINK, "mime_type": "image/png"}]
    assert message.artifact[0].url == LINK
    assert "Broken. [status=200, code=InternalServiceError" in message.text


async def test_a_model_that_does_not_see_gets_text_alone(make: Make, call: Call) -> None:
    message = await call(make().as_tool(show_images=False), prompt="A fox")
    assert images(message) == []
    assert message.artifact[0].url in message.text


async def test_arguments_are_passed_on(make: Make, call: Call, emulator: Emulator) -> None:
    await call(make(watermark=False).as_tool(), prompt="A fox", image_urls=[LINK], size="3K", count=2)
    assert emulator.requests[-1].json == {
        "model": LITE,
        "prompt": "A fox",
        "image": LINK,
        "size": "3K",
        "watermark": False,
        "sequential_image_generation": "auto",
        "sequential_image_generation_options": {"max_images": 2},
    }
    await call(make(max_images=3, size="2K").as_tool(), prompt="A fox", image_urls=[], size=None, count=None)
    sent = emulator.requests[-1].json
    assert (sent["size"], sent["sequential_image_generation_options"]) == ("2K", {"max_images": 3})
    await call(make(max_images=3).as_tool(), prompt="A fox", count=1)
    assert "sequential_image_generation" not in emulator.requests[-1].json


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        (LITE, {"prompt", "image_urls", "size", "count"}),
        (PRO, {"prompt", "image_urls", "size"}),
        (THREE, {"prompt", "size"}),
        (EDIT, {"prompt", "image_urls", "size"}),
        ("ep-1", {"prompt", "image_urls", "size", "count"}),
    ],
)
def test_the_tool_has_the_arguments_of_its_model(make: Make, model: str, arguments: set[str]) -> None:
    tool = make(model=model).as_tool()
    assert set(tool.args) == arguments
    schema: Any = tool.get_input_schema().model_json_schema()
    assert set(schema["required"]) == ({"prompt", "image_urls"} if model == EDIT else {"prompt"})
    assert ("edit and combine" in tool.description) == (model != THREE)


def test_name_and_description_can_be_given(make: Make) -> None:
    tool = make().as_tool("draw", "Draws.")
    assert (tool.name, tool.description) == ("draw", "Draws.")
    assert make().as_tool().name == "generate_image"
    assert "2K, 3K, 4K" in tool.args["size"]["description"]
    assert make().as_tool().description.endswith("given pictures. Returns links to the pictures.")
    inline = make(response_format="b64_json")
    assert inline.as_tool(save_to="x").description.endswith(
        "given pictures. Returns the paths of the saved files."
    )
    assert inline.as_tool().description.endswith("given pictures.")


# --- in agents ------------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def chat(request: pytest.FixtureRequest, emulator: Emulator) -> ChatArk:
    return ChatArk(
        model=MODEL,
        api_key=emulator.api_key,
        base_url=emulator.ark_base_url,
        use_responses_api=request.param,
    )


async def ask(agent: Any, text: str, *, is_async: bool, **config: Any) -> list[Any]:
    question = {"messages": [HumanMessage(text)]}
    state = await agent.ainvoke(question, config) if is_async else agent.invoke(question, config)
    messages: list[Any] = state["messages"]
    return messages


async def test_an_agent_sees_the_picture_it_asked_for(
    make: Make, chat: ChatArk, emulator: Emulator, is_async: bool
) -> None:
    agent = create_agent(chat, [make().as_tool()])
    messages = await ask(agent, 'Use generate_image for "a red fox" with size: "3K"', is_async=is_async)
    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"]
    result = messages[2]
    (picture,) = result.artifact
    assert picture.size == "3072x3072"
    assert messages[3].text.startswith("The tools answered: generate_image returned 1 picture generated.")
    assert [block["type"] for block in result.content_blocks] == ["text", "image"]
    sent = emulator.requests[-1].json
    if chat.use_responses_api:
        output = sent["input"][-1]["output"]
        assert output == [
            {"type": "input_text", "text": result.text},
            {"type": "input_image", "image_url": picture.url},
        ]
    else:
        assert sent["messages"][-1]["content"] == [
            {"type": "text", "text": result.text},
            {"type": "image_url", "image_url": {"url": picture.url}},
        ]


async def test_an_agent_goes_on_after_a_refused_picture(make: Make, chat: ChatArk, is_async: bool) -> None:
    agent = create_agent(chat, [make().as_tool(handle_tool_error=True)])
    messages = await ask(agent, 'Use generate_image for "EMULATOR_REFUSE_IMAGE"', is_async=is_async)
    assert (messages[2].status, messages[3].type) == ("error", "ai")
    assert "OutputImageSensitiveContentDetected" in messages[3].text


async def test_a_conversation_with_pictures_is_resumed_from_its_checkpoint(
    make: Make, chat: ChatArk, is_async: bool
) -> None:
    agent = create_agent(chat, [make().as_tool()], checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "1"}}
    await ask(agent, 'Use generate_image for "a red fox"', is_async=is_async, **thread)
    messages = await ask(agent, "Another, please", is_async=is_async, **thread)
    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"] * 2
    (kept,) = messages[2].artifact
    assert ArkImage(**kept).read().startswith(b"\xff\xd8\xff")
