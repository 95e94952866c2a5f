"""Validates messages of V1 requests.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model.
"""

from __future__ import annotations

import json
from typing import Any

from langchain_volcark.emulator.qianfan.errors import V1Error, invalid_param
from langchain_volcark.emulator.qianfan.models import is_preset, v1_characters

_FIELDS = frozenset({"role", "content", "name", "function_call"})


def check_messages(sent: Any, endpoint: str) -> list[dict[str, Any]]:
    """Check all messages and return them."""
    if not isinstance(sent, list) or not sent:
        raise invalid_param("the messages field must be a list that is not empty")
    functions = is_preset(endpoint)
    for index, message in enumerate(sent):
        _check_message(message, index, functions=functions)
    if len(sent) % 2 == 0 or sent[-1]["role"] == "assistant":
        raise V1Error(336006, "the length of messages must be an odd number")
    length = sum(len(message.get("content") or "") for message in sent)
    if length > v1_characters(endpoint):
        raise V1Error(336007, f"the max input characters is {v1_characters(endpoint)}")
    return sent


def _check_message(message: Any, index: int, *, functions: bool) -> None:
    if not isinstance(message, dict) or message.keys() - _FIELDS:
        raise invalid_param(f"messages[{index}] must be an object of {sorted(_FIELDS)}")
    role, content, call = message.get("role"), message.get("content"), message.get("function_call")
    allowed = ("assistant",) if index % 2 else ("user", "function") if functions and index else ("user",)
    if role not in allowed:
        raise invalid_param(f"the role of messages[{index}] must be {' or '.join(allowed)}, not {role}")
    if role == "assistant" and call is not None and functions:
        if not isinstance(call.get("name"), str) or not isinstance(call.get("arguments"), str):
            raise invalid_param("function_call needs a name, and arguments as a string")
        if content is not None and not content.strip():
            raise invalid_param(f"messages[{index}]: content beside function_call is null or text")
        return
    if not isinstance(content, str) or not content.strip():
        raise invalid_param(f"the content of messages[{index}] can not be empty")
    if role == "function":
        if not message.get("name"):
            raise invalid_param("function_call's name can't be blank")
        _check_result(content, index)


def _check_result(content: str, index: int) -> None:
    try:
        result = json.loads(content)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise invalid_param(f"the content of messages[{index}] must be a JSON object")


def with_tools(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Convert function calls to tool calls in OpenAI's format, each with an id."""
    made: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        if message.get("function_call"):
            call = {"id": f"call-{index}", "type": "function", "function": message["function_call"]}
            made.append({"role": "assistant", "content": message["content"] or "", "tool_calls": [call]})
        elif message["role"] == "function":
            made.append({"role": "tool", "tool_call_id": f"call-{index - 1}", "content": message["content"]})
        else:
            made.append(message)
    return made
