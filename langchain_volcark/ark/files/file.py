"""`ArkFile`: an uploaded file, and the content block that stands for it in a message.

Follows https://www.volcengine.com/docs/82379/1873424 (file object).
"""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from langchain_volcark.base.values import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KINDS = ("image", "video", "audio")
_OPTIONS = {
    "image": ("detail", "image_pixel_limit"),
    "audio": ("chunking_strategy",),
}


def _without_fraction(value: Any) -> Any:
    return int(value) if isinstance(value, float) and abs(value) < 2**63 else value


Seconds = Annotated[int, BeforeValidator(_without_fraction)]
"""Seconds since 1970, of which one of the vendor's samples has fractions."""


class ArkFile(BaseModel):
    """An uploaded file.

    Fields that this class does not know are kept as attributes of the same name, and in `model_dump()`.

    Example:
        ```python
        from langchain_core.messages import HumanMessage

        file = files.upload("report.pdf")
        question = HumanMessage([{"type": "text", "text": "Summarise this."}, file.block()])
        ```
    """

    id: str
    """Its id, which the blocks of messages refer to."""
    status: str
    """`processing`: cannot be used yet; `active`: can be used; `failed`: `error` says why."""
    filename: str | None = None
    """Its name."""
    mime_type: str | None = None
    """Its type, such as `application/pdf`; documented only for active files."""
    bytes: int | None = None
    """Its size; documented only for active files."""
    purpose: str | None = None
    """What it is for, such as `user_data`."""
    created_at: Seconds | None = None
    """When it was uploaded, in seconds since 1970."""
    expire_at: Seconds | None = None
    """When the service deletes it, in seconds since 1970; -1 for never."""
    description: str | None = None
    """The description it was uploaded with."""
    model: str | None = None
    """The model that prepared it."""
    preprocess_configs: dict[str, Any] | None = None
    """How it was prepared: `{"video": {"fps": …}}`."""
    tos: dict[str, Any] | None = None
    """Where it is in your own bucket: `{"bucket", "object_key"}`."""
    download_url: str | None = None
    """A link to its content, where the service sends one."""
    error: dict[str, Any] | None = None
    """Why it failed: `{"code", "message"}`."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=(), hide_input_in_errors=True)

    def __hash__(self) -> int:
        return hash((self.id, self.status))  # other fields may be dictionaries

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        return ((str(name), value) for name, value in super().__repr_args__() if value is not None)

    @property
    def kind(self) -> Literal["image", "video", "audio", "file"]:
        """Which kind of block stands for it, by its type, or by its name as long as the service tells no type."""
        mime = self.mime_type or mimetypes.guess_type(self.filename or "")[0] or ""
        found = mime.partition("/")[0]
        return found if found in _KINDS else "file"  # type: ignore[return-value]

    def block(
        self,
        *,
        detail: str | None = None,
        image_pixel_limit: Mapping[str, int] | None = None,
        chunking_strategy: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The file as a content block of a message, for the chat and the Responses API.

        It is one of LangChain's standard blocks (`image`, `video`, `audio` or `file`) with a `file_id`. How
        densely a video is sampled was decided when it was uploaded.

        Args:
            detail: For an image: `"low"`, `"high"`, `"xhigh"` or `"auto"`.
            image_pixel_limit: For an image: `{"min_pixels": …, "max_pixels": …}`, between which it is scaled.
            chunking_strategy: For audio on the Responses API: `{"type": "server_vad", …}`.

        Returns:
            The block.

        Raises:
            ValueError: The file has failed, or an option is not for its kind.

        Example:
            ```python
            HumanMessage([{"type": "text", "text": "What is this?"}, files.upload("cat.png").block(detail="low")])
            ```
        """
        if self.status == "failed":
            raise ValueError(f"The file {self.id} has failed and cannot be used: upload it again.")
        given = {
            "detail": detail,
            "image_pixel_limit": image_pixel_limit,
            "chunking_strategy": chunking_strategy,
        }
        options = {name: value for name, value in given.items() if value is not None}
        for name in options:
            if name not in _OPTIONS.get(self.kind, ()):
                raise ValueError(f"{name}: the file {self.id} is of the kind {self.kind!r}, which has no {name}.")
        block: dict[str, Any] = {"type": self.kind, "file_id": self.id}
        if self.mime_type:
            block["mime_type"] = self.mime_type
        return {**block, "extras": options} if options else block


def read_file(payload: Mapping[str, Any]) -> ArkFile:
    """Read a file object of a reply.

    Raises:
        ValueError: It is not in the documented form.
    """
    try:
        return ArkFile.model_validate(payload)
    except ValidationError as error:
        raise ValueError(f"the file object is not in the documented form: {describe(error, ArkFile)}") from None
