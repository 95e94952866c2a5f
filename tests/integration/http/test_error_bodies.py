"""Error bodies as the services and the gateways in front of them really send them, for every class and style."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage

from langchain_volcark import ChatArk, ChatQianfan
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    VolcArkError,
)
from tests.integration.faults.driving import Call, drive
from tests.integration.faults.faults import answer
from tests.integration.faults.matrix import everyone
from tests.integration.faults.services import CHATS, Service
from tests.unit.raw_server import RawServer

ARK, QIANFAN = (next(one for one in CHATS if one.name == name) for name in ("ark", "qianfan"))
LAST = "Connection: close\r\n"
TOO_LONG = "Total tokens of image and text exceed max message tokens."


def ark_error(message: str, code: str = "InvalidParameter", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "param": "", "type": "BadRequest", **more}}


def refused(
    server: RawServer,
    service: Service,
    body: bytes,
    status: str = "400 Bad Request",
    kind: str = "application/json",
) -> VolcArkError:
    """What a call raises that gets this body."""
    server.handler = lambda connection, request: answer(body, kind, status, LAST)
    with pytest.raises(VolcArkError) as caught:
        service.build(server.url).invoke("Hi")
    return caught.value


def as_sent(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()


@pytest.mark.parametrize(("service", "call"), everyone())
@pytest.mark.parametrize("envelope", ["own", "gateway", "text"])
def test_a_prompt_that_is_too_long_is_one_error_in_every_class(
    envelope: str, service: Service, call: Call, broken_server: RawServer
) -> None:
    own = {
        "ark": ark_error(TOO_LONG),
        "qianfan": {"error": {"code": "invalid_argument", "message": "input characters limit is 256000"}},
        "v1": {"error_code": 336003, "error_msg": "the max input characters is 7200"},
        "knowledge": {"code": 1000030, "message": f"model inference failed: {TOO_LONG}"},
    }
    gateway = {"error": {"message": "This model's maximum context length is 8192 tokens.", "code": None}}
    body = as_sent(
        {"own": own.get(service.name, gateway), "gateway": gateway, "text": "prompt is too long: 9 tokens > 8"}[
            envelope
        ]
    )
    broken_server.handler = lambda connection, request: answer(body, "application/json", "400 Bad Request")
    seen = drive(call, service.build(broken_server.url))
    assert type(seen.error) is ContextLengthError
    assert isinstance(seen.error, ContextOverflowError)
    assert len(broken_server.requests) == 1


def test_a_max_tokens_that_is_too_large_is_no_long_prompt(broken_server: RawServer) -> None:
    said = "integer above maximum value, expected a value <= 32768, but got 64000"
    body = as_sent(ark_error(f"The parameter `max_tokens` is not valid: {said}", param="max_tokens"))
    assert type(refused(broken_server, ARK, body)) is InvalidRequestError


def test_a_fallback_with_a_longer_context_takes_over(emulator: Emulator) -> None:
    arguments: Any = {"api_key": emulator.api_key, "base_url": emulator.ark_base_url}
    short, long = ChatArk(model="ep-short", **arguments), ChatArk(model="ep-long", **arguments)
    emulator.fail_next(status=400, code="InvalidParameter", message=TOO_LONG)
    model = short.with_fallbacks([long], exceptions_to_handle=(ContextOverflowError,))
    assert model.invoke("Hello").text == "You said: Hello"
    assert [request.json["model"] for request in emulator.requests] == ["ep-short", "ep-long"]


def test_summarising_middleware_asks_with_a_shorter_prompt(broken_server: RawServer) -> None:
    sizes = []

    def handler(connection: Any, request: bytes) -> bytes:
        sizes.append(len(request))
        if len(sizes) == 1:
            return answer(as_sent(ark_error(TOO_LONG)), "application/json", "400 Bad Request", LAST)
        return answer(ARK.body(), "application/json", headers=LAST)

    broken_server.handler = handler
    model = ARK.build(broken_server.url)
    summarise = SummarizationMiddleware(
        model=model, trigger=("messages", 5), keep=("messages", 1), trim_tokens_to_summarize=None
    )
    messages: list[AnyMessage] = [
        (AIMessage if number % 2 else HumanMessage)(str(number) * 2000) for number in range(9)
    ]
    answered = create_agent(model, [], middleware=[summarise]).invoke({"messages": messages})["messages"][-1]
    assert answered.text == "Hello world"
    assert sizes[1] < sizes[0]
    assert len(sizes) == 3


def test_a_second_json_text_behind_the_first_hides_nothing(broken_server: RawServer) -> None:
    error = {
        "code": "invalid_argument",
        "message": "input characters limit is 256000",
        "type": "invalid_request_error",
    }
    body = as_sent({"error": error, "id": "as-1"}) + b'{"code":20000,"msg":"Unknown error []"}'
    caught = refused(broken_server, QIANFAN, body)
    assert type(caught) is ContextLengthError
    assert (caught.code, caught.request_id) == ("invalid_argument", "as-1")
    # With status 200, too.
    assert refused(broken_server, QIANFAN, body, "200 OK").code == "invalid_argument"


def test_an_error_among_other_json_texts_is_found(broken_server: RawServer) -> None:
    body = b'\xef\xbb\xbf{"ok": true}\n' + as_sent(ark_error("no", "ModelNotOpen"))
    assert type(refused(broken_server, ARK, body, "404 Not Found")) is NotFoundError


def test_an_error_in_a_refused_event_stream_is_found(broken_server: RawServer) -> None:
    body = b"data: " + as_sent(ark_error("no", "QuotaExceeded")) + b"\n\ndata: [DONE]\n\n"
    caught = refused(broken_server, ARK, body, "429 Too Many Requests", "text/event-stream")
    assert (type(caught), caught.code) == (QuotaExceededError, "QuotaExceeded")


@pytest.mark.parametrize(
    ("ending", "request_id"),
    [
        ("Request id: 0217abc", "0217abc"),
        ("Request id: 0217abc (request id: 2025123)", "0217abc"),
        ("(request id: 2025123)", "2025123"),
    ],
)
def test_the_request_id_of_the_text_stands_in_for_a_header_that_a_gateway_dropped(
    ending: str, request_id: str, broken_server: RawServer
) -> None:
    caught = refused(broken_server, ARK, as_sent(ark_error(f"No such thing. {ending}")))
    assert caught.request_id == request_id
    assert caught.message == "No such thing."


def test_the_headers_request_id_goes_before_the_texts(broken_server: RawServer) -> None:
    body = as_sent(ark_error("No. Request id: 0217abc"))
    broken_server.handler = lambda connection, request: answer(
        body, "application/json", "400 Bad Request", f"X-Request-Id: 0217header\r\n{LAST}"
    )
    with pytest.raises(InvalidRequestError) as caught:
        ARK.build(broken_server.url).invoke("Hi")
    assert caught.value.request_id == "0217header"


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"code": 401, "message": "token expired", "success": False}, AuthenticationError),
        ({"code": "QuotaExceeded", "message": "used up"}, QuotaExceededError),
        ({"object": "error", "message": "maximum context length is 8192 tokens", "code": 400}, ContextLengthError),
    ],
)
def test_the_flat_envelope_of_a_gateway_is_read(
    payload: dict[str, Any], error: type[VolcArkError], broken_server: RawServer
) -> None:
    for status in ("200 OK", "400 Bad Request"):
        caught = refused(broken_server, ARK, as_sent(payload), status)
        assert caught.code == str(payload["code"])
        if status == "200 OK":
            assert type(caught) is error


# Recorded: status, payload, class.
ARK_RECORDED: list[tuple[str, dict[str, Any], type[VolcArkError]]] = [
    ("429", ark_error("It will reset at 2026-04-30 23:59:59", "AccountQuotaExceeded"), QuotaExceededError),
    ("429", ark_error("limit", "AccountSetLimitExceeded"), QuotaExceededError),
    ("404", ark_error("no such action", "InvalidAction", type="NotFound"), NotFoundError),
    ("404", ark_error("not open", "ModelNotOpen", type="Not Found"), NotFoundError),
    ("404", ark_error("not in the plan", "UnsupportedModel", type=""), NotFoundError),
    ("400", {"error": {"code": "InvalidParameter", "message": TOO_LONG, "param": ""}}, ContextLengthError),
]


@pytest.mark.parametrize(("status", "payload", "error"), ARK_RECORDED)
def test_recorded_errors_of_ark(
    status: str, payload: dict[str, Any], error: type[VolcArkError], broken_server: RawServer
) -> None:
    caught = refused(broken_server, ARK, as_sent(payload), f"{status} No")
    assert type(caught) is error
    assert caught.code == payload["error"]["code"]
    assert len(broken_server.requests) == 1


@pytest.mark.parametrize("plan", ["coding_plan_", "token_plan_person_"])
@pytest.mark.parametrize(
    ("status", "ending", "error", "advice"),
    [
        ("401", "api_key_not_allowed", AuthenticationError, "set base_url="),
        ("401", "api_key_required", AuthenticationError, "the plan's own key"),
        ("403", "model_not_supported", NotFoundError, "choose another"),
        ("403", "not_subscribed", PermissionDeniedError, "subscribe"),
        ("403", "subscription_expired", PermissionDeniedError, "renew"),
        ("429", "hour_quota_exceeded", QuotaExceededError, "used up"),
        ("429", "week_quota_exceeded", QuotaExceededError, "used up"),
        ("429", "month_quota_exceeded", QuotaExceededError, "used up"),
    ],
)
def test_the_codes_of_a_subscription_advise_what_helps(
    plan: str, status: str, ending: str, error: type[VolcArkError], advice: str, broken_server: RawServer
) -> None:
    payload = {"error": {"code": f"{plan}{ending}", "message": "no"}, "id": "as-1"}
    caught = refused(broken_server, QIANFAN, as_sent(payload), f"{status} No")
    assert type(caught) is error
    assert advice in caught.message
    assert ("renew" in caught.message) == (ending == "subscription_expired")
    assert len(broken_server.requests) == 1


def test_a_used_up_token_quota_is_not_asked_for_again(broken_server: RawServer, waits: list[float]) -> None:
    message = "Token Plan Person monthly quota limit exceeded"
    payload = {
        "error": {"code": "token_quota_exceeded", "message": message, "type": "quota_exceeded"},
        "id": "as-1",
    }
    assert type(refused(broken_server, QIANFAN, as_sent(payload), "429 Too Many Requests")) is QuotaExceededError
    assert waits == []


def test_a_subscriptions_rate_limit_heals(broken_server: RawServer, waits: list[float]) -> None:
    payload = {"error": {"code": "coding_plan_rate_limit_exceeded", "message": "slow down"}}
    assert type(refused(broken_server, QIANFAN, as_sent(payload), "429 Too Many Requests")) is RateLimitError
    assert len(waits) == 2


def test_a_long_retry_after_of_a_token_refresh_is_raised_at_once(emulator: Emulator, waits: list[float]) -> None:
    emulator.fail_next(status=429, code="18", retry_after=3600, times=9)
    model = ChatQianfan(
        api_version="v1",
        endpoint="ngxxxol8_test1",
        client_id=emulator.client_id,
        client_secret=emulator.client_secret,
        base_url=emulator.qianfan_v1_base_url,
        token_url=emulator.token_url,
    )
    with pytest.raises(VolcArkError) as caught:
        model.invoke("Hi")
    assert caught.value.retry_after == 3600
    assert len(emulator.requests) == 1
    assert waits == []
