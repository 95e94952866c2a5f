"""The chat format of batch inference: complete replies only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.wire import ArkChatWire

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.http.requests import ServiceRequest
    from langchain_volcark.wires.chat_completions.messages import MessageWriter
    from langchain_volcark.wires.wire import ModelCall

_OF_STREAMS = ("stream", "stream_options")


class BatchChatWire(ArkChatWire):
    """Ark's chat completions, sent to batch inference.

    Args:
        provider: `model_provider` of the messages.
        path: Path of the online endpoint.
        writer: Converts the conversation.
        in_batch: Turns an online request into one of batch inference.
    """

    streams = False

    def __init__(
        self,
        provider: str,
        path: str,
        writer: MessageWriter,
        in_batch: Callable[[ServiceRequest], ServiceRequest],
    ) -> None:
        super().__init__(provider, path, writer)
        self._in_batch = in_batch

    @override
    def request(self, call: ModelCall) -> ServiceRequest:
        return self._in_batch(super().request(replace(call, stream=False, parameters=_without_streams(call))))


def _without_streams(call: ModelCall) -> dict[str, Any]:
    """The parameters without those of streams: `stream()` gives the complete reply as one chunk.

    Raises:
        ValueError: `extra_body` asks for a stream.
    """
    if call.raw.get("stream"):
        raise ValueError("stream and batch=True exclude each other: batch inference has no streams.")
    return {name: value for name, value in call.parameters.items() if name not in _OF_STREAMS}
