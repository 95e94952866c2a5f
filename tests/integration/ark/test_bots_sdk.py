"""The official SDK's bot client compared with ours: request bodies of the documented samples, and replies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langchain_volcark import ChatArkBot, bot_metadata
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import ContentFilterError
from tests.json_types import typed

# The SDK is older than some of the warnings that its own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:volcenginesdkarkruntime.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:volcenginesdkcore.*"),
]

BOT = "bot-20240604000000-abcde"
SYSTEM = "你是豆包,是由字节跳动开发的 AI 人工智能助手"
QUESTION = "常见的十字花科植物有哪些?"
OWN_ID = "202406251728190000B7EA7A9648AC08D9"

# The requests that https://www.volcengine.com/docs/82379/1526787 and the SDK's page print, as messages.
ONE_ROUND = [SystemMessage(SYSTEM), HumanMessage(QUESTION)]
SEVERAL_ROUNDS = [
    SystemMessage(SYSTEM),
    HumanMessage("花椰菜是什么?"),
    AIMessage("花椰菜又称菜花、花菜,是一种常见的蔬菜。"),
    HumanMessage("再详细点"),
]
CURL = [SystemMessage("You are a helpful assistant."), HumanMessage("Hello!")]
WIRE = {
    "one round": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
    "several rounds": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "花椰菜是什么?"},
        {"role": "assistant", "content": "花椰菜又称菜花、花菜,是一种常见的蔬菜。"},
        {"role": "user", "content": "再详细点"},
    ],
    "curl": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hello!"},
    ],
}
SAMPLES = {"one round": ONE_ROUND, "several rounds": SEVERAL_ROUNDS, "curl": CURL}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "获取指定城市的天气信息",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
    },
}


@pytest.fixture
def bot(emulator: Emulator) -> ChatArkBot:
    return ChatArkBot(model=BOT, api_key=emulator.api_key, base_url=emulator.ark_base_url, stream_usage=False)


@pytest.fixture
def ark(emulator: Emulator) -> Iterator[Any]:
    from volcenginesdkarkruntime import Ark

    with (
        httpx.Client(base_url=emulator.ark_base_url) as http,
        Ark(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0, http_client=http) as client,
    ):
        yield client


@pytest.fixture
async def async_ark(emulator: Emulator) -> AsyncIterator[Any]:
    from volcenginesdkarkruntime import AsyncArk

    async with AsyncArk(api_key=emulator.api_key, base_url=emulator.ark_base_url, max_retries=0) as client:
        yield client


def last_body(emulator: Emulator) -> dict[str, Any]:
    """The last request's body; null and `stream: false` say what absence says."""
    assert emulator.requests[-1].path == "/api/v3/bots/chat/completions"
    body = emulator.requests[-1].json
    return {key: value for key, value in body.items() if value is not None and (key, value) != ("stream", False)}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_printed_requests_equal_the_sdks(bot: ChatArkBot, ark: Any, emulator: Emulator, sample: str) -> None:
    ark.bot_chat.completions.create(model=BOT, messages=WIRE[sample])
    theirs = last_body(emulator)
    bot.invoke(SAMPLES[sample])
    assert typed(last_body(emulator)) == typed(theirs)
    assert theirs == {"model": BOT, "messages": WIRE[sample]}


def test_the_printed_stream_request_equals_the_sdks(bot: ChatArkBot, ark: Any, emulator: Emulator) -> None:
    list(ark.bot_chat.completions.create(model=BOT, messages=WIRE["one round"], stream=True))
    theirs = last_body(emulator)
    list(bot.stream(ONE_ROUND))
    assert typed(last_body(emulator)) == typed(theirs)
    assert theirs == {"model": BOT, "messages": WIRE["one round"], "stream": True}


def test_a_request_with_every_parameter_equals_the_sdks(bot: ChatArkBot, ark: Any, emulator: Emulator) -> None:
    plain = "bot-plain-1"
    parameters: dict[str, Any] = {
        "max_tokens": 4096,
        "stop": ["你好", "天气"],
        "frequency_penalty": 1,
        "temperature": 0.8,
        "top_p": 0.8,
        "logprobs": True,
        "top_logprobs": 2,
        "logit_bias": {"1058": -100},
        "metadata": bot_metadata(
            user_info={"city": "杭州", "district": "西湖区"}, emit_intention_signal_extra=True
        ),
        "stream_options": {"include_usage": True},
    }
    messages = WIRE["one round"]
    list(ark.bot_chat.completions.create(model=plain, messages=messages, tools=[TOOL], stream=True, **parameters))
    theirs = last_body(emulator)
    own = {"bot_metadata": parameters.pop("metadata"), **parameters}
    del own["stream_options"]
    list(bot.bind_tools([TOOL]).stream(ONE_ROUND, model=plain, stream_usage=True, **own))
    assert typed(last_body(emulator)) == typed(theirs)


def test_the_printed_header_reaches_the_service_from_both(bot: ChatArkBot, ark: Any, emulator: Emulator) -> None:
    from volcenginesdkarkruntime._constants import CLIENT_REQUEST_HEADER

    ark.bot_chat.completions.create(
        model=BOT, messages=WIRE["one round"], extra_headers={CLIENT_REQUEST_HEADER: OWN_ID}
    )
    assert emulator.requests[-1].headers[CLIENT_REQUEST_HEADER] == OWN_ID
    bot.invoke(ONE_ROUND, extra_headers={CLIENT_REQUEST_HEADER: OWN_ID})
    assert emulator.requests[-1].headers[CLIENT_REQUEST_HEADER] == OWN_ID


def test_the_sdk_reads_the_same_reply(bot: ChatArkBot, ark: Any) -> None:
    theirs = ark.bot_chat.completions.create(model=BOT, messages=WIRE["one round"])
    ours = bot.invoke(ONE_ROUND)
    assert theirs.choices[0].message.content == ours.text
    assert theirs.choices[0].message.reasoning_content == ours.additional_kwargs["reasoning_content"]
    assert theirs.metadata == {}
    sent = ours.response_metadata["references"]
    assert [reference.model_dump(exclude_unset=True) for reference in theirs.references] == sent
    usage = theirs.bot_usage.model_usage[0]
    assert ours.usage_metadata == {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def test_the_sdk_reads_references_of_a_knowledge_base_and_a_weather_card(ark: Any) -> None:
    messages = [{"role": "user", "content": "休假时杭州天气如何?"}]
    reply = ark.bot_chat.completions.create(model="bot-knowledge-1", messages=messages)
    assert reply.references[0].extra["weather_card_data"]["display"]["city"] == "杭州"
    assert reply.references[-1].collection_name == "handbook"
    assert reply.references[-1].doc_name == "差旅与报销.md"


@pytest.mark.parametrize("order", ["FIRST", "DELTA", "TEXT", "MIDDLE", "LAST", "USAGE", "TWICE", "GROWING"])
def test_the_printed_loop_over_a_stream_finds_the_references(ark: Any, bot: ChatArkBot, order: str) -> None:
    question = f"{QUESTION} EMULATOR_REFERENCES_{order}"
    text, references = "", []
    stream = ark.bot_chat.completions.create(
        model=BOT,
        messages=[{"role": "user", "content": question}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        if chunk.references:
            references = chunk.references
        if not chunk.choices:
            continue
        text += chunk.choices[0].delta.content
    ours = bot.invoke(question)
    assert text == ours.text
    assert [reference.url for reference in references] == [
        reference["url"] for reference in ours.response_metadata["references"]
    ]


async def test_the_async_sdk_reads_a_reply_and_a_stream(async_ark: Any) -> None:
    reply = await async_ark.bot_chat.completions.create(model=BOT, messages=WIRE["one round"])
    assert reply.references[0].title == "十字花科植物一览"
    stream = await async_ark.bot_chat.completions.create(model=BOT, messages=WIRE["one round"], stream=True)
    found = [chunk.references async for chunk in stream if chunk.references]
    assert [reference.title for reference in found[0]][:1] == ["十字花科植物一览"]


async def test_the_async_requests_equal_too(bot: ChatArkBot, async_ark: Any, emulator: Emulator) -> None:
    await async_ark.bot_chat.completions.create(model=BOT, messages=WIRE["several rounds"])
    theirs = last_body(emulator)
    await bot.ainvoke(SEVERAL_ROUNDS)
    assert typed(last_body(emulator)) == typed(theirs)


def test_the_printed_error_is_an_error_to_both(bot: ChatArkBot, ark: Any) -> None:
    from volcenginesdkarkruntime._exceptions import ArkAPIError

    with pytest.raises(ArkAPIError) as theirs:
        ark.bot_chat.completions.create(
            model=BOT, messages=[{"role": "user", "content": "EMULATOR_SENSITIVE_INPUT"}], stream=True
        )
    with pytest.raises(ContentFilterError) as ours:
        list(bot.stream("EMULATOR_SENSITIVE_INPUT"))
    assert theirs.value.code == ours.value.code == "SensitiveContentDetected"
    assert "The request failed because the input text may contain sensitive information." in str(ours.value)


def test_the_printed_reply_reads_to_the_exact_message(bot: ChatArkBot, emulator: Emulator) -> None:
    emulator.reply_next(
        {
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
    )
    message = bot.invoke(CURL)
    assert message == AIMessage(
        content="Hello, can i help you with something?",
        id="021718067849899d92fcbe0865fdffdde********************",
        response_metadata={
            "model_provider": "volcengine",
            "request_id": message.response_metadata["request_id"],
            "model_name": "doubao-pro-4k-240515",
            "finish_reason": "stop",
            "created": 1718067849,
        },
        usage_metadata={"input_tokens": 22, "output_tokens": 9, "total_tokens": 31},
    )
