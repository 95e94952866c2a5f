"""What is not sure about Ark's image generation, as the emulator plays it. `docs/uncertain.md` explains the tests.

Each picture costs money: a test makes one or two.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.live.kit import Wire, payloads
from tests.live.services import TRUSTED, Services, skip_if_not_activated

PATH = "/images/generations"
PROMPT = "A plain red circle on white."
GROUP = {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 2}}


class Images:
    def __init__(self, wire: Wire, model: str) -> None:
        self.wire = wire
        self.model = model

    def post(self, **fields: Any) -> httpx.Response:
        body = {"model": self.model, "prompt": PROMPT, "watermark": False, **fields}
        reply = self.wire.post(PATH, body, timeout=600)
        if reply.status_code in (403, 404):
            skip_if_not_activated(body["model"], reply.json()["error"])
        return reply

    def ok(self, **fields: Any) -> Any:
        reply = self.post(**fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def refusal(self, **fields: Any) -> Any:
        reply = self.post(**fields)
        assert reply.status_code >= 400, reply.text
        return reply.json()["error"]


@pytest.fixture
def images(ark: Wire, services: Services) -> Images:
    return Images(ark, services.name("ARK_IMAGE_MODEL"))


def fetch(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, verify=TRUSTED, timeout=120)


def test_a_picture_is_a_jpeg_whose_link_lasts_a_day_and_needs_no_key(images: Images) -> None:
    (item,) = images.ok()["data"]
    reply = fetch(item["url"])
    assert reply.content.startswith(b"\xff\xd8\xff")
    query = parse_qs(urlsplit(item["url"]).query)
    assert next(values[0] for name, values in query.items() if name.endswith("-Expires")) == "86400"


def test_a_link_refuses_a_key_beside_its_signature(images: Images) -> None:
    (item,) = images.ok()["data"]
    assert fetch(item["url"], Authorization="Bearer none").status_code >= 400


def test_png_and_a_size_with_the_typographic_cross(images: Images) -> None:
    (item,) = images.ok(size="2048×2048", output_format="png")["data"]
    assert (item["size"], item["output_format"]) == ("2048x2048", "png")
    assert fetch(item["url"]).content.startswith(b"\x89PNG")


def test_usage_counts_a_token_for_256_pixels(images: Images) -> None:
    usage = images.ok(size="2048x2048")["usage"]
    assert (usage["generated_images"], usage["output_tokens"], usage["total_tokens"]) == (1, 16384, 16384)


def test_a_stream_has_an_event_for_each_picture_and_one_at_the_end(images: Images) -> None:
    reply = images.post(stream=True, prompt=f"{PROMPT} 2 pictures.", **GROUP)
    *events, last, done = payloads(reply.text)
    assert [one["type"] for one in events] == ["image_generation.partial_succeeded"] * 2
    assert [one["image_index"] for one in events] == [0, 1]
    assert (last["type"], last["usage"]["generated_images"]) == ("image_generation.completed", 2)
    assert done == "[DONE]"


@pytest.mark.parametrize(
    "fields",
    [{"guidance_scale": 3.0}, {"seed": 7}, {"layer_decomposition": True}, {"negative_prompt": "cats"}],
    ids=["guidance_scale", "seed", "layer_decomposition", "an unknown field"],
)
def test_a_parameter_that_the_model_lacks_is_refused(images: Images, fields: Any) -> None:
    images.refusal(**fields)


@pytest.mark.parametrize("size", ["1K", "1024x1024", "8192x8192", "16000x900"])
def test_a_size_that_the_model_does_not_make_is_refused(images: Images, size: str) -> None:
    assert "size" in images.refusal(size=size)["message"]


@pytest.mark.parametrize(
    "fields", [{"stream": True}, GROUP, {"tools": [{"type": "web_search"}]}], ids=["stream", "group", "web search"]
)
def test_the_pro_model_makes_one_picture_at_a_time(images: Images, fields: Any) -> None:
    images.refusal(model="doubao-seedream-5-0-pro-260628", **fields)


def test_the_lite_model_has_no_fast_mode(images: Images) -> None:
    images.refusal(optimize_prompt_options={"mode": "fast"})


def test_sixteen_pictures_together_are_too_many(images: Images) -> None:
    links = ["https://example.com/a.png"] * 3
    fields = {**GROUP, "sequential_image_generation_options": {"max_images": 13}}
    images.refusal(image=links, **fields)
