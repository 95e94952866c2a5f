"""What langchain_tests' standard suites need to run against the emulator instead of the internet."""

from __future__ import annotations

import base64
import importlib
import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

# The smallest real files of each kind: the suites download theirs, and no test may leave the machine.
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGklEQVR4nGP4z8BAEiJN9aiGUQ1DSwMDA8N/AAxf/wHnjzQ1"
    "AAAAAElFTkSuQmCC"
)
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def _wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 800)
    return buffer.getvalue()


def _asset(url: str) -> bytes:
    if url.endswith(".pdf"):
        return _PDF
    return _wav() if url.endswith((".wav", ".mp3")) else _PNG


@pytest.fixture
def offline_assets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve the files which the standard suites download."""
    real_get = httpx.get

    def get(url: Any, *args: Any, **kwargs: Any) -> httpx.Response:
        if "127.0.0.1" in str(url):
            return real_get(url, *args, **kwargs)
        return httpx.Response(200, content=_asset(str(url)), request=httpx.Request("GET", url))

    monkeypatch.setattr("langchain_tests.integration_tests.chat_models.httpx.get", get)


def allow_loading(monkeypatch: pytest.MonkeyPatch, model: type) -> None:
    """Let core's `load` accept a class outside its own list, as `load(..., allowed_objects=[…])` does for users."""
    load_module = importlib.import_module("langchain_core.load.load")
    path = tuple(model.lc_id())  # type: ignore[attr-defined]
    mappings = {**load_module.ALL_SERIALIZABLE_MAPPINGS, path: path}
    monkeypatch.setattr(load_module, "ALL_SERIALIZABLE_MAPPINGS", mappings)
    load_module._default_class_paths_cache.clear()


class AtTheEmulator:
    """The standard suites' surroundings: the emulator, their downloads, and cassettes of its streams.

    Attributes:
        emulator: Where the model under test talks to.
        client: What its constructor needs besides.
    """

    emulator: Emulator
    client: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _server(self, emulator: Emulator, offline_assets: None, request: pytest.FixtureRequest) -> Iterator[None]:
        self.emulator = emulator
        # Cassettes hook into httpx's own transport, so the test that plays one brings httpx's own client.
        client = httpx.Client() if request.node.originalname == "test_stream_time" else None
        self.client = {"http_client": client} if client else {}
        yield
        if client:
            client.close()

    @property
    def enable_vcr_tests(self) -> bool:
        return True
