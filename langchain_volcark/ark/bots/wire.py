"""The format of Ark's bot API: chat completions with references and the usage of several models.

Follows https://www.volcengine.com/docs/82379/1526787 (bot API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.bots.replies import read_bot_payload, read_bot_reply
from langchain_volcark.ark.wire import ArkChatWire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.messages.deltas import StreamDelta


class ArkBotWire(ArkChatWire):
    """Chat completions of a bot."""

    @override
    def read_choice(self, payload: Mapping[str, Any], choice: Mapping[str, Any]) -> StreamDelta:
        return read_bot_reply(payload, choice)

    @override
    def read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        return read_bot_payload(payload)
