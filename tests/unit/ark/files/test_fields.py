"""The options of an upload as the fields of a form."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from langchain_volcark.ark.files.fields import UploadOptions, form_fields

DAY = 86_400


def fields(url: str | None = None, **options: Any) -> dict[str, Any]:
    return form_fields(UploadOptions(**options), url)


def test_what_is_not_set_is_not_sent() -> None:
    assert fields() == {"purpose": "user_data"}


def test_nested_fields_are_written_in_brackets() -> None:
    assert fields(
        "https://e.com/a.mp4",
        fps=0.3,
        video_model="m",
        max_video_tokens=10,
        min_frame_tokens=1,
        max_frame_tokens=5,
        min_frames=2,
        description="A film.",
        tos={"bucket": "b", "prefix": "p/"},
    ) == {
        "purpose": "user_data",
        "description": "A film.",
        "preprocess_configs[video][fps]": "0.3",
        "preprocess_configs[video][max_video_tokens]": "10",
        "preprocess_configs[video][min_frame_tokens]": "1",
        "preprocess_configs[video][max_frame_tokens]": "5",
        "preprocess_configs[video][min_frames]": "2",
        "preprocess_configs[video][model]": "m",
        "url": "https://e.com/a.mp4",
        "tos[bucket]": "b",
        "tos[prefix]": "p/",
    }


@pytest.mark.parametrize("purpose", ["agent", "something-new"])
def test_any_purpose_is_sent(purpose: str) -> None:
    assert fields(purpose=purpose) == {"purpose": purpose}


def test_a_voice_is_sent_with_its_model() -> None:
    assert fields(purpose="voice", model="m") == {"purpose": "voice", "model": "m"}


def test_what_the_class_does_not_know_can_be_sent() -> None:
    sent = fields(extra_body={"new": {"field": [1, True]}, "flag": False, "purpose": "mine", "unset": None})
    assert sent == {"purpose": "mine", "new[field][]": ["1", "true"], "flag": "false"}


@pytest.mark.parametrize(
    ("expire_in", "seconds"),
    [(DAY, DAY), (30 * DAY, 30 * DAY), (1.5 * DAY, 1.5 * DAY), (timedelta(days=2), 2 * DAY)],
)
def test_expiry_is_a_time(expire_in: Any, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert fields(expire_in=expire_in)["expire_at"] == str(int(1000 + seconds))


def test_a_file_may_be_kept() -> None:
    assert fields(expire_in=-1)["expire_at"] == "-1"


@pytest.mark.parametrize(
    "options",
    [
        *({"fps": value} for value in (0.1, 5.1, "1", True)),
        *({"expire_in": value} for value in (0, DAY - 1, 31 * DAY, timedelta(hours=1), "7d", True, float("nan"))),
        *(
            {name: value}
            for name in ("max_video_tokens", "min_frame_tokens", "min_frames")
            for value in (0, 1.5, "1")
        ),
        {"max_frame_tokens": -1},
        {"description": "x" * 501},
        {"description": 1},
        {"description": "\ud83d"},
        {"extra_body": {"extra_body": ["\ud83d"]}},
        {"purpose": None},
        {"purpose": 1},
        {"video_model": 1},
        {"tos": "bucket"},
        {"tos": {"bucket": 1}},
        {"extra_body": []},
    ],
    ids=str,
)
def test_an_invalid_option_is_refused_by_name(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=name):
        fields(**options)


@pytest.mark.parametrize("options", [{"purpose": "voice"}, {"model": "m"}])
def test_a_model_and_the_purpose_voice_need_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^model.* voice|^model.*voice"):
        fields(**options)
