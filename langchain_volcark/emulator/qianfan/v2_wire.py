"""Complete and streamed V2 replies.

https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.answer import Reply, compose
from langchain_volcark.emulator.ark.messages import text_of
from langchain_volcark.emulator.ark.wording import echo, last_user_text
from langchain_volcark.emulator.moderation import is_sensitive
from langchain_volcark.emulator.qianfan.search import cited, results
from langchain_volcark.emulator.sse import DONE, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_volcark.emulator.qianfan.v2_request import V2Request

_FRAGMENT = 2
_SAFETY_FLAG = 2

Json = dict[str, Any]


class V2Answer:
    """The reply to one request, complete or streamed."""

    def __init__(self, request: V2Request, reply_id: str) -> None:
        self._request = request
        self._id = reply_id
        self._created = int(time.time())
        self.unsafe = any(is_sensitive(text_of(message)) for message in request.chat.messages)
        search = request.search
        self._found = results(self._question, search.get("search_number", 10)) if search else []
        self._reply = Reply("", None, "", [], "content_filter") if self.unsafe else self._compose()

    @property
    def _question(self) -> str:
        return last_user_text(self._request.chat.messages)

    def _compose(self) -> Reply:
        text = None
        if self._request.search.get("enable_citation") and self._request.chat.messages[-1]["role"] == "user":
            text = cited(echo(self._question, {}), self._found)
        return compose(self._request.chat, 0, text)

    def whole(self) -> Json:
        """Return the complete reply."""
        message: Json = {"role": "assistant", "content": self._reply.content}
        if self._reply.reasoning:
            message["reasoning_content"] = self._reply.reasoning
        if self._reply.calls:
            message["tool_calls"] = [self._call(index) for index in range(len(self._reply.calls))]
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason(), **self._safety()}
        return {**self._envelope("chat.completion"), "choices": [choice], **self._traced(), "usage": self._usage()}

    def events(self) -> Iterator[bytes]:
        """Yield the events of a stream."""
        yield from self._opening()
        for place, delta in enumerate(self._deltas()):
            yield self._event(delta, first=place == 0)
        yield from self._closing()

    def _opening(self) -> Iterator[bytes]:
        if self._request.search.get("enable_status"):
            yield self._chunk({"content": "Searching …", "delta_tag": "search_status"})

    def _event(self, delta: Json, *, first: bool) -> bytes:
        # Deltas with reasoning have no role.
        role = {} if "reasoning_content" in delta or not first else {"role": "assistant"}
        return self._chunk({**role, **delta}, **(self._traced() if first else {}))

    def _closing(self) -> Iterator[bytes]:
        options = self._request.body.get("stream_options") or {}
        usage = {"usage": self._usage()} if options.get("include_usage") else {}
        yield self._chunk({"content": ""}, finish=True, **usage)
        yield DONE

    def _deltas(self) -> Iterator[Json]:
        for piece in _fragments(self._reply.reasoning):
            yield {"content": None, "reasoning_content": piece}
        for piece in _fragments(self._reply.content):
            yield {"content": piece}
        for index, call in enumerate(self._reply.calls):
            opening = self._call(index)
            opening["function"]["arguments"] = ""
            yield {"content": None, "tool_calls": [{"index": index, **opening}]}
            for piece in _fragments(call.arguments):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}

    def _chunk(self, delta: Json, *, finish: bool = False, **more: Any) -> bytes:
        end = {"finish_reason": self._finish_reason(), **self._safety()} if finish else {"flag": 0}
        choice = {"index": 0, "delta": delta, **end}
        return event({**self._envelope("chat.completion.chunk"), "choices": [choice], **more})

    def _envelope(self, kind: str) -> Json:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._request.model.id}

    def _call(self, index: int) -> Json:
        call = self._reply.calls[index]
        return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}

    def _finish_reason(self) -> str:
        # Baidu's models use `normal` instead of `stop`.
        reason = self._reply.finish_reason
        return "normal" if reason == "stop" and self._request.model.ernie else reason

    def _safety(self) -> Json:
        return {"flag": _SAFETY_FLAG, "ban_round": -1} if self.unsafe else {"flag": 0}

    def _traced(self) -> Json:
        return {"search_results": self._found} if self._request.search.get("enable_trace") else {}

    def prompt_tokens(self) -> int:
        """Count the tokens of the prompt."""
        body = self._request.body
        prompt_text = "".join(text_of(message) for message in self._request.chat.messages)
        tools = json.dumps(body["tools"], ensure_ascii=False) if body.get("tools") else ""
        return tokens.count(prompt_text) + tokens.count(tools)

    def _usage(self) -> Json:
        prompt, completion = self.prompt_tokens(), self._reply.completion_tokens
        usage: Json = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        if self._reply.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": self._reply.reasoning_tokens}
        return usage


def _fragments(text: str) -> Iterator[str]:
    pieces = tokens.split(text)
    for start in range(0, len(pieces), _FRAGMENT):
        yield "".join(pieces[start : start + _FRAGMENT])
