"""The two tools for agents: content, artifact, failures, saving; alone, and in agents on both wires."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, ToolException
from langgraph.checkpoint.memory import InMemorySaver

from langchain_volcark import ArkVideoTask, ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import AuthenticationError, ContentFilterError
from tests.clock import Clock
from tests.integration.ark.videos.conftest import Make

MODEL = "doubao-seed-2-1-pro-260915"
LINK = "https://example.com/a.png"

Ask = Callable[..., Awaitable[ToolMessage]]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def ask(is_async: bool) -> Ask:
    """Calls a tool as an agent does."""

    async def run(tool: BaseTool, **arguments: Any) -> ToolMessage:
        wanted = {"type": "tool_call", "id": "c1", "name": tool.name, "args": arguments}
        found = await tool.ainvoke(wanted) if is_async else tool.invoke(wanted)
        assert isinstance(found, ToolMessage)
        return found

    return run


@pytest.fixture
def tools(make: Make, clock: Clock) -> Sequence[BaseTool]:
    return make().as_tools()


def sent(emulator: Emulator) -> Any:
    return next(request.json for request in emulator.requests if request.method == "POST")


class TestResults:
    async def test_the_content_is_text_with_the_link_and_the_artifact_the_task(
        self, tools: Sequence[BaseTool], ask: Ask
    ) -> None:
        message = await ask(tools[0], prompt="A cat", duration=4)
        task = message.artifact
        assert isinstance(task, ArkVideoTask)
        assert task.status == "succeeded"
        assert (
            message.content == f"The video is ready (720p, 16:9, 4 s): {task.video_url}\nThe link lives 24 hours."
        )
        assert message.status == "success"

    async def test_a_video_that_takes_longer_is_looked_at_later(
        self, make: Make, ask: Ask, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.plan_video(polls=9)
        generate, check = make().as_tools(tool_wait=20)
        message = await ask(generate, prompt="A cat")
        task_id = message.artifact.id
        assert message.artifact.status == "running"
        assert (
            message.content
            == f"The video is not ready yet (running). Ask check_video later with the task_id {task_id}."
        )
        states = []
        while not states or "is ready" not in states[-1]:
            message = await ask(check, task_id=task_id)
            states.append(message.text)
        assert states[0].startswith("The video is not ready yet (running)")
        assert message.artifact.video_url in states[-1]
        assert sum(request.method == "POST" for request in emulator.requests) == 1

    async def test_a_tool_need_not_wait_at_all(self, make: Make, ask: Ask, emulator: Emulator) -> None:
        message = await ask(make().as_tools(tool_wait=0)[0], prompt="A cat")
        assert message.text.startswith("The video is not ready yet (queued)")
        assert len(emulator.requests) == 1

    async def test_the_last_picture_is_told_too(
        self, make: Make, ask: Ask, emulator: Emulator, clock: Clock
    ) -> None:
        message = await ask(make(return_last_frame=True).as_tools()[0], prompt="A cat")
        assert f"Its last picture: {message.artifact.last_frame_url}" in message.text

    async def test_videos_are_saved_and_their_path_told(
        self, make: Make, ask: Ask, clock: Clock, tmp_path: Path
    ) -> None:
        generate, check = make().as_tools(save_to=tmp_path / "new")
        message = await ask(generate, prompt="A cat")
        path = tmp_path / "new" / f"{message.artifact.id}.mp4"
        assert f"It was saved as {path}." in message.text
        assert path.read_bytes()[4:8] == b"ftyp"
        path.unlink()
        assert f"It was saved as {path}." in (await ask(check, task_id=message.artifact.id)).text

    async def test_a_video_that_cannot_be_saved_is_not_lost(
        self, make: Make, ask: Ask, clock: Clock, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        message = await ask(make().as_tools(save_to=tmp_path / "file" / "x")[0], prompt="A cat")
        assert message.status == "success"
        assert message.artifact.video_url in message.text
        assert "It could not be saved: " in message.text

    async def test_a_task_survives_json(self, tools: Sequence[BaseTool], ask: Ask) -> None:
        message = await ask(tools[0], prompt="A cat")
        again = ArkVideoTask(**json.loads(message.model_dump_json())["artifact"])
        assert again == message.artifact


class TestArguments:
    async def test_they_are_passed_on(self, make: Make, ask: Ask, emulator: Emulator, clock: Clock) -> None:
        tool = make(watermark=True, duration=9).as_tools()[0]
        await ask(
            tool, prompt="A cat", first_frame_url=LINK, last_frame_url=LINK, ratio="1:1", resolution="480p",
            reference_urls=[], duration=None,
        )  # fmt: skip
        body = sent(emulator)
        assert [part.get("role") for part in body["content"]] == [None, "first_frame", "last_frame"]
        assert (body["duration"], body["ratio"], body["resolution"], body["watermark"]) == (9, "1:1", "480p", True)

    async def test_references_are_told_apart_by_their_names(
        self, tools: Sequence[BaseTool], ask: Ask, emulator: Emulator
    ) -> None:
        await ask(tools[0], prompt="A cat", reference_urls=[LINK, "https://example.com/b.mp4?x=1"])
        roles = [part.get("role") for part in sent(emulator)["content"]]
        assert roles == [None, "reference_image", "reference_video"]

    @pytest.mark.parametrize(
        ("model", "arguments"),
        [
            ("doubao-seedance-2-0-260128", {"first_frame_url", "last_frame_url", "reference_urls"}),
            ("doubao-seedance-1-5-pro-251215", {"first_frame_url", "last_frame_url"}),
            ("doubao-seedance-1-0-pro-fast-251015", {"first_frame_url"}),
            ("doubao-seedance-1-0-lite-t2v-250428", set()),
            ("ep-1", {"first_frame_url", "last_frame_url", "reference_urls"}),
        ],
    )
    def test_the_tool_has_the_arguments_of_its_model(self, make: Make, model: str, arguments: set[str]) -> None:
        generate, check = make(model=model).as_tools()
        assert set(generate.args) == {"prompt", "duration", "resolution", "ratio"} | arguments
        assert set(check.args) == {"task_id"}
        assert (generate.name, check.name) == ("generate_video", "check_video")

    def test_waiting_is_checked_when_the_tools_are_made(self, make: Make) -> None:
        with pytest.raises(ValueError, match="tool_wait must be a number of seconds"):
            make().as_tools(tool_wait=-1)


class TestFailures:
    async def test_a_failed_task_is_told_with_code_and_advice(
        self, make: Make, ask: Ask, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.plan_video("failed", times=2)
        message = await ask(make().as_tools(handle_tool_error=True)[0], prompt="A cat")
        assert message.status == "error"
        assert "code=OutputVideoSensitiveContentDetected" in message.text
        assert "Moderation refused it; change the prompt" in message.text

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"prompt": "EMULATOR_SENSITIVE_INPUT"}, "code=InputTextSensitiveContentDetected"),
            ({"prompt": "A cat", "duration": 99}, "duration=99 is not possible"),
            ({"prompt": "A cat", "last_frame_url": LINK}, "last_frame needs a first_frame"),
            ({"prompt": "A cat", "first_frame_url": "/etc/passwd"}, "first_frame: '/etc/passwd' is no link"),
            (
                {"prompt": "A cat", "reference_urls": ["file:///etc/passwd"]},
                "reference: 'file:///etc/passwd' is no",
            ),
        ],
    )
    async def test_a_failure_is_a_tool_exception(
        self, make: Make, ask: Ask, clock: Clock, arguments: dict[str, Any], text: str
    ) -> None:
        with pytest.raises(ToolException, match=text):
            await ask(make().as_tools()[0], **arguments)

    async def test_failed_and_expired_tasks_are_tool_exceptions(
        self, make: Make, ask: Ask, emulator: Emulator, clock: Clock
    ) -> None:
        generate, check = make().as_tools()
        for status, text in (("failed", "code=OutputVideo"), ("expired", "execution_expires_after")):
            emulator.plan_video(status)
            with pytest.raises(ToolException, match=text) as caught:
                await ask(generate, prompt="A cat")
            task_id = next(word for word in str(caught.value).split() if word.startswith("cgt-"))
            with pytest.raises(ToolException, match=text):
                await ask(check, task_id=task_id)

    async def test_a_failure_while_waiting_names_the_paid_task(
        self, make: Make, ask: Ask, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.reply_next({"id": "cgt-1"}, path="/tasks")
        emulator.fail_next(401, "AuthenticationError", path="cgt-1")
        with pytest.raises(ToolException, match=r"The video task is cgt-1\.") as caught:
            await ask(make().as_tools()[0], prompt="A cat")
        assert isinstance(caught.value.__cause__, AuthenticationError)

    async def test_an_unknown_task_is_told(self, make: Make, ask: Ask) -> None:
        message = await ask(make().as_tools(handle_tool_error=True)[1], task_id="cgt-none")
        assert (message.status, "code=NotFound" in message.text) == ("error", True)

    async def test_the_text_of_failures_can_be_chosen(self, make: Make, ask: Ask, clock: Clock) -> None:
        tool = make().as_tools(handle_tool_error="It did not work.")[0]
        assert (await ask(tool, prompt="EMULATOR_SENSITIVE_INPUT")).text == "It did not work."

    async def test_the_cause_is_our_exception(
        self, make: Make, ask: Ask, clock: Clock, emulator: Emulator
    ) -> None:
        emulator.plan_video("failed")
        with pytest.raises(ToolException) as caught:
            await ask(make().as_tools()[0], prompt="A cat")
        assert isinstance(caught.value.__cause__, ContentFilterError)


# --- in agents ------------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def chat(request: pytest.FixtureRequest, emulator: Emulator) -> ChatArk:
    return ChatArk(
        model=MODEL,
        api_key=emulator.api_key,
        base_url=emulator.ark_base_url,
        use_responses_api=request.param,
    )


async def run_agent(agent: Any, text: str, *, is_async: bool, **config: Any) -> list[Any]:
    question = {"messages": [HumanMessage(text)]}
    state = await agent.ainvoke(question, config) if is_async else agent.invoke(question, config)
    messages: list[Any] = state["messages"]
    return messages


async def test_an_agent_makes_a_video_and_reports_its_link(
    tools: Sequence[BaseTool], chat: ChatArk, is_async: bool, emulator: Emulator
) -> None:
    agent = create_agent(chat, tools)
    messages = await run_agent(agent, 'Use generate_video for "a red fox" with duration: 4', is_async=is_async)
    assert [message.type for message in messages] == ["human", "ai", "tool", "ai"]
    task = messages[2].artifact
    assert (task.duration, task.status) == (4, "succeeded")
    assert messages[2].content.startswith("The video is ready")
    assert task.video_url in messages[3].text


async def test_an_agent_asks_again_for_a_video_that_takes_longer(
    make: Make, chat: ChatArk, is_async: bool, emulator: Emulator, clock: Clock
) -> None:
    emulator.plan_video(polls=1)
    agent = create_agent(chat, make().as_tools(tool_wait=0), checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    messages = await run_agent(agent, 'Use generate_video for "a red fox"', is_async=is_async, **config)
    pending = messages[2].artifact
    assert pending.id in messages[3].text
    question = f"Use check_video with task_id: {pending.id}"
    messages = await run_agent(agent, question, is_async=is_async, **config)
    assert ArkVideoTask(**messages[2].artifact) == pending  # checkpoints keep it as a dictionary
    assert messages[-2].artifact.id == pending.id
    assert messages[-2].artifact.video_url in messages[-1].text


async def test_an_agent_is_told_what_failed(
    make: Make, chat: ChatArk, is_async: bool, emulator: Emulator, clock: Clock
) -> None:
    emulator.plan_video("failed")
    agent = create_agent(chat, make().as_tools(handle_tool_error=True))
    messages = await run_agent(agent, 'Use generate_video for "a red fox"', is_async=is_async)
    assert messages[2].status == "error"
    assert "OutputVideoSensitiveContentDetected" in messages[3].text
