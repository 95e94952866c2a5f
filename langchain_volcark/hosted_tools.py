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
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from langchain_core.messages import HumanMessage

from langchain_volcark.base.values import Number, Whole, check_value, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import AIMessage
    from pydantic import SecretStr

Feature = Literal["chat", "deep_chat", "ai_search", "reasoning_search"]
"""The name of one of Doubao's apps."""


_RANGES = {
    "limit": Annotated[Whole, within(1, 50)],
    "max_keyword": Annotated[Whole, within(1, 50)],
    "dense_weight": Annotated[Number, within(0.2, 1)],
}
_MOST_PASSAGES = Annotated[Whole, within(1, 200)]
_PLACES = ("country", "region", "city")


def _tool(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


def _number(name: str, value: float | None, kind: Any = None) -> Any:
    return None if value is None else check_value(kind or _RANGES[name], name, value)


def _texts(name: str, value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} must be a list of texts, not {value!r}.")
    return list(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a text that is not empty, not {value!r}.")
    return value


def _location(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not any(value.get(name) for name in _PLACES):
        raise ValueError("user_location must be a dictionary with country, region or city (at least one of them).")
    return {"type": "approximate", **value}


def web_search(
    *,
    limit: int | None = None,
    max_keyword: int | None = None,
    sources: Sequence[str] | None = None,
    user_location: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Let the model search the web; activate it in the console first.

    Args:
        limit: Maximum number of results of one search, 1 to 50; default of the service: 10.
        max_keyword: Maximum number of keywords of one round, 1 to 50.
        sources: Sources besides the usual ones: `toutiao`, `douyin`, `moji`.
        user_location: Where the user is: `{"country", "region", "city", "timezone"}`; one of the first three.

    Returns:
        The tool; arguments that are not given are left to the service.

    Raises:
        ValueError: A value is out of its range or of the wrong type.
    """
    return _tool(
        "web_search",
        limit=_number("limit", limit),
        max_keyword=_number("max_keyword", max_keyword),
        sources=_texts("sources", sources),
        user_location=_location(user_location),
    )


def knowledge_search(
    knowledge_resource_id: str,
    *,
    description: str | None = None,
    limit: int | None = None,
    max_keyword: int | None = None,
    dense_weight: float | None = None,
    doc_filter: Mapping[str, Any] | None = None,
    ranking_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Let the model search a knowledge base (flagship edition); activate it in the console first.

    Args:
        knowledge_resource_id: The knowledge base's id.
        description: What it contains, for the model.
        limit: Maximum number of passages of one search, 1 to 200; default of the service: 10.
        max_keyword: Maximum number of keywords of one round, 1 to 50.
        dense_weight: Share of the dense vectors in a hybrid search, 0.2 to 1; default of the service: 0.5.
        doc_filter: Filter on the fields of documents, in the API's form.
        ranking_options: `rerank_switch`, `rerank_model`, `retrieve_count`, `get_attachment_link`,
            `chunk_diffusion_count`, `chunk_group`, `rerank_only_chunk`.

    Returns:
        The tool; arguments that are not given are left to the service.

    Raises:
        ValueError: A value is out of its range or of the wrong type.
    """
    return _tool(
        "knowledge_search",
        knowledge_resource_id=_text("knowledge_resource_id", knowledge_resource_id),
        description=description,
        limit=_number("limit", limit, _MOST_PASSAGES),
        max_keyword=_number("max_keyword", max_keyword),
        dense_weight=_number("dense_weight", dense_weight),
        doc_filter=None if doc_filter is None else dict(doc_filter),
        ranking_options=None if ranking_options is None else dict(ranking_options),
    )


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

    Raises:
        ValueError: The label is empty, the address is no http(s) URL, or another value is of the wrong type.
    """
    if not _text("server_url", server_url).startswith(("http://", "https://")):
        raise ValueError(f"server_url must be an http(s) URL, not {server_url!r}.")
    if isinstance(require_approval, str) and require_approval not in ("always", "never"):
        raise ValueError(f'require_approval must be "always", "never" or a dictionary, not {require_approval!r}.')
    allowed = dict(allowed_tools) if isinstance(allowed_tools, Mapping) else allowed_tools
    return _tool(
        "mcp",
        server_label=_text("server_label", server_label),
        server_url=server_url,
        headers=None if headers is None else dict(headers),
        allowed_tools=allowed if isinstance(allowed, dict) else _texts("allowed_tools", allowed),
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

    Raises:
        ValueError: There is no such app, or the location has no place.
    """
    if feature not in get_args(Feature):
        raise ValueError(f"feature must be one of {', '.join(get_args(Feature))}, not {feature!r}.")
    role = {} if role_description is None else {"role_description": role_description}
    return _tool(
        "doubao_app",
        feature={feature: {"type": "enabled", **role}},
        user_location=_location(user_location),
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
