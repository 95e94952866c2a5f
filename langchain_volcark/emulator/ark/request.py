"""Validates chat requests and sets defaults.

Chat API: https://www.volcengine.com/docs/82379/1494384.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError, invalid
from langchain_volcark.emulator.ark.formats import check_response_format
from langchain_volcark.emulator.ark.messages import check_messages, text_of
from langchain_volcark.emulator.ark.options import check_options
from langchain_volcark.emulator.ark.thinking import thinks
from langchain_volcark.emulator.ark.tools import check_forced_call, check_tools
from langchain_volcark.emulator.moderation import is_sensitive

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

DEFAULT_MAX_TOKENS = 4096

KNOWN_FIELDS = frozenset(
    {
        "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "thinking",
        "reasoning_effort", "temperature", "top_p", "frequency_penalty", "presence_penalty",
        "repetition_penalty", "stop", "logprobs", "top_logprobs", "logit_bias", "n", "user", "tools",
        "tool_choice", "parallel_tool_calls", "response_format", "service_tier",
        # Not documented, but observed to be accepted.
        "seed", "top_k",
    }
)  # fmt: skip


@dataclass(frozen=True)
class ChatRequest:
    """A valid request; `body` has its fields without nulls."""

    model: Model
    messages: list[dict[str, Any]]
    body: dict[str, Any]
    thinking: bool

    @property
    def stream(self) -> bool:
        """Whether the reply is a stream."""
        return bool(self.body.get("stream"))

    @property
    def n(self) -> int:
        """Return the number of choices."""
        return int(self.body.get("n", 1))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Return the functions of the tools."""
        return [tool["function"] for tool in self.body.get("tools", ())]

    @property
    def tool_choice(self) -> Any:
        """Return `none`, `auto`, `required`, or the object with the function name."""
        return self.body.get("tool_choice", "auto")

    @property
    def prefill(self) -> str | None:
        """Return the prefill if the last message is the assistant's, else None.

        https://www.volcengine.com/docs/82379/1359497
        """
        last = self.messages[-1]
        return text_of(last) if last["role"] == "assistant" else None

    @property
    def answer_limit(self) -> int | None:
        """Return the token limit of the answer without thinking; None if only the total is limited."""
        if "max_completion_tokens" in self.body:
            return None
        return int(self.body.get("max_tokens", DEFAULT_MAX_TOKENS))

    @property
    def total_limit(self) -> int | None:
        """Return the token limit of thinking and answer together; None for no limit."""
        if "max_completion_tokens" in self.body:
            return int(self.body["max_completion_tokens"])
        if self.model.max_tokens_counts_thinking:
            return int(self.body.get("max_tokens", DEFAULT_MAX_TOKENS))
        return None


def read_chat_request(sent: dict[str, Any], model: Model) -> ChatRequest:
    """Check a parsed body.

    Args:
        sent: The JSON body.
        model: The requested model.

    Raises:
        ArkError: The request is invalid.
    """
    # The official SDK sends null for unset fields, so null means absent.
    body = {name: value for name, value in sent.items() if value is not None}
    if not model.chat:
        raise ArkError(400, "InvalidParameter", f"The model {model.id} does not support this api.", "model")
    for name in body:
        if name not in KNOWN_FIELDS:
            raise invalid(name, f'unknown field "{name}"')
    messages = check_messages(body, model)
    check_options(body, model)
    check_tools(body, model)
    check_response_format(body, model, messages)
    if any(is_sensitive(text_of(message)) for message in messages):
        raise ArkError(
            400,
            "InputTextSensitiveContentDetected",
            "The request failed because the input text may contain sensitive information.",
        )
    # With a prefill the model cannot think: the switch is ignored without an error.
    thinking = thinks(body, model) and messages[-1]["role"] != "assistant"
    check_forced_call(body, model, thinking=thinking)
    return ChatRequest(model, messages, body, thinking)
