"""Tools that run inside Ark, for `ChatArk.bind_tools`; and the approval of MCP calls.

The tools are plain dicts, so they can be printed, stored and written by hand as well. A model that is given one
answers through the Responses API. Follows https://www.volcengine.com/docs/82379/1569618 (Responses API).

Example:
    ```python
    from langchain_volcark import ChatArk, hosted_tools

    model = ChatArk(model="doubao-seed-2-1-pro-260915")
    model.bind_tools([hosted_tools.web_search(limit=5)]).invoke("What happened in Hangzhou today?")
    ```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.messages import HumanMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage
    from pydantic import SecretStr

Feature = Literal["chat", "deep_chat", "ai_search", "reasoning_search"]
"""The name of one of Doubao's apps."""


def _tool(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


def web_search(
    *,
    limit: int | None = None,
    max_keyword: int | None = None,
    sources: Sequence[str] | None = None,
    user_location: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Let the model search the web; activate it in the console first.

    Args:
        limit: Maximum number of results of one search.
        max_keyword: Maximum number of keywords of one round.
        sources: Sources besides the usual ones: `toutiao`, `douyin`, `moji`.
        user_location: Where the user is: `{"type": "approximate", "country", "region", "city", "timezone"}`.

    Returns:
        The tool; arguments that are not given are left to the service.
    """
    return _tool(
        "web_search",
        limit=limit,
        max_keyword=max_keyword,
        sources=None if sources is None else list(sources),
        user_location=None if user_location is None else dict(user_location),
    )


def knowledge_search(knowledge_resource_id: str, **options: Any) -> dict[str, Any]:
    """Let the model search a knowledge base.

    Args:
        knowledge_resource_id: The knowledge base's id.
        **options: `description`, `limit`, `max_keyword`, `dense_weight`, `doc_filter`, `ranking_options`, as the
            API has them.

    Returns:
        The tool.
    """
    return _tool("knowledge_search", knowledge_resource_id=knowledge_resource_id, **options)


def mcp(
    server_label: str,
    server_url: str,
    *,
    headers: Mapping[str, str | SecretStr] | None = None,
    allowed_tools: Sequence[str] | Mapping[str, Any] | None = None,
    require_approval: Literal["always", "never"] | Mapping[str, Any] | None = None,
    server_description: str | None = None,
) -> dict[str, Any]:
    """Let the model use the tools of an MCP server.

    Args:
        server_label: Its name in this conversation.
        server_url: Its address.
        headers: Headers that the service sends to it. `Authorization` is not stored: give it in each call. A
            `SecretStr` is not shown when the tool is printed; traces and caches hold no values of headers.
        allowed_tools: The tools the model may use.
        require_approval: Whether calls wait for `approve`; default of the service: `"always"`.
        server_description: Its purpose, for the model.

    Returns:
        The tool.
    """
    allowed = dict(allowed_tools) if isinstance(allowed_tools, Mapping) else allowed_tools
    return _tool(
        "mcp",
        server_label=server_label,
        server_url=server_url,
        headers=None if headers is None else dict(headers),
        allowed_tools=list(allowed) if isinstance(allowed, (list, tuple)) else allowed,
        require_approval=dict(require_approval) if isinstance(require_approval, Mapping) else require_approval,
        server_description=server_description,
    )


def image_process(
    *, point: bool = True, grounding: bool = True, zoom: bool = True, rotate: bool = True
) -> dict[str, Any]:
    """Let the model edit and measure the images of the conversation.

    Args:
        point: Whether it may mark points and lines.
        grounding: Whether it may mark areas.
        zoom: Whether it may enlarge a part.
        rotate: Whether it may turn the image.

    Returns:
        The tool.
    """
    switches = {"point": point, "grounding": grounding, "zoom": zoom, "rotate": rotate}
    off = {name: {"type": "disabled"} for name, wanted in switches.items() if not wanted}
    return {"type": "image_process", **off}


def doubao_app(
    feature: Feature, *, role_description: str | None = None, user_location: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Let one of Doubao's own apps answer; it cannot be combined with other tools.

    Args:
        feature: The app.
        role_description: The app's role; cannot be combined with a system message.
        user_location: Where the user is.

    Returns:
        The tool.
    """
    role = {} if role_description is None else {"role_description": role_description}
    return _tool(
        "doubao_app",
        feature={feature: {"type": "enabled", **role}},
        user_location=None if user_location is None else dict(user_location),
    )


def mcp_approvals(message: AIMessage) -> list[dict[str, Any]]:
    """The calls of MCP tools that wait for approval.

    Args:
        message: An answer of `ChatArk`.

    Returns:
        Each with `id`, `server_label`, `name` and `arguments` (JSON text), in order.
    """
    items = message.additional_kwargs.get("output_items")
    found = [item for item in items if _asks(item)] if isinstance(items, list) else []
    if not found and isinstance(message.content, list):
        values = [part.get("value") for part in message.content if isinstance(part, dict)]
        found = [value for value in values if _asks(value)]
    names = ("id", "server_label", "name", "arguments")
    return [{name: item[name] for name in names if name in item} for item in found]


def _asks(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "mcp_approval_request"


def approve(
    message: AIMessage, approve: bool | Mapping[str, bool] = True, *, reason: str | None = None
) -> HumanMessage:
    """Answer the calls of MCP tools that wait for approval.

    Args:
        message: An answer of `ChatArk` that asks for approval.
        approve: Whether to approve all of them, or by id.
        reason: The reason, which the model reads.

    Returns:
        The next message of the conversation. The MCP tool must be bound again in that call.

    Raises:
        ValueError: The message asks for nothing, or an id is not among those it asks for, or is missing.

    Example:
        ```python
        answer = bound.invoke(messages)
        if mcp_approvals(answer):
            answer = bound.invoke([*messages, answer, approve(answer)])
        ```
    """
    wanted = [item["id"] for item in mcp_approvals(message)]
    if not wanted:
        raise ValueError("message: it asks for no approval.")
    chosen = dict(approve) if isinstance(approve, Mapping) else dict.fromkeys(wanted, approve)
    if chosen.keys() != set(wanted):
        raise ValueError(f"approve: it names {sorted(chosen)}, but the message asks about {wanted}.")
    why = {} if reason is None else {"reason": reason}
    answers = [
        {"type": "mcp_approval_response", "approval_request_id": id_, "approve": chosen[id_], **why}
        for id_ in wanted
    ]
    return HumanMessage([{"type": "non_standard", "value": answer} for answer in answers])
