"""Stored files: their processing, expiry and deletion, and the controls of tests over them.

File object: https://www.volcengine.com/docs/82379/1873424.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError, invalid
from langchain_volcark.emulator.ark.files.documents import text_of_pdf
from langchain_volcark.emulator.ark.files.form import PERMANENT, PURPOSES
from langchain_volcark.emulator.ark.files.kinds import is_supported, kind_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_volcark.emulator.ark.files.form import Upload

Json = dict[str, Any]

_QUOTA = 20 * 1024**3
_LETTERS = string.ascii_lowercase + string.digits
_DEFAULT_PAGE = _LARGEST_PAGE = 100


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file.

    Attributes:
        id: Its id.
        filename: The name it was uploaded with.
        purpose: What it is for.
        content: Its bytes; empty for a URL that is not on this machine.
        mime_type: Its type, detected from the content.
        created_at: When it was uploaded, in Unix seconds.
        expire_at: When it is deleted, in Unix seconds; -1 for never.
        status: `processing`, `active` or `failed`.
        error: Why it failed.
        options: `preprocess_configs`, `description`, `model` and `tos` of the upload.
        text: The text of a PDF.
        polls_left: How many more times retrieving it answers that it is being processed.
    """

    id: str
    filename: str
    purpose: str
    content: bytes = field(repr=False)
    mime_type: str
    created_at: int
    expire_at: int
    status: str = "processing"
    error: Json | None = None
    options: Json = field(default_factory=dict)
    text: str = field(default="", repr=False)
    polls_left: int = 0

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content)

    @property
    def sha256(self) -> str:
        """Hash of the content, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def kind(self) -> str:
        """`image`, `video`, `audio` or `document`."""
        return kind_of(self.mime_type)

    def object(self) -> Json:
        """Return the file object of a reply."""
        shown: Json = {"object": "file", "id": self.id, "purpose": self.purpose, "filename": self.filename}
        if self.status == "active":
            shown |= {"bytes": self.size, "mime_type": self.mime_type}
        shown |= {"created_at": self.created_at, "expire_at": self.expire_at, "status": self.status}
        if self.status == "failed":
            shown["error"] = self.error
        return {**shown, **self.options}


class Files:
    """The files of one emulator, and controls for tests; can be used from any thread.

    Args:
        now: Returns the time by the server's clock, in Unix seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._files: dict[str, StoredFile] = {}
        self._failures: deque[Json] = deque()
        self._polls = 0
        self._quota = _QUOTA

    # --- controls -------------------------------------------------------------------------------------------

    @property
    def stored(self) -> list[StoredFile]:
        """The files that have neither expired nor been deleted, oldest first."""
        with self._lock:
            return [file for file in self._files.values() if self._is_alive(file)]

    def add(
        self, content: bytes, filename: str, *, file_id: str | None = None, status: str = "active"
    ) -> StoredFile:
        """Store a file without an upload.

        Args:
            content: Its bytes.
            filename: Its name.
            file_id: Its id; a new one by default.
            status: `active`, `processing` or `failed`.
        """
        now = int(self._now())
        file = StoredFile(
            file_id or self._new_id(now),
            filename,
            "user_data",
            content,
            type_of(content, filename),
            now,
            now + 7 * 86_400,
        )
        return self._keep(replace(_processed(file), status=status))

    def process_for(self, polls: int) -> None:
        """Let processing last longer, until `reset()`.

        Args:
            polls: How many times retrieving a new file answers that it is being processed; 0 at first.
        """
        with self._lock:
            self._polls = polls

    def fail_next(
        self, code: str = "InvalidParameter", message: str = "The emulator simulates a failure.", times: int = 1
    ) -> None:
        """Let the processing of the next uploads fail.

        Args:
            code: The error code of the file.
            message: Its error message.
            times: Number of uploads that fail.
        """
        with self._lock:
            self._failures.extend([_error(code, message)] * times)

    def limit_quota(self, size: int) -> None:
        """Set the storage of the account until `reset()`; 20 GB by default.

        Args:
            size: Number of bytes.
        """
        with self._lock:
            self._quota = size

    def reset(self) -> None:
        """Delete all files and unused controls."""
        with self._lock:
            self._files.clear()
            self._failures.clear()
            self._polls = 0
            self._quota = _QUOTA

    # --- what the routes do ---------------------------------------------------------------------------------

    def create(self, upload: Upload, content: bytes, problem: str | None = None) -> StoredFile:
        """Store an upload.

        Args:
            upload: The upload.
            content: Its bytes, also where it was given as a URL.
            problem: Why it cannot be processed.

        Raises:
            ArkError: The account's storage is full.
        """
        now = int(self._now())
        with self._lock:
            if sum(file.size for file in self.stored) + len(content) > self._quota:
                raise ArkError(
                    403, "OperationDenied.FileQuotaExceeded", "The storage quota of the account is exceeded."
                )
            file_id = self._new_id(now)
            file = StoredFile(
                file_id,
                upload.filename,
                upload.purpose,
                content,
                type_of(content, upload.filename),
                now,
                upload.expire_at,
                options=_located(upload.options, file_id),
                polls_left=self._polls,
            )
            if self._failures:
                file = replace(file, error=self._failures.popleft())
            elif problem is not None:
                file = replace(file, error=_error("InvalidParameter", problem, "url"))
            else:
                file = _processed(file)
            return self._keep(file)

    def poll(self, file_id: str) -> StoredFile:
        """Retrieve a file; its processing ends when that was asked often enough.

        Raises:
            ArkError: There is no such file.
        """
        with self._lock:
            file = self.get(file_id)
            if file.status != "processing":
                return file
            if file.polls_left > 0:
                return self._keep(replace(file, polls_left=file.polls_left - 1))
            return self._keep(replace(file, status="failed" if file.error else "active"))

    def get(self, file_id: str) -> StoredFile:
        """Return a file.

        Raises:
            ArkError: There is no such file, or it has expired.
        """
        with self._lock:
            file = self._files.get(file_id)
            if file is None or not self._is_alive(file):
                raise ArkError(404, "NotFound.FileId", f"The file {file_id} does not exist.", "file_id")
            return file

    def delete(self, file_id: str) -> None:
        """Delete a file.

        Raises:
            ArkError: There is no such file.
        """
        with self._lock:
            self.get(file_id)
            del self._files[file_id]

    def page(self, query: Mapping[str, str]) -> Json:
        """Return a page of the list of files.

        Raises:
            ArkError: A parameter of the query is invalid.
        """
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise invalid("order", "expected asc or desc")
        limit = query.get("limit", str(_DEFAULT_PAGE))
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= _LARGEST_PAGE:
            raise invalid("limit", f"expected an integer between 1 and {_LARGEST_PAGE}")
        purpose = query.get("purpose")
        if purpose is not None and purpose not in PURPOSES:
            raise invalid("purpose", f"expected one of {list(PURPOSES)}, got {purpose!r}")
        files = [file for file in self.stored if purpose in (None, file.purpose)]
        if order == "desc":
            files.reverse()
        if "after" in query:
            place = next((place for place, file in enumerate(files) if file.id == query["after"]), None)
            if place is None:
                raise invalid("after", f"there is no file {query['after']}")
            files = files[place + 1 :]
        page = files[: int(limit)]
        return {
            # The page documents `list`; its samples and the SDK have `file`.
            "object": "file",
            "data": [file.object() for file in page],
            "first_id": page[0].id if page else "",
            "last_id": page[-1].id if page else "",
            "has_more": len(files) > len(page),
        }

    def _keep(self, file: StoredFile) -> StoredFile:
        with self._lock:
            self._files[file.id] = file
        return file

    def _is_alive(self, file: StoredFile) -> bool:
        return file.expire_at == PERMANENT or file.expire_at > self._now()

    def _new_id(self, now: int) -> str:
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(now))
        return f"file-{stamp}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"


def _processed(file: StoredFile) -> StoredFile:
    """Find out what processing a file comes to: the text of a document, or an error."""
    if file.purpose == "user_data" and not is_supported(file.mime_type):
        problem = f"the type of the file {file.filename} is not supported"
        return replace(file, error=_error("InvalidParameter", problem, "file"))
    if file.mime_type == "application/pdf" and file.content:
        try:
            return replace(file, text=text_of_pdf(file.content))
        except ValueError as error:
            return replace(file, error=_error("InvalidParameter", f"the file cannot be read: {error}", "file"))
    return file


def _error(code: str, message: str, param: str = "") -> Json:
    return {"code": code, "message": message, "param": param, "type": "BadRequest"}


def _located(options: Json, file_id: str) -> Json:
    """Return the options, with the place of the file in the caller's own bucket instead of the one asked for."""
    tos = options.get("tos")
    if tos is None:
        return options
    key = tos.get("object_key") or f"{tos.get('prefix', '')}{file_id}"
    return {**options, "tos": {"bucket": tos["bucket"], "object_key": key}}
