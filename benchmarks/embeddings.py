"""Embedding benchmarks: many texts in one request, concurrent requests, memory of a hundred thousand vectors."""

import asyncio
import base64
import resource
import subprocess
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import httpx
from langchain_core.embeddings import Embeddings

from benchmarks.absolute import AbsoluteCase, resident
from benchmarks.cases import Case
from benchmarks.contenders import NO_LIMITS, RAW
from benchmarks.measure import Bench, Task

ARK, OPENAI, MISTRAL = "ArkEmbeddings", "OpenAIEmbeddings", "MistralAIEmbeddings"
RAW_FLOAT = "raw httpx, numbers"
NAMES = (RAW_FLOAT, ARK, OPENAI, MISTRAL)
"""Besides raw httpx, whose row the runner knows."""

TEXT_MODEL, VISION_MODEL = "doubao-embedding-large-text-250515", "doubao-embedding-vision-251215"
TEXTS = [f"第 {number} 段:what does a client library add to the wire?" for number in range(64)]
AT_ONCE = 32


class Embedder(Protocol):
    """One client at one base URL."""

    def texts(self, count: int) -> list[list[float]]: ...
    async def inputs(self, count: int) -> list[list[float]]: ...


def texts_for(count: int) -> list[str]:
    """As many texts as wanted, over and over the same."""
    return [TEXTS[number % len(TEXTS)] for number in range(count)]


class RawHttpx:
    """What a person writes without a library: base64 and `array`, a semaphore around an `AsyncClient`."""

    def __init__(self, base_url: str, encoding: str = "base64") -> None:
        self.url = f"{base_url}/embeddings"
        self.encoding = encoding
        settings: dict[str, Any] = {"headers": {"Authorization": "Bearer k"}, "limits": NO_LIMITS, "timeout": 60}
        self.client = httpx.Client(**settings)
        self.async_client = httpx.AsyncClient(**settings)

    def _vector(self, value: Any) -> list[float]:
        return array("f", base64.b64decode(value)).tolist() if isinstance(value, str) else value

    def texts(self, count: int) -> list[list[float]]:
        body = {"model": TEXT_MODEL, "input": texts_for(count), "encoding_format": self.encoding}
        return [self._vector(row["embedding"]) for row in self.client.post(self.url, json=body).json()["data"]]

    async def inputs(self, count: int) -> list[list[float]]:
        semaphore = asyncio.Semaphore(AT_ONCE)

        async def embed(text: str) -> list[float]:
            part = {"type": "text", "text": text}
            body = {"model": VISION_MODEL, "input": [part], "encoding_format": self.encoding}
            async with semaphore:
                reply = await self.async_client.post(f"{self.url}/multimodal", json=body)
            return self._vector(reply.json()["data"]["embedding"])

        return list(await asyncio.gather(*map(embed, texts_for(count))))


class Ark:
    """`ArkEmbeddings`, for both endpoints."""

    def __init__(self, base_url: str) -> None:
        from langchain_volcark import ArkEmbeddings

        self.text = ArkEmbeddings(model=TEXT_MODEL, api_key="k", base_url=base_url)
        self.vision = ArkEmbeddings(model=VISION_MODEL, api_key="k", base_url=base_url, max_concurrency=AT_ONCE)

    def texts(self, count: int) -> list[list[float]]:
        return self.text.embed_documents(texts_for(count))

    async def inputs(self, count: int) -> list[list[float]]:
        return await self.vision.aembed_documents(texts_for(count))


class Neighbour:
    """Another package's embeddings; none of them can call a multimodal endpoint."""

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings

    def texts(self, count: int) -> list[list[float]]:
        return self.embeddings.embed_documents(texts_for(count))

    async def inputs(self, count: int) -> list[list[float]]:
        raise NotImplementedError


def _openai(base_url: str) -> Embedder:
    from langchain_openai import OpenAIEmbeddings

    # Left to itself it sends lists of token ids, which Ark refuses.
    return Neighbour(
        OpenAIEmbeddings(model=TEXT_MODEL, api_key="k", base_url=base_url, check_embedding_ctx_length=False)
    )


def _mistral(base_url: str) -> Embedder:
    from langchain_mistralai.embeddings import MistralAIEmbeddings
    from tokenizers import Tokenizer, models

    # Left to itself it downloads a tokenizer; this one finds no tokens, at no cost.
    return Neighbour(
        MistralAIEmbeddings(
            model=TEXT_MODEL, api_key="k", endpoint=f"{base_url}/", tokenizer=Tokenizer(models.BPE())
        )
    )


BUILD: dict[str, Callable[[str], Embedder]] = {
    RAW: RawHttpx,
    RAW_FLOAT: partial(RawHttpx, encoding="float"),
    ARK: Ark,
    OPENAI: _openai,
    MISTRAL: _mistral,
}


def missing() -> dict[str, str]:
    """The embeddings that cannot be built here, and why."""
    reasons = {}
    for name, build in BUILD.items():
        try:
            build("http://127.0.0.1:9/v3")
        except (ImportError, AttributeError) as error:
            reasons[name] = f"{type(error).__name__}: {error}"
    return reasons


def embed_texts(client: Any, calls: int) -> int:
    for _ in range(calls):
        if len(client.texts(len(TEXTS))) != len(TEXTS):
            raise RuntimeError("vectors are missing")
    return calls


async def embed_inputs(client: Any, count: int) -> int:
    if len(await client.inputs(count)) != count:
        raise RuntimeError("vectors are missing")
    return count


@dataclass(frozen=True)
class EmbeddingCase(Case):
    """A block of the table whose contenders are embeddings."""

    contenders: tuple[str, ...] = ()

    def tasks(self, bench: Bench) -> list[Task]:
        size, rounds = self.short if bench.short else self.size, min(bench.repeats, self.rounds)
        there = [name for name in self.contenders if size and name not in missing()]
        return [
            Task(
                (self.name, name),
                partial(self._sample, BUILD[name](f"{bench.origin}/v3"), size, bench.loop),
                rounds,
            )
            for name in there
        ]


@dataclass(frozen=True)
class EmbeddingMemory(AbsoluteCase):
    """A block of absolute figures whose contenders are embeddings."""

    def tasks(self, bench: Bench) -> list[Task]:
        size, rounds = self.short if bench.short else self.size, min(bench.repeats, self.rounds)
        there = [name for name in self.contenders if name not in missing()]
        return [Task((self.name, name), partial(self._sample, name, bench.origin, size), rounds) for name in there]


def memory_of_vectors(name: str, origin: str, size: int) -> float:
    """Megabytes that a fresh process holds more at its peak while it embeds `size` texts in one call."""
    command = [sys.executable, "-m", "benchmarks.embeddings", name, f"{origin}/v3", str(size)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(answer.stdout)


def _peak_growth(name: str, base_url: str, size: int) -> float:
    client = BUILD[name](base_url)
    client.texts(len(TEXTS))
    before = resident()
    vectors = []
    # Raw httpx has to cut the texts into requests itself.
    for start in range(0, size, len(TEXTS) if name == RAW else size):
        vectors += client.texts(min(len(TEXTS) if name == RAW else size, size - start))
    if len(vectors) != size:
        raise RuntimeError("vectors are missing")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return peak - before


EMBEDDING_CASES = (
    EmbeddingCase(
        "embed_64",
        "embed_64",
        "64 texts in one call, 1024 numbers each",
        "call",
        embed_texts,
        20,
        5,
        contenders=(RAW, *NAMES),
    ),
    EmbeddingCase(
        "embed_multimodal",
        "embed_multimodal",
        "2,000 inputs, a request each, 32 at once (200 in a short run)",
        "input",
        embed_inputs,
        2000,
        200,
        warm_up=64,
        rounds=7,
        contenders=(RAW, ARK),
    ),
)

EMBEDDING_MEMORY = (
    EmbeddingMemory(
        "embed_memory",
        "memory for 100,000 vectors of 1024 numbers as lists of float (5,000 in a short run)",
        "MB",
        memory_of_vectors,
        (RAW, ARK),
        100_000,
        5_000,
        rounds=1,
    ),
)

if __name__ == "__main__":
    _name, _url, _size = sys.argv[1:]
    sys.stdout.write(f"{_peak_growth(_name, _url, int(_size))}\n")
