"""The message of one response: cut at stop texts on this side, and marked with what the service now holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.responses.chains import DIGEST
from langchain_volcark.ark.responses.items import REQUESTED_MODEL
from langchain_volcark.ark.responses.replay import fitting_items, sent_back
from langchain_volcark.messages.stop_texts import StoppingAssembler

if TYPE_CHECKING:
    from langchain_volcark.ark.responses.chains import Digest
    from langchain_volcark.ark.responses.items import ItemWriter
    from langchain_volcark.ark.responses.replay import Item
    from langchain_volcark.messages.deltas import Increment, StreamDelta
    from langchain_volcark.wires.wire import ModelCall


class ResponsesAssembler(StoppingAssembler):
    """An assembler for one response.

    Args:
        provider: `model_provider` of the message.
        call: The call that it answers.
        request_id: The request's id, where it is known.
        writer: Writes the message as the next turn would send it.
        history: The digest of what was sent.
    """

    def __init__(
        self,
        provider: str,
        call: ModelCall,
        request_id: str | None,
        writer: ItemWriter,
        history: Digest | None,
    ) -> None:
        stop = call.parameters.get("stop") or ()
        opening: dict[str, Any] = {"request_id": request_id} if request_id else {}
        super().__init__(provider, opening, [stop] if isinstance(stop, str) else stop)
        self._writer = writer
        self._history = history
        self._model = call.model
        self._shows_usage = call.stream_usage or not call.stream

    @override
    def add(self, delta: StreamDelta) -> Increment:
        if not self._shows_usage:
            delta.usage = None
        return super().add(delta)

    @override
    def finish(self) -> Increment:
        last = super().finish()
        if self._history is None:
            return last  # nothing was asked
        self._metadata.add({REQUESTED_MODEL: self._model})
        # The stored response also has the text after the stop sequence, so no later call may continue from it.
        if not self.is_stopped:
            digest = self._history.copy()
            for item in self._held():
                digest.add(item)
            self._metadata.add({DIGEST: digest.text()})
        return last

    def _held(self) -> list[Item]:
        """The reply as the next turn's history has it, but for reasoning, which no digest counts."""
        calls = self.tool_calls()
        broken = {str(call["id"]) for call in calls if call["type"] == "invalid_tool_call"}
        items = fitting_items(self.output_items(), self.text, self.reasoning, calls)
        held = sent_back(items or (), reasoning=False, encrypted=False, left_out=broken)
        return held or self._writer.written(self.message())
