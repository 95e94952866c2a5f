"""Which tools the emulator calls, and the JSON it makes from schemas."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

MODEL = "doubao-seed-2-1-pro-260915"


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.ark_base_url, headers=headers) as running:
        yield running


def tool(name: str, /, *required: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required or properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
WEATHER = tool("get_weather", city=TEXT)
CLOCK = tool("get_time", zone=TEXT)
ADD = tool("add", a=WHOLE, b=WHOLE)
MULTIPLY = tool("multiply", a=WHOLE, b=WHOLE)


def choice(client: httpx.Client, prompt: Any, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    reply = client.post("/chat/completions", json={"model": MODEL, "messages": messages, **fields})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["choices"][0]
    return found


def called(client: httpx.Client, prompt: Any, *tools: Any, **fields: Any) -> list[tuple[str, Any]]:
    """Names and arguments of the calls."""
    message = choice(client, prompt, tools=list(tools), **fields)["message"]
    functions = [call["function"] for call in message.get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]


def names(client: httpx.Client, prompt: Any, *tools: Any, **fields: Any) -> list[str]:
    return [name for name, _ in called(client, prompt, *tools, **fields)]


def forced(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def test_call_has_the_documented_shape(client: httpx.Client) -> None:
    found = choice(client, "Weather in 'Rome'?", tools=[WEATHER])
    assert found["finish_reason"] == "tool_calls"
    assert found["message"]["content"] == ""
    assert found["message"]["reasoning_content"]
    (call,) = found["message"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert call["type"] == "function"
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Rome"}'}


def test_named_tool_is_called(client: httpx.Client) -> None:
    assert names(client, "Please use get_time", WEATHER, CLOCK) == ["get_time"]


def test_name_inside_a_longer_name_does_not_count(client: httpx.Client) -> None:
    short, long = tool("magic"), tool("magic_no_args")
    assert names(client, "What is magic_no_args()?", short, long) == ["magic_no_args"]
    assert names(client, "What is do_magic()?", short, tool("do_magic")) == ["do_magic"]


def test_no_tool_is_called_in_a_continued_answer(client: httpx.Client) -> None:
    messages = [{"role": "user", "content": "get_weather"}, {"role": "assistant", "content": "Well,"}]
    assert names(client, messages, WEATHER, tool_choice="required") == []


def test_tool_that_shares_words_with_the_prompt_is_called(client: httpx.Client) -> None:
    assert names(client, "What's the time?", WEATHER, CLOCK) == ["get_time"]


def test_first_tool_is_called_where_nothing_fits(client: httpx.Client) -> None:
    assert names(client, "Hello!", WEATHER, CLOCK) == ["get_weather"]


def test_all_named_tools_are_called_in_the_order_of_the_prompt(client: httpx.Client) -> None:
    prompt = "First multiply 5 and 6, then add 3 and 4"
    assert called(client, prompt, ADD, MULTIPLY) == [
        ("multiply", {"a": 5, "b": 6}),
        ("add", {"a": 3, "b": 4}),
    ]


def test_one_call_where_parallel_calls_are_switched_off(client: httpx.Client) -> None:
    prompt = "First multiply 5 and 6, then add 3 and 4"
    assert names(client, prompt, ADD, MULTIPLY, parallel_tool_calls=False) == ["multiply"]


def test_models_other_than_seed_ignore_the_parallel_switch(client: httpx.Client) -> None:
    fields = {"model": "deepseek-v3-250324", "parallel_tool_calls": False}
    assert names(client, "multiply and add", ADD, MULTIPLY, **fields) == ["multiply", "add"]


def test_no_tool_is_called_when_forbidden(client: httpx.Client) -> None:
    found = choice(client, "get_weather", tools=[WEATHER], tool_choice="none")
    assert found["message"]["content"] == "You said: get_weather"
    assert "tool_calls" not in found["message"]


@pytest.mark.parametrize("wanted", ["required", forced("get_time")])
def test_forced_call(client: httpx.Client, wanted: Any) -> None:
    expected = "get_time" if isinstance(wanted, dict) else "get_weather"
    assert names(client, "Use get_weather", WEATHER, CLOCK, tool_choice=wanted) == [expected]


def history(client: httpx.Client, prompt: str, *tools: Any, **fields: Any) -> list[dict[str, Any]]:
    """A conversation up to the results of its first calls."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    message = choice(client, messages, tools=list(tools), **fields)["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": f"result of {call['function']['name']}"}
        for call in message["tool_calls"]
    ]
    return [*messages, message, *results]


def test_results_are_reported(client: httpx.Client) -> None:
    messages = history(client, "multiply and add", ADD, MULTIPLY)
    found = choice(client, messages, tools=[ADD, MULTIPLY])
    assert found["finish_reason"] == "stop"
    assert found["message"]["content"] == (
        "The tools answered: multiply returned result of multiply; add returned result of add"
    )


def test_named_tool_not_called_yet_comes_next_and_then_the_end(client: httpx.Client) -> None:
    switched_off = {"parallel_tool_calls": False}
    messages = history(client, "multiply, then add", ADD, MULTIPLY, **switched_off)
    found = choice(client, messages, tools=[ADD, MULTIPLY], **switched_off)["message"]
    assert [call["function"]["name"] for call in found["tool_calls"]] == ["add"]

    result = {"role": "tool", "tool_call_id": found["tool_calls"][0]["id"], "content": "7"}
    last = choice(client, [*messages, found, result], tools=[ADD, MULTIPLY])
    assert last["message"]["content"] == "The tools answered: add returned 7"


def test_next_question_calls_again(client: httpx.Client) -> None:
    messages = [*history(client, "add 1 and 2", ADD), {"role": "assistant", "content": "3"}]
    assert called(client, [*messages, {"role": "user", "content": "add 3 and 4"}], ADD) == [
        ("add", {"a": 3, "b": 4})
    ]


def test_required_goes_through_the_tools_not_called_yet(client: httpx.Client) -> None:
    messages = history(client, "What is the weather?", WEATHER, CLOCK)
    assert names(client, messages, WEATHER, CLOCK, tool_choice="required") == ["get_time"]


def test_limit_cuts_arguments_in_the_middle(client: httpx.Client) -> None:
    found = choice(client, "Weather in 'Rome'?", tools=[WEATHER], max_tokens=7)
    assert found["finish_reason"] == "length"
    assert found["message"]["tool_calls"][0]["function"]["arguments"] == '{"city'


def test_history_with_tools_of_the_past_needs_no_tools_now(client: httpx.Client) -> None:
    messages = history(client, "add 1 and 2", ADD)
    assert choice(client, messages)["message"]["content"] == "The tools answered: add returned result of add"


# Arguments


def arguments(client: httpx.Client, prompt: str, /, *required: str, **properties: Any) -> Any:
    return called(client, prompt, tool("f", *required, **properties))[0][1]


def test_tool_without_parameters_gets_an_empty_object(client: httpx.Client) -> None:
    bare = {"type": "function", "function": {"name": "f"}}
    assert called(client, "What is 3?", bare) == [("f", {})]


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("What is the value of f(3)?", 3),
        ("tool_2 wants -7", -7),
        ("nothing here", 0),
        ("pi is 3.14 but take 5", 5),
    ],
)
def test_integer_is_the_first_of_the_prompt(client: httpx.Client, prompt: str, value: int) -> None:
    assert arguments(client, prompt, input=WHOLE) == {"input": value}


def test_numbers_are_handed_out_in_turn(client: httpx.Client) -> None:
    number = {"type": "number"}
    assert arguments(client, "3.5 and 4", a=number, b=number, c=number) == {"a": 3.5, "b": 4, "c": 4}


def test_numbers_keep_within_the_range(client: httpx.Client) -> None:
    assert arguments(client, "99", a={**WHOLE, "maximum": 10}, b={**WHOLE, "minimum": 100}) == {"a": 10, "b": 100}
    assert arguments(client, "x", a={**WHOLE, "exclusiveMinimum": 0}) == {"a": 1}


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("Create a customer named '你好啊集团' (Hello Group)", "你好啊集团"),
        ("名为'你好'的客户", "你好"),
        ("名为「你好」的客户", "你好"),
        ('Say "good morning"', "good morning"),
        ("It's what it's", "It's what it's"),
        ("Just this", "Just this"),
    ],
)
def test_string_is_the_quotation_or_the_prompt(client: httpx.Client, prompt: str, value: str) -> None:
    assert arguments(client, prompt, name=TEXT) == {"name": value}


def test_arguments_are_not_escaped(client: httpx.Client) -> None:
    found = choice(client, "'你好'", tools=[WEATHER])["message"]["tool_calls"][0]["function"]["arguments"]
    assert found == '{"city": "你好"}'


@pytest.mark.parametrize(
    ("prompt", "city"),
    [
        ("What is the weather in San Francisco, CA?", "San Francisco, CA"),
        ("请问杭州今天的天气怎么样", "杭州"),
        ("city: Rome, please", "Rome"),
    ],
)
def test_place_is_found_in_the_prompt(client: httpx.Client, prompt: str, city: str) -> None:
    assert arguments(client, prompt, city=TEXT) == {"city": city}


def test_value_said_by_name_wins(client: httpx.Client) -> None:
    found = arguments(client, "Take 1 and 2; b=7, deep: false", a=WHOLE, b=WHOLE, deep={"type": "boolean"})
    assert found == {"a": 1, "b": 7, "deep": False}


def test_value_said_by_name_must_be_of_the_type(client: httpx.Client) -> None:
    number = {"type": "number"}
    assert arguments(client, "a: many, 5 of b: nan", a=WHOLE, b=number) == {"a": 5, "b": 5}
    assert arguments(client, "a=-2.5", a=number) == {"a": -2.5}


def test_string_keeps_to_its_greatest_length(client: httpx.Client) -> None:
    assert arguments(client, "'abcdef'", a={**TEXT, "maxLength": 3}) == {"a": "abc"}


def test_numbers_too_long_for_anything_are_left_alone(client: httpx.Client) -> None:
    assert arguments(client, "9" * 5000, a=WHOLE, b={"type": "number"}) == {"a": 0, "b": 0}
    assert choice(client, "count to " + "9" * 5000)["message"]["content"].startswith("You said: count")


def test_enum_member_of_the_prompt_or_the_first(client: httpx.Client) -> None:
    unit = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    assert arguments(client, "in Fahrenheit", unit=unit) == {"unit": "fahrenheit"}
    assert arguments(client, "warm?", unit=unit) == {"unit": "celsius"}


def test_optional_property_only_if_mentioned(client: httpx.Client) -> None:
    properties = {"setup": TEXT, "punch_line": TEXT}
    assert set(arguments(client, "A joke", "setup", **properties)) == {"setup"}
    assert set(arguments(client, "A joke with punch line", "setup", **properties)) == {"setup", "punch_line"}


def test_nullable_property_is_null_unless_mentioned(client: httpx.Client) -> None:
    for nullable in ({"anyOf": [TEXT, {"type": "null"}]}, {"type": ["string", "null"]}):
        assert arguments(client, "Hello", note=nullable) == {"note": None}
        assert arguments(client, "With a note", note=nullable) == {"note": "With a note"}


def test_arrays_take_what_the_prompt_offers(client: httpx.Client) -> None:
    words, numbers = {"type": "array", "items": TEXT}, {"type": "array", "items": WHOLE}
    assert arguments(client, "Take 'a' and 'b', 1 2 3", words=words, numbers=numbers) == {
        "words": ["a", "b"],
        "numbers": [1, 2, 3],
    }
    assert arguments(client, "1 2 3", numbers={**numbers, "maxItems": 2}) == {"numbers": [1, 2]}
    assert arguments(client, "x", words={**words, "minItems": 2}) == {"words": ["x", "x"]}
    pair = {"type": "array", "prefixItems": [WHOLE, TEXT]}
    assert arguments(client, "5", pair=pair) == {"pair": [5, "5"]}


def test_nested_objects_and_formats(client: httpx.Client) -> None:
    person = {
        "type": "object",
        "properties": {"name": TEXT, "born": {"type": "string", "format": "date"}, "alive": {"type": "boolean"}},
        "required": ["name", "born", "alive"],
    }
    found = arguments(client, "Add 'Ada'", people={"type": "array", "items": person})
    assert found == {"people": [{"name": "Ada", "born": "2026-01-01", "alive": True}]}


# Structured output


def answer(client: httpx.Client, prompt: str, wanted: dict[str, Any]) -> Any:
    return json.loads(choice(client, prompt, response_format=wanted)["message"]["content"])


def by_schema(client: httpx.Client, prompt: str, keywords: dict[str, Any]) -> Any:
    return answer(client, prompt, {"type": "json_schema", "json_schema": {"name": "x", "schema": keywords}})


def test_schema_is_filled_in_its_own_order(client: httpx.Client) -> None:
    joke = {"type": "object", "properties": {"setup": TEXT, "punchline": TEXT}, "required": ["punchline", "setup"]}
    assert list(by_schema(client, "Tell me a joke", joke)) == ["setup", "punchline"]


def test_references_are_followed_and_recursion_ends(client: httpx.Client) -> None:
    node = {
        "type": "object",
        "properties": {"value": WHOLE, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        "required": ["value", "children"],
    }
    found = by_schema(client, "Take 4", {"$defs": {"Node": node}, "$ref": "#/$defs/Node"})
    assert found["value"] == 4
    assert found["children"][0]["value"] == 4


def test_union_takes_the_branch_the_prompt_speaks_of(client: httpx.Client) -> None:
    def branch(kind: str) -> dict[str, Any]:
        return {"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"]}

    union = {
        "type": "object",
        "properties": {"shape": {"anyOf": [branch("circle"), branch("square")]}},
        "required": ["shape"],
    }
    assert by_schema(client, "Draw a square", union) == {"shape": {"kind": "square"}}
    assert by_schema(client, "Draw", union) == {"shape": {"kind": "circle"}}


def test_all_of_is_melted_into_one(client: httpx.Client) -> None:
    first = {"properties": {"a": WHOLE}, "required": ["a"]}
    second = {"properties": {"b": TEXT}, "required": ["b"]}
    assert by_schema(client, "7", {"type": "object", "allOf": [first, second]}) == {"a": 7, "b": "7"}


def test_json_object_has_the_keys_quoted_in_the_prompt(client: httpx.Client) -> None:
    prompt = "A joke as JSON with 'setup' and 'punchline' keys."
    found = answer(client, prompt, {"type": "json_object"})
    assert found == {"setup": prompt, "punchline": prompt}


def test_json_object_follows_a_schema_in_the_prompt(client: httpx.Client) -> None:
    example = '{"properties": {"foo": {"type": "string"}}}'
    wanted = '{"properties": {"age": {"type": "integer"}}, "required": ["age"]}'
    prompt = f"JSON like {example}. Here is the schema: {wanted}. Ada is 36."
    assert answer(client, prompt, {"type": "json_object"}) == {"age": 36}


def test_json_object_has_an_answer_at_least(client: httpx.Client) -> None:
    assert answer(client, "Reply in json", {"type": "json_object"}) == {"answer": "Reply in json"}


def test_glm_4_7_accepts_a_schema_and_ignores_it(client: httpx.Client) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    found = choice(client, "Hi", model="glm-4-7-251222", response_format=wanted)
    assert found["message"]["content"] == "You said: Hi"


def test_format_applies_after_tool_results(client: httpx.Client) -> None:
    wanted = {
        "type": "json_schema",
        "json_schema": {
            "name": "x",
            "schema": {"type": "object", "properties": {"sum": WHOLE}, "required": ["sum"]},
        },
    }
    messages = history(client, "add 1 and 2", ADD)
    found = choice(client, messages, tools=[ADD], response_format=wanted)
    assert json.loads(found["message"]["content"]) == {"sum": 1}
