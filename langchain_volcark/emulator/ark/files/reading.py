"""Reads the files that a conversation refers to: checks that they may be used, and gives the model their content.

Documents: https://www.volcengine.com/docs/82379/1902647.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError, invalid
from langchain_volcark.emulator.ark.files.documents import text_of_pdf
from langchain_volcark.emulator.ark.media import decode_base64, split_data_url

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.files.store import Files, StoredFile
    from langchain_volcark.emulator.ark.request import ChatRequest

Json = dict[str, Any]

_KINDS = {"image_url": "image", "video_url": "video", "input_audio": "audio", "file": "document"}


def read_files(chat: ChatRequest, files: Files) -> ChatRequest:
    """Return a request whose messages hold the content of the files they refer to.

    Args:
        chat: A valid request.
        files: The stored files.

    Raises:
        ArkError: A file does not exist, is not active, or is of the wrong type.
    """
    messages = [_read_message(message, files) for message in chat.messages]
    return chat if messages == chat.messages else replace(chat, messages=messages)


def _read_message(message: Json, files: Files) -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_read_part(part, files) for part in content]}


def _read_part(part: Json, files: Files) -> Json:
    kind = part["type"]
    if kind not in _KINDS:
        return part
    inner = part[kind]
    if isinstance(inner, dict) and inner.get("file_id"):
        return {**part, kind: _content(kind, inner, _usable(inner["file_id"], _KINDS[kind], files))}
    if kind == "file" and "text" not in inner:
        return {**part, "file": _inline(inner)}
    return part


def _usable(file_id: str, kind: str, files: Files) -> StoredFile:
    file = files.get(file_id)
    if file.status != "active":
        raise ArkError(
            403,
            "OperationDenied.InvalidState",
            f"The operation is denied because the file {file_id} is not active: it is {file.status}.",
            "file_id",
        )
    if file.kind != kind:
        raise invalid("file_id", f"the file {file_id} is {file.mime_type}, expected {_article(kind)}")
    return file


def _article(kind: str) -> str:
    return "a PDF" if kind == "document" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _content(kind: str, inner: Json, file: StoredFile) -> Json:
    """Return the object of a part with the content of its file; a video, which no model here sees, stays an id."""
    options = {name: value for name, value in inner.items() if name != "file_id"}
    if kind == "file":
        return {**options, "filename": file.filename, "text": file.text}
    if kind == "image_url":
        return {**options, "url": f"data:{file.mime_type};base64,{base64.b64encode(file.content).decode()}"}
    if kind == "input_audio":
        sound = {"data": base64.b64encode(file.content).decode(), "format": file.mime_type.partition("/")[2]}
        return {**options, **sound}
    return inner


def _inline(inner: Json) -> Json:
    """Return the object of a document that is in the request, or that only has a link."""
    name = inner.get("filename") or inner.get("file_url")
    data = decode_base64(split_data_url(inner.get("file_data") or "")[1])
    try:
        text = text_of_pdf(data) if data.startswith(b"%PDF-") else ""
    except ValueError:
        text = ""  # whether the service refuses a damaged document is not documented
    return {"filename": name, "text": text}


def documents_in(messages: list[Json]) -> list[tuple[str, str]]:
    """Return the name and the text of each document in messages whose files have been read."""
    return [
        (str(part["file"]["filename"]), part["file"]["text"])
        for message in messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if part["type"] == "file" and part["file"].get("text")
    ]
