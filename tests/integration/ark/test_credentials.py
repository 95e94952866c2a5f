"""Access keys: one token request, refreshed in time, for the right resource, and never exposed."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from langchain_volcark import ArkEmbeddings, ChatArk, ChatArkBot
from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator, RecordedRequest
from langchain_volcark.http import token_refresh

ENDPOINT = "ep-20250101000000-abcde"
MODEL = "doubao-seed-2-1-pro-260915"
WEEK = 604_800.0
MINUTE = 60.0

Pair = Callable[..., ChatArk]


@pytest.fixture
def keys(emulator: Emulator) -> dict[str, Any]:
    return {
        "access_key": emulator.access_key,
        "secret_key": emulator.secret_key,
        "base_url": emulator.ark_base_url,
        "control_base_url": emulator.control_base_url,
    }


@pytest.fixture
def pair(keys: dict[str, Any]) -> Pair:
    """Builds a model with an access key pair."""
    return lambda **arguments: ChatArk(**{"model": ENDPOINT, **keys, **arguments})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the keys; the test sets its only item."""
    now = [token_refresh.clock()]
    monkeypatch.setattr(token_refresh, "clock", lambda: now[0])
    return now


def asked(emulator: Emulator) -> list[RecordedRequest]:
    """The questions for a key that arrived."""
    return [request for request in emulator.requests if request.path == "/"]


def bearers(emulator: Emulator) -> list[str]:
    return [request.headers["authorization"] for request in emulator.requests if request.path != "/"]


# --- one exchange -----------------------------------------------------------------------------------------


def test_a_hundred_threads_on_a_cold_model_cause_one_exchange(pair: Pair, emulator: Emulator) -> None:
    model, together = pair(), Barrier(100)
    emulator.delay_next(0.2, path="/")

    def call(number: int) -> str:
        together.wait()
        return model.invoke(str(number)).text

    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(call, range(100)))
    assert answers == [f"You said: {number}" for number in range(100)]
    assert len(asked(emulator)) == 1
    assert len(set(bearers(emulator))) == 1


async def test_a_hundred_tasks_on_a_cold_model_cause_one_exchange(pair: Pair, emulator: Emulator) -> None:
    model = pair()
    answers = await asyncio.gather(*(model.ainvoke(str(number)) for number in range(100)))
    assert [answer.text for answer in answers] == [f"You said: {number}" for number in range(100)]
    assert len(asked(emulator)) == 1


async def test_threads_tasks_streams_and_models_share_one_key(pair: Pair, emulator: Emulator) -> None:
    models = [pair() for _ in range(20)]
    await asyncio.gather(
        *(model.ainvoke("hi") for model in models),
        *(asyncio.to_thread(model.invoke, "hi") for model in models),
        *(asyncio.to_thread(lambda one: list(one.stream("hi")), model) for model in models),
    )
    assert [chunk async for chunk in models[0].astream("hi")]
    assert len(asked(emulator)) == 1


def test_a_second_event_loop_uses_the_same_key(pair: Pair, emulator: Emulator) -> None:
    model = pair()
    for _ in range(2):
        asyncio.run(model.ainvoke("hi"))
    assert len(asked(emulator)) == 1


def test_a_pickled_model_works_elsewhere(pair: Pair, emulator: Emulator) -> None:
    model = pair()
    model.invoke("hi")
    arrived = pickle.loads(pickle.dumps(model))
    token_refresh.tokens.clear()  # another process has none
    assert arrived.invoke("hi").text == "You said: hi"
    assert len(asked(emulator)) == 2


# --- for the right resource -------------------------------------------------------------------------------


def test_a_calls_own_model_decides_the_resource(pair: Pair, emulator: Emulator) -> None:
    model = pair(project_name="default")
    for name in (None, MODEL, "ep-another", ENDPOINT, MODEL):
        model.invoke("hi", **({"model": name} if name else {}))
    questions = [(request.json["ResourceType"], request.json["ResourceIds"]) for request in asked(emulator)]
    assert questions == [
        ("endpoint", [ENDPOINT]),
        ("presetendpoint", [MODEL]),
        ("endpoint", ["ep-another"]),
    ]


def test_a_model_id_is_called_in_its_project(pair: Pair, emulator: Emulator) -> None:
    pair(model=MODEL, project_name="lab").invoke("hi")
    question, call = emulator.requests
    assert question.json["ProjectName"] == "lab"
    assert call.headers["x-project-name"] == "lab"
    pair(model=MODEL, project_name="lab").invoke("hi", extra_headers={"X-Project-Name": "other"})
    assert asked(emulator)[-1].json["ProjectName"] == "other"
    assert emulator.requests[-1].headers["x-project-name"] == "other"


def test_endpoints_and_api_keys_name_no_project(pair: Pair, emulator: Emulator) -> None:
    pair(project_name="lab").invoke("hi")
    pair(model=MODEL, project_name="lab", api_key=emulator.api_key).invoke("hi")
    assert not any("x-project-name" in request.headers for request in emulator.requests)
    assert len(asked(emulator)) == 1


async def test_a_model_id_without_a_project_is_refused_before_the_wire(pair: Pair, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="project_name"):
        pair(model=MODEL).invoke("hi")
    with pytest.raises(ValueError, match="project_name"):
        await pair().ainvoke("hi", model=MODEL)
    with pytest.raises(ValueError, match="project_name"):
        list(pair().stream("hi", model=MODEL))
    assert emulator.requests == []


async def test_bots_and_embeddings_take_the_same_pair(keys: dict[str, Any], emulator: Emulator) -> None:
    bot = ChatArkBot(model="bot-20250407225237-6xv7r", **keys)
    assert bot.invoke("hi").text
    assert (await bot.ainvoke("hi")).text
    embeddings = ArkEmbeddings(model=ENDPOINT, multimodal=True, **keys)
    assert embeddings.embed_query("hi")
    assert await embeddings.aembed_documents(["hi", "ho"])
    questions = [(request.json["ResourceType"], request.json["ResourceIds"]) for request in asked(emulator)]
    assert questions == [("bot", ["bot-20250407225237-6xv7r"]), ("endpoint", [ENDPOINT])]


def test_the_api_key_wins_where_both_are_given(pair: Pair, emulator: Emulator) -> None:
    pair(api_key=emulator.api_key).invoke("hi")
    assert bearers(emulator) == [f"Bearer {emulator.api_key}"]
    assert asked(emulator) == []


# --- renewal ----------------------------------------------------------------------------------------------


def test_the_key_is_renewed_when_half_an_hour_is_left(pair: Pair, emulator: Emulator, clock: list[float]) -> None:
    model, start = pair(), clock[0]
    model.invoke("hi")
    clock[0] = start + WEEK - 32 * MINUTE
    model.invoke("hi")
    assert len(asked(emulator)) == 1
    clock[0] = start + WEEK - 28 * MINUTE
    model.invoke("hi")
    assert len(asked(emulator)) == 2
    assert len(set(bearers(emulator))) == 2


FAILURES: list[Callable[[Emulator], None]] = [
    lambda emulator: emulator.fail_next(429, "FlowLimitExceeded", path="/"),
    lambda emulator: emulator.fail_next(403, "AccessDenied", path="/"),
    lambda emulator: emulator.fail_next(503, None, path="/"),
    lambda emulator: emulator.reply_next({"ResponseMetadata": {"Error": {"Code": "InternalError"}}}, path="/"),
    lambda emulator: emulator.reply_next(body="<html>", content_type="text/html", path="/"),
    lambda emulator: emulator.reply_next(body="no gzip", headers={"content-encoding": "gzip"}, path="/"),
]
HOW = ["busy", "forbidden", "gateway", "error in a 200", "portal", "garbled"]


@pytest.mark.parametrize("users_own_client", [False, True])
@pytest.mark.parametrize("fail", FAILURES, ids=HOW)
def test_the_old_key_serves_while_an_early_renewal_fails(
    pair: Pair,
    emulator: Emulator,
    clock: list[float],
    fail: Callable[[Emulator], None],
    users_own_client: bool,
) -> None:
    """In one attempt: a renewal that is not needed yet is no reason to fail, nor to retry."""
    with httpx.Client() as client:
        model, start = pair(max_retries=0, http_client=client if users_own_client else None), clock[0]
        model.invoke("hi")
        clock[0] = start + WEEK - 20 * MINUTE
        fail(emulator)
        assert model.invoke("hi").text == "You said: hi"
        assert len(asked(emulator)) == 2
        model.invoke("hi")
        assert len(asked(emulator)) == 2  # a minute passes before the next try
        assert len(set(bearers(emulator))) == 1
        clock[0] += 2 * MINUTE
        model.invoke("hi")
        assert len(asked(emulator)) == 3
        assert len(set(bearers(emulator))) == 2


@pytest.mark.parametrize("users_own_client", [False, True])
@pytest.mark.parametrize("fail", FAILURES, ids=HOW)
async def test_the_old_key_serves_async_callers_too(
    pair: Pair,
    emulator: Emulator,
    clock: list[float],
    fail: Callable[[Emulator], None],
    users_own_client: bool,
) -> None:
    async with httpx.AsyncClient() as client:
        model, start = pair(max_retries=0, http_async_client=client if users_own_client else None), clock[0]
        await model.ainvoke("hi")
        clock[0] = start + WEEK - 20 * MINUTE
        fail(emulator)
        answers = await asyncio.gather(*(model.ainvoke("hi") for _ in range(20)))
        assert len(answers) == 20
        assert len(asked(emulator)) == 2
        assert len(set(bearers(emulator))) == 1


@pytest.mark.parametrize("users_own_client", [False, True])
async def test_the_old_key_serves_while_nobody_answers_an_early_renewal(
    pair: Pair, emulator: Emulator, clock: list[float], users_own_client: bool
) -> None:
    """Our own pool tries a used connection that was hung up once more on a fresh one."""
    attempts, start = 1 if users_own_client else 2, clock[0]
    with httpx.Client() as client:
        model = pair(max_retries=0, http_client=client if users_own_client else None)
        model.invoke("hi")
        clock[0] = start + WEEK - 20 * MINUTE
        emulator.drop_next(times=attempts, path="/")
        model.invoke("hi")
    async with httpx.AsyncClient() as async_client:
        model = pair(max_retries=0, http_async_client=async_client if users_own_client else None)
        clock[0] += 2 * MINUTE
        emulator.drop_next(times=1, path="/")  # no used connection yet
        await model.ainvoke("hi")
    assert len(asked(emulator)) == 1 + attempts + 1
    assert len(set(bearers(emulator))) == 1


def test_others_do_not_wait_for_an_early_renewal(pair: Pair, emulator: Emulator, clock: list[float]) -> None:
    model, start = pair(), clock[0]
    model.invoke("hi")
    clock[0] = start + WEEK - 20 * MINUTE
    emulator.delay_next(30, path="/")
    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(pair(timeout=5.0, max_retries=0).invoke, "late")
        assert emulator.wait_for(lambda: len(asked(emulator)) == 2)
        assert model.invoke("hi").text == "You said: hi"
        assert not renewing.done()
        assert renewing.result().text == "You said: late"


@pytest.mark.parametrize("fail", FAILURES, ids=HOW)
async def test_a_late_renewal_that_fails_is_an_error(
    pair: Pair, emulator: Emulator, clock: list[float], fail: Callable[[Emulator], None]
) -> None:
    model, start = pair(max_retries=0), clock[0]
    model.invoke("hi")
    clock[0] = start + WEEK - 9 * MINUTE
    fail(emulator)
    with pytest.raises(ours.VolcArkError):
        model.invoke("hi")
    fail(emulator)
    with pytest.raises(ours.VolcArkError):
        await model.ainvoke("hi")
    assert model.invoke("hi").text == "You said: hi"
    assert len(set(bearers(emulator))) == 2


def test_a_late_renewal_is_retried_where_it_may_heal(pair: Pair, emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(429, "FlowLimitExceeded", times=2, retry_after=3, path="/")
    assert pair().invoke("hi").text == "You said: hi"
    assert waits == [3, 3]


def test_a_key_that_was_taken_back_is_replaced_once(pair: Pair, emulator: Emulator) -> None:
    model = pair(max_retries=0)
    model.invoke("hi")
    emulator.fail_next(401, "AuthenticationError", path="/chat/completions")
    assert model.invoke("hi").text == "You said: hi"
    assert len(asked(emulator)) == 2
    emulator.fail_next(401, "AuthenticationError", times=2, path="/chat/completions")
    with pytest.raises(ours.AuthenticationError):
        model.invoke("hi")
    emulator.fail_next(403, "AccessDenied", path="/chat/completions")
    with pytest.raises(ours.PermissionDeniedError):
        model.invoke("hi")
    assert len(asked(emulator)) == 3


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "code", "advice"),
    [
        ({"access_key": "AKLTnobody"}, "InvalidAccessKey", "Check access_key"),
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch", "Check secret_key"),
    ],
)
async def test_a_wrong_pair_says_which_half_is_wrong(
    pair: Pair, emulator: Emulator, wrong: dict[str, str], code: str, advice: str
) -> None:
    with pytest.raises(ours.AuthenticationError, match=advice) as caught:
        pair(**wrong).invoke("hi")
    with pytest.raises(ours.AuthenticationError, match=advice):
        await pair(**wrong).ainvoke("hi")
    assert caught.value.code == code
    assert caught.value.request_id
    assert len(emulator.requests) == 2


def test_a_wrong_clock_is_told_from_a_wrong_key(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    now = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=40)
    monkeypatch.setattr("langchain_volcark.ark.auth._utc_now", lambda: now)
    with pytest.raises(ours.AuthenticationError, match="40 minutes ahead of the server's"):
        pair().invoke("hi")


async def test_all_who_wait_learn_of_a_refusal(pair: Pair, emulator: Emulator) -> None:
    emulator.delay_next(0.2, path="/")
    emulator.fail_next(403, "AccessDenied", path="/")
    model = pair()
    found = await asyncio.gather(*(model.ainvoke("hi") for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in found} == {ours.PermissionDeniedError}
    assert len({id(one) for one in found}) == 50
    assert len(asked(emulator)) == 1


def test_an_unreachable_control_plane_names_its_host(pair: Pair) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ours.APIConnectionError, match=f"127.0.0.1:{port}"):
        pair(control_base_url=f"http://127.0.0.1:{port}", max_retries=0).invoke("hi")


async def test_a_cancelled_caller_hands_the_exchange_on(pair: Pair, emulator: Emulator) -> None:
    emulator.delay_next(30, path="/")
    model = pair()
    first = asyncio.create_task(model.ainvoke("hi"))
    assert await asyncio.to_thread(emulator.wait_for, lambda: len(asked(emulator)) == 1)
    second = asyncio.create_task(model.ainvoke("ho"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).text == "You said: ho"
    assert len(asked(emulator)) == 2


# --- secrets ----------------------------------------------------------------------------------------------


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that anybody logs, down to DEBUG."""
    names = ("httpx", "httpcore", "langchain_volcark")
    with caplog.at_level(logging.DEBUG):
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield caplog
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_secrets_are_seen_by_the_service_alone(
    pair: Pair, emulator: Emulator, log: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    model = pair(max_retries=0)
    model.invoke("hi")
    issued = bearers(emulator)[0].removeprefix("Bearer ")
    failures: list[tuple[str, str]] = [("/", "AccessDenied"), ("/chat/completions", "AuthenticationError")]
    for path, code in failures:
        if path == "/":
            token_refresh.tokens.clear()
        emulator.fail_next(401, code, times=2, path=path)
        with pytest.raises(ours.VolcArkError) as caught:
            model.invoke("hi")
        error = caught.value
        seen += [repr(error), str(error), "".join(traceback.format_exception(error)), repr(vars(error))]
        seen += [repr(pickle.dumps(error)), repr(getattr(error.response, "headers", ""))]
    seen += [repr(model), str(model), repr(model._auth()), repr(model._client), repr(token_refresh.tokens._tokens)]
    seen += [f"{record.getMessage()} {record.args!r}" for record in log.records]
    assert log.records
    for text in seen:
        for secret in (emulator.secret_key, issued):
            assert secret not in text
    emulator.reset()


# --- the official SDK -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("model", "project"), [(ENDPOINT, None), (MODEL, "lab")])
def test_the_official_sdk_asks_for_the_same_key(
    pair: Pair, emulator: Emulator, model: str, project: str | None
) -> None:
    from volcenginesdkarkruntime import Ark
    from volcenginesdkarkruntime._client import StsTokenManager

    with (
        httpx.Client(base_url=emulator.ark_base_url) as http,
        Ark(
            ak=emulator.access_key,
            sk=emulator.secret_key,
            base_url=emulator.ark_base_url,
            max_retries=0,
            http_client=http,
        ) as client,
    ):
        manager = StsTokenManager(emulator.access_key, emulator.secret_key, "cn-beijing")
        configuration = manager.api_instance.api_client.configuration
        configuration.host = emulator.control_base_url.removeprefix("http://")
        configuration.scheme = "http"
        client._sts_token_manager = manager
        headers = {"X-Project-Name": project} if project else {}
        messages: Any = [{"role": "user", "content": "Hi"}]
        reply = client.chat.completions.create(model=model, messages=messages, extra_headers=headers)
    assert reply.choices[0].message.content == "You said: Hi"
    pair(model=model, project_name=project).invoke("Hi")
    theirs, ours_ = asked(emulator)
    assert ours_.json == theirs.json
    assert ours_.query == theirs.query
    their_call, our_call = (request for request in emulator.requests if request.path != "/")
    assert our_call.headers.get("x-project-name") == their_call.headers.get("x-project-name") == project
