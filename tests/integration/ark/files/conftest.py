"""`ArkFiles` against the emulator, sync and async, with a clock that moves only while somebody waits."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from langchain_volcark import ArkFiles
from langchain_volcark.emulator import Emulator


class Files:
    """Calls the sync or the async methods of an `ArkFiles` by the names of the sync ones."""

    def __init__(self, files: ArkFiles, *, is_async: bool) -> None:
        self.files = files
        self.is_async = is_async

    async def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if not self.is_async:
            result = getattr(self.files, name)(*args, **kwargs)
            return list(result) if name == "list" else result
        result = getattr(self.files, {"wait": "await_"}.get(name, f"a{name}"))(*args, **kwargs)
        if inspect.isasyncgen(result):
            return [one async for one in result]
        return await result


@pytest.fixture(params=["sync", "async"])
def files(request: pytest.FixtureRequest, emulator: Emulator) -> Files:
    made = ArkFiles(api_key=emulator.api_key, base_url=emulator.ark_base_url)
    return Files(made, is_async=request.param == "async")
