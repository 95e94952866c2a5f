"""Uploaded files in messages: on both of Ark's APIs, in streams, in chains, and from tools of agents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_volcark import ArkFile, ArkFiles, ChatArk, ChatArkBot
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError, NotFoundError, PermissionDeniedError
from tests.documents import mp4, pdf, wav
from tests.pictures import png

Json = dict[str, Any]
FERRY = "The ferry Aurora leaves at eight.\nThe bakery sells bread."
CONTENTS = {
    "image": ("a.png", png(1, 2, 3)),
    "video": ("a.mp4", mp4()),
    "audio": ("a.wav", wav()),
    "file": ("a.pdf", pdf(FERRY)),
}
HEARS = "doubao-seed-2-0-lite-260428"
# What each API is sent for each kind of file.
RESPONSES = {
    "image": lambda file_id: {"type": "input_image", "file_id": file_id},
    "video": lambda file_id: {"type": "input_video", "file_id": file_id},
    "audio": lambda file_id: {"type": "input_audio", "file_id": file_id},
    "file": lambda file_id: {"type": "input_file", "file_id": file_id},
}
CHAT: dict[str, Callable[[str], Json]] = {
    "image": lambda file_id: {"type": "image_url", "image_url": {"file_id": file_id}},
    "video": lambda file_id: {"type": "video_url", "video_url": {"file_id": file_id}},
    "audio": lambda file_id: {"type": "input_audio", "input_audio": {"file_id": file_id}},
    "file": lambda file_id: {"type": "file", "file": {"file_id": file_id}},
}
SAID = {
    "image": "You said: Look. (with 1 image)",
    "video": "You said: Look. (with 1 video)",
    "audio": "You said: Look. (with 1 audio)",
    "file": "The ferry Aurora leaves at eight. [a.pdf] The bakery sells bread. [a.pdf]",
}

both_apis = pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
each_kind = pytest.mark.parametrize("kind", CONTENTS)


@pytest.fixture
def files(emulator: Emulator, waits: list[float]) -> ArkFiles:
    return ArkFiles(api_key=emulator.api_key, base_url=emulator.ark_base_url)


@pytest.fixture
def make(emulator: Emulator, waits: list[float]) -> Callable[..., ChatArk]:
    def made(**arguments: Any) -> ChatArk:
        defaults = {"model": HEARS, "api_key": emulator.api_key, "base_url": emulator.ark_base_url}
        return ChatArk(**{**defaults, **arguments})

    return made


def upload(files: ArkFiles, kind: str = "file", **options: Any) -> ArkFile:
    name, content = CONTENTS[kind]
    return files.upload(content, filename=name, **options)


def look(*blocks: Any, text: str = "Look.") -> list[Any]:
    return [HumanMessage([{"type": "text", "text": text}, *blocks])]


def parts_sent(emulator: Emulator) -> list[Json]:
    body = emulator.requests[-1].json
    found = (body["input"] if "input" in body else body["messages"])[-1]["content"][1:]
    assert isinstance(found, list)
    return found


@both_apis
@each_kind
def test_a_block_is_sent_by_id_and_read(
    files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator, kind: str, responses: bool
) -> None:
    file = upload(files, kind)
    answer = make(use_responses_api=responses).invoke(look(file.block()))
    assert parts_sent(emulator) == [(RESPONSES if responses else CHAT)[kind](file.id)]
    assert answer.text == SAID[kind]


@both_apis
async def test_streams_and_async_calls_read_it_too(
    files: ArkFiles, make: Callable[..., ChatArk], responses: bool
) -> None:
    model, question = make(use_responses_api=responses), look(upload(files).block())
    assert "".join(chunk.text for chunk in model.stream(question)) == SAID["file"]
    assert "".join([chunk.text async for chunk in model.astream(question)]) == SAID["file"]
    assert (await model.ainvoke(question)).text == SAID["file"]


def test_how_a_video_is_sampled_was_said_at_its_upload(
    files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator
) -> None:
    block = upload(files, "video", fps=0.3).block()
    make(use_responses_api=True).invoke(look({**block, "fps": 2}))
    assert parts_sent(emulator) == [{"type": "input_video", "file_id": block["file_id"]}]


@both_apis
def test_options_of_an_image_go_along(
    files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator, responses: bool
) -> None:
    options = {"detail": "high", "image_pixel_limit": {"min_pixels": 3_136, "max_pixels": 50_000}}
    file = upload(files, "image")
    make(use_responses_api=responses).invoke(look(file.block(**options)))  # type: ignore[arg-type]
    (part,) = parts_sent(emulator)
    assert (part if responses else part["image_url"]).items() >= options.items()


@both_apis
def test_several_files_keep_their_order(
    files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator, responses: bool
) -> None:
    uploaded = [upload(files, kind) for kind in CONTENTS]
    make(use_responses_api=responses).invoke(look(*(file.block() for file in uploaded)))
    forms = RESPONSES if responses else CHAT
    assert parts_sent(emulator) == [forms[kind](file.id) for kind, file in zip(CONTENTS, uploaded, strict=True)]


@both_apis
def test_a_question_about_a_document_is_answered_from_it(
    files: ArkFiles, make: Callable[..., ChatArk], responses: bool
) -> None:
    model = make(use_responses_api=responses)
    history: list[Any] = look(upload(files).block(), text="When does the ferry leave?")
    first = model.invoke(history)
    assert first.text == "The ferry Aurora leaves at eight. [a.pdf]"
    history += [first, HumanMessage("And what does the bakery sell?")]
    assert model.invoke(history).text == "The bakery sells bread. [a.pdf]"


def test_a_chain_remembers_the_document(files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator) -> None:
    model = make(use_responses_api=True, use_previous_response_id=True)
    history: list[Any] = look(upload(files).block(), text="When does the ferry leave?")
    history += [model.invoke(history), HumanMessage("And what does the bakery sell?")]
    assert model.invoke(history).text == "The bakery sells bread. [a.pdf]"
    assert "previous_response_id" in emulator.requests[-1].json
    assert "file_id" not in emulator.requests[-1].body.decode()


def test_a_bot_reads_files_too(files: ArkFiles, emulator: Emulator) -> None:
    bot = ChatArkBot(model="bot-1", api_key=emulator.api_key, base_url=emulator.ark_base_url)
    assert bot.invoke(look(upload(files, "image").block())).text == SAID["image"]


@both_apis
def test_a_file_that_is_still_processed_is_asked_for_again(
    files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator, responses: bool, waits: list[float]
) -> None:
    file = upload(files, wait=False)
    model = make(use_responses_api=responses, max_retries=1)
    with pytest.raises(PermissionDeniedError, match="is not active: it is processing") as caught:
        model.invoke(look(file.block()))
    assert caught.value.code == "OperationDenied.InvalidState"
    assert len(waits) == 1
    files.wait(file.id)
    assert model.invoke(look(file.block())).text == SAID["file"]


@both_apis
def test_a_file_of_another_type_or_none_is_the_services_error(
    files: ArkFiles, make: Callable[..., ChatArk], responses: bool
) -> None:
    file = upload(files, "video")
    model = make(use_responses_api=responses)
    with pytest.raises(InvalidRequestError, match=f"{file.id} is video/mp4, expected an image"):
        model.invoke(look({"type": "image", "file_id": file.id}))
    files.delete(file.id)
    with pytest.raises(NotFoundError, match="does not exist"):
        model.invoke(look(file.block()))


@both_apis
@each_kind
def test_the_file_of_a_tool_is_read(
    files: ArkFiles, make: Callable[..., ChatArk], emulator: Emulator, kind: str, responses: bool
) -> None:
    def fetch_report(name: str) -> list[Json]:
        """Fetch a report."""
        return [{**upload(files, kind).block(), "type": "file"}]  # agents write other types of media as text

    agent: Any = create_agent(make(use_responses_api=responses), [fetch_report])
    result = agent.invoke({"messages": [("human", "Use fetch_report for the 'ferry'.")]})
    tool = next(message for message in result["messages"] if isinstance(message, ToolMessage))
    assert isinstance(result["messages"][-1], AIMessage)
    body = emulator.requests[-1].json
    output = body["input"][-1]["output"] if responses else body["messages"][-1]["content"]
    (stored,) = emulator.files.stored
    assert output == [(RESPONSES if responses else CHAT)[kind](stored.id)]
    assert stored.id in str(tool.content)
    if kind == "file":
        assert "The ferry Aurora leaves at eight. [a.pdf]" in result["messages"][-1].text


def test_its_tokens_can_be_estimated(files: ArkFiles, make: Callable[..., ChatArk]) -> None:
    assert make().get_num_tokens_from_messages(look(upload(files, "image").block())) > 100
