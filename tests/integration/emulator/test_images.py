"""The rules of `/images/generations` and of the links to pictures, in plain HTTP."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import read_frame
from tests.pictures import png

Json = dict[str, Any]
LITE = "doubao-seedream-5-0-260128"
PRO = "doubao-seedream-5-0-pro-260628"
FOUR_5 = "doubao-seedream-4-5-251128"
FOUR = "doubao-seedream-4-0-250828"
THREE = "doubao-seedream-3-0-t2i-250415"
EDIT = "doubao-seededit-3-0-i2i-250628"
GROUP: Json = {"sequential_image_generation": "auto"}


def data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def post(server: Emulator, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{server.ark_base_url}/images/generations",
        headers={"Authorization": f"Bearer {server.api_key}"},
        json={"model": LITE, "prompt": "A red fox", **body},
    )


def ask(server: Emulator, **body: Any) -> Json:
    reply = post(server, **body)
    assert reply.status_code == 200, reply.text
    found = reply.json()
    assert isinstance(found, dict)
    return found


def refuse(server: Emulator, **body: Any) -> tuple[str, str]:
    error = post(server, **body).json()["error"]
    return error["code"], error["message"]


def test_the_same_request_draws_the_same_picture_and_another_seed_another(emulator: Emulator) -> None:
    def drawn(**body: Any) -> bytes:
        return httpx.get(ask(emulator, model=THREE, size="512x512", **body)["data"][0]["url"]).content

    assert drawn(seed=1) == drawn(seed=1)
    assert drawn(seed=1) != drawn(seed=2)
    assert drawn(seed=1) != drawn(seed=1, prompt="A blue fox")
    assert drawn(seed=1, watermark=False) != drawn(seed=1, watermark=True) == drawn(seed=1)


def test_a_prompt_in_chinese_and_one_without_blanks_are_drawn(emulator: Emulator) -> None:
    for prompt in ("一只红狐狸在雪地里" * 30, "fox" * 400, "\U0001f98a"):
        item = ask(emulator, prompt=prompt)["data"][0]
        assert Image.open(io.BytesIO(httpx.get(item["url"]).content)).size == (2048, 2048)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ({}, "2048x2048"),
        ({"size": "3K"}, "3072x3072"),
        ({"size": "4k"}, "4096x4096"),
        ({"size": "2K", "prompt": "A fox, 16:9"}, "2848x1600"),
        ({"size": "2K", "prompt": "A fox, 2:3"}, "1664x2496"),
        ({"size": "2K", "prompt": "A fox at 7:45"}, "2048x2048"),
        ({"size": "2560x1440"}, "2560x1440"),
        ({"size": "2560×1440"}, "2560x1440"),
        ({"model": PRO, "size": "1.5K"}, "1536x1536"),
        ({"model": FOUR, "size": "1K"}, "1024x1024"),
        ({"model": THREE}, "1024x1024"),
        ({"model": EDIT, "size": "adaptive", "image": data_url(png(1, 2, 3, 640))}, "640x640"),
    ],
)
def test_sizes(emulator: Emulator, body: Json, size: str) -> None:
    assert ask(emulator, **body)["data"][0]["size"] == size


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"size": "1K"}, "expected one of 2K, 3K, 4K, WIDTHxHEIGHT, got 1K"),
        ({"size": "1024x1024"}, "image size must be at least 3686400 pixels"),
        ({"size": "8192x8192"}, "image size must be at most 16777216 pixels"),
        ({"size": "16000x900"}, "image aspect ratio must be between 1/16 and 16"),
        ({"size": 2048}, "expected a string"),
        ({"model": THREE, "size": "2K"}, "expected one of WIDTHxHEIGHT"),
        ({"model": THREE, "size": "2100x600"}, "width and height must be between 512 and 2048"),
        ({"prompt": " "}, "expected a text that is not empty"),
        ({"prompt": None}, "missing the required parameter `prompt`"),
        ({"model": EDIT}, "missing the required parameter `image`"),
        ({"model": FOUR_5, "seed": 1}, "`seed` is not supported by this model"),
        ({"model": FOUR_5, "guidance_scale": 3.0}, "`guidance_scale` is not supported"),
        ({"model": FOUR_5, "tools": [{"type": "web_search"}]}, "`tools` is not supported"),
        ({"model": FOUR_5, "output_format": "png"}, "`output_format` is not supported"),
        ({"model": PRO, **GROUP}, "`sequential_image_generation` is not supported"),
        ({"model": PRO, "stream": True}, "`stream` is not supported"),
        ({"model": THREE, "image": "https://example.com/a.png"}, "`image` is not supported"),
        ({"background": "transparent"}, "`background` is not supported"),
        ({"optimize_prompt_options": {"mode": "fast"}}, "expected one of ['standard']"),
        ({"watermark": 1}, "expected a boolean"),
        ({"model": THREE, "seed": 2**31}, "expected a value between -1 and"),
        ({"tools": [{"type": "mcp"}]}, "expected a list of tools of the type web_search"),
        ({"negative_prompt": "cats"}, 'unknown field "negative_prompt"'),
        ({"image": ["https://example.com/a.png"] * 15}, "expected at most 14 images, got 15"),
        ({"image": data_url(png(1, 2, 3, 14))}, "width and height must be greater than 14 pixels"),
        ({"image": data_url(b"GIF89a" + b"\0\1" * 5_300_000, "image/gif")}, "image must be at most 10 MB"),
        (
            {
                **GROUP,
                "image": ["https://example.com/a.png"] * 3,
                "sequential_image_generation_options": {"max_images": 13},
            },
            "reference images and generated images together must be at most 15",
        ),
        ({"model": PRO, "background": "transparent"}, "requires exactly one image"),
        (
            {"model": PRO, "background": "transparent", "output_format": "jpeg", "image": data_url(png(1, 2, 3))},
            "a transparent background requires png",
        ),
    ],
)
def test_refusals(emulator: Emulator, body: Json, words: str) -> None:
    code, message = refuse(emulator, **body)
    assert words in message
    assert code.startswith(("InvalidParameter", "MissingParameter"))


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("asset://1", "InvalidImageURL.InvalidFormat"),
        (data_url(b"no picture"), "InvalidImageURL.InvalidFormat"),
        (data_url(png(1, 2, 3), "image/PNG"), "InvalidImageURL.InvalidFormat"),
    ],
)
def test_unreadable_references(emulator: Emulator, image: str, code: str) -> None:
    assert refuse(emulator, image=image)[0] == code


@pytest.mark.parametrize(
    ("prompt", "most", "count"),
    [("Seasons", 4, 4), ("Two pictures of a fox", 4, 2), ("3张狐狸", 4, 3), ("9 images", 4, 4)],
)
def test_the_prompt_says_how_many_pictures_a_group_has(
    emulator: Emulator, prompt: str, most: int, count: int
) -> None:
    options = {"max_images": most}
    found = ask(emulator, prompt=prompt, **GROUP, sequential_image_generation_options=options)
    assert len(found["data"]) == found["usage"]["generated_images"] == count
    assert len({item["url"] for item in found["data"]}) == count


def test_an_internal_error_ends_the_group(emulator: Emulator) -> None:
    options = {"max_images": 4}
    found = ask(emulator, prompt="EMULATOR_FAIL_IMAGE_2", **GROUP, sequential_image_generation_options=options)
    assert "url" in found["data"][0]
    assert [item["error"]["code"] for item in found["data"][1:]] == ["InternalServiceError"]


def test_a_stream_has_named_events_and_an_end(emulator: Emulator) -> None:
    reply = post(emulator, stream=True, prompt="EMULATOR_REFUSE_IMAGE_1 2 pictures", **GROUP)
    frames = [read_frame(frame) for frame in reply.text.split("\n\n") if frame]
    assert [name for name, _ in frames] == [
        "image_generation.partial_failed",
        "image_generation.partial_succeeded",
        "image_generation.completed",
        None,
    ]
    assert all(name == data["type"] for name, data in frames[:3])
    assert frames[2][1]["usage"]["generated_images"] == 1
    assert frames[3][1] == "[DONE]"


def test_temporary_keys_are_refused(emulator: Emulator) -> None:
    key = emulator._credentials.issue(frozenset({LITE}), 60).value
    reply = httpx.post(
        f"{emulator.ark_base_url}/images/generations",
        headers={"Authorization": f"Bearer {key}"},
        json={"model": LITE, "prompt": "A fox"},
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "AuthenticationError")


def test_links_need_no_key_and_refuse_one(emulator: Emulator) -> None:
    url = ask(emulator)["data"][0]["url"]
    assert httpx.get(url).status_code == 200
    with_key = httpx.get(url, headers={"Authorization": f"Bearer {emulator.api_key}"})
    assert (with_key.status_code, with_key.json()["Code"]) == (400, "InvalidArgument")
    assert httpx.get(url[:-1].replace("X-Tos-Signature=", "X-Tos-Signature=0")).json()["Code"] == (
        "SignatureDoesNotMatch"
    )
    assert httpx.get(url.replace("_0.", "_7.")).status_code == 404
    assert httpx.post(url).status_code == 405


def test_links_expire_after_a_day(emulator: Emulator) -> None:
    url = ask(emulator)["data"][0]["url"]
    emulator.shift_clock(24 * 60 * 60 - 60)
    assert httpx.get(url).status_code == 200
    emulator.shift_clock(24 * 60 * 60 + 60)
    reply = httpx.get(url)
    assert (reply.status_code, reply.json()["Message"]) == (403, "Request has expired.")


def test_an_endpoint_id_stands_for_the_newest_model_or_the_mapped_one() -> None:
    with Emulator(endpoints={"ep-mine": FOUR}) as server:
        assert ask(server, model="ep-1")["model"] == LITE
        assert ask(server, model="ep-mine", size="1K")["model"] == FOUR
        assert refuse(server, model="doubao-seed-1-6-251015")[1].startswith("The parameter `model`")
        assert refuse(server, model="doubao-seedream-9")[0] == "InvalidEndpointOrModel.NotFound"
