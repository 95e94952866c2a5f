"""Token refresh: which caller sends the request, which wait, and what happens when it fails."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from langchain_volcark.exceptions import AuthenticationError, ServiceError, VolcArkError
from langchain_volcark.http import token_refresh
from langchain_volcark.http.redaction import EXTENSION, add_secret_query, target_with_secret, with_secret_url
from langchain_volcark.http.token_refresh import (
    Token,
    TokenRefreshAuth,
    TokenStore,
    forget_refused,
    second_request,
)

KEY = ("test",)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No tokens of other tests, and nobody waits long for an exchange that hangs."""
    monkeypatch.setattr(token_refresh, "_PATIENCE", 0.01)
    token_refresh.tokens.clear()
    token_refresh.tokens.forget_refreshes()
    yield
    token_refresh.tokens.clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(token_refresh, "clock", lambda: now[0])
    return now


def token(value: str = "t", renew: float = 2000.0, expire: float = 3000.0) -> Token:
    return Token(value, renew, expire)


def test_the_first_caller_leads_and_the_next_waits(clock: list[float]) -> None:
    store = TokenStore()
    first, second = store.look_up(KEY), store.look_up(KEY)
    assert (first.is_leader, second.is_leader) == (True, False)
    with first:
        first.succeed(token())
    assert second.wait() == token()
    assert store.look_up(KEY).token == token()


def test_between_renewal_and_end_the_old_token_serves_all_but_the_leader(clock: list[float]) -> None:
    store = TokenStore()
    store.put(KEY, token())
    clock[0] = 2500
    leader, other = store.look_up(KEY), store.look_up(KEY)
    assert leader.is_leader
    assert (other.is_leader, other.wait()) == (False, token())


def test_after_its_end_a_token_is_useless(clock: list[float]) -> None:
    store = TokenStore()
    store.put(KEY, token())
    clock[0] = 3000
    lookup = store.look_up(KEY)
    assert (lookup.is_leader, lookup.token) == (True, None)


def test_a_renewal_that_is_refused_leaves_the_old_token_for_a_minute(clock: list[float]) -> None:
    store = TokenStore()
    store.put(KEY, token())
    clock[0] = 2500
    lookup = store.look_up(KEY)
    with lookup:
        lookup.fail(ServiceError("no"))
    assert not store.look_up(KEY).is_leader
    clock[0] += 61
    assert store.look_up(KEY).is_leader


def test_a_renewal_that_is_given_up_leaves_the_old_token_too(clock: list[float]) -> None:
    store = TokenStore()
    store.put(KEY, token())
    clock[0] = 2500
    with store.look_up(KEY):
        pass
    assert (store.look_up(KEY).is_leader, store.look_up(KEY).wait().value) == (False, "t")  # type: ignore[union-attr]


def test_an_exchange_that_is_given_up_frees_its_place(clock: list[float]) -> None:
    store = TokenStore()
    waiting_for, waiter = store.look_up(KEY), store.look_up(KEY)
    with waiting_for:
        pass
    assert waiter.wait() is None
    assert store.look_up(KEY).is_leader


def test_a_waiter_does_not_wait_for_ever(clock: list[float]) -> None:
    store = TokenStore()
    leader, waiter = store.look_up(KEY), store.look_up(KEY)
    assert leader.is_leader
    assert waiter.wait() is None
    alone = store.look_up(KEY, alone=True)
    assert alone.is_leader
    with leader:  # the first one comes back late: it must not free the other's place
        leader.succeed(token("late"))
    assert store.look_up(KEY).token == token("late")


def test_every_waiter_gets_an_exception_of_its_own(clock: list[float]) -> None:
    store = TokenStore()
    leader, one, other = (store.look_up(KEY) for _ in range(3))
    failure = AuthenticationError("no", code="c", request_id="r")
    with pytest.raises(AuthenticationError), leader:
        leader.fail(failure)
    caught = []
    for waiter in (one, other):
        with pytest.raises(AuthenticationError) as raised:
            waiter.wait()
        caught.append(raised.value)
    assert caught[0] is not caught[1]
    assert {(error.message, error.code, error.request_id) for error in caught} == {("no", "c", "r")}


async def test_a_waiter_that_is_cancelled_disturbs_neither_the_leader_nor_the_others(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_refresh, "_PATIENCE", 10.0)
    store = TokenStore()
    leader, *waiters = [store.look_up(KEY) for _ in range(4)]
    tasks = [asyncio.ensure_future(waiter.await_()) for waiter in waiters]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait({tasks[1]})
    with leader:
        leader.succeed(token())
    assert (await tasks[0], await tasks[2]) == (token(), token())


def test_a_refused_token_is_discarded_unless_it_was_replaced(clock: list[float]) -> None:
    store = TokenStore()
    store.put(KEY, token("old"))
    store.put(KEY, token("new"))
    store.discard(KEY, "old")
    assert store.look_up(KEY).token == token("new")
    store.discard(KEY, "new")
    assert store.look_up(KEY).is_leader


def test_a_seed_never_brings_a_refused_token_back(clock: list[float]) -> None:
    store = TokenStore()
    store.put_if_absent(KEY, token("given"))
    store.discard(KEY, "given")
    store.put_if_absent(KEY, token("given"))
    assert store.look_up(KEY).token is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_waits_for_no_exchange_of_its_parent(clock: list[float]) -> None:
    store = TokenStore()
    assert store.look_up(KEY).is_leader
    store.put(("other",), token())
    store.forget_refreshes()  # what `register_at_fork` calls in the child
    assert store.look_up(KEY).is_leader
    assert store.look_up(("other",)).token == token()


def test_tokens_show_no_value() -> None:
    assert "secret" not in repr(token("secret"))


class _Auth(TokenRefreshAuth):
    def _key(self, request: httpx.Request) -> str:
        return "k"

    def _refresh_request(self, request: httpx.Request) -> httpx.Request:
        return second_request(request, "POST", "https://tokens.example/", {"x-a": "b"}, b"{}")

    def _read(self, response: httpx.Response) -> Token:
        return Token(response.text, 1e12, 1e12)

    def _apply(self, request: httpx.Request, token: str) -> None:
        request.headers["authorization"] = token

    def _is_refusal(self, error: VolcArkError) -> bool:
        return error.status_code == 401


def call(timeout: float = 5.0) -> httpx.Request:
    headers = {"user-agent": "agent/1", "x-own": "1"}
    extensions = {"timeout": {"read": timeout}}
    return httpx.Request("POST", "https://api.example/", headers=headers, extensions=extensions)


def test_a_second_request_has_the_firsts_timeout_and_agent() -> None:
    flow = _Auth().sync_auth_flow(call())
    asking = next(flow)
    assert asking.url == "https://tokens.example/"
    assert asking.extensions["timeout"] == {"connect": 30.0, "read": 5.0, "write": 30.0, "pool": 30.0}
    assert (asking.headers["user-agent"], asking.headers["x-a"]) == ("agent/1", "b")
    assert "x-own" not in asking.headers
    flow.close()


def test_a_flow_that_is_closed_lets_the_next_caller_ask() -> None:
    first = _Auth().sync_auth_flow(call())
    next(first)
    first.close()
    second = _Auth().sync_auth_flow(call())
    assert next(second).url == "https://tokens.example/"
    second.close()


def test_a_caller_that_waits_in_vain_asks_by_itself() -> None:
    stuck = _Auth().sync_auth_flow(call())
    next(stuck)
    other = _Auth().sync_auth_flow(call())
    assert next(other).url == "https://tokens.example/"
    assert other.send(httpx.Response(200, text="mine")).headers["authorization"] == "mine"
    other.close()
    stuck.close()


def test_a_stream_is_not_read_by_the_flow() -> None:
    def body() -> Iterator[bytes]:
        raise AssertionError("read")
        yield b""

    flow = _Auth().sync_auth_flow(call())
    next(flow)
    flow.send(httpx.Response(200, text="t"))
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body()))


def test_a_refused_token_is_forgotten_and_nothing_else_is() -> None:
    auth, request = _Auth(), call()
    flow = auth.sync_auth_flow(request)
    next(flow)
    assert flow.send(httpx.Response(200, text="one")).headers["authorization"] == "one"
    assert not forget_refused(auth, request, ServiceError("no", status_code=500))
    assert next(auth.sync_auth_flow(call())).headers["authorization"] == "one"
    assert forget_refused(auth, request, AuthenticationError("no", status_code=401))
    assert next(auth.sync_auth_flow(call())).url == "https://tokens.example/"


def test_a_request_without_a_token_of_ours_has_none_to_forget() -> None:
    refusal = AuthenticationError("no", status_code=401)
    assert not forget_refused(_Auth(), call(), refusal)
    assert not forget_refused(httpx.Auth(), call(), refusal)


def test_many_threads_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_refresh, "_PATIENCE", 10.0)
    asked = []
    ready = threading.Barrier(50)

    def run(_: int) -> str:
        ready.wait()
        flow = _Auth().sync_auth_flow(call())
        current = next(flow)
        if current.url == "https://tokens.example/":
            asked.append(current)
            current = flow.send(httpx.Response(200, text="shared"))
        value = str(current.headers["authorization"])
        flow.close()
        return value

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(run, range(50))) == {"shared"}
    assert len(asked) == 1


# --- secrets in the query ---


@pytest.mark.parametrize(
    ("target", "joined"), [(b"/a", b"/a?access_token=24.%2B%2F"), (b"/a?b=1", b"/a?b=1&access_token=24.%2B%2F")]
)
def test_below_our_transports_the_secret_joins_the_target(target: bytes, joined: bytes) -> None:
    request = call()
    url = str(request.url)
    add_secret_query(request, {"access_token": "24.+/"})
    assert str(request.url) == url
    assert target_with_secret(target, request.extensions) == joined
    assert target_with_secret(target, {}) == target_with_secret(target, {EXTENSION: None}) == target


def test_a_users_own_client_gets_a_request_with_the_secret_in_the_url() -> None:
    request = httpx.Request("POST", "https://api.example/?a=1", content=b"{}", headers={"x-own": "1"})
    assert with_secret_url(request) is request
    for value in ("one", "two"):
        add_secret_query(request, {"access_token": value})
    whole = with_secret_url(request)
    assert dict(whole.url.params) == {"a": "1", "access_token": "two"}
    assert (whole.headers, whole.stream) == (request.headers, request.stream)
    assert "access_token" not in str(request.url)


def test_errors_are_ours() -> None:
    assert issubclass(type(token_refresh._no_token()), VolcArkError)
