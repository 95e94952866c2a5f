"""The emulator with an upstream server: bots, Qianfan, the knowledge base."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from starlette.responses import JSONResponse

from langchain_volcark import ChatArkBot, ChatQianfan, ChatVikingKnowledge, QianfanEmbeddings
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import RateLimitError, VolcArkError
from tests.integration.upstream_server import FakeUpstream, call, fake_upstream

CANARY = "sk-canary-0123456789"
SUMS = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[FakeUpstream, Emulator]]:
    with fake_upstream() as fake, Emulator(upstream=fake.url) as server:
        yield fake, server


@pytest.fixture
def upstream(running: tuple[FakeUpstream, Emulator]) -> FakeUpstream:
    running[0].reset()
    return running[0]


@pytest.fixture
def server(running: tuple[FakeUpstream, Emulator]) -> Emulator:
    return running[1]


def both(model: Any, prompt: Any) -> list[AIMessage]:
    """invoke and the sum of a stream."""
    first, *rest = model.stream(prompt)
    return [model.invoke(prompt), first + rest]


def sums(message: BaseMessage) -> dict[str, int]:
    usage = message.usage_metadata  # type: ignore[attr-defined]
    return {name: usage[name] for name in SUMS}


# --- bots ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bot(server: Emulator) -> ChatArkBot:
    return ChatArkBot(model="bot-20250407225237-6xv7r", api_key=server.api_key, base_url=server.ark_base_url)


def test_a_bots_model_is_shown_what_its_plugins_found(bot: ChatArkBot, upstream: FakeUpstream) -> None:
    upstream.message = {"content": "Broccoli[1].", "reasoning_content": "Hm."}
    for message in both(bot, "Name cruciferous plants."):
        assert message.text == "Broccoli[1]."
        assert message.additional_kwargs["reasoning_content"] == "Hm."
        assert message.response_metadata["references"]
        assert sums(message) == SUMS
    system = upstream.requests[0]["messages"][0]
    assert system["role"] == "system"
    assert "<context>\n[1]" in system["content"]


def test_a_bot_that_found_nothing_shows_nothing(bot: ChatArkBot, upstream: FakeUpstream) -> None:
    for message in both(bot, "xyzzy"):
        assert "references" not in message.response_metadata
    assert [one["role"] for one in upstream.requests[0]["messages"]] == ["user"]


# --- Qianfan -------------------------------------------------------------------------------------------------------


@pytest.fixture
def v2(server: Emulator) -> dict[str, Any]:
    return {"api_key": server.qianfan_api_key, "base_url": server.qianfan_base_url}


@pytest.fixture
def v1(server: Emulator) -> dict[str, Any]:
    keys = {"access_key": server.access_key, "secret_key": server.secret_key}
    return {"api_version": "v1", "base_url": server.qianfan_v1_base_url, **keys}


def test_v2(v2: dict[str, Any], upstream: FakeUpstream) -> None:
    upstream.message = {"content": "Lima", "reasoning_content": "Peru."}
    for message in both(ChatQianfan(model="deepseek-v4-pro", thinking="enabled", **v2), "Capital of Peru?"):
        assert message.text == "Lima"
        assert message.additional_kwargs["reasoning_content"] == "Peru."
        assert message.response_metadata["finish_reason"] == "stop"
        assert sums(message) == SUMS
        assert message.usage_metadata["output_token_details"]["reasoning"] > 0  # type: ignore[index,typeddict-item]
    assert upstream.requests[0]["chat_template_kwargs"]["enable_thinking"] is True


def test_v2_tools_and_penalty(v2: dict[str, Any], upstream: FakeUpstream) -> None:
    def get_weather(city: str) -> str:
        """Weather."""
        return city

    upstream.message = {"content": None, "tool_calls": [call("get_weather", '{"city": "Rome"}')]}
    model = ChatQianfan(model="ernie-5.1", penalty_score=1.2, **v2).bind_tools([get_weather])
    for message in both(model, "Weather?"):
        assert [one["args"] for one in message.tool_calls] == [{"city": "Rome"}]
        assert message.response_metadata["finish_reason"] == "tool_calls"
    assert upstream.requests[0]["repeat_penalty"] == 1.2


def test_v2_search_is_still_the_emulators(v2: dict[str, Any], upstream: FakeUpstream) -> None:
    search = {"enable": True, "enable_trace": True, "enable_status": True}
    for message in both(ChatQianfan(model="ernie-5.1", web_search=search, **v2), "Hi"):
        assert message.text == "Hello."
        assert len(message.response_metadata["search_results"]) == 3


def test_v2_unsafe_input_never_reaches_the_model(v2: dict[str, Any], upstream: FakeUpstream) -> None:
    model = ChatQianfan(model="ernie-5.1", **v2)
    for message in both(model, "EMULATOR_SENSITIVE_INPUT"):
        assert message.response_metadata["finish_reason"] == "content_filter"
    assert upstream.requests == []


def test_v2_embeddings(v2: dict[str, Any], upstream: FakeUpstream) -> None:
    model = QianfanEmbeddings(model="bge-large-zh", **v2)
    assert model.embed_documents(["a", "four"]) == [[1.0, 0.5, -0.25], [4.0, 0.5, -0.25]]


@pytest.mark.parametrize(("service", "space"), [({"model": "ERNIE-3.5-8K"}, ""), ({"endpoint": "ngx_test1"}, " ")])
def test_v1(v1: dict[str, Any], upstream: FakeUpstream, service: dict[str, str], space: str) -> None:
    for message in both(ChatQianfan(**service, **v1), "Hi"):
        assert message.text == f"{space}Hello."
        assert sums(message) == SUMS


def test_v1_functions(v1: dict[str, Any], upstream: FakeUpstream) -> None:
    def get_weather(city: str) -> str:
        """Weather."""
        return city

    upstream.message = {"content": "", "tool_calls": [call("get_weather", '{"city": "Rome"}')]}
    for message in both(ChatQianfan(model="ERNIE-3.5-8K", **v1).bind_tools([get_weather]), "Weather?"):
        assert [one["args"] for one in message.tool_calls] == [{"city": "Rome"}]


# --- the knowledge base --------------------------------------------------------------------------------------------


@pytest.fixture
def signed(server: Emulator) -> dict[str, Any]:
    keys = {"access_key": server.access_key, "secret_key": server.secret_key}
    return {"base_url": server.knowledge_base_url, **keys}


def test_knowledge_chat(signed: dict[str, Any], upstream: FakeUpstream) -> None:
    upstream.message = {"content": "At 07:40.", "reasoning_content": "Hm."}
    model = ChatVikingKnowledge(model="Doubao-seed-1-6-thinking", max_tokens=50, **signed)
    for message in both(model, "When does the ferry leave?"):
        assert message.text == "At 07:40."
        assert message.additional_kwargs["reasoning_content"] == "Hm."
        assert sums(message) == SUMS
    assert upstream.requests[0]["max_tokens"] == 50


def test_a_packaged_service_answers_from_what_it_found(server: Emulator, upstream: FakeUpstream) -> None:
    upstream.message = {"content": "At 07:40 [1]."}
    model = ChatVikingKnowledge(
        service_resource_id="kb-service-demo", api_key=server.service_api_key, base_url=server.knowledge_base_url
    )
    for message in both(model, "When does the ferry leave?"):
        assert message.text == "At 07:40 [1]."
        assert message.response_metadata["references"]
    system = upstream.requests[0]["messages"][0]["content"]
    assert "<context>" in system
    assert "ferry" in system.lower()


# --- errors of the two that have other envelopes --------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_errors_in_the_envelopes_of_v1_and_the_knowledge_base(
    v1: dict[str, Any], signed: dict[str, Any], upstream: FakeUpstream, stream: bool
) -> None:

    def failing(model: Any) -> VolcArkError:
        with pytest.raises(VolcArkError) as caught:
            list(model.stream("Hi")) if stream else model.invoke([HumanMessage("Hi")])
        return caught.value

    upstream.answer = lambda _: JSONResponse({"error": {"message": "slow down"}}, 429)
    error = failing(ChatQianfan(model="ERNIE-3.5-8K", max_retries=0, **v1))
    assert isinstance(error, RateLimitError)
    assert str(error.code) == "336501"
    error = failing(ChatVikingKnowledge(model="Doubao-1-5-pro-32k", max_retries=0, **signed))
    assert isinstance(error, RateLimitError)
    assert str(error.code) == "1000029"


# --- from a shell --------------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "langchain_volcark.emulator"]


def test_the_key_comes_from_the_environment_never_from_the_command_line(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_UPSTREAM_KEY", CANARY)
    arguments = ["--api-key", "secret", "--upstream", upstream.url, "--upstream-key-env", "MY_UPSTREAM_KEY"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            printed = [process.stdout.readline() for _ in range(5)]
            url = printed[0].removeprefix("export ARK_BASE_URL=").strip()
            bot = ChatArkBot(model="bot-plain-1", api_key="secret", base_url=url)
            assert bot.invoke("xyzzy").text == "Hello."
        finally:
            process.terminate()
    assert upstream.keys == [f"Bearer {CANARY}"]
    assert CANARY not in "".join(printed)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--upstream", "nowhere"], "upstream must be the address of a server"),
        (["--upstream", "http://127.0.0.1:1", "--upstream-key-env", "NOT_SET"], "NOT_SET is not set"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(arguments: list[str], says: str) -> None:
    ended = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
