"""Stored responses: chains, caches, expiry, and what can be read of them."""

from __future__ import annotations

import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import (
    LONG,
    OLDER,
    TIME,
    WEATHER,
    WEB,
    Client,
    Json,
    kinds,
    text_of,
    user,
)

CACHED: Json = {"caching": {"type": "enabled"}}
NOT_FOUND = "InvalidParameter.PreviousResponseNotFound"


def test_a_chain_brings_in_what_was_before(client: Client) -> None:
    first = client.ask(input=LONG)
    second = client.ask(input="And?", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]


def test_a_chain_answers_calls(client: Client) -> None:
    first = client.ask(input="Weather in 'Rome'?", tools=[WEATHER])
    result = {"type": "function_call_output", "call_id": first["output"][-1]["call_id"], "output": "sunny"}
    found = client.ask(input=[result], previous_response_id=first["id"], tools=[WEATHER])
    assert text_of(found) == "The tools answered: get_weather returned sunny"
    assert text_of(client.ask(input=[result], previous_response_id=first["id"])) == text_of(found)


def test_a_chain_may_not_leave_calls_without_results(client: Client) -> None:
    first = client.ask(input="Weather in 'Rome'?", tools=[WEATHER])
    error = client.refuse(input="Well?", previous_response_id=first["id"])
    assert "No tool output found for function call" in error["message"]


def test_tools_are_not_kept_along_a_chain(client: Client) -> None:
    first = client.ask(input="get_weather in 'Rome'", tools=[WEATHER], tool_choice="none")
    assert kinds(client.ask(input="get_weather in 'Oslo'", previous_response_id=first["id"])["output"]) == [
        "reasoning",
        "message",
    ]


def test_an_id_can_be_gone_on_from_many_times(client: Client) -> None:
    first = client.ask(input="Hi")
    branches = [client.ask(input=text, previous_response_id=first["id"]) for text in ("one", "two")]
    assert [text_of(one) for one in branches] == ["You said: one", "You said: two"]


def test_a_chain_belongs_to_its_model(client: Client) -> None:
    first = client.ask(input="Hi")
    error = client.refuse(model=OLDER, input="And?", previous_response_id=first["id"])
    assert (error["code"], error["param"]) == (NOT_FOUND, "previous_response_id")


def test_a_chain_belongs_to_its_endpoint(client: Client) -> None:
    first = client.ask(model="ep-20250101000000-abcde", input="Hi")
    assert client.refuse(input="And?", previous_response_id=first["id"])["code"] == NOT_FOUND


@pytest.mark.parametrize("how", ["unknown", "deleted", "expired", "not stored"])
def test_what_is_not_there_cannot_be_gone_on_from(client: Client, emulator: Emulator, how: str) -> None:
    first = client.ask(input="Hi", store=how != "not stored")
    if how == "deleted":
        client.http.delete(f"/responses/{first['id']}")
    if how == "expired":
        emulator.shift_clock(259_300)
    response_id = "resp_0" if how == "unknown" else first["id"]
    assert client.refuse(input="And?", previous_response_id=response_id)["code"] == NOT_FOUND


def test_using_a_response_does_not_renew_it(client: Client, emulator: Emulator) -> None:
    first = client.ask(input="Hi", expire_at=client.ask(input="Hi")["created_at"] + 600)
    emulator.shift_clock(500)
    client.ask(input="And?", previous_response_id=first["id"])
    emulator.shift_clock(700)
    assert client.refuse(input="And?", previous_response_id=first["id"])["code"] == NOT_FOUND


def test_a_deleted_middle_is_left_out(client: Client) -> None:
    ids = [client.ask(input=LONG)["id"]]
    for _ in range(2):
        ids.append(client.ask(input=LONG, previous_response_id=ids[-1])["id"])
    whole = client.ask(input="And?", previous_response_id=ids[-1])["usage"]["input_tokens"]
    client.http.delete(f"/responses/{ids[1]}")
    shorter = client.ask(input="And?", previous_response_id=ids[-1])["usage"]["input_tokens"]
    assert shorter < whole * 0.8


def test_an_incomplete_response_can_be_gone_on_from(client: Client) -> None:
    first = client.ask(input="count to 500", max_output_tokens=60)
    assert first["status"] == "incomplete"
    assert client.ask(input="And?", previous_response_id=first["id"])["status"] == "completed"


def test_a_streamed_response_is_kept_when_it_is_whole(client: Client) -> None:
    found = client.events(input="Hi")[-1]["response"]
    assert client.http.get(f"/responses/{found['id']}").json()["status"] == "completed"


def test_a_response_is_not_there_before_it_is_whole(client: Client, emulator: Emulator) -> None:
    emulator.stall_stream_after(5, seconds=600)
    with client.http.stream("POST", "/responses", json={"model": OLDER, "input": "Hi", "stream": True}) as reply:
        response_id = f"resp_{reply.headers['x-request-id']}"
        pieces = reply.iter_text()
        assert next(pieces)
        early = client.http.get(f"/responses/{response_id}")
    assert (early.status_code, early.json()["error"]["code"]) == (400, "InvalidParameter")
    assert emulator.wait_for(lambda: emulator.active_streams == 0)
    assert client.http.get(f"/responses/{response_id}").status_code == 404


def test_a_chain_holds_a_thousand_items(client: Client) -> None:
    first = client.ask(input=[user("x") for _ in range(999)], thinking={"type": "disabled"})
    assert client.ask(input="And?", previous_response_id=first["id"])["status"] == "completed"
    longer = client.ask(input=[user("x") for _ in range(1000)], thinking={"type": "disabled"})
    assert "more than 1000 items" in client.refuse(input="And?", previous_response_id=longer["id"])["message"]


def test_a_broken_stream_keeps_nothing(client: Client, emulator: Emulator) -> None:
    emulator.break_stream_after(5)
    with (
        client.http.stream("POST", "/responses", json={"model": OLDER, "input": "Hi", "stream": True}) as reply,
        pytest.raises(Exception, match="incomplete chunked read"),
    ):
        reply.read()
    response_id = f"resp_{reply.headers['x-request-id']}"
    assert emulator.wait_for(lambda: emulator.active_streams == 0)
    error = client.refuse(model=OLDER, input="And?", previous_response_id=response_id)
    assert error["code"] == NOT_FOUND


def test_a_response_is_retrieved_without_its_thinking(client: Client) -> None:
    found = client.ask(input="Hi")
    kept = client.http.get(f"/responses/{found['id']}", params={"include[]": "reasoning.encrypted_content"}).json()
    assert kinds(kept["output"]) == ["message"]
    assert kept["usage"] == found["usage"]


def test_what_is_to_be_included_must_be_known(client: Client) -> None:
    found = client.ask(input="Hi")
    reply = client.http.get(f"/responses/{found['id']}", params={"include[]": "everything"})
    assert reply.json()["error"]["param"] == "include"


def test_a_deleted_response_is_gone(client: Client) -> None:
    found = client.ask(input="Hi")
    path = f"/responses/{found['id']}"
    assert client.http.delete(path).json() == {"id": found["id"], "object": "response", "deleted": True}
    for reply in (client.http.get(path), client.http.get(f"{path}/input_items"), client.http.delete(path)):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "NotFound.ResponseId")


def test_input_items_are_those_of_the_whole_chain(client: Client) -> None:
    first = client.ask(input="one")
    second = client.ask(input=[user("two"), user("three")], previous_response_id=first["id"])
    path = f"/responses/{second['id']}/input_items"
    listed = client.http.get(path, params={"order": "asc"}).json()
    texts = [
        item["content"] if isinstance(item["content"], str) else item["content"][0]["text"]
        for item in listed["data"]
    ]
    assert texts == ["one", "You said: one", "two", "three"]
    assert (listed["first_id"], listed["last_id"]) == (listed["data"][0]["id"], listed["data"][-1]["id"])
    newest = client.http.get(path).json()["data"]
    assert newest == listed["data"][::-1]


def test_input_items_come_in_pages(client: Client) -> None:
    found = client.ask(input=[user(str(number)) for number in range(5)])
    path = f"/responses/{found['id']}/input_items"
    page = client.http.get(path, params={"limit": 2}).json()
    seen = [item["content"] for item in page["data"]]
    while page["has_more"]:
        page = client.http.get(path, params={"limit": 2, "after": page["last_id"]}).json()
        seen += [item["content"] for item in page["data"]]
    assert seen == ["4", "3", "2", "1", "0"]
    before = client.http.get(path, params={"before": page["last_id"]}).json()
    assert [item["content"] for item in before["data"]] == ["4", "3", "2", "1"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"order": "up"}, {"after": "no"}])
def test_a_page_that_cannot_be_is_refused(client: Client, query: Json) -> None:
    found = client.ask(input="Hi")
    reply = client.http.get(f"/responses/{found['id']}/input_items", params=query)
    assert reply.json()["error"]["code"] == "InvalidParameter"


def test_links_of_pictures_are_listed_for_who_asks(client: Client) -> None:
    picture = {"type": "input_image", "image_url": "https://example.com/a.png"}
    found = client.ask(input=[user([picture])])
    path = f"/responses/{found['id']}/input_items"
    (item,) = client.http.get(path).json()["data"]
    assert item["content"] == [{"type": "input_image"}]
    (item,) = client.http.get(path, params={"include[]": "message.input_image.image_url"}).json()["data"]
    assert item["content"] == [picture]


def test_stored_responses_are_for_api_keys_only(client: Client, emulator: Emulator) -> None:
    found = client.ask(input="Hi")
    key = emulator._credentials.issue(frozenset({found["model"]}), 600).value
    headers = {"Authorization": f"Bearer {key}"}
    assert client.http.post(
        "/responses", json={"model": found["model"], "input": "Hi"}, headers=headers
    ).is_success
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/input_items")):
        reply = client.http.request(method, f"/responses/{found['id']}{path}", headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "AuthenticationError")


def test_a_cached_chain_counts_what_it_had(client: Client) -> None:
    first = client.ask(input=LONG, **CACHED)
    second = client.ask(input="And?", previous_response_id=first["id"], **CACHED)
    assert second["caching"] == {"type": "enabled"}
    cached = second["usage"]["input_tokens_details"]["cached_tokens"]
    assert 0 < first["usage"]["input_tokens"] < cached < second["usage"]["input_tokens"]


def test_a_prefix_is_made_without_an_answer(client: Client) -> None:
    prefix = client.ask(input=LONG, caching={"type": "enabled", "prefix": True})
    assert (prefix["output"], prefix["usage"]["output_tokens"]) == ([], 0)
    assert prefix["caching"] == {"type": "enabled", "prefix": True}
    reading = client.ask(input="And?", previous_response_id=prefix["id"])
    assert reading["caching"] == {"type": "disabled"}
    assert reading["usage"]["input_tokens_details"]["cached_tokens"] >= 256


def test_a_turn_that_only_reads_the_cache_adds_nothing_to_it(client: Client) -> None:
    def cached(found: Json) -> int:
        return int(found["usage"]["input_tokens_details"]["cached_tokens"])

    first = client.ask(input=LONG, **CACHED)
    reading = client.ask(input=LONG, previous_response_id=first["id"])
    again = client.ask(input="And?", previous_response_id=reading["id"])
    assert cached(reading) == cached(again) > 0
    writing = client.ask(input=LONG, previous_response_id=first["id"], **CACHED)
    assert cached(client.ask(input="And?", previous_response_id=writing["id"])) > cached(writing)


def test_instructions_forgo_the_cache(client: Client) -> None:
    first = client.ask(input=LONG, **CACHED)
    second = client.ask(input="And?", previous_response_id=first["id"], instructions="Be brief.")
    assert second["usage"]["input_tokens_details"]["cached_tokens"] == 0


def test_tools_of_a_cached_chain_are_those_of_its_first_turn(client: Client) -> None:
    first = client.ask(input="Hi", tools=[WEATHER], tool_choice="none", **CACHED)
    for more in (CACHED, {}):
        error = client.refuse(input="And?", previous_response_id=first["id"], tools=[TIME], **more)
        assert error["param"] == "tools"
    second = client.ask(input="get_weather in 'Rome'", previous_response_id=first["id"], **CACHED)
    assert second["output"][-1]["name"] == "get_weather"
    assert second["tools"] == [WEATHER]


def test_tools_go_with_the_first_turn(client: Client) -> None:
    first = client.ask(input="Hi", tools=[WEATHER], tool_choice="none", **CACHED)
    second = client.ask(input="And?", previous_response_id=first["id"], tool_choice="none", **CACHED)
    client.http.delete(f"/responses/{first['id']}")
    third = client.ask(input="get_weather in 'Rome'", previous_response_id=second["id"], **CACHED)
    assert kinds(third["output"]) == ["reasoning", "message"]
    assert client.refuse(input="x", previous_response_id=second["id"], tools=[WEATHER])["param"] == "tools"


def test_thinking_is_the_same_along_a_cached_chain(client: Client) -> None:
    off = {"thinking": {"type": "disabled"}}
    first = client.ask(input="Hi", **off, **CACHED)
    assert client.refuse(input="And?", previous_response_id=first["id"], **CACHED)["param"] == "thinking"
    assert client.ask(input="And?", previous_response_id=first["id"], **off, **CACHED)["status"] == "completed"


def test_a_cache_is_not_begun_in_the_middle(client: Client) -> None:
    first = client.ask(input="Hi")
    assert client.refuse(input="And?", previous_response_id=first["id"], **CACHED)["param"] == "caching"


@pytest.mark.parametrize("kind", ["json_schema", "json_object"])
def test_a_cached_chain_gives_objects_but_no_schemas(client: Client, kind: str) -> None:
    wanted: Json = {"type": kind}
    if kind == "json_schema":
        wanted |= {"name": "n", "schema": {"type": "object"}}
    first = client.ask(input="Hi", **CACHED)
    sent: Json = {"input": "As json", "previous_response_id": first["id"], "text": {"format": wanted}}
    if kind == "json_schema":
        assert client.refuse(**sent)["param"] == "text.format.type"
    else:
        assert client.ask(**sent)["status"] == "completed"


def test_hosted_tools_do_not_join_a_cached_chain(client: Client) -> None:
    first = client.ask(input="Hi", **CACHED)
    assert client.refuse(input="And?", previous_response_id=first["id"], tools=[WEB])["param"] == "tools"
