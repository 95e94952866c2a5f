"""The settings of a chat model that concern the Responses API."""

from __future__ import annotations

from pydantic import BaseModel, Field

from langchain_volcark.ark.responses.options import Caching, ContextManagement, ExpireIn, Include
from langchain_volcark.base.values import OptionalSwitch, OptionalWhole


class ResponsesSettings(BaseModel):
    """Settings of a model for the Responses API; each can also be given per call."""

    use_responses_api: OptionalSwitch = None
    """Whether calls go to the Responses API; unset, only those that need it (hosted tools, stored responses)."""
    use_previous_response_id: OptionalSwitch = None
    """Whether to send only what is new since the newest answer in the history that the service still holds.

    Where the history no longer is what the service holds, all of it is sent. Unset, it is on with `caching`.
    """
    store: OptionalSwitch = None
    """Whether the service keeps the conversation; unset, it does, for three days. False keeps nothing."""
    caching: Caching = None
    """`"enabled"` keeps the conversation in the explicit cache: cheaper input, storage billed by the hour."""
    expire_in: ExpireIn = None
    """How long the service keeps each response: seconds or a `timedelta`, at most seven days."""
    include: Include = None
    """Additional contents of replies, such as `"reasoning.encrypted_content"`."""
    context_management: ContextManagement = None
    """What the service clears from long conversations: `{"edits": […]}`, or the list alone."""
    max_tool_calls: OptionalWhole = Field(default=None, ge=1, le=10)
    """Maximum number of rounds of hosted tools in one answer, 1 to 10."""


FIELDS = tuple(ResponsesSettings.model_fields)
"""The names of these settings."""
