"""Tokens: requested once, refreshed in time and when refused, and not lost if a caller is cancelled."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from langchain_volcark import ChatQianfan
from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator
from langchain_volcark.http import token_refresh
from tests.integration.qianfan.conftest import Make

OAUTH = "/oauth/2.0/token"
BEARER = "/v1/BCE-BEARER/token"
DAY = 86_400.0


def exchanges(emulator: Emulator, path: str = OAUTH) -> int:
    return sum(request.path == path for request in emulator.requests)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the tokens; the test sets its only item."""
    now = [token_refresh.clock()]
    monkeypatch.setattr(token_refresh, "clock", lambda: now[0])
    return now


@pytest.fixture
def iam(emulator: Emulator) -> dict[str, Any]:
    return {
        "api_key": None,
        "access_key": emulator.access_key,
        "secret_key": emulator.secret_key,
        "iam_base_url": emulator.iam_base_url,
    }


def test_a_hundred_threads_cause_one_exchange(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    model, ready = make_v1(**oauth), Barrier(100)

    def call(number: int) -> str:
        ready.wait()
        return str(model.invoke(f"hi {number}").content)

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(call, range(100)))
    assert answers == [f"You said: hi {number}" for number in range(100)]
    assert exchanges(emulator) == 1
    assert len(emulator.requests) == 101


async def test_a_hundred_tasks_cause_one_exchange(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    model = make_v1(**oauth)
    answers = await asyncio.gather(*(model.ainvoke(f"hi {number}") for number in range(100)))
    assert [answer.content for answer in answers] == [f"You said: hi {number}" for number in range(100)]
    assert exchanges(emulator) == 1
    assert len(emulator.requests) == 101


async def test_threads_and_tasks_and_models_share_one_exchange(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    models = [make_v1(**oauth) for _ in range(10)]
    emulator.delay_next(0.05, path=OAUTH)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(30) as pool:
        threads = [loop.run_in_executor(pool, model.invoke, "hi") for model in models for _ in range(3)]
        await asyncio.gather(*threads, *(model.ainvoke("hi") for model in models for _ in range(3)))
    assert exchanges(emulator) == 1


def test_streams_and_embeddings_share_the_token(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    from langchain_volcark import QianfanEmbeddings, QianfanRerank

    shared: dict[str, Any] = {"api_version": "v1", "base_url": emulator.qianfan_v1_base_url, **oauth}
    list(make_v1(**oauth).stream("hi"))
    QianfanEmbeddings(model="tao-8k", **shared).embed_query("hi")
    QianfanRerank(**shared).rerank("hi", ["hi"])
    assert exchanges(emulator) == 1


def test_a_second_event_loop_uses_the_same_token(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    model = make_v1(**oauth)
    for _ in range(2):
        asyncio.run(model.ainvoke("hi"))
    assert exchanges(emulator) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_expired_token_is_renewed_once_and_the_call_goes_on(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], stream: bool
) -> None:
    model = make_v1(**oauth)
    model.invoke("hi")
    emulator.expire_qianfan_tokens()
    text = "".join(chunk.text for chunk in model.stream("again")) if stream else model.invoke("again").text
    assert text == "You said: again"
    assert exchanges(emulator) == 2
    assert len(emulator.requests) == 5  # exchange, call, refused call, exchange, call


async def test_a_hundred_refused_callers_cause_one_renewal(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    model = make_v1(**oauth)
    await model.ainvoke("hi")
    emulator.expire_qianfan_tokens()
    await asyncio.gather(*(model.ainvoke("hi") for _ in range(100)))
    assert exchanges(emulator) == 2


@pytest.mark.parametrize("code", ["110", "111"])
def test_a_second_refusal_reaches_the_caller(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], code: str
) -> None:
    emulator.fail_next(status=200, code=code, times=9, path="/completions")
    with pytest.raises(ours.AuthenticationError) as caught:
        make_v1(**oauth).invoke("hi")
    assert caught.value.code == code
    assert exchanges(emulator) == 2
    assert len(emulator.requests) == 4


def test_other_errors_cause_no_renewal(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    emulator.fail_next(status=200, code="336003", message="parameter 110 is wrong", path="/completions")
    with pytest.raises(ours.InvalidRequestError):
        make_v1(**oauth).invoke("hi")
    assert exchanges(emulator) == 1


def test_an_answer_that_speaks_of_an_error_code_is_no_refusal(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    answer = {"id": "as-1", "result": '{"error_code": 110}'}
    emulator.reply_next(answer, path="/completions")
    assert make_v1(**oauth).invoke("hi").content == answer["result"]
    assert exchanges(emulator) == 1


@pytest.mark.parametrize(("days", "renewed"), [(28.9, 1), (29.1, 2), (31, 2)])
def test_a_token_is_renewed_a_day_before_it_ends(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], clock: list[float], days: float, renewed: int
) -> None:
    model = make_v1(**oauth)
    model.invoke("hi")
    clock[0] += days * DAY
    model.invoke("hi")
    assert exchanges(emulator) == renewed


def test_the_old_token_serves_while_its_renewal_fails(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], clock: list[float]
) -> None:
    model = make_v1(**oauth)
    model.invoke("hi")
    clock[0] += 29.5 * DAY
    emulator.fail_next(status=500, code="server_error", times=1, path=OAUTH)
    for _ in range(3):
        assert model.invoke("hi").content == "You said: hi"
    assert exchanges(emulator) == 2  # the failed one is not repeated at once
    clock[0] += 61
    model.invoke("hi")
    assert exchanges(emulator) == 3


def test_a_given_token_begins_and_the_pair_renews_it(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    model = make_v1(access_token=emulator.qianfan_access_token, **oauth)
    model.invoke("hi")
    assert exchanges(emulator) == 0
    emulator.expire_qianfan_tokens()
    model.invoke("hi")
    assert exchanges(emulator) == 1
    make_v1(access_token="24.refused-before", **oauth).invoke("hi")
    assert exchanges(emulator) == 1


def test_a_given_token_alone_is_never_renewed(make_v1: Make, emulator: Emulator) -> None:
    emulator.expire_qianfan_tokens()
    with pytest.raises(ours.AuthenticationError, match="expired") as caught:
        make_v1().invoke("hi")
    assert caught.value.code == "111"
    with pytest.raises(ours.AuthenticationError, match="invalid") as caught:
        make_v1(access_token="24.wrong").invoke("hi")
    assert caught.value.code == "110"
    assert exchanges(emulator) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"client_id": "x"}, "unknown client id"), ({"client_secret": "x"}, "Client authentication failed")],
)
def test_a_wrong_pair_fails_at_once_with_the_endpoints_words(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], wrong: dict[str, str], words: str
) -> None:
    with pytest.raises(ours.AuthenticationError, match=words) as caught:
        make_v1(**{**oauth, **wrong}).invoke("hi")
    assert caught.value.code == "invalid_client"
    assert len(emulator.requests) == 1


async def test_all_who_wait_for_a_refused_exchange_learn_of_it(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    model = make_v1(**{**oauth, "client_secret": "x"})
    emulator.delay_next(0.05, path=OAUTH)
    outcomes = await asyncio.gather(*(model.ainvoke("hi") for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ours.AuthenticationError}
    assert len({id(outcome) for outcome in outcomes}) == 20
    assert exchanges(emulator) == 1


def test_an_exchange_that_may_heal_is_retried(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], waits: list[float]
) -> None:
    emulator.fail_next(status=503, code=None, times=2, path=OAUTH)
    assert make_v1(**oauth).invoke("hi").content == "You said: hi"
    assert exchanges(emulator) == 3
    assert len(waits) == 2


def test_a_connection_lost_during_the_exchange_is_retried(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], waits: list[float]
) -> None:
    # Twice, for the loss of a connection kept from an earlier test is mended without a retry.
    emulator.drop_next(times=2, path=OAUTH)
    assert make_v1(**oauth).invoke("hi").content == "You said: hi"
    assert exchanges(emulator) == 3
    assert waits


async def test_a_cancelled_caller_hands_the_exchange_on(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    model = make_v1(**oauth)
    emulator.delay_next(30, path=OAUTH)
    first = asyncio.create_task(model.ainvoke("first"))
    assert await asyncio.to_thread(emulator.wait_for, lambda: exchanges(emulator) == 1)
    others = [asyncio.create_task(model.ainvoke("other")) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert {answer.content for answer in await asyncio.gather(*others)} == {"You said: other"}
    assert exchanges(emulator) == 2


async def test_a_cancelled_waiter_disturbs_nobody(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str]
) -> None:
    model = make_v1(**oauth)
    emulator.delay_next(2, path=OAUTH)
    tasks = [asyncio.create_task(model.ainvoke("hi")) for _ in range(5)]
    assert await asyncio.to_thread(emulator.wait_for, lambda: exchanges(emulator) == 1)
    tasks[3].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [
        False,
        False,
        False,
        True,
        False,
    ]
    assert exchanges(emulator) == 1


def test_the_exchange_has_the_calls_timeout(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    emulator.delay_next(30, path=OAUTH)
    with pytest.raises(ours.APITimeoutError):
        make_v1(timeout=0.1, max_retries=0, **oauth).invoke("hi")


def test_the_exchange_names_the_same_user_agent(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    make_v1(**oauth).invoke("hi")
    assert len({request.headers["user-agent"] for request in emulator.requests}) == 1


@pytest.mark.parametrize("reply", [{"expires_in": 5}, {"access_token": ""}, {"access_token": 5}])
def test_an_exchange_without_a_token_is_refused_without_showing_it(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], reply: dict[str, Any]
) -> None:
    emulator.reply_next({**reply, "session_secret": "hidden"}, path=OAUTH)
    with pytest.raises(ours.ResponseFormatError) as caught:
        make_v1(**oauth).invoke("hi")
    assert "hidden" not in f"{caught.value} {caught.value.body}"


def test_a_token_without_a_lifetime_serves_until_it_is_refused(
    make_v1: Make, emulator: Emulator, oauth: dict[str, str], clock: list[float]
) -> None:
    emulator.reply_next({"access_token": emulator.qianfan_access_token}, path=OAUTH)
    model = make_v1(**oauth)
    model.invoke("hi")
    clock[0] += 1000 * DAY
    model.invoke("hi")
    assert exchanges(emulator) == 1
    emulator.expire_qianfan_tokens()
    model.invoke("hi")
    assert exchanges(emulator) == 2


# --- the IAM pair ---


async def test_v1_requests_are_signed_for_the_emulator_to_verify(make_v1: Make, emulator: Emulator) -> None:
    model = make_v1(access_key=emulator.access_key, secret_key=emulator.secret_key)
    assert model.invoke("hi").content == "You said: hi"
    assert (await model.ainvoke("hi", extra_query={"a b/c": "~中 +"})).content == "You said: hi"
    assert "".join(chunk.text for chunk in model.stream("hi")) == "You said: hi"
    for request in emulator.requests:
        assert request.headers["authorization"].startswith(f"bce-auth-v1/{emulator.access_key}/")
        assert "access_token" not in request.query


@pytest.mark.parametrize(
    ("wrong", "gateway"), [("access_key", "InvalidAccessKeyId"), ("secret_key", "SignatureDoesNotMatch")]
)
def test_a_wrong_pair_is_refused(make_v1: Make, emulator: Emulator, wrong: str, gateway: str) -> None:
    pair = {"access_key": emulator.access_key, "secret_key": emulator.secret_key, wrong: "wrong"}
    with pytest.raises(ours.AuthenticationError) as caught:
        make_v1(**pair).invoke("hi")
    assert caught.value.code == "14"
    assert caught.value.response is not None
    assert caught.value.response.headers["x-bce-error-code"] == gateway


async def test_v2_with_an_iam_pair_exchanges_it_once(make: Make, emulator: Emulator, iam: dict[str, Any]) -> None:
    model = make(**iam)
    await asyncio.gather(*(model.ainvoke("hi") for _ in range(100)))
    assert exchanges(emulator, BEARER) == 1
    emulator.expire_qianfan_tokens()
    assert model.invoke("hi").content == "You said: hi"
    assert "".join(chunk.text for chunk in model.stream("hi")) == "You said: hi"
    assert exchanges(emulator, BEARER) == 2


def test_v2_with_a_wrong_iam_pair_shows_the_gateways_words(
    make: Make, emulator: Emulator, iam: dict[str, Any]
) -> None:
    with pytest.raises(ours.AuthenticationError, match="signature") as caught:
        make(**{**iam, "secret_key": "wrong"}).invoke("hi")
    assert caught.value.code == "SignatureDoesNotMatch"


# --- none, or the user's own ---


def test_missing_credentials_fail_at_the_first_request_and_name_the_variables(emulator: Emulator) -> None:
    v1 = ChatQianfan(api_version="v1", endpoint="ngx_t", base_url=emulator.qianfan_v1_base_url)
    with pytest.raises(ours.AuthenticationError, match=r"QIANFAN_ACCESS_TOKEN.*QIANFAN_AK.*QIANFAN_ACCESS_KEY"):
        v1.invoke("hi")
    with pytest.raises(ours.AuthenticationError, match="QIANFAN_BEARER_TOKEN"):
        ChatQianfan(model="ernie-5.1", base_url=emulator.qianfan_base_url).invoke("hi")
    assert emulator.requests == []


def test_a_private_editions_header_stands(make_v1: Make, emulator: Emulator) -> None:
    emulator.reply_next({"id": "as-1", "result": "private"})
    model = ChatQianfan(
        api_version="v1",
        endpoint="ngx_t",
        base_url=emulator.qianfan_v1_base_url,
        default_headers={"Authorization": "ACCESSCODE 123"},
    )
    assert model.invoke("hi").content == "private"
    assert emulator.requests[0].headers["authorization"] == "ACCESSCODE 123"


@pytest.mark.parametrize(("app_id", "accepted"), [("app-emulator", True), ("app-of-others", False), (None, True)])
def test_the_application_must_be_the_accounts(make: Make, app_id: str | None, accepted: bool) -> None:
    model = make(app_id=app_id)
    if accepted:
        assert model.invoke("hi").content == "You said: hi"
        return
    with pytest.raises(ours.AuthenticationError) as caught:
        model.invoke("hi")
    assert caught.value.code == "invalid_appid"


def test_a_wrong_api_key_says_what_a_key_looks_like(make: Make) -> None:
    with pytest.raises(ours.AuthenticationError, match="bce-v3/ALTAK"):
        make(api_key="wrong").invoke("hi")


def test_the_users_own_client_exchanges_too(make_v1: Make, emulator: Emulator, oauth: dict[str, str]) -> None:
    with httpx.Client(headers={"x-mine": "1"}) as client:
        assert make_v1(http_client=client, **oauth).invoke("hi").content == "You said: hi"
    assert exchanges(emulator) == 1
    assert emulator.requests[1].headers["x-mine"] == "1"
