"""Exact token counts from the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark import ChatArk
from langchain_volcark import exceptions as ours
from langchain_volcark.emulator import Emulator

Make = Callable[..., ChatArk]


async def test_one_text_and_many(model: ChatArk, emulator: Emulator) -> None:
    # The emulator's rule: a token is up to four letters with a space before them.
    assert model.count_tokens_exactly("hello world") == 4
    assert await model.acount_tokens_exactly("hello world") == 4
    assert model.count_tokens_exactly(["hello", "你好", ""]) == [2, 2, 0]
    assert await model.acount_tokens_exactly(("hello", "你好")) == [2, 2]
    assert emulator.requests[0].path == "/api/v3/tokenization"
    assert emulator.requests[0].json == {"model": model.model_name, "text": ["hello world"]}


async def test_no_text_needs_no_request(model: ChatArk, emulator: Emulator) -> None:
    assert model.count_tokens_exactly([]) == []
    assert await model.acount_tokens_exactly([]) == []
    assert emulator.requests == []


def test_another_model_can_be_asked_about(model: ChatArk, emulator: Emulator) -> None:
    model.count_tokens_exactly("hi", model="ep-1")
    assert emulator.requests[0].json["model"] == "ep-1"


def test_rows_out_of_order_are_put_in_order(model: ChatArk, emulator: Emulator) -> None:
    rows = [{"index": 1, "total_tokens": 7}, {"index": 0, "total_tokens": 3}]
    emulator.reply_next({"data": rows}, path="/tokenization")
    assert model.count_tokens_exactly(["a", "b"]) == [3, 7]


async def test_a_refusal_is_raised_and_not_replaced_by_an_estimate(make: Make) -> None:
    model = make(model="no-such-model")
    with pytest.raises(ours.NotFoundError):
        model.count_tokens_exactly("hi")
    with pytest.raises(ours.NotFoundError):
        await model.acount_tokens_exactly("hi")


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"data": []},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "total_tokens": "4"}]},
        {"data": [{"index": 5, "total_tokens": 4}]},
    ],
)
def test_a_reply_of_another_form_is_refused(model: ChatArk, emulator: Emulator, reply: dict[str, Any]) -> None:
    emulator.reply_next(reply, path="/tokenization")
    with pytest.raises(ours.ResponseFormatError):
        model.count_tokens_exactly("hi")


def test_what_is_no_text_is_refused_before_the_wire(model: ChatArk, emulator: Emulator) -> None:
    with pytest.raises(ValueError, match=r"text\[1\]"):
        model.count_tokens_exactly(["a", 5])  # type: ignore[list-item]
    assert emulator.requests == []


def test_it_is_authorised_like_a_call(make: Make, emulator: Emulator) -> None:
    pair = {"api_key": None, "access_key": emulator.access_key, "secret_key": emulator.secret_key}
    model = make(model="ep-1", control_base_url=emulator.control_base_url, **pair)
    assert model.count_tokens_exactly("hello") == 2
    assert [request.path for request in emulator.requests] == ["/", "/api/v3/tokenization"]


def test_the_estimate_sends_nothing(model: ChatArk, emulator: Emulator) -> None:
    assert model.get_num_tokens("hello world") == 2
    assert emulator.requests == []
