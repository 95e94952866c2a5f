"""V1's wire format: conversations, bodies, replies."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_volcark import ChatQianfan
from langchain_volcark.messages.assembler import StreamAssembler
from tests.calls import request_of, wire_of

CALL = {"name": "get_tide", "args": {"port": "青岛"}, "id": "as-1", "type": "tool_call"}
OTHER = {"name": "get_wind", "args": {}, "id": "as-2", "type": "tool_call"}
TOOL = {
    "type": "function",
    "function": {"name": "get_tide", "description": "Tide.", "parameters": {"type": "object"}},
}
WIND = {"type": "function", "function": {"name": "get_wind", "parameters": {"type": "object"}}}


def model(**arguments: Any) -> ChatQianfan:
    if "model" not in arguments:
        arguments.setdefault("endpoint", "ngxxxol8_test1")
    return ChatQianfan(api_version="v1", base_url="https://private.example.com/wenxinworkshop", **arguments)


def body(conversation: list[BaseMessage] | str = "hi", *, stream: bool = False, **options: Any) -> Any:
    """The body of a call; options beginning with `m_` are the model's."""
    own = {key[2:]: value for key, value in options.items() if key.startswith("m_")}
    call = {key: value for key, value in options.items() if not key.startswith("m_")}
    messages = [HumanMessage(conversation)] if isinstance(conversation, str) else conversation
    return request_of(model(**own), messages, call.pop("stop", None), stream=stream, **call).body


# --- conversations ---


@pytest.mark.filterwarnings("ignore:The system message is sent as `system`")
def test_system_messages_become_one_text_beside_the_messages() -> None:
    sent = body(
        [
            SystemMessage("Be terse."),
            HumanMessage("a"),
            AIMessage("b"),
            SystemMessage("Be kind."),
            HumanMessage("c"),
        ]
    )
    assert sent == {
        "system": "Be terse.\nBe kind.",
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
    }


@pytest.mark.filterwarnings("ignore:The system message is sent as `system`")
def test_the_models_own_system_text_stands_first() -> None:
    assert (
        body([SystemMessage("Be kind."), HumanMessage("a")], m_system="Be terse.")["system"]
        == "Be terse.\nBe kind."
    )


def test_a_custom_service_gets_a_system_message_with_a_warning_and_a_preset_model_without() -> None:
    conversation = [SystemMessage("Be kind."), HumanMessage("a")]
    with pytest.warns(UserWarning, match="its custom services .* does not name"):
        assert body(conversation)["system"] == "Be kind."
    assert body(conversation, m_model="ERNIE-3.5-8K")["system"] == "Be kind."
    assert body("hi", m_system="Be kind.")["system"] == "Be kind."


def test_neighbours_of_one_role_are_joined() -> None:
    sent = body([HumanMessage("a"), HumanMessage("b"), AIMessage("c"), AIMessage("d"), HumanMessage("e")])
    assert [one["content"] for one in sent["messages"]] == ["a\nb", "c\nd", "e"]


def test_a_call_and_its_result_become_function_messages() -> None:
    sent = body(
        [HumanMessage("q"), AIMessage("", tool_calls=[CALL]), ToolMessage("high at 05:10", tool_call_id="as-1")],
        m_model="ERNIE-3.5-8K",
    )
    assert sent["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "get_tide", "arguments": '{"port": "青岛"}'},
        },
        {"role": "function", "name": "get_tide", "content": '{"result": "high at 05:10"}'},
    ]


@pytest.mark.parametrize("content", ['{"tide": "high"}', '{"a": 1, "b": [2]}'])
def test_a_result_that_is_a_json_object_goes_out_as_it_is(content: str) -> None:
    sent = body([HumanMessage("q"), AIMessage("", tool_calls=[CALL]), ToolMessage(content, tool_call_id="as-1")])
    assert sent["messages"][-1]["content"] == content


@pytest.mark.parametrize("content", ["[1, 2]", "3", "", "plain", '{"cut": '])
def test_any_other_result_is_wrapped_in_an_object(content: str) -> None:
    sent = body([HumanMessage("q"), AIMessage("", tool_calls=[CALL]), ToolMessage(content, tool_call_id="as-1")])
    assert sent["messages"][-1]["content"].startswith('{"result": "')


def test_each_of_several_calls_is_followed_by_its_result() -> None:
    sent = body(
        [
            HumanMessage("q"),
            AIMessage("Let me see.", tool_calls=[CALL, OTHER]),
            ToolMessage("wind", tool_call_id="as-2"),
            ToolMessage("tide", tool_call_id="as-1"),
            AIMessage("Fine."),
            HumanMessage("Thanks"),
        ]
    )
    roles = [(one["role"], (one.get("function_call") or one).get("name")) for one in sent["messages"]]
    assert roles == [
        ("user", None),
        ("assistant", "get_tide"),
        ("function", "get_tide"),
        ("assistant", "get_wind"),
        ("function", "get_wind"),
        ("assistant", None),
        ("user", None),
    ]
    assert [one["content"] for one in sent["messages"]][1:4] == ["Let me see.", '{"result": "tide"}', None]


def test_text_parts_become_one_string_and_names_are_left_out() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert body([HumanMessage(parts, name="ann")])["messages"] == [{"role": "user", "content": "a\nb"}]


@pytest.mark.parametrize(
    ("conversation", "position", "why"),
    [
        ([SystemMessage("a")], None, "needs a message from the user"),
        ([AIMessage("a"), HumanMessage("b")], 0, "beginning with the user"),
        ([FunctionMessage("{}", name="f")], 0, "here must be user, not 'function'"),
        ([HumanMessage("a"), AIMessage("b")], 1, "odd number"),
        ([HumanMessage("a"), AIMessage("b"), HumanMessage(" ")], 2, "empty"),
        ([HumanMessage("")], 0, "empty"),
        ([SystemMessage("s"), HumanMessage("a"), AIMessage("b"), HumanMessage("x" * 4799)], 3, "4,800"),
        ([HumanMessage("x" * 4801)], 0, "4,801 characters"),
        (
            [HumanMessage("a"), AIMessage("", tool_calls=[CALL, OTHER]), ToolMessage("r", tool_call_id="as-1")],
            1,
            "'as-2' has none",
        ),
        (
            [HumanMessage("a"), AIMessage("", tool_calls=[CALL]), ToolMessage("r", tool_call_id="as-9")],
            2,
            "answers no call",
        ),
        (
            [HumanMessage([{"type": "image_url", "image_url": {"url": "https://x.example"}}])],
            0,
            "no image content",
        ),
        ([HumanMessage([{"type": "mystery"}])], 0, "text only"),
    ],
)
def test_what_v1_would_refuse_is_refused_with_its_position(
    conversation: list[BaseMessage], position: int | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        body(conversation)
    assert str(caught.value).startswith("messages:" if position is None else f"messages[{position}]:")


def test_4800_characters_are_allowed() -> None:
    assert body("x" * 4800)["messages"][0]["content"] == "x" * 4800


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"m_model": "ERNIE-3.5-8K"}, 20000),
        ({"m_model": "ernie-lite-8k"}, 11200),
        ({"m_endpoint": "llama_2_7b"}, 4800),
        ({"m_max_characters": 9000}, 9000),
        ({"model": "ERNIE-Speed-8K"}, 11200),
    ],
)
def test_the_limit_is_that_of_the_model(options: dict[str, Any], most: int) -> None:
    body("x" * most, **options)
    with pytest.raises(ValueError, match=f"{most:,}"):
        body("x" * (most + 1), **options)


@pytest.mark.parametrize("options", [{"m_max_characters": 0}, {"m_model": "ERNIE-4.0-Turbo-128K"}])
def test_where_no_limit_is_known_or_wanted_there_is_none(options: dict[str, Any]) -> None:
    body("x" * 600_000, **options)


# --- bodies ---


def test_only_what_was_set_is_sent() -> None:
    assert body() == {"messages": [{"role": "user", "content": "hi"}]}
    assert body(stream=True) == {"messages": [{"role": "user", "content": "hi"}], "stream": True}


def test_all_fields_of_the_custom_page() -> None:
    sent = body(m_temperature=0.7, m_top_k=5, m_top_p=0.8, m_penalty_score=1.0, m_stop=["###"], m_user="u-42")
    del sent["messages"]
    assert sent == {
        "temperature": 0.7,
        "top_k": 5,
        "top_p": 0.8,
        "penalty_score": 1.0,
        "stop": ["###"],
        "user_id": "u-42",
    }


def test_fields_of_preset_models() -> None:
    options = {
        "min_output_tokens": 2,
        "disable_search": True,
        "enable_citation": False,
        "enable_trace": True,
        "user_setting": "u",
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
    }
    sent = body(
        m_model="ERNIE-3.5-8K",
        m_model_kwargs={"enable_system_memory": True},
        **{f"m_{k}": v for k, v in options.items()},
    )
    del sent["messages"]
    assert sent == {**options, "enable_system_memory": True}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_every_name_of_the_longest_answer_is_max_output_tokens(name: str) -> None:
    assert body(**{name: 100})["max_output_tokens"] == 100


@pytest.mark.parametrize(
    ("given", "sent"),
    [("json_object", "json_object"), ({"type": "json_object"}, "json_object"), ({"type": "text"}, "text")],
)
def test_response_format_is_a_word(given: Any, sent: str) -> None:
    assert body(response_format=given)["response_format"] == sent


@pytest.mark.parametrize("stop", ["END", ["END"]])
def test_stop_is_a_list(stop: Any) -> None:
    assert body(stop=stop)["stop"] == ["END"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"temperature": 0}, r"temperature must be in \(0, 1\].*0 is refused"),
        ({"temperature": 1.01}, r"temperature must be in \(0, 1\]"),
        ({"top_p": -0.1}, r"top_p must be in \[0, 1\]"),
        ({"top_p": 1.1}, "top_p"),
        ({"penalty_score": 0.9}, r"penalty_score must be in \[1, 2\]"),
        ({"penalty_score": 2.1}, "penalty_score"),
        ({"top_k": 0}, "top_k must be a positive integer"),
        ({"top_k": 1.5}, "top_k"),
        ({"stop": list("abcde")}, "stop: V1 takes 4 texts"),
        ({"stop": ["ok", "x" * 21]}, r"stop\[1\]: V1 takes 20 characters"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls"),
        ({"tools": [{**TOOL, "function": {**TOOL["function"], "strict": True}}]}, "strict"),
        ({"tools": [TOOL, WIND], "tool_choice": "required"}, "Name one"),
        ({"max_tokens": 5, "max_output_tokens": 6}, "max_tokens is V1's max_output_tokens"),
    ],
)
def test_values_outside_their_range_are_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        body(**options)


@pytest.mark.parametrize(
    "options",
    [{"temperature": 1}, {"temperature": 0.01}, {"top_p": 0}, {"penalty_score": 2}, {"stop": ["x" * 20] * 4}],
)
def test_the_ends_of_the_ranges_are_allowed(options: dict[str, Any]) -> None:
    assert body(**options).items() >= options.items()


def test_tools_are_functions() -> None:
    sent = body(tools=[TOOL, WIND])
    assert sent["functions"] == [TOOL["function"], WIND["function"]]
    assert not sent.keys() & {"tools", "tool_choice", "parallel_tool_calls"}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_tide"}}])
def test_a_forced_call_names_its_function(choice: Any) -> None:
    sent = body(tools=[TOOL], tool_choice=choice)
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "get_tide"}}


def test_auto_is_left_out_and_none_leaves_the_functions_out() -> None:
    assert "tool_choice" not in body(tools=[TOOL], tool_choice="auto")
    assert not body(tools=[TOOL], tool_choice="none").keys() & {"functions", "tool_choice"}


def test_tools_of_the_service_itself_stay_tools() -> None:
    own = {"type": "web_search", "web_search": {"enable": True}}
    assert body(tools=[own, TOOL])["tools"] == [own]


# --- endpoints ---


@pytest.mark.parametrize(
    ("options", "call", "path"),
    [
        ({"endpoint": "ngxxxol8_test1"}, {}, "/chat/ngxxxol8_test1"),
        ({"model": "ERNIE-4.0-8K"}, {}, "/chat/completions_pro"),
        ({"model": "ernie-bot-turbo"}, {}, "/chat/eb-instant"),
        ({"model": "ernie_speed"}, {}, "/chat/ernie_speed"),
        ({"model": "my dolly", "endpoint": "ngx_d"}, {}, "/chat/ngx_d"),
        ({"endpoint": "ngx_d"}, {"model": "ERNIE-3.5-8K"}, "/chat/completions"),
        ({"endpoint": "ngx_d"}, {"endpoint": "ngx_e"}, "/chat/ngx_e"),
    ],
)
def test_the_endpoint_stands_in_the_path_alone(options: dict[str, Any], call: dict[str, Any], path: str) -> None:
    request = request_of(model(**options), [HumanMessage("hi")], None, stream=False, **call)
    assert request.path == path
    assert list(request.body) == ["messages"]


def test_an_unknown_model_without_endpoint_is_refused() -> None:
    with pytest.raises(ValueError, match="V1 has no preset model 'dolly': pass endpoint="):
        model(model="dolly")
    with pytest.raises(ValueError, match="V1 has no preset model 'dolly'"):
        body(model="dolly")


# --- replies ---


def read(payload: dict[str, Any]) -> Any:
    from langchain_volcark.qianfan.v1.replies import read_v1_reply

    return read_v1_reply(payload)


def test_a_function_call_is_a_tool_call() -> None:
    reply = {
        "id": "as-demo3",
        "result": "",
        "finish_reason": "function_call",
        "function_call": {"name": "get_tide", "arguments": '{"port":"Qingdao"}', "thoughts": "need tide data"},
        "usage": {"prompt_tokens": 80, "completion_tokens": 20, "total_tokens": 100},
    }
    ((chosen,),) = wire_of(model()).read_reply(reply)
    (call,) = chosen.tool_calls
    assert (call.index, call.id, call.name, call.arguments) == (0, "as-demo3", "get_tide", '{"port":"Qingdao"}')
    assert chosen.additional_kwargs == {"thoughts": "need tide data"}
    assert chosen.finish_reason == "function_call"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"is_truncated": False}, None),
        ({"is_truncated": True}, "length"),
        ({"is_truncated": True, "finish_reason": "normal"}, "length"),
        ({"is_truncated": True, "finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "normal"}, "normal"),
        ({"finish_reason": "stop", "is_truncated": False}, "stop"),
    ],
)
def test_is_truncated_reads_as_length_and_other_reasons_stay(fields: dict[str, Any], reason: str | None) -> None:
    assert read({"result": "x", **fields}).finish_reason == reason


def test_safety_fields_and_unknown_fields_are_kept() -> None:
    search = {"search_results": [{"index": 1, "url": "https://x.example", "title": "X"}]}
    reply = {
        "id": "as-1",
        "object": "chat.completion",
        "created": 7,
        "sentence_id": 3,
        "is_end": True,
        "is_truncated": False,
        "result": "no",
        "need_clear_history": True,
        "ban_round": -1,
        "flag": 4,
        "search_info": search,
        "novelty": {"a": 1},
        "nothing": None,
    }
    assert read(reply).metadata == {
        "created": 7,
        "need_clear_history": True,
        "ban_round": -1,
        "flag": 4,
        "search_info": search,
        "novelty": {"a": 1},
    }
    assert read(reply).is_last


@pytest.mark.parametrize("arguments", [[], [1], 0, False, "null", "[]"])
def test_arguments_of_a_function_call_that_are_no_object_are_invalid(arguments: Any) -> None:
    reply = {"id": "as-1", "result": "", "function_call": {"name": "get_tide", "arguments": arguments}}
    message = message_of(reply)
    assert message.tool_calls == []
    assert [call["name"] for call in message.invalid_tool_calls] == ["get_tide"]


def test_function_calls_of_replies_without_an_id_get_ids_of_their_own() -> None:
    reply = {"result": "", "function_call": {"name": "get_tide", "arguments": "{}"}}
    ids = [message_of(reply).tool_calls[0]["id"] for _ in range(2)]
    assert all(ids)
    assert len(set(ids)) == 2


def message_of(reply: dict[str, Any]) -> AIMessage:
    ((delta,),) = wire_of(model()).read_reply(reply)
    assembler = StreamAssembler("qianfan")
    assembler.add(delta)
    assembler.finish()
    return assembler.message()
