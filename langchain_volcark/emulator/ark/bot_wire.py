"""Complete and streamed replies of bots, with references at any position in the stream.

Bot API: https://www.volcengine.com/docs/82379/1526787.
"""

from __future__ import annotations

import re
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.ids import body_id
from langchain_volcark.emulator.ark.wire import ChoiceChunks, choice_object
from langchain_volcark.emulator.sse import BARE_DONE, bare_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_volcark.emulator.ark.answer import Reply
    from langchain_volcark.emulator.ark.bots import BotRequest
    from langchain_volcark.emulator.ark.usage import PromptCount

PLAIN_USAGE = "EMULATOR_PLAIN_USAGE"
SEARCHING = "正在搜索"

_ORDER = re.compile(r"EMULATOR_REFERENCES_(FIRST|DELTA|TEXT|MIDDLE|LAST|USAGE|TWICE|GROWING)")

Json = dict[str, Any]


def bot_completion(bot: BotRequest, replies: list[Reply], counts: PromptCount) -> Json:
    """Return the complete reply."""
    choices = [choice_object(bot.chat, index, reply) for index, reply in enumerate(replies)]
    for choice in choices:
        del choice["logprobs"]
    return _whole(bot, choices, _usage(bot, replies, counts))


def relayed_completion(bot: BotRequest, choices: list[Json], prompt: int, completion: int) -> Json:
    """Return the complete reply for given choices and token counts."""
    return _whole(bot, choices, {"bot_usage": bot.counted(prompt, completion)})


def bot_chunk(bot: BotRequest) -> Callable[..., Json]:
    """Return a function that builds the events of a stream with their common fields."""
    return partial(_joined, _envelope(bot, "chat.completion.chunk"))


def _joined(envelope: Json, **more: Any) -> Json:
    return {**envelope, **more}


def _whole(bot: BotRequest, choices: list[Json], usage: Json) -> Json:
    references = [source.reference for source in bot.sources]
    found = {"references": references} if references else {}
    return {**_envelope(bot, "chat.completion"), "choices": choices, **usage, **found}


def bot_events(bot: BotRequest, replies: list[Reply], counts: PromptCount, request_id: str) -> Iterator[bytes]:
    """Yield the events of a stream.

    The question sets the position of the references: in a chunk without choices at the beginning (`FIRST`, the
    default), at the end (`LAST`) or half-way (`MIDDLE`); at the beginning with an empty delta (`DELTA`); with the
    first text (`TEXT`) or the usage (`USAGE`); at the beginning and again at the end (`TWICE`), or first only one
    of them (`GROWING`).
    """
    envelope = _envelope(bot, "chat.completion.chunk")
    chunks = [
        {**envelope, "choices": [choice]}
        for choice, _, _ in chain.from_iterable(
            ChoiceChunks(bot.chat, index, reply).chunks() for index, reply in enumerate(replies)
        )
    ]
    usage = None
    if bot.chat.body.get("stream_options", {}).get("include_usage"):
        usage = {**envelope, "choices": [], **_usage(bot, replies, counts)}
    references = [source.reference for source in bot.sources]
    if references and bot.metadata.get("emit_intention_signal_extra") == "true":
        # The documentation does not give the position of the status: this is a guess.
        yield bare_event({**envelope, "choices": [], "metadata": {**bot.metadata, "intention": SEARCHING}})
    refused = next((reply.refused for reply in replies if reply.refused), None)
    ordered = _in_order(bot.question, envelope, chunks, usage, references)
    for chunk in ordered[: len(chunks)] if refused else ordered:
        yield bare_event(chunk)
    yield bare_event(refused.payload(request_id)) if refused else BARE_DONE


def _in_order(
    question: str, envelope: Json, chunks: list[Json], usage: Json | None, references: list[Json]
) -> list[Json]:
    """Yield all chunks of a stream, with the references at the requested position."""
    tail = [usage] if usage else []
    if not references:
        return [*chunks, *tail]
    found = _ORDER.search(question)
    order = found[1] if found else "FIRST"
    alone = {**envelope, "choices": [], "references": references}
    if order == "DELTA":
        empty = {"index": 0, "delta": {"role": "assistant", "content": ""}}
        return [{**alone, "choices": [empty]}, *chunks, *tail]
    if order == "TEXT":
        first = next((place for place, chunk in enumerate(chunks) if _text(chunk)), 0)
        return [*chunks[:first], {**chunks[first], "references": references}, *chunks[first + 1 :], *tail]
    if order == "MIDDLE":
        half = len(chunks) // 2
        return [*chunks[:half], alone, *chunks[half:], *tail]
    if order == "USAGE" and usage:
        return [*chunks, {**usage, "references": references}]
    if order in ("LAST", "USAGE"):
        return [*chunks, alone, *tail]
    if order == "GROWING":
        return [{**alone, "references": references[:1]}, *chunks, alone, *tail]
    return [alone, *chunks, *([alone] if order == "TWICE" else []), *tail]


def _text(chunk: Json) -> str:
    return str(chunk["choices"][0]["delta"].get("content") or "")


def _envelope(bot: BotRequest, kind: str) -> Json:
    return {
        "id": body_id(),
        "object": kind,
        "created": int(time.time()),
        "model": bot.chat.model.id,
        "metadata": bot.metadata,
    }


def _usage(bot: BotRequest, replies: list[Reply], counts: PromptCount) -> Json:
    usage = bot.usage(counts, replies)
    if PLAIN_USAGE not in bot.question:
        return {"bot_usage": usage}
    # Older applications answer like this.
    plain = {name: value for name, value in usage["model_usage"][0].items() if name != "name"}
    return {"usage": plain, "bot_usage": None}
