"""What Ark's embedding models can do, as far as it is documented.

From https://www.volcengine.com/docs/82379/1409291 (multimodal embeddings) and
https://www.volcengine.com/docs/82379/1521766 (text embeddings), state of November 2026. A model that is not
listed works all the same: nothing is then refused and nothing added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TEXT_QUERY = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: {text}"
"""The query template of the text models that have one; documents go bare."""

MULTIMODAL_QUERY = "Target_modality: text.\nInstruction:为这个句子生成表示以用于检索相关文章\nQuery:"
"""The documented `instructions` of a query over text documents; documents have what the service adds itself."""

_VISION = re.compile(r"(?:doubao|skylark)-embedding-vision(?:-(\d{6}))?")
_TAKES_DIMENSIONS = 250615
_TAKES_INSTRUCTIONS = 251215
_NEWEST = 999999


@dataclass(frozen=True)
class EmbeddingModel:
    """One model.

    Attributes:
        native: The length of its vectors.
        choices: The lengths a user may ask for, `native` among them.
        sends_dimensions: Whether the service cuts the vectors; else they are cut here.
        query: What goes with a query: a template for a text model, `instructions` for a multimodal one.
        sparse: Whether it makes sparse vectors.
        multi: Whether it makes a vector for each token.
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
    """Whether a model's name says that it takes images.

    Raises:
        ValueError: An endpoint id, which says nothing.
    """
    if model.startswith("ep-"):
        raise ValueError(
            f"The endpoint id {model!r} does not say what model it stands for. Pass multimodal=True for a vision "
            "embedding model (endpoint /embeddings/multimodal), multimodal=False for a text one (/embeddings)."
        )
    return "vision" in model


def find_model(model: str) -> EmbeddingModel | None:
    """What is known of a model; None of an endpoint id or a new family."""
    vision = _VISION.fullmatch(model)
    if vision is None:
        return _TEXT_MODELS.get(model)
    version = int(vision[1] or _NEWEST)  # the plans' names have no date and mean the newest
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
    """Refuse a length that the model's vectors cannot be cut to.

    Raises:
        ValueError: It names the lengths that can be asked for.
    """
    known = find_model(model)
    if known is None or dimensions is None or dimensions in known.choices:
        return
    allowed = ", ".join(map(str, known.choices))
    raise ValueError(f"dimensions={dimensions} is not possible with {model}: its vectors can have {allowed}.")
