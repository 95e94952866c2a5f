"""The chat-completions wire format, shared by Ark, Ark's bots and Qianfan V2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.wires.chat_completions.replies import read_choices, read_payload, read_reply
from langchain_volcark.wires.wire import ModelCall, StreamReader, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.messages.deltas import StreamDelta
    from langchain_volcark.wires.chat_completions.messages import MessageWriter


class ChatCompletionsWire(Wire):
    """Writes chat-completions requests, and reads their replies and streams.

    Args:
        provider: `model_provider` of the messages.
        path: Path of the endpoint, relative to the base URL.
        writer: Converts the conversation.
    """

    def __init__(self, provider: str, path: str, writer: MessageWriter) -> None:
        self.provider = provider
        self._path = path
        self._writer = writer

    @override
    def request(self, call: ModelCall) -> ServiceRequest:
        body = call.body(self._writer.write(call.messages))
        if call.stream:
            body["stream"] = True
            if call.stream_usage and "stream_options" not in body:
                body["stream_options"] = {"include_usage": True}
        self.finish_body(body)
        return ServiceRequest(self._path, body, **call.sent_with())

    def finish_body(self, body: dict[str, Any]) -> None:
        """Change the body in place where this vendor differs, and refuse contradictory fields."""

    @override
    def read_reply(self, payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
        return [(self.read_choice(payload, choice),) for choice in read_choices(payload)]

    def read_choice(self, payload: Mapping[str, Any], choice: Mapping[str, Any]) -> StreamDelta:
        """Read one choice of a complete reply."""
        return read_reply(payload, choice)

    def read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        """Read one payload of a stream."""
        return read_payload(payload)

    @override
    def stream_reader(self) -> StreamReader:
        return _PayloadReader(self)


class _PayloadReader(StreamReader):
    """Reads payloads independently of each other; chat-completions streams have no state."""

    def __init__(self, wire: ChatCompletionsWire) -> None:
        self._wire = wire

    @override
    def read(self, payload: Mapping[str, Any]) -> Sequence[StreamDelta]:
        return (self._wire.read_payload(payload),)
