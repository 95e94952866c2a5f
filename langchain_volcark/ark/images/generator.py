"""Image generation with Ark's Seedream models.

Follows https://www.volcengine.com/docs/82379/1541523 (image generation API).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from langchain_volcark.ark.images.models import MAX_PICTURES, find_model
from langchain_volcark.ark.images.requests import (
    CALL_TYPES,
    PARAMETERS,
    PATH,
    OptimizePrompt,
    Size,
    write_body,
)
from langchain_volcark.ark.images.streams import ArkImageStream, AsyncArkImageStream, ImageService
from langchain_volcark.ark.images.tool import image_tool
from langchain_volcark.ark.service import ArkService
from langchain_volcark.base.call_values import check_call
from langchain_volcark.base.values import OptionalNumber, OptionalSwitch, OptionalWhole
from langchain_volcark.http.arguments import to_timeout
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.http.retry import Attempts, is_safe_to_repeat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from langchain_core.tools import StructuredTool, ToolException

    from langchain_volcark.ark.images.pictures import GeneratedImages
    from langchain_volcark.ark.images.references import ImageInput

_SEED_LIMIT = 2**31 - 1
_CALL_FIELDS = ("model", *PARAMETERS)


class ArkImageGenerator(ArkService, defer_build=False):
    """Image generation and editing with Seedream on Volcengine Ark (火山方舟).

    Setup:
        Create a key in the Ark console, activate a model, and set the key (an access key pair does not work here):

        ```bash
        export ARK_API_KEY="…"
        ```

    Key init args:
        model: Model id with its date, or endpoint id (`ep-…`).
        size: `"2K"`, or pixels such as `"2848x1600"`.
        max_images: At most how many pictures one prompt makes.
        response_format: `"url"` for links that are valid for 24 hours, `"b64_json"` for bytes.
        watermark: Whether pictures have a mark that says they are generated; the service's default is True.
        api_key: Key, or a sync or async callable that returns one; default `ARK_API_KEY`.
        base_url: API address; default `ARK_BASE_URL`, else Beijing's.

    Example:
        ```python
        from langchain_volcark import ArkImageGenerator

        generator = ArkImageGenerator(size="2K", watermark=False)
        pictures = generator.generate("A red fox in the snow, 16:9")
        print(pictures[0].save("fox"), pictures.usage)
        ```

    Edit pictures:
        ```python
        generator.generate("Give the fox a blue scarf", images=[pictures[0]])
        ```

    Stream:
        ```python
        for picture in generator.stream("The four seasons, 4 pictures", max_images=4):
            picture.save("seasons/")
        ```

    Tool for an agent:
        ```python
        tool = generator.as_tool(save_to="pictures/", handle_tool_error=True)
        agent = create_agent(model, [tool])
        ```

    A parameter that the model does not have is a `ValueError` that names it. Models that are not in the package's
    table, and endpoint ids, are not checked.

    Each request is billed by picture. So it is repeated only where it was certainly not executed: after a refused
    connection, or a rate limit. After a read timeout, a broken connection or a 5xx it may have been executed; then
    the error is raised, and whether to try again is up to the caller.
    """

    model: str = Field(default="doubao-seedream-5-0-260128", min_length=1)
    """Model id with its date, or endpoint id."""
    size: Size | None = None
    """A word (`1K`, `1.5K`, `2K`, `3K`, `4K`, by model), with the shape in the prompt; or pixels, `2048x2048`. The
    service's default is 2048x2048 where the model makes it."""
    max_images: OptionalWhole = Field(default=None, ge=1, le=MAX_PICTURES)
    """At most how many pictures the model makes of one prompt, which should say how many. With the reference
    pictures at most 15."""
    sequential_image_generation: Literal["auto", "disabled"] | None = None
    """Whether the model decides on the number of pictures; `max_images` implies `auto`."""
    response_format: Literal["url", "b64_json"] | None = None
    """Links (the service's default), or bytes in the reply."""
    output_format: Literal["png", "jpeg"] | None = None
    """File format; seedream-5.0 only. The service's default is JPEG."""
    watermark: OptionalSwitch = None
    """Whether pictures have a mark that says they are generated; the service's default is True."""
    seed: OptionalWhole = Field(default=None, ge=-1, le=_SEED_LIMIT)
    """Seed of the random numbers, -1 for a random one; seedream-3.0 and seededit-3.0 only."""
    guidance_scale: OptionalNumber = Field(default=None, ge=1, le=10)
    """How closely pictures follow the prompt, 1 to 10; seedream-3.0 and seededit-3.0 only."""
    image_guidance_scale: OptionalNumber = None
    """How closely pictures follow the reference picture; the range is not documented."""
    web_search: OptionalSwitch = None
    """Whether the model may search the web; seedream-5.0 (lite) only. `usage["tool_usage"]` counts searches."""
    optimize_prompt_options: OptimizePrompt | None = None
    """How the service rewrites the prompt: `"standard"` or `"fast"`, or `{"mode": …, "thinking": …}`."""
    optimize_prompt: OptionalSwitch = None
    """Older form of the same, of the older SDK: whether the prompt is rewritten."""
    background: Literal["opaque", "transparent"] | None = None
    """Transparent needs one PNG with transparency in `images`; seedream-5.0 pro and flash only."""
    layer_decomposition: OptionalSwitch = None
    """Whether to take one picture apart into a base and layers; seedream-5.0 pro and flash only. The prompt may be
    empty."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, which override everything else and are not checked."""

    endpoint_paths: ClassVar[tuple[str, ...]] = (PATH,)

    def generate(
        self,
        prompt: str = "",
        images: ImageInput | Sequence[ImageInput] | None = None,
        **parameters: Any,
    ) -> GeneratedImages:
        """Generate pictures, and wait for all of them.

        Args:
            prompt: What to show; up to 300 Chinese characters or 600 English words are recommended.
            images: Reference pictures to edit or combine, one or a list: paths, bytes, URLs, data URLs, content
                blocks, generated pictures. The prompt calls them image 1, image 2, ….
            **parameters: Parameters of the constructor for this call (None unsets one), `model`, `extra_body`,
                `extra_headers`, `extra_query`, `timeout` (seconds; 600 by default).

        Returns:
            The pictures, a list whose `errors` has the pictures that failed, and `usage` what is billed.

        Raises:
            ValueError: An argument is invalid, or the model does not have it.
            OSError: A file cannot be read.
            ContentFilterError: Moderation refused the prompt, or all pictures.
            VolcArkError: The request failed, or no picture was made. `partial` has the pictures that came anyway.

        Example:
            ```python
            pictures = generator.generate("A fox in each season, 4 pictures", max_images=4)
            for number, error in pictures.errors.items():
                print(number, error)
            ```
        """
        return self._service.generate(self._write(prompt, images, parameters))

    async def agenerate(
        self,
        prompt: str = "",
        images: ImageInput | Sequence[ImageInput] | None = None,
        **parameters: Any,
    ) -> GeneratedImages:
        """Same as `generate`, async; files are read in a thread."""
        return await self._service.agenerate(await asyncio.to_thread(self._write, prompt, images, parameters))

    def stream(
        self,
        prompt: str = "",
        images: ImageInput | Sequence[ImageInput] | None = None,
        **parameters: Any,
    ) -> ArkImageStream:
        """Generate pictures, and return each as soon as it is made.

        A model that does not stream (seedream-5.0 pro and flash, 3.0) makes all pictures first.

        Args:
            prompt: See `generate`.
            images: See `generate`.
            **parameters: See `generate`. `timeout` limits the time between two pictures.

        Returns:
            An iterator over pictures, and a context manager. Its `result` has what has come so far, with failures,
            and at the end the usage. The request is sent when the first picture is asked for.

        Raises:
            ValueError: An argument is invalid, or the model does not have it.
            StreamInterruptedError: The stream broke. `partial` has the pictures that came, which are billed.
            VolcArkError: The request failed, or no picture was made. `partial` has what came before.

        Example:
            ```python
            with generator.stream("A fox in each season, 4 pictures", max_images=4) as stream:
                for picture in stream:
                    print(picture.save("foxes/"))
            print(stream.result.usage, stream.result.errors)
            ```
        """
        return ArkImageStream(self._service, lambda: self._write(prompt, images, parameters, stream=True))

    def astream(
        self,
        prompt: str = "",
        images: ImageInput | Sequence[ImageInput] | None = None,
        **parameters: Any,
    ) -> AsyncArkImageStream:
        """Same as `stream`, async: `async for picture in generator.astream(…)`."""
        return AsyncArkImageStream(self._service, lambda: self._write(prompt, images, parameters, stream=True))

    def as_tool(
        self,
        name: str = "generate_image",
        description: str | None = None,
        *,
        save_to: str | PathLike[str] | None = None,
        show_images: bool = True,
        handle_tool_error: bool | str | Callable[[ToolException], str] | None = False,
    ) -> StructuredTool:
        """A tool with which an agent generates pictures.

        Its arguments are `prompt`, and as far as the model has them `image_urls`, `size` and `count`. The result's
        content is a short text and an image block with the link of each picture: bytes are never part of it. Its
        artifact is the list of `generate`, so `message.artifact` has pictures, failures and usage.

        Args:
            name: The tool's name.
            description: What the agent's model reads about it; a text in English by default.
            save_to: A folder where the pictures are saved, which is created; the text has their paths.
            show_images: Whether the content has image blocks; False for a model that does not see.
            handle_tool_error: What becomes of a failure. False raises LangChain's `ToolException` with the error's
                code and advice, which ends the run of an agent; True makes it a tool message, to which the agent's
                model can react; a text, or a function that returns one, is what the model reads instead.

        Returns:
            The tool, for sync and async agents.

        Example:
            ```python
            from langchain.agents import create_agent

            tool = generator.as_tool(handle_tool_error=True)
            agent = create_agent(ChatArk(model="doubao-seed-2-1-pro-260915"), [tool])
            ```
        """
        return image_tool(
            self,
            name=name,
            description=description,
            save_to=save_to,
            show_images=show_images,
            handle_tool_error=handle_tool_error,
        )

    # --- requests -----------------------------------------------------------------------------------------

    @property
    def _service(self) -> ImageService:
        return ImageService(self._client, self._errors)

    def _write(
        self,
        prompt: str,
        images: ImageInput | Sequence[ImageInput] | None,
        parameters: dict[str, Any],
        *,
        stream: bool = False,
    ) -> ServiceRequest:
        self._require_api_key("generated images")
        call = check_call(type(self), parameters, fields=_CALL_FIELDS, types=CALL_TYPES)
        if unknown := call.keys() - {*_CALL_FIELDS, *CALL_TYPES}:
            raise ValueError(f"{min(unknown)}: there is no such parameter. Send new fields with extra_body.")
        own = {field: getattr(self, field) for field in _CALL_FIELDS}
        values = {**own, **{field: call[field] for field in _CALL_FIELDS if field in call}}
        values["model"] = values["model"] or self.model
        body = write_body(values, prompt, images, {**self.extra_body, **(call.get("extra_body") or {})})
        if body.get("stream") and not stream:
            raise ValueError("extra_body: stream() and astream() read streams; generate() does not.")
        known = find_model(values["model"])
        if stream and (known is None or known.sequential):
            body["stream"] = True
        timeout = call.get("timeout")
        return ServiceRequest(
            PATH,
            body,
            headers=call.get("extra_headers") or {},
            query=call.get("extra_query") or {},
            timeout=None if timeout is None else to_timeout(timeout),
            retries=Attempts(self.max_retries, is_safe_to_repeat),
            fresh_connection=True,
        )
