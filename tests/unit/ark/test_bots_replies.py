"""Bot replies as the pages print them, read to the exact message."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage

from langchain_volcark.ark.blocks import plugin_blocks
from langchain_volcark.ark.bots.replies import read_bot_reply, sum_model_usage
from langchain_volcark.messages.assembler import StreamAssembler

# The reply printed on https://www.volcengine.com/docs/82379/1526787 in 2024; the masked digits of `created` filled in.
HELLO: dict[str, Any] = {
    "id": "021718067849899d92fcbe0865fdffdde********************",
    "object": "chat.completion",
    "created": 1718067849,
    "model": "doubao-pro-4k-240515",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello, can i help you with something?"},
            "logprobs": {"content": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 22, "completion_tokens": 9, "total_tokens": 31},
}

WEB_REFERENCE = {
    "url": "https://example.com/a",
    "title": "Weather",
    "site_name": "Example",
    "summary": "Cloudy.",
    "logo_url": "",
    "publish_time": "2025年04月08日 10:30:00(CST) 星期二",
    "extra": {"rel_info": "强相关", "freshness_info": "x", "auth_info": "y", "final_ref": ""},
}
CALL = {
    "name": "search",
    "input": {"queries": ["hangzhou weather"], "source_type": ["search_engine"], "offset": 0, "count": 5},
    "output": {"type": "tool", "data": {"status_code": 200, "data": {"has_more": False, "results": []}}},
    "created_at": 1760000000100,
    "completed_at": 1760000001200,
}
BOT_USAGE: dict[str, Any] = {
    "model_usage": [
        {"name": "doubao-1-5-pro-32k-250115", "prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}
    ],
    "action_usage": [{"action_name": "content_plugin", "count": 1}],
    "action_details": [{"name": "content_plugin", "count": 1, "tool_details": [CALL]}],
}
# The shape of the page's newest sample: reasoning, plugin, references, no `usage`.
WEATHER: dict[str, Any] = {
    "id": "0217",
    "object": "chat.completion",
    "created": 1760000000,
    "model": "doubao-1-5-pro-32k-250115",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Cloudy, 15 °C.", "reasoning_content": "Look it up."},
        }
    ],
    "bot_usage": BOT_USAGE,
    "references": [WEB_REFERENCE],
    "metadata": {},
}


def message_of(*payloads: dict[str, Any]) -> AIMessage:
    assembler = StreamAssembler("volcengine")
    for payload in payloads:
        assembler.add(read_bot_reply(payload))
    assembler.finish()
    return assembler.message()


def test_the_reply_of_the_2024_page() -> None:
    assert message_of(HELLO) == AIMessage(
        content="Hello, can i help you with something?",
        id="021718067849899d92fcbe0865fdffdde********************",
        response_metadata={
            "model_provider": "volcengine",
            "model_name": "doubao-pro-4k-240515",
            "finish_reason": "stop",
            "created": 1718067849,
        },
        usage_metadata={"input_tokens": 22, "output_tokens": 9, "total_tokens": 31},
    )


def test_the_reply_with_references_and_a_plugin() -> None:
    assert message_of(WEATHER) == AIMessage(
        content="Cloudy, 15 °C.",
        id="0217",
        additional_kwargs={"reasoning_content": "Look it up."},
        response_metadata={
            "model_provider": "volcengine",
            "model_name": "doubao-1-5-pro-32k-250115",
            "finish_reason": "stop",
            "created": 1760000000,
            "bot_usage": BOT_USAGE,
            "references": [WEB_REFERENCE],
        },
        usage_metadata={"input_tokens": 900, "output_tokens": 40, "total_tokens": 940},
    )


def test_its_content_blocks() -> None:
    assert message_of(WEATHER).content_blocks == [
        {"type": "reasoning", "reasoning": "Look it up."},
        {
            "type": "text",
            "text": "Cloudy, 15 °C.",
            "annotations": [
                {
                    "type": "citation",
                    "url": "https://example.com/a",
                    "title": "Weather",
                    "cited_text": "Cloudy.",
                    "extras": {
                        "site_name": "Example",
                        "publish_time": "2025年04月08日 10:30:00(CST) 星期二",
                        "extra": WEB_REFERENCE["extra"],
                    },
                }
            ],
        },
        {
            "type": "server_tool_call",
            "id": "action_0",
            "name": "search",
            "args": CALL["input"],
            "extras": {"plugin": "content_plugin", "created_at": 1760000000100},
        },
        {
            "type": "server_tool_result",
            "tool_call_id": "action_0",
            "status": "success",
            "output": CALL["output"],
            "extras": {"plugin": "content_plugin", "completed_at": 1760000001200},
        },
    ]


def test_tokens_of_all_models_are_summed() -> None:
    usage = {
        "model_usage": [
            {"prompt_tokens": 35, "completion_tokens": 175, "total_tokens": 210},
            {"name": "ep-1", "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        ]
    }
    assert sum_model_usage(usage) == {"input_tokens": 40, "output_tokens": 177, "total_tokens": 217}


def test_details_of_all_models_are_summed() -> None:
    one = {
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert sum_model_usage({"model_usage": [one, one]}) == {
        "input_tokens": 18,
        "output_tokens": 6,
        "total_tokens": 24,
        "input_token_details": {"cache_read": 8},
        "output_token_details": {"reasoning": 4},
    }


def test_usage_with_a_bot_usage_of_null_is_the_usage() -> None:
    message = message_of({**HELLO, "bot_usage": None})
    assert message.usage_metadata == {"input_tokens": 22, "output_tokens": 9, "total_tokens": 31}
    assert "bot_usage" not in message.response_metadata


def test_nothing_is_invented_where_neither_came() -> None:
    silent = {key: value for key, value in WEATHER.items() if key != "bot_usage"}
    assert message_of(silent).usage_metadata is None


def test_a_bot_usage_that_names_no_model_is_kept_and_counts_nothing() -> None:
    usage = {"model_usage": [], "action_usage": [], "action_details": []}
    message = message_of({**WEATHER, "bot_usage": usage})
    assert message.usage_metadata is None
    assert message.response_metadata["bot_usage"] == usage


def test_where_both_came_the_sum_counts_and_the_other_is_kept() -> None:
    message = message_of({**WEATHER, "usage": HELLO["usage"]})
    assert message.usage_metadata == {"input_tokens": 900, "output_tokens": 40, "total_tokens": 940}
    assert message.response_metadata["usage"] == HELLO["usage"]


def test_a_payload_with_choice_references_and_usage_loses_nothing() -> None:
    logprobs = {"content": [{"token": "C", "logprob": -0.1}]}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "delta": {"role": "assistant", "content": "C"},
        "logprobs": logprobs,
    }
    message = message_of({**WEATHER, "choices": [choice]})
    assert message.content == "C"
    assert message.response_metadata["finish_reason"] == "stop"
    assert message.response_metadata["logprobs"] == logprobs
    assert message.response_metadata["references"] == [WEB_REFERENCE]
    assert message.usage_metadata is not None


def test_log_probabilities_survive_a_null_that_comes_after_them() -> None:
    def payload(token: str, logprobs: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"content": token}, "logprobs": logprobs}]}

    tokens = {"content": [{"token": "a"}]}
    message = message_of(payload("a", tokens), payload("", {"content": None}))
    assert message.response_metadata["logprobs"] == tokens


def test_fields_nobody_knows_keep_their_names() -> None:
    message = message_of({**WEATHER, "action_usage": [{"action_name": "x", "count": 2}], "new": 1})
    assert message.response_metadata["action_usage"] == [{"action_name": "x", "count": 2}]
    assert message.response_metadata["new"] == 1


def test_action_details_beside_bot_usage_are_read_too() -> None:
    details = [{"name": "calculator", "count": 1, "tool_details": [{"name": "add", "input": "1+1", "output": 2}]}]
    assert plugin_blocks({"action_details": details}) == [
        {
            "type": "server_tool_call",
            "id": "action_0",
            "name": "add",
            "args": {"input": "1+1"},
            "extras": {"plugin": "calculator"},
        },
        {
            "type": "server_tool_result",
            "tool_call_id": "action_0",
            "status": "success",
            "output": 2,
            "extras": {"plugin": "calculator"},
        },
    ]


def test_a_plugin_that_failed_and_one_without_an_answer() -> None:
    failed = {"name": "fetch", "input": {}, "output": {"type": "exception", "data": {"message": "gone"}}}
    details = [{"name": "link_reader", "tool_details": [failed, {"name": "fetch", "input": None}]}]
    blocks = plugin_blocks({"bot_usage": {"action_details": details}})
    assert [block["type"] for block in blocks] == ["server_tool_call", "server_tool_result", "server_tool_call"]
    assert blocks[1]["status"] == "error"
    assert [block["id"] for block in blocks if "id" in block] == ["action_0", "action_1"]


def test_details_of_another_shape_are_no_blocks() -> None:
    for details in (None, "x", [None], [{"tool_details": None}], [{"tool_details": ["x"]}]):
        assert plugin_blocks({"bot_usage": {"action_details": details}}) == []
