"""Output items, and what a turn comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.ids import reply_id
from langchain_volcark.emulator.ark.responses.items import seal

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.errors import ArkError
    from langchain_volcark.emulator.ark.models import Model

Json = dict[str, Any]


@dataclass
class Found:
    """What hosted tools did.

    Attributes:
        items: The items that tell of it, in order.
        text: What the answer says of it; empty where they leave the answer to the model.
        annotations: The sources of that text.
        material: What was read of it into the prompt.
        usage: How often each tool was used.
        details: How often each of a tool's sources, servers or operations was.
        ends: Whether the response ends here, because somebody must approve something.
    """

    items: list[Json] = field(default_factory=list)
    text: str = ""
    annotations: list[Json] = field(default_factory=list)
    material: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    details: dict[str, dict[str, int]] = field(default_factory=dict)
    ends: bool = False

    def add(self, other: Found) -> None:
        """Take in what another tool did."""
        self.items += other.items
        self.text = f"{self.text} {other.text}".strip()
        self.annotations += other.annotations
        self.material += other.material
        self.ends = self.ends or other.ends
        for tool, count in other.usage.items():
            self.usage[tool] = self.usage.get(tool, 0) + count
        for tool, counts in other.details.items():
            mine = self.details.setdefault(tool, {})
            for name, count in counts.items():
                mine[name] = mine.get(name, 0) + count


@dataclass
class Output:
    """What a turn comes to.

    Attributes:
        items: The output.
        found: What hosted tools did for it.
        reasoning_tokens: Tokens of the thinking, of which a summary may be all that is shown.
        status: `completed`, `incomplete` or `failed`.
        reason: Why it is incomplete.
        refused: The error that takes the answer's place half-way through.
    """

    items: list[Json]
    found: Found
    reasoning_tokens: int
    status: str = "completed"
    reason: Json | None = None
    refused: ArkError | None = None

    @property
    def output_tokens(self) -> int:
        """Tokens of everything that was written, thinking included."""
        return self.reasoning_tokens + sum(_tokens_of(item) for item in self.items)


def _tokens_of(item: Json) -> int:
    kind = item["type"]
    if kind == "message":
        return sum(tokens.count(part["text"]) for part in item.get("content", ()))
    if kind in ("function_call", "mcp_call", "mcp_approval_request"):
        return tokens.count(item["name"]) + tokens.count(item.get("arguments", ""))
    if kind == "web_search_call":
        return tokens.count(item.get("action", {}).get("query", ""))
    if kind == "doubao_app_call":
        return sum(tokens.count(block.get("text", "")) for block in item.get("blocks", ()))
    return 0


def item_id(prefix: str) -> str:
    """An id of an output item."""
    return f"{prefix}_{reply_id()}"


def reasoning_item(
    thought: str, model: Model, *, sealed: bool = False, status: str = "completed", raw: bool = False
) -> Json:
    """Thinking: its summary as a rule.

    Args:
        thought: What is shown of it.
        model: Whose it is.
        sealed: Whether the opaque blob comes with it.
        status: Its status.
        raw: Whether it is shown as the raw text that it is.
    """
    item: Json = {"id": item_id("rs"), "type": "reasoning", "status": status, "summary": []}
    if raw:
        item["content"] = [{"type": "reasoning_text", "text": thought}]
    else:
        item["summary"] = [{"type": "summary_text", "text": thought}]
    if sealed:
        item["encrypted_content"] = seal(thought, model)
    return item


def message_item(text: str, annotations: list[Json], *, status: str = "completed", partial: bool = False) -> Json:
    """The answer's text, its sources beside it where it has any."""
    part: Json = {"type": "output_text", "text": text}
    if annotations:
        part["annotations"] = annotations
    item: Json = {
        "type": "message",
        "role": "assistant",
        "content": [part],
        "status": status,
        "id": item_id("msg"),
    }
    if partial:
        item["partial"] = True
    return item
