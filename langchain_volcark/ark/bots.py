"""Bots (智能体, 应用) on Volcengine Ark, with the sources they used.

Follows https://www.volcengine.com/docs/82379/1526787 (bot API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator

from langchain_volcark.ark.bot_metadata import merge, to_wire
from langchain_volcark.ark.bot_replies import read_bot_payload, read_bot_reply
from langchain_volcark.ark.chat_models import ChatArk
from langchain_volcark.chat_completions.replies import read_choices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_volcark.assembler import StreamDelta
    from langchain_volcark.http.client import ServiceRequest


class ChatArkBot(ChatArk):
    """Bots on Volcengine Ark (火山方舟智能体): a model with plugins, and the references it used.

    Prompt, model and plugins (web search, knowledge base, link reader, calculator) are set up in the Ark console;
    a request cannot switch them. `model` is the bot's id. Besides what `ChatArk` takes and gives:

    Key init args:
        model: Bot id (`bot-…`); also per call.
        bot_metadata: The request's `metadata`; see `langchain_volcark.bot_metadata` for its keys.
        user_info: `{"city": …, "district": …}`, for plugins that ask where the user is.

    Example:
        ```python
        from langchain_volcark import ChatArkBot, References

        bot = ChatArkBot(model="bot-20250407225237-6xv7r")
        answer = bot.invoke("常见的十字花科植物有哪些?")
        print(answer.text)
        print(References(answer))
        ```

    Stream:
        The references stand on the chunk they came with, so that they can be shown before the answer.

        ```python
        for chunk in bot.stream("常见的十字花科植物有哪些?"):
            for reference in chunk.response_metadata.get("references", []):
                print(reference.get("title"), reference.get("url"))
            print(chunk.text, end="", flush=True)
        ```

    Citations:
        The same references as LangChain's standard citations, with their places where the text marks them.

        ```python
        for block in answer.content_blocks:
            for citation in block.get("annotations", []):
                print(citation.get("title"), citation.get("start_index"), citation.get("end_index"))
        ```

    Weather where the user is:
        ```python
        bot.invoke("今天天气如何?", user_info={"city": "杭州", "district": "西湖区"})
        ```

    Response metadata:
        `references`, `bot_usage` and `metadata` as the service sent them (`langchain_volcark.ark.bot_types` has
        their types). `usage_metadata` is the sum of `bot_usage["model_usage"]`. What the plugins did
        (`action_details`) also stands in `content_blocks`, as `server_tool_call` and `server_tool_result`.

    The page of the bot API names `thinking`, but neither `reasoning_effort` nor `max_completion_tokens`: they are
    sent when set, and the service may refuse them.
    """

    bot_metadata: dict[str, Any] | None = None
    """The request's `metadata` (core uses that name for traces). A call's own wins, key by key."""
    user_info: dict[str, Any] | str | None = None
    """`{"city": …, "district": …}` or the JSON of that, sent within `metadata`. A call's own wins, key by key."""

    endpoint_paths: ClassVar[tuple[str, ...]] = ("/bots/chat/completions", "/chat/completions", "/bots")

    @field_validator("bot_metadata")
    @classmethod
    def _check_bot_metadata(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        # A user_info may be completed by a call's own.
        to_wire({key: item for key, item in (value or {}).items() if key != "user_info"})
        return value

    @property
    def _llm_type(self) -> str:
        return "volcengine-ark-bot"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        own = {"bot_metadata": self.bot_metadata, "user_info": self.user_info}
        return {**super()._identifying_params, **{name: value for name, value in own.items() if value is not None}}

    def _request(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, *, stream: bool, **kwargs: Any
    ) -> ServiceRequest:
        metadata = merge(
            self.model_kwargs.get("metadata"),
            self.bot_metadata,
            _user_layer(self.user_info),
            kwargs.pop("metadata", None),
            kwargs.pop("bot_metadata", None),
            _user_layer(kwargs.pop("user_info", None)),
        )
        if metadata:
            kwargs["metadata"] = to_wire(metadata)
        return super()._request(messages, stop, stream=stream, **kwargs)

    def _read_choices(self, payload: Mapping[str, Any]) -> list[StreamDelta]:
        return [read_bot_reply(payload, choice) for choice in read_choices(payload) or (None,)]

    def _read_payload(self, payload: Mapping[str, Any]) -> StreamDelta:
        return read_bot_payload(payload)


def _user_layer(user_info: Mapping[str, Any] | str | None) -> dict[str, Any] | None:
    return None if user_info is None else {"user_info": user_info}
