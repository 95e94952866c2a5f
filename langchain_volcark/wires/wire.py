"""The seam between chat models and wire formats: a model call in, a request out; payloads in, deltas out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_volcark.messages.assembler import StreamAssembler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx
    from langchain_core.messages import BaseMessage

    from langchain_volcark.http.client import ServiceRequest
    from langchain_volcark.messages.deltas import StreamDelta


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a chat model, in LangChain's terms.

    Attributes:
        messages: The conversation.
        model: The model, endpoint or service that is called.
        parameters: Fields of the body: the model's own, the call's over them, `extra_body` over all. Tools,
            `tool_choice` and `response_format` have OpenAI's chat form.
        stream: Whether the answer is streamed.
        stream_usage: Whether a stream is to tell its token usage.
        headers: Headers of this call.
        query: Query parameters of this call.
        timeout: Bounds of this call, or None for the model's.
    """

    messages: Sequence[BaseMessage]
    model: str
    # Not shown: error trackers print the local variables of every frame.
    parameters: Mapping[str, Any] = field(repr=False)
    stream: bool = False
    stream_usage: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout: httpx.Timeout | None = None

    def body(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """The parameters with the conversation.

        Args:
            messages: The conversation as the wire format has it; `messages` of `extra_body` replace it.

        Raises:
            ValueError: There are no messages in the end, or they are no list of objects.
        """
        body = {"model": self.model, "messages": messages, **self.parameters}
        chosen = body["messages"]
        if not isinstance(chosen, list) or not all(isinstance(message, dict) for message in chosen):
            raise ValueError("messages must be a list of dictionaries.")
        if not chosen:
            raise ValueError("messages: there is nothing to send.")
        return body

    def sent_with(self) -> dict[str, Any]:
        """The arguments of a `ServiceRequest` that say how it is sent."""
        return {"headers": self.headers, "query": self.query, "timeout": self.timeout}


class StreamReader(ABC):
    """Reads one stream, and says when it has begun and when it is complete."""

    @abstractmethod
    def read(self, payload: Mapping[str, Any]) -> Sequence[StreamDelta]:
        """What one payload adds.

        Raises:
            ValueError: It is not what the service documents.
        """

    def begins(self, payload: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Whether the answer begins with this payload; until then a broken stream is asked for again."""
        return True

    def is_complete(self, assembler: StreamAssembler, *, ended: bool) -> bool:  # noqa: ARG002
        """Whether a stream that has ended is whole; by default it is where the service said why the model stopped.

        Args:
            assembler: The message that its payloads make.
            ended: Whether the service itself marked the end, by `[DONE]` or its last payload.
        """
        return assembler.finish_reason is not None


class Wire(ABC):
    """One wire format, as one call uses it."""

    provider: str
    """`model_provider` of the messages."""

    @abstractmethod
    def request(self, call: ModelCall) -> ServiceRequest:
        """Write a call.

        Raises:
            ValueError: The service would refuse it for certain; the text names the field.
        """

    @abstractmethod
    def read_reply(self, payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
        """Read a whole reply, for each of its answers what that adds to a message.

        Raises:
            ValueError: It is not what the service documents.
        """

    @abstractmethod
    def stream_reader(self) -> StreamReader:
        """A reader for one stream."""

    def new_assembler(self, call: ModelCall, request_id: str | None) -> StreamAssembler:  # noqa: ARG002
        """What puts the deltas of one answer together."""
        return StreamAssembler(self.provider, {"request_id": request_id} if request_id else None)

    def has_answer(self, assembler: StreamAssembler) -> bool:
        """Whether what came is an answer. An empty one is, if the service says why the model stopped."""
        return assembler.is_answered and assembler.says_something()

    def no_answer(self, payload: Mapping[str, Any]) -> str:  # noqa: ARG002
        """What is wrong with a payload that holds no answer, for the error."""
        return "it holds no answer"
