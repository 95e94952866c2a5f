"""Converts a service's references into LangChain's standard citations.

Each service has its own names for the fields of a reference; these are data (`CitationFields`). The markers in
the text have a few common forms, read by the same code for all services.
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
    """The field names of one kind of references.

    Each name may be a dotted path (`"doc_info.doc_name"`); of several names the first with a value is used.

    Attributes:
        url: Names of the URL field.
        title: Names of the title field.
        cited_text: Names of the field with the excerpt.
        number: Name of the number that markers in the text use; None where that is the 1-based position.
    """

    url: tuple[str, ...] = ("url",)
    title: tuple[str, ...] = ("title",)
    cited_text: tuple[str, ...] = ("summary", "content", "snippet")
    number: str | None = None


REFERENCES = CitationFields(
    url=("url", "mobile_url"),
    title=("title", "doc_title", "doc_name", "chunk_title"),
)
"""References of Ark bots, from web search and knowledge base: https://www.volcengine.com/docs/82379/1526787."""

SEARCH_RESULTS = CitationFields(number="index")
"""Qianfan's web search, which numbers its results: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/2m3fihw8s."""

SOURCES: Mapping[str, CitationFields] = {"references": REFERENCES, "search_results": SEARCH_RESULTS}
"""Keys of `response_metadata` that list references, with the field names of each."""


class Marker(NamedTuple):
    """A citation marker in a text: the numbers of the references it cites, and its start and end offset."""

    numbers: tuple[int, ...]
    start: int
    end: int


# [1] [1, 2] [^1] [^1^] [citation:1] 【1】 ^[1]^ ^[1][2]^
_MARKER = re.compile(
    r"\^(?:\[\d{1,3}\])+\^"
    r"|\[(?:citation:|\^)?\d{1,3}(?:\s*[,，、]\s*\^?\d{1,3})*\^?\]"
    r"|【\^?\d{1,3}(?:\s*[,，、]\s*\d{1,3})*】"
)
# Brackets in code are indices; `[^1]: …` at the start of a line defines a footnote and cites nothing.
_NOT_MARKERS = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|^\[\^?\d{1,3}\]:", re.DOTALL | re.MULTILINE)


def find_markers(text: str) -> list[Marker]:
    """Find the citation markers of a text.

    Args:
        text: A complete answer.

    Returns:
        The markers in order. `^[1][2]^` and `[1, 2]` are one marker with two references.

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
    """Convert references to standard citations of a text.

    Args:
        text: The complete answer; offsets refer to it.
        references: The references as the service sent them.
        fields: Their field names.

    Returns:
        The citations in the order of the references: one per marker that cites the reference, with the marker's
        `start_index` and `end_index`; one without offsets for a reference that no marker cites. Fields without a
        standard name are kept in `extras`.

    Example:
        >>> cite("Cabbage[1].", [{"url": "https://example.com", "title": "Plants", "site_name": "Example"}])
        ... # doctest: +NORMALIZE_WHITESPACE
        [{'type': 'citation', 'url': 'https://example.com', 'title': 'Plants',
          'start_index': 7, 'end_index': 10, 'extras': {'site_name': 'Example'}}]
    """
    spans: dict[int, list[tuple[int, int]]] = {}
    for marker in find_markers(text):
        # A number repeated within one marker is one citation.
        for number in dict.fromkeys(marker.numbers):
            spans.setdefault(number, []).append((marker.start, marker.end))
    return [
        citation
        for position, reference in enumerate(references, 1)
        for citation in _citations(reference, fields, spans.get(_number(reference, fields, position), []))
    ]


def _number(reference: Mapping[str, Any], fields: CitationFields, position: int) -> int:
    number = reference.get(fields.number) if fields.number else None
    return number if isinstance(number, int) else position


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
    """The first non-empty text among several fields.

    Args:
        reference: A reference as the service sent it.
        names: Field names or dotted paths, in order of preference.

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
