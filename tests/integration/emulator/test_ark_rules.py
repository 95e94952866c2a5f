"""What the emulator refuses on Ark's chat, and in which words."""

import base64
import copy
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_volcark.emulator import Emulator

THINKER = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"
SEES_NOT = PLAIN
HEARS = "doubao-seed-2-0-lite-260428"
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USER = {"role": "user", "content": "Hi"}


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.ark_base_url, headers=headers) as running:
        yield running


def refusal(client: httpx.Client, **fields: Any) -> tuple[int, str, str]:
    """Status, code and param of the refusal of a request."""
    body = {"model": THINKER, "messages": [USER], **fields}
    reply = client.post("/chat/completions", json=body)
    error = reply.json().get("error") or pytest.fail(f"not refused: {reply.text}")
    return reply.status_code, error["code"], error["param"]


def tool(name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def schema(keywords: dict[str, Any], strict: bool = True) -> dict[str, Any]:
    wanted = {"name": "x", "schema": keywords, "strict": strict}
    return {"type": "json_schema", "json_schema": wanted}


def parts(*items: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(items)}]}


def image(**fields: Any) -> dict[str, Any]:
    return parts({"type": "image_url", "image_url": {"url": "https://example.com/a.png", **fields}})


def png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return "data:image/png;base64," + base64.b64encode(head).decode()


def video(**fields: Any) -> dict[str, Any]:
    return parts({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", **fields}})


def audio(model: str = HEARS, **fields: Any) -> dict[str, Any]:
    return {"model": model, **parts({"type": "input_audio", "input_audio": fields})}


# The envelope


def test_refusal_comes_in_arks_envelope_with_the_request_id(client: httpx.Client) -> None:
    headers = {"X-Client-Request-Id": "20260101000000abcdefgh"}
    reply = client.post("/chat/completions", json={"model": THINKER}, headers=headers)

    request_id = reply.headers["x-request-id"]
    assert request_id.startswith("02")
    assert reply.headers["x-client-request-id"] == "20260101000000abcdefgh"
    assert reply.json() == {
        "error": {
            "code": "MissingParameter",
            "message": f"The request is missing the required parameter `messages`. Request id: {request_id}",
            "param": "messages",
            "type": "BadRequest",
        }
    }


@pytest.mark.parametrize("path", ["/nothing", "/bots/nothing"])
def test_unknown_path_is_404_in_the_envelope(client: httpx.Client, path: str) -> None:
    reply = client.post(path, json={})
    assert reply.status_code == 404
    assert reply.json()["error"]["type"] == "NotFound"


def test_path_of_no_service_is_404(server: Emulator) -> None:
    assert httpx.get(f"{server.origin}/elsewhere").status_code == 404


@pytest.mark.parametrize(
    "header",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "wrong"}, {"Authorization": "Basic d3Jvbmc="}],
)
@pytest.mark.parametrize("path", ["chat/completions", "tokenization"])
def test_missing_or_wrong_key_is_401(server: Emulator, path: str, header: dict[str, str]) -> None:
    reply = httpx.post(f"{server.ark_base_url}/{path}", headers=header, json={"model": THINKER})
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "AuthenticationError"
    assert reply.json()["error"]["type"] == "Unauthorized"


def test_key_without_bearer_is_401(server: Emulator) -> None:
    reply = httpx.get(f"{server.ark_base_url}/models", headers={"Authorization": server.api_key})
    assert reply.status_code == 401


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'\xef\xbb\xbf{"model": "m", "messages": []}',
        b'{"model": "\xff"}',
        '{"model": "m"}'.encode("utf-16"),
        b'{"model": NaN}',
        b'{"a":' * 100_000,
    ],
    ids=["empty", "broken", "list", "byte-order-mark", "not-utf8", "utf16", "nan", "too-deep"],
)
def test_body_that_is_not_a_json_object_could_not_be_parsed(client: httpx.Client, body: bytes) -> None:
    reply = client.post("/chat/completions", content=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "InvalidParameter"
    assert "could not parse the JSON body" in reply.json()["error"]["message"]


@pytest.mark.parametrize("field", ["model", "messages"])
def test_required_field(client: httpx.Client, field: str) -> None:
    assert refusal(client, **{field: None}) == (400, "MissingParameter", field)


@pytest.mark.parametrize("field", ["thinkin", "enable_thinking", "extra_body", "functions", "max_output_tokens"])
def test_unknown_field_is_named(client: httpx.Client, field: str) -> None:
    assert refusal(client, **{field: 1}) == (400, "InvalidParameter", field)


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("gpt-4", 404, "InvalidEndpointOrModel.NotFound"),
        ("doubao-seed-2-1-pro", 404, "InvalidEndpointOrModel.NotFound"),
        ("doubao-seed-2.1-pro-260915", 404, "InvalidEndpointOrModel.NotFound"),
        ("bot-20250101000000-abcde", 404, "InvalidEndpointOrModel.NotFound"),
        ("doubao-seed-not-open-260101", 404, "ModelNotOpen"),
        ("ep-closed-1", 400, "InvalidEndpoint.ClosedEndpoint"),
        ("doubao-seed-translation-250915", 400, "InvalidParameter"),
        (7, 400, "InvalidParameter"),
    ],
)
def test_model_that_cannot_be_called(client: httpx.Client, model: Any, status: int, code: str) -> None:
    assert refusal(client, model=model)[:2] == (status, code)


# Options


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "1"),
        ("temperature", True),
        ("top_p", 1.1),
        ("frequency_penalty", 2.1),
        ("presence_penalty", -2.1),
        ("repetition_penalty", -1),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", 262_145),
        ("max_completion_tokens", 0),
        ("max_completion_tokens", 262_145),
        ("n", 0),
        ("n", 1.0),
        ("seed", 1.5),
        ("stop", ["1", "2", "3", "4", "5"]),
        ("stop", 1),
        ("stop", [1]),
        ("user", 1),
        ("stream", "yes"),
        ("service_tier", "flex"),
        ("parallel_tool_calls", "no"),
        ("logprobs", 1),
    ],
)
def test_value_out_of_range_or_of_the_wrong_type(client: httpx.Client, field: str, value: Any) -> None:
    assert refusal(client, **{field: value}) == (400, "InvalidParameter", field)


def test_answers_may_be_as_long_as_the_model_allows(client: httpx.Client) -> None:
    assert refusal(client, model=PLAIN, max_tokens=16_385)[2] == "max_tokens"
    assert refusal(client, model=PLAIN, max_completion_tokens=65_537)[2] == "max_completion_tokens"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 5, "max_completion_tokens": 5}, "max_completion_tokens"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": False, "stream_options": {}}, "stream_options"),
        ({"stream": True, "stream_options": {"usage": True}}, "stream_options.usage"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"model": PLAIN, "top_logprobs": 2}, "top_logprobs"),
        ({"model": PLAIN, "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"model": PLAIN, "logit_bias": {"1": 101}}, "logit_bias.1"),
        ({"model": PLAIN, "logit_bias": {"word": 1}}, "logit_bias"),
        ({"thinking": "enabled"}, "thinking"),
        ({"thinking": {"type": "on"}}, "thinking.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking"),
        ({"thinking": {"type": "auto"}}, "thinking.type"),
        ({"model": PLAIN, "thinking": {"type": "enabled"}}, "thinking.type"),
        ({"model": "kimi-k2-thinking-251104", "thinking": {"type": "disabled"}}, "thinking.type"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "low"}, "reasoning_effort"),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "max"}, "reasoning_effort"),
    ],
)
def test_fields_that_contradict_each_other_or_the_model(
    client: httpx.Client, fields: dict[str, Any], param: str
) -> None:
    assert refusal(client, **fields) == (400, "InvalidParameter", param)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": True, "thinking": {"type": "disabled"}}, "logprobs"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        (
            {"model": "deepseek-v3-2-251201", "thinking": {"type": "enabled"}, "logprobs": True},
            "logprobs",
        ),
        ({"model": "doubao-seed-1-6-flash-250828", "reasoning_effort": "low"}, "reasoning_effort"),
        ({"model": PLAIN, "reasoning_effort": "low"}, "reasoning_effort"),
        ({"model": "doubao-1-5-vision-pro-250328", "tools": [tool()]}, "tools"),
    ],
)
def test_field_that_the_model_does_not_take(client: httpx.Client, fields: dict[str, Any], param: str) -> None:
    assert refusal(client, **fields) == (400, "InvalidParameter.UnsupportedParameter", param)


# Messages


@pytest.mark.parametrize(
    ("messages", "code", "param"),
    [
        ("Hi", "InvalidParameter", "messages"),
        ([], "MissingParameter", "messages"),
        (["Hi"], "InvalidParameter", "messages[0]"),
        ([{"content": "Hi"}], "MissingParameter", "messages[0].role"),
        ([{"role": "human", "content": "Hi"}], "InvalidArgumentError.UnknownRole", "messages[0].role"),
        ([{"role": "developer", "content": "Hi"}], "InvalidParameter", "messages[0].role"),
        ([{"role": "user"}], "MissingParameter", "messages[0].content"),
        ([{"role": "user", "content": []}], "InvalidParameter", "messages[0].content"),
        ([{"role": "user", "content": 5}], "InvalidParameter", "messages[0].content"),
        ([{"role": "user", "content": "Hi", "id": "x"}], "InvalidParameter", "messages[0].id"),
        ([{"role": "user", "content": "Hi", "name": 1}], "InvalidParameter", "messages[0].name"),
        ([USER, {"role": "assistant"}], "MissingParameter", "messages[1].content"),
        ([USER, {"role": "assistant", "tool_calls": []}], "MissingParameter", "messages[1].content"),
        (
            [USER, {"role": "assistant", "content": "", "reasoning_content": 1}],
            "InvalidParameter",
            "messages[1].reasoning_content",
        ),
    ],
)
def test_malformed_message(client: httpx.Client, messages: Any, code: str, param: str) -> None:
    assert refusal(client, messages=messages) == (400, code, param)


def calls(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": one} for one in ids]}


def result(call_id: str | None) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "done"}


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([USER, result("a")], "messages[1].tool_call_id"),
        ([USER, calls("a"), result("b")], "messages[2].tool_call_id"),
        ([USER, calls("a"), result("a"), result("a")], "messages[3].tool_call_id"),
        ([USER, calls("a")], "messages"),
        ([USER, calls("a", "b"), result("a")], "messages"),
        ([USER, calls("a", "b"), result("a"), USER, result("b")], "messages[3]"),
        ([USER, calls("a"), USER, result("a")], "messages[2]"),
        ([USER, calls("a", "a"), result("a")], "messages[1].tool_calls"),
        ([{"role": "user", "content": "Hi", "tool_calls": [CALL]}], "messages[0].tool_calls"),
        ([USER, {"role": "assistant", "content": "", "tool_calls": {}}], "messages[1].tool_calls"),
    ],
)
def test_tool_calls_and_results_must_match(client: httpx.Client, messages: Any, param: str) -> None:
    assert refusal(client, messages=messages) == (400, "InvalidParameter", param)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({**CALL, "id": ""}, "MissingParameter"),
        ({**CALL, "type": "tool_call"}, "InvalidParameter"),
        ({**CALL, "args": {}}, "InvalidParameter"),
        ({**CALL, "function": {"name": "f", "arguments": {}}}, "InvalidParameter"),
        ({**CALL, "function": {"arguments": "{}"}}, "InvalidParameter"),
        ({"id": "a", "type": "function"}, "InvalidParameter"),
    ],
)
def test_malformed_tool_call(client: httpx.Client, call: Any, code: str) -> None:
    messages = [USER, {"role": "assistant", "content": "", "tool_calls": [call]}, result("a")]
    assert refusal(client, messages=messages)[:2] == (400, code)


def test_tool_result_needs_its_call_id(client: httpx.Client) -> None:
    messages = [USER, calls("a"), result(None)]
    assert refusal(client, messages=messages) == (400, "MissingParameter", "messages[2].tool_call_id")


def test_broken_arguments_and_empty_parts_are_taken_back(client: httpx.Client) -> None:
    broken = {**CALL, "function": {"name": "f", "arguments": '{"a":'}}
    messages = [USER, {"role": "assistant", "content": [], "tool_calls": [broken]}, result("a")]
    reply = client.post("/chat/completions", json={"model": THINKER, "messages": messages})
    assert reply.status_code == 200


# Content parts


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (parts("Hi"), "InvalidParameter"),
        (parts({"text": "Hi"}), "MissingParameter"),
        (parts({"type": "text"}), "MissingParameter"),
        (parts({"type": "text", "text": "Hi", "cache_control": {}}), "InvalidParameter"),
        (parts({"type": "file", "file": {}}), "MissingParameter"),
        (parts({"type": "audio_url", "audio_url": {"url": "https://x"}}), "InvalidParameter"),
        (parts({"type": "image_url", "image_url": "https://x"}), "MissingParameter"),
        (image(url=""), "InvalidImageURL.EmptyURL"),
        (image(url=None), "InvalidImageURL.EmptyURL"),
        (image(url="ftp://x"), "InvalidImageURL.InvalidFormat"),
        (image(url="data:image/PNG;base64,iVBORw0KGgo="), "InvalidImageURL.InvalidFormat"),
        (image(url="data:image/png;base64,%%%"), "InvalidImageURL.InvalidFormat"),
        (image(url="data:image/png;base64,bm90IGFuIGltYWdl"), "InvalidImageURL.InvalidFormat"),
        (image(url="data:image/svg+xml;base64,iVBORw0KGgo="), "InvalidImageURL.InvalidFormat"),
        (image(url=png(14, 100)), "InvalidImageURL.InvalidFormat"),
        (image(url=png(6001, 6001)), "InvalidImageURL.InvalidFormat"),
        (image(url="data:video/mp4;base64,AAAA"), "InvalidParameter"),
        (image(url="https://example.com/a.mp4?x=1"), "InvalidParameter"),
        (image(size=5), "InvalidParameter"),
        (image(detail="ultra"), "InvalidArgumentError.InvalidImageDetail"),
        (image(image_pixel_limit={"min_pixels": 1}), "InvalidArgumentError.InvalidPixelLimit"),
        (image(image_pixel_limit={"max_pixels": 10_000_000}), "InvalidArgumentError.InvalidPixelLimit"),
        (
            image(image_pixel_limit={"min_pixels": 9000, "max_pixels": 8000}),
            "InvalidArgumentError.InvalidPixelLimit",
        ),
        (video(url=None), "MissingParameter"),
        (video(fps=0.1), "InvalidParameter"),
        (video(fps=5.1), "InvalidParameter"),
        (video(url="data:video/webm;base64,AAAA"), "InvalidParameter"),
        (video(url="file:///a.mp4"), "InvalidParameter"),
        (audio(THINKER, url="https://x"), "InvalidParameter.UnsupportedParameter"),
        (audio(PLAIN, url="https://x"), "InvalidParameter.UnsupportedParameter"),
        (audio(), "MissingParameter"),
        (audio(data="SUQzBAA="), "MissingParameter"),
        (audio(data="SUQzBAA=", format="midi"), "InvalidParameter"),
        (audio(data="SUQzBAA=", format="wav"), "InvalidParameter"),
        (audio(data="data:audio/mp3;base64,SUQzBAA=", format="mp3"), "InvalidParameter"),
        (audio(url="a.mp3"), "InvalidParameter"),
    ],
)
def test_malformed_part(client: httpx.Client, fields: dict[str, Any], code: str) -> None:
    status, found, param = refusal(client, **fields)
    assert (status, found) == (400, code)
    assert param.startswith("messages[0].content[0]") or param == "input_audio"


@pytest.mark.parametrize(
    "fields",
    [
        image(detail="xhigh", image_pixel_limit={"min_pixels": 1764, "max_pixels": 9_031_680}),
        image(url=png(15, 15)),
        video(url="data:video/mov;base64,AAAA", fps=5),
        audio(data="SUQzBAA=", format="mp3"),
        audio(url="https://example.com/a.wav"),
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "Hi"}]}, USER]},
    ],
)
def test_well_formed_part_is_taken(client: httpx.Client, fields: dict[str, Any]) -> None:
    reply = client.post("/chat/completions", json={"model": THINKER, "messages": [USER], **fields})
    assert reply.status_code == 200, reply.text


def test_media_may_only_be_so_large(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_MAX_IMAGE", "_MAX_VIDEO", "_MAX_AUDIO"):
        monkeypatch.setattr(f"langchain_volcark.emulator.ark.parts.{limit}", 4)
    assert refusal(client, **image(url=png(64, 64)))[1] == "InvalidImageURL.InvalidFormat"
    assert refusal(client, **video(url="data:video/mp4;base64,AAAAAAAA"))[1] == "InvalidParameter"
    assert refusal(client, **audio(data="SUQzBAAAAAAA", format="mp3"))[1] == "InvalidParameter"


def test_body_may_only_be_so_large(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("langchain_volcark.emulator.ark.service._MAX_BODY", 10)
    assert refusal(client) == (400, "InvalidParameter", "body")


# Tools


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ({}, "tools"),
        ([tool(str(number)) for number in range(129)], "tools"),
        ([{"type": "web_search"}], "tools[0].type"),
        ([{"name": "f", "type": "function"}], "tools[0].name"),
        ([{"type": "function"}], "tools[0].function"),
        ([{"type": "function", "function": {}}], "tools[0].function.name"),
        ([tool("has space")], "tools[0].function.name"),
        ([tool("天气")], "tools[0].function.name"),
        ([tool("f" * 65)], "tools[0].function.name"),
        ([tool("")], "tools[0].function.name"),
        ([tool(parameters=[])], "tools[0].function.parameters"),
        ([tool(parameters={"type": "string"})], "tools[0].function.parameters"),
        ([tool(description=1)], "tools[0].function.description"),
        ([tool(strict="yes")], "tools[0].function.strict"),
        ([tool(cache_control={})], "tools[0].function.cache_control"),
        ([tool("g"), tool("g")], "tools"),
    ],
)
def test_malformed_tool(client: httpx.Client, tools: Any, param: str) -> None:
    status, code, found = refusal(client, tools=tools)
    assert (status, found) == (400, param)
    assert code in ("InvalidParameter", "MissingParameter")


@pytest.mark.parametrize(
    ("choice", "tools"),
    [
        ("any", [tool()]),
        ("required", None),
        ("f", [tool()]),
        ({"type": "function", "function": {"name": "g"}}, [tool()]),
        ({"type": "function"}, [tool()]),
        ({"type": "tool", "function": {"name": "f"}}, [tool()]),
    ],
)
def test_malformed_tool_choice(client: httpx.Client, choice: Any, tools: Any) -> None:
    assert refusal(client, tool_choice=choice, tools=tools) == (400, "InvalidParameter", "tool_choice")


# Response formats


def test_json_object_needs_the_word_in_the_prompt(client: httpx.Client) -> None:
    assert refusal(client, response_format={"type": "json_object"}) == (400, "InvalidParameter", "messages")


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("doubao-seed-1-6-lite-251015", "json_object"),
        ("doubao-seed-1-6-lite-251015", "json_schema"),
        ("doubao-seed-2-0-mini-260428", "json_schema"),
        ("deepseek-v3-2-251201", "json_schema"),
        (PLAIN, "json_schema"),
    ],
)
def test_format_that_the_model_does_not_take(client: httpx.Client, model: str, kind: str) -> None:
    wanted = {**schema({"type": "object"}), "type": kind}
    assert refusal(client, model=model, response_format=wanted) == (
        400,
        "InvalidParameter",
        "response_format.type",
    )


@pytest.mark.parametrize("penalty", ["frequency_penalty", "presence_penalty"])
def test_format_does_not_go_with_penalties(client: httpx.Client, penalty: str) -> None:
    fields = {"response_format": schema({"type": "object"}), penalty: 1}
    assert refusal(client, **fields) == (400, "InvalidParameter", penalty)


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ("json", "response_format"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema.schema"),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": []}},
            "response_format.json_schema.schema",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {}, "method": "x"}},
            "response_format.json_schema.method",
        ),
    ],
)
def test_malformed_format(client: httpx.Client, wanted: Any, param: str) -> None:
    assert refusal(client, response_format=wanted)[2] == param


@pytest.mark.parametrize(
    "keywords",
    [
        {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}},
        {"type": "array", "items": {"type": "integer", "minimum": 0}},
        {"$defs": {"A": {"type": "string", "pattern": "x"}}, "$ref": "#/$defs/A"},
        {"anyOf": [{"type": "string", "format": "date"}]},
        {"type": "object", "additionalProperties": {"type": "string", "maxLength": 1}},
        {"$ref": "https://example.com/schema"},
    ],
)
def test_strict_schema_refuses_keywords_it_does_not_honour(client: httpx.Client, keywords: dict[str, Any]) -> None:
    status, code, param = refusal(client, response_format=schema(keywords))
    assert (status, code) == (400, "InvalidParameter")
    assert param.startswith("response_format.json_schema.schema.")


@pytest.mark.parametrize(
    "keywords",
    [
        {"type": "text"},
        {"type": ["string", 1]},
        {"properties": []},
        {"properties": {"a": 1}},
        {"required": "a"},
        {"required": [1]},
        {"enum": []},
        {"anyOf": {}},
        {"items": "string"},
        {"minimum": "0"},
        {"maxItems": 1.5},
        {"minItems": -1},
        {"$defs": {"A": {"items": 1}}},
    ],
)
def test_what_is_no_schema_is_refused_loose_or_not(client: httpx.Client, keywords: dict[str, Any]) -> None:
    status, code, param = refusal(client, response_format=schema(keywords, strict=False))
    assert (status, code) == (400, "InvalidParameter")
    assert param.startswith("response_format.json_schema.schema.")
    parameters = {"type": "object", "properties": {"a": keywords}}
    assert refusal(client, tools=[tool(parameters=parameters)])[1] == "InvalidParameter"


def test_loose_schema_takes_any_keyword(client: httpx.Client) -> None:
    wanted = schema({"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}, strict=False)
    body = {"model": THINKER, "messages": [USER], "response_format": wanted}
    assert client.post("/chat/completions", json=body).status_code == 200


# Whatever is sent


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RICH: dict[str, Any] = {
    "model": HEARS,
    "messages": [
        {"role": "system", "content": "Answer in json."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Use f with 3 and 'x'"},
                {"type": "image_url", "image_url": {"url": png(64, 64), "detail": "low"}},
                {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", "fps": 1}},
                {"type": "input_audio", "input_audio": {"data": "SUQzBAA=", "format": "mp3"}},
            ],
        },
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "a", "content": "done"},
    ],
    "tools": [
        tool(
            parameters={
                "type": "object",
                "properties": {
                    "a": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
                    "b": {"type": "array", "items": {"$ref": "#/$defs/B"}, "minItems": 1},
                },
                "required": ["a", "b"],
                "$defs": {"B": {"type": "integer", "minimum": 0, "enum": [1]}},
            }
        )
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "stop": ["x"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "thinking": {"type": "enabled"},
    "response_format": {"type": "json_object"},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


def test_the_rich_request_is_accepted(client: httpx.Client) -> None:
    assert client.post("/chat/completions", json=RICH).status_code == 200


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.sampled_from(list(places(RICH))), value=ANYTHING, choice=st.sampled_from(["auto", "required"]))
def test_any_value_anywhere_is_answered_or_refused_but_breaks_nothing(
    client: httpx.Client, place: tuple[Any, ...], value: Any, choice: str
) -> None:
    body = copy.deepcopy({**RICH, "tool_choice": choice if place[0] != "tool_choice" else RICH["tool_choice"]})
    owner = body
    for key in place[:-1]:
        owner = owner[key]
    owner[place[-1]] = value

    reply = client.post("/chat/completions", json=body)

    assert reply.status_code in (200, 400, 404), reply.text
    if reply.status_code == 200:
        whole = reply.headers["content-type"] == "application/json"
        assert whole or reply.text.endswith("data: [DONE]\n\n")
