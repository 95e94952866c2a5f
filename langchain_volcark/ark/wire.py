"""Chat completions as Ark and its bots speak them.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API) and /1526787 (bot API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.bot_replies import read_bot_payload, read_bot_reply
from langchain_volcark.ark.call_values import finish_options, refuse_contradictions
from langchain_volcark.chat_completions.wire import ChatCompletionsWire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.deltas import StreamDelta


class ArkChatWire(ChatCompletionsWire):
    """Ark's chat API."""

    @override
    def finish_body(self, body: dict[str, Any]) -> None:
        finish_options(body)
        refuse_contradictions(body)


class ArkBotWire(ArkChatWire):
    """Ark's bot API: the same, with references and the usage of several models in its replies."""

    @override
    def read_choice(self, payload: Mapping[str, Any], choice: Mapping[str, Any]) -> StreamDelta:
        return read_bot_reply(payload, choice)

    @override
    def read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        return read_bot_payload(payload)
