"""What a chat model would send and how it reads a reply, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.wires.wire import Wire


def request_of(
    model: Any,
    messages: Sequence[BaseMessage],
    stop: list[str] | None = None,
    /,
    *,
    stream: bool = False,
    **call: Any,
) -> ServiceRequest:
    """The request of a call."""
    made = model._call(messages, stop, stream=stream, **call)
    return model._wire(made).request(made)


def wire_of(model: Any) -> Wire:
    """The wire format of a plain call."""
    return model._wire(model._call([HumanMessage("hi")], None, stream=True))
