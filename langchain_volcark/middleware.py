"""Middleware for LangChain's agents; it needs the package `langchain`."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware
from typing_extensions import override

from langchain_volcark.ark.bots.chat_models import ChatArkBot
from langchain_volcark.ark.chat_models import ChatArk
from langchain_volcark.wires.tools import format_tools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import timedelta

    from langchain.agents.middleware import ModelRequest, ModelResponse

    from langchain_volcark.ark.responses.stored import ArkPrefix
    from langchain_volcark.wires.tools import ToolLike


class ArkCachingMiddleware(AgentMiddleware[Any, Any, Any]):
    """Keeps an agent's conversation in Ark's explicit cache: each step sends only what is new.

    Sets `caching="enabled"` for the calls of a `ChatArk`; other models and bots are called unchanged. Cached
    input is cheaper, storage is billed by the hour, and the model's cache is activated in the console first
    (https://www.volcengine.com/docs/82379/1602228).

    Tools and `thinking` are those of the first call of a conversation. A step that changes one of them, or whose
    history differs from the stored one, sends the whole history and begins a new chain. Calls with hosted tools
    or `store=False` raise a `ValueError`: the service cannot cache them. Structured output uses function
    calls; each step then sends the whole history, because a forced call cannot be asked for along the chain.

    Args:
        prefix: A beginning that `ChatArk.create_prefix` has put into the cache; the agent's conversations follow
            it. Its tools are those of the agent: they were given there, and are not sent again.
        expire_in: How long the service keeps the conversation after each call: seconds or a `timedelta`, at most
            seven days. Unset, the model's own value counts, or three days.

    Example:
        ```python
        from langchain.agents import create_agent

        from langchain_volcark import ChatArk
        from langchain_volcark.middleware import ArkCachingMiddleware


        def get_weather(city: str) -> str:
            "Weather of a city."
            return f"sunny in {city}"


        model = ChatArk(model="doubao-seed-2-1-pro-260915")
        agent = create_agent(model, [get_weather], middleware=[ArkCachingMiddleware(expire_in=3600)])
        agent.invoke({"messages": [("human", "Weather in 'Rome'?")]})
        ```
    """

    def __init__(self, *, prefix: ArkPrefix | None = None, expire_in: float | timedelta | None = None) -> None:
        super().__init__()
        self._prefix = prefix
        given = {"expire_in": expire_in, "previous_response_id": None if prefix is None else prefix.id}
        self._settings = {"caching": "enabled", **{name: one for name, one in given.items() if one is not None}}

    @override
    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Call the model with caching enabled."""
        return handler(self._cached(request))

    @override
    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Call the model with caching enabled."""
        return await handler(self._cached(request))

    def _cached(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        model = request.model
        if not isinstance(model, ChatArk) or isinstance(model, ChatArkBot):
            return request
        # Agents choose the way to structured output by the profile; JSON schemas and the cache exclude each other.
        profile: Any = {**(model.profile or {}), "structured_output": False}
        tools = request.tools if self._prefix is None else _without(request.tools, self._prefix)
        if self._prefix is not None and (self._prefix.expire_at or math.inf) <= time.time():
            # The service would go on without what the prefix held.
            raise ValueError("prefix: it has expired. Create it again.")
        return request.override(
            model=model.model_copy(update={"profile": profile}),
            model_settings={**self._settings, **request.model_settings},
            tools=tools,
        )


def _without(tools: Sequence[ToolLike], prefix: ArkPrefix) -> list[Any]:
    """Leave out an agent's tools, which its prefix already has; returns the empty list of tools.

    Raises:
        ValueError: The prefix has other tools.
    """
    own, cached = (
        [tool.get("function", tool).get("name") for tool in of] for of in (format_tools(tools), prefix.tools)
    )
    if own and sorted(map(str, own)) != sorted(map(str, cached)):
        raise ValueError(
            f"tools: the agent has {own}, but the prefix was created with {cached}. Give it the same."
        )
    return []
