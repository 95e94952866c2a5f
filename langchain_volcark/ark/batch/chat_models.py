"""What batch inference changes in a chat model: no streams, and any number of inputs at once."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, overload

from typing_extensions import override

from langchain_volcark.ark.batch.binding import BatchBinding
from langchain_volcark.ark.batch.settings import BatchInference
from langchain_volcark.ark.responses.routing import needs_responses
from langchain_volcark.base.chat_model import HTTPChatModel
from langchain_volcark.base.runs import Runs
from langchain_volcark.base.values import Switch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.language_models.chat_models import _ChatModelBinding
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import RunnableConfig

    Configs = RunnableConfig | Sequence[RunnableConfig] | None


def refuse_responses_in_batch(given: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
    """Refuse what only the Responses API knows.

    Args:
        given: The parameters of a model or a call.
        raw: What of them goes out as it is.

    Raises:
        ValueError: Names the field, and batch inference.
    """
    field = needs_responses(given, raw)
    if field is not None:
        raise ValueError(
            f"{field} and batch=True exclude each other: batch inference has no Responses API. Leave one out."
        )


class BatchChatModel(BatchInference, HTTPChatModel):
    """A chat model that may be set to batch inference."""

    show_progress_bar: Switch = False
    """Whether `batch`, `abatch` and their `…_as_completed` show one; with `batch=True` only, and needs tqdm."""

    @override
    def _should_stream(self, **kwargs: Any) -> bool:
        return not self.batch_inference and super()._should_stream(**kwargs)

    @override
    def _check_call(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if "batch" in values:  # the field has another name, so it would be sent
            raise ValueError("batch is a setting of the model, not of a call: set it in the constructor.")
        return super()._check_call(values)

    def _runs(self, inputs: Iterable[Any], config: Any, *, return_exceptions: bool) -> Runs[LanguageModelInput]:
        return Runs(inputs, config, return_exceptions=return_exceptions, show_progress=self.show_progress_bar)

    @override
    def bind(self, **kwargs: Any) -> _ChatModelBinding:
        if not self.batch_inference:
            return super().bind(**kwargs)
        return BatchBinding(bound=self, kwargs=kwargs, config={})

    @override
    def batch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Run several inputs.

        With `batch=True` at most `max_concurrency` of the config at once, else 500 (or half of the files that the
        process may open); each in a thread.

        Args:
            inputs: The inputs.
            config: One config for all, or a list with one for each.
            return_exceptions: Whether an exception takes the place of an input's answer. If not, the first one is
                raised when the other calls in flight have ended, and its `completed` has the answers by position.
            **kwargs: Arguments of each call.

        Returns:
            The answers, in the order of the inputs.
        """
        if not self.batch_inference:
            return super().batch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        runs = self._runs(inputs, config, return_exceptions=return_exceptions)
        return runs.in_order(lambda value, config: self.invoke(value, config, **kwargs))  # type: ignore[return-value]

    @override
    async def abatch(
        self,
        inputs: list[LanguageModelInput],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[AIMessage]:
        """Same as `batch`, async."""
        if not self.batch_inference:
            return await super().abatch(inputs, config, return_exceptions=return_exceptions, **kwargs)
        runs = self._runs(inputs, config, return_exceptions=return_exceptions)
        return await runs.ain_order(lambda value, config: self.ainvoke(value, config, **kwargs))  # type: ignore[return-value]

    @overload
    def batch_as_completed(
        self,
        inputs: Iterable[LanguageModelInput],
        config: Configs = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, AIMessage]]: ...

    @overload
    def batch_as_completed(
        self,
        inputs: Iterable[LanguageModelInput],
        config: Configs = None,
        *,
        return_exceptions: Literal[True],
        **kwargs: Any,
    ) -> Iterator[tuple[int, AIMessage | Exception]]: ...

    @override
    def batch_as_completed(
        self,
        inputs: Iterable[LanguageModelInput],
        config: Configs = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, AIMessage | Exception]]:
        """Run several inputs, and yield each answer as it comes.

        With `batch=True` as many at once as `batch`, and the inputs may be any iterable, of any length: it is read
        step by step, and at most twice `max_concurrency` inputs and answers are in memory.

        Args:
            inputs: The inputs.
            config: One config for all, or a list with one for each.
            return_exceptions: Whether an exception takes the place of an input's answer. If not, the first one is
                raised after the answers of the calls in flight.
            **kwargs: Arguments of each call.

        Yields:
            The input's position and its answer.
        """
        if not self.batch_inference:
            yield from super().batch_as_completed(inputs, config, return_exceptions=return_exceptions, **kwargs)  # type: ignore[call-overload]
            return
        runs = self._runs(inputs, config, return_exceptions=return_exceptions)
        yield from runs.as_completed(lambda value, config: self.invoke(value, config, **kwargs))

    @overload
    def abatch_as_completed(
        self,
        inputs: Iterable[LanguageModelInput],
        config: Configs = None,
        *,
        return_exceptions: Literal[False] = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, AIMessage]]: ...

    @overload
    def abatch_as_completed(
        self,
        inputs: Iterable[LanguageModelInput],
        config: Configs = None,
        *,
        return_exceptions: Literal[True],
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, AIMessage | Exception]]: ...

    @override
    async def abatch_as_completed(
        self,
        inputs: Iterable[LanguageModelInput],
        config: Configs = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, AIMessage | Exception]]:
        """Same as `batch_as_completed`, async. Leaving the loop cancels the calls in flight."""
        if not self.batch_inference:
            pairs = super().abatch_as_completed(inputs, config, return_exceptions=return_exceptions, **kwargs)  # type: ignore[call-overload]
        else:
            runs = self._runs(inputs, config, return_exceptions=return_exceptions)
            pairs = runs.aas_completed(lambda value, config: self.ainvoke(value, config, **kwargs))
        async with aclosing(pairs) as open_pairs:
            async for pair in open_pairs:
                yield pair
