"""Any reply is read: a stream of the same pictures gives the same result, and junk is an error of ours."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark import GeneratedImages
from langchain_volcark.ark.errors import ArkErrors
from langchain_volcark.ark.images.replies import ImageReader, keep_partial
from langchain_volcark.exceptions import ContentFilterError, ResponseFormatError, ServiceError, VolcArkError
from langchain_volcark.http.client import HTTPClient
from tests.unit.strategies import json_values

Json = dict[str, Any]
ERRORS = ArkErrors()
CLIENT = HTTPClient("https://ark.example.com", auth=httpx.Auth(), errors=ERRORS)
HEAD: Json = {"model": "m", "created": 7}


def reader() -> ImageReader:
    request = httpx.Request("POST", "https://ark.example.com", headers={"authorization": "Bearer secret-key"})
    response = httpx.Response(200, headers={"x-request-id": "r1"}, request=request)
    return ImageReader(response, ERRORS, CLIENT)


pictures = st.fixed_dictionaries(
    {"size": st.sampled_from(["1x1", "2048x2048"])},
    optional={
        "output_format": st.sampled_from(["png", "jpeg"]),
        "z_index": st.integers(0, 9),
        "bounding_box": st.just({"absolute": [0, 0, 1, 1]}),
        "name": st.text(max_size=5),
        "revised_prompt": st.text(min_size=1, max_size=5),
        "error": st.none(),
    },
).flatmap(
    lambda fields: st.sampled_from(
        [
            {**fields, "url": "https://x/a.png"},
            {**fields, "b64_json": "QUJD"},
            {**fields, "url": "u", "b64_json": ""},
        ]
    )
)
failures = st.sampled_from(["OutputImageSensitiveContentDetected", "InternalServiceError", "New.Code"]).map(
    lambda code: {"error": {"code": code, "message": f"It is {code}."}}
)
usages = st.none() | st.just({"generated_images": 1, "tool_usage": {"web_search": 2}})


def told(result: GeneratedImages) -> Any:
    errors = {number: (type(error), error.code, error.message) for number, error in result.errors.items()}
    return list(result), errors, result.usage, result.model, result.created, result.request_id, result.tools


@given(st.lists(pictures | failures, min_size=1, max_size=5), usages)
def test_a_stream_of_the_same_pictures_gives_the_same_result(items: list[Json], usage: Json | None) -> None:
    tools = [{"type": "web_search"}]
    whole, stream = reader(), reader()
    outcome: list[Any] = []
    for read in (
        lambda: whole.read_reply({**HEAD, "data": items, "usage": usage, "tools": tools}),
        lambda: _read_events(stream, items, {"usage": usage, "tools": tools}),
    ):
        try:
            outcome.append(told(read()))
        except VolcArkError as error:
            outcome.append((type(error), error.code, told(error.partial)))
    assert outcome[0] == outcome[1]
    assert stream.is_complete


def _read_events(stream: ImageReader, items: list[Json], end: Json) -> GeneratedImages:
    for index, item in enumerate(items):
        kind = "partial_failed" if item.get("error") else "partial_succeeded"
        picture = stream.read_event({"type": f"image_generation.{kind}", **HEAD, "image_index": index, **item})
        assert (picture is None) == (kind == "partial_failed")
        assert not stream.is_complete
    assert stream.read_event({"type": "image_generation.completed", **HEAD, **end}) is None
    return stream.finish()


names = st.sampled_from(["model", "created", "data", "usage", "tools", "error", "other"])
junk = st.dictionaries(names, json_values | st.lists(pictures | json_values, max_size=3), max_size=4)


@given(junk)
def test_a_reply_of_any_form_is_a_result_or_an_error_of_ours(payload: Json) -> None:
    read = reader()
    try:
        result = read.read_reply(payload)
    except VolcArkError:
        return
    assert result
    assert repr(result)


kinds = st.sampled_from(["image_generation.partial_succeeded", "image_generation.partial_failed", "other", ""])
fields = st.sampled_from(["url", "b64_json", "error", "image_index", "size", "usage", "model", "created"])


@given(st.lists(st.tuples(kinds, st.dictionaries(fields, json_values, max_size=4)), max_size=4))
def test_events_of_any_form_are_read_or_an_error_of_ours(events: list[tuple[str, Json]]) -> None:
    read = reader()
    try:
        for kind, event in events:
            read.read_event({"type": kind, **event})
        read.finish()
    except VolcArkError:
        return
    assert read.result


def test_the_error_of_a_picture_has_the_class_of_its_code_and_no_secret() -> None:
    read = reader()
    message = "The key secret-key is not for this. Request id: 0217"
    items = [{"error": {"code": "InternalServiceError", "message": message}}, {"url": "u"}]
    result = read.read_reply({**HEAD, "data": items})
    assert isinstance(result.errors[0], ServiceError)
    assert "secret-key" not in str(result.errors[0])
    assert "secret-key" not in str(result.errors[0].body)
    assert result.errors[0].message.startswith("Picture 1 failed: The key [redacted] is not for this.")


def test_failures_without_a_number_are_counted_on() -> None:
    read = reader()
    for item in ({"url": "u"}, {"error": {"code": "c", "message": "m"}}, {"url": "v"}):
        kind = "partial_failed" if "error" in item else "partial_succeeded"
        read.read_event({"type": f"image_generation.{kind}", **item})
    assert [picture.index for picture in read.result] == [0, 2]
    assert list(read.result.errors) == [1]


@pytest.mark.parametrize("body", [None, "text", {}, {"data": []}, {"data": [{"error": {"code": "c"}}]}])
def test_an_error_without_pictures_has_no_partial(body: Any) -> None:
    error = ServiceError("broken", body=body, response=httpx.Response(200))
    keep_partial(error, ERRORS, CLIENT)
    assert error.partial is None


def test_an_error_with_pictures_keeps_them() -> None:
    error = ContentFilterError("refused", body={"data": [{"url": "u"}, {}]}, response=httpx.Response(200))
    keep_partial(error, ERRORS, CLIENT)
    assert [picture.url for picture in error.partial] == ["u"]


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ResponseFormatError, match="neither a picture nor an error"):
        reader().read_reply({})
