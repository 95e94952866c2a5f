"""Whole responses, read into `StreamDelta`s.

Follows https://www.volcengine.com/docs/82379/1783703 (the response object).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.responses.events import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_volcark.messages.deltas import StreamDelta


def read_response(payload: Mapping[str, Any]) -> list[Sequence[StreamDelta]]:
    """Read a whole response, which a stream's last event holds too.

    Args:
        payload: The JSON object.

    Returns:
        What its only answer adds to a message, item by item.

    Raises:
        ValueError: It is not what is documented, in a part that holds the answer.
    """
    return [ResponseReader().read_snapshot(payload)]
