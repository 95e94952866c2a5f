"""The references of an answer: converted to documents for a chain, or formatted as a list to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from html import escape
from typing import TYPE_CHECKING, Any, overload

from langchain_core.documents import Document

from langchain_volcark.messages.citations import CitationFields, first_value
from langchain_volcark.messages.content_blocks import sources_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import AIMessage

_SITE = ("site_name", "collection_name", "doc_info.collection_name")
_TIME = ("publish_time",)
_CITATION = CitationFields(title=("title", "doc_name"), cited_text=("cited_text",))
_CHINESE_TIME = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_CHINA = timezone(timedelta(hours=8))
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_EXCERPT = 160


def references_to_documents(message: AIMessage) -> list[Document]:
    """Convert the references of an answer to documents, for the next step of a chain.

    Args:
        message: An answer of this package's models, from `invoke` or summed from a stream.

    Returns:
        One document per reference (in answers with hosted tools: per source that the text cites), in the
        service's order, with the excerpt as `page_content` (empty where the service sent none). `metadata` has
        every other field as sent and, where known, `source` (the URL), `title`, `site` and `time` (ISO 8601, where
        the service's format can be parsed). Empty for an answer without references.

    Example:
        ```python
        chain = bot | references_to_documents
        for document in chain.invoke("常见的十字花科植物有哪些?"):
            print(document.metadata["title"], document.metadata["source"])
        ```
    """
    return [_document(reference, fields) for reference, fields in _sources_of(message)]


def _sources_of(message: AIMessage) -> list[tuple[Mapping[str, Any], CitationFields]]:
    """The references that the service listed, else what the texts cite: hosted tools list nothing."""
    listed = sources_in(message.response_metadata)
    return listed or [(source, _CITATION) for source in _cited_in(message)]


def _cited_in(message: AIMessage) -> list[dict[str, Any]]:
    """The sources of the standard citations, each once."""
    found: list[dict[str, Any]] = []
    for block in message.content_blocks:
        for citation in block.get("annotations", ()) if block["type"] == "text" else ():
            if citation["type"] != "citation":
                continue
            named: dict[str, Any] = {
                name: value for name, value in citation.items() if name in ("title", "url", "cited_text")
            }
            source = {**citation.get("extras", {}), **named}
            if source not in found:
                found.append(source)
    return found


def _document(reference: Mapping[str, Any], fields: CitationFields) -> Document:
    named = _Reference(reference, fields)
    known = {"source": named.url, "title": named.title, "site": named.site, "time": named.iso_time}
    rest = {
        key: value for key, value in reference.items() if key != named.excerpt_name and value not in (None, "")
    }
    return Document(
        page_content=named.excerpt, metadata={**rest, **{key: value for key, value in known.items() if value}}
    )


class References(Sequence["Mapping[str, Any]"]):
    """The references of an answer, formatted for a terminal (`print`) or a notebook.

    Also a sequence of the references as the service sent them; in answers with hosted tools, of the sources that
    the text cites.

    Args:
        message: An answer of this package's models, from `invoke` or summed from a stream.

    Example:
        ```python
        answer = bot.invoke("常见的十字花科植物有哪些?")
        print(answer.text)
        print(References(answer))  # in a notebook, `References(answer)` alone shows a list with links
        ```
    """

    def __init__(self, message: AIMessage) -> None:
        self._sources = _sources_of(message)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Mapping[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | list[Mapping[str, Any]]:
        return [reference for reference, _ in self._sources][index]

    def __len__(self) -> int:
        return len(self._sources)

    def __repr__(self) -> str:
        """The list for a terminal."""
        if not self._sources:
            return "(no references)"
        return "\n".join(
            _Reference(reference, fields).as_text(position)
            for position, (reference, fields) in enumerate(self._sources, 1)
        )

    def _repr_html_(self) -> str:
        """The list for a notebook."""
        items = [
            _Reference(reference, fields).as_html(position)
            for position, (reference, fields) in enumerate(self._sources, 1)
        ]
        return f"<ol>{''.join(items)}</ol>" if items else "<p>(no references)</p>"


class _Reference:
    """The fields of one reference, by common names."""

    def __init__(self, reference: Mapping[str, Any], fields: CitationFields) -> None:
        self.number = reference.get(fields.number) if fields.number else None
        self.url = first_value(reference, fields.url)[1]
        self.title = first_value(reference, fields.title)[1]
        self.excerpt_name, self.excerpt = first_value(reference, fields.cited_text)
        self.site = first_value(reference, _SITE)[1]
        self.time = first_value(reference, _TIME)[1]
        self.iso_time = iso_time(self.time)

    def as_text(self, position: int) -> str:
        about = ", ".join(part for part in (self.site, self.iso_time) if part)
        lines = [
            f"[{self._shown_number(position)}] {self.title or self.url or '(untitled)'}"
            + (about and f" ({about})")
        ]
        if self.url and self.title:
            lines.append(self.url)
        if self.excerpt:
            lines.append(_shorten(self.excerpt))
        # Titles come from web pages and must not contain control characters of the terminal.
        return "\n    ".join(_UNSAFE.sub(" ", line) for line in lines)

    def as_html(self, position: int) -> str:
        title = escape(self.title or self.url or "(untitled)")
        if self.url.startswith(("https://", "http://")):
            title = f'<a href="{escape(self.url)}" target="_blank" rel="noopener noreferrer">{title}</a>'
        day = f'<time datetime="{self.iso_time}">{self.iso_time[:10]}</time>' if self.iso_time else ""
        about = " · ".join(part for part in (escape(self.site), day) if part)
        about = f" <small>{about}</small>" if about else ""
        excerpt = f"<br><small>{escape(_shorten(self.excerpt))}</small>" if self.excerpt else ""
        return f'<li value="{self._shown_number(position)}">{title}{about}{excerpt}</li>'

    def _shown_number(self, position: int) -> int:
        return self.number if isinstance(self.number, int) else position


def iso_time(text: str) -> str:
    """Convert a service's time to ISO 8601.

    Args:
        text: Ark's format: `2025年04月08日 10:30:00(CST) 星期二`, in China Standard Time.

    Returns:
        `2025-04-08T10:30:00+08:00`; empty for a text in another format, and for 1 January 1970, which the service
        sends for an unknown time.
    """
    found = _CHINESE_TIME.search(text)
    if found is None:
        return ""
    try:
        time = datetime(*(int(part or 0) for part in found.groups()), tzinfo=_CHINA)  # type: ignore[misc,arg-type]
    except ValueError:
        return ""
    return "" if time.timestamp() < 24 * 3600 else time.isoformat()


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
