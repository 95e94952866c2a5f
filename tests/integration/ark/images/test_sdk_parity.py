"""The vendor's SDKs as witnesses: for the same call their body equals ours, their unset fields (null) dropped."""

from __future__ import annotations

import base64
import importlib
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.ark.images.conftest import Make
from tests.integration.emulator.responses_kit import SDKS, official_sdk
from tests.json_types import typed
from tests.pictures import png

Json = dict[str, Any]
LITE, PRO = "doubao-seedream-5-0-260128", "doubao-seedream-5-0-pro-260628"
FOUR, THREE = "doubao-seedream-4-0-250828", "doubao-seedream-3-0-t2i-250415"
EDIT = "doubao-seededit-3-0-i2i-250628"
PNG = png(1, 2, 3, 600)
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
LINK = "https://example.com/a.png"
GROUP: Json = {
    "sequential_image_generation": "auto",
    "sequential_image_generation_options": {"max_images": 3},
}

# The SDKs are older than some of the warnings that their own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]

# our arguments, the SDK's
CASES: dict[str, tuple[Json, Json]] = {
    "plain": ({}, {}),
    "size in words": ({"size": "2k"}, {"size": "2K"}),
    "size in pixels": ({"size": "2848 × 1600"}, {"size": "2848x1600"}),
    "no watermark": ({"watermark": False}, {"watermark": False}),
    "bytes": ({"response_format": "b64_json"}, {"response_format": "b64_json"}),
    "png": ({"output_format": "png"}, {"output_format": "png"}),
    "group": ({"max_images": 3}, GROUP),
    "no group": (
        {"sequential_image_generation": "disabled", "max_images": 1},
        {"sequential_image_generation": "disabled"},
    ),
    "stream": ({"stream": True, "max_images": 3}, {**GROUP, "stream": True}),
    "web search": ({"web_search": True}, {"tools": [{"type": "web_search"}]}),
    "optimization": (
        {"model": FOUR, "optimize_prompt_options": "fast"},
        {"model": FOUR, "optimize_prompt_options": {"mode": "fast"}},
    ),
    "reference by link": ({"images": LINK}, {"image": LINK}),
    "reference in bytes": ({"images": PNG}, {"image": DATA_URL}),
    "references": (
        {"images": [LINK, {"type": "image", "url": LINK}, PNG]},
        {"image": [LINK, LINK, DATA_URL]},
    ),
    "seed": (
        {"model": THREE, "seed": 7, "guidance_scale": 2.5, "size": "1024x1024"},
        {"model": THREE, "seed": 7, "guidance_scale": 2.5, "size": "1024x1024"},
    ),
    "edit": (
        {"model": EDIT, "images": LINK, "size": "adaptive", "guidance_scale": 5},
        {"model": EDIT, "image": LINK, "size": "adaptive", "guidance_scale": 5},
    ),
    "layers": (
        {"model": PRO, "images": PNG, "layer_decomposition": True, "size": "auto"},
        {"model": PRO, "image": DATA_URL, "layer_decomposition": True, "size": "auto"},
    ),
}
# With fields that only the newer SDK has.
NEWER: dict[str, tuple[Json, Json]] = {
    "transparent": (
        {"model": PRO, "images": PNG, "background": "transparent", "output_format": "png"},
        {"model": PRO, "image": DATA_URL, "background": "transparent", "output_format": "png"},
    ),
    "image guidance": ({"image_guidance_scale": 2.5}, {"image_guidance_scale": 2.5}),
}
OLDER: dict[str, tuple[Json, Json]] = {
    "thinking about the prompt": (
        {"optimize_prompt_options": {"mode": "standard", "thinking": "auto"}},
        {"optimize_prompt_options": {"mode": "standard", "thinking": "auto"}},
    ),
    "optimized": ({"optimize_prompt": True}, {"optimize_prompt": True}),
}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def as_objects(sdk: str, arguments: Json) -> Json:
    """The older SDK wants objects where the newer wants dictionaries."""
    types = importlib.import_module(f"{sdk}.types.images")
    made = dict(arguments)
    if sdk == "arkruntime":
        return made
    if "sequential_image_generation_options" in made:
        options = made["sequential_image_generation_options"]
        made["sequential_image_generation_options"] = types.SequentialImageGenerationOptions(**options)
    if "optimize_prompt_options" in made:
        made["optimize_prompt_options"] = types.OptimizePromptOptions(**made["optimize_prompt_options"])
    if "tools" in made:
        made["tools"] = [types.ContentGenerationTool(**tool) for tool in made["tools"]]
    return made


@pytest.mark.parametrize(
    ("sdk", "name"),
    [
        *((sdk, name) for sdk in SDKS for name in CASES),
        *(("arkruntime", name) for name in NEWER),
        *(("volcenginesdkarkruntime", name) for name in OLDER),
    ],
)
def test_a_body_equals_the_sdks(make: Make, emulator: Emulator, sdk: str, name: str) -> None:
    ours, theirs = (CASES | NEWER | OLDER)[name]
    ours = dict(ours)
    if ours.pop("stream", False):
        list(make().stream("The seasons", **ours))
    else:
        make().generate("The seasons", **ours)
    mine = emulator.requests[-1]
    with official_sdk(sdk, emulator) as client:
        answer = client.images.generate(**{"model": LITE, "prompt": "The seasons", **as_objects(sdk, theirs)})
        if theirs.get("stream"):
            list(answer)
    its = emulator.requests[-1]
    assert mine is not its
    assert (mine.method, mine.path) == (its.method, its.path)
    assert typed(mine.json) == typed(without_nulls(its.json))
