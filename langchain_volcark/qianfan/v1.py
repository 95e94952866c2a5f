"""Qianfan V1's wire format: conversations, bodies and replies; pure functions.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model; functions and
further fields: the pages of the ERNIE models.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from langchain_volcark.assembler import StreamDelta
from langchain_volcark.chat_completions.content import as_json_text
from langchain_volcark.chat_completions.replies import (
    read_arguments,
    read_text,
    read_word,
    take_unread,
    take_usage,
)
from langchain_volcark.qianfan.messages import is_blank, join_neighbours
from langchain_volcark.tool_calls import ToolCallDelta
from langchain_volcark.values import Number, Stop, Whole, check_value, wanted, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.chat_completions.messages import JSONMessage
    from langchain_volcark.qianfan.messages import Placed

_READ = frozenset(
    {"id", "object", "result", "usage", "function_call", "finish_reason", "is_end", "is_truncated", "sentence_id"}
)

# --- conversations ----------------------------------------------------------------------------------------


def write_conversation(written: Placed, max_characters: int | None) -> list[JSONMessage]:
    """Put a chat-completions conversation into V1's form.

    System messages go to the front and become one, for V1 has a single `system` text. Messages of one role in a
    row are joined. A tool call becomes a `function_call`, its result a message of the role `function`; of several
    calls in one message each is followed by its result, for V1 knows one call per message. Names of authors are
    left out: V1 has none.

    Args:
        written: Messages as the chat-completions format has them, with their places.
        max_characters: Most characters of all contents together; None or 0 for no limit.

    Returns:
        The messages; the first has the role `system` where there is one.

    Raises:
        ValueError: V1 would refuse the conversation; the text names the message's position.
    """
    plain = [(place, _plain(place, message)) for place, message in written]
    system = [message["content"] for _, message in plain if message["role"] == "system"]
    turns = join_neighbours([(place, message) for place, message in plain if message["role"] != "system"])
    turns = _as_functions(turns)
    _check(turns, max_characters)
    first = [{"role": "system", "content": "\n".join(system)}] if system else []
    return [*first, *(message for _, message in turns)]


def _plain(place: int, message: JSONMessage) -> JSONMessage:
    """A message without its author's name, its content as one string."""
    plain = {key: value for key, value in message.items() if key != "name" or message["role"] == "function"}
    content = plain.get("content")
    if isinstance(content, list):
        if any(part.get("type") != "text" for part in content):
            raise ValueError(f"messages[{place}]: V1 takes text alone.")
        plain["content"] = "\n".join(part["text"] for part in content)
    return plain


def _as_functions(turns: Placed) -> Placed:
    """Tool calls and results as functions, each call followed by its result."""
    answers = _answers(turns)
    made: Placed = []
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
                    f"messages[{place}]: V1 knows one call per message, so each of several needs its result; "
                    f"{call['id']!r} has none."
                )
            text = (message.get("content") or None) if number == 0 else None
            made.append((place, {"role": "assistant", "content": text, "function_call": dict(call["function"])}))
            if answer is not None:
                made.append((answer[0], _function_result(call["function"]["name"], answer[1]["content"])))
    return made


def _answers(turns: Placed) -> dict[tuple[int, int], tuple[int, JSONMessage]]:
    """The result of each call, by the places of the call's message and of the call in it.

    A result answers the latest message before it that has a call of its id: a later turn may use an id again.
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
    """A result must be the text of a JSON object."""
    text = content if isinstance(content, str) else as_json_text(content)
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    return {"role": "function", "name": name, "content": text if is_object else as_json_text({"result": text})}


def _check(turns: Placed, max_characters: int | None) -> None:
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


# --- bodies -----------------------------------------------------------------------------------------------


def finish_body(body: dict[str, Any]) -> dict[str, Any]:
    """Rename what V1 calls otherwise, and refuse what it does not take.

    Args:
        body: Body in the chat-completions format, with the messages from `write_conversation`.

    Returns:
        V1's body, still with `model`.

    Raises:
        ValueError: A value is outside its range, or V1 has no such thing; the text names the field.
    """
    messages = body["messages"]
    if messages and messages[0].get("role") == "system":
        own = body.get("system")
        text = messages[0].get("content")
        body["system"] = f"{own}\n{text}" if own else text
        body["messages"] = messages[1:]
    _rename(body, "user", "user_id")
    _rename(body, "max_tokens", "max_output_tokens")
    _rename(body, "max_completion_tokens", "max_output_tokens")
    body.update(check_values(body))
    if "response_format" in body:
        body["response_format"] = _response_format(body["response_format"])
    _write_functions(body)
    return body


def _rename(body: dict[str, Any], name: str, to: str) -> None:
    if name not in body:
        return
    value = body.pop(name)
    if body.setdefault(to, value) != value:
        raise ValueError(f"{name} is V1's {to}, and both are set. Set one.")


def _response_format(value: Any) -> Any:
    kind = value.get("type") if isinstance(value, dict) else value
    if kind not in ("text", "json_object"):
        raise ValueError(f"V1's response_format is 'text' or 'json_object', not {kind!r}.")
    return kind


def _write_functions(body: dict[str, Any]) -> None:
    """`tools` as `functions`; other tools of the service stay."""
    tools: Sequence[Mapping[str, Any]] = body.pop("tools", None) or ()
    if not isinstance(tools, (list, tuple)) or not all(isinstance(tool, dict) for tool in tools):
        raise ValueError("tools must be a list of dictionaries.")
    if body.pop("parallel_tool_calls", None):
        raise ValueError("parallel_tool_calls: V1 makes one call at a time.")
    functions = _check_functions([tool.get("function") for tool in tools if tool.get("type") == "function"])
    functions = [dict(function) for function in functions]
    if others := [tool for tool in tools if tool.get("type") != "function"]:
        body["tools"] = others
    for function in functions:
        if function.pop("strict", None):
            raise ValueError("strict: V1 cannot promise that arguments match the schema.")
    choice = body.pop("tool_choice", None)
    if choice == "none":
        return
    if functions:
        body["functions"] = [*body.get("functions", ()), *functions]
    if choice == "required":
        choice = _only_function(body.get("functions") or ())
    if choice not in (None, "auto"):
        body["tool_choice"] = choice


def _only_function(functions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if len(functions) != 1:
        raise ValueError("tool_choice: V1 can force one function by its name, not any of several. Name one.")
    return {"type": "function", "function": {"name": functions[0]["name"]}}


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Hold values to V1's types and ranges, which are narrower than V2's.

    Args:
        values: Fields of a body, under V1's names or the package's; None passes.

    Returns:
        The same, as they are sent.

    Raises:
        ValueError: Names the field, what it must be, and what it was.
    """
    checked = dict(values)
    for name in TYPES.keys() & values.keys():
        if values[name] is not None:
            checked[name] = check_value(TYPES[name], name, values[name])
    return checked


def _check_top_k(value: Any) -> int:
    number = check_value(Number, "top_k", value) if isinstance(value, (int, float)) else None
    if number is None or number != int(number) or number < 1:
        raise wanted("a positive integer in V1")
    return int(number)


def _check_stop(stop: list[str] | str) -> list[str]:
    texts = [stop] if isinstance(stop, str) else stop
    if len(texts) > 4:
        raise ValueError(f"stop: V1 takes 4 texts at most, not {len(texts)}.")
    for position, text in enumerate(texts):
        if len(text) > 20:
            raise ValueError(f"stop[{position}]: V1 takes 20 characters at most, not {len(text)}.")
    return texts


def _check_functions(functions: list[Any]) -> list[Any]:
    for place, function in enumerate(functions):
        if not (isinstance(function, dict) and isinstance(function.get("name"), str)):
            raise ValueError(f"functions[{place}] must be a dictionary with a name.")  # noqa: TRY004
    return functions


TYPES: dict[str, Any] = {
    "temperature": Annotated[
        Number,
        within(0, 1, open_below=True, words="in (0, 1] in V1 (0 is refused, a small number such as 0.01 is not)"),
    ],
    "top_p": Annotated[Number, within(0, 1, words="in [0, 1] in V1")],
    "penalty_score": Annotated[Number, within(1, 2, words="in [1, 2] in V1")],
    "top_k": Annotated[Whole, BeforeValidator(_check_top_k)],
    "max_output_tokens": Annotated[Whole, Field(ge=1)],
    "stop": Annotated[Stop, AfterValidator(_check_stop)],
    "user_id": str,
    "functions": Annotated[list[Any], AfterValidator(_check_functions)],
    "response_format": dict[str, Any] | str,
}
"""The documented fields whose types or ranges are V1's own."""


# --- replies ----------------------------------------------------------------------------------------------


def read_v1_reply(payload: Mapping[str, Any]) -> StreamDelta:
    """Read a V1 reply, or one payload of a stream; they have the same form.

    Args:
        payload: The JSON object.

    Returns:
        What it adds to the message. Fields nobody knows keep their names in `metadata`. A call has no id in V1:
        there is one per reply, so the reply's id stands for it.

    Raises:
        ValueError: It is not what is documented, in a part that holds the answer.
    """
    delta = StreamDelta(
        text=read_text(payload, "result"), id=read_word(payload, "id"), is_last=bool(payload.get("is_end"))
    )
    delta.finish_reason = read_word(payload, "finish_reason")
    if payload.get("is_truncated") and delta.finish_reason in (None, "normal"):
        delta.finish_reason = "length"
    take_usage(payload.get("usage"), delta)
    take_unread(payload, _READ, delta.metadata)
    call = payload.get("function_call")
    delta.is_answer = bool(call or delta.text) or isinstance(payload.get("result"), str)
    if call:
        if not isinstance(call, dict):
            raise ValueError("`function_call` is not an object")
        delta.tool_calls = [ToolCallDelta(0, delta.id, read_word(call, "name"), read_arguments(call))]
        if call.get("thoughts"):
            delta.additional_kwargs["thoughts"] = call["thoughts"]
    return delta
