"""Which model takes which parameter, size and reference picture."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.images.models import check_parameters, check_size, find_model, normalise_size

LITE, PRO, FLASH = (
    "doubao-seedream-5-0-260128",
    "doubao-seedream-5-0-pro-260628",
    "doubao-seedream-5-0-flash-260915",
)
FOUR_5, FOUR = "doubao-seedream-4-5-251128", "doubao-seedream-4-0-250828"
THREE, EDIT = "doubao-seedream-3-0-t2i-250415", "doubao-seededit-3-0-i2i-250628"
ALL = (LITE, PRO, FLASH, FOUR_5, FOUR, THREE, EDIT)


@pytest.mark.parametrize(
    ("name", "generation"),
    [
        (LITE, "seedream-5-0"),
        ("doubao-seedream-5-0-lite-260128", "seedream-5-0"),
        ("seedream-5-0-260128", "seedream-5-0"),
        ("doubao-seedream-5-0", "seedream-5-0"),
        (PRO, "seedream-5-0-pro"),
        (FLASH, "seedream-5-0-flash"),
        (FOUR_5, "seedream-4-5"),
        (FOUR, "seedream-4-0"),
        (THREE, "seedream-3-0-t2i"),
        (EDIT, "seededit-3-0-i2i"),
    ],
)
def test_a_row_holds_for_all_versions_of_a_generation(name: str, generation: str) -> None:
    found = find_model(name)
    assert found is not None
    assert found.name == generation


@pytest.mark.parametrize(
    "name",
    [
        *("ep-20260101-abc", "doubao-seedream-5-5-261028", "doubao-seedream-5-0-max-270101", "doubao-seedream-9"),
        *("doubao-seed-1-6-251015", "my-seedream-4-0", "doubao-seedream-4-0-250828-v2"),
    ],
)
def test_other_ids_are_not_known(name: str) -> None:
    assert find_model(name) is None


HAVE: dict[str, tuple[str, ...]] = {
    "seed": (THREE, EDIT),
    "guidance_scale": (THREE, EDIT),
    "sequential_image_generation": (LITE, FOUR_5, FOUR),
    "tools": (LITE,),
    "output_format": (LITE, PRO, FLASH),
    "optimize_prompt_options": (LITE, PRO, FLASH, FOUR_5, FOUR),
    "background": (PRO, FLASH),
    "layer_decomposition": (PRO, FLASH),
}
VALUES: dict[str, Any] = {"optimize_prompt_options": {"mode": "standard"}, "background": "opaque"}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("field", HAVE)
def test_a_parameter_that_a_model_lacks_is_refused_by_name(field: str, name: str) -> None:
    model = find_model(name)
    assert model is not None
    body = {field: VALUES.get(field, 1), "image": "https://example.com/a.png"}
    if name == THREE:
        del body["image"]
    if name in HAVE[field]:
        check_parameters(model, body, name)
        return
    argument = {"tools": "web_search"}.get(field, field)
    with pytest.raises(ValueError, match=rf"^{argument}: {name} does not have this parameter\. Models that do: "):
        check_parameters(model, body, name)


def test_the_error_names_the_models_that_have_it() -> None:
    model = find_model(FOUR_5)
    assert model is not None
    with pytest.raises(ValueError, match=r"Models that do: seedream-3-0-t2i, seededit-3-0-i2i\."):
        check_parameters(model, {"guidance_scale": 3}, FOUR_5)


def test_a_mode_that_a_model_lacks_is_refused() -> None:
    body = {"optimize_prompt_options": {"mode": "fast"}}
    for name in (PRO, FOUR):
        check_parameters(find_model(name), body, name)  # type: ignore[arg-type]
    for name in (LITE, FLASH, FOUR_5):
        with pytest.raises(ValueError, match="does not have the mode 'fast', but standard"):
            check_parameters(find_model(name), body, name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        (LITE, ("2K", "3K", "4K", "2048x2048", "4096x4096", "2848x1600", "7000x2000")),
        (PRO, ("1K", "1.5K", "2K", "1280x720", "2048x2048")),
        (FOUR_5, ("2K", "4K", "1920x1920")),
        (FOUR, ("1K", "2K", "4K", "960x960")),
        (THREE, ("512x512", "2048x2048", "1512x648")),
        (EDIT, ("adaptive", "1024x1024")),
    ],
)
def test_sizes_that_a_model_makes(name: str, sizes: tuple[str, ...]) -> None:
    for size in sizes:
        check_size(find_model(name), size, name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        (LITE, "1K", "takes 2K, 3K, 4K or WIDTHxHEIGHT"),
        (LITE, "big", "not 'big'"),
        (LITE, "1024x1024", "1,048,576 pixels; .* makes 3,686,400 to 16,777,216"),
        (LITE, "4097x4096", "makes 3,686,400 to"),
        (LITE, "16001x1000", "more than 16 times as long"),
        (LITE, "0x5000", "has 0 pixels"),
        (PRO, "3K", "takes 1K, 1.5K, 2K or"),
        (PRO, "4096x2048", "makes 921,600 to 4,624,220"),
        (FOUR_5, "3K", "takes 2K, 4K or"),
        (THREE, "2K", r"takes WIDTHxHEIGHT in pixels, such as 2048x2048, not '2K'"),
        (THREE, "2049x2048", "makes 262,144 to 4,194,304"),
    ],
)
def test_sizes_that_a_model_does_not_make(name: str, size: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^size: .*{words}"):
        check_size(find_model(name), size, name)  # type: ignore[arg-type]


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_pixels_are_accepted_exactly_within_the_documented_range(width: int, height: int) -> None:
    fits = 3_686_400 <= width * height <= 16_777_216 and max(width, height) <= 16 * min(width, height)
    size = normalise_size(f"{width} × {height}")
    if fits:
        check_size(find_model(LITE), size, LITE)  # type: ignore[arg-type]
    else:
        with pytest.raises(ValueError, match="^size: "):
            check_size(find_model(LITE), size, LITE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("2k", "2K"),
        ("1.5k", "1.5K"),
        (" 4K ", "4K"),
        ("2048X1152", "2048x1152"),
        ("2048 × 1152", "2048x1152"),
        ("2048*1152", "2048x1152"),
        ("02048x1152", "2048x1152"),
        ("adaptive", "adaptive"),
        ("auto", "auto"),
    ],
)
def test_sizes_are_written_as_the_api_documents_them(given: str, written: str) -> None:
    assert normalise_size(given) == written


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        (THREE, {"image": "u"}, "^images: .* does not have this parameter"),
        (EDIT, {}, "^images: .* edits a picture, and none is given"),
        (EDIT, {"image": ["u", "v"]}, "^images: .* takes at most 1, not 2"),
        (LITE, {"image": ["u"] * 15}, "^images: .* takes at most 14, not 15"),
        (PRO, {"image": ["u"] * 11}, "^images: .* takes at most 10, not 11"),
        (
            LITE,
            {"image": ["u"] * 3, "sequential_image_generation_options": {"max_images": 13}},
            "^max_images: 13 and 3 reference pictures are more than 15 together",
        ),
        (PRO, {"background": "transparent"}, "^background: .* one picture in images"),
        (PRO, {"background": "transparent", "image": ["u", "v"]}, "^background: "),
        (
            PRO,
            {"background": "transparent", "image": "u", "output_format": "jpeg"},
            "^output_format: a transparent background needs png",
        ),
    ],
)
def test_combinations_that_are_refused(name: str, body: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_parameters(find_model(name), body, name)  # type: ignore[arg-type]


def test_combinations_at_the_limits_are_accepted() -> None:
    for name, body in (
        (LITE, {"image": ["u"] * 14}),
        (LITE, {"image": ["u"] * 2, "sequential_image_generation_options": {"max_images": 13}}),
        (PRO, {"image": ["u"] * 10}),
        (PRO, {"image": "u", "background": "transparent", "output_format": "png"}),
        (PRO, {"image": "u", "layer_decomposition": True, "size": "auto"}),
    ):
        check_parameters(find_model(name), body, name)  # type: ignore[arg-type]
