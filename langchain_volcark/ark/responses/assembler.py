"""Builds the message of one response: cuts it at stop sequences, and adds a digest of the stored history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.responses.chains import DIGEST
from langchain_volcark.ark.responses.items import REQUESTED_MODEL
from langchain_volcark.ark.responses.replay import fitting_items, sent_back
from langchain_volcark.messages.stop_texts import StoppingAssembler

if TYPE_CHECKING:
    from langchain_volcark.ark.responses.chains import Digest
    from langchain_volcark.ark.responses.replay import Item
    from langchain_volcark.messages.deltas import Increment, StreamDelta
    from langchain_volcark.wires.wire import ModelCall


class ResponsesAssembler(StoppingAssembler):
    """An assembler for one response.

    Args:
        provider: `model_provider` of the message.
        call: The call that it answers.
        request_id: The request's id, where it is known.
        history: The digest of what was sent.
    """

    def __init__(
        self,
        provider: str,
        call: ModelCall,
        request_id: str | None,
        history: Digest | None,
    ) -> None:
        stop = call.parameters.get("stop") or ()
        opening: dict[str, Any] = {"request_id": request_id} if request_id else {}
        super().__init__(provider, opening, [stop] if isinstance(stop, str) else stop)
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
            return last  # a stored response that was retrieved, or input that is not the messages
        self._metadata.add({REQUESTED_MODEL: self._model})
        # No digest where the stored response differs from the message, so that no later call continues from it: it
        # has text after a stop sequence, or a text that the service changed after it was shown.
        held = None if self.is_stopped else self._held()
        if held is not None:
            digest = self._history.copy()
            for item in held:
                digest.add(item)
            self._metadata.add({DIGEST: digest.text()})
        return last

    def _held(self) -> list[Item] | None:
        """The reply as the next turn's history has it, without reasoning; None where its items do not fit it."""
        calls = self.tool_calls()
        broken = {str(call["id"]) for call in calls if call["type"] == "invalid_tool_call"}
        items = fitting_items(self.output_items(), self.text, self.reasoning, calls)
        return None if items is None else sent_back(items, reasoning=False, encrypted=False, left_out=broken)
