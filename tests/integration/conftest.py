"""A raw server that can misbehave in any way, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.chat_models import base as chat_base
from langchain.embeddings import base as embeddings_base

from langchain_volcark.http import stream as http_stream
from langchain_volcark.http import token_refresh
from langchain_volcark.http.registry import registry
from tests.integration.echo import Echo
from tests.unit.raw_server import RawServer, raw_server


@pytest.fixture(scope="session")
def one_raw_server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


@pytest.fixture
def broken_server(
    one_raw_server: RawServer, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[RawServer]:
    """The session's server of bare sockets, and a process without connections; retries wait for nobody."""
    monkeypatch.setattr(registry, "_clients", {})
    monkeypatch.setattr(http_stream, "_DRAIN_SECONDS", 60)  # a slow machine must not cost a connection
    yield one_raw_server
    one_raw_server.forget()


@pytest.fixture
def registries() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """LangChain's own registries, put back afterwards."""
    found: tuple[dict[str, Any], dict[str, Any]] = (
        chat_base._BUILTIN_PROVIDERS,
        embeddings_base._BUILTIN_PROVIDERS,
    )
    before = [dict(providers) for providers in found]
    yield found
    for providers, entries in zip(found, before, strict=True):
        providers.clear()
        providers.update(entries)
    chat_base._get_chat_model_creator.cache_clear()
    embeddings_base._get_embeddings_class_creator.cache_clear()


@pytest.fixture(autouse=True)
def no_tokens() -> Iterator[None]:
    """No test finds a token that another one asked for."""
    token_refresh.tokens.clear()
    yield
    token_refresh.tokens.clear()


@pytest.fixture
def echo() -> Iterator[Echo]:
    handler = Echo()
    yield handler
    handler.close()
