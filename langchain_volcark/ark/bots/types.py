"""Types of a bot's request metadata and reply fields, for type checkers and editors; not validated at run time.

Follows https://www.volcengine.com/docs/82379/1526787 (bot API), /1285209 (web plugin) and /1285210 (knowledge base
plugin). Every field of a reply is optional, because plugins differ and change.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict


class UserInfo(TypedDict):
    """The user's location, for plugins that need it (weather)."""

    city: str
    district: str


class ModelDescription(TypedDict):
    """The model that plays a character."""

    endpoint_id: str


class Character(TypedDict):
    """One character of a group chat."""

    name: str
    system_prompt: str
    model_desc: ModelDescription


class GroupChatConfig(TypedDict):
    """The characters of a group chat."""

    characters: list[Character]
    description: NotRequired[str]
    """The scene: subject, time, place, the user's role."""
    user_name: NotRequired[str]
    """The name of the user's role; `用户` by default."""


class BotMetadata(TypedDict, total=False):
    """The request's `metadata` in the service's form; `bot_metadata` creates it."""

    user_info: str
    emit_intention_signal_extra: Literal["true", "false"]
    group_chat_config: GroupChatConfig
    target_character_name: str


class CoverImage(TypedDict, total=False):
    """A picture of a web page."""

    url: str
    width: int
    height: int


class WeatherDisplay(TypedDict, total=False):
    """The content of a weather card; the inner values are not documented."""

    city: str
    condition: Any
    condition_url: str
    aqi: Any
    aqi_url: str
    aqiForecast: Any
    aqiForecastHourly: Any
    seven_forecast_data: Any


class WeatherCardData(TypedDict, total=False):
    """A weather card."""

    display: WeatherDisplay


class WebReferenceExtra(TypedDict, total=False):
    """Further information of the web plugin on a page."""

    rel_info: str
    """Relevance to the question, in words (`强相关`)."""
    freshness_info: str
    auth_info: str
    final_ref: str
    weather_card_data: WeatherCardData


class WebReference(TypedDict, total=False):
    """A web page that the bot used."""

    url: str
    mobile_url: str
    title: str
    summary: str
    site_name: str
    logo_url: str
    publish_time: str
    """As text: `2025年04月08日 10:30:00(CST) 星期二`; a time in 1970 means unknown."""
    cover_image: CoverImage
    extra: WebReferenceExtra


class KnowledgeReference(TypedDict, total=False):
    """A chunk of a knowledge-base document that the bot used."""

    collection_name: str
    project: str
    doc_id: str
    doc_name: str
    doc_type: str
    doc_title: str
    chunk_id: str
    chunk_title: str


Reference = WebReference | KnowledgeReference
"""One of `response_metadata["references"]`."""


class ModelUsage(TypedDict, total=False):
    """Token counts of one model that the bot called."""

    name: str
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ActionUsage(TypedDict, total=False):
    """How often a plugin was used."""

    action_name: str
    count: int


class ToolDetail(TypedDict, total=False):
    """One call that a plugin made; times in milliseconds since 1970."""

    name: str
    input: Any
    output: Any
    created_at: int
    completed_at: int


class ActionDetail(TypedDict, total=False):
    """The calls of one plugin."""

    name: str
    count: int
    tool_details: list[ToolDetail]


class BotUsage(TypedDict, total=False):
    """`response_metadata["bot_usage"]`: usage of models and plugins for the answer."""

    model_usage: list[ModelUsage]
    action_usage: list[ActionUsage]
    action_details: list[ActionDetail]
