"""Documented replies and streams, from which the fuzz tests start."""

from __future__ import annotations

from typing import Any

USAGE: dict[str, Any] = {
    "prompt_tokens": 9,
    "completion_tokens": 7,
    "total_tokens": 16,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}
CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "杭'},
}
REST = {"index": 0, "function": {"arguments": '州"}'}}
LOGPROBS = {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}], "refusal": None}
REFERENCE = {
    "url": "https://example.com/a",
    "title": "Weather",
    "summary": "Cloudy.",
    "site_name": "Example",
    "publish_time": "2025年04月08日 10:30:00(CST) 星期二",
}
BOT_USAGE = {
    "model_usage": [{"name": "m", **USAGE}],
    "action_usage": [{"name": "content_plugin", "count": 1}],
    "action_details": [
        {
            "name": "content_plugin",
            "count": 1,
            "tool_details": [
                {
                    "name": "search",
                    "input": {"query": "x"},
                    "output": {"type": "function", "data": []},
                    "created_at": 1,
                }
            ],
        }
    ],
}
ITEM = {
    "point_id": "p-1",
    "id": "7-0",
    "content": "The ferry leaves at 07:40.",
    "score": 0.6,
    "rerank_score": 0.9,
    "original_question": "When?",
    "table_chunk_fields": [{"field_name": "time", "field_value": "07:40"}],
    "chunk_attachment": [{"type": "image", "caption": "A ferry", "link": "https://example.com/i.png"}],
    "doc_info": {
        "doc_id": "d",
        "doc_name": "ferry.pdf",
        "title": "Ferries",
        "doc_meta": '[{"field_name": "lang", "field_type": "string", "field_value": "en"}]',
    },
}

ITEMS: list[dict[str, Any]] = [
    {
        "id": "rs_1",
        "type": "reasoning",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": "Look "}, {"type": "summary_text", "text": "it up."}],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
        "encrypted_content": "djF7",
    },
    {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
    {"type": "knowledge_search_call", "status": "completed", "queries": ["x"], "knowledge_resource_id": "kb"},
    {
        "id": "ip_1",
        "type": "image_process",
        "status": "failed",
        "action": {"type": "zoom"},
        "arguments": {"image_index": 1},
        "error": {"message": "no"},
    },
    {"id": "ml_1", "type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "f"}]},
    {
        "id": "mc_1",
        "type": "mcp_call",
        "server_label": "s",
        "name": "f",
        "arguments": '{"a": 1}',
        "output": "1",
    },
    {"id": "mr_1", "type": "mcp_approval_request", "server_label": "s", "name": "f", "arguments": "{}"},
    {
        "id": "da_1",
        "type": "doubao_app_call",
        "feature": "chat",
        "status": "completed",
        "blocks": [
            {"id": "b1", "type": "reasoning_text", "reasoning_text": "Well."},
            {"id": "b2", "type": "search", "queries": ["x"], "results": []},
            {"id": "b3", "type": "output_text", "text": "So."},
        ],
    },
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [
            {
                "type": "output_text",
                "text": "Cloudy",
                "annotations": [{**REFERENCE, "type": "url_citation"}, {"type": "doc_citation", "doc_name": "d"}],
            },
            {"type": "output_text", "text": ", 15 °C."},
        ],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "weather",
        "arguments": ' {"city": "杭州"}',
    },
]
OUTPUT_ITEMS: list[dict[str, Any]] = [
    {**ITEMS[0], "summary": [{"type": "summary_text", "text": [0, 3]}, {"type": "summary_text", "text": [5, 9]}]},
    *ITEMS[1:7],
    {**ITEMS[7], "blocks": [{"id": "b3", "type": "output_text", "text": "So.", "shown": [0, 2]}]},
    {**ITEMS[8], "content": [{"type": "output_text", "text": [2, 6], "annotations": []}]},
    ITEMS[9],
]
ENTRIES: list[dict[str, Any]] = [
    {"type": "reasoning", "start": 0, "end": 3},
    {"type": "server_tool_call", "id": "s", "name": "f", "args": {}},
    {"type": "text", "start": 0, "end": 3, "annotations": []},
    {"type": "tool_call", "id": "call_1"},
]


def _chunk(choice: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    choices = [] if choice is None else [{"index": 0, **choice}]
    return {
        "id": "0217",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m-1",
        "choices": choices,
        **more,
    }


_COMPLETION = _chunk(
    {
        "message": {
            "role": "assistant",
            "content": "Cloudy[1], 15 °C.",
            "reasoning_content": "Look it up.",
            "tool_calls": [{**CALL, "function": {"name": "weather", "arguments": '{"city": "杭州"}'}}],
        },
        "finish_reason": "tool_calls",
        "logprobs": LOGPROBS,
    },
    usage=USAGE,
    service_tier="default",
)
_CHUNKS = [
    _chunk({"delta": {"role": "assistant", "content": "", "reasoning_content": "Look "}}),
    _chunk({"delta": {"reasoning_content": "it up."}}),
    _chunk({"delta": {"content": "Cloudy[1]"}, "logprobs": LOGPROBS}),
    _chunk({"delta": {"content": ", 15 °C."}, "logprobs": LOGPROBS}),
    _chunk({"delta": {"tool_calls": [CALL]}}),
    _chunk({"delta": {"tool_calls": [REST]}, "finish_reason": "tool_calls"}),
    _chunk(None, usage=USAGE),
]
RESPONSE_USAGE: dict[str, Any] = {
    "input_tokens": 9,
    "output_tokens": 7,
    "total_tokens": 16,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens_details": {"reasoning_tokens": 3},
    "tool_usage": {"web_search": 1},
}
_RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m-1",
    "status": "completed",
    "output": ITEMS,
    "usage": RESPONSE_USAGE,
    "store": True,
    "expire_at": 2,
}
_OPENING = {name: _RESPONSE[name] for name in ("id", "object", "created_at", "model", "store")}


def _item_events(index: int, item: dict[str, Any], *pieces: dict[str, Any]) -> list[dict[str, Any]]:
    head = {name: item[name] for name in ("id", "type", "status", "call_id", "name") if name in item}
    at = {"item_id": item.get("id"), "output_index": index}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": head},
        *({**at, **piece} for piece in pieces),
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


_ANNOTATION = {**REFERENCE, "type": "url_citation"}
_EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "response": _OPENING},
    {"type": "response.in_progress", "response": _OPENING},
    *_item_events(
        0,
        ITEMS[0],
        {"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": {"type": "summary_text"}},
        {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "Look "},
        {"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": "Look "},
        {"type": "response.reasoning_summary_text.delta", "summary_index": 1, "delta": "it "},
        {"type": "response.reasoning_text.delta", "content_index": 0, "delta": "Hm."},
    ),
    *_item_events(1, ITEMS[1], {"type": "response.web_search_call.searching"}),
    *(event for index, item in enumerate(ITEMS[2:7], 2) for event in _item_events(index, item)),
    *_item_events(
        7,
        ITEMS[7],
        {"type": "response.doubao_app_call_block.added", "block": {"id": "b1", "type": "reasoning_text"}},
        {"type": "response.doubao_app_call_reasoning_text.delta", "block_index": 0, "delta": "Well."},
        {"type": "response.doubao_app_call_block.done", "block": ITEMS[7]["blocks"][0]},
        {"type": "response.doubao_app_call_output_text.delta", "block_index": 2, "delta": "So"},
    ),
    *_item_events(
        8,
        ITEMS[8],
        {"type": "response.content_part.added", "content_index": 0, "part": {"type": "output_text"}},
        {"type": "response.output_text.delta", "content_index": 0, "delta": "Clou"},
        {"type": "response.output_text.annotation.added", "content_index": 0, "annotation": _ANNOTATION},
        {"type": "response.output_text.delta", "content_index": 0, "delta": "dy"},
        {"type": "response.output_text.done", "content_index": 0, "text": "Cloudy"},
        {"type": "response.content_part.done", "content_index": 0, "part": ITEMS[8]["content"][0]},
        {"type": "response.output_text.delta", "content_index": 1, "delta": ", 15"},
    ),
    *_item_events(
        9,
        ITEMS[9],
        {"type": "response.function_call_arguments.delta", "delta": ""},
        {"type": "response.function_call_arguments.delta", "delta": ' {"city"'},
        {"type": "response.function_call_arguments.done", "arguments": ITEMS[9]["arguments"]},
    ),
    {"type": "response.completed", "response": _RESPONSE},
]
_BOT = {"references": [REFERENCE], "bot_usage": BOT_USAGE, "metadata": {"intent": "weather"}}
_SEARCH = {"search_results": [{"index": 1, "url": "https://example.com", "title": "t"}]}
_V1: dict[str, Any] = {"id": "as-1", "object": "chat.completion", "created": 1, "need_clear_history": False}
_V1_CALL = {"name": "weather", "thoughts": "I look it up.", "arguments": '{"city": "x"}'}


def _answer(**data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "success", "request_id": "r-1", "data": data}


_PACKAGED = {
    "result_list": [ITEM],
    "rewrite_query": "When?",
    "count": 1,
    "token_usage": {"llm_token_usage": USAGE},
}
_COUNTED = {"usage": '{"prompt_tokens":16,"completion_tokens":6,"total_tokens":22}\n', "finish_reason": "stop"}

WHOLE: dict[str, Any] = {
    "ark": _COMPLETION,
    "ark responses": _RESPONSE,
    "bot": {**_COMPLETION, **_BOT},
    "qianfan": {**_COMPLETION, **_SEARCH},
    "qianfan v1": {**_V1, "result": "Cloudy.", "is_truncated": False, "function_call": _V1_CALL, "usage": USAGE},
    "viking": _answer(generated_answer="Cloudy.", reasoning_content="Look.", model="m-1", **_COUNTED),
    "viking service": _answer(generated_answer="At 07:40[1].", **_PACKAGED, end=True),
}
STREAMS: dict[str, list[Any]] = {
    "ark": _CHUNKS,
    "ark responses": _EVENTS,
    "bot": [_chunk({"delta": {"content": ""}}, **_BOT), *_CHUNKS],
    "qianfan": [{**_CHUNKS[0], **_SEARCH}, *_CHUNKS[1:]],
    "qianfan v1": [
        {**_V1, "sentence_id": 0, "is_end": False, "result": "Clou"},
        {**_V1, "sentence_id": 1, "is_end": False, "result": "dy.", "function_call": _V1_CALL},
        {**_V1, "sentence_id": 2, "is_end": True, "result": "", "finish_reason": "function_call", "usage": USAGE},
    ],
    "viking": [_answer(generated_answer="Clou"), _answer(generated_answer="dy.", **_COUNTED, end=True)],
    "viking service": [_answer(**_PACKAGED), _answer(generated_answer="At 07:40[1]."), _answer(end=True)],
}
ERRORS: dict[str, Any] = {
    "ark": {
        "error": {
            "code": "InvalidParameter",
            "message": "Bad. Request id: 0217",
            "param": "x",
            "type": "BadRequest",
        }
    },
    "ark responses": {"type": "error", "code": "InvalidParameter", "message": "Bad.", "sequence_number": 3},
    "bot": {"error": {"code": "ModelAccountTpmRateLimitExceeded", "message": "slow"}},
    "qianfan": {
        "id": "as-1",
        "error": {"code": "invalid_model", "message": "no", "type": "invalid_request_error"},
    },
    "qianfan v1": {"error_code": 336003, "error_msg": "bad, access_token=canary", "id": "as-1"},
    "viking": {"code": 1000005, "message": "no collection", "request_id": "r-1"},
    "viking service": {"ResponseMetadata": {"RequestId": "r", "Error": {"Code": "AccessDenied", "Message": "no"}}},
}

VECTORS: dict[str, Any] = {
    "ark": {"data": [{"index": 0, "embedding": [0.1, -0.2, 3], "object": "embedding"}], "usage": USAGE},
    "ark cut": {"data": [{"index": 0, "embedding": "zczMPc3MTD4AAEBA"}], "usage": USAGE},
    "ark multimodal": {"data": {"embedding": [0.1, 0.2], "sparse_embedding": [{"index": 3, "value": 0.5}],
                                "multi_embedding": "ADwAPAA8ADw="}},
    "qianfan": {"id": "as-1", "data": [{"index": 0, "embedding": [0.1, 0.2]}]},
}  # fmt: skip
SCORES: dict[str, Any] = {
    "qianfan": {"results": [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.9}]},
    "viking": _answer(scores=[0.5, 0.9], token_usage=20),
}
SEARCH = _answer(result_list=[ITEM, {"content": "x"}], rewrite_query="When?", token_usage={"a": 1}, count=2)
