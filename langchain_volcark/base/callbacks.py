"""Reports to callbacks: new tokens, retries, and the `llm_output` of a call.

Observability tools read the model name and the token counts from `llm_output`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from typing_extensions import override

from langchain_volcark.http.retry import NO_HOOKS, RetryHooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

_CACHED = "total_cost"  # core adds it, with the value 0, to the usage of an answer from its cache
_REPLY_KEYS = ("model_name", "model_provider", "system_fingerprint", "service_tier")


class LLMOutputChatModel(BaseChatModel):
    """A chat model that reports retries and the `llm_output` of each call to callbacks."""

    def _hooks(
        self, run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None, *, is_async: bool
    ) -> RetryHooks:
        limiter = self.rate_limiter
        if run_manager is None and limiter is None:
            return NO_HOOKS
        # Core acquires the limiter once per call; each retry is a further request.
        before = None if limiter is None else (limiter.aacquire if is_async else limiter.acquire)
        return RetryHooks(on_retry=run_manager.on_retry if run_manager else None, before_attempt=before)

    @override
    def _generate_with_cache(self, *args: Any, **kwargs: Any) -> ChatResult:
        return _with_llm_output(super()._generate_with_cache(*args, **kwargs))

    @override
    async def _agenerate_with_cache(self, *args: Any, **kwargs: Any) -> ChatResult:
        return _with_llm_output(await super()._agenerate_with_cache(*args, **kwargs))

    @override
    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        return combine(llm_outputs)


def _with_llm_output(result: ChatResult) -> ChatResult:
    # Set after core's own processing, which would merge it into the message; a stream could not do the same.
    result.llm_output = llm_output(result.generations)
    return result


def llm_output(generations: Sequence[ChatGeneration]) -> dict[str, Any] | None:
    """The `llm_output` of one call.

    Args:
        generations: The call's answers; the first has the usage of all.

    Returns:
        `token_usage` (with OpenAI's keys, which callbacks expect), `model_name`, `id` and more, where the service
        sent them. None for an answer from a cache, which used no tokens.
    """
    message = generations[0].message if generations else None
    if not isinstance(message, AIMessage) or _CACHED in (message.usage_metadata or {}):
        return None
    usage = message.usage_metadata
    output: dict[str, Any] = {"token_usage": _token_usage(usage)} if usage else {}
    metadata = message.response_metadata
    output.update({name: metadata[name] for name in _REPLY_KEYS if name in metadata})
    return {**output, "id": message.id} if message.id else output


def _token_usage(usage: UsageMetadata) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["total_tokens"],
    }
    of_input, of_output = usage.get("input_token_details", {}), usage.get("output_token_details", {})
    if "cache_read" in of_input:
        counts["prompt_tokens_details"] = {"cached_tokens": of_input["cache_read"]}
    if "reasoning" in of_output:
        counts["completion_tokens_details"] = {"reasoning_tokens": of_output["reasoning"]}
    return counts


def combine(outputs: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Combine the `llm_output` of several calls: token counts are added; other values are the last call's."""
    combined: dict[str, Any] = {}
    for output in outputs:
        for name, value in (output or {}).items():
            known = combined.get(name)
            combined[name] = _added(known, value) if name == "token_usage" and known else value
    return combined


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for name, value in other.items():
        known = result.get(name)
        if isinstance(value, dict):
            result[name] = _added(known or {}, value)
        else:
            result[name] = value + (known or 0)
    return result


# Core's `stream` reports tokens itself and passes no run manager; its event bridge passes one and reports none.


def report_tokens(
    chunks: Iterator[ChatGenerationChunk], run_manager: CallbackManagerForLLMRun
) -> Iterator[ChatGenerationChunk]:
    """Report each chunk to the callbacks, then yield it."""
    for chunk in chunks:
        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
        yield chunk


async def areport_tokens(
    chunks: AsyncIterator[ChatGenerationChunk], run_manager: AsyncCallbackManagerForLLMRun
) -> AsyncIterator[ChatGenerationChunk]:
    """Same as `report_tokens`, async."""
    async for chunk in chunks:
        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
        yield chunk
