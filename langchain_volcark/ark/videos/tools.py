"""Video generation as two tools for agents: one makes a video, the other looks at one that takes longer.

Tool content is plain text: langchain-core turns content with a `video` block into JSON text.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import StructuredTool
from pydantic import BaseModel, ConfigDict, Field, create_model

from langchain_volcark.ark.tool_errors import tool_exception
from langchain_volcark.ark.videos.models import RATIOS, find_model
from langchain_volcark.ark.videos.task import ArkVideoTask, without_failure
from langchain_volcark.exceptions import APITimeoutError, VolcArkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    from langchain_core.tools import ToolException

    from langchain_volcark.ark.videos.generator import ArkVideoGenerator

_URLS = ("http://", "https://", "data:", "asset://")
_PROMPT = "What happens in the video: subject, movement, camera, light, sound."
_REFERENCES = (
    "Links of pictures (.png, .jpg), videos (.mp4) or audio (.mp3, .wav) to be guided by, in place of frames. The "
    "prompt calls them image 1, video 1, audio 1."
)
_RESOLUTIONS = ("480p", "720p", "1080p")
_MAKE = "generate_video"
_CHECK = "check_video"

Result = tuple[str, ArkVideoTask]
"""Content and artifact. LangGraph evaluates the annotations of a tool's functions, so their names must exist."""


class CheckVideo(BaseModel):
    """Arguments of the tool that looks at a video."""

    task_id: str = Field(description=f"The id that {_MAKE} has answered with, cgt-….")


def video_tools(
    generator: ArkVideoGenerator,
    *,
    tool_wait: float,
    save_to: str | PathLike[str] | None,
    delays: tuple[float, ...],
    handle_tool_error: bool | str | Callable[[ToolException], str] | None,
) -> list[StructuredTool]:
    """Make the tools; `ArkVideoGenerator.as_tools` describes the arguments."""
    made = _Tools(generator, tool_wait, None if save_to is None else f"{Path(save_to)}/", delays)
    shared: dict[str, Any] = {
        "infer_schema": False,
        "response_format": "content_and_artifact",
        "handle_tool_error": handle_tool_error,
    }
    return [
        StructuredTool.from_function(
            func=made.generate,
            coroutine=made.agenerate,
            name=_MAKE,
            description="Make a video from a description, optionally from pictures, videos or audio. It takes "
            f"minutes; if it is not ready in time, the answer is an id for {_CHECK}.",
            args_schema=_fields(generator.model),
            **shared,
        ),
        StructuredTool.from_function(
            func=made.check,
            coroutine=made.acheck,
            name=_CHECK,
            description=f"Look whether a video that {_MAKE} has begun is ready.",
            args_schema=CheckVideo,
            **shared,
        ),
    ]


def _fields(model: str) -> type[BaseModel]:
    """The arguments of the tool that makes videos: those that the model has, as the agent's model sees them."""
    known = find_model(model)
    modes = None if known is None else known.modes
    fields: dict[str, Any] = {"prompt": (str, Field(description=_PROMPT))}
    optional: dict[str, Any] = {
        "duration": (int | None, "Length in whole seconds, for example 5."),
        "resolution": (str | None, f"{', '.join(known.resolutions if known else _RESOLUTIONS)}."),
        "ratio": (str | None, f"Width to height: {', '.join(RATIOS[:-1])}."),
    }
    if modes is None or "first_frame" in modes:
        optional["first_frame_url"] = (str | None, "Link of the picture that the video begins with.")
    if modes is None or "first_and_last_frame" in modes:
        text = "Link of the picture that the video ends with; needs first_frame_url."
        optional["last_frame_url"] = (str | None, text)
    if modes is None or "references" in modes:
        optional["reference_urls"] = (list[str] | None, _REFERENCES)
    fields |= {name: (kind, Field(None, description=text)) for name, (kind, text) in optional.items()}
    return create_model("VideoArguments", __config__=ConfigDict(extra="forbid"), **fields)


@contextmanager
def _failures() -> Iterator[None]:
    """Raise failures as the exception that langchain-core shows to models."""
    try:
        yield
    except (VolcArkError, ValueError) as error:
        raise tool_exception(error) from error


@dataclass
class _Latest:
    """The last state of a submitted task that was seen."""

    task: ArkVideoTask

    def see(self, task: ArkVideoTask) -> None:
        """Take note of a newer state."""
        self.task = task

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for it: when the time is up it goes on, and a failure names it."""
        try:
            yield
        except APITimeoutError:
            return
        except VolcArkError as error:
            named = "" if self.task.id in str(error) else f" The video task is {self.task.id}."
            raise tool_exception(error, named) from error


@dataclass(frozen=True)
class _Tools:
    """What the tools do."""

    generator: ArkVideoGenerator = field(repr=False)
    tool_wait: float
    folder: str | None
    delays: tuple[float, ...]

    def generate(self, prompt: str, **given: Any) -> Result:
        """Submit a task, and wait for it as long as a tool may."""
        with _failures():
            latest = _Latest(self.generator.submit(prompt, **_arguments(given)))
        if self.tool_wait:
            with latest.waiting():
                self.generator.wait(latest.task, self.tool_wait, delays=self.delays, on_progress=latest.see)
        return self._answer(latest.task)

    async def agenerate(self, prompt: str, **given: Any) -> Result:
        """Same as `generate`, async."""
        with _failures():
            latest = _Latest(await self.generator.asubmit(prompt, **_arguments(given)))
        if self.tool_wait:
            with latest.waiting():
                await self.generator.await_(
                    latest.task, self.tool_wait, delays=self.delays, on_progress=latest.see
                )
        return await self._aanswer(latest.task)

    def check(self, task_id: str) -> Result:
        """Look at a task once."""
        with _failures():
            task = without_failure(self.generator.get(task_id))
        return self._answer(task)

    async def acheck(self, task_id: str) -> Result:
        """Same as `check`, async."""
        with _failures():
            task = without_failure(await self.generator.aget(task_id))
        return await self._aanswer(task)

    def _answer(self, task: ArkVideoTask) -> Result:
        if not task.is_done:
            return _pending(task), task
        saved = ""
        if self.folder is not None:
            try:
                saved = f"It was saved as {task.save(self.folder)}."
            except (VolcArkError, OSError) as error:
                saved = _unsaved(error)
        return _ready(task, saved), task

    async def _aanswer(self, task: ArkVideoTask) -> Result:
        if not task.is_done:
            return _pending(task), task
        saved = ""
        if self.folder is not None:
            try:
                saved = f"It was saved as {await task.asave(self.folder)}."
            except (VolcArkError, OSError) as error:
                saved = _unsaved(error)
        return _ready(task, saved), task


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The tool's arguments as those of `submit`.

    Raises:
        ValueError: A link does not begin with https://, http://, data: or asset://.
    """
    # Many models send an empty text for what they leave out.
    values = {name: value for name, value in given.items() if value not in (None, "", [])}
    frames = {name: values.pop(f"{name}_url", None) for name in ("first_frame", "last_frame")}
    references = [url for url in values.pop("reference_urls", ()) if url] or None
    for name, url in (*frames.items(), *(("reference", url) for url in references or ())):
        if url is not None and not url.lower().startswith(_URLS):
            # A model must not be able to read files of this machine.
            raise ValueError(f"{name}: {url[:80]!r} is no link that begins with https:// or http://.")
    return {**{name: url for name, url in frames.items() if url}, "references": references, **values}


def _pending(task: ArkVideoTask) -> str:
    return f"The video is not ready yet ({task.status}). Ask {_CHECK} later with the task_id {task.id}."


def _ready(task: ArkVideoTask, saved: str) -> str:
    seconds = None if task.duration is None else f"{task.duration} s"
    facts = ", ".join(fact for fact in (task.resolution, task.ratio, seconds) if fact)
    about = f" ({facts})" if facts else ""
    lines = [f"The video is ready{about}: {task.video_url}", "The link lives 24 hours.", saved]
    if task.last_frame_url:
        lines.insert(1, f"Its last picture: {task.last_frame_url}")
    return "\n".join(line for line in lines if line)


def _unsaved(error: Exception) -> str:
    return f"It could not be saved: {error}"
