"""The settings of a video: types and ranges, in the constructor, in assignments and in calls."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_volcark import ArkVideoGenerator
from langchain_volcark.ark.videos.settings import BODY_FIELDS

VALUES: dict[str, tuple[Any, Any]] = {
    "resolution": ("720p", 720),
    "ratio": ("16:9", 1.5),
    "duration": (-1, 0),
    "frames": (289, 30),
    "seed": (2**32 - 1, 2**32),
    "camera_fixed": (True, 1),
    "watermark": (False, "no"),
    "generate_audio": (True, "yes"),
    "return_last_frame": (True, 0),
    "callback_url": ("https://example.com/hook?a=1", "here"),
    "service_tier": ("flex", "fast"),
    "execution_expires_after": (3600, 3599),
    "draft": (False, "x"),
    "tools": ([{"type": "web_search"}], "web_search"),
    "safety_identifier": ("x" * 64, "x" * 65),
    "priority": (9, 10),
    "output_format": ("mov", "gif"),
    "omni_reference_task_type": ("edit", "change"),
}


def test_every_setting_is_tested() -> None:
    assert set(VALUES) == set(BODY_FIELDS)


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_has_its_type_everywhere(name: str) -> None:
    good, bad = VALUES[name]
    generator = ArkVideoGenerator(api_key="k", model="ep-1", **{name: good})
    assert getattr(generator, name) == good
    setattr(generator, name, None)
    assert getattr(generator, name) is None
    with pytest.raises(ValueError, match=name):
        setattr(generator, name, bad)
    with pytest.raises(ValueError, match=name):
        ArkVideoGenerator(api_key="k", **{name: bad})
    with pytest.raises(ValueError, match=name):
        generator.submit("x", **{name: bad})


def test_tools_may_be_given_by_name() -> None:
    assert ArkVideoGenerator(api_key="k", tools=["web_search"]).tools == [{"type": "web_search"}]


def test_an_unknown_setting_of_the_constructor_is_refused() -> None:
    with pytest.raises(ValueError, match="durations"):
        ArkVideoGenerator(api_key="k", durations=5)  # type: ignore[call-arg]


def test_what_may_hold_a_secret_is_not_shown() -> None:
    generator = ArkVideoGenerator(api_key="a-key", callback_url="https://example.com/?token=secret")
    assert "secret'" not in repr(generator)
    assert "token" not in repr(generator)
    assert "a-key" not in repr(generator)
