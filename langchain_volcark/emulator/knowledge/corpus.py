"""Collections of documents, read from a folder and split into chunks.

`.md` and `.txt` files are split at headings and paragraphs; a `.csv` file becomes a structured document with one
chunk per row; `name.faq.csv` (columns `question`, `answer`) becomes an FAQ; an image becomes a chunk with an
attachment, with the file name as caption. Lines `key: value` between two `---` at the beginning of a Markdown file
are the document's fields for filters.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.embedding import embed, sparse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    FileParts = tuple[str, bytes, int]

DIMENSIONS = 512
_CHUNK = 700
_TEXT_SUFFIXES = (".md", ".txt")
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$", re.MULTILINE)


@dataclass
class Doc:
    """A document.

    Attributes:
        doc_id: Id: the path without extension.
        name: File name.
        kind: Type, such as `md` or `faq.xlsx`.
        title: First heading, else the name without extension.
        path: Path in the folder.
        created: Time of the last change, in Unix seconds.
        fields: Custom fields for filters.
    """

    doc_id: str
    name: str
    kind: str
    title: str
    path: str
    created: int
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Chunk:
    """A chunk of a document; which fields are set depends on the type of document."""

    doc: Doc
    chunk_id: int
    kind: str
    title: str = ""
    content: str = ""
    question: str = ""
    rows: list[tuple[str, str]] = field(default_factory=list)
    image: bytes | None = None
    media_type: str = ""

    @property
    def point_id(self) -> str:
        """Return the public id."""
        return f"{self.doc.doc_id}-{self.chunk_id}"

    @property
    def body(self) -> str:
        """Return the text of any type of chunk."""
        rows = "\n".join(f"{name}: {value}" for name, value in self.rows)
        return "\n".join(part for part in (self.question, self.content, rows) if part)

    @cached_property
    def dense(self) -> list[float]:
        """Return the dense vector."""
        return embed(f"{self.doc.title}\n{self.title}\n{self.body}", DIMENSIONS)

    @cached_property
    def words(self) -> dict[int, float]:
        """Return the sparse vector."""
        return sparse(f"{self.title}\n{self.body}")


@dataclass
class Collection:
    """A knowledge base."""

    name: str
    chunks: list[Chunk]
    project: str = "default"

    @property
    def resource_id(self) -> str:
        """Return the unique id."""
        return f"kb-{self.name}"

    @cached_property
    def declared(self) -> dict[str, str]:
        """Return the fields for filters, and their types."""
        found = {"doc_id": "string"}
        for chunk in self.chunks:
            found |= {name: type_of(value) for name, value in chunk.doc.fields.items()}
        return found


def type_of(value: Any) -> str:
    """Return the service's name for the type of a value."""
    if isinstance(value, list):
        return f"list<{type_of(value[0]) if value else 'string'}>"
    # bool is a subclass of int.
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    return "float32" if isinstance(value, float) else "string"


def load_folder(name: str, folder: Path) -> Collection:
    """Read a folder and its subfolders into a collection.

    Raises:
        ValueError: It is not a folder, or has no file of a supported type.
    """
    if not folder.is_dir():
        raise ValueError(f"documents must be a folder, and {str(folder)!r} is none")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = ((path.relative_to(folder).as_posix(), path.read_bytes(), int(path.stat().st_mtime)) for path in files)
    collection = load(name, parts)
    if not collection.chunks:
        known = ", ".join([*_TEXT_SUFFIXES, ".csv", *_IMAGES])
        raise ValueError(f"The folder {str(folder)!r} holds nothing that can be read: {known}")
    return collection


def load(name: str, files: Iterable[FileParts]) -> Collection:
    """Read files into a collection.

    Args:
        name: The collection's name.
        files: Path, content and time of each file.
    """
    chunks: list[Chunk] = []
    for path, data, created in files:
        chunks.extend(_read(path, data, created))
    return Collection(name, chunks)


def _read(path: str, data: bytes, created: int) -> list[Chunk]:
    lower = path.lower()
    name = path.rpartition("/")[2]
    suffix = "." + lower.rpartition(".")[2]
    stem = re.sub(r"(\.faq)?\.[^.]+$", "", name)
    doc_id = re.sub(r"[^\w.-]+", "_", path.rpartition(".")[0])
    doc = Doc(doc_id, name, suffix[1:], stem, path, created)
    if suffix in _IMAGES:
        caption = re.sub(r"[-_]+", " ", stem)
        return [Chunk(doc, 0, "image", stem, caption, image=data, media_type=_IMAGES[suffix])]
    if suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
        return _read_faq(doc, rows) if lower.endswith(".faq.csv") else _read_table(doc, rows)
    if suffix in _TEXT_SUFFIXES:
        return _read_text(doc, data.decode("utf-8-sig").replace("\r\n", "\n"))
    return []


def _read_faq(doc: Doc, rows: list[dict[str, str]]) -> list[Chunk]:
    doc.kind = "faq.xlsx"
    return [
        Chunk(doc, place, "faq", row["question"], row["answer"], question=row["question"])
        for place, row in enumerate(rows)
    ]


def _read_table(doc: Doc, rows: list[dict[str, str]]) -> list[Chunk]:
    doc.kind = "xlsx"
    return [Chunk(doc, place, "structured", rows=list(row.items())) for place, row in enumerate(rows)]


def _read_text(doc: Doc, text: str) -> list[Chunk]:
    if found := _FRONT_MATTER.match(text):
        doc.fields = dict(_front_matter(found[1]))
        text = text[found.end() :]
    chunks: list[Chunk] = []
    heading, titled = "", False
    # re.split returns text, marks, heading, text, …
    parts = _HEADING.split(text)
    for place in range(0, len(parts), 3):
        if place:
            heading = parts[place - 1].strip()
            if parts[place - 2] == "#" and not titled:
                doc.title, titled = heading, True
        chunks.extend(Chunk(doc, 0, "text", heading, one) for one in _paragraphs(parts[place]))
    for number, chunk in enumerate(chunks):
        chunk.chunk_id = number
    return chunks


def _paragraphs(text: str) -> Iterator[str]:
    """Split text into chunks of as many paragraphs as fit."""
    kept = ""
    for paragraph in (one.strip() for one in re.split(r"\n\s*\n", text)):
        if kept and len(kept) + len(paragraph) > _CHUNK:
            yield kept
            kept = ""
        kept = f"{kept}\n\n{paragraph}".strip()
    if kept:
        yield kept


def _front_matter(text: str) -> Iterator[tuple[str, Any]]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), _value(value.strip())


def _value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return [_value(one.strip()) for one in text[1:-1].split(",") if one.strip()]
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip("\"'")
