"""Video generation: a video that is waited for, one that is fetched later, a failure, and an agent with the tools.

Run it with `python examples/videos.py [folder]`. It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts
the emulator, whose videos are all the same two seconds. With a key each video is billed, and takes minutes;
`ARK_VIDEO_MODEL` chooses the model.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from session import Session, heading, session

from langchain_volcark import ArkVideoGenerator, ArkVideoTask, ChatArk
from langchain_volcark.exceptions import ContentFilterError, VolcArkError

SHORT = {"duration": 4, "resolution": "480p"}


def generator(here: Session) -> tuple[ArkVideoGenerator, dict[str, Any]]:
    """The generator, and how to wait: at the emulator tasks advance when they are looked at."""
    if here.server is not None:
        return ArkVideoGenerator(**here.arguments, **SHORT), {"delays": [0.05]}
    model = os.environ.get("ARK_VIDEO_MODEL", "doubao-seedance-2-0-260128")
    return ArkVideoGenerator(model=model, **SHORT), {}


def show(task: ArkVideoTask) -> None:
    """Print a task's state."""
    print(f"  {task.id}: {task.status}")


def wait_for_a_video(videos: ArkVideoGenerator, waiting: dict[str, Any], folder: Path) -> ArkVideoTask:
    """Submit a task, wait for it, and save its video before the link dies."""
    heading("A video, waited for and saved")
    task = videos.generate(
        "A paper boat sets out on a stream", return_last_frame=True, on_progress=show, **waiting
    )
    path = task.save(folder / "boat")
    print(f"{task.resolution}, {task.ratio}, {task.duration} s, {task.usage}")
    print(f"saved as {path} ({path.stat().st_size} bytes)")
    return task


def fetch_later(videos: ArkVideoGenerator, waiting: dict[str, Any], before: ArkVideoTask) -> None:
    """Go on from the last picture of a video; keep nothing but the id of the task."""
    heading("The next scene, from the last picture, fetched later")
    task_id = videos.submit("It reaches the rapids", first_frame=before.last_frame_url).id
    print(f"submitted: {task_id}")
    print("is done:", videos.wait(task_id, **waiting).is_done)
    print("on the list:", task_id in [task.id for task in videos.list(status="succeeded")])


def fail_well(here: Session, videos: ArkVideoGenerator, waiting: dict[str, Any]) -> None:
    """Show what a failed task raises."""
    heading("A video that moderation refuses")
    if here.server is None:
        print("(This is played by the emulator only.)")
        return
    here.server.plan_video("failed")
    try:
        videos.generate("Something unfit", **waiting)
    except ContentFilterError as error:
        print(f"{type(error).__name__}: {error}")


def run_an_agent(here: Session, videos: ArkVideoGenerator, waiting: dict[str, Any], folder: Path) -> None:
    """Let an agent make a video, save it, and report where it is."""
    heading("An agent that makes a video")
    agent = create_agent(
        ChatArk(model=here.model, **here.arguments),
        videos.as_tools(save_to=folder, handle_tool_error=True, **waiting),
    )
    question = 'Use generate_video for "a red fox in the snow" and tell me where it is.'
    print("user:", question)
    state = agent.invoke({"messages": [HumanMessage(question)]})
    for message in state["messages"]:
        if message.type == "tool":
            print("  ->", message.text.replace("\n", "\n     "))
    print("agent:", state["messages"][-1].text)


def main() -> None:
    """Run all parts; videos go to the folder that was given, or to a temporary one."""
    with tempfile.TemporaryDirectory() as temporary, session() as here:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        videos, waiting = generator(here)
        try:
            task = wait_for_a_video(videos, waiting, folder)
            fetch_later(videos, waiting, task)
            fail_well(here, videos, waiting)
            run_an_agent(here, videos, waiting, folder)
        except VolcArkError as error:
            raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
