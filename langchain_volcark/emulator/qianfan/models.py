"""The emulated V2 models, and the V1 endpoints of preset models.

V2: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb; V1: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

OFFLINE_MODEL = "ernie-bot"


@dataclass(frozen=True)
class V2Model:
    """One V2 model.

    Attributes:
        id: Its id.
        switch: Field that switches thinking on and off; None if the model cannot think.
        thinks: Whether it thinks by default.
        images: Whether it accepts images.
        json_schema: Whether it supports JSON schemas.
        ernie: Whether it is one of Baidu's models, which have `penalty_score`.
    """

    id: str
    switch: Literal["thinking", "enable_thinking"] | None = None
    thinks: bool = False
    images: bool = False
    json_schema: bool = True
    ernie: bool = False


MODELS = {
    model.id: model
    for model in (
        V2Model("ernie-5.1", images=True, ernie=True),
        V2Model("ernie-5.0-thinking-preview", "enable_thinking", thinks=True, images=True, ernie=True),
        V2Model("ernie-4.5-turbo-vl-32k", "enable_thinking", images=True, ernie=True),
        V2Model("ernie-4.0-8k", json_schema=False, ernie=True),
        V2Model("ernie-3.5-8k", json_schema=False, ernie=True),
        V2Model("ernie-speed-pro-128k", json_schema=False, ernie=True),
        V2Model("deepseek-v3.2", "thinking"),
        V2Model("deepseek-v4-pro", "thinking"),
        V2Model("deepseek-v4-flash-0731", "thinking"),
        V2Model("glm-5.1", "thinking"),
        V2Model("glm-5.2", "thinking"),
        V2Model("qwen3-235b-a22b", "enable_thinking"),
        V2Model("qwen3.5-397b-a17b"),
    )
}

_PRESET = re.compile(
    r"completions(_pro|_adv_pro)?|eb-instant|ernie[-_][a-z0-9.-]+|ai_apaas(_lite)?|qianfan-dynamic-8k"
)


def is_preset(endpoint: str) -> bool:
    """Whether a V1 endpoint is a preset model, which has more fields than a custom service."""
    return _PRESET.fullmatch(endpoint) is not None


def v1_characters(endpoint: str) -> int:
    """Maximum characters in all messages together."""
    if not is_preset(endpoint):
        return 4800
    return 516_096 if endpoint.endswith("128k") else 20_000
