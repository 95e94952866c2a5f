"""Capabilities of Ark's chat models, as a table.

Sources: the model list (https://www.volcengine.com/docs/82379/1330310), deep thinking (/1449737) and structured
output (/1568221); for rows newer than those pages, catalogues that quote them and probes of the live service.
Each row has the date of its last check. A model that is not listed can be used too, with conservative defaults.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

ReasoningPolicy = Literal["always", "tool_turns", "never"]

_K = 1024
_SEED_EFFORTS = ("minimal", "low", "medium", "high")


@dataclass(frozen=True)
class ArkModel:
    """The capabilities of one model, or of one family of dated versions.

    Attributes:
        prefix: Prefix of the model ids; the longest matching prefix is used.
        checked: Year and month of the last comparison with a source.
        context: Context window in tokens.
        max_input: Maximum prompt length in tokens; None means `context`.
        max_output: Maximum answer length in tokens.
        inputs: Inputs other than text: `i` images, `v` video, `a` audio.
        tools: Whether it supports tool calls.
        tool_choice: Whether a call can be forced; `"not_thinking"`: only while the model does not think.
        json_schema: Whether it supports JSON schemas; None where sources disagree or it is untested.
        json_object: Whether it supports JSON mode.
        thinks: Whether it thinks by default; None for a model that cannot.
        efforts: The levels of `reasoning_effort` it distinguishes.
        default_effort: Its default level.
        reasoning_passback: Which messages include its reasoning.
    """

    prefix: str
    checked: str
    context: int
    max_output: int
    max_input: int | None = None
    inputs: str = ""
    tools: bool = True
    tool_choice: bool | Literal["not_thinking"] = True
    json_schema: bool | None = True
    json_object: bool = True
    thinks: bool | None = True
    efforts: tuple[str, ...] = ()
    default_effort: str | None = None
    reasoning_passback: ReasoningPolicy = "tool_turns"

    def profile(self) -> ModelProfile:
        """The capabilities as a LangChain model profile."""
        profile: ModelProfile = {
            "name": self.prefix,
            "max_input_tokens": self.max_input or self.context,
            "max_output_tokens": self.max_output,
            "text_inputs": True,
            "image_inputs": "i" in self.inputs,
            "image_url_inputs": "i" in self.inputs,
            "video_inputs": "v" in self.inputs,
            "audio_inputs": "a" in self.inputs,
            "pdf_inputs": False,
            "image_tool_message": "i" in self.inputs,
            "pdf_tool_message": False,
            "text_outputs": True,
            "image_outputs": False,
            "audio_outputs": False,
            "video_outputs": False,
            "reasoning_output": self.thinks is not None,
            "tool_calling": self.tools,
            "tool_choice": self.tools and self._can_be_forced(),
            "tool_call_streaming": self.tools,
        }
        if self.json_schema is not None:
            profile["structured_output"] = self.json_schema
        if self.efforts:
            profile["reasoning_effort_levels"] = list(self.efforts)
        if self.default_effort:
            profile["reasoning_effort_default"] = self.default_effort
        return profile

    def _can_be_forced(self) -> bool:
        """Whether a call can be forced with the default setting of thinking."""
        return self.tool_choice is True or (self.tool_choice == "not_thinking" and not self.thinks)


def _seed_2_1(prefix: str, checked: str, context: int, inputs: str = "iv") -> ArkModel:
    return ArkModel(
        prefix, checked, context, 256 * _K, inputs=inputs, efforts=_SEED_EFFORTS, default_effort="high"
    )


def _seed_2_0(prefix: str, checked: str, *, json_schema: bool | None = True, inputs: str = "iv") -> ArkModel:
    return ArkModel(
        prefix,
        checked,
        256 * _K,
        128 * _K,
        max_input=224 * _K,
        inputs=inputs,
        json_schema=json_schema,
        efforts=_SEED_EFFORTS,
        default_effort="medium",
    )


def _seed_1_6(prefix: str, *, efforts: bool = False, json_schema: bool | None = True) -> ArkModel:
    # Models before Seed 1.8 ignore or refuse reasoning in their input.
    return ArkModel(
        prefix,
        "2025-12",
        256 * _K,
        32 * _K,
        max_input=224 * _K,
        inputs="iv",
        json_schema=json_schema,
        efforts=_SEED_EFFORTS if efforts else (),
        default_effort="medium" if efforts else None,
        reasoning_passback="never",
    )


def _doubao_1_5(prefix: str, context: int, max_output: int, **facts: object) -> ArkModel:
    defaults: dict[str, object] = {
        "tool_choice": False,
        "json_schema": False,
        "json_object": False,
        "thinks": None,
        "reasoning_passback": "never",
    }
    return ArkModel(prefix, "2025-12", context, max_output, **{**defaults, **facts})  # type: ignore[arg-type]


def _doubao_1_5_thinking(prefix: str, **facts: object) -> ArkModel:
    return _doubao_1_5(
        prefix, 128 * _K, 16 * _K, **{"max_input": 96 * _K, "json_object": True, "thinks": True, **facts}
    )


def _deepseek_before_v4(prefix: str, max_output: int, **facts: object) -> ArkModel:
    defaults = {"max_input": 96 * _K, "tool_choice": "not_thinking", "reasoning_passback": "never"}
    return ArkModel(prefix, "2025-12", 128 * _K, max_output, **{**defaults, **facts})  # type: ignore[arg-type]


def _deepseek(prefix: str, checked: str, **facts: object) -> ArkModel:
    defaults: dict[str, object] = {
        "json_schema": None,
        "efforts": ("none", "low", "high", "max"),
        "tool_choice": "not_thinking",
    }
    facts = {**defaults, "default_effort": "high", **facts}
    return ArkModel(prefix, checked, 1024 * _K, 384 * _K, **facts)  # type: ignore[arg-type]


_SEED_1_8 = ArkModel(
    "doubao-seed-1-8",
    "2026-01",
    256 * _K,
    64 * _K,
    max_input=224 * _K,
    inputs="iv",
    efforts=_SEED_EFFORTS,
    default_effort="medium",
)

MODELS: tuple[ArkModel, ...] = (
    _seed_2_1("doubao-seed-2-1-pro-260915", "2026-09", 1024 * _K),
    _seed_2_1("doubao-seed-2-1-lite", "2026-10", 1024 * _K),
    _seed_2_1("doubao-seed-evolving", "2026-09", 1024 * _K),
    _seed_2_1("doubao-seed-2-1-pro-260628", "2026-09", 256 * _K),
    _seed_2_1("doubao-seed-2-1-turbo", "2026-09", 256 * _K),
    _seed_2_1("doubao-seed-2-1", "2026-09", 256 * _K),
    _seed_2_0("doubao-seed-2-0-lite-260428", "2026-08", json_schema=None, inputs="iva"),
    _seed_2_0("doubao-seed-2-0-mini-260428", "2026-08", json_schema=None, inputs="iva"),
    _seed_2_0("doubao-seed-2-0-code", "2026-09", json_schema=None),
    _seed_2_0("doubao-seed-2-0", "2026-04"),
    ArkModel(
        "doubao-seed-character",
        "2026-09",
        128 * _K,
        32 * _K,
        max_input=96 * _K,
        json_schema=None,
        efforts=("minimal",),
        default_effort="medium",
    ),
    ArkModel("doubao-seed-character-251128", "2026-09", 128 * _K, 32 * _K, max_input=96 * _K, json_schema=None),
    # Available through the Responses API only.
    ArkModel(
        "doubao-seed-translation",
        "2025-12",
        4 * _K,
        3 * _K,
        max_input=_K,
        tools=False,
        json_schema=False,
        json_object=False,
        thinks=None,
        reasoning_passback="never",
    ),
    _SEED_1_8,
    _seed_1_6("doubao-seed-1-6-lite", efforts=True, json_schema=False),
    _seed_1_6("doubao-seed-1-6-251015", efforts=True),
    _seed_1_6("doubao-seed-1-6"),
    _seed_1_6("doubao-seed-code-preview", json_schema=None),
    _doubao_1_5("doubao-1-5-pro-32k-character", 32 * _K, 12 * _K, tools=False),
    _doubao_1_5("doubao-1-5-pro", 128 * _K, 16 * _K),
    _doubao_1_5("doubao-1-5-lite", 32 * _K, 12 * _K),
    _doubao_1_5("doubao-1-5-vision-pro-32k", 32 * _K, 12 * _K, inputs="i"),
    _doubao_1_5(
        "doubao-1-5-vision", 128 * _K, 16 * _K, max_input=96 * _K, inputs="iv", tools=False, json_object=True
    ),
    _doubao_1_5("doubao-1-5-vision-lite", 128 * _K, 16 * _K, inputs="i", tools=False, json_object=True),
    _doubao_1_5_thinking("doubao-1-5-thinking", json_schema=True),
    _doubao_1_5_thinking("doubao-1-5-thinking-pro-m", inputs="i", tools=False, json_schema=True),
    _doubao_1_5_thinking("doubao-1-5-thinking-vision", inputs="iv", json_schema=True),
    _doubao_1_5_thinking("doubao-1-5-ui-tars", inputs="i", tools=False),
    _deepseek("deepseek-v4-1-flash", "2026-09", inputs="iv", efforts=("none", "low", "high")),
    _deepseek("deepseek-v4-pro-260425", "2026-08", json_schema=False),
    _deepseek("deepseek-v4-flash-260425", "2026-08", json_schema=False),
    _deepseek("deepseek-v4", "2026-08"),
    _deepseek_before_v4(
        "deepseek-v3-2", 32 * _K, json_schema=False, thinks=False, reasoning_passback="tool_turns"
    ),
    _deepseek_before_v4("deepseek-v3-1", 32 * _K, thinks=False),
    _deepseek_before_v4("deepseek-v3", 16 * _K, max_input=None, json_schema=False, thinks=None),
    _deepseek_before_v4("deepseek-r1", 16 * _K),
    ArkModel(
        "glm-5-3-flash",
        "2026-09",
        1024 * _K,
        128 * _K,
        inputs="i",
        tool_choice="not_thinking",
        json_schema=None,
        efforts=("low", "high", "max"),
        default_effort="max",
    ),
    ArkModel(
        "glm-5-2",
        "2026-08",
        1024 * _K,
        128 * _K,
        tool_choice="not_thinking",
        efforts=("none", "high", "max"),
        default_effort="high",
    ),
    # Accepts a JSON schema and ignores it.
    ArkModel("glm-4-7", "2026-07", 200 * _K, 128 * _K, tool_choice="not_thinking", json_schema=False),
    ArkModel("kimi-k2-thinking", "2025-12", 256 * _K, 32 * _K, tool_choice="not_thinking"),
    ArkModel("kimi-k2", "2025-12", 256 * _K, 32 * _K, json_schema=None, thinks=None),
    # BytePlus ModelArk: other ids, and no JSON mode.
    replace(_seed_2_1("dola-seed-2-1-turbo", "2026-07", 256 * _K), json_object=False),
    *(
        replace(_seed_2_0(prefix, "2026-07", json_schema=by_schema, inputs=inputs), json_object=False)
        for prefix, by_schema, inputs in (
            ("seed-2-0", True, "iv"),
            ("seed-2-0-lite-260428", False, "iva"),
            ("seed-2-0-mini-260428", False, "iva"),
            ("seed-2-0-code", False, "iv"),
        )
    ),
    replace(_SEED_1_8, prefix="seed-1-8", checked="2026-07", json_object=False),
    replace(_seed_1_6("seed-1-6"), checked="2026-07", json_object=False),
    ArkModel(
        "gpt-oss-120b",
        "2026-07",
        128 * _K,
        32 * _K,
        tool_choice="not_thinking",
        json_schema=False,
        json_object=False,
    ),
)


@functools.lru_cache(maxsize=512)
def find_model(model: str) -> ArkModel | None:
    """The row for a model id.

    Args:
        model: An id, dated or not. Endpoint ids (`ep-…`) do not show the model behind them.

    Returns:
        The row with the longest matching prefix, or None. A prefix must end at a dash of the id:
        `deepseek-v3-250324` does not match `deepseek-v3-2`.
    """
    matches = [row for row in MODELS if f"{model}-".startswith(f"{row.prefix}-")]
    return max(matches, key=lambda row: len(row.prefix), default=None)
