"""The vendor's SDK works with the emulator's Ark API."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

# The SDK is older than some of the warnings that its own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:volcenginesdkarkruntime.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:volcenginesdkcore.*"),
]

MODEL = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"
ENDPOINT = "ep-20250101000000-abcde"
HI: list[Any] = [{"role": "user", "content": "Hi"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def ark(server: Emulator) -> Iterator[Any]:
    from volcenginesdkarkruntime import Ark

    server.reset()
    with (
        httpx.Client(base_url=server.ark_base_url) as http,
        Ark(api_key=server.api_key, base_url=server.ark_base_url, max_retries=0, http_client=http) as client,
    ):
        yield client


@pytest.fixture
async def async_ark(server: Emulator) -> AsyncIterator[Any]:
    from volcenginesdkarkruntime import AsyncArk

    server.reset()
    async with AsyncArk(api_key=server.api_key, base_url=server.ark_base_url, max_retries=0) as client:
        yield client


def test_sdk_reads_a_reply(ark: Any) -> None:
    reply = ark.chat.completions.create(model=MODEL, messages=HI)
    choice = reply.choices[0]
    assert choice.message.content == "You said: Hi"
    assert choice.message.reasoning_content
    assert choice.message.encrypted_content
    assert choice.finish_reason == "stop"
    assert reply.model == MODEL
    assert reply.usage.completion_tokens_details.reasoning_tokens > 0
    assert reply.usage.prompt_tokens_details.cached_tokens == 0


def test_sdk_sends_null_for_everything_unset(ark: Any, server: Emulator) -> None:
    ark.chat.completions.create(model=MODEL, messages=HI)
    assert server.requests[-1].json["function_call"] is None


def test_sdk_reads_a_stream(ark: Any) -> None:
    stream = ark.chat.completions.create(
        model=MODEL, messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "You said: Hi"
    assert "".join(delta.reasoning_content or "" for delta in deltas)
    assert sum(delta.encrypted_content is not None for delta in deltas) == 1
    assert chunks[-1].usage.total_tokens > 0


def test_sdk_goes_through_a_tool_loop(ark: Any) -> None:
    messages: list[Any] = [{"role": "user", "content": "Weather in 'Rome'?"}]
    reply = ark.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    message = reply.choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Rome"}

    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    again = [*messages, message.model_dump(), result]
    reply = ark.chat.completions.create(model=MODEL, messages=again, tools=[WEATHER])
    assert reply.choices[0].message.content == "The tools answered: get_weather returned sunny"


def test_sdk_adds_up_streamed_tool_calls(ark: Any) -> None:
    messages = [{"role": "user", "content": "Weather in 'Rome'?"}]
    stream = ark.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER], stream=True)
    calls = [call for chunk in stream for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert calls[0].function.name == "get_weather"
    assert json.loads("".join(call.function.arguments or "" for call in calls)) == {"city": "Rome"}


def test_sdk_reads_logprobs(ark: Any) -> None:
    reply = ark.chat.completions.create(model=PLAIN, messages=HI, logprobs=True, top_logprobs=3)
    assert len(reply.choices[0].logprobs.content[0].top_logprobs) == 3


def test_sdk_reads_a_moderated_choice(ark: Any) -> None:
    messages = [{"role": "user", "content": "EMULATOR_FILTER_OUTPUT"}]
    choice = ark.chat.completions.create(model=MODEL, messages=messages).choices[0]
    assert (choice.finish_reason, choice.moderation_hit_type) == ("content_filter", "severe_violation")


def test_sdk_raises_the_classes_of_the_errors(ark: Any, server: Emulator) -> None:
    from volcenginesdkarkruntime._exceptions import (
        ArkAuthenticationError,
        ArkBadRequestError,
        ArkInternalServerError,
        ArkNotFoundError,
        ArkRateLimitError,
    )

    with pytest.raises(ArkNotFoundError) as caught:
        ark.chat.completions.create(model="nobody", messages=HI)
    assert caught.value.code == "InvalidEndpointOrModel.NotFound"
    with pytest.raises(ArkBadRequestError) as refused:
        ark.chat.completions.create(model=MODEL, messages=HI, max_tokens=1, max_completion_tokens=1)
    assert (refused.value.code, refused.value.param) == ("InvalidParameter", "max_completion_tokens")
    server.fail_next(401, "AuthenticationError")
    server.fail_next()
    server.fail_next(500, "InternalServiceError")
    for expected in (ArkAuthenticationError, ArkRateLimitError, ArkInternalServerError):
        with pytest.raises(expected):
            ark.chat.completions.create(model=MODEL, messages=HI)


def test_sdk_raises_on_an_error_inside_a_stream(ark: Any) -> None:
    from volcenginesdkarkruntime._exceptions import ArkAPIError

    messages = [{"role": "user", "content": "EMULATOR_REFUSE_OUTPUT"}]
    stream = ark.chat.completions.create(model=MODEL, messages=messages, stream=True)
    with pytest.raises(ArkAPIError, match="sensitive information"):
        list(stream)


def test_sdk_retries_what_fails_for_a_while(server: Emulator) -> None:
    from volcenginesdkarkruntime import Ark

    server.reset()
    server.fail_next()
    with Ark(api_key=server.api_key, base_url=server.ark_base_url, max_retries=1) as client:
        assert client.chat.completions.create(model=MODEL, messages=HI).choices
    assert len(server.requests) == 2


def test_sdk_reads_a_tokenization(ark: Any) -> None:
    reply = ark.tokenization.create(model=PLAIN, text=["hello", "世界"])
    assert [row.total_tokens for row in reply.data] == [2, 2]
    assert reply.data[1].offset_mapping == [[0, 1], [1, 2]]


async def test_async_sdk_reads_a_reply_and_a_stream(async_ark: Any) -> None:
    reply = await async_ark.chat.completions.create(model=PLAIN, messages=HI)
    assert reply.choices[0].message.content == "You said: Hi"
    stream = await async_ark.chat.completions.create(model=PLAIN, messages=HI, stream=True)
    texts = [choice.delta.content async for chunk in stream for choice in chunk.choices]
    assert "".join(texts) == "You said: Hi"


async def test_async_sdk_raises_errors(async_ark: Any) -> None:
    from volcenginesdkarkruntime._exceptions import ArkNotFoundError

    with pytest.raises(ArkNotFoundError):
        await async_ark.chat.completions.create(model="nobody", messages=HI)


# AK/SK: the SDK signs, the emulator verifies. The SDK has no argument for the control plane's host; its
# configuration object has.


@pytest.fixture
def control_plane(server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    import volcenginesdkcore

    original = volcenginesdkcore.Configuration.set_default

    def local(configuration: Any) -> None:
        configuration.host = server.control_base_url
        configuration.num_max_retries = 0
        original(configuration)

    monkeypatch.setattr(volcenginesdkcore.Configuration, "set_default", local)
    server.reset()


@pytest.mark.usefixtures("control_plane")
def test_sdk_exchanges_its_keys_for_a_temporary_one(server: Emulator) -> None:
    from volcenginesdkarkruntime import Ark

    with Ark(ak=server.access_key, sk=server.secret_key, base_url=server.ark_base_url, max_retries=0) as client:
        for _ in range(2):
            reply = client.chat.completions.create(model=ENDPOINT, messages=HI)
    assert reply.choices[0].message.content == "You said: Hi"
    exchange, first, second = server.requests
    assert exchange.query["Action"] == "GetApiKey"
    assert exchange.json["ResourceIds"] == [ENDPOINT]
    assert first.headers["authorization"] == second.headers["authorization"] != f"Bearer {server.api_key}"


@pytest.mark.usefixtures("control_plane")
def test_sdk_with_a_wrong_secret_is_refused(server: Emulator) -> None:
    from volcenginesdkarkruntime import Ark
    from volcenginesdkarkruntime._exceptions import ArkAPIError

    with (
        Ark(ak=server.access_key, sk="wrong", base_url=server.ark_base_url, max_retries=0) as client,
        pytest.raises(ArkAPIError, match="SignatureDoesNotMatch"),
    ):
        client.chat.completions.create(model=ENDPOINT, messages=HI)
