"""Open questions about Ark: each test asserts what the package assumes; see `docs/uncertain.md`."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import Any

import httpx
import pytest

from langchain_volcark.ark.profiles import MODELS, find_model
from tests.live.kit import Kit, Wire, messages
from tests.live.services import TRUSTED, Services, skip_if_not_activated
from tests.live.signed import volc

TOOL = {
    "type": "function",
    "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
}
SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "string"}},
    "required": ["x"],
    "additionalProperties": False,
}
BY_SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAGklEQVR4nGP4z8BAEiJN9aiGUQ1DSwMDA8N/"
    "AAxf/wHnjzQ1AAAAAElFTkSuQmCC"
)


@pytest.fixture
def model(services: Services) -> str:
    return services.name("ARK_MODEL")


def answered(wire: Wire, model: str, **fields: Any) -> httpx.Response:
    """The reply of a model, which may refuse; a model that this account does not have is skipped."""
    body = {"messages": messages("Answer in json: x is 'yes'."), **fields, "model": model}
    reply = wire.post("/chat/completions", body)
    if reply.status_code == 404:
        skip_if_not_activated(model, reply.json()["error"])
    return reply


def reasoning_tokens(payload: Any) -> int:
    return int(payload["usage"]["completion_tokens_details"]["reasoning_tokens"])


# --- limits and sampling -------------------------------------------------------------------------------------------


def test_a_429_says_when_to_come_back(services: Services, ark: Wire, model: str) -> None:
    services.only_real("it says what it is told to say")
    for _ in range(int(services.name("ARK_LIVE_BURST"))):
        reply = ark.post("/chat/completions", {"model": model, "messages": messages("Hi"), "max_tokens": 1})
        if reply.status_code == 429:
            assert "retry-after" in reply.headers
            return
    pytest.skip("no request was refused: set ARK_LIVE_BURST to more requests than your limit")


def test_max_tokens_leaves_thinking_out(ark: Wire, model: str) -> None:
    payload = ark.chat(model, "Count to 100.", max_tokens=8, thinking={"type": "enabled"})
    thought = reasoning_tokens(payload)
    assert thought > 8
    assert payload["usage"]["completion_tokens"] - thought <= 8
    assert payload["choices"][0]["finish_reason"] == "length"


def test_max_tokens_of_deepseek_v4_1_counts_thinking(ark: Wire) -> None:
    reply = answered(ark, "deepseek-v4-1-flash-260910", max_tokens=8, messages=messages("Count to 100."))
    assert reply.json()["usage"]["completion_tokens"] <= 8


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_every_effort_is_accepted(ark: Wire, model: str, effort: str) -> None:
    payload = ark.chat(model, reasoning_effort=effort)
    assert (reasoning_tokens(payload) == 0) is (effort in ("none", "minimal"))


@pytest.mark.parametrize("field", ["frequency_penalty", "presence_penalty", "repetition_penalty"])
def test_penalties_are_accepted_by_thinking_models(ark: Wire, model: str, field: str) -> None:
    assert ark.chat(model, **{field: 1.1})["choices"]


def test_stop_is_accepted_by_thinking_models(ark: Wire, model: str) -> None:
    assert "," not in ark.chat(model, "Write: a, b, c", stop=[","])["choices"][0]["message"]["content"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "now"}}])
def test_a_call_can_be_forced_while_the_model_thinks(ark: Wire, model: str, choice: Any) -> None:
    payload = ark.chat(model, "Say: yes", tools=[TOOL], tool_choice=choice, thinking={"type": "enabled"})
    assert payload["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "now"


@pytest.mark.parametrize("field", ["seed", "top_k"])
def test_seed_and_top_k_are_accepted(ark: Wire, model: str, field: str) -> None:
    assert ark.chat(model, **{field: 3})["choices"]


def test_several_choices_come(services: Services, ark: Wire) -> None:
    assert len(ark.chat(services.name("ARK_PLAIN_MODEL"), n=2)["choices"]) == 2


def test_an_unknown_field_is_refused(ark: Wire, model: str) -> None:
    assert ark.refusal(model, field_of_nowhere=1)["code"].startswith("InvalidParameter")


def test_a_byte_order_mark_is_refused(ark: Wire, model: str) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"model": model, "messages": messages("Hi")}).encode()
    reply = ark.client.post("/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400


def test_the_role_developer_is_refused(ark: Wire, model: str) -> None:
    assert ark.refusal(model, [{"role": "developer", "content": "Be brief."}])["code"].startswith("Invalid")


# --- images, video, sound ------------------------------------------------------------------------------------------


def looking(**image: Any) -> Any:
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": PICTURE, **image}},
    ]
    return [{"role": "user", "content": parts}]


@pytest.mark.parametrize("detail", ["low", "high", "xhigh", "auto"])
def test_every_detail_is_accepted(ark: Wire, model: str, detail: str) -> None:
    assert ark.chat(model, looking(detail=detail))["choices"]


def test_image_options_stand_inside_image_url(ark: Wire, model: str) -> None:
    assert ark.chat(model, looking(image_pixel_limit={"min_pixels": 3136, "max_pixels": 100_000}))["choices"]
    wrong = looking(image_pixel_limit={"min_pixels": 100_000, "max_pixels": 3136})
    # Refused, so it was read.
    assert ark.refusal(model, wrong)["code"].startswith("InvalidArgumentError")


def test_a_model_without_sight_drops_an_image(services: Services, ark: Wire) -> None:
    plain = services.name("ARK_PLAIN_MODEL")
    seen, unseen = ark.chat(plain, looking()), ark.chat(plain, "What is it?")
    assert abs(seen["usage"]["prompt_tokens"] - unseen["usage"]["prompt_tokens"]) < 10


def test_a_video_may_be_a_file_id(services: Services, ark: Wire, model: str) -> None:
    video = {"type": "video_url", "video_url": {"file_id": services.name("ARK_VIDEO_FILE_ID")}}
    assert ark.chat(model, [{"role": "user", "content": [video, {"type": "text", "text": "What is it?"}]}])[
        "choices"
    ]


def test_ogg_is_refused(services: Services, ark: Wire) -> None:
    services.only_real("it takes the stricter of two lists")
    silence = base64.b64encode(b"OggS" + b"\0" * 200).decode()
    sound = {"type": "input_audio", "input_audio": {"data": silence, "format": "ogg"}}
    reply = answered(ark, services.name("ARK_HEARING_MODEL"), messages=[{"role": "user", "content": [sound]}])
    assert reply.status_code == 400


# --- thinking ------------------------------------------------------------------------------------------------------


def test_encrypted_thinking_comes_whole_in_a_chunk_of_its_own(ark: Wire, model: str) -> None:
    deltas = [one["choices"][0]["delta"] for one in ark.events(model) if one != "[DONE]" and one["choices"]]
    places = [place for place, one in enumerate(deltas) if one.get("encrypted_content")]
    assert len(places) == 1
    assert not deltas[places[0]]["content"]
    assert not any(one.get("reasoning_content") for one in deltas[places[0] :])
    assert not any(one.get("content") for one in deltas[: places[0]])


@pytest.mark.parametrize("kept", [True, False])
def test_leaving_encrypted_thinking_out_is_no_error(ark: Wire, model: str, kept: bool) -> None:
    first = ark.chat(model, "Call now.", tools=[TOOL], tool_choice="required")["choices"][0]["message"]
    if not kept:
        first.pop("encrypted_content", None)
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "noon"}
    history = [{"role": "user", "content": "Call now."}, first, result]
    assert ark.chat(model, history, tools=[TOOL])["choices"]


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row.prefix)
def test_the_profile_says_whether_a_model_thinks(services: Services, ark: Wire, row: Any) -> None:
    name = dated(services, row.prefix)
    reply = answered(ark, name)
    if reply.status_code == 400 and "api" in reply.text:
        pytest.skip(f"{name} has another API")
    assert (reasoning_tokens(reply.json()) > 0) is bool(row.thinks)


@pytest.mark.parametrize(
    "name",
    [
        "doubao-seed-2-0-lite-260428", "doubao-seed-2-0-mini-260428", "doubao-seed-2-0-code-preview-260215",
        "doubao-seed-character-260628", "doubao-seed-code-preview-251028", "deepseek-v4-1-flash-260910",
        "deepseek-v4-pro-ga-260813", "deepseek-v4-flash-ga-260731", "glm-5-3-flash-260828", "kimi-k2-250905",
        "doubao-seed-1-6-lite-251015", "deepseek-v4-pro-260425", "glm-5-2-260617", "glm-4-7-251222",
    ],
)  # fmt: skip
def test_the_profile_says_which_models_take_a_schema(services: Services, ark: Wire, name: str) -> None:
    row = find_model(name)
    assert row is not None
    if row.json_schema is None:
        # Nobody knows, so the profile does not say; either answer completes it.
        services.only_real("where sources disagree it takes one side")
    reply = answered(ark, name, response_format=BY_SCHEMA)
    obeyed = reply.status_code == 200 and _fits(reply.json()["choices"][0]["message"]["content"])
    if row.json_schema is None:
        pytest.fail(f"the profile of {name} can be completed: json_schema={obeyed}")
    assert obeyed is row.json_schema


def _fits(content: str) -> bool:
    try:
        return set(json.loads(content)) == {"x"}
    except (ValueError, TypeError):
        return False


@pytest.mark.parametrize(
    "name",
    ["glm-5-2-260617", "deepseek-v4-pro-ga-260813", "deepseek-v4-flash-ga-260731", "doubao-seed-2-1-pro-260915"],
)
def test_some_models_send_usage_unasked(ark: Wire, name: str) -> None:
    body = {"model": name, "messages": messages("Say: yes"), "stream": True}
    reply = answered(ark, name, **{key: value for key, value in body.items() if key != "model"})
    unasked = '"choices":[]' in reply.text.replace(" ", "")
    assert unasked is not name.startswith("doubao")


def dated(services: Services, prefix: str) -> str:
    """The newest id that this account lists of a family."""
    headers = {"Authorization": f"Bearer {services.api_key}"}
    listed = httpx.get(f"{services.ark_base_url}/models", headers=headers, timeout=60, verify=TRUSTED).json()[
        "data"
    ]
    matching = {one["id"] for one in listed if (found := find_model(one["id"])) and found.prefix == prefix}
    names = sorted(name for name in matching)
    if not names:
        pytest.skip(f"no model of {prefix} is listed")
    return str(names[-1])


def test_profiles_agree_with_the_list_of_models(services: Services, ark: Wire) -> None:
    rows = ark.client.get("/models").json()["data"]
    wrong = []
    for row in rows:
        known = find_model(row["id"])
        limits = row.get("token_limits") or {}
        if known is None or row.get("status") or not limits.get("context_window"):
            continue
        ours = (known.context, known.max_input or known.context)
        theirs = (limits["context_window"], limits.get("max_input_token_length") or limits["context_window"])
        if ours != theirs:
            wrong.append((row["id"], ours, theirs))
    if not services.real:
        # Here the two tables, written apart from each other, are compared.
        wrong = [one for one in wrong if one[1][0] != one[2][0]]
        assert len(wrong) <= 2, wrong
        return
    assert wrong == []


# --- the plan's address --------------------------------------------------------------------------------------------


def test_the_agent_plan_takes_short_names(services: Services) -> None:
    key = services.name("ARK_PLAN_API_KEY")
    with httpx.Client(
        base_url="https://ark.cn-beijing.volces.com/api/plan/v3",
        headers={"Authorization": f"Bearer {key}"},
        timeout=600,
        verify=TRUSTED,
    ) as client:
        assert Wire(client).chat("doubao-seed-2.1-pro")["choices"]


# --- bots ----------------------------------------------------------------------------------------------------------

BOTS = "/bots/chat/completions"
QUESTION = "Which plants are cruciferous?"


@pytest.fixture
def bot(services: Services) -> str:
    return services.name("ARK_BOT_ID")


@pytest.mark.parametrize("field", [{"reasoning_effort": "low"}, {"max_completion_tokens": 50}])
def test_bots_refuse_fields_that_their_page_lacks(ark: Wire, bot: str, field: Any) -> None:
    assert ark.refusal(bot, path=BOTS, **field)["code"].startswith("InvalidParameter")


def test_the_intention_signal_is_in_a_chunks_metadata(ark: Wire, bot: str) -> None:
    asked = {"emit_intention_signal_extra": "true"}
    chunks = ark.events(bot, QUESTION, BOTS, metadata=asked)
    assert any(set(one.get("metadata") or {}) - set(asked) for one in chunks if one != "[DONE]")


def test_references_come_before_the_text(ark: Wire, bot: str) -> None:
    chunks = [one for one in ark.events(bot, QUESTION, BOTS) if one != "[DONE]"]
    places = [place for place, one in enumerate(chunks) if one.get("references")]
    texts = [
        place for place, one in enumerate(chunks) if one["choices"] and one["choices"][0]["delta"].get("content")
    ]
    assert len(places) == 1
    assert chunks[places[0]]["choices"] == []
    assert places[0] < texts[0]


def test_a_bot_keeps_its_thinking_out_of_its_answer(kit: Kit) -> None:
    message = kit.bot().invoke(QUESTION)
    assert "</think>" not in message.text
    assert "<think>" not in message.text


def test_every_model_call_of_a_bot_has_its_numbers(ark: Wire, bot: str) -> None:
    payload = ark.chat(bot, QUESTION, BOTS)
    assert payload.get("usage") is None
    for one in payload["bot_usage"]["model_usage"]:
        assert one["total_tokens"] == one["prompt_tokens"] + one["completion_tokens"]
    for one in payload["bot_usage"]["action_usage"]:
        assert "action_name" in one
        assert "count" in one


# --- embeddings ----------------------------------------------------------------------------------------------------


def test_text_embeddings_are_still_served(services: Services, ark: Wire) -> None:
    name = services.name("ARK_TEXT_EMBEDDING_MODEL")
    assert len(ark.ok("/embeddings", {"model": name, "input": ["a", "b"]})["data"]) == 2


def test_a_request_holds_256_texts(services: Services, ark: Wire) -> None:
    name = services.name("ARK_TEXT_EMBEDDING_MODEL")
    assert len(ark.ok("/embeddings", {"model": name, "input": ["a"] * 256})["data"]) == 256
    assert ark.post("/embeddings", {"model": name, "input": ["a"] * 257}).status_code == 400


def test_base64_is_32_bit_floats_lowest_byte_first(services: Services, ark: Wire) -> None:
    name = services.name("ARK_TEXT_EMBEDDING_MODEL")
    plain = ark.ok("/embeddings", {"model": name, "input": ["a"]})["data"][0]["embedding"]
    packed = ark.ok("/embeddings", {"model": name, "input": ["a"], "encoding_format": "base64"})["data"][0][
        "embedding"
    ]
    data = base64.b64decode(packed)
    assert struct.unpack(f"<{len(data) // 4}f", data) == pytest.approx(plain, abs=1e-5)


def test_the_query_prefix_brings_a_question_nearer_to_its_answer(services: Services, kit: Kit) -> None:
    services.only_real("its vectors know no meaning")
    model = kit.embeddings("ARK_TEXT_EMBEDDING_MODEL")
    answer, other = model.embed_documents(["The ferry leaves at eight.", "Broccoli is a vegetable."])
    question = "when does the boat go"
    bare = model.embed_documents([question])[0]
    asked = model.embed_query(question)
    assert _near(asked, answer) - _near(asked, other) >= _near(bare, answer) - _near(bare, other)


def _near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


def multimodal(services: Services, wire: Wire, **fields: Any) -> Any:
    body = {"model": services.name("ARK_EMBEDDING_MODEL"), "input": [{"type": "text", "text": "hello"}], **fields}
    return wire.ok("/embeddings/multimodal", body)["data"]


def test_a_multimodal_reply_is_one_object_of_2048_numbers(services: Services, ark: Wire) -> None:
    data = multimodal(services, ark)
    assert isinstance(data, dict)
    assert len(data["embedding"]) == 2048


def test_sparse_vectors_are_a_list(services: Services, ark: Wire) -> None:
    data = multimodal(services, ark, sparse_embedding={"type": "enabled"})
    assert isinstance(data["sparse_embedding"], list)
    assert set(data["sparse_embedding"][0]) == {"index", "value"}


def test_multi_vectors_are_a_list_of_lists(services: Services, ark: Wire) -> None:
    data = multimodal(services, ark, multi_embedding={"type": "enabled"})
    assert isinstance(data["multi_embedding"], list)
    assert len({len(one) for one in data["multi_embedding"]}) == 1


# --- counting, keys ------------------------------------------------------------------------------------------------


def test_todays_models_count_tokens(ark: Wire, model: str) -> None:
    rows = ark.ok("/tokenization", {"model": model, "text": ["hello world", "你好"]})["data"]
    assert [one["index"] for one in rows] == [0, 1]
    assert rows[0]["total_tokens"] == len(rows[0]["token_ids"])
    assert rows[0]["offset_mapping"][-1][1] == len("hello world")


def exchange(services: Services, url: str, ids: Any, seconds: int = 3600) -> httpx.Response:
    """Ask for a temporary key."""
    body = {"DurationSeconds": seconds, "ResourceType": "endpoint", "ResourceIds": ids}
    query = "Action=GetApiKey&Version=2024-01-01"
    return volc(services, f"{url}/?{query}", body, service="ark", region="cn-beijing")


def test_a_temporary_key_lasts_a_week_and_no_more_than_thirty_days(services: Services) -> None:
    ids = [services.name("ARK_ENDPOINT_ID")]
    assert exchange(services, services.control_base_url, ids, 604_800).json()["Result"]["ApiKey"]
    services.only_real("it gives as long as it is asked for")
    longer = exchange(services, services.control_base_url, ids, 2_592_001).json()
    assert "Error" in longer["ResponseMetadata"]


def test_resource_ids_are_a_plain_list(services: Services) -> None:
    name = services.name("ARK_ENDPOINT_ID")
    assert exchange(services, services.control_base_url, [name]).json()["Result"]["ApiKey"]
    assert "Error" in exchange(services, services.control_base_url, f'["{name}"]').json()["ResponseMetadata"]


def test_both_hosts_give_keys(services: Services) -> None:
    services.only_real("it is one host")
    for host in ("https://open.volcengineapi.com", "https://ark.cn-beijing.volcengineapi.com"):
        assert exchange(services, host, [services.name("ARK_ENDPOINT_ID")]).json()["Result"]["ApiKey"]
