"""Bots: validates requests, runs the emulated plugins, generates answers from their results.

Bot API: https://www.volcengine.com/docs/82379/1526787.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.answer import Reply, compose
from langchain_volcark.emulator.ark.bot_sources import KNOWLEDGE, MOST, WEB, Source, search, weather
from langchain_volcark.emulator.ark.calls import plan_calls
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing
from langchain_volcark.emulator.ark.models import MODELS, Model
from langchain_volcark.emulator.ark.request import ChatRequest, read_chat_request
from langchain_volcark.emulator.ark.wording import last_user_text, report
from langchain_volcark.emulator.moderation import is_sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.emulator.ark.usage import PromptCount

BOT_MODEL = "doubao-seed-1-6-250615"
PLAIN_MODEL = "doubao-1-5-pro-32k-250115"
MISSING_BOT = "bot-missing"

# In neither the bot API's documentation nor the official SDK's bot client.
_CHAT_ONLY = ("max_completion_tokens", "reasoning_effort")
_MARK = re.compile(r"EMULATOR_MARKS_(NONE|CARET|FOOTNOTE|LENTICULAR)")
_MARKS = {None: "[{}]", "NONE": "", "CARET": "^[{}]^", "FOOTNOTE": "[^{}]", "LENTICULAR": "【{}】"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """An action of a plugin."""

    plugin: str
    tool: str
    arguments: Json
    found: list[Source]


@dataclass(frozen=True)
class BotRequest:
    """A valid bot request.

    Attributes:
        chat: The fields in common with chat requests.
        metadata: The metadata, which the reply returns.
        question: The last user message.
        actions: The actions of the plugins.
        speaker: The character that answers in a group chat.
    """

    chat: ChatRequest
    metadata: Json
    question: str
    actions: list[Action]
    speaker: Json | None

    @property
    def sources(self) -> list[Source]:
        """Return all sources, in the order of their numbers in the answer."""
        return [source for action in self.actions for source in action.found]

    @property
    def model_name(self) -> str:
        """Return the model name for usage: a character's endpoint, else the model."""
        return self.speaker["model_desc"]["endpoint_id"] if self.speaker else self.chat.model.id

    def compose(self, index: int) -> Reply:
        """Generate one choice: from the sources if there are any, else like the model."""
        wants_text = self.chat.body.get("response_format", {}).get("type", "text") == "text"
        if not wants_text or self.chat.prefill is not None or not (self.sources or self.speaker):
            return compose(self.chat, index)
        found = _MARK.search(self.question)
        mark = _MARKS[found[1] if found else None]
        facts = [source.fact.rstrip("。.") for source in self.sources]
        text = " ".join(f"{fact}{mark.format(place)}。" for place, fact in enumerate(facts, 1))
        if self.chat.messages[-1]["role"] == "tool":
            text = f"{report(self.chat.messages)}. {text}".strip()
        if self.speaker:
            text = f"{self.speaker['name']}:{text or self.question}"
        return compose(self.chat, index, text)

    def usage(self, counts: PromptCount, replies: list[Reply]) -> Json:
        """Return `bot_usage`: tokens (sources are part of the prompt), plugins and their calls."""
        prompt = counts.total + sum(tokens.count(source.fact) for source in self.sources)
        return self.counted(prompt, sum(reply.completion_tokens for reply in replies))

    def counted(self, prompt: int, completion: int) -> Json:
        """Build `bot_usage` from token counts."""
        usage = {
            "name": self.model_name,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        return {
            "model_usage": [usage],
            "action_usage": [{"action_name": action.plugin, "count": 1} for action in self.actions],
            "action_details": [_details(action) for action in self.actions],
        }


def bot_model(name: str, endpoints: Mapping[str, str]) -> Model:
    """Return the model of a bot.

    Args:
        name: The bot's id.
        endpoints: Maps ids to models, as set for the emulator.

    Raises:
        ArkError: It is not a bot id, or the bot does not exist.
    """
    if not name.startswith("bot-") or name.startswith(MISSING_BOT):
        raise ArkError(
            404,
            "InvalidEndpointOrModel.NotFound",
            f"The model or endpoint {name} does not exist or you do not have access to it.",
        )
    model = MODELS.get(endpoints.get(name, PLAIN_MODEL if "plain" in name else BOT_MODEL))
    if model is None:
        raise invalid("model", f"what {name} stands for does not support this api")
    return model


def read_bot_request(sent: Json, name: str, model: Model) -> BotRequest:
    """Check a parsed body and run the plugins.

    Args:
        sent: The JSON body.
        name: The bot's id; with `knowledge` in it the bot also has the knowledge base plugin.
        model: The bot's model.

    Raises:
        ArkError: The request is invalid.
    """
    body = {field: value for field, value in sent.items() if value is not None}
    metadata = body.pop("metadata", {})
    for field in _CHAT_ONLY:
        if field in body:
            raise invalid(field, f'unknown field "{field}"')
    if is_sensitive(json.dumps(body.get("messages"))):
        raise ArkError(
            400,
            "SensitiveContentDetected",
            "The request failed because the input text may contain sensitive information.",
        )
    # The bot API's documentation has no model that refuses forced calls.
    chat = read_chat_request(body, replace(model, forced_calls=True))
    user, speaker = _check_metadata(metadata)
    question = last_user_text(chat.messages)
    # Plugins do not search if the reply calls the caller's tools or continues a prefill.
    searches = chat.prefill is None and not plan_calls(chat)
    actions = _search(question, user, knowledge="knowledge" in name) if searches else []
    return BotRequest(chat, metadata, question, actions, speaker)


def _check_metadata(metadata: Any) -> tuple[Json, Json | None]:
    """Return the user's location and the character that answers."""
    if not isinstance(metadata, dict):
        raise invalid("metadata", "expected an object")
    switch = metadata.get("emit_intention_signal_extra")
    if switch not in (None, "true", "false"):
        raise invalid("metadata.emit_intention_signal_extra", 'expected the string "true" or "false"')
    return _check_user(metadata.get("user_info")), _check_cast(metadata)


def _check_user(sent: Any) -> Json:
    if sent is None:
        return {}
    try:
        user = json.loads(sent)
    except (TypeError, ValueError):
        raise invalid("metadata.user_info", "expected a string that holds JSON") from None
    if not isinstance(user, dict) or not all(isinstance(user.get(name), str) for name in ("city", "district")):
        raise invalid("metadata.user_info", "city and district are required")
    return user


def _check_cast(metadata: Json) -> Json | None:
    config = metadata.get("group_chat_config")
    target = metadata.get("target_character_name")
    if config is None:
        return None
    characters = config.get("characters") if isinstance(config, dict) else None
    if not isinstance(characters, list) or not characters:
        raise missing("metadata.group_chat_config.characters")
    for position, character in enumerate(characters):
        path = f"metadata.group_chat_config.characters[{position}]"
        if not isinstance(character, dict):
            raise invalid(path, "expected an object")
        for name in ("name", "system_prompt"):
            if not isinstance(character.get(name), str):
                raise missing(f"{path}.{name}")
        model = character.get("model_desc")
        if not isinstance(model, dict) or not isinstance(model.get("endpoint_id"), str):
            raise missing(f"{path}.model_desc.endpoint_id")
    speaker = next((one for one in characters if target in (None, one["name"])), None)
    if speaker is None:
        raise invalid("metadata.target_character_name", f"{target!r} is none of the characters")
    return dict(speaker)


def _search(question: str, user: Json, *, knowledge: bool) -> list[Action]:
    question = re.sub(r"EMULATOR_\w+", "", question).strip()
    query = question[:100]
    web = Action(
        "content_plugin",
        "search",
        {"queries": [query], "source_type": ["search_engine"], "offset": 0, "count": MOST},
        [*weather(question, user), *search(question, WEB)][:MOST],
    )
    base = Action(
        "knowledge_plugin",
        "retrieve",
        {"query": query, "collection_name": "handbook", "limit": MOST},
        search(question, KNOWLEDGE) if knowledge else [],
    )
    return [action for action in (web, base) if action.found]


def _details(action: Action) -> Json:
    now = time.time_ns() // 1_000_000
    results = {"has_more": False, "results": [source.result for source in action.found]}
    call = {
        "name": action.tool,
        "input": action.arguments,
        "output": {"type": "tool", "data": {"status_code": 200, "data": results}},
        "created_at": now,
        "completed_at": now + 1,
    }
    return {"name": action.plugin, "count": 1, "tool_details": [call]}
