"""Video tasks with any arguments, and any object that a service may answer: nothing but documented exceptions."""

from __future__ import annotations

import contextlib
import copy
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark import ArkVideoGenerator, ArkVideoTask
from langchain_volcark.ark.videos.content import VideoInput
from langchain_volcark.ark.videos.requests import submission
from langchain_volcark.ark.videos.settings import CALL_FIELDS
from langchain_volcark.ark.videos.task import failure_of, read_created, read_page, read_task
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.json import dump_json
from tests.fuzz.junk import examples, values
from tests.pictures import png

MODELS = st.sampled_from(
    [
        "doubao-seedance-2-5-260628",
        "doubao-seedance-2-0-260128",
        "doubao-seedance-1-5-pro-251215",
        "doubao-seedance-1-0-lite-i2v-250428",
        "ep-1",
    ]
)
blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(["image", "video", "audio", "file", "text", "image_url", "input_audio"]) | values},
    optional=dict.fromkeys(("url", "base64", "data", "mime_type", "file_id", "image_url", "source"), values),
)
media = values | blocks | st.binary(max_size=20) | st.just(png(1, 2, 3, side=300))
inputs = st.builds(
    VideoInput,
    st.text(max_size=5) | values,
    st.none() | media,
    st.none() | media,
    st.none() | values | st.lists(media, max_size=3),
    st.none() | values,
)
settings_of_calls = st.dictionaries(st.sampled_from([*CALL_FIELDS, "new", "timeout", "extra_headers"]), values)


@examples(300)
@given(MODELS, inputs, settings_of_calls)
def test_a_submission_is_written_or_refused(
    model: str, given_: VideoInput, given_settings: dict[str, Any]
) -> None:
    generator = ArkVideoGenerator(api_key="k", model=model)
    try:
        request = submission(generator, given_, given_settings)
    except (ValueError, OSError):  # OSError: a text may be the path of a file
        return
    with contextlib.suppress(TypeError, ValueError):  # an unknown field may hold what JSON does not know
        dump_json(request.body)


@examples(300)
@given(values)
def test_any_object_is_read_or_refused(payload: Any) -> None:
    for read in (read_task, read_created, read_page):
        with contextlib.suppress(ValueError):
            found: Any = read(payload if isinstance(payload, dict) else {"value": payload})
            for task in found[0] if isinstance(found, tuple) else [found]:
                use(task)


@examples(300)
@given(st.dictionaries(st.sampled_from(["content", "error", "usage", "seed", "model", "created_at"]), values))
def test_any_task_can_be_used(odd: dict[str, Any]) -> None:
    for status in ("succeeded", "failed", "expired", "cancelled", "odd"):
        use(read_task({"id": "cgt-1", "status": status, **odd}))


def use(task: ArkVideoTask) -> None:
    assert repr(pickle.loads(pickle.dumps(task))) == repr(copy.deepcopy(task)) == repr(task)
    failure = failure_of(task)
    assert failure is None or isinstance(failure, VolcArkError)
    assert failure is None or str(failure)
