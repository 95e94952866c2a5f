"""`chat/completions`: validates requests, builds complete and streamed replies.

https://www.volcengine.com/docs/84313/1350013.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.wording import echo, reasoning
from langchain_volcark.emulator.grounding import answer_from, sources_in
from langchain_volcark.emulator.knowledge import models, request
from langchain_volcark.emulator.knowledge.errors import KnowledgeError, envelope, invalid
from langchain_volcark.emulator.sse import DONE

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = frozenset(
    {
        "model", "model_version", "api_key", "messages", "thinking", "stream", "max_tokens", "temperature",
        "return_token_usage",
    }
)  # fmt: skip
REFUSE_OUTPUT = "EMULATOR_REFUSE_OUTPUT"
_PER_MESSAGE = 4
_MIN_CACHED = 256


@dataclass(frozen=True)
class Answer:
    """An answer with its token counts."""

    text: str
    reasoning: str
    prompt_tokens: int
    cached_tokens: int = 0
    refused: KnowledgeError | None = None

    @property
    def usage(self) -> dict[str, Any]:
        """Return the usage in the service's format."""
        thought = tokens.count(self.reasoning)
        completion = thought + tokens.count(self.text)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }


class Prompts:
    """Remembers prompts: a repeated prompt counts as cached from 256 tokens on."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def count(self, model: str, messages: list[dict[str, Any]]) -> tuple[int, int]:
        """Count the tokens of a prompt: all, and cached ones."""
        total = sum(_PER_MESSAGE + tokens.count(request.text_of(message)) for message in messages)
        prompt = hash((model, json.dumps(messages)))
        known = prompt in self._seen and total >= _MIN_CACHED
        self._seen.add(prompt)
        return total, total - 1 if known else 0


def answer(body: dict[str, Any], ark_key: str, prompts: Prompts) -> Answer:
    """Check a request and answer it.

    Args:
        body: The request.
        ark_key: Ark API key of the owner of all endpoints.
        prompts: Earlier prompts.

    Raises:
        KnowledgeError: The request is invalid.
    """
    request.check_fields(body, FIELDS)
    model = models.find(body.get("model"), body.get("model_version"))
    if body.get("api_key") is not None and body["api_key"] != ark_key:
        raise invalid("the api_key does not own the endpoint")
    messages = request.messages_of(body, sees=model.sees)
    limit = request.number(body, "max_tokens", 0, 4096, whole=True)
    request.number(body, "temperature", 0, 1)
    request.flag(body, "return_token_usage")
    thinking = request.part(body, "thinking").get("type", "enabled" if model.thinks else "disabled")
    if thinking not in ("enabled", "disabled", "auto"):
        raise invalid("thinking.type must be enabled, disabled or auto")
    asked = next((one for one in reversed(messages) if one["role"] == "user"), messages[-1])
    prompt = request.text_of(asked)
    thought = reasoning(prompt, "medium", []) if model.thinks and thinking != "disabled" else ""
    system = "\n".join(request.text_of(one) for one in messages if one["role"] == "system")
    sources = sources_in(system)
    text = answer_from(prompt, sources) if sources else echo(prompt, {"image": request.images_in(asked)})
    total, cached = prompts.count(body["model"], messages)
    refused = KnowledgeError(1000030, "model inference failed") if REFUSE_OUTPUT in prompt else None
    return Answer(tokens.cut(text, 4096 if limit is None else limit), thought, total, cached, refused)


def reply(result: Answer, body: dict[str, Any]) -> dict[str, Any]:
    """Return `data` of a complete reply."""
    return {
        "generated_answer": result.text,
        "reasoning_content": result.reasoning,
        # JSON text with a line break, as the service sends it.
        "usage": json.dumps(result.usage, separators=(",", ":")) + "\n" if body.get("return_token_usage") else "",
    }


def events(result: Answer, body: dict[str, Any], request_id: str) -> Iterator[bytes]:
    """Yield the events of a stream: complete objects, usage and `end` in the last, then `[DONE]`."""
    for data in deltas(result):
        yield event(request_id, data)
        if result.refused is not None:
            yield event(request_id, None, result.refused)
            return
    yield event(request_id, {"generated_answer": "", "usage": reply(result, body)["usage"], "end": True})
    yield DONE


def deltas(result: Answer) -> Iterator[dict[str, str]]:
    """Yield `data` of the events: reasoning first, then the answer."""
    for piece in tokens.split(result.reasoning):
        yield {"generated_answer": "", "reasoning_content": piece}
    for piece in tokens.split(result.text):
        yield {"generated_answer": piece}


def event(request_id: str, data: Any, error: KnowledgeError | None = None) -> bytes:
    """Format an event; the service sends no space after the colon."""
    wrapped = envelope(request_id, data, error.code, error.message) if error else envelope(request_id, data)
    return b"data:" + json.dumps(wrapped, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
