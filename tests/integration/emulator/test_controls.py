"""Simulated faults, fixed replies, recorded requests and the life cycle of an emulator."""

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

CHAT = "/chat/completions"
BODY: dict[str, Any] = {
    "model": "doubao-1-5-pro-32k-250115",
    "messages": [{"role": "user", "content": "count to 20"}],
}
STREAM = {**BODY, "stream": True}
# No test may take long where a wait does not end.
LONG = 30.0


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as server:
        yield server


@pytest.fixture
def server(running: Emulator) -> Iterator[Emulator]:
    running.reset()
    yield running
    assert running.wait_for(lambda: running.active_streams == 0)


@pytest.fixture(scope="module")
def client(running: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {running.api_key}"}
    with httpx.Client(base_url=running.ark_base_url, headers=headers, timeout=10) as one:
        yield one


def events(reply: httpx.Response) -> Iterator[str]:
    """The lines of a stream that are not blank, as they come."""
    return (line for line in reply.iter_lines() if line)


# fail_next


def test_told_failures_come_first_and_then_it_works(server: Emulator, client: httpx.Client) -> None:
    server.fail_next(times=2)
    server.fail_next(status=500, code="InternalServiceError")
    assert [client.post(CHAT, json=BODY).status_code for _ in range(4)] == [429, 429, 500, 200]


def test_told_failure_speaks_arks_envelope(server: Emulator, client: httpx.Client) -> None:
    server.fail_next(403, "AccountOverdueError", message="Pay.", headers={"x-should-retry": "false"})
    reply = client.post(CHAT, json=BODY)
    assert reply.status_code == 403
    assert reply.headers["x-should-retry"] == "false"
    request_id = reply.headers["x-request-id"]
    assert reply.json()["error"] == {
        "code": "AccountOverdueError",
        "message": f"Pay. Request id: {request_id}",
        "param": "",
        "type": "Forbidden",
    }


@pytest.mark.parametrize("value", [1, 0.25, "Wed, 21 Oct 2026 07:28:00 GMT", "soon", -5])
def test_retry_after_is_sent_as_given(server: Emulator, client: httpx.Client, value: Any) -> None:
    server.fail_next(retry_after=value)
    assert client.post(CHAT, json=BODY).headers["retry-after"] == str(value)
    assert "retry-after" not in client.post(CHAT, json=BODY).headers


def test_failure_without_a_code_is_a_gateways_page(server: Emulator, client: httpx.Client) -> None:
    server.fail_next(502, code=None)
    reply = client.post(CHAT, json=BODY)
    assert reply.status_code == 502
    assert reply.headers["content-type"].startswith("text/html")


def test_failure_on_the_control_plane_speaks_its_envelope(server: Emulator) -> None:
    server.fail_next(429, "FlowLimitExceeded")
    error = httpx.post(server.control_base_url).json()["ResponseMetadata"]["Error"]
    assert error["Code"] == "FlowLimitExceeded"


def test_fault_for_a_path_waits_for_it(server: Emulator, client: httpx.Client) -> None:
    server.fail_next(path=CHAT)
    assert client.get("/models").status_code == 200
    assert client.post(CHAT, json=BODY).status_code == 429


def test_connection_is_dropped_without_a_reply(server: Emulator, client: httpx.Client) -> None:
    server.drop_next()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post(CHAT, json=BODY)
    assert client.post(CHAT, json=BODY).status_code == 200


# reply_next


def test_dictated_json_is_sent_as_it_is(server: Emulator, client: httpx.Client) -> None:
    server.reply_next({"answer": "你好"}, headers={"X-Extra": "1"})
    reply = client.post(CHAT, content=b"not even JSON")
    assert (reply.status_code, reply.json(), reply.headers["x-extra"]) == (200, {"answer": "你好"}, "1")
    assert "你好".encode() in reply.content
    assert reply.headers["x-request-id"]


def test_dictated_events_are_streamed_and_nothing_is_added(server: Emulator, client: httpx.Client) -> None:
    server.reply_next([{"a": "é"}, ": comment", b"data: \xff\n\n", "data: [DONE]"])
    reply = client.post(CHAT, json=BODY)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.content == 'data: {"a":"é"}\n\n: comment\n\n'.encode() + b"data: \xff\n\ndata: [DONE]\n\n"


def test_dictated_bytes(server: Emulator, client: httpx.Client) -> None:
    server.reply_next(body=b"<html>", content_type="text/html", status=203)
    server.reply_next(body='{"broken')
    page, broken = client.post(CHAT, json=BODY), client.post(CHAT, json=BODY)
    assert (page.status_code, page.content) == (203, b"<html>")
    assert page.headers["content-type"].startswith("text/html")
    assert (broken.text, broken.headers["content-type"]) == ('{"broken', "application/json")


def test_dictated_replies_need_no_key(server: Emulator) -> None:
    server.reply_next({"ok": 1}, times=2)
    assert [httpx.post(server.ark_base_url + CHAT).json() for _ in range(2)] == [{"ok": 1}] * 2
    assert httpx.post(server.ark_base_url + CHAT).status_code == 401


@pytest.mark.parametrize("arguments", [{}, {"reply": {}, "body": b""}])
def test_reply_is_either_json_or_a_body(server: Emulator, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either"):
        server.reply_next(**arguments)


# Streams


@pytest.mark.parametrize("after", [0, 1, 5])
def test_stream_breaks_after_so_many_events(server: Emulator, client: httpx.Client, after: int) -> None:
    server.break_stream_after(after)
    found: list[str] = []
    with client.stream("POST", CHAT, json=STREAM) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            found.extend(events(reply))
    assert len(found) == after
    assert server.disconnects == 0


def test_break_after_the_last_event_leaves_only_the_end_out(server: Emulator, client: httpx.Client) -> None:
    server.reply_next([{"a": 1}])
    server.break_stream_after(1)
    with client.stream("POST", CHAT, json=STREAM) as reply, pytest.raises(httpx.RemoteProtocolError):
        reply.read()


def test_break_waits_for_a_stream(server: Emulator, client: httpx.Client) -> None:
    server.break_stream_after(0)
    assert client.post(CHAT, json=BODY).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(CHAT, json=STREAM)
    assert client.post(CHAT, json=STREAM).text.endswith("data: [DONE]\n\n")


def test_stalled_stream_is_silent_and_the_client_may_leave(server: Emulator, client: httpx.Client) -> None:
    server.stall_stream_after(2, seconds=LONG)
    with client.stream("POST", CHAT, json=STREAM, timeout=1) as reply:
        lines = events(reply)
        assert [next(lines), next(lines)]
        assert server.active_streams == 1
        with pytest.raises(httpx.ReadTimeout):
            next(lines)
    assert server.wait_for(lambda: server.active_streams == 0)
    assert server.disconnects == 1


def test_stall_ends_by_itself(server: Emulator, client: httpx.Client) -> None:
    server.stall_stream_after(1, seconds=0.05)
    started = time.monotonic()
    assert client.post(CHAT, json=STREAM).text.endswith("data: [DONE]\n\n")
    assert time.monotonic() - started >= 0.05


def test_keep_alive_comments_break_the_silence(server: Emulator, client: httpx.Client) -> None:
    server.stall_stream_after(1, seconds=LONG, keep_alive_every=0.01)
    with client.stream("POST", CHAT, json=STREAM) as reply:
        lines = events(reply)
        assert next(lines).startswith("data: ")
        assert [next(lines) for _ in range(5)] == [": keep-alive"] * 5


def test_keep_alive_interval_must_be_positive(server: Emulator) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        server.stall_stream_after(1, seconds=1, keep_alive_every=0)


def test_stream_stops_when_its_client_leaves(server: Emulator, client: httpx.Client) -> None:
    endless = ["data: " + "x" * 10_000] * 20_000  # more than any socket buffers
    server.reply_next(endless)
    with client.stream("POST", CHAT, json=STREAM) as reply:
        lines = events(reply)
        assert next(lines)
        assert server.active_streams == 1
    assert server.wait_for(lambda: server.active_streams == 0)
    assert server.disconnects == 1


def test_finished_stream_is_no_disconnect(server: Emulator, client: httpx.Client) -> None:
    client.post(CHAT, json=STREAM)
    assert server.wait_for(lambda: server.active_streams == 0)
    assert server.disconnects == 0


# Delays


def test_delay_holds_back_the_first_byte(server: Emulator, client: httpx.Client) -> None:
    server.delay_next(LONG)
    with pytest.raises(httpx.ReadTimeout):
        client.post(CHAT, json=BODY, timeout=0.5)
    assert server.wait_for(lambda: server.disconnects == 1)
    assert client.post(CHAT, json=BODY).status_code == 200


def test_delay_goes_with_an_answer(server: Emulator, client: httpx.Client) -> None:
    server.delay_next(0.05)
    server.fail_next()
    started = time.monotonic()
    assert client.post(CHAT, json=BODY).status_code == 429
    assert time.monotonic() - started >= 0.05


def test_delay_with_keep_alive_sends_headers_and_comments(server: Emulator, client: httpx.Client) -> None:
    server.delay_next(0.1, keep_alive=True)
    reply = client.post(CHAT, json=STREAM)
    lines = [line for line in reply.text.splitlines() if line]
    comments = [line for line in lines if line == ": keep-alive"]
    assert 1 <= len(comments) <= 10
    assert lines[: len(comments)] == comments
    assert lines[-1] == "data: [DONE]"


def test_chunk_delay_spaces_the_events() -> None:
    with Emulator(chunk_delay=0.01) as slow, httpx.Client() as client:
        slow.reply_next([{}] * 5)
        started = time.monotonic()
        client.post(slow.ark_base_url + CHAT)
        assert time.monotonic() - started >= 0.05


# Recordings


def test_requests_are_recorded_as_they_arrived(server: Emulator, client: httpx.Client) -> None:
    content = '{"model": "nobody", "text": "你"}'.encode()
    client.post(CHAT, content=content, params={"a": "1 2"}, headers={"X-Mine": "yes"})
    client.post(CHAT, content=b"\xff")

    first, second = server.requests
    assert (first.method, first.path, first.query) == ("POST", "/api/v3" + CHAT, {"a": "1 2"})
    assert first.headers["x-mine"] == first.headers["X-Mine"] == "yes"
    assert first.headers["Authorization"] == f"Bearer {server.api_key}"
    assert first.body == content
    assert first.json == {"model": "nobody", "text": "你"}
    assert second.json is None
    with pytest.raises(AttributeError):
        first.path = "/"  # type: ignore[misc]


def test_refused_failed_and_dropped_requests_are_recorded_too(server: Emulator, client: httpx.Client) -> None:
    server.fail_next()
    server.drop_next()
    client.post(CHAT, json={})
    with contextlib.suppress(httpx.RemoteProtocolError):
        client.post(CHAT, json={})
    client.post(CHAT, json={})
    assert len(server.requests) == 3


def test_reset_forgets_recordings_and_faults(server: Emulator, client: httpx.Client) -> None:
    client.post(CHAT, json=BODY)
    server.fail_next(times=5)
    server.delay_next(LONG)
    server.break_stream_after(0)
    server.reset()
    assert server.requests == []
    assert client.post(CHAT, json=STREAM).text.endswith("data: [DONE]\n\n")


def test_waiting_for_a_condition_ends_with_its_time(server: Emulator) -> None:
    assert server.wait_for(lambda: False, timeout=0.01) is False


def test_waiting_sees_what_another_thread_sends(server: Emulator, client: httpx.Client) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(client.post, CHAT, json=BODY)
        assert server.wait_for(lambda: len(server.requests) == 1)


# The controls over HTTP


def control(server: Emulator, name: str, **arguments: Any) -> httpx.Response:
    return httpx.post(f"{server.origin}/_emulator/{name}", json=arguments)


def test_every_control_works_over_http(server: Emulator, client: httpx.Client) -> None:
    assert control(server, "fail_next", status=503, times=1, retry_after=2).json() == {"ok": True}
    assert control(server, "reply_next", reply={"a": 1}).json() == {"ok": True}
    assert control(server, "reply_next", reply=[{"a": 1}, "data: [DONE]"]).json() == {"ok": True}
    assert control(server, "reply_next", body="<html>", content_type="text/html").json() == {"ok": True}
    replies = [client.post(CHAT, json=BODY) for _ in range(4)]
    assert (replies[0].status_code, replies[0].headers["retry-after"]) == (503, "2")
    assert replies[1].json() == {"a": 1}
    assert replies[2].text == 'data: {"a":1}\n\ndata: [DONE]\n\n'
    assert replies[3].text == "<html>"

    control(server, "drop_next")
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(CHAT, json=BODY)
    control(server, "break_stream_after", events=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.post(CHAT, json=STREAM)
    control(server, "stall_stream_after", events=1, seconds=0.02)
    assert client.post(CHAT, json=STREAM).status_code == 200
    control(server, "delay_next", seconds=LONG)
    control(server, "reset")
    assert client.post(CHAT, json=BODY).status_code == 200


def test_recordings_over_http_show_no_key(server: Emulator, client: httpx.Client) -> None:
    client.post(CHAT, json=BODY)
    reply = httpx.get(f"{server.origin}/_emulator/requests")
    (recorded,) = reply.json()
    assert recorded["json"] == BODY
    assert recorded["path"] == "/api/v3" + CHAT
    assert recorded["headers"]["authorization"] == "[redacted]"
    assert server.api_key not in reply.text
    assert len(server.requests) == 1  # looking is not recorded


def test_stream_counts_over_http(server: Emulator, client: httpx.Client) -> None:
    server.stall_stream_after(0, seconds=LONG)
    with client.stream("POST", CHAT, json=STREAM):
        assert httpx.get(f"{server.origin}/_emulator/streams").json() == {"active": 1, "disconnects": 0}


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("fail_next", b'{"statuss": 1}', 400),
        ("reply_next", b"{}", 400),
        ("fail_next", b"[]", 400),
        ("fail_next", b"{", 400),
        ("start", b"{}", 404),
    ],
)
def test_wrong_control_is_refused(server: Emulator, name: str, body: bytes, status: int) -> None:
    reply = httpx.post(f"{server.origin}/_emulator/{name}", content=body)
    assert reply.status_code == status
    assert reply.json()["error"]


# Life


def test_several_emulators_share_nothing() -> None:
    with Emulator() as one, Emulator() as other:
        one.fail_next()
        assert one.origin != other.origin
        assert one.api_key != other.api_key
        headers = {"Authorization": f"Bearer {one.api_key}"}
        assert httpx.post(other.ark_base_url + CHAT, headers=headers, json=BODY).status_code == 401
        assert len(other.requests) == 1
        assert one.requests == []


def test_emulator_can_be_started_again() -> None:
    server = Emulator(api_key="k")
    for _ in range(2):
        server.start()
        assert httpx.get(f"{server.ark_base_url}/models", headers={"Authorization": "Bearer k"}).status_code == 200
        server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.ark_base_url


def test_starting_twice_is_refused() -> None:
    with Emulator() as server, pytest.raises(RuntimeError, match="running already"):
        server.start()


def test_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            Emulator(port=port).start()


def test_wanted_port_is_used_again_right_away() -> None:
    with Emulator() as first:
        port = httpx.URL(first.origin).port
        # The server closes first, so its side of the connection lingers.
        httpx.get(f"{first.ark_base_url}/models", headers={"Connection": "close"})
    assert port is not None
    with Emulator(port=port) as second:
        assert second.ark_base_url == f"http://127.0.0.1:{port}/api/v3"


def test_endpoint_must_stand_for_a_known_model() -> None:
    with pytest.raises(ValueError, match="none of the known models"):
        Emulator(endpoints={"ep-1": "nobody"})


def test_stopping_is_quick_with_streams_stalls_and_delays_open() -> None:
    def swallow(reply: httpx.Response) -> None:
        with contextlib.suppress(httpx.HTTPError):
            reply.read()

    threads = set(threading.enumerate())
    with Emulator() as server, httpx.Client(timeout=LONG) as client, ThreadPoolExecutor() as pool:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        server.stall_stream_after(1, seconds=LONG)
        server.stall_stream_after(1, seconds=LONG, keep_alive_every=0.01)
        for _ in range(2):
            request = client.build_request("POST", server.ark_base_url + CHAT, json=STREAM, headers=headers)
            pool.submit(swallow, client.send(request, stream=True))
        server.delay_next(LONG)
        pending = pool.submit(client.post, server.ark_base_url + CHAT, json=BODY, headers=headers)
        assert server.wait_for(lambda: server.active_streams == 2 and len(server.requests) == 3)

        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < LONG
        assert isinstance(pending.exception(timeout=30), httpx.HTTPError)
    assert set(threading.enumerate()) <= threads


def test_server_that_cannot_start_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr("langchain_volcark.emulator.server._Server.run", broken)
    with pytest.raises(RuntimeError, match="did not start"):
        Emulator().start()


def test_emulator_writes_nothing_into_the_users_log(
    server: Emulator, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    levels = [logging.getLogger(name).level for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]
    assert levels == [logging.NOTSET] * 3
    with caplog.at_level(logging.INFO), Emulator():
        client.post(CHAT, json=BODY)
    assert [record for record in caplog.records if record.name == "uvicorn.access"] == []


async def test_hundreds_of_streams_at_once(server: Emulator) -> None:
    async def one(client: httpx.AsyncClient) -> bool:
        reply = await client.post(server.ark_base_url + CHAT, json=STREAM)
        return reply.text.endswith("data: [DONE]\n\n")

    limits = httpx.Limits(max_connections=200)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    async with httpx.AsyncClient(limits=limits, headers=headers, timeout=20) as client:
        assert all(await asyncio.gather(*(one(client) for _ in range(200))))
    assert server.disconnects == 0


def test_bug_in_the_emulator_is_told_to_the_client(
    server: Emulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("langchain_volcark.emulator.ark.service.read_chat_request", broken)
    reply = client.post(CHAT, json=BODY)
    assert reply.status_code == 500
    assert "oops" in reply.json()["error"]["message"]
    assert "emulator failed" in caplog.text
