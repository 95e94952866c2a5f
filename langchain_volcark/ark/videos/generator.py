"""`ArkVideoGenerator`: videos from text, pictures, videos and audio with Seedance.

Follows https://www.volcengine.com/docs/82379/1520757 (video tasks).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from langchain_volcark.ark.billed import note_doubt
from langchain_volcark.ark.videos import requests
from langchain_volcark.ark.videos.content import VideoInput
from langchain_volcark.ark.videos.task import read_created
from langchain_volcark.ark.videos.tasks import POLL_DELAYS, WAIT, WHAT, VideoTasks
from langchain_volcark.base.polling import check_progress, check_waiting
from langchain_volcark.exceptions import VolcArkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike

    from langchain_core.tools import StructuredTool, ToolException

    from langchain_volcark.ark.videos.task import ArkVideoTask
    from langchain_volcark.http.replies import Reply
    from langchain_volcark.http.requests import ServiceRequest

_IN_DOUBT = "The task may have been created, and billed: look for it with list() before you submit it again."


class ArkVideoGenerator(VideoTasks, defer_build=False):
    """Video generation on Volcengine Ark (火山方舟) with Seedance.

    A video takes minutes: it is submitted as a task, which is waited for, or looked at later by its id. Each
    submission is billed, so it is never repeated once it may have been executed: after a timeout, a broken
    connection or an error of the server the exception says how to look for the task.

    A task goes on at the service whatever happens here: a wait that ends by its timeout, or is cancelled with its
    asyncio task, does not cancel it. `cancel` does, as long as it is queued.

    Setup:
        Create a key in the Ark console, activate a Seedance model, and set the key:

        ```bash
        export ARK_API_KEY="…"
        ```

    Key init args:
        model: Model id with its date (default `doubao-seedance-2-0-260128`) or endpoint id (`ep-…`).
        resolution, ratio, duration, generate_audio, …: The settings of videos; a call may replace each.
        api_key: Key, or a sync or async callable that returns one; default `ARK_API_KEY`. The service does not
            accept access key pairs for videos.
        base_url: API address; default `ARK_BASE_URL`, else Beijing's.

    Example:
        ```python
        from langchain_volcark import ArkVideoGenerator

        videos = ArkVideoGenerator(resolution="720p", duration=5)
        task = videos.generate("A cat walks over a piano, close-up", ratio="16:9")
        task.save("cat.mp4")  # the link lives 24 hours
        ```

    From pictures:
        ```python
        videos.generate("She turns and smiles", first_frame="portrait.png")
        videos.generate("The seed becomes a tree", first_frame="seed.png", last_frame="tree.png")
        videos.generate(
            "The person of image 1 dances like in video 1",
            references=["person.png", "https://example.com/dance.mp4"],
        )
        ```

    Submit now, fetch later:
        ```python
        task_id = videos.submit("A lighthouse at night").id
        task = videos.get(task_id)
        if not task.is_done:
            task = videos.wait(task_id, timeout=600, on_progress=print)
        ```

    As tools of an agent:
        ```python
        agent = create_agent(model, videos.as_tools(save_to="videos", handle_tool_error=True))
        ```
    """

    endpoint_paths: ClassVar[tuple[str, ...]] = (requests.PATH, "/chat/completions")

    # --- submit -------------------------------------------------------------------------------------------

    def submit(
        self,
        prompt: str | None = None,
        *,
        first_frame: Any = None,
        last_frame: Any = None,
        references: Sequence[Any] | None = None,
        draft_task: str | ArkVideoTask | None = None,
        **settings: Any,
    ) -> ArkVideoTask:
        """Submit a task, without waiting for it.

        A video is made from a text, from a first frame, from first and last frame, from references, or from a
        draft; only one of these at a time, each but the last with a text or without.

        Args:
            prompt: The text. References are named in it by type and order: `image 1`, `video 1`, `音频 1`.
            first_frame: The first picture: a path, bytes, a URL (`https:`, `data:`, or `asset://…` from the asset
                library), a content block, or a picture of `ArkImageGenerator`. 300 to 6,000 pixels a side, width
                to height 0.4 to 2.5, below 30 MB.
            last_frame: The last picture; with `first_frame` only.
            references: Pictures, videos and audio, in the same forms. Videos must be links; a link or asset whose
                name does not tell its type is given as a block, `{"type": "video", "url": …}`. Seedance 2.0 takes
                9 pictures, 3 videos and 3 audio files; audio needs a picture or video beside it.
            draft_task: A task of `draft=True` that has succeeded, or its id: the video has its prompt and frames.
            **settings: Settings for this video, such as `duration=10` (see the fields of this class; None unsets
                one), `model`, any other field of the request body, and `extra_body`, `extra_headers`,
                `extra_query`, `timeout` of the request.

        Returns:
            The task, queued.

        Raises:
            ValueError: The input or a setting is invalid or does not fit the model; nothing was sent.
            OSError: A file cannot be read; nothing was sent.
            VolcArkError: The service refused the task, or it is not known whether the task was created: then the
                text says so, and `is_retryable` is False.
        """
        given = VideoInput(prompt, first_frame, last_frame, references, draft_task)
        request = self._submission(given, settings)
        try:
            return self._read_created(self._client.post(request))
        except VolcArkError as error:
            note_doubt(error, _IN_DOUBT)
            raise

    async def asubmit(
        self,
        prompt: str | None = None,
        *,
        first_frame: Any = None,
        last_frame: Any = None,
        references: Sequence[Any] | None = None,
        draft_task: str | ArkVideoTask | None = None,
        **settings: Any,
    ) -> ArkVideoTask:
        """Same as `submit`, async; files are read in threads."""
        given = VideoInput(prompt, first_frame, last_frame, references, draft_task)
        request = await asyncio.to_thread(self._submission, given, settings)
        try:
            return self._read_created(await self._client.apost(request))
        except VolcArkError as error:
            note_doubt(error, _IN_DOUBT)
            raise

    def generate(
        self,
        prompt: str | None = None,
        *,
        first_frame: Any = None,
        last_frame: Any = None,
        references: Sequence[Any] | None = None,
        draft_task: str | ArkVideoTask | None = None,
        wait_timeout: float | None = WAIT,
        delays: Iterable[float] = POLL_DELAYS,
        on_progress: Callable[[ArkVideoTask], Any] | None = None,
        **settings: Any,
    ) -> ArkVideoTask:
        """Submit a task and wait for its video.

        Args:
            prompt: Same as for `submit`, as the other arguments that are not named here.
            first_frame: Same as for `submit`.
            last_frame: Same as for `submit`.
            references: Same as for `submit`.
            draft_task: Same as for `submit`.
            wait_timeout: Same as `timeout` of `wait`.
            delays: Same as for `wait`.
            on_progress: Same as for `wait`.
            **settings: Same as for `submit`.

        Returns:
            The task, succeeded.

        Raises:
            ValueError: Same as for `submit`.
            OSError: Same as for `submit`.
            VolcArkError: Same as for `submit` and `wait`.
        """
        delays = check_waiting(wait_timeout, delays, "wait_timeout")
        check_progress(on_progress, is_async=False)
        task = self.submit(
            prompt,
            first_frame=first_frame,
            last_frame=last_frame,
            references=references,
            draft_task=draft_task,
            **settings,
        )
        return self.wait(task, wait_timeout, delays=delays, on_progress=on_progress)

    async def agenerate(
        self,
        prompt: str | None = None,
        *,
        first_frame: Any = None,
        last_frame: Any = None,
        references: Sequence[Any] | None = None,
        draft_task: str | ArkVideoTask | None = None,
        wait_timeout: float | None = WAIT,
        delays: Iterable[float] = POLL_DELAYS,
        on_progress: Callable[[ArkVideoTask], Any] | None = None,
        **settings: Any,
    ) -> ArkVideoTask:
        """Same as `generate`, async.

        Cancelling the asyncio task does not cancel the video task, which goes on and is billed. Use `asubmit` and
        `await_` to have its id, with which `acancel` cancels it while it is queued.
        """
        delays = check_waiting(wait_timeout, delays, "wait_timeout")
        check_progress(on_progress, is_async=True)
        task = await self.asubmit(
            prompt,
            first_frame=first_frame,
            last_frame=last_frame,
            references=references,
            draft_task=draft_task,
            **settings,
        )
        return await self.await_(task, wait_timeout, delays=delays, on_progress=on_progress)

    def _submission(self, given: VideoInput, settings: dict[str, Any]) -> ServiceRequest:
        self._require_api_key(WHAT)
        return requests.submission(self, given, settings)

    def _read_created(self, reply: Reply) -> ArkVideoTask:
        return self._read_reply(reply, lambda payload: read_created(payload, self._client))

    # --- tools --------------------------------------------------------------------------------------------

    def as_tools(
        self,
        *,
        tool_wait: float = 300.0,
        save_to: str | PathLike[str] | None = None,
        delays: Iterable[float] = POLL_DELAYS,
        handle_tool_error: bool | str | Callable[[ToolException], str] | None = False,
    ) -> Sequence[StructuredTool]:
        """Two tools for an agent: `generate_video`, and `check_video` for a video that takes longer.

        Their content for the model is plain text with the link; their artifact is the `ArkVideoTask`. Both are
        sync and async.

        Args:
            tool_wait: Seconds that `generate_video` waits for the video. Afterwards it answers with the task's id,
                for `check_video`. 0 answers at once.
            save_to: A directory where finished videos are saved, created if needed. The tool's text has the path
                of each.
            delays: Same as for `wait`.
            handle_tool_error: What becomes of a failure. False raises LangChain's `ToolException` with the error's
                code and advice, which ends the run of an agent; True makes it a tool message, to which the agent's
                model can react; a text, or a function that returns one, is what the model reads instead.

        Returns:
            The tools.

        Raises:
            ValueError: `tool_wait` or a delay is no number of seconds.

        Example:
            ```python
            agent = create_agent(model, videos.as_tools(save_to="videos", handle_tool_error=True))
            agent.invoke({"messages": [("human", "Make a video of a lighthouse at night.")]})
            ```
        """
        from langchain_volcark.ark.videos.tools import video_tools  # langchain-core's tools are slow to import

        found = check_waiting(tool_wait, delays, "tool_wait")
        return video_tools(
            self, tool_wait=tool_wait, save_to=save_to, delays=found, handle_tool_error=handle_tool_error
        )
