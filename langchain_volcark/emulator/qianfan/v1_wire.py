"""Complete and streamed V1 replies.

Custom services: https://cloud.baidu.com/doc/WENXINWORKSHOP/s/Ilkkrb0i5 and the page of each model.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.answer import Reply, compose
from langchain_volcark.emulator.ark.messages import text_of
from langchain_volcark.emulator.ark.wording import echo, last_user_text
from langchain_volcark.emulator.moderation import is_sensitive
from langchain_volcark.emulator.qianfan.models import is_preset
from langchain_volcark.emulator.qianfan.search import cited, results
from langchain_volcark.emulator.sse import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_volcark.emulator.qianfan.v1_request import V1Request

_FRAGMENT = 4
_SAFETY_FLAG = 2
_REASONS = {"stop": "normal", "tool_calls": "function_call"}

Json = dict[str, Any]


class V1Answer:
    """The reply to one request, complete or streamed."""

    def __init__(self, request: V1Request, reply_id: str) -> None:
        self._request = request
        self._id = reply_id
        self._preset = is_preset(request.endpoint)
        self.unsafe = any(is_sensitive(text_of(message)) for message in request.chat.messages)
        self._found = results(self._question, 3) if request.searches else []
        self._reply = self._compose()

    @property
    def _question(self) -> str:
        return last_user_text(self._request.chat.messages)

    def _compose(self) -> Reply:
        cites = self._request.body.get("enable_citation") and self._request.chat.messages[-1]["role"] == "user"
        text = cited(echo(self._question, {}), self._found) if cites else None
        return compose(self._request.chat, 0, text)

    @property
    def _text(self) -> str:
        # Answers of custom services begin with a space, as in the documentation.
        content = "" if self.unsafe else self._reply.content
        return f" {content}" if content and not self._preset else content

    def whole(self) -> Json:
        """Return the complete reply."""
        return {
            **self._envelope(),
            "result": self._text,
            **self._ending(),
            **self._safety(),
            "usage": self._usage(),
        }

    def events(self) -> Iterator[bytes]:
        """Yield the events of a stream; the last event has text too, and the final usage."""
        pieces = tokens.split(self._text)
        texts = ["".join(pieces[start : start + _FRAGMENT]) for start in range(0, len(pieces), _FRAGMENT)] or [""]
        for number, text in enumerate(texts):
            yield self._event(number, text, last=number == len(texts) - 1)

    def _event(self, number: int, text: str, *, last: bool) -> bytes:
        ending = self._ending() if last else {"is_truncated": False}
        place = {"sentence_id": number, "is_end": last}
        safety = self._safety() if last else {"need_clear_history": False}
        usage = self._usage() if last else {**self._usage(), "completion_tokens": 0}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        return event({**self._envelope(), **place, **ending, "result": text, **safety, "usage": usage})

    def _envelope(self) -> Json:
        return {"id": self._id, "object": "chat.completion", "created": int(time.time())}

    def _ending(self) -> Json:
        reason = self._reply.finish_reason
        ending: Json = {"is_truncated": reason == "length"}
        if not self._preset:
            return ending
        ending["finish_reason"] = "content_filter" if self.unsafe else _REASONS.get(reason, reason)
        ending["flag"] = _SAFETY_FLAG if self.unsafe else 0
        if self._reply.calls and not self.unsafe:
            call = self._reply.calls[0]
            thoughts = f"I need {call.name}."
            ending["function_call"] = {"name": call.name, "arguments": call.arguments, "thoughts": thoughts}
        if self._found:
            ending["search_info"] = {"search_results": self._found}
        return ending

    def _safety(self) -> Json:
        return {"need_clear_history": True, "ban_round": -1} if self.unsafe else {"need_clear_history": False}

    def prompt_tokens(self) -> int:
        """Count the tokens of the prompt."""
        return sum(tokens.count(text_of(message)) for message in self._request.chat.messages)

    def _usage(self) -> Json:
        prompt = self.prompt_tokens()
        completion = 0 if self.unsafe else self._reply.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
