"""Capabilities of Ark's embedding models, as documented.

From https://www.volcengine.com/docs/82379/1409291 (multimodal embeddings) and
https://www.volcengine.com/docs/82379/1521766 (text embeddings), state of November 2026. A model that is not
listed can be used too: then no value is refused and no instruction is added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TEXT_QUERY = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: {text}"
"""The query template of the text models that have one; documents are sent without."""

MULTIMODAL_QUERY = "Target_modality: text.\nInstruction:为这个句子生成表示以用于检索相关文章\nQuery:"
"""The documented `instructions` for queries over text documents; for documents the service has a default."""

_VISION = re.compile(r"(?:doubao|skylark)-embedding-vision(?:-(\d{6}))?")
_TAKES_DIMENSIONS = 250615
_TAKES_INSTRUCTIONS = 251215
_NEWEST = 999999


@dataclass(frozen=True)
class EmbeddingModel:
    """The capabilities of one model.

    Attributes:
        native: The length of its vectors.
        choices: The lengths a user may choose, including `native`.
        sends_dimensions: Whether the service truncates vectors; otherwise the client does.
        query: The instruction for queries: a template for a text model, `instructions` for a multimodal one.
        sparse: Whether it has sparse vectors.
        multi: Whether it has per-token vectors.
    """

    native: int
    choices: tuple[int, ...]
    sends_dimensions: bool = False
    query: str | None = None
    sparse: bool = False
    multi: bool = False


_TEXT_MODELS = {
    "doubao-embedding-large-text-250515": EmbeddingModel(2048, (2048, 1024, 512, 256), query=TEXT_QUERY),
    "doubao-embedding-large-text-240915": EmbeddingModel(4096, (4096, 2048, 1024, 512)),
    "doubao-embedding-text-240715": EmbeddingModel(2560, (2560, 2048, 1024, 512)),
    "doubao-embedding-text-240515": EmbeddingModel(2048, (2048, 1024, 512)),
}


def is_multimodal(model: str) -> bool:
    """Whether a model is multimodal, by its name.

    Raises:
        ValueError: It is an endpoint id, which does not contain the model's name.
    """
    if model.startswith("ep-"):
        raise ValueError(
            f"The endpoint id {model!r} does not show which model it uses. Pass multimodal=True for a vision "
            "embedding model (endpoint /embeddings/multimodal), multimodal=False for a text one (/embeddings)."
        )
    return "vision" in model


def find_model(model: str) -> EmbeddingModel | None:
    """The capabilities of a model; None for an endpoint id or an unknown model."""
    vision = _VISION.fullmatch(model)
    if vision is None:
        return _TEXT_MODELS.get(model)
    version = int(vision[1] or _NEWEST)  # names without a date, as in plans, are the newest version
    if version < _TAKES_DIMENSIONS:
        return EmbeddingModel(2048, (2048, 1024)) if version >= 250328 else EmbeddingModel(3072, (3072,))
    newest = version >= _TAKES_INSTRUCTIONS
    return EmbeddingModel(
        2048,
        (2048, 1024),
        sends_dimensions=True,
        query=MULTIMODAL_QUERY if newest else None,
        sparse=True,
        multi=newest,
    )


def check_dimensions(model: str, dimensions: int | None) -> None:
    """Refuse a vector length that the model does not support.

    Raises:
        ValueError: The length is not supported; the text lists those that are.
    """
    known = find_model(model)
    if known is None or dimensions is None or dimensions in known.choices:
        return
    allowed = ", ".join(map(str, known.choices))
    raise ValueError(f"dimensions={dimensions} is not possible with {model}: its vectors can have {allowed}.")
