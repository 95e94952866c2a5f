"""Pictures: one, an edited one, a series as it is made, a model that looks at one, and an agent that asks for one.

Run it with `python examples/images.py [folder]`. It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts
the emulator, whose pictures show their prompt as text. With a key, `ARK_IMAGE_MODEL` names another image model;
each picture costs money. The pictures are saved to the folder, by default a new one for temporary files.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from session import Session, heading, session

from langchain_volcark import ArkImage, ArkImageGenerator, ChatArk
from langchain_volcark.exceptions import VolcArkError


def draw(generator: ArkImageGenerator, folder: Path) -> ArkImage:
    """Generate a picture and save it: its link expires after a day."""
    heading("A picture")
    pictures = generator.generate("A red fox in the snow, 16:9", size="2K")
    print(f"size: {pictures[0].size}; billed: {pictures.usage}")
    print("saved as", pictures[0].save(folder / "fox"))
    return pictures[0]


def edit(generator: ArkImageGenerator, fox: ArkImage, folder: Path) -> None:
    """Edit a picture, and get the bytes of the result instead of a link."""
    heading("The same picture, edited")
    (edited,) = generator.generate("Give the fox a blue scarf", images=[fox], response_format="b64_json")
    print("in the reply:", edited)
    print("saved as", edited.save(folder / "scarf"))


def stream(here: Session, generator: ArkImageGenerator, folder: Path) -> None:
    """Save a series of pictures while it is made; one that fails does not cost the others."""
    heading("A series, as it is made")
    prompt = "A fox in each season, 4 pictures in one style"
    if here.server is not None:
        prompt += " EMULATOR_REFUSE_IMAGE_3"  # the emulator refuses the third one
    with generator.stream(prompt, max_images=4) as pictures:
        for picture in pictures:
            print(f"picture {picture.index + 1}: {picture.save(folder / f'season-{picture.index + 1}').name}")
    for number, error in pictures.result.errors.items():
        print(f"picture {number + 1} is missing: {error.code}")
    print("billed:", pictures.result.usage)


def look(model: ChatArk, fox: ArkImage) -> None:
    """Show the picture to a chat model."""
    heading("A model looks at the picture")
    question = HumanMessage([{"type": "text", "text": "What animal is this?"}, fox.block()])
    print(model.invoke([question]).text)


def run_an_agent(model: ChatArk, generator: ArkImageGenerator, folder: Path) -> None:
    """Let an agent ask for a picture; what it reads are text and a link, never bytes."""
    heading("An agent that draws")
    agent = create_agent(model, [generator.as_tool(save_to=folder / "agent", handle_tool_error=True)])
    question = 'Use generate_image for "a fox asleep under a fir, 1:1", and tell me where it is saved.'
    print("user:", question)
    for message in agent.invoke({"messages": [HumanMessage(question)]})["messages"][1:]:
        if isinstance(message, ToolMessage):
            print("tool:", *(f"{block['type']} block;" for block in message.content_blocks))
            print("artifact:", message.artifact)
        for call in getattr(message, "tool_calls", ()):
            print(f"agent calls {call['name']}({call['args']})")
        if message.type == "ai" and message.text:
            print("agent:", message.text)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="pictures-"))
    folder.mkdir(parents=True, exist_ok=True)
    with session() as here:
        own = {"model": name} if (name := os.environ.get("ARK_IMAGE_MODEL")) else {}
        generator = ArkImageGenerator(watermark=False, **own, **here.arguments)
        model = ChatArk(model=here.model, **here.arguments)
        try:
            fox = draw(generator, folder)
            edit(generator, fox, folder)
            stream(here, generator, folder)
            look(model, fox)
            run_an_agent(model, generator, folder)
        except VolcArkError as error:
            raise SystemExit(f"{type(error).__name__}: {error}") from error
        print(f"\n{len([path for path in folder.rglob('*') if path.is_file()])} pictures in {folder}")


if __name__ == "__main__":
    main()
