"""From the deltas of a stream to a message; no I/O.

A vendor reads each payload, and a whole reply too, into a `StreamDelta`. `StreamAssembler` repairs what deltas
get wrong and keeps the message so far; `stream_chunks` and `stream_events` show what is new in it. `invoke`
feeds it the whole reply as one delta: that is why a sum of chunks equals `invoke`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage

from langchain_volcark.extra_fields import ExtraFields
from langchain_volcark.surrogates import SurrogateJoiner
from langchain_volcark.tool_calls import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.messages import InvalidToolCall, ToolCall
    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.messages.tool import ToolCallChunk

    from langchain_volcark.tool_calls import ToolCallDelta

_CUT = frozenset({"length", "content_filter"})
_ANSWERS = frozenset({"refusal", "audio"})  # further fields of a message that are an answer on their own


@dataclass(slots=True)
class StreamDelta:
    """What one payload adds to the message.

    Attributes:
        text: Answer text.
        reasoning: Thinking text.
        tool_calls: Fragments of tool calls.
        id: The reply's id.
        model_name: The model as resolved by the service.
        finish_reason: Why the model stopped; None until it has.
        usage: Tokens so far; a later one replaces an earlier one.
        additional_kwargs: Further fields of the message; `ExtraFields` puts the pieces of each together.
        metadata: Further fields of the reply, merged by `MERGE_RULES`.
        is_last: Whether the payload itself says that nothing follows it.
        is_answer: Whether the payload has the place where an answer stands, even if that is empty.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: Sequence[ToolCallDelta] = ()
    id: str | None = None
    model_name: str | None = None
    finish_reason: str | None = None
    usage: UsageMetadata | None = None
    additional_kwargs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    is_last: bool = False
    is_answer: bool = False


@dataclass(slots=True)
class Increment:
    """A delta after repair: what is new in the message."""

    text: str
    reasoning: str
    tool_calls: list[ToolCallChunk]
    additional_kwargs: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.text or self.reasoning or self.tool_calls or self.additional_kwargs or self.metadata)


def _append_lists(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Log probabilities come token by token: the lists inside grow."""
    merged = dict(old)
    for key, value in new.items():
        known = merged.get(key)
        if isinstance(known, list):
            merged[key] = [*known, *value] if isinstance(value, list) else known
        else:
            merged[key] = value
    return merged


def _append_unknown(old: list[Any], new: list[Any]) -> list[Any]:
    """References may come again, or come again with more of them: each is kept once, in the order of arrival."""
    if new[: len(old)] == old:
        return new
    return [*old, *(item for item in new if item not in old)]


def _add_keys(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What a service echoes in every payload is said once; what was said stands."""
    return {**old, **{key: value for key, value in new.items() if key not in old}}


MERGE_RULES: dict[str, Callable[[Any, Any], Any]] = {
    "logprobs": _append_lists,
    "references": _append_unknown,
    "search_results": _append_unknown,
    "metadata": _add_keys,
}
"""How a metadata field that comes in several payloads is merged; of all others the last value stands."""

_KINDS: dict[str, type] = {"logprobs": dict, "references": list, "search_results": list, "metadata": dict}
"""What the rules are for; of a field that is something else the first value stands."""

_CORES_OWN = frozenset({"model_provider", "output_version"})
"""By these names core finds our translator; a service's field of such a name cannot be kept."""

EARLY = frozenset({"references", "search_results", "metadata"})
"""Metadata fields that are shown when they come, not at the end: their rules only ever add."""


def _added(old: Any, new: Any) -> Any:
    """What an `EARLY` field has now beyond what it had; nothing where that must wait for the end."""
    if isinstance(new, list) and any(isinstance(item, dict) and "index" in item for item in new):
        return []  # core merges list items of equal `index` into one: such a list is safe on one chunk only
    return _beyond([] if isinstance(new, list) else {}, new) if old is None else _beyond(old, new)


def _beyond(old: Any, new: Any) -> Any:
    if isinstance(old, list) and isinstance(new, list):
        return new[len(old) :]
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: value for key, value in new.items() if key not in old}
    return None


class StreamAssembler:
    """The message of one stream, as far as it has come.

    Attributes:
        provider: `model_provider` of the message.
        id: The reply's id.
        model_name: The model as resolved by the service.
        finish_reason: Why the model stopped, or None.
        usage: Tokens, or None where the service has sent none.
        metadata: Further fields of the reply.
        is_answered: Whether a payload had the place where an answer stands.
    """

    def __init__(self, provider: str, metadata: dict[str, Any] | None = None) -> None:
        """Begin a message.

        Args:
            provider: `model_provider` of the message.
            metadata: What is known before the first payload (the request id); stands on the first chunk.
        """
        self.provider = provider
        self.id: str | None = None
        self.model_name: str | None = None
        self.finish_reason: str | None = None
        self.usage: UsageMetadata | None = None
        self.metadata: dict[str, Any] = {}
        self.is_answered = False
        self._shown: dict[str, Any] = {}
        self._repeated: dict[str, Any] | None = None
        self._opening = {"model_provider": provider, **(metadata or {})}
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._text_joiner = SurrogateJoiner()
        self._reasoning_joiner = SurrogateJoiner()
        self._tool_calls = ToolCalls()
        self._extra = ExtraFields()

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """The thinking so far."""
        return "".join(self._reasoning)

    @property
    def opening_metadata(self) -> dict[str, Any]:
        """What the first chunk says of the reply: provider, request id, and the model once it is known."""
        if self.model_name is None:
            return dict(self._opening)
        return {**self._opening, "model_name": self.model_name}

    def add(self, delta: StreamDelta) -> Increment:
        """Take what one payload adds.

        Args:
            delta: The payload, read by the vendor.

        Returns:
            What is new, repaired.
        """
        self._note(delta)
        text = self._text_joiner.add(delta.text) if delta.text else ""
        reasoning = self._reasoning_joiner.add(delta.reasoning) if delta.reasoning else ""
        increment = self._keep(text, reasoning)
        if delta.tool_calls:
            increment.tool_calls = self._tool_calls.add(delta.tool_calls)
        if delta.additional_kwargs:
            increment.additional_kwargs = self._extra.add(delta.additional_kwargs)
        # Most payloads repeat what the first one said of the reply; what adds up is noted every time.
        if delta.metadata and delta.metadata != self._repeated:
            self._note_metadata(delta.metadata)
            increment.metadata = self._early(delta.metadata)
            self._repeated = delta.metadata if MERGE_RULES.keys().isdisjoint(delta.metadata) else None
        return increment

    def finish(self) -> Increment:
        """Close the message; returns what was held back."""
        increment = self._keep(self._text_joiner.flush(), self._reasoning_joiner.flush())
        increment.tool_calls = self._tool_calls.flush()
        increment.additional_kwargs = self._extra.flush()
        return increment

    def _keep(self, text: str, reasoning: str) -> Increment:
        if text:
            self._text.append(text)
        if reasoning:
            self._reasoning.append(reasoning)
        return Increment(text, reasoning, [], {})

    def _note(self, delta: StreamDelta) -> None:
        self.id = self.id or delta.id
        self.model_name = self.model_name or delta.model_name
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.usage = delta.usage or self.usage
        self.is_answered = delta.is_answer or self.is_answered

    def _note_metadata(self, metadata: dict[str, Any]) -> None:
        for key, value in metadata.items():
            rule = MERGE_RULES.get(key)
            known = self.metadata.get(key)
            if rule is None or known is None:
                if key not in _CORES_OWN:
                    self.metadata[key] = value
            elif type(known) is type(value) is _KINDS[key]:
                self.metadata[key] = rule(known, value)

    def _early(self, came: dict[str, Any]) -> dict[str, Any]:
        """What of the metadata is shown at once; `unshown_metadata` gives the rest."""
        early = {}
        for key in EARLY & came.keys():
            new = _added(self._shown.get(key), self.metadata[key])
            if new:
                early[key] = new
                self._shown[key] = self.metadata[key]
        return early

    def unshown_metadata(self) -> dict[str, Any]:
        """What of `response_metadata` no increment has shown, without the opening."""
        rest = {key: value for key, value in self.response_metadata().items() if key not in self._shown}
        late = {key: _beyond(shown, self.metadata[key]) for key, shown in self._shown.items()}
        return {**rest, **{key: value for key, value in late.items() if value}}

    def tool_calls(self, *, cut: bool = False) -> list[ToolCall | InvalidToolCall]:
        """The calls as they stand; `cut` where the stream broke rather than ended."""
        return self._tool_calls.finish(cut=cut or self.finish_reason in _CUT)

    def tool_call_locks(self) -> list[ToolCallChunk]:
        """What keeps the invalid calls invalid in a sum of chunks; see `ToolCallState.lock`."""
        return self._tool_calls.locks(cut=self.finish_reason in _CUT)

    def says_something(self) -> bool:
        """Whether there is text, reasoning, a tool call, a refusal, audio, or a reason to stop."""
        said = self._text or self._reasoning or self.finish_reason or self.tool_calls()
        return bool(said or _ANSWERS.intersection(self._extra.values()))

    def response_metadata(self) -> dict[str, Any]:
        """All that the message's `response_metadata` holds in the end."""
        reason = {"finish_reason": self.finish_reason} if self.finish_reason else {}
        return {**self.metadata, **self.opening_metadata, **reason}

    def message(self, *, cut: bool = False) -> AIMessage:
        """The message so far.

        Args:
            cut: Whether the stream broke: an unfinished tool call is then invalid, even without arguments.

        Returns:
            A message of its own, which later deltas do not change.
        """
        calls = self.tool_calls(cut=cut)
        fields: dict[str, Any] = {"tool_calls": [call for call in calls if call["type"] == "tool_call"]}
        fields["invalid_tool_calls"] = [call for call in calls if call["type"] != "tool_call"]
        return AIMessage(
            content=self.text,
            id=self.id,
            additional_kwargs=self.final_additional_kwargs(),
            response_metadata=self.response_metadata(),
            usage_metadata=self.usage,
            **{name: value for name, value in fields.items() if value},
        )

    def final_additional_kwargs(self) -> dict[str, Any]:
        """All that the message's `additional_kwargs` holds in the end."""
        reasoning = {"reasoning_content": self.reasoning} if self._reasoning else {}
        return {**reasoning, **self._extra.values()}

    def partial(self) -> AIMessage | None:
        """The message of a stream that broke, or None where nothing of it had come."""
        came = self._text or self._reasoning or self._extra or self._shown or self.tool_calls()
        if not came:
            return None
        return self.message(cut=True)
