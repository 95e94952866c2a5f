"""Converts conversations to the message format of Qianfan V1.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model; functions: the
pages of the ERNIE models.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_volcark.qianfan.messages import is_blank, merge_consecutive
from langchain_volcark.wires.chat_completions.content import as_json_text

if TYPE_CHECKING:
    from langchain_volcark.qianfan.messages import Positioned
    from langchain_volcark.wires.chat_completions.messages import JSONMessage


def write_conversation(written: Positioned, max_characters: int | None) -> list[JSONMessage]:
    """Convert a conversation from the chat completions format to V1's.

    System messages are merged into one at the front, because V1 has a single `system` text. Consecutive messages
    of one role are merged. A tool call becomes a `function_call`, and its result a message of the role `function`.
    V1 allows one call per message, so a message with several calls is split, each call followed by its result.
    Author names are dropped: V1 has none.

    Args:
        written: Messages in the chat completions format, with their positions.
        max_characters: Maximum characters in all messages together; None or 0 for no limit.

    Returns:
        The messages; the first has the role `system` if the conversation has a system message.

    Raises:
        ValueError: V1 would refuse the conversation; the message names the position.
    """
    plain = [(place, _plain(place, message)) for place, message in written]
    system = [message["content"] for _, message in plain if message["role"] == "system"]
    turns = merge_consecutive([(place, message) for place, message in plain if message["role"] != "system"])
    turns = _as_functions(turns)
    _check(turns, max_characters)
    first = [{"role": "system", "content": "\n".join(system)}] if system else []
    return [*first, *(message for _, message in turns)]


def _plain(place: int, message: JSONMessage) -> JSONMessage:
    """Drop the author's name and turn the content into one string."""
    plain = {key: value for key, value in message.items() if key != "name" or message["role"] == "function"}
    content = plain.get("content")
    if isinstance(content, list):
        if any(part.get("type") != "text" for part in content):
            raise ValueError(f"messages[{place}]: V1 takes text only.")
        plain["content"] = "\n".join(part["text"] for part in content)
    return plain


def _as_functions(turns: Positioned) -> Positioned:
    """Convert tool calls and results to function calls, each followed by its result."""
    answers = _answers(turns)
    made: Positioned = []
    for order, (place, message) in enumerate(turns):
        if message["role"] == "tool":
            continue
        calls = message.pop("tool_calls", ())
        message.pop("reasoning_content", None)
        if not calls:
            made.append((place, message))
        for number, call in enumerate(calls):
            answer = answers.get((order, number))
            if answer is None and len(calls) > 1:
                raise ValueError(
                    f"messages[{place}]: V1 allows one call per message, so each of several needs its result; "
                    f"{call['id']!r} has none."
                )
            text = (message.get("content") or None) if number == 0 else None
            made.append((place, {"role": "assistant", "content": text, "function_call": dict(call["function"])}))
            if answer is not None:
                made.append((answer[0], _function_result(call["function"]["name"], answer[1]["content"])))
    return made


def _answers(turns: Positioned) -> dict[tuple[int, int], tuple[int, JSONMessage]]:
    """Map each call (position of its message, number of the call in it) to its result.

    A result belongs to the latest preceding call with its id, because a later turn may use an id again.
    """
    waiting: dict[str, list[tuple[int, int]]] = {}
    found = {}
    for order, (place, message) in enumerate(turns):
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            if not waiting.get(call_id):
                raise ValueError(
                    f"messages[{place}]: tool_call_id {call_id!r} answers no call of an assistant message."
                )
            found[waiting[call_id].pop(0)] = (place, message)
        ids = [call["id"] for call in message.get("tool_calls", ())]
        waiting.update({call_id: [] for call_id in ids})
        for number, call_id in enumerate(ids):
            waiting[call_id].append((order, number))
    return found


def _function_result(name: str, content: Any) -> JSONMessage:
    """Build a function result; V1 expects the text of a JSON object."""
    text = content if isinstance(content, str) else as_json_text(content)
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    return {"role": "function", "name": name, "content": text if is_object else as_json_text({"result": text})}


def _check(turns: Positioned, max_characters: int | None) -> None:
    if not turns:
        raise ValueError("messages: V1 needs a message from the user.")
    total = 0
    for order, (place, message) in enumerate(turns):
        role, content = message["role"], message.get("content")
        wanted = ("assistant",) if order % 2 else ("user",) if order == 0 else ("user", "function")
        if role not in wanted:
            raise ValueError(
                f"messages[{place}]: V1 wants user and assistant in turn, beginning with the user; "
                f"here must be {' or '.join(wanted)}, not {role!r}."
            )
        if is_blank(content) and "function_call" not in message:
            raise ValueError(f"messages[{place}]: its content is empty, which V1 refuses.")
        total += len(content or "")
        if max_characters and total > max_characters:
            raise ValueError(
                f"messages[{place}]: with it the conversation has {total:,} characters, and this service "
                f"takes {max_characters:,}. Shorten it, or set max_characters if yours takes more (0: any number)."
            )
    if len(turns) % 2 == 0:
        place = turns[-1][0]
        raise ValueError(
            f"messages[{place}]: V1 wants an odd number of messages, the last from the user or a function."
        )
