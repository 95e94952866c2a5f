"""Pictures of one request: what is sent, what comes back, and what is refused before it is sent."""

from __future__ import annotations

import base64
import copy
import io
import pickle
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from langchain_volcark import ArkImageGenerator
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    ContentFilterError,
    InvalidRequestError,
    NotFoundError,
    ResponseFormatError,
    ServiceError,
    VolcArkError,
)
from tests.integration.ark.images.conftest import Generate, Make
from tests.pictures import png

LITE, PRO = "doubao-seedream-5-0-260128", "doubao-seedream-5-0-pro-260628"
FOUR_5, THREE = "doubao-seedream-4-5-251128", "doubao-seedream-3-0-t2i-250415"
GROUP = {"max_images": 3}
PATH = "/images/generations"


async def test_one_picture_by_link(make: Make, generate: Generate, emulator: Emulator) -> None:
    pictures = await generate(make(), "A red fox")
    (picture,) = pictures
    assert emulator.requests[-1].json == {"model": LITE, "prompt": "A red fox"}
    assert (picture.size, picture.output_format, picture.index, picture.model) == ("2048x2048", "jpeg", 0, LITE)
    assert picture.data is None
    assert pictures.usage == {"generated_images": 1, "output_tokens": 16384, "total_tokens": 16384}
    assert (pictures.model, pictures.errors) == (LITE, {})
    assert pictures.created is not None
    assert pictures.request_id is not None


async def test_one_picture_in_bytes(make: Make, generate: Generate) -> None:
    (picture,) = await generate(make(response_format="b64_json", output_format="png"), "A red fox")
    assert picture.url is None
    assert picture.data is not None
    opened = Image.open(io.BytesIO(picture.data))
    assert (opened.format, opened.size) == ("PNG", (2048, 2048))
    assert picture.block()["base64"] == base64.b64encode(picture.data).decode()


async def test_a_picture_is_saved_with_the_extension_of_what_came(
    make: Make, generate: Generate, tmp_path: Path
) -> None:
    (picture,) = await generate(make(output_format="png"), "A red fox")
    path = await picture.asave(tmp_path / "fox")
    assert path == picture.save(tmp_path / "fox") == tmp_path / "fox.png"
    assert path.read_bytes() == picture.read() == await picture.aread()
    assert picture.save(tmp_path).name == f"{picture.file_name}.png"


async def test_a_link_is_fetched_without_the_key(make: Make, generate: Generate, emulator: Emulator) -> None:
    """The emulator refuses a link that comes with a key, as object storage does."""
    pictures = await generate(make(default_headers={"X-Secret": "s"}), "A red fox")
    assert await pictures[0].aread() == pictures[0].read()
    for request in emulator.requests[-2:]:
        assert request.method == "GET"
        assert {"authorization", "x-secret"}.isdisjoint(request.headers)


async def test_a_picture_outlives_its_generator_and_its_process(make: Make, generate: Generate) -> None:
    (picture,) = await generate(make(), "A red fox")
    moved = pickle.loads(pickle.dumps(picture))
    assert moved == picture
    assert moved.read() == picture.read()


async def test_an_expired_link_says_so(make: Make, generate: Generate, emulator: Emulator, tmp_path: Path) -> None:
    (picture,) = await generate(make(), "A red fox")
    emulator.shift_clock(25 * 60 * 60)
    expired = r"Request has expired.* Links of pictures are valid for 24 hours"
    with pytest.raises(VolcArkError, match=expired):
        picture.save(tmp_path / "fox")
    with pytest.raises(VolcArkError, match=expired):
        await picture.asave(tmp_path / "fox")
    assert list(tmp_path.iterdir()) == []


async def test_a_group(make: Make, generate: Generate, emulator: Emulator) -> None:
    pictures = await generate(make(**GROUP), "The seasons")
    assert [picture.index for picture in pictures] == [0, 1, 2]
    assert len({picture.url for picture in pictures}) == 3
    assert emulator.requests[-1].json == {
        "model": LITE,
        "prompt": "The seasons",
        "sequential_image_generation": "auto",
        "sequential_image_generation_options": {"max_images": 3},
    }


async def test_a_group_keeps_its_good_pictures(make: Make, generate: Generate) -> None:
    pictures = await generate(make(**GROUP), "The seasons EMULATOR_REFUSE_IMAGE_2")
    assert [picture.index for picture in pictures] == [0, 2]
    ((number, error),) = pictures.errors.items()
    assert number == 1
    assert isinstance(error, ContentFilterError)
    assert error.code == "OutputImageSensitiveContentDetected"
    assert error.request_id == pictures.request_id
    assert pictures.usage is not None
    assert pictures.usage["generated_images"] == 2


async def test_an_internal_error_ends_a_group(make: Make, generate: Generate) -> None:
    pictures = await generate(make(**GROUP), "The seasons EMULATOR_FAIL_IMAGE_2")
    assert [picture.index for picture in pictures] == [0]
    assert isinstance(pictures.errors[1], ServiceError)


async def test_a_single_refused_picture_is_an_error(make: Make, generate: Generate) -> None:
    with pytest.raises(ContentFilterError, match="output image may contain sensitive information") as caught:
        await generate(make(), "EMULATOR_REFUSE_OUTPUT")
    assert caught.value.code == "OutputImageSensitiveContentDetected"


async def test_an_error_for_the_whole_group_in_a_200_is_an_exception(make: Make, generate: Generate) -> None:
    with pytest.raises(ContentFilterError) as caught:
        await generate(make(**GROUP), "EMULATOR_REFUSE_OUTPUT")
    assert caught.value.code == "OutputImageSensitiveContentDetected"
    assert caught.value.partial is None


REFUSED = {"error": {"code": "OutputImageSensitiveContentDetected", "message": "No."}}
HEAD: dict[str, Any] = {"model": LITE, "created": 1}


async def test_failures_alone_are_the_error_of_the_first(
    make: Make, generate: Generate, emulator: Emulator
) -> None:
    other = {"error": {"code": "InternalServiceError", "message": "Broken."}}
    emulator.reply_next({**HEAD, "data": [REFUSED, other], "usage": {"generated_images": 0}})
    with pytest.raises(ContentFilterError, match=r"^Picture 1 failed: No\. Moderation refused it") as caught:
        await generate(make(), "A fox")
    assert list(caught.value.partial.errors) == [0, 1]
    assert caught.value.partial.usage == {"generated_images": 0}


async def test_pictures_beside_an_error_of_the_whole_are_not_lost(
    make: Make, generate: Generate, emulator: Emulator
) -> None:
    item = {"url": "https://tos.example.com/a.png", "size": "1x1"}
    emulator.reply_next({**HEAD, "data": [item], "error": {"code": "InternalServiceError", "message": "Broken."}})
    with pytest.raises(ServiceError) as caught:
        await generate(make(), "A fox")
    assert [picture.url for picture in caught.value.partial] == ["https://tos.example.com/a.png"]
    assert len([one for one in emulator.requests if one.path.endswith(PATH)]) == 1


@pytest.mark.parametrize(
    "reply",
    [{}, HEAD, {**HEAD, "data": []}, {**HEAD, "data": None}, {**HEAD, "data": None, "error": None}, {"data": {}}],
)
async def test_a_reply_without_picture_or_error_is_none(
    make: Make, generate: Generate, emulator: Emulator, reply: Any
) -> None:
    emulator.reply_next(reply)
    with pytest.raises(ResponseFormatError, match="neither a picture nor an error"):
        await generate(make(), "A fox")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "neither url, b64_json nor error"),
        ({"url": 5}, "neither url, b64_json nor error"),
        ({"b64_json": "%%%"}, r"data\[1\]"),
        ("x", "not an object"),
    ],
)
async def test_a_malformed_picture_does_not_cost_the_others(
    make: Make, generate: Generate, emulator: Emulator, item: Any, words: str
) -> None:
    good = {"url": "https://tos.example.com/a.png"}
    emulator.reply_next({**HEAD, "data": [good, item, good]})
    with pytest.raises(ResponseFormatError, match=words) as caught:
        await generate(make(), "A fox")
    assert [picture.index for picture in caught.value.partial] == [0, 2]


async def test_fields_that_the_package_does_not_know_are_kept(
    make: Make, generate: Generate, emulator: Emulator
) -> None:
    item = {"url": "https://tos.example.com/a", "error": None, "revised_prompt": "A fox, red", "b64_json": None}
    emulator.reply_next({**HEAD, "data": [item], "tools": [{"type": "web_search"}], "queue": 3, "usage": None})
    pictures = await generate(make(), "A fox")
    assert pictures[0].extra == {"revised_prompt": "A fox, red"}
    assert (pictures.metadata, pictures.tools, pictures.usage) == ({"queue": 3}, [{"type": "web_search"}], None)


async def test_layers(make: Make, generate: Generate, emulator: Emulator) -> None:
    base, title, subject = await generate(
        make(model=PRO, size="auto", layer_decomposition=True), images=png(1, 2, 3, 600)
    )
    assert (base.z_index, base.bounding_box) == (0, None)
    assert (title.name, title.description) == ("title", "The text of the picture.")
    assert subject.bounding_box == {"absolute": [150, 300, 450, 450], "normalized": [250, 500, 750, 750]}
    assert "prompt" not in emulator.requests[-1].json


async def test_a_picture_is_edited_again(make: Make, generate: Generate, emulator: Emulator) -> None:
    (first,) = await generate(make(), "A fox")
    (second,) = await generate(make(response_format="b64_json"), "With a scarf", first)
    await generate(make(), "Both", [first, second, first.block()])
    sent = emulator.requests[-1].json["image"]
    assert sent[0] == sent[2] == first.url
    assert sent[1].startswith("data:image/jpeg;base64,")


async def test_a_call_overrides_and_unsets_the_generators_parameters(
    make: Make, generate: Generate, emulator: Emulator
) -> None:
    generator = make(size="2K", watermark=False, output_format="png", extra_body={"stream": False})
    await generate(
        generator,
        "A fox",
        size="3k",
        watermark=None,
        model=LITE,
        web_search=True,
        optimize_prompt_options="standard",
        extra_body={"seed": None},
        extra_headers={"X-Test": "1"},
        extra_query={"a": "b"},
        timeout=30,
    )
    request = emulator.requests[-1]
    assert request.json == {
        "model": LITE,
        "prompt": "A fox",
        "size": "3K",
        "output_format": "png",
        "optimize_prompt_options": {"mode": "standard"},
        "tools": [{"type": "web_search"}],
        "stream": False,
        "seed": None,
    }
    assert (request.headers["x-test"], request.query["a"]) == ("1", "b")
    assert (generator.size, generator.watermark) == ("2K", False)


@pytest.mark.parametrize(
    ("arguments", "call", "words"),
    [
        ({}, {"prompt": ""}, "^prompt is empty: describe the picture"),
        ({}, {"prompt": " \n"}, "^prompt is empty"),
        ({}, {"prompt": 5}, "^prompt must be a text, not a int"),
        ({"model": FOUR_5}, {"guidance_scale": 3}, f"^guidance_scale: {FOUR_5} does not have this parameter"),
        ({"model": FOUR_5, "guidance_scale": 3}, {}, "^guidance_scale: "),
        ({"model": THREE}, {"max_images": 2}, "^max_images: "),
        ({"model": FOUR_5}, {"web_search": True}, "^web_search: "),
        ({}, {"size": "1K"}, "^size: "),
        ({}, {"max_images": 16}, "^max_images must be between 1 and 15, not 16"),
        ({}, {"max_images": 2, "sequential_image_generation": "disabled"}, "^max_images=2 contradicts"),
        ({}, {"seed": 1.5}, "^seed must be a whole number"),
        ({}, {"watermark": "no"}, "^watermark must be True or False"),
        ({}, {"response_format": "png"}, "^response_format must be 'url' or 'b64_json'"),
        ({}, {"optimize_prompt_options": 5}, "^optimize_prompt_options must be a mode"),
        ({}, {"quality": "hd"}, "^quality: there is no such parameter"),
        ({}, {"base_url": "http://x"}, "^base_url is a setting of the model, not of a call"),
        (
            {"model": PRO},
            {"layer_decomposition": True, "prompt": ""},
            "^images: layer_decomposition takes exactly one",
        ),
        ({}, {"images": [b"no picture"]}, r"^images\[0\]: "),
        ({}, {"timeout": 0}, "timeout"),
        ({}, {"extra_body": {"stream": True}}, r"^extra_body: stream\(\) and astream\(\) read streams"),
        ({"model": PRO}, {"sequential_image_generation": "auto"}, "^sequential_image_generation: "),
    ],
)
async def test_what_is_invalid_is_refused_before_it_is_sent(
    make: Make, generate: Generate, emulator: Emulator, arguments: Any, call: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        await generate(make(**arguments), **{"prompt": "A fox", **call})
    assert emulator.requests == []


async def test_models_that_are_not_known_are_not_checked(
    make: Make, generate: Generate, emulator: Emulator
) -> None:
    for model in ("ep-123", "doubao-seedream-6-0-270101"):
        emulator.reply_next({**HEAD, "data": [{"url": "https://x/a.png"}]})
        body = {"seed": 1, "guidance_scale": 3, "size": "16K", "background": "transparent"}
        await generate(make(model=model), "A fox", **body)
        assert emulator.requests[-1].json == {"model": model, "prompt": "A fox", **body}


async def test_an_access_key_pair_is_refused_before_it_is_sent(
    make: Make, generate: Generate, emulator: Emulator
) -> None:
    generator = ArkImageGenerator(
        access_key=emulator.access_key, secret_key=emulator.secret_key, base_url=emulator.ark_base_url
    )
    with pytest.raises(ValueError, match="generated images need an API key"):
        await generate(generator, "A fox")
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("arguments", "prompt", "expected"),
    [
        ({"api_key": "wrong"}, "A fox", AuthenticationError),
        ({"model": "doubao-seedream-0-0-200101"}, "A fox", NotFoundError),
        ({"model": "doubao-seed-1-6-251015"}, "A fox", InvalidRequestError),
        ({}, "EMULATOR_SENSITIVE_INPUT", ContentFilterError),
    ],
)
async def test_errors_have_the_class_of_their_code(
    make: Make, generate: Generate, arguments: Any, prompt: str, expected: type[VolcArkError]
) -> None:
    with pytest.raises(expected):
        await generate(make(**arguments), prompt)


def test_the_generator_is_a_value(make: Make) -> None:
    generator = make(size="2k", max_images=3, optimize_prompt_options="fast", model="seedream-4-0-250828")
    for same in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        assert same == generator
    assert (generator.size, generator.optimize_prompt_options) == ("2K", {"mode": "fast"})
    generator.size = "1024 × 1024"
    assert generator.size == "1024x1024"
    with pytest.raises(ValueError, match="max_images must be between 1 and 15, not 0"):
        generator.max_images = 0
    assert generator.api_key.get_secret_value() not in repr(generator)  # type: ignore[union-attr]


def test_a_pasted_path_is_removed_from_the_address(emulator: Emulator) -> None:
    generator = ArkImageGenerator(api_key=emulator.api_key, base_url=f"{emulator.ark_base_url}{PATH}")
    assert len(generator.generate("A fox")) == 1


def test_calls_wait_ten_minutes_by_default(make: Make) -> None:
    assert make()._client._timeout.read == 600
