"""Structured output: every method, strictness and kind of schema; what a model cannot do is said."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pydantic.v1 as pydantic_v1
import pytest
from langchain_core.exceptions import OutputParserException
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import InvalidRequestError

Make = Callable[..., ChatArk]


class Kind(enum.Enum):
    town = "town"
    village = "village"


class Place(BaseModel):
    """A place."""

    name: str = Field(description="Its name.", min_length=1, max_length=80)
    people: int = Field(ge=0)
    kind: Kind | None = None


class PlaceV1(pydantic_v1.BaseModel):
    """A place."""

    name: str
    people: int


class PlaceDict(TypedDict):
    """A place."""

    name: str
    people: int


PLACE_JSON = {
    "title": "Place to visit",
    "description": "A place.",
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "."}, "people": {"type": "integer", "minimum": 0}},
    "required": ["name", "people"],
}
T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    """A box."""

    item: T


SCHEMAS: dict[str, tuple[Any, type]] = {
    "pydantic": (Place, Place),
    "pydantic v1": (PlaceV1, PlaceV1),
    "TypedDict": (PlaceDict, dict),
    "JSON schema": (PLACE_JSON, dict),
}
PROMPT = "Say in json: name: 'Hangzhou', people: 12"
# By its name the kinds of schema differ, by its fields they do not.
WAYS = [
    *(("function_calling", strict) for strict in (None, False, True)),
    *(("json_schema", strict) for strict in (None, False, True)),
    ("json_mode", None),
]


def _prompt(method: str) -> str:
    # JSON mode knows no schema; the prompt must say it, and the emulator quotes what the prompt quotes.
    if method != "json_mode":
        return PROMPT
    return f'{PROMPT} by this schema: {{"properties": {{"name": {{"type": "string"}}, "people": {{"type": "integer"}}}}}}'


def _read(value: Any) -> tuple[Any, Any]:
    return (value["name"], value["people"]) if isinstance(value, dict) else (value.name, value.people)


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize(("method", "strict"), WAYS)
async def test_every_way(model: ChatArk, emulator: Emulator, kind: str, method: Any, strict: bool | None) -> None:
    schema, expected = SCHEMAS[kind]
    prompt = _prompt(method)
    before = model.model_dump_json()
    asked = model.with_structured_output(schema, method=method, strict=strict)
    with_raw = model.with_structured_output(schema, method=method, strict=strict, include_raw=True)
    for value in (
        asked.invoke(prompt),
        await asked.ainvoke(prompt),
        list(asked.stream(prompt))[-1],
        [value async for value in asked.astream(prompt)][-1],
    ):
        assert isinstance(value, expected)
        assert _read(value) == ("Hangzhou", 12)
    for raw in (with_raw.invoke(prompt), await with_raw.ainvoke(prompt)):
        assert set(raw) == {"raw", "parsed", "parsing_error"}
        assert raw["parsing_error"] is None
        assert _read(raw["parsed"]) == ("Hangzhou", 12)
        assert raw["raw"].response_metadata["model_name"]
    assert model.model_dump_json() == before
    _check_wire(emulator.requests[-1].json, method, strict)


def _check_wire(body: dict[str, Any], method: str, strict: bool | None) -> None:
    if method == "function_calling":
        function = body["tools"][0]["function"]
        assert body["tool_choice"] == "required"
        assert "response_format" not in body
        assert function.get("strict") is strict
        return
    assert "tools" not in body
    assert "tool_choice" not in body
    if method == "json_mode":
        assert body["response_format"] == {"type": "json_object"}
        return
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"].get("strict") is strict
    assert "pattern" not in body["response_format"]["json_schema"]["schema"]["properties"]["name"]


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_generic_classes_and_chinese_titles_get_names_the_service_takes(make: Make, method: Any) -> None:
    model = make()
    boxed = model.with_structured_output(Box[int], method=method).invoke("item: 5")
    assert isinstance(boxed, Box)
    assert boxed.item == 5
    schema = {"title": "天气", "type": "object", "properties": {"城市": {"type": "string"}}, "required": ["城市"]}
    assert model.with_structured_output(schema, method=method).invoke("城市: '杭州'") == {"城市": "杭州"}
    streamed = list(model.with_structured_output(Box[int], method=method).stream("item: 5"))
    assert streamed[-1] == boxed


# --- the method --------------------------------------------------------------------------------------------------


def _method(model: ChatArk, schema: Any = Place) -> str:
    runnable = model.with_structured_output(schema)
    return runnable.first.kwargs["ls_structured_output_format"]["kwargs"]["method"]  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("doubao-seed-2-1-pro-260915", "json_schema"),
        ("doubao-seed-2-0-lite-260428", "function_calling"),
        ("doubao-seed-1-6-lite-251015", "function_calling"),
        ("doubao-1-5-pro-32k-250115", "function_calling"),
        ("deepseek-v4-pro-260425", "function_calling"),
        ("glm-4-7-251222", "function_calling"),
        ("ep-20250101000000-abcde", "function_calling"),
        ("model-of-tomorrow", "function_calling"),
    ],
)
def test_the_default_method_follows_the_profile(make: Make, name: str, method: str) -> None:
    assert _method(make(model=name)) == method


def test_a_profile_of_ones_own_decides(make: Make) -> None:
    assert _method(make(model="ep-1", profile={"structured_output": True})) == "json_schema"
    assert _method(make(model="ep-1", profile={"max_input_tokens": 5})) == "function_calling"
    able = make(model="doubao-seed-2-0-lite-260428", profile={"structured_output": True})
    assert _method(able) == "json_schema"


@pytest.mark.parametrize(
    ("name", "method", "instead"),
    [
        ("doubao-1-5-pro-32k-250115", "json_schema", "function_calling"),
        ("doubao-1-5-pro-32k-250115", "json_mode", "function_calling"),
        ("glm-4-7-251222", "json_schema", "function_calling"),
        ("doubao-1-5-vision-pro-250328", "function_calling", "json_mode"),
    ],
)
def test_a_method_the_model_cannot_do_is_refused_and_another_named(
    make: Make, name: str, method: Any, instead: str
) -> None:
    with pytest.raises(ValueError, match=rf'{name} does not support .* by {method}. Use method="{instead}"'):
        make(model=name).with_structured_output(Place, method=method)


def test_a_model_that_knows_no_schema_is_not_asked_for_one_in_silence(make: Make) -> None:
    with pytest.raises(ValueError, match="describe the schema in the prompt"):
        make(model="doubao-1-5-vision-pro-250328").with_structured_output(Place)


def test_a_model_that_can_do_nothing_says_so(make: Make) -> None:
    with pytest.raises(ValueError, match="no structured output"):
        make(model="doubao-1-5-pro-32k-character-250715").with_structured_output(Place)


def test_where_nobody_knows_the_method_may_be_asked_for(make: Make, emulator: Emulator) -> None:
    asked = make(model="doubao-seed-2-0-lite-260428").with_structured_output(Place, method="json_schema")
    with pytest.raises(InvalidRequestError, match="json_schema is not supported"):
        asked.invoke(PROMPT)


def test_without_a_schema_it_is_json_mode(model: ChatArk) -> None:
    assert model.with_structured_output().invoke("Say in json: 'x'") == {"x": "Say in json: 'x'"}
    with pytest.raises(ValueError, match="needs a schema"):
        model.with_structured_output(method="json_schema")


def test_strict_json_mode_is_refused(model: ChatArk) -> None:
    with pytest.raises(ValueError, match="strict has no meaning"):
        model.with_structured_output(Place, method="json_mode", strict=True)


def test_an_unknown_method_is_refused(model: ChatArk) -> None:
    with pytest.raises(ValueError, match="method must be one of"):
        model.with_structured_output(Place, method="xml")  # type: ignore[arg-type]


# --- models that cannot be forced ------------------------------------------------------------------------------

THINKER = "deepseek-v4-pro-260425"


@pytest.mark.parametrize(
    ("fields", "forced"),
    [
        ({}, False),
        ({"thinking": "enabled"}, False),
        ({"thinking": "disabled"}, True),
        ({"thinking": {"type": "disabled"}}, True),
        ({"reasoning_effort": "none"}, True),
        ({"profile": {"tool_choice": False}, "thinking": "disabled"}, False),
    ],
)
def test_a_model_that_thinks_is_not_forced_where_it_refuses_that(
    make: Make, emulator: Emulator, fields: dict[str, Any], forced: bool
) -> None:
    asked = make(model=THINKER, **fields).with_structured_output(Place, method="function_calling")
    told = contextlib.nullcontext() if forced else pytest.warns(UserWarning, match="tool_choice")
    with told:
        assert _read(asked.invoke(PROMPT)) == ("Hangzhou", 12)
    assert ("tool_choice" in emulator.requests[-1].json) is forced


def test_a_profile_of_ones_own_decides_whether_a_call_is_forced(make: Make, emulator: Emulator) -> None:
    model = make(model=THINKER, profile={"tool_choice": True})
    with pytest.raises(InvalidRequestError, match="tool_choice"):
        model.with_structured_output(Place, method="function_calling").invoke(PROMPT)
    assert emulator.requests[-1].json["tool_choice"] == "required"


@pytest.mark.filterwarnings("ignore:tool_choice")
def test_an_unforced_model_that_answers_in_text_is_an_error_that_says_what_to_do(
    make: Make, emulator: Emulator
) -> None:
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": "It is nice there."},
    }
    emulator.reply_next({"id": "r", "model": THINKER, "choices": [choice]}, times=2)
    model = make(model=THINKER)
    with pytest.raises(OutputParserException, match="disable thinking"):
        model.with_structured_output(Place).invoke(PROMPT)
    raw = model.with_structured_output(Place, include_raw=True).invoke(PROMPT)
    assert raw["parsed"] is None
    assert isinstance(raw["parsing_error"], OutputParserException)


def test_a_bad_answer_is_a_parsing_error_beside_the_raw_message(model: ChatArk, emulator: Emulator) -> None:
    choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": '{"name": "Ha'}}
    emulator.reply_next({"id": "r", "model": "m", "choices": [choice]}, times=2)
    with pytest.raises(OutputParserException):
        model.with_structured_output(Place).invoke(PROMPT)
    raw = model.with_structured_output(Place, include_raw=True).invoke(PROMPT)
    assert raw["raw"].text == '{"name": "Ha'
    assert raw["parsed"] is None
    assert isinstance(raw["parsing_error"], OutputParserException)


def test_thinking_stays_on_for_later_calls(make: Make, emulator: Emulator) -> None:
    model = make(thinking="enabled")
    model.with_structured_output(Place).invoke(PROMPT)
    model.invoke("Hi")
    assert [one.json["thinking"] for one in emulator.requests] == [{"type": "enabled"}] * 2
