"""A file of 512 MB is sent in pieces: it is never in memory as a whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkFiles
from tests.integration.ark.files.conftest import Files
from tests.unit.raw_server import Connection, raw_server, reply

MIB = 1024 * 1024
SIZE = 512 * MIB


class Swallowing:
    """Reads uploads without keeping them; counts their bytes."""

    def __init__(self) -> None:
        self.received: list[int] = []

    def __call__(self, connection: Connection) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.socket.recv(65536)
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        buffer = bytearray(MIB)
        received = len(head.partition(b"\r\n\r\n")[2])
        while received < length:
            received += connection.socket.recv_into(buffer)
        self.received.append(received)
        connection.send(reply(b'{"id": "file-1", "status": "processing"}'))


@pytest.mark.parametrize(("way", "given"), [("sync", "path"), ("async", "file")])
async def test_a_large_upload_needs_little_memory(tmp_path: Path, way: str, given: str) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(SIZE)  # takes no space on the disk
    swallow = Swallowing()
    with raw_server(before=swallow) as server, path.open("rb") as opened:
        files = Files(ArkFiles(api_key="key", base_url=server.url), is_async=way == "async")
        source: Any = path if given == "path" else opened
        tracemalloc.start()
        try:
            await files("upload", source, wait=False)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert swallow.received[0] > SIZE
    assert peak < 8 * MIB
