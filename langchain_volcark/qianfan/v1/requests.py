"""Builds request bodies of Qianfan V1: field names, types and ranges.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model; functions and
other fields: the pages of the ERNIE models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from langchain_volcark.base.values import Number, Stop, Whole, check_value, must_be, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def finish_body(body: dict[str, Any]) -> dict[str, Any]:
    """Convert a body from the chat completions format to V1's, and refuse what V1 does not support.

    Args:
        body: Body in the chat-completions format, with the messages from `write_conversation`.

    Returns:
        The V1 body, still with `model`.

    Raises:
        ValueError: A value is out of range, or V1 does not support the field; the message names it.
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
    """Move function tools from `tools` to `functions`; leave other tools where they are."""
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
        raise ValueError("tool_choice: V1 can force one named function, not any of several. Name one.")
    return {"type": "function", "function": {"name": functions[0]["name"]}}


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values against V1's types and ranges, which are narrower than V2's.

    Args:
        values: Body fields, under V1's names or the package's; None is accepted.

    Returns:
        The values, converted to the types that are sent.

    Raises:
        ValueError: The message names the field, the allowed values and the value.
    """
    checked = dict(values)
    for name in TYPES.keys() & values.keys():
        if values[name] is not None:
            checked[name] = check_value(TYPES[name], name, values[name])
    return checked


def _check_top_k(value: Any) -> int:
    number = check_value(Number, "top_k", value) if isinstance(value, (int, float)) else None
    if number is None or number != int(number) or number < 1:
        raise must_be("a positive integer in V1")
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
"""Documented fields whose types or ranges differ from V2."""
