"""What callbacks and tracers find beside the message, for every chat model and style."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps, loads
from langchain_core.messages import HumanMessage
from langchain_core.outputs import LLMResult

import langchain_volcark
from langchain_volcark import ChatArk, ChatArkBot, ChatQianfan, ChatVikingKnowledge
from langchain_volcark.emulator import Emulator

Make = Callable[..., Any]

MAKERS: dict[str, Callable[[Emulator], Any]] = {
    "ark": lambda s: (
        lambda **k: ChatArk(model="doubao-seed-2-1-pro-260915", api_key=s.api_key, base_url=s.ark_base_url, **k)
    ),
    "bot": lambda s: (
        lambda **k: ChatArkBot(model="bot-20250101000000-demo1", api_key=s.api_key, base_url=s.ark_base_url, **k)
    ),
    "qianfan": lambda s: (
        lambda **k: ChatQianfan(model="ernie-5.1", api_key=s.qianfan_api_key, base_url=s.qianfan_base_url, **k)
    ),
    "qianfan_v1": lambda s: (
        lambda **k: ChatQianfan(
            api_version="v1",
            endpoint="completions",
            client_id=s.client_id,
            client_secret=s.client_secret,
            token_url=s.token_url,
            base_url=s.qianfan_v1_base_url,
            **k,
        )
    ),
    "knowledge": lambda s: (
        lambda **k: ChatVikingKnowledge(
            model="Doubao-1-5-pro-32k",
            access_key=s.access_key,
            secret_key=s.secret_key,
            base_url=s.knowledge_base_url,
            **k,
        )
    ),
}
every_chat_model = pytest.mark.parametrize("name", MAKERS)


class _Ends(BaseCallbackHandler):
    """Keeps what `on_llm_end` is given."""

    def __init__(self) -> None:
        self.results: list[LLMResult] = []

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        self.results.append(response)


async def _run(model: Any, style: str) -> tuple[Any, LLMResult]:
    ends = _Ends()
    config: Any = {"callbacks": [ends]}
    if style == "invoke":
        message = await asyncio.to_thread(model.invoke, "hello", config)
    elif style == "ainvoke":
        message = await model.ainvoke("hello", config)
    else:
        chunks = [chunk async for chunk in model.astream("hello", config)]
        message = sum(chunks[1:], chunks[0])
    (result,) = ends.results
    return message, result


@every_chat_model
@pytest.mark.parametrize("style", ["invoke", "ainvoke"])
async def test_llm_output_tells_tokens_model_and_id(name: str, style: str, emulator: Emulator) -> None:
    message, result = await _run(MAKERS[name](emulator)(), style)
    output = result.llm_output
    assert output is not None
    usage = message.usage_metadata
    assert output["token_usage"]["prompt_tokens"] == usage["input_tokens"] > 0
    assert output["token_usage"]["completion_tokens"] == usage["output_tokens"] > 0
    assert output["token_usage"]["total_tokens"] == usage["total_tokens"]
    assert output["model_name"] == message.response_metadata["model_name"]
    assert output.get("id") == message.id or message.id.startswith(("lc_run", "run-"))


@every_chat_model
@pytest.mark.parametrize("style", ["invoke", "ainvoke", "astream"])
async def test_generation_info_says_why_the_answer_ended(name: str, style: str, emulator: Emulator) -> None:
    message, result = await _run(MAKERS[name](emulator)(), style)
    info = result.generations[0][0].generation_info or {}
    assert info.get("finish_reason") == message.response_metadata.get("finish_reason")
    assert "finish_reason" in info or name == "knowledge"  # whose replies name no reason


async def test_generation_info_holds_log_probabilities(emulator: Emulator) -> None:
    model = ChatArk(
        model="doubao-1-5-pro-32k-250115", logprobs=True, api_key=emulator.api_key, base_url=emulator.ark_base_url
    )
    for style in ("invoke", "astream"):
        message, result = await _run(model, style)
        info = result.generations[0][0].generation_info
        assert info is not None
        assert info["logprobs"] == message.response_metadata["logprobs"]


@every_chat_model
async def test_llm_output_is_not_copied_into_the_message(name: str, emulator: Emulator) -> None:
    model = MAKERS[name](emulator)()
    invoked = await model.ainvoke("hello")
    chunks = [chunk async for chunk in model.astream("hello")]
    summed = sum(chunks[1:], chunks[0])
    assert invoked.response_metadata.keys() == summed.response_metadata.keys()
    assert not {"token_usage", "id"} & invoked.response_metadata.keys()


async def test_a_streaming_invoke_tells_its_tokens_too(emulator: Emulator) -> None:
    message, result = await _run(MAKERS["ark"](emulator)(streaming=True), "ainvoke")
    assert result.llm_output is not None
    assert result.llm_output["token_usage"]["total_tokens"] == message.usage_metadata["total_tokens"]


def test_an_answer_from_a_cache_spent_no_tokens(emulator: Emulator) -> None:
    model = MAKERS["ark"](emulator)(cache=InMemoryCache())
    ends = _Ends()
    for _ in range(2):
        model.invoke("hello", {"callbacks": [ends]})
    first, second = ends.results
    assert first.llm_output is not None
    assert second.llm_output is None


def test_tokens_of_several_calls_are_added_up(emulator: Emulator) -> None:
    result = MAKERS["ark"](emulator)().generate([[HumanMessage("hello")], [HumanMessage("hello, once more")]])
    parts = [answer[0].message.usage_metadata for answer in result.generations]
    usage = result.llm_output["token_usage"]
    assert usage["total_tokens"] == sum(part["total_tokens"] for part in parts)
    assert usage["completion_tokens_details"]["reasoning_tokens"] == sum(
        part["output_token_details"]["reasoning"] for part in parts
    )


@every_chat_model
def test_traces_name_the_versions_of_core_and_of_the_package(name: str, emulator: Emulator) -> None:
    versions = MAKERS[name](emulator)().metadata["lc_versions"]
    assert {"langchain-core", "langchain-volcark"} <= versions.keys()


def test_a_base_class_s_hook_after_construction_is_never_skipped() -> None:
    classes = {name: getattr(langchain_volcark, name) for name in langchain_volcark.__all__}
    for name, cls in classes.items():
        if not isinstance(cls, type):
            continue
        hooks = {base.__dict__["model_post_init"] for base in cls.__mro__ if "model_post_init" in base.__dict__}
        # Pydantic's own are an empty one, and one for private attributes that it puts in the place of the others.
        written = {hook for hook in hooks if not hook.__qualname__.startswith(("BaseModel.", "init_private"))}
        assert len(written) <= 1, f"{name}: one of {written} hides the other"
        assert not written or cls.model_post_init in written, f"{name} never calls {written}"


@every_chat_model
def test_equal_models_stay_equal_after_a_call(name: str, emulator: Emulator) -> None:
    make = MAKERS[name](emulator)
    one, other = make(), make()
    assert one == other
    one.invoke("hello")
    assert one == other
    assert other == one
    assert one != make(max_retries=0)


@pytest.mark.parametrize("name", ["ark", "qianfan"])
def test_traces_know_the_longest_answer_by_either_name(name: str, emulator: Emulator) -> None:
    make = MAKERS[name](emulator)
    assert make(max_completion_tokens=9)._get_ls_params()["ls_max_tokens"] == 9
    assert make()._get_ls_params(max_completion_tokens=7)["ls_max_tokens"] == 7
    assert make(max_tokens=5)._get_ls_params()["ls_max_tokens"] == 5
    assert "ls_max_tokens" not in make()._get_ls_params()


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
@every_chat_model
def test_dumped_models_name_the_package_and_load_again(name: str, emulator: Emulator) -> None:
    model = MAKERS[name](emulator)()
    cls = type(model)
    assert cls.lc_id() == ["langchain_volcark", cls.__name__]
    secrets = {
        "ARK_API_KEY": emulator.api_key,
        "QIANFAN_BEARER_TOKEN": emulator.qianfan_api_key,
        "QIANFAN_AK": emulator.client_id,
        "QIANFAN_SK": emulator.client_secret,
        "VOLC_ACCESSKEY": emulator.access_key,
        "VOLC_SECRETKEY": emulator.secret_key,
    }
    loaded = loads(
        dumps(model), allowed_objects=[cls], valid_namespaces=["langchain_volcark"], secrets_map=secrets
    )
    assert loaded == model


def test_a_class_of_the_user_s_own_keeps_its_own_path() -> None:
    class Mine(ChatArk):
        pass

    assert Mine.lc_id() == [*__name__.split("."), "Mine"]
