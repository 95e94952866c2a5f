"""A service's references as LangChain's standard citations.

Every service lists its sources in a form of its own and marks them in the text in one of a few ways. What the
forms call things is data (`CitationFields`); everything else is the same for all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from langchain_core.messages.content import Citation


@dataclass(frozen=True)
class CitationFields:
    """What one form of references calls things.

    Each name may be a path (`"doc_info.doc_name"`); of several the first with a value counts.

    Attributes:
        url: Names of the address.
        title: Names of the title.
        cited_text: Names of the excerpt that was used.
        number: Name of the number by which the text refers to it; None where that is its place, from 1 on.
    """

    url: tuple[str, ...] = ("url",)
    title: tuple[str, ...] = ("title",)
    cited_text: tuple[str, ...] = ("summary", "content", "snippet")
    number: str | None = None


REFERENCES = CitationFields(
    url=("url", "mobile_url"),
    title=("title", "doc_title", "doc_name", "chunk_title"),
)
"""Ark bots, web and knowledge base alike: https://www.volcengine.com/docs/82379/1526787."""

SEARCH_RESULTS = CitationFields(number="index")
"""Qianfan's web search, which numbers its results: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/2m3fihw8s."""

SOURCES: Mapping[str, CitationFields] = {"references": REFERENCES, "search_results": SEARCH_RESULTS}
"""Fields of `response_metadata` that hold references, and their forms."""


class Marker(NamedTuple):
    """A mark in a text: the references it names and the span it takes, in characters."""

    numbers: tuple[int, ...]
    start: int
    end: int


# [1] [1, 2] [^1] [^1^] [citation:1] 【1】 ^[1]^ ^[1][2]^
_MARKER = re.compile(
    r"\^(?:\[\d{1,3}\])+\^"
    r"|\[(?:citation:|\^)?\d{1,3}(?:\s*[,，、]\s*\^?\d{1,3})*\^?\]"
    r"|【\^?\d{1,3}(?:\s*[,，、]\s*\d{1,3})*】"
)
# Brackets in code are indices, and `[^1]: …` at the beginning of a line says what a mark means.
_NOT_MARKERS = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|^\[\^?\d{1,3}\]:", re.DOTALL | re.MULTILINE)


def find_markers(text: str) -> list[Marker]:
    """Find the marks that refer to sources.

    Args:
        text: An answer, whole.

    Returns:
        The marks in order. `^[1][2]^` and `[1, 2]` are one mark that names two references.

    Example:
        >>> find_markers("Cabbage[1] and kale^[2][3]^.")
        [Marker(numbers=(1,), start=7, end=10), Marker(numbers=(2, 3), start=19, end=27)]
    """
    if "[" not in text and "【" not in text:
        return []
    skipped = [found.span() for found in _NOT_MARKERS.finditer(text)]
    return [
        Marker(tuple(int(number) for number in re.findall(r"\d+", found[0])), *found.span())
        for found in _MARKER.finditer(text)
        if not any(start <= found.start() < end for start, end in skipped)
    ]


def cite(
    text: str, references: Sequence[Mapping[str, Any]], fields: CitationFields = REFERENCES
) -> list[Citation]:
    """Write references as standard citations of a text.

    Args:
        text: The answer, whole: offsets are into it.
        references: The references as the service sent them.
        fields: What they call things.

    Returns:
        The citations in the order of the references: one for each mark that names the reference, with the mark's
        `start_index` and `end_index`; one without them for a reference that no mark names. What has no standard
        field stands in `extras` under its own name.

    Example:
        >>> cite("Cabbage[1].", [{"url": "https://example.com", "title": "Plants", "site_name": "Example"}])
        ... # doctest: +NORMALIZE_WHITESPACE
        [{'type': 'citation', 'url': 'https://example.com', 'title': 'Plants',
          'start_index': 7, 'end_index': 10, 'extras': {'site_name': 'Example'}}]
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for marker in find_markers(text):
        # A number written twice in one mark cites once.
        for number in dict.fromkeys(marker.numbers):
            spans.setdefault(number, []).append((marker.start, marker.end))
    return [
        citation
        for place, reference in enumerate(references, 1)
        for citation in _citations(reference, fields, spans.get(_number(reference, fields, place), []))
    ]


def _number(reference: Mapping[str, Any], fields: CitationFields, place: int) -> int:
    said = reference.get(fields.number) if fields.number else None
    return said if isinstance(said, int) else place


def _citations(
    reference: Mapping[str, Any], fields: CitationFields, spans: list[tuple[int, int]]
) -> Iterator[Citation]:
    known: dict[str, Any] = {"type": "citation"}
    used = set()
    for field, names in (("url", fields.url), ("title", fields.title), ("cited_text", fields.cited_text)):
        name, value = first_value(reference, names)
        if name is not None:
            known[field] = value
            used.add(name)
    rest = {name: value for name, value in reference.items() if name not in used and not _is_empty(value)}
    extras = {"extras": rest} if rest else {}
    for start, end in spans:
        yield {**known, "start_index": start, "end_index": end, **extras}  # type: ignore[typeddict-item]
    if not spans:
        yield {**known, **extras}  # type: ignore[typeddict-item]


def first_value(reference: Mapping[str, Any], names: Sequence[str]) -> tuple[str | None, str]:
    """The first text that stands under one of several names.

    Args:
        reference: A reference as sent.
        names: Names or dotted paths, best first.

    Returns:
        The name and the text; None and an empty text where there is none.
    """
    for name in names:
        value: Any = reference
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return name, value
    return None, ""


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, dict, list)) and not value)
