"""The embeddings that all vendors share: batches, bounded concurrency, order, failures in the middle."""

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

    from langchain_volcark.http.client import Reply, ServiceRequest

T = TypeVar("T")


@dataclass(frozen=True)
class EmbeddingPlan(Generic[T]):
    """All requests of one call; their inputs are checked, nothing is sent yet.

    Attributes:
        spans: The positions of each request's inputs; together 0 to the number of inputs.
        request: Writes the request for a span.
        read: Reads a reply's payload for so many inputs; raises `ValueError` where it is not what is documented.
        reads_files: Whether `request` reads files, which an async call leaves to a thread.
    """

    spans: Sequence[range]
    request: Callable[[range], ServiceRequest]
    read: Callable[[Mapping[str, Any], int], list[T]]
    reads_files: bool = False


class HTTPEmbeddings(HTTPService, Embeddings):
    """Base of the package's embeddings.

    A vendor's class plans a call: which requests, and how their replies read. It never changes itself during a
    call, so one object serves many threads, tasks and event loops at once, and pickles to be sent to workers.
    """

    model: str
    """Model id or endpoint id."""
    chunk_size: Whole = Field(default=64, ge=1)
    """Inputs in one request at most, where the service takes several."""
    max_concurrency: Whole = Field(default=16, ge=1)
    """Requests of one call in flight at most: threads of a sync call, tasks of an async one."""
    show_progress_bar: Switch = False
    """Whether calls over many inputs show a bar (with tqdm, which must be installed then)."""
    rate_limiter: BaseRateLimiter | None = Field(default=None, exclude=True, repr=False)
    """Asked before each request, retries included. It limits one process; it does not pickle."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, which win over everything else."""

    # --- what a vendor says -------------------------------------------------------------------------------

    @abstractmethod
    def _plan_documents(self, texts: Sequence[str]) -> EmbeddingPlan[list[float]]:
        """The requests that embed these documents; refuses bad input with a `ValueError`."""

    @abstractmethod
    def _plan_query(self, text: str) -> EmbeddingPlan[list[float]]:
        """The one request that embeds this query."""

    # --- what a user calls --------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The model's id, under the name that the chat models have for it."""
        return self.model

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed documents.

        Args:
            texts: The documents, in any collection that has an order. None may be empty.

        Returns:
            One vector per document, in their order; `[]` for `[]`, without a request.

        Raises:
            ValueError: A text cannot be sent; the message names its position. Nothing was sent then.
            VolcArkError: A request failed for good. `completed` holds what others brought, `failed_inputs` the
                positions it was for.
        """
        return self._run(self._plan_documents(as_list(texts, "texts")))

    @override
    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Async twin of `embed_documents`."""
        return await self._arun(self._plan_documents(as_list(texts, "texts")))

    @override
    def embed_query(self, text: str) -> list[float]:
        """Embed a query.

        Args:
            text: The query. It may not be empty.

        Returns:
            Its vector.

        Raises:
            ValueError: The text cannot be sent.
            VolcArkError: The request failed.
        """
        return self._run(self._plan_query(text), quiet=True)[0]

    @override
    async def aembed_query(self, text: str) -> list[float]:
        """Async twin of `embed_query`."""
        return (await self._arun(self._plan_query(text), quiet=True))[0]

    # --- requests -----------------------------------------------------------------------------------------

    def _body(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A request's body: these fields, without those that are None, and what the user adds."""
        own = {name: value for name, value in fields.items() if value is not None}
        return {"model": self.model, **own, **self.model_kwargs, **self.extra_body}

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
                max_concurrency=self.max_concurrency,
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
                max_concurrency=self.max_concurrency,
                acquire=None if limiter is None else limiter.aacquire,
                progress=progress,
            )

    def _read(self, plan: EmbeddingPlan[T], reply: Reply, count: int) -> list[T]:
        try:
            return plan.read(reply.payload, count)
        except ValueError as error:
            raise self._undocumented(reply, error) from error


# --- pure helpers for vendors -----------------------------------------------------------------------------


def check_texts(texts: Sequence[Any], *, max_bytes: int, name: str | None = None) -> list[int]:
    """Refuse texts that no request can carry, before anything is sent.

    Args:
        texts: What the user gave.
        max_bytes: The longest text the service takes, in bytes of UTF-8.
        name: What to call a text in an error; its position by default.

    Returns:
        Each text's length in bytes of UTF-8.

    Raises:
        ValueError: Something is not a text, is empty or too long; the message names its position.
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
        costs: What each input costs, in any unit: tokens, bytes.
        max_items: Inputs in one request at most.
        max_cost: Their cost together at most; an input that costs more goes alone. None means no limit.

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
    """A careful guess at a text's tokens from its bytes of UTF-8: one per Chinese character, or per 3 letters."""
    return (size + 2) // 3


def with_instruction(instruction: str | None, text: str) -> str:
    """Put a text into its instruction.

    Args:
        instruction: A template with `{text}`, or a prefix; None or empty leaves the text alone.
        text: The text.
    """
    if not instruction:
        return text
    if "{text}" in instruction:
        return instruction.replace("{text}", text)
    return instruction + text
