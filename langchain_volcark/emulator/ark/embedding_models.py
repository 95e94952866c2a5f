"""The emulated embedding models and their capabilities.

Text: https://www.volcengine.com/docs/82379/1521766. Multimodal: https://www.volcengine.com/docs/82379/1409291.
"""

from __future__ import annotations

from dataclasses import dataclass

K = 1024
DEFAULT_TEXT_MODEL = "doubao-embedding-large-text-250515"
DEFAULT_VISION_MODEL = "doubao-embedding-vision-251215"


@dataclass(frozen=True)
class EmbeddingModel:
    """One model.

    Attributes:
        id: The model id, date suffix included.
        dimensions: Dimensions of its vectors.
        context: Maximum input in tokens.
        vision: Whether it is called through `/embeddings/multimodal` instead of `/embeddings`.
        mixed: Whether an input may have any parts; else at most one text and one image.
        shorter: Other allowed values of `dimensions`.
        instructions: Whether it supports `instructions`.
        sparse: Whether it supports `sparse_embedding`.
        multi: Whether it supports `multi_embedding`, and options for video.
    """

    id: str
    dimensions: int
    context: int
    vision: bool = True
    mixed: bool = True
    shorter: tuple[int, ...] = ()
    instructions: bool = False
    sparse: bool = False
    multi: bool = False


def _text(name: str, dimensions: int) -> EmbeddingModel:
    return EmbeddingModel(name, dimensions, 4 * K, vision=False)


_ALL = [
    _text("doubao-embedding-large-text-250515", 2048),
    _text("doubao-embedding-large-text-240915", 4096),
    _text("doubao-embedding-text-240715", 2560),
    _text("doubao-embedding-text-240515", 2048),
    EmbeddingModel("doubao-embedding-vision-241215", 3072, 8 * K, mixed=False),
    EmbeddingModel("doubao-embedding-vision-250328", 2048, 8 * K, mixed=False),
    EmbeddingModel(
        "doubao-embedding-vision-250615", 2048, 128 * K, shorter=(1024,), instructions=True, sparse=True
    ),
    EmbeddingModel(
        "doubao-embedding-vision-251215",
        2048,
        128 * K,
        shorter=(1024,),
        instructions=True,
        sparse=True,
        multi=True,
    ),
]

EMBEDDING_MODELS = {model.id: model for model in _ALL}
