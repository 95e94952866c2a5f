"""The vendor's SDKs as witnesses: for the same call of batch inference their body equals ours, types included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_volcark import ArkEmbeddings, ChatArk
from langchain_volcark.emulator import Emulator
from tests.integration.ark.batch.conftest import ENDPOINT
from tests.integration.emulator.responses_kit import SDKS, official_sdk
from tests.json_types import typed

Make = Callable[..., ChatArk]
MakeEmbeddings = Callable[..., ArkEmbeddings]
Json = dict[str, Any]

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather.", "parameters": PARAMETERS},
}
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
ASK: Json = {"role": "user", "content": "json: weather in Hangzhou?"}
HUMAN = HumanMessage(ASK["content"])
LINK = "https://example.com/a.png"
CALL: Any = {"name": "get_weather", "args": {"city": "杭州"}, "id": "c1", "type": "tool_call"}
WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "杭州"}'}}

Case = tuple[list[BaseMessage], list[Json], Json, Json]


def fields(ours: Json, theirs: Json | None = None) -> Case:
    """A question with some fields, which have the same names on both sides unless said otherwise."""
    return [HUMAN], [ASK], ours, ours if theirs is None else theirs


# our messages, the SDK's, our arguments, the SDK's
CHATS: dict[str, Case] = {
    "plain": fields({}),
    "sampling": fields({"temperature": 0, "top_p": 0.5, "max_tokens": 64}),
    "thinking": fields({"thinking": "disabled"}, {"thinking": {"type": "disabled"}}),
    "tools": fields({"tools": [TOOL], "parallel_tool_calls": False}),
    "a forced tool": fields({"tools": [TOOL], "tool_choice": "any"}, {"tools": [TOOL], "tool_choice": "required"}),
    "a schema": fields({"response_format": FORMAT}),
    "stop and user": fields({"stop": ["x", "y"], "user": "me"}),
    "penalties": fields({"frequency_penalty": 1, "presence_penalty": -0.5, "logit_bias": {"7": 3}}),
    "logprobs": fields({"logprobs": True, "top_logprobs": 2}),
    "longest answer": fields({"max_completion_tokens": 640}),
    "several turns": (
        [SystemMessage("S"), HUMAN, AIMessage("Sunny."), HUMAN],
        [{"role": "system", "content": "S"}, ASK, {"role": "assistant", "content": "Sunny."}, ASK],
        {},
        {},
    ),
    "a tool loop": (
        [HUMAN, AIMessage("", tool_calls=[CALL]), ToolMessage("15 °C", tool_call_id="c1")],
        [
            ASK,
            {"role": "assistant", "content": "", "tool_calls": [WIRE_CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "15 °C"},
        ],
        {"tools": [TOOL]},
        {"tools": [TOOL]},
    ),
    "an image": (
        [HumanMessage([{"type": "text", "text": "What?"}, {"type": "image", "url": LINK}])],
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": LINK}}],
            }
        ],
        {},
        {},
    ),
}
TEXTS: dict[str, tuple[list[str], Json]] = {
    "one": (["one"], {}),
    "several": (["one", "two"], {"user": "me"}),
}
PARTS: Any = [
    {"type": "text", "text": "a tower"},
    {"type": "image_url", "image_url": {"url": LINK}},
    {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", "fps": 1}},
]


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def same_requests(emulator: Emulator, path: str) -> None:
    mine, reference = emulator.requests
    assert mine.path == reference.path == f"/api/v3/batch/{path}"
    assert typed(mine.json) == typed(without_nulls(reference.json))


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest, emulator: Emulator) -> Any:
    with official_sdk(request.param, emulator) as made:
        yield made


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_is_the_sdks(name: str, make: Make, sdk: Any, emulator: Emulator) -> None:
    ours, theirs, our_arguments, their_arguments = CHATS[name]
    reply = {"id": "r", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}
    emulator.reply_next(reply, times=2)
    make().invoke(ours, **our_arguments)
    sdk.batch.chat.completions.create(model=ENDPOINT, messages=theirs, **their_arguments)
    same_requests(emulator, "chat/completions")


@pytest.mark.parametrize("name", TEXTS)
def test_text_embeddings_are_the_sdks(
    name: str, make_embeddings: MakeEmbeddings, sdk: Any, emulator: Emulator
) -> None:
    texts, arguments = TEXTS[name]
    found = make_embeddings(multimodal=False, **arguments).embed_documents(texts)
    reply = sdk.batch.embeddings.create(model=ENDPOINT, input=texts, encoding_format="float", **arguments)
    assert found == [row.embedding for row in reply.data]
    same_requests(emulator, "embeddings")


@pytest.mark.parametrize("options", [{}, {"dimensions": 1024}], ids=["plain", "dimensions"])
def test_multimodal_embeddings_are_the_sdks(
    options: Json, make_embeddings: MakeEmbeddings, sdk: Any, emulator: Emulator
) -> None:
    found = make_embeddings(**options).embed_inputs([PARTS])
    reply = sdk.batch.multimodal_embeddings.create(model=ENDPOINT, input=PARTS, encoding_format="float", **options)
    assert found == [reply.data.embedding]
    same_requests(emulator, "embeddings/multimodal")


def test_sparse_embeddings_are_the_sdks(make_embeddings: MakeEmbeddings, sdk: Any, emulator: Emulator) -> None:
    make_embeddings().embed_sparse(["a blue tower"])
    sdk.batch.multimodal_embeddings.create(
        model=ENDPOINT,
        input=[{"type": "text", "text": "a blue tower"}],
        encoding_format="float",
        extra_body={"sparse_embedding": {"type": "enabled"}},  # the older SDK has no argument for it
    )
    same_requests(emulator, "embeddings/multimodal")
