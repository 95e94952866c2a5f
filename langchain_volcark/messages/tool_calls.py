"""Assembles tool calls from fragments, whose ids, names or indices may be missing and whose arguments cut off."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.utils.json import parse_partial_json

from langchain_volcark.messages.json_brackets import JSONBrackets
from langchain_volcark.messages.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import InvalidToolCall, ToolCall
    from langchain_core.messages.tool import ToolCallChunk

INVALID_ARGUMENTS = "The arguments are not a complete JSON object; the answer may have been cut off."
NO_NAME = "The call does not say which tool it is for."


@dataclass
class ToolCallDelta:
    """A fragment of one tool call; any part may be missing.

    Attributes:
        index: The service's number of the call, or None.
        id: The call's id; services send it once, with every fragment, empty, or never.
        name: The tool's name; services send it once, with every fragment, or empty.
        arguments: The next piece of the arguments' JSON text.
        whole: Whether it is an entry of a whole reply, and so a complete call, rather than a fragment of a stream.
    """

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    whole: bool = False


def parse_arguments(text: str, *, cut: bool = False) -> dict[str, Any] | None:
    """Parse a tool call's arguments.

    Args:
        text: The JSON text; empty means no arguments.
        cut: Whether the answer was cut off, so that an empty text means incomplete arguments.

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


def new_call_id() -> str:
    """A new id for a call that has none, or the same one as another call, from the service."""
    return f"call_{uuid.uuid4().hex}"


class ToolCallState:
    """One tool call so far.

    Attributes:
        index: Its position among the message's calls.
        id: Its id in the message, or None until it has one.
        name: The tool's name, or None until a fragment has it.
        service_index: The index that the service gives it, or None.
        service_id: The id that the service gives it, or None; two calls may have the same.
    """

    __slots__ = (
        "_arguments",
        "_brackets",
        "_joiner",
        "_next_may_follow",
        "_scanned",
        "id",
        "index",
        "name",
        "service_id",
        "service_index",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.id: str | None = None
        self.name: str | None = None
        self.service_index: int | None = None
        self.service_id: str | None = None
        self._joiner = SurrogateJoiner()
        self._arguments: list[str] = []
        self._brackets = JSONBrackets()
        self._scanned = 0
        self._next_may_follow = False

    @property
    def arguments(self) -> str:
        """The arguments' text so far."""
        return "".join(self._arguments)

    def takes(self, delta: ToolCallDelta) -> bool:
        """Whether a fragment can belong to this call.

        Some services send id and name with every fragment, so a repeated name starts another call only if this
        one's arguments are complete and the fragment has further arguments.
        """
        if (delta.whole and delta.name) or self._contradicts(delta):
            return False
        starts_call = delta.whole or bool(delta.name) or self._next_may_follow
        return not (starts_call and delta.arguments.strip() and self._read_brackets().is_finished)

    def precedes(self, delta: ToolCallDelta) -> bool:
        """Whether a fragment without a name starts another call of the tool named just before."""
        return self._next_may_follow and not delta.name and not self._contradicts(delta)

    def _contradicts(self, delta: ToolCallDelta) -> bool:
        return (
            _differ(self.service_index, delta.index)
            or _differ(self.service_id, delta.id)
            or (_differ(self.name, delta.name) and not self._continues_name(delta))
        )

    def _continues_name(self, delta: ToolCallDelta) -> bool:
        """Whether a fragment holds the next piece of the name, as OpenAI's form of a stream allows.

        Taken for a call of its own, it would run the tool whose name is the first piece, without arguments.
        """
        same_call = (
            self.service_id and not delta.id and delta.index is not None and delta.index == self.service_index
        )
        return bool(same_call and _differ(self.name, delta.name) and not self.arguments.strip())

    def repeats(self, delta: ToolCallDelta) -> bool:
        """Whether a fragment repeats this complete call; some services send a call twice and mean one."""
        return (
            not delta.whole
            and bool(delta.id and delta.name and delta.arguments)
            and self.service_id == delta.id
            and not _differ(self.service_index, delta.index)
            and self.name == delta.name
            and self.arguments == delta.arguments
            and self._read_brackets().is_finished
        )

    def add(self, delta: ToolCallDelta, ids: set[str]) -> ToolCallChunk:
        """Add a fragment.

        Args:
            delta: The fragment.
            ids: The ids of the message's calls so far; this call's id is added.

        Returns:
            The fragment in LangChain's form: the id is set on the first fragment that has it only, the name on the
            fragments that add to it.
        """
        is_new = not self.name or self._continues_name(delta)
        if self.service_index is None:
            self.service_index = delta.index
        self.service_id = self.service_id or delta.id or None
        new_name = delta.name if delta.name and is_new else None
        if delta.name and not new_name:
            # A complete call's name without arguments starts the next call or repeats this one's; only the next
            # fragment shows which.
            self._next_may_follow = not delta.arguments.strip() and self._read_brackets().is_finished
        self.name = (self.name or "") + (new_name or "") or None
        new_id = self._choose_id(ids) if self.service_id or self.name else None
        arguments = self._joiner.add(delta.arguments)
        self._arguments.append(arguments)
        return tool_call_chunk(name=new_name, args=arguments, id=new_id, index=self.index)

    def flush(self, ids: set[str]) -> ToolCallChunk | None:
        """What was held back, as a last fragment; None where that is nothing."""
        arguments, new_id = self._joiner.flush(), self._choose_id(ids)
        self._arguments.append(arguments)
        if not (arguments or new_id):
            return None
        return tool_call_chunk(name=None, args=arguments, id=new_id, index=self.index)

    def finish(self, ids: set[str], *, cut: bool) -> ToolCall | InvalidToolCall:
        """The call at the end of the message, valid or invalid."""
        self._choose_id(ids)
        text = self.arguments
        arguments = parse_arguments(text, cut=cut)
        if self.name and arguments is not None:
            return tool_call(name=self.name, args=arguments, id=self.id)
        error = INVALID_ARGUMENTS if self.name else NO_NAME
        return invalid_tool_call(name=self.name, args=text, id=self.id, error=error)

    def lock(self) -> ToolCallChunk | None:
        """A last fragment that keeps this invalid call invalid when chunks are added.

        Core parses the arguments of summed chunks leniently: it closes open brackets, so `{"path": "/tm` would
        become an executable call. That parser fails only at a closing bracket that does not match; this fragment
        adds one. Text added after it does not make the arguments valid again.

        Returns:
            The fragment to send after the last one, or None where the parser fails anyway.
        """
        text = self.arguments
        suffix = "" if _cannot_be_object(text) else self._read_brackets().mismatch()
        return tool_call_chunk(name=None, args=suffix, id=None, index=self.index) if suffix else None

    def _choose_id(self, ids: set[str]) -> str | None:
        """Set the call's id if it has none yet; returns the id if it was set now."""
        if self.id is not None:
            return None
        known = self.service_id
        self.id = known if known and known not in ids else new_call_id()
        ids.add(self.id)
        return self.id

    def _read_brackets(self) -> JSONBrackets:
        """The brackets of the arguments so far; each piece is scanned once, on demand."""
        for piece in self._arguments[self._scanned :]:
            self._brackets.add(piece)
        self._scanned = len(self._arguments)
        return self._brackets


class ToolCalls:
    """The tool calls of one message; assigns fragments to calls even where indices or ids are wrong."""

    def __init__(self) -> None:
        self._calls: list[ToolCallState] = []
        self._ids: set[str] = set()
        # (id, index) to the call with the latest such fragment; None matches any id or index.
        self._latest: dict[tuple[str | None, int | None], ToolCallState] = {}

    def add(self, deltas: Iterable[ToolCallDelta]) -> list[ToolCallChunk]:
        """Add the fragments of one payload.

        Returns:
            At most one chunk per call, because core does not merge chunks of equal index within one message.
        """
        return join_chunks([chunk for delta in deltas if (chunk := self._add(delta))])

    def _add(self, delta: ToolCallDelta) -> ToolCallChunk | None:
        keys: list[tuple[str | None, int | None]] = []
        if delta.id:
            keys += [(delta.id, delta.index), (delta.id, None)]
        if delta.index is not None:
            keys.append((None, delta.index))
        if not (delta.id and delta.name):  # a fragment with a new id and a name starts a call
            keys.append((None, None))
        known = [self._latest[key] for key in keys if key in self._latest]
        call = next((one for one in known if one.takes(delta)), None)
        if call is None:
            if any(one.repeats(delta) for one in known):
                return None
            before = next((one for one in known if one.precedes(delta)), None)
            if before is not None:
                delta = replace(delta, id=delta.id or before.service_id, name=before.name)
            call = ToolCallState(len(self._calls))
            self._calls.append(call)
        chunk = call.add(delta, self._ids)
        for key in (call.service_id, call.service_index), (call.service_id, None), (None, call.service_index):
            self._latest[key] = call
        self._latest[None, None] = call
        return chunk if chunk["id"] or chunk["name"] or chunk["args"] else None

    def flush(self) -> list[ToolCallChunk]:
        """What was held back, at the end of the message."""
        return [chunk for call in self._calls if (chunk := call.flush(self._ids))]

    def finish(self, *, cut: bool) -> list[ToolCall | InvalidToolCall]:
        """All calls at the end; in a message that was cut off, the last one may be incomplete."""
        return [call.finish(self._ids, cut=cut and call is self._calls[-1]) for call in self._calls]

    def locks(self, *, cut: bool) -> list[ToolCallChunk]:
        """For each invalid call, the fragment that keeps it invalid; see `ToolCallState.lock`."""
        finished = self.finish(cut=cut)
        invalid = [call for call, end in zip(self._calls, finished, strict=True) if end["type"] != "tool_call"]
        return [chunk for call in invalid if (chunk := call.lock())]


def join_chunks(chunks: list[ToolCallChunk]) -> list[ToolCallChunk]:
    """Join the fragments of each call into one.

    Args:
        chunks: Fragments in order; of each call at most one has the id.

    Returns:
        One per index, in order of first appearance.
    """
    if len(chunks) < 2:
        return chunks
    joined: dict[int | None, ToolCallChunk] = {}
    for chunk in chunks:
        first = joined.setdefault(chunk["index"], chunk)
        if first is not chunk:
            first["id"] = first["id"] or chunk["id"]
            first["name"] = (first["name"] or "") + (chunk["name"] or "") or None
            first["args"] = (first["args"] or "") + (chunk["args"] or "")
    return list(joined.values())


def _differ(known: str | int | None, new: str | int | None) -> bool:
    """Whether both are set and differ; an empty string counts as unset."""
    return known not in (None, "") and new not in (None, "") and known != new


def _cannot_be_object(text: str) -> bool:
    """Whether core's lenient parser cannot read a text as an object, however it completes it."""
    if not text.strip():
        return False  # core reads empty text as no arguments
    try:
        return not isinstance(parse_partial_json(text), dict)
    except RecursionError:
        return False  # the recursion limit differs between machines
    except ValueError:
        return True
