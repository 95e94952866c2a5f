"""Chat model for bots (智能体, 应用) on Volcengine Ark, with the references of their answers.

Follows https://www.volcengine.com/docs/82379/1526787 (bot API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, model_validator

from langchain_volcark.ark.bots.metadata import check_user_info, merge, to_wire
from langchain_volcark.ark.bots.wire import ArkBotWire
from langchain_volcark.ark.chat_models import ChatArk
from langchain_volcark.ark.responses.routing import refuse_responses

if TYPE_CHECKING:
    from typing_extensions import Self

    from langchain_volcark.wires.wire import ModelCall


def _check_bot_metadata(value: dict[str, Any]) -> dict[str, Any]:
    # An incomplete user_info is allowed here, because a call may complete it.
    to_wire({key: item for key, item in value.items() if key != "user_info"})
    return value


class ChatArkBot(ChatArk):
    """Bots on Volcengine Ark (火山方舟智能体): a model with plugins, whose answers have references.

    Prompt, model and plugins (web search, knowledge base, link reader, calculator) are configured in the Ark
    console; a request cannot change them. `model` is the bot's id. In addition to `ChatArk`:

    Key init args:
        model: Bot id (`bot-…`); also per call.
        bot_metadata: The request's `metadata`; see `langchain_volcark.bot_metadata` for its keys.
        user_info: `{"city": …, "district": …}`, for plugins that need the user's location.

    Example:
        ```python
        from langchain_volcark import ChatArkBot, References

        bot = ChatArkBot(model="bot-20250407225237-6xv7r")
        answer = bot.invoke("常见的十字花科植物有哪些?")
        print(answer.text)
        print(References(answer))
        ```

    Stream:
        The references are on the chunk they arrive with, so they can be shown before the answer is complete.

        ```python
        for chunk in bot.stream("常见的十字花科植物有哪些?"):
            for reference in chunk.response_metadata.get("references", []):
                print(reference.get("title"), reference.get("url"))
            print(chunk.text, end="", flush=True)
        ```

    Citations:
        The same references as LangChain's standard citations, with offsets where the text has markers.

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
        `references`, `bot_usage` and `metadata` as the service sent them (`langchain_volcark.ark.bots.types` has
        their types). `usage_metadata` is the sum of `bot_usage["model_usage"]`. The calls of plugins
        (`action_details`) are in `content_blocks` too, as `server_tool_call` and `server_tool_result`.

    The bot API documents `thinking`, but neither `reasoning_effort` nor `max_completion_tokens`: they are sent
    when set, and the service may refuse them.
    """

    bot_metadata: Annotated[dict[str, Any], AfterValidator(_check_bot_metadata)] | None = None
    """The request's `metadata` (a name that core uses for traces). The value of a call is merged, key by key."""
    user_info: Annotated[dict[str, Any] | str, AfterValidator(check_user_info)] | None = None
    """`{"city": …, "district": …}` or its JSON, sent in `metadata`. The value of a call is merged, key by key."""

    call_fields: ClassVar[tuple[str, ...]] = (*ChatArk.call_fields, "bot_metadata", "user_info")
    call_types: ClassVar[Mapping[str, Any]] = {**ChatArk.call_types, "metadata": dict[str, Any]}
    endpoint_paths: ClassVar[tuple[str, ...]] = ("/bots/chat/completions", "/chat/completions", "/bots")

    @property
    def _llm_type(self) -> str:
        return "volcengine-ark-bot"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        own = {"bot_metadata": self.bot_metadata, "user_info": self.user_info}
        return {**super()._identifying_params, **{name: value for name, value in own.items() if value is not None}}

    def _adjust_call(self, values: dict[str, Any]) -> dict[str, Any]:
        metadata = merge(
            self.model_kwargs.get("metadata"),
            self.bot_metadata,
            _user_layer(self.user_info),
            values.pop("metadata", None),
            values.pop("bot_metadata", None),
            _user_layer(values.pop("user_info", None)),
        )
        if metadata:
            values["metadata"] = to_wire(metadata)
        return values

    @model_validator(mode="after")
    def _refuse_responses(self) -> Self:
        refuse_responses(self._default_params, {})
        return self

    @model_validator(mode="after")
    def _check_batch(self) -> Self:  # instead of the check of the endpoint's id
        if self.batch_inference:
            raise ValueError("batch: bots have no batch inference. Use ChatArk.")
        return self

    def _api_name(self, given: Mapping[str, Any], model: str) -> str:  # noqa: ARG002
        return "bots"

    def _wire(self, call: ModelCall) -> ArkBotWire:
        refuse_responses(call.parameters, call.raw)
        return ArkBotWire(self.provider, self.endpoint_paths[0], self._writer(call.model))


def _user_layer(user_info: Mapping[str, Any] | str | None) -> dict[str, Any] | None:
    return None if user_info is None else {"user_info": user_info}
