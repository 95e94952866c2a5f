"""V2's bodies and replies."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from pydantic import BaseModel

from langchain_volcark import ChatQianfan
from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.chunks import ChunkRenderer
from tests.calls import request_of, wire_of


def model(**arguments: Any) -> ChatQianfan:
    return ChatQianfan(**{"model": "ernie-5.1", "api_key": "k", **arguments})


def body(*, stream: bool = False, m: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    request = request_of(
        model(**(m or {})), [HumanMessage("hi")], options.pop("stop", None), stream=stream, **options
    )
    return {key: value for key, value in request.body.items() if key != "messages"}


def test_only_what_was_set_is_sent() -> None:
    assert body() == {"model": "ernie-5.1"}
    assert body(stream=True) == {"model": "ernie-5.1", "stream": True, "stream_options": {"include_usage": True}}
    assert body(stream=True, stream_usage=False) == {"model": "ernie-5.1", "stream": True}


def test_every_field_goes_out_under_its_name() -> None:
    fields = {
        "temperature": 0,
        "top_p": 0.8,
        "max_tokens": 10,
        "max_completion_tokens": 20,
        "penalty_score": 1.2,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.1,
        "repetition_penalty": 1.1,
        "seed": 7,
        "user": "u",
        "enable_thinking": True,
        "web_search": {"enable": True, "search_number": 5, "reference_number": 5},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
        "logprobs": True,
        "top_logprobs": 2,
    }
    given = {**fields, "request_metadata": {"trace": "t"}, "stop": "END", "model_kwargs": {"new_field": 1}}
    assert body(m=given) == {
        "model": "ernie-5.1",
        **fields,
        "metadata": {"trace": "t"},
        "stop": "END",
        "new_field": 1,
    }
    assert body(**fields, request_metadata={"trace": "t"}, stop=["END"]) == {
        "model": "ernie-5.1",
        **fields,
        "metadata": {"trace": "t"},
        "stop": ["END"],
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"thinking": "enabled"}, {"thinking": {"type": "enabled"}}),
        ({"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ({"web_search": True}, {"web_search": {"enable": True}}),
        ({"web_search": False}, {"web_search": {"enable": False}}),
        ({"enable_thinking": False}, {"enable_thinking": False}),
    ],
)
def test_short_forms(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert body(m=given) == {"model": "ernie-5.1", **sent}


def test_a_class_stands_for_its_json_schema() -> None:
    class Joke(BaseModel):
        """A joke."""

        setup: str

    sent = body(response_format=Joke)["response_format"]
    assert sent["json_schema"]["name"] == "Joke"
    assert sent["json_schema"]["schema"]["required"] == ["setup"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"thinking": "enabled", "enable_thinking": True}, "thinking and enable_thinking"),
        ({"model": "qwen3-32b", "thinking": "enabled"}, "qwen3-32b takes enable_thinking, not thinking"),
        ({"model": "deepseek-v4-pro", "enable_thinking": True}, "deepseek-v4-pro takes thinking"),
        ({"web_search": {"enable": True, "search_number": 0}}, "search_number must be 1 to 28"),
        ({"web_search": {"enable": True, "reference_number": 29}}, "reference_number must be 1 to 28"),
        ({"web_search": {"search_number": 3, "reference_number": 4}}, "must not be more than search_number"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        body(**options)


@pytest.mark.parametrize("name", ["penalty_score"])
def test_ranges_of_fields(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        model(**{name: 2.5})


def test_the_application_is_a_header_unless_the_user_sets_it() -> None:
    assert model(app_id="app-1")._service_headers() == {"appid": "app-1"}
    assert model(app_id="app-1", default_headers={"appid": "app-2"})._service_headers() == {"appid": "app-2"}
    with pytest.raises(ValueError, match="app_id"):
        model(app_id="app\n1")._client  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "forced"),
    [
        ({}, True),
        ({"model": "deepseek-v4-pro", "thinking": "enabled"}, False),
        ({"model": "deepseek-v4-pro", "thinking": {"type": "disabled"}}, True),
        ({"model": "qwen3-32b", "enable_thinking": True}, False),
        ({"model": "ernie-5.0-thinking-preview"}, False),
        ({"model": "ernie-5.0-thinking-preview", "enable_thinking": False}, True),
    ],
)
def test_a_call_is_not_forced_while_a_model_thinks(arguments: dict[str, Any], forced: bool) -> None:
    assert model(**arguments)._can_force_tools() is forced


# --- replies ---

REPLY = {
    "id": "as-demo5",
    "object": "chat.completion",
    "created": 1735787070,
    "model": "ernie-5.1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "normal",
            "flag": 0,
            "ban_round": 0,
            "message": {"role": "assistant", "content": "Lima^[1]^.", "reasoning_content": "Peru …"},
        }
    ],
    "search_results": [{"index": 1, "url": "https://example.org/peru", "title": "Peru", "datasource_id": "d"}],
    "usage": {
        "prompt_tokens": 18,
        "completion_tokens": 4,
        "total_tokens": 22,
        "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 3},
    },
}
STREAM: list[dict[str, Any]] = [
    {
        "id": "as-demo6",
        "object": "chat.completion.chunk",
        "created": 1735787080,
        "model": "deepseek-v4-pro",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "reasoning_content": "User asks…", "content": ""},
                "flag": 0,
            }
        ],
    },
    {
        "id": "as-demo6",
        "object": "chat.completion.chunk",
        "created": 1735787081,
        "model": "deepseek-v4-pro",
        "choices": [{"index": 0, "delta": {"content": "Lima"}, "flag": 0, "finish_reason": "stop"}],
    },
    {
        "id": "as-demo6",
        "object": "chat.completion.chunk",
        "created": 1735787081,
        "model": "deepseek-v4-pro",
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
    },
]


def whole(payload: dict[str, Any]) -> Any:
    ((delta,),) = wire_of(model()).read_reply(payload)
    assembler = StreamAssembler("qianfan")
    assembler.add(delta)
    assembler.finish()
    return assembler.message()


def summed(payloads: list[dict[str, Any]]) -> AIMessageChunk:
    renderer, reader = ChunkRenderer(StreamAssembler("qianfan")), wire_of(model()).stream_reader()
    chunks = [
        chunk.message for payload in payloads for delta in reader.read(payload) for chunk in renderer.feed(delta)
    ]
    chunks += [chunk.message for chunk in renderer.finish()]
    first, *rest = chunks
    return first + rest  # type: ignore[no-any-return, operator]


def test_a_whole_reply() -> None:
    message = whole(REPLY)
    assert (message.content, message.id) == ("Lima^[1]^.", "as-demo5")
    assert message.additional_kwargs == {"reasoning_content": "Peru …"}
    assert message.response_metadata == {
        "model_provider": "qianfan",
        "model_name": "ernie-5.1",
        "finish_reason": "normal",
        "created": 1735787070,
        "flag": 0,
        "ban_round": 0,
        "search_results": REPLY["search_results"],
    }
    assert message.usage_metadata == {
        "input_tokens": 18,
        "output_tokens": 4,
        "total_tokens": 22,
        "input_token_details": {"cache_read": 16},
        "output_token_details": {"reasoning": 3},
    }


def test_marks_in_the_answer_become_citations() -> None:
    reasoning, text = whole(REPLY).content_blocks
    assert reasoning == {"type": "reasoning", "reasoning": "Peru …"}
    assert text["annotations"] == [
        {
            "type": "citation",
            "url": "https://example.org/peru",
            "title": "Peru",
            "start_index": 4,
            "end_index": 9,
            "extras": {"index": 1, "datasource_id": "d"},
        }
    ]


def test_a_stream() -> None:
    message = summed(STREAM)
    assert (message.content, message.id) == ("Lima", "as-demo6")
    assert message.additional_kwargs == {"reasoning_content": "User asks…"}
    assert message.usage_metadata == {"input_tokens": 9, "output_tokens": 12, "total_tokens": 21}
    assert message.response_metadata == {
        "model_provider": "qianfan",
        "model_name": "deepseek-v4-pro",
        "finish_reason": "stop",
        "created": 1735787081,
        "flag": 0,
    }


@pytest.mark.parametrize("places", [[0], [2], [0, 1, 2]])
def test_search_results_in_a_stream_are_kept_once_however_often_they_come(places: list[int]) -> None:
    results = [{"index": 1, "url": "https://a.example", "title": "A"}, {"index": 2, "url": "https://b.example"}]
    payloads = [
        {**payload, "search_results": results} if i in places else payload for i, payload in enumerate(STREAM)
    ]
    message = summed(payloads)
    assert message.response_metadata["search_results"] == results
    assert len(message.content_blocks[-1]["annotations"]) == 2  # type: ignore[typeddict-item]


@pytest.mark.parametrize("place", ["delta", "choice"])
def test_what_the_search_says_meanwhile_is_not_part_of_the_answer(place: str) -> None:
    choice: dict[str, Any] = {"index": 0, "delta": {"content": "Searching …"}, "flag": 0}
    (choice["delta"] if place == "delta" else choice)["delta_tag"] = "search_status"
    message = summed([{**STREAM[0], "choices": [choice]}, *STREAM[1:]])
    assert message.content == "Lima"
    assert message.response_metadata["search_status"] == "Searching …"
    assert "delta_tag" not in {**message.response_metadata, **message.additional_kwargs}
