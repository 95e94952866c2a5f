"""Validates the keyword arguments of a chat model's call like the constructor's, and merges them into the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator

from langchain_volcark.base.service import Headers, Query, Timeout
from langchain_volcark.base.values import ResponseFormat, Switch, check_field, check_value, must_be
from langchain_volcark.http.arguments import to_timeout

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pydantic import BaseModel


def _check_tools(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise must_be("a list of tools")
    for place, tool in enumerate(value):
        if isinstance(tool, dict) and tool.get("type") == "function" and not _is_flat(tool):
            _check_function(tool, f"tools[{place}]")
        elif not isinstance(tool, dict) and not callable(tool) and not hasattr(tool, "args_schema"):
            raise ValueError(f"tools[{place}] is no tool but a {type(tool).__name__}.")
    return list(value)


def _is_flat(tool: Mapping[str, Any]) -> bool:
    """Whether a function has the form of OpenAI's Responses API."""
    return "function" not in tool and isinstance(tool.get("name"), str)


def _check_choice(value: Any) -> Any:
    if not isinstance(value, (str, bool, dict)):
        raise must_be("a text, True, False or a dictionary")
    if isinstance(value, dict) and value.get("type") == "function" and "name" not in value:
        _check_function(value, "tool_choice")
    return value


def _check_function(tool: Mapping[str, Any], where: str) -> None:
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ValueError(f"{where}.function must be a dictionary with a name.")  # noqa: TRY004


_Tools = Annotated[list[Any], PlainValidator(_check_tools)]
"""The `tools` argument of a call."""
_ToolChoice = Annotated[Any, PlainValidator(_check_choice)]
"""The `tool_choice` argument of a call."""

CALL_TYPES: dict[str, Any] = {
    "model_name": str,
    "tools": _Tools,
    "tool_choice": _ToolChoice,
    "response_format": ResponseFormat,
    "stream_options": dict[str, Switch],
    "extra_body": dict[str, Any],
    "extra_headers": Headers,
    "extra_query": Query,
    "timeout": Timeout,
}
"""Types of the arguments that calls of all chat models accept and constructors do not, or in another form."""


def check_call(
    model: type[BaseModel], values: Mapping[str, Any], *, fields: Collection[str], types: Mapping[str, Any]
) -> dict[str, Any]:
    """Validate a call's keyword arguments by the types of the model's fields.

    Args:
        model: The model's class.
        values: The keyword arguments; None unsets the model's own value for the call.
        fields: The fields of the model that a call may set.
        types: Types of further arguments, and of fields that have another form in a call.

    Returns:
        The arguments, converted as by the constructor. Unknown arguments are kept unchanged.

    Raises:
        ValueError: A value is invalid (the text has the field, what it must be, and the value), or the field can
            only be set in the constructor.
    """
    checked = dict(values)
    for name, value in values.items():
        if name in model.model_fields and name not in fields and name not in types:
            # Sent as an unknown body field, it would have no effect, and a key would be in the body.
            raise ValueError(f"{name} is a setting of the model, not of a call: set it in the constructor.")
        if value is None:
            continue
        if name in types:
            checked[name] = check_value(types[name], name, value)
        elif name in fields:
            checked[name] = check_field(model, name, value)
    return checked


class Call:
    """The validated arguments of one call, split into body fields and transport settings.

    Args:
        values: The keyword arguments and `stop`; None unsets the model's own value.

    Attributes:
        model: The model to call, or None for the model's own.
        stream_usage: Whether a stream asks for its usage, or None for the model's own setting.
        extra_body: The call's `extra_body`.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        names = (self._values.pop("model", None), self._values.pop("model_name", None))
        self.model: str | None = names[0] or names[1] or None
        self.stream_usage: bool | None = self._values.pop("stream_usage", None)
        self._stop = self._values.pop("stop", None)
        self.extra_body: dict[str, Any] = self._values.pop("extra_body", None) or {}
        self._sent_with = {
            name: self._values.pop(name, None) for name in ("extra_headers", "extra_query", "timeout")
        }

    def write(
        self, body: Mapping[str, Any], *, stop: list[str] | str | None, raw: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Merge the call's values into the model's.

        Args:
            body: The body fields that the model sets.
            stop: The model's own stop sequences.
            raw: The merged `extra_body` of model and call, which overrides everything else.
        """
        merged = {**body, **self._values}
        # None in a call unsets the model's own value.
        merged = {name: value for name, value in merged.items() if value is not None or name not in self._values}
        if chosen := stop if self._stop is None else self._stop:
            merged["stop"] = chosen
        return {**merged, **raw}

    def transport(self) -> dict[str, Any]:
        """Headers, query and timeout, as keyword arguments of `ModelCall`."""
        timeout = self._sent_with["timeout"]
        return {
            "headers": self._sent_with["extra_headers"] or {},
            "query": self._sent_with["extra_query"] or {},
            "timeout": None if timeout is None else to_timeout(timeout),
        }
