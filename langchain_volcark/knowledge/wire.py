"""Wire format of the knowledge base's two chat calls.

Follows https://www.volcengine.com/docs/84313/1350013 (chat_completions) and /1544072 (service/chat).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.knowledge.messages import KnowledgeMessageWriter, read_reply
from langchain_volcark.knowledge.service import CHAT_PATH, SERVICE_CHAT_PATH
from langchain_volcark.messages.stop_texts import StoppingAssembler
from langchain_volcark.wires.wire import ModelCall, StreamReader, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_volcark.messages.assembler import StreamAssembler
    from langchain_volcark.messages.deltas import StreamDelta


class KnowledgeWire(Wire):
    """Wire format of a model call or a packaged service.

    Args:
        provider: `model_provider` of the messages.
        finish_body: Completes the body in place and raises for contradictory fields.
    """

    def __init__(self, provider: str, finish_body: Callable[[dict[str, Any], ModelCall], None]) -> None:
        self.provider = provider
        self._finish_body = finish_body

    @override
    def request(self, call: ModelCall) -> ServiceRequest:
        writer = KnowledgeMessageWriter(self.provider, "The knowledge base's chat", reasoning="never")
        body = call.body(writer.write(call.messages))
        # The two calls have opposite defaults, so `stream` is always sent. The client applies `stop`.
        body["stream"] = call.stream
        body.pop("stop", None)
        self._finish_body(body, call)
        path = SERVICE_CHAT_PATH if "service_resource_id" in body else CHAT_PATH
        sent = call.sent_with()
        if call.stream:
            sent["headers"] = {"accept": "text/event-stream", **call.headers}
        return ServiceRequest(path, body, **sent)

    @override
    def read_reply(self, payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
        return [(read_reply(payload),)]

    @override
    def stream_reader(self) -> StreamReader:
        return _EnvelopeReader(self)

    @override
    def new_assembler(self, call: ModelCall, request_id: str | None) -> StreamAssembler:
        assembler = _KnowledgeAssembler(self.provider, call)
        # The log id in the headers is used only if the payloads have no request id.
        if request_id:
            assembler.metadata["request_id"] = request_id
        return assembler

    @override
    def has_answer(self, assembler: StreamAssembler) -> bool:
        if super().has_answer(assembler):
            return True
        # The finish reason is optional, and a service may return search results only, or none.
        found = assembler.metadata.get("references") or "count" in assembler.metadata
        return assembler.is_answered and bool(assembler.usage or found)


class _EnvelopeReader(StreamReader):
    """Reads stream payloads: each is a complete JSON object with the next piece of the answer."""

    def __init__(self, wire: KnowledgeWire) -> None:
        self._wire = wire

    @override
    def read(self, payload: Mapping[str, Any]) -> Sequence[StreamDelta]:
        return (read_reply(payload),)

    @override
    def is_complete(self, assembler: StreamAssembler, *, ended: bool) -> bool:
        # A connection closed in order also ends a stream.
        return ended or self._wire.has_answer(assembler)


class _KnowledgeAssembler(StoppingAssembler):
    """Uses the requested model as `model_name`, since replies usually do not name one."""

    def __init__(self, provider: str, call: ModelCall) -> None:
        stop = call.parameters.get("stop") or ()
        super().__init__(provider, None, (stop,) if isinstance(stop, str) else tuple(stop))
        self._called = call.parameters.get("model") or call.model or call.parameters.get("service_resource_id")

    def response_metadata(self) -> dict[str, Any]:
        """Return the message's `response_metadata`, with the requested model where the reply named none."""
        return {"model_name": self._called, **super().response_metadata()}
