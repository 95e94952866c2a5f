"""Writes the request of one call to the Responses API, and reads its reply.

Follows https://www.volcengine.com/docs/82379/1569618 (Responses API).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage
from typing_extensions import override

from langchain_volcark.ark.responses.assembler import ResponsesAssembler
from langchain_volcark.ark.responses.chains import Digest, follow, seed_of
from langchain_volcark.ark.responses.events import ResponseReader
from langchain_volcark.ark.responses.options import is_cached, refuse_options, refuse_partial, write_options
from langchain_volcark.ark.responses.replies import read_response
from langchain_volcark.ark.responses.routing import CHAINS
from langchain_volcark.ark.responses.tools import beta_headers
from langchain_volcark.http.fallback import Fallback
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.wires.wire import ModelCall, StreamReader, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langchain_volcark.ark.responses.chains import Link
    from langchain_volcark.ark.responses.items import ItemWriter
    from langchain_volcark.messages.assembler import StreamAssembler
    from langchain_volcark.messages.deltas import StreamDelta

PATH = "/responses"
UNKNOWN_ID = "InvalidParameter.PreviousResponseNotFound"
"""The code for a response that is expired, deleted, another model's or not known."""
_TOOL_FIELDS = ("tools", "tool_choice", "parallel_tool_calls")

Placed = list[tuple[int, dict[str, Any]]]


class ResponsesWire(Wire):
    """The Responses API, for one call.

    Args:
        provider: `model_provider` of the messages.
        writer: Writes the conversation.
        own_headers: Names of the headers that the model sets for every request.
    """

    def __init__(self, provider: str, writer: ItemWriter, own_headers: Iterable[str] = ()) -> None:
        self.provider = provider
        self._writer = writer
        self._own_headers = tuple(own_headers)
        self._history: Digest | None = None

    @override
    def request(self, call: ModelCall) -> ServiceRequest:
        given = {name: value for name, value in call.parameters.items() if name not in call.raw}
        body = write_options({**given, "model": call.model})
        body.update(call.raw)
        placed = self._writer.write_with_positions(call.messages)
        if call.stream:
            body["stream"] = True
        body.setdefault("input", [item for _, item in placed])
        refuse_options(body)
        if "input" not in call.raw:
            _end_input(body, call, placed)
        _refuse_prefix(body, call)
        link = self._follow(call, body, placed)
        whole = self._posted(call, body)
        if link is None:
            return whole
        return replace(self._posted(call, _linked(body, placed, link)), fallback=Fallback(UNKNOWN_ID, whole))

    def _follow(self, call: ModelCall, body: Mapping[str, Any], placed: Placed) -> Link | None:
        """Compute the history's digest, and find the message to continue from."""
        if "input" in call.raw:
            return None  # the stored history will not be that of the messages
        self._history = Digest(seed_of(call.model, body))
        chosen = call.parameters.get(CHAINS)
        chained = is_cached(body) if chosen is None else bool(chosen)
        if is_cached(body) and body.get("tool_choice") not in (None, "auto"):
            chained = False  # it cannot be given along a cached chain, and without it the answer would be another
        return follow(call.messages, placed, self._history, self.provider, chained=chained)

    def _posted(self, call: ModelCall, body: Mapping[str, Any]) -> ServiceRequest:
        sent_with = call.sent_with()
        beta = beta_headers(body.get("tools") or (), (*self._own_headers, *call.headers))
        return ServiceRequest(PATH, body, **{**sent_with, "headers": {**beta, **sent_with["headers"]}})

    @override
    def read_reply(self, payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
        return read_response(payload)

    @override
    def stream_reader(self) -> StreamReader:
        return ResponseReader()

    @override
    def new_assembler(self, call: ModelCall, request_id: str | None) -> StreamAssembler:
        return ResponsesAssembler(self.provider, call, request_id, self._history)


def _refuse_prefix(body: Mapping[str, Any], call: ModelCall) -> None:
    """Refuse to make a prefix in place of an answer; `create_prefix` asks for it in `extra_body`."""
    caching = body.get("caching")
    if isinstance(caching, dict) and caching.get("prefix") and "caching" not in call.raw:
        raise ValueError("caching: a request with prefix has no answer. Use create_prefix.")


def _end_input(body: Mapping[str, Any], call: ModelCall, placed: Placed) -> None:
    """Mark an assistant message at the end of the input as partial, so that the model continues it."""
    if not isinstance(call.messages[-1], AIMessage):
        return
    position, last = placed[-1]
    if position != len(call.messages) - 1:
        raise ValueError("the last message is the assistant's and says nothing: there is nothing to continue.")
    if last["type"] == "function_call":
        raise ValueError("the last message calls tools: add their results, each as a ToolMessage.")
    if last.get("role") == "assistant":
        refuse_partial(body)
        last["partial"] = True


def _linked(body: Mapping[str, Any], placed: Placed, link: Link) -> dict[str, Any]:
    """The request that continues from a stored response."""
    # Along a cached chain the tools are those of its first turn, and may not be given again.
    left_out = _TOOL_FIELDS if is_cached(body) else ()
    kept = {name: value for name, value in body.items() if name not in left_out}
    new = [item for position, item in placed if position > link.position]
    return {**kept, "input": new, "previous_response_id": link.response_id}
