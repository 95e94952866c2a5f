"""Wire format of Qianfan V1.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.qianfan.profiles import CUSTOM_CHARACTERS, V1Model, find_v1_model
from langchain_volcark.qianfan.v1.messages import write_conversation
from langchain_volcark.qianfan.v1.replies import read_v1_reply
from langchain_volcark.qianfan.v1.requests import finish_body
from langchain_volcark.wires.chat_completions.messages import MessageWriter
from langchain_volcark.wires.tools import warn_caller
from langchain_volcark.wires.wire import ModelCall, StreamReader, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_volcark.messages.assembler import StreamAssembler
    from langchain_volcark.messages.deltas import StreamDelta

_SYSTEM_OF_CUSTOM = (
    "The system message is sent as `system`, which V1's preset models accept, but the documentation of "
    "its custom services (https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5) does not name: this service may "
    "refuse it. "
    "Put the text into the first message from the user instead."
)


class V1Wire(Wire):
    """Wire format of one V1 chat call.

    Args:
        provider: `model_provider` of the messages.
        address: Returns the URL path for a model and an optional endpoint.
        preset: The preset model; None for a custom service.
        max_characters: Maximum characters in all messages together; None for the documented limit, 0 for no limit.
    """

    def __init__(
        self,
        provider: str,
        address: Callable[[str, str | None], str],
        preset: V1Model | None,
        max_characters: int | None,
    ) -> None:
        self.provider = provider
        self._address = address
        self._preset = preset
        self._max_characters = max_characters

    @override
    def request(self, call: ModelCall) -> ServiceRequest:
        writer = MessageWriter(self.provider, "Qianfan's V1", reasoning="never")
        written = writer.write_with_positions(call.messages)
        body = call.body(write_conversation(written, self._character_limit()))
        if call.stream:
            body["stream"] = True
        if body["messages"][0].get("role") == "system" and self._preset is None:
            warn_caller(_SYSTEM_OF_CUSTOM)
        # V1 has the model in the path only.
        path = self._address(body.pop("model"), body.pop("endpoint", None))
        return ServiceRequest(path, finish_body(body), **call.sent_with())

    def _character_limit(self) -> int | None:
        if self._max_characters is not None:
            return self._max_characters
        return CUSTOM_CHARACTERS if self._preset is None else self._preset.characters

    @override
    def read_reply(self, payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
        return [(read_v1_reply(payload),)]

    @override
    def stream_reader(self) -> StreamReader:
        return _V1Reader()

    @override
    def new_assembler(self, call: ModelCall, request_id: str | None) -> StreamAssembler:
        assembler = super().new_assembler(call, request_id)
        # V1 replies do not name the model, so it is taken from the URL path.
        path = self._address(call.parameters.get("model", call.model), call.parameters.get("endpoint"))
        endpoint = path.rpartition("/")[2]
        preset = find_v1_model(endpoint)
        assembler.model_name = preset.name if preset else endpoint
        return assembler

    @override
    def has_answer(self, assembler: StreamAssembler) -> bool:
        # V1 may omit the finish reason; token usage shows that the model ran.
        return super().has_answer(assembler) or (assembler.is_answered and assembler.usage is not None)

    @override
    def no_answer(self, payload: Mapping[str, Any]) -> str:
        if "choices" in payload:
            return "it has 'choices' and no 'result', so api_version=\"v1\" may be wrong"
        return "it holds no answer in 'result'"


class _V1Reader(StreamReader):
    """Reads stream payloads; V1 needs no state between them."""

    @override
    def read(self, payload: Mapping[str, Any]) -> Sequence[StreamDelta]:
        return (read_v1_reply(payload),)

    @override
    def is_complete(self, assembler: StreamAssembler, *, ended: bool) -> bool:
        return ended or super().is_complete(assembler, ended=ended)
