"""Tool calls as services write them: fragments with holes, arguments that may be cut off."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.utils.json import parse_partial_json

from langchain_volcark.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from langchain_core.messages import InvalidToolCall, ToolCall
    from langchain_core.messages.tool import ToolCallChunk

INVALID_ARGUMENTS = "The arguments are not a complete JSON object; the answer may have been cut off."


@dataclass
class ToolCallDelta:
    """A fragment of one tool call; any part may be missing.

    Attributes:
        index: The service's number of the call, or None.
        id: The call's id; services send it once, or with every fragment, or empty.
        name: The tool's name; likewise.
        arguments: The next piece of the arguments' JSON text.
    """

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


def parse_arguments(text: str, *, cut: bool = False) -> dict[str, Any] | None:
    """Read a tool call's arguments.

    Args:
        text: The JSON text; empty means no arguments.
        cut: Whether the answer was cut off, so that empty text means "not yet written".

    Returns:
        The arguments, or None where the text is not a complete JSON object.
    """
    if not text:
        return None if cut else {}
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class ToolCallState:
    """One tool call as far as it has come.

    Attributes:
        index: Its place among the message's calls.
        id: Its id, or None until a fragment brought one.
        name: Its tool's name, or None until a fragment brought one.
    """

    __slots__ = ("_arguments", "_joiner", "id", "index", "name")

    def __init__(self, index: int) -> None:
        self.index = index
        self.id: str | None = None
        self.name: str | None = None
        self._joiner = SurrogateJoiner()
        self._arguments: list[str] = []

    @property
    def arguments(self) -> str:
        """The arguments' text so far."""
        return "".join(self._arguments)

    def add(self, delta: ToolCallDelta) -> ToolCallChunk:
        """Take a fragment.

        Returns:
            The fragment as LangChain wants it: id and name stand only on the first fragment that has them.
        """
        new_id = delta.id if delta.id and self.id is None else None
        new_name = delta.name if delta.name and self.name is None else None
        self.id = self.id or new_id
        self.name = self.name or new_name
        arguments = self._joiner.add(delta.arguments)
        self._arguments.append(arguments)
        return tool_call_chunk(name=new_name, args=arguments, id=new_id, index=self.index)

    def finish(self, *, cut: bool) -> ToolCall | InvalidToolCall:
        """The call as it stands at the end of the message."""
        text = self.arguments
        arguments = parse_arguments(text, cut=cut)
        if arguments is None:
            return invalid_tool_call(name=self.name, args=text, id=self.id, error=INVALID_ARGUMENTS)
        return tool_call(name=self.name or "", args=arguments, id=self.id)


class ToolCalls:
    """The tool calls of one message, told apart even where the service's numbering is wrong."""

    def __init__(self) -> None:
        self._calls: list[ToolCallState] = []
        self._by_wire_index: dict[int, ToolCallState] = {}

    def add(self, delta: ToolCallDelta) -> ToolCallChunk:
        """Take a fragment and return it repaired."""
        return self._find(delta).add(delta)

    def _find(self, delta: ToolCallDelta) -> ToolCallState:
        call = next((known for known in self._calls if delta.id and known.id == delta.id), None)
        if call is None and delta.index is not None:
            call = self._by_wire_index.get(delta.index)
        elif call is None and not delta.id and self._calls:
            call = self._calls[-1]
        if call is None or (delta.id and call.id and delta.id != call.id):
            # A new id under an old number is a new call: some services number every call 0.
            call = ToolCallState(len(self._calls))
            self._calls.append(call)
        if delta.index is not None:
            self._by_wire_index[delta.index] = call
        return call

    def finish(self, *, cut: bool) -> list[ToolCall | InvalidToolCall]:
        """All calls as they stand at the end; in a message that was cut off, the last one is suspect."""
        return [call.finish(cut=cut and call is self._calls[-1]) for call in self._calls]


def spoil(index: int, arguments: str) -> ToolCallChunk | None:
    """A last fragment that keeps an incomplete call from being read as a whole one.

    Core sums chunks with a parser that closes open brackets by itself, so `{"path": "/tm` would become an
    executable call. The parser gives up only at a closing bracket that does not match; this adds one.

    Args:
        index: The call's place among the message's calls.
        arguments: Its text so far.

    Returns:
        The fragment to send after the last one, or None where the parser gives up by itself.
    """
    suffix = next(suffix for suffix in _SUFFIXES if not _reads_leniently(arguments + suffix))
    return tool_call_chunk(name=None, args=suffix, id=None, index=index) if suffix else None


# Nothing; then a bracket of either kind: outside a string, inside one, and inside one right after a backslash.
_SUFFIXES = ("", "]", "}", '"]', '"}', '\\"]', '\\"}')


def _reads_leniently(text: str) -> bool:
    if not text:
        return True  # core takes empty arguments for no arguments
    try:
        return isinstance(parse_partial_json(text), dict)
    except (ValueError, RecursionError):
        return False
