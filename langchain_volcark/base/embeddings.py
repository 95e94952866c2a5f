"""Base class of all vendors' embeddings: batching, bounded concurrency, order of results, partial failures."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_core.embeddings import Embeddings
from langchain_core.rate_limiters import BaseRateLimiter
from pydantic import Field
from typing_extensions import override

from langchain_volcark.base.fan_out import afan_out, fan_out, progress_bar
from langchain_volcark.base.service import HTTPService
from langchain_volcark.base.values import Switch, Whole, as_list
from langchain_volcark.http.retry import NO_HOOKS, RetryHooks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_volcark.http.replies import Reply
    from langchain_volcark.http.requests import ServiceRequest

T = TypeVar("T")


@dataclass(frozen=True)
class EmbeddingPlan(Generic[T]):
    """The requests of one call, with validated inputs; nothing is sent yet.

    Attributes:
        spans: The positions of each request's inputs; together they cover all inputs.
        request: Creates the request for a span.
        read: Reads a reply's payload for that number of inputs; raises `ValueError` where it is not in the
            documented form.
        reads_files: Whether `request` reads files; an async call then runs it in a thread.
    """

    spans: Sequence[range]
    request: Callable[[range], ServiceRequest]
    read: Callable[[Mapping[str, Any], int], list[T]]
    reads_files: bool = False


class HTTPEmbeddings(HTTPService, Embeddings):
    """Base of the package's embeddings.

    A vendor's class returns a plan of each call: its requests, and how to read their replies. A call never changes
    the object, so many threads, tasks and event loops can use it at once; it can be pickled for worker processes.
    """

    model: str
    """Model id or endpoint id."""
    chunk_size: Whole = Field(default=64, ge=1)
    """Maximum number of inputs per request, where the service accepts several."""
    max_concurrency: Whole = Field(default=16, ge=1)
    """Maximum number of concurrent requests of one call: threads of a sync call, tasks of an async one."""
    show_progress_bar: Switch = False
    """Whether to show a progress bar for calls with many inputs; needs tqdm."""
    rate_limiter: BaseRateLimiter | None = Field(default=None, exclude=True, repr=False)
    """Limits the rate of requests, retries included, within one process; cannot be pickled."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, which override everything else."""

    # --- defined by a vendor's class ----------------------------------------------------------------------

    @abstractmethod
    def _plan_documents(self, texts: Sequence[str]) -> EmbeddingPlan[list[float]]:
        """The requests that embed these documents; raises `ValueError` for invalid input."""

    @abstractmethod
    def _plan_query(self, text: str) -> EmbeddingPlan[list[float]]:
        """The single request that embeds this query."""

    # --- public methods -----------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """Same as `model`, by the name that chat models use."""
        return self.model

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed documents.

        Args:
            texts: The documents, in any ordered collection. None may be empty.

        Returns:
            One vector per document, in their order; `[]` for `[]`, without a request.

        Raises:
            ValueError: A text is invalid; the message names its position. No request was sent.
            VolcArkError: A request failed after its retries. `completed` holds the results of the other requests,
                `failed_inputs` the positions of the failed one.
        """
        return self._run(self._plan_documents(as_list(texts, "texts")))

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Same as `embed_documents`, async."""
        return await self._arun(self._plan_documents(as_list(texts, "texts")))

    @override
    def embed_query(self, text: str) -> list[float]:
        """Embed a query.

        Args:
            text: The query. It may not be empty.

        Returns:
            Its vector.

        Raises:
            ValueError: The text is invalid.
            VolcArkError: The request failed.
        """
        return self._run(self._plan_query(text), quiet=True)[0]

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Same as `embed_query`, async."""
        return (await self._arun(self._plan_query(text), quiet=True))[0]

    # --- requests -----------------------------------------------------------------------------------------

    def _body(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The request body: the given fields that are not None, then `model_kwargs` and `extra_body`."""
        own = {name: value for name, value in fields.items() if value is not None}
        return {"model": self.model, **own, **self.model_kwargs, **self.extra_body}

    def _concurrency(self) -> int:
        """Maximum number of concurrent requests of one call."""
        return self.max_concurrency

    def _run(self, plan: EmbeddingPlan[T], *, quiet: bool = False) -> list[T]:
        limiter = self.rate_limiter
        hooks = NO_HOOKS if limiter is None else RetryHooks(before_attempt=limiter.acquire)
        client = self._client

        def send(span: range) -> list[T]:
            return self._read(plan, client.post(plan.request(span), hooks), len(span))

        with progress_bar(sum(map(len, plan.spans)), show=self.show_progress_bar and not quiet) as progress:
            return fan_out(
                plan.spans,
                send,
                max_concurrency=self._concurrency(),
                acquire=None if limiter is None else limiter.acquire,
                progress=progress,
            )

    async def _arun(self, plan: EmbeddingPlan[T], *, quiet: bool = False) -> list[T]:
        limiter = self.rate_limiter
        hooks = NO_HOOKS if limiter is None else RetryHooks(before_attempt=limiter.aacquire)
        client = self._client

        async def send(span: range) -> list[T]:
            request = await asyncio.to_thread(plan.request, span) if plan.reads_files else plan.request(span)
            return self._read(plan, await client.apost(request, hooks), len(span))

        with progress_bar(sum(map(len, plan.spans)), show=self.show_progress_bar and not quiet) as progress:
            return await afan_out(
                plan.spans,
                send,
                max_concurrency=self._concurrency(),
                acquire=None if limiter is None else limiter.aacquire,
                progress=progress,
            )

    def _read(self, plan: EmbeddingPlan[T], reply: Reply, count: int) -> list[T]:
        return self._read_reply(reply, lambda payload: plan.read(payload, count))


# --- functions for the vendors' classes -------------------------------------------------------------------


def check_texts(texts: Sequence[Any], *, max_bytes: int, name: str | None = None) -> list[int]:
    """Refuse invalid texts before anything is sent.

    Args:
        texts: The texts given by the caller.
        max_bytes: The longest text that the service accepts, in bytes of UTF-8.
        name: The name of a text in errors; its position by default.

    Returns:
        Each text's length in bytes of UTF-8.

    Raises:
        ValueError: A text is not a string, is empty or too long; the message names its position.
    """
    sizes = []
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{name or f'Input {position}'} is not a text but {type(text).__name__!r}.")  # noqa: TRY004
        size = len(text.encode("utf-8", "surrogatepass"))
        if 0 < size <= max_bytes:
            sizes.append(size)
            continue
        problem = (
            f"too long: {size:,} bytes of UTF-8, and the service takes {max_bytes:,}. Split it."
            if text
            else "empty: leave empty texts out, they have no vector."
        )
        raise ValueError(f"{name or f'Input {position}'} is {problem}")
    return sizes


def batches(costs: Sequence[int], *, max_items: int, max_cost: int | None = None) -> list[range]:
    """Split inputs into requests without changing their order.

    Args:
        costs: The size of each input in any unit, such as tokens or bytes.
        max_items: Maximum number of inputs per request.
        max_cost: Maximum total size per request; a larger input gets its own. None means no limit.

    Returns:
        The positions of each request's inputs.
    """
    spans = []
    start = spent = 0
    for position, cost in enumerate(costs):
        full = position - start >= max_items or (max_cost is not None and spent + cost > max_cost)
        if full and position > start:
            spans.append(range(start, position))
            start, spent = position, 0
        spent += cost
    if start < len(costs):
        spans.append(range(start, len(costs)))
    return spans


def tokens_at_most(size: int) -> int:
    """An upper estimate of tokens from bytes of UTF-8: one per Chinese character, or per 3 letters."""
    return (size + 2) // 3


def with_instruction(instruction: str | None, text: str) -> str:
    """Add an instruction to a text.

    Args:
        instruction: A template with `{text}`, or a prefix; None or empty leaves the text unchanged.
        text: The text.
    """
    if not instruction:
        return text
    if "{text}" in instruction:
        return instruction.replace("{text}", text)
    return instruction + text
