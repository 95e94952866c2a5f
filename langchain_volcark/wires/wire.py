"""The interface between chat models and wire formats: model call to request, reply and payloads to deltas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_volcark.messages.assembler import StreamAssembler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx
    from langchain_core.messages import BaseMessage

    from langchain_volcark.http.requests import ServiceRequest
    from langchain_volcark.messages.deltas import StreamDelta


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a chat model, in LangChain's terms.

    Attributes:
        messages: The conversation.
        model: The model, endpoint or service to call.
        parameters: Fields of the body; the call's override the model's, and `extra_body` overrides both. Tools,
            `tool_choice` and `response_format` are in OpenAI's chat format.
        stream: Whether to stream the answer.
        stream_usage: Whether a stream asks for its token usage.
        raw: What of the parameters is `extra_body`, in the service's own words.
        headers: Headers of this call.
        query: Query parameters of this call.
        timeout: Timeout of this call, or None for the model's.
    """

    messages: Sequence[BaseMessage]
    model: str
    # Not in `repr`: error trackers print the local variables of every frame.
    parameters: Mapping[str, Any] = field(repr=False)
    stream: bool = False
    stream_usage: bool = True
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout: httpx.Timeout | None = None

    def body(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """The request body of a format with `model` and `messages`.

        Args:
            messages: The conversation in the wire format; `messages` in `extra_body` replace it.

        Raises:
            ValueError: The messages are empty, or are not a list of objects.
        """
        body = {"model": self.model, "messages": messages, **self.parameters}
        chosen = body["messages"]
        if not isinstance(chosen, list) or not all(isinstance(message, dict) for message in chosen):
            raise ValueError("messages must be a list of dictionaries.")
        if not chosen:
            raise ValueError("messages: there is nothing to send.")
        return body

    def sent_with(self) -> dict[str, Any]:
        """Headers, query and timeout, as keyword arguments of `ServiceRequest`."""
        return {"headers": self.headers, "query": self.query, "timeout": self.timeout}


class StreamReader(ABC):
    """Reads the payloads of one stream, and decides when it has begun and whether it is complete."""

    @abstractmethod
    def read(self, payload: Mapping[str, Any]) -> Sequence[StreamDelta]:
        """Read one payload.

        Raises:
            ValueError: The payload is not in the documented form.
        """

    def begins(self, payload: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Whether the answer begins with this payload; a stream that breaks before that may be retried."""
        return True

    def is_complete(self, assembler: StreamAssembler, *, ended: bool) -> bool:  # noqa: ARG002
        """Whether a stream that has ended is complete; by default, whether it has a finish reason.

        Args:
            assembler: The message assembled from its payloads.
            ended: Whether the service marked the end, by `[DONE]` or by the last payload.
        """
        return assembler.finish_reason is not None


class Wire(ABC):
    """One wire format: writes the request of a call and reads its reply or stream."""

    provider: str
    """`model_provider` of the messages."""
    streams: bool = True
    """Whether it has streams; if not, a stream is the complete reply in one piece."""

    @abstractmethod
    def request(self, call: ModelCall) -> ServiceRequest:
        """Write the request of a call.

        Raises:
            ValueError: The service is documented to refuse such a request; the text names the field.
        """

    @abstractmethod
    def read_reply(self, payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
        """Read a complete reply; returns the deltas of each of its answers.

        Raises:
            ValueError: The reply is not in the documented form.
        """

    @abstractmethod
    def stream_reader(self) -> StreamReader:
        """Create the reader of one stream."""

    def new_assembler(self, call: ModelCall, request_id: str | None) -> StreamAssembler:  # noqa: ARG002
        """Create the assembler of one answer."""
        return StreamAssembler(self.provider, {"request_id": request_id} if request_id else None)

    def has_answer(self, assembler: StreamAssembler) -> bool:
        """Whether the message is an answer; an empty one is if it has a finish reason."""
        return assembler.is_answered and assembler.has_content()

    def no_answer(self, payload: Mapping[str, Any]) -> str:  # noqa: ARG002
        """The error text for a payload without an answer."""
        return "it holds no answer"
