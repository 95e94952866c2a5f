"""Makes calls against a broken server and records what both sides see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever

from langchain_volcark import ArkFiles
from langchain_volcark.base.embeddings import HTTPEmbeddings
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.registry import PoolSettings, registry

AtFirst = Callable[[], object]


@dataclass
class Seen:
    """What a call came to.

    Attributes:
        text: The answer, or None.
        error: The exception, or None.
        active: Connections of the pool still in use.
        idle: Connections that wait for the next call.
    """

    text: str | None
    error: VolcArkError | None
    active: int
    idle: int


def nothing() -> None:
    """At the first piece of a stream: nothing."""


def invoke(model: BaseChatModel, at_first: AtFirst) -> str:
    return model.invoke("Hi").text


async def ainvoke(model: BaseChatModel, at_first: AtFirst) -> str:
    return (await model.ainvoke("Hi")).text


def stream(model: BaseChatModel, at_first: AtFirst) -> str:
    texts = []
    for piece in model.stream("Hi"):
        if not texts:
            at_first()
        texts.append(piece.text)
    return "".join(texts)


async def astream(model: BaseChatModel, at_first: AtFirst) -> str:
    texts = []
    async for piece in model.astream("Hi"):
        if not texts:
            at_first()
        texts.append(piece.text)
    return "".join(texts)


def use(other: Any, at_first: AtFirst) -> str:
    """The one call of embeddings, files, a retriever or a reranker; its answer stands for the text."""
    if isinstance(other, ArkFiles):
        return str(other.upload(b"Hi", filename="a.txt"))
    if isinstance(other, HTTPEmbeddings):
        return str(other.embed_documents(["Hi"]))
    if isinstance(other, BaseRetriever):
        return str(other.invoke("Hi"))
    return str(other.compress_documents([Document("Hi")], "Hi"))


async def ause(other: Any, at_first: AtFirst) -> str:
    if isinstance(other, ArkFiles):
        return str(await other.aupload(b"Hi", filename="a.txt"))
    if isinstance(other, HTTPEmbeddings):
        return str(await other.aembed_documents(["Hi"]))
    if isinstance(other, BaseRetriever):
        return str(await other.ainvoke("Hi"))
    return str(await other.acompress_documents([Document("Hi")], "Hi"))


Call = Callable[[Any, AtFirst], "str | Awaitable[str]"]
CALLS: dict[str, Call] = {"invoke": invoke, "stream": stream, "ainvoke": ainvoke, "astream": astream}
OTHER_CALLS: dict[str, Call] = {"call": use, "acall": ause}
STREAMING = ("stream", "astream")


def drive(call: Call, model: Any, at_first: AtFirst = nothing) -> Seen:
    """Make a call and look at the pool right after it; all connections are closed in the end."""
    settings = PoolSettings(proxy=model.proxy)
    if asyncio.iscoroutinefunction(call):
        return asyncio.run(_adrive(call, model, settings, at_first))
    transport = registry.client(settings)._transport  # type: ignore[union-attr]
    text, error = None, None
    try:
        text = call(model, at_first)
    except VolcArkError as caught:
        error = caught
    finally:
        active, idle = connections(transport)
        transport.close()
        registry._clients.clear()
    return Seen(text, error, active, idle)  # type: ignore[arg-type]


def connections(transport: Any) -> tuple[int, int]:
    """How many are in use, and how many wait; httpx's own transports, which lead through proxies, do not tell."""
    if isinstance(transport, (httpx.HTTPTransport, httpx.AsyncHTTPTransport)):
        idle = sum(one.is_idle() for one in transport._pool.connections)
        return len(transport._pool.connections) - idle, idle
    return transport.active_connections, transport.idle_connections


async def _adrive(call: Any, model: Any, settings: PoolSettings, at_first: AtFirst) -> Seen:
    transport: Any = registry.async_client(settings)._transport  # type: ignore[union-attr]
    text, error = None, None
    try:
        text = await call(model, at_first)
    except VolcArkError as caught:
        error = caught
    # A closed socket leaves the loop in its next round; the loop's end closes the others.
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    return Seen(text, error, *connections(transport))
