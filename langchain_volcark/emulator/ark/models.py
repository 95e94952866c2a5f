"""The emulated chat models and their capabilities.

From the model list https://www.volcengine.com/docs/82379/1330310 and the thinking page
https://www.volcengine.com/docs/82379/1449737, state of November 2026. Where the documentation is silent or
contradictory, the entry follows observed replies, or else the stricter interpretation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

K = 1024
NOT_OPEN_MODEL = "doubao-seed-not-open-260101"
DEFAULT_MODEL = "doubao-seed-2-1-pro-260915"
CLOSED_ENDPOINT = "ep-closed-"

_TEXT = frozenset({"text"})
_IMAGE = _TEXT | {"image"}
_VIDEO = _IMAGE | {"video"}
_AUDIO = _VIDEO | {"audio"}
_DATED = re.compile(r"(?P<name>.+?)(?:-(?P<version>\d{6}))?")


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        id: The model id, date suffix included.
        context: Context window in tokens.
        max_input: Maximum prompt in tokens.
        max_answer: Maximum of `max_tokens`.
        max_reasoning: Maximum length of the reasoning in tokens.
        inputs: Input types: text, image, video, audio.
        tools: Whether it supports tools.
        forced_calls: Whether it accepts a `tool_choice` that forces a call; `"not_thinking"`: only while it does
            not think.
        json_object: Whether it supports `response_format` `json_object`.
        json_schema: Whether it supports `json_schema`; `"ignored"` accepts it and answers in prose.
        thinking: On or off by default, always on, or never.
        auto_thinking: Whether `thinking.type` may be `auto`.
        effort: Whether it supports `reasoning_effort`.
        default_effort: The default effort.
        encrypted: Whether it sends `encrypted_content`.
        usage_unasked: Whether its streams end with usage even if it was not requested.
        max_tokens_counts_thinking: Whether `max_tokens` limits thinking and answer together.
        chat: Whether the chat API supports it.
        status: None, `Retiring` or `Shutdown`, as in `GET /models`.
    """

    id: str
    context: int = 256 * K
    max_input: int = 224 * K
    max_answer: int = 32 * K
    max_reasoning: int = 32 * K
    inputs: frozenset[str] = _VIDEO
    tools: bool = True
    forced_calls: bool | Literal["not_thinking"] = True
    json_object: bool = True
    json_schema: bool | Literal["ignored"] = True
    thinking: Literal["on", "off", "always", "never"] = "on"
    auto_thinking: bool = False
    effort: bool = False
    default_effort: str = "medium"
    encrypted: bool = False
    usage_unasked: bool = False
    max_tokens_counts_thinking: bool = False
    chat: bool = True
    status: str | None = None

    @property
    def deep_thinking(self) -> bool:
        """Whether the documentation calls it a deep-thinking model, which thinks by default."""
        return self.thinking in ("on", "always")

    @property
    def honours_parallel_switch(self) -> bool:
        """Whether `parallel_tool_calls: false` has an effect; other models accept and ignore it."""
        return self.id.startswith("doubao-seed-")

    @property
    def streams_whole_calls(self) -> bool:
        """Whether streams have all tool calls complete in one chunk with the finish reason, as recorded."""
        found = _DATED.fullmatch(self.id)
        version = found["version"] if found else None
        return self.id == "doubao-seed-code-preview-251028" or (version is not None and version <= "241215")

    def row(self) -> dict[str, Any]:
        """The model as listed by `GET /models`."""
        found = _DATED.fullmatch(self.id)
        tasks = ["TextGeneration"]
        row: dict[str, Any] = {
            "id": self.id,
            "object": "model",
            "name": found["name"] if found else self.id,
            "version": (found["version"] if found else None) or "",
            "created": 1767587883,
            "domain": "VLM" if "image" in self.inputs else "LLM",
            "task_type": ["VisualQuestionAnswering", *tasks] if "image" in self.inputs else tasks,
            "modalities": {
                "input_modalities": [one for one in ("text", "image", "video", "audio") if one in self.inputs],
                "output_modalities": ["text"],
            },
            "token_limits": {
                "context_window": self.context,
                "max_input_token_length": self.max_input,
                "max_output_token_length": self.max_answer,
                "max_reasoning_token_length": self.max_reasoning if self.thinking != "never" else 0,
            },
            "features": {
                "tools": {"function_calling": self.tools},
                # Like the real list, this claims schema support for models that refuse schemas.
                "structured_outputs": {
                    "json_object": self.json_object,
                    "json_schema": self.thinking != "never",
                },
                "cache": {"prefix_cache": False, "session_cache": False},
                "batch": {"batch_chat": False, "batch_job": False},
            },
        }
        if self.status is not None:
            row["status"] = self.status
        return row


def _family(base: Model, *ids: str) -> list[Model]:
    return [replace(base, id=one) for one in ids]


_SEED_2_1 = Model("", 256 * K, 256 * K, 256 * K, 256 * K, effort=True, default_effort="high", encrypted=True)
_SEED_2_1_LONG = replace(_SEED_2_1, context=1024 * K, max_input=1024 * K)
_SEED_2_0 = Model("", 256 * K, 224 * K, 128 * K, 128 * K, effort=True)
_SEED_1_6 = Model("", status="Retiring")
_OLD_TEXT = Model(
    "",
    128 * K,
    128 * K,
    16 * K,
    0,
    _TEXT,
    forced_calls=False,
    json_schema=False,
    thinking="never",
    status="Retiring",
)
_OLD_THINKING = Model("", 128 * K, 96 * K, 16 * K, forced_calls=False, status="Shutdown")
_DEEPSEEK_3 = Model(
    "", 128 * K, 96 * K, inputs=_TEXT, forced_calls="not_thinking", thinking="off", status="Shutdown"
)
_DEEPSEEK_4 = Model(
    "",
    1024 * K,
    1024 * K,
    384 * K,
    384 * K,
    _TEXT,
    forced_calls="not_thinking",
    effort=True,
    default_effort="high",
)
_GLM = Model("", 1024 * K, 1024 * K, 128 * K, 128 * K, _TEXT, forced_calls="not_thinking", effort=True)

_ALL = [
    *_family(_SEED_2_1_LONG, "doubao-seed-2-1-pro-260915", "doubao-seed-2-1-lite-260915"),
    replace(_SEED_2_1_LONG, id="doubao-seed-evolving", encrypted=False),
    *_family(_SEED_2_1, "doubao-seed-2-1-pro-260628", "doubao-seed-2-1-turbo-260628"),
    # The overseas variants refuse schemas, although the lists claim support.
    *_family(
        replace(_SEED_2_0, inputs=_AUDIO, json_schema=False),
        "doubao-seed-2-0-mini-260428",
    ),
    replace(_SEED_2_0, id="doubao-seed-2-0-lite-260428", inputs=_AUDIO, json_schema=False, encrypted=True),
    *_family(
        _SEED_2_0,
        "doubao-seed-2-0-pro-260415",
        "doubao-seed-2-0-pro-260215",
        "doubao-seed-2-0-lite-260215",
        "doubao-seed-2-0-mini-260215",
    ),
    replace(_SEED_2_0, id="doubao-seed-2-0-code-preview-260215", json_schema=False, status="Retiring"),
    Model("doubao-seed-character-260628", 128 * K, 96 * K, inputs=_TEXT, effort=True),
    Model("doubao-seed-character-251128", 128 * K, 96 * K, inputs=_TEXT),
    replace(_SEED_1_6, id="doubao-seed-1-8-251228", max_answer=64 * K, effort=True),
    replace(_SEED_1_6, id="doubao-seed-1-6-251015", effort=True),
    replace(_SEED_1_6, id="doubao-seed-1-6-250615", auto_thinking=True),
    replace(_SEED_1_6, id="doubao-seed-1-6-lite-251015", effort=True, json_object=False, json_schema=False),
    *_family(
        _SEED_1_6,
        "doubao-seed-1-6-flash-250828",
        "doubao-seed-1-6-flash-250715",
        "doubao-seed-1-6-flash-250615",
        "doubao-seed-1-6-vision-250815",
        "doubao-seed-code-preview-251028",
    ),
    *_family(
        replace(_SEED_1_6, thinking="always", status="Shutdown"),
        "doubao-seed-1-6-thinking-250715",
        "doubao-seed-1-6-thinking-250615",
    ),
    Model(
        "doubao-seed-translation-250915", 4 * K, K, 3 * K, 0, _TEXT, tools=False, json_object=False,
        json_schema=False, thinking="never", chat=False,
    ),
    replace(_OLD_TEXT, id="doubao-1-5-pro-32k-250115"),
    replace(_OLD_TEXT, id="doubao-1-5-lite-32k-250115", context=32 * K, max_input=32 * K, max_answer=12 * K),
    *_family(
        replace(_OLD_TEXT, context=32 * K, max_input=32 * K, max_answer=12 * K, tools=False),
        "doubao-1-5-pro-32k-character-250715",
        "doubao-1-5-pro-32k-character-250228",
    ),
    replace(_OLD_TEXT, id="doubao-1-5-vision-pro-250328", max_input=96 * K, inputs=_VIDEO, tools=False),
    replace(_OLD_TEXT, id="doubao-1-5-vision-lite-250315", inputs=_IMAGE, tools=False),
    replace(
        _OLD_TEXT, id="doubao-1-5-vision-pro-32k-250115", context=32 * K, max_input=32 * K, max_answer=12 * K,
        inputs=_IMAGE,
    ),
    replace(_OLD_THINKING, id="doubao-1-5-thinking-pro-250415", inputs=_TEXT),
    replace(
        _OLD_THINKING, id="doubao-1-5-thinking-pro-m-250428", inputs=_IMAGE, tools=False, auto_thinking=True
    ),
    replace(_OLD_THINKING, id="doubao-1-5-thinking-vision-pro-250428"),
    replace(_OLD_THINKING, id="doubao-1-5-ui-tars-250428", inputs=_IMAGE, tools=False, json_schema=False),
    replace(_DEEPSEEK_4, id="deepseek-v4-1-flash-260910", inputs=_VIDEO, max_tokens_counts_thinking=True),
    *_family(
        replace(_DEEPSEEK_4, usage_unasked=True), "deepseek-v4-pro-ga-260813", "deepseek-v4-flash-ga-260731"
    ),
    *_family(replace(_DEEPSEEK_4, json_schema=False), "deepseek-v4-pro-260425", "deepseek-v4-flash-260425"),
    replace(_DEEPSEEK_3, id="deepseek-v3-2-251201", json_schema=False),
    *_family(_DEEPSEEK_3, "deepseek-v3-1-terminus", "deepseek-v3-1-250821"),
    replace(_DEEPSEEK_3, id="deepseek-r1-250528", max_answer=16 * K, thinking="always"),
    replace(_OLD_TEXT, id="deepseek-v3-250324", max_input=96 * K, forced_calls="not_thinking"),
    replace(
        _GLM, id="glm-5-3-flash-260828", inputs=_IMAGE, thinking="always", default_effort="max",
        max_tokens_counts_thinking=True,
    ),
    replace(_GLM, id="glm-5-2-260617", default_effort="high", usage_unasked=True),
    Model(
        "glm-4-7-251222", max_answer=128 * K, inputs=_TEXT, forced_calls="not_thinking", json_schema="ignored",
        status="Retiring",
    ),
    Model("kimi-k2-thinking-251104", inputs=_TEXT, forced_calls="not_thinking", thinking="always"),
    Model("kimi-k2-250905", inputs=_TEXT, thinking="never"),
]  # fmt: skip

MODELS = {model.id: model for model in _ALL}
