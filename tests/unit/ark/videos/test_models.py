"""What each Seedance model can do, and what is refused before the wire."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark.ark.videos.models import RATIOS, Mode, check_request, find_model

V25, V20, FAST, MINI = (
    "doubao-seedance-2-5-260628",
    "doubao-seedance-2-0-260128",
    "doubao-seedance-2-0-fast-260128",
    "doubao-seedance-2-0-mini-260615",
)
V15, PRO, PRO_FAST = (
    "doubao-seedance-1-5-pro-251215",
    "doubao-seedance-1-0-pro-250528",
    "doubao-seedance-1-0-pro-fast-251015",
)
T2V, I2V = "doubao-seedance-1-0-lite-t2v-250428", "doubao-seedance-1-0-lite-i2v-250428"
ALL = (V25, V20, FAST, MINI, V15, PRO, PRO_FAST, T2V, I2V)
UNKNOWN = ("ep-20260101-abcde", "doubao-seedance-3-0-270101", "doubao-seedance-2-0-ultra-270101", "other")


@pytest.mark.parametrize(
    ("model", "mode", "body", "text"),
    [
        (V20, "text", {"duration": 3}, "duration=3 .* 4 to 15 seconds, or -1"),
        (V20, "text", {"duration": 16}, "duration=16"),
        (V25, "text", {"duration": 31}, "4 to 30"),
        (V15, "text", {"duration": 13}, "4 to 12"),
        (PRO, "text", {"duration": -1}, "2 to 12 seconds"),
        (V20, "text", {"frames": 29}, "frames=29 is not possible"),
        (V15, "text", {"frames": 29}, "frames=29 is not possible"),
        (V20, "text", {"camera_fixed": False}, "camera_fixed=False is not possible"),
        (V20, "text", {"service_tier": "flex"}, "service_tier='flex' is not possible"),
        (V20, "text", {"draft": False}, "draft=False is not possible"),
        (PRO, "text", {"generate_audio": False}, "generate_audio=False is not possible"),
        (V15, "text", {"tools": [{"type": "web_search"}]}, "tools=.* is not possible"),
        (V20, "text", {"output_format": "mov"}, "output_format='mov' is not possible"),
        (V20, "references", {"omni_reference_task_type": "edit"}, "omni_reference_task_type='edit' is not"),
        (FAST, "text", {"resolution": "1080p"}, "resolution='1080p' .* 480p, 720p"),
        (V25, "text", {"resolution": "4k"}, "resolution='4k'"),
        (V20, "text", {"resolution": "2k"}, "resolution='2k'"),
        (I2V, "references", {"resolution": "1080p"}, "from references"),
        (V20, "text", {"ratio": "2:1"}, "ratio='2:1'"),
        (PRO, "text", {"ratio": "adaptive"}, "ratio='adaptive' .* from text"),
        (I2V, "references", {"ratio": "adaptive"}, "ratio='adaptive'"),
        (V25, "first_frame", {"ratio": "16:9"}, "ratio of its input"),
        (V25, "references", {"ratio": "16:9", "omni_reference_task_type": "extend"}, "ratio of its input"),
        (V25, "references", {"duration": 5, "omni_reference_task_type": "edit"}, "duration=5"),
        (V25, "text", {"omni_reference_task_type": "extend"}, "needs references"),
        (I2V, "references", {"camera_fixed": True}, "camera_fixed=True"),
        (V15, "references", {}, "no videos from references"),
        (V20, "draft_task", {}, "no videos from draft task"),
        (PRO_FAST, "first_and_last_frame", {}, "no videos from first and last frame"),
        (T2V, "first_frame", {}, "it can from text"),
        (I2V, "text", {}, "no videos from text"),
        (V15, "text", {"draft": True, "resolution": "720p"}, "resolution='720p' and draft=True exclude"),
        (V15, "text", {"draft": True, "return_last_frame": True}, "return_last_frame=True and draft=True"),
        (V15, "text", {"draft": True, "service_tier": "flex"}, "service_tier='flex' and draft=True"),
    ],
)
def test_what_a_model_lacks_is_refused(model: str, mode: Mode, body: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_request(model, mode, body)


@pytest.mark.parametrize(
    ("model", "mode", "body"),
    [
        (V20, "text", {"duration": -1, "resolution": "4k", "ratio": "adaptive", "generate_audio": False}),
        (V20, "references", {"duration": 15, "tools": [{"type": "web_search"}], "service_tier": "default"}),
        (V25, "references", {"duration": 30, "output_format": "mov", "omni_reference_task_type": "reference"}),
        (V25, "references", {"omni_reference_task_type": "edit", "ratio": "adaptive", "duration": -1}),
        (V25, "first_frame", {"ratio": "adaptive"}),
        (V15, "draft_task", {"resolution": "1080p"}),
        (V15, "text", {"draft": True, "resolution": "480p", "camera_fixed": True}),
        (V15, "first_frame", {"service_tier": "flex", "duration": -1}),
        (PRO, "first_and_last_frame", {"frames": 29, "camera_fixed": True, "ratio": "adaptive"}),
        (I2V, "references", {"resolution": "720p", "ratio": "1:1"}),
    ],
)
def test_what_a_model_has_passes(model: str, mode: Mode, body: dict[str, Any]) -> None:
    check_request(model, mode, body)


@given(
    model=st.sampled_from(UNKNOWN),
    mode=st.sampled_from(["text", "first_frame", "first_and_last_frame", "references", "draft_task"]),
    body=st.dictionaries(st.text(min_size=1).filter(lambda name: name != "draft"), st.integers() | st.text()),
)
def test_an_unknown_model_is_not_checked(model: str, mode: Any, body: dict[str, Any]) -> None:
    check_request(model, mode, body)


@pytest.mark.parametrize("model", ALL)
def test_each_model_is_known_with_and_without_vendor_and_date(model: str) -> None:
    known = find_model(model)
    assert known is not None
    short = model.removeprefix("doubao-").rpartition("-")[0]
    assert all(find_model(name) is known for name in (short, f"doubao-{short}", f"dreamina-{short}-270101"))


@pytest.mark.parametrize("model", UNKNOWN)
def test_a_name_that_only_begins_alike_is_another_model(model: str) -> None:
    assert find_model(model) is None


@given(st.sampled_from(ALL), st.sampled_from(RATIOS), st.integers(-1, 40))
def test_the_table_and_the_emulator_agree(model: str, ratio: str, duration: int) -> None:
    from langchain_volcark.emulator.ark.errors import ArkError
    from langchain_volcark.emulator.ark.videos.models import VIDEO_MODELS
    from langchain_volcark.emulator.ark.videos.request import read_video_request

    body = {"ratio": ratio, "duration": duration}
    content = [{"type": "text", "text": "A cat"}]
    try:
        check_request(model, "text", body)
    except ValueError:
        ours = False
    else:
        ours = True
    try:
        read_video_request({"model": model, "content": content, **body}, model, VIDEO_MODELS[model])
    except ArkError:
        theirs = False
    else:
        theirs = True
    assert ours is theirs
