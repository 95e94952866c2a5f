"""The measured clients: raw httpx, langchain-core answering from memory, `ChatArk`, and other packages."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from benchmarks.server import DELTAS, REPLY_TEXT, Settings

RAW, CORE, ARK = "raw httpx", "langchain-core", "ChatArk"
OPENAI, MISTRAL, DEEPSEEK = "ChatOpenAI", "ChatMistralAI", "ChatDeepSeek"
PEERS = (OPENAI, MISTRAL, DEEPSEEK)

# httpx forgets all but 20 idle connections and makes new ones for the next burst: cheap on loopback, a TLS
# handshake each elsewhere. This one keeps them all, as a client must that wants to spare its users those.
KEEPER = "httpx keep-all"
DEFAULT_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)

MODEL = "doubao-seed-1-6"
PROMPT = "用一句话说明:what does a client library add to the wire?"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}
STREAM_BODY = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
RESPONSES_BODY = {"model": MODEL, "input": [{"role": "user", "content": PROMPT}]}


class Contender(Protocol):
    """One client at one base URL."""

    def invoke(self) -> object: ...
    async def ainvoke(self) -> object: ...
    def batch(self, calls: int, threads: int) -> object: ...
    def stream(self) -> Iterator[object]: ...
    def astream(self) -> AsyncIterator[object]: ...
    def events(self) -> Iterator[object]: ...
    def aevents(self) -> AsyncIterator[object]: ...
    def chunks_below_core(self) -> Iterator[object]: ...


class RawHttpx:
    """What a person writes without a library: the yardstick of every row."""

    path = "/chat/completions"
    body: Mapping[str, Any] = BODY
    stream_body: Mapping[str, Any] = STREAM_BODY

    def __init__(self, base_url: str, limits: httpx.Limits = DEFAULT_LIMITS) -> None:
        self.url = base_url + self.path
        # 60 s, because a burst of 500 waits longer for one of 100 connections than the default 5 s.
        settings: dict[str, Any] = {"headers": {"Authorization": "Bearer k"}, "limits": limits, "timeout": 60}
        self.client = httpx.Client(**settings)
        self.async_client = httpx.AsyncClient(**settings)

    def invoke(self) -> object:
        return self.client.post(self.url, json=self.body).json()

    async def ainvoke(self) -> object:
        return (await self.async_client.post(self.url, json=self.body)).json()

    def batch(self, calls: int, threads: int) -> object:
        with ThreadPoolExecutor(threads) as pool:
            return [future.result() for future in [pool.submit(self.invoke) for _ in range(calls)]]

    def stream(self) -> Iterator[object]:
        with self.client.stream("POST", self.url, json=self.stream_body) as response:
            for line in response.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line[6:])

    async def astream(self) -> AsyncIterator[object]:
        async with self.async_client.stream("POST", self.url, json=self.stream_body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    yield json.loads(line[6:])

    # Raw httpx knows no events and no layers: its chunks stand in for both.
    events = chunks_below_core = stream
    aevents = astream


class RawResponses(RawHttpx):
    """The same for the Responses API."""

    path = "/responses"
    body = RESPONSES_BODY
    stream_body: Mapping[str, Any] = {**RESPONSES_BODY, "stream": True}


class Model:
    """A LangChain chat model, called as a user calls it."""

    def __init__(self, model: BaseChatModel) -> None:
        self.model = model

    def invoke(self) -> object:
        return self.model.invoke(PROMPT)

    async def ainvoke(self) -> object:
        return await self.model.ainvoke(PROMPT)

    def batch(self, calls: int, threads: int) -> object:
        return self.model.batch([PROMPT] * calls, {"max_concurrency": threads})

    def stream(self) -> Iterator[object]:
        return self.model.stream(PROMPT)

    def astream(self) -> AsyncIterator[object]:
        return self.model.astream(PROMPT)

    def events(self) -> Iterator[object]:
        return iter(self.model.stream_events(PROMPT, version="v3"))

    async def aevents(self) -> AsyncIterator[object]:
        async for event in await self.model.astream_events(PROMPT, version="v3"):
            yield event

    def chunks_below_core(self) -> Iterator[object]:
        """The integration's own part of a stream, without core's list of all chunks."""
        return self.model._stream([HumanMessage(PROMPT)])


class FromMemory(BaseChatModel):
    """Answers what the server would answer, without asking it: what langchain-core itself costs."""

    settings: Settings

    @property
    def _llm_type(self) -> str:
        return "from-memory"

    def _result(self) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(REPLY_TEXT))])

    def _chunk(self, position: int) -> ChatGenerationChunk:
        return ChatGenerationChunk(message=AIMessageChunk(content=DELTAS[position % len(DELTAS)]))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.settings.delay:
            time.sleep(self.settings.delay)
        return self._result()

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.settings.delay:
            await asyncio.sleep(self.settings.delay)
        return self._result()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for position in range(self.settings.chunks):
            yield self._chunk(position)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for position in range(self.settings.chunks):
            yield self._chunk(position)


def _core(base_url: str) -> BaseChatModel:
    return FromMemory(settings=Settings.of(base_url))


def _ark(base_url: str) -> BaseChatModel:
    from langchain_volcark import ChatArk

    return ChatArk(model=MODEL, api_key="k", base_url=base_url)


def _openai(base_url: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    # Left to itself it asks for usage only at its home address; the others always do.
    return ChatOpenAI(model=MODEL, api_key="k", base_url=base_url, stream_usage=True)


def _mistral(base_url: str) -> BaseChatModel:
    from langchain_mistralai import ChatMistralAI, chat_models

    # It looks at certifi's certificates alone; the benchmark's server has one of its own.
    if trusted := os.environ.get("SSL_CERT_FILE"):
        chat_models.global_ssl_context.load_verify_locations(trusted)
    return ChatMistralAI(model=MODEL, api_key="k", base_url=base_url)


def _deepseek(base_url: str) -> BaseChatModel:
    from langchain_deepseek import ChatDeepSeek

    return ChatDeepSeek(model=MODEL, api_key="k", base_url=base_url)


MODELS: dict[str, Callable[[str], BaseChatModel]] = {
    CORE: _core,
    ARK: _ark,
    OPENAI: _openai,
    MISTRAL: _mistral,
    DEEPSEEK: _deepseek,
}
NAMES = (RAW, KEEPER, *MODELS)

# What a user's program imports first; langchain-core's line is the floor of the others.
IMPORTS = {
    CORE: "from langchain_core.language_models import BaseChatModel",
    ARK: "from langchain_volcark import ChatArk",
    OPENAI: "from langchain_openai import ChatOpenAI",
    MISTRAL: "from langchain_mistralai import ChatMistralAI",
    DEEPSEEK: "from langchain_deepseek import ChatDeepSeek",
}


def _ark_responses(base_url: str) -> BaseChatModel:
    from langchain_volcark import ChatArk

    return ChatArk(model=MODEL, api_key="k", base_url=base_url, use_responses_api=True)


def _openai_responses(base_url: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=MODEL, api_key="k", base_url=base_url, use_responses_api=True)


RESPONSES_MODELS: dict[str, Callable[[str], BaseChatModel]] = {
    CORE: _core,
    ARK: _ark_responses,
    OPENAI: _openai_responses,
}
"""Those that know the Responses API."""


def build_responses(name: str, base_url: str) -> Contender:
    return RawResponses(base_url) if name == RAW else Model(RESPONSES_MODELS[name](base_url))


def build(name: str, base_url: str) -> Contender:
    if name in (RAW, KEEPER):
        return RawHttpx(base_url, DEFAULT_LIMITS if name == RAW else NO_LIMITS)
    return Model(MODELS[name](base_url))


def missing() -> dict[str, str]:
    """The contenders that cannot be built here, and why."""
    reasons = {name: _obstacle(name) for name in NAMES}
    return {name: reason for name, reason in reasons.items() if reason}


def _obstacle(name: str) -> str | None:
    try:
        build(name, "http://127.0.0.1:9/v3")
    except (ImportError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None
