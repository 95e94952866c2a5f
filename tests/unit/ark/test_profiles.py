"""What each model can do: every known id finds its row, and LangChain can read it."""

from __future__ import annotations

import pytest
from langchain_core.language_models import ModelProfile

from langchain_volcark import ChatArk
from langchain_volcark.ark.profiles import MODELS, find_model

K = 1024

# Id: longest prompt, longest answer, inputs, tools, structured output by the model list.
TABLE: dict[str, tuple[int, int, str, bool, bool | None]] = {
    "doubao-seed-2-1-pro-260915": (1024, 256, "iv", True, True),
    "doubao-seed-2-1-lite-260915": (1024, 256, "iv", True, True),
    "doubao-seed-evolving": (1024, 256, "iv", True, True),
    "doubao-seed-2-1-pro-260628": (256, 256, "iv", True, True),
    "doubao-seed-2-1-turbo-260628": (256, 256, "iv", True, True),
    "doubao-seed-2-0-lite-260428": (224, 128, "iva", True, None),
    "doubao-seed-2-0-mini-260428": (224, 128, "iva", True, None),
    "doubao-seed-2-0-pro-260215": (224, 128, "iv", True, True),
    "doubao-seed-2-0-lite-260215": (224, 128, "iv", True, True),
    "doubao-seed-2-0-mini-260215": (224, 128, "iv", True, True),
    "doubao-seed-2-0-pro-260415": (224, 128, "iv", True, True),
    "doubao-seed-2-0-code-preview-260215": (224, 128, "iv", True, None),
    "doubao-seed-character-260628": (96, 32, "", True, None),
    "doubao-seed-character-251128": (96, 32, "", True, None),
    "doubao-seed-1-8-251228": (224, 64, "iv", True, True),
    "doubao-seed-1-6-251015": (224, 32, "iv", True, True),
    "doubao-seed-1-6-250615": (224, 32, "iv", True, True),
    "doubao-seed-1-6-lite-251015": (224, 32, "iv", True, False),
    "doubao-seed-1-6-flash-250828": (224, 32, "iv", True, True),
    "doubao-seed-1-6-flash-250715": (224, 32, "iv", True, True),
    "doubao-seed-1-6-flash-250615": (224, 32, "iv", True, True),
    "doubao-seed-1-6-vision-250815": (224, 32, "iv", True, True),
    "doubao-seed-1-6-thinking-250715": (224, 32, "iv", True, True),
    "doubao-seed-1-6-thinking-250615": (224, 32, "iv", True, True),
    "doubao-seed-code-preview-251028": (224, 32, "iv", True, None),
    "doubao-seed-translation-250915": (1, 3, "", False, False),
    "doubao-1-5-pro-32k-250115": (128, 16, "", True, False),
    "doubao-1-5-lite-32k-250115": (32, 12, "", True, False),
    "doubao-1-5-pro-32k-character-250715": (32, 12, "", False, False),
    "doubao-1-5-pro-32k-character-250228": (32, 12, "", False, False),
    "doubao-1-5-vision-pro-250328": (96, 16, "iv", False, False),
    "doubao-1-5-vision-lite-250315": (128, 16, "i", False, False),
    "doubao-1-5-vision-pro-32k-250115": (32, 12, "i", True, False),
    "doubao-1-5-thinking-pro-250415": (96, 16, "", True, True),
    "doubao-1-5-thinking-pro-m-250428": (96, 16, "i", False, True),
    "doubao-1-5-thinking-vision-pro-250428": (96, 16, "iv", True, True),
    "doubao-1-5-ui-tars-250428": (96, 16, "i", False, False),
    "deepseek-v4-1-flash-260910": (1024, 384, "iv", True, None),
    "deepseek-v4-pro-ga-260813": (1024, 384, "", True, None),
    "deepseek-v4-flash-ga-260731": (1024, 384, "", True, None),
    "deepseek-v4-pro-260425": (1024, 384, "", True, False),
    "deepseek-v4-flash-260425": (1024, 384, "", True, False),
    "deepseek-v3-2-251201": (96, 32, "", True, False),
    "deepseek-v3-1-terminus": (96, 32, "", True, True),
    "deepseek-v3-1-250821": (96, 32, "", True, True),
    "deepseek-r1-250528": (96, 16, "", True, True),
    "deepseek-v3-250324": (128, 16, "", True, False),
    "glm-5-3-flash-260828": (1024, 128, "i", True, None),
    "glm-5-2-260617": (1024, 128, "", True, True),
    "glm-4-7-251222": (200, 128, "", True, False),
    "kimi-k2-thinking-251104": (256, 32, "", True, True),
    "kimi-k2-250905": (256, 32, "", True, None),
    # BytePlus
    "dola-seed-2-1-turbo-260628": (256, 256, "iv", True, True),
    "seed-2-0-pro-260328": (224, 128, "iv", True, True),
    "seed-2-0-lite-260428": (224, 128, "iva", True, False),
    "seed-2-0-mini-260428": (224, 128, "iva", True, False),
    "seed-2-0-lite-260228": (224, 128, "iv", True, True),
    "seed-2-0-mini-260215": (224, 128, "iv", True, True),
    "seed-2-0-code-preview-260328": (224, 128, "iv", True, False),
    "seed-1-8-251228": (224, 64, "iv", True, True),
    "seed-1-6-250915": (224, 32, "iv", True, True),
    "seed-1-6-flash-250715": (224, 32, "iv", True, True),
    "gpt-oss-120b-250805": (128, 32, "", True, False),
}


@pytest.mark.parametrize("model", TABLE)
def test_every_listed_id_finds_its_row(model: str) -> None:
    longest_prompt, longest_answer, inputs, tools, by_schema = TABLE[model]
    profile = ChatArk(model=model).profile
    assert profile is not None
    assert profile["max_input_tokens"] == longest_prompt * K
    assert profile["max_output_tokens"] == longest_answer * K
    assert profile["image_inputs"] == profile["image_tool_message"] == ("i" in inputs)
    assert profile["video_inputs"] == ("v" in inputs)
    assert profile["audio_inputs"] == ("a" in inputs)
    assert profile["tool_calling"] is tools
    assert profile.get("structured_output") is by_schema


def test_every_row_is_dated_and_has_a_prefix_of_its_own() -> None:
    prefixes = [row.prefix for row in MODELS]
    assert len(set(prefixes)) == len(prefixes)
    assert all(len(row.checked) == 7 and row.checked.startswith("202") for row in MODELS)


def test_core_knows_every_key() -> None:
    # Core warns about a key it does not know, and warnings are errors here.
    known = ModelProfile.__annotations__.keys()
    for row in MODELS:
        ChatArk(model=row.prefix)
        assert row.profile().keys() <= known


def test_a_longer_prefix_wins_and_new_dates_find_their_family() -> None:
    assert find_model("doubao-seed-2-0-lite-260428-x").inputs == "iva"  # type: ignore[union-attr]
    assert find_model("doubao-seed-2-0-lite-270101").inputs == "iv"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "model", ["ep-20250101000000-abcde", "ep-m-20250101000000-abcde", "model-of-tomorrow", ""]
)
def test_an_endpoint_or_an_unknown_model_has_no_profile(model: str) -> None:
    assert find_model(model) is None
    assert not ChatArk(model=model).profile


def test_a_profile_of_ones_own_stands() -> None:
    own: ModelProfile = {"max_input_tokens": 1000, "structured_output": True}
    assert ChatArk(model="ep-1", profile=own).profile == own
    assert ChatArk(model="doubao-seed-1-8-251228", profile=own).profile == own


def test_a_profile_is_a_copy() -> None:
    profile = ChatArk(model="doubao-seed-1-8-251228").profile
    assert profile is not None
    profile["max_input_tokens"] = 1
    assert ChatArk(model="doubao-seed-1-8-251228").profile["max_input_tokens"] == 224 * K  # type: ignore[index]


def test_efforts_are_told() -> None:
    profile = ChatArk(model="doubao-seed-2-1-pro-260915").profile
    assert profile is not None
    assert profile["reasoning_effort_levels"] == ["minimal", "low", "medium", "high"]
    assert profile["reasoning_effort_default"] == "high"
    assert "reasoning_effort_levels" not in (ChatArk(model="doubao-seed-1-6-flash-250828").profile or {})
