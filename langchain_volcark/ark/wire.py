"""Ark's chat-completions format.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API).
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from langchain_volcark.ark.options import finish_options, refuse_contradictions
from langchain_volcark.ark.responses.routing import CHAINS, SWITCH
from langchain_volcark.wires.chat_completions.wire import ChatCompletionsWire


class ArkChatWire(ChatCompletionsWire):
    """Chat completions with Ark's options."""

    @override
    def finish_body(self, body: dict[str, Any]) -> None:
        body.pop(SWITCH, None)
        body.pop(CHAINS, None)
        finish_options(body)
        refuse_contradictions(body)
