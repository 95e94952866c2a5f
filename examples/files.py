"""Files: upload a PDF, ask about it on both of Ark's APIs, let an agent fetch it, list and delete.

Run it with `python examples/files.py [path] [question]`. It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it
starts the emulator, which answers with sentences of the document. Without a path it writes a small PDF itself.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pdf import write_pdf
from session import Session, heading, session

from langchain_volcark import ArkFile, ArkFiles, ChatArk
from langchain_volcark.exceptions import InvalidRequestError

TIMETABLE = (
    "Timetable of the ferry Aurora.",
    "The ferry leaves the old pier at eight in the morning.",
    "The last ferry returns at seven in the evening.",
    "A ticket costs 12 yuan, and children travel free.",
)
QUESTION = "When does the last ferry return?"


def upload(files: ArkFiles, path: Path) -> ArkFile:
    """Upload a file for one day, and show how it is processed."""
    heading("Upload")
    file = files.upload(
        path, expire_in=timedelta(days=1), on_progress=lambda file: print(f"{file.id}: {file.status}")
    )
    print(f"{file.filename}: {file.mime_type}, {file.bytes} bytes")
    return file


def ask(here: Session, file: ArkFile, question: str) -> None:
    """Ask about the file, with the Responses API and with the chat API."""
    heading("A question about the file, on both APIs")
    print(f"> {question}")
    message = HumanMessage([{"type": "text", "text": question}, file.block()])
    for responses in (True, False):
        model = ChatArk(model=here.model, use_responses_api=responses, **here.arguments)
        print(f"{'Responses' if responses else 'chat'}: {model.invoke([message]).text}")


def ask_an_agent(here: Session, file: ArkFile, question: str) -> None:
    """Let an agent fetch the file with a tool of ours."""
    heading("An agent whose tool returns the file")

    def fetch_timetable(line: str) -> list[dict[str, Any]]:
        """Fetch the timetable of a ferry line."""
        return [{"type": "text", "text": f"The timetable of {line}:"}, file.block()]

    model = ChatArk(model=here.model, use_responses_api=True, **here.arguments)
    agent = create_agent(model, [fetch_timetable])
    prompt = f"Use fetch_timetable for the line 'Aurora'. {question}"
    print(f"> {prompt}")
    for message in agent.invoke({"messages": [HumanMessage(prompt)]})["messages"][1:]:
        if isinstance(message, ToolMessage):
            print(f"tool: {message.text}")
        elif isinstance(message, AIMessage):
            for call in message.tool_calls:
                print(f"calls {call['name']}({call['args']})")
            if message.text:
                print(f"agent: {message.text}")


def fail_well(here: Session, files: ArkFiles) -> None:
    """Show the error of a file that no model can read."""
    heading("A file that cannot be processed")
    if here.server is None:
        print("(Played by the emulator only.)")
        return
    try:
        files.upload(b"Only text.", filename="notes.bin")
    except InvalidRequestError as error:
        print(f"{type(error).__name__}: {error}")


def clean_up(files: ArkFiles, file: ArkFile) -> None:
    """List the newest files, and delete what this example has uploaded."""
    heading("List and delete")
    for _, one in zip(range(5), files.list(), strict=False):
        print(f"{one.id}  {one.status:10}  {one.filename}")
    print(f"deleted: {files.delete(file.id)}")


def main() -> None:
    """Run all parts."""
    path, question = [*sys.argv[1:], None, None][:2]
    with session() as here, tempfile.TemporaryDirectory() as folder:
        files = ArkFiles(**here.arguments)
        if path is None:
            path = str(Path(folder) / "timetable.pdf")
            Path(path).write_bytes(write_pdf(TIMETABLE))
        file = upload(files, Path(path))
        ask(here, file, question or QUESTION)
        ask_an_agent(here, file, question or QUESTION)
        fail_well(here, files)
        clean_up(files, file)


if __name__ == "__main__":
    main()
