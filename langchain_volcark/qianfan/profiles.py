"""Capabilities and limits of Qianfan's models, as plain data.

Sources: the V1 model pages (https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the pages it lists), the V2
chat API (https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb). Models that are not listed work too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

CUSTOM_CHARACTERS = 4800
"""Maximum characters in all messages together for a custom V1 service, as documented."""

ThinkingSwitch = Literal["thinking", "enable_thinking"]


@dataclass(frozen=True)
class V1Model:
    """A preset model of V1.

    Attributes:
        name: Model name; V2 has most of them under the same name in lower case.
        endpoint: Last segment of the URL path.
        characters: Maximum characters in all messages together; None where unknown.
        tokens: Maximum tokens of the prompt; None where unknown.
    """

    name: str
    endpoint: str
    characters: int | None = None
    tokens: int | None = None


_V1_MODELS = (
    V1Model("ERNIE-4.0-8K", "completions_pro", 20000, 5120),
    V1Model("ERNIE-4.0-8K-Latest", "ernie-4.0-8k-latest"),
    V1Model("ERNIE-4.0-8K-0613", "ernie-4.0-8k-0613"),
    V1Model("ERNIE-4.0-8K-Preview", "ernie-4.0-8k-preview"),
    V1Model("ERNIE-4.0-8K-0329", "ernie-4.0-8k-0329"),
    V1Model("ERNIE-4.0-8K-0104", "ernie-4.0-8k-0104"),
    V1Model("ERNIE-4.0-8K-Preview-0518", "completions_adv_pro"),
    V1Model("ERNIE-4.0-Turbo-8K", "ernie-4.0-turbo-8k"),
    V1Model("ERNIE-4.0-Turbo-8K-Latest", "ernie-4.0-turbo-8k-latest"),
    V1Model("ERNIE-4.0-Turbo-8K-Preview", "ernie-4.0-turbo-8k-preview"),
    V1Model("ERNIE-4.0-Turbo-128K", "ernie-4.0-turbo-128k"),
    V1Model("ERNIE-3.5-8K", "completions", 20000, 5120),
    V1Model("ERNIE-3.5-8K-0613", "ernie-3.5-8k-0613"),
    V1Model("ERNIE-3.5-8K-0701", "ernie-3.5-8k-0701"),
    V1Model("ERNIE-3.5-8K-0205", "ernie-3.5-8k-0205", 20000, 5120),
    V1Model("ERNIE-3.5-8K-0329", "ernie-3.5-8k-0329", 8000, 2048),
    V1Model("ERNIE-3.5-8K-Preview", "ernie-3.5-8k-preview"),
    V1Model("ERNIE-3.5-128K", "ernie-3.5-128k", 516096, 126976),
    V1Model("ERNIE-Speed-8K", "ernie_speed", 11200, 7168),
    V1Model("ERNIE-Speed-128K", "ernie-speed-128k", 507904, 126976),
    V1Model("ERNIE-Speed-Pro-8K", "ernie-speed-pro-8k", 24000, 6144),
    V1Model("ERNIE-Speed-Pro-128K", "ernie-speed-pro-128k", 516096, 126976),
    V1Model("ERNIE-Lite-8K", "ernie-lite-8k", 11200, 7168),
    V1Model("ERNIE-Lite-8K-0308", "ernie-lite-8k", 11200, 7168),
    V1Model("ERNIE-Lite-8K-0922", "eb-instant", 11200, 7168),
    V1Model("ERNIE-Lite-Pro-8K", "ernie-lite-pro-8k", 24000, 6144),
    V1Model("ERNIE-Lite-V", "ernie-lite-v"),
    V1Model("ERNIE-Tiny-8K", "ernie-tiny-8k"),
    V1Model("ERNIE-Novel-8K", "ernie-novel-8k"),
    V1Model("ERNIE-Character-8K", "ernie-char-8k"),
    V1Model("ERNIE-Character-Fiction-8K", "ernie-char-fiction-8k"),
    V1Model("ERNIE-Functions-8K", "ernie-func-8k"),
    V1Model("ERNIE Speed-AppBuilder", "ai_apaas", 11200, 7168),
    V1Model("Lite-AppBuilder-8K-0614", "ai_apaas_lite", 11200, 7168),
    V1Model("Qianfan-Dynamic-8K", "qianfan-dynamic-8k"),
    V1Model("ERNIE-Bot-4", "completions_pro", 20000, 5120),
    V1Model("ERNIE-Bot", "completions", 20000, 5120),
    V1Model("ERNIE-Bot-turbo", "eb-instant", 11200, 7168),
    V1Model("EB-turbo-AppBuilder", "ai_apaas", 11200, 7168),
    *(
        V1Model(endpoint, endpoint, CUSTOM_CHARACTERS)
        for endpoint in (
            "bloomz_7b1",
            "llama_2_7b",
            "llama_2_13b",
            "llama_2_70b",
            "llama_3_8b",
            "llama_3_70b",
            "qianfan_bloomz_7b_compressed",
            "qianfan_chinese_llama_2_7b",
            "qianfan_chinese_llama_2_13b",
            "qianfan_chinese_llama_2_70b",
            "chatglm2_6b_32k",
            "aquilachat_7b",
            "xuanyuan_70b_chat",
            "chatlaw",
            "yi_34b_chat",
            "mixtral_8x7b_instruct",
            "gemma_7b_it",
        )
    ),
)

_BY_NAME = {row.name.lower(): row for row in _V1_MODELS}
# Several names may share an endpoint: the first in the list is current, later ones are old aliases.
_BY_ENDPOINT = {row.endpoint: row for row in reversed(_V1_MODELS)}


def find_v1_model(name: str) -> V1Model | None:
    """Find the V1 preset model with this name (in any case) or endpoint."""
    return _BY_NAME.get(name.lower()) or _BY_ENDPOINT.get(name)


@dataclass(frozen=True)
class QianfanFamily:
    """Capabilities of a family of V2 models.

    Attributes:
        prefix: Prefix of the model ids; the longest match wins.
        switch: Request field that switches thinking on and off; None where there is none.
        thinks: Whether the model thinks by default.
        images: Whether the model accepts images.
    """

    prefix: str
    switch: ThinkingSwitch | None = None
    thinks: bool = False
    images: bool = False


_FAMILIES = (
    QianfanFamily("deepseek-v3.1", "thinking"),
    QianfanFamily("deepseek-v3.2", "thinking"),
    QianfanFamily("deepseek-v4", "thinking"),
    QianfanFamily("glm-4.7", "thinking"),
    QianfanFamily("glm-5", "thinking"),
    QianfanFamily("kimi-k2.5", "thinking"),
    QianfanFamily("qwen3-", "enable_thinking"),
    QianfanFamily("ernie-4.5-turbo-vl", "enable_thinking", images=True),
    QianfanFamily("ernie-4.5-vl-28b-a3b", "enable_thinking", images=True),
    QianfanFamily("ernie-5.0-thinking-preview", "enable_thinking", thinks=True),
)


def find_family(model: str) -> QianfanFamily | None:
    """Find the family of a V2 model id by the longest prefix; None for an unknown id."""
    matching = [family for family in _FAMILIES if model.startswith(family.prefix)]
    return max(matching, key=lambda family: len(family.prefix), default=None)


def profile_of(model: str) -> ModelProfile | None:
    """Return the LangChain profile of a model; None for an unknown model."""
    family, preset = find_family(model), find_v1_model(model)
    if family is None and preset is None:
        return None
    profile: ModelProfile = {"name": model, "text_inputs": True, "text_outputs": True, "tool_calling": True}
    if family is not None:
        profile["image_inputs"] = profile["image_url_inputs"] = family.images
        profile["reasoning_output"] = family.switch is not None
    if preset is not None and preset.tokens is not None:
        profile["max_input_tokens"] = preset.tokens
    return profile
