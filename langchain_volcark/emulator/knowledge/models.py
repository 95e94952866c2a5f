"""The public models of `chat/completions` and their capabilities.

https://www.volcengine.com/docs/84313/1350013.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_volcark.emulator.knowledge.errors import invalid

RERANKERS = ("base-multilingual-rerank", "m3-v2-rerank", "doubao-seed-rerank", "Doubao-pro-4k-rerank")


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        versions: Values of `model_version`; empty for models without versions.
        sees: Whether it accepts images.
        thinks: Whether it thinks by default.
    """

    versions: tuple[str, ...] = ()
    sees: bool = False
    thinks: bool = False


_ENDPOINT = Model(sees=True)

MODELS = {
    "Doubao-pro-4k": Model(),
    "Doubao-pro-32k": Model(("241215", "240828", "240615", "character-241215")),
    "Doubao-pro-128k": Model(("240628", "240515")),
    "Doubao-pro-256k": Model(("241115", "240828")),
    "Doubao-lite-4k": Model(),
    "Doubao-lite-32k": Model(("240828", "240628", "240428")),
    "Doubao-lite-128k": Model(("240828", "240428")),
    "Doubao-1-5-pro-32k": Model(("250115", "character-250715", "character-250228")),
    "Doubao-1-5-pro-256k": Model(("250115",)),
    "Doubao-1-5-lite-32k": Model(("250115",)),
    "Doubao-1-5-thinking-pro": Model(("250415",), thinks=True),
    "Deepseek-R1-128k": Model(("250528", "250120"), thinks=True),
    "Deepseek-V3-128k": Model(("250324", "241226")),
    "Doubao-seed-1-6-thinking": Model(("250715", "250615"), sees=True, thinks=True),
    "Doubao-seed-1-6-vision": Model(sees=True, thinks=True),
    "Doubao-seed-1-8": Model(("251228",), sees=True, thinks=True),
}


def find(name: Any, version: Any) -> Model:
    """Return the model of a request.

    Raises:
        KnowledgeError: The name or version does not exist.
    """
    if not isinstance(name, str) or not name:
        raise invalid("model is required")
    model = _ENDPOINT if name.startswith("ep-") else MODELS.get(name)
    if model is None:
        raise invalid(f"model {name} is not supported")
    if version is not None and version not in model.versions:
        raise invalid(f"model {name} has no version {version}; it has {', '.join(model.versions) or 'none'}")
    return model
