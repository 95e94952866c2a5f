"""The vendor's own SDKs, the newer and the older, against `/images/generations`."""

from __future__ import annotations

import base64
import importlib
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import SDKS, official_sdk
from tests.pictures import png

MODEL = "doubao-seedream-5-0-260128"
PRO = "doubao-seedream-5-0-pro-260628"
REFERENCE = f"data:image/png;base64,{base64.b64encode(png(1, 2, 3, 600)).decode()}"

# The SDKs are older than some of the warnings that their own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]


def group(sdk: Any, most: int) -> Any:
    """The options of a group, in the form that the SDK wants."""
    types = importlib.import_module(f"{type(sdk).__module__.partition('.')[0]}.types.images")
    if hasattr(types, "SequentialImageGenerationOptionsParam"):
        return {"max_images": most}
    return types.SequentialImageGenerationOptions(max_images=most)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_it_reads_a_picture(sdk: Any) -> None:
    found = sdk.images.generate(model=MODEL, prompt="A red fox", size="2K", output_format="png", watermark=False)
    (item,) = found.data
    picture = opened(httpx.get(item.url).content)
    assert (picture.format, picture.size, item.size) == ("PNG", (2048, 2048), "2048x2048")
    assert (found.model, found.usage.generated_images, found.usage.output_tokens) == (MODEL, 1, 16384)


def test_it_reads_bytes(sdk: Any) -> None:
    found = sdk.images.generate(
        model="doubao-seedream-3-0-t2i-250415",
        prompt="A red fox",
        size="768x512",
        response_format="b64_json",
        seed=7,
        guidance_scale=2.5,
    )
    picture = opened(base64.b64decode(found.data[0].b64_json))
    assert (picture.format, picture.size) == ("JPEG", (768, 512))


def stream(sdk: Any, prompt: str) -> Any:
    return sdk.images.generate(
        model=MODEL,
        prompt=prompt,
        sequential_image_generation="auto",
        sequential_image_generation_options=group(sdk, 3),
        stream=True,
    )


def test_it_streams_a_group(sdk: Any) -> None:
    events = list(stream(sdk, "The seasons"))
    kinds = [one.type.removeprefix("image_generation.") for one in events]
    assert kinds == ["partial_succeeded", "partial_succeeded", "partial_succeeded", "completed"]
    assert [one.image_index for one in events[:3]] == [0, 1, 2]
    usage = events[3].usage  # the older SDK leaves it a dictionary
    assert (usage["generated_images"] if isinstance(usage, dict) else usage.generated_images) == 3
    assert httpx.get(events[2].url).headers["content-type"] == "image/jpeg"


def test_it_takes_a_pictures_failure_for_the_end_of_the_stream(sdk: Any) -> None:
    """Both SDKs raise at any payload with an `error`, although the pictures after it are made, and billed."""
    events = stream(sdk, "EMULATOR_REFUSE_IMAGE_2 The seasons")
    assert next(events).image_index == 0
    with pytest.raises(Exception, match="output image may contain sensitive information"):
        next(events)


def test_it_reads_partial_failures(sdk: Any) -> None:
    found = sdk.images.generate(
        model=MODEL,
        prompt="EMULATOR_REFUSE_IMAGE_1 The seasons",
        sequential_image_generation="auto",
        sequential_image_generation_options=group(sdk, 2),
    )
    assert found.data[0].error["code"] if isinstance(found.data[0].error, dict) else found.data[0].error.code
    assert found.data[1].url
    assert found.usage.generated_images == 1


def test_it_reads_an_error_for_a_whole_group(sdk: Any) -> None:
    found = sdk.images.generate(
        model=MODEL,
        prompt="EMULATOR_REFUSE_OUTPUT The seasons",
        sequential_image_generation="auto",
        sequential_image_generation_options=group(sdk, 2),
    )
    assert found.data == []
    assert found.error.code == "OutputImageSensitiveContentDetected"


def test_it_reads_layers(sdk: Any) -> None:
    found = sdk.images.generate(
        model=PRO, prompt="title and subject", image=REFERENCE, size="auto", layer_decomposition=True
    )
    base, title, subject = found.data
    assert (base.z_index, base.size) == (0, "600x600")
    assert (title.name, subject.z_index, subject.bounding_box.absolute) == ("title", 2, [150, 300, 450, 450])
    assert subject.bounding_box.normalized == [250, 500, 750, 750]
    assert opened(httpx.get(title.url).content).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert found.usage.input_images == 1


def test_it_searches_the_web(sdk: Any) -> None:
    tool: Any = {"type": "web_search"}
    types = importlib.import_module(f"{type(sdk).__module__.partition('.')[0]}.types.images")
    if hasattr(types, "ContentGenerationTool"):
        tool = types.ContentGenerationTool(type="web_search")
    found = sdk.images.generate(model=MODEL, prompt="The weather in Rome", tools=[tool])
    assert found.usage.tool_usage.web_search == 1


def test_it_raises_refusals(sdk: Any) -> None:
    with pytest.raises(Exception, match="at least 3686400 pixels"):
        sdk.images.generate(model=MODEL, prompt="A fox", size="1024x1024")
    with pytest.raises(Exception, match="InputTextSensitiveContentDetected"):
        sdk.images.generate(model=MODEL, prompt="EMULATOR_SENSITIVE_INPUT")
    with pytest.raises(Exception, match="OutputImageSensitiveContentDetected"):
        sdk.images.generate(model=MODEL, prompt="A fox EMULATOR_REFUSE_OUTPUT")


@pytest.mark.parametrize("name", SDKS)
async def test_it_streams_without_blocking(emulator: Emulator, name: str) -> None:
    module = pytest.importorskip(name, reason=f"{name} is not installed: run python scripts/ark_sdk.py")
    async with module.AsyncArk(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0) as client:
        stream = await client.images.generate(
            model=MODEL, prompt="2 pictures", sequential_image_generation="auto", stream=True
        )
        sizes = [one.size async for one in stream if one.type == "image_generation.partial_succeeded"]
    assert sizes == ["2048x2048"] * 2


def test_the_newer_one_asks_for_what_the_older_cannot(emulator: Emulator) -> None:
    with official_sdk("arkruntime", emulator) as client:
        found = client.images.generate(
            model=PRO,
            prompt="Keep the fox",
            image=REFERENCE,
            background="transparent",
            optimize_prompt_options={"mode": "fast"},
        )
    assert found.data[0].output_format == "png"
    assert opened(httpx.get(found.data[0].url).content).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]
