"""`ArkFiles`: uploads files to Ark, waits for them, looks them up, lists and deletes them.

Follows https://www.volcengine.com/docs/82379/1885708 (files) and /1870405 (API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from langchain_volcark.ark.files.fields import UploadOptions, form_fields
from langchain_volcark.ark.files.file import ArkFile, read_file
from langchain_volcark.ark.files.sources import Source, read_source
from langchain_volcark.ark.files.waiting import Waiting, active, is_done
from langchain_volcark.ark.object_ids import is_object_id, naming
from langchain_volcark.ark.pages import Pages
from langchain_volcark.ark.service import ArkService
from langchain_volcark.base.polling import apoll, poll
from langchain_volcark.base.values import check_value
from langchain_volcark.http.forms import Form, FormFile
from langchain_volcark.http.requests import ServiceRequest

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from typing import BinaryIO

    from langchain_volcark.http.replies import Reply

_PATH = "/files"
_PAGE = 100
_WHAT = "files"


class ArkFiles(ArkService):
    """Files on Ark: uploaded once, used by id in any number of messages.

    Models read images, videos, audio and PDFs. A file has at most 512 MB, an account 20 GB. The service accepts an
    API key only, no access key pair.

    Example:
        ```python
        from langchain_core.messages import HumanMessage

        from langchain_volcark import ArkFiles, ChatArk

        files = ArkFiles()  # ARK_API_KEY
        report = files.upload("report.pdf")
        model = ChatArk(model="doubao-seed-2-1-pro-260915", use_responses_api=True)
        model.invoke([HumanMessage([{"type": "text", "text": "Summarise this."}, report.block()])])
        files.delete(report.id)
        ```
    """

    endpoint_paths: ClassVar[tuple[str, ...]] = (_PATH,)

    # --- upload -------------------------------------------------------------------------------------------

    def upload(
        self,
        file: str | os.PathLike[str] | bytes | BinaryIO,
        *,
        filename: str | None = None,
        purpose: str = "user_data",
        fps: float | None = None,
        video_model: str | None = None,
        max_video_tokens: int | None = None,
        min_frame_tokens: int | None = None,
        max_frame_tokens: int | None = None,
        min_frames: int | None = None,
        expire_in: float | timedelta | None = None,
        description: str | None = None,
        model: str | None = None,
        tos: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        wait: bool = True,
        timeout: float | None = 600.0,
        on_progress: Callable[[ArkFile], Any] | None = None,
    ) -> ArkFile:
        """Upload a file, and wait until models can read it.

        The content is sent in pieces, so a large file is never in memory as a whole. After a failure that may be
        temporary it is sent again from the beginning, or from where a file object stood. If the connection broke
        after the service had received everything, it then has the file twice.

        Args:
            file: A path; bytes; a binary file that can seek, sent from where it stands and not closed; or an
                `http`, `https` or `tos` URL from which the service fetches the file.
            filename: Its name, instead of the path's or the file object's. Bytes of a known format need none.
            purpose: `"user_data"` for what models read; the service also documents `"agent"` and `"voice"`.
            fps: For a video: how many pictures per second the model sees, 0.2 to 5; the service's default is 1.
            video_model: For a video: the model that will see it, which decides how many pictures are taken.
            max_video_tokens: For a video: maximum number of tokens in all.
            min_frame_tokens: For a video: minimum number of tokens of a picture.
            max_frame_tokens: For a video: maximum number of tokens of a picture.
            min_frames: For a video: minimum number of pictures.
            expire_in: How long the service keeps it: seconds or a `timedelta`, 1 to 30 days; -1 keeps it for good.
                The service's default is 7 days.
            description: A text of at most 500 characters that the service keeps with it.
            model: The model that prepares a file for the purpose `"voice"`.
            tos: Your own bucket to store it in: `{"bucket": …, "prefix": …}`. It then does not count in the quota.
            extra_body: Further fields of the form; nested ones are written as `name[key]`.
            wait: Whether to wait until it has been processed; otherwise see `wait`.
            timeout: Seconds to wait at most for its processing; None for no limit. Each request has the timeouts
                of this object.
            on_progress: Called with the file each time its state has been read.

        Returns:
            The file, active; with `wait=False` in whatever state.

        Raises:
            ValueError: The file is empty or larger than 512 MB, an argument is invalid, or the credentials are an
                access key pair.
            OSError: The file cannot be read.
            InvalidRequestError: The service refused it, or could not process it; then `body` is the file.
            APITimeoutError: It is still being processed; the text has its id, which `wait` accepts.
            VolcArkError: The upload failed, after retries.

        Example:
            ```python
            clip = files.upload("clip.mp4", fps=0.3, expire_in=timedelta(days=1), on_progress=print)
            ```
        """
        options = UploadOptions(
            purpose=purpose,
            fps=fps,
            video_model=video_model,
            max_video_tokens=max_video_tokens,
            min_frame_tokens=min_frame_tokens,
            max_frame_tokens=max_frame_tokens,
            min_frames=min_frames,
            expire_in=expire_in,
            description=description,
            model=model,
            tos=tos,
            extra_body=extra_body,
        )
        upload = self._prepare(file, filename, options)
        waiting = Waiting(timeout, on_progress, is_async=False)
        with upload.source.opened() as content:
            uploaded = self._read_file(self._client.post(upload.request(content)))
        return self._wait(uploaded.id, waiting, uploaded) if wait else uploaded

    async def aupload(
        self,
        file: str | os.PathLike[str] | bytes | BinaryIO,
        *,
        filename: str | None = None,
        purpose: str = "user_data",
        fps: float | None = None,
        video_model: str | None = None,
        max_video_tokens: int | None = None,
        min_frame_tokens: int | None = None,
        max_frame_tokens: int | None = None,
        min_frames: int | None = None,
        expire_in: float | timedelta | None = None,
        description: str | None = None,
        model: str | None = None,
        tos: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        wait: bool = True,
        timeout: float | None = 600.0,
        on_progress: Callable[[ArkFile], Any] | None = None,
    ) -> ArkFile:
        """Same as `upload`, async; `on_progress` may be async too."""
        options = UploadOptions(
            purpose=purpose,
            fps=fps,
            video_model=video_model,
            max_video_tokens=max_video_tokens,
            min_frame_tokens=min_frame_tokens,
            max_frame_tokens=max_frame_tokens,
            min_frames=min_frames,
            expire_in=expire_in,
            description=description,
            model=model,
            tos=tos,
            extra_body=extra_body,
        )
        upload = self._prepare(file, filename, options)
        waiting = Waiting(timeout, on_progress, is_async=True)
        with upload.source.opened() as content:
            uploaded = self._read_file(await self._client.apost(upload.request(content)))
        return await self._await(uploaded.id, waiting, uploaded) if wait else uploaded

    def _prepare(self, file: Any, filename: str | None, options: UploadOptions) -> _Upload:
        """Check everything that can be checked before the request."""
        self._require_api_key(_WHAT)
        source = read_source(file, filename)
        return _Upload(source, form_fields(options, source.url))

    # --- waiting ------------------------------------------------------------------------------------------

    def wait(
        self,
        file_id: str | ArkFile,
        *,
        timeout: float | None = 600.0,
        on_progress: Callable[[ArkFile], Any] | None = None,
    ) -> ArkFile:
        """Wait until a file has been processed.

        Its state is read at once, then after 1, 2, 3, 3, … seconds. A reading that fails temporarily is repeated.

        Args:
            file_id: Its id, or the file as it was.
            timeout: Seconds to wait at most; None for no limit.
            on_progress: Called with the file each time its state has been read.

        Returns:
            The file, active.

        Raises:
            InvalidRequestError: It could not be processed; `code` and text are the file's own, `body` is the file.
            APITimeoutError: It is still being processed. It can be waited for again.
            NotFoundError: There is no such file.
            ValueError: An argument is invalid, or the credentials are an access key pair.

        Example:
            ```python
            file = files.wait(files.upload("film.mp4", wait=False).id, timeout=1800)
            ```
        """
        return self._wait(_check_id(file_id, "file_id"), Waiting(timeout, on_progress, is_async=False))

    async def await_(
        self,
        file_id: str | ArkFile,
        *,
        timeout: float | None = 600.0,
        on_progress: Callable[[ArkFile], Any] | None = None,
    ) -> ArkFile:
        """Same as `wait`, async; `on_progress` may be async too."""
        return await self._await(_check_id(file_id, "file_id"), Waiting(timeout, on_progress, is_async=True))

    def _wait(self, file_id: str, waiting: Waiting, first: ArkFile | None = None) -> ArkFile:
        known = [first] if first else []

        def read() -> ArkFile:
            return known.pop() if known else self.get(file_id)

        with naming("The file", file_id):
            return active(poll(read, is_done, **waiting.arguments(file_id)))

    async def _await(self, file_id: str, waiting: Waiting, first: ArkFile | None = None) -> ArkFile:
        known = [first] if first else []

        async def read() -> ArkFile:
            return known.pop() if known else await self.aget(file_id)

        with naming("The file", file_id):
            return active(await apoll(read, is_done, **waiting.arguments(file_id)))

    # --- the other routes ---------------------------------------------------------------------------------

    def get(self, file_id: str | ArkFile) -> ArkFile:
        """Look up a file.

        Args:
            file_id: Its id, or the file as it was.

        Returns:
            The file in its present state, which may be `failed`.

        Raises:
            NotFoundError: There is no such file, or it has expired.
            ValueError: The id is not one, or the credentials are an access key pair.

        Example:
            ```python
            files.get("file-20251018114827-6zgrb").status
            ```
        """
        return self._read_file(self._client.post(self._file_request("GET", file_id)))

    async def aget(self, file_id: str | ArkFile) -> ArkFile:
        """Same as `get`, async."""
        return self._read_file(await self._client.apost(self._file_request("GET", file_id)))

    def delete(self, file_id: str | ArkFile) -> bool:
        """Delete a file.

        Args:
            file_id: Its id, or the file as it was.

        Returns:
            Whether the service says that it is gone.

        Raises:
            NotFoundError: There is no such file.
            ValueError: The id is not one, or the credentials are an access key pair.

        Example:
            ```python
            files.delete("file-20251018114827-6zgrb")
            ```
        """
        return bool(self._client.post(self._file_request("DELETE", file_id)).payload.get("deleted"))

    async def adelete(self, file_id: str | ArkFile) -> bool:
        """Same as `delete`, async."""
        return bool((await self._client.apost(self._file_request("DELETE", file_id))).payload.get("deleted"))

    def list(
        self, *, purpose: str | None = None, order: Literal["asc", "desc"] = "desc", after: str | None = None
    ) -> Iterator[ArkFile]:
        """List the files, page by page, as many requests as it takes.

        Args:
            purpose: Only files with this purpose.
            order: `"desc"` has the newest first.
            after: Begin after the file with this id.

        Returns:
            An iterator over the files; it requests the pages as they are needed.

        Raises:
            ValueError: An argument is invalid, or the credentials are an access key pair.
            VolcArkError: A request failed, while iterating.

        Example:
            ```python
            for file in files.list(order="asc"):
                print(file.id, file.filename, file.status)
            ```
        """
        return self._listed(self._pages(purpose, order, after))  # no generator itself, to check at once

    def _listed(self, pages: Pages) -> Iterator[ArkFile]:
        while not pages.done:
            yield from self._read_page(self._client.post(_page_request(pages)), pages)

    def alist(
        self, *, purpose: str | None = None, order: Literal["asc", "desc"] = "desc", after: str | None = None
    ) -> AsyncIterator[ArkFile]:
        """Same as `list`, async."""
        return self._alisted(self._pages(purpose, order, after))

    async def _alisted(self, pages: Pages) -> AsyncIterator[ArkFile]:
        while not pages.done:
            for file in self._read_page(await self._client.apost(_page_request(pages)), pages):
                yield file

    def _read_page(self, reply: Reply, pages: Pages) -> Sequence[ArkFile]:
        return self._read_reply(reply, lambda payload: [read_file(one) for one in pages.read(payload)])

    def _pages(self, purpose: str | None, order: str, after: str | None) -> Pages:
        self._require_api_key(_WHAT)
        query = {"purpose": check_value(str | None, "purpose", purpose)}
        query["order"] = check_value(Literal["asc", "desc"], "order", order)
        given = {name: value for name, value in query.items() if value is not None}
        return Pages(given, _PAGE, None if after is None else _check_id(after, "after"))

    def _file_request(self, method: Literal["GET", "DELETE"], file_id: str | ArkFile) -> ServiceRequest:
        self._require_api_key(_WHAT)
        return ServiceRequest(f"{_PATH}/{_check_id(file_id, 'file_id')}", {}, method=method)

    def _read_file(self, reply: Reply) -> ArkFile:
        return self._read_reply(reply, read_file)


def _page_request(pages: Pages) -> ServiceRequest:
    return ServiceRequest(_PATH, {}, query=pages.query(), method="GET")


class _Upload(NamedTuple):
    """An upload that has been checked: its content and the fields of the form."""

    source: Source
    fields: Mapping[str, str | list[str]]

    def request(self, content: FormFile | None) -> ServiceRequest:
        """The request, with the file opened."""
        return ServiceRequest(_PATH, {}, form=Form(self.fields, content))


def _check_id(file_id: Any, name: str) -> str:
    if isinstance(file_id, ArkFile):
        return file_id.id
    if not is_object_id(file_id):
        raise ValueError(f"{name} must be the id of a file, such as file-20251018114827-6zgrb, not {file_id!r}.")
    return file_id
