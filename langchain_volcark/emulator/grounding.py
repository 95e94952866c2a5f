"""Builds answers from sentences of the sources in a prompt, each with the number of its source."""

from __future__ import annotations

import re
from typing import NamedTuple

from langchain_volcark.emulator.embedding import pieces

_CONTEXT = re.compile(r"<context>(.*)</context>", re.DOTALL)
_NUMBER = re.compile(r"\s*\[(\d{1,3})\]")
_SENTENCE = re.compile(r"[^。！？!?\n.]+(?:[。！？!?]+|\.(?=\s|$)|\.(?=\S)[^。！？!?\n.]*)*")
_FIELD = re.compile(r"^(?:content|question|answer):\s*", re.IGNORECASE)
_HEAD = re.compile(r"^(?:doc_name|title|chunk_title|source):.*$", re.MULTILINE)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ENOUGH = 0.2
_NEAR = 0.75  # of the best sentence's similarity
_SENTENCES = 2


class Source(NamedTuple):
    """A source text and the mark by which answers refer to it: a number, or a file's name."""

    mark: int | str
    text: str


def sources_in(text: str) -> list[Source]:
    """Read the sources between `<context>` tags: blocks separated by `---`, numbered `[n]` or by position."""
    found = _CONTEXT.search(text)
    if found is None:
        return []
    sources = []
    for place, block in enumerate(re.split(r"^-{3,}\s*$", found[1], flags=re.MULTILINE), 1):
        number = _NUMBER.match(block)
        body = _HEAD.sub("", block[number.end() :] if number else block).strip()
        if body:
            sources.append(Source(int(number[1]) if number else place, body))
    return sources


def answer_from(question: str, sources: list[Source]) -> str:
    """Return the two sentences most similar to the question, each with its mark, or that there is none.

    Args:
        question: The user's question.
        sources: The sources.
    """
    chosen = _best(question, sources)
    if not chosen:
        return "材料中没有答案。" if _CHINESE.search(question) else "The material does not answer that."
    return _joined(chosen)


def found_in(question: str, sources: list[Source], *, marks: bool = True) -> str | None:
    """Same as `answer_from`, with or without marks, without a second sentence that fits much worse.

    Returns:
        None if no sentence is similar to the question.
    """
    chosen = _best(question, sources, near=_NEAR)
    return _joined(chosen, marks=marks) if chosen else None


def beginning_of(sources: list[Source], *, marks: bool = True) -> str:
    """Return the first two sentences of the sources, with or without their marks."""
    sentences = [(sentence, source.mark) for source in sources for sentence in _sentences(source.text)]
    return _joined(sentences[:_SENTENCES], marks=marks) if sentences else ""


def _best(question: str, sources: list[Source], near: float = 0.0) -> list[tuple[str, int | str]]:
    asked = pieces(question)
    ranked = sorted(
        (
            (-overlap(asked, sentence), place, source.mark, sentence)
            for place, source in enumerate(sources)
            for sentence in _sentences(source.text)
        ),
        key=lambda one: one[:2],
    )
    chosen: list[tuple[str, int | str]] = []
    for score, _, mark, sentence in ranked:
        if score > min(-_ENOUGH, near * ranked[0][0]) or len(chosen) == _SENTENCES:
            break
        if sentence not in [one for one, _ in chosen]:
            chosen.append((sentence, mark))
    return chosen


def _joined(sentences: list[tuple[str, int | str]], *, marks: bool = True) -> str:
    joint = "" if _CHINESE.search(sentences[0][0]) else " "
    return joint.join(f"{sentence}{joint}[{mark}]" if marks else sentence for sentence, mark in sentences)


def overlap(asked: dict[str, float], text: str) -> float:
    """Return how much of a question a text covers, 0 to 1.

    Args:
        asked: The features of the question and their weights.
        text: The text.
    """
    found = pieces(text)
    total = sum(asked.values())
    return sum(weight for piece, weight in asked.items() if piece in found) / total if total else 0.0


def _sentences(text: str) -> list[str]:
    stripped = (_FIELD.sub("", found.strip()).strip() for found in _SENTENCE.findall(text))
    return [one for one in stripped if len(one) > 1]
