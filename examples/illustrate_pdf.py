"""An agent that reads an uploaded PDF, draws a picture of what it read, and says where the picture is.

    python examples/illustrate_pdf.py                    # a leaflet that the example writes itself
    python examples/illustrate_pdf.py --pdf story.pdf    # one of yours
    python examples/illustrate_pdf.py --folder pictures  # where to save the picture, by default a new folder

It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts the emulator, which reads the PDF, and whose
pictures show their prompt as text. With a key, activate a Seedream model in the console first; `ARK_IMAGE_MODEL`
names another one. A picture costs money.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pdf import write_pdf
from session import heading, session

from langchain_volcark import ArkFile, ArkFiles, ArkImageGenerator, ChatArk
from langchain_volcark.exceptions import VolcArkError

LEAFLET = (
    "A white lighthouse stands on a green cliff above a calm blue sea.",
    "Two red fishing boats sail home below it at sunrise.",
    "The tower is open to visitors from May to September.",
)
TASK = (
    "Read the attached document. Then use generate_image once for a picture of the scene that it describes, and "
    "tell me the path of the file where the picture is saved."
)


def show_state(file: ArkFile) -> None:
    """Print how far the service is with a file."""
    print(f"{file.filename}: {file.status}")


def show(message: BaseMessage) -> None:
    """Print one step of the agent."""
    if isinstance(message, ToolMessage):
        print("tool:", message.text.replace("\n", "\n      "))
    elif isinstance(message, AIMessage):
        for call in message.tool_calls:
            print(f"agent calls {call['name']}({call['args']})")
        if message.text:
            print("agent:", message.text)


def illustrate(model: ChatArk, generator: ArkImageGenerator, file: ArkFile, folder: Path) -> None:
    """Let an agent read the file and draw; what it reads of the picture are its link and path, never its bytes."""
    heading("The agent reads and draws")
    agent = create_agent(model, [generator.as_tool(save_to=folder, handle_tool_error=True)])
    question = HumanMessage([{"type": "text", "text": TASK}, file.block()])
    print("user:", question.text)
    for update in agent.stream({"messages": [question]}, stream_mode="updates"):
        for step in update.values():
            for message in step["messages"]:
                show(message)


def main() -> None:
    parser = argparse.ArgumentParser(description="Let an agent draw a picture of what it reads in a PDF.")
    parser.add_argument("--pdf", type=Path, help="the document (a leaflet about a lighthouse)")
    parser.add_argument("--folder", type=Path, help="where the picture is saved (a new temporary folder)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="pictures-"))
    with session() as here:
        own = {"model": name} if (name := os.environ.get("ARK_IMAGE_MODEL")) else {}
        model = ChatArk(model=here.model, use_responses_api=True, **here.arguments)
        generator = ArkImageGenerator(size="2560x1440", watermark=False, **own, **here.arguments)
        files = ArkFiles(**here.arguments)
        try:
            heading("A PDF is uploaded, and read by the service")
            content = options.pdf or write_pdf(LEAFLET)
            name = None if options.pdf else "leaflet.pdf"
            file = files.upload(content, filename=name, on_progress=show_state)
            try:
                illustrate(model, generator, file, folder)
            finally:
                files.delete(file.id)
            print(f"deleted {file.id}")
        except (OSError, VolcArkError) as error:
            raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    main()
