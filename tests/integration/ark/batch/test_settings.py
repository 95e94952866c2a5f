"""Batch inference: its switch, what it cannot be combined with, its paths, and streams that are one piece."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_volcark import ArkEmbeddings, ChatArk, ChatArkBot, hosted_tools
from langchain_volcark.ark.batch.settings import warn_of_other_endpoint
from langchain_volcark.base.runs import default_concurrency
from langchain_volcark.emulator import Emulator
from tests.integration.ark.batch.conftest import ENDPOINT

Make = Callable[..., ChatArk]
MakeEmbeddings = Callable[..., ArkEmbeddings]


def test_calls_go_to_the_paths_of_batch_inference(
    make: Make, make_embeddings: MakeEmbeddings, emulator: Emulator
) -> None:
    make().invoke("Hi")
    make_embeddings().embed_query("Hi")
    make_embeddings(multimodal=False).embed_documents(["Hi"])
    assert [request.path.removeprefix("/api/v3") for request in emulator.requests] == [
        "/batch/chat/completions",
        "/batch/embeddings/multimodal",
        "/batch/embeddings",
    ]


async def test_without_the_switch_nothing_changes(emulator: Emulator) -> None:
    model = ChatArk(model="ep-1", api_key=emulator.api_key, base_url=emulator.ark_base_url)
    model.batch(["Hi"])
    list(model.batch_as_completed(["Hi"]))
    await model.abatch(["Hi"])
    assert [place async for place, _ in model.abatch_as_completed(["Hi", "Hello"])] != []
    assert len(emulator.requests) == 5
    assert {request.path for request in emulator.requests} == {"/api/v3/chat/completions"}
    assert model.batch_inference is False


def test_the_method_batch_is_still_a_method(make: Make) -> None:
    assert callable(make().batch)
    model = ChatArk(model=ENDPOINT, batch_inference=True)
    assert model.batch_inference is ChatArk(model=ENDPOINT, batch=True).batch_inference is True


def test_a_pasted_address_is_shortened(make: Make, make_embeddings: MakeEmbeddings) -> None:
    base = "https://ark.example/api/v3"
    assert make(base_url=f"{base}/batch/chat/completions").base_url == base
    for path in ("/batch/embeddings", "/batch/embeddings/multimodal", "/batch"):
        assert make_embeddings(base_url=base + path).base_url == base


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("use_responses_api", True),
        ("use_previous_response_id", True),
        ("store", False),
        ("caching", "enabled"),
        ("expire_in", 3600),
        ("include", ["reasoning.encrypted_content"]),
        ("max_tool_calls", 3),
    ],
)
def test_what_only_the_responses_api_has_is_refused(make: Make, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"{field} and batch=True exclude each other"):
        make(**{field: value})
    with pytest.raises(ValueError, match=rf"{field} and batch=True exclude each other"):
        make().invoke("Hi", **{field: value})


def test_hosted_tools_and_ids_of_responses_are_refused(make: Make, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="the tool web_search and batch=True"):
        make().bind_tools([hosted_tools.web_search()]).invoke("Hi")
    with pytest.raises(ValueError, match="previous_response_id and batch=True"):
        make().invoke("Hi", previous_response_id="resp_1")
    assert make(use_responses_api=False).invoke("Hi").text == "You said: Hi"
    assert len(emulator.requests) == 1


def test_bots_have_no_batch_inference() -> None:
    with pytest.raises(ValueError, match="bots have no batch inference"):
        ChatArkBot(model="bot-1", batch=True)


@pytest.mark.parametrize("value", [0, -1, 8 * 86_400, "a day", True, float("nan")])
def test_a_deadline_that_makes_no_sense_is_refused(make: Make, value: Any) -> None:
    with pytest.raises(ValueError, match="batch_deadline must be"):
        make(batch_deadline=value)


def test_a_deadline_is_seconds_or_a_timedelta(make: Make, make_embeddings: MakeEmbeddings) -> None:
    assert make(batch_deadline=timedelta(days=2)).batch_deadline == 172_800
    assert make_embeddings(batch_deadline=7200).batch_deadline == 7200


def test_a_deadline_without_batch_inference_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_deadline applies to batch inference only"):
        ChatArk(model=ENDPOINT, batch_deadline=60)


def test_a_call_cannot_set_them(make: Make, emulator: Emulator) -> None:
    for name, value in (("batch", True), ("batch_inference", True), ("batch_deadline", 5)):
        with pytest.raises(ValueError, match=f"{name} is a setting of the model"):
            make().invoke("Hi", **{name: value})
    assert emulator.requests == []


def test_another_endpoint_is_warned_of_once() -> None:
    warn_of_other_endpoint.cache_clear()
    with pytest.warns(UserWarning, match="online is not an endpoint of batch inference"):
        ChatArk(model="ep-online", batch=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ChatArk(model="ep-online", batch=True)
        ArkEmbeddings(model="ep-online", multimodal=True, batch=True)
        ChatArk(model=ENDPOINT, batch=True)


def test_another_model_of_a_call_is_warned_of(make: Make, emulator: Emulator) -> None:
    warn_of_other_endpoint.cache_clear()
    emulator.reply_next({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})
    model = make()
    with pytest.warns(UserWarning, match="doubao-x is not an endpoint of batch inference"):
        model.invoke("Hi", model="doubao-x")


def test_a_stream_is_the_complete_answer_as_one_chunk(make: Make, emulator: Emulator) -> None:
    model = make(stream_options={"include_usage": True}, streaming=True)
    (chunk,) = model.stream("Hi")
    assert chunk.text == "You said: Hi"
    assert chunk.usage_metadata
    assert model.invoke("Hi", stream=True).text == "You said: Hi"
    for request in emulator.requests:
        assert not {"stream", "stream_options"} & request.json.keys()


async def test_an_async_stream_is_one_chunk_too(make: Make, emulator: Emulator) -> None:
    chunks = [chunk async for chunk in make().astream("Hi", stream_options={"include_usage": True})]
    assert [chunk.text for chunk in chunks] == ["You said: Hi"]
    assert not {"stream", "stream_options"} & emulator.requests[-1].json.keys()


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
async def test_protocol_events_show_the_complete_answer(make: Make, emulator: Emulator) -> None:
    stream = make().stream_events("Hi", version="v3")
    events = list(stream)
    assert stream.output.text == "You said: Hi"
    astream = await make().astream_events("Hi", version="v3")
    assert [event["event"] async for event in astream] == [event["event"] for event in events]
    assert (await astream.output).text == "You said: Hi"
    assert {request.path for request in emulator.requests} == {"/api/v3/batch/chat/completions"}
    assert not any("stream" in request.json for request in emulator.requests)


def test_a_stream_that_the_body_asks_for_is_refused(make: Make) -> None:
    with pytest.raises(ValueError, match="stream and batch=True exclude each other"):
        make(extra_body={"stream": True}).invoke("Hi")


def test_tools_schemas_and_thinking_are_sent_as_online(make: Make, emulator: Emulator) -> None:
    class Person(BaseModel):
        """A person."""

        name: str

    person = make(thinking="disabled").with_structured_output(Person).invoke('The name is "Ada"')
    assert person == Person(name="Ada")
    body = emulator.requests[-1].json
    assert body["thinking"] == {"type": "disabled"}
    assert body["tools"][0]["function"]["name"] == "Person"


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_it_is_pickled_copied_and_saved_with_its_settings(make: Make, emulator: Emulator) -> None:
    model = make(batch_deadline=7200)
    for copy in (pickle.loads(pickle.dumps(model)), model.model_copy()):
        assert (copy.batch_inference, copy.batch_deadline) == (True, 7200)
        assert copy.invoke("Hi").text == "You said: Hi"
    text = dumps(model)
    loaded = loads(
        text,
        secrets_map={"ARK_API_KEY": emulator.api_key},
        valid_namespaces=["langchain_volcark"],
        allowed_objects=[ChatArk],
    )
    assert (loaded.batch_inference, loaded.batch_deadline) == (True, 7200)


def test_the_usage_has_no_cached_tokens(make: Make) -> None:
    answer = make().invoke("Hi")
    assert isinstance(answer, AIMessage)
    assert answer.usage_metadata is not None
    assert "input_token_details" not in answer.usage_metadata


def test_embeddings_have_their_own_concurrency_and_otherwise_the_default(
    make_embeddings: MakeEmbeddings, emulator: Emulator
) -> None:
    emulator.delay_next(0.2)
    make_embeddings(max_concurrency=2).embed_documents([f"no {number}" for number in range(20)])
    assert emulator.most_in_flight == 2
    emulator.reset()
    for _ in range(30):
        emulator.delay_next(0.3)
    make_embeddings().embed_documents([f"no {number}" for number in range(30)])
    assert emulator.most_in_flight > 16


def test_the_default_concurrency_leaves_files_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    for limit, expected in ((1024, 500), (256, 128), (resource.RLIM_INFINITY, 500), (1, 1)):
        monkeypatch.setattr(resource, "getrlimit", lambda _kind, limit=limit: (limit, limit))
        assert default_concurrency() == expected
