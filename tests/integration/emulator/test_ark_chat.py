"""What the emulator answers on Ark's chat, whole replies: text, thinking, limits, usage."""

import base64
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator

THINKER = "doubao-seed-2-1-pro-260915"
PLAIN = "doubao-1-5-pro-32k-250115"


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator(endpoints={"ep-20260101000000-plain": PLAIN}) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.ark_base_url, headers=headers) as running:
        yield running


def ask(client: httpx.Client, prompt: Any, model: str = PLAIN, **fields: Any) -> dict[str, Any]:
    """The reply to a prompt (a text, or messages)."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    reply = client.post("/chat/completions", json={"model": model, "messages": messages, **fields})
    assert reply.status_code == 200, reply.text
    parsed: dict[str, Any] = reply.json()
    return parsed


def message(client: httpx.Client, prompt: Any, model: str = PLAIN, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = ask(client, prompt, model, **fields)["choices"][0]["message"]
    return found


def content(client: httpx.Client, prompt: Any, model: str = PLAIN, **fields: Any) -> str:
    return str(message(client, prompt, model, **fields)["content"])


def picture(width: int = 64, height: int = 64) -> str:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return "data:image/png;base64," + base64.b64encode(head).decode()


def test_reply_has_the_documented_fields(client: httpx.Client) -> None:
    reply = ask(client, "Hi")

    assert set(reply) == {"id", "object", "created", "model", "service_tier", "choices", "usage"}
    assert reply["object"] == "chat.completion"
    assert reply["id"].startswith("02")
    assert len(reply["id"]) == 53
    assert reply["service_tier"] == "default"
    assert reply["choices"] == [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "You said: Hi"},
        }
    ]


def test_answer_repeats_the_last_user_message(client: httpx.Client) -> None:
    history = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]},
    ]
    assert content(client, history) == "You said: two three"


def test_chinese_is_answered_in_chinese(client: httpx.Client) -> None:
    assert content(client, "你好，世界") == "你说：你好，世界"


def test_long_prompts_are_shortened_in_the_echo(client: httpx.Client) -> None:
    assert len(content(client, "word " * 1000)) < 450


@pytest.mark.parametrize("prompt", ["Please count to 120", "从一数到120"])
def test_counting_gives_a_reply_of_any_length(client: httpx.Client, prompt: str) -> None:
    assert content(client, prompt).split() == [str(number) for number in range(1, 121)]


def test_last_assistant_message_is_continued_without_repeating_it(client: httpx.Client) -> None:
    history = [{"role": "user", "content": "Go on"}, {"role": "assistant", "content": "Once upon a time"}]

    answer = message(client, history, THINKER)

    assert not answer["content"].startswith("Once")
    assert answer["content"]
    assert "reasoning_content" not in answer


def test_opened_brace_is_continued_to_an_object(client: httpx.Client) -> None:
    history = [{"role": "user", "content": 'Say "hi"'}, {"role": "assistant", "content": "{"}]
    assert content(client, history) == '"answer": "Say \\"hi\\""}'


@pytest.mark.parametrize("model", ["ep-20250101000000-abcde", "ep-m-20250101000000-abcde"])
def test_endpoint_resolves_to_a_model_name(client: httpx.Client, model: str) -> None:
    assert ask(client, "Hi", model)["model"] == THINKER


def test_endpoint_stands_for_the_model_the_emulator_was_told(client: httpx.Client) -> None:
    assert ask(client, "Hi", "ep-20260101000000-plain")["model"] == PLAIN


def test_explicit_nulls_mean_absent(client: httpx.Client) -> None:
    names = ["tools", "stop", "max_tokens", "thinking", "stream_options", "function_call", "x"]
    nothing: dict[str, Any] = dict.fromkeys(names)
    assert content(client, "Hi", **nothing) == "You said: Hi"


def test_every_documented_field_is_accepted(client: httpx.Client) -> None:
    fields: dict[str, Any] = {
        "temperature": 0,
        "top_p": 1,
        "frequency_penalty": -2,
        "presence_penalty": 2,
        "repetition_penalty": 1.1,
        "stop": ["a", "b", "c", "d"],
        "logit_bias": {"1": -100},
        "max_tokens": 100,
        "n": 1,
        "user": "me",
        "seed": 1,
        "top_k": 5,
        "service_tier": "auto",
        "stream": False,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "response_format": {"type": "text"},
    }
    assert ask(client, "Hi", **fields)


def test_fast_tier_is_named_in_the_reply(client: httpx.Client) -> None:
    assert ask(client, "Hi", service_tier="fast")["service_tier"] == "fast"


def test_several_choices_differ(client: httpx.Client) -> None:
    choices = ask(client, "Hi", n=3)["choices"]
    assert [choice["index"] for choice in choices] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in choices}) == 3


# Thinking


@pytest.mark.parametrize(
    ("model", "fields", "thinks"),
    [
        (THINKER, {}, True),
        (THINKER, {"thinking": {"type": "enabled"}}, True),
        (THINKER, {"thinking": {"type": "disabled"}}, False),
        (THINKER, {"reasoning_effort": "none"}, False),
        (THINKER, {"reasoning_effort": "minimal", "thinking": {"type": "enabled"}}, False),
        (THINKER, {"reasoning_effort": "minimal", "thinking": {"type": "disabled"}}, False),
        (THINKER, {"reasoning_effort": "low"}, True),
        ("doubao-seed-1-6-250615", {"thinking": {"type": "auto"}}, True),
        ("deepseek-v3-2-251201", {}, False),
        ("deepseek-v3-2-251201", {"thinking": {"type": "enabled"}}, True),
        ("kimi-k2-thinking-251104", {}, True),
        ("glm-5-3-flash-260828", {"reasoning_effort": "none"}, True),
        (PLAIN, {}, False),
        (PLAIN, {"thinking": {"type": "disabled"}}, False),
    ],
)
def test_thinking_follows_model_switch_and_effort(
    client: httpx.Client, model: str, fields: dict[str, Any], thinks: bool
) -> None:
    reply = ask(client, "Hi", model, **fields)
    assert ("reasoning_content" in reply["choices"][0]["message"]) is thinks
    assert (reply["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0) is thinks


def test_more_effort_thinks_longer(client: httpx.Client) -> None:
    lengths = [
        len(message(client, "Hi", THINKER, reasoning_effort=effort)["reasoning_content"])
        for effort in ("low", "medium", "high")
    ]
    assert lengths == sorted(set(lengths))


def test_effort_of_the_model_is_the_default(client: httpx.Client) -> None:
    high = message(client, "Hi", THINKER, reasoning_effort="high")["reasoning_content"]
    assert message(client, "Hi", THINKER)["reasoning_content"] == high


@pytest.mark.parametrize(
    ("model", "encrypts"), [("doubao-seed-2-1-turbo-260628", True), ("doubao-seed-2-0-pro-260215", False)]
)
def test_seed_2_1_sends_its_thinking_encrypted_too(client: httpx.Client, model: str, encrypts: bool) -> None:
    answer = message(client, "Hi", model)
    assert ("encrypted_content" in answer) is encrypts
    assert "encrypted_content" not in message(client, "Hi", model, thinking={"type": "disabled"})


def test_thinking_may_be_sent_back(client: httpx.Client) -> None:
    answer = message(client, "Hi", THINKER)
    history = [{"role": "user", "content": "Hi"}, answer, {"role": "user", "content": "And now?"}]
    assert content(client, history, THINKER) == "You said: And now?"


# Limits


@pytest.mark.parametrize("stop", ["4", ["9", "4", "zero"]])
def test_stop_sequence_cuts_the_text_before_it(client: httpx.Client, stop: Any) -> None:
    reply = ask(client, "count to 10", stop=stop)
    assert reply["choices"][0]["message"]["content"] == "1 2 3 "
    assert reply["choices"][0]["finish_reason"] == "stop"


def test_max_tokens_cuts_the_answer_and_leaves_the_thinking(client: httpx.Client) -> None:
    whole = ask(client, "count to 100", THINKER)
    reply = ask(client, "count to 100", THINKER, max_tokens=10)

    choice = reply["choices"][0]
    assert choice["message"]["content"] == "1 2 3 4 5 6 7 8 9 10"
    assert choice["finish_reason"] == "length"
    assert choice["message"]["reasoning_content"] == whole["choices"][0]["message"]["reasoning_content"]
    details = reply["usage"]["completion_tokens_details"]
    assert reply["usage"]["completion_tokens"] == 10 + details["reasoning_tokens"]


def test_answer_of_exactly_max_tokens_is_not_cut(client: httpx.Client) -> None:
    assert ask(client, "count to 10", max_tokens=10)["choices"][0]["finish_reason"] == "stop"


def test_answers_end_at_4096_tokens_unless_told_otherwise(client: httpx.Client) -> None:
    reply = ask(client, "count to 9999")
    assert reply["usage"]["completion_tokens"] == 4096
    assert reply["choices"][0]["finish_reason"] == "length"
    assert ask(client, "count to 9999", max_completion_tokens=12000)["choices"][0]["finish_reason"] == "stop"


def test_max_completion_tokens_counts_thinking_too(client: httpx.Client) -> None:
    thought = ask(client, "count to 100", THINKER)["usage"]["completion_tokens_details"]["reasoning_tokens"]

    short = ask(client, "count to 100", THINKER, max_completion_tokens=thought + 5)
    assert short["usage"]["completion_tokens"] == thought + 5
    assert short["choices"][0]["message"]["content"] == "1 2 3 4 5"

    none = ask(client, "count to 100", THINKER, max_completion_tokens=3)
    assert none["choices"][0]["message"]["content"] == ""
    assert none["choices"][0]["finish_reason"] == "length"
    assert none["usage"]["completion_tokens"] == 3


def test_max_tokens_of_deepseek_v4_1_counts_thinking_too(client: httpx.Client) -> None:
    reply = ask(client, "count to 100", "deepseek-v4-1-flash-260910", max_tokens=3)
    assert reply["usage"]["completion_tokens"] == 3


def test_prompt_longer_than_the_context_is_refused(client: httpx.Client) -> None:
    body = {
        "model": "doubao-1-5-lite-32k-250115",
        "messages": [{"role": "user", "content": "word " * 33_000}],
    }
    reply = client.post("/chat/completions", json=body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert (error["code"], error["param"], error["type"]) == ("InvalidParameter", "", "BadRequest")
    assert "exceed max message tokens" in error["message"]


def test_long_answers_may_be_asked_of_models_that_have_them(client: httpx.Client) -> None:
    assert ask(client, "Hi", THINKER, max_completion_tokens=100_000)


def test_half_an_escaped_character_is_replaced(client: httpx.Client) -> None:
    def said(escapes: str) -> str:
        body = f'{{"model": "{PLAIN}", "messages": [{{"role": "user", "content": "{escapes}"}}]}}'
        reply = client.post("/chat/completions", content=body)
        return str(reply.json()["choices"][0]["message"]["content"])

    assert said(r"a\ud83d b") == "You said: a\ufffd b"
    assert said(r"\uD83D\uDE00") == "You said: \N{GRINNING FACE}"


# Usage and probabilities


def test_usage_adds_up(client: httpx.Client) -> None:
    usage = ask(client, "hello world")["usage"]
    assert usage == {
        "prompt_tokens": 8,  # 4 of the text, 4 of the message
        "completion_tokens": 7,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def test_long_beginning_sent_before_is_cached(client: httpx.Client) -> None:
    first = {"role": "system", "content": "a rule of this test " * 100}
    fresh = ask(client, [first, {"role": "user", "content": "one"}])["usage"]
    again = ask(client, [first, {"role": "user", "content": "two"}])["usage"]
    same = ask(client, [first, {"role": "user", "content": "two"}])["usage"]

    assert fresh["prompt_tokens_details"]["cached_tokens"] == 0
    assert 256 <= again["prompt_tokens_details"]["cached_tokens"] < again["prompt_tokens"]
    assert same["prompt_tokens_details"]["cached_tokens"] == same["prompt_tokens"] - 1


def test_short_beginning_and_other_models_are_not_cached(client: httpx.Client) -> None:
    assert ask(client, "short")["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert ask(client, "short")["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    ask(client, "long " * 500)
    other = ask(client, "long " * 500, THINKER)
    assert other["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_logprobs_cover_the_answer_token_by_token(client: httpx.Client) -> None:
    choice = ask(client, "Hi 世界", logprobs=True, top_logprobs=2)["choices"][0]

    entries = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == choice["message"]["content"]
    assert b"".join(bytes(entry["bytes"]) for entry in entries).decode() == choice["message"]["content"]
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 2 for entry in entries)


def test_logprobs_without_alternatives(client: httpx.Client) -> None:
    entries = ask(client, "Hi", logprobs=True)["choices"][0]["logprobs"]["content"]
    assert all(entry["top_logprobs"] == [] for entry in entries)


# Media


def image(url: str, **options: Any) -> list[dict[str, Any]]:
    part = {"type": "image_url", "image_url": {"url": url, **options}}
    return [{"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]


@pytest.mark.parametrize("url", [picture(), "https://example.com/a.png"])
def test_image_is_seen(client: httpx.Client, url: str) -> None:
    assert content(client, image(url), THINKER) == "You said: Look (with 1 image)"


def test_image_counts_by_its_pixels_within_its_detail(client: httpx.Client) -> None:
    def prompt_tokens(size: tuple[int, int], **options: Any) -> int:
        usage = ask(client, image(picture(*size), **options), THINKER)["usage"]
        return int(usage["prompt_tokens"]) - 5

    assert prompt_tokens((280, 280)) == 100
    assert prompt_tokens((4000, 4000)) == prompt_tokens((4000, 4000), detail="low") == 1312
    assert prompt_tokens((4000, 4000), detail="high") == 5120


def test_model_without_vision_drops_images_silently(client: httpx.Client) -> None:
    reply = ask(client, image(picture()))
    assert reply["choices"][0]["message"]["content"] == "You said: Look"
    assert reply["usage"]["prompt_tokens"] == 5


def test_video_and_audio_are_taken_in(client: httpx.Client) -> None:
    sound = base64.b64encode(b"RIFF\0\0\0\0WAVE" + bytes(16_000)).decode()
    parts = [
        {"type": "text", "text": "Attend"},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4", "fps": 0.2}},
        {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
    ]
    reply = ask(client, [{"role": "user", "content": parts}], "doubao-seed-2-0-lite-260428")

    assert reply["choices"][0]["message"]["content"] == "You said: Attend (with 1 video, 1 audio)"
    assert reply["usage"]["prompt_tokens_details"]["audio_tokens"] == 10


# Moderation


def test_sensitive_input_is_refused(client: httpx.Client) -> None:
    messages = [
        {"role": "system", "content": "EMULATOR_SENSITIVE_INPUT"},
        {"role": "user", "content": "Hi"},
    ]
    reply = client.post("/chat/completions", json={"model": PLAIN, "messages": messages})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InputTextSensitiveContentDetected")


def test_filtered_output_stops_half_way_and_says_why(client: httpx.Client) -> None:
    choice = ask(client, "EMULATOR_FILTER_OUTPUT", THINKER)["choices"][0]
    assert choice["finish_reason"] == "content_filter"
    assert choice["moderation_hit_type"] == "severe_violation"
    assert "You said: EMULATOR_FILTER_OUTPUT".startswith(choice["message"]["content"])
    assert "moderation_hit_type" not in ask(client, "EMULATOR_FILTER_OUTPUT", PLAIN)["choices"][0]


def test_refused_output_is_an_error(client: httpx.Client) -> None:
    body = {"model": PLAIN, "messages": [{"role": "user", "content": "EMULATOR_REFUSE_OUTPUT"}]}
    reply = client.post("/chat/completions", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "OutputTextSensitiveContentDetected")


# Beside chat


def test_model_list_has_the_documented_rows(client: httpx.Client) -> None:
    listed = client.get("/models").json()

    rows = {row["id"]: row for row in listed["data"]}
    assert listed["object"] == "list"
    row = rows["doubao-seed-1-8-251228"]
    assert (row["name"], row["version"], row["domain"]) == ("doubao-seed-1-8", "251228", "VLM")
    assert row["token_limits"] == {
        "context_window": 262144,
        "max_input_token_length": 229376,
        "max_output_token_length": 65536,
        "max_reasoning_token_length": 32768,
    }
    assert row["modalities"] == {
        "input_modalities": ["text", "image", "video"],
        "output_modalities": ["text"],
    }
    assert row["status"] == "Retiring"
    assert "status" not in rows[THINKER]
    assert rows["doubao-seed-evolving"]["version"] == ""


def test_tokenization_counts_as_usage_does(client: httpx.Client) -> None:
    reply = client.post("/tokenization", json={"model": PLAIN, "text": ["hello 世界", ""]}).json()

    assert (reply["object"], reply["model"]) == ("list", PLAIN)
    first, second = reply["data"]
    assert first["index"] == 0
    assert first["object"] == "tokenization"
    assert first["total_tokens"] == len(first["token_ids"]) == 5
    assert first["offset_mapping"] == [[0, 4], [4, 5], [5, 6], [6, 7], [7, 8]]
    assert (second["index"], second["total_tokens"]) == (1, 0)


def test_tokenization_of_one_text(client: httpx.Client) -> None:
    assert client.post("/tokenization", json={"model": PLAIN, "text": "hi"}).json()["data"][0]["total_tokens"] == 1
    reply = client.post("/tokenization", json={"model": PLAIN})
    assert reply.json()["error"]["code"] == "MissingParameter"
