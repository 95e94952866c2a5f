"""Which reasoning goes back to which model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator

Make = Callable[..., ChatArk]

CALL: Any = {"name": "f", "args": {}, "id": "c", "type": "tool_call"}
SAID = {"reasoning_content": "Hm.", "encrypted_content": "gAAAA"}
OURS = {"model_provider": "volcengine"}
HISTORY = [
    HumanMessage("Hi"),
    AIMessage("Hello.", additional_kwargs=SAID, response_metadata=OURS),
    HumanMessage("Call f."),
    AIMessage("", additional_kwargs=SAID, response_metadata=OURS, tool_calls=[CALL]),
    ToolMessage("done", tool_call_id="c"),
]
REPLY = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}]}


def _sent(model: ChatArk, emulator: Emulator, /, **call: Any) -> tuple[bool, bool]:
    """Whether reasoning went out with the words, and with the tool call."""
    emulator.reply_next(REPLY)
    model.invoke(HISTORY, **call)
    messages = emulator.requests[-1].json["messages"]
    for message in messages:
        assert ("reasoning_content" in message) is ("encrypted_content" in message)
    return "reasoning_content" in messages[1], "reasoning_content" in messages[3]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("always", (True, True)), ("tool_turns", (False, True)), ("never", (False, False))],
)
def test_the_policy_decides(make: Make, emulator: Emulator, policy: str, expected: tuple[bool, bool]) -> None:
    for name in ("doubao-seed-2-1-pro-260915", "doubao-seed-1-6-251015", "ep-1"):
        assert _sent(make(model=name, reasoning_passback=policy), emulator) == expected


@pytest.mark.parametrize(
    ("name", "with_calls"),
    [
        ("doubao-seed-2-1-pro-260915", True),
        ("doubao-seed-2-0-pro-260215", True),
        ("doubao-seed-1-8-251228", True),
        ("deepseek-v4-pro-ga-260813", True),
        ("deepseek-v3-2-251201", True),
        ("glm-5-2-260617", True),
        ("kimi-k2-thinking-251104", True),
        ("ep-20250101000000-abcde", True),
        ("model-of-tomorrow", True),
        # Older ones refuse or ignore it.
        ("doubao-seed-1-6-251015", False),
        ("doubao-1-5-thinking-pro-250415", False),
        ("doubao-1-5-pro-32k-250115", False),
        ("deepseek-r1-250528", False),
        ("deepseek-v3-1-250821", False),
    ],
)
def test_by_default_the_models_row_decides(make: Make, emulator: Emulator, name: str, with_calls: bool) -> None:
    assert _sent(make(model=name), emulator) == (False, with_calls)
    # It is the model of the call that counts.
    assert _sent(make(), emulator, model=name) == (False, with_calls)


def test_a_change_of_model_keeps_the_words_and_leaves_the_encrypted_thought(
    make: Make, emulator: Emulator
) -> None:
    first = make().bind_tools([{"name": "f", "description": "F.", "parameters": {}}]).invoke("Call f.")
    assert "encrypted_content" in first.additional_kwargs
    history = [HumanMessage("Call f."), first, ToolMessage("done", tool_call_id=first.tool_calls[0]["id"])]
    make(model="deepseek-v4-pro-ga-260813").invoke(history)
    sent = emulator.requests[-1].json["messages"][1]
    assert sent["reasoning_content"] == first.additional_kwargs["reasoning_content"]
    assert "encrypted_content" not in sent
